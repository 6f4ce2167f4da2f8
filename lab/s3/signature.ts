/**
 * Who asks S3: by header, by a presigned URL, or nobody. Source: S3 API reference, "Authenticating requests (AWS
 * Signature Version 4)". The path is signed as it is on the wire, the body by the hash that its header claims.
 */
import type { Principal, Principals } from '../api/principals.ts'
import {
  amzTimeMs,
  type Authorization,
  canonical,
  isSignatureOf,
  readAuthorization,
  type SignedRequest,
} from '../api/signature.ts'
import { s3Problem, type S3Problem } from './problem.ts'

export interface S3Caller {
  /** Null: anonymous. */
  principal: Principal | null
  accessKeyId: string | null
  /** `s3:authType`; null: anonymous. */
  authType: 'REST-HEADER' | 'REST-QUERY-STRING' | null
  /** Seconds since it was signed; null: anonymous. */
  ageSeconds: number | null
}

export interface S3SignatureOptions {
  principals: Pick<Principals, 'find'>
  /** Of the service that was asked. */
  region: string
  /** Unix milliseconds. */
  nowMs: number
}

type Unsigned = Omit<SignedRequest, 'body'>

const maxSkewSeconds = 900
const maxExpirySeconds = 604_800
const anonymous: S3Caller = { principal: null, accessKeyId: null, authType: null, ageSeconds: null }

/** Whether the request has a signature of any kind. */
export function isSigned({ url, headers }: Unsigned): boolean {
  return headers['authorization'] !== undefined || /[?&]X-Amz-Signature=/u.test(url)
}

/** Who asks, or why nobody is believed. */
export function s3Caller(request: Unsigned, options: S3SignatureOptions): S3Caller | S3Problem {
  if (!isSigned(request)) return anonymous
  const header = request.headers['authorization']
  return header === undefined ? byQuery(request, options) : byHeader(String(header), request, options)
}

function byHeader(header: string, request: Unsigned, options: S3SignatureOptions): S3Caller | S3Problem {
  const authorization = readAuthorization(header)
  const date = request.headers['x-amz-date']
  const signedMs = amzTimeMs(date)
  if (authorization === null || signedMs === null || typeof date !== 'string')
    return s3Problem(400, 'AuthorizationHeaderMalformed', 'The authorization header is malformed.')
  const ageSeconds = (options.nowMs - signedMs) / 1000
  if (Math.abs(ageSeconds) > maxSkewSeconds) {
    return s3Problem(
      403,
      'RequestTimeTooSkewed',
      'The difference between the request time and the current time is too large.',
      {
        RequestTime: date,
        ServerTime: isoTime(options.nowMs),
        MaxAllowedSkewMilliseconds: String(maxSkewSeconds * 1000),
      },
    )
  }
  const payload = String(request.headers['x-amz-content-sha256'] ?? '')
  if (payload === '')
    return s3Problem(400, 'InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  const given = request.headers['x-amz-security-token']
  const token = typeof given === 'string' ? given : null
  const caller = identified(authorization, date, canonical(authorization, request, payload), token, options)
  return 'status' in caller ? caller : { ...caller, authType: 'REST-HEADER', ageSeconds }
}

function byQuery(request: Unsigned, options: S3SignatureOptions): S3Caller | S3Problem {
  const [path = '/', text = ''] = request.url.split('?')
  const query = new URLSearchParams(text)
  const of = (name: string): string => query.get(`X-Amz-${name}`) ?? ''
  const authorization = readAuthorization(
    `${of('Algorithm')} Credential=${of('Credential')}, SignedHeaders=${of('SignedHeaders')}, Signature=${of('Signature')}`,
  )
  const date = of('Date')
  const signedMs = amzTimeMs(date)
  const expires = Number(of('Expires'))
  if (authorization === null || signedMs === null || !/^\d{1,7}$/u.test(of('Expires')))
    return s3Problem(400, 'AuthorizationQueryParametersError', 'Query-string authentication is incomplete.')
  if (expires > maxExpirySeconds)
    return s3Problem(
      400,
      'AuthorizationQueryParametersError',
      'X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds',
    )
  const ageSeconds = (options.nowMs - signedMs) / 1000
  if (ageSeconds < -maxSkewSeconds)
    return s3Problem(403, 'AccessDenied', 'Request is not yet valid', { ServerTime: isoTime(options.nowMs) })
  if (ageSeconds > expires) {
    return s3Problem(403, 'AccessDenied', 'Request has expired', {
      'X-Amz-Expires': String(expires),
      Expires: isoTime(signedMs + expires * 1000),
      ServerTime: isoTime(options.nowMs),
    })
  }
  const rest = text
    .split('&')
    .filter((part) => !part.startsWith('X-Amz-Signature='))
    .join('&')
  const payload = query.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD'
  const whole = canonical(authorization, { ...request, url: `${path}?${rest}` }, payload)
  const token = query.get('X-Amz-Security-Token')
  const caller = identified(authorization, date, whole, token, options)
  return 'status' in caller ? caller : { ...caller, authType: 'REST-QUERY-STRING', ageSeconds }
}

function identified(
  authorization: Authorization,
  date: string,
  canonicalRequest: string,
  token: string | null,
  { principals, region, nowMs }: S3SignatureOptions,
): S3Caller | S3Problem {
  if (authorization.service !== 's3' || authorization.region !== region) {
    return s3Problem(
      400,
      'AuthorizationHeaderMalformed',
      `The authorization header is malformed; the region '${authorization.region}' is wrong; expecting '${region}'`,
      { Region: region },
    )
  }
  if (!authorization.signedHeaders.includes('host'))
    return s3Problem(403, 'AccessDenied', 'There were headers present in the request which were not signed')
  const known = principals.find(authorization.accessKeyId)
  if (known === null) {
    return s3Problem(
      403,
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
    )
  }
  const { credentials, principal } = known
  if (!isSignatureOf(credentials.secretAccessKey, authorization, date, canonicalRequest)) {
    return s3Problem(
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    )
  }
  if (token !== credentials.sessionToken)
    return s3Problem(400, 'InvalidToken', 'The provided token is malformed or otherwise invalid.')
  if (credentials.expirationMs <= nowMs)
    return s3Problem(400, 'ExpiredToken', 'The provided token has expired.')
  return { principal, accessKeyId: authorization.accessKeyId, authType: null, ageSeconds: null }
}

function isoTime(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+/u, '')
}
