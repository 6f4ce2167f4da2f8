import { createSocket } from 'node:dgram'
import type { SocketOptions } from 'node:dgram'
import { connect, isIP } from 'node:net'
import type { Endpoint } from '../model/host.ts'
import type { Failure } from '../model/observation.ts'
import { nothing } from './deadline.ts'
import type { Deadline } from './deadline.ts'
import { encodeQuery, readMessage } from './dns-message.ts'
import type { Query, Reading } from './dns-message.ts'
import { failureOf } from './failure.ts'

export type Understood = Exclude<Reading, { kind: 'stray' | 'malformed' }>
export type Exchange = { came: true; reading: Understood } | { came: false; failure: Failure }

/** Something came in our name that could not be understood; said instead of a time-out. */
const badResponse: Failure = { type: 'dns', code: 'EBADRESP' }

function orBadResponse(failure: Failure, malformed: boolean): Failure {
  return malformed && failure.type === 'timeout' ? badResponse : failure
}

/** node:dgram looks up every address that it is given, its own too; here they are addresses already. */
const asItIs: SocketOptions['lookup'] = (address, options, callback) => {
  callback(null, address, isIP(address) || Number(options))
}

/** One query under way. */
interface Waiting {
  query: Query
  malformed: boolean
  settle(exchange: Exchange): void
}

/**
 * Sends queries over UDP from one fresh socket that is connected, so that the kernel lets through only what comes from
 * the server's address and port (RFC 5452 section 9), and waits for the first message for each that is ours and can be read. Strays and
 * garbage don't end a wait: else anybody could end it. The ids must differ: by id and question answers are told apart, and a
 * liar has to guess the port and the id of each (libc asks for both families in the same way). Gives one promise per query, in order.
 * None rejects.
 */
export function askUdp(server: Endpoint, queries: readonly Query[], deadline: Deadline): Promise<Exchange>[] {
  const socket = createSocket({ type: isIP(server.address) === 6 ? 'udp6' : 'udp4', lookup: asItIs })
  const waiting = new Set<Waiting>()
  let forget: () => void = nothing
  const settle = (one: Waiting, exchange: Exchange) => {
    if (!waiting.delete(one)) return
    one.settle(exchange)
    if (waiting.size > 0) return
    forget()
    try {
      socket.close()
    } catch {
      // an error may have closed it
    }
  }
  const exchanges = queries.map(
    (query) => new Promise<Exchange>((resolve) => waiting.add({ query, malformed: false, settle: resolve })),
  )
  // an error is the socket's: the kernel hands what came of one datagram to whichever call is next
  const fail = (error: unknown) => {
    for (const one of [...waiting])
      settle(one, { came: false, failure: failureOf(error, { phase: 'dns', afterSeconds: 0 }) })
  }
  socket.on('error', fail)
  socket.on('message', (message) => {
    for (const one of waiting) {
      const reading = readMessage(message, one.query)
      if (reading.kind === 'stray') continue
      if (reading.kind === 'malformed') one.malformed = true
      else settle(one, { came: true, reading })
      return
    }
  })
  forget = deadline.onEnd((failure) => {
    for (const one of [...waiting])
      settle(one, { came: false, failure: orBadResponse(failure, one.malformed) })
  })
  if (waiting.size === 0) return exchanges
  try {
    // Without a route the callback gets the error (its type does not say so), and no 'error' event comes.
    const connected = (unreachable?: Error | null): void => {
      if (unreachable) {
        fail(unreachable)
        return
      }
      for (const one of [...waiting]) {
        socket.send(encodeQuery(one.query), (error) => {
          if (error) fail(error)
        })
      }
    }
    socket.connect(server.port, server.address, connected)
  } catch (error) {
    fail(error)
  }
  return exchanges
}

/** Sends one query over a TCP connection of its own (RFC 7766) and reads one message, of at most 65,535 bytes. Never rejects. */
export function askTcp(server: Endpoint, query: Query, deadline: Deadline): Promise<Exchange> {
  return new Promise((resolve) => {
    const ended = deadline.ended()
    if (ended) {
      resolve({ came: false, failure: ended })
      return
    }
    const socket = connect({ host: server.address, port: server.port })
    let forget: () => void = nothing
    let settled = false
    const settle = (exchange: Exchange) => {
      if (settled) return
      settled = true
      forget()
      socket.destroy()
      resolve(exchange)
    }
    let received: Buffer = Buffer.alloc(0)
    socket.on('error', (error) =>
      settle({ came: false, failure: failureOf(error, { phase: 'dns', afterSeconds: 0 }) }),
    )
    socket.on('connect', () => {
      const message = encodeQuery(query)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(message.length)
      socket.write(Buffer.concat([length, message]))
    })
    socket.on('data', (chunk: Buffer) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      if (received.length < 2) return
      const length = received.readUInt16BE(0)
      if (received.length < length + 2) return
      const reading = readMessage(received.subarray(2, length + 2), query)
      if (reading.kind === 'malformed' || reading.kind === 'stray') {
        settle({ came: false, failure: badResponse })
      } else settle({ came: true, reading })
    })
    socket.on('end', () => settle({ came: false, failure: { type: 'reset', code: 'EOF' } }))
    socket.on('close', () => settle({ came: false, failure: { type: 'reset', code: 'EOF' } }))
    forget = deadline.onEnd((failure) => settle({ came: false, failure }))
  })
}
