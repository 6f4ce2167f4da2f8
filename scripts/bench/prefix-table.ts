import { BlockList } from 'node:net'
import { formatIp } from '../../net/ip.ts'
import { formatCidr, parseCidr } from '../../net/cidr.ts'
import type { Cidr } from '../../net/cidr.ts'
import { prefixTable } from '../../net/prefix-table.ts'
import type { Figure } from './figure.ts'

interface IpRanges {
  prefixes: { ip_prefix: string; service: string; region: string }[]
  ipv6_prefixes: { ipv6_prefix: string; service: string; region: string }[]
}

const rounds = 5
/** Rounds before the first that counts: the compiler settles. */
const warmUps = 5
/** As many different addresses as a crowded hold window has; each is asked for in every turn of a round. */
const questionsPerFamily = 4_096
const turns = 20

/** xorshift32 with a fixed seed: every run asks the same questions. */
function sequence(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}

function readPrefix(text: string): Cidr {
  const parsed = parseCidr(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

/** Addresses as text, half of them inside one of the prefixes, half anywhere (IPv6: beside a prefix, in its /24). */
function questions(prefixes: Cidr[], family: 4 | 6, random: () => number): string[] {
  const bits = family === 4 ? 32n : 128n
  return Array.from({ length: questionsPerFamily }, (_, index) => {
    let value = 0n
    for (let word = 0n; word < bits / 32n; word++) value = (value << 32n) | BigInt(random())
    const prefix = prefixes[random() % prefixes.length]!
    const inside = index % 2 === 0
    const kept = inside ? prefix.length : family === 6 ? 24 : 0
    const hostBits = bits - BigInt(kept)
    value = ((prefix.value >> hostBits) << hostBits) | (value & ((1n << hostBits) - 1n))
    // by way of bytes: a string in one piece, as a decoder makes it, and not a concatenation
    return Buffer.from(formatIp({ family, value })).toString('latin1')
  })
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

/** Nanoseconds for all texts, and how many were answered yes: nothing is optimised away, and both can be compared. */
function time(texts: string[], ask: (text: string) => boolean): { nanoseconds: number; hits: number } {
  let hits = 0
  const start = process.hrtime.bigint()
  for (const text of texts) if (ask(text)) hits++
  return { nanoseconds: Number(process.hrtime.bigint() - start), hits }
}

/** One round: both are asked everything by turns, so that a change of the machine's speed meets both. Nanoseconds a question. */
function playRound(texts: string[], ours: (text: string) => boolean, theirs: (text: string) => boolean) {
  const sum = { ours: 0, theirs: 0 }
  for (let turn = 0; turn < turns; turn++) {
    const mine = time(texts, ours)
    const other = time(texts, theirs)
    if (mine.hits !== other.hits) throw new Error(`${mine.hits} hits, but net.BlockList has ${other.hits}`)
    sum.ours += mine.nanoseconds
    sum.theirs += other.nanoseconds
  }
  const asked = texts.length * turns
  return { ours: sum.ours / asked, theirs: sum.theirs / asked, ratio: sum.ours / sum.theirs }
}

/**
 * Measures `longestText` against `net.BlockList.check` on the same strings and prefixes (both families in one list), in turns: medians
 * of five rounds. Takes the text of AWS's ip-ranges.json; prints nothing. A cost below 1 means that the table is cheaper; the speed-up is
 * its inverse, with the target as floor (0.15 of BlockList for IPv4, 0.5 for IPv6). Throws if the two answer differently.
 */
export async function benchPrefixTable(ipRangesJsonText: string): Promise<Figure[]> {
  const ranges = JSON.parse(ipRangesJsonText) as IpRanges
  const entries = [
    ...ranges.prefixes.map((entry) => ({ prefix: readPrefix(entry.ip_prefix), owner: entry.service })),
    ...ranges.ipv6_prefixes.map((entry) => ({ prefix: readPrefix(entry.ipv6_prefix), owner: entry.service })),
  ]
  const builds = Array.from({ length: rounds }, () => {
    const start = performance.now()
    prefixTable(entries)
    return performance.now() - start
  })
  const table = prefixTable(entries)
  const figures: Figure[] = [
    { name: 'prefix table: distinct prefixes', value: table.size, unit: 'prefixes' },
    { name: 'prefix table: build', value: median(builds), unit: 'ms' },
  ]
  const blockList = new BlockList()
  const distinct = new Map(entries.map(({ prefix }) => [formatCidr(prefix), prefix]))
  for (const prefix of distinct.values()) {
    blockList.addSubnet(formatIp(prefix), prefix.length, `ipv${prefix.family}`)
  }
  for (const family of [4, 6] as const) {
    const prefixes = [...distinct.values()].filter((prefix) => prefix.family === family)
    const texts = questions(prefixes, family, sequence(20 + family))
    const ours = (text: string) => table.longestText(text) !== null
    const theirs = (text: string) => blockList.check(text, `ipv${family}`)
    for (let round = 0; round < warmUps; round++) playRound(texts, ours, theirs)
    const samples = Array.from({ length: rounds }, () => playRound(texts, ours, theirs))
    const ratio = median(samples.map((sample) => sample.ratio))
    const label = `prefix table: IPv${family} longestText`
    const ns = (pick: 'ours' | 'theirs') => median(samples.map((sample) => sample[pick]))
    figures.push(
      { name: label, value: ns('ours'), unit: 'ns' },
      { name: `net.BlockList.check IPv${family}`, value: ns('theirs'), unit: 'ns' },
      { name: `${label}, cost against net.BlockList`, value: ratio, unit: 'ratio' },
      {
        name: `${label}, speed-up over net.BlockList`,
        value: 1 / ratio,
        unit: 'x',
        floor: family === 4 ? 1 / 0.15 : 1 / 0.5,
      },
    )
  }
  return figures
}
