import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { effectiveConfig } from '../../agent/config/effective.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { problemText } from '../../agent/config/problems.ts'
import { iamPolicy } from '../../agent/iam/iam.ts'

const dc = {
  name: 'dc1',
  first_leg: 'direct_connect',
  next_hops: ['169.254.100.0/30'],
  prefixes: ['192.168.0.0/16'],
}

const load = (document: object) =>
  parseConfig(JSON.stringify({ version: 1, ...document }), 'test.yml', Date.UTC(2026, 10, 20))
function errors(document: object): string[] {
  const loaded = load(document)
  return loaded.ok ? [] : loaded.problems.map(problemText)
}
function warnings(document: object): string[] {
  const loaded = load(document)
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join('\n'))
  return loaded.warnings.map(problemText)
}

describe('sites', () => {
  test('that are as they should be say nothing', () => {
    const vpn = {
      ...dc,
      name: 'dc2',
      first_leg: 'vpn',
      next_hops: ['169.254.33.0/30'],
      prefixes: ['172.20.0.0/16'],
    }
    expect(warnings({ sites: [dc, vpn, { name: 'dc3', prefixes: ['10.9.0.0/16'] }] })).toEqual([])
  })

  test.each<[string, object, RegExp]>([
    [
      'overlap',
      [dc, { ...dc, name: 'dc2', next_hops: [], prefixes: ['192.168.5.0/24'] }],
      /sites\[1\]\.prefixes\[0\]: "192\.168\.5\.0\/24" overlaps "192\.168\.0\.0\/16" of sites\[0\]/,
    ],
    [
      'a next hop in no prefix',
      [{ ...dc, next_hops: ['192.186.10.1/32'] }],
      /next_hops\[0\]: "192\.186\.10\.1\/32" is public and in no prefix of the site/,
    ],
    [
      'the same, private',
      [{ ...dc, next_hops: ['10.1.1.1/32'] }],
      /"10\.1\.1\.1\/32" is in no prefix of the site: is it a router of this way\?/,
    ],
    [
      'next hops of nothing',
      [{ name: 'dc1', next_hops: ['192.168.10.1/32'], prefixes: ['192.168.0.0/16'] }],
      /next_hops: says nothing without first_leg/,
    ],
  ])('a warning: %s', (_what, sites, wanted) => {
    expect(warnings({ sites }).join('\n')).toMatch(wanted)
  })

  test.each<[string, object, RegExp]>([
    ['a next hop that is no prefix', { sites: [{ ...dc, next_hops: ['192.168.10.1'] }] }, /next_hops\[0\]/],
    ['host bits', { sites: [{ ...dc, next_hops: ['192.168.10.1/24'] }] }, /next_hops\[0\]/],
    [
      'everything',
      { sites: [{ ...dc, next_hops: ['0.0.0.0/0'] }] },
      /next_hops\[0\]: "0\.0\.0\.0\/0" is too wide for next hops/,
    ],
    [
      'all link-local addresses, a VPN’s as well',
      { sites: [{ ...dc, next_hops: ['169.254.0.0/16'] }] },
      /too wide for next hops.*\/24 or longer/,
    ],
    ['multicast', { sites: [{ ...dc, next_hops: ['224.0.0.5/32'] }] }, /is multicast: no router has it/],
    [
      'one hop for two ways',
      { sites: [dc, { ...dc, name: 'dc2', first_leg: 'vpn' }] },
      /sites\[1\]\.next_hops: a next hop of a VPN is one of Direct Connect at sites\[0\] as well: it shows neither/,
    ],
    [
      'via a site that is not there',
      {
        sites: [dc],
        trusted_endpoints: [
          { dns_name: 'vpce-0a0000a1-h3k9q2xd.ssm.us-east-1.vpce.amazonaws.com', via: 'dc2' },
        ],
      },
      /trusted_endpoints\[0\]\.via: there is no site "dc2", expected one of: dc1/,
    ],
    [
      'a resolver that is not there',
      { targets: [{ name: 'a', hostname: 'sts.amazonaws.com', compare_resolvers: ['corp'] }] },
      /compare_resolvers\[0\]: there is no resolver "corp"/,
    ],
    [
      'one that counts already',
      {
        resolvers: [{ name: 'corp', address: '10.1.1.53' }],
        targets: [
          { name: 'a', hostname: 'sts.amazonaws.com', resolvers: ['corp'], compare_resolvers: ['corp'] },
        ],
      },
      /the answers of "corp" count already/,
    ],
  ])('an error: %s', (_what, document, wanted) => {
    expect(errors(document).join('\n')).toMatch(wanted)
  })
})

test('a demand that no site can show is warned of', () => {
  const targets = [{ name: 'a', hostname: 'sts.amazonaws.com', require_first_leg: 'direct_connect' }]
  const wanted =
    /targets\[0\]\.require_first_leg: no site declares next_hops of Direct Connect: it can't be shown/
  expect(warnings({ targets }).join('\n')).toMatch(wanted)
  expect(warnings({ targets, sites: [{ ...dc, next_hops: [] }] }).join('\n')).toMatch(wanted)
  expect(warnings({ targets, sites: [dc] }).join('\n')).not.toMatch(wanted)
})

test('traces and the Direct Connect API are off unless they are asked for', () => {
  const plain = load({})
  const asked = load({ trace: {}, direct_connect: { region: 'eu-west-1' } })
  if (!plain.ok || !asked.ok) throw new Error('refused')
  expect([plain.config.trace, plain.config.directConnect]).toEqual([null, null])
  expect(asked.config.trace).toEqual({ everySeconds: 300 })
  expect(asked.config.directConnect).toEqual({ everySeconds: 300, region: 'eu-west-1' })
  expect(parse(effectiveConfig(asked.config))).toMatchObject({
    trace: { every: '5m' },
    direct_connect: { every: '5m', region: 'eu-west-1' },
  })
  const sids = (config: typeof asked.config) => iamPolicy(config)?.Statement.map(({ Sid }) => Sid) ?? []
  expect(sids(plain.config)).not.toContain('PathproofDirectConnect')
  expect(
    iamPolicy(asked.config)?.Statement.find(({ Sid }) => Sid === 'PathproofDirectConnect')?.Action,
  ).toEqual(['directconnect:DescribeVirtualInterfaces', 'directconnect:ListVirtualInterfaceRoutes'])
  expect(errors({ trace: { every: '5s' } }).join()).toMatch(/trace\.every.*too short/)
  expect(errors({ direct_connect: { region: 'nowhere' } }).join()).toMatch(/direct_connect\.region/)
})
