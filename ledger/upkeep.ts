import { createHash } from 'node:crypto'
import { Readable, pipeline } from 'node:stream'
import { createGzip } from 'node:zlib'
import { hexesOf } from './bodies.ts'
import { type LedgerFiles, codeOf, writePart } from './files.ts'
import { type Layout, noteName, segmentName } from './layout.ts'
import { scanHeader } from './scan.ts'
import type { KnownSegment, Position } from './open.ts'
import type { LedgerEvent, SegmentDigest, StoreBodies } from './types.ts'

/** What keeping sealed segments in order needs of the store. Each call may reject; what is left undone is found again. */
export interface UpkeepDeps {
  files: LedgerFiles
  layout: Layout
  retentionSeconds: number
  mayPrune(segment: SegmentDigest): boolean
  /** The position now; null while nothing can be written. */
  position(): Position | null
  wallMs(): number
  /** Writes a record of the ledger's own; resolves with its number once it is on disk, null if it is not. */
  own<K extends 'seal' | 'prune' | 'damage'>(kind: K, body: StoreBodies[K]): Promise<number | null>
  /** Makes a checkpoint; the size of the newest one that is on disk then. */
  checkpointed(): Promise<number>
  stopped(): boolean
  event(event: LedgerEvent): void
}

/** However far the clock jumps ahead: each round gives up at most so many segments. */
const prunedPerRound = 2

/** Compresses segments that are full, removes what is past its time (`prune`), finishes what a crash interrupted. */
export async function keepUp(deps: UpkeepDeps, prune: boolean): Promise<void> {
  const { position, stopped } = deps
  for (const segment of position()?.segments.slice(0, -1) ?? [])
    if (segment.plain && !segment.broken && !stopped()) await compress(deps, segment)
  if (prune && !stopped()) await declarePrune(deps)
  if (!stopped()) await removePruned(deps)
  deps.event({ type: 'kept_up' })
}

/** The digest of a segment as the first line of the next one tells it. */
async function sealedDigest(deps: UpkeepDeps, segment: KnownSegment): Promise<SegmentDigest | null> {
  const segments = deps.position()?.segments ?? []
  const next = segments[segments.indexOf(segment) + 1]
  const header = next === undefined ? null : await scanHeader(deps.files, deps.layout, next)
  const previous = header?.ok === true ? header.header.previous : null
  return previous?.first === segment.first ? previous : null
}

/**
 * The order makes it safe at every step: the compressed copy is whole on disk, then the record says what it is, then it
 * gets its name, then the plain file goes.
 */
async function compress(deps: UpkeepDeps, segment: KnownSegment): Promise<void> {
  const { files, layout } = deps
  const digest = await sealedDigest(deps, segment)
  if (digest === null) return
  const plain = `${layout.segments}/${segmentName(segment.first)}`
  const part = `${plain}.gz.part`
  const content = createHash('sha256')
  const packed = createHash('sha256')
  let bytes = 0
  let gzipBytes = 0
  async function* watched(): AsyncGenerator<Uint8Array> {
    for await (const chunk of files.read(plain)) {
      bytes += chunk.length
      content.update(chunk)
      yield chunk
    }
  }
  async function* compressed(): AsyncGenerator<Uint8Array> {
    const gzip = createGzip()
    pipeline(Readable.from(watched()), gzip, () => undefined)
    for await (const chunk of gzip) {
      gzipBytes += (chunk as Buffer).length
      packed.update(chunk as Buffer)
      yield chunk as Buffer
    }
  }
  await writePart(files, part, compressed())
  if (bytes !== digest.bytes || content.digest('hex') !== digest.sha256) {
    await files.remove(part)
    segment.broken = true
    await deps.own('damage', {
      what: 'segment_changed',
      first: digest.first,
      end: digest.first + digest.count,
    })
    deps.event({
      type: 'damage',
      what: 'segment_changed',
      first: digest.first,
      end: digest.first + digest.count,
    })
    return
  }
  const seq = await deps.own('seal', { ...digest, gzipBytes, gzipSha256: packed.digest('hex') })
  if (seq === null) {
    await files.remove(part)
    return
  }
  await files.rename(part, `${plain}.gz`)
  await files.syncDirectory(layout.segments)
  await files.remove(plain)
  await files.syncDirectory(layout.segments)
  segment.plain = false
  segment.gzip = true
  segment.size = gzipBytes
  deps.event({ type: 'sealed', segment: digest, path: `${plain}.gz` })
}

/** Declares the oldest segments pruned; their files stay until a checkpoint covers that record. */
async function declarePrune(deps: UpkeepDeps): Promise<void> {
  const position = deps.position()
  if (position === null) return
  const limitMs = deps.wallMs() - deps.retentionSeconds * 1000
  const gone: SegmentDigest[] = []
  let stays: KnownSegment | null = null
  for (const [index, segment] of position.segments.slice(0, -1).entries()) {
    if (segment.first < position.prunedThrough) continue
    const next = position.segments[index + 1]
    // A segment's youngest record is not younger than the next one's first line.
    if (next === undefined || next.headerMs > limitMs || gone.length >= prunedPerRound) break
    const digest = await sealedDigest(deps, segment)
    if (digest === null || !deps.mayPrune(digest)) break
    gone.push(digest)
    stays = next
  }
  if (stays === null) return
  const header = await scanHeader(deps.files, deps.layout, stays)
  if (!header.ok) return
  const { retentionSeconds } = deps
  const body = {
    segments: gone,
    through: stays.first,
    retentionSeconds,
    frontier: hexesOf(header.before.tree),
  }
  if ((await deps.own('prune', body)) !== null) {
    const now = deps.position()
    if (now !== null) now.prunedThrough = stays.first
  }
}

/** Removes the files of pruned segments, oldest first, so that what stays is always the end of the ledger. */
async function removePruned(deps: UpkeepDeps): Promise<void> {
  const { files, layout } = deps
  const before = deps.position()
  const through = before?.prunedThrough ?? 0
  const left = before?.segments.filter((segment) => segment.first < through) ?? []
  if (before === null || left.length === 0) return
  const size = before.tree.size
  if ((await deps.checkpointed()) < size) return
  for (const segment of left) {
    const path = `${layout.segments}/${segmentName(segment.first)}`
    for (const file of [path, `${path}.gz`]) {
      try {
        await files.remove(file)
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error
      }
    }
    await files.syncDirectory(layout.segments)
    const now = deps.position()
    if (now !== null) now.segments = now.segments.filter(({ first }) => first !== segment.first)
  }
  const oldest = deps.position()?.segments[0]?.checkpoint ?? 0
  for (const size of before.notes.filter((note) => note < oldest)) {
    await files.remove(`${layout.checkpoints}/${noteName(size)}`)
    const now = deps.position()
    if (now !== null) now.notes = now.notes.filter((note) => note !== size)
  }
  deps.event({ type: 'pruned', through })
}
