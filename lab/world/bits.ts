/**
 * Address arithmetic of the simulated network, on strings of `0` and `1`: slow, plain, and shared with nobody,
 * so that a mistake elsewhere can't repeat itself here.
 */

const addressCache = new Map<string, string>()
const prefixCache = new Map<string, string>()
const cacheSize = 50_000

function remember(cache: Map<string, string>, key: string, value: string): string {
  if (cache.size >= cacheSize) cache.clear()
  cache.set(key, value)
  return value
}

function binary(value: number, width: number): string {
  return value.toString(2).padStart(width, '0')
}

function bits4(text: string): string {
  const parts = text.split('.')
  if (parts.length !== 4) throw new Error(`not an address: ${text}`)
  return parts.map((part) => binary(Number(part), 8)).join('')
}

function groups(half: string): string {
  if (half === '') return ''
  return half
    .split(':')
    .map((group) => (group.includes('.') ? bits4(group) : binary(Number.parseInt(group, 16), 16)))
    .join('')
}

function bits6(text: string): string {
  const [left = '', right] = text.split('::')
  const head = groups(left)
  if (right === undefined) return head
  const tail = groups(right)
  return head + '0'.repeat(128 - head.length - tail.length) + tail
}

/** The address as 32 or 128 characters `0` or `1`. Throws on nonsense: worlds are our own. */
export function bitsOf(address: string): string {
  const known = addressCache.get(address)
  if (known !== undefined) return known
  const bits = address.includes(':') ? bits6(address) : bits4(address)
  if (bits.length !== 32 && bits.length !== 128) throw new Error(`not an address: ${address}`)
  return remember(addressCache, address, bits)
}

/** The network bits of a CIDR with the family in front, so that prefixes of two families never match. */
function prefixOf(cidr: string): string {
  const known = prefixCache.get(cidr)
  if (known !== undefined) return known
  const [address = '', length = ''] = cidr.split('/')
  const prefix = `${address.includes(':') ? 6 : 4}${bitsOf(address).slice(0, Number(length))}`
  return remember(prefixCache, cidr, prefix)
}

/** Prefix length of a CIDR. */
export function lengthOf(cidr: string): number {
  return prefixOf(cidr).length - 1
}

/** Whether the address lies in the CIDR. */
export function within(address: string, cidr: string): boolean {
  const bits = bitsOf(address)
  return `${bits.length === 32 ? 4 : 6}${bits}`.startsWith(prefixOf(cidr))
}

export function withinAny(address: string, cidrs: readonly string[]): boolean {
  return cidrs.some((cidr) => within(address, cidr))
}

export function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4
}

/** Canonical text (RFC 5952) of 32 or 128 bits. */
export function textOf(bits: string): string {
  if (bits.length === 32) {
    return [0, 8, 16, 24].map((at) => Number.parseInt(bits.slice(at, at + 8), 2)).join('.')
  }
  const groups = Array.from({ length: 8 }, (_, n) => Number.parseInt(bits.slice(n * 16, n * 16 + 16), 2))
  let best = { at: -1, length: 1 }
  for (let at = 0; at < 8; at += 1) {
    let length = 0
    while (at + length < 8 && groups[at + length] === 0) length += 1
    if (length > best.length) best = { at, length }
  }
  const hex = groups.map((group) => group.toString(16))
  if (best.at < 0) return hex.join(':')
  return `${hex.slice(0, best.at).join(':')}::${hex.slice(best.at + best.length).join(':')}`
}

/** The `n`-th address of a CIDR, counted from its network address; wraps inside it. */
export function nthAddress(cidr: string, n: number): string {
  const [address = '', length = ''] = cidr.split('/')
  const bits = bitsOf(address)
  const free = bits.length - Number(length)
  if (free === 0) return address
  const host = BigInt(n) % (1n << BigInt(free))
  return textOf(bits.slice(0, Number(length)) + host.toString(2).padStart(free, '0'))
}

/** Addresses that do not exist in the public internet: nothing carries them beyond the private networks. */
export function isPrivateAddress(address: string): boolean {
  const reserved =
    familyOf(address) === 4
      ? ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8']
      : ['fc00::/7', 'fe80::/10', '::/16']
  return withinAny(address, reserved)
}

/** The IPv4 address in an IPv4-mapped one (`::ffff:a.b.c.d`), else null: to the network it is that IPv4 address. */
export function mappedIpv4(address: string): string | null {
  return familyOf(address) === 6 && within(address, '::ffff:0:0/96')
    ? textOf(bitsOf(address).slice(96))
    : null
}

const nat64 = '64:ff9b::/96'

/** The IPv4 address inside a NAT64 address (RFC 6052 2.2, well-known prefix), else null. */
export function embeddedIpv4(address: string): string | null {
  return familyOf(address) === 6 && within(address, nat64) ? textOf(bitsOf(address).slice(96)) : null
}

/** The NAT64 address of an IPv4 address. */
export function nat64Of(address: string): string {
  return textOf(bitsOf('64:ff9b::').slice(0, 96) + bitsOf(address))
}
