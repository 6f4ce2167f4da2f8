/** What holds whatever a flow log delivers. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CapturedRecord } from '../../model/capture.ts'
import type { Evidence } from '../../model/evidence.ts'
import type { Attempt } from '../../model/observation.ts'
import { type PathClass, pathClasses, sideOf } from '../../model/path.ts'
import type { Topology } from '../../model/topology.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { confirmationOf } from '../../verdict/confirm.ts'
import { type JoinedRecords, joinRecords } from '../../verdict/flow-join.ts'
import { capturePoints } from '../../verdict/flow-points.ts'
import { judgeAttempt, judgeWithParts, noContext, withLate } from '../../verdict/judge.ts'
import { flowEvidence, possibleOfRecord } from '../../verdict/rules/flow.ts'
import {
  attempt,
  cidrRoute,
  eni,
  hostMac,
  kernelRoute,
  lacking,
  natTable,
  now,
  snapshot,
  target,
  topology,
  verified,
  viaEndpoint,
  viaIgw,
  viaNat,
  withRoutes,
} from './fixture.ts'
import {
  at,
  atEndpoint,
  captured,
  context,
  egress,
  ingress,
  inner,
  outer,
  toEndpoint,
} from './flow-fixture.ts'

const numRuns = fc.readConfigureGlobal().numRuns ?? 500

const publicHost = [
  {
    ...eni('eni-host', ['10.0.1.50'], { macAddress: hostMac }),
    ipv4: [{ address: '10.0.1.50', primary: true, publicAddress: '198.51.100.50' }],
  },
  eni('eni-ssm', ['10.0.1.60']),
]
const anyTopology = fc.constantFrom<Topology[]>(
  topology([withRoutes([viaEndpoint])]),
  topology([withRoutes([viaEndpoint, viaNat], {}, [natTable([viaIgw])])]),
  topology([withRoutes([viaNat], {}, [natTable([viaIgw])])]),
  topology([withRoutes([viaNat], {}, [natTable([viaEndpoint, viaIgw])])]),
  topology([withRoutes([viaIgw], { networkInterfaces: publicHost })]),
  topology([withRoutes([cidrRoute('0.0.0.0/0', target('transit_gateway', 'tgw-1'))])]),
  topology([withRoutes([cidrRoute('0.0.0.0/0', target('network_interface', 'eni-x'))])]),
  topology([lacking(snapshot(), 'routeTables')]),
  topology([lacking(snapshot(), 'endpoints')]),
  topology([]),
)
const anyAttempt = fc
  .record({
    address: fc.constantFrom('52.216.1.1', '52.216.1.1', '10.0.1.60', '54.240.1.1'),
    outcome: fc.constantFrom<Attempt['outcome'][]>(verified, verified, verified, {
      reached: 'nothing',
      failure: { type: 'timeout', afterSeconds: 5 },
    }),
    deviceKind: fc.constantFrom('physical' as const, 'physical' as const, 'veth' as const),
  })
  .map(({ address, outcome, deviceKind }) =>
    attempt({ address, outcome, host: { ...kernelRoute, deviceKind } }),
  )

type Fields = Record<string, string | number | null>

/** Mostly of the attempt's own connection, with anything that a record may say of its way. */
const anyRecord: fc.Arbitrary<CapturedRecord> = fc
  .record({
    base: fc.constantFrom<Fields[]>(egress, egress, egress, ingress, inner, outer, toEndpoint, atEndpoint),
    path: fc.constantFrom(null, 1, 2, 3, 4, 5, 6, 7, 7, 8, 8, 9),
    hop: fc.constantFrom<Fields[]>(
      {},
      {},
      { 'next-hop-interface-type': 'nat_gateway' },
      { 'next-hop-interface-type': 'transit-gateway' },
      { 'next-hop-interface-type': 'vpc_endpoint', 'next-hop-interface-id': 'eni-ssm' },
      { 'next-hop-interface-type': 'vpc_endpoint', 'next-hop-interface-id': 'eni-gwlbe' },
    ),
    odd: fc.constantFrom<Fields[]>(
      {},
      {},
      {},
      { action: 'REJECT' },
      { 'flow-direction': null },
      { srcport: 40001 },
      { 'pkt-srcaddr': null, 'pkt-dstaddr': null },
      { start: at - 4000, end: at - 3990 },
      { 'log-status': 'SKIPDATA' },
    ),
    gone: fc.subarray(['traffic-path', 'action', 'flow-direction', 'pkt-srcaddr'], { maxLength: 1 }),
    flowLogId: fc.constantFrom('fl-1', 'fl-1', 'fl-2', null),
  })
  .map(({ base, path, hop, odd, gone, flowLogId }) => {
    const fields = { ...base, 'traffic-path': path, ...hop, ...odd }
    const kept = Object.entries(fields).filter(([name]) => !(gone as string[]).includes(name))
    return captured(Object.fromEntries(kept), { flowLogId })
  })
/** Both sides of a NAT gateway, which alone mean nothing. */
const throughNat = fc
  .constantFrom(2, 7, 8, 8, null)
  .map((path) => [captured(inner), captured({ ...outer, 'traffic-path': path })])
const records = fc
  .array(
    fc.oneof({ weight: 5, arbitrary: anyRecord.map((r) => [r]) }, { weight: 2, arbitrary: throughNat }),
    { maxLength: 4 },
  )
  .map((each) => each.flat())

interface Scene {
  attempt: Attempt
  topology: Topology
}

const scene = fc.record({ attempt: anyAttempt, topology: anyTopology })

function joinedOf({ attempt: a, topology: t }: Scene, of: readonly CapturedRecord[]): JoinedRecords {
  return joinRecords(a, capturePoints(judgeWithParts(a, t), t), { records: [...of], skipped: [] }, context)
}

function evidenceOf(s: Scene, of: readonly CapturedRecord[]): Evidence[] {
  const points = capturePoints(judgeWithParts(s.attempt, s.topology), s.topology)
  return flowEvidence(s.attempt, points, joinedOf(s, of))
}

function judged(s: Scene, of: readonly CapturedRecord[]): AttemptVerdict {
  return judgeAttempt(s.attempt, s.topology, { ...noContext, late: evidenceOf(s, of) })
}

const left = (evidence: readonly Evidence[]): PathClass[] =>
  pathClasses.filter((c) => evidence.every((e) => e.possible.includes(c)))
const onSide = (classes: readonly PathClass[], side: string) =>
  classes.length > 0 && classes.every((c) => sideOf[c] === side)

describe('the generator', () => {
  it('joins often, at every place, and meets every row', () => {
    const seen = new Map<string, number>()
    for (const [s, of] of fc.sample(fc.tuple(scene, records), { numRuns: 2000, seed: 3 })) {
      const joined = joinedOf(s, of)
      const verdict = judged(s, of)
      const rules = verdict.evidence.filter((e) => e.rule.startsWith('flow.')).map((e) => e.rule)
      const conflict = verdict.conflicts.length > 0 ? ['conflict'] : []
      for (const what of [...new Set(joined.joined.map((j) => j.role)), ...rules, ...conflict])
        seen.set(what, (seen.get(what) ?? 0) + 1)
    }
    const seldom = [
      'client',
      'nat',
      'endpoint',
      'conflict',
      'flow.several',
      'flow.rejected',
      'flow.nat_gateway',
    ]
    expect(seldom.filter((what) => (seen.get(what) ?? 0) < 5)).toEqual([])
  })
})

describe('late evidence', () => {
  it('judged at once or afterwards, in one go or in several, is the same', () => {
    fc.assert(
      fc.property(scene, records, records, (s, first, second) => {
        const late = evidenceOf(s, [...first, ...second])
        const atOnce = judgeAttempt(s.attempt, s.topology, { ...noContext, late, confirmation: 'pending' })
        const before = judgeAttempt(s.attempt, s.topology)
        expect(withLate(before, late, 'pending')).toEqual(atOnce)
        const between = withLate(before, evidenceOf(s, first), 'pending')
        expect(withLate(between, late, 'pending')).toEqual(atOnce)
        const stored = JSON.parse(JSON.stringify(between)) as AttemptVerdict
        expect(withLate(stored, late, 'pending')).toEqual(JSON.parse(JSON.stringify(atOnce)))
      }),
      { numRuns },
    )
  })
})

describe('records', () => {
  it('say the same in any order and however often they were delivered', () => {
    const essence = (evidence: Evidence[]) => evidence.map((e) => `${e.rule} ${e.possible.join()}`).sort()
    fc.assert(
      fc.property(scene, records, (s, of) => {
        const again = [...of.toReversed(), ...of.map((r) => ({ ...r, id: `${r.id} again` }))]
        expect(essence(evidenceOf(s, again))).toEqual(essence(evidenceOf(s, of)))
      }),
      { numRuns },
    )
  })

  it('make nothing private by one more of them, unless that one alone says so', () => {
    fc.assert(
      fc.property(scene, records, anyRecord, (s, of, more) => {
        const before = judged(s, of)
        const after = judged(s, [...of, more])
        if (before.state === 'private' || after.state !== 'private') return
        const settles = evidenceOf(s, [...of, more]).some((e) => onSide(e.possible, 'private'))
        expect(settles, JSON.stringify([of, more])).toBe(true)
        expect(before.conflicts, JSON.stringify([of, more])).toEqual([])
      }),
      { numRuns },
    )
  })

  it('make nothing private because they come to be in doubt: a port used again, lost records', () => {
    const gap = { interfaceId: 'eni-host', startSeconds: at, endSeconds: at + 60 }
    fc.assert(
      fc.property(scene, records, fc.boolean(), (s, of, reuse) => {
        const before = judged(s, of)
        const points = capturePoints(judgeWithParts(s.attempt, s.topology), s.topology)
        const given = { records: of, skipped: reuse ? [] : [gap] }
        const joined = joinRecords(s.attempt, points, given, { ...context, reuse })
        const late = flowEvidence(s.attempt, points, joined)
        const after = judgeAttempt(s.attempt, s.topology, { ...noContext, late })
        if (after.state === 'private') expect(before.state, JSON.stringify(of)).toBe('private')
      }),
      { numRuns },
    )
  })

  it('of which one leaves no private class end in no private verdict', () => {
    fc.assert(
      fc.property(scene, records, (s, of) => {
        const against = of.some((r) => {
          const alone = evidenceOf(s, [r])
          return alone.length > 0 && !left(alone).some((c) => sideOf[c] === 'private')
        })
        if (against) expect(judged(s, of).state).not.toBe('private')
      }),
      { numRuns },
    )
  })

  it('confirm only what the joined ones alone leave on the side of the verdict', () => {
    fc.assert(
      fc.property(scene, records, (s, of) => {
        const verdict = judged(s, of)
        if (confirmationOf(verdict, { over: false, available: true }) !== 'confirmed') return
        const alone = left(evidenceOf(s, of))
        const other = verdict.state === 'private' ? 'public' : 'private'
        expect(alone.length).toBeGreaterThan(0)
        expect(alone.some((c) => sideOf[c] === other)).toBe(false)
        expect(['private', 'public', 'blocked']).toContain(verdict.state)
      }),
      { numRuns },
    )
  })

  it('of any nonsense never throw, and show nothing of their text', () => {
    const anyValue = fc.oneof(
      fc.constantFrom(null, '-', 'ACCEPT', 'egress', 'eni-host', '10.0.1.50', '52.216.1.1', 7, 443, 40000, 6),
      fc.string(),
      fc.double(),
      fc.integer(),
      fc.constant('\u001b[2Jsecret'),
    )
    const anyFields = fc.oneof(
      fc.dictionary(fc.constantFrom(...Object.keys(egress)), anyValue),
      fc.dictionary(fc.string(), anyValue),
      fc.dictionary(fc.constantFrom(...Object.keys(egress)), anyValue).map((f) => ({ ...egress, ...f })),
    )
    const anyGap = fc.record({
      interfaceId: fc.constantFrom(null, 'eni-host'),
      startSeconds: fc.double(),
      endSeconds: fc.double(),
    })
    fc.assert(
      fc.property(
        scene,
        fc.array(anyFields, { maxLength: 5 }),
        fc.array(anyGap, { maxLength: 2 }),
        (s, of, gaps) => {
          const points = capturePoints(judgeWithParts(s.attempt, s.topology), s.topology)
          const given = { records: of.map((fields) => captured(fields)), skipped: gaps }
          const late = flowEvidence(s.attempt, points, joinRecords(s.attempt, points, given, context))
          for (const e of late) {
            expect(e.because).not.toContain('secret')
            expect(Number.isSafeInteger(e.observedAtMs)).toBe(true)
          }
          for (const fields of of) expect(possibleOfRecord({ fields }).because).not.toContain('secret')
        },
      ),
      { numRuns },
    )
  })
})

it('the fixture is of the moment of the attempt', () => {
  expect(at * 1000).toBe(now)
})
