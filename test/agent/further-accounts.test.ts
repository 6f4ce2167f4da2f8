/** Accounts that are read by a role: over STS's and EC2's wire formats, by the real SDK, against the lab. */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { alsoFindings } from '../../agent/doctor/also.ts'
import { iamPolicy, actionsOfRoles } from '../../agent/iam/iam.ts'
import { alsoSources } from '../../agent/account/snapshot-also.ts'
import { snapshotParts } from '../../model/topology.ts'
import { systemHost } from '../../probes/host.ts'
import { type RunningDaemon, config, startLabDaemon, surroundings } from '../support/lab-daemon.ts'
import { readerWithin } from '../support/reader-within.ts'
import { createHandClock } from './hand-clock.ts'

const role = 'arn:aws:iam::222233334444:role/network/pathproof-read'
const ssm = 'ssm.us-east-1.amazonaws.com'
const child = { file: process.execPath, args: [resolve(import.meta.dirname, '../../agent/main.ts')] }

/** The endpoint of Systems Manager stands in a VPC of the network account, at the other end of a peering. */
const scenario = (api: string) => `
name: further
title: The endpoint of a further account behind a peering
story: test
api: ${api}
world:
  vpcs: [{ id: vpc-0f0000c1, owner: '222233334444', ipv4: [10.9.0.0/16] }]
  subnets: [{ id: subnet-0f0000c1, vpc: vpc-0f0000c1, owner: '222233334444', ipv4: 10.9.1.0/24 }]
  interfaces:
    - { id: eni-0f0000c1, mac: '02:1f:00:00:00:c1', type: vpc_endpoint, requesterManaged: true, vpc: vpc-0f0000c1, subnet: subnet-0f0000c1, owner: '222233334444', ipv4: [{ address: 10.9.1.7, primary: true, public: null }] }
  endpoints:
    - { id: vpce-0f0000c1, service: com.amazonaws.us-east-1.ssm, vpc: vpc-0f0000c1, owner: '222233334444', subnets: [subnet-0f0000c1], interfaces: [eni-0f0000c1], privateDns: false, dnsNames: [], reaches: ssm }
  tables:
    - { id: rtb-0a000001, addRoutes: ['10.9.0.0/16 -> pcx-0a000001'] }
    - { id: rtb-0f0000c1, vpc: vpc-0f0000c1, owner: '222233334444', main: true }
  peerings: [{ id: pcx-0a000001, accepter: vpc-0f0000c1 }]
  names: [{ hostname: ${ssm}, ipv4: [10.9.1.7] }]
names: [{ target: ssm, hostname: ${ssm} }]
steps:
  - { after: 1s, name: other, title: Another route, change: { tables: [{ id: rtb-0a000001, addRoutes: ['192.0.2.0/24 -> nat-0b000009'] }] } }
  - { after: 2s, name: going, title: The endpoint goes, change: { endpoints: [{ id: vpce-0f0000c1, state: deleting }] } }
expect: [{ hostname: ${ssm}, state: private, class: interface_endpoint, proof: configured }]
`

let state = ''
let running: RunningDaemon | null = null
beforeEach(async () => {
  state = await mkdtemp(join(tmpdir(), 'pathproof-'))
})
afterEach(async () => {
  await running?.stop()
  running = null
  await rm(state, { recursive: true })
})

const mayAssume = `{ roles: [{ arn: ${role}, externalId: abc }] }`

async function start(api: string, also: object[], program = readerWithin()): Promise<RunningDaemon> {
  running = await startLabDaemon({
    scenario: scenario(api),
    document: (lab) => ({
      ...surroundings(lab),
      topology: { source: 'aws', also },
      targets: [{ name: 'ssm', hostname: ssm, every: '5s', timeout: '2s' }],
    }),
    host: (host) => ({ ...host, environment: { ...host.environment, STATE_DIRECTORY: state } }),
    program,
  })
  return running
}

const isPrivate = (verdicts: RunningDaemon['verdicts']) =>
  verdicts.until('private', (all) => all.find(({ state: seen }) => seen === 'private'))
const errors = (reason: string) =>
  running?.metric(`pathproof_topology_also_errors_total{account="222233334444",region="",reason="${reason}"}`)
const problems = () =>
  running?.log.items.filter(({ event }) => event === 'topology_problem').map(({ problem }) => String(problem))

describe('a further account by a role', () => {
  it('shows the endpoint that it owns, by the reader in a process of its own', async () => {
    const { lab, verdicts } = await start(mayAssume, [{ role_arn: role, external_id: 'abc' }], child)
    const verdict = await isPrivate(verdicts)
    expect(verdict.names[0]?.attempts[0]).toMatchObject({
      possible: ['interface_endpoint'],
      proof: 'configured',
    })
    expect(problems()).toEqual([])
    const asked = lab.apiRequests().filter(({ account }) => account === '222233334444')
    expect(new Set(asked.map(({ action }) => action))).toEqual(
      new Set(['DescribeVpcEndpoints', 'DescribeNetworkInterfaces', 'DescribeVpcs']),
    )
    // nothing is filtered there: whose VPCs are meant is not known
    expect(asked.flatMap(({ params }) => Object.keys(params)).filter((p) => p.startsWith('Filter'))).toEqual(
      [],
    )
    const now = Date.now() / 1000
    const read = await running?.metric(
      'pathproof_topology_also_last_success_timestamp_seconds{account="222233334444",region=""}',
    )
    expect(now - (read ?? 0)).toBeLessThan(60)
    await expect.poll(() => readdir(state)).toContain('snapshot-222233334444.json')
    const copy = await readFile(join(state, 'snapshot-222233334444.json'), 'utf8')
    expect(copy).toContain('vpce-0f0000c1')
    expect(copy).not.toContain(lab.apiCredentials().sessionToken)
  })

  it.each([
    ['no trust at all', '{ roles: [] }', { role_arn: role, external_id: 'abc' }],
    ['another external id', mayAssume, { role_arn: role, external_id: 'abd' }],
    ['none', mayAssume, { role_arn: role }],
  ])('%s: nothing is known of it, and what is missing has its name', async (_, api, also) => {
    const { verdicts } = await start(api, [also])
    const verdict = await verdicts.until('a verdict', ([first]) => first)
    expect(verdict).toMatchObject({ state: 'undetermined' })
    expect(problems()).toEqual([
      expect.stringMatching(
        /^account 222233334444: endpoints, networkInterfaces, vpcs: AWS refused \(AccessDenied\): sts:AssumeRole on arn:aws:iam::222233334444:role\/network\/pathproof-read is missing; .*trust policy/,
      ),
    ])
    expect(await errors('denied')).toBe(3)
    expect(await errors('failed')).toBe(0)
    const page = await running?.get('/')
    expect(page?.text).toContain('sts:AssumeRole')
  })

  it('a permission that the role lacks has its name too, and the rest is read', async () => {
    await start(`{ roles: [{ arn: ${role} }], deny: [DescribeNetworkInterfaces] }`, [{ role_arn: role }])
    expect(problems()).toContainEqual(
      expect.stringMatching(
        /^account 222233334444: networkInterfaces: AWS refused \(UnauthorizedOperation\): ec2:DescribeNetworkInterfaces is missing/,
      ),
    )
    expect(await errors('denied')).toBe(1)
  })
})

describe('a copy of what it said', () => {
  it('stands when the role is refused after a restart, with its age, and doctor says both', async () => {
    const also = [{ role_arn: role, external_id: 'abc' }]
    const first = await start(mayAssume, also)
    await isPrivate(first.verdicts)
    await expect.poll(() => readdir(state)).toContain('snapshot-222233334444.json')
    await first.stop()
    const again = await start('{ roles: [] }', also)
    await isPrivate(again.verdicts)
    await expect.poll(problems).toEqual([expect.stringContaining('sts:AssumeRole')])
    const findings = await doctor(also, Date.now())
    expect(findings).toMatchObject([{ status: 'ok', text: expect.stringContaining('1 endpoints') }])
    const late = await doctor(also, Date.now() + 1200_000)
    expect(late).toMatchObject([
      {
        status: 'warn',
        text: expect.stringMatching(/account 222233334444: was read 20 min ago: older than 15 min/),
      },
    ])
  })

  it('says why there is none', async () => {
    const also = [{ role_arn: role }]
    await start('{ roles: [] }', also)
    await expect.poll(() => readdir(state)).toContain('snapshot-222233334444.json')
    expect(await doctor(also, Date.now())).toMatchObject([
      { status: 'warn', text: expect.stringContaining('sts:AssumeRole on arn:aws:iam::222233334444:role/') },
    ])
    expect(await doctor([{ role_arn: role, region: 'us-west-2' }], Date.now())).toMatchObject([
      { status: 'warn', text: expect.stringContaining('account 222233334444 in us-west-2') },
    ])
  })
})

async function doctor(also: object[], nowMs: number) {
  const host = { ...systemHost({}), clock: { wallMs: () => nowMs, monotonicMs: () => nowMs } }
  const patient = {
    host,
    config: config({ version: 1, topology: { source: 'aws', also } }),
    targets: [],
    where: { vantage: { kind: 'ec2' } },
    timeoutSeconds: 1,
    signal: new AbortController().signal,
  } as unknown as Parameters<typeof alsoFindings>[0]
  return await alsoFindings(patient, { directory: state, version: '0.0.0-test' })
}

/** The reader in this process, and a way to wait until nothing is being read. */
function countedReader(wallMs: () => number) {
  const inner = readerWithin(wallMs)
  if (!('within' in inner)) throw new Error('not within this process')
  const under = new Set<Promise<string>>()
  return {
    within(...asked: Parameters<typeof inner.within>) {
      const answer = inner.within(...asked)
      under.add(answer)
      void answer.finally(() => under.delete(answer)).catch(() => undefined)
      return answer
    },
    async idle(): Promise<void> {
      do {
        await Promise.allSettled(under)
        await new Promise((resolve) => setImmediate(resolve))
      } while (under.size > 0)
    },
  }
}

describe('an attempt between two readings of it', () => {
  it('keeps what was known when it began, and turns when a later reading lacks it', async () => {
    const clock = createHandClock(1_000, Date.now())
    const reader = countedReader(() => clock.wallMs())
    running = await startLabDaemon({
      scenario: scenario(mayAssume),
      clock,
      program: reader,
      document: (lab) => ({
        ...surroundings(lab),
        topology: { source: 'aws', also: [{ role_arn: role, external_id: 'abc' }] },
        targets: [{ name: 'ssm', hostname: ssm, every: '30m', timeout: '2s' }],
      }),
    })
    const { lab, daemon, log } = running
    const pass = async (seconds: number): Promise<void> => {
      for (let passed = 0; passed < seconds; passed += 30) {
        await clock.advance(30_000)
        await reader.idle()
        await daemon.settled()
      }
    }
    const state = () => daemon.verdicts()[0]?.state
    const attempt = () => daemon.verdicts()[0]?.names[0]?.attempts[0]?.id
    const changes = () => log.items.filter(({ event }) => event === 'topology_changed').length
    for (let passed = 0; passed < 1800 && state() === undefined; passed += 30) await pass(30)
    expect(state()).toBe('private')
    const first = attempt()
    // by now the newest reading of that account is younger than the attempt
    await pass(300)
    const known = changes()
    await lab.apply('other')
    await pass(90)
    expect(changes()).toBe(known + 1)
    expect(state()).toBe('private')
    await lab.apply('going')
    await pass(300)
    expect(state()).toBe('undetermined')
    expect(attempt()).toBe(first)
  })
})

describe('config iam', () => {
  const second = 'arn:aws:iam::555566667777:role/pathproof'
  it('allows AssumeRole on exactly these roles, and says what they must allow', () => {
    const also = [{ role_arn: second }, { role_arn: role }, { directory: '/srv/dump' }]
    const configured = config({ version: 1, topology: { source: 'aws', also } })
    const [statement, ...rest] = (iamPolicy(configured)?.Statement ?? []).filter(({ Action }) =>
      Action.some((action) => action.startsWith('sts:')),
    )
    expect(rest).toEqual([])
    expect(statement).toMatchObject({
      Sid: 'PathproofAssumeRoles',
      Effect: 'Allow',
      Action: ['sts:AssumeRole'],
      Resource: [role, second],
    })
    expect(actionsOfRoles(configured)).toEqual([
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeVpcEndpoints',
      'ec2:DescribeVpcs',
    ])
  })

  it('without roles nothing of STS', () => {
    const also = [{ directory: '/srv/dump' }]
    const configured = config({ version: 1, topology: { source: 'directory', directory: '/srv/own', also } })
    expect(iamPolicy(configured)).toBeNull()
    expect(actionsOfRoles(configured)).toEqual([])
  })
})

it('the region of the account is not that of the STS that is asked, nor is the endpoint of another region used', async () => {
  const requests: { input: Record<string, unknown>; environment: NodeJS.ProcessEnv }[] = []
  const program = {
    within(input: string, environment: NodeJS.ProcessEnv) {
      requests.push({ input: JSON.parse(input) as Record<string, unknown>, environment })
      return Promise.reject(new Error('no'))
    },
  }
  const endpoint = { ec2: 'https://ec2.example', sts: 'https://sts.example' }
  const also = [{ role_arn: role, region: 'eu-west-1' }, { role_arn: role }]
  const sources = alsoSources(
    config({ version: 1, topology: { source: 'aws', endpoint, also } }),
    () => ({
      kind: 'ec2',
      because: [],
      instanceId: null,
      accountId: null,
      region: 'us-east-1',
      interfaces: [],
    }),
    { host: systemHost({}), program, signal: new AbortController().signal, onLine: () => undefined },
  )
  for (const { read } of sources) {
    const { snapshot } = await read(null)
    expect(snapshotParts.filter((part) => snapshot.parts[part].read)).toEqual([])
  }
  expect(requests.map(({ input }) => [input['region'], input['role']])).toEqual([
    ['eu-west-1', { arn: role, externalId: null, stsRegion: 'us-east-1' }],
    ['us-east-1', { arn: role, externalId: null, stsRegion: 'us-east-1' }],
  ])
  const given = requests.map(({ environment }) => [
    environment['AWS_ENDPOINT_URL_EC2'],
    environment['AWS_ENDPOINT_URL_STS'],
  ])
  expect(given).toEqual([
    [undefined, 'https://sts.example'],
    ['https://ec2.example', 'https://sts.example'],
  ])
})
