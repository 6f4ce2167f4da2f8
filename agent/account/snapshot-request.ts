import { apiReasons } from '../../aws/snapshot-api-errors.ts'
import type { CallReport, PartFailure } from '../../aws/snapshot-api.ts'
import { readRoleArn } from '../../aws/role-arn.ts'
import type { WantedParts } from '../../aws/snapshot-api-calls.ts'
import { type Snapshot, type SnapshotPart, snapshotParts } from '../../model/topology.ts'
import type { SnapshotFile } from '../../aws/snapshot-decode-file.ts'

/** The first argument by which this program becomes the reader of the account. It is no command for people. */
export const readerArgument = '__read-account'

/** A role, and the region of the STS that is asked for it. The external id is no secret (IAM user guide). */
export interface ReaderRole {
  arn: string
  externalId: string | null
  stsRegion: string
}

/** What the reader is asked, as JSON on its standard input. No secret is in it: credentials come by the environment. */
export interface ReaderRequest {
  region: string
  vpcIds: string[]
  parts: WantedParts
  prefixListIds: string[]
  deadlineSeconds: number
  /** Whether what only the posture checks need is read with the rest. */
  posture: boolean
  /** The role of a further account, taken on with this one's credentials; null: this one's own account. */
  role: ReaderRole | null
  /** Account of this instance by its identity document: whose credentials its metadata service gives. Null: not known. */
  instanceAccount: string | null
  /** `files`: the answers as AWS gave them; `snapshot`: what they say. */
  answer: 'snapshot' | 'files'
  /** Hash of each part that the asker has (`partHash`): what is unchanged need not be sent. */
  known: Partial<Record<SnapshotPart, string>>
}

/** What the reader answers, as one JSON document on its standard output. */
export interface ReaderAnswer {
  schema: 'pathproof.read-account/1'
  account: string | null
  region: string
  failures: PartFailure[]
  calls: CallReport[]
  /** Asked for `snapshot`; the parts in `unchanged` are empty in it and are those that the asker has. */
  snapshot: Snapshot | null
  unchanged: SnapshotPart[]
  /** Asked for `files`. */
  files: Record<string, SnapshotFile> | null
}

export const readerSchema = 'pathproof.read-account/1'

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

const texts = (value: unknown): string[] | null =>
  Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : null

/** The request in `text`; null if it is none. */
export function parseRequest(text: string): ReaderRequest | null {
  const value = fieldsOf(parseJson(text))
  if (value === null) return null
  const { region, parts, deadlineSeconds, answer, instanceAccount } = value
  const vpcIds = texts(value['vpcIds'])
  const prefixListIds = texts(value['prefixListIds'])
  const known = fieldsOf(value['known'])
  const role = value['role'] === null ? null : roleOf(value['role'])
  if (typeof region !== 'string' || vpcIds === null || prefixListIds === null || known === null) return null
  if (role === undefined || (instanceAccount !== null && typeof instanceAccount !== 'string')) return null
  if (parts !== 'routeTables' && parts !== 'rest' && parts !== 'all' && parts !== 'others') return null
  if (answer !== 'snapshot' && answer !== 'files') return null
  if (typeof deadlineSeconds !== 'number' || !(deadlineSeconds > 0 && deadlineSeconds <= 3600)) return null
  const posture = value['posture'] === true
  return {
    region,
    vpcIds,
    parts,
    posture,
    prefixListIds,
    deadlineSeconds,
    role,
    instanceAccount,
    answer,
    known,
  }
}

/** Undefined: it is none. */
function roleOf(value: unknown): ReaderRole | undefined {
  const role = fieldsOf(value)
  if (role === null) return undefined
  const { arn, externalId, stsRegion } = role
  if (typeof arn !== 'string' || readRoleArn(arn) === null || typeof stsRegion !== 'string') return undefined
  if (externalId !== null && typeof externalId !== 'string') return undefined
  return { arn, externalId, stsRegion }
}

/**
 * The answer in `text`; null if it is not of the reader's form. The reader is this same program, so what is looked at is
 * what a crash, a foreign line on its output or a cut would damage.
 */
export function parseAnswer(text: string, wanted: 'snapshot' | 'files'): ReaderAnswer | null {
  const value = fieldsOf(parseJson(text))
  if (value === null || value['schema'] !== readerSchema) return null
  const { failures, calls, unchanged, snapshot, files } = value
  if (!Array.isArray(failures) || !Array.isArray(calls) || !Array.isArray(unchanged)) return null
  const reasons: readonly unknown[] = apiReasons
  if (!failures.every((failure) => reasons.includes(fieldsOf(failure)?.['reason']))) return null
  const whole = wanted === 'files' ? fieldsOf(files) !== null : isSnapshot(snapshot)
  return whole ? (value as unknown as ReaderAnswer) : null
}

/** Whether `value` has the outer form of a snapshot: every part with its reading and its list. */
export function isSnapshot(value: unknown): value is Snapshot {
  const snapshot = fieldsOf(value)
  const parts = fieldsOf(snapshot?.['parts'])
  if (snapshot === null || parts === null) return false
  if (typeof snapshot['id'] !== 'string' || typeof snapshot['source'] !== 'string') return false
  if (!Array.isArray(snapshot['problems'])) return false
  return snapshotParts.every((part) => {
    const items = snapshot[part]
    const read = fieldsOf(parts[part])?.['read']
    return typeof read === 'boolean' && Array.isArray(items) && items.every((item) => fieldsOf(item) !== null)
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
