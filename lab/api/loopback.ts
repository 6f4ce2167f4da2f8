/** The APIs where there are no namespaces: plain HTTP on 127.0.0.1, for `AWS_ENDPOINT_URL_EC2` and `AWS_ENDPOINT_URL_STS`. */
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import type { Api } from './server.ts'

export interface Loopback {
  /** `http://127.0.0.1:49152` */
  url: string
  /** Ends the listener and its connections. */
  close(): Promise<void>
}

/** All services but S3 behind one port; the action tells which is meant. */
export function startApiLoopback(api: Api): Promise<Loopback> {
  return startHttpLoopback((request, response) => api.handle(request, response, null))
}

/** A port whose requests are given away, as to S3. */
export function startHttpLoopback(handle: RequestListener): Promise<Loopback> {
  const server = createServer(handle)
  server.on('clientError', (_error, socket) => socket.destroy())
  return listening(server)
}

/** A port whose connections are given away, as to the metadata service. */
export function startLoopback(receive: (socket: Socket) => void): Promise<Loopback> {
  return listening(createTcpServer(receive))
}

async function listening(server: Server): Promise<Loopback> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: '127.0.0.1', port: 0 }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
