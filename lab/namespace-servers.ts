/** The servers of a lab inside a namespace, on the ports on which the world's services answer, and its network. */
import { createServer, type Server, type Socket } from 'node:net'
import { metadataAddress } from './imds.ts'
import { createNamespaceNetwork, type NamespaceNetwork } from './namespace-network.ts'
import { travel } from './world/simulate.ts'
import type { Packet, World } from './world/types.ts'

/** Listens on every address of both families. `closers` get what ends the listeners and their connections. */
export async function startListeners(
  world: World,
  receive: (socket: Socket, packet: Packet) => void,
  closers: (() => unknown)[],
): Promise<void> {
  const sockets = new Set<Socket>()
  for (const port of servicePorts(world)) {
    for (const host of ['0.0.0.0', '::']) {
      const server = createServer((socket) => {
        sockets.add(socket)
        socket.on('close', () => sockets.delete(socket))
        const { remoteAddress: source, localAddress: destination } = socket
        if (source === undefined || destination === undefined) socket.destroy()
        else receive(socket, { source, destination, port })
      })
      await listen(server, host, port)
      closers.push(async () => {
        const closed = new Promise((resolve) => server.close(resolve))
        for (const socket of sockets) socket.destroy()
        await closed
      })
    }
  }
}

/** Lays the network for a world whose name servers are at these addresses. */
export function layNetwork(world: World, resolverAddresses: string[]): Promise<NamespaceNetwork> {
  const metadata = world.host.kind === 'ec2' ? [metadataAddress] : []
  return createNamespaceNetwork(world, {
    travel,
    always: [...resolverAddresses, ...metadata],
    ports: servicePorts(world),
  })
}

function servicePorts(world: World): number[] {
  return [...new Set([80, 443, ...world.services.flatMap(({ ports }) => ports)])].filter(
    (port) => port !== 53,
  )
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, ipv6Only: host === '::' }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
