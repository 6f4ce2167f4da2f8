import { createHash, type Hash as Hasher } from 'node:crypto'
import { type LedgerFiles, writeWhole } from './files.ts'
import {
  type Layout,
  type SegmentFiles,
  listNotes,
  listSegments,
  recoveredName,
  segmentName,
} from './layout.ts'
import { noLine, timeText } from './line.ts'
import { emptyTree, rootOf } from './merkle.ts'
import { type Place, type Scan, type SegmentHeader, readNote, scanHeader, scanSegment } from './scan.ts'
import type { SegmentDigest, StoreBodies } from './types.ts'

/** A segment as the writer knows it. */
export interface KnownSegment extends SegmentFiles {
  /** Time of its first line, Unix milliseconds. */
  headerMs: number
  /** Size of the checkpoint that its first line names. */
  checkpoint: number | null
  /** On disk, in bytes. */
  size: number
  /** It is not what was written, and that is declared: it stays as it is. */
  broken: boolean
}

/** The segment that is written. */
export interface CurrentSegment {
  first: number
  headerMs: number
  header: SegmentHeader
  count: number
  bytes: number
  sha: Hasher
}

/** The end of a ledger: all that its writer must know. */
export interface Position extends Place {
  /** Null: a new segment has to be begun. */
  current: CurrentSegment | null
  /** What the first line of the next segment says of the one before. */
  previous: SegmentDigest | null
  /** All segments on disk, oldest first, the current one included. */
  segments: KnownSegment[]
  /** Sizes of the checkpoints on disk, smallest first. */
  notes: number[]
  prunedThrough: number
  last: { seq: number; kind: string; wallMs: number } | null
  /** Who signed by the first line of the last segment; null: there was none. */
  vkeys: string[] | null
}

export interface Opened {
  position: Position
  /** What was not in order, as the records that declare it. */
  recovery: StoreBodies['recovery'] | null
  damage: StoreBodies['damage'][]
}

/** Why a ledger can't be gone on with; nothing was changed. */
export interface NotOpened {
  code: 'damaged' | 'newer_format' | 'other_origin'
  text: string
}

export type OpenResult = { ok: true; opened: Opened } | ({ ok: false } & NotOpened)

const refused = (code: NotOpened['code'], text: string): OpenResult => ({ ok: false, code, text })

/** The digest of a segment's whole records. */
export function digestOf({
  first,
  count,
  bytes,
  sha,
}: Pick<CurrentSegment, 'first' | 'count' | 'bytes' | 'sha'>): SegmentDigest {
  return { first, count, bytes, sha256: sha.copy().digest('hex') }
}

/**
 * Finds the end of the ledger in a directory whose lock is held, cuts what a crash left torn behind the last whole record
 * (its bytes are kept aside) and says what was found. `known`: where this same process stood when
 * writing failed; whatever lies behind that was never acknowledged and goes. Never cuts what a checkpoint covers: such a
 * directory is refused as damaged. Rejects where the files do.
 */
export async function openLedger(
  files: LedgerFiles,
  layout: Layout,
  origin: string,
  known: Position | null,
): Promise<OpenResult> {
  for (const path of [layout.directory, layout.segments, layout.checkpoints, layout.recovered])
    await files.makeDirectory(path)
  await files.syncDirectory(layout.directory)
  await removeParts(files, layout)

  const present = await listSegments(files, layout)
  if (known !== null) await removeBehind(files, layout, present, known.tree.size)
  const notes = await listNotes(files, layout)
  const newest = notes.at(-1) ?? 0

  const found = await lastSegment(files, layout, present, newest, known)
  if (!found.ok) return found
  const { scan, torn } = found
  if (scan !== null && scan.header.origin !== origin)
    return refused('other_origin', 'the ledger in this directory has another origin')
  const size = scan?.end.tree.size ?? 0

  if (known !== null && (scan === null || size !== known.tree.size || scan.end.prev !== known.prev))
    return continueFromMemory(files, layout, present, notes, known)
  if (newest > size)
    return refused('damaged', `the newest checkpoint is over ${newest} records, and there are ${size}`)
  for (const [at, tree] of scan?.roots ?? []) {
    const note = await readNote(files, layout, at)
    if (note === null || !note.checkpoint.root.equals(rootOf(tree)))
      return refused('damaged', `the records do not agree with the checkpoint over ${at} of them`)
  }

  const last = present.at(-1)
  const cut = known === null ? await keepTail(files, layout, last, scan, torn) : []
  if (known !== null && last !== undefined && scan !== null) await cutTail(files, layout, last, scan)

  const { segments, damage } = await knownSegments(files, layout, present, scan)
  const oldest = present[0]?.first ?? 0
  if (scan !== null && oldest > scan.prunedThrough)
    damage.unshift({ what: 'segment_missing', first: scan.prunedThrough, end: oldest })
  const position: Position = {
    tree: scan?.end.tree ?? emptyTree(),
    prev: scan?.end.prev ?? noLine,
    current: null,
    previous: null,
    segments,
    notes,
    prunedThrough: scan?.prunedThrough ?? 0,
    last: scan === null ? null : { seq: scan.last.seq, kind: scan.last.kind, wallMs: scan.last.wallMs },
    vkeys: scan?.header.vkeys ?? null,
  }
  if (scan !== null && last !== undefined) {
    const { header, headerMs, count, bytes, sha } = scan
    const current = { first: last.first, headerMs, header, count, bytes, sha }
    position.previous = digestOf(current)
    // A segment that is compressed, or that failed once, is never written again.
    if (last.plain && known === null) position.current = current
  }
  const unclean =
    known === null && (cut.length > 0 || (position.last !== null && position.last.kind !== 'close'))
  const recovery = unclean
    ? {
        lastSeq: position.last?.seq ?? null,
        lastTs: position.last === null ? null : timeText(position.last.wallMs),
        cut,
      }
    : null
  return { ok: true, opened: { position, recovery, damage } }
}

interface Torn {
  /** Whole file of a segment whose first line never became whole. */
  file: SegmentFiles
}

type LastSegment = { ok: true; scan: Scan | null; torn: Torn | null } | ({ ok: false } & NotOpened)

/** Scans the last segment; one that was only just begun when a crash came counts as torn, and the one before is last. */
async function lastSegment(
  files: LedgerFiles,
  layout: Layout,
  present: SegmentFiles[],
  newest: number,
  known: Position | null,
): Promise<LastSegment> {
  let torn: Torn | null = null
  for (;;) {
    const last = present.at(-1)
    if (last === undefined) return { ok: true, scan: null, torn }
    const until = known?.tree.size ?? Number.POSITIVE_INFINITY
    const result = await scanSegment(files, layout, last, { until, at: newest > 0 ? [newest] : [] })
    if (result.ok) return { ok: true, scan: result.scan, torn }
    if (known !== null) return { ok: true, scan: null, torn: null }
    if (result.newer !== undefined)
      return {
        ok: false,
        code: 'newer_format',
        text: `the ledger has format version ${result.newer}, newer than this program knows`,
      }
    if (torn !== null || result.lines > 1 || !last.plain || newest > last.first)
      return {
        ok: false,
        code: 'damaged',
        text: `the segment from record ${last.first} on can not be read: ${result.problem}`,
      }
    torn = { file: last }
    present.pop()
  }
}

/** This process still knows all hashes: it goes on in a new segment, and declares what is gone. */
async function continueFromMemory(
  files: LedgerFiles,
  layout: Layout,
  present: readonly SegmentFiles[],
  notes: number[],
  known: Position,
): Promise<OpenResult> {
  const first = known.previous?.first ?? 0
  const there = present.some((segment) => segment.first === first)
  const what = there ? 'segment_changed' : 'segment_missing'
  const { segments, damage } = await knownSegments(files, layout, present, null)
  for (const segment of segments) if (segment.first === first) segment.broken = true
  const end = known.tree.size
  return {
    ok: true,
    opened: {
      position: { ...known, current: null, segments, notes },
      recovery: null,
      damage: [...damage.filter((entry) => entry.first !== first), { what, first, end }],
    },
  }
}

/** Moves what is no whole record out of the last segment, so that nothing is lost, and cuts it there. */
async function keepTail(
  files: LedgerFiles,
  layout: Layout,
  last: SegmentFiles | undefined,
  scan: Scan | null,
  torn: Torn | null,
): Promise<StoreBodies['recovery']['cut']> {
  const seq = scan?.end.tree.size ?? 0
  if (torn !== null) {
    const path = `${layout.segments}/${segmentName(torn.file.first)}`
    if ((await files.size(path)) !== 0) await keepAside(files, layout, path, 0, seq)
    await files.remove(path)
    await files.syncDirectory(layout.segments)
  }
  if (last?.plain === true && scan !== null) {
    const path = `${layout.segments}/${segmentName(last.first)}`
    if ((await files.size(path)) !== scan.bytes) {
      await keepAside(files, layout, path, scan.bytes, seq)
      await files.cut(path, scan.bytes)
    }
  }
  // Also those that an earlier start kept aside without coming to declare them.
  const cut: StoreBodies['recovery']['cut'] = []
  const prefix = recoveredName(seq, '').slice(0, 17)
  for (const name of (await files.list(layout.recovered)).sort()) {
    if (!name.startsWith(prefix) || !name.endsWith('.bin')) continue
    const { bytes, sha256 } = await hashOf(files.read(`${layout.recovered}/${name}`))
    cut.push({ bytes, sha256, file: name })
  }
  return cut
}

async function cutTail(files: LedgerFiles, layout: Layout, last: SegmentFiles, scan: Scan): Promise<void> {
  const path = `${layout.segments}/${segmentName(last.first)}`
  if (last.plain && (await files.size(path)) !== scan.bytes) await files.cut(path, scan.bytes)
}

async function keepAside(
  files: LedgerFiles,
  layout: Layout,
  path: string,
  from: number,
  seq: number,
): Promise<void> {
  const { sha256 } = await hashOf(bytesFrom(files, path, from))
  await writeWhole(files, layout.recovered, recoveredName(seq, sha256), bytesFrom(files, path, from))
}

async function* bytesFrom(files: LedgerFiles, path: string, from: number): AsyncGenerator<Uint8Array> {
  let at = 0
  for await (const chunk of files.read(path)) {
    if (at + chunk.length > from) yield chunk.subarray(Math.max(0, from - at))
    at += chunk.length
  }
}

export async function hashOf(chunks: AsyncIterable<Uint8Array>): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    hash.update(chunk)
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** Half-written copies that a crash left: all of their content is still elsewhere. */
async function removeParts(files: LedgerFiles, { segments, checkpoints, recovered }: Layout): Promise<void> {
  for (const directory of [segments, checkpoints, recovered])
    for (const name of await files.list(directory))
      if (/^\d{16}[-.][\w.]*\.part$/.test(name)) await files.remove(`${directory}/${name}`)
}

/** Segments that this process began and never could make durable. */
async function removeBehind(
  files: LedgerFiles,
  layout: Layout,
  present: SegmentFiles[],
  size: number,
): Promise<void> {
  while ((present.at(-1)?.first ?? -1) >= size) {
    const { first } = present.pop() as SegmentFiles
    await files.remove(`${layout.segments}/${segmentName(first)}`)
    await files.syncDirectory(layout.segments)
  }
}

/** Reads the first line of every segment; each names the one before it, so that a missing one shows. */
async function knownSegments(
  files: LedgerFiles,
  layout: Layout,
  present: readonly SegmentFiles[],
  last: Scan | null,
): Promise<{ segments: KnownSegment[]; damage: StoreBodies['damage'][] }> {
  const segments: KnownSegment[] = []
  const damage: StoreBodies['damage'][] = []
  for (const [index, segment] of present.entries()) {
    const { first, plain } = segment
    const size = (await files.size(`${layout.segments}/${segmentName(first)}${plain ? '' : '.gz'}`)) ?? 0
    const before = present[index - 1]
    const scanned = index === present.length - 1 && last !== null
    const result = scanned
      ? { ok: true as const, header: last.header, wallMs: last.headerMs }
      : await headerOf(files, layout, segment)
    if (!result.ok) {
      segments.push({ ...segment, headerMs: 0, checkpoint: null, size, broken: true })
      damage.push({ what: 'segment_changed', first, end: present[index + 1]?.first ?? first + 1 })
      continue
    }
    const { header, wallMs } = result
    segments.push({ ...segment, headerMs: wallMs, checkpoint: header.checkpoint, size, broken: false })
    const missing = header.previous !== null && before !== undefined && header.previous.first !== before.first
    if (missing && header.previous !== null)
      damage.push({ what: 'segment_missing', first: header.previous.first, end: first })
  }
  return { segments, damage }
}

async function headerOf(files: LedgerFiles, layout: Layout, segment: SegmentFiles) {
  const result = await scanHeader(files, layout, segment)
  return result.ok
    ? { ok: true as const, header: result.header, wallMs: result.record.wallMs }
    : { ok: false as const }
}
