/** Endpoints that nobody declared: their own names, from a snapshot of whatever age, and the peering to their VPC. */
import { describe, expect, it } from 'vitest'
import type {
  Peering,
  Route,
  Snapshot,
  Topology,
  TrustedEndpoint,
  VpcEndpoint,
} from '../../model/topology.ts'
import { endpointNames } from '../../verdict/endpoint-names.ts'
import { judgeAttempt, judgeWithParts } from '../../verdict/judge.ts'
import {
  attempt,
  cidrRoute,
  eni,
  hostMac,
  interfaceEndpoint,
  kernelRoute,
  lacking,
  snapshot,
  stamp,
  now,
  target,
  topology,
  withRoutes,
} from './fixture.ts'

const address = '10.9.0.7'
const farName = 'vpce-0far-abc.ssm.us-east-1.vpce.amazonaws.com'
const far: VpcEndpoint = {
  ...interfaceEndpoint,
  id: 'vpce-0far',
  vpcId: 'vpc-9',
  networkInterfaceIds: ['eni-far'],
  dnsNames: [
    farName,
    'vpce-0far-abc-us-east-1a.ssm.us-east-1.vpce.amazonaws.com',
    'ssm.us-east-1.amazonaws.com',
  ],
}
const found = (more: Partial<TrustedEndpoint> = {}): TrustedEndpoint => ({
  declared: { dnsName: farName },
  via: null,
  addresses: [address],
  vpcCidrs: [],
  found: true,
  ...more,
})
const side = (vpcId: string, cidr: string) => ({
  vpcId,
  ownerId: null,
  region: null,
  ipv4Cidrs: [cidr],
  ipv6Cidrs: [],
})
const peering = (more: Partial<Peering> = {}): Peering => ({
  id: 'pcx-1',
  status: 'active',
  requester: side('vpc-1', '10.0.0.0/16'),
  accepter: side('vpc-9', '10.9.0.0/16'),
  ...more,
})
const to = (kind: Route['target']['kind'], id: string) => cidrRoute('10.9.0.0/16', target(kind, id))
const home = (more: Partial<Snapshot> = {}, routes = [to('peering', 'pcx-1')]) =>
  withRoutes(routes, { peerings: [peering()], endpoints: [far], ...more })
const old = (days: number, endpoint: Partial<VpcEndpoint> = {}) =>
  snapshot({ endpoints: [{ ...far, ...endpoint }], networkInterfaces: [] }, days * 86_400)

const judge = (t: Topology, more: object = {}) =>
  judgeWithParts(attempt({ hostname: 'ssm.us-east-1.amazonaws.com', address, ...more }), t)
const rowOf = (t: Topology, more: object = {}) => judge(t, more).endpoint?.row ?? null
const with_ = (readings: Snapshot[], entry: Partial<TrustedEndpoint> = {}, more: Partial<Topology> = {}) =>
  topology(readings, { trustedEndpoints: [found(entry)], ...more })
const undescribed = home({ endpoints: [] })

describe('an endpoint that a snapshot names, and whose name answers now', () => {
  it.each<[string, Topology, string | null]>([
    ['by the peering to its VPC', with_([home()]), 'endpoint.trusted'],
    ['described by a further account', with_([undescribed], {}, { others: [old(0)] }), 'endpoint.trusted'],
    ['described long ago', with_([undescribed], {}, { others: [old(400)] }), 'endpoint.trusted'],
    ['described in a later reading only', with_([undescribed, home()]), 'endpoint.trusted'],
    ['described by nobody', with_([undescribed]), null],
    [
      'described without that name',
      with_([
        home({ endpoints: [{ ...far, dnsNames: ['vpce-0far-xyz.ssm.us-east-1.vpce.amazonaws.com'] }] }),
      ]),
      null,
    ],
    ['whose name answers another address', with_([home()], { addresses: ['10.9.0.8'] }), null],
    ['whose name did not resolve in this cycle', with_([home()], { addresses: [] }), null],
    ['described as another kind', with_([home({ endpoints: [{ ...far, type: 'Resource' }] })]), null],
    ['described as going', with_([home({ endpoints: [{ ...far, state: 'deleting' }] })]), null],
    [
      'described as going in some reading',
      with_([home()], {}, { others: [old(1, { state: 'deleting' })] }),
      null,
    ],
    [
      'of somebody else’s service',
      with_([home({ endpoints: [{ ...far, serviceName: 'com.amazonaws.vpce.us-east-1.vpce-svc-1' }] })]),
      null,
    ],
    ['in this very VPC', with_([home({ endpoints: [{ ...far, vpcId: 'vpc-1' }] })]), 'endpoint.not_shown'],
    [
      'behind the peering of another VPC',
      with_([home({ endpoints: [{ ...far, vpcId: 'vpc-8' }] })]),
      'endpoint.not_shown',
    ],
    [
      'behind a peering that is not active',
      with_([home({ peerings: [peering({ status: 'deleted' })] })]),
      'endpoint.not_shown',
    ],
    ['while peerings are unread', with_([lacking(home(), 'peerings')]), 'endpoint.not_shown'],
    ['while tables are unread', with_([lacking(home(), 'routeTables')]), 'endpoint.not_shown'],
    [
      'while what was read of peerings and routes is too old',
      with_([{ ...home(), parts: snapshot({}, 90_000).parts }]),
      'endpoint.not_shown',
    ],
    ['without a reading', with_([], {}, { others: [old(0)] }), 'endpoint.not_shown'],
  ])('%s', (_, t, expected) => {
    expect(rowOf(t)).toBe(expected)
  })

  it.each<[string, Route]>([
    ['transit gateway', to('transit_gateway', 'tgw-1')],
    ['core network', to('core_network', 'core-1')],
    ['virtual private gateway', to('virtual_private_gateway', 'vgw-1')],
    ['NAT gateway', to('nat_gateway', 'nat-1')],
    ['network interface', to('network_interface', 'eni-x')],
  ])('no %s leads to it, whatever the entry says', (_, route) => {
    for (const via of [null, route.target.id]) {
      const t = with_([home({}, [route])], { via })
      expect(rowOf(t)).toBe('endpoint.not_shown')
      expect(judge(t).verdict.state).not.toBe('private')
    }
  })

  it('no site leads to it', () => {
    const site = { name: 'dc1', firstLeg: null, nextHops: [], prefixes: ['192.168.0.0/16'], snatRelay: false }
    const onPrem = (entry: Partial<TrustedEndpoint>): Topology => ({
      ...with_([home()], entry),
      sites: [site],
      vantage: { ...topology().vantage, kind: 'on-prem', instanceId: null },
    })
    const host = { ...kernelRoute, source: '192.168.1.5', gateway: '192.168.1.1' }
    const more = { localAddress: '192.168.1.5', host }
    expect(rowOf(onPrem({ via: 'dc1' }), more)).toBe('endpoint.not_shown')
    const { found: _found, ...declared } = found({ via: 'dc1' })
    expect(rowOf({ ...onPrem({}), trustedEndpoints: [declared] }, more)).toBe('endpoint.trusted')
  })

  it('nor does a bridge of the host', () => {
    for (const deviceKind of ['bridge', 'tun', 'veth', null])
      expect(rowOf(with_([home()]), { host: { ...kernelRoute, deviceKind } })).toBe('endpoint.not_shown')
  })

  it('is no endpoint where the names of two answer the same', () => {
    const other = 'vpce-0two-abc.kms.us-east-1.vpce.amazonaws.com'
    const two = [found(), found({ declared: { dnsName: other }, addresses: [address] })]
    expect(rowOf(topology([home()], { trustedEndpoints: two }))).toBeNull()
    const apart = [found(), found({ declared: { dnsName: other }, addresses: ['10.9.0.8'] })]
    expect(rowOf(topology([home()], { trustedEndpoints: apart }))).toBe('endpoint.trusted')
  })

  it('nor where another endpoint has the address in any reading', () => {
    const twin = snapshot(
      {
        endpoints: [{ ...far, id: 'vpce-0twin', networkInterfaceIds: ['eni-twin'] }],
        networkInterfaces: [eni('eni-twin', [address], { vpcId: 'vpc-9' })],
      },
      90_000,
    )
    expect(rowOf(with_([home()], {}, { others: [twin] }))).toBe('endpoint.not_shown')
  })

  it('is private, and says on what that rests', () => {
    const { verdict, endpoint } = judge(with_([home()]))
    expect(verdict).toMatchObject({ state: 'private', proof: 'configured', possible: ['interface_endpoint'] })
    expect(endpoint).toMatchObject({
      endpoint: 'vpce-0far',
      because: `${address} is what ${farName} answers, reached by the peering pcx-1 with vpc-9`,
    })
    expect(verdict.assumptions).toContain(`the name service's answer for ${farName} is AWS's`)
    expect(verdict.assumptions.join()).not.toContain('trusted_endpoints')
  })

  it('is not public for that its VPC has public ranges', () => {
    const t = with_([home()], { addresses: ['52.119.1.1'] })
    expect(rowOf(t, { address: '52.119.1.1' })).toBeNull()
  })
})

describe('a further account is judged on what was known at the attempt, and on all that came since', () => {
  const account = (
    at: number,
    endpoint: Partial<VpcEndpoint> = {},
    more: Partial<Snapshot> = {},
  ): Snapshot => ({
    ...snapshot(
      { endpoints: [{ ...far, ...endpoint }], networkInterfaces: [eni('eni-far', [address])], ...more },
      -at,
    ),
    account: '444455556666',
  })
  const none = { networkInterfaces: [] }
  const first = withRoutes([to('peering', 'pcx-1')], { peerings: [peering()] })
  it.each<[string, Snapshot[], string]>([
    ['before', [account(-60)], 'private'],
    ['after only: it may have been made since', [account(60)], 'undetermined'],
    ['before and after', [account(-60), account(60)], 'private'],
    ['gone since', [account(-60), account(60, {}, none)], 'undetermined'],
    ['going since', [account(-60), account(60, { state: 'deleting' })], 'undetermined'],
    ['not there before', [account(-60, {}, none), account(60)], 'undetermined'],
    ['too long before', [account(-1000), account(60)], 'undetermined'],
    ['unread since', [account(-60), lacking(account(60), 'endpoints')], 'private'],
    [
      'another account that does not have it',
      [account(-60), { ...account(60, {}, none), account: '777788889999' }],
      'private',
    ],
    [
      'the same account elsewhere',
      [account(-60), { ...account(60, {}, none), region: 'eu-west-1' }],
      'private',
    ],
  ])('%s', (_, others, state) => {
    const one = attempt({ hostname: 'ssm.us-east-1.amazonaws.com', address, stamp: stamp('a', now) })
    expect(judgeAttempt(one, topology([first], { others })).state).toBe(state)
  })
})

describe('which names are asked for', () => {
  const named = (t: Topology, declared: string[] = []) =>
    endpointNames(t, declared).map(({ dnsName }) => dnsName)
  const at = (...endpoints: Partial<VpcEndpoint>[]) =>
    topology([home({ endpoints: endpoints.map((e) => ({ ...far, ...e })) })])
  it.each<[string, Topology, string[]]>([
    ['the one for all zones', at({}), [farName]],
    ['of a further account', topology([undescribed], { others: [old(400)] }), [farName]],
    [
      'of S3 one below the wildcard',
      at({
        serviceName: 'com.amazonaws.us-east-1.s3',
        dnsNames: ['*.vpce-0far-abc.s3.us-east-1.vpce.amazonaws.com'],
      }),
      ['bucket.vpce-0far-abc.s3.us-east-1.vpce.amazonaws.com'],
    ],
    ['none of private DNS', at({ dnsNames: ['ssm.us-east-1.amazonaws.com'] }), []],
    ['none of one zone', at({ dnsNames: [far.dnsNames[1] ?? ''] }), []],
    [
      'none of another endpoint',
      at({ dnsNames: ['vpce-0farther-abc.ssm.us-east-1.vpce.amazonaws.com'] }),
      [],
    ],
    [
      'none outside AWS',
      at({ dnsNames: ['vpce-0far-abc.ssm.us-east-1.vpce.amazonaws.com.evil.example'] }),
      [],
    ],
    ['none that is no name', at({ dnsNames: ['vpce-0far-abc..', ''] }), []],
    ['none of another kind', at({ type: 'Gateway' }, { type: 'Resource' }), []],
    ['none of somebody else’s service', at({ serviceName: 'com.amazonaws.vpce.us-east-1.vpce-svc-1' }), []],
    ['none of a VPC without a peering', at({ vpcId: 'vpc-8' }), []],
    ['none without an active one', topology([home({ peerings: [peering({ status: 'deleted' })] })]), []],
    ['none without a reading', topology([], { others: [old(0)] }), []],
  ])('%s', (_, t, expected) => {
    expect(named(t)).toEqual(expected)
  })

  it('none of this host’s own VPC, none on-prem, none that is declared', () => {
    const own = topology([home({ endpoints: [{ ...far, vpcId: 'vpc-1' }] })])
    own.vantage = { ...own.vantage, interfaces: [{ vpcId: 'vpc-1' } as never] }
    expect(named(own)).toEqual([])
    const { vantage } = topology()
    expect(named({ ...at({}), vantage: { ...vantage, kind: 'on-prem' } })).toEqual([])
    expect(named(at({}), [farName])).toEqual([])
    expect(named(at({}), ['vpce-0other-abc.ssm.us-east-1.vpce.amazonaws.com'])).toEqual([farName])
  })

  it('each with one that nobody has', () => {
    expect(endpointNames(at({}), [])).toEqual([
      {
        endpoint: 'vpce-0far',
        dnsName: farName,
        controlName: 'vpce-00000000000000000-pathproof.ssm.us-east-1.vpce.amazonaws.com',
      },
    ])
  })

  it('no more than a few, always the same', () => {
    const ids = Array.from({ length: 100 }, (_, n) => `vpce-0${String(n).padStart(3, '0')}`)
    const many = ids.map((id) => ({ id, dnsNames: [`${id}-abc.ssm.us-east-1.vpce.amazonaws.com`] }))
    const names = named(at(...many))
    expect(names.length).toBe(32)
    expect(named(at(...many.toReversed()))).toEqual(names)
  })
})

it('the fixture’s host is where these tests say', () => {
  expect(home().networkInterfaces.find(({ macAddress }) => macAddress === hostMac)?.vpcId).toBe('vpc-1')
})
