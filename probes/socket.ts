import { connect as tlsConnect } from 'node:tls'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { Socket } from 'node:net'
import type { Clock, Dial, Dialled, Endpoint } from '../model/host.ts'
import type { Failure, Family } from '../model/observation.ts'
import { nothing } from './deadline.ts'
import type { Deadline } from './deadline.ts'
import { failureOf } from './failure.ts'
import type { Limit } from './limit.ts'
import type { LoopMoment, LoopWatch } from './loop-watch.ts'

/*
 * All socket timing is in this file. Durations are of the monotonic clock, less the time for which the event lay unread in this
 * process or was worked on by it (`loop-watch.ts`): they are the network's and the far end's.
 */

export interface Timed {
  /** Corrected; at least a microsecond. */
  seconds: number
  /** By how much `seconds` may be wrong, either way; null: not watched, and not corrected. */
  uncertaintySeconds: number | null
}

export interface Timers {
  clock: Clock
  loop: LoopWatch
}

/** Nothing comes back in no time, however little the clocks can tell. */
const leastSeconds = 1e-6

interface Start {
  /** By the monotonic clock, when what was sent had been handed to the kernel. */
  atMs: number
  begun: LoopMoment
  sent: LoopMoment
}

/** The clock starts; `begun` was taken before the call that sent, left out: nothing was sent yet. */
function startedAt({ clock, loop }: Timers, begun?: LoopMoment): Start {
  const atMs = clock.monotonicMs()
  const sent = loop.moment()
  return { atMs, begun: begun ?? sent, sent }
}

function timedSince({ atMs, begun, sent }: Start, { clock, loop }: Timers): Timed {
  const seconds = (clock.monotonicMs() - atMs) / 1000
  const waited = loop.waited(begun, sent)
  if (waited === null) return { seconds, uncertaintySeconds: null }
  return {
    seconds: Math.max(leastSeconds, seconds - waited.seconds),
    uncertaintySeconds: waited.boundSeconds,
  }
}

export type Connected =
  | { ok: true; socket: Socket; local: Endpoint | null; time: Timed }
  /** `atOnce`: the error was there when connect() returned, so it is this host's own. */
  | { ok: false; failure: Failure; local: Endpoint | null; atOnce: boolean }

export interface ConnectTo {
  address: string
  port: number
  family: Family
  localAddress: string | null
}

/**
 * Opens one TCP connection. The clock starts in `process.nextTick` after the call, which is when node:net calls connect(); an error
 * that is there by then is the kernel's own. On failure the socket is destroyed. Never rejects.
 */
export function connectTcp(
  to: ConnectTo,
  dial: Dial,
  timers: Timers,
  deadline: Deadline,
): Promise<Connected> {
  return new Promise((resolve) => {
    const ended = deadline.ended()
    if (ended) {
      resolve({ ok: false, failure: ended, local: null, atOnce: false })
      return
    }
    let dialled: Dialled
    try {
      dialled = dial(to)
    } catch (error) {
      const failure = failureOf(error, { phase: 'connect', afterSeconds: 0, atOnce: true })
      resolve({ ok: false, failure, local: null, atOnce: true })
      return
    }
    const { socket } = dialled
    const expected = timers.loop.expect()
    let start = startedAt(timers)
    let atOnce = false
    let forget: () => void = nothing
    // an error that nobody waits for any more must not end the process
    socket.on('error', nothing)
    const settle = (connected: Connected) => {
      forget()
      socket.off('connect', onConnect)
      socket.off('error', onError)
      socket.off('close', onClose)
      expected()
      if (!connected.ok) socket.destroy()
      resolve(connected)
    }
    const fail = (failure: Failure, own = false) =>
      settle({ ok: false, failure, local: dialled.local(), atOnce: own })
    const onConnect = () => {
      const time = timedSince(start, timers)
      socket.setNoDelay(true)
      settle({ ok: true, socket, local: dialled.local(), time })
    }
    const onError = (error: unknown) => {
      const afterSeconds = timedSince(start, timers).seconds
      fail(failureOf(error, { phase: 'connect', afterSeconds, atOnce }), atOnce)
    }
    const onClose = () => fail({ type: 'reset', code: 'EOF' })
    socket.once('connect', onConnect)
    socket.once('error', onError)
    socket.once('close', onClose)
    process.nextTick(() => {
      start = startedAt(timers, start.begun)
      atOnce = socket.destroyed
    })
    forget = deadline.onEnd((failure) => fail(failure))
  })
}

export type Secured = { ok: true; socket: TLSSocket; time: Timed } | { ok: false; failure: Failure }

export interface HandshakeOptions {
  secureContext: SecureContext
  /** SNI; null for IP literals, which have none (RFC 6066 section 3). */
  serverName: string | null
}

/**
 * A handshake that takes longer waits for the network and not for this process: it gives up its place, so that a
 * silent server can't keep others from their turn.
 */
const maxSlotSeconds = 0.5

/** Waits for a place in `slots`; null when the deadline came first. The function given back frees the place. */
function takeSlot(slots: Limit, deadline: Deadline): Promise<(() => void) | null> {
  return new Promise((resolve) => {
    const forget = deadline.onEnd(() => resolve(null))
    const hold = () => {
      forget()
      if (deadline.ended()) return Promise.resolve()
      return new Promise<void>((done) => {
        const timer = setTimeout(done, maxSlotSeconds * 1000)
        resolve(() => {
          clearTimeout(timer)
          done()
        })
      })
    }
    // a limit that is being shut down may refuse
    slots.run(hold).catch(() => resolve(null))
  })
}

/**
 * TLS over a connected socket: any certificate is taken, its worth is for the caller to find out. The clock
 * runs from the ClientHello written to the flight that ends with the server's Finished. A place in `slots` is held during the
 * handshake, at most half a second. On failure the socket is destroyed. Never rejects.
 */
export async function handshake(
  tcp: Socket,
  options: HandshakeOptions,
  slots: Limit,
  timers: Timers,
  deadline: Deadline,
): Promise<Secured> {
  const freeSlot = await takeSlot(slots, deadline)
  if (freeSlot === null) {
    tcp.destroy()
    const ended = deadline.ended()
    // waiting for a turn is this process's lack, not the far end's silence
    const starved: Failure = { type: 'resources', code: 'HANDSHAKE_SLOTS' }
    return { ok: false, failure: ended?.type === 'aborted' ? ended : starved }
  }
  try {
    return await secure(tcp, options, timers, deadline)
  } finally {
    freeSlot()
  }
}

const noCertificate = (() => ({})) as TLSSocket['getPeerCertificate']

function secure(
  tcp: Socket,
  options: HandshakeOptions,
  timers: Timers,
  deadline: Deadline,
): Promise<Secured> {
  return new Promise((resolve) => {
    let socket: TLSSocket
    const expected = timers.loop.expect()
    const begun = timers.loop.moment()
    try {
      socket = tlsConnect({
        socket: tcp,
        secureContext: options.secureContext,
        ...(options.serverName === null ? {} : { servername: options.serverName }),
        rejectUnauthorized: false,
        ALPNProtocols: ['http/1.1'],
        // the name is judged apart from the chain, by the caller
        checkServerIdentity: () => undefined,
      })
    } catch (error) {
      expected()
      tcp.destroy()
      resolve({ ok: false, failure: failureOf(error, { phase: 'tls', afterSeconds: 0 }) })
      return
    }
    const start = startedAt(timers, begun)
    // node:tls takes the whole chain apart (13 % of a handshake) for the check of the name, which is not made there
    socket.getPeerCertificate = noCertificate
    let forget: () => void = nothing
    // an error that nobody waits for any more must not end the process
    socket.on('error', nothing)
    const settle = (secured: Secured) => {
      forget()
      socket.off('secureConnect', onSecure)
      socket.off('error', onError)
      socket.off('close', onClose)
      expected()
      if (!secured.ok) {
        socket.destroy()
        tcp.destroy()
      }
      resolve(secured)
    }
    const onSecure = () => settle({ ok: true, socket, time: timedSince(start, timers) })
    const onError = (error: unknown) => {
      const afterSeconds = timedSince(start, timers).seconds
      settle({ ok: false, failure: failureOf(error, { phase: 'tls', afterSeconds }) })
    }
    const onClose = () => settle({ ok: false, failure: { type: 'reset', code: 'EOF' } })
    socket.once('secureConnect', onSecure)
    socket.once('error', onError)
    socket.once('close', onClose)
    forget = deadline.onEnd((failure) => settle({ ok: false, failure }))
  })
}

/**
 * Starts now, right before the request is sent; `read()` gives the time until the first byte that comes in afterwards, null while none
 * has. `stop()` must be called.
 */
export function timeFirstByte(socket: Socket, timers: Timers): { read(): Timed | null; stop(): void } {
  const expected = timers.loop.expect()
  const start = startedAt(timers)
  let time: Timed | null = null
  const onData = () => {
    time = timedSince(start, timers)
    expected()
  }
  socket.prependOnceListener('data', onData)
  const stop = () => {
    expected()
    socket.off('data', onData)
  }
  return { read: () => time, stop }
}
