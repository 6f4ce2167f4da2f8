import * as z from 'zod'
import { parseCidr, formatCidr } from '../../net/cidr.ts'
import { canonicalIp, parseIp } from '../../net/ip.ts'
import { durationPattern, formatDuration, parseDuration } from './units.ts'
import type { Read, Unread } from './units.ts'

/**
 * The kinds of value that the configuration knows. The message of each check is the phrase that follows "expected"; the
 * description goes into the JSON Schema.
 */

interface About {
  description: string
  expected: string
  /** What the JSON Schema can say of the text; the reader is stricter. */
  pattern?: string
  examples?: readonly string[]
}

/** A text that `read` turns into a value. */
export function readable<T>(about: About, read: (text: string) => Read<T>) {
  const { expected, ...meta } = about
  return z
    .string({ error: expected })
    .meta({ ...meta, examples: about.examples && [...about.examples] })
    .transform((text, context): T => {
      const result = read(text)
      if (result.ok) return result.value
      const { problem, sentence, suggestion } = result
      context.issues.push({
        code: 'custom',
        input: text,
        message: result.expected ?? expected,
        params: { problem, sentence, suggestion },
      })
      return z.NEVER
    })
}

/** A text of one pattern, kept as it is. */
export function word(description: string, expected: string, pattern: RegExp, examples?: readonly string[]) {
  return z
    .string({ error: expected })
    .regex(pattern, { error: expected })
    .meta({ description, ...(examples && { examples: [...examples] }) })
}

/** One of a closed list of words. */
export function choice<const T extends readonly [string, ...string[]]>(description: string, values: T) {
  return z.enum(values, { error: `one of: ${values.join(', ')}` }).meta({ description })
}

export function flag(description: string) {
  return z.boolean({ error: 'true or false' }).meta({ description })
}

/** A whole number, both ends included. */
export function count(description: string, min: number, max: number) {
  const error = `a whole number from ${min} to ${max}`
  return z.int({ error }).min(min, { error }).max(max, { error }).meta({ description })
}

/** A duration within its range (seconds, both ends included), read to seconds. */
export function duration(description: string, min: number, max: number, example: string) {
  const range = `from ${formatDuration(min)} to ${formatDuration(max)}`
  const about = {
    description: `${description} A duration ${range}.`,
    expected: `a duration ${range}, like ${example}`,
    pattern: durationPattern,
    examples: [example],
  }
  return readable(about, (text): Read<number> => {
    const result = parseDuration(text)
    if (!result.ok || (result.value >= min && result.value <= max)) return result
    return { ok: false, problem: result.value < min ? 'is too short' : 'is too long' }
  })
}

/** The name of something in this file that other keys, metrics or pages refer to. */
export function name(description: string) {
  const expected =
    'a name of 1 to 63 lower-case letters, digits, ".", "_" and "-", beginning with a letter or digit'
  return word(description, expected, /^[a-z0-9][a-z0-9._-]{0,62}$/)
}

/** A path of a file or directory; whether it exists is seen when it is used. */
export function path(description: string) {
  return word(description, 'an absolute path', /^\/[^\n]{0,4094}$/)
}

/** `net/` says what is wrong in one sentence, `…; expected …`. */
function fromSentence(error: string): Unread {
  const cut = error.indexOf('; expected ')
  if (cut < 0) return { ok: false, problem: error, sentence: true }
  return {
    ok: false,
    problem: error.slice(0, cut),
    sentence: true,
    expected: error.slice(cut + '; expected '.length),
  }
}

/** Reads an address to its canonical text. */
export function readIp(text: string): Read<string> {
  const ip = parseIp(text)
  return ip.ok ? { ok: true, value: canonicalIp(text) ?? text } : fromSentence(ip.error)
}

/** Reads a prefix to its canonical text. */
export function readCidr(text: string): Read<string> {
  const cidr = parseCidr(text)
  return cidr.ok ? { ok: true, value: formatCidr(cidr.value) } : fromSentence(cidr.error)
}

export function cidr(description: string) {
  const about = { description, expected: 'a prefix like 10.0.0.0/8', pattern: '^[0-9A-Fa-f:.]+/[0-9]{1,3}$' }
  return readable({ ...about, examples: ['10.0.0.0/8', '2001:db8::/32'] }, readCidr)
}

/** `10.1.1.53:53`, `[fd00::53]:53`, or an address alone, which means `defaultPort`. */
export function readServer(text: string, defaultPort: number): Read<{ address: string; port: number }> {
  const match = /^\[([^\]]*)\](?::(.*))?$/.exec(text) ?? /^([^:]*):([^:]*)$/.exec(text)
  const address = readIp(match?.[1] ?? text)
  if (!address.ok) return address
  const portText = match?.[2]
  if (portText === undefined) return { ok: true, value: { address: address.value, port: defaultPort } }
  const port = readPort(portText)
  return port.ok ? { ok: true, value: { address: address.value, port: port.value } } : port
}

export function readPort(text: string): Read<number> {
  const port = /^(0|[1-9][0-9]{0,4})$/.test(text) ? Number(text) : Number.NaN
  if (port >= 1 && port <= 65_535) return { ok: true, value: port }
  return { ok: false, problem: 'has no valid port', expected: 'a port from 1 to 65535 after the last ":"' }
}
