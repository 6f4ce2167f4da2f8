import { type Confirmation, type Rank, sideOf } from '../model/path.ts'
import type { AttemptVerdict } from '../model/verdict.ts'
import { type Possible, intersect } from './possible.ts'

export type Confirmed = Confirmation

/** AWS delivers records some five minutes late to CloudWatch Logs and ten to S3, at best. */
const lateSeconds = 15 * 60

/** For how long records of an attempt are waited for, by the longest time that one of them sums up. Seconds. */
export function pendingSeconds(aggregationSeconds: number): number {
  return 2 * aggregationSeconds + lateSeconds
}

/**
 * What evidence of some ranks leaves, without what the kernel says of itself, what is in doubt, and ranks that were set
 * aside; null: none.
 */
function leftBy(verdict: AttemptVerdict, ranks: readonly Rank[]): Possible | null {
  const aside = new Set(verdict.conflicts.map((c) => c.rank))
  const counted = verdict.evidence.filter(
    (e) => ranks.includes(e.rank) && !aside.has(e.rank) && e.source !== 'kernel' && e.doubts === undefined,
  )
  return counted.length === 0
    ? null
    : counted.reduce<Possible>((left, e) => intersect(left, e.possible), verdict.grounds.start)
}

/** True if records of these ranks leave nothing of another side than the verdict's, but for relays that the routes exclude. */
function bornOut(verdict: AttemptVerdict, ranks: readonly Rank[]): boolean {
  const { state } = verdict
  const left = leftBy(verdict, ranks)
  if (left === null || left.length === 0) return false
  if (state === 'blocked') return left.every((c) => c === 'blocked')
  if (state !== 'private' && state !== 'public') return false
  const other = state === 'private' ? 'public' : 'private'
  if (left.some((c) => sideOf[c] === other)) return false
  const byRoutes = leftBy(verdict, ['configured'])
  return !left.includes('relay') || (byRoutes !== null && !byRoutes.includes('relay'))
}

/**
 * The strongest rank at which records of the network or of AWS bear out a verdict that is settled: their evidence alone
 * leaves no class of the other side, and `relay` fell to it or to the routes. Null: they don't.
 */
export function confirmedRank(verdict: AttemptVerdict): Rank | null {
  if (bornOut(verdict, ['attested'])) return 'attested'
  return bornOut(verdict, ['attested', 'observed']) ? 'observed' : null
}

/**
 * How far records have borne out a verdict. `over`: the time for which they are waited for has passed: from then on none
 * confirms, though what was confirmed in time stays so. `available`: there is a source of records that can decide.
 * Silence never confirms.
 */
export function confirmationOf(
  verdict: AttemptVerdict,
  { over, available }: { over: boolean; available: boolean },
): Confirmed {
  const inTime = !over || verdict.confirmation === 'confirmed'
  if (inTime && confirmedRank(verdict) !== null) return 'confirmed'
  if (!available) return 'unavailable'
  return over ? 'no_record' : 'pending'
}
