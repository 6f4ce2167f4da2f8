/** Ways in which late evidence might make more of a verdict than it is: each test is one. */
import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../model/evidence.ts'
import type { PathClass, Rank } from '../../model/path.ts'
import type { NameVerdict } from '../../model/verdict.ts'
import { confirmationOf, confirmedRank } from '../../verdict/confirm.ts'
import { joinRecords } from '../../verdict/flow-join.ts'
import { judgeAttempt, noContext, withLate } from '../../verdict/judge.ts'
import { judgeName, rollUp } from '../../verdict/name.ts'
import { flowEvidence } from '../../verdict/rules/flow.ts'
import { judgeTarget } from '../../verdict/target.ts'
import {
  answer,
  attempt,
  dns,
  eni,
  hostMac,
  stamp,
  topology,
  viaEndpoint,
  viaIgw,
  withRoutes,
  now,
} from './fixture.ts'

const late = (rank: Rank, ...possible: PathClass[]): Evidence => ({
  rule: rank === 'attested' ? 'canary.endpoint_unknown' : 'flow.several',
  possible,
  rank,
  because: `it leaves ${possible.join()}`,
  source: rank === 'attested' ? 'canary' : 'flow log',
  observedAtMs: now,
  flags: [],
  assumptions: [],
})

const name = (attempts: { address: string; late: Evidence[] }[], on = topology()): NameVerdict =>
  judgeName(
    {
      hostname: 'b.s3.us-east-1.amazonaws.com',
      style: 'virtual',
      resolvers: ['system'],
      dns: [dns(answer(attempts.map(({ address }) => address)), answer([]))],
      families: [],
      attempts: attempts.map(({ address, late: given }) => ({
        attempt: attempt({ address, stamp: stamp(address) }),
        context: { ...noContext, late: given },
      })),
      tainted: [],
    },
    on,
  )

describe('a requirement of classes with a proof', () => {
  const target = {
    name: 't',
    require: { kind: 'classes' as const, classes: ['internet_gateway', 'gateway_endpoint'] as PathClass[] },
    minProof: 'observed' as const,
    requireFirstLeg: 'any' as const,
    waiver: null,
  }
  const host = eni('eni-host', ['10.0.1.50'], { macAddress: hostMac })
  const open = { ...host, ipv4: host.ipv4.map((a) => ({ ...a, publicAddress: '203.0.113.50' })) }
  const byIgw = topology([withRoutes([viaIgw], { networkInterfaces: [open] })])
  const observed = [late('observed', 'internet_gateway')]

  it('is met where each attempt is as strong, and not where one alone is', () => {
    const strong = name([{ address: '52.216.1.1', late: observed }], byIgw)
    expect(strong).toMatchObject({ state: 'public', proof: 'observed' })
    expect(judgeTarget(target, [strong], now).met).toBe(true)
    const one = name(
      [
        { address: '52.216.1.1', late: observed },
        { address: '52.216.1.2', late: [] },
      ],
      byIgw,
    )
    expect(one).toMatchObject({ state: 'public', proof: 'observed' })
    expect(judgeTarget(target, [one], now).met).toBe(false)
    expect(judgeTarget({ ...target, minProof: 'configured' }, [one], now).met).toBe(true)
  })

  it('is not met by a mixed name whose private attempts are weaker', () => {
    const mixed = name([
      { address: '52.216.1.1', late: [late('observed', 'internet_gateway')] },
      { address: '52.216.1.2', late: [] },
    ])
    expect(mixed.state).toBe('mixed')
    expect(judgeTarget(target, [mixed], now).met).toBe(false)
  })
})

describe('what was said late of one attempt', () => {
  const private_ = judgeAttempt(attempt(), topology())

  it('goes away with the evidence, in whatever order it came and went', () => {
    const gone = [late('observed', 'internet_gateway'), late('attested', 'gateway_endpoint', 'relay')]
    const there = withLate(private_, gone, 'pending')
    expect(there.state).toBe('undetermined')
    const less = withLate(there, gone.slice(1), 'pending')
    expect(less).toMatchObject({ state: 'private', proof: 'configured', conflicts: [] })
    expect(withLate(less, [], 'pending').evidence).toEqual(private_.evidence)
  })

  it('confirms nothing after its time, yet contradicts', () => {
    const confirmed = withLate(private_, [late('observed', 'gateway_endpoint')], 'pending')
    expect(confirmationOf(confirmed, { over: true, available: true })).toBe('no_record')
    const against = withLate(private_, [late('observed', 'internet_gateway')], 'no_record')
    expect(against).toMatchObject({ state: 'public', conflicts: [{ of: 'side' }] })
  })

  it('that AWS attested does not confirm where what was observed contradicts it', () => {
    const torn = withLate(
      private_,
      [
        late('attested', 'gateway_endpoint', 'nat_gateway_endpoint', 'relay'),
        late('observed', 'internet_gateway'),
      ],
      'pending',
    )
    expect(torn.state).toBe('undetermined')
    expect(confirmedRank(torn)).toBeNull()
  })

  it('leaves a relay where no route excludes it, and is no confirmation then', () => {
    const unread = judgeAttempt(attempt(), topology([]))
    const through = withLate(unread, [late('attested', 'gateway_endpoint', 'relay')], 'pending')
    expect(through.state).toBe('undetermined')
    expect(confirmedRank(through)).toBeNull()
  })
})

describe('an attempt that was judged private by records', () => {
  it('does not carry the addresses of its group that nobody dialled, where no route was read', () => {
    const unread = topology([])
    const input = {
      hostname: 'b.s3.us-east-1.amazonaws.com',
      style: 'virtual',
      resolvers: ['system'],
      dns: [dns(answer(['52.216.1.1', '52.216.1.2']), answer([]))],
      families: [],
      attempts: [],
      tainted: [],
    }
    const dialled = judgeAttempt(attempt(), unread, {
      ...noContext,
      late: [late('observed', 'gateway_endpoint')],
      confirmation: 'confirmed',
    })
    const other = judgeAttempt(
      attempt({ address: '52.216.1.2', stamp: stamp('a2'), outcome: { reached: 'not_dialled' } }),
      unread,
    )
    expect(rollUp(input, [dialled]).state).toBe('private')
    expect(rollUp(input, [dialled, other]).state).toBe('undetermined')
  })
})

it('no record joins by a clock that is not known, whatever it says', () => {
  const points = {
    client: {
      interfaceId: 'eni-host',
      role: 'client' as const,
      natGatewayId: null,
      endpointId: null,
      addresses: ['10.0.1.50'],
    },
    primaryAddress: '10.0.1.50',
    nats: [],
    endpoints: [],
    endpointInterfaces: [],
    destination: 'public' as const,
  }
  for (const clockOffsetSeconds of [null, Number.NaN, Infinity, -61, 60.001]) {
    const joined = joinRecords(
      attempt(),
      points,
      { records: [], skipped: [] },
      { clockOffsetSeconds, reuse: false },
    )
    expect(joined.ambiguous).not.toBeNull()
    expect(flowEvidence(attempt(), points, joined)).toEqual([])
  }
})

it('a route table that leads to the endpoint alone is what these tests begin with', () => {
  expect(judgeAttempt(attempt(), topology([withRoutes([viaEndpoint])])).state).toBe('private')
})
