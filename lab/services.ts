/**
 * What answers in the lab: AWS's services and whatever stands in their place, in TLS and a little HTTP. Who
 * gets a connection is the simulated network's word; a service never looks at the name for that.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { serviceCertificateNames, type Authority } from './certificates.ts'
import { type Arrival, arrivalOf } from './flow/arrival.ts'
import type { FlowRecorder } from './flow/recorder.ts'
import type { Journey, Packet, World, WorldService } from './world/types.ts'

/** A bucket that lives in a region of its own; S3 answers for it with a redirect anywhere else. */
export interface Bucket {
  name: string
  region: string
  /** 301 (PermanentRedirect) or, for a bucket just made, 307. */
  redirect: 301 | 307
}

export interface ServicesOptions {
  world(): World
  travel(world: World, packet: Packet): Journey
  /** Signs what AWS's services show. */
  authority: Authority
  /** Signs what TLS proxies show. */
  interceptor: Authority
  /** Unix milliseconds, for `Date` and for the expired certificate. */
  nowMs(): number
  buckets: readonly Bucket[]
  /** Gets a request that has come to a service; false: it is none of its business, and the usual answer is given. */
  api?(
    request: IncomingMessage,
    response: ServerResponse,
    service: WorldService,
    arrival: () => Arrival,
  ): boolean
  /** Writes down what goes over each connection. */
  recorder?: Pick<FlowRecorder, 'opened'>
}

export interface Services {
  /**
   * Takes over a connection that was opened with this packet. The service that the packets get to answers; if
   * they get to none the connection is reset, because here is no way to unsend the handshake of TCP.
   */
  receive(socket: Socket, packet: Packet): void
  /** Ends every connection. */
  close(): Promise<void>
}

/** The services of a world that may change under them. Nothing listens: connections are given to `receive`. */
export function createServices(options: ServicesOptions): Services {
  const servers = new Map<string, Server>()
  const contexts = new Map<string, SecureContext>()
  const sockets = new Set<Socket>()
  // by both ends of the connection: TLS hides the socket that was received
  const visits = new Map<string, { world: World; packet: Packet }>()

  const contextFor = (service: WorldService, serverName: string): SecureContext => {
    const { authority, names, expired } = certificateFor(service, serverName, options)
    const key = `${authority.commonName} ${expired} ${names.join(' ')}`
    const known = contexts.get(key)
    if (known !== undefined) return known
    const nowMs = options.nowMs()
    const leaf = authority.issue({
      names,
      ...(expired ? { notBeforeMs: nowMs - 90 * 86_400_000, notAfterMs: nowMs - 86_400_000 } : {}),
    })
    const context = createSecureContext({ cert: leaf.certificate, key: leaf.key })
    // names come from clients: keep no more than a few
    if (contexts.size >= 500) contexts.clear()
    contexts.set(key, context)
    return context
  }

  const serverFor = (service: WorldService, plain: boolean): Server => {
    const key = `${service.id} ${service.certificate} ${plain}`
    const known = servers.get(key)
    if (known !== undefined) return known
    const answer = (request: IncomingMessage, response: ServerResponse): void => {
      const visit = visits.get(endsOf(request.socket))
      const arrival = (): Arrival =>
        visit === undefined
          ? { class: 'relay', endpoint: null, source: '198.51.100.7' }
          : arrivalOf(visit.world, visit.packet)
      if (options.api?.(request, response, service, arrival) !== true)
        respond(request, response, service, options)
    }
    const server = plain
      ? createServer(answer)
      : createTlsServer(
          {
            ...defaultCertificate(service, options),
            SNICallback: (serverName, done) => done(null, contextFor(service, serverName)),
          },
          answer,
        )
    server.keepAliveTimeout = 5000
    server.on('tlsClientError', () => undefined)
    server.on('clientError', (_error, socket) => socket.destroy())
    servers.set(key, server)
    return server
  }

  const receive = (socket: Socket, packet: Packet): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    const world = options.world()
    const key = endsOf(socket)
    const { remotePort = 0 } = socket
    const flow = options.recorder?.opened(packet, remotePort, () => ({
      read: socket.bytesRead,
      written: socket.bytesWritten,
    }))
    visits.set(key, { world, packet })
    socket.on('close', () => {
      visits.delete(key)
      flow?.closed()
    })
    const journey = options.travel(world, packet)
    const service = world.services.find(({ id }) => journey.delivered && id === journey.to)
    if (service === undefined || !service.ports.includes(packet.port)) {
      socket.resetAndDestroy()
      return
    }
    // it has accepted, and that is all that it will ever do
    if (service.certificate === 'silent') return
    serverFor(service, packet.port === 80 || service.certificate === 'none').emit('connection', socket)
  }

  const close = async (): Promise<void> => {
    const open = [...sockets]
    const ended = open.map((socket) => new Promise((resolve) => socket.once('close', resolve)))
    for (const socket of open) socket.destroy()
    await Promise.all(ended)
  }
  return { receive, close }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ')
}

/** Whether a name is one that AWS's services answer for: by public DNS or as an endpoint's own name. */
function isServiceName(world: World, hostname: string): boolean {
  const patterns = [
    ...world.services.filter(({ kind }) => kind === 'aws').flatMap(({ hostnames }) => hostnames),
    ...world.endpoints.flatMap(({ dnsNames }) => dnsNames),
  ]
  return patterns.some((pattern) =>
    pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern,
  )
}

function certificateFor(
  service: WorldService,
  serverName: string,
  options: ServicesOptions,
): { authority: Authority; names: string[]; expired: boolean } {
  const { authority, interceptor } = options
  const hostname = serverName.toLowerCase()
  const expired = service.certificate === 'expired'
  // a proxy that intercepts makes a certificate for whatever it is asked for
  if (service.certificate === 'intercepted') return { authority: interceptor, names: [hostname], expired }
  const known = service.certificate !== 'wrong_name' && isServiceName(options.world(), hostname)
  return { authority, names: known ? serviceCertificateNames(hostname) : defaultNames(service), expired }
}

function defaultNames(service: WorldService): string[] {
  if (service.certificate === 'wrong_name') return ['somebody-else.example']
  const [own = `${service.id}.example`] = service.hostnames
  return serviceCertificateNames(own.replace(/^\*\./u, ''))
}

function defaultCertificate(service: WorldService, options: ServicesOptions): { cert: string; key: string } {
  const issuer = service.certificate === 'intercepted' ? options.interceptor : options.authority
  const leaf = issuer.issue({ names: defaultNames(service) })
  return { cert: leaf.certificate, key: leaf.key }
}

/** S3's bucket of a virtual-hosted name, null without one. */
function bucketOf(host: string): string | null {
  const name = host.toLowerCase().replace(/:\d+$/u, '')
  return /^(.+)\.(?:bucket\.vpce-[0-9a-z-]+\.)?s3[.-]/u.exec(name)?.[1] ?? null
}

function respond(
  request: IncomingMessage,
  response: ServerResponse,
  service: WorldService,
  options: ServicesOptions,
): void {
  request.resume()
  response.sendDate = false
  const headers: Record<string, string> = {
    Date: new Date(options.nowMs()).toUTCString(),
    'Content-Length': '0',
  }
  if (service.service === 'proxy' || service.service === 'application') {
    response.writeHead(404, headers).end()
    return
  }
  if (service.service !== 's3') {
    response.writeHead(403, { ...headers, 'x-amzn-RequestId': randomUUID() }).end()
    return
  }
  headers['Server'] = 'AmazonS3'
  headers['x-amz-request-id'] = randomBytes(8).toString('hex').toUpperCase()
  headers['x-amz-id-2'] = randomBytes(48).toString('base64')
  const name = bucketOf(request.headers.host ?? '')
  if (name === null) {
    response.writeHead(403, headers).end()
    return
  }
  const bucket = options.buckets.find((each) => each.name === name)
  const region = bucket?.region ?? service.region
  headers['x-amz-bucket-region'] = region
  if (bucket === undefined || region === service.region) {
    response.writeHead(403, headers).end()
    return
  }
  const path = new URL(request.url ?? '/', 'https://host.invalid').pathname
  headers['Location'] = `https://${name}.s3.${region}.amazonaws.com${path}`
  response.writeHead(bucket.redirect, headers).end()
}
