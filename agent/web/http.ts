import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { ExpositionFormat } from '../../exporters/exposition.ts'
import { sleep } from '../machine.ts'
import { createConnectionBook } from './http-connections.ts'
import { refusal } from './http-guard.ts'
import { createLane } from './http-lane.ts'
import { type Answer, route, text } from './http-routes.ts'
import type { ListenAddress } from './listen.ts'
import type { WebAuth } from './auth.ts'
import type { WebMaterial } from './files.ts'
import type { WebKeeper } from './keeper.ts'
import { noWebConfig } from './config.ts'
import { asksForCertificate, clientRefusal, contextOptions } from './tls.ts'

/** A page with its status, and the Content-Security-Policy under which it may run. */
export interface Page {
  status: number
  /** Its media type. */
  type: string
  body: Iterable<string>
  policy: string
  headers?: Readonly<Record<string, string>>
}

/** What the surface shows. Nothing here starts a probe. */
export interface HttpContent {
  metrics(format: ExpositionFormat): Promise<Buffer>
  /** HTML in pieces (`statusPage`). */
  page(): Iterable<string>
  /** Further pages: of `/targets/<name>`, `/attempts/<id>`, `/assets/<file>`. Null: there is none. */
  pages?: (path: string) => Page | null
  /** Where the metrics are; left out: `/metrics`. */
  telemetryPath?(): string
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
  /** Connections at once; a further one takes the place of the one that has been idle for longest. Default 64. */
  connections?: number
  /** Answers being made or sent at once; beyond that 503, or the slowest reader is cut. Default 16. */
  answers?: number
  /** For a TLS handshake. Default 5. */
  handshakeSeconds?: number
  /** For an answer to be taken. Default 60. */
  sendSeconds?: number
  /** For a whole request to arrive. Default 10. */
  requestSeconds?: number
  /** For a connection on which nothing moves. Default 30. */
  idleSeconds?: number
}

/** TLS, client certificates, passwords and headers of a web configuration. */
export interface HttpProtection {
  keeper: Pick<WebKeeper, 'now' | 'onChange'>
  auth: WebAuth
}

export interface HttpSurface {
  /** Resolves once it listens; rejects with Node's error (EADDRINUSE, EACCES, EBADF, …). */
  listen(address: ListenAddress): Promise<{ host: string; port: number }>
  /** Takes no new connection, lets answers in progress end for `graceSeconds`, then cuts. */
  close(graceSeconds: number): Promise<void>
}

/** Whoever takes its answer slower than this makes room where others wait. */
const slowSeconds = 1

const unprotected: HttpProtection = {
  keeper: { now: () => ({ config: noWebConfig, tls: null }), onChange: () => undefined },
  auth: { allows: async () => 'yes' },
}

/** The HTTP surface: connections, protection, limits. What it says is in `http-routes.ts`. */
export function createHttp(
  content: HttpContent,
  limits: HttpLimits = {},
  protection: HttpProtection = unprotected,
): HttpSurface {
  const { connections = 64, answers = 16, requestSeconds = 10, idleSeconds = 30 } = limits
  const { handshakeSeconds = 5, sendSeconds = 60 } = limits
  const { keeper, auth } = protection
  const monotonicMs = () => performance.now()
  const book = createConnectionBook(connections, monotonicMs)
  const lane = createLane(monotonicMs, sleep)
  /** Under which a connection's certificates were shown. */
  const admitted = new WeakMap<Socket, WebMaterial['tls']>()
  let answering = 0

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { socket } = request
    const { config, tls } = keeper.now()
    if (tls !== null && !admitted.has(socket)) return void socket.destroy()
    const over = book.busy(socket)
    response.once('close', over)
    const reply = (answer: Answer): void => send(response, answer, config.headers)
    // Another certificate or authority counts from the next connection on; this one ends with its answer.
    if (tls !== null && admitted.get(socket) !== tls) response.shouldKeepAlive = false
    // No route reads a body. Where one comes all the same, the connection ends with the answer.
    if (hasBody(request)) response.shouldKeepAlive = false
    request.resume()
    const refused = refusal(request)
    if (refused !== null) return reply(text(refused.status, refused.text))
    const allowed = await auth.allows(config.users, request.headers.authorization)
    if (allowed === 'no') return reply(unauthorized)
    if (allowed !== 'yes') return reply(busy('passwords are being compared'))
    if (answering >= answers && !book.cutSlowest(slowSeconds)) return reply(busy('too many requests at once'))
    if (response.destroyed) return
    answering++
    response.once('close', () => answering--)
    try {
      reply(await route(request, content, lane))
    } catch (error) {
      content.onError(request.url?.split('?', 1)[0] ?? '', error)
      reply(text(500, 'internal error'))
    }
    book.sending(socket)
    const timer = setTimeout(() => socket.destroy(), sendSeconds * 1000)
    response.once('close', () => clearTimeout(timer))
    if (response.closed) clearTimeout(timer)
  }

  const options = {
    maxHeaderSize: 8192,
    headersTimeout: Math.min(5, requestSeconds) * 1000,
    requestTimeout: requestSeconds * 1000,
    keepAliveTimeout: 5000,
    connectionsCheckingInterval: 1000,
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => void handle(request, response)
  const server = secure(keeper, options, handshakeSeconds, listener) ?? createServer(options, listener)
  // Before TLS takes the connection: a certificate that has changed counts from this handshake on.
  server.prependListener('connection', (socket: Socket) => {
    keeper.now()
    book.opened(socket)
  })
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const { tls } = keeper.now()
    if (tls === null || clientRefusal(tls.config, socket) !== null) socket.destroy()
    else admitted.set(socket, tls)
  })
  // A handshake that fails concerns nobody but its client.
  server.on('tlsClientError', () => undefined)
  // Without a listener an accept that fails (EMFILE) would end the process.
  server.on('error', (error) => content.onError('listener', error))
  server.maxHeadersCount = 64
  server.setTimeout(idleSeconds * 1000)

  return {
    listen: (address) => listen(server, address),
    async close(graceSeconds) {
      if (!server.listening) return
      // This closes idle connections too.
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()))
      const timer = setTimeout(() => {
        server.closeAllConnections()
        book.cutAll()
      }, graceSeconds * 1000)
      await closed
      clearTimeout(timer)
    },
  }
}

/** A server of HTTPS whose certificates change with the web configuration; null where that has no TLS. */
function secure(
  keeper: HttpProtection['keeper'],
  options: object,
  handshakeSeconds: number,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Server | null {
  const { tls } = keeper.now()
  if (tls === null) return null
  const server = createSecureServer(
    {
      ...options,
      ...contextOptions(tls.config, tls.files),
      handshakeTimeout: handshakeSeconds * 1000,
      requestCert: asksForCertificate(tls.config),
      // What a certificate is worth is decided after the handshake, for it may change without a new server.
      rejectUnauthorized: false,
    },
    listener,
  )
  keeper.onChange((material) => {
    if (material.tls === null) return
    server.setSecureContext(contextOptions(material.tls.config, material.tls.files))
    // Node reads it from here for each connection, and has no other way to change it.
    Object.assign(server, { requestCert: asksForCertificate(material.tls.config) })
  })
  return server
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

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

function busy(words: string): Answer {
  return text(503, words, { 'retry-after': '1' })
}

const unauthorized = text(401, 'unauthorized', {
  'www-authenticate': 'Basic realm="pathproof", charset="UTF-8"',
})

function send(
  response: ServerResponse,
  { status, type, body, headers = {} }: Answer,
  further: Readonly<Record<string, string>>,
): void {
  if (response.headersSent || response.destroyed) return
  const { 'content-security-policy': policy, 'strict-transport-security': transport, ...others } = further
  const own = headers['content-security-policy'] ?? "default-src 'none'; frame-ancestors 'none'"
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'cross-origin-resource-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    ...others,
    // RFC 6797 7.2: not over plain HTTP
    ...(transport !== undefined &&
      'encrypted' in response.req.socket && { 'strict-transport-security': transport }),
    ...headers,
    // A browser keeps to each of several policies (CSP 3, 2.2.2): one more can only forbid more.
    'content-security-policy': policy === undefined ? own : `${own}, ${policy}`,
  })
  // Node leaves the body out where the method is HEAD.
  response.end(body)
}
