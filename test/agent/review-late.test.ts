/** Orders of events in which late evidence might leave, or bring back, a "private" that nothing bears out: each test is one. */
import { describe, expect, it } from 'vitest'
import { createConfirmedWays } from '../../agent/evidence/confirmed-ways.ts'
import { createEvidenceAge } from '../../agent/evidence/evidence-age.ts'
import { createHoldWindow } from '../../agent/watch/hold.ts'
import { noLateWatch } from '../../agent/evidence/late-watch.ts'
import { watchName } from '../../agent/watch/name-watch.ts'
import type { WatchDeps } from '../../agent/watch/watch-deps.ts'
import type { Target } from '../../model/target.ts'
import { createFleet } from '../../agent/watch/fleet.ts'
import { createFlowRounds } from '../../agent/evidence/flow-rounds.ts'
import { createLateBook } from '../../agent/evidence/late-book.ts'
import { createLives } from '../../agent/watch/lives.ts'
import { createPortUse } from '../../agent/evidence/port-use.ts'
import { type Taint, createTaintBook } from '../../agent/evidence/taint.ts'
import { createCensus } from '../../agent/evidence/census.ts'
import type { RecordsRequest } from '../../agent/evidence/records-request.ts'
import { recordsSchema } from '../../agent/evidence/records-request.ts'
import { fieldsWanted } from '../../aws/flow-fields.ts'
import { readFlowFormat } from '../../aws/flow-format.ts'
import { emptyResult } from '../../aws/flow-query.ts'
import { parseFlowLine } from '../../aws/flow-record.ts'
import { catalogue } from '../../exporters/catalogue.ts'
import { createFlowlogMetrics } from '../../exporters/flowlog-metrics.ts'
import { createSeriesSet } from '../../exporters/prometheus.ts'
import type { CapturedRecord } from '../../model/capture.ts'
import type { Basis, Evidence } from '../../model/evidence.ts'
import type { Attempt } from '../../model/observation.ts'
import type { PathClass } from '../../model/path.ts'
import { capturePoints } from '../../verdict/flow-points.ts'
import { judgeAttempt, judgeWithParts, noContext } from '../../verdict/judge.ts'
import { judgeName } from '../../verdict/name.ts'
import {
  answer,
  attempt,
  dns,
  now,
  stamp,
  topology,
  viaEndpoint,
  viaNat,
  withRoutes,
} from '../verdict/fixture.ts'
import { createHandClock } from './hand-clock.ts'
import { attemptVerdict } from './verdicts.ts'

const formatOf = readFlowFormat(fieldsWanted.map((f) => `\${${f}}`).join(' '))
if (!formatOf.ok) throw new Error(formatOf.problem)
const { format } = formatOf
const name = 'b.s3.us-east-1.amazonaws.com'
const gateway: Basis = { networkInterface: 'eni-1', routeTable: 'rtb-1', route: 'pl-1', target: 'vpce-1' }

let serial = 0
/** A record of the host's own interface; `atMs`: AWS's time. */
function captured(of: Attempt, path: number, atMs = of.stamp.wallMs): CapturedRecord {
  const at = Math.floor(atMs / 1000)
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
    start: at - 5,
    end: at + 40,
    action: 'ACCEPT',
    'log-status': 'OK',
    'flow-direction': 'egress',
    'traffic-path': path,
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

/** A book on a clock moved by hand; `routes: false`: the tables could not be read, so records alone decide. */
function bench({ offset = 0 as number | null, routes = true } = {}) {
  const clock = createHandClock(0, now)
  const at = { offset }
  const evidenceAge = createEvidenceAge(() => clock.monotonicMs())
  const book = createLateBook({
    clock,
    coverage: () => ({ aggregationSeconds: 60 }),
    clockOffsetSeconds: () => at.offset,
    evidenceAge,
    onResult: () => undefined,
  })
  const read = withRoutes([viaEndpoint, viaNat])
  const denied = { read: false as const, reason: 'denied' as const, detail: 'denied' }
  const on = routes ? read : { ...read, routeTables: [], parts: { ...read.parts, routeTables: denied } }
  const world = topology([on as typeof read])
  const judge = (made: Attempt) => {
    const { evidence, confirmation } = book.wordOn(made.stamp.id)
    return judgeAttempt(made, world, { ...noContext, late: evidence, confirmation })
  }
  const dial = (id: string, more: Partial<Attempt> = {}): Attempt => {
    const made = attempt({
      localPort: 40_000 + Number(id.slice(1)),
      ...more,
      stamp: { ...stamp(id, clock.wallMs()), monotonicMs: clock.monotonicMs() },
    })
    const judged = judgeWithParts(made, world)
    book.dialled({
      target: 't',
      attempt: made,
      verdict: judged.verdict,
      points: capturePoints(judged, world),
    })
    return made
  }
  const ways = () => book.wordOnName(name, 443, 1800).confirmed
  return { book, clock, at, dial, judge, ways }
}

describe('what confirmed an attempt', () => {
  it('is no way any more once another connection by the same ports comes to light', () => {
    const { book, dial, ways } = bench()
    const made = dial('a1')
    book.captured({ records: [captured(made, 7)], skipped: [] })
    expect(ways()).toHaveLength(1)
    dial('a2', { localPort: made.localPort, address: made.address })
    book.captured({ records: [captured(made, 7)], skipped: [] })
    expect(book.wordOn('a1').confirmation).not.toBe('confirmed')
    expect(ways()).toEqual([])
  })

  it('does not stand in for later attempts once it has been taken back', () => {
    const { book, dial, judge } = bench({ routes: false })
    const made = dial('a1')
    book.captured({ records: [captured(made, 7)], skipped: [] })
    const later = () => judge({ ...attempt(), stamp: stamp('a9', now) })
    const key = { hostname: name, port: 443 }
    expect(judge(made)).toMatchObject({ state: 'private', proof: 'observed' })
    expect(book.aged(key, [later()], 3600).attempts[0]?.id).toBe('a1')
    dial('a2', { localPort: made.localPort })
    book.captured({ records: [captured(made, 7)], skipped: [] })
    expect(judge(made).state).not.toBe('private')
    expect(book.aged(key, [later()], 3600).attempts[0]?.id).toBe('a9')
  })

  it('is nothing where its record comes later than that of a younger attempt that contradicts', async () => {
    const { book, clock, dial, ways } = bench()
    const first = dial('a1')
    await clock.advance(60_000)
    const second = dial('a2', { address: '52.216.1.2' })
    book.captured({ records: [captured(second, 8)], skipped: [] })
    book.captured({ records: [captured(first, 7)], skipped: [] })
    expect(ways()).toEqual([])
    await clock.advance(60_000)
    const third = dial('a3')
    book.captured({ records: [captured(third, 7)], skipped: [] })
    expect(ways()).toHaveLength(1)
  })

  it('does not stand in for later attempts either where a younger one was public', async () => {
    const { book, clock, dial, judge } = bench({ routes: false })
    const first = dial('a1')
    await clock.advance(60_000)
    const second = dial('a2')
    const key = { hostname: name, port: 443 }
    book.captured({ records: [captured(second, 8)], skipped: [] })
    expect(judge(second).state).toBe('public')
    book.captured({ records: [captured(first, 7)], skipped: [] })
    const later = judge({ ...attempt(), stamp: stamp('a9', now) })
    expect(book.aged(key, [later], 3600).attempts[0]?.id).toBe('a9')
  })
})

describe('ways that records confirmed', () => {
  it('are no longer so for any name once one connection on them contradicted', () => {
    const ways = createConfirmedWays(() => 10)
    ways.confirmed('a:443', [gateway], 'observed')
    ways.contradicted('b:443', [gateway])
    expect(ways.of('a:443', 1800)).toEqual([])
  })

  it('stay so for others where what contradicts has no way of its own', () => {
    const ways = createConfirmedWays(() => 10)
    ways.confirmed('a:443', [gateway], 'observed')
    ways.contradicted('b:443', [])
    expect(ways.of('a:443', 1800)).toHaveLength(1)
  })

  it('are withdrawn for one name alone', () => {
    const ways = createConfirmedWays(() => 10)
    ways.confirmed('a:443', [gateway], 'observed')
    ways.confirmed('b:443', [gateway], 'observed')
    ways.withdrawn('a:443', [gateway])
    expect([ways.of('a:443', 1800), ways.of('b:443', 1800)].map((of) => of.length)).toEqual([0, 1])
  })

  it('forget no contradiction for want of room', () => {
    const ways = createConfirmedWays(() => 100)
    for (let n = 0; n < 5000; n++) ways.contradicted('a:443', [{ ...gateway, target: `vpce-${n}` }], 50)
    ways.confirmed('b:443', [{ ...gateway, target: 'vpce-0' }], 'observed', 50)
    expect(ways.of('b:443', 1800)).toEqual([])
    ways.confirmed('b:443', [{ ...gateway, target: 'vpce-0' }], 'observed', 51)
    expect(ways.of('b:443', 1800)).toHaveLength(1)
  })
})

describe('evidence that lives on', () => {
  const strong = attemptVerdict({ id: 'strong', proof: 'observed', confirmation: 'confirmed' })
  const weak = attemptVerdict({
    id: 'weak',
    state: 'undetermined',
    wouldBe: 'undetermined',
    proof: null,
    possible: ['gateway_endpoint', 'nat_gateway', 'relay'],
  })
  const idAfterOf = (age: ReturnType<typeof createEvidenceAge>) =>
    age.apply('n', [weak], { sinceMs: 1000, evidenceAgeSeconds: 60 }).attempts[0]?.id
  const idAfter = (next: typeof weak) => {
    const age = createEvidenceAge(() => 1000)
    age.hold('n', strong, 0)
    return age.apply('n', [next], { sinceMs: 1000, evidenceAgeSeconds: 60 }).attempts[0]?.id
  }

  it('never covers up the same attempt as it is judged now', () => {
    expect(idAfter(weak)).toBe('strong')
    const age = createEvidenceAge(() => 1000)
    age.hold('n', strong, 0)
    const again = { ...weak, id: 'strong' }
    const { attempts } = age.apply('n', [again], { sinceMs: 1000, evidenceAgeSeconds: 60 })
    expect(attempts).toEqual([again])
  })

  it('does not stand in for a connection that does not come about any more', () => {
    expect(idAfter({ ...weak, connected: false })).toBe('weak')
    expect(idAfter({ ...weak, connected: false, dialled: false })).toBe('strong')
  })

  it('does not stand in for an address that would be dialled by another interface', () => {
    const look = { ...weak, connected: false, dialled: false, localAddress: null }
    expect(idAfter(look)).toBe('strong')
    expect(idAfter({ ...look, networkInterface: 'eni-2' })).toBe('weak')
  })

  it('is what the attempt is judged as now, where a later reading has widened that', () => {
    const age = createEvidenceAge(() => 1000)
    const cycle = { sinceMs: 1000, evidenceAgeSeconds: 60 }
    age.hold('n', strong, 0)
    const possible: PathClass[] = ['gateway_endpoint', 'nat_gateway_endpoint']
    age.apply('n', [{ ...strong, possible }], cycle)
    const later = { ...weak, possible: [...possible, 'nat_gateway' as const, 'relay' as const] }
    expect(age.apply('n', [later], cycle).attempts[0]?.possible).toEqual(possible)
  })

  it('does not outlive the word of AWS that another request came by no endpoint', () => {
    const age = createEvidenceAge(() => 1000)
    age.hold('n', strong, 0)
    const none = {
      ...weak,
      address: '9.9.9.9',
      possible: ['nat_gateway', 'internet', 'relay'] as PathClass[],
    }
    age.apply('n', [none, weak], { sinceMs: 1000, evidenceAgeSeconds: 60 })
    expect(idAfterOf(age)).toBe('weak')
  })

  it('is not held anew from an attempt that was made before something spoke against it', () => {
    let nowMs = 1000
    const age = createEvidenceAge(() => nowMs)
    age.forget('n')
    nowMs = 2000
    const old = { ...strong, madeMonotonicMs: 500 }
    age.apply('n', [old], { sinceMs: nowMs, evidenceAgeSeconds: 60 })
    expect(age.apply('n', [weak], { sinceMs: nowMs, evidenceAgeSeconds: 60 }).attempts[0]?.id).toBe('weak')
    age.apply('n', [{ ...old, madeMonotonicMs: 1500 }], { sinceMs: nowMs, evidenceAgeSeconds: 60 })
    expect(age.apply('n', [weak], { sinceMs: nowMs, evidenceAgeSeconds: 60 }).attempts[0]?.id).toBe('strong')
  })
})

describe('a wall clock that is set', () => {
  it('after an attempt does not make its time comparable with that of records', async () => {
    // Twenty minutes slow at the attempt, and then set right before AWS's clock was first seen.
    const { book, clock, at, dial } = bench({ offset: null })
    const made = dial('a1')
    await clock.advance(60_000)
    clock.stepWall(20 * 60_000)
    at.offset = 0
    book.captured({ records: [captured(made, 7)], skipped: [] })
    expect(book.wordOn('a1').confirmation).toBe('pending')
  })

  it('that was right all the time joins as soon as AWS has shown its own', async () => {
    const { book, clock, at, dial } = bench({ offset: null })
    const made = dial('a1')
    await clock.advance(60_000)
    at.offset = 0
    book.captured({ records: [captured(made, 7)], skipped: [] })
    expect(book.wordOn('a1').confirmation).toBe('confirmed')
  })

  it('does not bring two connections by the same ports apart', () => {
    const ports = createPortUse()
    const first = attempt({ stamp: { ...stamp('a1', now), monotonicMs: 0 } })
    const second = attempt({ stamp: { ...stamp('a2', now + 1_200_000), monotonicMs: 60_000 } })
    ports.used(first)
    ports.used(second)
    expect(ports.reused(second, 60)).toBe(true)
  })

  it('back does not let an earlier attempt lift what a later one showed', () => {
    const taint = createTaintBook()
    const earlier = verdictOf('a1', 'gateway_endpoint', now + 300_000, 0)
    const later = verdictOf('a2', 'internet_gateway', now + 60_000, 60_000)
    expect(taint.judged(later)).toBe(true)
    expect(taint.judged(earlier)).toBe(false)
    expect(taint.bases()).toHaveLength(1)
    expect(taint.judged(verdictOf('a3', 'gateway_endpoint', now + 120_000, 120_000))).toBe(true)
    expect(taint.bases()).toEqual([])
  })
})

function record(...possible: PathClass[]): Evidence {
  return {
    rule: 'flow.gateway_endpoint',
    possible,
    rank: 'observed',
    because: `a flow record leaves ${possible.join()}`,
    source: 'flow log',
    observedAtMs: now,
    flags: [],
    assumptions: [],
  }
}

function verdictOf(id: string, path: PathClass, wallMs: number, monotonicMs: number) {
  const made = attempt({ stamp: { ...stamp(id, wallMs), monotonicMs } })
  const confirmation = path === 'gateway_endpoint' ? ('confirmed' as const) : ('pending' as const)
  const limits = { routeTablesMaxAgeSeconds: 900, otherMaxAgeSeconds: 900 }
  return judgeAttempt(made, { ...topology(), limits }, { ...noContext, late: [record(path)], confirmation })
}

describe('records that contradict each other where no route was read', () => {
  const unread = topology([])
  const made = (id: string, atMs: number, address = '52.216.1.1') =>
    attempt({ address, stamp: { ...stamp(id, atMs), monotonicMs: atMs - now } })
  const judged = (of: Attempt, late: Evidence[], confirmation: 'pending' | 'confirmed' = 'pending') =>
    judgeAttempt(of, unread, { ...noContext, late, confirmation })
  const contradictory = judged(made('a1', now), [record('gateway_endpoint'), record('internet_gateway')])

  const nameOf = (of: Attempt, taint: ReturnType<typeof createTaintBook>) =>
    judgeName(
      {
        hostname: name,
        style: 'virtual',
        resolvers: ['system'],
        dns: [dns(answer([of.address]), answer([]))],
        families: [],
        attempts: [
          {
            attempt: of,
            context: { ...noContext, late: [record('gateway_endpoint')], confirmation: 'confirmed' },
          },
        ],
        tainted: taint.bases(),
      },
      unread,
    )

  it('hold what else would be private by records alone, until the address is confirmed', () => {
    const taint = createTaintBook()
    expect(contradictory).toMatchObject({ bases: [], state: 'undetermined' })
    expect(taint.judged(contradictory)).toBe(true)
    const other = made('a2', now + 60_000, '52.216.1.2')
    expect(nameOf(other, createTaintBook()).state).toBe('private')
    expect(nameOf(other, taint).state).toBe('undetermined')
    const again = judged(made('a3', now + 120_000), [record('gateway_endpoint')], 'confirmed')
    expect(taint.judged(again)).toBe(true)
    expect(nameOf(other, taint).state).toBe('private')
  })

  it('are lifted by an attempt whose routes were read again', () => {
    const taint = createTaintBook()
    taint.judged({ ...contradictory, networkInterface: 'eni-host' })
    expect(taint.judged(verdictOf('a3', 'gateway_endpoint', now + 120_000, 120_000))).toBe(true)
    expect(taint.bases()).toEqual([])
  })
})

describe('an address that showed a contradiction', () => {
  const hour = 3600 * 1000
  const kept: Taint[] = [{ basis: gateway, addresses: { '52.216.1.1': { shownAtMs: now, seenAtMs: now } } }]
  const fleetOn = (clock: ReturnType<typeof createHandClock>, taint: ReturnType<typeof createTaintBook>) =>
    createFleet({
      clock,
      lives: createLives(() => clock.monotonicMs()),
      taint,
      tainted: () => undefined,
      weighed: () => undefined,
      nextSlotSeconds: () => null,
      judged: () => undefined,
      joined: () => undefined,
    })
  const look = [attemptVerdict()]

  it('is forgotten when nobody answered or dialled it for a day in which names were looked at', async () => {
    const clock = createHandClock(0, now)
    const taint = createTaintBook(kept)
    const fleet = fleetOn(clock, taint)
    for (let hours = 0; hours <= 24; hours++) {
      fleet.told(look)
      expect(taint.bases()).toHaveLength(1)
      await clock.advance(hour)
    }
    fleet.told(look)
    expect(taint.bases()).toEqual([])
  })

  it('is not forgotten for a sleep, for a clock that was set, or for a night without a look', async () => {
    for (const pass of [
      (clock: ReturnType<typeof createHandClock>) => clock.sleep(25 * hour),
      (clock: ReturnType<typeof createHandClock>) => Promise.resolve(clock.stepWall(300 * hour)),
    ]) {
      const clock = createHandClock(0, now)
      const taint = createTaintBook(kept)
      const fleet = fleetOn(clock, taint)
      fleet.told(look)
      await pass(clock)
      fleet.told(look)
      expect(taint.bases()).toHaveLength(1)
    }
  })
})

describe('a record that comes when nobody waits for it any more', () => {
  const atEni = {
    interfaceId: 'eni-host',
    role: 'client' as const,
    natGatewayId: null,
    endpointId: null,
    addresses: ['10.0.1.50'],
  }
  const logged = (source: 'logs' | 's3') => ({
    at: atEni,
    findings: [],
    logs: [
      {
        flowLogId: 'fl-1',
        level: 'interface' as const,
        delivers: true,
        source:
          source === 'logs'
            ? { kind: 'logs' as const, logGroup: 'g', streamPrefix: 'eni-host' }
            : {
                kind: 's3' as const,
                bucket: 'b',
                prefix: '',
                account: '111122223333',
                region: 'us-east-1',
                hive: false,
                hourly: false,
                flowLogId: 'fl-1',
              },
        formatText: null,
        format,
        aggregationSeconds: 60,
        trafficType: 'ALL' as const,
        lacking: [],
      },
    ],
  })

  const roundsOn = (source: 'logs' | 's3', kit: ReturnType<typeof bench>) => {
    const asked: RecordsRequest[] = []
    const there: CapturedRecord[] = []
    const told: string[] = []
    const rounds = createFlowRounds({
      everySeconds: 60,
      clock: kit.clock,
      book: kit.book,
      census: createCensus(),
      coverage: {
        own: () => [logged(source)],
        of: () => logged(source),
        decides: () => ({ aggregationSeconds: 60 }),
      },
      metrics: createFlowlogMetrics(createSeriesSet(catalogue)),
      snapshot: () => null,
      clockOffsetSeconds: () => 0,
      region: () => 'us-east-1',
      roleArn: null,
      read(request) {
        asked.push(request)
        const results = request.queries.map((query) => {
          const records = there.filter(({ record: { fields } }) => {
            const startMs = Number(fields['start']) * 1000
            const inTime = query.source.kind === 's3' || (startMs >= query.fromMs && startMs <= query.toMs)
            return inTime && query.keys.some(({ localPort }) => localPort === Number(fields['srcport']))
          })
          return { ...emptyResult(query, null), captured: { records, skipped: [] } }
        })
        return Promise.resolve({ schema: recordsSchema, results, metrics: null })
      },
      onRead: () => undefined,
      told: (verdicts) => told.push(...verdicts.map(({ id, state }) => `${id} ${state}`)),
      onProblem: (problem) => told.push(problem),
      sleep: () => Promise.resolve(),
      random: () => 0,
      signal: new AbortController().signal,
    })
    return { rounds, asked, there, told }
  }

  it.each(['logs', 's3'] as const)('is found all the same, and contradicts: %s', async (source) => {
    const kit = bench()
    const made = kit.dial('a1')
    const { rounds, asked, there, told } = roundsOn(source, kit)
    await kit.clock.advance(31 * 60_000)
    await rounds.round()
    expect(kit.book.pending()).toEqual([])
    there.push(captured(made, 8))
    await kit.clock.advance(31 * 60_000)
    await rounds.round()
    expect(told).toContain('a1 public')
    // Nothing is counted twice for it.
    const counting = asked.flatMap(({ queries }) => queries.filter(({ census }) => census))
    expect(counting.every(({ toMs }) => toMs >= now + 31 * 60_000)).toBe(true)
  })

  it.each([4, 9, 15, 19])('is found in a log however late it comes: %i hours', async (hours) => {
    const kit = bench()
    const made = kit.dial('a1')
    const { rounds, asked, there, told } = roundsOn('logs', kit)
    const step = 31 * 60_000
    for (let ms = 0; ms < hours * 3600_000; ms += step) {
      await kit.clock.advance(step)
      await rounds.round()
    }
    expect(told).not.toContain('a1 public')
    there.push(captured(made, 8))
    for (let ms = 0; ms < 4 * 3600_000; ms += step) {
      await kit.clock.advance(step)
      await rounds.round()
    }
    expect(told).toContain('a1 public')
    // No one reading is longer than a stretch of it.
    const spans = asked.flatMap(({ queries }) => queries.map(({ fromMs, toMs }) => toMs - fromMs))
    expect(Math.max(...spans)).toBeLessThan(4 * 3600_000)
  })

  it('is looked for in new files by so many attempts as one request may bear', async () => {
    const kit = bench()
    for (let n = 1; n <= 5200; n++) kit.dial(`a${n}`, { address: `52.216.${n >> 8}.${n & 255}` })
    const { rounds, asked } = roundsOn('s3', kit)
    await kit.clock.advance(31 * 60_000)
    await rounds.round()
    const keys = asked.flatMap(({ queries }) => queries.flatMap((query) => query.keys))
    expect(keys).toHaveLength(5000)
    expect(keys.at(-1)?.remoteAddress).toBe(`52.216.${5200 >> 8}.${5200 & 255}`)
  })
})

it('an address that showed a contradiction stays known, although the next cycle comes after its time', async () => {
  const clock = createHandClock(0, now)
  const taint = createTaintBook()
  const hold = createHoldWindow()
  const address = '52.216.1.1'
  const world = topology()
  const deps = {
    host: { clock, environment: {}, addresses: () => [] },
    hold,
    taint,
    late: noLateWatch,
    families: () => Promise.resolve([]),
    observed: () => undefined,
    reading: () => null,
    stamp: () => stamp('look'),
    surroundings: () => world,
  } as unknown as WatchDeps
  const target = { name: 't', resolvers: [], compareResolvers: [], source: null, confirmWithinSeconds: 1800 }
  const watched = { hostname: name, port: 443, style: 'virtual' as const, service: 's3', region: 'us-east-1' }
  const watch = watchName(target as unknown as Target, watched as never, deps)
  const cycle = { signal: new AbortController().signal, lifeSeconds: 259_200, perGroup: 1 }
  await watch.cycle(cycle)
  hold.answered(`t|${name}|443`, 'system', [address], clock.monotonicMs())
  watch.witnessed(attempt({ address }), null, [], 259_200)
  await clock.advance(600_000)
  taint.judged(verdictOf('a2', 'internet_gateway', now, 0))
  watch.rejudge()
  await clock.advance(600_000)
  expect(watch.rejudge()?.attempts.map((one) => one.address)).toEqual([address])
  expect(watch.addresses()).toEqual([address])
})
