/** Each named fact: what makes it pass, what makes it fail, and what leaves it open. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type PostureCheck, postureChecks } from '../../model/posture.ts'
import type { NameStyle } from '../../model/target.ts'
import {
  type FlowLog,
  type PartReading,
  type PostureFacts,
  type Snapshot,
  snapshotParts,
} from '../../model/topology.ts'
import { postureOf } from '../../probes/posture.ts'
import { policyOpenness } from '../../probes/posture-endpoints.ts'
import { isWide } from '../../probes/posture-routes.ts'
import type { PostureInput } from '../../probes/posture-view.ts'
import {
  cidrRoute,
  eni,
  gatewayEndpoint,
  interfaceEndpoint,
  lacking,
  listRoute,
  localRoute,
  nat,
  now,
  s3List,
  snapshot,
  table,
  target,
  viaEndpoint,
  viaIgw,
  viaNat,
} from '../verdict/fixture.ts'

const fresh: PartReading = { read: true, atMs: now - 1000, dated: 'api' }

const facts: PostureFacts = {
  egressOnlyGateways: { reading: fresh, items: [] },
  blockPublicAccess: {
    reading: fresh,
    items: [{ mode: 'block-bidirectional', state: 'update-complete', exclusionsAllowed: 'allowed' }],
  },
  exclusions: { reading: fresh, items: [] },
}

const log: FlowLog = {
  id: 'fl-1',
  resourceId: 'eni-host',
  status: 'ACTIVE',
  deliverStatus: 'SUCCESS',
  deliverError: null,
  trafficType: 'ALL',
  destinationType: 'cloud-watch-logs',
  destination: null,
  logGroupName: 'g',
  logFormat: null,
  maxAggregationSeconds: 60,
}

const narrow = JSON.stringify({
  Statement: [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: 'arn:aws:s3:::my-bucket/*' }],
})

const closedTable = table('rtb-1', [localRoute, viaEndpoint])

/** An account with nothing open: every fact passes. */
function closed(more: Partial<Snapshot> = {}): Snapshot {
  return snapshot({
    routeTables: [closedTable],
    endpoints: [gatewayEndpoint, interfaceEndpoint].map((endpoint) => ({ ...endpoint, policy: narrow })),
    networkInterfaces: [eni('eni-host', ['10.0.1.50'])],
    natGateways: [],
    flowLogs: [log],
    posture: facts,
    ...more,
  })
}

const name = (service: string | null, region: string | null = 'us-east-1') => ({
  hostname: `${service}.example`,
  port: 443,
  style: 'regional' as NameStyle,
  service,
  region,
})

const host = {
  id: 'eni-host',
  mac: '',
  subnetId: 'subnet-1',
  vpcId: 'vpc-1',
  ipv4: ['10.0.1.50'],
  ipv6: [],
  ipv4Prefixes: [],
  ipv6Prefixes: [],
  vpcIpv4Cidrs: [],
  vpcIpv6Cidrs: [],
}

function input(of: Snapshot | null, more: Partial<PostureInput> = {}): PostureInput {
  return {
    snapshot: of,
    vantage: {
      kind: 'ec2',
      because: [],
      instanceId: 'i-1',
      accountId: '111122223333',
      region: 'us-east-1',
      interfaces: [host],
    },
    limits: { routeTablesMaxAgeSeconds: 180, otherMaxAgeSeconds: 900 },
    nowMs: now,
    addresses: [
      { address: '10.0.1.50', family: 4, linkLocal: false },
      { address: 'fe80::1', family: 6, linkLocal: true },
    ],
    names: [name('s3'), name('ssm')],
    endpointsElsewhere: false,
    ...more,
  }
}

const statesOf = (given: PostureInput) =>
  Object.fromEntries(postureOf(given).findings.map(({ check, state }) => [check, state]))

const wordOn = (check: PostureCheck, of: Snapshot, more: Partial<PostureInput> = {}) => {
  const found = postureOf(input(of, more)).findings.find((finding) => finding.check === check)
  if (found === undefined) throw new Error(check)
  return `${found.state}: ${found.because}`
}

const posture = (more: Partial<PostureFacts>) => closed({ posture: { ...facts, ...more } })
const mode = (of: string, more = {}) =>
  posture({
    blockPublicAccess: {
      reading: fresh,
      items: [{ mode: of, state: 'update-complete', exclusionsAllowed: 'allowed', ...more }],
    },
  })
const excluded = (resource: string, state = 'create-complete') =>
  posture({
    exclusions: {
      reading: fresh,
      items: [{ id: 'vpcbpa-exclude-1', resource, mode: 'allow-egress', state }],
    },
  })
const own = (more: object) => closed({ networkInterfaces: [{ ...eni('eni-host', ['10.0.1.50']), ...more }] })
const logged = (more: Partial<FlowLog>) => closed({ flowLogs: [{ ...log, ...more }] })
const gateway = (more: object) =>
  closed({ endpoints: [{ ...gatewayEndpoint, policy: narrow, ...more }, interfaceEndpoint] })
const inner = (more: object) => closed({ endpoints: [gatewayEndpoint, { ...interfaceEndpoint, ...more }] })
const routed = (...routes: Parameters<typeof table>[1]) =>
  closed({ routeTables: [table('rtb-1', [localRoute, ...routes])] })
const everything = (...statements: object[]) =>
  JSON.stringify({ Version: '2012-10-17', Statement: statements })
const allowAll = { Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }

test('an account with nothing open passes in all', () => {
  const states = statesOf(input(closed()))
  expect(states).toEqual(Object.fromEntries(postureChecks.map((check) => [check, 'pass'])))
})

describe('what fails, and what stays open', () => {
  test.each<[PostureCheck, string, Snapshot, RegExp]>([
    [
      'no_internet_gateway',
      'one is attached',
      closed({ internetGateways: [{ id: 'igw-1', vpcIds: ['vpc-1'] }] }),
      /^fail: igw-1/,
    ],
    [
      'no_internet_gateway',
      'one of another VPC',
      closed({ internetGateways: [{ id: 'igw-1', vpcIds: ['vpc-2'] }] }),
      /^pass/,
    ],
    ['no_internet_gateway', 'one that only a route knows', routed(viaIgw), /^fail: igw-1/],
    ['no_internet_gateway', 'one that is gone', routed({ ...viaIgw, state: 'blackhole' }), /^pass/],
    ['no_nat_gateway', 'one', closed({ natGateways: [nat] }), /^fail: NAT gateway nat-1/],
    ['no_nat_gateway', 'one that only a route knows', routed(viaNat), /^fail: NAT gateway nat-1/],
    [
      'no_nat_gateway',
      'a private one',
      closed({ natGateways: [{ ...nat, connectivity: 'private' }] }),
      /^pass: .*nat-1, which is private/,
    ],
    ['no_nat_gateway', 'one of the past', closed({ natGateways: [{ ...nat, state: 'deleted' }] }), /^pass/],
    [
      'no_nat_gateway',
      'one that is coming',
      closed({ natGateways: [{ ...nat, state: 'pending' }] }),
      /^fail/,
    ],
    [
      'no_egress_only_gateway',
      'one',
      posture({ egressOnlyGateways: { reading: fresh, items: [{ id: 'eigw-1', vpcIds: ['vpc-1'] }] } }),
      /^fail: eigw-1/,
    ],
    [
      'no_egress_only_gateway',
      'one that only a route knows',
      routed(cidrRoute('::/0', target('egress_only_internet_gateway', 'eigw-1'))),
      /^fail: eigw-1/,
    ],
    [
      'no_egress_only_gateway',
      'never asked for',
      closed({ posture: undefined as never }),
      /^unknown: .*DescribeEgressOnly/,
    ],
    ['no_default_route', 'to NAT', routed(viaNat), /^fail: 0\.0\.0\.0\/0 to nat-1 in rtb-1/],
    [
      'no_default_route',
      'by IPv6',
      routed(cidrRoute('::/0', target('egress_only_internet_gateway', 'eigw-1'))),
      /^fail: ::\/0/,
    ],
    [
      'no_default_route',
      'to a transit gateway',
      routed(cidrRoute('0.0.0.0/0', target('transit_gateway', 'tgw-1'))),
      /^fail/,
    ],
    [
      'no_default_route',
      'in halves',
      routed(cidrRoute('128.0.0.0/1', target('transit_gateway', 'tgw-1'))),
      /^fail: 128/,
    ],
    ['no_default_route', 'to nowhere, for now', routed({ ...viaNat, state: 'blackhole' }), /^fail/],
    [
      'no_default_route',
      'in a list',
      {
        ...routed(listRoute('pl-own', target('transit_gateway', 'tgw-1'))),
        prefixLists: [{ ...s3List, id: 'pl-own', entries: ['10.0.0.0/8', '0.0.0.0/0'] }],
      },
      /^fail: 0\.0\.0\.0\/0 of pl-own/,
    ],
    [
      'no_default_route',
      'in a list that is not known',
      routed(listRoute('pl-dark', target('transit_gateway', 'tgw-1'))),
      /^unknown: .*pl-dark/,
    ],
    [
      'no_default_route',
      'in a list that is old',
      { ...closed(), prefixLists: [{ ...s3List, atMs: now - 901_000 }] },
      /^unknown: .*pl-s3/,
    ],
    [
      'no_default_route',
      'in a route that was not understood',
      closed({ routeTables: [{ ...closedTable, unreadableRoutes: 1 }] }),
      /^unknown: 1 routes/,
    ],
    [
      'no_default_route',
      'only private ranges',
      routed(
        cidrRoute('10.0.0.0/8', target('transit_gateway', 'tgw-1')),
        cidrRoute('fc00::/7', target('transit_gateway', 'tgw-1')),
      ),
      /^pass/,
    ],
    [
      'no_default_route',
      'no table for the subnet',
      closed({ routeTables: [{ ...closedTable, subnetIds: [] }] }),
      /^unknown/,
    ],
    [
      'no_public_address',
      'one',
      own({ ipv4: [{ address: '10.0.1.50', primary: true, publicAddress: '198.51.100.7' }] }),
      /^fail: 198\.51\.100\.7 of eni-host/,
    ],
    [
      'no_public_address',
      'an interface that is not shown',
      closed({ networkInterfaces: [] }),
      /^unknown: eni-host/,
    ],
    [
      'no_global_ipv6',
      'one that the host does not use',
      own({ ipv6: ['2600:1f18::50'] }),
      /^fail: 2600:1f18::50 of eni-host/,
    ],
    ['no_global_ipv6', 'a prefix', own({ ipv6Prefixes: ['2600:1f18::/80'] }), /^fail/],
    ['no_global_ipv6', 'a private one', own({ ipv6: ['fd00::5'] }), /^pass/],
    ['block_public_access', 'off', mode('off'), /^fail: .*off/],
    ['block_public_access', 'only ingress', mode('block-ingress'), /^fail: .*still lead out/],
    ['block_public_access', 'a new mode', mode('block-sideways'), /^unknown/],
    [
      'block_public_access',
      'under way',
      mode('block-bidirectional', { state: 'update-in-progress' }),
      /^unknown/,
    ],
    [
      'block_public_access',
      'no exclusions allowed',
      { ...mode('block-bidirectional', { exclusionsAllowed: 'not-allowed' }) },
      /^pass: .*no exclusions/,
    ],
    [
      'block_public_access',
      'this subnet excluded',
      excluded('arn:aws:ec2:us-east-1:111122223333:subnet/subnet-1'),
      /^fail: .*subnet-1 is excluded/,
    ],
    [
      'block_public_access',
      'this VPC excluded',
      excluded('arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1', 'update-in-progress'),
      /^fail/,
    ],
    [
      'block_public_access',
      'another one excluded',
      excluded('arn:aws:ec2:us-east-1:111122223333:vpc/vpc-2'),
      /^pass/,
    ],
    [
      'block_public_access',
      'an exclusion of the past',
      excluded('arn:aws:ec2:us-east-1:111122223333:vpc/vpc-1', 'delete-complete'),
      /^pass/,
    ],
    [
      'block_public_access',
      'exclusions denied',
      posture({ exclusions: { reading: { read: false, reason: 'denied', detail: 'no' }, items: [] } }),
      /^unknown: .*Exclusions is denied/,
    ],
    [
      'block_public_access',
      'an empty answer',
      posture({ blockPublicAccess: { reading: fresh, items: [] } }),
      /^unknown/,
    ],
    ['flow_log_covers_interface', 'none', closed({ flowLogs: [] }), /^fail: .*eni-host/],
    ['flow_log_covers_interface', 'one of the VPC', logged({ resourceId: 'vpc-1' }), /^pass/],
    ['flow_log_covers_interface', 'one of another subnet', logged({ resourceId: 'subnet-9' }), /^fail/],
    ['flow_log_covers_interface', 'one that fails', logged({ deliverStatus: 'FAILED' }), /^fail/],
    ['flow_log_covers_interface', 'one of rejected packets', logged({ trafficType: 'REJECT' }), /^fail/],
    [
      'flow_log_covers_interface',
      'one that has not delivered yet',
      logged({ deliverStatus: null }),
      /^unknown/,
    ],
    [
      'endpoint_per_service',
      'one is going',
      gateway({ state: 'deleting' }),
      /^fail: no endpoint in this VPC for s3/,
    ],
    ['endpoint_per_service', 'one of another VPC', gateway({ vpcId: 'vpc-2' }), /^fail/],
    [
      'endpoint_per_service',
      'one of a look-alike',
      gateway({ serviceName: 'com.amazonaws.vpce.us-east-1.s3' }),
      /^fail/,
    ],
    ['private_dns', 'off', inner({ privateDnsEnabled: false }), /^fail: .*vpce-ssm/],
    [
      'private_dns',
      'for the inbound resolver only',
      inner({ privateDnsOnlyForInboundResolver: true }),
      /^fail: .*inbound/,
    ],
    [
      'private_dns',
      'for the inbound resolver only, beside a gateway',
      inner({ serviceName: gatewayEndpoint.serviceName, privateDnsOnlyForInboundResolver: true }),
      /^pass/,
    ],
    ['private_dns', 'no interface endpoint', closed({ endpoints: [gatewayEndpoint] }), /^pass/],
    [
      'endpoint_policies_restricted',
      'wide open',
      gateway({ policy: everything(allowAll) }),
      /^fail: .*vpce-s3/,
    ],
    ['endpoint_policies_restricted', 'not given', gateway({ policy: null }), /^unknown/],
  ])('%s: %s', (check, _what, of, expected) => {
    expect(wordOn(check, of)).toMatch(expected)
  })

  test('an address of the host itself', () => {
    const addresses = [{ address: '2001:4860::1', family: 6, linkLocal: false } as const]
    expect(wordOn('no_global_ipv6', closed(), { addresses })).toMatch(/^fail: this host has 2001:4860::1/)
    expect(wordOn('no_global_ipv6', closed(), { addresses: null })).toMatch(/^unknown/)
    expect(statesOf(input(null, { addresses }))['no_global_ipv6']).toBe('fail')
  })

  test('services by their endpoint names, global ones where the host stands, unknown ones, declared elsewhere', () => {
    const kinesis = closed({
      endpoints: [{ ...interfaceEndpoint, serviceName: 'com.amazonaws.us-east-1.kinesis-streams' }],
    })
    expect(wordOn('endpoint_per_service', kinesis, { names: [name('kinesis')] })).toMatch(/^pass/)
    expect(wordOn('endpoint_per_service', closed(), { names: [name('s3', null)] })).toMatch(/^pass/)
    expect(wordOn('endpoint_per_service', closed(), { names: [name('s3', 'eu-west-1')] })).toMatch(/^fail/)
    expect(wordOn('endpoint_per_service', closed(), { names: [name(null)] })).toMatch(/^unknown/)
    expect(wordOn('endpoint_per_service', closed(), { names: [] })).toMatch(/^unknown/)
    expect(
      wordOn('endpoint_per_service', closed(), { names: [name('sqs')], endpointsElsewhere: true }),
    ).toMatch(/^unknown: .*elsewhere/)
  })
})

describe('never pass in doubt', () => {
  const allUnknown = Object.fromEntries(
    postureChecks.map((check) => [check, check === 'no_global_ipv6' ? 'pass' : 'unknown']),
  )

  test('without a reading, without an interface, on-prem: nothing of the account is known', () => {
    expect(statesOf(input(null))).toEqual(allUnknown)
    const { vantage } = input(null)
    expect(statesOf(input(closed(), { vantage: { ...vantage, interfaces: [] } }))).toEqual(allUnknown)
    expect(statesOf(input(closed(), { vantage: { ...vantage, kind: 'on-prem' } }))).toEqual(allUnknown)
    const half = [{ ...host, subnetId: null }]
    expect(statesOf(input(closed(), { vantage: { ...vantage, interfaces: half } }))).toEqual(allUnknown)
  })

  /** Which parts each fact can not be said without. */
  const needs: Partial<Record<PostureCheck, (keyof Snapshot['parts'])[]>> = {
    no_internet_gateway: ['internetGateways', 'vpcs'],
    no_nat_gateway: ['natGateways', 'vpcs'],
    no_egress_only_gateway: ['vpcs'],
    no_default_route: ['routeTables', 'prefixLists'],
    no_public_address: ['networkInterfaces'],
    no_global_ipv6: ['networkInterfaces'],
    block_public_access: ['vpcs'],
    flow_log_covers_interface: ['flowLogs'],
    endpoint_per_service: ['endpoints'],
    private_dns: ['endpoints', 'vpcs'],
    endpoint_policies_restricted: ['endpoints', 'vpcs'],
  }
  const losses: [string, (of: Snapshot, part: keyof Snapshot['parts']) => Snapshot][] = [
    ['not read', (of, part) => lacking(of, part)],
    ['too old', (of, part) => dated(of, part, now - 901_000)],
    ['undated', (of, part) => dated(of, part, null)],
    ['of the future', (of, part) => dated(of, part, now + 3_600_000)],
    [
      'not understood whole',
      (of, part) => ({ ...of, parts: { ...of.parts, [part]: { ...fresh, lost: 1 } } }),
    ],
  ]
  function dated(of: Snapshot, part: keyof Snapshot['parts'], atMs: number | null): Snapshot {
    return { ...of, parts: { ...of.parts, [part]: { read: true, atMs, dated: 'api' } } }
  }

  test.each(losses)(
    'a part that is %s leaves what needs it unknown, and the rest as it was',
    (_how, lose) => {
      for (const part of snapshotParts) {
        const states = statesOf(input(lose(closed(), part)))
        for (const check of postureChecks) {
          const expected = needs[check]?.includes(part) === true ? 'unknown' : 'pass'
          expect([part, check, states[check]]).toEqual([part, check, expected])
        }
      }
    },
  )

  test.each(['egressOnlyGateways', 'blockPublicAccess', 'exclusions'] as const)(
    '%s that is old or denied',
    (fact) => {
      const check = fact === 'egressOnlyGateways' ? 'no_egress_only_gateway' : 'block_public_access'
      for (const reading of [
        { ...fresh, atMs: now - 901_000 },
        { ...fresh, lost: 2 },
        { read: false, reason: 'denied', detail: 'x' },
      ] as const) {
        const of = posture({ [fact]: { ...facts[fact], reading } })
        expect(statesOf(input(of))).toEqual({ ...statesOf(input(closed())), [check]: 'unknown' })
      }
    },
  )

  test('a VPC of another account: nothing that its owner may have is missing', () => {
    const shared = closed({
      vpcs: [{ id: 'vpc-1', ownerId: '999999999999', ipv4Cidrs: [], ipv6Cidrs: [] }],
      flowLogs: [],
      endpoints: [],
    })
    expect(statesOf(input(shared))).toMatchObject({
      no_internet_gateway: 'unknown',
      no_nat_gateway: 'unknown',
      no_egress_only_gateway: 'unknown',
      block_public_access: 'unknown',
      flow_log_covers_interface: 'unknown',
      endpoint_per_service: 'unknown',
      private_dns: 'unknown',
      endpoint_policies_restricted: 'unknown',
    })
  })
})

describe('policies', () => {
  test.each([
    ['open', everything(allowAll)],
    [
      'open',
      everything({ ...allowAll, Principal: { AWS: '*' }, Action: ['s3:*'], Resource: ['arn:aws:s3:::*'] }),
    ],
    ['open', JSON.stringify({ Statement: allowAll })],
    ['open', everything({ ...allowAll, Condition: {} })],
    ['restricted', everything({ ...allowAll, Condition: { StringEquals: { 'aws:PrincipalOrgID': 'o-1' } } })],
    ['restricted', everything({ ...allowAll, Principal: { AWS: 'arn:aws:iam::111122223333:root' } })],
    ['restricted', everything({ ...allowAll, Resource: 'arn:aws:s3:::b/*' })],
    ['restricted', everything({ ...allowAll, Action: 's3:GetObject' })],
    ['unclear', everything(allowAll, { ...allowAll, Effect: 'Deny', Resource: 'arn:aws:s3:::b/*' })],
    ['unclear', everything({ Effect: 'Allow', Principal: '*', NotAction: 's3:X', Resource: '*' })],
    ['unclear', everything({ ...allowAll, Effect: 'Perhaps' })],
    ['unclear', '{'],
    ['unclear', '[]'],
    ['unclear', 'null'],
    ['unclear', everything()],
    ['unclear', null],
  ])('%s: %s', (expected, text) => {
    expect(policyOpenness(text)).toBe(expected)
  })

  test('no text makes it throw, and none but a policy is restricted', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.jsonValue().map((value) => JSON.stringify(value)),
        ),
        (text) => {
          expect(policyOpenness(text)).toBe('unclear')
        },
      ),
    )
  })
})

test.each([
  ['0.0.0.0/0', true],
  ['64.0.0.0/2', true],
  ['10.0.0.0/8', false],
  ['10.0.0.0/7', true],
  ['::/0', true],
  ['2000::/3', true],
  ['2600::/12', true],
  ['2600:1f18::/32', false],
  ['fc00::/7', false],
  ['fd00::/8', false],
  ['fc00::/6', true],
  ['nonsense', true],
])('%s is everywhere: %s', (prefix, wide) => {
  expect(isWide(prefix)).toBe(wide)
})
