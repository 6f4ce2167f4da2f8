import * as z from 'zod'
import type { Finding, Path } from './problems.ts'
import { shown } from './problems.ts'
import { closest } from './suggest.ts'

type Issue = z.core.$ZodIssue

function at(path: Path, problem: string, expected: string, suggestion: string | null = null): Finding {
  return { path, problem, expected, suggestion }
}

function unwrapped(schema: unknown): unknown {
  const wrapped =
    schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault
  return wrapped ? unwrapped(schema.unwrap()) : schema
}

/** The keys of the map that the issue is about, from the schema. */
function keysAt(schema: z.ZodType, path: Path): string[] {
  let current: unknown = schema
  for (const part of path) {
    const whole = unwrapped(current)
    if (whole instanceof z.ZodArray) current = whole.element
    else current = whole instanceof z.ZodObject ? whole.shape[part] : undefined
  }
  const map = unwrapped(current)
  return map instanceof z.ZodObject ? Object.keys(map.shape) : []
}

function words(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === 'string')
}

function wrongValue(path: Path, issue: Issue): Finding {
  const { input, message } = issue
  if (input === undefined) return at(path, 'is missing', message)
  if (issue.code === 'custom') {
    const { problem, sentence, suggestion } = (issue.params ?? {}) as Record<string, unknown>
    const said = sentence === true ? String(problem) : `${shown(input)} ${String(problem)}`
    return at(path, said, message, typeof suggestion === 'string' ? suggestion : null)
  }
  if (issue.code === 'invalid_value' && typeof input === 'string') {
    return at(path, `got ${shown(input)}`, message, closest(input, words(issue.values)))
  }
  const scalar = issue.code === 'invalid_type' && (typeof input === 'number' || typeof input === 'boolean')
  return at(path, `got ${shown(input)}${scalar ? ` (a ${typeof input})` : ''}`, message)
}

/** The branch of a union that was probably meant: the one that took the value's kind and stumbled inside it. */
function unionFindings(path: Path, issue: Extract<Issue, { code: 'invalid_union' }>): Finding[] {
  const inside = issue.errors.find(
    (issues) => issues.length > 0 && issues.every((inner) => inner.path.length > 0),
  )
  if (inside !== undefined)
    return inside.map((inner) => wrongValue([...path, ...(inner.path as Path)], inner))
  const short = issue.errors.flat().find((inner) => inner.code === 'too_small')
  if (short !== undefined) return [at(path, `got ${shown(issue.input)}`, short.message)]
  const known = issue.errors
    .flat()
    .flatMap((inner) => (inner.code === 'invalid_value' ? words(inner.values) : []))
  const suggestion = typeof issue.input === 'string' ? closest(issue.input, known) : null
  return [at(path, `got ${shown(issue.input)}`, issue.message, suggestion)]
}

/** What the schema says of a document, in the words of this program. The issues must carry their input. */
export function schemaFindings(schema: z.ZodType, issues: readonly Issue[]): Finding[] {
  return issues.flatMap((issue): Finding[] => {
    const path = issue.path as Path
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, path)
      return issue.keys.map((key) => ({
        path: [...path, key],
        atKey: true,
        problem: 'unknown key',
        expected: `one of: ${known.join(', ')}`,
        suggestion: closest(key, known),
      }))
    }
    return issue.code === 'invalid_union' ? unionFindings(path, issue) : [wrongValue(path, issue)]
  })
}
