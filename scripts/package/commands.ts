// Every command of the program as its own table tells it (`--help=json`): what man pages and completions are made of.
import type { CommandSpec } from '../../agent/cli/usage.ts'
import { helpForPrograms } from '../../agent/cli/usage.ts'

export interface Group {
  /** Words that lead to it; '' is the program. */
  name: string
  summary: string
  commands: Readonly<Record<string, string>>
}

export interface CommandTable {
  groups: Group[]
  commands: CommandSpec[]
}

/** Walks from the program to its last command. `ask` runs the program with these arguments and gives what it prints. */
export function commandTable(ask: (args: string[]) => string): CommandTable {
  const table: CommandTable = { groups: [], commands: [] }
  const visit = (words: string[]): void => {
    const told = JSON.parse(ask([...words, helpForPrograms])) as
      | { spec: CommandSpec }
      | { group: string; summary: string; commands: Record<string, string> }
    if ('spec' in told) return void table.commands.push(told.spec)
    table.groups.push({ name: words.join(' '), summary: told.summary, commands: told.commands })
    for (const name of Object.keys(told.commands)) visit([...words, name])
  }
  visit([])
  return table
}
