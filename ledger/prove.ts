import type { LedgerFiles } from './files.ts'
import { type SegmentFiles, layoutOf, listSegments } from './layout.ts'
import { type Hash, leafHash, subtreesOf } from './merkle.ts'
import type { VerifierKey } from './note.ts'
import {
  type RangeRoots,
  consistencyRanges,
  consistent,
  inclusionRanges,
  includes,
  rangeRoots,
} from './proof.ts'
import { readNote } from './scan.ts'
import { type CheckedNote, checkNote, checkNotes } from './verify-notes.ts'
import { walkLedger } from './walk.ts'

/** That one record stands in the ledger of a checkpoint. Whoever has the key needs nothing else. */
export interface InclusionProof {
  schema: 'pathproof.ledger-inclusion/1'
  seq: number
  /** The record's line, without its line end: the leaf. */
  line: string
  size: number
  root: string
  /** Hashes, hexadecimal, from the leaf up (RFC 6962 section 2.1.1). */
  proof: string[]
  /** The signed note over `size` records. */
  checkpoint: string
}

/** That the ledger of the later checkpoint begins with that of the earlier one. */
export interface ConsistencyProof {
  schema: 'pathproof.ledger-consistency/1'
  first: { size: number; root: string; checkpoint: string }
  second: { size: number; root: string; checkpoint: string }
  /** Hashes, hexadecimal (RFC 6962 section 2.1.2). */
  proof: string[]
}

export type ProofResult<T> = { ok: true; proof: T } | { ok: false; problem: string }

const no = (problem: string): { ok: false; problem: string } => ({ ok: false, problem })

/**
 * Proves that the record stands in the ledger. `note`: the checkpoint to prove it for (default: the newest one of the directory).
 * The proof is checked before it is given.
 */
export async function proveInclusion(
  files: LedgerFiles,
  directory: string,
  seq: number,
  note: Uint8Array | null = null,
): Promise<ProofResult<InclusionProof>> {
  const bytes = note ?? (await newestNote(files, directory))
  if (bytes === null) return no('there is no checkpoint')
  const target = checkNote(bytes, [])
  if (!target.ok) return no(`the checkpoint is none: ${target.problem}`)
  const { size, root } = target.note
  if (seq >= size) return no(`record ${seq} is not covered by the checkpoint over ${size} records`)
  const wanted = rangeRoots(inclusionRanges(seq, size))
  let line: Buffer | null = null
  const problem = await feed(files, directory, seq, size, wanted, (at, bytes) => {
    if (at === seq) line = Buffer.from(bytes)
  })
  if (problem !== null) return no(problem)
  const leaf = line as Buffer | null
  const hashes = wholeOf(wanted)
  if (leaf === null || hashes === null) return no(`record ${seq} can not be read`)
  if (!includes(seq, size, leafHash(leaf), hashes, root))
    return no('the records do not fit the checkpoint: verify the ledger')
  const text = Buffer.from(bytes).toString('utf8')
  const proof = {
    seq,
    line: leaf.toString('utf8'),
    size,
    root: root.toString('hex'),
    proof: hexes(hashes),
    checkpoint: text,
  }
  return { ok: true, proof: { schema: 'pathproof.ledger-inclusion/1', ...proof } }
}

/**
 * Proves that the ledger grew from one checkpoint to another without a change. `second`: the later one (default: the
 * newest of the directory). The proof is checked before it is given.
 */
export async function proveConsistency(
  files: LedgerFiles,
  directory: string,
  first: Uint8Array,
  second: Uint8Array | null = null,
): Promise<ProofResult<ConsistencyProof>> {
  const later = second ?? (await newestNote(files, directory))
  if (later === null) return no('there is no checkpoint')
  const [a, b] = [checkNote(first, []), checkNote(later, [])]
  if (!a.ok) return no(`the first checkpoint is none: ${a.problem}`)
  if (!b.ok) return no(`the second checkpoint is none: ${b.problem}`)
  if (a.note.origin !== b.note.origin) return no('the checkpoints are of two ledgers')
  if (a.note.size < 1 || a.note.size > b.note.size)
    return no(
      `the first checkpoint is over ${a.note.size} records, the second over ${b.note.size}: expected the earlier one first`,
    )
  const wanted = rangeRoots(consistencyRanges(a.note.size, b.note.size))
  const problem = await feed(files, directory, a.note.size, b.note.size, wanted, () => undefined)
  if (problem !== null) return no(problem)
  const hashes = wholeOf(wanted)
  if (hashes === null) return no('the records between the checkpoints can not all be read')
  if (!consistent(a.note, b.note, hashes))
    return no('the records do not fit the checkpoints: verify the ledger')
  const side = ({ size, root }: CheckedNote, note: Uint8Array) => ({
    size,
    root: root.toString('hex'),
    checkpoint: Buffer.from(note).toString('utf8'),
  })
  const proof = { first: side(a.note, first), second: side(b.note, later), proof: hexes(hashes) }
  return { ok: true, proof: { schema: 'pathproof.ledger-consistency/1', ...proof } }
}

/** What a proof shows by itself; `by`: which given key signed its (later) checkpoint. */
export type ProofCheck = { ok: true; by: string[]; text: string } | { ok: false; problem: string }

/** Checks a document of `proveInclusion` or `proveConsistency`; it may come from anywhere. */
export function checkProof(document: unknown, keys: readonly VerifierKey[]): ProofCheck {
  const given = document as Partial<Record<keyof InclusionProof | keyof ConsistencyProof, unknown>> | null
  const inner = (side: unknown): unknown => (side as { checkpoint?: unknown } | null | undefined)?.checkpoint
  const noteOf = (text: unknown) => checkNote(Buffer.from(typeof text === 'string' ? text : ''), keys)
  const hashes = hashesOf(given?.proof)
  if (hashes === null) return no('it is no proof')
  if (given?.schema === 'pathproof.ledger-inclusion/1') {
    const { seq, line } = given
    const note = noteOf(given.checkpoint)
    if (!note.ok) return no(`its checkpoint is none: ${note.problem}`)
    const { size, root, by } = note.note
    const leaf = typeof line === 'string' ? leafHash(Buffer.from(line)) : null
    if (leaf === null || typeof seq !== 'number' || !includes(seq, size, leaf, hashes, root))
      return no('the record is not in the ledger of this checkpoint')
    return { ok: true, by, text: `record ${seq} is one of the ${size} records of the checkpoint` }
  }
  if (given?.schema === 'pathproof.ledger-consistency/1') {
    const [first, second] = [noteOf(inner(given.first)), noteOf(inner(given.second))]
    if (!first.ok || !second.ok) return no('one of its checkpoints is none')
    if (first.note.origin !== second.note.origin || !consistent(first.note, second.note, hashes))
      return no('the later ledger does not begin with the earlier one')
    const by = second.note.by.filter((key) => first.note.by.includes(key))
    return {
      ok: true,
      by,
      text: `the first ${first.note.size} of ${second.note.size} records did not change`,
    }
  }
  return no('it is no proof')
}

function hashesOf(proof: unknown): Hash[] | null {
  const whole =
    Array.isArray(proof) && proof.length <= 128 && proof.every((hash) => /^[0-9a-f]{64}$/.test(String(hash)))
  return whole ? proof.map((hash) => Buffer.from(String(hash), 'hex')) : null
}

/** Hands the leaves before `size` to `wanted`, from the last segment on that begins at or before `needed`. */
async function feed(
  files: LedgerFiles,
  directory: string,
  needed: number,
  size: number,
  wanted: RangeRoots,
  line: (seq: number, bytes: Buffer) => void,
): Promise<string | null> {
  const layout = layoutOf(directory)
  const all = (await listSegments(files, layout)).filter(({ first }) => first < size)
  const start = all.findLastIndex(({ first }) => first <= needed)
  if (start < 0) return `records before ${all[0]?.first ?? 0} are not on this disk any more`
  const segments: SegmentFiles[] = all.slice(start)
  let problem: string | null = null
  const walked = await walkLedger(files, layout, segments, {
    begins(_, { before }, expected) {
      // All that was before, in a few hashes; a false one shows when the proof is checked.
      if (expected === null)
        for (const { start, width, hash } of subtreesOf(before.tree)) wanted.take(start, width, hash)
    },
    passes: () => undefined,
    record({ seq }, bytes) {
      if (seq >= size) return
      wanted.take(seq, 1, leafHash(bytes))
      line(seq, bytes)
    },
    breaks(segment, text, end) {
      if (end < size) problem = `the segment from record ${segment.first} on: ${text}`
    },
    ends: () => undefined,
  })
  return walked.ok ? problem : `the ledger has format version ${walked.newer}, newer than this program knows`
}

async function newestNote(files: LedgerFiles, directory: string): Promise<Buffer | null> {
  const layout = layoutOf(directory)
  const { notes } = await checkNotes(files, layout, [])
  const newest = notes.at(-1)
  return newest === undefined ? null : ((await readNote(files, layout, newest.size))?.bytes ?? null)
}

function wholeOf(wanted: RangeRoots): Hash[] | null {
  const roots = wanted.roots()
  return roots.every((root) => root !== null) ? roots : null
}

function hexes(hashes: readonly Hash[]): string[] {
  return hashes.map((hash) => hash.toString('hex'))
}
