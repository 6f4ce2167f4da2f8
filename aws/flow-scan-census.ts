import { type FlowCensusRow, type FlowFormat, nextHopTypeOf } from '../model/flow.ts'
import { formatIp } from '../net/ip.ts'
import { readAddress } from './flow-scan-keys.ts'

export interface FlowCensusOptions {
  /** Most rows that are told apart; what comes later is one sum without them. */
  rows: number
  /**
   * Whether an address is public in the caller's eyes; asked where the format or the record names no service. Canonical
   * text. Answers for IPv4 are remembered.
   */
  isPublic: ((address: string) => boolean) | null
}

export interface FlowCensus {
  rows: FlowCensusRow[]
  /** Flows beyond the most rows, or with a text in them that is too long to tell apart. */
  overflow: { flows: number; packets: number; bytes: number }
}

export interface CensusTable {
  /** Counts the record whose columns begin and end at these places of `data`; false: a number in it was not readable. */
  add(data: Uint8Array, starts: Int32Array, ends: Int32Array): boolean
  read(): FlowCensus
}

const dash = 0x2d
const longestPart = 64
/** Direction, service, traffic path, next hop, action. */
const parts = 5
const stride = parts * (longestPart + 1) + 1
/** A power of two; five bytes each. */
const remembered = 65_536

const answers = { none: 0, yes: 1, no: 2 } as const

/** Counts flows by what they have in common, on the bytes of their lines, in memory that is bounded from the start. */
export function censusTable(format: FlowFormat, options: FlowCensusOptions): CensusTable {
  const column = (name: string): number => format.fields.indexOf(name)
  const direction = column('flow-direction')
  const path = column('traffic-path')
  const nextHop = column('next-hop-interface-type')
  const action = column('action')
  const srcService = column('pkt-src-aws-service')
  const dstService = column('pkt-dst-aws-service')
  const src = [column('pkt-srcaddr'), column('srcaddr')]
  const dst = [column('pkt-dstaddr'), column('dstaddr')]
  const packetsColumn = column('packets')
  const bytesColumn = column('bytes')

  const most = Math.max(1, Math.floor(options.rows))
  let size = 16
  while (size < most * 2) size *= 2
  const slots = new Int32Array(size).fill(-1)
  const texts = new Uint8Array(most * stride)
  const lengths = new Uint16Array(most)
  const sums = new Float64Array((most + 1) * 3)
  let used = 0

  const key = new Uint8Array(stride)
  const words = new Uint32Array(4)
  const knownAddress = new Uint32Array(remembered)
  const knownAnswer = new Uint8Array(remembered)

  function publicOf(data: Uint8Array, starts: Int32Array, ends: Int32Array, columns: number[]): number {
    const { isPublic } = options
    if (isPublic === null) return answers.none
    for (const c of columns) {
      if (c < 0 || data[starts[c]!] === dash) continue
      if (!readAddress(data, starts[c]!, ends[c]!, words)) return answers.none
      const v4 = words[0] === 0 && words[1] === 0 && words[2] === 0xffff
      const slot = Math.imul(words[3]!, 0x9e3779b1) >>> 16
      if (v4 && knownAnswer[slot] !== answers.none && knownAddress[slot] === words[3])
        return knownAnswer[slot]!
      const answer = isPublic(textOf(words, v4)) ? answers.yes : answers.no
      if (v4) {
        knownAddress[slot] = words[3]!
        knownAnswer[slot] = answer
      }
      return answer
    }
    return answers.none
  }

  /** The row of `key[0..length)`, a new one if there is room, else the overflow row. */
  function rowOf(length: number, hash: number): number {
    let slot = hash & (size - 1)
    for (; slots[slot]! >= 0; slot = (slot + 1) & (size - 1)) {
      const row = slots[slot]!
      if (lengths[row] !== length) continue
      const at = row * stride
      let i = 0
      while (i < length && texts[at + i] === key[i]) i++
      if (i === length) return row
    }
    if (used === most) return most
    slots[slot] = used
    lengths[used] = length
    texts.set(key.subarray(0, length), used * stride)
    return used++
  }

  return {
    add(data, starts, ends) {
      const way = direction < 0 ? dash : data[starts[direction]!]
      // What is on the other side of the interface: the sender of what comes in.
      let incoming = way === 0x69
      let service = incoming ? srcService : dstService
      if (way === dash && (service < 0 || data[starts[service]!] === dash) && srcService >= 0) {
        incoming = data[starts[srcService]!] !== dash
        service = incoming ? srcService : dstService
      }
      const named = service >= 0 && data[starts[service]!] !== dash
      let length = 0
      let hash = 0x811c9dc5
      let fits = true
      for (let part = 0; part < parts; part++) {
        const c =
          part === 0 ? direction : part === 1 ? service : part === 2 ? path : part === 3 ? nextHop : action
        const from = c < 0 ? 0 : starts[c]!
        const to = c < 0 ? 0 : ends[c]!
        if (to - from > longestPart) fits = false
        else {
          for (let i = from; i < to; i++) {
            key[length++] = data[i]!
            hash = Math.imul(hash ^ data[i]!, 0x01000193)
          }
          key[length++] = 0x20
          hash = Math.imul(hash ^ 0x20, 0x01000193)
        }
      }
      key[length] = 0x30 + (named ? answers.none : publicOf(data, starts, ends, incoming ? src : dst))
      hash = Math.imul(hash ^ key[length]!, 0x01000193)
      const row = fits ? rowOf(length + 1, hash >>> 0) : most
      const packets = packetsColumn < 0 ? 0 : readNumber(data, starts[packetsColumn]!, ends[packetsColumn]!)
      const bytes = bytesColumn < 0 ? 0 : readNumber(data, starts[bytesColumn]!, ends[bytesColumn]!)
      sums[row * 3]! += 1
      if (packets > 0) sums[row * 3 + 1]! += packets
      if (bytes > 0) sums[row * 3 + 2]! += bytes
      return packets !== malformedNumber && bytes !== malformedNumber
    },
    read() {
      const rows = new Map<string, FlowCensusRow>()
      for (let row = 0; row < used; row++) {
        const bytes = texts.subarray(row * stride, row * stride + lengths[row]!)
        const read = rowFrom(new TextDecoder().decode(bytes), sums, row)
        const { flows, packets, bytes: size, ...rest } = read
        const same = rows.get(JSON.stringify(rest))
        if (same === undefined) rows.set(JSON.stringify(rest), read)
        else {
          same.flows += flows
          same.packets += packets
          same.bytes += size
        }
      }
      const [flows = 0, packets = 0, bytes = 0] = sums.subarray(most * 3)
      return { rows: [...rows.values()], overflow: { flows, packets, bytes } }
    },
  }
}

function rowFrom(text: string, sums: Float64Array, row: number): FlowCensusRow {
  const [direction, service, path, nextHop, action, flag] = text
    .split(' ')
    .map((part) => (part === '' || part === '-' ? null : part))
  return {
    direction: direction === 'ingress' || direction === 'egress' ? direction : null,
    service: service ?? null,
    trafficPath:
      path != null && /^(0|[1-9][0-9]{0,2})$/.test(path) && Number(path) <= 255 ? Number(path) : null,
    nextHopType: nextHop == null ? null : nextHopTypeOf(nextHop),
    action: action === 'ACCEPT' || action === 'REJECT' ? action : null,
    public: flag === '1' ? true : flag === '2' ? false : null,
    flows: sums[row * 3] ?? 0,
    packets: sums[row * 3 + 1] ?? 0,
    bytes: sums[row * 3 + 2] ?? 0,
  }
}

function textOf(words: Uint32Array, v4: boolean): string {
  if (v4) return formatIp({ family: 4, value: BigInt(words[3]!) })
  let value = 0n
  for (const word of words) value = (value << 32n) | BigInt(word)
  return formatIp({ family: 6, value })
}

/** What `readNumber` answers for `-`, and for anything that is no plain decimal number. */
export const absentNumber = -1
export const malformedNumber = -2

/** The plain decimal number in `data[from..to)`, at most 2^53 - 1; see the two constants for what is none. */
export function readNumber(data: Uint8Array, from: number, to: number): number {
  const first = data[from]! - 0x30
  if (to - from === 1) return first >= 0 && first <= 9 ? first : first === -3 ? absentNumber : malformedNumber
  // A leading zero is no plain number; neither is what an integer of JavaScript can't hold.
  if (to - from > 16 || to === from || first < 1 || first > 9) return malformedNumber
  let value = first
  for (let i = from + 1; i < to; i++) {
    const digit = data[i]! - 0x30
    if (digit < 0 || digit > 9) return malformedNumber
    value = value * 10 + digit
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : malformedNumber
}
