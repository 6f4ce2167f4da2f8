import type { Clock } from '../../model/host.ts'
import { type CensusCounted, createCensus } from '../evidence/census.ts'
import type { RecordFunction } from '../record.ts'

export interface LedgerCensusDeps {
  clock: Clock
  record: RecordFunction
  /** All interfaces that this host has now. */
  interfaces(): readonly string[]
}

/** The census as the ledger has it: what was counted anew in each hour, in windows that do not overlap. */
export interface LedgerCensus {
  counted(counted: CensusCounted, nowMs: number): void
  /** Writes what was counted since the last window. */
  flush(): void
}

const windowMs = 3_600_000
/** Rows of one record; the rest is counted as others. */
const mostRows = 150

export function createLedgerCensus({ clock, record, interfaces }: LedgerCensusDeps): LedgerCensus {
  let census = createCensus()
  let fromMs: number | null = null

  const flush = (): void => {
    const nowMs = clock.wallMs()
    if (fromMs === null) return
    const { rows, other, coveredSeconds } = census.document(nowMs, interfaces(), [])
    const toMs = Math.max(nowMs, fromMs)
    const left = rows.slice(mostRows)
    record('census', {
      fromMs,
      toMs,
      // What was counted in this window may have flowed shortly before it, but never for longer than it lasted.
      coveredSeconds: Math.min(coveredSeconds, Math.floor((toMs - fromMs) / 1000)),
      rows: rows.slice(0, mostRows),
      other: {
        flows: left.reduce((sum, { flows }) => sum + flows, other.flows),
        bytes: left.reduce((sum, { bytes }) => sum + bytes, other.bytes),
      },
    })
    census = createCensus()
    fromMs = toMs
  }

  return {
    counted(counted, nowMs) {
      fromMs ??= nowMs
      census.add(counted, nowMs)
      if (nowMs - fromMs >= windowMs || nowMs < fromMs) flush()
    },
    flush,
  }
}
