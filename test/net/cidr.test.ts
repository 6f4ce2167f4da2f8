import { BlockList, isIP } from 'node:net'
import * as fc from 'fast-check'
import { Netmask } from 'netmask'
import { describe, expect, it } from 'vitest'
import { cidrContains, cidrOverlaps, formatCidr, inAny, networkOf, parseCidr } from '../../net/cidr.ts'
import type { Cidr } from '../../net/cidr.ts'
import { formatIp, parseIp } from '../../net/ip.ts'
import type { Ip } from '../../net/ip.ts'
import { anyCidr, anyIp, around, holds, hostMask, nearText } from './generate.ts'

function cidr(text: string): Cidr {
  const parsed = parseCidr(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

function ip(text: string): Ip {
  const parsed = parseIp(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

function errorOf(text: string): string {
  const parsed = parseCidr(text)
  if (parsed.ok) throw new Error(`parsed: ${text}`)
  return parsed.error
}

const eitherCidr = fc.oneof(anyCidr(4), anyCidr(6))

/** A prefix and an address that is in it half of the time. */
const prefixAndIp = fc.constantFrom(4 as const, 6 as const).chain((family) =>
  fc.tuple(anyCidr(family), anyIp(family), fc.boolean()).map(([prefix, other, inside]) => {
    const host = other.value & hostMask(family, prefix.length)
    return { prefix, ip: inside ? { family, value: prefix.value + host } : other }
  }),
)

describe('parseCidr', () => {
  it('reads a prefix', () => {
    expect(cidr('10.0.0.0/8')).toEqual({ family: 4, value: 10n << 24n, length: 8 })
    expect(cidr('0.0.0.0/0')).toEqual({ family: 4, value: 0n, length: 0 })
    expect(cidr('255.255.255.255/32')).toEqual({ family: 4, value: 0xffff_ffffn, length: 32 })
    expect(cidr('::/0')).toEqual({ family: 6, value: 0n, length: 0 })
    expect(cidr('2001:DB8:0::/32')).toEqual({ family: 6, value: 0x20010db8n << 96n, length: 32 })
    expect(cidr('::1/128')).toEqual({ family: 6, value: 1n, length: 128 })
  })

  it.each([
    ['', /^the prefix is empty; expected an address, "\/" and a length/],
    ['10.0.0.1', /^"10.0.0.1" has no prefix length; expected "10.0.0.1\/32" if only this address is meant/],
    ['2001:DB8::1', /expected "2001:db8::1\/128"/],
    ['10.0.0.1/8', /^"10.0.0.1\/8" has host bits set; expected the network itself, "10.0.0.0\/8"$/],
    ['2001:db8::1/32', /host bits set; .*"2001:db8::\/32"/],
    ['::ffff:10.0.0.1/96', /host bits set; .*"::ffff:0.0.0.0\/96"/],
    ['10.0.0.0/08', /leading zero; expected a length of 0 to 32/],
    ['10.0.0.0/00', /leading zero/],
    ['10.0.0.0/33', /a prefix length beyond 32; expected a length of 0 to 32/],
    ['::/129', /beyond 128; expected a length of 0 to 128/],
    ['10.0.0.0/4294967304', /beyond 32/],
    [
      '1/8',
      /^in the prefix "1\/8": "1" is not an IPv4 address: it has 1 octet; expected four decimal octets/,
    ],
    ['10/8', /it has 1 octet/],
    ['0xa.0.0.0/8', /the octet "0xa" is not a decimal number/],
    ['010.0.0.0/8', /the octet "010" has a leading zero, which some programs read as octal/],
    ['fe80::%eth0/10', /has a zone id/],
    ['10.0.0.0/', /has nothing after "\/"/],
    ['/8', /the address is empty/],
    ['10.0.0.0/8/8', /not a decimal number/],
    ['10.0.0.0/255.0.0.0', /not a decimal number/],
    ['10.0.0.0/+8', /not a decimal number/],
    ['10.0.0.0/-8', /not a decimal number/],
    ['10.0.0.0/8.0', /not a decimal number/],
    ['10.0.0.0/1e1', /not a decimal number/],
    ['10.0.0.0/0x8', /not a decimal number/],
    ['10.0.0.0/\u0668', /not a decimal number/],
    [' 10.0.0.0/8', /white space/],
    ['10.0.0.0 /8', /white space/],
    ['10.0.0.0/ 8', /not a decimal number/],
    ['10.0.0.0/8 ', /not a decimal number/],
    ['10.0.0.0/8\n', /not a decimal number/],
    ['[::]/0', /brackets/],
    ['banana', /is not an IP address; .*, with "\/" and a length/],
    [`${'1'.repeat(4000)}/8`, /it has 4000 characters/],
    [`10.0.0.0/${'1'.repeat(4000)}`, /beyond 32/],
  ])('refuses %j and says why', (text, error) => {
    expect(errorOf(text)).toMatch(error)
  })

  it('accepts exactly an address of node, a slash and a fitting length, without host bits', () => {
    fc.assert(
      fc.property(nearText, (text) => {
        const [address = '', length = '', ...rest] = text.split('/')
        const family = isIP(address)
        const bits = family === 4 ? 32 : 128
        let fits = family !== 0 && !address.includes('%') && rest.length === 0 && text.includes('/')
        fits &&=
          String(Number.parseInt(length, 10)) === length && Number(length) >= 0 && Number(length) <= bits
        fits &&= (ip(address).value & hostMask(family as 4 | 6, Number(length))) === 0n
        expect(parseCidr(text).ok).toBe(fits)
      }),
      { numRuns: 20_000 },
    )
  })

  it('reads back what formatCidr writes, and names the network when host bits are set', () => {
    fc.assert(
      fc.property(fc.oneof(anyIp(4), anyIp(6)), fc.nat(128), (address, some) => {
        const length = some % (address.family === 4 ? 33 : 129)
        const network = around(address, length)
        expect(networkOf(address, length)).toEqual(network)
        expect(cidr(formatCidr(network))).toEqual(network)
        const text = `${formatIp(address)}/${length}`
        const parsed = parseCidr(text)
        expect(parsed.ok).toBe(address.value === network.value)
        expect(
          parsed.ok || parsed.error.includes(`expected the network itself, "${formatCidr(network)}"`),
        ).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('quotes no part of a text that may hold a secret', () => {
    const text = 'c0ffee/https://b.s3.amazonaws.com/k?X-Amz-Signature=c0ffee'
    expect(errorOf(text)).toBe(
      `a text of ${text.length} characters is not a prefix; expected an address, "/" and a length, like "10.0.0.0/8" or "2001:db8::/32"`,
    )
    expect(errorOf('10.0.0.0/8?token=c0ffee')).not.toContain('c0ffee')
  })
})

describe('cidrContains', () => {
  it('agrees with brute force, net.BlockList and netmask', () => {
    fc.assert(
      fc.property(prefixAndIp, ({ prefix, ip }) => {
        const answer = cidrContains(prefix, ip)
        expect(answer).toBe(holds(prefix, ip))
        // BlockList and netmask unwrap IPv4-mapped addresses; here families never mix
        if (ip.family === 6 && ip.value >> 32n === 0xffffn) return
        const kind = ip.family === 4 ? 'ipv4' : 'ipv6'
        const list = new BlockList()
        list.addSubnet(formatIp(prefix), prefix.length, kind)
        expect(list.check(formatIp(ip), kind)).toBe(answer)
        expect(new Netmask(formatCidr(prefix)).contains(formatIp(ip))).toBe(answer)
      }),
      { numRuns: 2000 },
    )
  })

  it('never mixes families', () => {
    expect(cidrContains(cidr('0.0.0.0/0'), ip('::1'))).toBe(false)
    expect(cidrContains(cidr('::/0'), ip('10.0.0.1'))).toBe(false)
    expect(cidrContains(cidr('10.0.0.0/8'), ip('::ffff:10.0.0.1'))).toBe(false)
    expect(cidrContains(cidr('::ffff:10.0.0.0/104'), ip('10.0.0.1'))).toBe(false)
    expect(cidrContains(cidr('::ffff:10.0.0.0/104'), ip('::ffff:10.0.0.1'))).toBe(true)
  })

  it('refuses what netmask misreads', () => {
    // what netmask makes of each, so that a change of its mind shows
    for (const [text, misread] of [
      ['010.0.0.0/8', '8.0.0.0/8'],
      ['1/8', '0.0.0.0/8'],
      ['0xa.0.0.0/8', '10.0.0.0/8'],
      ['10.1.2.3/8', '10.0.0.0/8'],
      ['10.0.0.1', '10.0.0.1/32'],
    ] as const) {
      expect(`${text} ${new Netmask(text).toString()}`).toBe(`${text} ${misread}`)
      expect(errorOf(text)).toMatch(/expected/)
    }
  })
})

describe('cidrOverlaps and inAny', () => {
  it('overlap when one holds the first address of the other', () => {
    const related = fc
      .tuple(eitherCidr, eitherCidr, fc.nat(128), fc.boolean())
      .map(([a, other, some, nested]) => [
        a,
        nested ? around(a, some % (a.family === 4 ? 33 : 129)) : other,
      ]) as fc.Arbitrary<[Cidr, Cidr]>
    fc.assert(
      fc.property(related, ([a, b]) => {
        const answer = holds(a, b) || holds(b, a)
        expect(cidrOverlaps(a, b)).toBe(answer)
        expect(cidrOverlaps(b, a)).toBe(answer)
      }),
      { numRuns: 2000 },
    )
    expect(cidrOverlaps(cidr('0.0.0.0/0'), cidr('::/0'))).toBe(false)
    expect(cidrOverlaps(cidr('10.0.0.0/8'), cidr('10.0.0.0/8'))).toBe(true)
  })

  it('is in any when it is in one', () => {
    const vpc = [cidr('10.0.0.0/16'), cidr('100.64.0.0/16'), cidr('2600:1f00::/56')]
    expect(inAny(vpc, ip('100.64.255.255'))).toBe(true)
    expect(inAny(vpc, ip('2600:1f00::ff:0:0:1'))).toBe(true)
    expect(inAny(vpc, ip('10.1.0.0'))).toBe(false)
    expect(inAny([], ip('10.1.0.0'))).toBe(false)
  })
})
