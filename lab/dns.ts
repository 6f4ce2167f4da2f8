/** The lab's name server: DNS over UDP and TCP (RFC 1035, EDNS0 by RFC 6891), answering as a VPC's resolver does. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import { isIPv6 } from 'node:net'
import dnsPacket, { type Answer, type DecodedPacket, type OptAnswer, type Packet } from 'dns-packet'
import type { NameAnswer } from './world/types.ts'

/** What the server is asked for one name; host names come lower case and without a trailing dot. */
export type NameSource = (hostname: string) => NameAnswer

/** How answers of one name come, as S3's name servers do it: each query the next ones of the whole set. */
export interface Rotation {
  hostname: string
  /** At most so many addresses of each family in one answer; null: all of them, in turning order. */
  atMost: number | null
}

export interface DnsServer {
  address: string
  port: number
  /** Ends both listeners and every connection. */
  close(): Promise<void>
}

const maxUdpBytes = 4096
const idleTcpSeconds = 10

/**
 * Starts a server on `address`:`port` (0: one free port for both transports). Replies are not authoritative
 * and offer recursion, as a resolver's are; NOERROR without data and NXDOMAIN carry an SOA. A UDP reply larger
 * than 512 bytes, or than what the client's EDNS option allows (at most 4096), comes empty with the TC bit.
 * What is no DNS query is not answered at all. Rejects if the port can't be had.
 */
export async function startDnsServer(options: {
  address: string
  port: number
  answer: NameSource
  rotate?: readonly Rotation[]
  /** Sockets that are bound already, as by whoever may enter another network namespace. */
  descriptors?: { udp: number; tcp: number }
}): Promise<DnsServer> {
  const turns = new Map<string, number>()
  const respond = (query: Buffer, maxBytes: (query: DecodedPacket) => number): Buffer | null => {
    const decoded = decodeQuery(query)
    return decoded === null ? null : reply(decoded, options, turns, maxBytes(decoded))
  }

  for (let attempt = 1; ; attempt++) {
    const udp = await bindUdp(options.address, options.port, options.descriptors?.udp)
    const { port } = udp.address()
    const connections = new Set<Socket>()
    let tcp: Server
    try {
      const whole = (query: Buffer) => respond(query, () => 65_535)
      tcp = await listenTcp(options.address, port, connections, whole, options.descriptors?.tcp)
    } catch (error) {
      await new Promise<void>((resolve) => udp.close(() => resolve()))
      // the kernel gave a UDP port whose TCP twin is taken
      if (options.port === 0 && attempt < 10) continue
      throw error
    }
    udp.on('message', (query, from) => {
      const answer = respond(query, udpLimit)
      if (answer !== null) udp.send(answer, from.port, from.address)
    })
    // a client that is gone (ECONNREFUSED by ICMP) is no reason to end
    udp.on('error', () => undefined)
    const close = async (): Promise<void> => {
      for (const socket of connections) socket.destroy()
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ])
    }
    return { address: options.address, port, close }
  }
}

function decodeQuery(bytes: Buffer): DecodedPacket | null {
  try {
    const packet = dnsPacket.decode(bytes)
    return packet.type === 'query' && packet.questions?.length === 1 ? packet : null
  } catch {
    return null
  }
}

function udpLimit(query: DecodedPacket): number {
  const edns = ednsOf(query)
  return edns === null ? 512 : Math.min(Math.max(edns.udpPayloadSize, 512), maxUdpBytes)
}

function ednsOf(query: DecodedPacket): OptAnswer | null {
  return query.additionals?.find((record): record is OptAnswer => record.type === 'OPT') ?? null
}

function reply(
  query: DecodedPacket,
  options: { answer: NameSource; rotate?: readonly Rotation[] },
  turns: Map<string, number>,
  maxBytes: number,
): Buffer | null {
  const question = query.questions![0]!
  const hostname = question.name.toLowerCase().replace(/\.$/u, '')
  const found = options.answer(hostname)
  if (found.silent) return null
  const fails =
    (question.type === 'A' && found.failing === 4) || (question.type === 'AAAA' && found.failing === 6)
  const rcode = fails ? 'SERVFAIL' : found.rcode
  const answers = rcode === 'NOERROR' ? records(question.name, question.type, found) : []
  const rotation = options.rotate?.find((each) => each.hostname.toLowerCase() === hostname)
  const shown =
    rotation === undefined ? answers : turn(answers, rotation, `${hostname} ${question.type}`, turns)
  const noData = rcode === 'NXDOMAIN' || !shown.some((record) => record.type === question.type)
  const packet: Packet = {
    type: 'response',
    id: query.id ?? 0,
    flags: (query.flag_rd ? dnsPacket.RECURSION_DESIRED : 0) | dnsPacket.RECURSION_AVAILABLE | rcodes[rcode],
    questions: query.questions!,
    answers: shown,
    authorities: noData && rcode !== 'SERVFAIL' ? [startOfAuthority(hostname)] : [],
    additionals: ednsOf(query) === null ? [] : [edns],
  }
  const whole = dnsPacket.encode(packet)
  if (whole.length <= maxBytes) return whole
  return dnsPacket.encode({
    ...packet,
    flags: packet.flags! | dnsPacket.TRUNCATED_RESPONSE,
    answers: [],
    authorities: [],
  })
}

const rcodes = { NOERROR: 0, SERVFAIL: 2, NXDOMAIN: 3 } as const

const edns: OptAnswer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: maxUdpBytes,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
}

function records(name: string, type: string, found: NameAnswer): Answer[] {
  const answers: Answer[] = []
  let owner = name
  for (const target of found.cnames) {
    answers.push({ type: 'CNAME', name: owner, ttl: found.ttlSeconds, data: target })
    owner = target
  }
  if (type !== 'A' && type !== 'AAAA') return type === 'CNAME' ? answers.slice(0, 1) : answers
  const addresses = type === 'A' ? found.ipv4 : found.ipv6
  for (const data of addresses) answers.push({ type, name: owner, ttl: found.ttlSeconds, data })
  return answers
}

function turn(answers: Answer[], rotation: Rotation, key: string, turns: Map<string, number>): Answer[] {
  const aliases = answers.filter((record) => record.type === 'CNAME')
  const addresses = answers.filter((record) => record.type !== 'CNAME')
  if (addresses.length === 0) return answers
  const count = Math.min(rotation.atMost ?? addresses.length, addresses.length)
  const at = turns.get(key) ?? 0
  turns.set(key, at + (rotation.atMost === null ? 1 : count))
  return [
    ...aliases,
    ...Array.from({ length: count }, (_, index) => addresses[(at + index) % addresses.length]!),
  ]
}

function startOfAuthority(hostname: string): Answer {
  const zone = hostname.split('.').slice(-2).join('.')
  return {
    type: 'SOA',
    name: zone,
    ttl: 5,
    data: {
      mname: `ns.${zone}`,
      rname: `hostmaster.${zone}`,
      serial: 1,
      refresh: 900,
      retry: 900,
      expire: 1800,
      minimum: 5,
    },
  }
}

function bindUdp(address: string, port: number, fd?: number): Promise<UdpSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    socket.once('error', reject)
    socket.bind(fd === undefined ? { address, port, exclusive: true } : { fd, exclusive: true }, () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })
}

function listenTcp(
  address: string,
  port: number,
  connections: Set<Socket>,
  respond: (query: Buffer) => Buffer | null,
  fd?: number,
): Promise<Server> {
  const server = createServer((socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
    socket.on('error', () => undefined)
    socket.setTimeout(idleTcpSeconds * 1000, () => socket.destroy())
    let pending: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk])
      // two bytes of length before each message (RFC 1035, 4.2.2)
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const end = 2 + pending.readUInt16BE(0)
        const answer = respond(pending.subarray(2, end))
        pending = pending.subarray(end)
        if (answer === null) continue
        const length = Buffer.alloc(2)
        length.writeUInt16BE(answer.length)
        socket.write(Buffer.concat([length, answer]))
      }
    })
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(fd === undefined ? { host: address, port, exclusive: true } : { fd }, () => {
      server.off('error', reject)
      server.on('error', () => undefined)
      resolve(server)
    })
  })
}
