/** Attempts that waited for records when the agent ended, and what records may say of them in its next life. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createEvidenceAge } from '../../agent/evidence/evidence-age.ts'
import { type LateResult, createLateBook } from '../../agent/evidence/late-book.ts'
import { loadWaiting, openWaiting } from '../../agent/evidence/late-store.ts'
import { createFlowLogs } from '../../agent/evidence/flow-logs.ts'
import { createTaintBook } from '../../agent/evidence/taint.ts'
import { createLog } from '../../agent/log.ts'
import type { Attempt } from '../../model/observation.ts'
import { pathClasses } from '../../model/path.ts'
import { capturePoints } from '../../verdict/flow-points.ts'
import { judgeWithParts } from '../../verdict/judge.ts'
import { attempt, now, stamp, topology, viaEndpoint, viaNat, withRoutes } from '../verdict/fixture.ts'
import { captured, egress } from '../verdict/flow-fixture.ts'
import { createHandClock } from './hand-clock.ts'

let directory: string
let logged: string[]
beforeEach(async () => {
  logged = []
  directory = await mkdtemp(join(tmpdir(), 'pathproof-waiting-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const file = () => join(directory, 'waiting.json')
const byEndpoint = withRoutes([viaEndpoint, viaNat])

/** One life of the agent, `startMs` after the first, whose monotonic clock begins at `monotonicMs`. */
async function life(startMs = 0, monotonicMs = 5_000_000) {
  const clock = createHandClock(monotonicMs, now + startMs)
  const results: LateResult[] = []
  const log = createLog({
    write: (line) => logged.push(line),
    level: 'debug',
    format: 'logfmt',
    journal: false,
    wallMs: clock.wallMs,
    monotonicMs: clock.monotonicMs,
  })
  const waiting = await openWaiting(directory, clock.monotonicMs, log)
  const book = createLateBook({
    clock,
    coverage: () => ({ aggregationSeconds: 60 }),
    clockOffsetSeconds: () => 0,
    evidenceAge: createEvidenceAge(clock.monotonicMs),
    onResult: (result) => results.push(result),
    keeper: waiting.keeper,
  })
  book.restore(waiting.kept)
  const dial = (id: string, more: Partial<Attempt> = {}, on = byEndpoint): Attempt => {
    const at = { ...stamp(id, clock.wallMs()), monotonicMs: clock.monotonicMs() }
    const made = attempt({ stamp: at, localPort: 40_000, ...more })
    const world = topology([on])
    const judged = judgeWithParts(made, world)
    const points = capturePoints(judged, world)
    book.dialled({ target: 't', attempt: made, verdict: judged.verdict, points })
    return made
  }
  return { clock, results, book, waiting, dial }
}

const recordOf = (made: Attempt, path: number) => {
  const at = Math.floor(made.stamp.wallMs / 1000)
  const fields = { dstaddr: made.address, 'pkt-dstaddr': made.address, srcport: made.localPort }
  return captured({ ...egress, ...fields, start: at - 5, end: at + 40, 'traffic-path': path })
}

const minute = 60_000

describe('an attempt that waits when the agent ends', () => {
  it('is contradicted by its record in the next life, and taints its way', async () => {
    const first = await life()
    const made = first.dial('a1')
    await first.waiting.save(true)
    const second = await life(2 * minute, 0)
    expect(second.book.pending().map((w) => w.attempt.address)).toEqual([made.address])
    const told = second.book.captured({ records: [recordOf(made, 8)], skipped: [] })
    expect(told).toMatchObject([
      { id: 'a1', atMs: made.stamp.wallMs, state: 'public', conflicts: [{ rank: 'configured', of: 'side' }] },
    ])
    expect(second.results).toEqual(['contradicted'])
    const taint = createTaintBook()
    expect(taint.judged(told[0]!)).toBe(true)
    expect(taint.bases()).toMatchObject([{ target: 'vpce-s3' }])
    // By the wall clock alone, for the other one began anew: a later attempt of this life can lift it.
    expect(told[0]?.madeMonotonicMs).toBeUndefined()
  })

  it('is not told again in a later life, once its record has spoken: what was mended since must stay so', async () => {
    const first = await life()
    const made = first.dial('a1')
    await first.waiting.save(true)
    const second = await life(2 * minute, 0)
    expect(second.book.captured({ records: [recordOf(made, 8)], skipped: [] })).toHaveLength(1)
    await second.waiting.save(true)
    const third = await life(30 * minute, 0)
    expect(third.book.captured({ records: [recordOf(made, 8)], skipped: [] })).toEqual([])
    expect(third.book.pending()).toEqual([])
  })

  it('is not kept without the port that its records bear', async () => {
    const first = await life()
    first.dial('a1')
    await first.waiting.save(true)
    await writeFile(file(), (await readFile(file(), 'utf8')).replace('"localPort":40000', '"localPort":null'))
    expect(await loadWaiting(directory)).toEqual([])
  })

  it('is confirmed by nothing: a file may hold anything', async () => {
    const first = await life()
    const made = first.dial('a1')
    await first.waiting.save(true)
    const { book, results, clock } = await life(2 * minute)
    expect(book.captured({ records: [recordOf(made, 7)], skipped: [] })).toEqual([])
    expect(book.wordOnName(made.hostname, 443, 3600)).toEqual({
      confirmed: [],
      confirmation: 'unavailable',
      lastConfirmedMs: null,
    })
    expect(book.attempt('a1')).toBeNull()
    await clock.advance(40 * minute)
    expect(book.expire()).toEqual([])
    expect(book.pending()).toEqual([])
    expect(results).toEqual([])
  })

  it('still contradicts when its time is over, for a day, and over a second restart', async () => {
    const first = await life()
    const made = first.dial('a1')
    await first.waiting.save(true)
    const second = await life(10 * minute)
    await second.waiting.save(true)
    const third = await life(20 * 60 * minute)
    expect(third.book.over(0)).toEqual([])
    third.book.expire()
    expect(third.book.over(0)).toHaveLength(1)
    const told = third.book.captured({ records: [recordOf(made, 8)], skipped: [] })
    expect(told).toMatchObject([{ id: 'a1', state: 'public' }])
    await third.waiting.save(true)
    const last = await life(25 * 60 * minute)
    expect(last.book.size().kept).toBe(0)
  })

  it('does not stand in for one of this life that has its id, nor lend it its record', async () => {
    const first = await life()
    first.dial('a1', { localPort: 41_000 })
    await first.waiting.save(true)
    const { book, dial } = await life(minute)
    const made = dial('a1')
    expect(book.size().kept).toBe(2)
    expect(book.captured({ records: [recordOf(made, 7)], skipped: [] })).toMatchObject([
      { id: 'a1', confirmation: 'confirmed', localPort: 40_000 },
    ])
    expect(book.wordOn('a1').confirmation).toBe('confirmed')
  })

  it('had a port: one of this life that has it too, too soon after, is not told apart', async () => {
    const first = await life()
    first.dial('a1')
    await first.waiting.save(true)
    const { book, dial } = await life(minute)
    const made = dial('a2')
    const told = book.captured({ records: [recordOf(made, 7)], skipped: [] })
    expect(told.filter(({ confirmation }) => confirmation === 'confirmed')).toEqual([])
  })

  it('is kept with what a later reading widened, and no longer than it is known', async () => {
    const first = await life()
    const made = first.dial('a1')
    const world = topology([])
    first.book.weighed([judgeWithParts(made, world).verdict])
    await first.waiting.save(true)
    const [kept] = await loadWaiting(directory)
    expect(kept?.verdict.possible).toContain('internet_gateway')
    expect(kept?.verdict.state).toBe('undetermined')
    await first.clock.advance(25 * 60 * minute)
    first.book.expire()
    await first.waiting.save(true)
    expect(await loadWaiting(directory)).toEqual([])
  })
})

describe('the file', () => {
  it('is written after five minutes and at the end, whole, for this user alone, and only when it differs', async () => {
    const { waiting, dial, clock } = await life()
    dial('a1')
    await waiting.save()
    await expect(stat(file())).rejects.toThrow('ENOENT')
    await clock.advance(6 * minute)
    await waiting.save()
    const before = await stat(file())
    expect(before.mode & 0o777).toBe(0o600)
    await waiting.save(true)
    expect((await stat(file())).ino).toBe(before.ino)
    expect(JSON.parse(await readFile(file(), 'utf8'))).toMatchObject({ schema: 'pathproof.waiting/1' })
  })

  it('holds a thousand of the youngest, and never more than can be read again', async () => {
    const { waiting, dial } = await life()
    for (let n = 0; n < 1100; n++)
      dial(`a${n}`, { address: `52.216.${n >> 8}.${n & 255}`, localPort: 20_000 + n })
    dial('long', { address: '52.217.0.1', hostname: `${'ü'.repeat(100)}.example` })
    await waiting.save(true)
    const kept = await loadWaiting(directory)
    expect(kept).toHaveLength(1000)
    expect(kept.at(0)?.verdict.id).toBe('a101')
    expect(kept.at(-1)?.attempt.hostname).toBe(`${'ü'.repeat(100)}.example`)
  })

  it.each([
    ['no JSON', '{'],
    ['a newer version', '{"schema":"pathproof.waiting/2","attempts":[]}'],
    ['an unknown member', '{"schema":"pathproof.waiting/1","attempts":[],"confirmed":[]}'],
    ['too many', JSON.stringify({ schema: 'pathproof.waiting/1', attempts: Array(1001).fill(0) })],
    ['too large', ' '.repeat(4 * 1024 * 1024 + 1)],
  ])('of another form is left out, and said: %s', async (_, content) => {
    await writeFile(file(), content)
    const { book } = await life()
    expect(book.size().kept).toBe(0)
    expect(logged.join('')).toContain('waiting_not_read')
  })

  it('whatever it holds never confirms, and never lets anything be told that is private', async () => {
    const first = await life()
    const made = first.dial('a1')
    await first.waiting.save(true)
    const { attempts } = JSON.parse(await readFile(file(), 'utf8')) as { attempts: Record<string, unknown>[] }
    const [good = {}] = attempts
    const evil = fc.record(
      {
        connected: fc.boolean(),
        start: fc.subarray([...pathClasses]),
        evidence: fc.array(
          fc.record({
            rule: fc.constantFrom('socket.verified', 'flow.gateway_endpoint', 'canary.positive', '__proto__'),
            possible: fc.subarray([...pathClasses]),
            rank: fc.constantFrom('given', 'attested', 'observed', 'configured', 'consistent'),
            because: fc.string(),
            source: fc.constantFrom('kernel', 'flow log', 'canary'),
            observedAtMs: fc.integer(),
          }),
          { maxLength: 4 },
        ),
        reached: fc.constantFrom('nothing', 'connected', 'tls'),
        aggregationSeconds: fc.constantFrom(60, 600, 1e9),
        clockOffsetSeconds: fc.constantFrom(null, 0, 1e300),
        wallMs: fc.constantFrom(made.stamp.wallMs, 0, 8e15, -1),
        confirmation: fc.constant('confirmed'),
      },
      { requiredKeys: [] },
    )
    await fc.assert(
      fc.asyncProperty(evil, fc.constantFrom(1, 2, 7, 8), async (more, path) => {
        await writeFile(
          file(),
          JSON.stringify({ schema: 'pathproof.waiting/1', attempts: [{ ...good, ...more }] }),
        )
        const { book, clock } = await life(minute)
        const told = book.captured({ records: [recordOf(made, path)], skipped: [] })
        await clock.advance(40 * minute)
        for (const verdict of [...told, ...book.expire()]) {
          expect(verdict.state).not.toBe('private')
          expect(verdict.confirmation).not.toBe('confirmed')
        }
        expect(book.wordOnName(made.hostname, 443, 1e6).confirmed).toEqual([])
      }),
      { numRuns: 60 },
    )
  })
})

it.each([
  [true, 1],
  [false, 0],
])('flow logs that are read (%s) take up what waited: %i', async (enabled, kept) => {
  const first = await life()
  first.dial('a1')
  await first.waiting.save(true)
  const { waiting, clock } = await life(minute)
  const flowLogs = createFlowLogs({
    host: { clock } as never,
    config: () => ({ enabled }) as never,
    snapshot: () => null,
    vantage: () => ({ interfaces: [] }) as never,
    region: () => null,
    reader: () => ({}) as never,
    metrics: { attempt: () => undefined } as never,
    told: () => undefined,
    onRead: () => undefined,
    onProblem: () => undefined,
    waiting,
    sleep: async () => undefined,
    random: () => 0,
  })
  expect(flowLogs.book.size().kept).toBe(kept)
})
