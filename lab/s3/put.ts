/** `PutObject`, with conditions, checksums and Object Lock. Source: S3 API reference, `PutObject`; S3 user guide, "Object Lock". */
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Written } from '../written.ts'
import type { S3Answer } from './answers.ts'
import { type S3Problem, s3Problem } from './problem.ts'
import { etagOf } from './store.ts'
import type { S3Bucket } from './types.ts'

export interface S3Put {
  bucket: S3Bucket
  key: string
  headers: IncomingHttpHeaders
  body: Buffer
  /** Whether there is an object of this key. */
  exists: boolean
  written: Written
  /** Unix milliseconds. */
  nowMs: number
}

function header(headers: IncomingHttpHeaders, name: string): string | null {
  const value = headers[name]
  return typeof value === 'string' ? value : null
}

/** Whether the request asks for a lock of its own, which takes a permission of its own. */
export function asksForLock(headers: IncomingHttpHeaders): boolean {
  return header(headers, 'x-amz-object-lock-mode') !== null
}

export function putObject({
  bucket,
  key,
  headers,
  body,
  exists,
  written,
  nowMs,
}: S3Put): S3Answer | S3Problem {
  const claimed = header(headers, 'x-amz-content-sha256') ?? ''
  if (/^[0-9a-f]{64}$/u.test(claimed) && claimed !== createHash('sha256').update(body).digest('hex'))
    return s3Problem(
      400,
      'XAmzContentSHA256Mismatch',
      "The provided 'x-amz-content-sha256' header does not match what was computed.",
    )
  if (claimed.startsWith('STREAMING-'))
    return s3Problem(501, 'NotImplemented', 'The lab takes no chunked uploads.')
  const sha256 = header(headers, 'x-amz-checksum-sha256')
  const md5 = header(headers, 'content-md5')
  if (sha256 !== null && sha256 !== createHash('sha256').update(body).digest('base64'))
    return s3Problem(400, 'BadDigest', 'The SHA256 you specified did not match the calculated checksum.')
  if (md5 !== null && md5 !== createHash('md5').update(body).digest('base64'))
    return s3Problem(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.')
  if (header(headers, 'if-none-match') === '*' && exists)
    return s3Problem(
      412,
      'PreconditionFailed',
      'At least one of the pre-conditions you specified did not hold',
      {
        Condition: 'If-None-Match',
      },
    )
  const lock = lockOf(headers, {
    bucket,
    nowMs,
    checked: sha256 !== null || md5 !== null || hasChecksum(headers),
  })
  if (lock !== null && 'status' in lock) return lock
  const contentType = header(headers, 'content-type') ?? 'binary/octet-stream'
  written.put(bucket.name, { key, body, contentType, modifiedMs: nowMs, lock })
  return { headers: { ETag: etagOf(body) }, body: Buffer.alloc(0) }
}

function hasChecksum(headers: IncomingHttpHeaders): boolean {
  return Object.keys(headers).some((name) => /^x-amz-checksum-(?!algorithm)/u.test(name))
}

function lockOf(
  headers: IncomingHttpHeaders,
  { bucket, nowMs, checked }: { bucket: S3Bucket; nowMs: number; checked: boolean },
): { mode: string; untilMs: number } | null | S3Problem {
  const mode = header(headers, 'x-amz-object-lock-mode')
  const until = header(headers, 'x-amz-object-lock-retain-until-date')
  if (mode === null && until === null) return null
  if (mode === null || until === null || !['COMPLIANCE', 'GOVERNANCE'].includes(mode))
    return s3Problem(
      400,
      'InvalidArgument',
      'x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied',
    )
  if (bucket.objectLock !== true)
    return s3Problem(400, 'InvalidRequest', 'Bucket is missing Object Lock Configuration')
  if (!checked)
    return s3Problem(
      400,
      'InvalidRequest',
      'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
    )
  const untilMs = Date.parse(until)
  if (!(untilMs > nowMs))
    return s3Problem(400, 'InvalidArgument', 'The retain until date must be in the future!')
  return { mode, untilMs }
}
