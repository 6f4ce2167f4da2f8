import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { imdsEndpoint } from '../../aws/imds.ts'
import type { HostAccess } from '../../model/host.ts'
import {
  defaultTargets,
  round,
  type LabDaemonOptions,
  type RunningDaemon,
  startLabDaemon,
  surroundings,
} from '../support/lab-daemon.ts'
import { createHandClock, type HandClock } from './hand-clock.ts'

const scenario = `
name: discovery
title: Endpoints that come and go
story: S3 has a gateway endpoint, Systems Manager an interface endpoint that is deleted, KMS gets one.
world:
  interfaces:
    - { id: eni-0a0000a1, mac: '02:1a:00:00:01:01', type: vpc_endpoint, requesterManaged: true, ipv4: [{ address: 10.0.1.101, primary: true, public: null }] }
    - { id: eni-0a0000a2, mac: '02:1a:00:00:01:02', type: vpc_endpoint, requesterManaged: true, ipv4: [{ address: 10.0.1.102, primary: true, public: null }] }
  endpoints:
    - { id: vpce-0a0000a1, service: com.amazonaws.us-east-1.ssm, subnets: [subnet-0a000001], interfaces: [eni-0a0000a1], privateDns: true, reaches: ssm }
names:
  - { target: ssm, hostname: ssm.us-east-1.amazonaws.com }
expect:
  - { hostname: ssm.us-east-1.amazonaws.com, state: private }
steps:
  - after: 1000s
    name: changed
    title: One endpoint goes, another comes
    change:
      remove: [vpce-0a0000a1, eni-0a0000a1]
      endpoints:
        - { id: vpce-0a0000a2, service: com.amazonaws.us-east-1.kms, subnets: [subnet-0a000001], interfaces: [eni-0a0000a2], privateDns: true, reaches: kms }
    expect: []
`

let directory = ''
let running: RunningDaemon | null = null
let imdsAnswers = true
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-discovery-'))
  imdsAnswers = true
})
afterEach(async () => {
  await running?.stop()
  running = null
  await rm(directory, { recursive: true, force: true })
})

async function begin(
  more: Partial<LabDaemonOptions> = {},
): Promise<{ daemon: RunningDaemon; clock: HandClock }> {
  const clock = createHandClock()
  const daemon = await startLabDaemon({
    scenario,
    document: surroundings,
    clock,
    host: (host: HostAccess): HostAccess => ({
      ...host,
      environment: { ...host.environment, STATE_DIRECTORY: directory },
      serverAddress: (server) =>
        server.address === imdsEndpoint.address && !imdsAnswers
          ? { address: '127.0.0.1', port: 1 }
          : host.serverAddress(server),
    }),
    ...more,
  })
  running = daemon
  return { daemon, clock }
}

const met = (target: string) => `pathproof_requirement_met{target="${target}"}`
const state = (daemon: RunningDaemon, target: string) =>
  daemon.daemon.verdicts().find((v) => v.target === target)

describe('an instance without targets in its configuration', () => {
  it('judges what it discovered, and an endpoint that is deleted makes its target turn, not vanish', async () => {
    const { daemon, clock } = await begin()
    await daemon.log.until('discovery', (all) => all.some((line) => line['event'] === 'discovered'))
    await round(daemon, clock, 35, 11)
    expect(state(daemon, 'ssm')).toMatchObject({ state: 'private', met: true, require: { kind: 'private' } })
    expect(state(daemon, 's3')).toMatchObject({ require: { kind: 'private' } })
    expect(state(daemon, 'kms')).toMatchObject({ state: 'public', met: null, require: { kind: 'none' } })
    expect(await daemon.metric(met('ssm'))).toBe(1)
    // nothing is required of it: there is nothing to page about, and the state is shown all the same
    expect(await daemon.metric(met('kms'))).toBeNull()
    expect(
      await daemon.metric(
        'pathproof_path_private{target="kms",hostname="kms.us-east-1.amazonaws.com",style="regional"}',
      ),
    ).toBe(0)
    // a service whose name does not resolve here is no target
    expect((await daemon.get('/metrics')).text).not.toContain('target="sns"')
    expect((await daemon.get('/-/ready')).status).toBe(200)
    const { text } = await daemon.get('/api/v1/verdicts')
    expect(text).toContain('"require":"none","met":null')

    await daemon.lab.apply('changed')
    await clock.advance(11_000)
    await daemon.log.until(
      'the new endpoint',
      (all) => all.filter((line) => line['event'] === 'discovered').length > 1,
    )
    await round(daemon, clock, 35, 11)
    expect(state(daemon, 'ssm')).toMatchObject({ state: 'public', met: false, require: { kind: 'private' } })
    expect(await daemon.metric(met('ssm'))).toBe(0)
    // its public addresses are remembered for a quarter of an hour
    expect(state(daemon, 'kms')).toMatchObject({ state: 'mixed', met: false, require: { kind: 'private' } })
    expect(await daemon.metric(met('kms'))).toBe(0)
  })

  it('goes on with what it knew after a restart during which the instance metadata is silent', async () => {
    await begin()
    await (running as RunningDaemon).log.until('discovery', (all) =>
      all.some((line) => line['event'] === 'discovered'),
    )
    await (running as RunningDaemon).stop()
    const kept = await readFile(join(directory, 'discovered.json'), 'utf8')
    imdsAnswers = false
    const { daemon, clock } = await begin()
    const { text } = await daemon.get('/metrics')
    expect(text).toContain('pathproof_requirement_met{target="ssm"} 0')
    expect(text).toContain('vantage="unknown"')
    await round(daemon, clock, 35, 11)
    // the API still shows whose interface it is
    expect(state(daemon, 'ssm')).toMatchObject({ state: 'private', met: true })
    expect(await readFile(join(directory, 'discovered.json'), 'utf8')).toBe(kept)
  })

  it('is found when the metadata service answers at last', async () => {
    imdsAnswers = false
    const { daemon, clock } = await begin()
    const ready = await daemon.get('/-/ready')
    expect(ready.status).toBe(503)
    expect(ready.text).toContain('discovered on EC2 only')
    expect((await daemon.get('/metrics')).text).toContain(
      'pathproof_host_info{vantage="unknown",account_id="",region="",vpc_id=""} 1',
    )
    imdsAnswers = true
    await clock.advance(60_000)
    await daemon.log.until('targets', (all) => all.some((line) => line['event'] === 'discovered'))
    const { text } = await daemon.get('/metrics')
    expect(text).toContain(
      'pathproof_host_info{vantage="ec2",account_id="111122223333",region="us-east-1",vpc_id="vpc-0a000001"} 1',
    )
    expect(text).not.toContain('vantage="unknown"')
    expect((await daemon.get('/-/ready')).status).toBe(200)
    const vantages = daemon.log.items
      .filter((line) => line['event'] === 'vantage')
      .map((line) => line['kind'])
    expect(vantages).toEqual(['unknown', 'ec2'])
    await round(daemon, clock, 35, 11)
    expect(state(daemon, 'ssm')).toMatchObject({ state: 'private', met: true })
  })

  it('says so where what it kept is damaged, and discovers anew', async () => {
    await writeFile(join(directory, 'discovered.json'), 'damaged')
    const { daemon } = await begin()
    await daemon.log.until('a complaint', (all) => all.some((line) => line['event'] === 'discovery_problem'))
    await daemon.log.until('discovery', (all) => all.some((line) => line['event'] === 'discovered'))
  })

  it('does not discover where the configuration names targets', async () => {
    const { daemon } = await begin({
      document: (lab) => ({ ...surroundings(lab), targets: defaultTargets(lab) }),
    })
    expect((await daemon.get('/metrics')).text).toContain('target="ssm"')
    expect((await daemon.get('/metrics')).text).not.toContain('target="s3"')
    expect(daemon.log.items.some((line) => line['event'] === 'discovered')).toBe(false)
  })
})
