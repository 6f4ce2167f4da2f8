import type { SnapshotPart } from '../model/topology.ts'
import { topologyErrorReasons, topologyParts } from './catalogue.ts'
import type { SeriesSet } from './prometheus.ts'

export interface TopologyMetrics {
  /** When the reading of a part began that is in use now, Unix milliseconds. */
  partRead(part: SnapshotPart, atMs: number): void
  /** A part, or something of it, could not be read. A reason that is not in the catalogue counts as `failed`. */
  partFailed(part: SnapshotPart, reason: string): void
  /** When the account was last read without a missing part, Unix milliseconds. */
  complete(atMs: number): void
}

/** What is known of the reading of one further account. */
export interface FurtherMetrics {
  /** When it was last read without a missing part, Unix milliseconds. */
  read(atMs: number): void
  /** A part could not be read. A reason that is not in the catalogue counts as `failed`. */
  failed(reason: string): void
}

/** Its series are there from this call on. `region` as configured; null: that of this host. */
export function createFurtherMetrics(
  series: SeriesSet,
  { account, region }: { account: string; region: string | null },
): FurtherMetrics {
  const labels = { account, region: region ?? '' }
  const success = series.gauge('pathproof_topology_also_last_success_timestamp_seconds', labels)
  const errors = new Map(
    topologyErrorReasons.map((reason) => [
      reason as string,
      series.counter('pathproof_topology_also_errors_total', { ...labels, reason }),
    ]),
  )
  return {
    read: (atMs) => success.set(atMs / 1000),
    failed: (reason) => (errors.get(reason) ?? errors.get('failed'))?.add(),
  }
}

/** What is known of the reading of the account. Every series is there from the start. */
export function createTopologyMetrics(series: SeriesSet): TopologyMetrics {
  const success = series.gauge('pathproof_topology_last_success_timestamp_seconds', {})
  const parts = new Map(
    topologyParts.map((part) => [
      part,
      series.gauge('pathproof_topology_part_last_success_timestamp_seconds', { part }),
    ]),
  )
  const errors = new Map(
    topologyParts.flatMap((part) =>
      topologyErrorReasons.map((reason) => [
        `${part} ${reason}`,
        series.counter('pathproof_topology_errors_total', { part, reason }),
      ]),
    ),
  )
  return {
    partRead: (part, atMs) => parts.get(part)?.set(atMs / 1000),
    partFailed(part, reason) {
      const known = errors.get(`${part} ${reason}`) ?? errors.get(`${part} failed`)
      known?.add()
    },
    complete: (atMs) => success.set(atMs / 1000),
  }
}
