import { describe, expect, it } from 'vitest'
import type { DnsAnswer, DnsObservation } from '../../model/observation.ts'
import { resolverViews } from '../../verdict/resolvers.ts'
import { createResolverBook } from '../../agent/watch/resolver-book.ts'
import { stamp, topology } from './fixture.ts'

const name = 's3.eu-west-1.amazonaws.com'

function answer(...addresses: string[]): DnsAnswer {
  return {
    answered: true,
    rcode: 'NOERROR',
    addresses: addresses.map((address) => ({ address, ttlSeconds: 5 })),
    cnames: [],
    truncated: false,
    transport: 'udp',
    rttSeconds: 0.01,
  }
}
const absent: DnsAnswer = { ...answer(), rcode: 'NXDOMAIN' } as DnsAnswer
const failed: DnsAnswer = { answered: false, failure: { type: 'dns', code: 'CNAME_LOOP' }, transport: 'udp' }

function asked(
  resolver: string,
  counts: boolean,
  ipv4: DnsAnswer,
  ipv6: DnsAnswer = answer(),
): DnsObservation {
  return { kind: 'dns', stamp: stamp(), hostname: name, resolver, server: '10.1.1.53:53', counts, ipv4, ipv6 }
}
const beside = (own: DnsAnswer, counted: DnsAnswer, more?: DnsAnswer) =>
  resolverViews(name, [asked('system', true, counted), asked('corp-2', false, own, more)], topology()).at(-1)

const inside = answer('10.0.1.101')
const outside = answer('52.218.1.1')

describe('a compared resolver', () => {
  it.each([
    ['private beside private', beside(inside, inside), 'private', 'same', null],
    ['public beside public, rotated', beside(answer('52.218.9.9'), outside), 'public', 'same', null],
    [
      'public beside private',
      beside(outside, inside),
      'public',
      'different',
      `corp-2 answers public addresses for ${name}: its forwarding rule is missing (system answers private addresses)`,
    ],
    [
      'private beside public',
      beside(inside, outside),
      'private',
      'different',
      `corp-2 answers private addresses for ${name}, system answers public addresses: system lacks the forwarding rule that corp-2 has`,
    ],
    [
      'both kinds',
      beside(answer('10.0.1.101', '52.218.1.1'), inside),
      'mixed',
      'different',
      expect.stringContaining('some of its servers have a forwarding rule'),
    ],
    [
      'private IPv4, public IPv6',
      beside(inside, inside, answer('2a05:d018::1')),
      'mixed',
      'different',
      expect.stringContaining('private and public'),
    ],
    [
      'a lie: other private addresses',
      beside(answer('10.66.6.6'), inside),
      'private',
      'different',
      expect.stringContaining("(10.66.6.6): another endpoint's, or somebody else's"),
    ],
    [
      'no such name',
      beside(absent, inside, absent),
      'absent',
      'different',
      expect.stringContaining('a zone of its own hides the name'),
    ],
    ['no address', beside(answer(), inside), 'none', 'different', expect.stringContaining('hides the name')],
    ['no answer', beside(failed, inside, failed), 'failed', 'failed', `corp-2 gives no answer for ${name}`],
    [
      'half an answer without address',
      beside(answer(), inside, failed),
      'failed',
      'failed',
      expect.stringContaining('no answer'),
    ],
    [
      'half an answer that leaks',
      beside(outside, inside, failed),
      'public',
      'different',
      expect.stringContaining('forwarding rule is missing'),
    ],
  ] as const)('%s', (_what, view, kind, state, because) => {
    expect(view).toMatchObject({ counts: false, kind, state, because })
  })

  it('has nothing to be set against where those that count gave no answer', () => {
    const [, view] = resolverViews(
      name,
      [asked('system', true, failed, failed), asked('corp-2', false, inside)],
      topology(),
    )
    expect(view).toMatchObject({ kind: 'private', state: 'failed', because: null })
  })

  it('is set against all that count together', () => {
    const all = [asked('a', true, inside), asked('b', true, outside), asked('corp-2', false, outside)]
    expect(resolverViews(name, all, topology()).map(({ kind, state }) => [kind, state])).toEqual([
      ['private', null],
      ['public', null],
      ['public', 'different'],
    ])
  })

  it('takes public-looking addresses of a declared site for private, as verdicts do', () => {
    const sites = [
      { name: 'dc', firstLeg: null, nextHops: [], prefixes: ['198.18.0.0/15'], snatRelay: false },
    ]
    const views = resolverViews(name, [asked('system', true, answer('198.18.5.5'))], topology([], { sites }))
    expect(views[0]?.kind).toBe('private')
  })
})

describe('since when', () => {
  it('changes with what is answered, and with nothing else', () => {
    let nowMs = 1000
    const book = createResolverBook(() => nowMs)
    const look = (own: DnsAnswer) =>
      book
        .dated(
          'key',
          resolverViews(name, [asked('system', true, inside), asked('corp-2', false, own)], topology()),
        )
        .map((v) => v.sinceMs)
    expect(look(outside)).toEqual([1000, 1000])
    nowMs = 2000
    expect(look(answer('52.218.7.7'))).toEqual([1000, 1000])
    nowMs = 3000
    expect(look(inside)).toEqual([1000, 3000])
    nowMs = 4000
    expect(look(outside)).toEqual([1000, 4000])
    book.forget('key')
    nowMs = 5000
    expect(look(outside)).toEqual([5000, 5000])
  })
})
