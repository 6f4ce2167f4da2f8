/** From attempts to a name: one case for each condition that the table of names leaves out, and the words. */
import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../model/evidence.ts'
import type { Attempt, DnsAnswer, FamilyObservation } from '../../model/observation.ts'
import type { Confirmation, PathClass, Rank } from '../../model/path.ts'
import type { NameVerdict, Requirement } from '../../model/verdict.ts'
import { type AttemptContext, noContext } from '../../verdict/judge.ts'
import { type NameCase, groupOf, judgeName, sameBasis } from '../../verdict/name.ts'
import { judgeTarget } from '../../verdict/target.ts'
import {
  answer,
  attempt,
  cidrRoute,
  dns,
  kernelRoute,
  natTable,
  now,
  stamp,
  target,
  topology,
  viaEndpoint,
  viaIgw,
  viaNat,
  withRoutes,
} from './fixture.ts'

type Case = NameCase['attempts'][number]

/** S3's list by the gateway endpoint, all else by NAT. */
const both = topology([withRoutes([viaEndpoint, viaNat], {}, [natTable([viaIgw])])])
const deadNat = topology([withRoutes([viaEndpoint, { ...viaNat, state: 'blackhole' }])])

const at = (address: string, more: Partial<Attempt> = {}, context: Partial<AttemptContext> = {}): Case => ({
  attempt: attempt({ address, stamp: stamp(address), ...more }),
  context: { ...noContext, ...context },
})
const inside = (n: number, more: Partial<Attempt> = {}, context: Partial<AttemptContext> = {}) =>
  at(`52.216.1.${n}`, more, context)
const outside = (n: number, more: Partial<Attempt> = {}, context: Partial<AttemptContext> = {}) =>
  at(`54.240.1.${n}`, more, context)
const timeout = { outcome: { reached: 'nothing', failure: { type: 'timeout', afterSeconds: 5 } } } as const
const undialled = { localAddress: null, localPort: null, outcome: { reached: 'not_dialled' } } as const
const veth = { host: { ...kernelRoute, deviceKind: 'veth' } } as const
const thrice = { timeoutsInARow: 3, othersConnected: true }
const late = (rank: Rank, ...possible: PathClass[]): Evidence => ({
  rule: 'late',
  possible,
  rank,
  because: 'late',
  source: 'test',
  observedAtMs: 0,
  flags: [],
  assumptions: [],
})

const noData = answer([])
const nxdomain = answer([], { rcode: 'NXDOMAIN' })
const servfail: DnsAnswer = {
  answered: false,
  failure: { type: 'dns', code: 'SERVFAIL' },
  transport: 'udp',
}
const silent: DnsAnswer = { answered: false, failure: { type: 'timeout', afterSeconds: 5 }, transport: 'udp' }
const family = (f: 4 | 6, usable: boolean): FamilyObservation => ({
  kind: 'family',
  stamp: stamp(),
  family: f,
  usable,
  because: 'as told',
})

function name(more: Partial<NameCase>, t = both): NameVerdict {
  return judgeName(
    {
      hostname: 'b.s3.us-east-1.amazonaws.com',
      style: 'regional',
      resolvers: ['system'],
      dns: [dns(answer(['52.216.1.1']), noData)],
      families: [],
      attempts: [inside(1)],
      tainted: [],
      ...more,
    },
    t,
  )
}

describe('a query that failed', () => {
  const withAaaa = (aaaa: DnsAnswer, families: FamilyObservation[]) =>
    name({ dns: [dns(answer(['52.216.1.1']), aaaa)], families })

  it('counts unless this host can’t use that very family', () => {
    expect(withAaaa(servfail, [family(6, false)]).state).toBe('private')
    expect(withAaaa(servfail, [family(6, true)]).state).toBe('undetermined')
    expect(withAaaa(servfail, [family(4, false)]).state).toBe('undetermined')
    expect(withAaaa(servfail, [family(4, true), family(6, false)]).state).toBe('private')
  })

  it('is named with its family, resolver and reason', () => {
    expect(withAaaa(servfail, []).because).toEqual(['AAAA of system (10.0.0.2:53) failed (dns SERVFAIL)'])
    expect(name({ dns: [dns(silent, noData)] }).because).toEqual([
      'A of system (10.0.0.2:53) failed (timeout)',
    ])
    expect(withAaaa(answer([], { truncated: true }), []).because).toEqual([
      'AAAA of system (10.0.0.2:53) was cut short',
    ])
    expect(name({ resolvers: ['system', 'corp'] }).because).toEqual(['resolver corp was not asked'])
  })
})

describe('a name that does not exist', () => {
  const gone = (resolver: string) => dns(nxdomain, nxdomain, { resolver })
  it.each<[string, Partial<NameCase>, boolean]>([
    ['by its one resolver', { dns: [gone('system')] }, true],
    ['by both', { resolvers: ['system', 'corp'], dns: [gone('system'), gone('corp')] }, true],
    [
      'by one of two; the other was not asked',
      { resolvers: ['system', 'corp'], dns: [gone('system')] },
      false,
    ],
    ['by nobody, for nobody was asked', { resolvers: [], dns: [] }, false],
    ['for A only', { dns: [dns(nxdomain, noData)] }, false],
    ['for AAAA only', { dns: [dns(noData, nxdomain)] }, false],
    ['for A, and AAAA failed', { dns: [dns(nxdomain, servfail)] }, false],
  ])('%s', (_, more, absent) => {
    const verdict = name({ attempts: [], ...more })
    expect([verdict.absent, verdict.state]).toEqual([absent, absent ? 'blocked' : 'undetermined'])
  })
})

describe('an address that was not dialled', () => {
  it('does not count as private by a group in which what is known contradicts itself', () => {
    const doubtful = inside(2, undialled, { late: [late('consistent', 'nat_gateway')] })
    const verdict = name({ attempts: [inside(1), doubtful] })
    const [one, other] = verdict.attempts
    if (one === undefined || other === undefined) throw new Error('two attempts')
    expect([groupOf(other), other.wouldBe]).toEqual([groupOf(one), 'undetermined'])
    expect(verdict.state).toBe('undetermined')
  })

  it('counts by a group that was dialled, and only then', () => {
    expect(name({ attempts: [inside(1), inside(2, undialled)] }).state).toBe('private')
    expect(name({ attempts: [inside(1, { ...veth }), inside(2, undialled)] }).state).toBe('undetermined')
  })
})

describe('blocked by time-outs', () => {
  it('is no doubt if one row of the account’s configuration leaves private ways alone', () => {
    const blocked = outside(2, timeout, { ...thrice, late: [late('configured', 'nat_gateway', 'blocked')] })
    expect(name({ attempts: [inside(1), blocked] }).state).toBe('undetermined')
    const t = topology([withRoutes([viaEndpoint], { prefixLists: [] })])
    const several = inside(2, timeout, {
      ...thrice,
      late: [late('configured', 'gateway_endpoint', 'blocked')],
    })
    const one = { ...inside(1), topology: both }
    expect(name({ attempts: [one, several] }, t).attempts[1]?.blockedByTimeouts).toBe(true)
    expect(name({ attempts: [one, several] }, t).state).toBe('private')
  })

  it('is doubt where no row of the configuration says anything', () => {
    expect(name({ attempts: [inside(1), inside(2, { ...timeout, ...veth }, thrice)] }).state).toBe(
      'undetermined',
    )
  })

  it('is doubt where a relay is left', () => {
    const t = topology([withRoutes([viaEndpoint, cidrRoute('0.0.0.0/0', target('instance', 'i-1'))])])
    expect(name({ attempts: [inside(1), outside(2, timeout, thrice)] }, t).state).toBe('undetermined')
  })
})

describe('taint', () => {
  const basis = { networkInterface: 'eni-host', routeTable: 'rtb-1', route: 'pl-s3', target: 'vpce-s3' }

  it('of one address’s basis holds the name', () => {
    const verdict = name({ attempts: [inside(1), outside(2, timeout, thrice)], tainted: [basis] }, deadNat)
    expect([verdict.tainted, verdict.state]).toEqual([true, 'undetermined'])
    expect(verdict.because.join()).toContain('52.216.1.1: held back')
  })

  it('does not hide what is public', () => {
    expect(name({ attempts: [inside(1), outside(2)], tainted: [basis] }).state).toBe('public')
  })

  it('is of the whole basis', () => {
    expect(sameBasis(basis, { ...basis })).toBe(true)
    for (const part of ['networkInterface', 'routeTable', 'route', 'target'] as const) {
      expect(sameBasis(basis, { ...basis, [part]: 'other' })).toBe(false)
      expect(name({ tainted: [{ ...basis, [part]: 'other' }] }).state).toBe('private')
    }
  })
})

describe('confirmation', () => {
  const with_ = (...all: Confirmation[]) =>
    name({ attempts: all.map((confirmation, i) => inside(i + 1, {}, { confirmation })) }).confirmation

  it('is the weakest of those that carry the state', () => {
    expect(with_('confirmed')).toBe('confirmed')
    expect(with_('confirmed', 'confirmed')).toBe('confirmed')
    expect(with_('confirmed', 'pending')).toBe('pending')
    expect(with_('no_record', 'pending')).toBe('no_record')
    expect(with_('no_record', 'unavailable', 'confirmed')).toBe('unavailable')
    expect(name({ attempts: [] }).confirmation).toBe('unavailable')
  })

  it('leaves out what does not carry it', () => {
    const confirmed = inside(1, {}, { confirmation: 'confirmed' })
    expect(name({ attempts: [confirmed, outside(2, timeout)] }, deadNat).confirmation).toBe('confirmed')
    expect(
      name({ attempts: [outside(1, {}, { confirmation: 'confirmed' }), inside(2, veth)] }).confirmation,
    ).toBe('confirmed')
    expect(
      name({ attempts: [outside(1, {}, { confirmation: 'confirmed' }), confirmed, inside(2, veth)] })
        .confirmation,
    ).toBe('confirmed')
    expect(name({ attempts: [confirmed, inside(2, veth)] }).confirmation).toBe('unavailable')
  })
})

describe('what is possible of a name', () => {
  it('is what its state rests on', () => {
    expect(name({ attempts: [inside(1), outside(2, timeout)] }, deadNat).possible).toEqual([
      'gateway_endpoint',
    ])
    expect(name({ attempts: [outside(1), inside(2, veth)] }).possible).toEqual(['nat_gateway'])
    expect(name({ attempts: [inside(1), outside(2)] }).possible).toEqual(['gateway_endpoint', 'nat_gateway'])
    expect(name({ attempts: [inside(1), inside(2, veth)] }).possible).toContain('relay')
  })
})

describe('proof', () => {
  const proofOf = (attempts: Case[], t = both) => name({ attempts }, t).proof
  const recorded = { late: [late('observed', 'gateway_endpoint')] }

  it('of a private name is the weakest, of a public one the strongest', () => {
    expect(proofOf([inside(1, {}, recorded)])).toBe('observed')
    expect(proofOf([inside(1, {}, recorded), inside(2)])).toBe('configured')
    const wentOut = { late: [late('observed', 'nat_gateway')] }
    expect(proofOf([outside(1, {}, wentOut), outside(2)])).toBe('observed')
    expect(proofOf([outside(1)])).toBe('configured')
  })

  it('of a blocked name is the weakest of what blocks it', () => {
    expect(proofOf([outside(1, timeout)], deadNat)).toBe('configured')
    const refusedByKernel = {
      outcome: { reached: 'nothing', failure: { type: 'no_local_route', code: 'X' } },
    } as const
    expect(proofOf([outside(1, refusedByKernel)], deadNat)).toBe('observed')
    expect(proofOf([outside(1, refusedByKernel), outside(2, timeout)], deadNat)).toBe('configured')
    expect(proofOf([inside(1, timeout)])).toBeNull()
  })
})

describe('the words', () => {
  const because = (more: Partial<NameCase>, t = both) => name(more, t).because

  it('of a private name', () => {
    expect(because({})).toEqual(['1 of 1 known addresses took a private path'])
    expect(because({ attempts: [inside(1), inside(2, undialled)] })).toEqual([
      '1 of 2 known addresses took a private path, 1 more take the same way',
    ])
    expect(because({ attempts: [inside(1), outside(2, timeout)] }, deadNat)).toEqual([
      '1 of 2 known addresses took a private path, 1 blocked',
    ])
  })

  it('of a public or mixed name, with the first four addresses', () => {
    expect(because({ attempts: [outside(1)] })).toEqual([
      '1 of 1 known addresses took a public path: 54.240.1.1',
    ])
    expect(because({ attempts: [outside(1), inside(2)] })).toEqual([
      '1 of 2 known addresses took a public path: 54.240.1.1',
      '1 took a private path: 52.216.1.2',
    ])
    expect(because({ attempts: [1, 2, 3, 4].map((n) => outside(n)) })[0]).toMatch(
      /: (54\.240\.1\.\d(, )?){4}$/,
    )
    expect(because({ attempts: [1, 2, 3, 4, 5, 6].map((n) => outside(n)) })[0]).toMatch(
      /54\.240\.1\.3, 54\.240\.1\.4 and 2 more$/,
    )
  })

  it('of a blocked name', () => {
    expect(because({ attempts: [outside(1, timeout), outside(2, timeout)] }, deadNat)).toEqual([
      'all 2 known addresses are blocked',
    ])
  })

  it('of an open name', () => {
    expect(because({ attempts: [] })).toEqual(['no address is known'])
    expect(because({ attempts: [inside(1, undialled)] })).toEqual([
      'no connection was attempted',
      '52.216.1.1: not dialled yet, would be private',
    ])
    expect(because({ attempts: [inside(1, veth)] })).toEqual([
      expect.stringMatching(/^52\.216\.1\.1: possible is still gateway_endpoint, .*, relay$/),
    ])
    expect(because({ attempts: [inside(1, veth, { late: [late('given')] })] })).toEqual([
      '52.216.1.1: possible is still nothing',
    ])
    expect(because({ attempts: [inside(1), outside(2, undialled)] })).toEqual([
      '54.240.1.2: not dialled yet, would be public',
    ])
  })

  it('of an open name with many addresses, eight of them', () => {
    const open = (count: number) =>
      because({ attempts: Array.from({ length: count }, (_, i) => inside(i + 1, veth)) })
    expect(open(8)).toHaveLength(8)
    expect(open(8).join()).not.toContain('more addresses')
    expect(open(10)).toHaveLength(9)
    expect(open(10).at(-1)).toBe('and 2 more addresses')
  })
})

describe('conflicts', () => {
  it('of side in one attempt are the name’s', () => {
    const torn = inside(2, {}, { late: [late('observed', 'nat_gateway')] })
    expect(name({ attempts: [inside(1), torn] }).conflictOfSide).toBe(true)
    expect(name({}).conflictOfSide).toBe(false)
  })

  it('of class are not', () => {
    const verdict = name({ attempts: [inside(1, {}, { late: [late('observed', 'nat_gateway_endpoint')] })] })
    expect(verdict.attempts[0]?.conflicts.map((c) => c.of)).toEqual(['class'])
    expect([verdict.state, verdict.conflictOfSide]).toEqual(['private', false])
  })
})

describe('a requirement', () => {
  const meets = (require: Requirement, minProof: Rank, ...names: NameVerdict[]) =>
    judgeTarget({ name: 't', require, minProof, requireFirstLeg: 'any', waiver: null }, names, now).met
  const classes = (...wanted: PathClass[]): Requirement => ({ kind: 'classes', classes: wanted })
  const isPrivate = name({})
  const observed = name({ attempts: [inside(1, {}, { late: [late('observed', 'gateway_endpoint')] })] })
  const blocked = name({ attempts: [outside(1, timeout)] }, deadNat)

  it('of a proof is met by that or a stronger one', () => {
    expect(meets({ kind: 'private' }, 'configured', isPrivate)).toBe(true)
    expect(meets({ kind: 'private' }, 'consistent', isPrivate)).toBe(true)
    expect(meets({ kind: 'private' }, 'observed', isPrivate)).toBe(false)
    expect(meets({ kind: 'private' }, 'observed', observed)).toBe(true)
    expect(meets({ kind: 'private' }, 'configured', observed)).toBe(true)
    expect(meets(classes('gateway_endpoint'), 'observed', isPrivate)).toBe(false)
    expect(meets(classes('gateway_endpoint'), 'observed', observed)).toBe(true)
  })

  it('of classes counts what was not dialled or is blocked', () => {
    const beside = (...attempts: Case[]) => name({ attempts: [inside(1), ...attempts] }, deadNat)
    expect(meets(classes('gateway_endpoint'), 'configured', beside(inside(2, undialled)))).toBe(true)
    expect(meets(classes('gateway_endpoint'), 'configured', beside(outside(2, timeout)))).toBe(true)
    expect(meets(classes('interface_endpoint'), 'configured', beside(outside(2, timeout)))).toBe(false)
  })

  it('of classes holds for every class that is left, and something must be', () => {
    const torn = name({ attempts: [inside(1, {}, { late: [late('observed', 'nat_gateway_endpoint')] })] })
    expect(torn.attempts[0]?.possible).toEqual(['gateway_endpoint', 'nat_gateway_endpoint'])
    expect(meets(classes('gateway_endpoint', 'nat_gateway_endpoint'), 'configured', torn)).toBe(true)
    expect(meets(classes('nat_gateway_endpoint'), 'configured', torn)).toBe(false)
    const [only] = isPrivate.attempts
    if (only === undefined) throw new Error('one attempt')
    const empty = { ...isPrivate, attempts: [{ ...only, possible: [] }] }
    expect(meets(classes('gateway_endpoint'), 'configured', empty)).toBe(false)
  })

  it('of classes holds for what was not dialled, but for what is blocked', () => {
    const [only] = isPrivate.attempts
    if (only === undefined) throw new Error('one attempt')
    const beside = {
      ...only,
      connected: false,
      dialled: false,
      possible: ['interface_endpoint', 'blocked'] as PathClass[],
    }
    const with_ = (state: 'undetermined' | 'blocked') => ({
      ...isPrivate,
      attempts: [only, { ...beside, state }],
    })
    expect(meets(classes('gateway_endpoint'), 'configured', with_('undetermined'))).toBe(false)
    expect(
      meets(classes('gateway_endpoint', 'interface_endpoint'), 'configured', with_('undetermined')),
    ).toBe(true)
    expect(meets(classes('gateway_endpoint'), 'configured', with_('blocked'))).toBe(true)
  })

  it('of classes is met by a blocked name only if it lists that', () => {
    expect(meets(classes('gateway_endpoint'), 'configured', blocked)).toBe(false)
    expect(meets(classes('gateway_endpoint', 'blocked'), 'configured', blocked)).toBe(true)
  })

  it.each(['tainted', 'conflictOfSide'] as const)(
    'is not met by a name that is held (%s), but for blocked',
    (held) => {
      expect(meets({ kind: 'private' }, 'configured', { ...isPrivate, [held]: true })).toBe(false)
      expect(meets(classes('gateway_endpoint'), 'configured', { ...isPrivate, [held]: true })).toBe(false)
      expect(meets({ kind: 'blocked' }, 'configured', { ...blocked, [held]: true })).toBe(true)
      expect(meets({ kind: 'blocked' }, 'configured', { ...isPrivate, [held]: true })).toBe(false)
      expect(meets(classes('blocked'), 'configured', { ...blocked, [held]: true })).toBe(false)
    },
  )

  it('is not met by no names', () => {
    expect(meets({ kind: 'private' }, 'configured')).toBe(false)
    expect(meets({ kind: 'blocked' }, 'configured')).toBe(false)
  })
})
