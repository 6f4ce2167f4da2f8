import type { Interruption } from '../coverage.ts'
import type { Episode, Place, Report } from './model.ts'

export interface PlacedInterruption extends Interruption {
  detail: string
  /** The record that tells of it. */
  place: Place
}

/** What the checks of a report are read from. */
export type Findings = Pick<
  Report,
  | 'records'
  | 'host'
  | 'fromMs'
  | 'toMs'
  | 'assurance'
  | 'targets'
  | 'waivers'
  | 'strays'
  | 'egress'
  | 'posture'
  | 'census'
  | 'clock'
> & {
  interruptions: readonly PlacedInterruption[]
  /** When the first record was written that no checkpoint covers, or shortly before; null: all are covered. */
  unsignedSinceMs: number | null
}

/** Whether it speaks against the target: not allowed, and not covered by a waiver. */
export function isException(episode: Episode): boolean {
  return !episode.allowed && episode.waiver === null
}
