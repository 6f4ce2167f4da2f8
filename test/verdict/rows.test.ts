import { describe, expect, it } from 'vitest'
import type { Attempt, HostRoute } from '../../model/observation.ts'
import type { PathClass } from '../../model/path.ts'
import type { SnapshotPart, Topology } from '../../model/topology.ts'
import { type AttemptContext, judgeAttempt, noContext } from '../../verdict/judge.ts'
import { type Row, rows } from '../../verdict/rules/rows.ts'
import {
  attempt,
  cidrRoute,
  eni,
  gatewayEndpoint,
  hostMac,
  interfaceEndpoint,
  kernelRoute,
  lacking,
  listRoute,
  nat,
  natTable,
  now,
  s3List,
  snapshot,
  stamp,
  table,
  target,
  topology,
  verified,
  viaEndpoint,
  viaIgw,
  viaNat,
  withRoutes,
} from './fixture.ts'

const everything: PathClass[] = [
  'gateway_endpoint',
  'interface_endpoint',
  'nat_gateway_endpoint',
  'nat_gateway',
  'internet_gateway',
  'public_vif',
  'internet',
  'relay',
  'blocked',
]
const less = (...gone: PathClass[]) => everything.filter((c) => !gone.includes(c))
const publicSide: PathClass[] = [
  'nat_gateway_endpoint',
  'nat_gateway',
  'internet_gateway',
  'public_vif',
  'internet',
  'relay',
  'blocked',
]

interface Case {
  rule: string
  seen: string
  attempt?: Partial<Attempt>
  topology?: Topology
  context?: Partial<AttemptContext>
  /** What this row alone leaves, written out here and not taken from the product. */
  leaves: PathClass[]
  rank: string
}

const check = (more: object) =>
  ({
    reached: 'tls',
    tls: {
      ...(verified as { tls: object }).tls,
      check: { ...(verified as { tls: { check: object } }).tls.check, ...more },
    },
  }) as Attempt['outcome']

function old(part: SnapshotPart, ageSeconds: number) {
  const s = withRoutes([viaEndpoint, viaNat], {}, [natTable([viaIgw])])
  s.parts[part] = { read: true, atMs: now - ageSeconds * 1000, dated: 'api' }
  return s
}

const ssm = { address: '10.0.1.60', hostname: 'ssm.us-east-1.amazonaws.com' }
const timeout = { reached: 'nothing', failure: { type: 'timeout', afterSeconds: 5 } } as const
const withPublic = snapshot().networkInterfaces.map((i) =>
  i.id === 'eni-host'
    ? { ...i, ipv4: [{ address: '10.0.1.50', primary: true, publicAddress: '198.51.100.50' }] }
    : i,
)
const far: Topology['trustedEndpoints'][number] = {
  declared: { dnsName: 'vpce-0far-abc.ssm.us-east-1.vpce.amazonaws.com' },
  via: 'tgw-1',
  addresses: ['10.9.0.7'],
  vpcCidrs: [],
}

const cases: Case[] = [
  { rule: 'socket.verified', seen: 'chain and name are right', leaves: less('blocked'), rank: 'given' },
  {
    rule: 'socket.verified',
    seen: 'roots of the partition',
    attempt: { outcome: check({ roots: 'partition' }) },
    leaves: less('blocked'),
    rank: 'given',
  },
  {
    rule: 'socket.dates',
    seen: 'expired',
    attempt: { outcome: check({ dates: 'expired' }) },
    leaves: less('blocked'),
    rank: 'given',
  },
  {
    rule: 'socket.intercepted',
    seen: 'only the host store',
    attempt: { outcome: check({ roots: 'host' }) },
    leaves: ['relay'],
    rank: 'given',
  },
  {
    rule: 'socket.intercepted',
    seen: 'no root at all',
    attempt: { outcome: check({ roots: 'none', chainError: 'X' }) },
    leaves: ['relay'],
    rank: 'given',
  },
  {
    rule: 'socket.intercepted',
    seen: 'wrong name',
    attempt: { outcome: check({ nameMatches: false }) },
    leaves: ['relay'],
    rank: 'given',
  },
  {
    rule: 'socket.intercepted',
    seen: 'expired, and only the host store: intercepted all the same',
    attempt: { outcome: check({ roots: 'host', dates: 'expired' }) },
    leaves: ['relay'],
    rank: 'given',
  },
  {
    rule: 'socket.refused',
    seen: 'RST',
    attempt: { outcome: { reached: 'nothing', failure: { type: 'refused' } } },
    leaves: everything,
    rank: 'consistent',
  },
  {
    rule: 'socket.failed',
    seen: 'one time-out',
    attempt: { outcome: timeout },
    context: { timeoutsInARow: 1, othersConnected: true },
    leaves: everything,
    rank: 'consistent',
  },
  {
    rule: 'socket.failed',
    seen: 'three time-outs, nothing else connects',
    attempt: { outcome: timeout },
    context: { timeoutsInARow: 3, othersConnected: false },
    leaves: everything,
    rank: 'consistent',
  },
  {
    rule: 'socket.failed',
    seen: 'TCP connected, TLS silent three times',
    attempt: { outcome: { reached: 'tcp', failure: { type: 'timeout', afterSeconds: 5 } } },
    context: { timeoutsInARow: 3, othersConnected: true },
    leaves: everything,
    rank: 'consistent',
  },
  {
    rule: 'socket.timeouts',
    seen: 'three time-outs while others connect',
    attempt: { outcome: timeout },
    context: { timeoutsInARow: 3, othersConnected: true },
    leaves: ['blocked'],
    rank: 'consistent',
  },
  {
    rule: 'kernel.no_family',
    seen: 'no usable IPv6',
    attempt: { address: '2600:1fa0::1', outcome: { reached: 'not_dialled' } },
    context: {
      families: [{ kind: 'family', stamp: stamp(), family: 6, usable: false, because: 'no address' }],
    },
    leaves: ['blocked'],
    rank: 'observed',
  },
  {
    rule: 'kernel.no_family',
    seen: 'the kernel refused at connect',
    attempt: { outcome: { reached: 'nothing', failure: { type: 'no_local_route', code: 'ENETUNREACH' } } },
    leaves: ['blocked'],
    rank: 'observed',
  },

  {
    rule: 'address.private',
    seen: 'RFC 1918, unknown owner',
    attempt: { address: '10.0.77.7' },
    leaves: ['interface_endpoint', 'relay', 'blocked'],
    rank: 'consistent',
  },
  {
    rule: 'address.private',
    seen: '100.64/10',
    attempt: { address: '100.64.1.1' },
    leaves: ['interface_endpoint', 'relay', 'blocked'],
    rank: 'consistent',
  },
  {
    rule: 'address.private',
    seen: 'ULA',
    attempt: { address: 'fd12::1' },
    leaves: ['interface_endpoint', 'relay', 'blocked'],
    rank: 'consistent',
  },
  {
    rule: 'address.private',
    seen: 'public numbers inside the VPC',
    attempt: { address: '203.0.113.5' },
    topology: topology([
      snapshot({ vpcs: [{ id: 'vpc-1', ownerId: null, ipv4Cidrs: ['203.0.113.0/24'], ipv6Cidrs: [] }] }),
    ]),
    leaves: ['interface_endpoint', 'relay', 'blocked'],
    rank: 'consistent',
  },
  {
    rule: 'address.private',
    seen: 'public numbers inside a declared site',
    attempt: { address: '203.0.113.5' },
    topology: topology([snapshot()], {
      sites: [{ name: 'dc', firstLeg: null, nextHops: [], prefixes: ['203.0.113.0/24'], snatRelay: false }],
    }),
    leaves: ['interface_endpoint', 'relay', 'blocked'],
    rank: 'consistent',
  },
  {
    rule: 'address.public',
    seen: 'public, peers read',
    leaves: less('interface_endpoint'),
    rank: 'consistent',
  },
  {
    rule: 'address.outside_list',
    seen: 'outside a list read whole',
    attempt: { address: '54.240.1.1' },
    leaves: less('gateway_endpoint', 'nat_gateway_endpoint'),
    rank: 'consistent',
  },
  {
    rule: 'address.nat64',
    seen: 'NAT64',
    attempt: { address: '64:ff9b::34d8:101' },
    leaves: less('gateway_endpoint'),
    rank: 'consistent',
  },

  {
    rule: 'endpoint.own_vpc',
    seen: 'an ENI of the endpoint, by the local route',
    attempt: ssm,
    leaves: ['interface_endpoint', 'blocked'],
    rank: 'configured',
  },
  {
    rule: 'endpoint.own_vpc',
    seen: 'the same, state partial',
    attempt: ssm,
    topology: topology([snapshot({ endpoints: [{ ...interfaceEndpoint, state: 'partial' }] })]),
    leaves: ['interface_endpoint', 'blocked'],
    rank: 'configured',
  },
  ...(
    [
      ['deleting', { ...interfaceEndpoint, state: 'deleting' }],
      ['a Resource endpoint', { ...interfaceEndpoint, type: 'Resource' }],
      [
        "somebody else's service",
        { ...interfaceEndpoint, serviceName: 'com.amazonaws.vpce.us-east-1.vpce-svc-0123' },
      ],
      ['an endpoint of another VPC', { ...interfaceEndpoint, vpcId: 'vpc-2' }],
    ] as const
  ).map(
    ([seen, endpoint]): Case => ({
      rule: 'endpoint.not_shown',
      seen,
      attempt: ssm,
      topology: topology([snapshot({ endpoints: [endpoint] })]),
      leaves: ['interface_endpoint', 'relay', 'blocked'],
      rank: 'consistent',
    }),
  ),
  {
    rule: 'endpoint.not_shown',
    seen: 'a more specific route takes the address to an appliance',
    attempt: ssm,
    topology: topology([withRoutes([cidrRoute('10.0.1.0/24', target('network_interface', 'eni-x'))])]),
    leaves: ['interface_endpoint', 'relay', 'blocked'],
    rank: 'consistent',
  },
  {
    rule: 'endpoint.not_shown',
    seen: 'a bridge on the host covers it',
    attempt: { ...ssm, host: { ...kernelRoute, device: 'docker0', deviceKind: 'bridge' } },
    leaves: ['interface_endpoint', 'relay', 'blocked'],
    rank: 'consistent',
  },
  {
    rule: 'endpoint.not_shown',
    seen: 'the ENIs were last read too long ago',
    attempt: ssm,
    topology: topology([old('networkInterfaces', 901)]),
    leaves: ['interface_endpoint', 'relay', 'blocked'],
    rank: 'consistent',
  },
  {
    rule: 'endpoint.trusted',
    seen: 'declared, by the transit gateway that the entry names',
    attempt: { ...ssm, address: '10.9.0.7' },
    topology: topology([withRoutes([cidrRoute('10.9.0.0/16', target('transit_gateway', 'tgw-1'))])], {
      trustedEndpoints: [far],
    }),
    leaves: ['interface_endpoint', 'blocked'],
    rank: 'configured',
  },
  {
    rule: 'endpoint.trusted',
    seen: "by the peering with the endpoint's VPC",
    attempt: { ...ssm, address: '10.9.0.7' },
    topology: topology(
      [
        withRoutes([cidrRoute('10.9.0.0/16', target('peering', 'pcx-1'))], {
          endpoints: [{ ...interfaceEndpoint, id: 'vpce-0far', vpcId: 'vpc-9', networkInterfaceIds: [] }],
          peerings: [
            {
              id: 'pcx-1',
              status: 'active',
              requester: {
                vpcId: 'vpc-1',
                ownerId: null,
                region: null,
                ipv4Cidrs: ['10.0.0.0/16'],
                ipv6Cidrs: [],
              },
              accepter: {
                vpcId: 'vpc-9',
                ownerId: null,
                region: null,
                ipv4Cidrs: ['10.9.0.0/16'],
                ipv6Cidrs: [],
              },
            },
          ],
        }),
      ],
      { trustedEndpoints: [{ ...far, via: null }] },
    ),
    leaves: ['interface_endpoint', 'blocked'],
    rank: 'configured',
  },
  {
    rule: 'endpoint.not_shown',
    seen: 'declared, but the route goes by another transit gateway',
    attempt: { ...ssm, address: '10.9.0.7' },
    topology: topology([withRoutes([cidrRoute('10.9.0.0/16', target('transit_gateway', 'tgw-2'))])], {
      trustedEndpoints: [far],
    }),
    leaves: ['interface_endpoint', 'relay', 'blocked'],
    rank: 'consistent',
  },
  {
    rule: 'endpoint.declared_address',
    seen: 'a bare address was declared',
    attempt: { ...ssm, address: '10.9.0.7' },
    topology: topology([withRoutes([cidrRoute('10.9.0.0/16', target('transit_gateway', 'tgw-1'))])], {
      trustedEndpoints: [{ declared: { address: '10.9.0.7' }, via: 'tgw-1', addresses: [], vpcCidrs: [] }],
    }),
    leaves: ['interface_endpoint', 'relay', 'blocked'],
    rank: 'configured',
  },

  {
    rule: 'route.gateway_endpoint',
    seen: 'list → gateway endpoint',
    leaves: ['gateway_endpoint', 'blocked'],
    rank: 'configured',
  },
  {
    rule: 'route.gateway_endpoint',
    seen: 'not described, but declared (shared VPC)',
    topology: topology([snapshot({ endpoints: [] })], {
      trustedEndpoints: [{ declared: { gateway: 'vpce-s3' }, via: null, addresses: [], vpcCidrs: [] }],
    }),
    leaves: ['gateway_endpoint', 'blocked'],
    rank: 'configured',
  },
  {
    rule: 'route.endpoint_not_described',
    seen: 'list → vpce that was not described',
    topology: topology([snapshot({ endpoints: [] })]),
    leaves: everything,
    rank: 'configured',
  },
  {
    rule: 'route.endpoint_not_described',
    seen: 'described as another type',
    topology: topology([snapshot({ endpoints: [{ ...gatewayEndpoint, type: 'GatewayLoadBalancer' }] })]),
    leaves: everything,
    rank: 'configured',
  },
  {
    rule: 'route.endpoint_not_described',
    seen: 'described as deleting',
    topology: topology([snapshot({ endpoints: [{ ...gatewayEndpoint, state: 'deleting' }] })]),
    leaves: everything,
    rank: 'configured',
  },
  {
    rule: 'route.endpoint_not_described',
    seen: "a customer's own list",
    topology: topology([snapshot({ prefixLists: [{ ...s3List, ownerId: '111122223333' }] })]),
    leaves: everything,
    rank: 'configured',
  },
  {
    rule: 'route.endpoint_not_described',
    seen: 'an endpoint of another VPC',
    topology: topology([snapshot({ endpoints: [{ ...gatewayEndpoint, vpcId: 'vpc-2' }] })]),
    leaves: everything,
    rank: 'configured',
  },
  {
    rule: 'route.vpce_by_cidr',
    seen: 'CIDR → vpce',
    topology: topology([withRoutes([cidrRoute('0.0.0.0/0', target('vpc_endpoint', 'vpce-gwlb'))])]),
    leaves: everything,
    rank: 'configured',
  },
  {
    rule: 'route.appliance',
    seen: 'an ENI',
    topology: topology([withRoutes([cidrRoute('0.0.0.0/0', target('network_interface', 'eni-x'))])]),
    leaves: everything,
    rank: 'configured',
  },
  {
    rule: 'route.appliance',
    seen: 'an instance',
    topology: topology([withRoutes([cidrRoute('0.0.0.0/0', target('instance', 'i-x'))])]),
    leaves: everything,
    rank: 'configured',
  },
  {
    rule: 'route.nat_gateway_endpoint',
    seen: 'NAT, in whose table the endpoint stands',
    topology: topology([withRoutes([viaNat], {}, [natTable([viaEndpoint, viaIgw])])]),
    leaves: ['nat_gateway_endpoint', 'blocked'],
    rank: 'configured',
  },
  {
    rule: 'route.nat_internet_gateway',
    seen: 'NAT, then internet gateway',
    topology: topology([withRoutes([viaNat], {}, [natTable([viaIgw])])]),
    leaves: ['nat_gateway', 'blocked'],
    rank: 'configured',
  },
  {
    rule: 'route.nat_internet_gateway',
    seen: 'regional NAT with a table of its own',
    topology: topology([
      withRoutes(
        [viaNat],
        { natGateways: [{ ...nat, availability: 'regional', subnetId: null, routeTableId: 'rtb-own' }] },
        [table('rtb-own', [viaIgw], { subnetIds: [] })],
      ),
    ]),
    leaves: ['nat_gateway', 'blocked'],
    rank: 'configured',
  },
  {
    rule: 'route.nat_private_internet_gateway',
    seen: 'private NAT, then internet gateway',
    topology: topology([
      withRoutes([viaNat], { natGateways: [{ ...nat, connectivity: 'private' }] }, [natTable([viaIgw])]),
    ]),
    leaves: ['blocked'],
    rank: 'configured',
  },
  ...(
    [
      ['not described', withRoutes([viaNat], { natGateways: [] }, [natTable([viaIgw])])],
      ['failed', withRoutes([viaNat], { natGateways: [{ ...nat, state: 'failed' }] }, [natTable([viaIgw])])],
      [
        'with an appliance',
        withRoutes([viaNat], { natGateways: [{ ...nat, attachedAppliances: ['arn:x'] }] }, [
          natTable([viaIgw]),
        ]),
      ],
      ['its table unread', withRoutes([viaNat])],
      ['a loop', withRoutes([viaNat], {}, [natTable([viaNat])])],
    ] as const
  ).map(
    ([seen, s]): Case => ({
      rule: 'route.nat_unread',
      seen: `NAT ${seen}`,
      topology: topology([s]),
      leaves: less('gateway_endpoint'),
      rank: 'configured',
    }),
  ),
  {
    rule: 'route.beyond_public',
    seen: 'NAT, then a transit gateway',
    topology: topology([
      withRoutes([viaNat], {}, [natTable([cidrRoute('0.0.0.0/0', target('transit_gateway', 'tgw-1'))])]),
    ]),
    leaves: publicSide,
    rank: 'configured',
  },
  {
    rule: 'route.internet_gateway',
    seen: "a public address of the socket's own",
    topology: topology([withRoutes([viaIgw], { networkInterfaces: withPublic })]),
    leaves: ['internet_gateway', 'blocked'],
    rank: 'configured',
  },
  {
    rule: 'route.internet_gateway',
    seen: 'IPv6',
    attempt: { address: '2600:1fa0::1' },
    topology: topology([withRoutes([cidrRoute('::/0', target('internet_gateway', 'igw-1'))])]),
    leaves: ['internet_gateway', 'blocked'],
    rank: 'configured',
  },
  {
    rule: 'route.internet_gateway_no_public_address',
    seen: 'no public address',
    topology: topology([withRoutes([viaIgw])]),
    leaves: ['blocked'],
    rank: 'configured',
  },
  {
    rule: 'route.egress_only_or_carrier',
    seen: 'egress-only',
    attempt: { address: '2600:1fa0::1' },
    topology: topology([withRoutes([cidrRoute('::/0', target('egress_only_internet_gateway', 'eigw-1'))])]),
    leaves: ['internet_gateway', 'blocked'],
    rank: 'configured',
  },
  {
    rule: 'route.egress_only_or_carrier',
    seen: 'carrier gateway',
    topology: topology([withRoutes([cidrRoute('0.0.0.0/0', target('carrier_gateway', 'cagw-1'))])]),
    leaves: ['internet_gateway', 'blocked'],
    rank: 'configured',
  },
  ...(['transit_gateway', 'peering', 'core_network', 'virtual_private_gateway'] as const).flatMap(
    (kind): Case[] => [
      {
        rule: 'route.beyond_public',
        seen: `${kind}, public address`,
        topology: topology([withRoutes([cidrRoute('0.0.0.0/0', target(kind, 'x'))])]),
        leaves: publicSide,
        rank: 'configured',
      },
      {
        rule: 'route.beyond_private',
        seen: `${kind}, private address`,
        attempt: { address: '10.99.0.1' },
        topology: topology([withRoutes([cidrRoute('0.0.0.0/0', target(kind, 'x'))])]),
        leaves: ['interface_endpoint', 'relay', 'blocked'],
        rank: 'configured',
      },
    ],
  ),
  {
    rule: 'route.local',
    seen: 'an address of the VPC that no endpoint owns',
    attempt: { address: '10.0.77.7' },
    leaves: ['relay', 'blocked'],
    rank: 'configured',
  },
  {
    rule: 'route.local_endpoints_unread',
    seen: 'the same, endpoints not read',
    attempt: { address: '10.0.77.7' },
    topology: topology([lacking(snapshot(), 'endpoints')]),
    leaves: ['interface_endpoint', 'relay', 'blocked'],
    rank: 'configured',
  },
  ...(['local_gateway', 'odb_network', 'ip_address', 'unknown'] as const).map(
    (kind): Case => ({
      rule: 'route.unmodelled',
      seen: kind,
      topology: topology([withRoutes([cidrRoute('0.0.0.0/0', target(kind, 'x'))])]),
      leaves: everything,
      rank: 'configured',
    }),
  ),
  ...(['blackhole', 'filtered'] as const).map(
    (state): Case => ({
      rule: 'route.blackhole',
      seen: `${state}: never falls through`,
      topology: topology([
        withRoutes([listRoute('pl-s3', target('vpc_endpoint', 'vpce-s3'), { state }), viaNat], {}, [
          natTable([viaIgw]),
        ]),
      ]),
      leaves: ['blocked'],
      rank: 'configured',
    }),
  ),
  {
    rule: 'route.state_unknown',
    seen: 'a state that AWS has added since',
    topology: topology([
      withRoutes([listRoute('pl-s3', target('vpc_endpoint', 'vpce-s3'), { state: 'unknown' })]),
    ]),
    leaves: everything,
    rank: 'configured',
  },
  {
    rule: 'route.no_match',
    seen: 'no route',
    attempt: { address: '54.240.1.1' },
    leaves: ['blocked'],
    rank: 'configured',
  },
  {
    rule: 'route.several',
    seen: 'a list whose entries could not be read beside a default route',
    topology: topology([
      withRoutes([viaEndpoint, viaNat], { prefixLists: [{ ...s3List, entries: null, complete: false }] }, [
        natTable([viaIgw]),
      ]),
    ]),
    leaves: ['gateway_endpoint', 'nat_gateway', 'blocked'],
    rank: 'configured',
  },
]

/** What records and AWS itself say comes late, and has tables of its own: flow.test.ts and canary.test.ts. */
const here = Object.keys(rows).filter((id) => !/^(?:flow|canary|cloudtrail)\./.test(id))

describe('the rule table, row by row', () => {
  for (const c of cases) {
    it(`${c.rule}: ${c.seen}`, () => {
      const verdict = judgeAttempt(attempt(c.attempt), c.topology ?? topology(), {
        ...noContext,
        ...c.context,
      })
      const found = verdict.evidence.find((e) => e.rule === c.rule)
      expect(
        found,
        `no evidence by ${c.rule}; there is ${verdict.evidence.map((e) => `${e.rule} (${e.because})`).join(' | ')}`,
      ).toBeDefined()
      if (c.rule !== 'route.nat_unread')
        expect(found?.possible).toEqual(everything.filter((k) => c.leaves.includes(k)))
      else expect(found?.possible).toEqual(c.leaves)
      expect(found?.rank).toBe(c.rank)
      expect(found?.because).not.toBe('')
    })
  }

  // A row that several routes or a NAT gateway's own table are joined with still says the same by itself.
  for (const rule of here) {
    const row: Row = rows[rule as keyof typeof rows]
    it(`${rule} in the table`, () => {
      const stated = cases.find((c) => c.rule === rule)
      const leaves = rule === 'route.several' ? everything : stated?.leaves
      expect(row.leaves).toEqual(everything.filter((k) => leaves?.includes(k)))
      expect(row.rank).toBe(stated?.rank)
    })
  }

  it('has a case for every row', () => {
    expect(here.filter((id) => !cases.some((c) => c.rule === id))).toEqual([])
  })
})

describe('conditions without which a row does not apply', () => {
  const rulesOf = (a: Partial<Attempt>, t: Topology) =>
    judgeAttempt(attempt(a), t).evidence.map((e) => e.rule)

  it.each([
    ['a veth device', { deviceKind: 'veth' }],
    ['a tunnel', { deviceKind: 'tun' }],
    ['a bond', { deviceKind: 'bond' }],
    ['a MAC that no ENI has', { mac: '0e:00:00:00:00:99' }],
    ['no MAC', { mac: null }],
    ['rules by mark', { selectorRules: true }],
    ['rules that could not be read', { selectorRules: null }],
    ['a redirect that may match', { redirect: 'possible' }],
    ['no answer of the kernel', { method: 'none', device: null }],
    ['another source than the socket has', { source: '10.0.1.51' }],
    ['a neighbour as the next hop', { gateway: '10.0.1.77' }],
    ['no next hop for an address beyond the subnet', { gateway: null }],
  ] as [string, Partial<HostRoute>][])('no route evidence with %s', (_, host) => {
    const verdict = judgeAttempt(attempt({ host: { ...kernelRoute, ...host } }), topology())
    expect(verdict.evidence.filter((e) => e.rule.startsWith('route.'))).toEqual([])
    expect(verdict.state).toBe('undetermined')
  })

  it('no route evidence if the ENI does not own the local address', () => {
    const a = attempt({ localAddress: '10.0.1.99', host: { ...kernelRoute, source: '10.0.1.99' } })
    expect(judgeAttempt(a, topology()).state).toBe('undetermined')
  })

  it('no route evidence if the range of the subnet is not known, for then the router is not known either', () => {
    expect(judgeAttempt(attempt(), topology([lacking(snapshot(), 'subnets')])).state).toBe('undetermined')
  })

  it('no route evidence for IPv6 by a next hop that is not link-local', () => {
    const via = (gateway: string) =>
      judgeAttempt(
        attempt({ address: '2600:1fa0::1', host: { ...kernelRoute, source: '2600:1f18::50', gateway } }),
        topology([withRoutes([cidrRoute('::/0', target('internet_gateway', 'igw-1'))])]),
      ).state
    expect(via('fe80::1')).toBe('public')
    expect(via('2600:1f18::77')).toBe('undetermined')
  })

  it('a VLAN device and a delegated prefix count as the ENI', () => {
    const enis = [eni('eni-host', ['10.0.1.50'], { macAddress: hostMac, ipv4Prefixes: ['10.0.1.96/28'] })]
    const a = attempt({
      localAddress: '10.0.1.99',
      host: { ...kernelRoute, deviceKind: 'vlan', source: '10.0.1.99' },
    })
    expect(judgeAttempt(a, topology([snapshot({ networkInterfaces: enis })])).state).toBe('private')
  })

  it('without ip(8) the only device of the namespace counts', () => {
    const host = { ...kernelRoute, method: 'only_device', selectorRules: null, source: null } as const
    expect(judgeAttempt(attempt({ host }), topology()).state).toBe('private')
  })

  it('an unreadable redirect is an assumption that the output names', () => {
    const verdict = judgeAttempt(attempt({ host: { ...kernelRoute, redirect: 'unreadable' } }), topology())
    expect(verdict.state).toBe('private')
    expect(verdict.assumptions.join()).toContain('redirect')
  })

  it('metadata and API that disagree on the subnet leave no interface', () => {
    const t = topology()
    t.vantage.interfaces = [
      {
        id: 'eni-host',
        mac: hostMac,
        subnetId: 'subnet-other',
        vpcId: 'vpc-1',
        ipv4: ['10.0.1.50'],
        ipv6: [],
        ipv4Prefixes: [],
        ipv6Prefixes: [],
        vpcIpv4Cidrs: [],
        vpcIpv6Cidrs: [],
      },
    ]
    expect(judgeAttempt(attempt(), t).state).toBe('undetermined')
  })

  it('an address outside an incomplete list is not "outside"', () => {
    const t = topology([snapshot({ prefixLists: [{ ...s3List, complete: false }] })])
    expect(rulesOf({ address: '54.240.1.1' }, t)).not.toContain('address.outside_list')
  })

  it('an IPv6 address is not "outside" an IPv4 list', () => {
    expect(rulesOf({ address: '2a05:d000::1' }, topology())).not.toContain('address.outside_list')
  })

  it('without the peerings a public address excludes nothing', () => {
    expect(rulesOf({}, topology([lacking(snapshot(), 'peerings')]))).not.toContain('address.public')
  })

  it('no verdict rests on a reading that was made only after the attempt', () => {
    expect(judgeAttempt(attempt(), topology([snapshot({}, -30)])).state).toBe('undetermined')
  })

  it.each([
    ['route tables older than 3 minutes', 'routeTables', 181],
    ['endpoints older than 15 minutes', 'endpoints', 901],
    ['prefix lists older than 15 minutes', 'prefixLists', 901],
  ] as const)('%s are no evidence', (_, part, age) => {
    expect(judgeAttempt(attempt(), topology([old(part, age)])).state).toBe('undetermined')
    expect(judgeAttempt(attempt(), topology([old(part, age - 2)])).state).toBe('private')
  })

  it('an undated part is no evidence', () => {
    const s = snapshot()
    s.parts.routeTables = { read: true, atMs: null, dated: 'undated' }
    expect(judgeAttempt(attempt(), topology([s])).state).toBe('undetermined')
  })

  it('a later reading widens, and never narrows', () => {
    const gone = withRoutes([viaNat], {}, [natTable([viaIgw])])
    for (const p of Object.keys(gone.parts) as (keyof typeof gone.parts)[])
      gone.parts[p] = { read: true, atMs: now + 30_000, dated: 'api' }
    const widened = judgeAttempt(attempt(), topology([snapshot(), gone]))
    expect(widened.possible).toEqual(['gateway_endpoint', 'nat_gateway'])
    expect(widened.state).toBe('undetermined')
    const healed = snapshot({}, -60)
    const still = judgeAttempt(attempt(), topology([snapshot(), gone, healed]))
    expect(still.state).toBe('undetermined')
  })

  it('a reading that was begun before the attempt but came after it still only widens', () => {
    const gone = withRoutes([viaNat], {}, [natTable([viaIgw])])
    for (const p of Object.keys(gone.parts) as (keyof typeof gone.parts)[])
      gone.parts[p] = { read: true, atMs: now - 5_000, dated: 'api' }
    expect(judgeAttempt(attempt(), topology([gone])).state).toBe('public')
    expect(judgeAttempt(attempt(), topology([snapshot(), gone])).state).toBe('undetermined')
    expect(judgeAttempt(attempt(), topology([gone, snapshot()])).state).toBe('undetermined')
  })
})
