import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { type Authority, createAuthority, type LeafRequest } from '../../lab/certificates.ts'
import type { Stage } from './stage.ts'

const awsNames = ['*.s3.us-east-1.amazonaws.com', 's3.us-east-1.amazonaws.com']

async function listen(stage: Stage, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  stage.onMend(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A TCP server that does this with each connection. */
export function tcpEnd(stage: Stage, handle: (socket: Socket) => void): Promise<number> {
  return listen(stage, createServer(handle))
}

export interface TlsEnd {
  by?: Authority
  names?: LeafRequest['names']
  notBeforeMs?: number
  notAfterMs?: number
  /** Versions before TLS 1.3 know renegotiation. */
  maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** Each connection, before its handshake; resolves when that may begin. */
  wait?(): Promise<void>
  secured?(socket: TLSSocket): void
}

/** A TLS server for AWS's names, signed by the authority that stands for AWS's, unless said otherwise. */
export async function tlsEnd(stage: Stage, end: TlsEnd = {}): Promise<number> {
  const { by = stage.authority, names = awsNames, wait, secured } = end
  const leaf = by.issue({
    names,
    ...(end.notBeforeMs !== undefined && { notBeforeMs: end.notBeforeMs }),
    ...(end.notAfterMs !== undefined && { notAfterMs: end.notAfterMs }),
  })
  const tls = createTlsServer(
    { cert: leaf.certificate, key: leaf.key, maxVersion: end.maxVersion ?? 'TLSv1.3' },
    (socket) => {
      socket.on('error', () => undefined)
      if (secured !== undefined) secured(socket)
      else
        socket.once('data', () =>
          socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nServer: AmazonS3\r\n\r\n'),
        )
    },
  )
  tls.on('tlsClientError', () => undefined)
  if (wait === undefined) return listen(stage, tls)
  return listen(
    stage,
    createServer({ pauseOnConnect: true }, (socket) => {
      void wait().then(() => tls.emit('connection', socket))
    }),
  )
}

/** A server whose certificate nobody knows the issuer of. */
export function hijacker(stage: Stage): Promise<number> {
  return tlsEnd(stage, { by: createAuthority({ commonName: 'captive portal', nowMs: Date.now() }) })
}
