import { createHash } from 'node:crypto'
import { type Snapshot, type SnapshotPart, snapshotParts } from '../model/topology.ts'

const sha256 = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex')

/** A part's items are never changed, only replaced: to hash thousands of interfaces once is enough. */
const known = new WeakMap<object, string>()

/** SHA-256 (hex) over the items of one part; when they were read does not count. */
export function partHash(snapshot: Pick<Snapshot, SnapshotPart>, part: SnapshotPart): string {
  const items = snapshot[part]
  const before = known.get(items)
  if (before !== undefined) return before
  const dateless =
    part === 'prefixLists' ? snapshot.prefixLists.map(({ atMs: _atMs, ...list }) => list) : items
  const hash = sha256(dateless)
  known.set(items, hash)
  return hash
}

/**
 * SHA-256 (hex) over what a snapshot says, whenever it was read: two readings of an unchanged account are
 * equal. Which parts were read counts, their dates don't.
 */
export function contentHash(snapshot: Snapshot): string {
  const { account, region, parts } = snapshot
  return sha256([
    account,
    region,
    snapshotParts.map((part) => [part, parts[part].read, partHash(snapshot, part)]),
  ])
}

/** The `id` of a snapshot that was put together from several readings: as `contentHash`, and the dates count. */
export function mergedId(snapshot: Snapshot): string {
  return sha256([contentHash(snapshot), snapshotParts.map((part) => snapshot.parts[part])])
}
