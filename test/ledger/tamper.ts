import { gunzipSync } from 'node:zlib'
import { hexesOf } from '../../ledger/bodies.ts'
import { canonical } from '../../ledger/canonical.ts'
import { formatCheckpoint } from '../../ledger/checkpoint.ts'
import { lineHash, noLine } from '../../ledger/line.ts'
import { addLeaf, emptyTree, leafHash, rootOf } from '../../ledger/merkle.ts'
import { signNote } from '../../ledger/note.ts'
import { createHash } from 'node:crypto'
import { createHandClock } from '../agent/hand-clock.ts'
import { kit, origin, pass, testHost, testSigner, until } from './kit.ts'
import { createMemoryDisk } from './memory-disk.ts'

export type Files = ReadonlyMap<string, Buffer>

/** Everything that a ledger can hold: several segments, compressed and not, a crash's tail, a gap, a clock step; closed. */
export async function closedLedger(): Promise<Files> {
  const clock = createHandClock()
  const crashed = createMemoryDisk()
  const first = kit(crashed.files, {}, clock)
  for (let n = 0; n < 5; n++) await first.store.append('observation', { n, name: `host-${n}.example.com` })
  await first.store.checkpoint()
  await first.store.append('observation', { n: 5 })
  const left = crashed.afterKill()
  const path = '/ledger/segments/0000000000000000.jsonl'
  left.put(path, Buffer.concat([left.content(path)!, Buffer.from('{"agent_id":"host-1","bo')]))
  const { store, next } = kit(left.files, { host: testHost(101), segmentBytes: 4000 }, clock)
  for (let day = 0; day < 3; day++) {
    for (let n = 0; n < 6; n++) await store.append('observation', { n, day, text: 'ä€ plain' })
    await store.checkpoint()
    let over = false
    void next('kept_up').then(() => {
      over = true
    })
    await clock.advance(86_400_000)
    await store.append('heartbeat', { day })
    await until(clock, () => over)
  }
  void store.append('observation', { n: Number.NaN })
  clock.stepWall(-3_600_000)
  await store.append('observation', { n: 7 })
  await pass(clock, 10)
  await store.close('end')
  return new Map(left.paths().map((name) => [name.slice('/ledger/'.length), left.content(name)!]))
}

/** The same on a disk of a test. */
export function diskOf(files: Files) {
  return createMemoryDisk(new Map([...files].map(([path, content]) => [`/ledger/${path}`, content])))
}

type Random = () => number
const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)]!
const bytes = (n: number, random: Random): Buffer =>
  Buffer.from(Array.from({ length: n }, () => Math.floor(random() * 256)))

const plainOnes = (files: Files): string[] => [...files.keys()].filter((path) => path.endsWith('.jsonl'))

function withLines(files: Files, random: Random, change: (lines: string[]) => string[]): Files {
  const path = pick(plainOnes(files), random)
  const lines = files.get(path)!.toString('latin1').split('\n').slice(0, -1)
  const text = change(lines)
    .map((line) => `${line}\n`)
    .join('')
  return new Map([...files, [path, Buffer.from(text, 'latin1')]])
}

/** `lie`: what the first lines of all segments but the first say otherwise. Every record is written anew, as somebody could who has all but the key: chain, trees and digests agree again. */
export function rewritten(
  files: Files,
  change: (records: Record<string, unknown>[]) => Record<string, unknown>[],
  lie: Record<string, unknown> = {},
): Map<string, Buffer> {
  const records = [...files]
    .filter(([path]) => path.startsWith('segments/'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([path, content]) =>
      (path.endsWith('.gz') ? gunzipSync(content) : content).toString('utf8').split('\n').slice(0, -1),
    )
    .map((line) => JSON.parse(line) as Record<string, unknown>)
  const tree = emptyTree()
  let prev = noLine
  const segments: { first: number; lines: Buffer[] }[] = []
  let previous: object | null = null
  for (const record of change(records)) {
    const seq = tree.size
    const body = record['body'] as Record<string, unknown>
    if (record['kind'] === 'segment') {
      const last = segments.at(-1)
      const whole = last === undefined ? null : Buffer.concat(last.lines)
      previous =
        last === undefined || whole === null
          ? null
          : {
              first: last.first,
              count: last.lines.length,
              bytes: whole.length,
              sha256: createHash('sha256').update(whole).digest('hex'),
            }
      segments.push({ first: seq, lines: [] })
    }
    const changed =
      record['kind'] === 'segment'
        ? { ...body, frontier: hexesOf(tree), previous, ...(seq > 0 ? lie : {}) }
        : body
    const text = canonical({ ...record, body: changed, seq, prev })
    if (!text.ok) throw new Error(text.problem)
    const line = Buffer.from(text.text)
    addLeaf(tree, leafHash(line))
    prev = lineHash(line)
    segments.at(-1)!.lines.push(Buffer.concat([line, Buffer.from('\n')]))
  }
  const others = [...files].filter(([path]) => !path.startsWith('segments/'))
  return new Map([
    ...others,
    ...segments.map(
      ({ first, lines }) =>
        [`segments/${String(first).padStart(16, '0')}.jsonl`, Buffer.concat(lines)] as const,
    ),
  ])
}

/** What somebody might do to a ledger that has no key of its signer. */
export const tamperings: Readonly<Record<string, (files: Files, random: Random) => Files | Promise<Files>>> =
  {
    bit(files, random) {
      const path = pick([...files.keys()], random)
      const content = Buffer.from(files.get(path)!)
      const at = Math.floor(random() * content.length)
      content[at] = content[at]! ^ (1 << Math.floor(random() * 8))
      return new Map([...files, [path, content]])
    },
    byte(files, random) {
      const path = pick([...files.keys()], random)
      const content = Buffer.from(files.get(path)!)
      content[Math.floor(random() * content.length)] = Math.floor(random() * 256)
      return new Map([...files, [path, content]])
    },
    splice(files, random) {
      const path = pick([...files.keys()], random)
      const content = files.get(path)!
      const at = Math.floor(random() * content.length)
      const removed = Math.floor(random() * 20)
      const parts = [
        content.subarray(0, at),
        bytes(Math.floor(random() * 20), random),
        content.subarray(at + removed),
      ]
      return new Map([...files, [path, Buffer.concat(parts)]])
    },
    truncate(files, random) {
      const path = pick([...files.keys()], random)
      const content = files.get(path)!
      return new Map([...files, [path, content.subarray(0, Math.floor(random() * content.length))]])
    },
    truncateAtLine: (files, random) =>
      withLines(files, random, (lines) => lines.slice(0, Math.floor(random() * lines.length))),
    append(files, random) {
      const path = pick([...files.keys()], random)
      return new Map([
        ...files,
        [path, Buffer.concat([files.get(path)!, bytes(1 + Math.floor(random() * 30), random)])],
      ])
    },
    remove(files, random) {
      const path = pick([...files.keys()], random)
      return new Map([...files].filter(([other]) => other !== path))
    },
    swapFiles(files, random) {
      const one = pick([...files.keys()], random)
      const other = pick([...files.keys()], random)
      return new Map([...files, [one, files.get(other)!], [other, files.get(one)!]])
    },
    rename(files, random) {
      const path = pick([...files.keys()], random)
      const to = path.replace(/\d{16}/, String(Math.floor(random() * 60)).padStart(16, '0'))
      return new Map([...[...files].filter(([other]) => other !== path), [to, files.get(path)!]])
    },
    swapLines: (files, random) =>
      withLines(files, random, (lines) => {
        const [a, b] = [Math.floor(random() * lines.length), Math.floor(random() * lines.length)]
        return lines.with(a, lines[b]!).with(b, lines[a]!)
      }),
    removeLine: (files, random) =>
      withLines(files, random, (lines) => lines.toSpliced(Math.floor(random() * lines.length), 1)),
    repeatLine: (files, random) =>
      withLines(files, random, (lines) => {
        const at = Math.floor(random() * lines.length)
        return lines.toSpliced(at, 0, lines[at]!)
      }),
    rechainChanged: (files, random) =>
      rewritten(files, (records) => {
        const at = Math.floor(random() * records.length)
        return records.with(at, { ...records[at], ts: '2026-11-20T11:59:59.000Z' })
      }),
    rechainRemoved: (files, random) =>
      rewritten(files, (records) => {
        const some = records.flatMap(({ kind }, index) => (kind === 'segment' ? [] : [index]))
        return records.toSpliced(pick(some, random), 1)
      }),
    rechainInserted: (files, random) =>
      rewritten(files, (records) => {
        const at = 1 + Math.floor(random() * (records.length - 1))
        return records.toSpliced(at, 0, { ...records[at], kind: 'observation', body: { n: 99 } })
      }),
    async forgedCheckpoint(files, random) {
      const forged = rewritten(files, (records) =>
        records.slice(0, 3 + Math.floor(random() * (records.length - 3))),
      )
      const tree = emptyTree()
      for (const path of plainOnes(forged).sort())
        for (const line of forged.get(path)!.toString('utf8').split('\n').slice(0, -1))
          addLeaf(tree, leafHash(Buffer.from(line)))
      const note = await signNote(formatCheckpoint(origin, tree.size, rootOf(tree)), [testSigner(9)])
      const kept = [...forged].filter(([path]) => !path.startsWith('checkpoints/') || random() < 0.3)
      return new Map([
        ...kept,
        [`checkpoints/${String(tree.size).padStart(16, '0')}.note`, Buffer.from(note)],
      ])
    },
  }

export function same(a: Files, b: Files): boolean {
  return a.size === b.size && [...a].every(([path, content]) => b.get(path)?.equals(content))
}
