import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../model/evidence.ts'
import type {
  Attempt,
  CanaryAsk,
  CanaryObject,
  CanaryObservation,
  TrailObservation,
} from '../../model/observation.ts'
import { type PathClass, sideOf } from '../../model/path.ts'
import type { MetadataInterface, Topology, VpcEndpoint } from '../../model/topology.ts'
import { confirmationOf } from '../../verdict/confirm.ts'
import { judgeAttempt, noContext } from '../../verdict/judge.ts'
import { readCanary } from '../../verdict/rules/canary-mix.ts'
import { canaryEvidence } from '../../verdict/rules/canary.ts'
import { trailEvidence } from '../../verdict/rules/cloudtrail.ts'
import { rows } from '../../verdict/rules/rows.ts'
import {
  attempt,
  gatewayEndpoint,
  hostMac,
  lacking,
  natTable,
  now,
  snapshot,
  stamp,
  topology,
  verified,
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

const endpoint = 'vpce-0a1b2c3d4e5f60718'

function ask(object: CanaryObject, status: number, more: object = {}): CanaryAsk {
  const code = status === 403 ? 'AccessDenied' : null
  return { object, outcome: { answered: true, status, code, deniedBy: null, requestId: 'r', ...more } }
}

const through = [ask('control', 200), ask('positive', 200), ask('negative', 403)]
const outside = [ask('control', 200), ask('positive', 403), ask('negative', 200)]

function canary(more: Partial<CanaryObservation> = {}): CanaryObservation {
  return {
    kind: 'canary',
    stamp: stamp('c1'),
    attemptId: 'a1',
    round: 'a1',
    socket: 1,
    hostname: 'b.s3.us-east-1.amazonaws.com',
    bucket: 'my-canary',
    endpoint,
    asks: through,
    closedEarly: false,
    notSent: null,
    clockOffsetSeconds: 0,
    policy: { verified: true, ageSeconds: 60, vpcId: null, sourceAddresses: null },
    ...more,
  }
}

const ownPolicy = { verified: true, ageSeconds: 60, vpcId: null, sourceAddresses: ['10.0.1.50'] } as const

function trail(more: Partial<TrailObservation> = {}): TrailObservation {
  return {
    kind: 'trail',
    stamp: stamp('t1'),
    attemptId: 'a1',
    requestId: 'req-1',
    eventSource: 'kms.amazonaws.com',
    eventName: 'ListKeys',
    eventMs: now,
    vpcEndpointId: endpoint,
    sourceIpAddress: '10.0.7.7',
    invokedBy: null,
    ...more,
  }
}

const witnessed = attempt({
  http: { status: 200, requestId: 'req-1', bucketRegion: null, location: null, dateMs: now, server: null },
})

const described = (more: Partial<VpcEndpoint>, ageSeconds = 10): Topology =>
  topology([snapshot({ endpoints: [{ ...gatewayEndpoint, id: endpoint, ...more }] }, ageSeconds)])

const metadata: MetadataInterface = {
  id: 'eni-host',
  mac: hostMac,
  subnetId: 'subnet-1',
  vpcId: 'vpc-1',
  subnetIpv4Cidr: '10.0.1.0/24',
  ipv4: ['10.0.1.50'],
  ipv6: [],
  ipv4Prefixes: [],
  ipv6Prefixes: [],
  vpcIpv4Cidrs: [],
  vpcIpv6Cidrs: [],
}

/** The API is denied: only the instance metadata says where the host stands. */
function byMetadata(more: Partial<MetadataInterface> = {}): Topology {
  const base = topology([])
  return { ...base, vantage: { ...base.vantage, interfaces: [{ ...metadata, ...more }] } }
}

const withCheck = (check: object) =>
  ({
    reached: 'tls',
    tls: {
      ...(verified as { tls: object }).tls,
      check: { ...(verified as { tls: { check: object } }).tls.check, ...check },
    },
  }) as Attempt['outcome']

interface Case {
  rule: string
  seen: string
  attempt?: Attempt
  canary?: Partial<CanaryObservation>
  trail?: Partial<TrailObservation>
  topology?: Topology
  leaves: PathClass[]
}

const cases: Case[] = [
  {
    rule: 'canary.gateway_endpoint',
    seen: 'a gateway endpoint of the host’s VPC',
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.gateway_endpoint',
    seen: 'a gateway endpoint, and the host’s own interface is not known',
    attempt: attempt({ host: { ...attempt().host, deviceKind: 'veth' } }),
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.gateway_endpoint',
    seen: 'the policy demands an address of somebody else',
    canary: { policy: { ...ownPolicy, sourceAddresses: ['10.0.1.51'] } },
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.gateway_endpoint',
    seen: 'the policy also lets in an address that is not the interface’s',
    canary: { policy: { ...ownPolicy, sourceAddresses: ['10.0.1.50', '10.0.1.51'] } },
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.gateway_endpoint',
    seen: 'the policy demands another VPC than the account describes',
    canary: { policy: { ...ownPolicy, vpcId: 'vpc-2', sourceAddresses: ['10.0.1.50'] } },
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.gateway_endpoint',
    seen: 'a redirect on this host, so the local address may not be the packets’ own',
    attempt: attempt({ host: { ...attempt().host, redirect: 'possible' } }),
    canary: { policy: { ...ownPolicy, sourceAddresses: ['10.0.1.50'] } },
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.gateway_endpoint',
    seen: 'the policy demands another address of the same interface',
    canary: { policy: { ...ownPolicy, sourceAddresses: ['2600:1f18::50'] } },
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.gateway_endpoint',
    seen: 'the local address of the connection is not known',
    attempt: attempt({ localAddress: null }),
    canary: { policy: { ...ownPolicy, sourceAddresses: ['10.0.1.50'] } },
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.gateway_endpoint',
    seen: 'a policy that was read this moment, or just an hour ago',
    canary: { policy: { ...ownPolicy, sourceAddresses: null, ageSeconds: 0 } },
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.gateway_endpoint',
    seen: 'a policy that was read just an hour ago',
    canary: { policy: { ...ownPolicy, sourceAddresses: null, ageSeconds: 3600 } },
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.gateway_endpoint_elsewhere',
    seen: 'a gateway endpoint of another VPC',
    topology: described({ vpcId: 'vpc-2' }),
    leaves: ['nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.interface_endpoint',
    seen: 'an interface endpoint',
    topology: described({ type: 'Interface' }),
    leaves: ['interface_endpoint', 'relay'],
  },
  {
    rule: 'canary.interface_endpoint',
    seen: 'an interface endpoint of another account’s reading',
    topology: topology([snapshot()], {
      others: [snapshot({ endpoints: [{ ...gatewayEndpoint, id: endpoint, type: 'Interface' }] })],
    }),
    leaves: ['interface_endpoint', 'relay'],
  },
  {
    rule: 'canary.interface_endpoint',
    seen: 'an interface endpoint of another VPC, and this host’s own address',
    canary: { policy: { ...ownPolicy, sourceAddresses: ['10.0.1.50'] } },
    topology: described({ type: 'Interface', vpcId: 'vpc-2' }),
    leaves: ['interface_endpoint', 'relay'],
  },
  ...(
    [
      ['no reading describes it', topology()],
      ['a reading that is too old describes it', described({}, 901)],
      ['the endpoints could not be read', topology([lacking(snapshot(), 'endpoints')])],
      ['there is no reading at all', topology([])],
    ] as const
  ).map(
    ([seen, t]): Case => ({
      rule: 'canary.endpoint_unknown',
      seen,
      topology: t,
      leaves: ['gateway_endpoint', 'interface_endpoint', 'nat_gateway_endpoint', 'relay'],
    }),
  ),
  {
    rule: 'canary.endpoint_unknown',
    seen: 'two readings describe it in two ways',
    topology: topology([snapshot({ endpoints: [{ ...gatewayEndpoint, id: endpoint }] })], {
      others: [snapshot({ endpoints: [{ ...gatewayEndpoint, id: endpoint, type: 'Interface' }] })],
    }),
    leaves: ['gateway_endpoint', 'interface_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.endpoint_unknown',
    seen: 'two readings describe it in two VPCs',
    topology: topology([snapshot({ endpoints: [{ ...gatewayEndpoint, id: endpoint }] })], {
      others: [snapshot({ endpoints: [{ ...gatewayEndpoint, id: endpoint, vpcId: 'vpc-2' }] })],
    }),
    leaves: ['gateway_endpoint', 'interface_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.endpoint_unknown',
    seen: 'this host’s own address, and nothing says in which VPC the endpoint lies',
    canary: { policy: { ...ownPolicy, sourceAddresses: ['10.0.1.50'] } },
    topology: byMetadata(),
    leaves: ['gateway_endpoint', 'interface_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'canary.endpoint_of_other_kind',
    seen: 'an endpoint of a kind that is not modelled',
    topology: described({ type: 'ServiceNetwork' }),
    leaves: everything,
  },
  {
    rule: 'canary.own_address_gateway',
    seen: 'this host’s own address, in the VPC of the gateway endpoint',
    canary: { policy: { ...ownPolicy, sourceAddresses: ['10.0.1.50'] } },
    topology: described({}),
    leaves: ['gateway_endpoint'],
  },
  {
    rule: 'canary.own_address_gateway',
    seen: 'all of the interface’s addresses, in both families',
    canary: { policy: { ...ownPolicy, vpcId: 'vpc-1', sourceAddresses: ['10.0.1.50', '2600:1f18::50'] } },
    topology: described({}),
    leaves: ['gateway_endpoint'],
  },
  {
    rule: 'canary.own_address_interface',
    seen: 'this host’s own address, in the VPC of the interface endpoint',
    canary: { policy: { ...ownPolicy, sourceAddresses: ['10.0.1.50'] } },
    topology: described({ type: 'Interface' }),
    leaves: ['interface_endpoint'],
  },
  {
    rule: 'canary.own_address',
    seen: 'nothing but metadata, and the policy demands this host’s address and VPC',
    canary: { policy: { ...ownPolicy, vpcId: 'vpc-1', sourceAddresses: ['10.0.1.50'] } },
    topology: byMetadata(),
    leaves: ['gateway_endpoint', 'interface_endpoint'],
  },
  {
    rule: 'canary.no_endpoint',
    seen: 'positive refused, negative read',
    canary: { asks: outside },
    topology: described({}),
    leaves: ['nat_gateway', 'internet_gateway', 'public_vif', 'internet', 'relay'],
  },
  ...(
    [
      ['both read', { asks: [ask('control', 200), ask('positive', 200), ask('negative', 200)] }],
      ['both refused', { asks: [ask('control', 200), ask('positive', 403), ask('negative', 403)] }],
      ['control refused', { asks: [ask('control', 403), ask('positive', 200), ask('negative', 403)] }],
      ['control missing', { asks: through.slice(1) }],
      ['control moved', { asks: [ask('control', 301), ...through.slice(1)] }],
      ['negative not asked', { asks: through.slice(0, 2) }],
      ['negative lost with the socket', { asks: through.slice(0, 2), closedEarly: true }],
      ['positive not asked', { asks: [outside[0]!, outside[2]!] }],
      [
        'positive missing as an object',
        { asks: [ask('control', 200), ask('positive', 404, { code: 'NoSuchKey' }), ask('negative', 200)] },
      ],
      [
        'positive refused by the endpoint’s policy',
        {
          asks: [
            ask('control', 200),
            ask('positive', 403, { deniedBy: 'endpoint_policy' }),
            ask('negative', 200),
          ],
        },
      ],
      [
        'positive refused for its signature',
        {
          asks: [
            ask('control', 200),
            ask('positive', 403, { code: 'SignatureDoesNotMatch' }),
            ask('negative', 200),
          ],
        },
      ],
      [
        'positive refused without a code',
        { asks: [ask('control', 200), ask('positive', 403, { code: null }), ask('negative', 200)] },
      ],
      [
        'negative refused for expired credentials',
        { asks: [ask('control', 200), ask('positive', 200), ask('negative', 400, { code: 'ExpiredToken' })] },
      ],
      ['positive asked for twice', { asks: [...through, ask('positive', 200)] }],
      [
        'no answer',
        {
          asks: [
            through[0]!,
            {
              object: 'positive',
              outcome: { answered: false, failure: { type: 'timeout', afterSeconds: 5 } },
            },
          ],
        },
      ],
      ['nothing sent', { asks: [], notSent: 'no connection' }],
      ['the policy is not verified', { policy: { verified: false, because: 'denied' } }],
      [
        'the policy is not verified, by no endpoint',
        { asks: outside, policy: { verified: false, because: 'denied' } },
      ],
      [
        'the policy was read more than an hour ago',
        { policy: { ...ownPolicy, sourceAddresses: null, ageSeconds: 3601 } },
      ],
      ['the policy will be read', { policy: { ...ownPolicy, sourceAddresses: null, ageSeconds: -1 } }],
      ['the socket of another attempt', { attemptId: 'a2' }],
    ] as [string, Partial<CanaryObservation>][]
  ).map(
    ([seen, more]): Case => ({
      rule: 'canary.inconclusive',
      seen,
      canary: more,
      topology: described({}),
      leaves: everything,
    }),
  ),
  ...(
    [
      ['not by AWS’s roots', { roots: 'host' }],
      ['for another name', { nameMatches: false }],
    ] as const
  ).flatMap(([seen, check]): Case[] => {
    const outcome = withCheck(check)
    const seenAs = `a certificate ${seen}`
    return [
      {
        rule: 'canary.inconclusive',
        seen: seenAs,
        attempt: attempt({ outcome }),
        topology: described({}),
        leaves: everything,
      },
      {
        rule: 'cloudtrail.not_named',
        seen: seenAs,
        attempt: { ...witnessed, outcome },
        trail: { sourceIpAddress: '10.0.1.50' },
        topology: described({}),
        leaves: everything,
      },
    ]
  }),
  {
    rule: 'canary.gateway_endpoint',
    seen: 'a certificate of the partition’s own roots',
    attempt: attempt({ outcome: withCheck({ roots: 'partition' }) }),
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'cloudtrail.gateway_endpoint',
    seen: 'a certificate of the partition’s own roots',
    attempt: { ...witnessed, outcome: withCheck({ roots: 'partition' }) },
    trail: {},
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'cloudtrail.not_named',
    seen: 'no connection',
    attempt: { ...witnessed, outcome: { reached: 'tcp', failure: { type: 'refused' } } },
    trail: {},
    topology: described({}),
    leaves: everything,
  },
  {
    rule: 'cloudtrail.not_named',
    seen: 'an attempt whose request id is not known',
    attempt: attempt(),
    trail: {},
    topology: described({}),
    leaves: everything,
  },
  {
    rule: 'cloudtrail.gateway_endpoint',
    seen: 'no address in the record',
    trail: { sourceIpAddress: null },
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'cloudtrail.gateway_endpoint',
    seen: 'a gateway endpoint of the host’s VPC, from another address',
    trail: {},
    topology: described({}),
    leaves: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'cloudtrail.gateway_endpoint_elsewhere',
    seen: 'a gateway endpoint of another VPC',
    trail: {},
    topology: described({ vpcId: 'vpc-2' }),
    leaves: ['nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'cloudtrail.interface_endpoint',
    seen: 'an interface endpoint',
    trail: {},
    topology: described({ type: 'Interface' }),
    leaves: ['interface_endpoint', 'relay'],
  },
  {
    rule: 'cloudtrail.endpoint_unknown',
    seen: 'an endpoint that nothing describes, from this host’s own address',
    trail: { sourceIpAddress: '10.0.1.50' },
    topology: byMetadata(),
    leaves: ['gateway_endpoint', 'interface_endpoint', 'nat_gateway_endpoint', 'relay'],
  },
  {
    rule: 'cloudtrail.endpoint_of_other_kind',
    seen: 'an endpoint of a kind that is not modelled',
    trail: {},
    topology: described({ type: 'Resource' }),
    leaves: everything,
  },
  {
    rule: 'cloudtrail.own_address_gateway',
    seen: 'this host’s own address, in the VPC of the gateway endpoint',
    trail: { sourceIpAddress: '10.0.1.50' },
    topology: described({}),
    leaves: ['gateway_endpoint'],
  },
  {
    rule: 'cloudtrail.own_address_interface',
    seen: 'this host’s own address, in the VPC of the interface endpoint',
    trail: { sourceIpAddress: '10.0.1.50' },
    topology: described({ type: 'Interface' }),
    leaves: ['interface_endpoint'],
  },
  ...(
    [
      ['no endpoint is named', { vpcEndpointId: null }],
      ['a service called', { invokedBy: 'cloudformation.amazonaws.com' }],
      ['it is of another request', { requestId: 'req-2' }],
      ['it is of another attempt', { attemptId: 'a2' }],
      ['what is named is no endpoint', { vpcEndpointId: 'vpce-svc-0a1b2c3d' }],
    ] as const
  ).map(
    ([seen, more]): Case => ({
      rule: 'cloudtrail.not_named',
      seen,
      trail: { sourceIpAddress: '10.0.1.50', ...more },
      topology: described({}),
      leaves: everything,
    }),
  ),
]

function evidenceFor({
  attempt: at,
  canary: asked,
  trail: recorded,
  topology: t = topology(),
}: Case): Evidence[] {
  return recorded === undefined
    ? canaryEvidence(at ?? attempt(), canary(asked), t)
    : trailEvidence(at ?? witnessed, trail(recorded), t)
}

describe('rows of what AWS itself says', () => {
  it.each(cases)('$rule: $seen', (one) => {
    const [evidence, ...more] = evidenceFor(one)
    expect(more).toEqual([])
    expect(evidence).toMatchObject({ rule: one.rule, possible: one.leaves, rank: 'attested' })
    expect(evidence?.because).not.toBe('')
  })

  it('have each a case', () => {
    const own = Object.keys(rows).filter((id) => /^(?:canary|cloudtrail)\./.test(id))
    expect(own.filter((id) => !cases.some(({ rule }) => rule === id))).toEqual([])
  })

  it.each(Object.keys(rows).filter((id) => /^(?:canary|cloudtrail)\./.test(id)))('%s in the table', (id) => {
    const row = rows[id as keyof typeof rows]
    expect(row.leaves).toEqual(cases.find(({ rule }) => rule === id)?.leaves)
    expect(row.rank).toBe('attested')
  })

  it('unite what several readings of the account leave', () => {
    const one = snapshot({ endpoints: [{ ...gatewayEndpoint, id: endpoint }] }, 20)
    const later = snapshot({ endpoints: [{ ...gatewayEndpoint, id: endpoint, vpcId: 'vpc-2' }] }, -20)
    const [evidence] = canaryEvidence(attempt(), canary(), topology([one, later]))
    expect(evidence?.possible).toEqual(['gateway_endpoint', 'nat_gateway_endpoint', 'relay'])
    const own = { verified: true, ageSeconds: 1, vpcId: null, sourceAddresses: ['10.0.1.50'] } as const
    const asked = canary({ policy: { ...own, sourceAddresses: [...own.sourceAddresses] } })
    const [narrow] = canaryEvidence(attempt(), asked, topology([one, snapshot({}, -20)]))
    expect(narrow?.possible).toEqual([
      'gateway_endpoint',
      'interface_endpoint',
      'nat_gateway_endpoint',
      'relay',
    ])
  })
})

describe('words', () => {
  const own = { verified: true, ageSeconds: 1, vpcId: null, sourceAddresses: ['10.0.1.50'] } as const
  const asked = canary({ policy: { ...own, sourceAddresses: [...own.sourceAddresses] } })
  const unreadable = attempt({ host: { ...attempt().host, redirect: 'unreadable' } })

  it('assume that nothing on this host rewrites, where the address decides', () => {
    const assumptions = (at: Attempt, c: CanaryObservation, t: Topology) =>
      canaryEvidence(at, c, t).flatMap((e) => e.assumptions)
    const assumed = ['no redirect on this host rewrites the connection']
    expect(assumptions(unreadable, asked, described({}))).toEqual(assumed)
    expect(assumptions(attempt(), asked, described({}))).toEqual([
      'no program in the kernel (eBPF) rewrites the connection',
    ])
    expect(assumptions(unreadable, canary(), described({}))).toEqual([])
    const elsewhere = snapshot({ endpoints: [{ ...gatewayEndpoint, id: endpoint, vpcId: 'vpc-2' }] }, -20)
    const both = topology([snapshot({ endpoints: [{ ...gatewayEndpoint, id: endpoint }] }), elsewhere])
    expect(assumptions(unreadable, asked, both)).toEqual([])
    expect(canaryEvidence(attempt(), asked, both)[0]).toMatchObject({
      rule: 'canary.endpoint_unknown',
      possible: ['gateway_endpoint', 'nat_gateway_endpoint', 'relay'],
    })
  })

  it('name the endpoint and its kind', () => {
    expect(canaryEvidence(attempt(), asked, described({}))[0]?.because).toContain(
      `${endpoint} (Gateway) lies in`,
    )
    expect(trailEvidence(witnessed, trail(), described({}))[0]?.because).toContain(
      `come in by ${endpoint} from 10.0.7.7: `,
    )
    expect(trailEvidence(witnessed, trail({ sourceIpAddress: null }), described({}))[0]?.because).toContain(
      `come in by ${endpoint}: `,
    )
  })

  const denied = (more: object = {}) => canary({ asks: [ask('control', 403, more)] })
  const control = (status: number, code: string | null = null) =>
    canary({ asks: [ask('control', status, { code })] })

  it.each<[string, CanaryObservation, RegExp, RegExp | null]>([
    [
      'the clock, by its code',
      denied({ code: 'RequestTimeTooSkewed' }),
      /403 RequestTimeTooSkewed; the clock .* it is 0 s fast$/,
      /chronyc/,
    ],
    [
      'the clock, without an offset',
      { ...denied({ code: 'RequestTimeTooSkewed' }), clockOffsetSeconds: null },
      /is wrong$/,
      /chronyc/,
    ],
    ['the clock, by its offset', { ...denied(), clockOffsetSeconds: -1200 }, /it is 20 min slow$/, /chronyc/],
    [
      'the clock, by its offset, 400',
      { ...control(400), clockOffsetSeconds: 841 },
      /with 400; .* it is 14 min fast$/,
      /chronyc/,
    ],
    [
      'an offset that AWS takes',
      { ...denied(), clockOffsetSeconds: 840 },
      /may lack s3:GetObject/,
      /config iam/,
    ],
    [
      'an offset that is not known',
      { ...denied(), clockOffsetSeconds: null },
      /may lack s3:GetObject/,
      /config iam/,
    ],
    [
      'an offset, but another trouble',
      { ...control(404, 'NoSuchKey'), clockOffsetSeconds: -1200 },
      /no such object/,
      /canary policy/,
    ],
    [
      'a short offset',
      { ...denied({ code: 'RequestTimeTooSkewed' }), clockOffsetSeconds: -119 },
      /it is 119 s slow$/,
      /chronyc/,
    ],
    [
      'two minutes',
      { ...denied({ code: 'RequestTimeTooSkewed' }), clockOffsetSeconds: -120 },
      /it is 2 min slow$/,
      /chronyc/,
    ],
    ['expired credentials', control(400, 'ExpiredToken'), /no longer, good$/, /renew/],
    ['a wrong signature', denied({ code: 'SignatureDoesNotMatch' }), /secret key is wrong/, /relays/],
    [
      'another region, by its code',
      control(400, 'AuthorizationHeaderMalformed'),
      /another region$/,
      /canary\.region/,
    ],
    ['another region, 301', control(301), /another region$/, /canary\.region/],
    ['another region, 307', control(307), /another region$/, /canary\.region/],
    ['no bucket', control(404, 'NoSuchBucket'), /no bucket my-canary$/, /canary\.bucket/],
    ['no object', control(404), /no such object$/, /canary policy/],
    ['no object, by its code', control(400, 'NoSuchKey'), /no such object$/, /canary policy/],
    ['KMS', control(400, 'KMS.DisabledException'), /a KMS key that is not to be had$/, /AES256/],
    ['KMS, refused', denied({ deniedBy: 'kms' }), /refused by the KMS key/, /AES256/],
    ['KMS, by its other code', control(400, 'KMSAccessDeniedException'), /a KMS key/, /AES256/],
    [
      'the endpoint’s policy',
      denied({ deniedBy: 'endpoint_policy' }),
      /the endpoint's own policy$/,
      /allow s3:GetObject/,
    ],
    ['the role’s policy', denied({ deniedBy: 'identity_policy' }), /the agent's role$/, /config iam/],
    ['the bucket’s policy', denied({ deniedBy: 'resource_policy' }), /the bucket's policy$/, /canary policy/],
    ['nobody named', denied(), /may lack s3:GetObject/, /config iam/],
    ['a busy S3', control(503, 'SlowDown'), /503 SlowDown; S3 was busy/, null],
    ['a broken S3', control(500), /with 500; S3 was busy/, null],
    ['something else', control(416), /with 416, which is no answer to build on$/, null],
    [
      'both read',
      canary({ asks: [ask('control', 200), ask('positive', 200), ask('negative', 200)] }),
      /^both .* were read/,
      /canary policy/,
    ],
    [
      'both refused',
      canary({ asks: [ask('control', 200), ask('positive', 403), ask('negative', 403)] }),
      /another endpoint than vpce-\w+, or something else/,
      /canary\.endpoint/,
    ],
    [
      'both refused, with addresses',
      canary({
        asks: [ask('control', 200), ask('positive', 403), ask('negative', 403)],
        policy: asked.policy,
      }),
      /or from another address than the policy names/,
      /canary\.endpoint/,
    ],
    [
      'a closed socket',
      canary({ asks: [ask('control', 200), ask('positive', 403)], closedEarly: true }),
      /before the negative object was answered/,
      null,
    ],
    [
      'a closed socket, the other order',
      canary({ asks: [ask('control', 200), ask('negative', 403)], closedEarly: true }),
      /before the positive object was answered/,
      null,
    ],
    [
      'a reset',
      canary({
        asks: [
          ask('control', 200),
          { object: 'positive', outcome: { answered: false, failure: { type: 'reset', code: 'EOF' } } },
        ],
        closedEarly: true,
      }),
      /closed the connection before the positive/,
      null,
    ],
    [
      'a time-out',
      canary({
        asks: [
          ask('control', 200),
          { object: 'positive', outcome: { answered: false, failure: { type: 'timeout', afterSeconds: 5 } } },
        ],
      }),
      /^the positive object got no answer \(timeout\)$/,
      null,
    ],
    [
      'a reset that is not the far end’s',
      canary({
        asks: [{ object: 'control', outcome: { answered: false, failure: { type: 'reset', code: 'X' } } }],
      }),
      /got no answer \(reset\)$/,
      null,
    ],
    [
      'a failure beside a close',
      canary({
        asks: [
          { object: 'control', outcome: { answered: false, failure: { type: 'timeout', afterSeconds: 5 } } },
        ],
        closedEarly: true,
      }),
      /got no answer \(timeout\)$/,
      null,
    ],
    ['nothing', canary({ asks: [], closedEarly: true }), /before the control object/, null],
    [
      'an old policy',
      canary({ policy: { ...own, sourceAddresses: null, ageSeconds: 3601.4 } }),
      /read 3601 s ago$/,
      null,
    ],
  ])('explain %s', (_, seen, because, next) => {
    const reading = readCanary(seen)
    expect(reading.says).toBe('inconclusive')
    expect(reading.because).toMatch(because)
    if (next === null) expect(reading.next).toBeNull()
    else expect(reading.next).toMatch(next)
  })
})

describe('verdicts', () => {
  const judge = (t: Topology, asked: CanaryObservation, at = attempt()) =>
    judgeAttempt(at, t, { ...noContext, late: canaryEvidence(at, asked, t), confirmation: 'pending' })

  it('API denied, canary with source_ip: private, attested, confirmed', () => {
    const t = byMetadata()
    const asked = canary({
      policy: { verified: true, ageSeconds: 1, vpcId: 'vpc-1', sourceAddresses: ['10.0.1.50'] },
    })
    const verdict = judge(t, asked)
    expect(verdict).toMatchObject({ state: 'private', proof: 'attested', conflicts: [] })
    expect(confirmationOf(verdict, { over: false, available: true })).toBe('confirmed')
  })

  it('API denied, canary without source_ip: a relay remains', () => {
    expect(judge(byMetadata(), canary())).toMatchObject({ state: 'undetermined' })
  })

  it('tables say endpoint, the canary says it too: private, by what is configured, confirmed by AWS', () => {
    const t = topology([snapshot({ endpoints: [gatewayEndpoint, { ...gatewayEndpoint, id: endpoint }] })])
    const verdict = judge(t, canary())
    expect(verdict).toMatchObject({ state: 'private', proof: 'configured' })
    expect(confirmationOf(verdict, { over: false, available: true })).toBe('confirmed')
  })

  it('tables say endpoint, the canary says that there was none: never private', () => {
    const verdict = judge(described({}), canary({ asks: outside }))
    expect(verdict.state).not.toBe('private')
  })

  it('tables say NAT gateway, the canary says no endpoint: public, and confirmed', () => {
    const t = topology([withRoutes([viaNat], {}, [natTable([viaIgw])])])
    const verdict = judge(t, canary({ asks: outside }))
    expect(verdict).toMatchObject({ state: 'public' })
    expect(confirmationOf(verdict, { over: false, available: true })).toBe('confirmed')
  })

  it('no evidence of a mix that is not exactly right ever narrows', () => {
    const status = fc.constantFrom(200, 204, 206, 301, 307, 400, 403, 404, 500, 503)
    const code = fc.constantFrom(null, 'AccessDenied', 'NoSuchKey', 'ExpiredToken', 'RequestTimeTooSkewed')
    const one = fc.record({ object: fc.constantFrom('control', 'positive', 'negative'), status, code })
    fc.assert(
      fc.property(fc.array(one, { maxLength: 4 }), fc.boolean(), fc.boolean(), (list, closedEarly, known) => {
        const asks = list.map(({ object, status: s, code: c }) => ask(object as CanaryObject, s, { code: c }))
        const policy = known ? canary().policy : ({ verified: false, because: 'x' } as const)
        const asked = canary({ asks, closedEarly, policy })
        const text = asks
          .map(({ object, outcome }) => `${object}${outcome.answered ? outcome.status : ''}`)
          .toSorted()
          .join()
        const refused = asks.every(
          ({ outcome }) => outcome.answered && (outcome.status !== 403 || outcome.code === 'AccessDenied'),
        )
        const right = known && refused && asks.length === 3
        const expected = !right
          ? 'inconclusive'
          : text === 'control200,negative403,positive200'
            ? 'endpoint'
            : text === 'control200,negative200,positive403'
              ? 'no_endpoint'
              : 'inconclusive'
        const reading = readCanary(asked)
        expect(reading.says).toBe(expected)
        expect(reading.because).not.toBe('')
        const [evidence] = canaryEvidence(attempt(), asked, described({}))
        if (expected === 'inconclusive') expect(evidence?.possible).toEqual(everything)
        else {
          const other = expected === 'endpoint' ? 'public' : 'private'
          expect(evidence?.possible.some((c) => sideOf[c] === other)).toBe(false)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
