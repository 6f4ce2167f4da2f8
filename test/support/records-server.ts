import { type IncomingMessage, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { recordsApi } from '../../aws/records-clients.ts'
import type { ReadingDeps, ReadingLimits } from '../../aws/flow-logs-api.ts'

/** What is answered to one call: JSON, an error of the service, bytes, or nothing at all. */
export type RecordsReply =
  | { body: unknown }
  | { error: string; status?: number }
  | { bytes: Uint8Array; cutAfter?: number }
  | 'silent'

export interface RecordsCall {
  /** `FilterLogEvents`, `GetMetricData`, `ListObjectsV2`, `GetObject`. */
  action: string
  input: Record<string, unknown>
  /** How many calls of this action came before. */
  nth: number
}

export interface RecordsServer {
  url: string
  calls: RecordsCall[]
  authorizations: string[]
  close(): Promise<void>
}

const escaped = (text: string): string => text.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`)

export interface StoredFile {
  key: string
  modifiedMs: number
  data: Uint8Array
}

/** `ListBucketResult` of the S3 API, two keys a page. */
export function listXml(files: readonly StoredFile[], input: Record<string, unknown>, pageSize = 2): string {
  const prefix = String(input['prefix'] ?? '')
  const after = String(input['continuation-token'] ?? input['start-after'] ?? '')
  const found = files
    .filter(({ key }) => key.startsWith(prefix) && key > after)
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  const page = found.slice(0, pageSize)
  const more = found.length > page.length
  const contents = page.map(
    ({ key, modifiedMs, data }) =>
      `<Contents><Key>${escaped(key)}</Key><LastModified>${new Date(modifiedMs).toISOString()}</LastModified><ETag>"x"</ETag><Size>${data.length}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
  )
  const token = more
    ? `<NextContinuationToken>${escaped(page.at(-1)?.key ?? '')}</NextContinuationToken>`
    : ''
  return `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>${escaped(prefix)}</Prefix><KeyCount>${page.length}</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>${more}</IsTruncated>${token}${contents.join('')}</ListBucketResult>`
}

/** A bucket of files as `startRecordsServer` takes it. */
export function bucketOf(files: readonly StoredFile[]) {
  return ({ action, input }: RecordsCall): RecordsReply => {
    if (action === 'ListObjectsV2') return { bytes: Buffer.from(listXml(files, input)) }
    const file = files.find(({ key }) => key === input['key'])
    return file === undefined ? { error: 'NoSuchKey', status: 404 } : { bytes: file.data }
  }
}

/** A server on loopback that speaks as much of CloudWatch Logs, CloudWatch and S3 as the tests need; no part of the lab. */
export async function startRecordsServer(
  handler: (call: RecordsCall) => RecordsReply | Promise<RecordsReply>,
): Promise<RecordsServer> {
  const calls: RecordsCall[] = []
  const authorizations: string[] = []
  const sockets = new Set<Socket>()
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    authorizations.push(String(request.headers.authorization))
    const target = request.headers['x-amz-target']
    const url = new URL(request.url ?? '/', 'http://127.0.0.1')
    const isS3 = typeof target !== 'string'
    const action = isS3
      ? url.searchParams.has('list-type')
        ? 'ListObjectsV2'
        : 'GetObject'
      : (target.split('.')[1] ?? '')
    const input = isS3
      ? {
          ...Object.fromEntries(url.searchParams),
          key: decodeURIComponent(url.pathname).split('/').slice(2).join('/'),
        }
      : (JSON.parse(text) as Record<string, unknown>)
    const call = { action, input, nth: calls.filter((known) => known.action === action).length }
    calls.push(call)
    const reply = await handler(call)
    if (reply === 'silent') return
    if ('bytes' in reply) {
      const { bytes, cutAfter } = reply
      response.writeHead(200, { 'content-length': bytes.length })
      if (cutAfter === undefined) response.end(bytes)
      else response.write(bytes.subarray(0, cutAfter), () => response.destroy())
    } else if ('error' in reply) {
      const status = reply.status ?? 400
      if (isS3) {
        response.writeHead(status, { 'content-type': 'application/xml' })
        response.end(
          `<?xml version="1.0"?><Error><Code>${reply.error}</Code><Message>secret words</Message></Error>`,
        )
      } else {
        response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
        response.end(JSON.stringify({ __type: reply.error, message: 'secret words' }))
      }
    } else {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
      response.end(JSON.stringify(reply.body))
    }
  }
  const server = createServer((request, response) => void answer(request, response))
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    authorizations,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

/** What readers of records get, against a server of this file. `close` it. */
export function recordsDeps(url: string, wallMs: () => number): ReadingDeps & { close(): void } {
  const before = process.env['AWS_ENDPOINT_URL']
  process.env['AWS_ENDPOINT_URL'] = url
  const api = recordsApi({
    region: 'us-east-1',
    identity: {
      accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
      secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    },
    requestTimeoutSeconds: 5,
    connectTimeoutSeconds: 2,
    maxAttempts: 2,
  })
  return {
    api,
    region: 'us-east-1',
    wallMs,
    close() {
      api.close()
      if (before === undefined) delete process.env['AWS_ENDPOINT_URL']
      else process.env['AWS_ENDPOINT_URL'] = before
    },
  }
}

export function readingLimits(more: Partial<ReadingLimits> = {}): ReadingLimits {
  return {
    callSeconds: 5,
    deadline: new AbortController().signal,
    deadlineSeconds: 60,
    mostPages: 100,
    mostEvents: 100_000,
    mostBytes: 64 * 1024 * 1024,
    mostFileBytes: 32 * 1024 * 1024,
    ...more,
  }
}
