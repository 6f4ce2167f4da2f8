import type { FlowCensusRow } from '../model/flow.ts'
import { flowAttemptResults, flowErrorReasons, flowlogCatalogue } from './catalogue-flowlog.ts'
import type { SeriesSet } from './prometheus.ts'

export type FlowAttemptResult = (typeof flowAttemptResults)[number]
export type FlowErrorReason = (typeof flowErrorReasons)[number]

export interface FlowlogMetrics {
  /** An own attempt has been looked for, and this came of it. */
  attempt(result: FlowAttemptResult): void
  /** Flows of this host's interfaces that were counted for the first time; those that come in are passed over. */
  flows(rows: readonly FlowCensusRow[], other: { flows: number; bytes: number }): void
  /** A reading failed, or left something out. A reason that is not in the catalogue counts as `failed`. */
  failed(reason: string): void
  /** End of the youngest record that was read, Unix seconds. */
  newest(endSeconds: number): void
  interfaces(covered: number, uncovered: number): void
  covered(seconds: number): void
  /** By how much AWS's clock is ahead of this host's; null: not known. */
  clockOffset(seconds: number | null): void
  /** To be called at each scrape: the age of the youngest record grows by itself. */
  scraped(nowMs: number): void
  /** Age of the newest record that was read, null before the first. Unix milliseconds. */
  lagSeconds(nowMs: number): number | null
}

/** More combinations of labels than any host has; what comes beyond them is `other` in all of them. */
const mostCombinations = 256

const valuesOf = (name: string): Readonly<Record<string, readonly string[]>> =>
  flowlogCatalogue.find((metric) => metric.name === name)?.values ?? {}

/** Of flow logs: own attempts, census, lag, errors. Series of attempts and errors are there from the start. */
export function createFlowlogMetrics(series: SeriesSet): FlowlogMetrics {
  const attempts = new Map(
    flowAttemptResults.map((result) => [
      result,
      series.counter('pathproof_flowlog_attempts_total', { result }),
    ]),
  )
  const errors = new Map(
    flowErrorReasons.map((reason) => [
      reason as string,
      series.counter('pathproof_flowlog_errors_total', { reason }),
    ]),
  )
  const interfaces = {
    covered: series.gauge('pathproof_flowlog_interfaces', { state: 'covered' }),
    uncovered: series.gauge('pathproof_flowlog_interfaces', { state: 'uncovered' }),
  }
  const covered = series.gauge('pathproof_flowlog_covered_seconds', {})
  const clockOffset = series.gauge('pathproof_clock_offset_seconds', {})
  clockOffset.set(Number.NaN)
  const lag = series.gauge('pathproof_flowlog_lag_seconds', {})
  lag.set(Number.NaN)
  let newestSeconds: number | null = null

  const known = valuesOf('pathproof_flowlog_flows_total')
  const labelOf = (label: string, value: string | null): string =>
    value === null ? 'none' : known[label]?.includes(value) === true ? value : 'other'
  const combinations = new Set<string>()
  const count = (labels: FlowLabels, flows: number, bytes: number): void => {
    const key = Object.values(labels).join(' ')
    const isNew = !combinations.has(key)
    const all = isNew && combinations.size >= mostCombinations ? others : labels
    if (all === labels) combinations.add(key)
    if (flows > 0) series.counter('pathproof_flowlog_flows_total', all).add(flows)
    if (bytes > 0) series.counter('pathproof_flowlog_bytes_total', all).add(bytes)
  }

  const lagSeconds = (nowMs: number): number | null =>
    newestSeconds === null ? null : Math.max(0, nowMs / 1000 - newestSeconds)

  return {
    attempt: (result) => attempts.get(result)?.add(),
    flows(rows, other) {
      for (const { direction, service, trafficPath, nextHopType, action, flows, bytes } of rows) {
        if (direction === 'ingress') continue
        const labels = {
          service: labelOf('service', service),
          traffic_path: labelOf('traffic_path', trafficPath === null ? null : String(trafficPath)),
          next_hop_type: labelOf('next_hop_type', nextHopType),
          action: labelOf('action', action?.toLowerCase() ?? null),
        }
        count(labels, flows, bytes)
      }
      if (other.flows > 0) count(others, other.flows, other.bytes)
    },
    failed: (reason) => (errors.get(reason) ?? errors.get('failed'))?.add(),
    newest(endSeconds) {
      newestSeconds = Math.max(newestSeconds ?? 0, endSeconds)
    },
    interfaces(withLog, without) {
      interfaces.covered.set(withLog)
      interfaces.uncovered.set(without)
    },
    covered: (seconds) => covered.set(seconds),
    clockOffset: (seconds) => clockOffset.set(seconds ?? Number.NaN),
    scraped(nowMs) {
      const seconds = lagSeconds(nowMs)
      if (seconds !== null) lag.set(seconds)
    },
    lagSeconds,
  }
}

interface FlowLabels {
  service: string
  traffic_path: string
  next_hop_type: string
  action: string
}

const others: FlowLabels = {
  service: 'other',
  traffic_path: 'other',
  next_hop_type: 'other',
  action: 'other',
}
