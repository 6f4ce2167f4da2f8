import { createHash, type Hash as Hasher } from 'node:crypto'
import { storeBody, treeBefore } from './bodies.ts'
import { readWhole, type LedgerFiles } from './files.ts'
import { type Layout, type SegmentFiles, noteName } from './layout.ts'
import { lineHash, parseLine } from './line.ts'
import { linesOf, segmentBytes } from './lines.ts'
import { type Tree, addLeaf, leafHash } from './merkle.ts'
import { maxNoteBytes, openNote } from './note.ts'
import { type Checkpoint, parseCheckpoint } from './checkpoint.ts'
import type { HexHash, LedgerRecord, StoreBodies } from './types.ts'

/** A place in the ledger: everything before it, in a few hashes. `tree.size` is the number of the next record. */
export interface Place {
  tree: Tree
  /** Hash of the line before. */
  prev: HexHash
}

/** Reads the line as the next one, `opens`: as the first of a segment; on success the place moves behind it. */
export function follow(
  place: Place,
  line: Uint8Array,
  opens: boolean,
): { ok: true; record: LedgerRecord } | { ok: false; problem: string; newer?: number } {
  const parsed = parseLine(line)
  if (!parsed.ok) return parsed
  const { seq, prev, kind } = parsed.record
  if ((kind === 'segment') !== opens) return { ok: false, problem: `it is of kind ${kind}` }
  if (seq !== place.tree.size) return { ok: false, problem: `it has number ${seq}` }
  if (prev !== place.prev) return { ok: false, problem: 'it does not name the hash of the line before' }
  addLeaf(place.tree, leafHash(line))
  place.prev = lineHash(line)
  return parsed
}

export type SegmentHeader = StoreBodies['segment']

export type HeaderResult =
  | { ok: true; record: LedgerRecord; header: SegmentHeader; before: Place }
  | { ok: false; problem: string; newer?: number }

/** Reads a segment's first line: what it claims of all that was before it. */
export function readHeader(first: number, line: Uint8Array): HeaderResult {
  const parsed = parseLine(line)
  if (!parsed.ok) return parsed
  const { record } = parsed
  const header = storeBody(record, 'segment')
  const tree = header === null ? null : treeBefore(first, header.frontier)
  if (header === null || tree === null || record.seq !== first)
    return { ok: false, problem: 'its first line is not that of a segment' }
  return { ok: true, record, header, before: { tree, prev: record.prev } }
}

/** What a pass over one segment finds. */
export interface Scan {
  header: SegmentHeader
  headerMs: number
  /** Behind the last whole record (or that with the number `until` - 1). */
  end: Place
  count: number
  /** Of the whole records' lines, and the state of their SHA-256. */
  bytes: number
  sha: Hasher
  last: LedgerRecord
  /** The greatest number that a `prune` record of this segment names; 0: none. */
  prunedThrough: number
  /** Roots asked for by `at`, by size. */
  roots: Map<number, Tree>
}

export type ScanResult =
  | { ok: true; scan: Scan }
  /** No whole first line; `lines` counts what looks like lines. */
  | { ok: false; problem: string; newer?: number; lines: number }

/**
 * Follows a segment from its first line as far as its records are whole and follow each other, at most up to the record
 * `until`. `at`: sizes at which the tree is wanted.
 */
export async function scanSegment(
  files: LedgerFiles,
  layout: Layout,
  segment: SegmentFiles,
  { until = Number.POSITIVE_INFINITY, at = [] }: { until?: number; at?: readonly number[] } = {},
): Promise<ScanResult> {
  const sha = createHash('sha256')
  let scan: Scan | null = null
  let refused: Extract<HeaderResult, { ok: false }> | null = null
  let lines = 0
  const wanted = new Set(at)
  const mark = (roots: Map<number, Tree>, { size, frontier }: Tree): void => {
    if (wanted.has(size)) roots.set(size, { size, frontier: [...frontier] })
  }
  for await (const line of linesOf(segmentBytes(files, layout, segment))) {
    lines++
    if (refused !== null) continue
    if (scan !== null && (scan.end.tree.size >= until || !line.ended)) break
    if (scan === null) {
      const read: HeaderResult = line.ended
        ? readHeader(segment.first, line.bytes)
        : { ok: false, problem: 'its first line is torn' }
      if (!read.ok) {
        refused = read
        if (read.newer !== undefined) break
        continue
      }
      const { header, before, record } = read
      const roots = new Map<number, Tree>()
      scan = {
        header,
        headerMs: record.wallMs,
        end: before,
        count: 0,
        bytes: 0,
        sha,
        last: record,
        prunedThrough: header.pruned,
        roots,
      }
      mark(roots, before.tree)
    }
    const followed = follow(scan.end, line.bytes, scan.count === 0)
    if (!followed.ok) break
    const { record } = followed
    mark(scan.roots, scan.end.tree)
    scan.count++
    scan.bytes = line.end
    scan.last = record
    sha.update(line.bytes).update('\n')
    const prune = storeBody(record, 'prune')
    if (prune !== null) scan.prunedThrough = Math.max(scan.prunedThrough, prune.through)
  }
  if (scan !== null) return { ok: true, scan }
  const { problem, newer } = refused ?? { problem: 'it is empty', newer: undefined }
  return { ok: false, problem, lines, ...(newer === undefined ? {} : { newer }) }
}

/** The first line of a segment alone. */
export async function scanHeader(
  files: LedgerFiles,
  layout: Layout,
  segment: SegmentFiles,
): Promise<HeaderResult> {
  try {
    for await (const line of linesOf(segmentBytes(files, layout, segment)))
      return line.ended
        ? readHeader(segment.first, line.bytes)
        : { ok: false, problem: 'its first line is torn' }
    return { ok: false, problem: 'it is empty' }
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : 'it can not be read' }
  }
}

/** A checkpoint file, read without judging who signed it; null if it is none, or not of that size. */
export async function readNote(
  files: LedgerFiles,
  { checkpoints }: Layout,
  size: number,
): Promise<{ bytes: Buffer; checkpoint: Checkpoint } | null> {
  const bytes = await readWhole(files, `${checkpoints}/${noteName(size)}`, maxNoteBytes)
  const opened = bytes === null ? null : openNote(bytes, [])
  const checkpoint = opened?.ok === true ? parseCheckpoint(opened.note.text) : null
  return bytes === null || checkpoint === null || checkpoint.size !== BigInt(size)
    ? null
    : { bytes, checkpoint }
}
