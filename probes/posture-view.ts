import { partCalls } from '../aws/snapshot-decode-calls.ts'
import type { Family } from '../model/observation.ts'
import type { PostureState } from '../model/posture.ts'
import type { WatchedName } from '../model/target.ts'
import type { PartReading, Snapshot, SnapshotLimits, SnapshotPart, Vantage } from '../model/topology.ts'

export interface PostureInput {
  /** The newest reading, null without one. */
  snapshot: Snapshot | null
  vantage: Vantage
  limits: SnapshotLimits
  /** Unix milliseconds. */
  nowMs: number
  /** Of this host; null: they can't be asked for. */
  addresses: readonly { address: string; family: Family; linkLocal: boolean }[] | null
  /** The names that are watched: what services are in use. */
  names: readonly WatchedName[]
  /** True if endpoints elsewhere are declared, or further accounts are read. */
  endpointsElsewhere: boolean
}

export interface Word {
  state: PostureState
  because: string
}

export const pass = (because: string): Word => ({ state: 'pass', because })
export const fail = (because: string): Word => ({ state: 'fail', because })
export const unknown = (because: string): Word => ({ state: 'unknown', because })

/** What every check asks of the account. */
export interface PostureView extends PostureInput {
  snapshot: Snapshot
  /** Of this host's interfaces, without repetitions; never empty. */
  vpcIds: string[]
  /** Why `part` shows nothing now, null if it does. */
  lacks(part: SnapshotPart): string | null
  /** The same for anything that was read with a date of its own. */
  stale(reading: PartReading, permission: string, maxAgeSeconds?: number): string | null
  /**
   * Why an empty list says nothing of `what` in this host's VPCs: those of another account are not shown to these
   * credentials. Null: they are this account's own.
   */
  foreign(what: string): string | null
}

/** How far a date may lie ahead of this host's clock. */
const clockToleranceMs = 60_000

/** How old a reading is that is older than it may be, or why there is none; null: it is good. */
export function readingProblem(
  reading: PartReading,
  permission: string,
  nowMs: number,
  maxAgeSeconds: number,
): string | null {
  if (!reading.read)
    return reading.reason === 'denied' ? `${permission} is denied` : `not read: ${reading.detail}`
  if (reading.lost !== undefined)
    return `${reading.lost} elements of what ${permission} gave were not understood`
  if (reading.atMs === null) return `what ${permission} gave is undated`
  if (reading.atMs > nowMs + clockToleranceMs) return `what ${permission} gave is dated in the future`
  const ageSeconds = Math.round((nowMs - reading.atMs) / 1000)
  return ageSeconds > maxAgeSeconds
    ? `what ${permission} gave is ${ageSeconds} s old, older than ${maxAgeSeconds} s`
    : null
}

/** Ready for the checks of this host's `vpcIds`. */
export function viewOf(input: PostureInput, snapshot: Snapshot, vpcIds: string[]): PostureView {
  const { limits, nowMs } = input
  const stale: PostureView['stale'] = (reading, permission, maxAgeSeconds = limits.otherMaxAgeSeconds) =>
    readingProblem(reading, permission, nowMs, maxAgeSeconds)
  const lacks = (part: SnapshotPart): string | null =>
    stale(
      snapshot.parts[part],
      partCalls[part].permission,
      part === 'routeTables' ? limits.routeTablesMaxAgeSeconds : limits.otherMaxAgeSeconds,
    )
  return {
    ...input,
    snapshot,
    vpcIds,
    stale,
    lacks,
    foreign(what) {
      const unread = lacks('vpcs')
      if (unread !== null) return `whose the VPC is is not known (${unread}), so ${what} may not be shown`
      for (const id of vpcIds) {
        const owner = snapshot.vpcs.find((vpc) => vpc.id === id)?.ownerId ?? null
        if (owner === null || snapshot.account === null || owner !== snapshot.account)
          return `${id} is not shown to be this account's own (owner ${owner ?? 'unknown'}, credentials of ${snapshot.account ?? 'unknown'}), so ${what} may not be shown`
      }
      return null
    },
  }
}

/** A few ids for people, of which there may be thousands. */
export function some(ids: readonly string[], most = 5): string {
  const rest = ids.length - most
  return rest > 0 ? `${ids.slice(0, most).join(', ')} and ${rest} more` : ids.join(', ')
}
