/** Flow logs as the daemon meets them: the lab writes records of its own packets, minutes late, read by the real SDK. */
import { afterEach, describe, expect, it } from 'vitest'
import { type DrivenDaemon, startDriven } from '../support/driven-daemon.ts'
import { defaultTargets, surroundings } from '../support/lab-daemon.ts'

const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const labels = `{target="artifacts",hostname="${s3}",style="regional"}`
const gauge = `pathproof_path_private${labels}`

let running: DrivenDaemon | null = null
afterEach(async () => {
  await running?.stop()
  running = null
})

const scenario = (world: string, more = '') => `name: flow
title: Flow logs
story: A private subnet with a gateway endpoint, whose network is recorded.
world: ${world}
${more}
names: [{ target: artifacts, service: s3, region: us-east-1, bucket: artifacts-lab, styles: [regional] }]
expect: [{ hostname: ${s3}, state: private }]
`

async function begin(text: string, target: object = {}): Promise<DrivenDaemon> {
  running = await startDriven({
    scenario: text,
    document: (lab) => ({
      ...surroundings(lab),
      topology: { source: 'aws' },
      flow_logs: { enabled: true },
      targets: defaultTargets(lab, '30s').map((one) => ({ ...one, ...target })),
    }),
  })
  return running
}

const now = (daemon: DrivenDaemon) => daemon.verdict('artifacts')

it('a private verdict is pending first, and confirmed by the record of its own packets', async () => {
  const daemon = await begin(scenario('{ flowLogs: [{ id: fl-0a000001, resource: vpc-0a000001 }] }'), {
    min_proof: 'observed',
  })
  await daemon.minutes(2)
  expect(now(daemon)).toMatchObject({ state: 'private', met: false })
  expect(now(daemon)?.names[0]).toMatchObject({ proof: 'configured', confirmation: 'pending' })
  expect(await daemon.metric(gauge)).toBe(1)
  await daemon.minutes(8)
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
    await daemon.minutes(5)
    // The account says so, and no record has come: that is what can be known now.
    expect(now(daemon)?.state).toBe('private')
    await daemon.minutes(9)
    expect(now(daemon)?.state).not.toBe('private')
    expect(await daemon.metric(gauge)).toBe(0)
    expect(await daemon.metric(`pathproof_tainted${labels}`)).toBe(1)
    const because = JSON.stringify(now(daemon))
    expect(because).toMatch(/late records contradicted/)
    expect(because).toMatch(/vpce-/)
    await daemon.minutes(3)
    expect(await daemon.metric(gauge)).toBe(0)
    await daemon.lab.apply('mended')
    await daemon.minutes(8)
    // Mended, and not shown yet by any record.
    expect(await daemon.metric(gauge)).toBe(0)
    // Each address that had shown it must be confirmed by records of its own; they are dialled in turn.
    for (let waited = 0; waited < 60 && (await daemon.metric(gauge)) === 0; waited++) await daemon.minutes(1)
    expect(await daemon.metric(gauge)).toBe(1)
    expect(now(daemon)?.names[0]?.confirmation).toBe('confirmed')
    expect(await daemon.metric('pathproof_flowlog_attempts_total{result="contradicted"}')).toBeGreaterThan(0)
  }, 120_000)
})

it('a log in the default format changes nothing, and the format to ask for is told', async () => {
  const daemon = await begin(
    scenario('{ flowLogs: [{ id: fl-0a000001, resource: vpc-0a000001, format: null }] }'),
  )
  await daemon.minutes(4)
  expect(now(daemon)?.names[0]).toMatchObject({
    state: 'private',
    proof: 'configured',
    confirmation: 'unavailable',
  })
  const page = (await daemon.get('/')).text
  expect(page).toMatch(/lacks what decides the path/)
}, 60_000)
