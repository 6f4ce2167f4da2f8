import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'

/** Any text for an HTML or SVG text or a quoted attribute: redacted, without control characters, cut, escaped. */
export function html(text: unknown, maxLength = 500): string {
  return redact(safeText(text, maxLength))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/** A text as an id or key in the document: hexadecimal where it is not plain, so that two texts never share one. */
export function key(text: string): string {
  return redact(text).replace(/[^A-Za-z0-9.-]/g, (c) => `_${c.charCodeAt(0).toString(16)}_`)
}

/** A text as one segment of a relative link; safe in a quoted attribute. */
export function segment(text: string): string {
  return encodeURIComponent(redact(text).toWellFormed()).replaceAll("'", '%27')
}

/** `2026-11-20 21:13:09 UTC`; the script adds how long ago that is. Unix milliseconds. */
export function time(ms: number): string {
  const at = new Date(ms)
  if (!Number.isFinite(at.getTime())) return 'unknown'
  const iso = at.toISOString()
  return `<time datetime="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC</time>`
}

/** A duration for a person, in the unit that fits. `seconds` may be null: not measured. */
export function duration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return '–'
  if (seconds < 0.000_1) return `${Math.round(seconds * 1e6)} µs`
  if (seconds < 1) return `${trim(seconds * 1000)} ms`
  if (seconds < 120) return `${trim(seconds)} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 3600)} h`
}

function trim(value: number): string {
  return value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0)
}

/** A list of texts, each escaped; nothing for an empty one. `most`: further ones are only counted. */
export function list(items: readonly string[], most = 50, className = ''): string {
  if (items.length === 0) return ''
  const shown = items.slice(0, most).map((item) => `<li>${html(item, 1500)}</li>`)
  const rest = items.length > most ? `<li>and ${items.length - most} more</li>` : ''
  return `<ul${className === '' ? '' : ` class="${className}"`}>${shown.join('')}${rest}</ul>`
}

/** `1 name`, `3 names`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`
}
