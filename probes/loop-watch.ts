import { runQueueMs } from './run-queue.ts'

/** The moment at which a timed wait begins. Milliseconds, each since a start of its own. */
export interface LoopMoment {
  atMs: number
  idleMs: number
  queueMs: number
}

export interface Waited {
  /** How long the event had been there before it was read, as far as can be told. */
  seconds: number
  /** By how much that may be wrong, either way. */
  boundSeconds: number
}

/** How long an event lay unread in this process while it was busy with others. */
export interface LoopWatch {
  /** A timed look begins; the function given back ends it. The watch runs only while looks are in flight. */
  enter(): () => void
  /**
   * A timed wait begins; the function given back ends it. While none is running, no event can end one, and the marks are made
   * without the word of the processor's queue, the dearest of the clocks.
   */
  expect(): () => void
  /**
   * Resolves soon, outside of the loop's timers. What is done at once then ends before a mark. Work that a timer starts should wait for
   * this: else it lies between the mark and the question to the kernel, where what comes meanwhile looks as if it had come before.
   */
  begin(): Promise<void>
  /** Now: to be taken before the call that sends. */
  moment(): LoopMoment
  /**
   * Asked in the callback of an event that was waited for from `begun` (before the call that sent) and `sent` (after it)
   * on, within one `expect`. Null when no look is in flight.
   */
  waited(begun: LoopMoment, sent: LoopMoment): Waited | null
}

/** Clocks are read one after the other, and waking up takes its time: nothing is better known than this. */
const floorMs = 0.05

export interface LoopClocks {
  nowMs(): number
  /** Time that this thread's loop slept, waiting for events. */
  idleMs(): number
  /** Time that this thread was ready to run and did not get a processor; never falls; 0 where the system does not say. */
  queueMs(): number
}

const systemClocks: LoopClocks = {
  nowMs: () => performance.now(),
  idleMs: () => performance.nodeTiming.idleTime,
  queueMs: runQueueMs,
}

/**
 * Marks the end of each turn of this thread's event loop; the next thing it does is to ask the kernel for events. The
 * immediates are unreferenced: they run after each turn but do not keep the loop from sleeping.
 *
 * At an event three cases are told apart, by how long the loop slept (libuv first asks without waiting, so it sleeps only if
 * nothing was there):
 * - It slept in this turn. Then the event woke it, and all since then was waiting, together with the time it took to get a
 *   processor. That was once queued for a processor leaves doubt; where it never was, nothing is left to doubt.
 * - It did not: the event came during the turn before, or after it was sent, if that was later. Taken is the middle; half of
 *   that stretch is the doubt. What timers do lies between the mark and the question to the kernel, and would be taken for waiting: hence `begin`.
 * - It did not sleep at all since the call that sent, and lost the processor within that call: most likely to what it had just woken by
 *   sending. Then the clock began late by that time, which is taken off the wait, and is doubtful.
 *
 * The work of this process for the event itself (a handshake's cryptography) counts as waiting: what remains of a
 * timing is the network's and the far end's. Not seen: a host that stands still as a whole.
 */
export function loopWatch(clocks: LoopClocks = systemClocks): LoopWatch {
  let inFlight = 0
  let expected = 0
  let mark: LoopMoment = { atMs: 0, idleMs: 0, queueMs: 0 }
  let previousTurnMs = 0
  let scheduled = false
  const moment = (): LoopMoment => ({
    atMs: clocks.nowMs(),
    idleMs: clocks.idleMs(),
    queueMs: clocks.queueMs(),
  })
  const schedule = () => {
    // a look that ends and another that begins within one turn must not start a second chain of marks
    if (scheduled) return
    scheduled = true
    setImmediate(endTurn).unref()
  }
  const endTurn = () => {
    scheduled = false
    const atMs = clocks.nowMs()
    const idleMs = clocks.idleMs()
    previousTurnMs = Math.max(0, atMs - mark.atMs - (idleMs - mark.idleMs))
    mark = { atMs, idleMs, queueMs: expected > 0 ? clocks.queueMs() : 0 }
    if (inFlight > 0) schedule()
  }
  /** The turn went on after its mark: that it lasted so much longer is known. */
  const markAgain = () => {
    if (inFlight === 0) return
    const atMs = clocks.nowMs()
    const idleMs = clocks.idleMs()
    previousTurnMs += Math.max(0, atMs - mark.atMs - (idleMs - mark.idleMs))
    mark = { atMs, idleMs, queueMs: expected > 0 ? clocks.queueMs() : 0 }
  }
  /** A function that counts down once, however often it is called. */
  const once = (down: () => void) => {
    let done = false
    return () => {
      if (done) return
      done = true
      down()
    }
  }
  return {
    enter() {
      inFlight++
      if (inFlight === 1) {
        mark = moment()
        previousTurnMs = 0
        schedule()
      }
      return once(() => inFlight--)
    },
    expect() {
      expected++
      return once(() => expected--)
    },
    begin() {
      return new Promise((resolve) => {
        // in this order, and what is awaited runs between them
        setImmediate(resolve)
        setImmediate(markAgain)
      })
    },
    moment,
    waited(begun, sent) {
      if (inFlight === 0) return null
      const now = moment()
      const sleptMs = now.idleMs - mark.idleMs
      // a wait that began after the mark has nothing to do with what was before; the mark then has no word of it
      const queuedMs = Math.max(0, now.queueMs - Math.max(mark.queueMs, begun.queueMs))
      const lostMs = Math.max(0, sent.queueMs - begun.queueMs)
      const busyMs = Math.max(0, now.atMs - mark.atMs - sleptMs)
      const most = (waitMs: number, boundMs: number): Waited => ({
        seconds: Math.max(0, Math.min(waitMs, now.atMs - begun.atMs)) / 1000,
        boundSeconds: (boundMs + floorMs) / 1000,
      })
      if (sleptMs > 0) return most(busyMs + queuedMs, queuedMs + lostMs)
      const stretchMs = Math.min(previousTurnMs, Math.max(0, mark.atMs - sent.atMs))
      const lateMs = now.idleMs > sent.idleMs ? 0 : lostMs
      return most(busyMs + stretchMs / 2 - lateMs, stretchMs / 2 + lostMs)
    },
  }
}
