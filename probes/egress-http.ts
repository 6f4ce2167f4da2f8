import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Socket } from 'node:net'
import type { Failure } from '../model/observation.ts'
import { nothing } from './deadline.ts'
import type { Deadline } from './deadline.ts'
import { failureOf } from './failure.ts'

export interface PlainRequest {
  method: 'HEAD' | 'POST' | 'CONNECT'
  /** A path, an absolute URL (to a proxy), or `host:port` (CONNECT). */
  target: string
  headers: Readonly<Record<string, string>>
  body: Buffer | null
}

export type StatusAnswer = { answered: true; status: number } | { answered: false; failure: Failure }

/** `host:port`, without the port where it is the usual one; IPv6 in brackets. */
export function authority(host: string, port: number, usualPort: number | null): string {
  const name = isIP(host) === 6 ? `[${host}]` : host
  return port === usualPort ? name : `${name}:${port}`
}

/**
 * One request over a socket that is connected, and the status of its answer; nothing else of the answer is kept. An answer
 * that can't be read as HTTP is a failure (`internal`), though something came. Destroys the socket. Never rejects.
 */
export function askStatus(socket: Socket, ask: PlainRequest, deadline: Deadline): Promise<StatusAnswer> {
  return new Promise((resolve) => {
    let settled = false
    let forget: () => void = nothing
    const settle = (answer: StatusAnswer): void => {
      if (settled) return
      settled = true
      forget()
      socket.destroy()
      resolve(answer)
    }
    const fail = (failure: Failure): void => settle({ answered: false, failure })
    const status = (response: IncomingMessage): void => {
      response.on('error', nothing)
      settle({ answered: true, status: response.statusCode ?? 0 })
    }
    try {
      const asked = request({
        createConnection: () => socket,
        method: ask.method,
        path: ask.target,
        setHost: false,
        headers: { ...ask.headers, ...(ask.body !== null && { 'Content-Length': ask.body.length }) },
        maxHeaderSize: 16_384,
        insecureHTTPParser: false,
      })
      asked.on('error', (error) => fail(failureOf(error, { phase: 'http', afterSeconds: 0 })))
      asked.on('close', () => fail({ type: 'reset', code: 'EOF' }))
      asked.on('response', status)
      asked.on('connect', status)
      asked.on('upgrade', status)
      forget = deadline.onEnd(fail)
      if (settled) return
      asked.end(ask.body ?? undefined)
    } catch (error) {
      fail(failureOf(error, { phase: 'http', afterSeconds: 0 }))
    }
  })
}
