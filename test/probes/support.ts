import { randomInt } from 'node:crypto'
import type { Clock } from '../../model/host.ts'
import type { Stamp } from '../../model/observation.ts'
import { systemClock } from '../../probes/host.ts'

export const clock: Clock = systemClock

let stamps = 0

export function stamp(): Stamp {
  return {
    id: `s${++stamps}`,
    wallMs: clock.wallMs(),
    monotonicMs: clock.monotonicMs(),
    bootId: 'boot',
    snapshot: null,
    configuration: null,
  }
}

/** What probes share; one signal per test so that a test can abort. */
export function common(timeoutSeconds = 5, signal = new AbortController().signal) {
  return { clock, stamp, timeoutSeconds, signal, randomId: () => randomInt(65_536) }
}
