import { createHash } from 'node:crypto'

/** A SHA-256 digest, 32 bytes. */
export type Hash = Buffer

/**
 * A Merkle tree over a growing list (RFC 6962 section 2.1), as its size and the hashes of its perfect subtrees, largest
 * first: one per bit that is set in the size. That is all it takes to append and to tell the root.
 */
export interface Tree {
  /** Number of leaves, below 2^53. */
  size: number
  frontier: Hash[]
}

const leafPrefix = Buffer.of(0)
const nodePrefix = Buffer.of(1)

export function leafHash(leaf: Uint8Array): Hash {
  return createHash('sha256').update(leafPrefix).update(leaf).digest()
}

export function nodeHash(left: Hash, right: Hash): Hash {
  return createHash('sha256').update(nodePrefix).update(left).update(right).digest()
}

/** A tree of `size` leaves from its perfect subtrees; null if their number does not fit the size. */
export function treeOf(size: number, frontier: readonly Hash[]): Tree | null {
  if (!Number.isSafeInteger(size) || size < 0) return null
  const bits = size.toString(2).replaceAll('0', '').length
  return frontier.length === bits ? { size, frontier: [...frontier] } : null
}

export function emptyTree(): Tree {
  return { size: 0, frontier: [] }
}

export function copyTree(tree: Tree): Tree {
  return { size: tree.size, frontier: [...tree.frontier] }
}

/** Appends one leaf, by its hash. Changes the tree. */
export function addLeaf(tree: Tree, hash: Hash): void {
  addSubtree(tree, hash, 1)
}

/** Appends a perfect subtree of `width` leaves, a power of two that divides the tree's size. Changes the tree. */
export function addSubtree(tree: Tree, hash: Hash, width: number): void {
  let joined = hash
  let before = tree.size / width
  if (!Number.isInteger(before))
    throw new RangeError(`a subtree of ${width} does not fit behind ${tree.size}`)
  for (; before % 2 === 1; before = (before - 1) / 2) joined = nodeHash(tree.frontier.pop() as Hash, joined)
  tree.frontier.push(joined)
  tree.size += width
}

/** The root: SHA-256 of nothing for the empty tree. */
export function rootOf(tree: Tree): Hash {
  const hashes = tree.frontier
  if (hashes.length === 0) return createHash('sha256').digest()
  return hashes.reduceRight((right, left) => nodeHash(left, right))
}

/** The perfect subtrees of a tree, with where each begins and how many leaves it has. */
export function subtreesOf(tree: Tree): { start: number; width: number; hash: Hash }[] {
  let start = 0
  return tree.frontier.map((hash) => {
    const width = largestPowerIn(tree.size - start)
    const subtree = { start, width, hash }
    start += width
    return subtree
  })
}

/** The largest power of two that is at most `n`, for n ≥ 1 up to 2^53. */
export function largestPowerIn(n: number): number {
  let power = 1
  while (power * 2 <= n) power *= 2
  return power
}
