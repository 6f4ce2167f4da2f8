import type { Evidence } from '../model/evidence.ts'
import { type PathClass, type PathState, type Rank, ranks } from '../model/path.ts'
import type { Conflict } from '../model/verdict.ts'
import { type Possible, intersect, settled, union, without } from './possible.ts'

export interface Elimination {
  possible: PathClass[]
  /** What the set settles; null: nothing. Not yet bounded by connection or conflict. */
  settles: PathState | null
  /** Strongest rank that settles the same, with nothing weaker; null where nothing settles. */
  proof: Rank | null
  /** The same as if `blocked` were gone. */
  proofIfConnected: Rank | null
  conflicts: Conflict[]
  conflictOfSide: boolean
  /** State that evidence stronger than the first conflict of side settled on its own, if any. */
  strongerThanConflict: PathState | null
}

function combined(evidence: readonly Evidence[], start: Possible): Possible {
  return evidence.reduce<Possible>((set, e) => intersect(set, e.possible), start)
}

/** Private, public or neither, whatever `blocked` says: two sets contradict on the side unless both say the same. */
function sameSide(a: Possible, b: Possible): boolean {
  const sideA = settled(without(a, 'blocked'))
  return sideA !== null && sideA === settled(without(b, 'blocked'))
}

/**
 * Elimination: starts with the classes of the vantage, intersects the facts of the socket, then the
 * evidence of each rank as one set, strongest rank first. A rank whose set is empty, or would empty what
 * stronger ranks left, is set aside as a whole. Such a conflict is one of class only if both sides of it,
 * each by itself, agree on the side; every other conflict is one of side, and then the answer can't be
 * private.
 *
 * The order of the evidence never matters. `start` must not be empty.
 */
export function eliminate(evidence: readonly Evidence[], start: Possible): Elimination {
  const given = evidence.filter((e) => e.rank === 'given')
  let current = combined(given, start)
  const conflicts: Conflict[] = []
  let strongerThanConflict: PathState | null = null
  const after: [Rank, Possible][] = [['given', current]]

  for (const rank of ranks) {
    if (rank === 'given') continue
    const own = evidence.filter((e) => e.rank === rank)
    if (own.length === 0) continue
    const set = combined(own, start)
    const next = intersect(current, set)
    if (next.length > 0) {
      current = next
      after.push([rank, current])
      continue
    }
    const of = set.length > 0 && sameSide(set, current) ? 'class' : 'side'
    if (of === 'side' && !conflicts.some((c) => c.of === 'side')) strongerThanConflict = settled(current)
    conflicts.push({
      rank,
      of,
      evidence: own,
      because:
        set.length === 0
          ? `what is ${rank} contradicts itself: ${own.map((e) => e.because).join(' / ')}`
          : `what is ${rank} (${set.join(', ')}) contradicts what is stronger (${current.join(', ')})`,
    })
  }

  // The side stands, the class is not claimed: both ways are shown.
  const claimed = conflicts.some((c) => c.of === 'class')
    ? union(
        current,
        ...conflicts
          .filter((c) => c.of === 'class')
          .map((c) => without(combined(c.evidence, start), 'blocked')),
      )
    : current
  const settles = settled(current)
  const proof = settles === null ? null : (after.find(([, set]) => settled(set) === settles)?.[0] ?? null)
  return {
    possible: [...claimed],
    settles,
    proof,
    proofIfConnected:
      after.find(([, set]) => {
        const side = settled(without(set, 'blocked'))
        return side !== null && side === settled(without(current, 'blocked'))
      })?.[0] ?? null,
    conflicts,
    conflictOfSide: conflicts.some((c) => c.of === 'side'),
    strongerThanConflict,
  }
}
