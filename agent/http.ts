import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExpositionFormat } from '../exporters/exposition.ts'
import { contentTypes, negotiate } from '../exporters/exposition.ts'
import { statusPagePolicy } from '../exporters/status-page.ts'
import { redact } from '../model/redact.ts'
import { inTurns, jsonPieces } from './document.ts'
import { isCrossSite, refusal } from './http-guard.ts'
import type { ListenAddress } from './listen.ts'

/** What the surface shows. Nothing here starts a probe. */
export interface HttpContent {
  metrics(format: ExpositionFormat): Promise<Buffer>
  /** HTML in pieces (`statusPage`). */
  page(): Iterable<string>
  /** Further members of the document, and one plain object per target. */
  verdicts(): { head?: Readonly<Record<string, unknown>>; targets: Iterable<unknown> }
  /** One attempt with its evidence; null if it is not known (any more). */
  attempt(id: string): unknown
  /** Further documents by their name under `/api/v1/`; one that gives null says that nothing makes it. */
  documents?: Readonly<Record<string, () => object | null>>
  /** `because` names what is missing. */
  ready(): { ready: boolean; because: readonly string[] }
  /** Reloads the configuration; null where that is not switched on. */
  reload: (() => Promise<{ ok: boolean; text: string }>) | null
  onError(where: string, error: unknown): void
}

export interface HttpLimits {
  /** Connections at once; further ones are closed. Default 64. */
  connections?: number
  /** Answers being made at once; beyond that 503. Default 16. */
  answers?: number
  /** For a whole request to arrive. Default 10. */
  requestSeconds?: number
  /** For a connection on which nothing moves. Default 30. */
  idleSeconds?: number
}

export interface HttpSurface {
  /** Resolves once it listens; rejects with Node's error (EADDRINUSE, EACCES, EBADF, …). */
  listen(address: ListenAddress): Promise<{ host: string; port: number }>
  /** Takes no new connection, lets answers in progress end for `graceSeconds`, then cuts. */
  close(graceSeconds: number): Promise<void>
}

interface Answer {
  status: number
  type: string
  body: Buffer | string
  headers?: Readonly<Record<string, string>>
}

const attemptId = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/

export function createHttp(content: HttpContent, limits: HttpLimits = {}): HttpSurface {
  const { connections = 64, answers = 16, requestSeconds = 10, idleSeconds = 30 } = limits
  let answering = 0

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    // No route reads a body. Where one comes all the same, the connection ends with the answer.
    if (hasBody(request)) response.shouldKeepAlive = false
    request.resume()
    if (answering >= answers) return send(response, text(503, 'too many requests at once'))
    answering++
    try {
      const refused = refusal(request)
      const answer = refused === null ? await route(request, content) : text(refused.status, refused.text)
      send(response, answer)
    } catch (error) {
      content.onError(request.url?.split('?', 1)[0] ?? '', error)
      send(response, text(500, 'internal error'))
    } finally {
      answering--
    }
  }

  const server = createServer(
    {
      maxHeaderSize: 8192,
      headersTimeout: Math.min(5, requestSeconds) * 1000,
      requestTimeout: requestSeconds * 1000,
      keepAliveTimeout: 5000,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => void handle(request, response),
  )
  // Without a listener an accept that fails (EMFILE) would end the process.
  server.on('error', (error) => content.onError('listener', error))
  server.maxConnections = connections
  server.maxHeadersCount = 64
  server.setTimeout(idleSeconds * 1000)

  return {
    listen: (address) => listen(server, address),
    async close(graceSeconds) {
      if (!server.listening) return
      // This closes idle connections too.
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
      const timer = setTimeout(() => server.closeAllConnections(), graceSeconds * 1000)
      await closed
      clearTimeout(timer)
    },
  }
}

function listen(server: Server, address: ListenAddress): Promise<{ host: string; port: number }> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      const bound = server.address() as AddressInfo | string | null
      if (bound !== null && typeof bound === 'object') resolve({ host: bound.address, port: bound.port })
      else reject(new Error('the descriptor is no TCP socket'))
    })
    if (address.kind === 'descriptor') server.listen({ fd: address.fd })
    else server.listen({ port: address.port, ...(address.host === null ? {} : { host: address.host }) })
  })
}

async function route(request: IncomingMessage, content: HttpContent): Promise<Answer> {
  const path = (request.url ?? '').split('?', 1)[0] ?? ''
  if (path === '/-/reload') return reload(request, content)
  const attempt = path.startsWith('/api/v1/attempts/') ? path.slice('/api/v1/attempts/'.length) : null
  const further = documentOf(path, content)
  const get =
    attempt !== null && attemptId.test(attempt)
      ? () => attemptJson(content, attempt)
      : (gets[path] ?? (further && (() => documentJson(further))))
  if (get === undefined) return text(404, 'not found')
  if (request.method !== 'GET' && request.method !== 'HEAD') return notAllowed('GET, HEAD')
  return get(content, request)
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

type Get = (content: HttpContent, request: IncomingMessage) => Answer | Promise<Answer>

const gets: Readonly<Record<string, Get | undefined>> = Object.assign(Object.create(null), {
  '/': async (content) => ({
    status: 200,
    type: 'text/html; charset=utf-8',
    body: await inTurns(content.page()),
    headers: { 'content-security-policy': statusPagePolicy },
  }),
  '/metrics': async (content, request) => {
    const format = negotiate(request.headers.accept)
    const body = await content.metrics(format)
    return { status: 200, type: contentTypes[format], body, headers: { vary: 'Accept' } }
  },
  '/-/healthy': () => text(200, 'healthy'),
  '/-/ready': (content) => {
    const { ready, because } = content.ready()
    return ready
      ? text(200, 'ready')
      : text(503, ['not ready', ...because].map((line) => redact(line)).join('\n'))
  },
  '/api/v1/verdicts': async (content) => {
    const { head = {}, targets } = content.verdicts()
    const body = await inTurns(jsonPieces({ schema: 'pathproof.verdicts/1', ...head, targets }))
    return { status: 200, type: 'application/json', body }
  },
} satisfies Record<string, Get>)

function documentOf(path: string, { documents = {} }: HttpContent): (() => object | null) | undefined {
  const name = path.startsWith('/api/v1/') ? path.slice('/api/v1/'.length) : ''
  return Object.hasOwn(documents, name) ? documents[name] : undefined
}

async function documentJson(make: () => object | null): Promise<Answer> {
  const document = make()
  if (document === null) return text(404, 'the configuration enables nothing that makes this document')
  const body = await inTurns(jsonPieces(document as Readonly<Record<string, unknown>>))
  return { status: 200, type: 'application/json', body }
}

async function attemptJson(content: HttpContent, id: string): Promise<Answer> {
  const attempt = content.attempt(id)
  if (attempt === null || attempt === undefined) return text(404, 'no such attempt is kept')
  const body = await inTurns(jsonPieces({ schema: 'pathproof.attempt/1', attempt }))
  return { status: 200, type: 'application/json', body }
}

async function reload(request: IncomingMessage, content: HttpContent): Promise<Answer> {
  if (request.method !== 'POST') return notAllowed('POST')
  if (content.reload === null) return text(403, 'reload over HTTP is not switched on')
  if (isCrossSite(request)) return text(403, 'not from another site')
  const { ok, text: words } = await content.reload()
  return text(ok ? 200 : 500, redact(words))
}

function text(status: number, words: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${words}\n`, headers }
}

function notAllowed(allow: string): Answer {
  return text(405, `method not allowed, only ${allow}`, { allow })
}

function send(response: ServerResponse, { status, type, body, headers = {} }: Answer): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    ...headers,
  })
  // Node leaves the body out where the method is HEAD.
  response.end(body)
}
