import { type Hash, type Tree, addSubtree, emptyTree, largestPowerIn, nodeHash, rootOf } from './merkle.ts'

/** Leaves `from` (included) to `end` (not). */
export interface Range {
  from: number
  end: number
}

/** Where a tree of `size` leaves divides: the largest power of two below its size (RFC 6962 section 2.1). */
function split(size: number): number {
  return largestPowerIn(size - 1)
}

/** The subtrees whose roots are the inclusion proof (audit path, RFC 6962 section 2.1.1) of a leaf; 0 ≤ index < size. */
export function inclusionRanges(index: number, size: number): Range[] {
  const ranges: Range[] = []
  let from = 0
  let end = size
  while (end - from > 1) {
    const middle = from + split(end - from)
    if (index < middle) {
      ranges.push({ from: middle, end })
      end = middle
    } else {
      ranges.push({ from, end: middle })
      from = middle
    }
  }
  return ranges.reverse()
}

/** The subtrees whose roots are the consistency proof (RFC 6962 section 2.1.2) of two sizes; 0 < first ≤ second. */
export function consistencyRanges(first: number, second: number): Range[] {
  const ranges: Range[] = []
  let from = 0
  let end = second
  let whole = true
  while (first !== end) {
    const middle = from + split(end - from)
    if (first <= middle) {
      ranges.push({ from: middle, end })
      end = middle
    } else {
      ranges.push({ from, end: middle })
      from = middle
      whole = false
    }
  }
  // The old tree as a whole is known to whoever checks; a part of it is not.
  if (!whole) ranges.push({ from, end })
  return ranges.reverse()
}

/** Gathers the roots of ranges in one pass over the leaves, in memory of a few hashes per range. */
export interface RangeRoots {
  /** Takes the next subtree of `width` leaves from `start` on (1: a leaf); in order, without holes. */
  take(start: number, width: number, hash: Hash): void
  /** One root per range; null where leaves were not told apart enough, or are missing. */
  roots(): (Hash | null)[]
}

export function rangeRoots(ranges: readonly Range[]): RangeRoots {
  const trees: { range: Range; tree: Tree | null }[] = ranges.map((range) => ({ range, tree: emptyTree() }))
  return {
    take(start, width, hash) {
      for (const entry of trees) {
        const { range, tree } = entry
        if (tree === null || start + width <= range.from || start >= range.end) continue
        const fits = start === range.from + tree.size && start + width <= range.end && tree.size % width === 0
        if (fits) addSubtree(tree, hash, width)
        else entry.tree = null
      }
    },
    roots: () =>
      trees.map(({ range, tree }) => (tree?.size === range.end - range.from ? rootOf(tree) : null)),
  }
}

/** Whether the leaf is the one with that index in the tree of that size and root (RFC 9162 section 2.1.3.2). */
export function includes(
  index: number,
  size: number,
  leaf: Hash,
  proof: readonly Hash[],
  root: Hash,
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size) return false
  let node = index
  let last = size - 1
  let hash = leaf
  for (const part of proof) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      hash = nodeHash(part, hash)
      for (; node % 2 === 0 && node !== 0; last = half(last)) node = half(node)
    } else {
      hash = nodeHash(hash, part)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 && hash.equals(root)
}

/** Whether the tree of the second size and root grew out of the first (RFC 9162 section 2.1.4.2). */
export function consistent(
  first: { size: number; root: Hash },
  second: { size: number; root: Hash },
  proof: readonly Hash[],
): boolean {
  if (!isCount(first.size) || !isCount(second.size) || first.size === 0 || first.size > second.size)
    return false
  if (first.size === second.size) return proof.length === 0 && first.root.equals(second.root)
  const power = largestPowerIn(first.size) === first.size
  const [start, ...rest] = power ? [first.root, ...proof] : proof
  if (start === undefined || proof.length === 0) return false
  let node = first.size - 1
  let last = second.size - 1
  for (; node % 2 === 1; last = half(last)) node = half(node)
  let old = start
  let grown = start
  for (const part of rest) {
    if (last === 0) return false
    if (node % 2 === 1 || node === last) {
      old = nodeHash(part, old)
      grown = nodeHash(part, grown)
      for (; node % 2 === 0 && node !== 0; last = half(last)) node = half(node)
    } else {
      grown = nodeHash(grown, part)
    }
    node = half(node)
    last = half(last)
  }
  return last === 0 && old.equals(first.root) && grown.equals(second.root)
}

function half(n: number): number {
  return Math.floor(n / 2)
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0
}
