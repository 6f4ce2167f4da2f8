/** Ways out and posture in the running daemon, over the lab: metrics, documents, records by the log. */
import { afterEach, expect, test } from 'vitest'
import type { Lab } from '../../lab/lab.ts'
import { type RunningDaemon, defaultTargets, startLabDaemon, surroundings } from '../support/lab-daemon.ts'

let running: RunningDaemon | null = null
afterEach(async () => {
  await running?.stop()
  running = null
})

// STS stands where only a public path leads; what nobody plays would be silent
const document = (lab: Lab) => ({
  ...surroundings(lab),
  targets: defaultTargets(lab),
  egress: {
    every: '5s',
    timeout: '2s',
    must_fail: [
      { name: 'far-443', url: 'tls://209.54.177.164', control: defaultTargets(lab)[0]?.name ?? '' },
    ],
  },
})

const metric = (name: string, labels: string) => running?.metric(`pathproof_${name}{${labels}}`)
const json = async (path: string) => {
  const { status, text } = (await running?.get(path)) ?? { status: 0, text: '{}' }
  return { status, body: JSON.parse(text) as Record<string, unknown> }
}

test('a NAT gateway leads out: open, and posture says by what', { timeout: 30_000 }, async () => {
  running = await startLabDaemon({ scenario: '01-gateway-endpoint', document })
  await running.log.until('egress_open', (lines) => lines.some(({ event }) => event === 'egress_open'))
  expect(await metric('egress_state', 'check="far-443",state="open"')).toBe(1)
  expect(await json('/api/v1/egress')).toMatchObject({
    status: 200,
    body: {
      schema: 'pathproof.egress/1',
      checks: [
        {
          check: 'far-443',
          state: 'open',
          everySeconds: 5,
          findings: [{ look: { family: 4, address: '209.54.177.164', reached: 'tls' } }],
        },
      ],
    },
  })
  await expect.poll(() => metric('posture_state', 'check="no_nat_gateway",state="fail"')).toBe(1)
  const { status, body } = await json('/api/v1/posture')
  expect(status).toBe(200)
  expect(body).toMatchObject({ schema: 'pathproof.posture/1' })
  const checks = Object.fromEntries(
    (body['checks'] as { check: string; state: string }[]).map(({ check, state }) => [check, state]),
  )
  expect(checks).toMatchObject({
    no_default_route: 'fail',
    no_public_address: 'pass',
    block_public_access: 'unknown',
  })
})

test('nothing leads out: blocked beside a control', { timeout: 30_000 }, async () => {
  running = await startLabDaemon({ scenario: '19-nat-of-every-kind', document })
  await expect
    .poll(() => metric('egress_state', 'check="far-443",state="blocked"'), { timeout: 20_000 })
    .toBe(1)
  expect(await json('/api/v1/egress')).toMatchObject({
    body: { checks: [{ state: 'blocked', findings: [{ control: { good: true } }] }] },
  })
  expect(running.log.items.filter(({ event }) => event === 'egress_open')).toEqual([])
})

test('without checks and switched off there are neither series nor documents', {
  timeout: 30_000,
}, async () => {
  running = await startLabDaemon({
    scenario: '08-interface-endpoint',
    document: (lab) => ({ ...surroundings(lab), targets: defaultTargets(lab), posture: { enabled: false } }),
  })
  const metrics = (await running.get('/metrics')).text
  expect(metrics).not.toMatch(/pathproof_(egress|posture)_state\{/)
  expect((await running.get('/api/v1/egress')).status).toBe(404)
  expect((await running.get('/api/v1/posture')).status).toBe(404)
})
