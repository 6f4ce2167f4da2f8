import { SocketAddress, isIP, isIPv4 } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonicalIp, formatIp, mappedIpv4, parseIp, parseIpv4Number } from '../../net/ip.ts'
import { quoteInput } from '../../net/complaint.ts'
import { anyIp, nearText } from './generate.ts'

function errorOf(text: string): string {
  const parsed = parseIp(text)
  if (parsed.ok) throw new Error(`parsed: ${text}`)
  return parsed.error
}

function unwrap(text: string): string | null {
  const parsed = parseIp(text)
  const inner = parsed.ok ? mappedIpv4(parsed.value) : null
  return inner && formatIp(inner)
}

describe('parseIp', () => {
  it('accepts what node accepts, but no zone id', () => {
    fc.assert(
      fc.property(nearText, (text) => {
        expect(parseIp(text).ok).toBe(isIP(text) !== 0 && !text.includes('%'))
        expect(parseIpv4Number(text) >= 0).toBe(isIPv4(text))
      }),
      { numRuns: 20_000 },
    )
  })

  it('accepts exactly the spellings of a small alphabet that node accepts', () => {
    const letters = ['0', '1', 'f', ':', '.']
    let texts = ['']
    let accepted = 0
    for (let length = 1; length <= 7; length++) {
      texts = texts.flatMap((text) => letters.map((letter) => text + letter))
      for (const text of texts) {
        const family = isIP(text)
        const parsed = parseIp(text)
        if ((parsed.ok ? parsed.value.family : 0) !== family) throw new Error(JSON.stringify(text))
        if (parsed.ok) accepted++
      }
    }
    expect(accepted).toBeGreaterThan(1000)
  })

  it('reads the value of every spelling', () => {
    const spelled = fc
      .record({
        groups: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
          minLength: 8,
          maxLength: 8,
        }),
        padded: fc.boolean(),
        upper: fc.boolean(),
        tail: fc.boolean(),
        gapAt: fc.integer({ min: 0, max: 7 }),
        gapLength: fc.integer({ min: 0, max: 8 }),
      })
      .map(({ groups, padded, upper, tail, gapAt, gapLength }) => {
        const ends = tail ? 6 : 8
        const gap = Math.min(gapLength, ends - gapAt)
        const values = groups.map((group, at) => (at >= gapAt && at < gapAt + gap ? 0 : group))
        const hex = values.slice(0, ends).map((group) => {
          const digits = padded ? group.toString(16).padStart(4, '0') : group.toString(16)
          return upper ? digits.toUpperCase() : digits
        })
        const octets = values.slice(6).flatMap((group) => [group >> 8, group & 255])
        const pieces = tail ? [...hex, octets.join('.')] : hex
        const text =
          gap > 0
            ? `${pieces.slice(0, gapAt).join(':')}::${pieces.slice(gapAt + gap).join(':')}`
            : pieces.join(':')
        return { text, value: BigInt(`0x${values.map((v) => v.toString(16).padStart(4, '0')).join('')}`) }
      })
    fc.assert(
      fc.property(spelled, ({ text, value }) => {
        expect(parseIp(text)).toEqual({ ok: true, value: { family: 6, value } })
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255)), (octets) => {
        const value = octets.reduce((sum, octet) => sum * 256 + octet, 0)
        expect(parseIp(octets.join('.'))).toEqual({ ok: true, value: { family: 4, value: BigInt(value) } })
        expect(parseIpv4Number(octets.join('.'))).toBe(value)
      }),
    )
  })

  it.each([
    ['', /^the address is empty; expected an IPv4 or IPv6 address/],
    ['010.0.0.1', /"010.0.0.1" .*the octet "010" has a leading zero, .*octal; expected four decimal octets/],
    ['10.0.0.01', /the octet "01" has a leading zero/],
    ['0xa.0.0.1', /the octet "0xa" is not a decimal number/],
    ['0x0a000001', /it has 1 octet;/],
    ['167772161', /it has 1 octet;/],
    ['10.1', /it has 2 octets/],
    ['10.0.0.1.2', /it has 5 octets/],
    ['10..0.1', /an octet is empty/],
    ['10.0.0.256', /the octet "256" is more than 255/],
    ['10.0.0.99999999999999999999', /is more than 255/],
    [' 10.0.0.1', /white space/],
    ['10.0.0.1\n', /^"10\.0\.0\.1\\n" .*white space/],
    ['10.0.0.1:80', /brackets or a port; expected the bare address/],
    ['[::1]', /brackets or a port/],
    ['10.0.0.0/8', /not a single address; expected one without "\/" and length/],
    ['fe80::1%eth0', /has a zone id, .*expected the address without it/],
    ['::1%1', /zone id/],
    ['1::2::3', /more than one "::"/],
    [':::', /more than two colons in a row/],
    ['1:2:3:4:5:6:7::8', /"::" stands for no group/],
    ['1::2:3:4:5:6:7:8', /"::" stands for no group/],
    ['1::2:3:4:5:6:7:8:9', /"::" stands for no group/],
    ['1::2:3:4:5:6:7:10.0.0.1', /"::" stands for no group/],
    ['1:2:3:4:5:6:7', /it has 7 groups; expected eight groups/],
    ['1:2:3:4:5:6:7:8:9', /it has 9 groups/],
    [':1:2:3:4:5:6:7', /begins or ends with a single colon/],
    ['12345::', /the group "12345" has more than 4 digits/],
    ['::g', /the group "g" is not a hexadecimal number/],
    ['::ffff:10.0.0.010', /in its IPv4 part the octet "010" has a leading zero/],
    ['::ffff:10.0.1', /in its IPv4 part it has 3 octets/],
    ['1:2:3:4:5:6:7:10.0.0.1', /it has 9 groups/],
    ['example.com', /"example.com" is not an IP address; expected/],
    ['\uff11\uff10.0.0.1', /"\\uff11\\uff10\.0\.0\.1" is not an IP address/],
    ['1'.repeat(5000), /^"1{24}\.\.\." is not an IP address: it has 5000 characters; expected/],
  ])('refuses %j and says why', (text, error) => {
    expect(errorOf(text)).toMatch(error)
  })

  it('quotes nothing that could hurt a terminal or a page of a log', () => {
    fc.assert(
      fc.property(nearText, (text) => {
        const parsed = parseIp(text)
        fc.pre(!parsed.ok)
        expect(parsed.error).toMatch(/^[\x20-\x7e]{1,400}$/)
        expect(quoteInput(text)).toMatch(/^[\x20-\x7e]*$/)
      }),
    )
    expect(errorOf('\u001b[31m10.0.0.1')).toContain('"\\u001b[31m10.0.0.1"')
    expect(errorOf('10.0.0.1\u202e')).toContain('"10.0.0.1\\u202e"')
  })

  it('quotes no part of a text that may hold a secret', () => {
    for (const text of [
      'https://b.s3.amazonaws.com/k?X-Amz-Signature=c0ffee',
      'X-Amz-Signature=abc:c0ffee',
      'c0ffee:c0ffee@10.0.0.1',
      'X-Amz-Signature%3Dc0ffee',
      'X-Amz-Signature%253dc0ffee',
    ]) {
      expect(errorOf(text)).toMatch(/^a text of \d+ characters is not an IP address; expected/)
      expect(errorOf(text)).not.toContain('c0ffee')
    }
    expect(errorOf('FwoGZXIvYXdzEMc0ffee')).not.toContain('c0ffee')
  })
})

describe('formatIp', () => {
  it('gives the canonical text of RFC 5952', () => {
    const canonical = {
      '2001:0db8::0001': '2001:db8::1',
      '2001:db8:0:0:0:0:2:1': '2001:db8::2:1',
      '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
      '2001:db8::1:1:1:1:1': '2001:db8:0:1:1:1:1:1',
      '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
      '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1',
      '2001:DB8::A': '2001:db8::a',
      '0:0:0:0:0:0:0:0': '::',
      '1:0:0:0:0:0:0:0': '1::',
      '::0:1': '::1',
      '::FFFF:C000:0221': '::ffff:192.0.2.33',
      '::192.0.2.33': '::c000:221',
      '64:ff9b::192.0.2.33': '64:ff9b::c000:221',
      '255.255.255.255': '255.255.255.255',
      '0.0.0.0': '0.0.0.0',
    }
    const given = Object.keys(canonical)
    expect(Object.fromEntries(given.map((text) => [text, canonicalIp(text)]))).toEqual(canonical)
    expect(canonicalIp('010.0.0.1')).toBeNull()
    expect(canonicalIp('fe80::1%eth0')).toBeNull()
  })

  it('agrees with the URL standard, and with the C library on mapped addresses', () => {
    const group = fc.oneof(fc.constant(0n), fc.bigInt({ min: 0n, max: 0xffffn }))
    const sparse = fc
      .array(group, { minLength: 8, maxLength: 8 })
      .map((groups) => groups.reduce((value, next) => (value << 16n) | next, 0n))
    fc.assert(
      fc.property(sparse, (value) => {
        fc.pre(value >> 32n !== 0xffffn)
        const text = formatIp({ family: 6, value })
        expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`)
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(anyIp(4), ({ value }) => {
        const mapped = formatIp({ family: 6, value: (0xffffn << 32n) | value })
        expect(mapped).toBe(new SocketAddress({ address: mapped, family: 'ipv6' }).address)
        expect(mapped).toBe(`::ffff:${formatIp({ family: 4, value })}`)
      }),
    )
  })

  it('is read back as it was', () => {
    fc.assert(
      fc.property(fc.oneof(anyIp(4), anyIp(6)), (ip) => {
        const text = formatIp(ip)
        expect(parseIp(text)).toEqual({ ok: true, value: ip })
        expect(canonicalIp(text)).toBe(text)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('mappedIpv4', () => {
  it('unwraps ::ffff:0:0/96 and nothing else', () => {
    expect(unwrap('::ffff:10.1.2.3')).toBe('10.1.2.3')
    expect(unwrap('::ffff:ffff:ffff')).toBe('255.255.255.255')
    expect(unwrap('::ffff:0:0')).toBe('0.0.0.0')
    const others = ['::10.1.2.3', '::fffe:10.1.2.3', '1::ffff:10.1.2.3', '::1:0:0', '10.1.2.3', '64:ff9b::1']
    expect(others.filter((text) => unwrap(text) !== null)).toEqual([])
  })
})
