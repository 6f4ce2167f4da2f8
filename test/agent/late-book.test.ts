/** Records that come later, joined to the attempts that wait for them: with the real join, rules and elimination. */
import { describe, expect, it } from 'vitest'
import { createEvidenceAge } from '../../agent/evidence/evidence-age.ts'
import { type LateBook, type LateResult, createLateBook } from '../../agent/evidence/late-book.ts'
import { readFlowFormat } from '../../aws/flow-format.ts'
import { parseFlowLine } from '../../aws/flow-record.ts'
import { fieldsWanted } from '../../aws/flow-fields.ts'
import type { CapturedRecord } from '../../model/capture.ts'
import type { Attempt } from '../../model/observation.ts'
import type { Snapshot } from '../../model/topology.ts'
import { capturePoints } from '../../verdict/flow-points.ts'
import { judgeWithParts } from '../../verdict/judge.ts'
import {
  attempt,
  eni,
  hostMac,
  now,
  snapshot,
  stamp,
  topology,
  viaEndpoint,
  viaIgw,
  viaNat,
  withRoutes,
} from '../verdict/fixture.ts'
import { createHandClock } from './hand-clock.ts'

const formatOf = readFlowFormat(fieldsWanted.map((f) => `\${${f}}`).join(' '))
if (!formatOf.ok) throw new Error(formatOf.problem)
const { format } = formatOf

let serial = 0
/** One record as the log of the host's own interface delivers it. */
function captured(of: Attempt, more: Record<string, string | number> = {}): CapturedRecord {
  const at = Math.floor(of.stamp.wallMs / 1000)
  const values: Record<string, string | number> = {
    version: 11,
    'interface-id': 'eni-host',
    srcaddr: of.localAddress ?? '-',
    dstaddr: of.address,
    'pkt-srcaddr': of.localAddress ?? '-',
    'pkt-dstaddr': of.address,
    srcport: of.localPort ?? 0,
    dstport: 443,
    protocol: 6,
    packets: 9,
    bytes: 4000,
    start: at - 5,
    end: at + 40,
    action: 'ACCEPT',
    'log-status': 'OK',
    'flow-direction': 'egress',
    'traffic-path': 7,
    ...more,
  }
  const read = parseFlowLine(format.fields.map((f) => values[f] ?? '-').join(' '), format)
  if (!read.ok) throw new Error(read.problem)
  return {
    record: read.record,
    flowLogId: 'fl-1',
    interfaceId: 'eni-host',
    aggregationSeconds: 60,
    ingestedMs: null,
    id: `e${++serial}`,
  }
}

const host = eni('eni-host', ['10.0.1.50'], { macAddress: hostMac })
const withPublicAddress = { ...host, ipv4: host.ipv4.map((a) => ({ ...a, publicAddress: '203.0.113.50' })) }

interface Bench {
  book: LateBook
  results: LateResult[]
  clock: ReturnType<typeof createHandClock>
  dial(id: string, atMs?: number, on?: Snapshot, more?: Partial<Attempt>): Attempt
}

function bench(options: { offset?: number | null; maxPending?: number; covered?: boolean } = {}): Bench {
  const clock = createHandClock(1000, now)
  const results: LateResult[] = []
  const book = createLateBook({
    clock,
    coverage: () => (options.covered === false ? null : { aggregationSeconds: 60 }),
    clockOffsetSeconds: () => (options.offset === undefined ? 0 : options.offset),
    evidenceAge: createEvidenceAge(() => clock.monotonicMs()),
    onResult: (result) => results.push(result),
    ...(options.maxPending !== undefined && { maxPending: options.maxPending }),
  })
  const tables = withRoutes([viaEndpoint, viaNat])
  return {
    book,
    results,
    clock,
    dial(id, atMs = now, on = tables, more = {}) {
      const made = attempt({ stamp: stamp(id, atMs), localPort: 40_000 + Number(id.slice(1)), ...more })
      const world = topology([on])
      const judged = judgeWithParts(made, world)
      book.dialled({
        target: 't',
        attempt: made,
        verdict: judged.verdict,
        points: capturePoints(judged, world),
      })
      return made
    },
  }
}

describe('an attempt whose records come', () => {
  it('is private and pending first, and confirmed by a record of the way through the endpoint', () => {
    const { book, results, dial } = bench()
    const made = dial('a1')
    expect(book.wordOn('a1')).toEqual({ evidence: [], confirmation: 'pending' })
    const [verdict] = book.captured({ records: [captured(made)], skipped: [] })
    expect(verdict).toMatchObject({
      id: 'a1',
      state: 'private',
      confirmation: 'confirmed',
      proof: 'observed',
    })
    expect(results).toEqual(['confirmed'])
    const word = book.wordOnName(made.hostname, 443, 1800)
    expect(word.confirmation).toBe('confirmed')
    expect(word.confirmed).toMatchObject([{ rank: 'observed', basis: { target: 'vpce-s3' } }])
    // The same record again, as overlapping readings give it, changes nothing.
    expect(book.captured({ records: [captured(made)], skipped: [] })).toEqual([])
  })

  it('contradicts the tables where the packets went by an internet gateway', () => {
    const { book, results, dial } = bench()
    const made = dial('a1')
    const [verdict] = book.captured({ records: [captured(made, { 'traffic-path': 8 })], skipped: [] })
    expect(verdict?.conflicts).toMatchObject([{ rank: 'configured', of: 'side' }])
    expect(verdict?.state).toBe('public')
    expect(verdict?.confirmation).not.toBe('no_record')
    expect(results).toEqual(['contradicted'])
    expect(book.wordOnName(made.hostname, 443, 1800).confirmed).toEqual([])
  })

  it('is confirmed, and contradicted by nothing, where tables and records both say public', () => {
    const { book, results, dial } = bench()
    const made = dial('a1', now, withRoutes([viaIgw], { networkInterfaces: [withPublicAddress] }))
    expect(book.attempt('a1')?.state).toBe('public')
    const [verdict] = book.captured({ records: [captured(made, { 'traffic-path': 8 })], skipped: [] })
    expect(verdict).toMatchObject({ state: 'public', confirmation: 'confirmed', proof: 'observed' })
    expect(results).toEqual(['confirmed'])
    const word = book.wordOnName(made.hostname, 443, 1800)
    expect(word).toMatchObject({ confirmed: [], confirmation: 'confirmed', lastConfirmedMs: now })
  })

  it('that contradicts takes back what an earlier one confirmed', () => {
    const { book, dial, clock } = bench()
    const first = dial('a1')
    book.captured({ records: [captured(first)], skipped: [] })
    expect(book.wordOnName(first.hostname, 443, 1800).confirmed).toHaveLength(1)
    clock.stepWall(60_000)
    const second = dial('a2', now + 60_000)
    book.captured({ records: [captured(second, { 'traffic-path': 8 })], skipped: [] })
    expect(book.wordOnName(first.hostname, 443, 1800).confirmed).toEqual([])
  })
})

describe('an attempt whose records do not come', () => {
  it('waits twice the aggregation and 15 minutes, and is then without a record', async () => {
    const { book, results, dial, clock } = bench()
    dial('a1')
    await clock.advance((2 * 60 + 15 * 60) * 1000)
    expect(book.expire()).toEqual([])
    expect(book.pending()).toHaveLength(1)
    await clock.advance(1)
    const [verdict] = book.expire()
    expect(verdict).toMatchObject({
      id: 'a1',
      state: 'private',
      confirmation: 'no_record',
      proof: 'configured',
    })
    expect(results).toEqual(['no_record'])
    expect(book.pending()).toEqual([])
  })

  it('is not confirmed by a record that comes after that, but contradicted by one', async () => {
    const { book, results, dial, clock } = bench()
    const late = dial('a1')
    const leaked = dial('a2', now, undefined, { address: '52.216.1.2' })
    await clock.advance(18 * 60 * 1000)
    book.expire()
    expect(book.captured({ records: [captured(late)], skipped: [] })[0]?.confirmation).toBe('no_record')
    const [verdict] = book.captured({ records: [captured(leaked, { 'traffic-path': 8 })], skipped: [] })
    expect(verdict?.state).toBe('public')
    expect(results).toEqual(['no_record', 'no_record', 'contradicted'])
  })

  it('is forgotten after a day', async () => {
    const { book, dial, clock } = bench()
    const made = dial('a1')
    await clock.advance(24 * 3600 * 1000 + 1)
    book.expire()
    expect(book.size()).toEqual({ pending: 0, kept: 0, records: 0 })
    expect(book.captured({ records: [captured(made, { 'traffic-path': 8 })], skipped: [] })).toEqual([])
  })
})

describe('what can not be told apart joins nothing', () => {
  it('a clock that is not known, or off by more than a minute', async () => {
    for (const offset of [null, 61, -1200]) {
      const { book, dial, results, clock } = bench({ offset })
      const made = dial('a1')
      book.captured({ records: [captured(made)], skipped: [] })
      expect(book.wordOn('a1').confirmation).toBe('pending')
      await clock.advance(18 * 60 * 1000)
      book.expire()
      expect(book.wordOn('a1').confirmation).toBe('no_record')
      expect(results).toEqual(['ambiguous'])
    }
  })

  it('a local port that is used again, also for the attempt that had been confirmed', () => {
    const { book, dial } = bench()
    const first = dial('a1')
    book.captured({ records: [captured(first)], skipped: [] })
    dial('a2', now + 100_000, undefined, { localPort: first.localPort })
    book.captured({ records: [captured(first, { start: Math.floor(now / 1000) })], skipped: [] })
    expect(book.wordOn('a1').confirmation).not.toBe('confirmed')
  })

  it('more records than are kept', () => {
    const { book, dial } = bench()
    const made = dial('a1')
    const many = Array.from({ length: 300 }, () => captured(made))
    book.captured({ records: many, skipped: [] })
    expect(book.wordOn('a1').confirmation).toBe('pending')
  })
})

describe('what is waited for', () => {
  it('is one attempt of a name and address in one window', () => {
    const { book, dial } = bench()
    dial('a1', now)
    dial('a2', now + 30_000)
    dial('a3', now, undefined, { address: '52.216.1.9' })
    dial('a4', now + 60_000)
    expect(book.pending().map(({ attempt: { stamp: s } }) => s.id)).toEqual(['a1', 'a3', 'a4'])
    expect(book.wordOn('a2').confirmation).toBe('unavailable')
  })

  it('is bounded, and what finds no room is counted', () => {
    const { book, dial, results } = bench({ maxPending: 1 })
    dial('a1')
    dial('a2', now, undefined, { address: '52.216.1.9' })
    expect(book.size().pending).toBe(1)
    expect(results).toEqual(['overflow'])
  })

  it('is nothing where no flow log shows the interface', () => {
    const { book, dial } = bench({ covered: false })
    dial('a1')
    expect(book.pending()).toEqual([])
    expect(book.wordOn('a1').confirmation).toBe('unavailable')
  })

  it('never is an attempt without a local port: nothing could be joined to it', () => {
    const { book, dial } = bench()
    dial('a1', now, undefined, { localPort: null })
    expect(book.pending()).toEqual([])
  })
})

it('judges again what later readings of the account have widened', () => {
  const { book, dial } = bench()
  const made = dial('a1')
  book.captured({ records: [captured(made)], skipped: [] })
  expect(book.attempt('a1')?.state).toBe('private')
  const wider = judgeWithParts(made, topology([withRoutes([viaEndpoint, viaNat]), withRoutes([viaNat])]))
  book.weighed([wider.verdict])
  // The record goes on to say which way it was; what the tables say is the union of both readings.
  expect(book.attempt('a1')).toMatchObject({ state: 'private', proof: 'observed' })
  expect(snapshot()).toBeDefined()
})
