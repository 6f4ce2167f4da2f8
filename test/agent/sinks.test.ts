import { execFileSync } from 'node:child_process'
import { constants, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProgramCommand } from '../../agent/child.ts'
import { iamPolicy } from '../../agent/iam/iam.ts'
import { costsOf } from '../../agent/config/cost.ts'
import { dataOf } from '../../agent/web/sinks.ts'
import { cloudwatchMetrics } from '../../exporters/cloudwatch.ts'
import type { StateEvent } from '../../exporters/events.ts'
import type { Lab } from '../../lab/lab.ts'
import { createHandClock, type HandClock } from './hand-clock.ts'
import {
  config,
  defaultTargets,
  type RunningDaemon,
  round,
  startLabDaemon,
  surroundings,
} from '../support/lab-daemon.ts'
import { readerWithin } from '../support/reader-within.ts'

const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'
let directory = ''
let clock: HandClock
let running: RunningDaemon | null = null
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-sinks-'))
  clock = createHandClock(1_000, Date.now())
})
afterEach(async () => {
  await running?.stop()
  running = null
  rmSync(directory, { recursive: true, force: true })
})

const scenario = `name: sinks
title: Sinks
story: A private subnet with a gateway endpoint, whose route goes and comes back.
world: {}
names: [{ target: artifacts, service: s3, region: us-east-1, bucket: artifacts-lab, styles: [regional] }]
expect: [{ hostname: ${s3}, state: private }]
steps:
  - after: 50m
    name: gone
    title: The route is taken away
    change: { tables: [{ id: rtb-0a000001, removeRoutes: [pl-63a5400a] }] }
    expect: [{ hostname: ${s3}, state: public }]
  - { after: 51m, name: refused, title: A permission is taken away, api: { deny: [PutMetricData] } }
`

async function begin(exporters: object, more: { program?: ProgramCommand; waiver?: object } = {}) {
  const { program, waiver } = more
  running = await startLabDaemon({
    scenario,
    clock,
    ...(program === undefined ? {} : { program }),
    document: (lab: Lab) => ({
      ...surroundings(lab),
      targets: defaultTargets(lab, '8s').map((one) => ({
        ...one,
        ...(waiver === undefined ? {} : { waiver }),
      })),
      exporters,
    }),
  })
  return running
}

const dropped = async (daemon: RunningDaemon, exporter: string) => {
  const { text } = await daemon.get('/metrics')
  const lines = text
    .split('\n')
    .filter((line) => line.startsWith(`pathproof_exporter_dropped_total{exporter="${exporter}"`))
  return Object.fromEntries(
    lines.map((line) => [/reason="(\w+)"/.exec(line)?.[1], Number(line.split(' ')[1])]),
  )
}
const noDrops = { queue_full: 0, too_large: 0, rejected: 0, failed: 0, closed: 0 }

const eventsIn = (file: string): StateEvent[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as StateEvent)

describe('events of a daemon', () => {
  it('tell each change once, with numbers that have no gap', async () => {
    const file = join(directory, 'events.jsonl')
    const daemon = await begin(
      { events: { file } },
      { waiver: { reason: 'r', ticket: 'T-1', until: '2099-01-01' } },
    )
    expect(await dropped(daemon, 'events')).toEqual(noDrops)
    await round(daemon, clock, 8, 1)
    await daemon.lab.apply('gone')
    let [verdict] = await round(daemon, clock, 8, 1)
    for (let cycle = 0; cycle < 40 && verdict?.state !== 'public'; cycle++)
      [verdict] = await round(daemon, clock, 8, 1)
    await daemon.stop()
    running = null
    const events = eventsIn(file)
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1))
    expect(new Set(events.map(({ schema }) => schema))).toEqual(new Set(['pathproof.event/1']))
    const short = events.map((event) => {
      if (event.event === 'lifecycle') return event.what
      if (event.event === 'verdict') return `${event.before} to ${event.state}`
      if (event.event === 'requirement') return `met ${event.before} to ${event.met}`
      return event.event === 'waiver' ? `waiver ${event.active} ${event.ticket}` : event.event
    })
    expect(short.slice(0, 5)).toEqual([
      'started',
      'configured',
      'null to private',
      'met null to true',
      'waiver true T-1',
    ])
    expect(short.slice(5)).toContain('met true to false')
    expect(short.at(-1)).toBe('stopped')
    // Each change begins where the last one ended.
    const verdicts = events.flatMap((event) => (event.event === 'verdict' ? [event] : []))
    expect(verdicts.map(({ before }) => before)).toEqual([
      null,
      ...verdicts.slice(0, -1).map(({ state }) => state),
    ])
    expect(verdicts.at(-1)?.state).toBe('public')
    expect(events.find((event) => event.event === 'verdict')).toMatchObject({
      target: 'artifacts',
      hostname: s3,
      style: 'regional',
      proof: 'configured',
      because: expect.arrayContaining([expect.any(String)]),
      attempts: [expect.any(String)],
    })
  })

  it('a verdict whose life ends is told as undetermined, though nothing was judged', async () => {
    const file = join(directory, 'events.jsonl')
    const daemon = await begin({ events: { file } })
    await round(daemon, clock, 8, 1)
    // The agent stood still: nobody has judged anything when it looks again.
    await clock.sleep(120_000)
    const told = () => eventsIn(file).flatMap((event) => (event.event === 'verdict' ? [event.state] : []))
    await expect.poll(() => told().slice(0, 2)).toEqual(['private', 'undetermined'])
  })

  it('a file that was moved away is begun anew by a reload', async () => {
    const file = join(directory, 'events.jsonl')
    const daemon = await begin({ events: { file } })
    await round(daemon, clock, 8, 1)
    await expect.poll(() => eventsIn(file).length).toBeGreaterThanOrEqual(4)
    renameSync(file, `${file}.1`)
    await daemon.daemon.reload()
    await daemon.lab.apply('gone')
    for (let cycle = 0; cycle < 5; cycle++) await round(daemon, clock, 8, 1)
    await expect.poll(() => eventsIn(file).some((event) => event.event === 'verdict')).toBe(true)
    const [last, first] = [eventsIn(`${file}.1`).at(-1)?.sequence ?? 0, eventsIn(file)[0]?.sequence]
    expect(first).toBe(last + 1)
    // Whoever has this file alone knows what stood when it began, and each change goes on from there.
    expect(eventsIn(file).find(({ event }) => event === 'baseline')).toMatchObject({
      target: 'artifacts',
      met: true,
      waived: false,
      names: [{ hostname: s3, style: 'regional', state: 'private', conflict: false, tainted: false }],
    })
    const seen = eventsIn(file).length
    await daemon.daemon.reload()
    for (let cycle = 0; cycle < 3; cycle++) await round(daemon, clock, 8, 1)
    expect(
      eventsIn(file)
        .slice(seen)
        .filter((event) => event.event === 'baseline'),
    ).toEqual([])
  })

  it('a pipe whose reader does not read: probes, verdicts and scrapes go on', async () => {
    const fifo = join(directory, 'fifo')
    execFileSync('mkfifo', [fifo])
    const reader = await open(fifo, constants.O_RDWR | constants.O_NONBLOCK)
    // the pipe is full before the agent begins
    const full = Buffer.alloc(65_536)
    await reader.write(full).catch(() => undefined)
    const daemon = await begin({ events: { file: fifo } })
    for (let cycle = 0; cycle < 3; cycle++) {
      const [verdict] = await round(daemon, clock, 8, 1)
      expect(verdict?.state).toBe('private')
    }
    expect((await daemon.get('/metrics')).status).toBe(200)
    await daemon.stop()
    running = null
    await reader.close()
  })
})

describe('CloudWatch', () => {
  const exporters = { cloudwatch: { namespace: 'pathproof-test', every: '60s' } }

  it('gets the values of each minute over the wire, by the real SDK', async () => {
    const daemon = await begin(exporters, { program: readerWithin(() => clock.wallMs()) })
    await round(daemon, clock, 8, 1)
    for (let step = 0; step < 8; step++) {
      await clock.advance(10_000)
      await daemon.daemon.settled()
    }
    const values = () => daemon.lab.records.written.values()
    await expect.poll(() => values().length, { timeout: 8000 }).toBeGreaterThanOrEqual(10)
    const last = new Map(
      values().map((value) => [`${value.name} ${value.dimensions['Target'] ?? ''}`, value.value]),
    )
    expect(Object.fromEntries(last)).toEqual({
      'AgentRunning ': 1,
      'PathPrivate artifacts': 1,
      'RequirementMet artifacts': 1,
      'NamesPublic artifacts': 0,
      'NamesUndetermined artifacts': 0,
    })
    expect(new Set(values().map(({ namespace, resolution }) => `${namespace} ${resolution}`))).toEqual(
      new Set(['pathproof-test 60']),
    )
    expect(await dropped(daemon, 'cloudwatch')).toEqual(noDrops)
    const asked = daemon.lab.apiRequests().filter(({ action }) => action === 'PutMetricData')
    expect(asked.map(({ outcome }) => outcome)).toContain('ok')
  })

  it('a permission that is missing is said once, and what was refused is counted', async () => {
    const daemon = await begin(exporters, { program: readerWithin(() => clock.wallMs()) })
    await daemon.lab.apply('refused')
    await round(daemon, clock, 8, 1)
    await clock.advance(60_000)
    await expect
      .poll(async () => (await dropped(daemon, 'cloudwatch'))['rejected'], { timeout: 8000 })
      .toBeGreaterThan(0)
    expect((await daemon.get('/')).text).toContain('cloudwatch:PutMetricData')
  })

  it('a process that never answers holds up no probe', async () => {
    let asked = 0
    const daemon = await begin(exporters, {
      program: {
        within() {
          asked++
          return new Promise(() => undefined)
        },
      },
    })
    for (let cycle = 0; cycle < 12; cycle++) {
      const [verdict] = await round(daemon, clock, 8, 1)
      expect(verdict?.state).toBe('private')
    }
    expect(asked).toBe(1)
  })
})

it('values of targets: what is not known is not private and not met', () => {
  const { targets } = {
    targets: [{ name: 't', names: [{ hostname: 'h', style: 'global' }], require: { kind: 'private' } }],
  }
  const data = dataOf(targets as never, [], 5)
  expect(Object.fromEntries(data.map(({ metric, value }) => [metric, value]))).toEqual({
    AgentRunning: 1,
    PathPrivate: 0,
    RequirementMet: 0,
    NamesPublic: 0,
    NamesUndetermined: 1,
  })
})

it('permission and price of CloudWatch', () => {
  const targets = [
    { name: 'a', hostname: 'a.example' },
    { name: 'b', hostname: 'b.example' },
  ]
  const topology = { source: 'directory', directory: '/x' }
  const given = config({
    version: 1,
    topology,
    flow_logs: { enabled: false },
    targets,
    exporters: { cloudwatch: { namespace: 'n' } },
  })
  expect(iamPolicy(given)?.Statement).toEqual([
    {
      Sid: 'PathproofPutMetrics',
      Effect: 'Allow',
      Action: ['cloudwatch:PutMetricData'],
      Resource: '*',
      Condition: { StringEquals: { 'cloudwatch:namespace': 'n' } },
    },
  ])
  const [cost] = costsOf(given)
  const metrics = Object.values(cloudwatchMetrics).reduce(
    (sum, of) => sum + (of.length === 0 ? 1 : targets.length),
    0,
  )
  expect(cost).toMatchObject({ path: 'exporters.cloudwatch', requestsPerDay: 1440 })
  expect(cost?.text).toContain(`${metrics} custom metrics`)
  expect(cost?.dollarsPerMonth).toBeCloseTo(metrics * 0.3 + 1440 * 30 * 0.00001, 6)
})
