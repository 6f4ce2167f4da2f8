import { whyNotIp } from './complaint.ts'
import { readIpv4, readIpv6 } from './read.ts'

/** What a parser answers: a value, or one sentence that says what was wrong (with the input quoted) and what was expected. */
export type Parsed<T> = { ok: true; value: T } | { ok: false; error: string }

/** An address as a number: 32 bits for IPv4, 128 bits for IPv6. An IPv4-mapped address is of family 6. */
export interface Ip {
  family: 4 | 6
  value: bigint
}

/**
 * Reads one address. IPv4 in its canonical form only (four decimal octets, no leading zeros: RFC 6943 section 3.1.1 tells
 * what else goes around); IPv6 in any spelling of RFC 4291 section 2.2, but without a zone id. Never throws.
 */
export function parseIp(text: string): Parsed<Ip> {
  const number = readIpv4(text, 0, text.length)
  if (number >= 0) return { ok: true, value: { family: 4, value: BigInt(number) } }
  const value = ipv6Of(text)
  return value ? { ok: true, value } : { ok: false, error: whyNotIp(text) }
}

function valueFrom(groups: Uint16Array): bigint {
  let value = 0n
  for (const group of groups) value = (value << 16n) | BigInt(group)
  return value
}

/** The IPv4 address in `text` as an unsigned 32-bit number; -1 for everything else, as strict as `parseIp`. Allocates nothing. */
export function parseIpv4Number(text: string): number {
  return readIpv4(text, 0, text.length)
}

function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

/**
 * The canonical text of an address: dotted decimal; RFC 5952 for IPv6 (lower case, the first longest run of two or more
 * zero groups as `::`); `::ffff:a.b.c.d` for IPv4-mapped (RFC 5952 section 5).
 */
export function formatIp(ip: Ip): string {
  if (ip.family === 4) return formatIpv4(Number(ip.value))
  const mapped = mappedIpv4(ip)
  if (mapped) return `::ffff:${formatIpv4(Number(mapped.value))}`
  const groups: number[] = []
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((ip.value >> shift) & 0xffffn))
  let runStart = 0
  let runLength = 0
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0) length++
    if (length > runLength) {
      runStart = start
      runLength = length
    }
  }
  const hex = groups.map((group) => group.toString(16))
  // a single zero group is written out (RFC 5952 section 4.2.2)
  if (runLength < 2) return hex.join(':')
  return `${hex.slice(0, runStart).join(':')}::${hex.slice(runStart + runLength).join(':')}`
}

/** As `parseIp` for texts that are not IPv4, without its sentence, which costs more than the reading. */
function ipv6Of(text: string): Ip | null {
  const groups = new Uint16Array(8)
  return readIpv6(text, groups) ? { family: 6, value: valueFrom(groups) } : null
}

/** The one canonical spelling of the address in `text`, or null if it is not an address. */
export function canonicalIp(text: string): string | null {
  const number = readIpv4(text, 0, text.length)
  // a text of its own: one that was cut out of an answer would keep the whole of it in memory
  if (number >= 0) return formatIpv4(number)
  const ip = ipv6Of(text)
  return ip && formatIp(ip)
}

/** The IPv4 address inside `::ffff:0:0/96` (RFC 4291 section 2.5.5.2), which the kernel dials by IPv4; null for all others. */
export function mappedIpv4(ip: Ip): Ip | null {
  if (ip.family !== 6 || ip.value >> 32n !== 0xffffn) return null
  return { family: 4, value: ip.value & 0xffff_ffffn }
}

/** Canonical text of the address that packets really go to: an IPv4-mapped one as IPv4; null if it is none. */
export function destinationIp(text: string): string | null {
  const number = readIpv4(text, 0, text.length)
  if (number >= 0) return formatIpv4(number)
  const ip = ipv6Of(text)
  return ip && formatIp(mappedIpv4(ip) ?? ip)
}
