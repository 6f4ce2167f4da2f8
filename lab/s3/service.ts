/**
 * S3 in the lab, for what has to do with credentials and policies: objects, listings, the bucket's policy. Each request
 * is judged by the way that its packets really came. Nothing listens: requests are given to `handle`.
 */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Principals } from '../api/principals.ts'
import type { ServedCall } from '../api/served.ts'
import type { Arrival } from '../flow/arrival.ts'
import { s3Decision, type S3Access } from './access.ts'
import { answerS3, noSuchBucket, type S3Answer } from './answers.ts'
import { denied, isS3Problem, type S3Problem, s3Problem, s3ProblemXml } from './problem.ts'
import { asksForLock, putObject } from './put.ts'
import { operations, readS3Request, type S3Request } from './request.ts'
import { isSigned, s3Caller, type S3Caller } from './signature.ts'
import type { S3Store } from './store.ts'
import type { S3Options } from './types.ts'
import { readBody } from '../api/call.ts'
import { createWritten, type Written } from '../written.ts'

export interface S3ServiceOptions {
  /** Asked anew at each request. */
  s3(): S3Options
  store: S3Store
  /** Where objects are put; left out: they are lost. */
  written?: Written
  principals: Pick<Principals, 'find'>
  /** Unix milliseconds. */
  nowMs(): number
  /** Told of every answer to a signed request. */
  served?(call: ServedCall): void
}

export interface S3Service {
  /**
   * Answers, unless the request is neither signed nor about a bucket of its own: then false. `region` is that of the
   * service at whose door it came.
   */
  handle(request: IncomingMessage, response: ServerResponse, region: string, arrival: Arrival): boolean
  /** Ends what waits. The connections are their listeners'. */
  close(): void
}

interface Asked {
  asked: S3Request
  region: string
  arrival: Arrival
  request: IncomingMessage
  body: Buffer | null
}

export function createS3Service(options: S3ServiceOptions): S3Service {
  const { s3, store, nowMs } = options
  const waiting = new Set<NodeJS.Timeout>()

  const accessOf = ({ asked, arrival, request }: Asked, caller: S3Caller, action: string): S3Access => ({
    action,
    bucket: asked.bucket === null ? null : store.bucket(asked.bucket),
    key: asked.key,
    prefix: asked.query.get('prefix'),
    caller,
    arrival,
    options: s3(),
    encrypted: 'encrypted' in request.socket || request.socket.localAddress === '127.0.0.1',
    userAgent: request.headers['user-agent'] ?? '',
    nowMs: nowMs(),
  })

  const resultOf = (all: Asked, caller: S3Caller | S3Problem): S3Answer | S3Problem => {
    const { asked, region } = all
    if (s3().slowDown) return s3Problem(503, 'SlowDown', 'Please reduce your request rate.')
    if (isS3Problem(caller)) return caller
    const { operation } = asked
    if (operation === null)
      return s3Problem(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.')
    const bucket = asked.bucket === null ? null : store.bucket(asked.bucket)
    if (asked.bucket !== null && bucket === null) return noSuchBucket(asked.bucket)
    if (bucket !== null && bucket.region !== region && operation !== 'GetBucketLocation') {
      const endpoint = `${bucket.name}.s3.${bucket.region}.amazonaws.com`
      return s3Problem(
        301,
        'PermanentRedirect',
        'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.',
        { Endpoint: endpoint, Bucket: bucket.name },
        { Location: `https://${endpoint}${all.request.url ?? '/'}` },
      )
    }
    const { allowed, because } = s3Decision(accessOf(all, caller, operations[operation].action))
    if (!allowed) {
      if (caller.principal === null) return denied()
      const what = `User: ${caller.principal.arn} is not authorized to perform: ${operations[operation].action}`
      return s3Problem(403, 'AccessDenied', `${what} because ${because}`)
    }
    if (operation === 'PutObject' && bucket !== null) {
      const { headers } = all.request
      if (asksForLock(headers) && !s3Decision(accessOf(all, caller, 's3:PutObjectRetention')).allowed)
        return s3Problem(403, 'AccessDenied', 'Access Denied')
      if (all.body === null)
        return s3Problem(400, 'EntityTooLarge', 'Your proposed upload exceeds the maximum allowed size')
      const exists = store.objects(bucket.name).some(({ key }) => key === asked.key)
      return putObject({
        bucket,
        key: asked.key,
        headers,
        body: all.body,
        exists,
        written: options.written ?? createWritten(),
        nowMs: nowMs(),
      })
    }
    return answerS3({
      request: asked,
      operation,
      bucket,
      store,
      account: caller.principal?.account ?? '',
      signed: caller.principal !== null,
      mayList: () => s3Decision({ ...accessOf(all, caller, 's3:ListBucket'), key: '' }).allowed,
    })
  }

  const answer = (all: Asked, response: ServerResponse): void => {
    const { asked, request, region } = all
    const requestId = randomBytes(8).toString('hex').toUpperCase()
    const hostId = randomBytes(48).toString('base64')
    const { method = 'GET', url = '/', headers } = request
    const caller = s3Caller(
      { method, url, headers },
      { principals: options.principals, region, nowMs: nowMs() },
    )
    const result = resultOf(all, caller)
    const problem = isS3Problem(result) ? result : null
    // S3 API reference, GetObject: 304 if the object still has this ETag
    const unchanged =
      problem === null &&
      asked.operation === 'GetObject' &&
      headers['if-none-match'] !== undefined &&
      headers['if-none-match'] === (result as S3Answer).headers['ETag']
    const body =
      problem !== null
        ? Buffer.from(s3ProblemXml(problem, requestId, hostId))
        : unchanged
          ? Buffer.alloc(0)
          : (result as S3Answer).body
    const status = problem?.status ?? (unchanged ? 304 : 200)
    const bucket = asked.bucket === null ? null : store.bucket(asked.bucket)
    response.sendDate = false
    response.writeHead(status, {
      Date: new Date(nowMs()).toUTCString(),
      Server: 'AmazonS3',
      'x-amz-request-id': requestId,
      'x-amz-id-2': hostId,
      ...(bucket !== null && { 'x-amz-bucket-region': bucket.region }),
      ...(problem === null
        ? (result as S3Answer).headers
        : { 'Content-Type': 'application/xml', ...problem.headers }),
      // the answer to HEAD has the length of what GET would give, and for an error none of it
      'Content-Length': asked.head && problem !== null ? 0 : body.length,
      ...(status === 403 && s3().closeAfterDenied && { Connection: 'close' }),
    })
    response.end(asked.head ? undefined : body)
    if (isS3Problem(caller) || caller.principal === null || asked.operation === null) return
    const event = operations[asked.operation].event
    if (event === null) return
    options.served?.({
      source: 's3.amazonaws.com',
      name: event,
      requestId,
      principal: caller.principal,
      accessKeyId: caller.accessKeyId ?? '',
      arrival: all.arrival,
      host: headers.host ?? '',
      userAgent: headers['user-agent'] ?? '',
      error: problem?.code ?? null,
      parameters: asked.bucket === null ? null : { bucketName: asked.bucket, Host: headers.host ?? '' },
      region,
    })
  }

  return {
    handle: (request, response, region, arrival) => {
      const { method = 'GET', url = '/', headers } = request
      const asked = readS3Request(method, url, headers.host ?? '')
      const own = asked !== null && asked.bucket !== null && store.bucket(asked.bucket) !== null
      if (asked === null || !(own || isSigned({ method, url, headers }))) return false
      const later = (body: Buffer | null): void => {
        const timer = setTimeout(() => {
          waiting.delete(timer)
          answer({ asked, region, arrival, request, body }, response)
        }, s3().latency * 1000)
        waiting.add(timer)
      }
      if (asked.operation === 'PutObject') readBody(request).then(later, () => response.destroy())
      else {
        request.resume()
        later(null)
      }
      return true
    },
    close: () => {
      for (const timer of waiting) clearTimeout(timer)
      waiting.clear()
    },
  }
}
