import type { Clock } from '../model/host.ts'

/** A clock with a timer: all that the scheduler knows of time. */
export interface TimerClock extends Clock {
  /** Calls `fn` once after `ms` milliseconds; the function that it returns cancels that. */
  setTimer(ms: number, fn: () => void): () => void
}

export function withTimers(clock: Clock): TimerClock {
  return {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs(),
    setTimer(ms, fn) {
      const timer = setTimeout(fn, ms)
      return () => clearTimeout(timer)
    },
  }
}

/** Less than this is noise of three clocks that are read one after the other. */
const noticeMs = 1000

/**
 * A monotonic clock that also counts the time during which the machine slept.
 *
 * Linux' CLOCK_MONOTONIC and macOS' absolute time stand still in suspend; a verdict from before the
 * lid was closed would look fresh in another network. `uptimeSeconds` (`os.uptime`) goes on in suspend.
 * It is read only when the wall clock left the monotonic one by more than a second: a stepped clock
 * alone changes nothing, a sleep moves this clock ahead by its length.
 */
export function countingSuspend(clock: Clock, uptimeSeconds: () => number): Clock {
  let difference = clock.wallMs() - clock.monotonicMs()
  const start = uptimeSeconds() * 1000 - clock.monotonicMs()
  let sleptMs = 0
  return {
    wallMs: () => clock.wallMs(),
    monotonicMs() {
      const awakeMs = clock.monotonicMs()
      const now = clock.wallMs() - awakeMs
      if (Math.abs(now - difference) > noticeMs) {
        const slept = uptimeSeconds() * 1000 - awakeMs - start
        if (slept - sleptMs > noticeMs) sleptMs = slept
      }
      difference = now
      return awakeMs + sleptMs
    },
  }
}
