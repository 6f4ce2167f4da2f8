/** Flow logs as the daemon meets them: the lab writes records of its own packets, minutes late, read by the real SDK. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProgramCommand } from '../../agent/child.ts'
import type { Lab } from '../../lab/lab.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import { createHandClock, type HandClock } from '../agent/hand-clock.ts'
import { defaultTargets, type RunningDaemon, startLabDaemon, surroundings } from '../support/lab-daemon.ts'
import { readerWithin } from '../support/reader-within.ts'

const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const labels = `{target="artifacts",hostname="${s3}",style="regional"}`
const gauge = `pathproof_path_private${labels}`

let clock: HandClock
let running: RunningDaemon | null = null
/** Readings of the account or of records that are under way. */
let reading = 0

beforeEach(() => {
  clock = createHandClock(1_000, Date.now())
  reading = 0
})
afterEach(async () => {
  await running?.stop()
  running = null
})

function reader(): ProgramCommand {
  const within = readerWithin(() => clock.wallMs())
  return {
    async within(...asked) {
      if (!('within' in within)) throw new Error('no reader')
      reading++
      try {
        return await within.within(...asked)
      } finally {
        // taken in before anybody looks
        setImmediate(() => reading--)
      }
    },
  }
}

const scenario = (world: string, more = '') => `name: flow
title: Flow logs
story: A private subnet with a gateway endpoint, whose network is recorded.
world: ${world}
${more}
names: [{ target: artifacts, service: s3, region: us-east-1, bucket: artifacts-lab, styles: [regional] }]
expect: [{ hostname: ${s3}, state: private }]
`

async function begin(text: string, target: object = {}): Promise<RunningDaemon> {
  running = await startLabDaemon({
    scenario: text,
    clock,
    program: reader(),
    document: (lab: Lab) => ({
      ...surroundings(lab),
      topology: { source: 'aws' },
      flow_logs: { enabled: true },
      targets: defaultTargets(lab, '30s').map((one) => ({ ...one, ...target })),
    }),
  })
  return running
}

/** Lets minutes go by, in steps in which what is on the wire comes to its end. */
async function minutes(daemon: RunningDaemon, count: number): Promise<void> {
  for (let step = 0; step < count * 6; step++) {
    await clock.advance(10_000)
    await daemon.daemon.settled()
    await expect.poll(() => daemon.lab.records.recorder.open(), { timeout: 20_000 }).toBe(0)
    await expect.poll(() => reading, { timeout: 20_000 }).toBe(0)
  }
}

const now = (daemon: RunningDaemon): TargetVerdict | undefined =>
  daemon.daemon.verdicts().find((v) => v.target === 'artifacts')

it('a private verdict is pending first, and confirmed by the record of its own packets', async () => {
  const daemon = await begin(scenario('{ flowLogs: [{ id: fl-0a000001, resource: vpc-0a000001 }] }'), {
    min_proof: 'observed',
  })
  await minutes(daemon, 2)
  expect(now(daemon)).toMatchObject({ state: 'private', met: false })
  expect(now(daemon)?.names[0]).toMatchObject({ proof: 'configured', confirmation: 'pending' })
  expect(await daemon.metric(gauge)).toBe(1)
  await minutes(daemon, 8)
  expect(now(daemon)).toMatchObject({ state: 'private', met: true })
  expect(now(daemon)?.names[0]).toMatchObject({ confirmation: 'confirmed', confirmedProof: 'observed' })
  expect(await daemon.metric(`pathproof_last_confirmed_timestamp_seconds${labels}`)).toBeGreaterThan(0)
  expect(await daemon.metric('pathproof_flowlog_attempts_total{result="confirmed"}')).toBeGreaterThan(0)
  expect(await daemon.metric('pathproof_flowlog_lag_seconds')).toBeGreaterThan(200)
  const census = JSON.parse((await daemon.get('/api/v1/census')).text) as { sentences: string[] }
  expect(census.sentences.join('\n')).toMatch(/flows? to S3/)
}, 60_000)

describe('tables that say endpoint while the packets go by a NAT gateway', () => {
  it('hold the gauge at 0 from the first late record until packets really go by the endpoint', async () => {
    const daemon = await begin(
      scenario(
        '{ flowLogs: [{ id: fl-0a000001, resource: vpc-0a000001, deliverySeconds: 600 }] }',
        `beneath: { tables: [{ id: rtb-0a000001, removeRoutes: [pl-63a5400a] }] }
steps: [{ after: 59m, name: mended, title: Mended, beneath: {} }]`,
      ),
    )
    await minutes(daemon, 5)
    // The account says so, and no record has come: that is what can be known now.
    expect(now(daemon)?.state).toBe('private')
    await minutes(daemon, 9)
    expect(now(daemon)?.state).not.toBe('private')
    expect(await daemon.metric(gauge)).toBe(0)
    expect(await daemon.metric(`pathproof_tainted${labels}`)).toBe(1)
    const because = JSON.stringify(now(daemon))
    expect(because).toMatch(/late records contradicted/)
    expect(because).toMatch(/vpce-/)
    await minutes(daemon, 3)
    expect(await daemon.metric(gauge)).toBe(0)
    await daemon.lab.apply('mended')
    await minutes(daemon, 8)
    // Mended, and not shown yet by any record.
    expect(await daemon.metric(gauge)).toBe(0)
    // Each address that had shown it must be confirmed by records of its own; they are dialled in turn.
    for (let waited = 0; waited < 60 && (await daemon.metric(gauge)) === 0; waited++) await minutes(daemon, 1)
    expect(await daemon.metric(gauge)).toBe(1)
    expect(now(daemon)?.names[0]?.confirmation).toBe('confirmed')
    expect(await daemon.metric('pathproof_flowlog_attempts_total{result="contradicted"}')).toBeGreaterThan(0)
  }, 120_000)
})

it('a log in the default format changes nothing, and the format to ask for is told', async () => {
  const daemon = await begin(
    scenario('{ flowLogs: [{ id: fl-0a000001, resource: vpc-0a000001, format: null }] }'),
  )
  await minutes(daemon, 4)
  expect(now(daemon)?.names[0]).toMatchObject({
    state: 'private',
    proof: 'configured',
    confirmation: 'unavailable',
  })
  const page = (await daemon.get('/')).text
  expect(page).toMatch(/lacks what decides the path/)
}, 60_000)
