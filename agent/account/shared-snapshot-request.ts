import type { ApiFailure } from '../../aws/snapshot-api-errors.ts'
import { type Snapshot, type SnapshotPart, snapshotParts } from '../../model/topology.ts'
import { isSnapshot } from './snapshot-request.ts'

/** The first argument by which this program becomes the reader, or the writer, of a shared snapshot. No command for people. */
export const sharedArgument = '__shared-snapshot'

export const sharedAnswerSchema = 'pathproof.read-shared/1'

export type SharedPlace = { kind: 'file'; path: string } | { kind: 's3'; bucket: string; key: string }

/** What it is asked, as JSON on its standard input. No secret is in it: credentials come by the environment. */
export interface SharedRequest {
  place: SharedPlace
  /** Whose S3 is asked; null for a file. */
  region: string | null
  deadlineSeconds: number
  /** To be written there, base64; null: it is read. */
  put: string | null
  /** What is known of it already: its mark by the last answer. */
  mark: string | null
  /** Hash of each part that the asker has (`partHash`): what is unchanged need not be sent. */
  known: Partial<Record<SnapshotPart, string>>
}

/** What a file, or an object, was when it was read. */
export interface SharedFound {
  /** By which it is known again: an ETag, or what the file system says of a file. */
  mark: string | null
  /** SHA-256 of all that is in it. */
  sha256: string
  timeMs: number
  account: string | null
  region: string
  vpcIds: string[]
  /** S3's clock when it answered (null: a file), and when the object or file was put there. Unix milliseconds. */
  dateMs: number | null
  modifiedMs: number | null
  snapshot: Snapshot
  /** Parts that are empty in it, for the asker has them. */
  unchanged: SnapshotPart[]
}

export type SharedAnswer =
  | { schema: typeof sharedAnswerSchema; outcome: 'read'; found: SharedFound }
  /** It is as it was when the mark was given. */
  | { schema: typeof sharedAnswerSchema; outcome: 'same'; dateMs: number | null }
  | { schema: typeof sharedAnswerSchema; outcome: 'written' }
  | { schema: typeof sharedAnswerSchema; outcome: 'failed'; failure: ApiFailure }

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const isText = (value: unknown): value is string => typeof value === 'string'
const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value)
const isNumberOrNull = (value: unknown): value is number | null => value === null || Number.isFinite(value)

/** The request in `text`; null if it is none. */
export function parseSharedRequest(text: string): SharedRequest | null {
  const value = fieldsOf(parseJson(text))
  const place = fieldsOf(value?.['place'])
  if (value === null || place === null || fieldsOf(value['known']) === null) return null
  const { region, deadlineSeconds, put, mark } = value
  if (!isTextOrNull(region) || !isTextOrNull(put) || !isTextOrNull(mark)) return null
  if (typeof deadlineSeconds !== 'number' || !(deadlineSeconds > 0 && deadlineSeconds <= 3600)) return null
  const isFile = place['kind'] === 'file' && isText(place['path'])
  const isS3 = place['kind'] === 's3' && isText(place['bucket']) && isText(place['key']) && region !== null
  return isFile || isS3 ? (value as unknown as SharedRequest) : null
}

/** The answer in `text`; null if it is not of the reader's form: a crash, a foreign line on its output, or a cut. */
export function parseSharedAnswer(text: string): SharedAnswer | null {
  const value = fieldsOf(parseJson(text))
  if (value === null || value['schema'] !== sharedAnswerSchema) return null
  const { outcome } = value
  if (outcome === 'written') return value as unknown as SharedAnswer
  if (outcome === 'same') return isNumberOrNull(value['dateMs']) ? (value as unknown as SharedAnswer) : null
  if (outcome === 'failed')
    return isText(fieldsOf(value['failure'])?.['detail']) ? (value as unknown as SharedAnswer) : null
  const found = fieldsOf(value['found'])
  if (outcome !== 'read' || found === null || !isSnapshot(found['snapshot'])) return null
  const { mark, sha256, timeMs, account, region, vpcIds, dateMs, modifiedMs, unchanged } = found
  const whole =
    isTextOrNull(mark) &&
    isText(sha256) &&
    Number.isFinite(timeMs) &&
    isTextOrNull(account) &&
    isText(region) &&
    Array.isArray(vpcIds) &&
    isNumberOrNull(dateMs) &&
    isNumberOrNull(modifiedMs) &&
    Array.isArray(unchanged) &&
    unchanged.every((part) => (snapshotParts as readonly unknown[]).includes(part))
  return whole ? (value as unknown as SharedAnswer) : null
}
