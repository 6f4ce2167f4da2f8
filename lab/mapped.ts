/**
 * The lab where there are no namespaces: every server listens on 127.0.0.1, and connections to the world's
 * addresses are mapped there. Silence, refusal and unreachable families are played; TCP and TLS are real, but
 * the addresses that are reported are the world's.
 */
import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { connect, createServer, Socket, type AddressInfo, type Server } from 'node:net'
import type { Dial, Endpoint, Lookup } from '../model/host.ts'
import { hostAddresses, sourceFor } from './host.ts'
import { metadataAddress } from './imds.ts'
import type { Journey, Packet, World } from './world/types.ts'

export interface MappedOptions {
  world(): World
  travel(world: World, packet: Packet): Journey
  /** Gets the far end of each connection that the world's packets get through with, and those to the metadata service. */
  receive(socket: Socket, packet: Packet): void
  /** Told of a connection that nobody answers, with its local port. */
  lost?(packet: Packet, sourcePort: number): void
  /** Name servers of the world, `address` as the world says it, with the loopback port that plays it. */
  nameServers: readonly { address: string; port: number }[]
  /** Loopback port at which the metadata service is played; null: there is none. */
  metadataPort: number | null
  /** World's address of the name server that the host itself uses; null: it has none. */
  systemServer: string | null
}

export interface Mapped {
  dial: Dial
  lookup: Lookup
  /**
   * The world's name servers and the metadata service, where they are played. A server that the world does not know is
   * mapped to one that never answers: nothing leaves this machine.
   */
  serverAddress(server: Endpoint): Endpoint
  close(): Promise<void>
}

const loopback = '127.0.0.1'

/** Starts the loopback listener behind `dial` and the name server that stays silent. */
export async function startMapped(options: MappedOptions): Promise<Mapped> {
  const meeting = createMeeting(options.receive)
  await new Promise<void>((resolve, reject) => {
    meeting.server.once('error', reject)
    meeting.server.listen({ host: loopback, port: 0 }, () => resolve())
  })
  const { port } = meeting.server.address() as AddressInfo
  const silent = createSocket('udp4')
  await new Promise<void>((resolve) => silent.bind({ address: loopback, port: 0 }, resolve))
  const silentPort = silent.address().port

  // a kernel binds before it sends, so a connection that is never answered has a port as well
  let unansweredPort = 32_768
  const dial: Dial = ({ address, port: wanted, family, localAddress }) => {
    const world = options.world()
    const source = localAddress ?? sourceFor(world, address)
    const usable = family === 4 ? world.host.ipv4Usable : world.host.ipv6Usable
    if (!usable || source === null) return failing('ENETUNREACH', address, wanted)
    const known = hostAddresses(world).some((own) => own.address === source)
    if (!known) return failing('EADDRNOTAVAIL', address, wanted)
    const packet: Packet = { source, destination: address, port: wanted }
    const metadata = world.host.kind === 'ec2' && address === metadataAddress && wanted === 80
    if (!metadata && !options.travel(world, packet).delivered) {
      unansweredPort = unansweredPort >= 60_999 ? 32_768 : unansweredPort + 1
      options.lost?.(packet, unansweredPort)
      return unanswered({ address: source, port: unansweredPort })
    }
    const socket = connect({ host: loopback, port, autoSelectFamily: false })
    socket.once('connect', () => meeting.arrived(socket.localPort ?? 0, packet))
    return {
      socket,
      local: () => (socket.localPort === undefined ? null : { address: source, port: socket.localPort }),
    }
  }

  const serverAddress = (server: Endpoint): Endpoint => {
    const { metadataPort } = options
    if (server.address === metadataAddress && server.port === 80 && metadataPort !== null) {
      return { address: loopback, port: metadataPort }
    }
    const played = options.nameServers.find(({ address }) => address === server.address)
    return { address: loopback, port: server.port === 53 && played !== undefined ? played.port : silentPort }
  }

  const lookup: Lookup = async (hostname) => {
    if (hostname === 'localhost') return [{ address: loopback, family: 4 }]
    const world = options.world()
    if (options.systemServer === null) throw lookupError('EAI_AGAIN', hostname)
    const server = serverAddress({ address: options.systemServer, port: 53 })
    const resolver = new Resolver({ timeout: 2000, tries: 2 })
    resolver.setServers([`${server.address}:${server.port}`])
    const [ipv4, ipv6] = await Promise.allSettled([resolver.resolve4(hostname), resolver.resolve6(hostname)])
    const first =
      ipv4.status === 'fulfilled' ? ipv4.value.map((address) => ({ address, family: 4 as const })) : []
    const second =
      ipv6.status === 'fulfilled' ? ipv6.value.map((address) => ({ address, family: 6 as const })) : []
    // RFC 6724: destinations without a usable source come last
    const addresses = world.host.ipv6Usable ? [...second, ...first] : [...first, ...second]
    if (addresses.length > 0) return addresses
    const codes = [ipv4, ipv6].map((each) => (each.status === 'rejected' ? codeOf(each.reason) : ''))
    throw lookupError(
      codes.every((code) => code === 'ENOTFOUND' || code === 'ENODATA') ? 'ENOTFOUND' : 'EAI_AGAIN',
      hostname,
    )
  }

  const close = async (): Promise<void> => {
    await Promise.all([meeting.close(), new Promise<void>((resolve) => silent.close(() => resolve()))])
  }
  return { dial, lookup, serverAddress, close }
}

/**
 * One listener for all destinations: both ends of a connection are in this process, and the client's port tells
 * which of them belongs to which packet. Either end may be seen first.
 */
function createMeeting(receive: (socket: Socket, packet: Packet) => void) {
  const packets = new Map<number, Packet>()
  const waiting = new Map<number, Socket>()
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    const port = socket.remotePort ?? 0
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      waiting.delete(port)
    })
    const packet = packets.get(port)
    packets.delete(port)
    if (packet === undefined) waiting.set(port, socket)
    else receive(socket, packet)
  })
  const arrived = (port: number, packet: Packet): void => {
    const socket = waiting.get(port)
    waiting.delete(port)
    if (socket === undefined) packets.set(port, packet)
    else receive(socket, packet)
  }
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  }
  return { server, arrived, close }
}

/** A connection whose packets are lost: it looks like one that is being opened, until it is destroyed. */
function unanswered(local: Endpoint): ReturnType<Dial> {
  const socket = new Socket()
  Object.assign(socket, { connecting: true })
  return { socket, local: () => local }
}

function failing(code: string, address: string, port: number): ReturnType<Dial> {
  const socket = new Socket()
  const error = Object.assign(new Error(`connect ${code} ${address}:${port}`), {
    code,
    syscall: 'connect',
    address,
    port,
  })
  process.nextTick(() => socket.destroy(error))
  return { socket, local: () => null }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function lookupError(code: string, hostname: string): Error {
  return Object.assign(new Error(`getaddrinfo ${code} ${hostname}`), {
    code,
    syscall: 'getaddrinfo',
    hostname,
  })
}
