import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatCidr, parseCidr } from '../../net/cidr.ts'
import type { Cidr } from '../../net/cidr.ts'
import { formatIp, parseIp } from '../../net/ip.ts'
import type { Ip } from '../../net/ip.ts'
import {
  forbiddenTarget,
  isNat64,
  isPrivateUse,
  nat64Ipv4,
  nat64PrefixesFromIpv4OnlyArpa,
  specialPurpose,
} from '../../net/special.ts'
import { anyIp, hostMask } from './generate.ts'

function ip(text: string): Ip {
  const parsed = parseIp(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

function cidr(text: string): Cidr {
  const parsed = parseCidr(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

/** `{text: answer}` for each text, so that a failure names it. */
function answers<T>(texts: readonly string[], ask: (address: Ip) => T): Record<string, T> {
  return Object.fromEntries(texts.map((text) => [text, ask(ip(text))]))
}

function embedded(text: string, ...prefixes: string[]): string | null {
  const inner = nat64Ipv4(ip(text), prefixes.map(cidr))
  return inner && formatIp(inner)
}

function discovered(...addresses: string[]): string[] {
  return nat64PrefixesFromIpv4OnlyArpa(addresses.map(ip)).map(formatCidr)
}

describe('specialPurpose', () => {
  it('knows the first and last address of each block, and the neighbours outside', () => {
    const expected = {
      '0.0.0.0': 'unspecified',
      '0.0.0.1': 'this_network',
      '0.255.255.255': 'this_network',
      '1.0.0.0': null,
      '9.255.255.255': null,
      '10.0.0.0': 'private_use',
      '10.255.255.255': 'private_use',
      '11.0.0.0': null,
      '100.63.255.255': null,
      '100.64.0.0': 'shared',
      '100.127.255.255': 'shared',
      '100.128.0.0': null,
      '126.255.255.255': null,
      '127.0.0.0': 'loopback',
      '127.255.255.255': 'loopback',
      '128.0.0.0': null,
      '169.253.255.255': null,
      '169.254.0.0': 'link_local',
      '169.254.169.254': 'link_local',
      '169.254.255.255': 'link_local',
      '169.255.0.0': null,
      '172.15.255.255': null,
      '172.16.0.0': 'private_use',
      '172.31.255.255': 'private_use',
      '172.32.0.0': null,
      '192.0.0.170': 'ietf_protocol',
      '192.0.1.0': null,
      '192.0.2.255': 'documentation',
      '192.88.99.1': '6to4',
      '192.167.255.255': null,
      '192.168.0.0': 'private_use',
      '192.168.255.255': 'private_use',
      '192.169.0.0': null,
      '198.17.255.255': null,
      '198.18.0.0': 'benchmarking',
      '198.19.255.255': 'benchmarking',
      '198.20.0.0': null,
      '198.51.100.7': 'documentation',
      '203.0.113.7': 'documentation',
      '223.255.255.255': null,
      '224.0.0.0': 'multicast',
      '239.255.255.255': 'multicast',
      '240.0.0.0': 'reserved',
      '255.255.255.254': 'reserved',
      '255.255.255.255': 'broadcast',
      '::': 'unspecified',
      '::1': 'loopback',
      '::2': 'ipv4_compatible',
      '::ffff:10.0.0.1': 'ipv4_mapped',
      '::1:0:0:0': null,
      '64:ff9b::': 'nat64',
      '64:ff9b::ffff:ffff': 'nat64',
      '64:ff9b:0:0:0:1::': null,
      '64:ff9b:1::': 'nat64_local',
      '64:ff9b:1:ffff:ffff:ffff:ffff:ffff': 'nat64_local',
      '64:ff9b:2::': null,
      '100::1': 'discard',
      '100:0:0:1::1': 'discard',
      '100:0:0:2::': null,
      '2001::1': 'teredo',
      '2001:2::1': 'benchmarking',
      '2001:10::1': 'orchid',
      '2001:2f::1': 'orchid',
      '2001:1ff::': 'ietf_protocol',
      '2001:200::': null,
      '2001:db8::1': 'documentation',
      '2001:db9::': null,
      '2002::1': '6to4',
      '2600:1f18::1': null,
      '3fff:fff::1': 'documentation',
      '3fff:1000::': null,
      '5f00::1': 'segment_routing',
      'fbff::': null,
      'fc00::': 'unique_local',
      'fd00:ec2::254': 'unique_local',
      'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff': 'unique_local',
      'fe00::': null,
      'fe80::': 'link_local',
      'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff': 'link_local',
      'fec0::1': 'site_local',
      'ff02::1': 'multicast',
    }
    expect(answers(Object.keys(expected), specialPurpose)).toEqual(expected)
  })
})

describe('isPrivateUse', () => {
  it('is RFC 1918, RFC 6598 and RFC 4193 and nothing else', () => {
    fc.assert(
      fc.property(fc.oneof(anyIp(4), anyIp(6)), (address) => {
        const text = formatIp(address)
        const pattern =
          address.family === 4
            ? /^(10\.|172\.(1[6-9]|2[0-9]|3[01])\.|192\.168\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.)/
            : /^f[cd][0-9a-f]{2}:/
        expect(isPrivateUse(address)).toBe(pattern.test(text))
      }),
      { numRuns: 5000 },
    )
    const not = [
      '169.254.1.1',
      '127.0.0.1',
      '192.0.2.1',
      '198.18.0.1',
      '::ffff:10.0.0.1',
      'fe80::1',
      'fec0::1',
    ]
    expect(Object.values(answers(not, isPrivateUse))).toEqual(not.map(() => false))
    const yes = ['10.1.2.3', '172.31.0.1', '192.168.9.9', '100.100.0.1', 'fd12::1', 'fc00::1']
    expect(Object.values(answers(yes, isPrivateUse))).toEqual(yes.map(() => true))
  })
})

describe('nat64Ipv4', () => {
  it.each([
    ['2001:db8::/32', '2001:db8:c000:221::'],
    ['2001:db8:100::/40', '2001:db8:1c0:2:21::'],
    ['2001:db8:122::/48', '2001:db8:122:c000:2:2100::'],
    ['2001:db8:122:300::/56', '2001:db8:122:3c0:0:221::'],
    ['2001:db8:122:344::/64', '2001:db8:122:344:c0:2:2100::'],
    ['2001:db8:122:344::/96', '2001:db8:122:344::192.0.2.33'],
  ])('reads the vector of RFC 6052 section 2.4 under %s', (prefix, text) => {
    expect(embedded(text, prefix)).toBe('192.0.2.33')
    expect(isNat64(ip(text), [cidr(prefix)])).toBe(true)
    expect(embedded(text)).toBeNull()
    expect(isNat64(ip(text))).toBe(false)
  })

  it('reads the well-known prefix, and the local one in its own layout', () => {
    expect(embedded('64:ff9b::192.0.2.33')).toBe('192.0.2.33')
    expect(embedded('64:ff9b::')).toBe('0.0.0.0')
    expect(embedded('64:ff9b:1:c000:2:2100::')).toBe('192.0.2.33')
    // a network that carved 64:ff9b:1::/96 from the block: not 0.0.0.0
    expect(embedded('64:ff9b:1::192.0.2.33')).toBeNull()
    expect(isNat64(ip('64:ff9b:1::192.0.2.33'))).toBe(true)
    expect(embedded('64:ff9b:1::192.0.2.33', '64:ff9b:1::/96')).toBe('192.0.2.33')
    expect(embedded('64:ff9b:0:1::192.0.2.33')).toBeNull()
    expect(embedded('::ffff:192.0.2.33')).toBeNull()
    expect(embedded('192.0.2.33')).toBeNull()
  })

  it('wants bits 64 to 71 to be zero, and ignores a suffix under a given prefix', () => {
    expect(embedded('2001:db8:122:c000:102:2100::', '2001:db8:122::/48')).toBeNull()
    expect(embedded('2001:db8:122:c000:2:2100::7', '2001:db8:122::/48')).toBe('192.0.2.33')
    expect(embedded('64:ff9b:1:c000:2:2100::7', '64:ff9b:1::/48')).toBe('192.0.2.33')
    expect(embedded('64:ff9b:1:c000:2:2100::7')).toBeNull()
  })

  it('lets the longest prefix decide, in whatever order, and never falls through to a shorter one', () => {
    const text = '2001:db8:122:344::192.0.2.33'
    expect(embedded(text, '2001:db8::/32', '2001:db8:122:344::/96')).toBe('192.0.2.33')
    expect(embedded(text, '2001:db8:122:344::/96', '2001:db8::/32')).toBe('192.0.2.33')
    expect(embedded('2001:db8:122:344:1ff:ffff:ff00::', '2001:db8::/32', '2001:db8:122:344::/64')).toBeNull()
  })

  it('ignores given prefixes that RFC 6052 does not know', () => {
    expect(embedded('2001:db8::192.0.2.33', '2001:db8::/80', '2001:db8::/33', '0.0.0.0/0')).toBeNull()
    expect(isNat64(ip('2001:db8::1'), [cidr('2001:db8::/80')])).toBe(false)
    expect(embedded('192.0.2.33', '192.0.2.0/32')).toBeNull()
  })

  it('reads what a translator writes, byte by byte', () => {
    const written = fc.record({
      length: fc.constantFrom(32, 40, 48, 56, 64, 96),
      prefix: anyIp(6),
      ipv4: anyIp(4),
    })
    fc.assert(
      fc.property(written, ({ length, prefix, ipv4 }) => {
        const network = prefix.value - (prefix.value & hostMask(6, length))
        const bytes = Array.from({ length: 16 }, (_, at) => Number((network >> BigInt(120 - 8 * at)) & 255n))
        let at = length / 8
        for (const octet of formatIp(ipv4).split('.')) {
          // byte 8 is the u octet
          if (at === 8) at++
          bytes[at++] = Number(octet)
        }
        const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
        expect(nat64Ipv4({ family: 6, value }, [{ family: 6, value: network, length }])).toEqual(ipv4)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('nat64PrefixesFromIpv4OnlyArpa', () => {
  it.each([
    ['64:ff9b::192.0.0.170', '64:ff9b::/96'],
    ['64:ff9b::192.0.0.171', '64:ff9b::/96'],
    ['2001:db8:c000:aa::', '2001:db8::/32'],
    ['2001:db8:1c0:0:aa::', '2001:db8:100::/40'],
    ['2001:db8:122:c000:0:ab00::', '2001:db8:122::/48'],
    ['2001:db8:122:3c0:0:ab::', '2001:db8:122:300::/56'],
    ['2001:db8:122:344:c0:0:aa00::', '2001:db8:122:344::/64'],
    ['2001:db8:122:344::192.0.0.170', '2001:db8:122:344::/96'],
    ['fd00:64::192.0.0.170', 'fd00:64::/96'],
  ])('finds the prefix in %s', (address, prefix) => {
    expect(discovered(address)).toEqual([prefix])
  })

  it('gives each prefix once', () => {
    expect(
      discovered(
        '64:ff9b::192.0.0.170',
        '2001:db8:122:c000:0:aa00::',
        '64:ff9b::192.0.0.171',
        '2001:db8:122:c000:0:ab00::',
      ),
    ).toEqual(['64:ff9b::/96', '2001:db8:122::/48'])
  })

  it('finds nothing where no translator is', () => {
    expect(discovered()).toEqual([])
    expect(discovered('192.0.0.170', '::ffff:192.0.0.170', '::192.0.0.170', 'fe80::192.0.0.170')).toEqual([])
    expect(
      discovered('ff0e::192.0.0.170', '64:ff9b::192.0.0.172', '2600:1f18::1', 'fd00:ec2::192.0.0.170'),
    ).toEqual([])
    expect(discovered('0:0:c000:aa::')).toEqual([])
    // bits 64 to 71 set
    expect(discovered('2001:db8:122:c000:100:aa00::')).toEqual([])
  })

  it('is not misled by a prefix that holds a well-known address itself', () => {
    expect(discovered('2001:db8:c000:aa::192.0.0.170', '2001:db8:c000:aa::192.0.0.171')).toEqual([
      '2001:db8:c000:aa::/96',
    ])
  })

  it('takes a suffix when only one layout fits, and nothing when two do', () => {
    expect(discovered('2001:db8:122:c000:0:aa00::53')).toEqual(['2001:db8:122::/48'])
    expect(discovered('2001:db8:c000:aa:c0:0:aa00:53')).toEqual([])
  })
})

describe('forbiddenTarget', () => {
  it.each([
    ['169.254.169.254', /^169\.254\.169\.254 is link-local, where instance metadata lives \(RFC 3927\)/],
    ['169.254.0.1', /link-local/],
    ['fe80::1', /link-local/],
    ['fd00:ec2::254', /^fd00:ec2::254 is in fd00:ec2::\/32/],
    ['fd00:ec2:ffff::1', /fd00:ec2::\/32/],
    ['127.0.0.1', /loopback/],
    ['127.255.0.1', /loopback/],
    ['::1', /loopback/],
    ['224.0.0.1', /multicast/],
    ['239.255.255.255', /multicast/],
    ['ff02::1', /multicast/],
    ['0.0.0.0', /the unspecified address/],
    ['::', /the unspecified address/],
    ['0.1.2.3', /this network/],
    ['255.255.255.255', /the broadcast address/],
    ['::ffff:169.254.169.254', /^::ffff:169\.254\.169\.254 means 169\.254\.169\.254, which is link-local/],
    ['::ffff:127.0.0.1', /loopback/],
    ['::ffff:0.0.0.0', /unspecified/],
    ['::127.0.0.1', /loopback/],
    ['64:ff9b::169.254.169.254', /link-local/],
    ['64:ff9b:1:a9fe:a9:fe00::', /link-local/],
    ['2002:a9fe:a9fe::1', /^2002:a9fe:a9fe::1 means 169\.254\.169\.254/],
  ])('never dials %s', (text, why) => {
    expect(forbiddenTarget(ip(text))).toMatch(why)
  })

  it('lets the others pass', () => {
    const ipv4 = [
      '10.0.0.1',
      '100.64.0.1',
      '52.216.1.1',
      '169.253.1.1',
      '170.0.0.1',
      '126.1.1.1',
      '240.0.0.1',
    ]
    const ipv6 = ['fd12::1', 'fd00:ec3::1', '2600:1f18::1', '2001:db8::1', 'fec0::1']
    const wrapped = ['::ffff:10.0.0.1', '64:ff9b::52.216.1.1', '2002:34d8:101::1', '64:ff9b:1::52.216.1.1']
    const fine = [...ipv4, ...ipv6, ...wrapped]
    expect(Object.values(answers(fine, (address) => forbiddenTarget(address)))).toEqual(fine.map(() => null))
  })

  it('unwraps given NAT64 prefixes as well', () => {
    const metadata = ip('2001:db8:122:a9fe:a9:fe00::')
    expect(forbiddenTarget(metadata)).toBeNull()
    expect(forbiddenTarget(metadata, [cidr('2001:db8:122::/48')])).toMatch(/means 169\.254\.169\.254/)
  })

  it('forbids an IPv4-mapped address exactly when it forbids the IPv4 one', () => {
    fc.assert(
      fc.property(anyIp(4), ({ family, value }) => {
        const mapped = forbiddenTarget({ family: 6, value: (0xffffn << 32n) | value })
        expect(mapped === null).toBe(forbiddenTarget({ family, value }) === null)
      }),
    )
  })
})
