import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'

/** Where a value stands in the document: keys and list indexes from the top. */
export type Path = readonly (string | number)[]

/** Something wrong or doubtful at a place of the document, before that place has got its line. */
export interface Finding {
  path: Path
  /** True when the key is meant and not its value. */
  atKey?: boolean
  problem: string
  /** What was expected instead; empty where the problem says it all. */
  expected: string
  suggestion: string | null
}

/** A finding with its place in the file; `line` and `col` count from 1 (0: the file as a whole). */
export interface Problem {
  file: string
  line: number
  col: number
  /** For example `targets[2].timeout`; empty for the document itself. */
  path: string
  problem: string
  expected: string
  suggestion: string | null
}

/** `targets[2].waiver.until`. Keys that are not plain words are quoted. */
export function pathText(path: Path): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (/^[A-Za-z_][\w-]{0,63}$/.test(part)) text += text === '' ? part : `.${part}`
    else text += `[${JSON.stringify(safeText(redact(part), 64))}]`
  }
  return text
}

/** A value of the document as it may be shown: short, without secrets and without anything that a terminal obeys. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(safeText(redact(value.slice(0, 4096)), 80))
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a map'
  return safeText(String(value), 80)
}

/** One line for a person: `file:line:col: path: what is wrong, expected what (did you mean …?)`. */
export function problemText(problem: Problem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}:${problem.col}` : problem.file
  const path = problem.path === '' ? '' : ` ${problem.path}:`
  const expected = problem.expected === '' ? '' : `, expected ${problem.expected}`
  const suggestion =
    problem.suggestion === null ? '' : ` (did you mean ${JSON.stringify(problem.suggestion)}?)`
  return safeText(`${place}:${path} ${problem.problem}${expected}${suggestion}`, 1000)
}
