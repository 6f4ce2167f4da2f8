import fc from 'fast-check'
import { expect, test } from 'vitest'
import { covered, commonSpans, mergeSpans, subtractSpans } from '../../agent/evidence/census-spans.ts'
import { type CensusCounted, createCensus } from '../../agent/evidence/census.ts'
import type { FlowCensusRow } from '../../model/flow.ts'
import { eni, nowMs } from '../support/flow-lines.ts'

const minute = 60_000
const hour = 60 * minute
const row = (more: Partial<FlowCensusRow> = {}): FlowCensusRow => ({
  direction: 'egress',
  service: 'S3',
  trafficPath: 7,
  nextHopType: null,
  action: 'ACCEPT',
  public: null,
  flows: 1,
  packets: 10,
  bytes: 100,
  ...more,
})
const counted = (rows: FlowCensusRow[], more: Partial<CensusCounted['census']> = {}): CensusCounted => ({
  scope: 'client',
  interfaces: [eni],
  census: {
    rows,
    otherFlows: 0,
    otherBytes: 0,
    sinceMs: nowMs - hour,
    untilMs: nowMs,
    complete: true,
    ...more,
  },
  skipped: [],
})

test('says how many flows went to a service, and that none went out', () => {
  const census = createCensus()
  census.add(counted([row({ flows: 12_000 }), row({ flows: 344, nextHopType: 'x' })]), nowMs)
  census.add(counted([row(), row({ direction: 'ingress', flows: 99 })]), nowMs)
  const { sentences, rows, other, findings } = census.document(nowMs, [eni], ['S3'])
  expect(sentences).toContain('of 12,345 flows to S3 in 24 h, none by the internet gateway')
  expect(sentences).toContain('no accepted flow to a public address that is not known as AWS was recorded')
  expect(rows[0]).toEqual({
    scope: 'client',
    direction: 'egress',
    service: 'S3',
    trafficPath: 7,
    nextHopType: null,
    action: 'ACCEPT',
    public: null,
    flows: 12_001,
    bytes: 200,
  })
  expect(other).toEqual({ flows: 0, bytes: 0 })
  expect(findings).toEqual([])
})

test('what the records do not say is said, not guessed', () => {
  const census = createCensus()
  census.add(counted([row({ trafficPath: null }), row({ trafficPath: 2 })], { otherFlows: 5 }), nowMs)
  expect(census.document(nowMs, [eni], []).sentences[0]).toBe(
    'of 2 flows to S3 in 24 h, none by the internet gateway, 1 by it or by a gateway endpoint, of 1 the records do not say the way, 5 more could not be told apart',
  )
})

test('accepted flows by the internet gateway to what must be private are a finding, also out of a NAT gateway', () => {
  const census = createCensus()
  census.add(
    counted([row({ trafficPath: 8, flows: 3 }), row({ trafficPath: 8, action: 'REJECT', flows: 9 })]),
    nowMs,
  )
  census.add({ ...counted([row({ trafficPath: 8, flows: 2 })]), scope: 'nat', interfaces: ['eni-2'] }, nowMs)
  const document = census.document(nowMs, [eni], ['S3', 'DYNAMODB'])
  expect(document.findings.map(({ scope, service, flows }) => [scope, service, flows])).toEqual([
    ['client', 'S3', 3],
    ['nat', 'S3', 2],
  ])
  expect(document.findings[0]?.text).toBe(
    '3 flows from this host to S3 in 24 h went by the internet gateway, though a target requires S3 to be private',
  )
  expect(census.document(nowMs, [eni], []).findings).toEqual([])
})

test('flows to public addresses that are not known as AWS are told apart', () => {
  const census = createCensus()
  const foreign = { service: null, public: true, trafficPath: 8 }
  census.add(
    counted([
      row({ ...foreign, flows: 4 }),
      row({ ...foreign, public: false }),
      row({ ...foreign, action: 'REJECT' }),
    ]),
    nowMs,
  )
  expect(census.document(nowMs, [eni], []).sentences).toContain(
    '4 flows (100 bytes) went to public addresses that are not known as AWS',
  )
})

test('covered is only time in which every interface was counted whole, less what was lost', () => {
  const census = createCensus()
  const minutes = (interfaces: string[]) => census.document(nowMs, interfaces, []).coveredSeconds / 60
  census.add(counted([]), nowMs)
  expect(minutes([eni])).toBe(60)
  expect(minutes([eni, 'eni-2'])).toBe(0)
  expect(minutes([])).toBe(0)
  census.add({ ...counted([], { sinceMs: nowMs - 30 * minute }), interfaces: ['eni-2'] }, nowMs)
  expect(minutes([eni, 'eni-2'])).toBe(30)
  // not whole: none of that time, though another reading has it whole
  census.add(counted([], { sinceMs: nowMs - 10 * minute, complete: false }), nowMs)
  expect(minutes([eni])).toBe(50)
  const lost = { interfaceId: eni, startSeconds: nowMs / 1000 - 1800, endSeconds: nowMs / 1000 - 1741 }
  census.add({ ...counted([]), skipped: [lost, { ...lost, interfaceId: 'eni-3', startSeconds: 0 }] }, nowMs)
  expect(minutes([eni])).toBe(49)
  expect(census.document(nowMs, [eni], []).sentences.at(-1)).toBe(
    'all records that were delivered in 0 h 49 min of the last 24 h have been counted; what was not recorded may have gone any way',
  )
})

test('forgets after a day, and stays bounded whatever the rows are', () => {
  const census = createCensus()
  census.add(counted([row()]), nowMs)
  expect(census.document(nowMs + 26 * hour, [eni], [])).toMatchObject({ rows: [], coveredSeconds: 0 })
  for (let at = 0; at < 30 * hour; at += hour / 2) {
    const rows = Array.from({ length: 600 }, (_, i) => row({ service: `S${at}-${i}` }))
    census.add(counted(rows, { sinceMs: nowMs + at - hour / 2, untilMs: nowMs + at }), nowMs + at)
  }
  const document = census.document(nowMs + 30 * hour, [eni], [])
  expect(document.rows.length).toBeLessThanOrEqual(1024)
  const flows = document.rows.reduce((sum, one) => sum + one.flows, document.other.flows)
  expect(flows).toBeGreaterThanOrEqual(48 * 600)
  expect(document.sentences.length).toBeLessThanOrEqual(40)
})

test('foreign words of a record are made safe', () => {
  const census = createCensus()
  census.add(counted([row({ service: 'S3\u001b[31m<script>'.padEnd(300, 'x') })]), nowMs)
  const text = JSON.stringify(census.document(nowMs, [eni], []))
  expect(text).not.toContain('\\u001b')
  expect(text).not.toContain('x'.repeat(100))
})

test('spans of time are as sets of minutes are', () => {
  const span = fc.tuple(fc.nat(60), fc.nat(60)).map(([fromMs, toMs]) => ({ fromMs, toMs }))
  const spans = fc.array(span, { maxLength: 8 })
  const setOf = (list: readonly { fromMs: number; toMs: number }[]): Set<number> => {
    const set = new Set<number>()
    for (const { fromMs, toMs } of list) for (let at = fromMs; at < toMs; at++) set.add(at)
    return set
  }
  const listed = (set: Iterable<number>): number[] => [...set].toSorted((x, y) => x - y)
  const within = { fromMs: 10, toMs: 50 }
  fc.assert(
    fc.property(spans, spans, fc.integer({ min: 1, max: 4 }), (a, b, most) => {
      const [as, bs] = [setOf(a), setOf(b)]
      expect(listed(setOf(mergeSpans(a, 99, 'drop')))).toEqual(listed(as))
      expect(listed(setOf(mergeSpans(a, 99, 'join')))).toEqual(listed(as))
      expect(listed(setOf(mergeSpans(a, most, 'drop'))).every((at) => as.has(at))).toBe(true)
      const joined = setOf(mergeSpans(a, most, 'join'))
      expect(listed(as).every((at) => joined.has(at))).toBe(true)
      expect(listed(setOf(subtractSpans(a, b)))).toEqual(listed(as).filter((at) => !bs.has(at)))
      const both = listed(as).filter((at) => bs.has(at) && at >= within.fromMs && at < within.toMs)
      expect(covered(commonSpans([a, b], within), within)).toBe(both.length)
    }),
  )
})
