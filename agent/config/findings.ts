import type { Finding, Path } from './problems.ts'
import { shown } from './problems.ts'
import { closest } from './suggest.ts'

/** What the checks found: errors refuse the configuration, warnings do not. */
export interface Findings {
  errors: Finding[]
  warnings: Finding[]
}

export function createFindings(): Findings {
  return { errors: [], warnings: [] }
}

export function finding(
  path: Path,
  problem: string,
  expected = '',
  suggestion: string | null = null,
): Finding {
  return { path, problem, expected, suggestion }
}

/** Refuses a name that something before it in the list has already. */
export function checkUnique(
  findings: Findings,
  list: string,
  names: readonly (string | undefined)[],
  key = 'name',
): void {
  const seen = new Map<string, number>()
  for (const [index, name] of names.entries()) {
    if (name === undefined) continue
    const first = seen.get(name)
    if (first === undefined) seen.set(name, index)
    else {
      const problem = `the ${key} ${shown(name)} is taken by ${list}[${first}]`
      findings.errors.push(finding([list, index, key], problem, `another ${key}`))
    }
  }
}

/** Refuses a reference to something that the file does not define. */
export function checkKnown(
  findings: Findings,
  path: Path,
  what: string,
  wanted: string,
  known: readonly string[],
): void {
  if (known.includes(wanted)) return
  const expected =
    known.length === 0 ? `a ${what} of this file, which has none` : `one of: ${known.slice(0, 20).join(', ')}`
  // nobody reads thousands of suggestions, and each costs a look at all that is known
  const meant = findings.errors.length < 200 ? closest(wanted, known) : null
  findings.errors.push(finding(path, `there is no ${what} ${shown(wanted)}`, expected, meant))
}
