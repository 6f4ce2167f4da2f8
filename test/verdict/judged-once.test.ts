import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { life } from '../../lab/world/life.ts'
import { observe } from '../../lab/world/observe.ts'
import { generate } from '../../lab/world/generate.ts'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import type { Evidence } from '../../model/evidence.ts'
import type { Trace } from '../../model/first-leg.ts'
import type { Attempt, FamilyObservation } from '../../model/observation.ts'
import { pathClasses } from '../../model/path.ts'
import type { Snapshot, Topology } from '../../model/topology.ts'
import { adviseAttempt } from '../../verdict/advice.ts'
import { type AttemptContext, judgeWithParts, noContext } from '../../verdict/judge.ts'
import { judgedOnce } from '../../verdict/judged-once.ts'
import { contextOf, topologyOf } from '../soundness/harness.ts'
import {
  attempt,
  eni,
  interfaceEndpoint,
  lacking,
  now,
  snapshot,
  stamp,
  topology,
  viaIgw,
  viaNat,
  withRoutes,
} from './fixture.ts'

const freshly = (of: Attempt, around: Topology, context: AttemptContext) =>
  adviseAttempt(of, judgeWithParts(of, around, context), around)

/** Readings hold functions; all else of the parts is data. */
const partsOf = (of: Attempt, around: Topology, context: AttemptContext) => {
  const { readings, ...parts } = judgeWithParts(of, around, context)
  return { ...parts, lacking: readings.map((reading) => reading.lacking) }
}

const record = (possible: Evidence['possible']): Evidence => ({
  rule: 'flow',
  possible,
  rank: 'observed',
  because: 'a record',
  source: 'flow',
  observedAtMs: now,
  flags: [],
  assumptions: [],
})

function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const item of Object.values(value)) deepFrozen(item)
  return value
}

describe('a judgement that is remembered is the one that would be made', () => {
  /** All that may be another from one time to the next; each step changes some of it, and may change it back. */
  const change = fc.record({
    attempt: fc.nat(3),
    readings: fc.array(fc.nat(3), { maxLength: 3 }),
    others: fc.boolean(),
    trusted: fc.boolean(),
    sites: fc.boolean(),
    vantage: fc.nat(2),
    limits: fc.constantFrom(0, 30, 900, Infinity),
    nat64: fc.boolean(),
    families: fc.constantFrom<FamilyObservation[]>(
      [],
      [{ kind: 'family', stamp: stamp('f4'), family: 4, usable: false, because: 'none' }],
      [{ kind: 'family', stamp: stamp('f6'), family: 6, usable: false, because: 'none' }],
      [{ kind: 'family', stamp: stamp('g6'), family: 6, usable: true, because: '' }],
    ),
    timeouts: fc.constantFrom(0, 3),
    othersConnected: fc.boolean(),
    late: fc.option(fc.subarray([...pathClasses], { minLength: 1 }), { nil: null }),
    confirmation: fc.constantFrom('unavailable', 'pending', 'confirmed'),
  })

  test('in random worlds, whatever changes and changes back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.array(change, { maxLength: 6 }), (seed, steps) => {
        const seen = observe(generate(seed))
        const around = deepFrozen(topologyOf(seen))
        const another = topologyOf(observe(generate(seed + 1)))
        const snapshots = [...around.readings, ...another.readings, ...around.others]
        const made = seen.names.flatMap((name) => name.attempts)
        if (made.length === 0 || snapshots.length === 0) return
        const once = judgedOnce()
        for (const step of steps) {
          const item = made[step.attempt % made.length]
          if (item === undefined) continue
          const of = deepFrozen(item.attempt)
          const under: Topology = {
            ...around,
            readings: step.readings.flatMap((n) => snapshots[n % snapshots.length] ?? []),
            others: step.others ? around.others : another.readings,
            trustedEndpoints: step.trusted ? around.trustedEndpoints : [],
            sites: step.sites ? around.sites : another.sites,
            vantage:
              step.vantage === 0
                ? around.vantage
                : step.vantage === 1
                  ? another.vantage
                  : { ...around.vantage, interfaces: [] },
            limits: { routeTablesMaxAgeSeconds: step.limits, otherMaxAgeSeconds: step.limits },
            ...(step.nat64 && { nat64Prefixes: ['2001:db8:64::/96'] }),
          }
          const context: AttemptContext = {
            ...contextOf(seen, item),
            families: step.families,
            timeoutsInARow: step.timeouts,
            othersConnected: step.othersConnected,
            late: step.late === null ? [] : [record(step.late)],
            confirmation: step.confirmation as AttemptContext['confirmation'],
          }
          const { readings, ...parts } = once.judged(of, under, context)
          expect({ ...parts, lacking: readings.map((reading) => reading.lacking) }).toEqual(
            partsOf(of, under, context),
          )
          expect(once.advised(of, under, context)).toEqual(freshly(of, under, context))
          expect(once.advised(of, { ...under }, { ...context })).toEqual(freshly(of, under, context))
        }
      }),
      { numRuns: 150 },
    )
  })

  test('through lives: readings come after the attempt, and records that are added to the same list', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const { moments, vantage, sites, scene } = life(seed)
      const readings: Snapshot[] = []
      const late: Evidence[] = []
      const kept = new Map<string, { of: Attempt; once: ReturnType<typeof judgedOnce> }>()
      for (const moment of moments) {
        const { account, region } = scene.world
        readings.push(decodeSnapshot(moment.reading, { source: 'lab', account, region }))
        for (const address of moment.answered) {
          const of = moment.look(address, true).attempt
          if (!kept.has(address)) kept.set(address, { of, once: judgedOnce() })
        }
        for (const { of, once } of kept.values()) {
          const limits = { routeTablesMaxAgeSeconds: 180, otherMaxAgeSeconds: 900 }
          const around = { vantage, sites, limits, others: [], trustedEndpoints: [], readings }
          const context = { ...noContext, families: moment.families, late }
          expect(once.advised(of, around, context)).toEqual(freshly(of, around, context))
        }
        late.push(record(['internet']))
      }
    }
  })
})

describe('each input counts: another one is judged anew', () => {
  const of = attempt({ address: '10.0.1.60' })
  const site = {
    name: 'berlin',
    firstLeg: null,
    nextHops: [],
    prefixes: ['198.51.100.0/24'],
    snatRelay: true,
  }
  const trace: Trace = {
    address: '52.216.1.1',
    port: 443,
    source: null,
    atMs: now,
    result: { traced: true, hops: [{ ttl: 2, addresses: ['192.0.2.1'] }] },
  } as unknown as Trace
  const six: FamilyObservation = {
    kind: 'family',
    stamp: stamp('six'),
    family: 6,
    usable: false,
    because: 'no address',
  }
  const four: FamilyObservation = { ...six, family: 4 }
  const onPrem = { ...topology().vantage, kind: 'on-prem' as const }
  const fresh = snapshot()
  const old = snapshot({ id: 'old' }, 3600)
  const base: [Attempt, Topology, AttemptContext] = [of, topology([fresh]), noContext]
  const failed = attempt({
    outcome: {
      reached: 'nothing',
      failure: { type: 'timeout', phase: 'tcp' },
    } as unknown as Attempt['outcome'],
  })
  const s3 = attempt()
  const [, around] = base
  const cases: [string, [Attempt, Topology, AttemptContext], [Attempt, Topology, AttemptContext]][] = [
    ['attempt', base, [attempt({ address: '10.0.1.61' }), around, noContext]],
    ['the first reading', base, [of, topology([old]), noContext]],
    ['no reading', base, [of, topology([]), noContext]],
    [
      'a later reading',
      [s3, topology([fresh]), noContext],
      [s3, topology([fresh, withRoutes([viaIgw], { id: 'later' })]), noContext],
    ],
    [
      'the order of readings',
      [s3, topology([fresh, withRoutes([viaNat])]), noContext],
      [s3, topology([withRoutes([viaNat]), fresh]), noContext],
    ],
    ['a part that is lacking', base, [of, topology([lacking(fresh, 'endpoints')]), noContext]],
    ['vantage', base, [of, { ...around, vantage: onPrem }, noContext]],
    [
      'readings of other accounts',
      [attempt({ address: '10.7.0.1' }), around, noContext],
      [
        attempt({ address: '10.7.0.1' }),
        {
          ...around,
          others: [
            snapshot({
              endpoints: [{ ...interfaceEndpoint, networkInterfaceIds: ['eni-x'] }],
              networkInterfaces: [eni('eni-x', ['10.7.0.1'])],
            }),
          ],
        },
        noContext,
      ],
    ],
    [
      'trusted endpoints',
      [attempt({ address: '10.7.0.1' }), around, noContext],
      [
        attempt({ address: '10.7.0.1' }),
        {
          ...around,
          trustedEndpoints: [{ declared: { address: '10.7.0.1' }, via: null, addresses: [], vpcCidrs: [] }],
        },
        noContext,
      ],
    ],
    [
      'sites',
      [s3, { ...around, vantage: onPrem }, noContext],
      [s3, { ...around, vantage: onPrem, sites: [site] }, noContext],
    ],
    [
      'NAT64 prefixes',
      [attempt({ address: '2001:db8:64::34d8:101' }), around, noContext],
      [
        attempt({ address: '2001:db8:64::34d8:101' }),
        { ...around, nat64Prefixes: ['2001:db8:64::/96'] },
        noContext,
      ],
    ],
    [
      'traces',
      [s3, { ...around, vantage: onPrem, sites: [site], traces: [] }, noContext],
      [s3, { ...around, vantage: onPrem, sites: [site], traces: [trace] }, noContext],
    ],
    [
      'the Direct Connect API',
      [s3, { ...around, vantage: onPrem, sites: [site] }, noContext],
      [
        s3,
        { ...around, vantage: onPrem, sites: [site], directConnect: { interfaces: [] } as never },
        noContext,
      ],
    ],
    [
      'limits',
      base,
      [of, { ...around, limits: { routeTablesMaxAgeSeconds: 1, otherMaxAgeSeconds: 1 } }, noContext],
    ],
    ['families', base, [of, around, { ...noContext, families: [four] }]],
    [
      'families of an address that is mapped',
      [attempt({ address: '::ffff:10.0.1.60' }), around, noContext],
      [attempt({ address: '::ffff:10.0.1.60' }), around, { ...noContext, families: [four] }],
    ],
    [
      'time-outs',
      [failed, around, { ...noContext, othersConnected: true }],
      [failed, around, { ...noContext, othersConnected: true, timeoutsInARow: 3 }],
    ],
    [
      'others that connected',
      [failed, around, { ...noContext, timeoutsInARow: 3 }],
      [failed, around, { ...noContext, timeoutsInARow: 3, othersConnected: true }],
    ],
    ['late evidence', base, [of, around, { ...noContext, late: [record(['internet'])] }]],
    ['confirmation', base, [of, around, { ...noContext, confirmation: 'pending' }]],
  ]

  test.each(cases)('%s', (_what, before, after) => {
    // of one and the same attempt, but where that is what changes
    const [first] = before
    const [second, under, context] = after
    const same = JSON.stringify(first) === JSON.stringify(second) ? first : second
    const expected = freshly(same, under, context)
    expect(expected).not.toEqual(freshly(...before))
    const once = judgedOnce()
    once.judged(...before)
    expect(once.judged(same, under, context).verdict).toEqual(judgeWithParts(same, under, context).verdict)
    once.advised(...before)
    expect(once.advised(same, under, context)).toEqual(expected)
    expect(once.advised(...before)).toEqual(freshly(...before))
  })

  test('a list that grows in its place is another one', () => {
    const once = judgedOnce()
    const late: Evidence[] = []
    const readings = [fresh]
    const growing: [Attempt, Topology, AttemptContext] = [s3, { ...around, readings }, { ...noContext, late }]
    once.advised(...growing)
    late.push(record(['internet']))
    expect(once.advised(...growing)).toEqual(freshly(...growing))
    readings.push(withRoutes([viaIgw], { id: 'later' }))
    expect(once.advised(...growing)).toEqual(freshly(...growing))
  })

  test('and what is the same is not: families that are usable again, or not its own, and traces elsewhere', () => {
    const once = judgedOnce()
    const first = once.advised(s3, { ...around, traces: [] }, { ...noContext, families: [six] })
    const usable: FamilyObservation[] = [
      { ...six, stamp: stamp('again') },
      { ...four, usable: true },
    ]
    const elsewhere = { ...around, traces: [{ ...trace, port: 8443 }] }
    expect(once.advised(s3, elsewhere, { ...noContext, families: usable })).toBe(first)
  })
})
