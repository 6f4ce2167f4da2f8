import { afterEach, describe, expect, it } from 'vitest'
import { createDirectConnectKeeper } from '../../agent/site/direct-connect.ts'
import { createTraces } from '../../agent/site/traces.ts'
import type { DirectConnectResult } from '../../aws/direct-connect-api.ts'
import type { TraceResult } from '../../model/first-leg.ts'
import { createHandClock } from './hand-clock.ts'
import {
  defaultTargets,
  round,
  type RunningDaemon,
  sleepBy,
  startLabDaemon,
  surroundings,
} from '../support/lab-daemon.ts'

let running: RunningDaemon | null = null
afterEach(async () => {
  await running?.stop()
  running = null
})

describe('the daemon on-prem', () => {
  it('tells each change of the first leg once: record, log, metric, requirement', async () => {
    const clock = createHandClock()
    running = await startLabDaemon({
      scenario: 'first-leg',
      clock,
      document: (lab) => ({
        ...surroundings(lab),
        ...(({ vantage, ...agent }) => ({ agent: { vantage }, ...agent }))(lab.scenario.agent),
        topology: {
          source: 'directory',
          directory: lab.snapshotDirectory,
          refresh: '10s',
          max_age: '1h',
          other_max_age: '1h',
        },
        targets: defaultTargets(lab, '30s'),
      }),
    })
    const { lab, log, metric } = running
    const changes = () =>
      log.items
        .filter(({ event }) => event === 'first_leg_changed')
        .map(({ before, leg }) => `${String(before)} > ${String(leg)}`)
    const legNow = async () => {
      const all = await Promise.all(
        ['direct_connect', 'vpn', 'unproven'].map(async (leg) => [
          leg,
          await metric(`pathproof_first_leg{target="artifacts",leg="${leg}"}`),
        ]),
      )
      return all.filter(([, value]) => value === 1).map(([leg]) => leg)
    }
    /** Until a trace of now is judged: traces are made anew each minute. */
    const settle = async (): Promise<void> => {
      for (let n = 0; n < 3; n++) await round(running!, clock, 30, 1)
    }
    await settle()
    expect(await legNow()).toEqual(['direct_connect'])
    expect(await metric('pathproof_requirement_met{target="artifacts"}')).toBe(1)
    const before = changes().length

    await lab.apply('vpn')
    await settle()
    expect(await legNow()).toEqual(['vpn'])
    expect(await metric('pathproof_requirement_met{target="artifacts"}')).toBe(0)
    expect(
      await metric(
        'pathproof_path_private{target="artifacts",hostname="artifacts-lab.s3.us-east-1.amazonaws.com",style="regional"}',
      ),
    ).toBe(1)
    expect(changes().slice(before)).toEqual(['direct_connect > vpn'])

    await lab.apply('back')
    await settle()
    expect(await legNow()).toEqual(['direct_connect'])
    expect(changes().slice(before)).toEqual(['direct_connect > vpn', 'vpn > direct_connect'])
    expect(await metric('pathproof_first_leg_changes_total{target="artifacts"}')).toBe(changes().length)
    const { text } = await running.get('/api/v1/verdicts')
    expect(JSON.parse(text)).toMatchObject({
      targets: [{ firstLeg: { leg: 'direct_connect', required: 'direct_connect', met: true } }],
    })
  }, 60_000)

  it('shows who answers what since when, and never lets it into the verdict', async () => {
    const clock = createHandClock()
    running = await startLabDaemon({
      scenario: 'split-horizon',
      clock,
      document: (lab) => ({
        ...surroundings(lab),
        ...(({ vantage, ...agent }) => ({ agent: { vantage }, ...agent }))(lab.scenario.agent),
        topology: {
          source: 'directory',
          directory: lab.snapshotDirectory,
          refresh: '10s',
          max_age: '1h',
          other_max_age: '1h',
        },
        targets: defaultTargets(lab, '30s'),
      }),
    })
    const { lab, metric } = running
    const labels = 'target="artifacts",hostname="artifacts-lab.s3.us-east-1.amazonaws.com",resolver="corp-2"'
    const view = async () => {
      const { targets } = JSON.parse((await running!.get('/api/v1/verdicts')).text) as {
        targets: {
          state: string
          names: { because: string[]; resolvers: { resolver: string; state: string; since: string }[] }[]
        }[]
      }
      const name = targets[0]?.names[0]
      return {
        state: targets[0]?.state,
        because: name?.because ?? [],
        corp: name?.resolvers.find((r) => r.resolver === 'corp-2'),
      }
    }
    await round(running, clock, 30, 1)
    const first = await view()
    expect(first.state).toBe('private')
    expect(first.corp?.state).toBe('different')
    expect(first.because.join()).toContain('its forwarding rule is missing')
    expect(await metric(`pathproof_resolver_state{${labels},state="different"}`)).toBe(1)
    await round(running, clock, 30, 1)
    expect((await view()).corp?.since).toBe(first.corp?.since)
    await lab.apply('rule-added')
    await round(running, clock, 30, 1)
    const mended = await view()
    expect(mended.corp?.state).toBe('same')
    expect(Date.parse(mended.corp?.since ?? '')).toBeGreaterThan(Date.parse(first.corp?.since ?? ''))
    expect(await metric(`pathproof_resolver_state{${labels},state="same"}`)).toBe(1)
  }, 60_000)
})

const traced: TraceResult = { traced: true, tool: 'mtr', hops: [{ ttl: 1, addresses: ['192.168.10.1'] }] }

describe('traces', () => {
  it('are made anew each interval, new destinations at once, old ones dropped', async () => {
    const clock = createHandClock()
    const made: string[] = []
    let wanted = ['10.0.1.1']
    let answer: TraceResult = traced
    const problems: string[] = []
    const traces = createTraces({
      clock,
      trace: ({ address }) => {
        made.push(address)
        return Promise.resolve(answer)
      },
      destinations: () => wanted.map((address) => ({ address, port: 443, source: null })),
      onProblem: (problem) => problems.push(problem),
      sleep: sleepBy(clock),
    })
    const stop = new AbortController()
    const ended = traces.run(60, stop.signal)
    await clock.advance(0)
    expect(made).toEqual(['10.0.1.1'])
    wanted = ['10.0.1.1', '10.0.1.2']
    await clock.advance(15_000)
    expect(made).toEqual(['10.0.1.1', '10.0.1.2'])
    await clock.advance(45_000)
    expect(made.filter((address) => address === '10.0.1.1')).toHaveLength(2)
    expect(traces.current()).toHaveLength(2)
    wanted = ['10.0.1.2']
    await clock.advance(15_000)
    expect(traces.current().map(({ address }) => address)).toEqual(['10.0.1.2'])
    answer = { traced: false, reason: 'not_installed', detail: 'mtr is not installed' }
    await clock.advance(200_000)
    expect(problems).toEqual(['trace: mtr is not installed'])
    expect(traces.problems()).toEqual(['trace: mtr is not installed'])
    stop.abort()
    await clock.advance(15_000)
    await ended
    await clock.advance(200_000)
    expect(traces.current()).toEqual([])
  })
})

describe('the Direct Connect API', () => {
  const reading = (atMs: number): DirectConnectResult => ({
    reading: { region: 'r', atMs, interfaces: [] },
    failures: [],
  })
  const refused: DirectConnectResult = {
    reading: null,
    failures: [
      {
        reason: 'denied',
        code: 'AccessDenied',
        permission: 'p',
        detail: 'p is missing',
        nextStep: 'allow it',
      },
    ],
  }
  it('is read in its rhythm; what is too old is dropped, and why is said once', async () => {
    const clock = createHandClock()
    let result: DirectConnectResult = reading(1)
    let region: string | null = null
    const problems: string[] = []
    const stop = new AbortController()
    const keeper = createDirectConnectKeeper({
      everySeconds: 60,
      region: () => region,
      read: () => Promise.resolve(result),
      clock,
      onProblem: (problem) => problems.push(problem),
      sleep: sleepBy(clock),
      random: () => 0.5,
      signal: stop.signal,
    })
    const ended = keeper.run()
    await clock.advance(0)
    expect([keeper.current(), problems]).toEqual([
      null,
      ['direct_connect: no region is known: give direct_connect.region'],
    ])
    region = 'eu-west-1'
    await clock.advance(60_000)
    expect(keeper.current()?.atMs).toBe(1)
    result = refused
    await clock.advance(120_000)
    expect(keeper.current()?.atMs).toBe(1)
    expect(problems.slice(1)).toEqual(['direct_connect: p is missing; allow it'])
    await clock.advance(120_000)
    expect(keeper.current()).toBeNull()
    stop.abort()
    await clock.advance(60_000)
    await ended
  })
})
