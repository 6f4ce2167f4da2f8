import { type Hash, type Tree, treeOf } from './merkle.ts'
import { isHexHash, timeMs } from './line.ts'
import {
  type LedgerRecord,
  type SegmentDigest,
  type StoreBodies,
  type StoreKind,
  formatVersion,
} from './types.ts'

const storeKinds: Readonly<Record<StoreKind, true>> = {
  segment: true,
  handover: true,
  seal: true,
  prune: true,
  recovery: true,
  suspended: true,
  gap: true,
  damage: true,
  clock: true,
  close: true,
}

/** Whether only the ledger itself writes records of this kind. */
export function isStoreKind(kind: string): kind is StoreKind {
  return Object.hasOwn(storeKinds, kind)
}

type Body = LedgerRecord['body']
type Reader<T> = (body: Body) => T | null

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isText = (value: unknown): value is string => typeof value === 'string'
const isObject = (value: unknown): value is Body =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isTime = (value: unknown): value is string => isText(value) && timeMs(value) !== null
const isHashes = (value: unknown): boolean =>
  Array.isArray(value) && value.length <= 53 && value.every(isHexHash)

function isDigest(value: unknown): value is SegmentDigest & Body {
  return (
    isObject(value) &&
    ['first', 'count', 'bytes'].every((name) => isCount(value[name])) &&
    isHexHash(value['sha256'])
  )
}

/** How a body of each kind must be; what more it holds is left alone. */
const shapes: Readonly<Record<StoreKind, (body: Body) => boolean>> = {
  segment: (body) =>
    body['format'] === formatVersion &&
    isText(body['origin']) &&
    Array.isArray(body['vkeys']) &&
    body['vkeys'].every(isText) &&
    isHashes(body['frontier']) &&
    (body['previous'] === null || isDigest(body['previous'])) &&
    (body['checkpoint'] === null || isCount(body['checkpoint'])) &&
    isCount(body['pruned']),
  handover: (body) => [body['from'], body['to'], body['note']].every(isText),
  seal: (body) => isDigest(body) && isCount(body['gzipBytes']) && isHexHash(body['gzipSha256']),
  prune: (body) =>
    isCount(body['through']) &&
    Array.isArray(body['segments']) &&
    body['segments'].every(isDigest) &&
    isHashes(body['frontier']),
  recovery: (body) =>
    (body['lastSeq'] === null || isCount(body['lastSeq'])) &&
    Array.isArray(body['cut']) &&
    body['cut'].every(
      (cut) => isObject(cut) && isCount(cut['bytes']) && isHexHash(cut['sha256']) && isText(cut['file']),
    ),
  suspended: (body) => isText(body['reason']) && isCount(body['queued']),
  gap: (body) =>
    isText(body['reason']) &&
    isTime(body['fromTs']) &&
    isTime(body['toTs']) &&
    isObject(body['lost']) &&
    Object.values(body['lost']).every(isCount) &&
    isCount(body['late']),
  damage: (body) => isText(body['what']) && isCount(body['first']) && isCount(body['end']),
  clock: (body) => isTime(body['previousTs']) && typeof body['backSeconds'] === 'number',
  close: (body) => isText(body['reason']),
}

/** The body of a record of that kind; null if the record is of another one, or its body has not the form. */
export function storeBody<K extends StoreKind>(record: LedgerRecord, kind: K): StoreBodies[K] | null {
  const read: Reader<StoreBodies[K]> = (body) =>
    shapes[kind](body) ? (body as unknown as StoreBodies[K]) : null
  return record.kind === kind ? read(record.body) : null
}

/** The tree before a segment, out of its first line; null if it has not as many hashes as its size asks for. */
export function treeBefore(first: number, frontier: readonly string[]): Tree | null {
  return treeOf(
    first,
    frontier.map((hex): Hash => Buffer.from(hex, 'hex')),
  )
}

export function hexesOf({ frontier }: Tree): string[] {
  return frontier.map((hash) => hash.toString('hex'))
}
