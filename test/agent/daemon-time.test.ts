import { Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { HostAccess } from '../../model/host.ts'
import {
  defaultTargets,
  type LabDaemonOptions,
  type RunningDaemon,
  round,
  startLabDaemon,
  surroundings,
} from '../support/lab-daemon.ts'
import { createHandClock, type HandClock } from './hand-clock.ts'

let running: RunningDaemon
let clock: HandClock
beforeEach(() => {
  // The lab's certificates and OpenSSL go by the machine's own date.
  clock = createHandClock(1_000, Date.now())
})
afterEach(() => running.stop())

const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const gauge = `pathproof_path_private{target="artifacts",hostname="${s3}",style="regional"}`
const met = 'pathproof_requirement_met{target="artifacts"}'

/** A gateway endpoint, and a step (`read`) that changes nothing but the date of the snapshot. */
const scenario = `name: steady
title: One route
story: A gateway endpoint; the account is read anew whenever the test says so.
names: [{ target: artifacts, hostname: ${s3} }, { target: sts, hostname: sts.us-east-1.amazonaws.com }]
steps:
  - { after: 1s, name: read, title: The account is read, change: {} }
  - { after: 2s, name: cut, title: The route goes, change: { tables: [{ id: rtb-0a000001, removeRoutes: [pl-63a5400a] }] } }
  - { after: 3s, name: mend, title: The route comes, change: { tables: [{ id: rtb-0a000001, addRoutes: ['pl-63a5400a -> vpce-0a000053'] }] } }
expect: [{ hostname: ${s3}, state: private }]
`

async function begin(every: string, host?: LabDaemonOptions['host']): Promise<void> {
  running = await startLabDaemon({
    scenario,
    clock,
    document: (lab) => ({ ...surroundings(lab), targets: defaultTargets(lab, every) }),
    ...(host === undefined ? {} : { host }),
  })
  await round(running, clock, 10, 2)
  expect(await running.metric(gauge)).toBe(1)
  expect(await running.metric(met)).toBe(1)
}

/** An attempt of the bad time stays the word on its address for its life, three intervals; the gauge waits for that. */
async function recovers(seconds: number): Promise<void> {
  for (let slot = 0; slot < 6 && (await running.metric(gauge)) !== 1; slot++)
    await round(running, clock, seconds, 2, 'read')
  expect(await running.metric(gauge)).toBe(1)
  expect(await running.metric(met)).toBe(1)
}

const verdictNow = () => running.daemon.verdicts().find((v) => v.target === 'artifacts')

describe('time', () => {
  it('takes the gauge down as soon as the snapshot shows the route gone, before the next cycle, and up by a new cycle only', async () => {
    await begin('300s')
    let from = running.verdicts.items.length
    await running.lab.apply('cut')
    await clock.advance(10_000)
    await running.verdicts.until('judged again', (all) =>
      all.slice(from).some((v) => v.target === 'artifacts'),
    )
    expect(await running.metric(gauge)).toBe(0)
    expect(await running.metric(met)).toBe(0)
    // What was possible before the change still is: this attempt may have gone either way.
    expect(verdictNow()?.state).toBe('undetermined')

    await round(running, clock, 300, 2, 'read')
    expect(verdictNow()?.state).toBe('public')
    expect(
      verdictNow()
        ?.names[0]?.fix.map((fix) => fix.command)
        .join(' '),
    ).toContain('aws ec2')

    from = running.verdicts.items.length
    await running.lab.apply('mend')
    await clock.advance(10_000)
    await running.verdicts.until('judged again', (all) =>
      all.slice(from).some((v) => v.target === 'artifacts'),
    )
    expect(await running.metric(gauge)).toBe(0)
    await recovers(300)
  })

  it('takes the gauge down when the snapshot grows stale, and up with a fresh one', async () => {
    await begin('30s')
    for (let slot = 0; slot < 3; slot++) await round(running, clock, 30, 2)
    expect(await running.metric(gauge)).toBe(1)
    for (let slot = 0; slot < 4; slot++) await round(running, clock, 30, 2)
    expect(await running.metric(gauge)).toBe(0)
    expect(verdictNow()?.state).toBe('undetermined')
    expect(JSON.stringify(verdictNow())).toMatch(
      /describe-route-tables\.json was \d+ s old, older than 180 s/,
    )
    await recovers(30)
  })

  it('believes no verdict longer than three intervals and the deadline, and stops though a look hangs', async () => {
    let hang = false
    await begin('60s', (real) => ({
      ...real,
      hostRoute: (to, from) => (hang ? new Promise(() => undefined) : real.hostRoute(to, from)),
    }))
    hang = true
    // 3 × 60 s and twice the time-out of 2 s from the start of the cycle, which began within these 20 s.
    await clock.advance(160_000)
    expect(await running.metric(gauge)).toBe(1)
    await clock.advance(25_000)
    expect(await running.metric(gauge)).toBe(0)
    expect(await running.metric(met)).toBe(0)
    expect(verdictNow()?.names[0]?.because[0]).toContain('no verdict in time')
    expect((await running.get('/metrics')).text).toMatch(
      /pathproof_probe_skipped_total\{[^}]*reason="overlap"[^}]*\} [1-9]/,
    )
  })

  it('a machine that slept wakes up with nothing proven', async () => {
    await begin('30s')
    await clock.sleep(8 * 3600_000)
    expect(await running.metric(gauge)).toBe(0)
    expect((await running.get('/metrics')).text).toMatch(
      /pathproof_probe_skipped_total\{[^}]*reason="suspended"[^}]*\} [1-9]/,
    )
    await recovers(30)
  })

  it('a wall clock that is set ahead makes the snapshot too old, not the verdicts wrong', async () => {
    await begin('30s')
    clock.stepWall(3600_000)
    await round(running, clock, 30, 2)
    expect(await running.metric(gauge)).toBe(0)
    await recovers(30)
  })

  it('a wall clock that is set back does not make an old snapshot young', async () => {
    await begin('30s')
    for (let slot = 0; slot < 8; slot++) await round(running, clock, 30, 2)
    expect(await running.metric(gauge)).toBe(0)
    // By the wall clock alone the snapshot would be within its limit again.
    clock.stepWall(-245_000)
    // Long enough for the attempts of before to be over, short enough that by the wall clock it would stay young.
    for (let slot = 0; slot < 4; slot++) {
      await round(running, clock, 30, 2)
      expect(await running.metric(gauge), `slot ${slot}`).toBe(0)
    }
    await recovers(30)
  })

  it('a target that times out for hours is judged at every slot, and is private again when it answers', async () => {
    let silent = false
    let open = 0
    let most = 0
    await begin('300s', (real: HostAccess) => ({
      ...real,
      dial: (to) => {
        // Only S3 is silent; STS answers, so that the way itself is known to work.
        if (!silent || to.address.startsWith('209.')) return real.dial(to)
        const socket = new Socket()
        most = Math.max(most, ++open)
        socket.once('close', () => open--)
        const error = Object.assign(new Error('connect ETIMEDOUT'), { code: 'ETIMEDOUT', syscall: 'connect' })
        process.nextTick(() => socket.destroy(error))
        return { socket, local: () => ({ address: '10.0.1.50', port: 40_000 }) }
      },
    }))
    silent = true
    // Two hours. The first quarter still holds addresses that answered before; after it none is left.
    for (let slot = 0; slot < 24; slot++) {
      await round(running, clock, 300, 2, 'read')
      expect(await running.metric(met), `slot ${slot}`).toBe(0)
    }
    expect(['blocked', 'undetermined']).toContain(verdictNow()?.state)
    expect([open, most]).toEqual([0, 1])
    expect(running.log.items.filter((line) => line['level'] === 'error')).toEqual([])
    silent = false
    await recovers(300)
  }, 120_000)
})
