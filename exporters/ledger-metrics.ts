import { ledgerAnchors } from './catalogue-ledger.ts'
import type { SeriesSet } from './prometheus.ts'

/** How a ledger stands at a scrape. */
export interface LedgerState {
  records: number
  bytes: number
  writable: boolean
  /** Unix milliseconds; null: none was made by this process. */
  checkpointMs: number | null
  /** Records lost since the start of the process. */
  lost: number
  anchors: Partial<
    Record<(typeof ledgerAnchors)[number], { lastMs: number | null; errors: number; dropped: number }>
  >
}

export interface LedgerMetrics {
  /** To be called before the metrics are read. Null: there is no ledger (any more). */
  update(state: LedgerState | null): void
}

/** Of the ledger. Its series are there while one is configured; counters go on over a change of the configuration. */
export function createLedgerMetrics(series: SeriesSet): LedgerMetrics {
  let group: ReturnType<SeriesSet['group']> | null = null
  /** What the counters were told, by series. */
  const counted = new Map<string, number>()
  const upTo = (key: string, value: number, add: (amount: number) => void): void => {
    const before = counted.get(key) ?? 0
    // A new store counts from 0 again.
    const more = value >= before ? value - before : value
    counted.set(key, value)
    add(more)
  }
  return {
    update(state) {
      if (state === null) {
        group?.close()
        group = null
        return
      }
      group ??= series.group()
      const made = group
      made.gauge('pathproof_ledger_records', {}).set(state.records)
      made.gauge('pathproof_ledger_bytes', {}).set(state.bytes)
      made.gauge('pathproof_ledger_writable', {}).set(state.writable ? 1 : 0)
      made
        .gauge('pathproof_ledger_last_checkpoint_timestamp_seconds', {})
        .set((state.checkpointMs ?? 0) / 1000)
      const lost = made.counter('pathproof_ledger_gap_records_total', {})
      upTo('lost', state.lost, (amount) => lost.add(amount))
      for (const anchor of ledgerAnchors) {
        const own = state.anchors[anchor]
        if (own === undefined) continue
        made
          .gauge('pathproof_ledger_anchor_last_success_timestamp_seconds', { anchor })
          .set((own.lastMs ?? 0) / 1000)
        const errors = made.counter('pathproof_ledger_anchor_errors_total', { anchor })
        upTo(`errors ${anchor}`, own.errors, (amount) => errors.add(amount))
        const dropped = made.counter('pathproof_ledger_anchor_dropped_total', { anchor })
        upTo(`dropped ${anchor}`, own.dropped, (amount) => dropped.add(amount))
      }
    },
  }
}
