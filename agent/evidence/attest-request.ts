import type { BucketPolicyAnswer } from '../../aws/bucket-policy-api.ts'
import type { SignedRequest, UnsignedRequest } from '../../aws/request-signing.ts'
import { type ApiFailure, apiReasons } from '../../aws/snapshot-api-errors.ts'
import type { TrailQuery, TrailResult } from '../../aws/trail-api.ts'

/** The first argument by which this program becomes the one that signs and asks. It is no command for people. */
export const attestArgument = '__attest'

export const attestSchema = 'pathproof.attest/1'

export interface SignOrder {
  id: string
  region: string
  service: string
  request: UnsignedRequest
}

/**
 * What is to be signed and asked, as JSON on standard input. Credentials come by the environment and never leave that
 * process: what comes back are single requests, signed for one host name and one path.
 */
export interface AttestRequest {
  /** Of the credential chain's own calls. */
  region: string
  /** Unix milliseconds that signatures bear. */
  atMs: number
  sign: SignOrder[]
  policy: { bucket: string; region: string } | null
  lookups: TrailQuery[]
  deadlineSeconds: number
}

export interface AttestAnswer {
  schema: typeof attestSchema
  /** Why nothing could be signed or asked at all; null: there are credentials. */
  failure: ApiFailure | null
  /** By `SignOrder.id`; empty where there are no credentials. */
  signed: Record<string, SignedRequest>
  /** Null: not asked for, or there are no credentials. */
  policy: BucketPolicyAnswer | null
  /** One for each of `lookups`, in their order. */
  lookups: TrailResult[]
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
export function parseAttestRequest(text: string): AttestRequest | null {
  const value = fieldsOf(parseJson(text))
  if (value === null) return null
  const { region, atMs, sign, policy, lookups, deadlineSeconds } = value
  if (!isText(region) || typeof atMs !== 'number' || !Array.isArray(sign) || !Array.isArray(lookups))
    return null
  if (typeof deadlineSeconds !== 'number' || !(deadlineSeconds > 0 && deadlineSeconds <= 3600)) return null
  const isOrder = (order: unknown): boolean => {
    const { id, service, region: signing, request } = fieldsOf(order) ?? {}
    return isText(id) && isText(service) && isText(signing) && isText(fieldsOf(request)?.['hostname'])
  }
  if (!sign.every(isOrder) || !lookups.every((query) => isText(fieldsOf(query)?.['eventName']))) return null
  if (policy !== null && !isText(fieldsOf(policy)?.['bucket'])) return null
  return value as unknown as AttestRequest
}

/**
 * The answer in `text` to `request`; null if it is not of the form. The other side is this same program, so what is looked at
 * is what a crash, a foreign line on its output or a cut would damage.
 */
export function parseAttestAnswer(text: string, request: AttestRequest): AttestAnswer | null {
  const value = fieldsOf(parseJson(text))
  if (value === null || value['schema'] !== attestSchema) return null
  const { failure, signed, policy, lookups } = value
  const reasons: readonly unknown[] = apiReasons
  if (failure !== null && !reasons.includes(fieldsOf(failure)?.['reason'])) return null
  const requests = fieldsOf(signed)
  if (requests === null || !Array.isArray(lookups)) return null
  const wanted = failure === null ? request.sign : []
  const isSigned = ({ id }: SignOrder): boolean => {
    const { target, host, headers } = fieldsOf(requests[id]) ?? {}
    return isText(target) && isText(host) && fieldsOf(headers) !== null
  }
  if (!wanted.every(isSigned)) return null
  if (failure === null && lookups.length !== request.lookups.length) return null
  if (policy !== null && typeof fieldsOf(policy)?.['ok'] !== 'boolean') return null
  return value as unknown as AttestAnswer
}
