import { parse as parseCron } from 'node-cron'
import { isIP } from 'node:net'
import { parseListenAddress } from '../web/listen.ts'
import { readIp } from './fields.ts'
import type { Read, Unread } from './units.ts'

const labelPattern = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/

function wrong(problem: string, suggestion?: string): Unread {
  return { ok: false, problem, suggestion }
}

/** Reads the DNS name of a target to lower case without trailing dot. Addresses, URLs and names of this host are refused. */
export function readHostname(text: string): Read<string> {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) && URL.canParse(text) ? new URL(text) : null
  if (url !== null) {
    const inner = readHostname(url.hostname)
    return wrong('is a URL', inner.ok ? inner.value : undefined)
  }
  if (text.replace(/\.$/, '').length > 253)
    return wrong(`has ${text.length} characters, more than the 253 of a DNS name`)
  if (isIP(text.replace(/^\[|\]$/g, '')) !== 0 || /^[0-9.]+$/.test(text)) {
    return wrong('is an address: TLS can prove only the name of an AWS service')
  }
  if (/[^\u0021-\u007e]/.test(text))
    return wrong('has characters outside ASCII: write the xn-- form that DNS knows')
  const port = /^([^:/]+):([0-9]+)$/.exec(text)
  if (port !== null) return wrong('has a port in it: the port has its own key', port[1])
  const hostname = text.toLowerCase().replace(/\.$/, '')
  const labels = hostname.split('.')
  if (labels.includes('')) return wrong('has an empty label')
  if (!labels.every((label) => labelPattern.test(label))) return wrong('is not a DNS name')
  if (labels.at(-1) === 'localhost' || hostname === 'localhost.localdomain')
    return wrong('is this host itself')
  if (labels.length < 2) return wrong('is a single label: the search list would complete it')
  return { ok: true, value: hostname }
}

/** Reads a five-field cron expression, with single blanks between the fields. */
export function readCron(text: string): Read<string> {
  const fields = text.trim().split(/ +/)
  const expected = 'five fields: minute, hour, day of month, month, day of week (UTC), like "*/5 * * * *"'
  if (text.startsWith('@') || fields.length !== 5) {
    const problem = text.startsWith('@') ? 'is a macro' : `has ${fields.length} fields`
    return { ok: false, problem, expected }
  }
  // long numbers would be unrolled into as many entries
  if (text.length > 200 || /[0-9]{3}/.test(text))
    return { ok: false, problem: 'is not a cron expression', expected }
  const expression = fields.join(' ')
  try {
    parseCron(expression)
    return { ok: true, value: expression }
  } catch {
    return { ok: false, problem: 'is not a cron expression that ever fires', expected }
  }
}

/**
 * A lower bound, in seconds, for the time between two slots of a five-field expression that `readCron` took: the shortest gap
 * between its minutes, with the hour's last minute followed by the next hour's first.
 */
export function cronGapSeconds(expression: string): number {
  const minutes = parseCron(expression)
    .minute.map(Number)
    .sort((a, b) => a - b)
  const gaps = minutes.map((minute, index) => (minutes[index + 1] ?? (minutes[0] ?? 0) + 60) - minute)
  return Math.min(...gaps) * 60
}

/** Reads what a socket is bound to: an address in canonical text, or the name of an interface. */
export function readSource(text: string): Read<string> {
  if (/^[0-9.]+$/.test(text) || text.includes(':')) return readIp(text)
  if (/^[A-Za-z0-9][A-Za-z0-9_.@-]{0,14}$/.test(text)) return { ok: true, value: text }
  return { ok: false, problem: 'is neither an address nor the name of an interface' }
}

/** Reads `127.0.0.1:10097`, `[::1]:10097`, `:10097` (every address), `localhost:10097` or `fd:3`; port 0 takes any free one. */
export function readListen(text: string): Read<string> {
  const listen = parseListenAddress(text)
  if (!('error' in listen)) return { ok: true, value: text }
  const own = listen.error.includes('expected')
  return {
    ok: false,
    problem: own ? 'is not an address with a port' : `can't be listened on: ${listen.error}`,
  }
}

/** `127.0.0.0/8`, `::1` or `localhost`, as `URL` writes them. */
function isLoopback(hostname: string): boolean {
  return /^127(\.\d{1,3}){3}$/.test(hostname) || hostname === '[::1]' || hostname === 'localhost'
}

/**
 * Reads the base URL of an API of AWS to its origin (`https://host`, `https://host:8443`). Requests are signed and carry a
 * session token, so without TLS it must be on loopback. User info, a path, a query and a fragment are refused.
 */
export function readApiEndpoint(text: string): Read<string> {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || url.hostname === '') return wrong('is not a URL')
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return wrong(`has the scheme ${url.protocol.slice(0, -1)}`)
  if (
    url.username !== '' ||
    url.password !== '' ||
    url.search !== '' ||
    url.hash !== '' ||
    url.pathname !== '/'
  ) {
    const expected = 'scheme, host and port only'
    return { ok: false, problem: 'carries user info, a path, a query or a fragment', expected }
  }
  if (url.protocol === 'http:' && !isLoopback(url.hostname))
    return wrong('is not encrypted, and not on loopback', `https://${url.host}`)
  return { ok: true, value: url.origin }
}
