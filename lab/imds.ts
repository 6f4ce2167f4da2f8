/** The instance metadata service as on an instance of the lab's world. Source: EC2 user guide, "Use IMDSv2", "Instance metadata categories". */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ApiCredentials } from './api/principals.ts'
import type { Metadata } from './world/metadata.ts'

/**
 * `answers`: version 2 only · `silent`: connections open and nothing ever comes · `off`: `HttpEndpoint: disabled`, all
 * is 403 · `hop_limit`: the token is never delivered, as in a container behind a hop limit of 1 · `slow`: each answer
 * takes `delaySeconds` · `v1_only`: an imitation without tokens (PUT is 404, GET needs none) · `no_document`: no
 * identity document · `no_role`: no instance profile.
 */
export const metadataModes = [
  'answers',
  'silent',
  'off',
  'hop_limit',
  'slow',
  'v1_only',
  'no_document',
  'no_role',
] as const
export type MetadataMode = (typeof metadataModes)[number]

/** The role of the instance with its present credentials. */
export interface MetadataRole {
  name: string
  /** Of the instance profile. */
  arn: string
  credentials: ApiCredentials
}

export interface MetadataServiceOptions {
  /** Asked anew at each request; null: every path is 404. */
  metadata(): Metadata | null
  /** Asked anew at each request; without it the instance has no role. */
  role?(): MetadataRole
  mode: MetadataMode
  /** Seconds, for `slow`. */
  delaySeconds?: number
  /** Unix milliseconds. */
  nowMs(): number
}

export interface MetadataService {
  /** Takes over a connection to 169.254.169.254:80. */
  receive(socket: Socket): void
  /** From the next request on. */
  setMode(mode: MetadataMode): void
  /** Ends every connection. */
  close(): Promise<void>
}

export const metadataAddress = '169.254.169.254'

const maxTtlSeconds = 21_600

/** The service; nothing listens: connections are given to `receive`. */
export function createMetadataService(options: MetadataServiceOptions): MetadataService {
  const tokens = new Map<string, number>()
  const sockets = new Set<Socket>()
  const delays = new Set<NodeJS.Timeout>()
  let mode = options.mode

  /** Null: no answer ever comes. */
  const answerTo = (request: IncomingMessage): Answer | null => {
    if (mode === 'off') return { status: 403 }
    const [path = '/'] = (request.url ?? '/').split('?')
    return path === '/latest/api/token' ? token(request) : document(request, path)
  }

  const token = (request: IncomingMessage): Answer | null => {
    if (mode === 'v1_only') return { status: 404 }
    // a token request that came through a proxy is refused
    if (request.headers['x-forwarded-for'] !== undefined) return { status: 403 }
    if (request.method !== 'PUT') return { status: 405 }
    if (mode === 'hop_limit') return null
    const ttl = request.headers['x-aws-ec2-metadata-token-ttl-seconds']
    const seconds = typeof ttl === 'string' && /^\d{1,5}$/u.test(ttl) ? Number(ttl) : 0
    if (seconds < 1 || seconds > maxTtlSeconds) return { status: 400 }
    const value = randomBytes(42).toString('base64')
    if (tokens.size >= 1000) tokens.clear()
    tokens.set(value, options.nowMs() + seconds * 1000)
    return { status: 200, body: value, headers: { 'X-Aws-Ec2-Metadata-Token-Ttl-Seconds': String(seconds) } }
  }

  const document = (request: IncomingMessage, path: string): Answer => {
    const given = request.headers['x-aws-ec2-metadata-token']
    const until = typeof given === 'string' ? tokens.get(given) : undefined
    const believed = mode === 'v1_only' || (until !== undefined && until > options.nowMs())
    if (!believed) return { status: 401 }
    if (request.method !== 'GET' && request.method !== 'HEAD') return { status: 405 }
    const metadata = options.metadata()
    const role = mode === 'no_role' ? undefined : options.role?.()
    const tree = metadata === null ? null : treeOf(metadata, role, mode !== 'no_document', options.nowMs())
    const body = tree === null ? null : find(tree, path)
    return body === null ? { status: 404 } : { status: 200, body }
  }

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume()
    const found = answerTo(request)
    if (found !== null) send(response, found)
  }

  const server = createServer((request, response) => {
    if (mode === 'silent') return
    if (mode !== 'slow') return answer(request, response)
    const delay = setTimeout(
      () => {
        delays.delete(delay)
        answer(request, response)
      },
      (options.delaySeconds ?? 0) * 1000,
    )
    delays.add(delay)
  })
  server.on('clientError', (_error, socket) => socket.destroy())

  const receive = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    server.emit('connection', socket)
  }
  const close = async (): Promise<void> => {
    for (const delay of delays) clearTimeout(delay)
    const open = [...sockets]
    const ended = open.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
    for (const socket of open) socket.destroy()
    await Promise.all(ended)
  }
  const setMode = (next: MetadataMode): void => {
    mode = next
  }
  return { receive, setMode, close }
}

interface Answer {
  status: number
  body?: string
  headers?: Record<string, string>
}

function send(response: ServerResponse, { status, body = '', headers = {} }: Answer): void {
  response.writeHead(status, {
    ...headers,
    'Content-Type': 'text/plain',
    'Content-Length': Buffer.byteLength(body),
    Server: 'EC2ws',
  })
  response.end(body)
}

/** Directories and leaves of the service's paths. */
interface Tree {
  [name: string]: string | Tree
}

function optional(name: string, value: string | undefined): Tree {
  return value === undefined ? {} : { [name]: value }
}

function treeOf(metadata: Metadata, role: MetadataRole | undefined, document: boolean, nowMs: number): Tree {
  const first = metadata.macs[metadata.mac] ?? {}
  return {
    latest: {
      dynamic: document
        ? { 'instance-identity': { document: JSON.stringify(metadata.document, null, 2) } }
        : {},
      'meta-data': {
        hostname: metadata.localHostname,
        ...(role === undefined ? {} : { iam: roleTree(role, nowMs) }),
        'instance-id': metadata.instanceId,
        ...optional('instance-type', stringOr(metadata.document['instanceType'])),
        'local-hostname': metadata.localHostname,
        ...optional('local-ipv4', first['local-ipv4s']?.split('\n')[0]),
        ...optional('public-ipv4', first['public-ipv4s']?.split('\n')[0]),
        mac: metadata.mac,
        network: { interfaces: { macs: metadata.macs } },
        placement: {
          'availability-zone': metadata.availabilityZone,
          'availability-zone-id': metadata.availabilityZoneId,
          region: metadata.region,
        },
      },
    },
  }
}

/** `iam/` of the categories: what the SDKs' credential chain reads. */
function roleTree({ name, arn, credentials }: MetadataRole, nowMs: number): Tree {
  const updated = { Code: 'Success', LastUpdated: wireTime(nowMs) }
  const profile = { InstanceProfileArn: arn, InstanceProfileId: 'AIPAPATHPROOFLAB00001' }
  return {
    info: JSON.stringify({ ...updated, ...profile }, null, 2),
    'security-credentials': {
      [name]: JSON.stringify(
        {
          ...updated,
          Type: 'AWS-HMAC',
          AccessKeyId: credentials.accessKeyId,
          SecretAccessKey: credentials.secretAccessKey,
          Token: credentials.sessionToken,
          Expiration: wireTime(credentials.expirationMs),
        },
        null,
        2,
      ),
    },
  }
}

function wireTime(unixMs: number): string {
  return new Date(unixMs).toISOString().replace(/\.\d+Z$/u, 'Z')
}

function stringOr(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A leaf's text, or the names in a directory one a line (directories end with `/`); null: 404. */
function find(tree: Tree, path: string): string | null {
  let here: string | Tree = tree
  for (const part of path.split('/').filter((each) => each !== '')) {
    const next: string | Tree | undefined =
      typeof here === 'string' || !Object.hasOwn(here, part) ? undefined : here[part]
    if (next === undefined) return null
    here = next
  }
  if (typeof here === 'string') return path.endsWith('/') ? null : here
  return Object.entries(here)
    .map(([name, value]) => (typeof value === 'string' ? name : `${name}/`))
    .join('\n')
}
