import { type EgressState, egressStates } from '../model/egress.ts'
import { type PostureState, postureChecks, postureStates } from '../model/posture.ts'
import type { Gauge, SeriesSet } from './prometheus.ts'

export interface EgressMetrics {
  /** The checks that there are: their series are there from now on (`untestable`), those of others are gone. */
  sync(checks: readonly string[]): void
  state(check: string, state: EgressState): void
}

/** One-hot series of the ways out that must be closed. */
export function createEgressMetrics(series: SeriesSet): EgressMetrics {
  const known = new Map<string, ReadonlyMap<EgressState, Gauge>>()
  const set = (check: string, state: EgressState): void => {
    for (const [of, gauge] of known.get(check) ?? []) gauge.set(of === state ? 1 : 0)
  }
  return {
    sync(checks) {
      const wanted = new Set(checks)
      for (const [check, gauges] of known) {
        if (wanted.has(check)) continue
        for (const gauge of gauges.values()) gauge.remove()
        known.delete(check)
      }
      for (const check of wanted) {
        if (known.has(check)) continue
        const gauges = egressStates.map(
          (state) => [state, series.gauge('pathproof_egress_state', { check, state })] as const,
        )
        known.set(check, new Map(gauges))
        set(check, 'untestable')
      }
    },
    state: set,
  }
}

export interface PostureMetrics {
  /** Whether the checks are shown at all; when they begin to be, all are `unknown`. */
  show(shown: boolean): void
  state(check: string, state: PostureState): void
}

/** One-hot series of the posture checks. */
export function createPostureMetrics(series: SeriesSet): PostureMetrics {
  const known = new Map<string, ReadonlyMap<PostureState, Gauge>>()
  const set = (check: string, state: PostureState): void => {
    for (const [of, gauge] of known.get(check) ?? []) gauge.set(of === state ? 1 : 0)
  }
  return {
    show(shown) {
      if (!shown) {
        for (const gauges of known.values()) for (const gauge of gauges.values()) gauge.remove()
        known.clear()
        return
      }
      for (const check of postureChecks) {
        if (known.has(check)) continue
        const gauges = postureStates.map(
          (state) => [state, series.gauge('pathproof_posture_state', { check, state })] as const,
        )
        known.set(check, new Map(gauges))
        set(check, 'unknown')
      }
    },
    state: set,
  }
}
