/** The canary as the daemon runs it, against a bucket whose policy the lab evaluates by the way each request came in. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ProgramCommand } from '../../agent/child.ts'
import { canaryPolicy } from '../../aws/bucket-policy.ts'
import type { Lab } from '../../lab/lab.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import { createHandClock, type HandClock } from '../agent/hand-clock.ts'
import { defaultTargets, type RunningDaemon, startLabDaemon, surroundings } from '../support/lab-daemon.ts'
import { readerWithin } from '../support/reader-within.ts'

const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const endpoint = 'vpce-0a000053'

let clock: HandClock
let running: RunningDaemon | null = null
let busy = 0

beforeEach(() => {
  clock = createHandClock(1_000, Date.now())
  busy = 0
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
      busy++
      try {
        return await within.within(...asked)
      } finally {
        setImmediate(() => busy--)
      }
    },
  }
}

const policy = JSON.stringify(
  canaryPolicy({
    partition: 'aws',
    bucket: 'artifacts-lab',
    positive: 'positive',
    negative: 'negative',
    endpoint,
    vpcId: 'vpc-0a000001',
    sourceAddresses: ['10.0.1.50'],
  }),
)

const scenario = (more: string) => `name: canary
title: Canary
story: A bucket whose policy tells by which way a request came in.
names: [{ target: artifacts, service: s3, region: us-east-1, bucket: artifacts-lab, styles: [regional] }]
records:
  s3:
    buckets:
      - name: artifacts-lab
        region: us-east-1
        owner: '111122223333'
        policy: ${policy}
        objects:
          - { key: control, body: c, encryption: AES256 }
          - { key: positive, body: p, encryption: AES256 }
          - { key: negative, body: n, encryption: AES256 }
${more}
expect: [{ hostname: ${s3}, state: private }]
`

async function begin(text: string): Promise<RunningDaemon> {
  running = await startLabDaemon({
    scenario: text,
    clock,
    program: reader(),
    document: (lab: Lab) => ({
      ...surroundings(lab),
      topology: { source: 'aws' },
      canary: {
        every: '60s',
        bucket: 'artifacts-lab',
        control: 'control',
        positive: 'positive',
        negative: 'negative',
        endpoint,
        source_ip: true,
      },
      targets: defaultTargets(lab, '30s').map((one) => ({ ...one, evidence_age: '10m' })),
    }),
  })
  return running
}

async function minutes(daemon: RunningDaemon, count: number): Promise<void> {
  for (let step = 0; step < count * 6; step++) {
    await clock.advance(10_000)
    await daemon.daemon.settled()
    await expect.poll(() => busy, { timeout: 20_000 }).toBe(0)
    await expect.poll(() => daemon.lab.records.recorder.open(), { timeout: 20_000 }).toBe(0)
  }
}

const now = (daemon: RunningDaemon): TargetVerdict | undefined =>
  daemon.daemon.verdicts().find((v) => v.target === 'artifacts')

const name = (daemon: RunningDaemon) => now(daemon)?.names[0]
const gauge = `pathproof_path_private{target="artifacts",hostname="${s3}",style="regional"}`
const denied = 'api: { deny: [DescribeRouteTables, DescribeVpcEndpoints] }'

it('attests the way where the account can not be read, one address after the other', async () => {
  const daemon = await begin(scenario(denied))
  await minutes(daemon, 1)
  expect(now(daemon)?.state).toBe('undetermined')
  for (let waited = 0; waited < 15 && now(daemon)?.state !== 'private'; waited++) await minutes(daemon, 1)
  expect(name(daemon)).toMatchObject({
    state: 'private',
    proof: 'attested',
    confirmation: 'confirmed',
    possible: ['gateway_endpoint'],
  })
  expect(name(daemon)?.because.join('\n')).toMatch(/as of 20/)
  expect(await daemon.metric(gauge)).toBe(1)
}, 60_000)

it('attests nothing once the policy has been loosened, and says what is wrong with it', async () => {
  const open = policy.replaceAll('"aws:SourceVpce":"vpce-0a000053"', '"aws:SourceVpce":"vpce-0a0000ff"')
  const daemon = await begin(scenario(denied).replace(policy, open))
  await minutes(daemon, 6)
  expect(name(daemon)?.state).toBe('undetermined')
  expect(JSON.stringify(name(daemon))).not.toMatch(/"rank":"attested","possible":\["gateway_endpoint"/)
  expect(await daemon.metric(gauge)).toBe(0)
}, 60_000)

it('makes a path public at once whose packets go by a NAT gateway although the tables say endpoint', async () => {
  const daemon = await begin(
    scenario('beneath: { tables: [{ id: rtb-0a000001, removeRoutes: [pl-63a5400a] }] }'),
  )
  await minutes(daemon, 3)
  expect(await daemon.metric(gauge)).toBe(0)
  expect(await daemon.metric(gauge.replace('path_private', 'tainted'))).toBe(1)
  const said = JSON.stringify(name(daemon))
  expect(said).toMatch(/by no endpoint|no endpoint/)
  expect(said).toMatch(/vpce-0a000053/)
}, 60_000)
