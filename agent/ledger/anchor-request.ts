import { type ApiFailure, apiReasons } from '../../aws/snapshot-api-errors.ts'

/** The first argument by which this program becomes the one that anchors a ledger outside the host. It is no command for people. */
export const anchorArgument = '__anchor'

export const anchorSchema = 'pathproof.anchor/1'

/** One object of S3. Exactly one of `path` (a file of this host) and `text` is not null. */
export interface PutOrder {
  bucket: string
  key: string
  path: string | null
  text: string | null
  contentType: string
  /** Object Lock; null: whatever the bucket does by default. */
  lock: { mode: 'COMPLIANCE' | 'GOVERNANCE'; untilMs: number } | null
}

/** What is to be signed and kept elsewhere, as JSON on standard input. Credentials come by the environment. */
export interface AnchorRequest {
  region: string
  /** Unix milliseconds that signatures of requests bear. */
  atMs: number
  deadlineSeconds: number
  /** `message`: base64 of what is to be signed (Ed25519); null: the public key is asked for. Null: neither. */
  kms: { key: string; message: string | null } | null
  logs: { group: string; stream: string; events: { atMs: number; message: string }[] } | null
  puts: PutOrder[]
}

export interface AnchorAnswer {
  schema: typeof anchorSchema
  /** Why nothing could be asked at all; null: there are credentials. */
  failure: ApiFailure | null
  /** `bytes`: base64 of the signature, or of the public key (DER). Null: not asked for. */
  kms: { ok: true; bytes: string } | { ok: false; failure: ApiFailure } | null
  /** Null failure: all events were taken. Null: not asked for. */
  logs: { failure: ApiFailure | null } | null
  /** One for each of `puts`, in their order. */
  puts: { failure: ApiFailure | null }[]
}

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

/** The request in `text`; null if it is none. */
export function parseAnchorRequest(text: string): AnchorRequest | null {
  const value = fieldsOf(parseJson(text))
  if (value === null) return null
  const { region, atMs, deadlineSeconds, kms, logs, puts } = value
  if (!isText(region) || typeof atMs !== 'number' || !Array.isArray(puts)) return null
  if (typeof deadlineSeconds !== 'number' || !(deadlineSeconds > 0 && deadlineSeconds <= 3600)) return null
  if (kms !== null && !isText(fieldsOf(kms)?.['key'])) return null
  if (logs !== null && !(isText(fieldsOf(logs)?.['group']) && Array.isArray(fieldsOf(logs)?.['events'])))
    return null
  if (!puts.every((put) => isText(fieldsOf(put)?.['bucket']) && isText(fieldsOf(put)?.['key']))) return null
  return value as unknown as AnchorRequest
}

const isFailure = (value: unknown): boolean =>
  value === null || (apiReasons as readonly unknown[]).includes(fieldsOf(value)?.['reason'])

/** The answer in `text` to `request`; null if it is not of the form (a crash, a foreign line, a cut). */
export function parseAnchorAnswer(text: string, request: AnchorRequest): AnchorAnswer | null {
  const value = fieldsOf(parseJson(text))
  if (value === null || value['schema'] !== anchorSchema || !isFailure(value['failure'])) return null
  const { failure, kms, logs, puts } = value
  if (!Array.isArray(puts)) return null
  if (failure !== null) return value as unknown as AnchorAnswer
  const answered = fieldsOf(kms)
  if (
    request.kms !== null &&
    !(answered?.['ok'] === true ? isText(answered['bytes']) : answered?.['ok'] === false)
  )
    return null
  if (request.logs !== null && !isFailure(fieldsOf(logs)?.['failure'])) return null
  if (puts.length !== request.puts.length || !puts.every((put) => isFailure(fieldsOf(put)?.['failure'])))
    return null
  return value as unknown as AnchorAnswer
}
