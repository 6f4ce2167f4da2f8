/** Why a part of the account could not be read by the API. A closed list: it is a metric's label. */
export const apiReasons = [
  'denied',
  'throttled',
  'credentials',
  'unreachable',
  'timeout',
  'invalid',
  'failed',
] as const

export type ApiReason = (typeof apiReasons)[number]

/** One call that gave nothing to be used. All texts are our own: AWS's message never gets in, it may hold anything. */
export interface ApiFailure {
  reason: ApiReason
  /** AWS's or Node's name of the error, made of letters, digits, `_`, `.` and `-` only. */
  code: string
  detail: string
  nextStep: string
}

/** What is known of the call that failed. */
export interface FailedCall {
  /** `ec2:DescribeRouteTables`. */
  permission: string
  /** The name of the host that was asked. */
  hostname: string
  region: string
  /** The limit that ended the call, in seconds; null: none did. */
  endedAfterSeconds: number | null
  /** The last error that the server itself answered before the call was ended or given up. */
  lastAnswer: unknown
}

const denied = new Set([
  'UnauthorizedOperation',
  'AccessDenied',
  'AccessDeniedException',
  'Client.UnauthorizedOperation',
])

const throttled = new Set([
  'RequestLimitExceeded',
  'Client.RequestLimitExceeded',
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'RequestThrottled',
  'RequestThrottledException',
  'TooManyRequestsException',
  'EC2ThrottledException',
  'BandwidthLimitExceeded',
  'SlowDown',
])

const credentials = new Set([
  'AuthFailure',
  'ExpiredToken',
  'ExpiredTokenException',
  'RequestExpired',
  'InvalidClientTokenId',
  'InvalidAccessKeyId',
  'UnrecognizedClientException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'SignatureDoesNotMatch',
  'InvalidSignatureException',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'RequestTimeTooSkewed',
  'CredentialsProviderError',
  'TokenProviderError',
  'ProviderError',
])

/** AWS signs requests with the time; these may mean that this host's clock is wrong. */
const mayBeTheClock = new Set([
  'AuthFailure',
  'RequestExpired',
  'RequestTimeTooSkewed',
  'SignatureDoesNotMatch',
  'InvalidSignatureException',
])

const unreachable = new Set([
  'ENOTFOUND',
  'EAI_AGAIN',
  'EAI_FAIL',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'EACCES',
  'EPERM',
  'EPROTO',
])

const timeouts = new Set(['ETIMEDOUT', 'TimeoutError', 'RequestTimeout', 'ESOCKETTIMEDOUT'])

/** Codes that node:tls gives when a certificate is not taken. */
const tls = /^(?:ERR_(?:TLS|SSL)_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA)/

const plainCode = /^[A-Za-z][A-Za-z0-9_.-]{0,79}$/

interface Facts {
  name: string
  code: string
  status: number | null
}

/** Name, code and HTTP status of whatever was thrown. `AggregateError` (several addresses tried) gives its first. */
function factsOf(error: unknown): Facts {
  const fields = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>
  const text = (value: unknown): string => (typeof value === 'string' && plainCode.test(value) ? value : '')
  const errors = fields['errors']
  const inner = Array.isArray(errors) && text(fields['code']) === '' ? factsOf(errors[0]) : null
  const metadata = fields['$metadata'] as { httpStatusCode?: unknown } | undefined
  const response = fields['$response'] as { statusCode?: unknown } | undefined
  const status = metadata?.httpStatusCode ?? response?.statusCode
  return {
    name: text(fields['name']),
    code: text(fields['code']) || (inner?.code ?? ''),
    status: typeof status === 'number' ? status : null,
  }
}

function reachIt(permission: string, region: string): string {
  const [service = ''] = permission.split(':')
  const own = service === 'ec2' || service === 'sts'
  const key = own
    ? `topology.endpoint.${service} or AWS_ENDPOINT_URL_${service.toUpperCase()}`
    : 'the AWS_ENDPOINT_URL_… of that service'
  return `a VPC without a way to the internet needs an interface endpoint for ${service} in ${region}; to use one by its own DNS name, set ${key}`
}

/**
 * Judges what a call threw, by the error's name and code and never by its message. In doubt `failed`; an answer that was
 * no answer of the API is `invalid`.
 */
export function failureOf(error: unknown, call: FailedCall): ApiFailure {
  const last = factsOf(call.lastAnswer)
  // a call that is ended while it waits out its throttling was throttled, not slow
  const facts = call.endedAfterSeconds !== null && throttled.has(last.name) ? last : factsOf(error)
  const { permission, hostname, region } = call
  const { name, code, status } = facts
  const known = name !== '' && name !== 'Error' && name !== 'AbortError' ? name : code
  if (denied.has(name)) {
    return {
      reason: 'denied',
      code: name,
      detail: `AWS refused (${name}): ${permission} is missing`,
      nextStep: `allow ${permission} to the agent's role; pathproof config iam prints the whole policy`,
    }
  }
  if (throttled.has(name)) {
    return {
      reason: 'throttled',
      code: name,
      detail: `AWS throttled ${permission} (${name})`,
      nextStep:
        'all callers of an account share one allowance in a region: raise topology.refresh, or let one agent write a snapshot that the others read',
    }
  }
  if (credentials.has(name)) return credentialsFailure(name)
  if (call.endedAfterSeconds !== null) {
    return {
      reason: 'timeout',
      code: 'timeout',
      detail: `${hostname} did not give the whole answer to ${permission} within ${call.endedAfterSeconds} s`,
      nextStep: reachIt(permission, region),
    }
  }
  // the socket's own code says more than the SDK's general TimeoutError
  if (unreachable.has(code)) {
    return {
      reason: 'unreachable',
      code,
      detail: `${hostname} can't be reached (${code})`,
      nextStep: reachIt(permission, region),
    }
  }
  if (tls.test(code)) {
    return {
      reason: 'unreachable',
      code,
      detail: `the certificate of ${hostname} is not taken (${code})`,
      nextStep: `if a proxy intercepts TLS on purpose, name its root in NODE_EXTRA_CA_CERTS; else ${reachIt(permission, region)}`,
    }
  }
  if (timeouts.has(code) || timeouts.has(name)) {
    return {
      reason: 'timeout',
      code: code || name,
      detail: `${hostname} did not answer ${permission} in time`,
      nextStep: reachIt(permission, region),
    }
  }
  if (status !== null && status >= 200 && status < 300) {
    return notAnAnswer(permission, hostname, `HTTP ${status}`)
  }
  const shown = [known, status === null ? '' : `HTTP ${status}`].filter((text) => text !== '').join(', ')
  return {
    reason: 'failed',
    code: known || (status === null ? 'unknown' : `HTTP${status}`),
    detail: `${permission} failed (${shown || 'unknown error'})`,
    nextStep: 'if it does not pass by itself: aws health, or the service quotas of the account, may say why',
  }
}

/** An answer that is not of the form that EC2 documents: a captive portal, a proxy, half of an answer. */
export function notAnAnswer(permission: string, hostname: string, why: string): ApiFailure {
  return {
    reason: 'invalid',
    code: 'invalid',
    detail: `what ${hostname} answered is no whole answer to ${permission} (${why})`,
    nextStep: `see what answers under ${hostname}; a proxy or another service may stand in its place`,
  }
}

/** Credentials that AWS, or the chain that looks for them, did not take. */
export function credentialsFailure(code: string): ApiFailure {
  const clock = mayBeTheClock.has(code) ? ', and see that the clock of this host is right' : ''
  return {
    reason: 'credentials',
    code,
    detail: `AWS did not take the credentials (${code})`,
    nextStep: `renew the credentials or the role that this process uses${clock}`,
  }
}
