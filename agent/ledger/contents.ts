import { createHash } from 'node:crypto'
import { canonical } from '../../ledger/canonical.ts'
import { redact } from '../../model/redact.ts'
import { type PartReading, type Snapshot, type SnapshotPart, snapshotParts } from '../../model/topology.ts'

/**
 * What a reading of the account says, in texts that are known by their hash: so that an unchanged part, and of a changed one
 * what stayed, is written once. A part is a list of items; a long one is a list of the hashes of shorter lists.
 */
export interface SnapshotContents {
  /** SHA-256 (hex) of each part's text; null: it has no canonical form, and can't be kept. */
  parts: Record<SnapshotPart, string | null>
  /** Where a prefix list has another date than its part: Unix milliseconds by its id. */
  listDates: Record<string, number>
}

export type SayText = (hash: string, text: string) => void

/** Lists are cut behind an item whose id says so, so that the cuts stay where they are when others come and go. */
const meanBytes = 8192
const mostBytes = 32_768
const mostKnown = 50_000
/** Characters between two turns of the event loop. */
const partCharacters = 16_384

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

/** 0 to 2^32, by the id alone. */
function drawOf(item: object): number {
  const { id } = item as { id?: unknown }
  return createHash('sha256').update(String(id)).digest().readUInt32BE(0)
}

interface Chunk {
  key: string
  items: unknown[]
  characters: number
}

/** Items in the order in which they stand, cut into lists of about `meanBytes`. */
function* chunksOf(items: readonly object[]): Generator<Chunk> {
  let own: object[] = []
  let texts: string[] = []
  let bytes = 0
  const end = (): Chunk => {
    const chunk = { key: sha256(texts.join()), items: own, characters: bytes }
    own = []
    texts = []
    bytes = 0
    return chunk
  }
  for (const item of items) {
    const text = JSON.stringify(item)
    own.push(item)
    texts.push(text)
    bytes += text.length
    // The chance that a list ends behind an item is its share of the mean length.
    if (bytes >= mostBytes || drawOf(item) < (text.length / meanBytes) * 2 ** 32) yield end()
  }
  if (own.length > 0) yield end()
}

const dateless = ({ atMs: _atMs, ...list }: Snapshot['prefixLists'][number]): object => list

/** Cuts readings into texts; remembers what it has seen, for most of the next one is the same. */
export interface ContentsCutter {
  /**
   * `wanted`: whether a text of this hash is still to be said; each of those is given to `say` before those that
   * name it. What is written passes the redactor here: hashes are over what it leaves. Gives way after each part that takes
   * about a millisecond; a small account is done in one.
   */
  cut(
    snapshot: Snapshot,
    wanted: (hash: string) => boolean,
    say: SayText,
  ): Generator<undefined, SnapshotContents>
}

export function createContentsCutter(): ContentsCutter {
  /** From the JSON of a list, as it came, to the hash of its text. */
  const known = new Map<string, string | null>()

  const hashOf = (
    chunk: Pick<Chunk, 'key' | 'items'>,
    wanted: (hash: string) => boolean,
    say: SayText,
  ): string | null => {
    const before = known.get(chunk.key)
    if (before !== undefined && (before === null || !wanted(before))) return before
    const written = canonical(chunk.items)
    const text = written.ok ? redact(written.text) : null
    const hash = text === null ? null : sha256(text)
    if (known.size >= mostKnown) known.clear()
    known.set(chunk.key, hash)
    if (hash !== null && text !== null && wanted(hash)) say(hash, text)
    return hash
  }

  return {
    *cut(snapshot, wanted, say) {
      const parts = {} as SnapshotContents['parts']
      let characters = 0
      for (const part of snapshotParts) {
        const items: readonly object[] =
          part === 'prefixLists' ? snapshot.prefixLists.map(dateless) : snapshot[part]
        const hashes: (string | null)[] = []
        for (const chunk of chunksOf(items)) {
          hashes.push(hashOf(chunk, wanted, say))
          characters += chunk.characters
          if (characters < partCharacters) continue
          characters = 0
          yield
        }
        const [only] = hashes
        if (only === undefined) parts[part] = hashOf({ key: '[]', items: [] }, wanted, say)
        else if (hashes.length === 1) parts[part] = only
        else
          parts[part] = hashes.includes(null)
            ? null
            : hashOf({ key: sha256(`lists ${hashes.join()}`), items: hashes }, wanted, say)
      }
      return { parts, listDates: listDatesOf(snapshot) }
    },
  }
}

export function listDatesOf({ prefixLists, parts }: Snapshot): Record<string, number> {
  const status = parts.prefixLists
  const own = status.read ? status.atMs : null
  return Object.fromEntries(
    prefixLists.flatMap(({ id, atMs }) => (atMs !== null && atMs !== own ? [[id, atMs]] : [])),
  )
}

/** When each part was read, or why it was not, without words for people. */
export function readingsOf({ parts }: Snapshot): Record<SnapshotPart, PartReading> {
  const readings = {} as Record<SnapshotPart, PartReading>
  for (const part of snapshotParts) {
    const status = parts[part]
    readings[part] = status.read ? status : { ...status, detail: redact(status.detail).slice(0, 200) }
  }
  return readings
}

/** Of one piece, as it stands on its line: escapes take the rest. */
const pieceBytes = 40_000
const pieceLength = 16_000

/** A text in pieces that fit a line each. */
export function piecesOf(text: string): string[] {
  const pieces: string[] = []
  for (let at = 0; at < text.length; ) {
    let length = Math.min(pieceLength, text.length - at)
    while (Buffer.byteLength(JSON.stringify(text.slice(at, at + length))) > pieceBytes)
      length = Math.ceil(length / 2)
    // Both halves of a pair stay together.
    const last = text.charCodeAt(at + length - 1)
    if (last >= 0xd800 && last <= 0xdbff && length > 1) length--
    pieces.push(text.slice(at, at + length))
    at += length
  }
  return pieces.length === 0 ? [''] : pieces
}
