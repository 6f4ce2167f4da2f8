import type { Snapshot } from '../../model/topology.ts'

/** AWS's lists grow slowly and hardly ever lose entries: one that lost half of them is more likely read wrongly. */
const suspiciousShare = 0.5

/**
 * Notices that a prefix list lost most of its entries between two readings. What was read is believed all the same:
 * addresses that are not in the list any more take another route, and that is for people to look at.
 */
export function createListWatch(onShrunk: (list: { id: string; entries: number; before: number }) => void): {
  look(snapshot: Pick<Snapshot, 'prefixLists'>): void
} {
  let known = new Map<string, number>()
  return {
    look({ prefixLists }) {
      const next = new Map<string, number>()
      for (const { id, entries } of prefixLists) {
        const before = known.get(id)
        if (entries !== null) next.set(id, entries.length)
        // not read this time: what it had is still what the next reading is compared with
        else if (before !== undefined) next.set(id, before)
        if (entries !== null && before !== undefined && entries.length < before * suspiciousShare)
          onShrunk({ id, entries: entries.length, before })
      }
      known = next
    },
  }
}
