import type { CapturedRecord, SkippedWindow } from '../../model/capture.ts'
import type { Evidence } from '../../model/evidence.ts'
import type { Attempt } from '../../model/observation.ts'
import type { Confirmation } from '../../model/path.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { leavesNothingPrivate } from './evidence-age.ts'
import type { DialledAttempt } from './late-watch.ts'

/** An attempt that records are looked for, as `flow-rounds.ts` asks for them. */
export interface Wanted {
  attempt: Attempt
  points: DialledAttempt['points']
  aggregationSeconds: number
}

/** One that is kept for a later start of the agent, and how its clock stood. */
export interface KeptAttempt extends Omit<DialledAttempt, 'target'> {
  aggregationSeconds: number
  /** This host's clock against AWS's, null: not known. */
  clockOffsetSeconds: number | null
}

/** Where what waits is kept, that a restart does not forget it. */
export interface LateKeeper {
  /** Also again, where it is judged otherwise now. */
  taken(key: string, kept: KeptAttempt): void
  dropped(key: string): void
}

/** One attempt in the book, with all that was said of it since. */
export interface LateEntry {
  /** Its id; one of an earlier life has a key of its own, for ids may come again. */
  key: string
  /** Made before the agent was started: nothing that is said of it can confirm it, for a file may hold anything. */
  earlier: boolean
  dialled: Omit<DialledAttempt, 'target'>
  aggregationSeconds: number
  /** As it was known at the attempt, or first after it: what is known later is of another time. */
  clockOffsetSeconds: number | null
  /** Monotonic milliseconds. */
  sinceMs: number
  records: Map<string, CapturedRecord>
  /** How many of them are of other connections through a NAT gateway, as far as their ports tell. */
  ofOthers: number
  skipped: SkippedWindow[]
  /** What was told from elsewhere. */
  told: Evidence[]
  late: Evidence[]
  confirmation: Confirmation
  /** The judgement with all that is late. */
  verdict: AttemptVerdict
  over: boolean
  /** More records came than are kept: whether a join is unique can't be told any more. */
  full: boolean
  contradicted: boolean
  ambiguous: boolean
}

export function lateEntry(
  dialled: LateEntry['dialled'],
  of: Pick<LateEntry, 'key' | 'earlier' | 'aggregationSeconds' | 'clockOffsetSeconds' | 'sinceMs'>,
): LateEntry {
  return {
    ...of,
    dialled,
    records: new Map(),
    ofOthers: 0,
    skipped: [],
    told: [],
    late: [],
    confirmation: 'pending',
    verdict: { ...dialled.verdict, confirmation: 'pending' },
    over: false,
    full: false,
    contradicted: false,
    ambiguous: false,
  }
}

export function wantedOf({ dialled: { attempt, points }, aggregationSeconds }: LateEntry): Wanted {
  return { attempt, points, aggregationSeconds }
}

/** Whether what is said of an attempt speaks for a public path, or for two that can't both be. */
export function isAgainst(verdict: AttemptVerdict): boolean {
  return (
    verdict.state === 'public' ||
    verdict.conflicts.some(({ of }) => of === 'side') ||
    leavesNothingPrivate(verdict)
  )
}

/** What may be told of it: of an earlier life's attempt only what speaks against it. */
export function toldOf({ earlier, late, verdict }: LateEntry): AttemptVerdict[] {
  return earlier && !(late.length > 0 && isAgainst(verdict)) ? [] : [verdict]
}
