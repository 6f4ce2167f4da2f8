/** What mends a path, and what would settle it: one case for each condition of the advice. */
import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../model/evidence.ts'
import type { Attempt } from '../../model/observation.ts'
import type { PathClass } from '../../model/path.ts'
import type { PrefixList, Topology, VpcEndpoint } from '../../model/topology.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { adviseAttempt } from '../../verdict/advice.ts'
import { type AttemptContext, judgeWithParts, noContext } from '../../verdict/judge.ts'
import { judgeName } from '../../verdict/name.ts'
import {
  answer,
  attempt,
  cidrRoute,
  dns,
  gatewayEndpoint,
  interfaceEndpoint,
  kernelRoute,
  lacking,
  listRoute,
  natTable,
  s3List,
  snapshot,
  stamp,
  target,
  topology,
  verified,
  viaIgw,
  viaNat,
  withRoutes,
} from './fixture.ts'

function advised(more: Partial<Attempt>, t: Topology, context: Partial<AttemptContext> = {}): AttemptVerdict {
  const a = attempt(more)
  return adviseAttempt(a, judgeWithParts(a, t, { ...noContext, ...context }), t)
}

const late = (...possible: PathClass[]): Evidence => ({
  rule: 'test',
  possible,
  rank: 'observed',
  because: 'a record',
  source: 'test',
  observedAtMs: 0,
  flags: [],
  assumptions: [],
})

/** Everything leaves by a NAT gateway and the internet gateway behind it; `endpoints` stand in the account. */
const byNat = (...endpoints: VpcEndpoint[]) =>
  topology([withRoutes([viaNat], { endpoints }, [natTable([viaIgw])])])
const elsewhere = { ...gatewayEndpoint, id: 'vpce-other', vpcId: 'vpc-2' }
const ofDynamodb = { ...gatewayEndpoint, id: 'vpce-ddb', serviceName: 'com.amazonaws.us-east-1.dynamodb' }
const unassociated = { ...gatewayEndpoint, routeTableIds: ['rtb-9'] }
const ssm = { hostname: 'ssm.us-east-1.amazonaws.com', address: '52.119.1.1' }
const ssmFips = { ...ssm, hostname: 'ssm-fips.us-east-1.amazonaws.com' }
const behindSnat = { host: { ...kernelRoute, deviceKind: 'veth' as const } }
const tookNat = { late: [late('nat_gateway')] }
const v6 = { hostname: 'b.s3.dualstack.us-east-1.amazonaws.com', address: '2600:1fa0::1' }
const byEgressOnly = (endpoint: VpcEndpoint) =>
  topology([
    withRoutes([cidrRoute('::/0', target('egress_only_internet_gateway', 'eigw-1'))], {
      endpoints: [endpoint],
    }),
  ])

describe('what mends a public path by a gateway endpoint', () => {
  it.each<[string, AttemptVerdict, string, string | null]>([
    [
      'the endpoint is not in the table',
      advised({}, byNat(unassociated)),
      'Associate the gateway endpoint vpce-s3',
      'aws ec2 modify-vpc-endpoint --vpc-endpoint-id vpce-s3 --add-route-table-ids rtb-1',
    ],
    [
      'the address belongs to another region',
      advised({ address: '54.240.1.1' }, byNat(gatewayEndpoint)),
      "54.240.1.1 is not in this region's list",
      null,
    ],
    [
      'another route wins',
      advised({}, byNat(gatewayEndpoint)),
      'The gateway endpoint vpce-s3 is associated with rtb-1, yet another route wins',
      'aws ec2 describe-route-tables --route-table-ids rtb-1',
    ],
    [
      'IPv6 past an endpoint of IPv4',
      advised(v6, byEgressOnly(gatewayEndpoint)),
      'The gateway endpoint vpce-s3 takes IPv4 only',
      'aws ec2 modify-vpc-endpoint --vpc-endpoint-id vpce-s3 --ip-address-type dualstack',
    ],
    [
      'IPv6 past a dual-stack endpoint',
      advised(v6, byEgressOnly({ ...gatewayEndpoint, ipAddressType: 'dualstack' })),
      'is associated with rtb-1, yet another route wins',
      'aws ec2 describe-route-tables --route-table-ids rtb-1',
    ],
    [
      'none in this VPC',
      advised({}, byNat(elsewhere, ofDynamodb)),
      'Create a gateway endpoint for s3 in vpc-1',
      'aws ec2 create-vpc-endpoint --vpc-id vpc-1 --vpc-endpoint-type Gateway --service-name com.amazonaws.us-east-1.s3 --route-table-ids rtb-1',
    ],
    [
      'the interface and its table are not known: endpoints of every VPC are named',
      advised(behindSnat, byNat({ ...elsewhere, routeTableIds: [] }), tookNat),
      'The gateway endpoint vpce-other is associated with the table',
      null,
    ],
    [
      'the table could not be read, but the interface is known',
      advised({}, topology([lacking(byNat().readings[0] ?? snapshot(), 'routeTables')]), tookNat),
      'Create a gateway endpoint for s3 in vpc-1',
      'aws ec2 create-vpc-endpoint --vpc-id vpc-1 --vpc-endpoint-type Gateway --service-name com.amazonaws.us-east-1.s3',
    ],
  ])('%s', (_, verdict, text, command) => {
    expect(verdict.state).toBe('public')
    expect(verdict.fix).toHaveLength(1)
    expect(verdict.fix[0]?.text).toContain(text)
    expect(verdict.fix[0]?.command).toBe(command)
  })

  it('NAT64 needs the route where the NAT gateway is, or no NAT64', () => {
    const nat64 = { hostname: v6.hostname, address: '64:ff9b::34d8:101' }
    const routes = [cidrRoute('64:ff9b::/96', target('nat_gateway', 'nat-1'))]
    const t = (...endpoints: VpcEndpoint[]) =>
      topology([withRoutes(routes, { endpoints }, [natTable([viaIgw])])])
    const verdict = advised(nat64, t(gatewayEndpoint))
    expect(verdict.state).toBe('public')
    expect(verdict.fix).toEqual([
      { text: expect.stringContaining('A NAT64 address never takes'), command: null },
    ])
    expect(advised(nat64, t()).fix[0]?.text).toContain('Create a gateway endpoint')
  })

  it('nothing is said where the VPC is not known and no endpoint is', () => {
    expect(advised(behindSnat, byNat(), tookNat)).toMatchObject({ state: 'public', fix: [] })
  })

  it('nor where the region is not known, for the name of the service follows from it', () => {
    const t = byNat()
    t.readings = t.readings.map((r) => ({ ...r, region: null }))
    t.vantage = { ...t.vantage, region: null }
    expect(advised({ hostname: 's3.amazonaws.com' }, t)).toMatchObject({ state: 'public', fix: [] })
    t.vantage = { ...t.vantage, region: 'us-west-2' }
    expect(advised({ hostname: 's3.amazonaws.com' }, t).fix[0]?.command).toContain(
      'com.amazonaws.us-west-2.s3',
    )
  })

  it('nor for names that are not AWS’s, nor for hosts that are no names', () => {
    expect(advised({ hostname: 'example.org' }, byNat())).toMatchObject({ state: 'public', fix: [] })
    expect(advised({ hostname: 'not a name' }, byNat())).toMatchObject({ state: 'public', fix: [] })
  })

  it('a multi-region access point has an endpoint service of its own', () => {
    const hostname = 'abcdef0123456.mrap.accesspoint.s3-global.amazonaws.com'
    const own = { ...interfaceEndpoint, serviceName: 'com.amazonaws.s3-global.accesspoint' }
    expect(advised({ hostname }, byNat(own, gatewayEndpoint)).fix[0]).toMatchObject({
      text: expect.stringMatching(/^vpce-ssm has private DNS, yet/),
    })
    expect(advised({ hostname }, byNat(gatewayEndpoint)).fix).toEqual([
      {
        text: 'Create an interface endpoint for s3 in vpc-1 with private DNS',
        command:
          'aws ec2 create-vpc-endpoint --vpc-id vpc-1 --vpc-endpoint-type Interface --service-name com.amazonaws.s3-global.accesspoint --subnet-ids subnet-1 --private-dns-enabled',
      },
    ])
    expect(advised({ hostname: 'b.s3.us-east-1.amazonaws.com' }, byNat(own)).fix[0]?.text).toContain(
      'Create a gateway endpoint for s3',
    )
  })
})

describe('what mends a public path by an interface endpoint', () => {
  const ofSsm = (more: Partial<VpcEndpoint>) => byNat({ ...interfaceEndpoint, ...more })
  const create =
    'aws ec2 create-vpc-endpoint --vpc-id vpc-1 --vpc-endpoint-type Interface --service-name com.amazonaws.us-east-1.ssm --subnet-ids subnet-1 --private-dns-enabled'

  it.each<[string, AttemptVerdict, RegExp, string | null]>([
    ['none', advised(ssm, byNat()), /with private DNS$/, create],
    [
      'one of another kind',
      advised(ssm, ofSsm({ type: 'GatewayLoadBalancer' })),
      /with private DNS$/,
      create,
    ],
    [
      'none, and private DNS would not cover this name',
      advised(ssmFips, byNat()),
      /with private DNS, and make the software use the regional name, .* this fips one/,
      create,
    ],
    [
      'one, and private DNS does not cover this name',
      advised(ssmFips, ofSsm({})),
      /private DNS of vpce-ssm covers the regional name only, not this fips one: .* ssm\.us-east-1\.amazonaws\.com$/,
      null,
    ],
    [
      'one without private DNS',
      advised(ssm, ofSsm({ privateDnsEnabled: false })),
      /vpce-ssm has no private DNS/,
      'aws ec2 modify-vpc-endpoint --vpc-endpoint-id vpce-ssm --private-dns-enabled',
    ],
    [
      'one with private DNS',
      advised(ssm, ofSsm({})),
      /vpce-ssm has private DNS, yet a resolver answered a public address/,
      'aws ec2 describe-vpc-attribute --vpc-id vpc-1 --attribute enableDnsSupport',
    ],
    [
      'the same where the VPC is not known',
      advised({ ...ssm, ...behindSnat }, ofSsm({}), tookNat),
      /vpce-ssm has private DNS/,
      null,
    ],
  ])('%s', (_, verdict, text, command) => {
    expect(verdict.state).toBe('public')
    expect(verdict.fix).toHaveLength(1)
    expect(verdict.fix[0]?.text).toMatch(text)
    expect(verdict.fix[0]?.command).toBe(command)
  })

  it('nothing is said where neither the VPC nor an endpoint is known, or the region is not', () => {
    expect(advised({ ...ssm, ...behindSnat }, byNat(), tookNat).fix).toEqual([])
    const t = byNat()
    t.readings = t.readings.map((r) => ({ ...r, region: null }))
    t.vantage = { ...t.vantage, region: null }
    expect(advised({ ...ssm, hostname: 'sts.amazonaws.com' }, t)).toMatchObject({ state: 'public', fix: [] })
  })
})

describe('what else mends', () => {
  const timeout = { reached: 'nothing', failure: { type: 'timeout', afterSeconds: 5 } } as const

  it('an address that would be public is mended as one that is', () => {
    const verdict = advised({ outcome: timeout }, byNat(unassociated))
    expect([verdict.state, verdict.wouldBe]).toEqual(['undetermined', 'public'])
    expect(verdict.fix[0]?.command).toContain('--add-route-table-ids')
  })

  it('neither a private one, nor one that would be private, nor an open one has anything to mend', () => {
    expect(advised({}, topology()).fix).toEqual([])
    expect(advised({ outcome: timeout }, topology()).fix).toEqual([])
    expect(advised(behindSnat, topology())).toMatchObject({ state: 'undetermined', fix: [] })
  })

  it('interception', () => {
    const { tls } = verified as Extract<Attempt['outcome'], { reached: 'tls' }>
    const outcome = { reached: 'tls', tls: { ...tls, check: { ...tls.check, roots: 'host' } } } as const
    expect(advised({ outcome }, topology()).fix.map((f) => f.text)).toEqual([
      expect.stringContaining('exempt AWS names from TLS inspection'),
    ])
  })

  it('a dead route', () => {
    const dead = topology([withRoutes([{ ...viaNat, state: 'blackhole' }])])
    const command =
      "aws ec2 describe-route-tables --route-table-ids rtb-1 --query 'RouteTables[].Routes[?State==`blackhole`]'"
    expect(advised({ outcome: timeout }, dead).fix).toEqual([
      { text: expect.stringContaining('deleted or detached'), command },
    ])
    expect(advised({ outcome: timeout, hostname: 'example.org' }, dead).fix).toEqual([])
  })
})

describe('what would settle it', () => {
  const record = /^a flow log/
  const handshake = /^a completed TLS handshake/
  const canary = /canary/
  const whichRoute = /^which route/
  const declare = /^the endpoint declared in trusted_endpoints by its own/
  const entries = /GetManagedPrefixListEntries/
  const describeEndpoint = /^the endpoint in DescribeVpcEndpoints/
  const onPrem = (t: Topology): Topology => ({ ...t, vantage: { ...t.vantage, kind: 'on-prem' } })
  const refused = { reached: 'nothing', failure: { type: 'refused' } } as const
  const unread: PrefixList = { ...s3List, entries: null, complete: false }

  it.each<[string, AttemptVerdict, RegExp[]]>([
    [
      'records of the network, where what is known contradicts itself',
      advised({}, topology(), { late: [late('nat_gateway'), late('gateway_endpoint')] }),
      [record],
    ],
    [
      'an attempt, where none was made',
      advised({ outcome: { reached: 'not_dialled' } }, topology()),
      [/^an attempt/],
    ],
    ['a handshake, where none came about', advised({ outcome: refused }, topology()), [handshake]],
    ['the way, where the host does not say it', advised(behindSnat, topology()), [whichRoute, canary]],
    [
      'the declaration of an endpoint, on-prem and for a private address',
      advised({ address: '10.9.0.7' }, onPrem(topology())),
      [declare, canary],
    ],
    ['not so for a public one', advised({}, onPrem(topology([]))), [/site's router sends/, canary]],
    [
      'nor in a VPC',
      advised(
        { address: '10.9.0.7' },
        topology([withRoutes([cidrRoute('10.9.0.0/16', target('peering', 'pcx-1'))])]),
      ),
      [canary],
    ],
    [
      'the entries of a list',
      advised(
        {},
        topology([
          withRoutes(
            [listRoute('pl-s3', target('vpc_endpoint', 'vpce-s3')), viaNat],
            { prefixLists: [unread] },
            [natTable([viaIgw])],
          ),
        ]),
      ),
      [entries],
    ],
    [
      'the description of an endpoint',
      advised({}, topology([snapshot({ endpoints: [] })])),
      [describeEndpoint, canary],
    ],
    [
      'the permission that is missing',
      advised({}, topology([lacking(snapshot(), 'subnets')])),
      [/^not allowed to read subnets: ec2:DescribeSubnets would settle it$/, whichRoute, canary],
    ],
    [
      'not one that settles nothing',
      advised(behindSnat, topology([lacking(snapshot(), 'flowLogs', 'internetGateways')])),
      [whichRoute, canary],
    ],
  ])('%s', (_, verdict, expected) => {
    expect(verdict.state).toBe('undetermined')
    expect(verdict.wouldDecide).toEqual(expected.map((e) => expect.stringMatching(e)))
  })

  it('nothing, where it is settled', () => {
    expect(advised({}, topology()).wouldDecide).toEqual([])
    expect(advised({}, byNat()).wouldDecide).toEqual([])
  })
})

describe('the advice of a name', () => {
  const named = (attempts: Partial<Attempt>[], t: Topology) =>
    judgeName(
      {
        hostname: 'b.s3.us-east-1.amazonaws.com',
        style: 'regional',
        resolvers: ['system'],
        dns: [dns(answer(['52.216.1.1']), answer([]))],
        families: [],
        attempts: attempts.map((more, i) => ({
          attempt: attempt({ ...more, stamp: stamp(`a${i}`) }),
          context: noContext,
        })),
        tainted: [],
      },
      t,
    )

  it('is that of its attempts, each once', () => {
    const verdict = named([{}, { address: '52.216.1.2' }], byNat(unassociated))
    expect(verdict.fix).toHaveLength(1)
    const open = named([behindSnat, { ...behindSnat, address: '52.216.1.2' }], topology())
    expect(open.wouldDecide).toHaveLength(2)
  })

  it('says what would settle it only where it is open', () => {
    const mixed = named([{}, behindSnat], byNat())
    expect(mixed.attempts.some((a) => a.wouldDecide.length > 0)).toBe(true)
    expect(mixed).toMatchObject({ state: 'public', wouldDecide: [] })
  })
})
