import type { LedgerRecord } from '../types.ts'
import type { Before } from '../verification.ts'

/**
 * Finds what of a ledger's declared losses is over before a period begins. A loss is over once all that stands was told
 * anew after it, and nothing that is told later rests on records from before: a process that starts knows of none, and a
 * running one says so (`restated`). Only what stands in front of the first record whose time is not before the period
 * counts: so no clock that was set back, and no record that was written late, moves a loss out of it.
 */
export interface Restatements {
  /** Each record of the ledger, oldest first. */
  read(record: Pick<LedgerRecord, 'seq' | 'kind' | 'body' | 'wallMs'>): void
  /** Null: no loss is over. */
  before(): Before | null
}

export function createRestatements(fromMs: number | null): Restatements {
  let reached = fromMs === null
  /** Losses up to this record are over. */
  let through: number | null = null
  /** Where the process that writes has begun, and where it began to tell everything anew. */
  let boundary: number | null = null
  let begun: number | null = null

  return {
    read({ seq, kind, body, wallMs }) {
      reached ||= wallMs >= (fromMs ?? 0)
      if (reached) return
      if (kind === 'close' || kind === 'recovery') {
        boundary = seq
        begun = null
      } else if (kind === 'lifecycle' && body['event'] === 'started') through = boundary ?? through
      else if (kind === 'restated' && body['event'] === 'begin') begun = seq
      else if (kind === 'restated' && body['event'] === 'end') {
        through = begun ?? through
        begun = null
      }
    },
    before: () => (fromMs === null || through === null ? null : { through, fromMs }),
  }
}
