import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { SignedRequest } from '../aws/request-signing.ts'
import type { Failure } from '../model/observation.ts'
import { nothing } from './deadline.ts'
import type { Deadline } from './deadline.ts'
import { failureOf } from './failure.ts'

/** An answer with the beginning of its body; or why there is none. */
export type Exchanged =
  | { answered: true; status: number; headers: IncomingHttpHeaders; body: string }
  | { answered: false; failure: Failure }

/** Octets of all header lines together. */
const maxHeaderSize = 16_384

/** Octets of a body that are looked at. */
const keptBytes = 8_192

/** A body beyond this size is not read to its end: the socket is given up, and carries nothing more. */
const mostBytes = 65_536

/**
 * Sends one signed request over the socket of a completed handshake and reads the answer to its end, so that the socket can
 * carry a further one. Nothing is followed, nothing is tried again, and no other connection is ever made in its place. Whether
 * the far end closes the socket shows in the socket itself. Never rejects.
 */
export function exchange(
  socket: TLSSocket,
  signed: SignedRequest,
  userAgent: string,
  deadline: Deadline,
): Promise<Exchanged> {
  return new Promise((resolve) => {
    let settled = false
    let forget: () => void = nothing
    const settle = (exchanged: Exchanged) => {
      if (settled) return
      settled = true
      forget()
      if (!exchanged.answered) socket.destroy()
      resolve(exchanged)
    }
    const fail = (error: unknown) =>
      settle({ answered: false, failure: failureOf(error, { phase: 'http', afterSeconds: 0 }) })
    const closed = () => settle({ answered: false, failure: { type: 'reset', code: 'EOF' } })
    const ended = deadline.ended()
    if (ended !== null) return settle({ answered: false, failure: ended })
    if (socket.destroyed || !socket.writable) return closed()
    try {
      const { method, host, target, headers, body } = signed
      const sent = httpRequest({
        createConnection: () => socket,
        method,
        path: target,
        setHost: false,
        headers: {
          ...headers,
          Host: host,
          'User-Agent': userAgent,
          'Content-Length': Buffer.byteLength(body),
          Connection: 'keep-alive',
        },
        maxHeaderSize,
        insecureHTTPParser: false,
      })
      sent.on('error', fail)
      sent.on('close', closed)
      sent.on('upgrade', closed)
      sent.on('response', (response) => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('error', fail)
        const answered = () => {
          const text = Buffer.concat(chunks).subarray(0, keptBytes).toString('utf8')
          settle({ answered: true, status: response.statusCode ?? 0, headers: response.headers, body: text })
        }
        response.on('data', (chunk: Buffer) => {
          if (bytes < keptBytes) chunks.push(chunk)
          bytes += chunk.length
          if (bytes <= mostBytes) return
          answered()
          socket.destroy()
        })
        response.on('end', answered)
      })
      forget = deadline.onEnd((failure) => settle({ answered: false, failure }))
      sent.end(body)
    } catch (error) {
      fail(error)
    }
  })
}

/**
 * Whether a further request may go over the socket of an answer: not where the far end said that it closes, upon which
 * node:http ends the socket, or has done so. One turn of the loop is waited, in which a close that came along shows.
 */
export async function staysOpen(socket: TLSSocket): Promise<boolean> {
  await new Promise((resolve) => setImmediate(resolve))
  return socket.writable && !socket.readableEnded
}
