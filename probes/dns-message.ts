import { decode, encode, RECURSION_DESIRED } from 'dns-packet'
import type { Answer, DecodedPacket } from 'dns-packet'
import type { DnsAddress } from '../model/observation.ts'
import { safeText } from '../model/text.ts'
import { canonicalIp } from '../net/ip.ts'

export type QueryType = 'A' | 'AAAA'

export interface Query {
  /** 0 to 65,535, not to be guessed. */
  id: number
  /** Without trailing dot; always taken as absolute. */
  hostname: string
  type: QueryType
  /** Announce a UDP size of 1,232 bytes (RFC 6891; DNS flag day 2020). */
  edns: boolean
}

/** What a message that came in is worth. */
export type Reading =
  /** Another id, another question, no response: nothing of ours, go on waiting. */
  | { kind: 'stray' }
  /** Ours by its id, but not to be understood. */
  | { kind: 'malformed' }
  /** Ours, truncated (RFC 1035 section 4.1.1): ask again by TCP. What did fit is given. */
  | { kind: 'truncated'; addresses: DnsAddress[]; cnames: string[] }
  | { kind: 'answer'; rcode: 'NOERROR' | 'NXDOMAIN'; addresses: DnsAddress[]; cnames: string[]; cut: boolean }
  /** A response that is no answer: another rcode, a referral, a chain that does not end. */
  | { kind: 'failure'; code: string }

/** More than any real name has; what is beyond is cut off and the answer counts as truncated. */
const maxAddresses = 4000
const maxChain = 16

/** A host name that DNS can carry (RFC 1035 section 2.3.4), in ASCII; IP literals are not for DNS to answer. */
export function askable(hostname: string): boolean {
  const name = hostname.endsWith('.') ? hostname.slice(0, -1) : hostname
  if (name.length === 0 || name.length > 253) return false
  return name.split('.').every((label) => /^[A-Za-z0-9_*-]{1,63}$/.test(label))
}

/** The query on the wire, without the length that TCP puts before it. `hostname` must be askable. */
export function encodeQuery(query: Query): Buffer {
  return encode({
    type: 'query',
    id: query.id,
    flags: RECURSION_DESIRED,
    questions: [{ type: query.type, class: 'IN', name: query.hostname }],
    additionals: query.edns
      ? [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: 1232,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ]
      : [],
  })
}

/** Host names compare without case and without the trailing dot (RFC 4343). */
function plain(name: string): string {
  const lower = name.toLowerCase()
  return lower.endsWith('.') ? lower.slice(0, -1) : lower
}

/** RFC 2181 section 8: a TTL with the top bit set is zero. */
function ttlOf(record: { ttl?: number | undefined }): number {
  const ttl = record.ttl ?? 0
  return ttl > 0x7fffffff ? 0 : ttl
}

function inClass(record: Answer): boolean {
  return !('class' in record) || record.class === undefined || record.class === 'IN'
}

interface Found {
  addresses: DnsAddress[]
  cnames: string[]
  cut: boolean
  /** The chain loops or is longer than 16. */
  endless: boolean
}

function add<T>(map: Map<string, T[]>, owner: string, value: T): void {
  const list = map.get(owner)
  if (list) list.push(value)
  else map.set(owner, [value])
}

/** What the records say by owner: where its CNAMEs lead, and its addresses. */
function byOwner(answers: readonly Answer[], type: QueryType) {
  const targets = new Map<string, { name: string; ttl: number }[]>()
  const addresses = new Map<string, { address: string; ttl: number }[]>()
  for (const record of answers) {
    if (!inClass(record)) continue
    if (record.type === 'CNAME') {
      add(targets, plain(record.name), { name: plain(record.data), ttl: ttlOf(record) })
    } else if (record.type === type) {
      const address = canonicalIp(String(record.data))
      if (address !== null) add(addresses, plain(record.name), { address, ttl: ttlOf(record) })
    }
  }
  return { targets, addresses }
}

/**
 * Follows the CNAME chain from the name that was asked; records of names outside the chain are nobody's and are ignored. Where a
 * name breaks the rules (two CNAMEs, or addresses beside one) all of it counts: clients differ in what they would take.
 */
function follow(answers: readonly Answer[], query: Query): Found {
  const { targets, addresses } = byOwner(answers, query.type)
  const cnames: string[] = []
  const seen = new Map<string, DnsAddress>()
  const visited = new Set<string>()
  const todo = [{ name: plain(query.hostname), ttl: 0x7fffffff }]
  let cut = false
  for (let next = todo.shift(); next; next = todo.shift()) {
    if (visited.has(next.name)) return { addresses: [], cnames: [], cut: false, endless: true }
    visited.add(next.name)
    for (const { address, ttl } of addresses.get(next.name) ?? []) {
      const ttlSeconds = Math.min(ttl, next.ttl)
      const before = seen.get(address)
      if (before) before.ttlSeconds = Math.min(before.ttlSeconds ?? ttlSeconds, ttlSeconds)
      else if (seen.size < maxAddresses) seen.set(address, { address, ttlSeconds })
      else cut = true
    }
    for (const target of targets.get(next.name) ?? []) {
      todo.push({ name: target.name, ttl: Math.min(next.ttl, target.ttl) })
      cnames.push(safeText(target.name, 255))
      if (cnames.length > maxChain) return { addresses: [], cnames: [], cut: false, endless: true }
    }
  }
  return { addresses: [...seen.values()], cnames, cut, endless: false }
}

function isOurs(packet: DecodedPacket, query: Query): boolean {
  const question = packet.questions?.[0]
  return (
    packet.questions?.length === 1 &&
    question !== undefined &&
    question.type === query.type &&
    question.class === 'IN' &&
    plain(question.name) === plain(query.hostname)
  )
}

/** The whole rcode: four bits of the header and eight of EDNS (RFC 6891 section 6.1.3). */
function rcodeOf(packet: DecodedPacket): string {
  const option = packet.additionals?.find((record) => record.type === 'OPT')
  const extended = option && 'extendedRcode' in option ? option.extendedRcode : 0
  if (extended !== 0) return extended === 1 ? 'BADVERS' : `RCODE_EXTENDED_${extended}`
  // @types/dns-packet does not know the field that decode() fills
  const rcode = (packet as unknown as { rcode?: unknown }).rcode
  return typeof rcode === 'string' && /^[A-Z0-9_]{1,32}$/.test(rcode) ? rcode : 'RCODE_UNKNOWN'
}

/**
 * An empty NOERROR says "no such data" only if the server went to the end: it offers recursion, or it is the
 * authority and either the name itself is its own or it shows the SOA of the chain's end (RFC 2308 section 2.2).
 * Else it is a referral or half a chain, behind which there may be addresses.
 */
function saysNoData(packet: DecodedPacket, cnames: readonly string[]): boolean {
  if (packet.flag_ra) return true
  if (!packet.flag_aa) return false
  return cnames.length === 0 || packet.authorities?.some((record) => record.type === 'SOA') === true
}

/** Reads one message that came in for `query`. Everything in it is untrusted. Never throws. */
export function readMessage(message: Uint8Array, query: Query): Reading {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength)
  if (bytes.length < 12 || bytes.readUInt16BE(0) !== query.id) return { kind: 'stray' }
  const flags = bytes.readUInt16BE(2)
  const isResponse = (flags & 0x8000) !== 0
  const isTruncated = (flags & 0x0200) !== 0
  if (!isResponse) return { kind: 'stray' }
  let packet: DecodedPacket
  try {
    packet = decode(bytes)
  } catch {
    // some servers cut in the middle of a record
    return isTruncated ? { kind: 'truncated', addresses: [], cnames: [] } : { kind: 'malformed' }
  }
  const rcode = rcodeOf(packet)
  // an error may come without the question (RFC 1035 leaves it open; servers that can't parse drop it)
  const noQuestion = (packet.questions?.length ?? 0) === 0
  if (noQuestion && rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return { kind: 'failure', code: rcode }
  if (!isOurs(packet, query)) return { kind: 'stray' }
  const found = follow(packet.answers ?? [], query)
  const { addresses, cnames } = found
  if (isTruncated) return { kind: 'truncated', addresses, cnames }
  if (rcode !== 'NOERROR' && rcode !== 'NXDOMAIN') return { kind: 'failure', code: rcode }
  if (found.endless) return { kind: 'failure', code: 'CNAME_LOOP' }
  if (rcode === 'NXDOMAIN' && addresses.length > 0)
    return { kind: 'failure', code: 'NXDOMAIN_WITH_ADDRESSES' }
  if (rcode === 'NOERROR' && addresses.length === 0 && !saysNoData(packet, cnames)) {
    return { kind: 'failure', code: 'NOT_RECURSIVE' }
  }
  return { kind: 'answer', rcode, addresses, cnames, cut: found.cut }
}
