/** What the routes of an attempt's own interface leave possible: each condition of the route rows, and what is assumed. */
import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../model/evidence.ts'
import type { Attempt } from '../../model/observation.ts'
import type {
  NatGateway,
  Route,
  RouteTable,
  Snapshot,
  Topology,
  TrustedEndpoint,
} from '../../model/topology.ts'
import { judgeAttempt, judgeWithParts } from '../../verdict/judge.ts'
import {
  attempt,
  cidrRoute,
  eni,
  gatewayEndpoint,
  hostMac,
  kernelRoute,
  lacking,
  listRoute,
  localRoute,
  localRoute6,
  nat,
  natTable,
  now,
  s3List,
  snapshot,
  table,
  target,
  topology,
  viaEndpoint,
  viaIgw,
  viaNat,
  withRoutes,
} from './fixture.ts'

const from = (t: Topology, more: Partial<Attempt> = {}): Evidence | null =>
  judgeAttempt(attempt(more), t).evidence.find(
    (e) => e.source === 'snapshot' && /^rtb-|^the table/.test(e.because),
  ) ?? null
const row = (s: Snapshot, more: Partial<Attempt> = {}, declared: TrustedEndpoint[] = []) =>
  from(topology([s], { trustedEndpoints: declared }), more)?.rule ?? null
const leaves = (s: Snapshot, more: Partial<Attempt> = {}) => from(topology([s]), more)?.possible ?? null
const gateway = (id: string): TrustedEndpoint => ({
  declared: { gateway: id },
  via: null,
  addresses: [],
  vpcCidrs: [],
})

const metadata = {
  id: 'eni-host',
  mac: hostMac,
  subnetId: 'subnet-1',
  vpcId: 'vpc-1',
  subnetIpv4Cidr: '10.0.1.0/24',
  ipv4: ['10.0.1.50', '10.0.1.51'],
  ipv6: ['2600:1f18::50'],
  ipv4Prefixes: [],
  ipv6Prefixes: [],
  vpcIpv4Cidrs: [],
  vpcIpv6Cidrs: [],
}
const seen = (s: Snapshot): Topology => {
  const t = topology([s])
  t.vantage.interfaces = [metadata]
  return t
}

describe('a list that leads to an endpoint', () => {
  const customers = { prefixLists: [{ ...s3List, ownerId: '111122223333' }] }
  const none = { endpoints: [] }
  it.each<[string, string | null, string]>([
    ['that is described', row(snapshot()), 'route.gateway_endpoint'],
    [
      'of another id than the one described',
      row(withRoutes([listRoute('pl-s3', target('vpc_endpoint', 'vpce-x'))])),
      'route.endpoint_not_described',
    ],
    ['that is declared', row(snapshot(none), {}, [gateway('vpce-s3')]), 'route.gateway_endpoint'],
    [
      'that is declared beside others',
      row(snapshot(none), {}, [gateway('vpce-x'), gateway('vpce-s3')]),
      'route.gateway_endpoint',
    ],
    [
      'another one being declared',
      row(snapshot(none), {}, [gateway('vpce-x')]),
      'route.endpoint_not_described',
    ],
    [
      'declared as something else',
      row(snapshot(none), {}, [{ declared: { address: 'vpce-s3' }, via: null, addresses: [], vpcCidrs: [] }]),
      'route.endpoint_not_described',
    ],
    [
      'declared, but the list is not AWS’s',
      row(snapshot({ ...none, ...customers }), {}, [gateway('vpce-s3')]),
      'route.endpoint_not_described',
    ],
    ['described, but the list is not AWS’s', row(snapshot(customers)), 'route.endpoint_not_described'],
    [
      'declared, but described as deleting',
      row(snapshot({ endpoints: [{ ...gatewayEndpoint, state: 'deleting' }] }), {}, [gateway('vpce-s3')]),
      'route.endpoint_not_described',
    ],
    [
      'by a CIDR',
      row(withRoutes([cidrRoute('52.216.0.0/15', target('vpc_endpoint', 'vpce-s3'))])),
      'route.vpce_by_cidr',
    ],
  ])('%s', (_, found, expected) => {
    expect(found).toBe(expected)
  })

  it('that is declared is not believed while the endpoints could not be read', () => {
    const t = { trustedEndpoints: [gateway('vpce-s3')] }
    const judged = (s: Snapshot) => judgeAttempt(attempt(), topology([s], t)).state
    expect(judged(snapshot(none))).toBe('private')
    expect(judged(lacking(snapshot(none), 'endpoints'))).toBe('undetermined')
  })

  it('names the declaration it rests on', () => {
    const declared = topology([snapshot(none)], { trustedEndpoints: [gateway('vpce-s3')] })
    expect(judgeAttempt(attempt(), declared).assumptions).toContain('trusted_endpoints: gateway vpce-s3')
    expect(judgeAttempt(attempt(), topology()).assumptions.join()).not.toContain('trusted_endpoints')
  })
})

describe('an internet gateway', () => {
  const withPublic = (...addresses: [string, string | null][]) => ({
    networkInterfaces: [
      eni('eni-other', ['10.0.1.99']),
      {
        ...eni('eni-host', [], { macAddress: hostMac }),
        ipv4: addresses.map(([address, publicAddress], i) => ({ address, primary: i === 0, publicAddress })),
      },
    ],
  })
  const second = { localAddress: '10.0.1.51', host: { ...kernelRoute, source: '10.0.1.51' } }
  const byIgw = (more: Partial<Snapshot> = {}) => withRoutes([viaIgw], more)

  it.each<[string, string | null, string]>([
    [
      'with a public address',
      row(byIgw(withPublic(['10.0.1.50', '198.51.100.5']))),
      'route.internet_gateway',
    ],
    ['without', row(byIgw(withPublic(['10.0.1.50', null]))), 'route.internet_gateway_no_public_address'],
    [
      'with one of another address of the interface',
      row(byIgw(withPublic(['10.0.1.50', '198.51.100.5'], ['10.0.1.51', null])), second),
      'route.internet_gateway_no_public_address',
    ],
    [
      'with one of this',
      row(byIgw(withPublic(['10.0.1.50', null], ['10.0.1.51', '198.51.100.5'])), second),
      'route.internet_gateway',
    ],
    [
      'where interfaces were not read',
      from(seen(lacking(byIgw(), 'networkInterfaces')))?.rule ?? null,
      'route.internet_gateway',
    ],
    [
      'where this one was not',
      from(seen(byIgw({ networkInterfaces: [] })))?.rule ?? null,
      'route.internet_gateway',
    ],
  ])('%s', (_, found, expected) => {
    expect(found).toBe(expected)
  })

  it('takes IPv6 from any address', () => {
    const six = withRoutes([cidrRoute('::/0', target('internet_gateway', 'igw-1'))])
    expect(row(six, { address: '2a05:d000::1' })).toBe('route.internet_gateway')
  })
})

describe('a NAT gateway', () => {
  const byNat = (
    more: Partial<NatGateway>,
    tables: RouteTable[] = [natTable([viaIgw])],
    routes: Route[] = [viaNat],
  ) =>
    withRoutes(
      routes,
      {
        natGateways: [
          { ...nat, id: 'nat-0' },
          { ...nat, ...more },
        ],
      },
      tables,
    )
  const regional = { availability: 'regional', subnetId: null, routeTableId: 'rtb-own' }
  const own = (...routes: Route[]) => table('rtb-own', routes, { subnetIds: [] })
  const nat64 = [cidrRoute('64:ff9b::/96', target('nat_gateway', 'nat-1'))]
  const six = { address: '64:ff9b::34d8:101' }

  it.each<[string, string | null, string]>([
    ['with a table', row(byNat({})), 'route.nat_internet_gateway'],
    ['not available', row(byNat({ state: 'pending' })), 'route.nat_unread'],
    ['with appliances', row(byNat({ attachedAppliances: ['arn:x'] })), 'route.nat_unread'],
    ['in no known subnet', row(byNat({ subnetId: null })), 'route.nat_unread'],
    ['regional, with a table', row(byNat(regional, [own(viaIgw)])), 'route.nat_internet_gateway'],
    ['regional, without', row(byNat({ ...regional, routeTableId: null }, [own(viaIgw)])), 'route.nat_unread'],
    ['regional, its table not read', row(byNat(regional, [])), 'route.nat_unread'],
    [
      'regional, though a subnet is given',
      row(byNat({ ...regional, subnetId: 'subnet-nat' }, [own(viaIgw), natTable([viaEndpoint])])),
      'route.nat_internet_gateway',
    ],
    [
      'zonal, though a table is given',
      row(byNat({ routeTableId: 'rtb-own' }, [own(viaEndpoint), natTable([viaIgw])])),
      'route.nat_internet_gateway',
    ],
    ['zonal in another VPC than its subnet', row(byNat({ vpcId: 'vpc-2' })), 'route.nat_unread'],
    ['private', row(byNat({ connectivity: 'private' })), 'route.nat_private_internet_gateway'],
    [
      'private, before the endpoint',
      row(byNat({ connectivity: 'private' }, [natTable([viaEndpoint])])),
      'route.nat_gateway_endpoint',
    ],
    ['before nothing', row(byNat({}, [natTable([])])), 'route.no_match'],
    ['before itself', row(byNat({}, [natTable([viaNat])])), 'route.nat_unread'],
    [
      'before another one',
      row(byNat({}, [natTable([cidrRoute('0.0.0.0/0', target('nat_gateway', 'nat-2'))])])),
      'route.nat_unread',
    ],
    [
      'for IPv6 that is not NAT64',
      row(byNat({}, [natTable([viaIgw])], [cidrRoute('::/0', target('nat_gateway', 'nat-1'))]), {
        address: '2a05:d000::1',
      }),
      'route.nat_unread',
    ],
    ['for NAT64', row(byNat({}, [natTable([viaIgw])], nat64), six), 'route.nat_internet_gateway'],
    [
      'for NAT64, by what it stands for',
      row(byNat({}, [natTable([viaEndpoint, viaIgw])], nat64), six),
      'route.nat_gateway_endpoint',
    ],
  ])('%s', (_, found, expected) => {
    expect(found).toBe(expected)
  })

  it('translates NAT64 by a prefix of one’s own', () => {
    const s = byNat({}, [natTable([viaIgw])], [cidrRoute('2001:db8:64::/96', target('nat_gateway', 'nat-1'))])
    const rule = (nat64Prefixes: string[]) =>
      from(topology([s], { nat64Prefixes }), { address: '2001:db8:64::34d8:101' })?.rule
    expect(rule(['nonsense', '2001:db8:64::/96'])).toBe('route.nat_internet_gateway')
    expect(rule(['nonsense'])).toBe('route.nat_unread')
  })

  it('leads through another one to what lies behind that', () => {
    const two = withRoutes([viaNat], { natGateways: [nat, { ...nat, id: 'nat-2', subnetId: 'subnet-2' }] }, [
      natTable([cidrRoute('0.0.0.0/0', target('nat_gateway', 'nat-2'))]),
      table('rtb-2', [viaIgw], { subnetIds: ['subnet-2'] }),
    ])
    expect(row(two)).toBe('route.nat_internet_gateway')
  })

  it('never leads to the gateway endpoint as the host itself would', () => {
    expect(leaves(byNat({}, [natTable([viaEndpoint])]))).toEqual(['nat_gateway_endpoint', 'blocked'])
    expect(leaves(byNat({}, [natTable([cidrRoute('0.0.0.0/0', target('instance', 'i-1'))])]))).not.toContain(
      'gateway_endpoint',
    )
    expect(leaves(byNat({}, [natTable([])]))).toEqual(['blocked'])
  })

  it('takes only endpoints of its own VPC', () => {
    const elsewhere = { ...gatewayEndpoint, vpcId: 'vpc-2' }
    const s = { ...byNat({}, [natTable([viaEndpoint])]), endpoints: [elsewhere] }
    expect(row(s)).toBe('route.endpoint_not_described')
  })

  it('takes a declared endpoint, and says so', () => {
    const s = { ...byNat({}, [natTable([viaEndpoint])]), endpoints: [] }
    const evidence = from(topology([s], { trustedEndpoints: [gateway('vpce-s3')] }))
    expect(evidence?.rule).toBe('route.nat_gateway_endpoint')
    expect(evidence?.assumptions).toContain('trusted_endpoints: gateway vpce-s3')
    expect(evidence?.because).toContain('nat-1, in whose table pl-s3')
  })

  it('a private address in its table is nobody’s that is known', () => {
    const far = [cidrRoute('10.9.0.0/16', target('nat_gateway', 'nat-1'))]
    const back = byNat({}, [natTable([cidrRoute('10.9.0.0/16', target('local', 'local'))])], far)
    expect(row(back, { address: '10.9.0.7' })).toBe('route.local')
    const s = lacking(back, 'endpoints')
    expect(row(s, { address: '10.9.0.7' })).toBe('route.local')
  })

  it('a declared endpoint beyond it is reached from its address, not from the host’s', () => {
    const name = 'vpce-0far-abc.ssm.us-east-1.vpce.amazonaws.com'
    const declared = { declared: { dnsName: name }, via: 'nat-1', addresses: ['10.9.0.7'], vpcCidrs: [] }
    const s = byNat(
      {},
      [natTable([cidrRoute('10.9.0.0/16', target('transit_gateway', 'tgw-1'))])],
      [cidrRoute('10.9.0.0/16', target('nat_gateway', 'nat-1'))],
    )
    expect(row(s, { address: '10.9.0.7' }, [declared])).toBe('route.beyond_private')
  })

  it('an unread list in its table shows', () => {
    const s = byNat({}, [natTable([listRoute('pl-x', target('internet_gateway', 'igw-1')), viaIgw])])
    expect(from(topology([s]))?.flags).toEqual(['unread_prefix_list'])
    expect(from(topology([byNat({})]))?.flags).toEqual([])
  })
})

describe('an address of the VPC itself', () => {
  const ssm = { address: '10.0.1.60' }
  it.each<[string, string | null, string]>([
    ['an endpoint’s', row(snapshot(), ssm), 'endpoint.own_vpc'],
    [
      'an endpoint’s that is not shown to be good',
      row(snapshot({ endpoints: snapshot().endpoints.map((e) => ({ ...e, state: 'deleting' })) }), ssm),
      'route.local_endpoints_unread',
    ],
    ['nobody’s', row(snapshot(), { address: '10.0.77.7' }), 'route.local'],
    [
      'unknown, endpoints unread',
      row(lacking(snapshot(), 'endpoints'), { address: '10.0.77.7' }),
      'route.local_endpoints_unread',
    ],
    [
      'unknown, interfaces unread',
      from(seen(lacking(snapshot(), 'networkInterfaces')), { address: '10.0.77.7' })?.rule ?? null,
      'route.local_endpoints_unread',
    ],
  ])('%s', (_, found, expected) => {
    expect(found).toBe(expected)
  })
})

describe('a declared endpoint beyond a gateway', () => {
  const declared = (via: string): TrustedEndpoint => ({
    declared: { dnsName: 'vpce-0far-abc.ssm.us-east-1.vpce.amazonaws.com' },
    via,
    addresses: ['10.9.0.7'],
    vpcCidrs: [],
  })
  const s = withRoutes([cidrRoute('10.9.0.0/16', target('transit_gateway', 'tgw-1'))])

  it('is what the route leads to, with what that assumes', () => {
    const evidence = from(topology([s], { trustedEndpoints: [declared('tgw-1')] }), { address: '10.9.0.7' })
    expect(evidence?.rule).toBe('endpoint.trusted')
    expect(evidence?.assumptions.join()).toContain('via tgw-1')
  })

  it('is not, if another way was declared', () => {
    expect(row(s, { address: '10.9.0.7' }, [declared('tgw-2')])).toBe('route.beyond_private')
    expect(row(s, { address: '10.9.0.7' })).toBe('route.beyond_private')
  })
})

describe('several routes that may win', () => {
  const own = { ...s3List, id: 'pl-own', name: 'own', ownerId: '111122223333', entries: ['52.216.0.0/16'] }
  const byOwn = (to = target('instance', 'i-1')) => listRoute('pl-own', to)
  const both = (
    routes: Route[],
    entries: string[] | null = ['52.216.0.0/16'],
    more: Partial<RouteTable> = {},
  ) =>
    snapshot({
      routeTables: [table('rtb-1', [localRoute, localRoute6, ...routes], more), natTable([viaIgw])],
      prefixLists: [s3List, { ...own, entries }],
    })

  it('leave what each of them leaves', () => {
    const evidence = from(topology([both([viaEndpoint, byOwn(target('nat_gateway', 'nat-1'))])]))
    expect(evidence?.rule).toBe('route.several')
    expect(evidence?.possible).toEqual(['gateway_endpoint', 'nat_gateway', 'blocked'])
    expect(evidence?.flags).toEqual([])
  })

  it('of one kind keep its row', () => {
    const two = both([viaEndpoint, byOwn(target('vpc_endpoint', 'vpce-s3'))])
    expect(row({ ...two, prefixLists: [s3List, { ...own, ownerId: 'AWS' }] })).toBe('route.gateway_endpoint')
  })

  it('are so for a list that was not read, which says so', () => {
    const evidence = from(topology([both([viaEndpoint, byOwn(target('nat_gateway', 'nat-1'))], null)]))
    expect(evidence?.possible).toEqual(['gateway_endpoint', 'nat_gateway', 'blocked'])
    expect(evidence?.flags).toEqual(['unread_prefix_list'])
    expect(evidence?.because).toContain('pl-own could not be read, so its route may win')
  })

  it('an unread list of AWS’s to its endpoint leads there, if it applies', () => {
    const s = both([viaEndpoint, viaNat])
    s.prefixLists = [{ ...s3List, entries: null }]
    expect(leaves(s)).toEqual(['gateway_endpoint', 'nat_gateway', 'blocked'])
    s.prefixLists = [
      { ...s3List, id: 'pl-elsewhere' },
      { ...s3List, entries: null },
    ]
    expect(leaves(s)).toEqual(['gateway_endpoint', 'nat_gateway', 'blocked'])
    s.prefixLists = []
    expect(leaves(s)).toHaveLength(9)
  })

  it('an unread list that alone would carry it is a guess', () => {
    const s = both([viaEndpoint])
    s.prefixLists = [{ ...s3List, entries: null }]
    expect(leaves(s)).toHaveLength(9)
    expect(from(topology([s]))?.because).toContain('without the lists that could not be read')
    const dead = both([viaEndpoint, { ...viaNat, state: 'blackhole' }])
    dead.prefixLists = [{ ...s3List, entries: null }]
    expect(leaves(dead)).toHaveLength(9)
  })

  it('routes that were not understood may win as well', () => {
    expect(leaves(both([viaEndpoint], undefined, { unreadableRoutes: 1 }))).toHaveLength(9)
    expect(from(topology([both([viaEndpoint], undefined, { unreadableRoutes: 2 })]))?.because).toContain(
      '2 route(s) of the table could not be read',
    )
    expect(from(topology([both([viaEndpoint], undefined, { unreadableRoutes: 1 })]))?.flags).toEqual([
      'unread_prefix_list',
    ])
    expect(from(topology([both([], undefined, { unreadableRoutes: 1 })]))?.rule).toBe('route.unmodelled')
  })

  it('a CIDR that was not understood may win as well', () => {
    expect(leaves(both([viaEndpoint, cidrRoute('nonsense', target('nat_gateway', 'nat-1'))]))).toEqual([
      'gateway_endpoint',
      'nat_gateway',
      'blocked',
    ])
  })
})

describe('what a verdict by routes rests on', () => {
  it('is the interface, the table, the route and its target', () => {
    expect(judgeAttempt(attempt(), topology()).basis).toEqual({
      networkInterface: 'eni-host',
      routeTable: 'rtb-1',
      route: 'pl-s3',
      target: 'vpce-s3',
    })
    const bare = topology([withRoutes([cidrRoute('0.0.0.0/0', target('unknown'))])])
    expect(judgeAttempt(attempt(), bare).basis).toMatchObject({ route: '0.0.0.0/0', target: 'unknown' })
  })

  it('is all routes that may win, each once and in one order', () => {
    const own = { ...s3List, id: 'pl-own', ownerId: '1' }
    for (const routes of [
      [listRoute('pl-own', target('instance', 'i-1')), viaEndpoint],
      [viaEndpoint, listRoute('pl-own', target('instance', 'i-1'))],
    ]) {
      const t = topology([withRoutes(routes, { prefixLists: [s3List, own] })])
      expect(judgeAttempt(attempt(), t).basis).toMatchObject({ route: 'pl-own pl-s3', target: 'i-1 vpce-s3' })
    }
  })

  it('is nothing without a table', () => {
    expect(judgeAttempt(attempt(), topology([snapshot({ routeTables: [] })])).basis).toBeNull()
  })
})

describe('what is assumed', () => {
  const assumed = (more: Partial<Attempt>, t = topology()) =>
    judgeAttempt(attempt(more), t).assumptions.join('; ')
  const data =
    "no program in the kernel (eBPF) rewrites the connection; the account's answers describe what its network does"

  it('is always that the account’s answers hold, and that nothing unseen on the host rewrites', () => {
    expect(assumed({})).toBe(data)
  })

  it('is what the host could not show', () => {
    expect(assumed({ host: { ...kernelRoute, redirect: 'unreadable' } })).toMatch(/^no redirect on this host/)
    expect(assumed({ host: { ...kernelRoute, method: 'only_device' } })).toContain('the main routing table')
    const six = withRoutes([cidrRoute('::/0', target('egress_only_internet_gateway', 'e'))])
    expect(assumed({ address: '2a05:d000::1' }, topology([six]))).toContain('the IPv6 next hop')
    expect(assumed({})).not.toMatch(/redirect|routing table|IPv6/)
  })

  it('is the age of files that bear no date', () => {
    const s = snapshot()
    s.parts.routeTables = { read: true, atMs: now - 10_000, dated: 'mtime' }
    expect(assumed({}, topology([s]))).toContain(`as of ${new Date(now - 10_000).toISOString()}`)
    s.parts.routeTables = { read: true, atMs: now - 10_000, dated: 'manifest' }
    expect(assumed({}, topology([s]))).toBe(data)
  })

  it('route evidence is as old as the tables', () => {
    const s = snapshot()
    s.parts.routeTables = { read: true, atMs: now - 77_000, dated: 'api' }
    expect(from(topology([s]))?.observedAtMs).toBe(now - 77_000)
  })
})

describe('the basis that a taint is held on', () => {
  const target = (s: Snapshot) => judgeWithParts(attempt(), topology([s])).verdict.basis?.target
  it('tells what is behind a NAT gateway: to an endpoint, to the internet, or not known', () => {
    expect(target(withRoutes([viaNat], {}, [natTable([viaEndpoint, viaIgw])]))).toBe('nat-1>vpce-s3')
    expect(target(withRoutes([viaNat], {}, [natTable([viaIgw])]))).toBe('nat-1>igw-1')
    expect(target(withRoutes([viaNat], {}, []))).toBe('nat-1')
    expect(target(withRoutes([viaEndpoint, viaNat], {}, [natTable([viaIgw])]))).toBe('vpce-s3')
  })
})

describe('the way through the tables', () => {
  const hops = (s: Snapshot) => judgeWithParts(attempt(), topology([s])).routes[0]?.hops
  it('is told table by table', () => {
    expect(hops(withRoutes([viaNat], {}, [natTable([viaEndpoint])]))).toEqual([
      {
        routeTable: 'rtb-1',
        association: 'explicit',
        destination: '0.0.0.0/0',
        matchedPrefix: '0.0.0.0/0',
        prefixList: null,
        target: 'nat-1',
        state: 'active',
        origin: 'static',
      },
      {
        routeTable: 'rtb-nat',
        association: 'explicit',
        destination: 'pl-s3',
        matchedPrefix: '52.216.0.0/15',
        prefixList: 'pl-s3',
        target: 'vpce-s3',
        state: 'active',
        origin: 'static',
      },
    ])
  })

  it('names a regional gateway’s own table as that, and the main table', () => {
    const regional = { ...nat, availability: 'regional', subnetId: null, routeTableId: 'rtb-own' }
    const main = table('rtb-main', [localRoute, viaNat], { main: true, subnetIds: [] })
    const own = table('rtb-own', [viaIgw], { subnetIds: [] })
    const s = snapshot({ routeTables: [main, own], natGateways: [regional] })
    expect(hops(s)?.map((h) => [h.routeTable, h.association])).toEqual([
      ['rtb-main', 'main'],
      ['rtb-own', 'own'],
    ])
    const zonal = withRoutes([viaNat], {}, [natTable([viaIgw])])
    expect(hops(zonal)?.map((h) => h.association)).toEqual(['explicit', 'explicit'])
  })

  it('ends where nothing matches', () => {
    expect(hops(snapshot({ routeTables: [table('rtb-1', [localRoute])] }))).toEqual([
      {
        routeTable: 'rtb-1',
        association: 'explicit',
        destination: null,
        matchedPrefix: null,
        prefixList: null,
        target: null,
        state: null,
        origin: null,
      },
    ])
  })
})
