import { createHash } from 'node:crypto'
import { codeOf, type LedgerFiles } from './files.ts'
import type { Layout, SegmentFiles } from './layout.ts'
import { linesOf, segmentBytes } from './lines.ts'
import type { Tree } from './merkle.ts'
import { type HeaderResult, type Place, follow, readHeader } from './scan.ts'
import type { LedgerRecord, SegmentDigest } from './types.ts'

/** What a walk tells on its way, in the order in which it comes. */
export interface Walker {
  /** A segment begins. `before`: where the walk stands, null at the start and behind what could not be followed. */
  begins(segment: SegmentFiles, header: Extract<HeaderResult, { ok: true }>, before: Place | null): void
  /** The tree at this size; also before the first record. */
  passes(tree: Tree): void
  record(record: LedgerRecord, line: Buffer): void
  /** The segment can't be followed further than to record `end`; `behind` bytes are left. */
  breaks(segment: SegmentFiles, problem: string, end: number, behind: number): void
  /** The segment was followed to its end (with its digest), or not (null). */
  ends(segment: SegmentFiles, digest: SegmentDigest | null): void
}

/**
 * Goes through segments, line by line. Where one can't be followed, it goes on with the next one from what that claims
 * of the tree before it. Gives the place at the end (null: the last segment broke before its first record), or the
 * newer format version that it met. Rejects where files can't be read.
 */
export async function walkLedger(
  files: LedgerFiles,
  layout: Layout,
  segments: readonly SegmentFiles[],
  walker: Walker,
): Promise<{ ok: true; place: Place | null } | { ok: false; newer: number }> {
  let before: Place | null = null
  for (const segment of segments) {
    const walked = await walkSegment(files, layout, segment, before, walker)
    if (walked.newer !== null) return { ok: false, newer: walked.newer }
    walker.ends(segment, walked.digest)
    // A last segment whose first line is torn takes nothing away from those before it.
    if (walked.place !== null || segment !== segments.at(-1) || before?.tree.size !== segment.first)
      before = walked.place
  }
  return { ok: true, place: before }
}

async function walkSegment(
  files: LedgerFiles,
  layout: Layout,
  segment: SegmentFiles,
  before: Place | null,
  walker: Walker,
): Promise<{ newer: number | null; place: Place | null; digest: SegmentDigest | null }> {
  const { first } = segment
  const sha = createHash('sha256')
  let place: Place | null = null
  let count = 0
  let bytes = 0
  let total = 0
  let trouble: string | null = null
  let newer: number | null = null
  try {
    for await (const line of linesOf(segmentBytes(files, layout, segment))) {
      total = line.end
      if (trouble !== null) continue
      const result = step(line.bytes, line.ended)
      if (result === null) {
        count++
        bytes = line.end
        sha.update(line.bytes).update('\n')
        continue
      }
      trouble = result.problem
      newer = result.newer ?? null
      // How much follows is told of plain files only; a compressed one may unpack to more than anybody can read.
      if (newer !== null || !segment.plain) break
    }
  } catch (error) {
    const code = codeOf(error)
    if (code.startsWith('E') && code !== 'EUNKNOWN') throw error
    trouble = `it can not be unpacked (${code})`
  }
  if (count === 0) trouble ??= 'it is empty'
  const end = (place as Place | null)?.tree.size ?? first
  if (trouble !== null && newer === null) walker.breaks(segment, trouble, end, total - bytes)
  const digest = trouble === null ? { first, count, bytes, sha256: sha.digest('hex') } : null
  return { newer, place, digest }

  /** Null: the line is the next record. */
  function step(line: Buffer, ended: boolean): { problem: string; newer?: number } | null {
    if (!ended) return { problem: 'its last line is torn' }
    if (place === null) {
      const header = readHeader(first, line)
      if (!header.ok) return header
      walker.begins(segment, header, before)
      place = header.before
      walker.passes(place.tree)
    }
    const expected = place.tree.size
    const followed = follow(place, line, count === 0)
    // The first line names the version of all: another one further on is no newer program's, but a changed line.
    if (!followed.ok) return { problem: `record ${expected}: ${followed.problem}` }
    walker.passes(place.tree)
    walker.record(followed.record, line)
    return null
  }
}
