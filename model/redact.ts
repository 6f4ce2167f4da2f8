import { decodeText, type DecodedText } from './decode-text.ts'
import { secrecyOf, type Secrecy } from './secret-names.ts'

/** What stands where a secret stood. Only letters: it can be put into a URL, a header and JSON alike. */
const mark = 'REDACTED'

/** Access key ids (long-lived, temporary), session tokens as STS issues them, tokens of the instance metadata service. */
const secretShapes = [
  /A[KS]IA[A-Z0-9]{12,}/g,
  /(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|AQoDYXdz|AQoEXAMPLE)[A-Za-z0-9+/=_-]*/g,
  /AQAEA[A-Za-z0-9_-]{40,}={0,2}/g,
]

const ampersand = 0x26
const equals = 0x3d
const colon = 0x3a
const comma = 0x2c
const at = 0x40
const slash = 0x2f
const backslash = 0x5c
const doubleQuote = 0x22
const singleQuote = 0x27
const backtick = 0x60

/** From-to in the decoded text. */
type Range = [number, number]

/**
 * The one redactor for everything that leaves the process: logs, metrics, errors, records, pages. `text` may be any
 * text with URLs, headers, JSON or command lines anywhere in it. Replaced by `REDACTED` are the values of signature,
 * credential and token parameters (SigV4, SigV4A, SigV2, CloudFront; any case; names and separators percent-encoded
 * any number of times or escaped as in JSON), whole Authorization and Cookie headers, user information of URLs, access
 * key ids and session tokens. In doubt more is removed rather than less. Idempotent; time is linear in the length.
 */
export function redact(text: string): string {
  let current = String(text)
  // A second look costs nothing where the first found nothing, and makes the result a fixed point.
  for (let round = 0; round < 3; round++) {
    const next = redactOnce(current)
    if (next === current) break
    current = next
  }
  return current
}

function redactOnce(text: string): string {
  const decoded = decodeText(text)
  const ranges: Range[] = [
    ...namedValues(decoded),
    ...userInformation(decoded),
    ...bareUserInformation(decoded),
  ]
  for (const shape of secretShapes) {
    for (const match of decoded.text.matchAll(shape))
      ranges.push([match.index, match.index + match[0].length])
  }
  if (ranges.length === 0) return text
  ranges.sort((a, b) => a[0] - b[0] || b[1] - a[1])
  let out = ''
  let done = 0
  let covered = -1
  for (const [from, to] of ranges) {
    if (to <= covered) continue
    const start = Math.max(decoded.startOf(from), done)
    const end = decoded.endOf(to)
    if (from >= covered) out += text.slice(done, start) + mark
    done = end
    covered = to
  }
  return out + text.slice(done)
}

/** Values behind a secret name, found from their separator: `name=value`, `"name": "value"`, `'name', 'value'`. */
function* namedValues(decoded: DecodedText): Generator<Range> {
  const { text } = decoded
  let from = 0
  while (from < text.length) {
    const separator = nextSeparator(text, from)
    if (separator < 0) return
    from = separator + 1
    const code = text.charCodeAt(separator)
    const secrecy = secrecyOf(nameBefore(text, separator), code === equals)
    if (secrecy === 'none') continue
    const range = valueAfter(decoded, separator, secrecy)
    if (range === null) continue
    yield range
    from = Math.max(from, range[1])
  }
}

function nextSeparator(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === equals || code === colon) return i
    // Pairs in a list, as raw headers are printed: 'Cookie', 'a=b'
    if (code === comma && i > 0 && isQuote(text.charCodeAt(i - 1))) return i
  }
  return -1
}

function nameBefore(text: string, separator: number): string {
  let end = separator
  const limit = Math.max(0, separator - 12)
  while (end > limit && ' \t"\'`\\[])'.includes(text.charAt(end - 1))) end--
  let start = end
  const longest = Math.max(0, end - 128)
  while (start > longest && /[A-Za-z0-9_-]/.test(text.charAt(start - 1))) start--
  return text.slice(start, end)
}

/**
 * The value ends only at a delimiter that is not deeper encoded than its separator: in `Token=a%26b` the ampersand
 * belongs to the value, in `%26Token%3Da%26b` it ends it. A quoted name has a quoted value (JSON and its like); behind
 * a bare name a quote may also be a part of the value, so whichever end is farther counts.
 */
function valueAfter(decoded: DecodedText, separator: number, secrecy: Secrecy): Range | null {
  const { text } = decoded
  const depth = decoded.depthOf(separator)
  let start = separator + 1
  const limit = Math.min(text.length, start + 12)
  while (start < limit && ' \t>[(\\'.includes(text.charAt(start))) start++
  if (start >= text.length) return null
  const quoted = isQuote(text.charCodeAt(start)) && decoded.depthOf(start) <= depth
  if (quoted && /["'`][\s\])]{0,4}$/.test(text.slice(Math.max(0, separator - 5), separator))) {
    const end = closingQuote(decoded, start, text.length) ?? text.length
    return end > start + 1 ? [start + 1, end] : null
  }
  let end = start
  while (end < text.length) {
    const code = text.charCodeAt(end)
    if (decoded.depthOf(end) <= depth && (secrecy === 'line' ? isLineEnd(code) : endsValue(text, end, code)))
      break
    end++
  }
  if (quoted) {
    const reach = /[&\r\n]|$/.exec(text.slice(start, start + 512))?.index ?? 0
    end = Math.max(end, closingQuote(decoded, start, start + reach) ?? start)
  }
  return end > start ? [start, end] : null
}

/** Where the text in the quotes that open at `opened` ends; a quote counts only in front of what can follow a value. */
function closingQuote(decoded: DecodedText, opened: number, limit: number): number | null {
  const { text } = decoded
  const quote = text.charCodeAt(opened)
  const escaped = text.charCodeAt(opened - 1) === backslash
  for (let place = opened + 1; place < limit; place++) {
    if (text.charCodeAt(place) !== quote || decoded.depthOf(place) > decoded.depthOf(opened)) continue
    if (place > opened + 1 && (text.charCodeAt(place - 1) === backslash) !== escaped) continue
    if (!/^[\s,;:&<>\])}\\"]?$/.test(text.charAt(place + 1))) continue
    return escaped && place > opened + 1 ? place - 1 : place
  }
  return null
}

function endsValue(text: string, at: number, code: number): boolean {
  if (code === ampersand || code === doubleQuote || code === backtick || code <= 0x20) return true
  if (code === 0x3c || code === 0x3e || code === 0xa0) return true
  return code === backslash && text.charCodeAt(at + 1) === doubleQuote
}

/** `//user:secret@host`, the slashes encoded or not; a delimiter deeper encoded than them belongs to the secret. */
function* userInformation(decoded: DecodedText): Generator<Range> {
  const { text } = decoded
  let start = -1
  let depth = 0
  let lastAt = -1
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x20
    if (code === at) lastAt = i
    if (!endsAuthority(code) || (start >= 0 && i < text.length && decoded.depthOf(i) > depth)) continue
    if (start >= 0 && lastAt > start) yield [start, lastAt]
    const opens = isSlash(code) && i > 0 && isSlash(text.charCodeAt(i - 1))
    start = opens ? i + 1 : -1
    depth = opens ? decoded.depthOf(i) : 0
    lastAt = -1
  }
}

/** `user:secret@host` without a scheme. */
function* bareUserInformation(decoded: DecodedText): Generator<Range> {
  const { text } = decoded
  let start = 0
  let firstColon = -1
  let lastAt = -1
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x20
    if (decoded.depthOf(i) > 0) continue
    if (code === colon && firstColon < 0) firstColon = i
    if (code === at) lastAt = i
    if (!endsAuthority(code)) continue
    if (firstColon >= 0 && lastAt > firstColon) yield [start, lastAt]
    start = i + 1
    firstColon = -1
    lastAt = -1
  }
}

function endsAuthority(code: number): boolean {
  if (code <= 0x20 || isSlash(code) || code === doubleQuote) return true
  return code === 0x3f || code === 0x23 || code === 0x3c || code === 0x3e // ? # < >
}

function isSlash(code: number): boolean {
  return code === slash || code === backslash
}

function isQuote(code: number): boolean {
  return code === doubleQuote || code === singleQuote || code === backtick
}

function isLineEnd(code: number): boolean {
  return code === 0x0a || code === 0x0d
}

/** Bounds of `redactValue`; what lies beyond is named, not shown. */
const maxDepth = 12
const maxCharacters = 1024 * 1024

/**
 * The redactor for nested data on its way to JSON: every string goes through `redact`, the value of every field with a
 * secret name is replaced whole, and so is the element behind a secret name in a list (raw headers). Gives plain new
 * data without cycles, getters or classes: errors become `{name, message, code}`, dates ISO text, bytes and functions
 * a word. At most 12 levels deep and about a mebibyte of JSON: what lies beyond is left out, behind `[too large]`. Never
 * throws. Where nothing may be left out, take parts one by one, or `redactWithin`.
 */
export function redactValue(value: unknown): unknown {
  return redactWithin(value, maxCharacters).value
}

/**
 * The same within another bound. A value takes its characters as JSON has them, without escapes and digits; a text is taken whole or
 * not at all.
 * @returns `whole`: nothing was left out for want of room
 */
export function redactWithin(value: unknown, characters: number): { value: unknown; whole: boolean } {
  const seen = new Set<object>()
  let left = characters

  function visit(item: unknown, depth: number): unknown {
    left -= 2 + (typeof item === 'string' ? item.length : 0)
    if (left < 0) return '[too large]'
    if (typeof item === 'string') return redact(item)
    if (typeof item === 'bigint') return redact(item.toString())
    if (typeof item === 'symbol') return '[symbol]'
    if (typeof item === 'function') return '[function]'
    if (typeof item !== 'object' || item === null) return item
    if (seen.has(item)) return '[circular]'
    if (depth >= maxDepth) return '[too deep]'
    seen.add(item)
    try {
      return visitObject(item, depth + 1)
    } catch {
      return '[unreadable]' // A getter or proxy that throws.
    } finally {
      seen.delete(item)
    }
  }

  function visitObject(item: object, depth: number): unknown {
    if (item instanceof Date) return Number.isNaN(item.getTime()) ? null : item.toISOString()
    if (ArrayBuffer.isView(item) || item instanceof ArrayBuffer) return `[${item.byteLength} bytes]`
    if (item instanceof URL) return redact(item.href)
    if (item instanceof Error) return visitError(item, depth)
    if (item instanceof Map) return visitFields(item.entries(), depth)
    if (Array.isArray(item) || item instanceof Set) return visitList([...item], depth)
    return visitFields(
      Object.keys(item).map((key) => [key, Reflect.get(item, key)] as const),
      depth,
    )
  }

  function visitError(error: Error, depth: number): unknown {
    const code: unknown = Reflect.get(error, 'code')
    const fields: [string, unknown][] = [
      ['name', error.name],
      ['message', error.message],
    ]
    if (typeof code === 'string' || typeof code === 'number') fields.push(['code', code])
    if (error.cause !== undefined) fields.push(['cause', error.cause])
    return visitFields(fields, depth)
  }

  function visitList(items: unknown[], depth: number): unknown[] {
    const out: unknown[] = []
    for (const [index, item] of items.entries()) {
      if (left < 0) break
      const before = items[index - 1]
      out.push(typeof before === 'string' && isSecretField(before) ? mark : visit(item, depth))
    }
    return out
  }

  function visitFields(
    fields: Iterable<readonly [unknown, unknown]>,
    depth: number,
  ): Record<string, unknown> {
    const out: Record<string, unknown> = Object.create(null) as Record<string, unknown>
    for (const [key, item] of fields) {
      if (left < 0) break
      const name = typeof key === 'string' ? key : String(visit(key, depth))
      if (typeof key === 'string') left -= key.length + 2
      if (left < 0) {
        out['[too large]'] = true
        break
      }
      // The raw response of an SDK error holds headers and streams of the request.
      if (name === '$response') continue
      out[redact(name)] = isSecretField(name) ? mark : visit(item, depth)
    }
    return { ...out }
  }

  const shown = visit(value, 0)
  return { value: shown, whole: left >= 0 }
}

function isSecretField(name: string): boolean {
  if (name.length > 128) return false
  const plain = decodeText(name).text
  return /^(?:token|secret|pwd)$/i.test(plain) || secrecyOf(plain, false) !== 'none'
}
