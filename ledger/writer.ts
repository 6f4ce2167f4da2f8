import { createHash } from 'node:crypto'
import { canonical } from './canonical.ts'
import { hexesOf } from './bodies.ts'
import type { LedgerFile, LedgerFiles } from './files.ts'
import { type Layout, segmentName } from './layout.ts'
import { type Draft, dayOf, formatLine, lineHash } from './line.ts'
import { type Tree, addLeaf, copyTree, leafHash } from './merkle.ts'
import { type Position, digestOf } from './open.ts'
import { type StoreBodies, formatVersion } from './types.ts'

/** Who writes, as it stands in segments' first lines. */
export interface Writing {
  files: LedgerFiles
  layout: Layout
  origin: string
  vkeys: string[]
  segmentBytes: number
  /** Signs together with the one that signed before that the key is another one now; null: that key is not at hand. */
  handOver: ((before: string, tree: Tree) => Promise<StoreBodies['handover'] | null>) | null
  /** `text`: why the key before does not vouch for the one that signs now. */
  handedOver(text: string | null): void
}

/** The one open file of a ledger, and the position behind what is synchronised. Only one call at a time. */
export interface Writer {
  position: Position
  /** Writes the records in order and synchronises them; gives the number of the first. Rejects: none of them counts. */
  commit(drafts: readonly Draft[]): Promise<number>
  /** Why a new segment is due before a record of this size is written now; null: it is not. */
  due(nowMs: number, bytes: number): StoreBodies['segment']['reason'] | null
  /** Begins a new segment. Rejects: the ledger has to be opened again. */
  begin(reason: StoreBodies['segment']['reason'], stamp: Stamp): Promise<void>
  /** The position to go on from after a failure. */
  abandoned(): Position
  close(): Promise<void>
}

/** Time and place of a record of the ledger's own. */
export type Stamp = Pick<Draft, 'wallMs' | 'monoUs' | 'bootId' | 'agentId'>

/** A record of the ledger's own; its body can't fail to be canonical. */
export function ownDraft<K extends keyof StoreBodies>(kind: K, body: StoreBodies[K], stamp: Stamp): Draft {
  const written = canonical(body)
  if (!written.ok) throw new Error(`a ${kind} record can't be written: ${written.problem}`)
  return { ...stamp, kind, body: written.text }
}

export function createWriter(writing: Writing, position: Position): Writer {
  const { files, layout } = writing
  let file: LedgerFile | null = null
  const writer: Writer = {
    position,

    async commit(drafts) {
      const { current } = position
      if (current === null) throw new Error('no segment is begun')
      file ??= await files.append(`${layout.segments}/${segmentName(current.first)}`)
      const { tree, prev, bytes } = laidOut(drafts)
      await file.append(bytes)
      await file.sync()
      const first = position.tree.size
      current.count += drafts.length
      current.bytes += bytes.length
      current.sha.update(bytes)
      advance(tree, prev, drafts)
      return first
    },

    due(nowMs, bytes) {
      const { current } = position
      if (current === null) return position.tree.size === 0 ? 'first' : 'failure'
      if (current.header.vkeys.join() !== writing.vkeys.join()) return 'key'
      if (current.count > 1 && current.bytes + bytes > writing.segmentBytes) return 'size'
      return dayOf(nowMs) > dayOf(current.headerMs) ? 'day' : null
    },

    async begin(reason, stamp) {
      await writer.close()
      const previous = position.current === null ? position.previous : digestOf(position.current)
      const first = position.tree.size
      const header: StoreBodies['segment'] = {
        format: formatVersion,
        origin: writing.origin,
        vkeys: writing.vkeys,
        reason,
        frontier: hexesOf(position.tree),
        previous,
        checkpoint: position.notes.at(-1) ?? null,
        pruned: position.prunedThrough,
      }
      const draft = ownDraft('segment', header, stamp)
      const { tree, prev, bytes } = laidOut([draft])
      const opened = await files.create(`${layout.segments}/${segmentName(first)}`)
      try {
        await opened.append(bytes)
        await opened.sync()
        await files.syncDirectory(layout.segments)
      } catch (error) {
        await opened.close().catch(() => undefined)
        throw error
      }
      file = opened
      const sha = createHash('sha256').update(bytes)
      position.current = { first, headerMs: stamp.wallMs, header, count: 1, bytes: bytes.length, sha }
      position.previous = previous
      position.segments.push({
        first,
        plain: true,
        gzip: false,
        headerMs: stamp.wallMs,
        checkpoint: header.checkpoint,
        size: bytes.length,
        broken: false,
      })
      advance(tree, prev, [draft])
      const before = position.vkeys
      position.vkeys = writing.vkeys
      const another = before !== null && before.join() !== writing.vkeys.join()
      if (another && before.length > 0 && writing.vkeys.length > 0) await handOver(before, stamp)
    },

    abandoned() {
      const { current } = position
      return {
        ...position,
        previous: current === null ? position.previous : digestOf(current),
        current: null,
      }
    },

    async close() {
      const open = file
      file = null
      // Everything that counts is synchronised already.
      await open?.close().catch(() => undefined)
    },
  }
  return writer

  /** Without it the ledger goes on: that the key is another one then stands unvouched in the segment's first line. */
  async function handOver(before: readonly string[], stamp: Stamp): Promise<void> {
    const [from = ''] = before
    let body: StoreBodies['handover'] | null = null
    let text: string | null = null
    try {
      body = (await writing.handOver?.(from, position.tree)) ?? null
      if (body === null) text = 'the key before is not at hand'
    } catch (error) {
      text = error instanceof Error ? error.message : 'it could not be signed'
    }
    if (body !== null) await writer.commit([ownDraft('handover', body, stamp)])
    writing.handedOver(text)
  }

  function laidOut(drafts: readonly Draft[]) {
    const tree = copyTree(position.tree)
    let { prev } = position
    const parts: Buffer[] = []
    for (const draft of drafts) {
      const line = formatLine(draft, tree.size, prev)
      prev = lineHash(line)
      addLeaf(tree, leafHash(line))
      parts.push(line, lineEnd)
    }
    return { tree, prev, bytes: Buffer.concat(parts) }
  }

  function advance(tree: Position['tree'], prev: string, drafts: readonly Draft[]): void {
    const { current } = position
    position.tree = tree
    position.prev = prev
    const last = drafts.at(-1)
    if (last !== undefined) position.last = { seq: tree.size - 1, kind: last.kind, wallMs: last.wallMs }
    const known = position.segments.at(-1)
    if (known !== undefined && current !== null && known.first === current.first) known.size = current.bytes
  }
}

const lineEnd = Buffer.from('\n')
