import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { decode, encode } from 'dns-packet'
import type { Answer, DecodedPacket, Packet } from 'dns-packet'

export interface Asked {
  query: DecodedPacket
  name: string
  type: string
  transport: 'udp' | 'tcp'
  /** Sends bytes as they are. */
  send(bytes: Uint8Array): void
  /** Sends a well-formed response with these records. */
  answer(answers: Answer[], more?: Partial<Packet> & { rcode?: number; flags?: number }): void
}

export interface ScriptedServer {
  port: number
  asked: {
    name: string
    type: string
    transport: 'udp' | 'tcp'
    id: number
    sourcePort: number
    edns: boolean
  }[]
  close(): Promise<void>
}

/** Recursion available: what a resolver says of itself. */
export const RA = 0x0080
export const AA = 0x0400
export const TC = 0x0200

export function response(
  query: DecodedPacket,
  answers: Answer[],
  more: Partial<Packet> & { rcode?: number; flags?: number } = {},
): Buffer {
  const { rcode = 0, flags = RA, ...rest } = more
  return encode({
    type: 'response',
    id: query.id ?? 0,
    flags: flags | rcode,
    questions: query.questions ?? [],
    answers,
    ...rest,
  })
}

/** A DNS server on a free port of 127.0.0.1, UDP and TCP, that says what the script says. */
export async function dnsServer(script: (asked: Asked) => void): Promise<ScriptedServer> {
  const asked: ScriptedServer['asked'] = []
  const handle = (
    message: Buffer,
    transport: 'udp' | 'tcp',
    sourcePort: number,
    send: (bytes: Uint8Array) => void,
  ) => {
    const query = decode(message)
    const question = query.questions?.[0]
    const name = question?.name ?? ''
    const type = question?.type ?? ''
    const edns = query.additionals?.some((record) => record.type === 'OPT') ?? false
    asked.push({ name, type, transport, id: query.id ?? -1, sourcePort, edns })
    script({
      query,
      name,
      type,
      transport,
      send,
      answer: (answers, more) => send(response(query, answers, more)),
    })
  }
  const tcp = createServer()
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
  const { port } = tcp.address() as AddressInfo
  const open = new Set<Socket>()
  tcp.on('connection', (socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => {})
    let received = Buffer.alloc(0) as Buffer
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < received.readUInt16BE(0) + 2) return
      handle(received.subarray(2), 'tcp', socket.remotePort ?? 0, (bytes) => {
        const length = Buffer.alloc(2)
        length.writeUInt16BE(bytes.length)
        socket.write(Buffer.concat([length, bytes]))
      })
    })
  })
  const udp = createSocket('udp4')
  udp.on('message', (message, from) =>
    handle(message, 'udp', from.port, (bytes) => udp.send(bytes, from.port, from.address)),
  )
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve))
  return {
    port,
    asked,
    async close() {
      for (const socket of open) socket.destroy()
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ])
    },
  }
}
