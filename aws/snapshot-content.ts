import { createHash } from 'node:crypto'
import type { Snapshot } from '../model/topology.ts'

/**
 * SHA-256 (hex) over what a snapshot says, whenever it was read: two readings of an unchanged account are
 * equal. Which parts were read counts, their dates don't.
 */
export function contentHash(snapshot: Snapshot): string {
  const { id: _id, source: _source, problems: _problems, parts, prefixLists, ...content } = snapshot
  const read = Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.read]))
  const lists = prefixLists.map(({ atMs: _atMs, ...list }) => list)
  return createHash('sha256')
    .update(JSON.stringify([read, lists, content]))
    .digest('hex')
}
