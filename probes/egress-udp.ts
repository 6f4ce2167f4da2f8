import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import type { Failure } from '../model/observation.ts'
import { nothing } from './deadline.ts'
import type { Deadline } from './deadline.ts'
import { encodeQuery } from './dns-message.ts'
import { failureOf } from './failure.ts'

/** A datagram that asks for an answer and says nothing of who asks. */
export interface Datagram {
  bytes: Buffer
  /** True if a service at that port need not answer it. */
  mayBeSilent: boolean
}

export type RandomBytes = (count: number) => Buffer

/** Version 4, mode 3, and nothing else but a random transmit time stamp (RFC 5905 section 7.3; draft-ietf-ntp-data-minimization). */
function ntpRequest(random: RandomBytes): Buffer {
  const packet = Buffer.alloc(48)
  packet[0] = 0x23
  random(8).copy(packet, 40)
  return packet
}

/**
 * A QUIC long header of a version that is kept free for this (RFC 9000 section 15: 0x?a?a?a?a), padded to 1,200 bytes. A
 * server must answer it with Version Negotiation (section 6.1). No handshake begins.
 */
function quicProbe(random: RandomBytes): Buffer {
  const packet = Buffer.alloc(1200)
  packet[0] = 0xc0
  packet.writeUInt32BE(0x1a2a3a4a, 1)
  packet[5] = 8
  random(8).copy(packet, 6)
  packet[14] = 8
  random(8).copy(packet, 15)
  return packet
}

/** What is sent to `port`: what is spoken there, or one zero byte, which nothing need answer. `question`: for DNS. */
export function datagramFor(port: number, question: string, random: RandomBytes): Datagram {
  if (port === 53) {
    const id = random(2).readUInt16BE(0)
    return { bytes: encodeQuery({ id, hostname: question, type: 'A', edns: true }), mayBeSilent: false }
  }
  if (port === 123) return { bytes: ntpRequest(random), mayBeSilent: false }
  if (port === 443) return { bytes: quicProbe(random), mayBeSilent: true }
  return { bytes: Buffer.alloc(1), mayBeSilent: true }
}

export interface UdpTo {
  address: string
  port: number
  /** Null: the kernel chooses. */
  localAddress: string | null
}

export type UdpAnswer = { came: true } | { came: false; failure: Failure; atOnce: boolean }

/** A datagram is sent so often, evenly over the time there is: one that was lost must not look like a closed way. */
const tries = 3

/**
 * Sends `bytes` from a fresh connected socket and waits for any datagram from that very address and port, whatever is in it:
 * something that came back is a way out. A refusal (ICMP) ends the wait. `atOnce`: the error was this host's own, before
 * the first datagram was out. Never rejects.
 */
export function exchangeUdp(
  to: UdpTo,
  bytes: Buffer,
  timeoutSeconds: number,
  deadline: Deadline,
): Promise<UdpAnswer> {
  return new Promise((resolve) => {
    const socket = createSocket({ type: isIP(to.address) === 6 ? 'udp6' : 'udp4' })
    let sent = 0
    let settled = false
    let timer: NodeJS.Timeout | null = null
    let forget: () => void = nothing
    const settle = (answer: UdpAnswer): void => {
      if (settled) return
      settled = true
      forget()
      if (timer !== null) clearTimeout(timer)
      try {
        socket.close()
      } catch {
        // an error may have closed it
      }
      resolve(answer)
    }
    const fail = (error: unknown): void => {
      // what recvmsg says came back from the network, even if the callback of send has not been called yet
      const received = (error as { syscall?: unknown } | null)?.syscall === 'recvmsg'
      const atOnce = sent === 0 && !received
      settle({
        came: false,
        failure: failureOf(error, { phase: 'connect', afterSeconds: 0, atOnce }),
        atOnce,
      })
    }
    const send = (): void => {
      if (settled) return
      socket.send(bytes, (error) => {
        if (settled) return
        if (error) return fail(error)
        sent++
        if (sent < tries) timer = setTimeout(send, (timeoutSeconds / (tries + 1)) * 1000)
      })
    }
    socket.on('error', fail)
    socket.on('message', () => settle({ came: true }))
    forget = deadline.onEnd((failure) => settle({ came: false, failure, atOnce: false }))
    if (settled) return
    try {
      const connect = (): void =>
        socket.connect(to.port, to.address, (error?: Error | null) => {
          if (settled) return
          if (error) fail(error)
          else send()
        })
      if (to.localAddress === null) connect()
      else socket.bind({ address: to.localAddress, port: 0 }, connect)
    } catch (error) {
      fail(error)
    }
  })
}
