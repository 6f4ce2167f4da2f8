import { request } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { HttpExchange } from '../model/observation.ts'
import { redact } from '../model/redact.ts'
import { safeText } from '../model/text.ts'
import { nothing } from './deadline.ts'
import type { Deadline } from './deadline.ts'
import { remembering } from './remember.ts'

export interface HeadOptions {
  hostname: string
  port: number
  /** `pathproof/<version>`. */
  userAgent: string
}

/** Octets of all header lines together. */
const maxHeaderSize = 16_384

function hostHeader(hostname: string, port: number): string {
  const host = isIP(hostname) === 6 ? `[${hostname}]` : hostname
  return port === 443 ? host : `${host}:${port}`
}

function one(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name]
  const text = Array.isArray(value) ? value[0] : value
  return text === undefined || text === '' ? null : text
}

/** A value that is kept only if it looks like what it should be. */
function matching(text: string | null, pattern: RegExp): string | null {
  return text !== null && pattern.test(text) ? text : null
}

/** Hosts that are looked at one after the other say the same of themselves, and the same date within a second. */
const few = { most: 16, longest: 100 }

const serverText = remembering((server) => safeText(redact(server), 100), few)

/** IMF-fixdate (RFC 9110 section 5.6.7) only: `Date.parse` would also take a local time. */
const dateMs = remembering((text) => {
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)) return null
  const ms = Date.parse(text)
  return Number.isFinite(ms) ? ms : null
}, few)

const kept = new Set([
  'x-amz-request-id',
  'x-amzn-requestid',
  'location',
  'server',
  'x-amz-bucket-region',
  'date',
])

/**
 * Of the header lines as they came (name, value, name, …) those that `exchangeOf` reads, as node:http would put them together: of several
 * `location` or `server` the first counts, others are joined.
 */
export function keptHeaders(lines: readonly string[]): IncomingHttpHeaders {
  const headers: Record<string, string> = {}
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const name = (lines[at] as string).toLowerCase()
    if (!kept.has(name)) continue
    const value = lines[at + 1] as string
    const before = headers[name]
    if (before === undefined) headers[name] = value
    else if (name !== 'location' && name !== 'server') headers[name] = `${before}, ${value}`
  }
  return headers
}

/** What is kept of an answer, from any headers. Location may carry a presigned URL and is redacted. */
export function exchangeOf(status: number, headers: IncomingHttpHeaders): HttpExchange {
  const requestId = one(headers, 'x-amz-request-id') ?? one(headers, 'x-amzn-requestid')
  const location = one(headers, 'location')
  const server = one(headers, 'server')
  const date = one(headers, 'date')
  return {
    status,
    requestId: matching(requestId, /^[A-Za-z0-9+/=_.:-]{1,128}$/),
    bucketRegion: matching(one(headers, 'x-amz-bucket-region'), /^[a-z0-9-]{1,40}$/),
    location: location === null ? null : safeText(redact(location), 2000),
    dateMs: date === null ? null : dateMs(date),
    server: server === null ? null : serverText(server),
  }
}

/**
 * Sends `HEAD /` over the socket of a completed handshake and reads the answer's status and headers (at most 16 KiB). Never
 * sends a path or query of the user, follows nothing, and goes through no proxy: the socket is the connection. Null if no
 * answer came that can be read, for whatever reason. Destroys the socket. Never rejects.
 */
export function headRequest(
  socket: TLSSocket,
  options: HeadOptions,
  deadline: Deadline,
): Promise<HttpExchange | null> {
  return new Promise((resolve) => {
    let settled = false
    let forget: () => void = nothing
    const settle = (exchange: HttpExchange | null) => {
      if (settled) return
      settled = true
      forget()
      socket.destroy()
      resolve(exchange)
    }
    const fail = () => settle(null)
    try {
      const head = request({
        createConnection: () => socket,
        method: 'HEAD',
        path: '/',
        setHost: false,
        // as a list: node:http then writes them down at once
        headers: [
          'Host',
          hostHeader(options.hostname, options.port),
          'User-Agent',
          options.userAgent,
          'Accept',
          '*/*',
          'Connection',
          'close',
        ],
        maxHeaderSize,
        insecureHTTPParser: false,
      })
      head.on('error', fail)
      head.on('close', fail)
      head.on('response', (response) => {
        response.on('error', nothing)
        settle(exchangeOf(response.statusCode ?? 0, keptHeaders(response.rawHeaders)))
      })
      // a protocol switch was not asked for; without a listener it would be answered by a closed socket all the same
      head.on('upgrade', fail)
      forget = deadline.onEnd(fail)
      head.end()
    } catch {
      fail()
    }
  })
}
