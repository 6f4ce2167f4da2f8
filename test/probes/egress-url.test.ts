import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseEgressUrl } from '../../probes/egress-url.ts'

const read = (text: string) => {
  const url = parseEgressUrl(text)
  return url.ok ? url.value : null
}

describe('destinations', () => {
  test.each([
    ['tcp://1.1.1.1:443', { scheme: 'tcp', host: '1.1.1.1', address: { family: 4 }, port: 443 }],
    ['tls://Example.COM.', { scheme: 'tls', host: 'example.com', address: null, port: 443 }],
    ['udp://[2606:4700:0::1111]:53', { host: '2606:4700::1111', address: { family: 6 }, port: 53 }],
    ['dns://9.9.9.9', { port: 53, question: 'example.com', path: '/' }],
    ['dns://9.9.9.9:5353/Www.Example.net.', { port: 5353, question: 'www.example.net' }],
    ['doh://dns.google', { port: 443, path: '/dns-query' }],
    ['doh://dns.google/q', { path: '/q' }],
    ['ntp://time.example.net', { port: 123 }],
    ['http://example.com', { port: 80, path: '/' }],
    ['https://example.com:8443/a/b', { port: 8443, path: '/a/b' }],
    ['tcp://10.0.0.1:22', { host: '10.0.0.1' }],
  ])('%s', (text, expected) => {
    expect(read(text)).toMatchObject(expected)
  })

  test.each([
    ['an address that is never dialled', 'tcp://169.254.169.254:80', /link-local/],
    ['metadata by IPv6', 'http://[fd00:ec2::254]', /metadata/],
    ['loopback', 'tcp://127.0.0.53:53', /loopback/],
    ['loopback by IPv6', 'tcp://[::1]:53', /loopback/],
    ['loopback behind NAT64', 'tcp://[64:ff9b::7f00:1]:80', /loopback/],
    ['link-local by IPv6', 'tcp://[fe80::1]:80', /link-local/],
    ['multicast', 'udp://224.0.0.251:5353', /multicast/],
    ['anything', 'tcp://0.0.0.0:80', /unspecified/],
    ['an IPv4 address dressed as IPv6', 'tcp://[::ffff:1.1.1.1]:80', /form of IPv6/],
    ['a number that some take for an address', 'http://2130706433', /usual form/],
    ['a hexadecimal one', 'http://0x7f.0x1', /usual form/],
    ['an octal one', 'tcp://010.0.0.1:80', /usual form/],
    ['a short one', 'http://127.1', /usual form/],
    ['this host', 'http://localhost', /this host/],
    ['this host, somewhere', 'http://a.localhost:80', /this host/],
    ['a single label', 'http://intranet', /single label/],
    ['no port', 'tcp://1.1.1.1', /no port/],
    ['a bad port', 'tcp://1.1.1.1:0', /no valid port/],
    ['a long port', 'tcp://1.1.1.1:65536', /no valid port/],
    ['a path where there is none', 'tcp://1.1.1.1:80/x', /path/],
    ['no name to ask for', 'dns://1.1.1.1/a%20b', /no DNS name/],
    ['user info', 'https://u:p@example.com/', /user info/],
    ['a query', 'https://example.com/?a', /query/],
    ['a fragment', 'https://example.com/#a', /fragment/],
    ['another scheme', 'ftp://example.com/', /scheme ftp/],
    ['no URL', '1.1.1.1:443', /not a URL/],
    ['a wildcard', 'https://*.example.com', /DNS name/],
    ['letters of other scripts', 'https://exämple.com', /not a URL/],
    ['a control character', 'https://a.example\u0000.com', /not a URL/],
  ])('%s is refused', (_name, text, problem) => {
    const url = parseEgressUrl(text)
    expect(url.ok).toBe(false)
    if (!url.ok) expect(url.problem).toMatch(problem)
  })

  test('never throws, and what it takes can be dialled', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('tcp://', 'dns://', '[', ']', ':', '/', '1.1.1.1', '::1', '443', '.'),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const value = read(pieces.join(''))
        if (value === null) return
        expect(value.port).toBeGreaterThan(0)
        expect(value.port).toBeLessThan(65_536)
        expect(value.host).toMatch(/^[a-z0-9._:-]+$/)
      }),
      { numRuns: 2000 },
    )
  })
})
