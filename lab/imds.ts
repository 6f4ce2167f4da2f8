/** The instance metadata service, version 2 only, as on an instance of the lab's world. Source: EC2 user guide, "Use IMDSv2". */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Metadata } from './world/metadata.ts'

/**
 * `answers` · `silent`: connections open and nothing ever comes (`HttpEndpoint: disabled` behaves alike towards a
 * client) · `hop_limit`: the token is never delivered, as in a container behind a hop limit of 1 · `slow`: each
 * answer takes `delaySeconds`.
 */
export type MetadataMode = 'answers' | 'silent' | 'hop_limit' | 'slow'

export interface MetadataServiceOptions {
  /** Asked anew at each request; null: every path is 404. */
  metadata(): Metadata | null
  mode: MetadataMode
  /** Seconds, for `slow`. */
  delaySeconds?: number
  /** Unix milliseconds. */
  nowMs(): number
}

export interface MetadataService {
  /** Takes over a connection to 169.254.169.254:80. */
  receive(socket: Socket): void
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

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume()
    const [path = '/'] = (request.url ?? '/').split('?')
    if (path === '/latest/api/token') token(request, response)
    else document(request, response, path)
  }

  const token = (request: IncomingMessage, response: ServerResponse): void => {
    // a token request that came through a proxy is refused
    if (request.headers['x-forwarded-for'] !== undefined) return end(response, 403)
    if (request.method !== 'PUT') return end(response, 405)
    if (options.mode === 'hop_limit') return
    const ttl = request.headers['x-aws-ec2-metadata-token-ttl-seconds']
    const seconds = typeof ttl === 'string' && /^\d{1,5}$/u.test(ttl) ? Number(ttl) : 0
    if (seconds < 1 || seconds > maxTtlSeconds) return end(response, 400)
    const value = randomBytes(42).toString('base64')
    if (tokens.size >= 1000) tokens.clear()
    tokens.set(value, options.nowMs() + seconds * 1000)
    response.setHeader('X-Aws-Ec2-Metadata-Token-Ttl-Seconds', String(seconds))
    return end(response, 200, value)
  }

  const document = (request: IncomingMessage, response: ServerResponse, path: string): void => {
    const given = request.headers['x-aws-ec2-metadata-token']
    const until = typeof given === 'string' ? tokens.get(given) : undefined
    if (until === undefined || until <= options.nowMs()) return end(response, 401)
    if (request.method !== 'GET' && request.method !== 'HEAD') return end(response, 405)
    const metadata = options.metadata()
    const body = metadata === null ? null : find(treeOf(metadata), path)
    return body === null ? end(response, 404) : end(response, 200, body)
  }

  const server = createServer((request, response) => {
    if (options.mode === 'silent') return
    if (options.mode !== 'slow') return answer(request, response)
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
  return { receive, close }
}

function end(response: ServerResponse, status: number, body = ''): void {
  response.writeHead(status, {
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

function treeOf(metadata: Metadata): Tree {
  const first = metadata.macs[metadata.mac] ?? {}
  return {
    latest: {
      dynamic: { 'instance-identity': { document: JSON.stringify(metadata.document, null, 2) } },
      'meta-data': {
        hostname: metadata.localHostname,
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

function stringOr(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** A leaf's text, or the names in a directory one a line (directories end with `/`); null: 404. */
function find(tree: Tree, path: string): string | null {
  let here: string | Tree = tree
  for (const part of path.split('/').filter((each) => each !== '')) {
    if (typeof here === 'string' || !Object.hasOwn(here, part)) return null
    here = here[part]!
  }
  if (typeof here === 'string') return path.endsWith('/') ? null : here
  return Object.entries(here)
    .map(([name, value]) => (typeof value === 'string' ? name : `${name}/`))
    .join('\n')
}
