import { quoteInput } from '../net/complaint.ts'
import { formatCidr, parseCidr } from '../net/cidr.ts'
import { formatIp, parseIp } from '../net/ip.ts'
import { safeText } from '../model/text.ts'
import type { SnapshotProblem } from '../model/topology.ts'

/** Collects what was not understood in one file. Texts are made safe here, so callers may quote the input. */
export interface Notes {
  file: string
  add(place: string, problem: string, expected: string, nextStep?: string): void
}

/** The problems of all files of one snapshot; beyond `mostProblems` they are only counted. */
export interface ProblemList {
  problems: SnapshotProblem[]
  uncounted: number
}

const mostProblems = 500

/** Notes for one file that end up in `list`. `defaultNextStep` stands where a note brings none of its own. */
export function notesFor(file: string, list: ProblemList, defaultNextStep: string): Notes {
  return {
    file,
    add(place, problem, expected, nextStep) {
      if (list.problems.length >= mostProblems) {
        list.uncounted += 1
        return
      }
      list.problems.push({
        file: safeText(file, 200),
        place: safeText(place, 200),
        problem: safeText(problem, 300),
        expected: safeText(expected, 300),
        nextStep: safeText(nextStep ?? defaultNextStep, 400),
      })
    },
  }
}

/** The input as a problem quotes it: never a long, secret or unprintable piece of it. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (typeof value === 'string') return quoteInput(value)
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  return safeText(String(value), 30)
}

/**
 * One JSON object of an AWS answer with typed access to its fields. A field that is absent or null is null; a
 * field of another type, or one that is required and absent, is noted and marks the item as damaged.
 * Whoever decodes decides at the end: a damaged item is left out, so that what stands in a snapshot was
 * understood whole.
 */
export interface Fields {
  place: string
  notes: Notes
  damaged(): boolean
  /** Notes a problem at `name` and marks the item as damaged. */
  damage(name: string, problem: string, expected: string): void
  names(): string[]
  raw(name: string): unknown
  /** Free text: control characters are stripped, at most `max` characters kept. */
  text(name: string, max?: number): string | null
  /** An id, ARN, state or name that stands in outputs: a closed set of characters, at most 512 of them. */
  word(name: string): string | null
  requiredWord(name: string): string
  flag(name: string): boolean | null
  number(name: string): number | null
  /** A list; absent: empty. */
  list(name: string): unknown[]
  words(name: string): string[]
  /** The objects of a list, each with its place; what is no object damages this item. */
  objects(name: string): Fields[]
  object(name: string): Fields | null
  /** Canonical text (RFC 4632, RFC 5952). */
  cidr(name: string, family: 4 | 6): string | null
  ip(name: string, family: 4 | 6): string | null
}

const wordPattern = /^[A-Za-z0-9*/][A-Za-z0-9*._:/+=,@#-]{0,511}$/

/** Wraps `value`; null (and a note) if it is not an object. Damage of an inner object reaches `parent`. */
export function fieldsOf(value: unknown, place: string, notes: Notes, parent?: () => void): Fields | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    notes.add(place, `${shown(value)} stands here`, 'an object')
    parent?.()
    return null
  }
  const record = value as Record<string, unknown>
  let damaged = false
  const mark = () => {
    damaged = true
    parent?.()
  }
  const at = (name: string) => (place === '' ? name : `${place}.${name}`)
  const damage = (name: string, problem: string, expected: string) => {
    notes.add(at(name), problem, expected)
    mark()
  }
  const raw = (name: string): unknown => (Object.hasOwn(record, name) ? record[name] : undefined)
  const typed = <T>(name: string, expected: string, accept: (value: unknown) => value is T): T | null => {
    const found = raw(name)
    if (found === undefined || found === null) return null
    if (accept(found)) return found
    damage(name, `${shown(found)} stands here`, expected)
    return null
  }
  const string = (name: string) => typed(name, 'a text', (value) => typeof value === 'string')
  const word = (name: string): string | null => {
    const found = string(name)
    if (found === null || wordPattern.test(found)) return found
    damage(name, `${shown(found)} stands here`, 'letters, digits and . _ : / + = , @ * # - (512 at most)')
    return null
  }
  const list = (name: string): unknown[] =>
    typed(name, 'a list', (value): value is unknown[] => Array.isArray(value)) ?? []
  const address = (
    name: string,
    family: 4 | 6,
    form: 'address' | 'CIDR',
    read: (text: string) => { family: 4 | 6; text: string } | string,
  ): string | null => {
    const found = string(name)
    if (found === null) return null
    const result = read(found)
    if (typeof result !== 'string' && result.family === family) return result.text
    damage(
      name,
      typeof result === 'string' ? result : `${shown(found)} is of the other family`,
      `an IPv${family} ${form}`,
    )
    return null
  }
  return {
    place,
    notes,
    damaged: () => damaged,
    damage,
    names: () => Object.keys(record),
    raw,
    text: (name, max = 1000) => {
      const found = string(name)
      return found === null ? null : safeText(found, max)
    },
    word,
    requiredWord: (name) => {
      const found = word(name)
      if (found === null && !isWrong(raw(name))) damage(name, `${shown(raw(name))} stands here`, 'an id')
      return found ?? ''
    },
    flag: (name) => typed(name, 'true or false', (value) => typeof value === 'boolean'),
    number: (name) =>
      typed(
        name,
        'a number',
        (value): value is number => typeof value === 'number' && Number.isFinite(value),
      ),
    list,
    words: (name) =>
      list(name).flatMap((entry, index) => {
        if (typeof entry === 'string' && wordPattern.test(entry)) return [entry]
        damage(`${name}[${index}]`, `${shown(entry)} stands here`, 'an id')
        return []
      }),
    objects: (name) =>
      list(name).flatMap((entry, index) => {
        const inner = fieldsOf(entry, `${at(name)}[${index}]`, notes, mark)
        return inner === null ? [] : [inner]
      }),
    object: (name) => {
      const found = raw(name)
      return found === undefined || found === null ? null : fieldsOf(found, at(name), notes, mark)
    },
    cidr: (name, family) =>
      address(name, family, 'CIDR', (text) => {
        const parsed = parseCidr(text)
        return parsed.ok ? { family: parsed.value.family, text: formatCidr(parsed.value) } : parsed.error
      }),
    ip: (name, family) =>
      address(name, family, 'address', (text) => {
        const parsed = parseIp(text)
        return parsed.ok ? { family: parsed.value.family, text: formatIp(parsed.value) } : parsed.error
      }),
  }
}

/** Already noted as being of a wrong type or form. */
function isWrong(value: unknown): boolean {
  return value !== undefined && value !== null
}
