import type { CanaryAsk, CanaryObject, CanaryObservation } from '../../model/observation.ts'

export type CanarySays = 'endpoint' | 'no_endpoint' | 'inconclusive'

/** What the answers to a canary's three questions say together. */
export interface CanaryReading {
  says: CanarySays
  /** For a person: what was seen, or what is in the way. */
  because: string
  /** What to do where it is inconclusive; null: nothing. */
  next: string | null
}

/** The policy may have been changed since it was read. */
export const policyMaxAgeSeconds = 3600

/** AWS takes signatures up to 15 minutes off its own clock; the date that it shows is as old as the answer. */
const mostSkewSeconds = 840

type Answer = Extract<CanaryAsk['outcome'], { answered: true }>

const names: Record<CanaryObject, string> = {
  control: 'the control object',
  positive: 'the positive object',
  negative: 'the negative object',
}

const stop = (because: string, next: string | null): CanaryReading => ({
  says: 'inconclusive',
  because,
  next,
})

/**
 * Reads the mix of answers. `endpoint`: all three on one socket, control and positive read, negative refused, under a
 * policy that was verified. `no_endpoint`: control and negative read, positive refused. Everything else is inconclusive, and
 * says why: a refusal alone proves nothing, and neither does one reading.
 */
export function readCanary(canary: CanaryObservation): CanaryReading {
  const { asks, notSent, policy, endpoint, closedEarly } = canary
  if (notSent !== null) return stop(notSent, null)
  const answers = new Map<CanaryObject, Answer>()
  for (const { object, outcome } of asks) {
    if (answers.has(object)) return stop(`${names[object]} was asked for twice on one socket`, null)
    if (outcome.answered) answers.set(object, outcome)
    else if (!(closedEarly && outcome.failure.type === 'reset')) {
      return stop(`${names[object]} got no answer (${outcome.failure.type})`, null)
    }
  }
  const control = answers.get('control')
  if (control === undefined)
    return stop('the connection was closed before the control object was answered', null)
  if (control.status !== 200) return whyNotRead('control', control, canary)
  const positive = answers.get('positive')
  const negative = answers.get('negative')
  if (positive === undefined || negative === undefined) {
    const missing = positive === undefined ? names.positive : names.negative
    return stop(
      `the far end closed the connection before ${missing} was answered, and another connection's answer does not count for this one`,
      null,
    )
  }
  if (!policy.verified) return stop(`the bucket's policy is not verified: ${policy.because}`, policyNext)
  if (!(policy.ageSeconds >= 0 && policy.ageSeconds <= policyMaxAgeSeconds)) {
    return stop(`the bucket's policy was read ${Math.round(policy.ageSeconds)} s ago`, null)
  }
  for (const [object, answer] of [
    ['positive', positive],
    ['negative', negative],
  ] as const) {
    if (answer.status !== 200 && !refusedByBucket(answer)) return whyNotRead(object, answer, canary)
  }
  const mix = `${positive.status} ${negative.status}`
  if (mix === '200 403') {
    return {
      says: 'endpoint',
      because: `S3 gave out what may be read only through ${endpoint}, and refused what may be read by no endpoint`,
      next: null,
    }
  }
  if (mix === '403 200') {
    return {
      says: 'no_endpoint',
      because: `S3 gave out what may be read by no endpoint, and refused what may be read only through ${endpoint}`,
      next: null,
    }
  }
  if (mix === '200 200') {
    return stop(
      'both the positive and the negative object were read: the policy is not, or not everywhere yet, the one that was read',
      policyNext,
    )
  }
  const narrower = policy.sourceAddresses === null ? '' : ', or from another address than the policy names'
  return stop(
    `both the positive and the negative object were refused: the request came in by another endpoint than ${endpoint}${narrower}, or something else denies both`,
    `see which endpoint the route or the name leads to, and set canary.endpoint to it; CloudTrail's vpcEndpointId names it`,
  )
}

const policyNext = 'compare the bucket with what pathproof canary policy prints'

/** A refusal that can be the canary's own. S3 does not always say whose it is. */
function refusedByBucket({ status, code, deniedBy }: Answer): boolean {
  return status === 403 && code === 'AccessDenied' && (deniedBy === null || deniedBy === 'resource_policy')
}

const deniers: Record<Exclude<Answer['deniedBy'], null>, readonly [string, string]> = {
  resource_policy: ["the bucket's policy", policyNext],
  endpoint_policy: [
    "the endpoint's own policy",
    'allow s3:GetObject on the three objects in the policy of the endpoint',
  ],
  service_control_policy: [
    'a service control policy',
    'see the service control policies of the organization',
  ],
  resource_control_policy: [
    'a resource control policy',
    'see the resource control policies of the organization',
  ],
  identity_policy: [
    "the policy of the agent's role",
    'allow s3:GetObject on the three objects to it: pathproof config iam prints the policy',
  ],
  session_policy: ["the session policy of the agent's credentials", 'allow s3:GetObject in it'],
  kms: [
    'the KMS key that it is encrypted by',
    'put the objects again, encrypted by S3 itself (--sse AES256)',
  ],
  permissions_boundary: ["the permissions boundary of the agent's role", 'allow s3:GetObject in it'],
}

const otherRegion = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
])

const badCredentials = new Set([
  'ExpiredToken',
  'InvalidToken',
  'TokenRefreshRequired',
  'InvalidAccessKeyId',
  'InvalidSecurity',
  'NotSignedUp',
])

/** Why an object that should have been read, or refused by the bucket, was neither. */
function whyNotRead(object: CanaryObject, answer: Answer, canary: CanaryObservation): CanaryReading {
  const { status, code, deniedBy } = answer
  const { clockOffsetSeconds, bucket } = canary
  const shown = `${status}${code === null ? '' : ` ${code}`}`
  const what = `${names[object]} was answered with ${shown}`
  const off = clockOffsetSeconds !== null && Math.abs(clockOffsetSeconds) > mostSkewSeconds
  if (code === 'RequestTimeTooSkewed' || (off && (status === 403 || status === 400))) {
    const by = clockOffsetSeconds === null ? '' : `: it is ${offsetText(clockOffsetSeconds)}`
    return stop(
      `${what}; the clock of this host is wrong${by}`,
      'set the clock: chronyc makestep, timedatectl',
    )
  }
  if (code !== null && badCredentials.has(code)) {
    return stop(
      `${what}; the credentials are not, or no longer, good`,
      'renew the credentials or the role of the agent',
    )
  }
  if (code === 'SignatureDoesNotMatch') {
    return stop(
      `${what}; the secret key is wrong, or something on the way changes requests`,
      'renew the credentials, and see whether something relays the connection',
    )
  }
  if ((code !== null && otherRegion.has(code)) || status === 301 || status === 307) {
    return stop(
      `${what}; the bucket ${bucket} lies in another region`,
      "set canary.region to the bucket's region",
    )
  }
  if (code === 'NoSuchBucket') return stop(`${what}; there is no bucket ${bucket}`, 'see canary.bucket')
  if (code === 'NoSuchKey' || status === 404) {
    return stop(
      `${what}; there is no such object`,
      'put the three objects: pathproof canary policy prints how',
    )
  }
  if (code?.startsWith('KMS.') === true || code === 'KMSAccessDeniedException') {
    return stop(
      `${what}; the object is encrypted by a KMS key that is not to be had`,
      'put the objects again, encrypted by S3 itself (--sse AES256)',
    )
  }
  if (deniedBy !== null) {
    const [who, next] = deniers[deniedBy]
    return stop(`${what}; it was refused by ${who}`, next)
  }
  if (status === 403) {
    return stop(
      `${what}; the agent's role may lack s3:GetObject, the endpoint's policy may not allow it, or the object is missing (S3 says so only to who may list the bucket) or encrypted by a KMS key`,
      'allow what pathproof config iam prints, and see the policy of the endpoint',
    )
  }
  if (status >= 500) return stop(`${what}; S3 was busy or in trouble`, null)
  return stop(`${what}, which is no answer to build on`, null)
}

function offsetText(seconds: number): string {
  const amount = Math.abs(seconds)
  return `${amount >= 120 ? `${Math.round(amount / 60)} min` : `${amount} s`} ${seconds < 0 ? 'slow' : 'fast'}`
}
