import { hexesOf, storeBody } from './bodies.ts'
import type { LedgerFiles } from './files.ts'
import { findHandOvers, keysInForce } from './handover.ts'
import { type Layout, type SegmentFiles, layoutOf, listSegments, segmentName } from './layout.ts'
import { noLine, timeText } from './line.ts'
import { rootOf } from './merkle.ts'
import type { VerifierKey } from './note.ts'
import { hashOf } from './open.ts'
import type { HexHash, LedgerRecord, SegmentDigest, StoreBodies } from './types.ts'
import { type Problem, type Verification, mostListed } from './verification.ts'
import { type NoteResult, checkNote, checkNotes } from './verify-notes.ts'
import { judgeCheckpoints } from './verify-checkpoints.ts'
import { type Walker, walkLedger } from './walk.ts'

export interface VerifyOptions {
  /** Verifier keys that are trusted; none: the signer stays unknown. */
  keys?: readonly VerifierKey[]
  /** Checkpoints that were kept elsewhere. */
  anchors?: readonly { name: string; bytes: Uint8Array }[]
  /** Takes every record whose line follows the chain, in order; a problem may still show later. */
  onRecord?(record: LedgerRecord, line: Buffer): void
}

/** `newer`: the format version that this program does not know; nothing else was looked at. */
export type VerifyResult = { ok: true; seen: Verification } | { ok: false; newer: number }

function nothingSeen(first: number): Verification {
  return {
    origin: null,
    first,
    end: first,
    root: null,
    problems: [],
    signer: 'not_verified',
    signed: [],
    unknownSigners: [],
    checkpoints: [],
    unsignedTail: 0,
    torn: null,
    gaps: [],
    recoveries: [],
    damages: [],
    clockSteps: [],
    pruned: null,
    closed: false,
    anchors: [],
    cannotTell: [],
  }
}

/**
 * Verifies a ledger's directory: every line's form and place in the chain, the tree against every checkpoint and
 * anchor, signatures, what segments say of those before them, the hashes of compressed files, and what is declared as
 * missing. Needs no configuration, no network and no writer; streams. Rejects only if the directory can't be read.
 */
export async function verifyLedger(
  files: LedgerFiles,
  directory: string,
  { keys = [], anchors = [], onRecord }: VerifyOptions = {},
): Promise<VerifyResult> {
  const layout = layoutOf(directory)
  const segments = await listSegments(files, layout)
  const handOvers = await findHandOvers(files, layout, segments)
  const keysAt = keysInForce(keys, handOvers)
  const { notes, broken } = await checkNotes(files, layout, keysAt)
  const anchored = anchors.map(({ name, bytes }): { name: string; result: NoteResult } => ({
    name,
    result: checkNote(bytes, keysAt),
  }))
  const seen = nothingSeen(segments[0]?.first ?? 0)
  const problem = (kind: Problem['kind'], text: string, seq: number | null = null): void => {
    if (seen.problems.length < mostListed) seen.problems.push({ kind, text, seq })
  }
  if (segments.length === 0) problem('no_ledger', 'there is no segment of a ledger')
  for (const { size, problem: text } of broken)
    problem('checkpoint', `the checkpoint over ${size} records: ${text}`)

  const newest = Math.max(0, ...notes.map(({ size }) => size))
  const vouched = Math.max(
    0,
    ...notes.filter(({ by }) => keys.length === 0 || by.length > 0).map(({ size }) => size),
  )
  const sizes = new Set(notes.map(({ size }) => size))
  for (const { result } of anchored) if (result.ok) sizes.add(result.note.size)
  for (const { seq } of handOvers) sizes.add(seq)
  const roots = new Map<number, HexHash>()
  const seals = new Map<number, StoreBodies['seal']>()
  const digests = new Map<number, SegmentDigest | null>()
  let previous: SegmentDigest | null = null

  const walker: Walker = {
    begins({ first }, { header, before }, expected) {
      const name = `the segment from record ${first} on`
      seen.origin ??= header.origin
      if (header.origin !== seen.origin) problem('other_origin', `${name} names another origin`, first)
      if (expected === null && first === 0 && (header.previous !== null || before.prev !== noLine))
        problem('segment_changed', `${name} is not the beginning of a ledger`, first)
      if (expected !== null && expected.tree.size !== first)
        problem('segment_missing', `records ${expected.tree.size} to ${first - 1} are missing`, first)
      else if (expected !== null) {
        const follows =
          expected.prev === before.prev && hexesOf(expected.tree).join() === hexesOf(before.tree).join()
        const told = previous === null || (header.previous !== null && sameDigest(previous, header.previous))
        if (!follows || !told)
          problem('segment_changed', `${name} tells otherwise of the records before it`, first)
      }
      if (header.checkpoint !== null && !notes.some(({ size }) => size === header.checkpoint))
        problem('checkpoint_missing', `the checkpoint over ${header.checkpoint} records is missing`, first)
    },
    passes(tree) {
      if (sizes.has(tree.size) && !roots.has(tree.size)) roots.set(tree.size, rootOf(tree).toString('hex'))
    },
    record(record, line) {
      declared(record)
      onRecord?.(record, line)
    },
    breaks(segment, text, end, behind) {
      // At the end, beyond every checkpoint, a crash leaves the same behind as a careless hand.
      if (segment === segments.at(-1) && segment.plain && end >= newest)
        seen.torn = { bytes: behind, after: end }
      else problem('line', `the segment from record ${segment.first} on: ${text}`, end)
    },
    ends(segment, digest) {
      previous = digest
      digests.set(segment.first, digest)
    },
  }

  function declared(record: LedgerRecord): void {
    const at = { seq: record.seq, ts: timeText(record.wallMs) }
    seen.closed = record.kind === 'close'
    keep(seen.gaps, storeBody(record, 'gap'), at)
    const full = storeBody(record, 'suspended')
    if (full !== null) {
      seen.suspensions ??= []
      keep(seen.suspensions, full, at)
    }
    keep(seen.recoveries, storeBody(record, 'recovery'), at)
    keep(seen.damages, storeBody(record, 'damage'), at)
    keep(seen.clockSteps, storeBody(record, 'clock'), at)
    const over = record.kind === 'handover' ? handOvers.find(({ seq }) => seq === record.seq) : undefined
    if (record.kind === 'handover' && (over === undefined || roots.get(record.seq) !== over.root))
      problem(
        'handover',
        `record ${record.seq} hands the key over, and is not signed by both for this place`,
        record.seq,
      )
    else if (over !== undefined) {
      const named = ({ name, id }: VerifierKey): string => `${name}+${id}`
      seen.handOvers = [
        ...(seen.handOvers ?? []),
        { seq: over.seq, from: named(over.from), to: named(over.to) },
      ]
    }
    const seal = storeBody(record, 'seal')
    if (seal !== null) seals.set(seal.first, seal)
    const pruned = storeBody(record, 'prune')
    // Only a signed declaration excuses that the beginning is gone.
    if (pruned !== null && record.seq < vouched && pruned.through > (seen.pruned?.through ?? 0))
      seen.pruned = { through: pruned.through, ts: at.ts }
  }

  const walked = await walkLedger(files, layout, segments, walker)
  if (!walked.ok) return walked
  const { place } = walked
  seen.end = place?.tree.size ?? seen.torn?.after ?? segments.at(-1)?.first ?? 0
  seen.root = place === null ? null : rootOf(place.tree).toString('hex')

  for (const text of await changedFiles(files, layout, segments, seals, digests)) problem('seal', text)
  for (const text of await changedTails(files, layout, seen.recoveries)) problem('recovered', text)
  judgeCheckpoints(seen, { keys: keys.length, notes, anchored, roots, problem })

  if (seen.first > (seen.pruned?.through ?? 0))
    problem(
      'segment_missing',
      `records ${seen.pruned?.through ?? 0} to ${seen.first - 1} are missing`,
      seen.first,
    )
  return { ok: true, seen }
}

function keep<T extends object>(
  list: (T & { seq: number; ts: string })[],
  body: T | null,
  at: { seq: number; ts: string },
): void {
  if (body !== null && list.length < mostListed) list.push({ ...body, ...at })
}

function sameDigest(a: SegmentDigest, b: SegmentDigest): boolean {
  return a.first === b.first && a.count === b.count && a.bytes === b.bytes && a.sha256 === b.sha256
}

/** Compressed files that are not, byte for byte, what the ledger says of them. */
async function changedFiles(
  files: LedgerFiles,
  layout: Layout,
  segments: readonly SegmentFiles[],
  seals: ReadonlyMap<number, StoreBodies['seal']>,
  digests: ReadonlyMap<number, SegmentDigest | null>,
): Promise<string[]> {
  const changed: string[] = []
  for (const { first, gzip } of segments) {
    if (!gzip) continue
    const name = `${segmentName(first)}.gz`
    const seal = seals.get(first)
    const digest = digests.get(first) ?? null
    if (seal === undefined) {
      changed.push(`${name} was compressed, and no record says so`)
      continue
    }
    const { bytes, sha256 } = await hashOf(files.read(`${layout.segments}/${name}`))
    if (bytes !== seal.gzipBytes || sha256 !== seal.gzipSha256)
      changed.push(`${name} is not the file that was sealed`)
    else if (digest !== null && !sameDigest(digest, seal))
      changed.push(`${name} holds other records than were sealed`)
  }
  return changed
}

/** Bytes that a recovery kept aside and that are not there as it says. */
async function changedTails(
  files: LedgerFiles,
  layout: Layout,
  recoveries: readonly StoreBodies['recovery'][],
): Promise<string[]> {
  const changed: string[] = []
  for (const { cut } of recoveries) {
    for (const { file, sha256 } of cut) {
      // The name comes out of a record: it must not lead elsewhere.
      const path = /^[\w-]+\.bin$/.test(file) ? `${layout.recovered}/${file}` : null
      const there = path !== null && (await files.size(path)) !== null
      if (path === null || !there) changed.push('bytes that a recovery kept aside are missing')
      else if ((await hashOf(files.read(path))).sha256 !== sha256)
        changed.push('bytes that a recovery kept aside were changed')
    }
  }
  return changed
}
