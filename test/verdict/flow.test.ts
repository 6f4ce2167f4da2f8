import { describe, expect, it } from 'vitest'
import type { CapturedRecord, CapturePoints } from '../../model/capture.ts'
import type { Evidence } from '../../model/evidence.ts'
import type { Attempt } from '../../model/observation.ts'
import type { PathClass } from '../../model/path.ts'
import type { Topology } from '../../model/topology.ts'
import { judgeAttempt, noContext, withLate } from '../../verdict/judge.ts'
import { confirmedRank } from '../../verdict/confirm.ts'
import { formatAdvice } from '../../verdict/flow-advice.ts'
import { flowEvidence, possibleOfRecord } from '../../verdict/rules/flow.ts'
import { type RowId, rows } from '../../verdict/rules/rows.ts'
import {
  attempt,
  cidrRoute,
  natTable,
  target,
  topology,
  viaEndpoint,
  viaIgw,
  viaNat,
  withRoutes,
} from './fixture.ts'
import {
  at,
  atEndpoint,
  captured,
  egress,
  endpoint,
  endpointPoints,
  ingress,
  inner,
  join,
  nat,
  outer,
  points,
  toEndpoint,
  without,
} from './flow-fixture.ts'

type Fields = Record<string, string | number | null>

function evidence(
  records: readonly (CapturedRecord | Fields)[],
  how: NonNullable<Parameters<typeof join>[1]> = {},
): Evidence[] {
  return flowEvidence(how.attempt ?? attempt(), how.points ?? points(), join(records, how))
}

const said = (found: Evidence[]) => found.map((e) => [e.rule, e.possible.join(' ')])
const rules = (found: Evidence[]) => found.map((e) => e.rule)

const ssm = attempt({ address: '10.0.1.60' })
const withPath = (path: number | null, more: Fields = {}): Fields => ({
  ...egress,
  'traffic-path': path,
  ...more,
})
const natPoints = points({ nats: [nat] })
const refused = attempt({
  outcome: { reached: 'nothing', failure: { type: 'timeout', afterSeconds: 5 } },
})
const hop = (type: string, id: string | null = null): Fields => ({
  'next-hop-interface-type': type,
  'next-hop-interface-id': id,
})
const beyondPublic: PathClass[] = [
  'nat_gateway_endpoint',
  'nat_gateway',
  'internet_gateway',
  'public_vif',
  'internet',
  'relay',
]
const window = { interfaceId: 'eni-host', startSeconds: at, endSeconds: at + 60 }

interface Case {
  rule: RowId
  seen: string
  records: Fields[]
  attempt?: Attempt
  points?: CapturePoints
  context?: { reuse: boolean }
  /** What this row alone leaves, written out here and not taken from the product. */
  leaves: PathClass[]
}

const gatewayOnly: PathClass[] = ['gateway_endpoint']
const cases: Case[] = [
  { rule: 'flow.gateway_endpoint', seen: 'egress 7', records: [withPath(7)], leaves: gatewayOnly },
  { rule: 'flow.internet_gateway', seen: 'egress 8', records: [withPath(8)], leaves: ['internet_gateway'] },
  {
    rule: 'flow.gateway_of_either_kind',
    seen: 'egress 2',
    records: [withPath(2)],
    leaves: ['gateway_endpoint', 'internet_gateway'],
  },
  {
    rule: 'flow.interface_endpoint',
    seen: 'egress 1 to an endpoint of row 1',
    records: [toEndpoint],
    attempt: ssm,
    points: { ...endpointPoints, endpointInterfaces: [] },
    leaves: ['interface_endpoint'],
  },
  ...[1, 3, 4, 5, 6].flatMap((path): Case[] => [
    {
      rule: 'flow.beyond_public',
      seen: `egress ${path}, a public address`,
      records: [withPath(path)],
      leaves: beyondPublic,
    },
    {
      rule: 'flow.beyond_private',
      seen: `egress ${path}, a private address that is no endpoint of row 1`,
      records: [{ ...toEndpoint, 'traffic-path': path }],
      attempt: ssm,
      points: points({ destination: 'private' }),
      leaves: ['interface_endpoint', 'relay'],
    },
    {
      rule: 'flow.beyond',
      seen: `egress ${path}, an address that an endpoint might have`,
      records: [withPath(path)],
      points: points({ destination: 'unknown' }),
      leaves: ['interface_endpoint', ...beyondPublic],
    },
  ]),
  ...['nat_gateway', 'nat-gateway', 'regional_nat_gateway', 'transit_gateway'].map(
    (type): Case => ({
      rule: 'flow.next_hop_no_gateway',
      seen: `next hop ${type}`,
      records: [withPath(null, hop(type))],
      leaves: ['interface_endpoint', ...beyondPublic.filter((c) => c !== 'internet_gateway'), 'blocked'],
    }),
  ),
  {
    rule: 'flow.next_hop_endpoint',
    seen: 'next hop: the ENI of the endpoint that owns the address',
    records: [{ ...toEndpoint, 'traffic-path': null, ...hop('vpc-endpoint', 'eni-ssm') }],
    attempt: ssm,
    points: { ...endpointPoints, endpoints: [] },
    leaves: ['interface_endpoint'],
  },
  {
    rule: 'flow.nat_gateway_endpoint',
    seen: "the NAT gateway's outer leg, 7",
    records: [inner, { ...outer, 'traffic-path': 7 }],
    points: natPoints,
    leaves: ['nat_gateway_endpoint'],
  },
  {
    rule: 'flow.nat_gateway',
    seen: "the NAT gateway's outer leg, 8",
    records: [inner, { ...outer, 'traffic-path': 8 }],
    points: natPoints,
    leaves: ['nat_gateway'],
  },
  {
    rule: 'flow.at_endpoint',
    seen: "ingress at the endpoint from the host's own address",
    records: [atEndpoint],
    attempt: ssm,
    points: endpointPoints,
    leaves: ['interface_endpoint'],
  },
  {
    rule: 'flow.rejected',
    seen: 'REJECT and no connection',
    records: [withPath(null, { action: 'REJECT' })],
    attempt: refused,
    leaves: ['blocked'],
  },
  {
    rule: 'flow.rejected',
    seen: 'REJECT at the endpoint and no connection',
    records: [{ ...atEndpoint, action: 'REJECT' }],
    attempt: { ...refused, address: '10.0.1.60' },
    points: endpointPoints,
    leaves: ['blocked'],
  },
  {
    rule: 'flow.in_doubt',
    seen: 'egress 7 of a port that was used again',
    records: [withPath(7)],
    context: { reuse: true },
    leaves: ['gateway_endpoint', 'interface_endpoint', ...beyondPublic, 'blocked'],
  },
  {
    rule: 'flow.several',
    seen: 'a record that tells its way and one that does not',
    records: [withPath(7), withPath(null)],
    leaves: ['gateway_endpoint', ...beyondPublic.filter((c) => c !== 'nat_gateway_endpoint'), 'blocked'],
  },
]

describe('each row', () => {
  it.each(cases)('$rule: $seen', ({ rule, records, leaves, ...how }) => {
    const found = evidence(records, how)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({ rule, rank: 'observed', flags: [], assumptions: [] })
    expect([...(found[0]?.possible ?? [])].sort()).toEqual([...leaves].sort())
  })

  it('has a case', () => {
    const all = Object.keys(rows).filter((id) => id.startsWith('flow.'))
    expect(all.filter((id) => !cases.some((c) => c.rule === id))).toEqual([])
  })

  it('of several records leaves all to begin with: what is left is put together', () => {
    expect(rows['flow.several'].leaves).toHaveLength(9)
    expect(rows['flow.in_doubt'].leaves).toHaveLength(9)
  })

  it('says which record, of which log, interface and time, and which fields', () => {
    const [one] = evidence([withPath(7)])
    expect(one?.because).toMatch(
      /at eni-host \(2026-11-20T11:59:55Z to 2026-11-20T12:00:40Z\).*traffic-path 7/,
    )
    expect(one).toMatchObject({ source: 'flow log fl-1', observedAtMs: (at + 40) * 1000 })
    const [behind] = evidence([inner, { ...outer, 'traffic-path': 7 }], { points: natPoints })
    expect(behind?.because).toMatch(/the translated connection at eni-nat .*traffic-path 7 behind nat-1/)
    expect(one?.because).toContain('of this connection at')
    const [hostile] = evidence([captured(withPath(7), { flowLogId: 'fl-1\u001b[2J' })])
    expect(hostile?.source).toBe('flow log')
    const [far] = evidence([withPath(7, { end: Number.MAX_SAFE_INTEGER })])
    expect(far?.because).toContain('9999-12-31')
  })
})

describe('what says nothing', () => {
  it.each<[string, Fields[], NonNullable<Parameters<typeof join>[1]>]>([
    ['no record', [], {}],
    ['path `-`', [withPath(null)], {}],
    ['path absent', [without(egress, 'traffic-path')], {}],
    ['a path that AWS has added', [withPath(9)], {}],
    ['path 0', [withPath(0)], {}],
    ['direction absent', [without(withPath(7), 'flow-direction')], {}],
    ['direction `-`', [withPath(8, { 'flow-direction': null })], {}],
    ['direction of another kind', [withPath(8, { 'flow-direction': 'sideways' })], {}],
    ['action absent', [without(withPath(7), 'action')], {}],
    ['action of another kind', [withPath(7, { action: 'PONDER' })], {}],
    ['the reply', [{ ...ingress, 'traffic-path': 7 }], {}],
    ['REJECT of an attempt that connected', [withPath(7, { action: 'REJECT' })], {}],
    ['path 2 behind a NAT gateway', [inner, { ...outer, 'traffic-path': 2 }], { points: natPoints }],
    ['path `-` behind a NAT gateway', [inner, outer], { points: natPoints }],
    ['a next hop of another kind', [withPath(null, hop('network_load_balancer', 'eni-nlb'))], {}],
    [
      'a next hop that is a Gateway Load Balancer endpoint',
      [withPath(null, hop('vpc_endpoint', 'eni-gwlbe'))],
      { points: points({ endpointInterfaces: [endpoint] }) },
    ],
    [
      'a next hop that is an endpoint without this address',
      [withPath(null, hop('vpc_endpoint', 'eni-ssm'))],
      { points: points({ endpointInterfaces: [endpoint] }) },
    ],
    ['a next hop of the reply', [{ ...ingress, ...hop('nat_gateway') }], {}],
  ])('%s', (_, records, how) => {
    expect(said(evidence(records, how))).toEqual([])
  })
})

describe('REJECT', () => {
  const denied = withPath(null, { action: 'REJECT' })

  it('is no block where anything may have got through', () => {
    expect(rules(evidence([denied], { attempt: refused }))).toEqual(['flow.rejected'])
    expect(rules(evidence([denied, withPath(7)], { attempt: refused }))).toEqual(['flow.gateway_endpoint'])
    expect(rules(evidence([denied, without(egress, 'action')], { attempt: refused }))).toEqual([])
    expect(rules(evidence([denied], { attempt: refused, skipped: [window] }))).toEqual([])
    expect(rules(evidence([{ ...denied, 'flow-direction': null }], { attempt: refused }))).toEqual([])
    const half = attempt({ outcome: { reached: 'tcp', failure: { type: 'tls', code: 'EPROTO' } } })
    expect(rules(evidence([denied], { attempt: half }))).toEqual([])
    const ambiguous = { ...join([denied], { attempt: refused }), ambiguous: 'two of them' }
    expect(flowEvidence(refused, points(), ambiguous)).toEqual([])
  })
})

describe('several records', () => {
  it('that say the same are one piece of evidence', () => {
    expect(said(evidence([withPath(7), withPath(7), withPath(7, { start: at })]))).toEqual([
      ['flow.gateway_endpoint', 'gateway_endpoint'],
    ])
  })

  it('that contradict each other stand beside each other, and end as a conflict of side', () => {
    const late = evidence([withPath(7), withPath(8)])
    expect(rules(late).sort()).toEqual(['flow.gateway_endpoint', 'flow.internet_gateway'])
    const verdict = judgeAttempt(attempt(), topology([withRoutes([viaEndpoint])]), { ...noContext, late })
    expect(verdict).toMatchObject({ state: 'undetermined', conflicts: [{ rank: 'observed', of: 'side' }] })
  })

  it('of which one contradicts itself are a conflict as well', () => {
    const late = evidence([withPath(7, hop('nat_gateway'))])
    expect(rules(late).sort()).toEqual(['flow.gateway_endpoint', 'flow.next_hop_no_gateway'])
    const verdict = judgeAttempt(attempt(), topology([withRoutes([viaEndpoint])]), { ...noContext, late })
    expect(verdict.state).toBe('undetermined')
  })

  it('leave of the private classes what each leaves, of the others what any leaves', () => {
    expect(said(evidence([withPath(7), withPath(2)]))).toEqual([
      ['flow.several', 'gateway_endpoint internet_gateway'],
    ])
    expect(said(evidence([withPath(8), withPath(2)]))).toEqual([['flow.several', 'internet_gateway']])
    expect(said(evidence([withPath(8), withPath(null)]))).toEqual([
      ['flow.several', 'nat_gateway internet_gateway public_vif internet relay blocked'],
    ])
  })

  it('of two logs count each by itself: what one lacks the other may tell', () => {
    const plain = captured(without(egress, 'traffic-path', 'flow-direction'), { flowLogId: 'fl-2' })
    expect(rules(evidence([withPath(7), plain]))).toEqual(['flow.gateway_endpoint'])
    const sameStream = { flowLogId: null }
    const merged = [
      captured(withPath(7), sameStream),
      captured(without(egress, 'traffic-path', 'flow-direction'), sameStream),
    ]
    expect(rules(evidence(merged))).toEqual(['flow.gateway_endpoint'])
    const both = evidence([withPath(2), captured(withPath(8), { flowLogId: 'fl-2' })])
    expect(rules(both)).toEqual(['flow.gateway_of_either_kind', 'flow.internet_gateway'])
  })
})

describe('in doubt', () => {
  const others = 'nat_gateway internet_gateway public_vif internet relay blocked'
  const everything = `gateway_endpoint interface_endpoint nat_gateway_endpoint ${others}`
  const doubted = (found: Evidence[]) => [...said(found), ...found.map((e) => e.doubts?.join(' '))]
  const reuse = { context: { reuse: true } }
  const lost = { skipped: [window] }

  it('for some were lost, records exclude private classes and nothing else', () => {
    expect(doubted(evidence([withPath(7)], lost))).toEqual([
      ['flow.in_doubt', `gateway_endpoint ${others}`],
      '',
    ])
    expect(doubted(evidence([withPath(8)], lost))).toEqual([['flow.in_doubt', others], ''])
    expect(doubted(evidence([withPath(7), withPath(8)], lost))).toEqual([['flow.in_doubt', others], ''])
    expect(doubted(evidence([], lost))).toEqual([])
    expect(doubted(evidence([withPath(null)], lost))).toEqual([])
    const elsewhere = { skipped: [{ ...window, interfaceId: 'eni-other' }] }
    expect(rules(evidence([withPath(7)], elsewhere))).toEqual(['flow.gateway_endpoint'])
  })

  it('for the port was used twice, they exclude nothing and hold what they speak against', () => {
    expect(doubted(evidence([withPath(7)], reuse))).toEqual([
      ['flow.in_doubt', everything],
      'interface_endpoint nat_gateway_endpoint',
    ])
    expect(doubted(evidence([withPath(7), withPath(8)], reuse))).toEqual([
      ['flow.in_doubt', everything],
      'gateway_endpoint interface_endpoint nat_gateway_endpoint',
    ])
    expect(doubted(evidence([withPath(null)], reuse))).toEqual([])
    expect(evidence([withPath(7)], reuse)[0]?.because).toMatch(
      /7: a gateway endpoint; but this may be another/,
    )
  })

  it('for one of several flows behind a NAT gateway is it, they exclude what all of them exclude', () => {
    const flows = (paths: [number, number], how = {}) => {
      const [one, two] = paths
      const records = [
        inner,
        { ...outer, 'traffic-path': one },
        { ...outer, srcport: 1026, 'traffic-path': two },
      ]
      return doubted(evidence(records, { points: natPoints, ...how }))
    }
    expect(flows([7, 7])).toEqual([['flow.in_doubt', `nat_gateway_endpoint ${others}`], ''])
    expect(flows([8, 8])).toEqual([['flow.in_doubt', others], ''])
    expect(flows([7, 8])).toEqual([
      ['flow.in_doubt', `nat_gateway_endpoint ${others}`],
      'nat_gateway_endpoint',
    ])
    const held = ['flow.in_doubt', everything]
    const all = 'gateway_endpoint interface_endpoint nat_gateway_endpoint'
    expect(flows([8, 8], reuse)).toEqual([held, all])
    const lostThere = { skipped: [{ ...window, interfaceId: 'eni-nat' }] }
    expect(flows([8, 8], lostThere)).toEqual([held, all])
  })

  it('at one of two NAT gateways, they count as in doubt', () => {
    const second = { ...nat, interfaceId: 'eni-nat2', natGatewayId: 'nat-2', addresses: ['10.0.9.8'] }
    const there = { 'interface-id': 'eni-nat2' }
    const out = { ...outer, ...there, srcaddr: '10.0.9.8', 'pkt-srcaddr': '10.0.9.8', 'traffic-path': 7 }
    const records = [
      inner,
      { ...outer, 'traffic-path': 8 },
      { ...inner, ...there, dstaddr: '10.0.9.8' },
      out,
      { ...out, srcport: 1026 },
    ]
    expect(doubted(evidence(records, { points: points({ nats: [nat, second] }) }))).toEqual([
      ['flow.in_doubt', `nat_gateway_endpoint ${others}`],
      'nat_gateway_endpoint',
    ])
  })

  it('they hold a private verdict that leaves nothing else, and make none public', () => {
    const by = (routes: Parameters<typeof withRoutes>[0], path: number, more = {}) =>
      judgeAttempt(attempt(more), topology([withRoutes(routes, {}, [natTable([viaIgw])])]), {
        ...noContext,
        late: evidence([withPath(path)], reuse),
      })
    expect(by([viaEndpoint], 8)).toMatchObject({ state: 'undetermined', proof: null, conflicts: [] })
    expect(by([viaEndpoint], 7)).toMatchObject({ state: 'private', proof: 'configured' })
    expect(by([viaNat], 7)).toMatchObject({ state: 'public', proof: 'configured' })
    const half = { outcome: { reached: 'tcp', failure: { type: 'tls', code: 'EPROTO' } } } as const
    expect(by([viaEndpoint], 8, half)).toMatchObject({ state: 'undetermined', wouldBe: 'undetermined' })
    expect(by([viaEndpoint], 7, half)).toMatchObject({ wouldBe: 'private' })
  })

  it('they bear out nothing', () => {
    const lateOf = (path: number) => evidence([withPath(path)], lost)
    const verdict = judgeAttempt(attempt(), topology([withRoutes([viaEndpoint, viaNat])]), {
      ...noContext,
      late: lateOf(7),
    })
    expect(verdict.state).toBe('private')
    expect(confirmedRank(verdict)).toBeNull()
    const appliance = cidrRoute('52.216.1.0/24', target('network_interface', 'eni-x'))
    const vague = topology([withRoutes([appliance]), withRoutes([viaIgw])])
    const turned = judgeAttempt(attempt(), vague, { ...noContext, late: lateOf(8) })
    expect(confirmedRank(turned)).toBeNull()
    const doubtful = lateOf(8).map((e) => ({ ...e, possible: ['internet_gateway' as const] }))
    const claimed = judgeAttempt(attempt(), vague, { ...noContext, late: doubtful })
    expect(claimed.state).toBe('public')
    expect(confirmedRank(claimed)).toBeNull()
  })

  it('never let a private verdict stand that a record contradicts', () => {
    const late = evidence([withPath(8)], { skipped: [window] })
    const verdict = judgeAttempt(attempt(), topology([withRoutes([viaEndpoint])]), { ...noContext, late })
    expect(verdict.state).toBe('undetermined')
  })
})

describe('with the routes', () => {
  const judged = (routes: Parameters<typeof withRoutes>[0], records: Fields[], at = points()) =>
    judgeAttempt(attempt(), topology([withRoutes(routes, {}, [natTable([viaIgw])])]), {
      ...noContext,
      late: evidence(records, { points: at }),
    })

  it('a record turns what the tables say', () => {
    expect(judged([viaEndpoint], [withPath(7)])).toMatchObject({ state: 'private', proof: 'observed' })
    expect(judged([viaEndpoint], [withPath(8)])).toMatchObject({ state: 'public', proof: 'observed' })
    expect(judged([viaEndpoint], [withPath(1, hop('nat_gateway'))])).toMatchObject({ state: 'undetermined' })
    expect(judged([viaNat], [withPath(7)])).toMatchObject({ state: 'undetermined' })
    expect(judged([viaNat], [withPath(1, hop('nat_gateway'))])).toMatchObject({ state: 'public' })
    expect(judged([viaNat], [inner, { ...outer, 'traffic-path': 8 }], natPoints)).toMatchObject({
      state: 'public',
      proof: 'observed',
    })
    expect(judged([viaNat], [inner, { ...outer, 'traffic-path': 7 }], natPoints)).toMatchObject({
      state: 'undetermined',
    })
    expect(judged([viaEndpoint], [withPath(2)])).toMatchObject({ state: 'private', proof: 'configured' })
  })
})

describe('an endpoint that a later reading no longer shows', () => {
  const gone = withRoutes([], { endpoints: [] }, [])
  const judged = (records: Fields[], readings: Topology['readings']) =>
    judgeAttempt(ssm, topology(readings), {
      ...noContext,
      late: evidence(records, { attempt: ssm, points: { ...endpointPoints, endpointInterfaces: [] } }),
    })
  const vague = { ...toEndpoint, 'traffic-path': 3 }

  it('makes of what went there what goes to any private address', () => {
    const now = withRoutes([])
    expect(judged([toEndpoint], [now])).toMatchObject({ state: 'private', proof: 'observed' })
    const later = judged([toEndpoint], [now, gone])
    expect(later.state).toBe('undetermined')
    expect(later.possible).toEqual(['interface_endpoint', 'relay'])
    expect(later.evidence.find((e) => e.rule === 'flow.interface_endpoint')?.because).toMatch(
      /no longer shows it so/,
    )
    expect(
      withLate(judged([], [now, gone]), judged([toEndpoint], [now]).evidence.slice(1, 2), 'pending'),
    ).toMatchObject({
      state: 'undetermined',
    })
  })

  it('holds also for records of which not all say so', () => {
    const hopped = { ...toEndpoint, ...hop('vpc_endpoint', 'eni-ssm') }
    const both = evidence([toEndpoint, hopped], { attempt: ssm, points: endpointPoints })
    expect(both).toMatchObject([
      {
        rule: 'flow.several',
        possible: ['interface_endpoint'],
        leansOn: { rule: 'endpoint.own_vpc', otherwise: ['interface_endpoint', 'relay'] },
      },
    ])
    const one = evidence([toEndpoint, { ...hopped, 'traffic-path': null }], {
      attempt: ssm,
      points: endpointPoints,
    })
    expect(one[0]?.leansOn).toEqual(both[0]?.leansOn)
    const other = evidence([vague, { ...vague, 'traffic-path': null }], {
      attempt: ssm,
      points: endpointPoints,
    })
    expect(other[0]?.leansOn).toBeUndefined()
    expect(evidence([withPath(7)])[0]?.leansOn).toBeUndefined()
    expect(evidence([atEndpoint], { attempt: ssm, points: endpointPoints })[0]?.leansOn).toBeUndefined()
  })
})

describe('one record by itself', () => {
  const possible = (fields: Fields) => possibleOfRecord({ fields }).possible

  it('is read as the client would', () => {
    expect(possible(withPath(7))).toEqual(['gateway_endpoint'])
    expect(possibleOfRecord({ fields: withPath(7) }).because).toMatch(/taken as the client/)
    expect(possible(withPath(8, { 'interface-type': 'interface' }))).toEqual(['internet_gateway'])
    expect(possible(withPath(1))).toEqual(['interface_endpoint', ...beyondPublic])
    expect(possible(withPath(1, { 'pkt-dstaddr': '10.0.1.60' }))).toEqual(['interface_endpoint', 'relay'])
    expect(possible(withPath(1, { dstaddr: '10.0.1.60', 'pkt-dstaddr': null }))).toEqual([
      'interface_endpoint',
      'relay',
    ])
    expect(possible(withPath(1, hop('nat_gateway')))).not.toContain('internet_gateway')
  })

  it("is read as a NAT gateway's where it says so", () => {
    const atNat = { 'interface-type': 'nat-gateway' }
    expect(possible(withPath(7, atNat))).toEqual(['nat_gateway_endpoint'])
    expect(possible(withPath(8, atNat))).toEqual(['nat_gateway'])
    expect(possible(withPath(1, atNat))).toHaveLength(9)
    expect(possible(withPath(8, { 'interface-type': 'regional_nat_gateway' }))).toEqual(['nat_gateway'])
  })

  it('leaves all where anything is in doubt, and is none where nothing was seen', () => {
    for (const doubt of [
      { 'flow-direction': 'ingress' },
      { 'flow-direction': null },
      { action: 'REJECT' },
      { action: null },
      { 'traffic-path': null },
      { 'traffic-path': 42 },
      { 'interface-type': 'transit_gateway' },
      { 'interface-type': 'vpc_endpoint' },
      hop('nat_gateway'),
    ]) {
      expect(possible(withPath(7, doubt)), JSON.stringify(doubt)).toHaveLength(9)
    }
    expect(possible({})).toHaveLength(9)
    expect(possible({ 'log-status': 'NODATA' })).toBeNull()
    expect(possible({ 'log-status': 'SKIPDATA' })).toBeNull()
  })
})

describe('the format to ask for', () => {
  it('has what the given one lacks', () => {
    const basic = ['version', 'account-id', 'interface-id', 'srcaddr', 'dstaddr', 'action']
    const { lacking, ask } = formatAdvice(basic)
    const names = lacking.map((l) => l.field)
    expect(names).toEqual(
      expect.arrayContaining(['traffic-path', 'flow-direction', 'pkt-srcaddr', 'srcport']),
    )
    expect(names).not.toContain('srcaddr')
    expect(names).not.toContain('bytes')
    expect(lacking.every((l) => l.decides !== '')).toBe(true)
    for (const name of names) expect(ask).toContain(`\${${name}}`)
    expect(formatAdvice(ask.replaceAll(/[${}]/g, '').split(' ')).lacking).toEqual([])
  })
})
