/** From evidence to the verdict on one attempt: one case for each condition of the judge. */
import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../model/evidence.ts'
import type { Attempt } from '../../model/observation.ts'
import { type PathClass, type Rank, pathClasses } from '../../model/path.ts'
import type { Site, Topology } from '../../model/topology.ts'
import { eliminate } from '../../verdict/eliminate.ts'
import { judgeAttempt, judgeWithParts, noContext, within, wouldBeState } from '../../verdict/judge.ts'
import {
  attempt,
  kernelRoute,
  lacking,
  natTable,
  snapshot,
  topology,
  viaEndpoint,
  viaIgw,
  viaNat,
  withRoutes,
} from './fixture.ts'

const late = (rank: Rank, ...possible: PathClass[]): Evidence => ({
  rule: `late.${rank}`,
  possible,
  rank,
  because: `${rank} ${possible.join()}`,
  source: 'test',
  observedAtMs: 0,
  flags: [],
  assumptions: [],
})
const judged = (more: Partial<Attempt>, t: Topology, ...evidence: Evidence[]) =>
  judgeAttempt(attempt(more), t, { ...noContext, late: evidence })

const refused = { reached: 'nothing', failure: { type: 'refused' } } as const
const timeout = { reached: 'nothing', failure: { type: 'timeout', afterSeconds: 5 } } as const
const byNat = withRoutes([viaNat], {}, [natTable([viaIgw])])
const dead = withRoutes([{ ...viaNat, state: 'blackhole' }])
const veth = { host: { ...kernelRoute, deviceKind: 'veth' as const } }
const onPrem = (...sites: Site[]): Topology => {
  const t = topology([], { sites })
  return { ...t, vantage: { ...t.vantage, kind: 'on-prem' } }
}
const site = (name: string, snatRelay: boolean): Site => ({
  name,
  firstLeg: null,
  nextHops: [],
  prefixes: [],
  snatRelay,
})

describe('the state of an attempt', () => {
  it.each<[string, ReturnType<typeof judged>, string, Rank | null]>([
    ['all private', judged({}, topology()), 'private', 'configured'],
    ['all public', judged({}, topology([byNat])), 'public', 'configured'],
    ['nothing connected', judged({ outcome: refused }, topology()), 'undetermined', null],
    ['nothing connected, public', judged({ outcome: refused }, topology([byNat])), 'undetermined', null],
    ['no way', judged({ outcome: timeout }, topology([dead])), 'blocked', 'configured'],
    [
      'no way, but what is stronger says otherwise',
      judged({ outcome: timeout }, topology([dead]), late('observed', 'gateway_endpoint')),
      'undetermined',
      null,
    ],
    ['connected where there is no way', judged({}, topology([dead])), 'undetermined', null],
    [
      'public, by what is stronger than a contradiction',
      judged({}, topology(), late('observed', 'nat_gateway')),
      'public',
      'observed',
    ],
    [
      'private, by what is stronger than a contradiction',
      judged({}, topology([byNat]), late('observed', 'gateway_endpoint')),
      'undetermined',
      null,
    ],
    [
      'private by what is consistent alone',
      judged(veth, topology(), late('consistent', 'gateway_endpoint')),
      'undetermined',
      null,
    ],
    [
      'private by the socket alone',
      judged(veth, topology(), late('given', 'gateway_endpoint')),
      'undetermined',
      null,
    ],
    [
      'public by what is consistent alone',
      judged(veth, topology(), late('consistent', 'nat_gateway')),
      'public',
      'consistent',
    ],
    [
      'confirmed by a record',
      judged(veth, topology(), late('attested', 'gateway_endpoint')),
      'private',
      'attested',
    ],
    ['a relay', judged(veth, topology(), late('observed', 'relay')), 'undetermined', null],
  ])('%s', (_, verdict, state, proof) => {
    expect([verdict.state, verdict.proof]).toEqual([state, proof])
  })
})

describe('what it would be if it had connected', () => {
  it.each<[string, ReturnType<typeof judged>, string]>([
    ['private', judged({ outcome: refused }, topology()), 'private'],
    ['public', judged({ outcome: refused }, topology([byNat])), 'public'],
    ['open', judged({ ...veth, outcome: refused }, topology()), 'undetermined'],
    ['no way', judged({ outcome: refused }, topology([dead])), 'blocked'],
    [
      'public by what is stronger than a contradiction',
      judged({ outcome: refused }, topology(), late('observed', 'nat_gateway')),
      'public',
    ],
    [
      'private by what is stronger than a contradiction',
      judged({ outcome: refused }, topology([byNat]), late('observed', 'gateway_endpoint')),
      'undetermined',
    ],
    ['the same as it is where it did', judged({}, topology()), 'private'],
  ])('%s', (_, verdict, state) => {
    expect(verdict.wouldBe).toBe(state)
  })

  it('of nothing at all: open', () => {
    expect(wouldBeState(eliminate([late('given')], pathClasses))).toBe('undetermined')
    expect(wouldBeState(eliminate([late('given', 'blocked')], pathClasses))).toBe('blocked')
  })
})

describe('blocked by time-outs', () => {
  const thrice = { ...noContext, timeoutsInARow: 3, othersConnected: true }
  it.each<[string, Partial<Attempt>, Topology, typeof noContext, string, boolean]>([
    ['alone', { outcome: timeout }, topology([byNat]), thrice, 'blocked', true],
    ['beside a dead route', { outcome: timeout }, topology([dead]), thrice, 'blocked', false],
    ['not at all: a dead route', { outcome: timeout }, topology([dead]), noContext, 'blocked', false],
    ['not at all: connected', {}, topology(), noContext, 'private', false],
    ['not at all: one time-out', { outcome: timeout }, topology(), noContext, 'undetermined', false],
    [
      'not at all: a dead route, beside ways that contradict each other',
      { outcome: timeout },
      topology([dead]),
      {
        ...noContext,
        late: [late('attested', 'gateway_endpoint', 'blocked'), late('observed', 'interface_endpoint')],
      },
      'blocked',
      false,
    ],
  ])('%s', (_, more, t, context, state, expected) => {
    const verdict = judgeAttempt(attempt(more), t, context)
    expect([verdict.state, verdict.blockedByTimeouts]).toEqual([state, expected])
  })
})

describe('the classes to begin with', () => {
  it.each<[string, Topology, boolean]>([
    ['in a VPC', topology([]), true],
    ['on-prem', onPrem(), false],
    ['on-prem, sites without a relay', onPrem(site('a', false)), false],
    ['on-prem, one of two sites with a relay', onPrem(site('a', false), site('b', true)), true],
  ])('%s', (_, t, expected) => {
    expect(judgeAttempt(attempt(), t).possible.includes('gateway_endpoint')).toBe(expected)
  })
})

describe('why there is no route evidence', () => {
  const why = (more: Partial<Attempt>, t: Topology) => judgeWithParts(attempt(more), t).noRoute
  const unread = lacking(snapshot(), 'routeTables')
  it.each<[string, string | null, RegExp]>([
    ['no reading', why({}, topology([])), /no reading of the account/],
    ['on-prem without a reading', why({}, onPrem()), /on-prem/],
    ['on-prem with one', why({}, { ...onPrem(), readings: [snapshot()] }), /on-prem/],
    ['no interface', why(veth, topology()), /veth/],
    ['no interface and no tables', why(veth, topology([unread])), /veth/],
    ['no tables', why({}, topology([unread])), /^not allowed to read routeTables$/],
    [
      'no tables in a later reading',
      why({}, topology([snapshot(), unread])),
      /^not allowed to read routeTables$/,
    ],
    ['no such table', why({}, topology([snapshot({ routeTables: [] })])), /main table/],
    ['no address', why({ address: 'nonsense' }, topology()), /nonsense/],
  ])('%s', (_, because, expected) => {
    expect(because).toMatch(expected)
  })

  it('says nothing where there is', () => {
    expect(why({}, topology())).toBeNull()
  })

  it('an address that is none settles nothing', () => {
    expect(judgeAttempt(attempt({ address: 'nonsense' }), topology()).state).toBe('undetermined')
  })
})

describe('several readings', () => {
  const rules = (...readings: Topology['readings']) =>
    judgeAttempt(attempt(), topology(readings)).evidence.map((e) => e.rule)

  it('that say the same keep their row', () => {
    expect(rules(snapshot(), snapshot({}, -30))).toContain('route.gateway_endpoint')
  })

  it('that differ are several', () => {
    expect(rules(snapshot(), byNat)).toContain('route.several')
    expect(rules(snapshot(), byNat)).not.toContain('route.gateway_endpoint')
  })

  it('do not explain away that the first of them was wrong', () => {
    const nothing = withRoutes([])
    const verdict = judgeAttempt(attempt(), topology([nothing, snapshot({}, -30)]))
    expect(verdict).toMatchObject({ state: 'undetermined', wouldBe: 'undetermined' })
    expect(verdict.conflicts.map((c) => [c.rank, c.of])).toEqual([['configured', 'side']])
    expect(judgeAttempt(attempt(), topology([snapshot(), nothing])).state).toBe('private')
    expect(judgeAttempt(attempt({ outcome: timeout }), topology([nothing, snapshot({}, -30)])).wouldBe).toBe(
      'private',
    )
  })

  it('leave what they say together, with all their assumptions and flags', () => {
    const unread = withRoutes([viaEndpoint], {
      prefixLists: snapshot().prefixLists.map((l) => ({ ...l, complete: false })),
    })
    const verdict = judgeAttempt(attempt(), topology([snapshot(), unread]))
    expect(verdict.flags).toContain('unread_prefix_list')
    expect(verdict.assumptions).toContain("the account's answers describe what its network does")
  })
})

describe('an IPv4-mapped address', () => {
  it.each([['::ffff:10.0.1.50'], ['10.0.1.50'], [null]])('goes as IPv4, from %s as well', (localAddress) => {
    const mapped = { address: '::ffff:52.216.1.1', family: 6 as const, localAddress }
    expect(judgeAttempt(attempt({ ...mapped, host: kernelRoute }), topology())).toMatchObject({
      state: 'private',
      family: 4,
      address: '52.216.1.1',
    })
  })
})

describe('what is told beside the verdict', () => {
  it('flags what a person must know', () => {
    const flags = (more: Partial<Attempt>) => judgeAttempt(attempt(more), topology()).flags
    expect(flags({})).toEqual([])
    expect(flags({ proxyVariables: ['HTTPS_PROXY'] })).toEqual(['proxy_configured'])
    expect(flags({ host: { ...kernelRoute, redirect: 'possible' } })).toEqual(['redirect_on_host'])
  })

  it('puts the strongest evidence first, then what eliminates more, then by the name of the row', () => {
    const named = (rule: string, ...possible: PathClass[]) => ({ ...late('observed', ...possible), rule })
    const verdict = judged(
      {},
      topology(),
      named('late.c', 'gateway_endpoint', 'relay'),
      named('late.b', 'gateway_endpoint', 'internet'),
      { ...named('late.b', 'gateway_endpoint', 'relay'), because: 'told later' },
      named('late.d', 'gateway_endpoint'),
      { ...named('late.a', 'gateway_endpoint', 'relay', 'internet'), rank: 'attested' },
    )
    expect(verdict.evidence.map((e) => e.rule)).toEqual([
      'socket.verified',
      'late.a',
      'late.d',
      'late.b',
      'late.b',
      'late.c',
      'route.gateway_endpoint',
      'address.public',
    ])
    expect(verdict.evidence.map((e) => e.because).indexOf('told later')).toBe(4)
  })

  it('whether it was dialled', () => {
    expect(judged({}, topology()).dialled).toBe(true)
    expect(judged({ outcome: refused }, topology()).dialled).toBe(true)
    expect(judged({ outcome: { reached: 'not_dialled' } }, topology()).dialled).toBe(false)
  })

  it('whether all that is possible is of given classes', () => {
    const verdict = judged({}, topology())
    expect(within(verdict, ['gateway_endpoint', 'interface_endpoint'])).toBe(true)
    expect(within(verdict, ['interface_endpoint'])).toBe(false)
    expect(within({ ...verdict, possible: [] }, ['interface_endpoint'])).toBe(false)
    expect(within(judged(veth, topology()), ['gateway_endpoint'])).toBe(false)
  })
})
