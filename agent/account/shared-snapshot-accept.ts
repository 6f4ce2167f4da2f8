import { type Snapshot, type SnapshotPart, snapshotParts } from '../../model/topology.ts'
import { formatDuration } from '../config/units.ts'
import type { SharedFound } from './shared-snapshot-request.ts'

/** What a host knows of itself and of what it read before, when it meets a shared snapshot. */
export interface Meeting {
  /** Null: not known. */
  account: string | null
  region: string | null
  /** Of its own interfaces; empty: not known. */
  vpcIds: readonly string[]
  /** What is in use, or the last good copy on disk. */
  last: Snapshot | null
  /** This host's clock now. */
  nowMs: number
  maxAgeSeconds: number
  otherMaxAgeSeconds: number
}

/** How far two clocks may be apart, as for the date of a snapshot directory. */
const clockToleranceMs = 60_000

const dateOf = (snapshot: Snapshot, part: SnapshotPart): number | null => {
  const status = snapshot.parts[part]
  return status.read ? status.atMs : null
}

const shown = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z')

/** Why S3's clock, and when it or this host got it, make its dates doubtful; null: they do not, or are not known. */
export function whyMisdated(
  found: Pick<SharedFound, 'dateMs' | 'modifiedMs'> & { latestMs: number | null },
  nowMs: number,
): string | null {
  const { dateMs, modifiedMs, latestMs } = found
  if (dateMs !== null && Math.abs(dateMs - nowMs) > clockToleranceMs) {
    const seconds = Math.round(Math.abs(dateMs - nowMs) / 1000)
    return `the clock of this host is ${seconds} s ${dateMs > nowMs ? 'behind' : 'ahead of'} that of S3, so its age is not known`
  }
  if (modifiedMs !== null && latestMs !== null && latestMs > modifiedMs + clockToleranceMs)
    return `it is dated ${Math.round((latestMs - modifiedMs) / 1000)} s after it was put there: the clock of its writer, or of where it lies, is wrong`
  return null
}

/** Youngest date in it; null: none. */
export function latestOf(snapshot: Snapshot): number | null {
  const dates = snapshotParts.flatMap((part) => dateOf(snapshot, part) ?? [])
  return dates.length === 0 ? null : Math.max(...dates)
}

/**
 * Why a shared snapshot is not to be used at all on this host; null: it may be. It must be of this host's account, region and
 * VPCs, not older than what is in use, and young enough that a part of it is evidence. All ages count from when its writer
 * read the account.
 */
export function whyNot(found: SharedFound, meeting: Meeting): string | null {
  const { snapshot, account, region, vpcIds } = found
  const { last, nowMs, maxAgeSeconds, otherMaxAgeSeconds } = meeting
  if (meeting.region !== null && region !== meeting.region)
    return `it is of region ${region}, this host is in ${meeting.region}`
  if (meeting.account !== null && account !== meeting.account)
    return account === null
      ? `it does not say of which account it is, this host is in ${meeting.account}`
      : `it is of account ${account}, this host is in ${meeting.account}`
  const missing = vpcIds.length === 0 ? [] : meeting.vpcIds.filter((id) => !vpcIds.includes(id))
  if (missing.length > 0) return `it was narrowed to other VPCs than ${missing.join(' and ')} of this host`
  const misdated = whyMisdated({ ...found, latestMs: latestOf(snapshot) }, nowMs)
  if (misdated !== null) return misdated
  // dates of another account say nothing of this one
  const same = last !== null && (last.account ?? account) === account && (last.region ?? region) === region
  for (const part of snapshotParts) {
    const [before, now] = [same ? dateOf(last, part) : null, dateOf(snapshot, part)]
    if (before !== null && now !== null && now < before)
      return `it goes back in time: its ${part} were read at ${shown(now)}, and those in use at ${shown(before)}`
  }
  const usable = snapshotParts.some((part) => {
    const atMs = dateOf(snapshot, part)
    const limit = part === 'routeTables' ? maxAgeSeconds : otherMaxAgeSeconds
    return atMs !== null && nowMs - atMs <= limit * 1000
  })
  if (usable) return null
  const latest = latestOf(snapshot)
  if (latest === null) return 'no part of the account could be read'
  return `the account was read ${formatDuration(Math.round((nowMs - latest) / 1000))} ago, which is too old; is its writer running?`
}

/** Parts that were too old when they came: their reading counts as failed, for their writer stands still. */
export function staleParts(
  snapshot: Snapshot,
  {
    nowMs,
    maxAgeSeconds,
    otherMaxAgeSeconds,
  }: Pick<Meeting, 'nowMs' | 'maxAgeSeconds' | 'otherMaxAgeSeconds'>,
): SnapshotPart[] {
  return snapshotParts.filter((part) => {
    const atMs = dateOf(snapshot, part)
    const limit = part === 'routeTables' ? maxAgeSeconds : otherMaxAgeSeconds
    return atMs !== null && nowMs - atMs > limit * 1000
  })
}
