/** Whether S3 lets a request through: the policies of who asks, of the bucket and of the endpoint that it came by. */
import type { Arrival } from '../flow/arrival.ts'
import { arrivalContext } from '../flow/arrival.ts'
import { partitionOf } from '../api/principals.ts'
import { type Policy, type PolicyPlace, readPolicy } from '../policy/document.ts'
import { decide, type Decision } from '../policy/evaluate.ts'
import type { Context } from '../policy/conditions.ts'
import type { S3Caller } from './signature.ts'
import type { S3Bucket, S3Options } from './types.ts'

export interface S3Access {
  /** `s3:GetObject` */
  action: string
  bucket: S3Bucket | null
  key: string
  /** Of `ListObjectsV2`. */
  prefix: string | null
  caller: S3Caller
  arrival: Arrival
  options: S3Options
  encrypted: boolean
  userAgent: string
  /** Unix milliseconds. */
  nowMs: number
}

const allowAll = { Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }

/** Throws if a policy of the scenario can't be read. */
export function s3Decision(access: S3Access): Decision {
  const { action, bucket, key, caller, arrival, options } = access
  const { principal } = caller
  const partition = partitionOf(bucket?.region ?? '')
  const resource =
    bucket === null ? '*' : `arn:${partition}:s3:::${bucket.name}${key === '' ? '' : `/${key}`}`
  const identity = options.identity === 'allow_all' ? allowAll : options.identity
  const { endpoint } = arrival
  const endpointPolicy = endpoint === null ? undefined : options.endpoints[endpoint.id]
  return decide(
    {
      identity: principal === null ? null : policyOf(identity, 'identity'),
      resource: policyOf(bucket?.policy ?? null, 'resource'),
      endpoint: policyOf(endpointPolicy ?? null, 'resource'),
    },
    {
      principal:
        principal === null
          ? null
          : { account: principal.account, arn: principal.arn, role: roleArn(principal.arn) },
      action,
      resource,
      owner: bucket?.owner ?? principal?.account ?? '',
      context: contextOf(access),
    },
  )
}

/** Keys of the request: IAM user guide, "AWS global condition context keys"; S3 user guide, "Policy keys". */
function contextOf(access: S3Access): Context {
  const { caller, arrival, bucket, nowMs } = access
  const { principal, authType, ageSeconds } = caller
  return {
    ...arrivalContext(arrival),
    'aws:SecureTransport': String(access.encrypted),
    'aws:UserAgent': access.userAgent,
    'aws:CurrentTime': new Date(nowMs).toISOString(),
    'aws:EpochTime': String(Math.floor(nowMs / 1000)),
    'aws:ViaAWSService': 'false',
    'aws:PrincipalIsAWSService': 'false',
    'aws:PrincipalType': principal === null ? 'Anonymous' : 'AssumedRole',
    ...(principal !== null && {
      'aws:PrincipalArn': roleArn(principal.arn) ?? principal.arn,
      'aws:PrincipalAccount': principal.account,
      'aws:userid': principal.userId,
    }),
    ...(bucket !== null && { 'aws:ResourceAccount': bucket.owner, 's3:ResourceAccount': bucket.owner }),
    ...(authType !== null && { 's3:signatureversion': 'AWS4-HMAC-SHA256', 's3:authType': authType }),
    ...(ageSeconds !== null && { 's3:signatureAge': String(Math.max(0, Math.round(ageSeconds * 1000))) }),
    ...(access.prefix !== null && { 's3:prefix': access.prefix }),
  }
}

/** `arn:aws:sts::1:assumed-role/NAME/SESSION` → `arn:aws:iam::1:role/NAME`; null: it is no session. */
function roleArn(arn: string): string | null {
  const [, partition = '', account = '', name] =
    /^arn:([a-z-]+):sts::(\d{12}):assumed-role\/([^/]+)\//u.exec(arn) ?? []
  return name === undefined ? null : `arn:${partition}:iam::${account}:role/${name}`
}

const read = new WeakMap<object, Policy>()

function policyOf(source: unknown, place: PolicyPlace): Policy | null {
  if (source === null || source === undefined) return null
  const known = typeof source === 'object' ? read.get(source) : undefined
  if (known !== undefined) return known
  const reading = readPolicy(source, place)
  if (!reading.ok) throw new Error(`a ${place} policy of the scenario: ${reading.problem}`)
  if (typeof source === 'object') read.set(source, reading.policy)
  return reading.policy
}
