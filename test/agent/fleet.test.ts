import { EC2Client } from '@aws-sdk/client-ec2'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { configCommand } from '../../agent/cli/config.ts'
import { carriedBy, ec2Allowance, fleetFit, requestsOfRest } from '../../agent/config/fleet.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { maxAttempts } from '../../agent/account/snapshot-reader.ts'
import { callsOf } from '../../scripts/fleet/calls.ts'
import { createEvents } from '../../scripts/fleet/events.ts'
import { read } from '../../scripts/fleet/reading.ts'
import { sdkRetry } from '../../scripts/fleet/retry.ts'
import { createScenes } from '../../scripts/fleet/scenes.ts'
import { createService } from '../../scripts/fleet/service.ts'
import { simulate } from '../../scripts/fleet/simulate.ts'
import { say } from '../support/io.ts'

function config(document: object = {}) {
  const loaded = parseConfig(JSON.stringify({ version: 1, ...document }), 'test', Date.UTC(2026, 10, 20))
  if (!loaded.ok) throw new Error(loaded.problems.map(({ problem }) => problem).join('; '))
  return loaded.config
}

afterEach(() => vi.useRealTimers())

describe('what the simulation is made of', () => {
  test('the calls of a reading are the agent’s own, and as config check counts them', async () => {
    const counted = (calls: readonly string[]) =>
      Object.fromEntries(calls.map((call) => [call, calls.filter((other) => other === call).length]))
    expect(counted(await callsOf('routeTables', false))).toEqual({ DescribeRouteTables: 1 })
    const rest = counted(await callsOf('rest', true))
    for (const [action, requests] of Object.entries(rest))
      expect(requests, action).toBe((requestsOfRest as Record<string, number>)[action] ?? 1)
  })

  test('an allowance lets through what AWS says: a burst, then so many a second', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 400 }), (gaps) => {
        const service = createService({ burst: 10, perSecond: 4 })
        const answered: number[] = []
        let now = 0
        for (const gap of gaps) {
          now += gap / 100
          if (service.ask(now) === 'answered') answered.push(now)
        }
        // in no window more than its burst and what is refilled meanwhile
        for (const [n, from] of answered.entries())
          for (const [m, to] of answered.slice(n).entries())
            expect(m + 1).toBeLessThanOrEqual(10 + (to - from) * 4 + 1e-6)
      }),
      { numRuns: 30 },
    )
    const service = createService(ec2Allowance)
    const outcomes = Array.from({ length: 150 }, () => service.ask(0))
    expect(outcomes.filter((each) => each === 'answered').length).toBe(100)
    expect(
      Array.from({ length: 30 }, () => service.ask(1)).filter((each) => each === 'answered').length,
    ).toBe(20)
  })

  test('things happen in the order of their times', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50)), (times) => {
        const events = createEvents()
        const seen: number[] = []
        for (const at of times) events.at(at, () => seen.push(events.now()))
        events.run(100)
        expect(seen).toEqual([...times].sort((a, b) => a - b))
      }),
    )
  })

  test('throttled requests are repeated as the SDK itself repeats them', async () => {
    const random = 0.5
    vi.useFakeTimers({ now: 1_000_000 })
    vi.spyOn(Math, 'random').mockReturnValue(random)
    const client = new EC2Client({ region: 'us-east-1', retryMode: 'adaptive', maxAttempts })
    const strategy = (await client.config.retryStrategy()) as unknown as {
      acquireInitialRetryToken(scope: string): Promise<object>
      refreshRetryTokenForRetry(token: object, error: object): Promise<object>
    }
    const sent: number[] = [0]
    let ended = false
    const startedMs = Date.now()
    const asked = (async () => {
      let token = await strategy.acquireInitialRetryToken('ec2')
      for (;;) {
        token = await strategy.refreshRetryTokenForRetry(token, {
          errorType: 'THROTTLING',
          error: { name: 'RequestLimitExceeded' },
        })
        sent.push((Date.now() - startedMs) / 1000)
      }
    })().catch(() => void (ended = true))
    while (!ended) await vi.advanceTimersByTimeAsync(50)
    await asked
    vi.restoreAllMocks()
    vi.useRealTimers()
    client.destroy()
    expect(sent.length).toBe(maxAttempts)

    const retry = await sdkRetry(maxAttempts)
    const events = createEvents()
    const own: number[] = []
    const service = {
      asked: 0,
      throttled: 0,
      out: false,
      ask(now: number) {
        own.push(now)
        return 'throttled' as const
      },
    }
    const plan = {
      calls: ['A'],
      deadlineSeconds: 60,
      callSeconds: 20,
      concurrency: 4,
      startSeconds: 0,
      latencySeconds: 0,
      unansweredSeconds: 3,
    }
    let answered: Set<string> | null = null
    read(
      plan,
      { events, service: () => service, retry, random: () => random },
      (set) => void (answered = set),
    )
    events.run(100)
    expect(answered).toEqual(new Set())
    expect(own.length).toBe(sent.length)
    for (const [n, at] of own.entries())
      expect(Math.abs(at - (sent[n] ?? 0)), `request ${n}: ${own} and ${sent}`).toBeLessThan(1)
  })

  test('the same seed gives the same outcome, another one another', async () => {
    const { scene } = await createScenes()
    const [a, b, c] = [1, 1, 2].map((seed) => simulate({ ...scene(50, 'aws', 'start', seed), seconds: 300 }))
    expect(b).toEqual(a)
    expect(c).not.toEqual(a)
  })
})

describe('what the defaults carry', async () => {
  const { scene } = await createScenes()
  const defaults = config()

  test('600 agents in an account and region at half of what EC2 allows', () => {
    expect(carriedBy(1 / defaults.topology.refreshSeconds, ec2Allowance.perSecond)).toBe(600)
    expect(fleetFit(defaults, 600)).toMatchObject([{ level: 'ok', path: 'topology.source' }])
    expect(fleetFit(defaults, 601)).toMatchObject([
      { level: 'warning', expected: expect.stringMatching(/file or s3/) },
    ])
    const { perSecond, busiest } = simulate(scene(600, 'aws', 'steady', 3))
    expect(busiest).toMatch(/DescribeRouteTables|GetManagedPrefixListEntries/)
    expect(perSecond).toBeLessThan(ec2Allowance.perSecond * 0.52)
  })

  test.each([
    [100, 'ok'],
    [600, 'ok'],
    [1000, 'warning'],
    [1300, 'refused'],
  ] as const)('%d agents that each read the account: %s, as the simulation has it', (agents, level) => {
    expect(fleetFit(defaults, agents).map((finding) => finding.level)).toEqual([level])
    const steady = simulate({ ...scene(agents, 'aws', 'steady', 1), seconds: 1200 })
    const start = simulate(scene(agents, 'aws', 'start', 1))
    const whole = level !== 'refused'
    expect(steady.throttled / steady.requests < 0.001).toBe(whole)
    // all at once, as after an outage of power
    expect(start.recoveredSeconds !== null && start.recoveredSeconds <= 600).toBe(whole)
    if (level !== 'ok') return
    expect(steady.age.max).toBeLessThan(defaults.topology.maxAgeSeconds / 2)
    const outage = simulate(scene(agents, 'aws', 'outage', 1))
    expect(outage.recoveredSeconds).toBeLessThanOrEqual(400)
  })

  test('10,000 agents that read what one writer shares', () => {
    for (const source of [
      { source: 's3', s3: { bucket: 'bucket', key: 'k' } },
      { source: 'file', file: '/srv/k' },
    ]) {
      expect(fleetFit(config({ topology: source }), 10_000).every(({ level }) => level === 'ok')).toBe(true)
    }
    expect(fleetFit(defaults, 10_000)).toMatchObject([{ level: 'refused' }])
    const start = simulate({ ...scene(10_000, 'shared', 'start', 1), seconds: 300 })
    expect(start.throttled).toBe(0)
    expect(start.recoveredSeconds).toBeLessThanOrEqual(120)
    const steady = simulate({ ...scene(10_000, 'shared', 'steady', 1), seconds: 300 })
    expect(steady.age.max).toBeLessThan(defaults.topology.maxAgeSeconds)
  }, 30_000)
})

describe('config check --fleet-size', () => {
  test('flow logs in CloudWatch Logs: by region, and only a warning where it is not known where they are', () => {
    const records = (flow: object, region: string) =>
      fleetFit(
        config({
          targets: [{ name: 'a', service: 'sts', region }],
          topology: { source: 'file', file: '/srv/k' },
          flow_logs: { enabled: true, every: '60s', ...flow },
        }),
        700,
      )
    expect(records({ log_group: '/vpc' }, 'us-east-1')).toMatchObject([{ level: 'ok', path: 'flow_logs' }])
    expect(records({ log_group: '/vpc' }, 'eu-west-1')).toMatchObject([{ level: 'refused' }])
    expect(records({ log_group: '/vpc' }, 'eu-central-1')).toMatchObject([{ level: 'refused' }])
    expect(records({}, 'eu-central-1')).toMatchObject([
      { level: 'warning', expected: expect.stringMatching(/S3/) },
    ])
    expect(records({ s3: { bucket: 'bucket' }, format: '${version}' }, 'eu-central-1')).toEqual([])
  })

  test.each([
    [
      '600',
      0,
      /fleet: ok: topology\.source: 600 agents make 10 requests of DescribeRouteTables a second, of 20 .* carries 600 agents/,
    ],
    ['1000', 0, /fleet: warning: .*; better: one writer \(pathproof snapshot --share/],
    ['10000', 78, /fleet: refused: .*topology\.source: file or s3/],
    ['many', 64, /^$/],
    ['0', 64, /^$/],
  ])('--fleet-size %s', async (size, code, wanted) => {
    const { mkdtempSync, rmSync, writeFileSync } = await import('node:fs')
    const directory = mkdtempSync('/tmp/pathproof-fleet-')
    writeFileSync(`${directory}/c.yml`, 'version: 1\n')
    const said = await say((io) => configCommand(['check', '--fleet-size', size, `${directory}/c.yml`], io))
    rmSync(directory, { recursive: true })
    expect(said.code, said.stderr).toBe(code)
    expect(
      said.stdout
        .split('\n')
        .filter((line) => line.startsWith('fleet'))
        .join('\n'),
    ).toMatch(wanted)
  })
})
