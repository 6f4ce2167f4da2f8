import type { TimerClock } from '../clock.ts'
import type { RecordFunction } from '../record.ts'

export interface HeartbeatDeps {
  timers: TimerClock
  record: RecordFunction
  /** By how much AWS's clock is ahead of this host's. */
  clockOffsetSeconds(): number | null
}

export interface Heartbeat {
  skipped(target: string, reason: string, slots: number): void
  /** Begins; the function that it returns ends it. */
  run(): () => void
}

/** A lock that shows no sign of life for 150 s is taken over where its owner can't be asked. */
export const heartbeatSeconds = 60
const mostSkipped = 200

/** A record in every minute, whatever else is written, with what is known of the clock: silence shows. */
export function createHeartbeat({ timers, record, clockOffsetSeconds }: HeartbeatDeps): Heartbeat {
  let skips = new Map<string, { target: string; reason: string; slots: number }>()
  const beat = (): void => {
    const offset = clockOffsetSeconds()
    const skipped = [...skips.values()]
    skips = new Map()
    record('heartbeat', {
      everySeconds: heartbeatSeconds,
      clockOffsetSeconds: offset === null ? null : Math.round(-offset * 1000) / 1000,
      skipped,
    })
  }
  return {
    skipped(target, reason, slots) {
      const key = `${target} ${reason}`
      const known = skips.get(key)
      if (known !== undefined) known.slots += slots
      else if (skips.size < mostSkipped) skips.set(key, { target, reason, slots })
    },
    run() {
      let cancel = (): void => undefined
      const next = (): void => {
        cancel = timers.setTimer(heartbeatSeconds * 1000, () => {
          beat()
          next()
        })
      }
      beat()
      next()
      return () => cancel()
    },
  }
}
