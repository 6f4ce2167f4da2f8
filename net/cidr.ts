import { mayHoldSecret, quoteInput } from './complaint.ts'
import { formatIp, parseIp } from './ip.ts'
import type { Ip, Parsed } from './ip.ts'

/** A prefix: `length` leading bits of `value`; the host bits of `value` are zero. IPv4 0 to 32, IPv6 0 to 128. */
export interface Cidr {
  family: 4 | 6
  value: bigint
  length: number
}

/** The bits of an address of the family. */
export function addressBits(family: 4 | 6): 32 | 128 {
  return family === 4 ? 32 : 128
}

const example = 'like "10.0.0.0/8" or "2001:db8::/32"'

/**
 * Reads `address/length` (RFC 4632 section 3.1, RFC 4291 section 2.3). Strict: the address as `parseIp` takes it, the length
 * in decimal without leading zeros and within the family's range, no host bits. A bare address is an error, for what is
 * meant by it differs. Never throws.
 */
export function parseCidr(text: string): Parsed<Cidr> {
  const slash = text.indexOf('/')
  if (slash < 0) return { ok: false, error: whyNoLength(text) }
  const lengthText = text.slice(slash + 1)
  const address = parseIp(text.slice(0, slash))
  if (!address.ok) return { ok: false, error: whyNotAddress(text, address.error) }
  const bits = addressBits(address.value.family)
  const length = /^(?:0|[1-9][0-9]{0,2})$/.test(lengthText) ? Number(lengthText) : Infinity
  if (length > bits) return { ok: false, error: whyNotLength(text, lengthText, bits) }
  const network = networkOf(address.value, length)
  if (network.value === address.value.value) return { ok: true, value: network }
  const error = `${quoteInput(text)} has host bits set; expected the network itself, "${formatCidr(network)}"`
  return { ok: false, error }
}

function whyNoLength(text: string): string {
  if (text === '') return `the prefix is empty; expected an address, "/" and a length, ${example}`
  const bare = parseIp(text)
  if (!bare.ok) return `${bare.error}, with "/" and a length`
  const only = `${formatIp(bare.value)}/${addressBits(bare.value.family)}`
  return `${quoteInput(text)} has no prefix length; expected "${only}" if only this address is meant`
}

function whyNotAddress(text: string, error: string): string {
  const quoted = quoteInput(text)
  // parts of what may hold a secret are not quoted either
  if (mayHoldSecret(text))
    return `${quoted} is not a prefix; expected an address, "/" and a length, ${example}`
  return `in the prefix ${quoted}: ${error}`
}

function whyNotLength(text: string, lengthText: string, bits: number): string {
  const quoted = quoteInput(text)
  const range = `expected a length of 0 to ${bits}`
  if (lengthText === '') return `${quoted} has nothing after "/"; ${range}`
  if (!/^[0-9]+$/.test(lengthText)) {
    return `${quoted} has a prefix length that is not a decimal number; ${range}`
  }
  if (lengthText.length > 1 && lengthText.startsWith('0')) {
    return `${quoted} has a prefix length with a leading zero; ${range} without one`
  }
  return `${quoted} has a prefix length beyond ${bits}; ${range}`
}

/** The network of `length` bits that holds `ip`: its host bits cleared. `length` is a whole number within the family's range. */
export function networkOf(ip: Ip, length: number): Cidr {
  const hostBits = BigInt(addressBits(ip.family) - length)
  return { family: ip.family, value: (ip.value >> hostBits) << hostBits, length }
}

/** The canonical text: `formatIp` of the network, `/`, the length. */
export function formatCidr(cidr: Cidr): string {
  return `${formatIp(cidr)}/${cidr.length}`
}

/** Whether `ip` lies in `cidr`. Families never mix: unwrap an IPv4-mapped address (`mappedIpv4`) before asking an IPv4 prefix. */
export function cidrContains(cidr: Cidr, ip: Ip): boolean {
  if (cidr.family !== ip.family) return false
  const hostBits = BigInt(addressBits(cidr.family) - cidr.length)
  return ip.value >> hostBits === cidr.value >> hostBits
}

/** Whether some address lies in both; since prefixes nest, one of them then holds the other. Families never mix. */
export function cidrOverlaps(a: Cidr, b: Cidr): boolean {
  return a.length <= b.length ? cidrContains(a, b) : cidrContains(b, a)
}

/** Whether `ip` lies in at least one of the prefixes; false for none. */
export function inAny(cidrs: readonly Cidr[], ip: Ip): boolean {
  return cidrs.some((cidr) => cidrContains(cidr, ip))
}
