import { storeBody } from './bodies.ts'
import type { LedgerFiles } from './files.ts'
import type { Layout, SegmentFiles } from './layout.ts'
import { parseLine } from './line.ts'
import { linesOf, segmentBytes } from './lines.ts'
import { type Tree, rootOf } from './merkle.ts'
import { type VerifierKey, openNote, parseVkey, signNote, strictBase64 } from './note.ts'
import type { HexHash, LedgerRecord, Signer, StoreBodies } from './types.ts'

/** One key hands over to another: both have signed that, over all records before. */
export interface HandOver {
  seq: number
  from: VerifierKey
  to: VerifierKey
  /** Root of the tree over the `seq` records before. */
  root: HexHash
}

/** The first line is no origin that a ledger can have: nobody can take it for a checkpoint. */
function textOf(origin: string, size: number, root: Uint8Array, from: string, to: string): string {
  return `${origin} key hand-over\n${size}\n${Buffer.from(root).toString('base64')}\n${from}\n${to}\n`
}

/** The body of a `handover` record that follows the records of this tree. Rejects if one of the two does not sign. */
export async function makeHandOver(
  origin: string,
  tree: Tree,
  from: Signer,
  to: Signer,
): Promise<StoreBodies['handover']> {
  const text = textOf(origin, tree.size, rootOf(tree), from.vkey, to.vkey)
  return { from: from.vkey, to: to.vkey, note: await signNote(text, [from, to]) }
}

/** Reads a `handover` record; null unless both keys signed it for this place. Whether its root holds is for the caller. */
export function readHandOver(record: LedgerRecord, origin: string): HandOver | null {
  const body = storeBody(record, 'handover')
  const from = parseVkey(body?.from ?? '')
  const to = parseVkey(body?.to ?? '')
  if (body === null || from === null || to === null || body.from === body.to) return null
  const opened = openNote(Buffer.from(body.note), [from, to])
  if (!opened.ok || ![from, to].every((key) => opened.note.by.includes(key))) return null
  const root = strictBase64(opened.note.text.split('\n')[2] ?? '')
  if (root?.length !== 32) return null
  return opened.note.text === textOf(origin, record.seq, root, body.from, body.to)
    ? { seq: record.seq, from, to, root: root.toString('hex') }
    : null
}

/** All that stand where a writer puts them, behind the first line of a segment, and by a key that could; in order. */
export async function findHandOvers(
  files: LedgerFiles,
  layout: Layout,
  segments: readonly SegmentFiles[],
): Promise<HandOver[]> {
  const found: HandOver[] = []
  for (const segment of segments) {
    try {
      let origin: string | null = null
      for await (const { bytes } of linesOf(segmentBytes(files, layout, segment))) {
        const parsed = parseLine(bytes)
        if (origin === null) {
          origin = (parsed.ok ? storeBody(parsed.record, 'segment')?.origin : null) ?? null
          if (origin === null) break
          continue
        }
        const one = parsed.ok ? readHandOver(parsed.record, origin) : null
        if (one !== null && one.seq === segment.first + 1) found.push(one)
        break
      }
    } catch {
      // What can't be read is found by whoever follows the lines.
    }
  }
  return byKeysInForce(found)
}

/** A key that was handed over is retired, perhaps because it was stolen: it can hand over nothing more, unless it came back. */
function byKeysInForce(handOvers: readonly HandOver[]): HandOver[] {
  const retired: VerifierKey[] = []
  return handOvers.filter(({ from, to }) => {
    if (retired.some((key) => sameKey(key, from))) return false
    const back = retired.findIndex((key) => sameKey(key, to))
    if (back >= 0) retired.splice(back, 1)
    retired.push(from)
    return true
  })
}

const sameKey = (a: VerifierKey, b: VerifierKey): boolean =>
  a.name === b.name && a.id === b.id && a.publicKey.equals(b.publicKey)

/** Which keys count for a checkpoint over so many records. */
export type KeysAt = (size: number) => readonly VerifierKey[]

/**
 * Whoever trusts a key trusts those that it handed over to and those that handed over to it, each for its own records: of a
 * chain of keys only the one counts that was in force. Keys of no hand-over count everywhere.
 */
export function keysInForce(keys: readonly VerifierKey[], handOvers: readonly HandOver[]): KeysAt {
  const trusted: VerifierKey[] = [...keys]
  const isTrusted = (key: VerifierKey): boolean => trusted.some((known) => sameKey(known, key))
  let chain: HandOver[] = []
  for (let grown = true; grown; ) {
    const next = handOvers.filter(({ from, to }) => isTrusted(from) || isTrusted(to))
    grown = next.length > chain.length
    chain = next
    for (const key of chain.flatMap(({ from, to }) => [from, to])) if (!isTrusted(key)) trusted.push(key)
  }
  const handed = chain.flatMap(({ from, to }) => [from, to])
  const free = keys.filter((key) => !handed.some((other) => sameKey(other, key)))
  return (size) => {
    const inForce = chain.findLast(({ seq }) => seq < size)?.to ?? chain[0]?.from
    return inForce === undefined ? free : [...free, inForce]
  }
}
