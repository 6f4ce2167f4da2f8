import { safeText } from '../../model/text.ts'
import { redact } from '../../model/redact.ts'

/**
 * Readers of record bodies. Whoever wrote a ledger, and whatever names, certificates and answers went into it, is not
 * trusted here: each reader takes any value, never throws, and gives plain values of bounded size.
 */
export type Fields = Readonly<Record<string, unknown>>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : {}
}

/** One line, without control and invisible characters, redacted; empty for anything but text. */
export function textOf(value: unknown, most = 300): string {
  return typeof value === 'string' ? safeText(redact(value.slice(0, 8 * most)), most) : ''
}

/** A key that is looked up and never shown; empty for anything but short text. */
export function keyOf(value: unknown): string {
  return typeof value === 'string' && value.length <= 200 ? value : ''
}

export function keysOf(value: unknown, most: number): string[] {
  return listOf(value, most)
    .map(keyOf)
    .filter((key) => key !== '')
}

export function textOrNull(value: unknown, most = 300): string | null {
  const text = textOf(value, most)
  return text === '' ? null : text
}

/** Texts of a list, at most `most`. */
export function textsOf(value: unknown, most: number, longest = 300): string[] {
  if (!Array.isArray(value)) return []
  return value
    .slice(0, most)
    .map((item) => textOf(item, longest))
    .filter((text) => text !== '')
}

export function listOf(value: unknown, most: number): unknown[] {
  return Array.isArray(value) ? value.slice(0, most) : []
}

export function oneOf<const T extends string>(value: unknown, known: readonly T[]): T | null {
  return known.find((candidate) => candidate === value) ?? null
}

/** A finite number within the bounds, else null. */
export function numberOf(value: unknown, least: number, most: number): number | null {
  return typeof value === 'number' && value >= least && value <= most ? value : null
}

export function countOf(value: unknown): number {
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : 0
}

/** 9999-12-31: what `Date` and RFC 3339 can both tell. */
const lastMs = 253_402_300_799_999

export function timeOf(value: unknown): number | null {
  const ms = numberOf(value, 0, lastMs)
  return ms === null ? null : Math.floor(ms)
}

/** RFC 3339 text. */
export function stampOf(value: unknown): number | null {
  if (typeof value !== 'string' || value.length > 40) return null
  return timeOf(Date.parse(value))
}

/** A UTC time as reports write it; milliseconds only where there are any. */
export function isoOf(ms: number): string {
  return new Date(Math.min(Math.max(Math.floor(ms), 0), lastMs)).toISOString().replace('.000Z', 'Z')
}
