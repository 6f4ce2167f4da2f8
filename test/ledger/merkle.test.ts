import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Hash,
  addLeaf,
  emptyTree,
  leafHash,
  nodeHash,
  rootOf,
  subtreesOf,
  treeOf,
} from '../../ledger/merkle.ts'
import { consistencyRanges, consistent, inclusionRanges, includes, rangeRoots } from '../../ledger/proof.ts'
import vectors from '../data/ledger/rfc6962.json' with { type: 'json' }

const hex = (text: string): Hash => Buffer.from(text, 'hex')
const leaves = vectors.leafInputs.map((input) => leafHash(hex(input)))

function treeFrom(hashes: readonly Hash[]) {
  const tree = emptyTree()
  for (const hash of hashes) addLeaf(tree, hash)
  return tree
}

/** RFC 6962 section 2.1 word by word: the oracle. */
function mth(hashes: readonly Hash[]): Hash {
  if (hashes.length <= 1) return hashes[0] ?? rootOf(emptyTree())
  let k = 1
  while (k * 2 < hashes.length) k *= 2
  return nodeHash(mth(hashes.slice(0, k)), mth(hashes.slice(k)))
}

function rootsOf(ranges: readonly { from: number; end: number }[], hashes: readonly Hash[]) {
  const roots = rangeRoots(ranges)
  for (const [index, hash] of hashes.entries()) roots.take(index, 1, hash)
  return roots.roots()
}

describe('RFC 6962, published vectors', () => {
  it('leaf hashes', () => {
    expect(leaves.map((hash) => hash.toString('hex'))).toEqual(vectors.leafHashes)
  })

  it('roots of sizes 0 to 8', () => {
    const roots = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((size) =>
      rootOf(treeFrom(leaves.slice(0, size))).toString('hex'),
    )
    expect(roots).toEqual(vectors.roots)
  })

  it('an inner node is no leaf', () => {
    const { input, leafHash: expected } = vectors.secondPreimage
    expect(leafHash(hex(input)).toString('hex')).toBe(expected)
  })

  it('inclusion proofs, good and broken, are told apart', () => {
    const wrong = vectors.inclusion.filter(
      ({ index, size, leafHash: leaf, proof, root, valid }) =>
        includes(index, size, hex(leaf), proof.map(hex), hex(root)) !== valid,
    )
    expect(wrong).toEqual([])
    expect(vectors.inclusion.some(({ valid }) => !valid)).toBe(true)
  })

  it('inclusion proofs are made as published', () => {
    for (const { index, size, proof, valid } of vectors.inclusion) {
      if (!valid) continue
      const made = rootsOf(inclusionRanges(index, size), leaves.slice(0, size))
      expect(made.map((hash) => hash?.toString('hex'))).toEqual(proof)
    }
  })

  it('consistency proofs, good and broken, are told apart', () => {
    const wrong = vectors.consistency.filter(
      ({ size1, size2, root1, root2, proof, valid }) =>
        consistent({ size: size1, root: hex(root1) }, { size: size2, root: hex(root2) }, proof.map(hex)) !==
        valid,
    )
    expect(wrong).toEqual([])
    expect(vectors.consistency.some(({ valid }) => !valid)).toBe(true)
  })

  it('consistency proofs are made as published', () => {
    for (const { size1, size2, proof, valid } of vectors.consistency) {
      if (!valid) continue
      const made = rootsOf(consistencyRanges(size1, size2), leaves.slice(0, size2))
      expect(made.map((hash) => hash?.toString('hex'))).toEqual(proof)
    }
  })
})

describe('trees of other sizes', () => {
  const many = Array.from({ length: 300 }, (_, index) => leafHash(Buffer.from(String(index))))
  const size = fc.integer({ min: 1, max: many.length })

  it('grow leaf by leaf to the root of the definition', () => {
    fc.assert(
      fc.property(size, (n) => {
        expect(rootOf(treeFrom(many.slice(0, n)))).toEqual(mth(many.slice(0, n)))
      }),
      { numRuns: 50 },
    )
  })

  it('go on from what is kept of them', () => {
    fc.assert(
      fc.property(size, size, (a, b) => {
        const [small, large] = a < b ? [a, b] : [b, a]
        const tree = treeOf(small, treeFrom(many.slice(0, small)).frontier)
        expect(tree).not.toBeNull()
        for (const hash of many.slice(small, large)) addLeaf(tree!, hash)
        expect(rootOf(tree!)).toEqual(mth(many.slice(0, large)))
        expect(treeOf(small, [...treeFrom(many.slice(0, small)).frontier, many[0]!])).toBeNull()
      }),
      { numRuns: 50 },
    )
  })

  it('prove inclusion and consistency from any kept beginning before the leaf', () => {
    fc.assert(
      fc.property(size, fc.nat(), fc.nat(), (n, i, p) => {
        const index = i % n
        const kept = p % (index + 1)
        const whole = mth(many.slice(0, n))
        const first = index + 1
        const inclusion = rangeRoots(inclusionRanges(index, n))
        const consistency = rangeRoots(consistencyRanges(first, n))
        for (const roots of [inclusion, consistency]) {
          for (const { start, width, hash } of subtreesOf(treeFrom(many.slice(0, kept))))
            roots.take(start, width, hash)
          for (let at = kept; at < n; at++) roots.take(at, 1, many[at]!)
        }
        const path = inclusion.roots() as Hash[]
        expect(includes(index, n, many[index]!, path, whole)).toBe(true)
        expect(includes(index, n, many[(index + 1) % 300]!, path, whole)).toBe(false)
        const old = { size: first, root: mth(many.slice(0, first)) }
        const proof = consistency.roots() as Hash[]
        expect(consistent(old, { size: n, root: whole }, proof)).toBe(true)
        if (first < n)
          expect(consistent({ ...old, root: many[0]! }, { size: n, root: whole }, proof) && first > 1).toBe(
            false,
          )
      }),
      { numRuns: 200 },
    )
  })

  it('prove nothing about leaves that are not told apart any more', () => {
    const roots = rangeRoots(inclusionRanges(0, 8))
    for (const { start, width, hash } of subtreesOf(treeFrom(many.slice(0, 4))))
      roots.take(start, width, hash)
    for (let at = 4; at < 8; at++) roots.take(at, 1, many[at]!)
    expect(roots.roots().slice(0, 2)).toEqual([null, null])
  })

  it('work beyond 2^32 leaves', () => {
    const tree = treeOf(2 ** 40 + 2, [many[0]!, many[1]!])
    addLeaf(tree!, many[2]!)
    addLeaf(tree!, many[3]!)
    expect(tree?.size).toBe(2 ** 40 + 4)
    expect(rootOf(tree!)).toEqual(nodeHash(many[0]!, nodeHash(many[1]!, nodeHash(many[2]!, many[3]!))))
  })
})
