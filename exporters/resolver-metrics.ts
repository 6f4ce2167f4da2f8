import { type ResolverState, type ResolverView, resolverStates } from '../model/resolver-view.ts'
import type { Target } from '../model/target.ts'
import type { TargetVerdict } from '../model/verdict.ts'
import type { Gauge, SeriesGroup, SeriesSet } from './prometheus.ts'

export interface ResolverMetrics {
  /** Series for each resolver that a target only compares; those that are gone vanish. */
  sync(targets: readonly Target[]): void
  update(verdict: TargetVerdict): void
  /** To be called at each scrape: an answer that is too old counts as `failed`. */
  refresh(isAlive: (target: string, hostname: string, style: string) => boolean): void
}

interface Series {
  group: SeriesGroup
  gauges: Readonly<Record<ResolverState, Gauge>>
  state: ResolverState
  target: string
  name: { hostname: string; style: string }
}

const worstFirst: readonly ResolverState[] = ['different', 'failed', 'same']

/** Who was asked under one name (the host's own resolver is asked in two ways): the worst of their words. */
function stateOf(views: readonly ResolverView[], resolver: string): ResolverState {
  const states = views.flatMap((view) => (!view.counts && view.resolver === resolver ? [view.state] : []))
  return worstFirst.find((state) => states.includes(state)) ?? 'failed'
}

/** One-hot state of each compared resolver for each name. Before the first answer it is `failed`: there is none. */
export function createResolverMetrics(set: SeriesSet): ResolverMetrics {
  const all = new Map<string, Series>()
  const show = ({ gauges }: Series, state: ResolverState): void => {
    for (const each of resolverStates) gauges[each].set(each === state ? 1 : 0)
  }
  const keyOf = (target: string, hostname: string, resolver: string): string =>
    `${target} ${hostname} ${resolver}`
  const make = (target: string, name: Series['name'], resolver: string): Series => {
    const group = set.group()
    const labels = { target, hostname: name.hostname, resolver }
    const gauge = (state: ResolverState) => group.gauge('pathproof_resolver_state', { ...labels, state })
    const gauges = { same: gauge('same'), different: gauge('different'), failed: gauge('failed') }
    const series: Series = { group, gauges, state: 'failed', target, name }
    show(series, 'failed')
    return series
  }
  return {
    sync(targets) {
      const wanted = new Set<string>()
      for (const { name: target, names, compareResolvers } of targets) {
        for (const name of names) {
          for (const resolver of compareResolvers) {
            const key = keyOf(target, name.hostname, resolver)
            wanted.add(key)
            if (!all.has(key)) all.set(key, make(target, name, resolver))
          }
        }
      }
      for (const [key, series] of all) {
        if (wanted.has(key)) continue
        series.group.close()
        all.delete(key)
      }
    },
    update({ target, names }) {
      for (const { hostname, resolvers = [] } of names) {
        for (const resolver of new Set(resolvers.flatMap((v) => (v.counts ? [] : [v.resolver])))) {
          const series = all.get(keyOf(target, hostname, resolver))
          if (series === undefined) continue
          series.state = stateOf(resolvers, resolver)
          show(series, series.state)
        }
      }
    },
    refresh(isAlive) {
      for (const series of all.values()) {
        const { hostname, style } = series.name
        show(series, isAlive(series.target, hostname, style) ? series.state : 'failed')
      }
    },
  }
}
