import type { FlowKey } from '../model/flow.ts'
import { destinationIp, parseIp } from '../net/ip.ts'
import { readIpv6 } from '../net/read.ts'

/** In `FlowKeyTable.ports`: a key has this as its local port, as its remote port. */
export const localPortBit = 1
export const remotePortBit = 2

export interface FlowKeyTable {
  /** One byte per port: most lines are done with after two look-ups here. */
  ports: Uint8Array
  /** Whether some key leaves its local port open. */
  anyLocalPort: boolean
  /** Adds to `into` the indexes of all keys that are equal to this; each once. */
  find(localPort: number, remotePort: number, protocol: number, address: Uint32Array, into: number[]): void
}

/** Stands for a local port that a key leaves open. */
const openPort = 65_536

/** FNV-1a over 32-bit words: one multiplication for each instead of four. */
function hashOf(localPort: number, remotePort: number, protocol: number, address: Uint32Array): number {
  let hash = 0x811c9dc5
  hash = Math.imul(hash ^ localPort, 0x01000193)
  hash = Math.imul(hash ^ remotePort, 0x01000193)
  hash = Math.imul(hash ^ protocol, 0x01000193)
  for (let i = 0; i < 4; i++) hash = Math.imul(hash ^ address[i]!, 0x01000193)
  // the low bits alone know little of the high bits of the words
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x85ebca6b)
  return (hash ^ (hash >>> 13)) >>> 0
}

/**
 * A table of the keys by ports, protocol and remote address. Throws a RangeError for a key that can't match anything: no
 * address, a port or protocol out of range.
 */
export function flowKeyTable(keys: readonly FlowKey[]): FlowKeyTable {
  const ports = new Uint8Array(65_536)
  let size = 16
  while (size < keys.length * 4) size *= 2
  const heads = new Int32Array(size).fill(-1)
  const next = new Int32Array(keys.length)
  /** Of each key: local port, remote port, protocol, four words of address. */
  const values = new Uint32Array(keys.length * 7)
  const words = new Uint32Array(4)
  let anyLocalPort = false
  for (const [index, key] of keys.entries()) {
    const localPort = key.localPort ?? openPort
    const inRange = (value: number, most: number) => Number.isInteger(value) && value >= 0 && value <= most
    if (!inRange(localPort, openPort) || !inRange(key.remotePort, 65_535) || !inRange(key.protocol, 255))
      throw new RangeError(`flow key ${index}: expected ports of 0 to 65535 and a protocol of 0 to 255`)
    if (!wordsOf(key.remoteAddress, words)) throw new RangeError(`flow key ${index}: no IP address`)
    if (localPort === openPort) anyLocalPort = true
    else ports[localPort]! |= localPortBit
    ports[key.remotePort]! |= remotePortBit
    const at = index * 7
    values[at] = localPort
    values[at + 1] = key.remotePort
    values[at + 2] = key.protocol
    values.set(words, at + 3)
    const slot = hashOf(localPort, key.remotePort, key.protocol, words) & (size - 1)
    next[index] = heads[slot]!
    heads[slot] = index
  }
  const lookUp = (
    localPort: number,
    remotePort: number,
    protocol: number,
    a: Uint32Array,
    into: number[],
  ): void => {
    let index = heads[hashOf(localPort, remotePort, protocol, a) & (size - 1)]!
    for (; index >= 0; index = next[index]!) {
      const at = index * 7
      if (
        values[at] === localPort &&
        values[at + 1] === remotePort &&
        values[at + 2] === protocol &&
        values[at + 3] === a[0] &&
        values[at + 4] === a[1] &&
        values[at + 5] === a[2] &&
        values[at + 6] === a[3] &&
        !into.includes(index)
      )
        into.push(index)
    }
  }
  return {
    ports,
    anyLocalPort,
    find(localPort, remotePort, protocol, address, into) {
      lookUp(localPort, remotePort, protocol, address, into)
      if (anyLocalPort) lookUp(openPort, remotePort, protocol, address, into)
    },
  }
}

/** The address as four words, IPv4 in its IPv4-mapped form, so that both spellings of one destination are equal. */
function wordsOf(text: string, words: Uint32Array): boolean {
  const canonical = destinationIp(text)
  const parsed = canonical === null ? null : parseIp(canonical)
  if (parsed === null || !parsed.ok) return false
  const value = parsed.value.family === 4 ? (0xffffn << 32n) | parsed.value.value : parsed.value.value
  for (let i = 0; i < 4; i++) words[i] = Number((value >> BigInt(96 - 32 * i)) & 0xffff_ffffn)
  return true
}

const groups = new Uint16Array(8)

/**
 * The address in `data[from..to)` as four words like those of a key; false for everything that `parseIp` refuses. A string
 * is made for IPv6 only.
 */
export function readAddress(data: Uint8Array, from: number, to: number, words: Uint32Array): boolean {
  const v4 = readIpv4Bytes(data, from, to)
  if (v4 >= 0) {
    words[0] = 0
    words[1] = 0
    words[2] = 0xffff
    words[3] = v4
    return true
  }
  // "::" to the longest text of an address
  if (to - from < 2 || to - from > 45) return false
  let text = ''
  for (let i = from; i < to; i++) text += String.fromCharCode(data[i]!)
  if (!readIpv6(text, groups)) return false
  for (let i = 0; i < 4; i++) words[i] = groups[2 * i]! * 65_536 + groups[2 * i + 1]!
  return true
}

/** As strict as `readIpv4` of `net/`: four decimal octets without leading zeros; -1 for anything else. */
export function readIpv4Bytes(data: Uint8Array, from: number, to: number): number {
  if (to - from < 7 || to - from > 15) return -1
  let value = 0
  let octet = -1
  let dots = 0
  for (let i = from; i < to; i++) {
    const digit = data[i]! - 0x30
    if (digit >= 0 && digit <= 9) {
      if (octet === 0) return -1
      octet = octet < 0 ? digit : octet * 10 + digit
      if (octet > 255) return -1
    } else if (digit === -2 && octet >= 0 && ++dots < 4) {
      value = (value << 8) | octet
      octet = -1
    } else return -1
  }
  return dots === 3 && octet >= 0 ? ((value << 8) | octet) >>> 0 : -1
}
