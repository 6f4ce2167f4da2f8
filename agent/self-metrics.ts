import type { Snapshot, Vantage } from '../model/topology.ts'
import { rulesVersion } from '../model/verdict.ts'
import type { SeriesSet } from '../exporters/prometheus.ts'

/** What the agent says of itself and of what it knows. */
export interface SelfMetrics {
  vantage(vantage: Vantage): void
  prefixLists(snapshot: Snapshot): void
  reloaded(good: boolean, wallMs: number): void
}

export function createSelfMetrics(series: SeriesSet, version: string): SelfMetrics {
  const reloadGood = series.gauge('pathproof_config_last_reload_successful', {})
  const reloadAt = series.gauge('pathproof_config_last_reload_success_timestamp_seconds', {})
  const build = { version, rules_version: String(rulesVersion), node_version: process.versions.node }
  series.gauge('pathproof_build_info', build).set(1)
  const lists = new Map<string, { remove(): void }>()
  let host: { remove(): void } | null = null
  return {
    vantage({ kind, accountId, region, interfaces }) {
      host?.remove()
      const gauge = series.gauge('pathproof_host_info', {
        vantage: kind,
        account_id: accountId ?? '',
        region: region ?? '',
        vpc_id: interfaces[0]?.vpcId ?? '',
      })
      gauge.set(1)
      host = gauge
    },
    prefixLists(snapshot) {
      const seen = new Set<string>()
      for (const list of snapshot.prefixLists) {
        if (list.entries === null) continue
        seen.add(list.id)
        const gauge = series.gauge('pathproof_prefix_list_entries', { prefix_list: list.id })
        gauge.set(list.entries.length)
        lists.set(list.id, gauge)
      }
      for (const [id, gauge] of lists) {
        if (seen.has(id)) continue
        gauge.remove()
        lists.delete(id)
      }
    },
    reloaded(good, wallMs) {
      reloadGood.set(good ? 1 : 0)
      if (good) reloadAt.set(wallMs / 1000)
    },
  }
}
