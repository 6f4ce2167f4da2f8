import { addressBits, networkOf } from './cidr.ts'
import type { Cidr } from './cidr.ts'
import { searchIpv4, searchIpv6 } from './interval-search.ts'
import type { Ipv6Words } from './interval-search.ts'
import type { Ip } from './ip.ts'
import { readIpv4, readIpv6 } from './read.ts'

/** A prefix of the table and everything that was entered under it, in the order of entry. */
export interface PrefixMatch<T> {
  prefix: Cidr
  owners: readonly T[]
}

/** Longest-prefix look-up over a fixed set of prefixes. IPv4 and IPv6 never mix: unwrap an IPv4-mapped address before asking. */
export interface PrefixTable<T> {
  /** The number of distinct prefixes. */
  size: number
  /** The longest prefix that holds `ip`, with all of its owners; null if none does. */
  longest(ip: Ip): PrefixMatch<T> | null
  /** The same from text; null also for anything that `parseIp` refuses. Allocates nothing. */
  longestText(text: string): PrefixMatch<T> | null
  /** Every prefix that holds `ip`, longest first. */
  all(ip: Ip): PrefixMatch<T>[]
}

/**
 * The address space of one family cut at every border of a prefix: from `starts[i]` to before `starts[i + 1]` the longest prefix
 * is `matches[winners[i]]`, none if -1. `starts[0]` is 0. `parents` leads from a prefix to the next shorter one around it.
 */
interface Intervals<T> {
  starts: bigint[]
  winners: Int32Array
  matches: PrefixMatch<T>[]
  parents: Int32Array
}

type Entry<T> = { prefix: Cidr; owner: T }

/** Distinct prefixes of one family with their owners, each prefix before those inside it. */
function gather<T>(entries: readonly Entry<T>[], family: 4 | 6): PrefixMatch<T>[] {
  const byPrefix = new Map<string, { prefix: Cidr; owners: T[] }>()
  for (const { prefix, owner } of entries) {
    if (prefix.family !== family) continue
    const key = `${prefix.value}/${prefix.length}`
    const known = byPrefix.get(key)
    if (known) known.owners.push(owner)
    else byPrefix.set(key, { prefix: Object.freeze({ ...prefix }), owners: [owner] })
  }
  return [...byPrefix.values()]
    .sort(({ prefix: a }, { prefix: b }) =>
      a.value < b.value ? -1 : a.value > b.value ? 1 : a.length - b.length,
    )
    .map(({ prefix, owners }) => Object.freeze({ prefix, owners: Object.freeze(owners) }))
}

function cutIntoIntervals<T>(matches: PrefixMatch<T>[], family: 4 | 6): Intervals<T> {
  const bits = addressBits(family)
  const beyond = 1n << BigInt(bits)
  const starts = [0n]
  const winners = [-1]
  const cut = (start: bigint, winner: number) => {
    if (start === beyond) return
    // several borders can fall on one address: the last word counts
    if (starts.at(-1) === start) winners[winners.length - 1] = winner
    else {
      starts.push(start)
      winners.push(winner)
    }
  }
  const parents = new Int32Array(matches.length).fill(-1)
  const open: { match: number; after: bigint }[] = []
  const closeUpTo = (start: bigint) => {
    for (let top = open.at(-1); top && top.after <= start; top = open.at(-1)) {
      open.pop()
      cut(top.after, open.at(-1)?.match ?? -1)
    }
  }
  for (const [match, { prefix }] of matches.entries()) {
    closeUpTo(prefix.value)
    parents[match] = open.at(-1)?.match ?? -1
    cut(prefix.value, match)
    open.push({ match, after: prefix.value + (1n << BigInt(bits - prefix.length)) })
  }
  closeUpTo(beyond)
  return { starts, winners: Int32Array.from(winners), matches, parents }
}

function ipv6Words(value: bigint): Ipv6Words {
  const word = (shift: bigint) => Number((value >> shift) & 0xffff_ffffn)
  return [word(96n), word(64n), word(32n), word(0n)]
}

function checkPrefix(prefix: Cidr): void {
  const bits = addressBits(prefix.family)
  const inRange = Number.isInteger(prefix.length) && prefix.length >= 0 && prefix.length <= bits
  if (
    !inRange ||
    prefix.value >> BigInt(bits) !== 0n ||
    networkOf(prefix, prefix.length).value !== prefix.value
  ) {
    throw new RangeError(
      `not a prefix: family ${prefix.family}, value ${prefix.value}, length ${prefix.length}`,
    )
  }
}

/**
 * Builds the table: sorted disjoint intervals in typed arrays, so a look-up costs one short search whatever overlaps. The same
 * prefix under several owners is one prefix with all of them. Immutable; entries are read once. Throws a RangeError for a
 * `Cidr` that no parser made (host bits set, length out of range).
 */
export function prefixTable<T>(entries: Iterable<Entry<T>>): PrefixTable<T> {
  const list = [...entries]
  for (const { prefix } of list) checkPrefix(prefix)
  const ipv4 = cutIntoIntervals(gather(list, 4), 4)
  const ipv6 = cutIntoIntervals(gather(list, 6), 6)
  const intervalOfIpv4 = searchIpv4(Uint32Array.from(ipv4.starts, Number))
  const intervalOfIpv6 = searchIpv6(Uint32Array.from(ipv6.starts.flatMap(ipv6Words)))
  const groups = new Uint16Array(8)
  /** The longest prefix by its place in `matches` of its family, -1 if none holds the address. */
  const find = (ip: Ip): number =>
    ip.family === 4
      ? ipv4.winners[intervalOfIpv4(Number(ip.value))]!
      : ipv6.winners[intervalOfIpv6(...ipv6Words(ip.value))]!
  return Object.freeze({
    size: ipv4.matches.length + ipv6.matches.length,
    longest(ip: Ip) {
      return (ip.family === 4 ? ipv4 : ipv6).matches[find(ip)] ?? null
    },
    longestText(text: string) {
      const number = readIpv4(text, 0, text.length)
      if (number >= 0) {
        const winner = ipv4.winners[intervalOfIpv4(number)]!
        return winner < 0 ? null : ipv4.matches[winner]!
      }
      if (!readIpv6(text, groups)) return null
      const interval = intervalOfIpv6(
        groups[0]! * 65536 + groups[1]!,
        groups[2]! * 65536 + groups[3]!,
        groups[4]! * 65536 + groups[5]!,
        groups[6]! * 65536 + groups[7]!,
      )
      const winner = ipv6.winners[interval]!
      return winner < 0 ? null : ipv6.matches[winner]!
    },
    all(ip: Ip) {
      const { matches, parents } = ip.family === 4 ? ipv4 : ipv6
      const found: PrefixMatch<T>[] = []
      for (let match = find(ip); match >= 0; match = parents[match]!) found.push(matches[match]!)
      return found
    },
  })
}
