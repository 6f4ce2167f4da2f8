import { type FirstLeg, firstLegs } from '../model/first-leg.ts'
import type { Target } from '../model/target.ts'
import type { TargetVerdict } from '../model/verdict.ts'
import type { Gauge, SeriesGroup, SeriesSet } from './prometheus.ts'

export interface FirstLegMetrics {
  /** The targets as configured or discovered; `applies`: this host is on-prem. Elsewhere there are no series. */
  sync(targets: readonly Target[], applies: boolean): void
  update(verdict: TargetVerdict): void
  /** The first leg of a target is another one than before. */
  changed(target: string): void
  /** To be called at each scrape: what is too old is `unproven`. */
  refresh(isAlive: (target: string, hostname: string, style: string) => boolean): void
}

interface Series {
  group: SeriesGroup
  gauges: Readonly<Record<FirstLeg, Gauge>>
  changes: { add(amount?: number): void }
  last: TargetVerdict | null
}

/** One-hot first leg of each target, and how often it changed. */
export function createFirstLegMetrics(set: SeriesSet): FirstLegMetrics {
  const all = new Map<string, Series>()
  const show = ({ gauges }: Series, leg: FirstLeg): void => {
    for (const each of firstLegs) gauges[each].set(each === leg ? 1 : 0)
  }
  const make = (target: string): Series => {
    const group = set.group()
    const gauge = (leg: FirstLeg) => group.gauge('pathproof_first_leg', { target, leg })
    const series: Series = {
      group,
      gauges: {
        direct_connect: gauge('direct_connect'),
        vpn: gauge('vpn'),
        unproven: gauge('unproven'),
      },
      changes: group.counter('pathproof_first_leg_changes_total', { target }),
      last: null,
    }
    show(series, 'unproven')
    return series
  }
  return {
    sync(targets, applies) {
      const wanted = new Set(applies ? targets.map(({ name }) => name) : [])
      for (const [name, series] of all) {
        if (wanted.has(name)) continue
        series.group.close()
        all.delete(name)
      }
      for (const name of wanted) if (!all.has(name)) all.set(name, make(name))
    },
    update(verdict) {
      const series = all.get(verdict.target)
      if (series === undefined) return
      series.last = verdict
      show(series, verdict.firstLeg?.leg ?? 'unproven')
    },
    changed: (target) => all.get(target)?.changes.add(),
    refresh(isAlive) {
      for (const [target, series] of all) {
        const { last } = series
        const alive = last?.names.every((name) => isAlive(target, name.hostname, name.style)) === true
        show(series, alive ? (last?.firstLeg?.leg ?? 'unproven') : 'unproven')
      }
    },
  }
}
