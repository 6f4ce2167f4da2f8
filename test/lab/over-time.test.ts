/** Scenarios that only time shows: the real daemon on a clock moved by hand, the account read by its API over the wire. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProgramCommand } from '../../agent/child.ts'
import type { Lab } from '../../lab/lab.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import { createHandClock, type HandClock } from '../agent/hand-clock.ts'
import { createFeed, type Feed } from '../support/feed.ts'
import {
  defaultTargets,
  type LabDaemonOptions,
  round,
  type RunningDaemon,
  startLabDaemon,
  surroundings,
} from '../support/lab-daemon.ts'
import { readerWithin } from '../support/reader-within.ts'

const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const gauge = `pathproof_path_private{target="artifacts",hostname="${s3}",style="regional"}`
const met = 'pathproof_requirement_met{target="artifacts"}'

let directory = ''
let clock: HandClock
let running: RunningDaemon | null = null
/** Each reading of the account that has come to its end. */
let readings: Feed<string>

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-over-time-'))
  // the lab's certificates and OpenSSL go by the machine's own date
  clock = createHandClock(1_000, Date.now())
  readings = createFeed((all) => `${all.length} readings`)
})
afterEach(async () => {
  await running?.stop()
  running = null
  await rm(directory, { recursive: true, force: true })
})

function reader(): ProgramCommand {
  const within = readerWithin(() => clock.wallMs())
  return {
    async within(...asked) {
      if (!('within' in within)) throw new Error('no reader')
      const answer = await within.within(...asked)
      // told when the daemon has taken it in, which it does without waiting for anything
      setImmediate(() => readings.push(answer))
      return answer
    },
  }
}

async function begin(scenario: string, more: Partial<LabDaemonOptions> = {}): Promise<RunningDaemon> {
  running = await startLabDaemon({
    scenario,
    clock,
    program: reader(),
    document: (lab) => byApi(lab, { targets: defaultTargets(lab, '30s') }),
    host: (host) => ({ ...host, environment: { ...host.environment, STATE_DIRECTORY: directory } }),
    ...more,
  })
  return running
}

const byApi = (lab: Lab, more: object = {}) => ({
  ...surroundings(lab),
  topology: { source: 'aws' },
  ...more,
})

/** Lets time go by until the account has been read once more, and what follows from that has been done. */
async function readAgain(daemon: RunningDaemon, seconds = 70): Promise<void> {
  const before = readings.items.length
  await clock.advance(seconds * 1000)
  await readings.until('a reading', (all) => all.length > before)
  await daemon.daemon.settled()
}

const now = (daemon: RunningDaemon, target = 'artifacts'): TargetVerdict | undefined =>
  daemon.daemon.verdicts().find((v) => v.target === target)
const copy = () => readFile(join(directory, 'snapshot.json'), 'utf8').catch(() => '')
const event = (daemon: RunningDaemon, name: string) =>
  daemon.log.items.filter((line) => line['event'] === name)

describe('a restart while the API refuses, with a copy of before on disk', () => {
  /** The daemon once with its permissions, and stopped; then the clock moves. */
  async function leaveCopy(seconds: number): Promise<void> {
    const daemon = await begin('api-denied')
    await round(daemon, clock, 30, 1)
    expect(now(daemon)?.state).toBe('private')
    await expect.poll(copy).toMatch(/pathproof\.last-good\/1/)
    await daemon.stop()
    running = null
    await clock.advance(seconds * 1000)
  }

  const denied = `name: denied
title: Every call is refused
story: The role has lost its permissions.
api: { deny: [all] }
names: [{ target: artifacts, service: s3, region: us-east-1, bucket: artifacts-lab, styles: [regional] }]
expect: [{ hostname: ${s3}, state: undetermined, because: the account can't be read }]
`

  async function restart(): Promise<RunningDaemon> {
    const daemon = await begin(denied)
    await readings.until('a refused reading', (all) => all.at(-1)?.includes('UnauthorizedOperation'))
    expect(event(daemon, 'last_good')[0]).toMatchObject({
      source: expect.stringMatching(/^copy on disk of: EC2 API/),
    })
    expect(event(daemon, 'topology_problem').map((line) => line['problem'])).toContainEqual(
      expect.stringMatching(/ec2:DescribeRouteTables/),
    )
    expect(
      await daemon.metric('pathproof_topology_errors_total{part="routeTables",reason="denied"}'),
    ).toBeGreaterThan(0)
    expect(await daemon.metric('pathproof_topology_last_success_timestamp_seconds')).toBe(0)
    return daemon
  }

  it('that is younger than its limit stands, until it is not', async () => {
    await leaveCopy(60)
    const daemon = await restart()
    const copied = await copy()
    await round(daemon, clock, 30, 1)
    expect(now(daemon)).toMatchObject({ state: 'private', met: true })
    expect(await daemon.metric(gauge)).toBe(1)
    for (let slot = 0; slot < 8; slot++) await round(daemon, clock, 30, 1)
    expect(now(daemon)).toMatchObject({ state: 'undetermined', met: false })
    expect([await daemon.metric(gauge), await daemon.metric(met)]).toEqual([0, 0])
    expect(JSON.stringify(now(daemon))).toMatch(/describe-route-tables\.json was \d+ s old, older than 180 s/)
    // what was refused is no reason to make the copy look younger
    expect(await copy()).toBe(copied)
  })

  it('that is older than its limit is no evidence, and the verdict says so', async () => {
    await leaveCopy(185)
    const daemon = await restart()
    await round(daemon, clock, 30, 1)
    expect(now(daemon)).toMatchObject({ state: 'undetermined', met: false })
    expect([await daemon.metric(gauge), await daemon.metric(met)]).toEqual([0, 0])
    expect(JSON.stringify(now(daemon))).toMatch(/describe-route-tables\.json was \d+ s old, older than 180 s/)
    const told = now(daemon)?.names[0]
    expect([...(told?.because ?? []), ...(told?.wouldDecide ?? [])].join('\n')).not.toBe('')
  })
})

it('permissions that are taken away while it runs: the readings age, and the verdict with them', async () => {
  const daemon = await begin('api-denied')
  await round(daemon, clock, 30, 1)
  expect(await daemon.metric(gauge)).toBe(1)
  await daemon.lab.apply('denied')
  await readAgain(daemon)
  expect(await daemon.metric(gauge)).toBe(1)
  for (let slot = 0; slot < 8; slot++) await round(daemon, clock, 30, 1)
  expect(now(daemon)).toMatchObject({ state: 'undetermined', met: false })
  expect(await daemon.metric(gauge)).toBe(0)
  await daemon.lab.apply('allowed')
  await readAgain(daemon)
  // what is not a route table is read every five minutes
  for (let slot = 0; slot < 12 && (await daemon.metric(gauge)) !== 1; slot++)
    await round(daemon, clock, 30, 1)
  expect(now(daemon)).toMatchObject({ state: 'private', met: true })
})

it('a discovered endpoint that is deleted: its target turns, and is still there after a restart', async () => {
  const discovered = (daemon: RunningDaemon) =>
    daemon.log.until('discovery', (all) => all.some((line) => line['event'] === 'discovered'))
  let daemon = await begin('endpoint-gone', { document: (lab) => byApi(lab) })
  await discovered(daemon)
  // those of the services in question whose names this world knows
  const targets = 10
  await round(daemon, clock, 35, targets)
  expect(now(daemon, 'ssm')).toMatchObject({ state: 'private', met: true, require: { kind: 'private' } })
  await daemon.lab.apply('deleted')
  await readAgain(daemon, 340)
  // its freed address is dialled still, and what was connected before the reading may have gone either way
  expect(now(daemon, 'ssm')).toMatchObject({ met: false, require: { kind: 'private' } })
  expect(now(daemon, 'ssm')?.state).not.toBe('private')
  expect(await daemon.metric('pathproof_requirement_met{target="ssm"}')).toBe(0)
  await daemon.stop()
  running = null
  // the same account without the endpoint: nothing but the disk remembers that there was one
  daemon = await begin(
    'name: after\ntitle: No endpoint\nstory: It is gone.\nnames: [{ target: ssm, hostname: ssm.us-east-1.amazonaws.com }]\nexpect: [{ hostname: ssm.us-east-1.amazonaws.com, state: public }]\n',
    { document: (lab) => byApi(lab) },
  )
  await round(daemon, clock, 35, targets)
  expect(now(daemon, 'ssm')).toMatchObject({ state: 'public', met: false, require: { kind: 'private' } })
})

it('a server that accepts and never answers leaves no 1 behind: the verdict ends with its life', async () => {
  const targets = (lab: Lab) => defaultTargets(lab, '60s').map((target) => ({ ...target, timeout: '25s' }))
  const daemon = await begin('silent-server', { document: (lab) => byApi(lab, { targets: targets(lab) }) })
  await round(daemon, clock, 60, 1)
  expect([await daemon.metric(gauge), await daemon.metric(met)]).toEqual([1, 1])
  await daemon.lab.apply('silent')
  // three intervals and twice the time-out, from the start of the last look that came to its end
  await clock.advance(160_000)
  expect(await daemon.metric(gauge)).toBe(1)
  await clock.advance(75_000)
  expect([await daemon.metric(gauge), await daemon.metric(met)]).toEqual([0, 0])
  expect(now(daemon)).toMatchObject({ state: 'undetermined', met: false })
  expect(now(daemon)?.names[0]?.because[0]).toContain('no verdict in time')
  expect((await daemon.get('/metrics')).text).toMatch(
    /pathproof_probe_skipped_total\{[^}]*reason="overlap"[^}]*\} [1-9]/,
  )
})

it('a route that changes between two readings: a connection in between may have gone either way', async () => {
  const daemon = await begin('route-withdrawn')
  await round(daemon, clock, 30, 1)
  expect(now(daemon)?.state).toBe('private')
  await daemon.lab.apply('withdrawn')
  const from = daemon.verdicts.items.length
  await readAgain(daemon)
  await round(daemon, clock, 30, 1)
  const states = daemon.verdicts.items.slice(from).map((v) => v.state)
  expect(states).toContain('undetermined')
  expect(states.at(-1)).toBe('public')
  expect(await daemon.metric(gauge)).toBe(0)
  await daemon.lab.apply('put-back')
  await readAgain(daemon)
  // what was connected before this reading may still have gone by the NAT gateway
  expect(await daemon.metric(gauge)).toBe(0)
  for (let slot = 0; slot < 8 && (await daemon.metric(gauge)) !== 1; slot++) await round(daemon, clock, 30, 1)
  expect(now(daemon)).toMatchObject({ state: 'private', met: true })
})

it('a dump without dates: the daemon takes nothing from it and says so', async () => {
  const document = (lab: Lab) => ({ ...surroundings(lab), targets: defaultTargets(lab, '30s') })
  const daemon = await begin('undated-dump', { document })
  await round(daemon, clock, 30, 2)
  expect(now(daemon)).toMatchObject({ state: 'undetermined', met: false })
  expect(await daemon.metric(gauge)).toBe(0)
  expect(JSON.stringify(now(daemon))).toMatch(/undated/)
})
