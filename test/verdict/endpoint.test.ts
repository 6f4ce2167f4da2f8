/** Whose address it is: each condition under which an endpoint's address counts, and each that takes it back. */
import { describe, expect, it } from 'vitest'
import type { Attempt, HostRoute } from '../../model/observation.ts'
import type {
  Peering,
  Route,
  Site,
  Snapshot,
  Topology,
  TrustedEndpoint,
  VpcEndpoint,
} from '../../model/topology.ts'
import { judgeWithParts } from '../../verdict/judge.ts'
import { awsOwnedService, endpointShown } from '../../verdict/rules/endpoint.ts'
import {
  attempt,
  cidrRoute,
  eni,
  hostMac,
  interfaceEndpoint,
  kernelRoute,
  lacking,
  listRoute,
  localRoute,
  localRoute6,
  s3List,
  snapshot,
  table,
  target,
  topology,
  withRoutes,
} from './fixture.ts'

const ssm = 'ssm.us-east-1.amazonaws.com'
const shown = (address: string, t: Topology, more: Partial<Attempt> = {}) =>
  judgeWithParts(attempt({ hostname: ssm, address, ...more }), t).endpoint
const rowOf = (address: string, t: Topology, more: Partial<Attempt> = {}) =>
  shown(address, t, more)?.row ?? null
const because = (address: string, t: Topology, more: Partial<Attempt> = {}) =>
  shown(address, t, more)?.because ?? ''
const veth = { host: { ...kernelRoute, deviceKind: 'veth' } } as const

describe('AWS’s own service', () => {
  it.each([
    ['com.amazonaws.us-east-1.ssm', true],
    ['com.amazonaws.s3-global.accesspoint', true],
    ['cn.com.amazonaws.cn-north-1.ecr.api', true],
    ['ssm', true],
    ['', false],
    ['com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0', false],
    ['cn.com.amazonaws.vpce.cn-north-1.vpce-svc-0123456789abcdef0', false],
    ['vpce-svc-0123456789abcdef0', false],
  ])('%s: %s', (name, expected) => {
    expect(awsOwnedService(name)).toBe(expected)
  })
})

describe('an endpoint of this VPC', () => {
  const enis = (...addresses: string[]) => ({
    networkInterfaces: [
      eni('eni-host', ['10.0.1.50', '2600:1f18::50'], { macAddress: hostMac }),
      eni('eni-ssm', addresses),
    ],
  })
  const endpoints = (...all: Partial<VpcEndpoint>[]) =>
    topology([snapshot({ endpoints: all.map((e) => ({ ...interfaceEndpoint, ...e })) })])
  const routed = (...routes: Route[]) => topology([withRoutes(routes)])
  const tableOf = (routes: Route[], unreadableRoutes = 0) =>
    topology([snapshot({ routeTables: [table('rtb-1', routes, { unreadableRoutes })] })])
  const own = { ...s3List, id: 'pl-own', ownerId: '111122223333', entries: ['10.0.1.60/32'] }
  const byOwnList = listRoute('pl-own', target('network_interface', 'eni-x'))

  it.each<[string, string | null, string | null]>([
    ['is shown', rowOf('10.0.1.60', topology()), 'endpoint.own_vpc'],
    [
      'by any of its addresses',
      rowOf('10.0.1.61', topology([snapshot(enis('10.0.1.60', '10.0.1.61'))])),
      'endpoint.own_vpc',
    ],
    [
      'by IPv6',
      rowOf('2600:1f18::60', topology([snapshot(enis('10.0.1.60', '2600:1f18::60'))])),
      'endpoint.own_vpc',
    ],
    [
      'not by another address',
      rowOf('10.0.1.62', topology([snapshot(enis('10.0.1.60', '10.0.1.61'))])),
      null,
    ],
    [
      'not by an interface of nobody',
      rowOf('10.0.1.60', endpoints({ networkInterfaceIds: ['eni-other'] })),
      null,
    ],
    [
      'by one of its interfaces',
      rowOf('10.0.1.60', endpoints({ networkInterfaceIds: ['eni-other', 'eni-ssm'] })),
      'endpoint.own_vpc',
    ],
    [
      'beside another one that is as good',
      rowOf('10.0.1.60', endpoints({}, { id: 'vpce-twin' })),
      'endpoint.own_vpc',
    ],
    [
      'not beside one of another kind',
      rowOf('10.0.1.60', endpoints({}, { id: 'vpce-twin', type: 'Resource' })),
      'endpoint.not_shown',
    ],
    [
      'not beside one of another VPC',
      rowOf('10.0.1.60', endpoints({}, { id: 'vpce-twin', vpcId: 'vpc-2' })),
      'endpoint.not_shown',
    ],
    ['not while it is made', rowOf('10.0.1.60', endpoints({ state: 'pending' })), 'endpoint.not_shown'],
    ['not for an interface that is not known', rowOf('10.0.1.60', topology(), veth), 'endpoint.not_shown'],
    [
      'not while tables are unread',
      rowOf('10.0.1.60', topology([lacking(snapshot(), 'routeTables')])),
      'endpoint.not_shown',
    ],
    [
      'not without a table',
      rowOf('10.0.1.60', topology([snapshot({ routeTables: [] })])),
      'endpoint.not_shown',
    ],
    ['not without a route', rowOf('10.0.1.60', tableOf([])), 'endpoint.not_shown'],
    [
      'not by a local route that is dead',
      rowOf('10.0.1.60', tableOf([{ ...localRoute, state: 'blackhole' }])),
      'endpoint.not_shown',
    ],
    [
      'not by a more specific route',
      rowOf('10.0.1.60', routed(cidrRoute('10.0.1.0/24', target('instance', 'i-1')))),
      'endpoint.not_shown',
    ],
    [
      'not by a list that may win as well',
      rowOf('10.0.1.60', topology([withRoutes([byOwnList], { prefixLists: [s3List, own] })])),
      'endpoint.not_shown',
    ],
    [
      'not by a list that was not read',
      rowOf(
        '10.0.1.60',
        topology([withRoutes([byOwnList], { prefixLists: [s3List, { ...own, entries: null }] })]),
      ),
      'endpoint.not_shown',
    ],
    [
      'not by a table that was not understood',
      rowOf('10.0.1.60', tableOf([localRoute, localRoute6], 1)),
      'endpoint.not_shown',
    ],
  ])('%s', (_, row, expected) => {
    expect(row).toBe(expected)
  })

  it('says why it is not', () => {
    expect(because('10.0.1.60', endpoints({ type: 'Resource' }))).toContain('vpce-ssm is of type Resource')
    expect(because('10.0.1.60', endpoints({ state: 'deleting' }))).toContain('vpce-ssm is in state deleting')
    expect(because('10.0.1.60', endpoints({ serviceName: '' }))).toContain("which is not AWS's own")
    expect(because('10.0.1.60', endpoints({ vpcId: 'vpc-2' }))).toContain('in another VPC')
    expect(because('10.0.1.60', tableOf([]))).toContain('route to it could not be read')
    expect(because('10.0.1.60', routed(cidrRoute('10.0.1.0/24', target('instance', 'i-1'))))).toContain(
      'not (only) the local route',
    )
    expect(because('10.0.1.60', topology(), veth)).toContain('veth')
  })

  it('is told with its id', () => {
    expect(shown('10.0.1.60', topology())).toMatchObject({ endpoint: 'vpce-ssm' })
    expect(because('10.0.1.60', topology())).toContain(
      'vpce-ssm (com.amazonaws.us-east-1.ssm, available) in vpc-1',
    )
  })

  it('that was there in a reading that is too old is still named', () => {
    const old = snapshot({}, 901)
    expect(because('10.0.1.60', topology([old]))).toContain('in a reading that is too old')
    expect(because('10.0.1.60', topology([], { others: [snapshot()] }))).toContain('vpce-ssm')
    expect(shown('10.0.1.62', topology([old]))).toBeNull()
  })

  it('an address that is none is nobody’s', () => {
    expect(
      endpointShown(attempt({ address: 'nonsense' }), { known: false, because: '' }, null, null, topology()),
    ).toBeNull()
  })
})

const farName = 'vpce-0far-abc.ssm.us-east-1.vpce.amazonaws.com'
const far = (more: Partial<TrustedEndpoint> = {}): TrustedEndpoint => ({
  declared: { dnsName: farName },
  via: 'tgw-1',
  addresses: ['10.9.0.7'],
  vpcCidrs: [],
  ...more,
})
const farEndpoint: VpcEndpoint = {
  ...interfaceEndpoint,
  id: 'vpce-0far',
  vpcId: 'vpc-9',
  networkInterfaceIds: ['eni-far'],
}
const toFar = (kind: Route['target']['kind'] = 'transit_gateway', id = 'tgw-1', more: Partial<Route> = {}) =>
  cidrRoute('10.9.0.0/16', target(kind, id), more)
const withFar = (routes: Route[], entry: Partial<TrustedEndpoint> = {}, more: Partial<Snapshot> = {}) =>
  topology([withRoutes(routes, more)], { trustedEndpoints: [far(entry)] })

describe('a declared endpoint', () => {
  it.each<[string, string | null, string | null]>([
    ['by the transit gateway', rowOf('10.9.0.7', withFar([toFar()])), 'endpoint.trusted'],
    [
      'by a core network',
      rowOf('10.9.0.7', withFar([toFar('core_network', 'cn-1')], { via: 'cn-1' })),
      'endpoint.trusted',
    ],
    [
      'by a virtual private gateway',
      rowOf('10.9.0.7', withFar([toFar('virtual_private_gateway', 'vgw-1')], { via: 'vgw-1' })),
      'endpoint.trusted',
    ],
    [
      'not by a NAT gateway',
      rowOf('10.9.0.7', withFar([toFar('nat_gateway', 'nat-1')], { via: 'nat-1' })),
      'endpoint.not_shown',
    ],
    [
      'not by another one',
      rowOf('10.9.0.7', withFar([toFar('transit_gateway', 'tgw-2')])),
      'endpoint.not_shown',
    ],
    [
      'not without the way declared',
      rowOf('10.9.0.7', withFar([toFar()], { via: null })),
      'endpoint.not_shown',
    ],
    [
      'not without an id of the way',
      rowOf('10.9.0.7', withFar([cidrRoute('10.9.0.0/16', target('transit_gateway'))], { via: null })),
      'endpoint.not_shown',
    ],
    [
      'not by a dead route',
      rowOf('10.9.0.7', withFar([toFar('transit_gateway', 'tgw-1', { state: 'blackhole' })])),
      'endpoint.not_shown',
    ],
    ['not without a route', rowOf('10.9.0.7', withFar([])), 'endpoint.not_shown'],
    ['not for an address that its name does not answer', rowOf('10.9.0.8', withFar([toFar()])), null],
    [
      'one of several addresses',
      rowOf('10.9.0.8', withFar([toFar()], { addresses: ['10.9.0.7', '10.9.0.8'] })),
      'endpoint.trusted',
    ],
    [
      'not for an interface that is not known',
      rowOf('10.9.0.7', withFar([toFar()]), veth),
      'endpoint.not_shown',
    ],
    [
      'not while the tables are unread',
      rowOf(
        '10.9.0.7',
        topology([lacking(withRoutes([toFar()]), 'routeTables')], { trustedEndpoints: [far()] }),
      ),
      'endpoint.not_shown',
    ],
    [
      'not without a reading',
      rowOf('10.9.0.7', topology([], { trustedEndpoints: [far()] })),
      'endpoint.not_shown',
    ],
    [
      'a gateway endpoint is none of these',
      rowOf('10.9.0.7', withFar([toFar()], { declared: { gateway: 'vpce-0far' } })),
      null,
    ],
    [
      'the base name of a service is no endpoint',
      rowOf('10.9.0.7', withFar([toFar()], { declared: { dnsName: 'ssm.us-east-1.vpce.amazonaws.com' } })),
      null,
    ],
    [
      'nor is what is no name',
      rowOf('10.9.0.7', withFar([toFar()], { declared: { dnsName: 'vpce-0far..' } })),
      null,
    ],
    [
      'nor is somebody else’s service',
      rowOf(
        '10.9.0.7',
        withFar([toFar()], {
          declared: { dnsName: 'vpce-0far-abc.vpce-svc-0123.us-east-1.vpce.amazonaws.com' },
        }),
      ),
      null,
    ],
    [
      'a bare address',
      rowOf('10.9.0.7', withFar([toFar()], { declared: { address: '10.9.0.7' }, addresses: [] })),
      'endpoint.declared_address',
    ],
    [
      'another bare address',
      rowOf('10.9.0.7', withFar([toFar()], { declared: { address: '10.9.0.8' } })),
      null,
    ],
    [
      'a bare address that is none',
      rowOf('10.9.0.7', withFar([toFar()], { declared: { address: 'nonsense' } })),
      null,
    ],
    [
      'a bare address by another way',
      rowOf('10.9.0.7', withFar([toFar('transit_gateway', 'tgw-2')], { declared: { address: '10.9.0.7' } })),
      'endpoint.not_shown',
    ],
    [
      'described as one',
      rowOf('10.9.0.7', withFar([toFar()], {}, { endpoints: [farEndpoint] })),
      'endpoint.trusted',
    ],
    [
      'described as another kind',
      rowOf('10.9.0.7', withFar([toFar()], {}, { endpoints: [{ ...farEndpoint, type: 'Resource' }] })),
      null,
    ],
    [
      'described as deleted',
      rowOf('10.9.0.7', withFar([toFar()], {}, { endpoints: [{ ...farEndpoint, state: 'deleted' }] })),
      null,
    ],
    [
      'beside others of which that is said',
      rowOf(
        '10.9.0.7',
        withFar([toFar()], {}, { endpoints: [farEndpoint, { ...interfaceEndpoint, state: 'deleted' }] }),
      ),
      'endpoint.trusted',
    ],
    [
      'described as deleted elsewhere',
      rowOf('10.9.0.7', {
        ...withFar([toFar()], {}, { endpoints: [farEndpoint] }),
        others: [snapshot({ endpoints: [{ ...farEndpoint, state: 'deleted' }] })],
      }),
      null,
    ],
  ])('%s', (_, row, expected) => {
    expect(row).toBe(expected)
  })

  const ownList = (entries: string[] | null) => ({
    prefixLists: [s3List, { ...s3List, id: 'pl-own', ownerId: '1', entries }],
  })
  const byList = (kind: Route['target']['kind'], id: string) => listRoute('pl-own', target(kind, id))
  it.each<[string, Route[], Partial<Snapshot>, number, string]>([
    [
      'two ways that may win',
      [toFar(), byList('network_interface', 'eni-x')],
      ownList(['10.9.0.0/24']),
      0,
      'endpoint.not_shown',
    ],
    [
      'two of one kind',
      [toFar(), byList('transit_gateway', 'tgw-2')],
      ownList(['10.9.0.0/24']),
      0,
      'endpoint.not_shown',
    ],
    [
      'two of one id',
      [toFar(), byList('core_network', 'tgw-1')],
      ownList(['10.9.0.0/24']),
      0,
      'endpoint.not_shown',
    ],
    [
      'the same way twice',
      [toFar(), byList('transit_gateway', 'tgw-1')],
      ownList(['10.9.0.0/24']),
      0,
      'endpoint.trusted',
    ],
    [
      'one of them dead',
      [toFar(), { ...byList('transit_gateway', 'tgw-1'), state: 'blackhole' }],
      ownList(['10.9.0.0/24']),
      0,
      'endpoint.not_shown',
    ],
    [
      'a list that was not read',
      [toFar(), byList('transit_gateway', 'tgw-2')],
      ownList(null),
      0,
      'endpoint.not_shown',
    ],
    ['routes that were not understood', [toFar()], {}, 1, 'endpoint.not_shown'],
  ])('%s', (_, routes, more, unreadableRoutes, expected) => {
    const t = withFar(routes, {}, more)
    for (const r of t.readings) for (const each of r.routeTables) each.unreadableRoutes = unreadableRoutes
    expect(rowOf('10.9.0.7', t)).toBe(expected)
  })

  it('may stand in this account’s reading as well, alone', () => {
    const networkInterfaces = [
      eni('eni-host', ['10.0.1.50'], { macAddress: hostMac }),
      eni('eni-far', ['10.9.0.7']),
    ]
    const described = (entry: Partial<TrustedEndpoint>, ...endpoints: VpcEndpoint[]) =>
      rowOf('10.9.0.7', withFar([toFar()], entry, { endpoints, networkInterfaces }))
    const bare: Partial<TrustedEndpoint> = { declared: { address: '10.9.0.7' }, addresses: [] }
    const twin = { ...farEndpoint, id: 'vpce-0twin', vpcId: 'vpc-8' }
    expect(described({}, farEndpoint)).toBe('endpoint.trusted')
    expect(described({}, farEndpoint, twin)).toBe('endpoint.not_shown')
    expect(described({}, twin)).toBe('endpoint.not_shown')
    expect(described(bare, farEndpoint)).toBe('endpoint.not_shown')
    expect(described(bare)).toBe('endpoint.declared_address')
    expect(described({ via: 'tgw-2' }, farEndpoint)).toBe('endpoint.not_shown')
  })

  it('names what it assumes', () => {
    expect(shown('10.9.0.7', withFar([toFar()]))).toEqual({
      row: 'endpoint.trusted',
      endpoint: 'vpce-0far',
      because: `10.9.0.7 is what ${farName} answers, reached by tgw-1, as declared`,
      assumptions: [`trusted_endpoints: ${farName} via tgw-1`],
    })
    expect(shown('10.9.0.7', withFar([toFar('transit_gateway', 'tgw-2')]))).toMatchObject({
      endpoint: 'vpce-0far',
      because: `10.9.0.7 is what ${farName} answers, but no way that leads to it is shown`,
    })
  })

  it('may be the second that is declared for an address', () => {
    const t = withFar([toFar()])
    t.trustedEndpoints = [far({ via: 'tgw-2' }), far()]
    expect(rowOf('10.9.0.7', t)).toBe('endpoint.trusted')
    t.trustedEndpoints = [far({ via: 'tgw-2' }), far({ via: 'tgw-3' })]
    expect(rowOf('10.9.0.7', t)).toBe('endpoint.not_shown')
  })

  describe('that is described as well', () => {
    const farEni = eni('eni-far', ['10.9.0.7'])
    const described = (ageSeconds: number, ...endpoints: VpcEndpoint[]) => ({
      ...withFar([toFar()]),
      readings: [withRoutes([toFar()]), snapshot({ endpoints, networkInterfaces: [farEni] }, ageSeconds)],
    })
    const twin = { ...farEndpoint, id: 'vpce-0twin', vpcId: 'vpc-8' }
    const one = (...endpoints: VpcEndpoint[]) =>
      withFar(
        [toFar()],
        {},
        {
          endpoints,
          networkInterfaces: [eni('eni-host', ['10.0.1.50'], { macAddress: hostMac }), farEni],
        },
      )

    it.each<[string, Topology, string]>([
      ['in the same reading', one(farEndpoint), 'endpoint.trusted'],
      ['in this very VPC', one({ ...farEndpoint, vpcId: 'vpc-1' }), 'endpoint.not_shown'],
      ['beside another one', one(farEndpoint, twin), 'endpoint.not_shown'],
      ['beside another one, in an old reading', described(90_000, farEndpoint, twin), 'endpoint.not_shown'],
      ['another one alone, in an old reading', described(90_000, twin), 'endpoint.not_shown'],
    ])('%s', (_, t, expected) => {
      expect(rowOf('10.9.0.7', t)).toBe(expected)
    })
  })

  it('is not believed for an address that no endpoint can have', () => {
    const everywhere = [cidrRoute('0.0.0.0/0', target('transit_gateway', 'tgw-1'))]
    const entry = { addresses: ['52.119.1.1'] }
    expect(rowOf('52.119.1.1', withFar(everywhere, entry))).toBeNull()
    expect(rowOf('52.119.1.1', withFar(everywhere, { ...entry, vpcCidrs: ['52.119.0.0/16'] }))).toBe(
      'endpoint.trusted',
    )
    const vpcs = [{ id: 'vpc-9', ownerId: null, ipv4Cidrs: ['52.119.0.0/16'], ipv6Cidrs: [] }]
    expect(rowOf('52.119.1.1', withFar(everywhere, entry, { vpcs }))).toBe('endpoint.trusted')
  })
})

describe('an endpoint behind a peering', () => {
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
  const peered = (
    more: Partial<Peering> = {},
    endpoint: Partial<VpcEndpoint> = {},
    part: Partial<Snapshot> = {},
  ) =>
    withFar(
      [toFar('peering', 'pcx-1')],
      { via: null },
      {
        peerings: [peering({ id: 'pcx-0', status: 'deleted' }), peering(more)],
        endpoints: [{ ...farEndpoint, ...endpoint }],
        ...part,
      },
    )

  it.each<[string, Topology, string]>([
    ['is reached', peered(), 'endpoint.trusted'],
    [
      'from either side',
      peered({ requester: side('vpc-9', '10.9.0.0/16'), accepter: side('vpc-1', '10.0.0.0/16') }),
      'endpoint.trusted',
    ],
    ['not if that is not active', peered({ status: 'deleted' }), 'endpoint.not_shown'],
    ['not if that leads elsewhere', peered({ accepter: side('vpc-8', '10.9.0.0/16') }), 'endpoint.not_shown'],
    [
      'not if that is of other VPCs',
      peered({ requester: side('vpc-8', '10.8.0.0/16') }),
      'endpoint.not_shown',
    ],
    ['not if that was not read', peered({}, {}, { peerings: [] }), 'endpoint.not_shown'],
    ['not if the endpoint is in this very VPC', peered({}, { vpcId: 'vpc-1' }), 'endpoint.not_shown'],
    [
      'not if nobody says which VPC the endpoint is in',
      peered({}, {}, { endpoints: [] }),
      'endpoint.not_shown',
    ],
  ])('%s', (_, t, expected) => {
    expect(rowOf('10.9.0.7', t)).toBe(expected)
  })

  it('says which', () => {
    expect(because('10.9.0.7', peered())).toContain('reached by the peering pcx-1 with vpc-9')
  })

  const elsewhere = (endpoint: Partial<VpcEndpoint> = {}, ageSeconds = 10) =>
    snapshot(
      { endpoints: [{ ...farEndpoint, ...endpoint }], networkInterfaces: [eni('eni-far', ['10.9.0.7'])] },
      ageSeconds,
    )
  it('is shown by another account’s snapshot, without a declaration', () => {
    const home = withRoutes([toFar('peering', 'pcx-1')], { peerings: [peering()] })
    expect(shown('10.9.0.7', topology([home], { others: [elsewhere()] }))).toMatchObject({
      row: 'endpoint.trusted',
      endpoint: 'vpce-0far',
      assumptions: [],
    })
    expect(rowOf('10.9.0.7', topology([home], { others: [elsewhere({ type: 'Resource' })] }))).toBe(
      'endpoint.not_shown',
    )
    expect(because('10.9.0.7', topology([home], { others: [elsewhere({}, 901)] }))).toContain('too old')
  })

  it('of another account is reached by a declared way, if the declaration is of that endpoint', () => {
    const home = withRoutes([toFar()])
    const others = [elsewhere()]
    const by = (...trustedEndpoints: TrustedEndpoint[]) =>
      rowOf('10.9.0.7', topology([home], { others, trustedEndpoints }))
    // The name itself answered nothing in this cycle.
    expect(by(far({ addresses: [] }))).toBe('endpoint.trusted')
    expect(by(far({ addresses: [], via: 'tgw-2' }))).toBe('endpoint.not_shown')
    expect(
      by(far({ addresses: [], declared: { dnsName: 'vpce-0other-a.ssm.us-east-1.vpce.amazonaws.com' } })),
    ).toBe('endpoint.not_shown')
    expect(by({ declared: { gateway: 'vpce-0far' }, via: 'tgw-1', addresses: [], vpcCidrs: [] })).toBe(
      'endpoint.not_shown',
    )
    expect(by()).toBe('endpoint.not_shown')
  })
})

describe('a declared endpoint, from on-prem', () => {
  const site = (more: Partial<Site> = {}): Site => ({
    name: 'dc1',
    firstLeg: null,
    nextHops: [],
    prefixes: ['192.168.0.0/16'],
    snatRelay: false,
    ...more,
  })
  const onPrem = (
    sites: Site[],
    entry: Partial<TrustedEndpoint> = {},
    readings: Snapshot[] = [],
  ): Topology => {
    const t = topology(readings, { sites, trustedEndpoints: [far({ via: 'dc1', ...entry })] })
    return { ...t, vantage: { ...t.vantage, kind: 'on-prem' } }
  }
  const at = (more: Partial<Attempt> = {}, host: Partial<HostRoute> = {}): Partial<Attempt> => ({
    localAddress: '192.168.1.5',
    host: { ...kernelRoute, source: '192.168.1.5', gateway: '192.168.1.1', ...host },
    ...more,
  })

  it.each<[string, Topology, Partial<Attempt>, string]>([
    ['is reached', onPrem([site()]), at(), 'endpoint.trusted'],
    [
      'by the second of two sites',
      onPrem([site({ name: 'dc0', prefixes: [] }), site()]),
      at(),
      'endpoint.trusted',
    ],
    [
      'by a second prefix',
      onPrem([site({ prefixes: ['nonsense', '172.16.0.0/12', '192.168.0.0/16'] })]),
      at(),
      'endpoint.trusted',
    ],
    ['by the source of the kernel', onPrem([site()]), at({ localAddress: null }), 'endpoint.trusted'],
    ['on a VLAN', onPrem([site()]), at({}, { deviceKind: 'vlan' }), 'endpoint.trusted'],
    ['on a bond', onPrem([site()]), at({}, { deviceKind: 'bond' }), 'endpoint.trusted'],
    ['with a reading that does not know it', onPrem([site()], {}, [snapshot()]), at(), 'endpoint.trusted'],
    ['not by another site', onPrem([site({ name: 'dc2' })]), at(), 'endpoint.not_shown'],
    ['not by no site', onPrem([site()], { via: null }), at(), 'endpoint.not_shown'],
    [
      'not from outside the site',
      onPrem([site({ prefixes: ['172.16.0.0/12'] })]),
      at(),
      'endpoint.not_shown',
    ],
    [
      'not to inside the site',
      onPrem([site({ prefixes: ['192.168.0.0/16', '10.9.0.0/16'] })]),
      at(),
      'endpoint.not_shown',
    ],
    [
      'not without a local address',
      onPrem([site()]),
      at({ localAddress: null }, { source: null }),
      'endpoint.not_shown',
    ],
    ['not from what is no address', onPrem([site()]), at({ localAddress: 'nonsense' }), 'endpoint.not_shown'],
    ['not through a tunnel', onPrem([site()]), at({}, { deviceKind: 'tun' }), 'endpoint.not_shown'],
    ['not through a bridge', onPrem([site()]), at({}, { deviceKind: 'bridge' }), 'endpoint.not_shown'],
    ['not by a device of unknown kind', onPrem([site()]), at({}, { deviceKind: null }), 'endpoint.not_shown'],
    [
      'not where a redirect may match',
      onPrem([site()]),
      at({}, { redirect: 'possible' }),
      'endpoint.not_shown',
    ],
    [
      'not where such rules could not be read',
      onPrem([site()]),
      at({}, { selectorRules: null }),
      'endpoint.not_shown',
    ],
    [
      'by the only device, whatever the rules',
      onPrem([site()]),
      at({}, { method: 'only_device', selectorRules: null }),
      'endpoint.trusted',
    ],
    [
      'not where the kernel was not asked',
      onPrem([site()]),
      at({}, { method: 'none' }),
      'endpoint.not_shown',
    ],
    [
      'not where rules by mark may apply',
      onPrem([site()]),
      at({}, { selectorRules: true }),
      'endpoint.not_shown',
    ],
  ])('%s', (_, t, more, expected) => {
    expect(rowOf('10.9.0.7', t, more)).toBe(expected)
  })

  it('says by which site', () => {
    expect(because('10.9.0.7', onPrem([site()]), at())).toContain('reached by site dc1, as declared')
  })

  it('names what the host could not show', () => {
    const entry = `trusted_endpoints: ${farName} via dc1`
    expect(shown('10.9.0.7', onPrem([site()]), at())?.assumptions).toEqual([
      entry,
      'no program in the kernel (eBPF) rewrites the connection',
    ])
    expect(shown('10.9.0.7', onPrem([site()]), at({}, { redirect: 'unreadable' }))?.assumptions).toEqual([
      entry,
      'no redirect on this host rewrites the connection',
    ])
  })

  it('names what was an endpoint’s address in a dump of another day', () => {
    const t = onPrem([site()], { addresses: [] }, [snapshot({}, 90_000)])
    expect(because('10.0.1.60', t, at())).toContain('too old')
  })
})

it('another account’s snapshot has an age as well', () => {
  const by = (ageSeconds: number) =>
    rowOf(
      '10.9.0.7',
      topology([withRoutes([toFar()])], {
        others: [
          snapshot(
            { endpoints: [farEndpoint], networkInterfaces: [eni('eni-far', ['10.9.0.7'])] },
            ageSeconds,
          ),
        ],
        trustedEndpoints: [far({ addresses: [] })],
      }),
    )
  expect(by(900)).toBe('endpoint.trusted')
  expect(by(901)).toBe('endpoint.not_shown')
})
