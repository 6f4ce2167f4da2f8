import { readFileSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import { gunzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatCidr, parseCidr } from '../../net/cidr.ts'
import type { Cidr } from '../../net/cidr.ts'
import { formatIp, parseIp } from '../../net/ip.ts'
import type { Ip } from '../../net/ip.ts'
import { prefixTable } from '../../net/prefix-table.ts'
import type { PrefixMatch } from '../../net/prefix-table.ts'
import { benchPrefixTable } from '../../scripts/bench/prefix-table.ts'
import { around, holds, hostMask, nearText } from './generate.ts'

interface Entry {
  prefix: Cidr
  owner: string
}

function entry(text: string, owner = text): Entry {
  const parsed = parseCidr(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return { prefix: parsed.value, owner }
}

function ip(text: string): Ip {
  const parsed = parseIp(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

function plain(match: PrefixMatch<string> | null): string | null {
  return match && `${formatCidr(match.prefix)} ${match.owners.join(',')}`
}

/** Every prefix that holds the address, longest first, with its owners in order of entry: one look at each entry. */
function bruteForce(entries: readonly Entry[], address: Ip): string[] {
  const owners = new Map<string, { length: number; owners: string[] }>()
  for (const { prefix, owner } of entries) {
    if (!holds(prefix, address)) continue
    const text = formatCidr(prefix)
    const known = owners.get(text)
    if (known) known.owners.push(owner)
    else owners.set(text, { length: prefix.length, owners: [owner] })
  }
  return [...owners]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([text, found]) => `${text} ${found.owners.join(',')}`)
}

/** The addresses where something can change: first, last, and one beyond each. */
function borders({ family, value, length }: Cidr): Ip[] {
  const last = value + hostMask(family, length)
  const end = hostMask(family, 0)
  return [value - 1n, value, last, last + 1n]
    .filter((at) => at >= 0n && at <= end)
    .map((at) => ({ family, value: at }))
}

/**
 * Prefixes that nest and touch: their bits come from a few seeds, changed in one place. `least` is the shortest length (but for
 * the whole space), `count` how many.
 */
function crowd(family: 4 | 6, least: number, count: { minLength: number; maxLength: number }) {
  const bits = family === 4 ? 32 : 128
  const seeds = fc.array(fc.bigInt({ min: 0n, max: hostMask(family, 0) }), { minLength: 1, maxLength: 3 })
  const picks = fc.array(
    fc.record({
      seed: fc.nat(2),
      flip: fc.integer({ min: least, max: bits - 1 }),
      length: fc.oneof(
        { weight: 20, arbitrary: fc.integer({ min: least, max: bits }) },
        { weight: 1, arbitrary: fc.constant(0) },
      ),
      owner: fc.constantFrom('a', 'b', 'c'),
    }),
    count,
  )
  return fc.tuple(seeds, picks).map(([values, picked]): Entry[] =>
    picked.map(({ seed, flip, length, owner }) => {
      const value = values[seed % values.length]! ^ (1n << BigInt(bits - 1 - flip))
      return { prefix: around({ family, value }, length), owner }
    }),
  )
}

/** What the table answers otherwise than brute force, in words. */
function disagreements(entries: readonly Entry[], addresses: readonly Ip[]): string[] {
  const table = prefixTable(entries)
  return addresses.flatMap((address) => {
    const text = formatIp(address)
    const expected = bruteForce(entries, address)
    const all = table.all(address).map(plain).join('; ')
    const wrong = all === expected.join('; ') ? [] : [`all ${text}: ${all}, not ${expected.join('; ')}`]
    for (const longest of [table.longest(address), table.longestText(text)]) {
      if (plain(longest) !== (expected[0] ?? null))
        wrong.push(`${text}: ${plain(longest)}, not ${expected[0]}`)
    }
    return wrong
  })
}

describe('prefixTable', () => {
  it('finds the longest prefix and all of its owners', () => {
    const table = prefixTable([
      entry('52.216.0.0/15', 'S3'),
      entry('52.216.0.0/15', 'AMAZON'),
      entry('52.192.0.0/11', 'AMAZON'),
      entry('2600:1fa0::/28', 'S3'),
    ])
    expect(table.size).toBe(3)
    expect(plain(table.longestText('52.217.255.255'))).toBe('52.216.0.0/15 S3,AMAZON')
    expect(plain(table.longestText('52.218.0.0'))).toBe('52.192.0.0/11 AMAZON')
    expect(table.longestText('52.224.0.0')).toBeNull()
    expect(plain(table.longestText('2600:1FAF::1'))).toBe('2600:1fa0::/28 S3')
    expect(table.all(ip('52.216.1.1')).map(plain)).toEqual([
      '52.216.0.0/15 S3,AMAZON',
      '52.192.0.0/11 AMAZON',
    ])
    expect(table.all(ip('10.0.0.1'))).toEqual([])
  })

  it('holds the ends of the address space', () => {
    const all = prefixTable(
      ['0.0.0.0/0', '::/0', '255.255.255.255/32', '0.0.0.0/32'].map((text) => entry(text, 'x')),
    )
    expect(plain(all.longestText('255.255.255.255'))).toBe('255.255.255.255/32 x')
    expect(plain(all.longestText('255.255.255.254'))).toBe('0.0.0.0/0 x')
    expect(plain(all.longestText('0.0.0.0'))).toBe('0.0.0.0/32 x')
    expect(plain(all.longestText('0.0.0.1'))).toBe('0.0.0.0/0 x')
    expect(plain(all.longestText('::'))).toBe('::/0 x')
    expect(plain(all.longestText('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'))).toBe('::/0 x')
  })

  it('is empty without entries', () => {
    const empty = prefixTable<string>([])
    expect(empty.size).toBe(0)
    expect([empty.longest(ip('::1')), empty.longestText('10.0.0.1'), empty.all(ip('10.0.0.1'))]).toEqual([
      null,
      null,
      [],
    ])
  })

  it('never mixes families', () => {
    const ipv4 = prefixTable([entry('0.0.0.0/0')])
    expect(ipv4.longestText('::1')).toBeNull()
    expect(ipv4.longestText('::ffff:10.0.0.1')).toBeNull()
    expect(prefixTable([entry('::/0')]).longestText('10.0.0.1')).toBeNull()
  })

  it('is null for anything that is no address, and never throws', () => {
    const table = prefixTable([entry('0.0.0.0/0'), entry('::/0')])
    fc.assert(
      fc.property(nearText, (text) => {
        const family = text.includes('%') ? 0 : isIP(text)
        expect(table.longestText(text)?.prefix.family ?? 0).toBe(family)
      }),
      { numRuns: 5000 },
    )
  })

  it('does not change once it is built', () => {
    const given = [entry('10.0.0.0/8', 'a')]
    const table = prefixTable(given)
    given[0]!.prefix.value = 0n
    given.push(entry('10.0.0.0/8', 'b'))
    expect(plain(table.longestText('10.0.0.1'))).toBe('10.0.0.0/8 a')
    const match = table.longestText('10.0.0.1')!
    expect(() => (match.owners as string[]).push('c')).toThrow(TypeError)
    expect(() => Object.assign(match.prefix, { length: 0 })).toThrow(TypeError)
  })

  it('refuses prefixes that no parser made', () => {
    for (const prefix of [
      { family: 4, value: 1n, length: 8 },
      { family: 4, value: 1n << 32n, length: 32 },
      { family: 4, value: 0n, length: 33 },
      { family: 4, value: 0n, length: 1.5 },
      { family: 6, value: 1n << 128n, length: 128 },
      { family: 6, value: -1n, length: 128 },
      { family: 6, value: 0n, length: -1 },
    ] as Cidr[]) {
      expect(() => prefixTable([{ prefix, owner: 'x' }])).toThrow(RangeError)
    }
  })

  it.each([
    ['few IPv4 prefixes', 4, 0, { minLength: 0, maxLength: 12 }, 400],
    ['IPv4 prefixes in few blocks, with the index', 4, 8, { minLength: 60, maxLength: 150 }, 40],
    ['IPv4 prefixes within a /16 or two', 4, 14, { minLength: 60, maxLength: 150 }, 40],
    ['IPv6 prefixes', 6, 0, { minLength: 0, maxLength: 40 }, 150],
    ['IPv6 prefixes at the seams of the comparison', 6, 28, { minLength: 20, maxLength: 80 }, 40],
    ['IPv6 prefixes that share their upper 62 bits', 6, 60, { minLength: 20, maxLength: 80 }, 40],
  ] as const)('agrees with brute force at every border: %s', (_, family, least, count, numRuns) => {
    fc.assert(
      fc.property(crowd(family, least, count), (entries) => {
        const addresses = entries.flatMap(({ prefix }) => borders(prefix))
        expect(disagreements(entries, addresses)).toEqual([])
      }),
      { numRuns },
    )
  })
})

describe('at real size', () => {
  const text = gunzipSync(readFileSync(new URL('../data/ip-ranges.json.gz', import.meta.url))).toString()
  const ranges = JSON.parse(text) as {
    prefixes: { ip_prefix: string; service: string; region: string }[]
    ipv6_prefixes: { ipv6_prefix: string; service: string; region: string }[]
  }
  const entries = [
    ...ranges.prefixes.map((range) => entry(range.ip_prefix, `${range.service} ${range.region}`)),
    ...ranges.ipv6_prefixes.map((range) => entry(range.ipv6_prefix, `${range.service} ${range.region}`)),
  ]
  const table = prefixTable(entries)

  it('knows every entry of the published file by its own first and last address', () => {
    expect([ranges.prefixes.length, ranges.ipv6_prefixes.length]).toEqual([10_668, 6160])
    expect(table.size).toBe(new Set(entries.map(({ prefix }) => formatCidr(prefix))).size)
    const missed = entries.filter(({ prefix, owner }) =>
      [prefix.value, prefix.value + hostMask(prefix.family, prefix.length)].some(
        (value) =>
          !table
            .all({ family: prefix.family, value })
            .some((match) => match.prefix.length === prefix.length && match.owners.includes(owner)),
      ),
    )
    expect(missed).toEqual([])
  })

  it('agrees with brute force and net.BlockList on samples', () => {
    const blockList = new BlockList()
    for (const { prefix } of entries) {
      blockList.addSubnet(formatIp(prefix), prefix.length, prefix.family === 4 ? 'ipv4' : 'ipv6')
    }
    const sample = fc
      .tuple(fc.nat(entries.length - 1), fc.nat(3), fc.bigInt({ min: 0n, max: hostMask(6, 0) }), fc.nat(2))
      .map(([at, border, random, kind]): Ip => {
        const { prefix } = entries[at]!
        const { family } = prefix
        const edges = borders(prefix)
        if (kind === 0) return edges[border % edges.length]!
        // within the prefix, or anywhere in the larger block around it
        const network = around(prefix, kind === 1 ? prefix.length : Math.min(prefix.length, 16))
        return { family, value: network.value + (random & hostMask(family, network.length)) }
      })
    fc.assert(
      fc.property(sample, (address) => {
        const expected = bruteForce(entries, address)
        const written = formatIp(address)
        expect(table.all(address).map(plain)).toEqual(expected)
        expect(plain(table.longestText(written))).toBe(expected[0] ?? null)
        expect(plain(table.longest(address))).toBe(expected[0] ?? null)
        expect(blockList.check(written, address.family === 4 ? 'ipv4' : 'ipv6')).toBe(expected.length > 0)
      }),
      { numRuns: 400 },
    )
  })

  it('is what the benchmark measures', async () => {
    const figures = await benchPrefixTable(text)
    expect(figures.find(({ unit }) => unit === 'prefixes')?.value).toBe(table.size)
    expect(figures.filter(({ value }) => !(Number.isFinite(value) && value > 0))).toEqual([])
    expect(figures.filter(({ floor }) => floor !== undefined)).toHaveLength(2)
  })
})
