import { connect as tlsConnect } from 'node:tls'
import type { SecureContext, TLSSocket } from 'node:tls'
import type { Socket } from 'node:net'
import type { Clock, Dial, Dialled, Endpoint } from '../model/host.ts'
import type { Failure, Family } from '../model/observation.ts'
import { nothing } from './deadline.ts'
import type { Deadline } from './deadline.ts'
import { failureOf } from './failure.ts'
import type { Limit } from './limit.ts'
import type { LoopWatch } from './loop-watch.ts'

/*
 * All socket timing is in this file. Durations are of the monotonic clock, as this process saw the events: they hold
 * its own crypto, and the time that an event lay unread. The bound of the latter is given beside each and is not subtracted.
 */

export interface Timed {
  seconds: number
  /** Upper bound of the part of `seconds` during which the event lay unread in this process; null: not watched. */
  waitedSeconds: number | null
}

export interface Timers {
  clock: Clock
  loop: LoopWatch
}

function timedSince(startedMs: number, { clock, loop }: Timers): Timed {
  return { seconds: (clock.monotonicMs() - startedMs) / 1000, waitedSeconds: loop.waitedSeconds() }
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
    let startedMs = timers.clock.monotonicMs()
    let atOnce = false
    let forget: () => void = nothing
    // an error that nobody waits for any more must not end the process
    socket.on('error', nothing)
    const settle = (connected: Connected) => {
      forget()
      socket.off('connect', onConnect)
      socket.off('error', onError)
      socket.off('close', onClose)
      if (!connected.ok) socket.destroy()
      resolve(connected)
    }
    const fail = (failure: Failure, own = false) =>
      settle({ ok: false, failure, local: dialled.local(), atOnce: own })
    const onConnect = () => {
      const time = timedSince(startedMs, timers)
      socket.setNoDelay(true)
      settle({ ok: true, socket, local: dialled.local(), time })
    }
    const onError = (error: unknown) => {
      const afterSeconds = timedSince(startedMs, timers).seconds
      fail(failureOf(error, { phase: 'connect', afterSeconds, atOnce }), atOnce)
    }
    const onClose = () => fail({ type: 'reset', code: 'EOF' })
    socket.once('connect', onConnect)
    socket.once('error', onError)
    socket.once('close', onClose)
    process.nextTick(() => {
      startedMs = timers.clock.monotonicMs()
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
 * runs from the ClientHello written to `secureConnect`; it holds the client's own crypto. A place in `slots` is held during the
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

function secure(
  tcp: Socket,
  options: HandshakeOptions,
  timers: Timers,
  deadline: Deadline,
): Promise<Secured> {
  return new Promise((resolve) => {
    let socket: TLSSocket
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
      tcp.destroy()
      resolve({ ok: false, failure: failureOf(error, { phase: 'tls', afterSeconds: 0 }) })
      return
    }
    const startedMs = timers.clock.monotonicMs()
    let forget: () => void = nothing
    // an error that nobody waits for any more must not end the process
    socket.on('error', nothing)
    const settle = (secured: Secured) => {
      forget()
      socket.off('secureConnect', onSecure)
      socket.off('error', onError)
      socket.off('close', onClose)
      if (!secured.ok) {
        socket.destroy()
        tcp.destroy()
      }
      resolve(secured)
    }
    const onSecure = () => settle({ ok: true, socket, time: timedSince(startedMs, timers) })
    const onError = (error: unknown) => {
      const afterSeconds = timedSince(startedMs, timers).seconds
      settle({ ok: false, failure: failureOf(error, { phase: 'tls', afterSeconds }) })
    }
    const onClose = () => settle({ ok: false, failure: { type: 'reset', code: 'EOF' } })
    socket.once('secureConnect', onSecure)
    socket.once('error', onError)
    socket.once('close', onClose)
    forget = deadline.onEnd((failure) => settle({ ok: false, failure }))
  })
}

/** Starts now; `read()` gives the time until the first byte that comes in afterwards, null while none has. */
export function timeFirstByte(socket: Socket, timers: Timers): { read(): Timed | null; stop(): void } {
  const startedMs = timers.clock.monotonicMs()
  let time: Timed | null = null
  const onData = () => {
    time = timedSince(startedMs, timers)
  }
  socket.prependOnceListener('data', onData)
  return { read: () => time, stop: () => void socket.off('data', onData) }
}
