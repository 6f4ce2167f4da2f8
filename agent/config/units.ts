/** What a reader of one value says: the value, or what is wrong with the text and what was expected instead. */
export type Read<T> = { ok: true; value: T } | Unread

export interface Unread {
  ok: false
  /** Follows the quoted text (`has no unit`), or is a whole sentence that quotes it where `sentence` is true. */
  problem: string
  sentence?: boolean
  expected?: string | undefined
  suggestion?: string | undefined
}

const unitSeconds = { d: 86_400, h: 3600, m: 60, s: 1, ms: 0.001 } as const

type Unit = keyof typeof unitSeconds

const unitNames = 'd, h, m, s, ms'

export const durationPattern = '^(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$'

/**
 * Reads a duration as Prometheus writes it (`30s`, `5m`, `1h30m`, `250ms`): whole numbers, each with a unit, the larger units
 * first, each once. The value is in seconds.
 */
export function parseDuration(text: string): Read<number> {
  const example = 'a duration like 30s, 5m, 1h30m or 250ms'
  if (text.length > 40) return { ok: false, problem: `has ${text.length} characters`, expected: example }
  if (/^[0-9]+$/.test(text))
    return { ok: false, problem: 'has no unit', expected: example, suggestion: `${text}s` }
  const parts = [...text.matchAll(/([0-9]+)([a-zA-Zµ]*)/g)]
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text) {
    return { ok: false, problem: 'is not a duration', expected: example }
  }
  let milliseconds = 0
  let previous = Number.POSITIVE_INFINITY
  for (const [, digits, unit = ''] of parts) {
    if (!Object.hasOwn(unitSeconds, unit)) {
      const meant = Object.hasOwn(unitSeconds, unit.toLowerCase()) ? text.toLowerCase() : undefined
      const problem = unit === '' ? 'has a number without a unit' : `has the unit "${unit}"`
      return { ok: false, problem, expected: `one of the units ${unitNames}`, suggestion: meant }
    }
    const size = unitSeconds[unit as Unit]
    if (size >= previous) {
      return {
        ok: false,
        problem: 'has its units out of order',
        expected: `the larger units first, each once`,
      }
    }
    previous = size
    milliseconds += Number(digits) * Math.round(size * 1000)
  }
  if (milliseconds > 1e13) return { ok: false, problem: 'is longer than 300 years', expected: example }
  return { ok: true, value: milliseconds / 1000 }
}

/** Writes `seconds` (whole milliseconds, not negative) so that `parseDuration` reads the same. */
export function formatDuration(seconds: number): string {
  let rest = Math.round(seconds * 1000)
  if (rest === 0) return '0s'
  let text = ''
  for (const [unit, size] of Object.entries(unitSeconds)) {
    const milliseconds = Math.round(size * 1000)
    const count = Math.floor(rest / milliseconds)
    if (count > 0) text += `${count}${unit}`
    rest -= count * milliseconds
  }
  return text
}

const sizeUnits = { GiB: 1024 ** 3, MiB: 1024 ** 2, KiB: 1024 } as const

/** Reads a size in binary units (`64MiB`, `512KiB`, `2GiB`) to bytes. */
export function parseSize(text: string): Read<number> {
  const expected = 'a whole number with one of the units KiB, MiB, GiB, like 64MiB'
  const match = /^([0-9]{1,6})([A-Za-z]*)$/.exec(text)
  if (match === null) return { ok: false, problem: 'is not a size', expected }
  const [, digits, unit] = match
  if (unit !== 'KiB' && unit !== 'MiB' && unit !== 'GiB') {
    // MB and M can be read as a million or as 1,048,576: no guess is made
    const problem = unit === '' ? 'has no unit' : `has the unit "${unit}"`
    const binary = /^([kmg])i?b?$/i.exec(unit ?? '')?.[1]
    return { ok: false, problem, expected, suggestion: binary && `${digits}${binary.toUpperCase()}iB` }
  }
  return { ok: true, value: Number(digits) * sizeUnits[unit] }
}

/** Writes a number of bytes that `parseSize` gave. */
export function formatSize(bytes: number): string {
  for (const [unit, size] of Object.entries(sizeUnits)) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`
  }
  return `${bytes / 1024}KiB`
}

const dayMs = 86_400_000

const datePattern = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/
const instantPattern =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$/

/**
 * Reads when something ends, to Unix milliseconds: a date (`2027-01-31`: the end of that day in UTC) or an instant of RFC 3339
 * (`2027-01-31T18:00:00Z`).
 */
export function parseUntil(text: string): Read<number> {
  const expected = 'a date like 2027-01-31 (to its end, UTC) or a time like 2027-01-31T18:00:00Z'
  const wrong = (problem: string): Read<number> => ({ ok: false, problem, expected })
  const match = datePattern.exec(text) ?? instantPattern.exec(text)
  if (match === null) return wrong('is not a date')
  const part = (index: number): number => Number(match[index] ?? 0)
  const [year, month, day] = [part(1), part(2), part(3)]
  const midnight = Date.UTC(year, month - 1, day)
  const date = new Date(midnight)
  if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
    return wrong('is not a day of the calendar')
  }
  const zone = match[8]
  if (zone === undefined) return { ok: true, value: midnight + dayMs }
  const [hour, minute, second] = [part(4), part(5), part(6)]
  if (hour > 23 || minute > 59 || second > 59) return wrong('is not a time of day')
  const zoneMinutes = zone.length === 1 ? 0 : Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4))
  if (zoneMinutes >= 24 * 60 || Number(zone.slice(4)) > 59) return wrong('has an impossible offset from UTC')
  const offsetMinutes = zone.startsWith('-') ? -zoneMinutes : zoneMinutes
  const milliseconds = Math.floor(Number(`0${match[7] ?? ''}`) * 1000)
  const minutes = hour * 60 + minute - offsetMinutes
  return { ok: true, value: midnight + minutes * 60_000 + second * 1000 + milliseconds }
}
