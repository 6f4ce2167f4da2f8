import { withLastFacts } from './posture-facts.ts'
import { mergedId } from './snapshot-content.ts'
import { type Snapshot, type SnapshotPart, snapshotParts } from '../model/topology.ts'

/**
 * A new reading in which parts could not be read, filled with what the last reading had of them. Each part
 * keeps its own date, so what is carried over goes on ageing. Readings of another account or region are not
 * mixed. What was put together has an `id` of its own.
 */
export function withLastGood(last: Snapshot | null, next: Snapshot): Snapshot {
  if (last === null) return next
  if (next.account !== null && last.account !== null && next.account !== last.account) return next
  if (next.region !== null && last.region !== null && next.region !== last.region) return next
  const carried = snapshotParts.filter((part) => !next.parts[part].read && last.parts[part].read)
  const posture = withLastFacts(last.posture, next.posture)
  if (carried.length === 0)
    return posture === next.posture || posture === undefined ? next : { ...next, posture }
  const account = next.account ?? last.account
  const region = next.region ?? last.region
  const merged = { ...next, account, region, parts: { ...next.parts }, ...(posture && { posture }) }
  for (const part of carried) {
    merged.parts[part] = last.parts[part]
    carry(merged, last, part)
  }
  merged.id = mergedId(merged)
  return merged
}

function carry<P extends SnapshotPart>(to: Pick<Snapshot, P>, from: Pick<Snapshot, P>, part: P): void {
  to[part] = from[part]
}
