import { parseArgs } from 'node:util'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { closest } from '../config/suggest.ts'

export interface OptionSpec {
  type: 'string' | 'boolean'
  short?: string
  /** May be given several times. */
  multiple?: boolean
  /** What stands for the value in the help, `FILE`. */
  value?: string
  help: string
}

/** One command: all that its help and its arguments need. `--help` is there by itself. */
export interface CommandSpec {
  /** The words that call it, `config check`. */
  name: string
  /** One or two sentences. */
  summary: string
  options: Readonly<Record<string, OptionSpec>>
  /** Left out: the command takes no arguments besides options. `max` may be Infinity. */
  positionals?: { label: string; min: number; max: number; help: string }
  examples: readonly string[]
  /** What follows the examples, for example the exit codes. */
  notes?: string
}

type OptionValue<O extends OptionSpec> = O['type'] extends 'boolean'
  ? boolean
  : O['multiple'] extends true
    ? string[]
    : string

export type OptionValues<S extends CommandSpec> = { [K in keyof S['options']]?: OptionValue<S['options'][K]> }

/** Code 0: help was asked for (text for stdout); 64: wrong usage (text for stderr). */
export type NotParsed = { ok: false; code: 0 | 64; text: string }

export type Parsed<S extends CommandSpec> =
  | { ok: true; values: OptionValues<S>; positionals: string[] }
  | NotParsed

const program = 'pathproof'

/** The table itself as JSON, `{spec}` or `{group, summary, commands}`: man pages and completions are made of it. */
export const helpForPrograms = '--help=json'

/** An argument as it may be printed. */
function shown(text: string): string {
  return JSON.stringify(safeText(redact(text), 80))
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join('')
}

/** The help of one command. */
export function helpText(spec: CommandSpec): string {
  const { positionals } = spec
  const options = Object.entries(spec.options).map(([name, { short, value, type, help }]) => {
    const left = `${short === undefined ? '' : `-${short}, `}--${name}${type === 'string' ? ` ${value ?? 'TEXT'}` : ''}`
    return [left, help] as const
  })
  const usage = ['Usage:', program, spec.name, '[OPTIONS]', positionals?.label ?? '']
    .filter((part) => part !== '')
    .join(' ')
  const argument =
    positionals === undefined ? '' : `\nArguments:\n${columns([[positionals.label, positionals.help]])}`
  return (
    `${usage}\n\n${spec.summary}\n${argument}\nOptions:\n${columns([...options, ['--help', 'this text']])}` +
    `\nExamples:\n${spec.examples.map((example) => `  ${example}\n`).join('')}${spec.notes === undefined ? '' : `\n${spec.notes}\n`}`
  )
}

function wrongUsage(name: string, problem: string): NotParsed {
  const words = [program, name].filter((word) => word !== '').join(' ')
  return { ok: false, code: 64, text: `${words}: ${problem}\nNext step: ${words} --help\n` }
}

/**
 * Reads the arguments behind the command's words by its table. Wrong usage comes back as text with a next step; what was
 * probably meant is named.
 */
export function parseCommand<const S extends CommandSpec>(spec: S, argv: readonly string[]): Parsed<S> {
  const wrong = (problem: string): NotParsed => wrongUsage(spec.name, problem)
  if (argv[0] === helpForPrograms) return { ok: false, code: 0, text: `${JSON.stringify({ spec })}\n` }
  const options = Object.fromEntries(
    Object.entries(spec.options).map(([name, { type, short, multiple }]) => [
      name,
      { type, multiple: multiple ?? false, ...(short !== undefined && { short }) },
    ]),
  )
  const { tokens, values, positionals } = parseArgs({
    args: [...argv],
    options: { ...options, help: { type: 'boolean' } },
    allowPositionals: true,
    strict: false,
    tokens: true,
  })
  if (values['help'] === true) return { ok: false, code: 0, text: helpText(spec) }
  const seen = new Set<string>()
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const option = Object.hasOwn(spec.options, token.name) ? spec.options[token.name] : undefined
    if (option === undefined) {
      const near = closest(token.name, [...Object.keys(spec.options), 'help'])
      return wrong(
        `unknown option ${shown(token.rawName)}${near === null ? '' : ` (did you mean "--${near}"?)`}`,
      )
    }
    const { value } = token
    if (option.type === 'boolean' && value !== undefined) return wrong(`${token.rawName} takes no value`)
    // An option in place of a value is a forgotten value, never a file called so.
    const missing =
      value === undefined || value === '' || (!token.inlineValue && value.startsWith('-') && value !== '-')
    if (option.type === 'string' && missing)
      return wrong(`${token.rawName} needs a value, ${option.value ?? 'a text'}`)
    if (seen.has(token.name) && option.multiple !== true) return wrong(`${token.rawName} is given twice`)
    seen.add(token.name)
  }
  const { min, max } = spec.positionals ?? { min: 0, max: 0 }
  if (positionals.length > max) return wrong(`unexpected argument ${shown(positionals[max] ?? '')}`)
  if (positionals.length < min) return wrong(`${spec.positionals?.label ?? 'an argument'} is missing`)
  return { ok: true, values: { ...values } as OptionValues<S>, positionals }
}

/** The help of a group of commands, or of the program (`group` empty): one line each. */
export function groupHelp(group: string, summary: string, table: Readonly<Record<string, string>>): string {
  const words = [program, group].filter((word) => word !== '').join(' ')
  return `Usage: ${words} COMMAND …\n\n${summary}\n\nCommands:\n${columns(Object.entries(table))}\n${words} COMMAND --help tells more.\n`
}

/** Finds the command of a group that the first argument calls. `table` holds each command's one-line summary. */
export function chooseCommand<const T extends Readonly<Record<string, string>>>(
  group: string,
  summary: string,
  table: T,
  argv: readonly string[],
): { ok: true; command: keyof T & string; argv: string[] } | NotParsed {
  const [first, ...rest] = argv
  if (first === helpForPrograms)
    return { ok: false, code: 0, text: `${JSON.stringify({ group, summary, commands: table })}\n` }
  if (first === '--help' || first === '-h' || first === 'help') {
    return { ok: false, code: 0, text: groupHelp(group, summary, table) }
  }
  if (first !== undefined && Object.hasOwn(table, first)) return { ok: true, command: first, argv: rest }
  if (first === undefined)
    return { ...wrongUsage(group, 'no command is given'), text: groupHelp(group, summary, table) }
  const near = closest(first, Object.keys(table))
  return wrongUsage(
    group,
    `unknown command ${shown(first)}${near === null ? '' : ` (did you mean "${near}"?)`}`,
  )
}
