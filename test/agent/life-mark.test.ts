/** What the events of a start say of a life before that ended without a last word. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type LifeMark, openLifeMark } from '../../agent/web/life-mark.ts'
import { createLog } from '../../agent/log.ts'
import { createSinks } from '../../agent/web/sinks.ts'
import type { Config } from '../../agent/config/config.ts'
import { catalogue } from '../../exporters/catalogue.ts'
import { createSeriesSet } from '../../exporters/prometheus.ts'
import { targetVerdict } from './verdicts.ts'

let directory = ''
let nowMs = Date.UTC(2026, 10, 20, 12)
const log = createLog({
  write: () => undefined,
  level: 'debug',
  format: 'logfmt',
  journal: false,
  wallMs: () => nowMs,
  monotonicMs: () => 0,
})
const open = () => openLifeMark(directory, () => nowMs, log)

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-life-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

function begin(life: LifeMark) {
  const told: Record<string, unknown>[] = []
  const stop = new AbortController()
  const sinks = createSinks({
    log,
    series: createSeriesSet(catalogue),
    wallMs: () => nowMs,
    targets: () => [],
    verdicts: () => [targetVerdict({})],
    ledgerTroubles: () => [],
    life: () => life,
    region: () => null,
    reader: () => ({}) as never,
    sleep: (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
    wait: async () => undefined,
    random: () => 0,
    make: {
      events: () => ({
        open: () => undefined,
        accept: (event: unknown) => void told.push(event as never),
        trouble: () => null,
        close: async () => stop.abort(),
      }),
    } as never,
  })
  const take = (file: string) =>
    sinks.take({ exporters: { events: { file }, cloudwatch: null } } as unknown as Config)
  const started = () =>
    sinks.sink.append({
      sequence: 1,
      wallMs: nowMs,
      kind: 'lifecycle',
      body: { event: 'started', version: '1', configuration: 'c' },
    } as never)
  const judged = () =>
    sinks.sink.append({
      sequence: 2,
      wallMs: nowMs,
      kind: 'target_verdict',
      body: targetVerdict({}),
    } as never)
  return { sinks, told, take, started, judged }
}

it('a start after an end that was said says nothing of it; one after a kill says it first', async () => {
  const first = begin(await open())
  first.take('a')
  first.started()
  expect(first.told.map(({ event }) => event)).toEqual(['lifecycle'])
  await first.sinks.close(1)
  expect(await readdir(directory)).toEqual([])

  const second = begin(await open())
  second.take('a')
  second.started()
  expect(second.told.map(({ event }) => event)).toEqual(['lifecycle'])
  await expect.poll(() => readdir(directory)).toEqual(['life.json'])
  const startedMs = nowMs

  nowMs += 3_600_000
  const third = begin(await open())
  third.take('a')
  third.started()
  const at = new Date(startedMs).toISOString()
  expect(third.told).toMatchObject([
    { sequence: 1, event: 'interrupted', started: at, seen: at },
    { sequence: 2, event: 'lifecycle', what: 'started' },
  ])
  // Once, and not at each new file.
  third.judged()
  third.take('b')
  expect(third.told.filter(({ event }) => event === 'interrupted')).toHaveLength(1)
  expect(third.told.at(-1)).toMatchObject({ event: 'baseline', target: 'artifacts' })
  await third.sinks.close(1)
})

it('a mark that can not be read says that there was a life, and not when', async () => {
  for (const content of ['', '{}', '{"schema":"pathproof.life/1","startedMs":1e300,"seenMs":0}']) {
    await writeFile(join(directory, 'life.json'), content)
    expect((await open()).earlier).toEqual({ startedMs: null, seenMs: null })
  }
})

it('says how long it was seen to last, to five minutes', async () => {
  const life = await open()
  const read = async () => JSON.parse(await readFile(join(directory, 'life.json'), 'utf8')) as unknown
  const startedMs = nowMs
  life.seen()
  nowMs += 299_000
  life.seen()
  nowMs += 2_000
  life.seen()
  await expect.poll(read).toMatchObject({ startedMs, seenMs: nowMs })
  await life.ended()
  life.seen()
  expect((await open()).earlier).toBeNull()
})

it('without a directory nothing is known', async () => {
  expect((await openLifeMark(null, () => 0, log)).earlier).toBeNull()
})
