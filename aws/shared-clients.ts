import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Identity } from './credentials.ts'
import { type Answer, type AnyClient, type AnyCommand, sendCommand } from './send.ts'

/** One object in S3, read or written whole. Holds sockets until it is closed. */
export interface SharedApi {
  /** `etag`: only if it is another than this one. `dateMs`: S3's own clock when it answered. Never rejects. */
  get(
    where: Place,
    etag: string | null,
    signal: AbortSignal,
  ): Promise<{ answer: Answer; dateMs: number | null }>
  put(where: Place, body: Uint8Array, signal: AbortSignal): Promise<Answer>
  close(): void
}

export interface Place {
  bucket: string
  key: string
}

const connectionTimeoutMs = 3000
const requestTimeoutMs = 20_000
const maxAttempts = 3

/** Whether S3 is asked at an address or a name of this host, where a bucket can be no part of the host name. */
function isMoved(): boolean {
  const moved = process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL'] ?? ''
  return /^http:|^https:\/\/(?:\d+\.\d+\.\d+\.\d+|\[|localhost)/i.test(moved)
}

/**
 * A client of S3 for one region; the endpoint is AWS's own, or what AWS_ENDPOINT_URL_S3 (or the profile) says. A bucket of
 * another region is followed there. Loading this file loads the SDK.
 */
export function sharedApi(identity: Identity, region: string): SharedApi {
  const client = new S3Client({
    region,
    credentials: identity,
    retryMode: 'adaptive',
    maxAttempts,
    followRegionRedirects: true,
    forcePathStyle: isMoved(),
    requestHandler: {
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
  })
  let dateMs: number | null = null
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      const headers = (result.response as { headers?: Record<string, string> } | undefined)?.headers ?? {}
      const parsed = Date.parse(headers['date'] ?? '')
      dateMs = Number.isNaN(parsed) ? null : parsed
      return result
    },
    { step: 'deserialize', name: 'pathproofDate', priority: 'low' },
  )
  const send = (command: unknown, signal: AbortSignal): Promise<Answer> =>
    sendCommand(client as unknown as AnyClient, command as AnyCommand, `s3.${region}`, signal)
  return {
    async get({ bucket, key }, etag, signal) {
      dateMs = null
      const input = { Bucket: bucket, Key: key, ...(etag !== null && { IfNoneMatch: etag }) }
      return { answer: await send(new GetObjectCommand(input), signal), dateMs }
    },
    put: ({ bucket, key }, body, signal) =>
      send(
        new PutObjectCommand({ Bucket: bucket, Key: key, Body: body, ContentType: 'application/gzip' }),
        signal,
      ),
    close: () => client.destroy(),
  }
}
