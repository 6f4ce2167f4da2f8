import { describe, expect, it } from 'vitest'
import type { Attempt } from '../../model/observation.ts'
import type { PathState } from '../../model/path.ts'
import type { Topology } from '../../model/topology.ts'
import type { NameVerdict, Requirement } from '../../model/verdict.ts'
import { noContext } from '../../verdict/judge.ts'
import { type NameCase, judgeName } from '../../verdict/name.ts'
import { judgeTarget } from '../../verdict/target.ts'
import {
  answer,
  attempt,
  cidrRoute,
  dns,
  gatewayEndpoint,
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

const both = topology([withRoutes([viaEndpoint, viaNat], {}, [natTable([viaIgw])])])
const inside = (id: string) => ({
  attempt: attempt({ address: `52.216.1.${id}`, stamp: stamp(id) }),
  context: noContext,
})
const outside = (id: string) => ({
  attempt: attempt({ address: `54.240.1.${id}`, stamp: stamp(id) }),
  context: noContext,
})
const undialled = (a: { attempt: Attempt; context: typeof noContext }) => ({
  ...a,
  attempt: {
    ...a.attempt,
    localAddress: null,
    localPort: null,
    outcome: { reached: 'not_dialled' } as const,
  },
})
const failed = (
  a: { attempt: Attempt; context: typeof noContext },
  context: Partial<typeof noContext> = {},
) => ({
  attempt: {
    ...a.attempt,
    outcome: { reached: 'nothing', failure: { type: 'timeout', afterSeconds: 5 } } as const,
  },
  context: { ...noContext, ...context },
})
const noData = answer([])
const fine = dns(answer(['52.216.1.1']), noData)

function name(more: Partial<NameCase>, t: Topology = both): NameVerdict {
  return judgeName(
    {
      hostname: 'b.s3.us-east-1.amazonaws.com',
      style: 'regional',
      resolvers: ['system'],
      dns: [fine],
      families: [],
      attempts: [inside('1')],
      tainted: [],
      ...more,
    },
    t,
  )
}

describe('from attempts to a name', () => {
  it.each<[string, Partial<NameCase>, PathState]>([
    ['one private attempt', {}, 'private'],
    ['any public is public', { attempts: [outside('1')] }, 'public'],
    ['public beside private is mixed', { attempts: [inside('1'), outside('1')] }, 'mixed'],
    ['no address', { attempts: [] }, 'undetermined'],
    ['nothing dialled', { attempts: [undialled(inside('1'))] }, 'undetermined'],
    [
      'an undialled address of the same group counts as private',
      { attempts: [inside('1'), undialled(inside('2'))] },
      'private',
    ],
    [
      'an undialled address of another group does not',
      { attempts: [inside('1'), undialled(outside('2'))] },
      'undetermined',
    ],
    ['an attempt that failed is doubt', { attempts: [inside('1'), failed(inside('2'))] }, 'undetermined'],
    [
      'blocked by time-outs while the route leaves a public way is doubt',
      { attempts: [inside('1'), failed(outside('2'), { timeoutsInARow: 3, othersConnected: true })] },
      'undetermined',
    ],
    [
      'blocked by time-outs while the route leads to the endpoint only is blocked',
      { attempts: [inside('1'), failed(inside('2'), { timeoutsInARow: 3, othersConnected: true })] },
      'private',
    ],
    [
      'AAAA failed',
      {
        dns: [
          dns(answer(['52.216.1.1']), {
            answered: false,
            failure: { type: 'dns', code: 'SERVFAIL' },
            transport: 'udp',
          }),
        ],
      },
      'undetermined',
    ],
    ['A cut short', { dns: [dns(answer(['52.216.1.1'], { truncated: true }), noData)] }, 'undetermined'],
    [
      'AAAA cut short',
      { dns: [dns(answer(['52.216.1.1']), answer([], { truncated: true }))] },
      'undetermined',
    ],
    ['a named resolver was not asked', { resolvers: ['system', 'corp'] }, 'undetermined'],
    [
      'a named resolver failed',
      {
        resolvers: ['system', 'corp'],
        dns: [
          fine,
          dns({ answered: false, failure: { type: 'timeout', afterSeconds: 5 }, transport: 'udp' }, noData, {
            resolver: 'corp',
          }),
        ],
      },
      'undetermined',
    ],
    [
      'a compared resolver may fail',
      {
        dns: [
          fine,
          dns({ answered: false, failure: { type: 'timeout', afterSeconds: 5 }, transport: 'udp' }, noData, {
            resolver: 'corp',
            counts: false,
          }),
        ],
      },
      'private',
    ],
    ['more answers than are kept', { complete: false }, 'undetermined'],
    ['a public attempt shows through a failed query', { dns: [], attempts: [outside('1')] }, 'public'],
    [
      'AAAA may fail where the host has no IPv6',
      {
        dns: [
          dns(answer(['52.216.1.1']), {
            answered: false,
            failure: { type: 'dns', code: 'SERVFAIL' },
            transport: 'udp',
          }),
        ],
        families: [{ kind: 'family', stamp: stamp(), family: 6, usable: false, because: 'no address' }],
      },
      'private',
    ],
    [
      'dualstack name on a host without IPv6',
      {
        attempts: [
          inside('1'),
          {
            attempt: {
              ...undialled({ attempt: attempt({ address: '2600:1fa0::1' }), context: noContext }).attempt,
            },
            context: {
              ...noContext,
              families: [{ kind: 'family', stamp: stamp(), family: 6, usable: false, because: 'no address' }],
            },
          },
        ],
      },
      'private',
    ],
    [
      'NXDOMAIN everywhere',
      { attempts: [], dns: [dns(answer([], { rcode: 'NXDOMAIN' }), answer([], { rcode: 'NXDOMAIN' }))] },
      'blocked',
    ],
    [
      'NXDOMAIN here, an answer there',
      {
        attempts: [],
        resolvers: ['system', 'corp'],
        dns: [
          dns(answer([], { rcode: 'NXDOMAIN' }), answer([], { rcode: 'NXDOMAIN' })),
          dns(noData, noData, { resolver: 'corp' }),
        ],
      },
      'undetermined',
    ],
    [
      'NXDOMAIN by a compared resolver only',
      {
        attempts: [],
        dns: [dns(answer([], { rcode: 'NXDOMAIN' }), answer([], { rcode: 'NXDOMAIN' }), { counts: false })],
      },
      'undetermined',
    ],
    [
      'NXDOMAIN while addresses are held',
      { dns: [dns(answer([], { rcode: 'NXDOMAIN' }), answer([], { rcode: 'NXDOMAIN' }))] },
      'private',
    ],
    [
      'tainted',
      { tainted: [{ networkInterface: 'eni-host', routeTable: 'rtb-1', route: 'pl-s3', target: 'vpce-s3' }] },
      'undetermined',
    ],
    [
      'another basis is tainted',
      { tainted: [{ networkInterface: 'eni-host', routeTable: 'rtb-2', route: 'pl-s3', target: 'vpce-s3' }] },
      'private',
    ],
  ])('%s', (_, more, state) => {
    const verdict = name(more)
    expect(verdict.state, verdict.because.join('; ')).toBe(state)
    expect(verdict.because.length).toBeGreaterThan(0)
  })

  it('all blocked is blocked', () => {
    const t = topology([
      withRoutes([cidrRoute('0.0.0.0/0', target('nat_gateway', 'nat-1'), { state: 'blackhole' })]),
    ])
    const verdict = name({ attempts: [failed(inside('1')), failed(outside('2'))] }, t)
    expect(verdict.state).toBe('blocked')
  })

  it('a doubtful name says what would decide it, a public one what mends it', () => {
    expect(name({ attempts: [undialled(inside('1'))] }).wouldDecide.length).toBeGreaterThan(0)
    const endpoints = [{ ...gatewayEndpoint, routeTableIds: [] }]
    const nat = topology([withRoutes([viaNat], { endpoints }, [natTable([viaIgw])])])
    const fix = name({}, nat).fix[0]
    expect(fix?.command).toBe(
      'aws ec2 modify-vpc-endpoint --vpc-endpoint-id vpce-s3 --add-route-table-ids rtb-1',
    )
  })

  it('the proof of a private name is the weakest among its attempts', () => {
    expect(name({}).proof).toBe('configured')
    expect(name({ dns: [] }).proof).toBeNull()
  })
})

describe('from names to a target and its requirement', () => {
  const required = (require: Requirement, names: NameVerdict[]) =>
    judgeTarget(
      { name: 't', require, minProof: 'configured', requireFirstLeg: 'any', waiver: null },
      names,
      now,
    )
  const isPrivate = name({})
  const isPublic = name({ attempts: [outside('1')] })
  const isMixed = name({ attempts: [inside('1'), outside('1')] })
  const isOpen = name({ attempts: [] })
  const absent = name({
    attempts: [],
    dns: [dns(answer([], { rcode: 'NXDOMAIN' }), answer([], { rcode: 'NXDOMAIN' }))],
  })
  const blocked: NameVerdict = { ...absent, absent: false }

  it.each<[string, NameVerdict[], PathState, boolean]>([
    ['private', [isPrivate], 'private', true],
    ['the worst of its names', [isPrivate, isPublic], 'public', false],
    ['mixed', [isPrivate, isMixed], 'mixed', false],
    ['undetermined is worse than blocked', [isOpen, blocked, isPrivate], 'undetermined', false],
    ['blocked is worse than private', [blocked, isPrivate], 'blocked', false],
    ['a name that does not exist does not count beside others', [absent, isPrivate], 'private', true],
    ['no names', [], 'undetermined', false],
  ])('%s', (_, names, state, met) => {
    const verdict = required({ kind: 'private' }, names)
    expect([verdict.state, verdict.met]).toEqual([state, met])
  })

  it('where blocked is required it is the best', () => {
    expect(required({ kind: 'blocked' }, [blocked]).met).toBe(true)
    expect(required({ kind: 'blocked' }, [absent]).met).toBe(true)
    expect(required({ kind: 'blocked' }, [blocked, isPrivate])).toMatchObject({
      met: false,
      state: 'private',
    })
    expect(required({ kind: 'blocked' }, [isOpen]).met).toBe(false)
  })

  it('classes: every attempt within them', () => {
    expect(required({ kind: 'classes', classes: ['gateway_endpoint'] }, [isPrivate]).met).toBe(true)
    expect(required({ kind: 'classes', classes: ['interface_endpoint'] }, [isPrivate]).met).toBe(false)
    expect(required({ kind: 'classes', classes: ['gateway_endpoint', 'nat_gateway'] }, [isMixed]).met).toBe(
      true,
    )
    expect(required({ kind: 'classes', classes: ['gateway_endpoint'] }, [isMixed]).met).toBe(false)
    expect(required({ kind: 'classes', classes: ['gateway_endpoint'] }, [isOpen]).met).toBe(false)
  })

  it('a stronger minimum of proof is not met by configured', () => {
    expect(
      judgeTarget(
        {
          name: 't',
          require: { kind: 'private' },
          minProof: 'observed',
          requireFirstLeg: 'any',
          waiver: null,
        },
        [isPrivate],
        now,
      ).met,
    ).toBe(false)
  })

  it('a demand on the first leg is not met while nothing shows it', () => {
    const demand = {
      name: 't',
      require: { kind: 'private' },
      minProof: 'configured',
      requireFirstLeg: 'vpn',
      waiver: null,
    } as const
    expect(judgeTarget(demand, [isPrivate], now).met).toBe(false)
  })

  it('a waiver is shown and changes nothing', () => {
    const waiver = { reason: 'legacy', ticket: null, untilMs: now + 1 }
    const verdict = judgeTarget(
      { name: 't', require: { kind: 'private' }, minProof: 'configured', requireFirstLeg: 'any', waiver },
      [isPublic],
      now,
    )
    expect(verdict).toMatchObject({ met: false, waiverActive: true, state: 'public' })
    expect(
      judgeTarget(
        { name: 't', require: { kind: 'private' }, minProof: 'configured', requireFirstLeg: 'any', waiver },
        [isPublic],
        now + 1,
      ).waiverActive,
    ).toBe(false)
  })
})

it('a public name is confirmed by the records of the very attempts that are public, and not by those of others', () => {
  const late = {
    rule: 'flow.nat_gateway',
    possible: ['nat_gateway' as const],
    rank: 'observed' as const,
    because: 'traffic-path 8',
    source: 'flow log',
    observedAtMs: now,
    flags: [],
    assumptions: [],
  }
  const recorded = (
    confirmation: 'confirmed' | 'pending',
    looked: 'confirmed' | 'no_record' = 'confirmed',
  ) => {
    const { attempt: made } = outside('1')
    const context = { ...noContext, late: confirmation === 'confirmed' ? [late] : [], confirmation }
    return name({
      dns: [dns(answer(['54.240.1.1']), noData)],
      attempts: [{ attempt: made, context }],
      confirmation: looked,
    })
  }
  expect(recorded('confirmed')).toMatchObject({ state: 'public', confirmation: 'confirmed' })
  expect(recorded('pending')).toMatchObject({ state: 'public', confirmation: 'pending' })
  expect(recorded('pending', 'no_record')).toMatchObject({ state: 'public', confirmation: 'no_record' })
})
