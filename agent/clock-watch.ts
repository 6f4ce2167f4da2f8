import type { Clock } from '../model/host.ts'

/** Less is noise of clocks that are read one after the other. */
const leastMs = 2000
/** A wall clock that is being slewed runs up to 500 ppm faster or slower (adjtimex(2)). */
const slewShare = 0.001

/**
 * Notices that the wall clock was set: it then moved by something else than the monotonic clock did, which counts the
 * time of a sleep as well. `onJump` gets the seconds by which it was set, negative for back.
 */
export function createClockWatch(clock: Clock, onJump: (seconds: number) => void): { look(): void } {
  let wallMs = clock.wallMs()
  let monotonicMs = clock.monotonicMs()
  return {
    look() {
      const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() }
      const passedMs = now.monotonicMs - monotonicMs
      const jumpMs = now.wallMs - wallMs - passedMs
      wallMs = now.wallMs
      monotonicMs = now.monotonicMs
      if (Math.abs(jumpMs) > Math.max(leastMs, slewShare * passedMs)) onJump(jumpMs / 1000)
    },
  }
}
