// What mutate.ts breaks: the rows of the rule table, and the conditions of the rules and the route resolver.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathClasses } from '../model/path.ts'
import { type Row, rows } from '../verdict/rules/rows.ts'

export interface Mutant {
  /** Relative to the root, with slashes. */
  file: string
  line: number
  /** What the broken line reads, trimmed; for a row what was done to it. */
  changed: string
  /** The broken file. */
  text: string
}

/** Each row with each class put in or taken out, and with another rank. `directory` holds the sources. */
export function rowMutants(directory: string): Mutant[] {
  const file = 'verdict/rules/rows.ts'
  const text = readFileSync(join(directory, file), 'utf8')
  const table: Record<string, Row> = rows
  return Object.entries(table).flatMap(([id, row]) => {
    const at = text.indexOf(`'${id}': row(`)
    if (at === -1) throw new Error(`${file} has no row ${id} in the form that is understood`)
    const rest = text.slice(at)
    const stop =
      at + Math.min(...["\n  '", '\n}', '\n\n'].map((end) => rest.indexOf(end)).filter((i) => i > 0))
    const put = (changed: string, leaves: readonly string[], rank: string = row.rank): Mutant => ({
      file,
      line: text.slice(0, at).split('\n').length,
      changed: `${id} ${changed}`,
      text: `${text.slice(0, at)}'${id}': row('${rank}', only(${leaves.map((c) => `'${c}'`).join(', ')})),${text.slice(stop)}`,
    })
    return [
      ...pathClasses.map((c) =>
        row.leaves.includes(c)
          ? put(
              `without ${c}`,
              row.leaves.filter((l) => l !== c),
            )
          : put(`with ${c}`, [...row.leaves, c]),
      ),
      put('of another rank', row.leaves, row.rank === 'configured' ? 'consistent' : 'configured'),
    ]
  })
}

const swaps: readonly (readonly [from: RegExp, to: string])[] = [
  [/ === /g, ' !== '],
  [/ !== /g, ' === '],
  [/ && /g, ' || '],
  [/ \|\| /g, ' && '],
  [/ > /g, ' <= '],
  [/ > /g, ' >= '],
  [/ < /g, ' >= '],
  [/ < /g, ' <= '],
  [/ >= /g, ' < '],
  [/ >= /g, ' > '],
  [/ <= /g, ' > '],
  [/ <= /g, ' < '],
  [/\.every\(/g, '.some('],
  [/\.some\(/g, '.every('],
  [/(?<=[\s(])!(?=[\w(])/g, ''],
  [/(?<=^\s*)if \((?=[\w.]+\) )/g, 'if (!'],
  [/(?<=^\s*)continue$/g, ''],
]

/** Every comparison turned round or moved by one, every `and` an `or`, every `every` a `some`, and back; every `not` gone. */
export function conditionMutants(directory: string): Mutant[] {
  const files = [
    ...readdirSync(join(directory, 'verdict'), { recursive: true, encoding: 'utf8' })
      .map((f) => `verdict/${f.replaceAll('\\', '/')}`)
      .filter((f) => f.endsWith('.ts') && f !== 'verdict/rules/rows.ts'),
    'aws/route.ts',
    'aws/route-rank.ts',
    'aws/route-table-of-subnet.ts',
  ]
  return files.flatMap((file) => {
    const lines = readFileSync(join(directory, file), 'utf8').split('\n')
    return lines.flatMap((line, index) => {
      if (/^\s*(\/\/|\*|\/\*|import|export (type|interface))/.test(line)) return []
      return swaps.flatMap(([from, to]) =>
        [...line.matchAll(from)].map((match): Mutant => {
          const changed = line.slice(0, match.index) + to + line.slice(match.index + match[0].length)
          return {
            file,
            line: index + 1,
            changed: changed.trim() || `without ${line.trim()} after ${(lines[index - 1] ?? '').trim()}`,
            text: lines.with(index, changed).join('\n'),
          }
        }),
      )
    })
  })
}
