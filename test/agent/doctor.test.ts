import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { targetsOf } from '../../agent/config/targets.ts'
import { createLastGood } from '../../agent/account/last-good.ts'
import { type ExamineOptions, examine } from '../../agent/doctor/examine.ts'
import type { Finding } from '../../agent/doctor/finding.ts'
import { imdsEndpoint } from '../../aws/imds.ts'
import { type Lab, startLab } from '../../lab/lab.ts'
import type { HostAccess } from '../../model/host.ts'
import type { HostRoute } from '../../model/observation.ts'
import { systemHost } from '../../probes/host.ts'
import { config, scenario, surroundings } from '../support/lab-daemon.ts'
import { needs, titled } from '../support/needs.ts'
import { documents, endAll, pathproof, start, binary } from '../support/processes.ts'
import { s3List, snapshot } from '../verdict/fixture.ts'

let lab: Lab
let directory = ''
beforeAll(async () => {
  lab = await startLab(await scenario('interface-endpoint'), {
    mode: 'mapped',
    clock: { wallMs: Date.now },
    timed: false,
  })
})
afterAll(() => lab.close())
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-doctor-'))
})
afterEach(async () => {
  await endAll()
  await rm(directory, { recursive: true, force: true })
})

interface Case {
  host?: Partial<HostAccess>
  route?: Partial<HostRoute>
  environment?: Record<string, string>
  document?: object
  options?: Partial<ExamineOptions>
}

const ssm = 'ssm.us-east-1.amazonaws.com'

async function doctor({
  host = {},
  route,
  environment = {},
  document,
  options,
}: Case = {}): Promise<Finding[]> {
  const played = lab.hostAccess(systemHost({ STATE_DIRECTORY: directory, ...environment }))
  const loaded = config(document ?? { ...surroundings(lab), targets: [{ name: 'ssm', hostname: ssm }] })
  return examine({
    config: loaded,
    file: 'test.yml',
    warnings: [],
    targets: targetsOf(loaded).targets,
    connect: false,
    version: '0',
    host: {
      ...played,
      ...(route && { hostRoute: async (to, from) => ({ ...(await played.hostRoute(to, from)), ...route }) }),
      ...host,
    },
    readText: () => Promise.resolve('Amazon EC2'),
    timeoutSeconds: 2,
    signal: new AbortController().signal,
    ...options,
  })
}

const of = (findings: readonly Finding[], area: string) => findings.filter((finding) => finding.area === area)
const worst = (findings: readonly Finding[], area: string) => {
  const statuses = of(findings, area).map(({ status }) => status)
  return statuses.includes('fail') ? 'fail' : statuses.includes('warn') ? 'warn' : (statuses[0] ?? 'absent')
}
const text = (findings: readonly Finding[], area: string) =>
  of(findings, area)
    .map((finding) => `${finding.text}. ${finding.next ?? ''}`)
    .join('\n')

describe('a healthy instance', () => {
  it('is ok in all, and no connection is made', async () => {
    const dialled: string[] = []
    const played = lab.hostAccess(systemHost({}))
    const findings = await doctor({
      host: {
        dial: (to) => {
          dialled.push(to.address)
          return played.dial(to)
        },
      },
    })
    expect(findings.filter(({ status }) => status !== 'ok')).toEqual([])
    expect(findings.every(({ next }) => next === null)).toBe(true)
    expect(dialled).toEqual([])
    expect([...new Set(findings.map(({ area }) => area))]).toEqual([
      'configuration',
      'vantage',
      'instance metadata',
      'kernel routes',
      'policy rules',
      'redirects',
      'own interface',
      'families',
      'proxy variables',
      'resolver',
      'name service',
      'account',
      'prefix lists',
      'posture',
      'flow logs',
      'targets',
      'roots',
      'state directory',
    ])
    expect(text(findings, 'vantage')).toContain('us-east-1')
    expect(text(findings, 'instance metadata')).toContain('eni-0a000050')
    expect(text(findings, 'own interface')).toContain('eni-0a000050 in subnet-0a000001')
    expect(text(findings, 'resolver')).toContain('A 10.0.1.101')
    expect(text(findings, 'name service')).toContain('agree (private addresses)')
    expect(text(findings, 'account')).toContain('describe-route-tables.json was read')
    expect(text(findings, 'prefix lists')).toContain('5 entries')
    expect(text(findings, 'posture')).toMatch(/^no_nat_gateway: fail: /m)
    expect(text(findings, 'posture')).toMatch(/^no_public_address: pass: /m)
    // what was written to see that it can be is gone
    expect(await readdir(directory)).toEqual([])
  })

  it('with --connect: who answers, and the clock', async () => {
    const findings = await doctor({ options: { connect: true } })
    expect(worst(findings, 'TLS')).toBe('ok')
    expect(worst(findings, 'clock')).toBe('ok')
    expect(text(findings, 'TLS')).toContain(`${ssm} at 10.0.1.101`)
  })

  it('without targets: says what it would discover', async () => {
    const findings = await doctor({ document: surroundings(lab) })
    expect(text(findings, 'targets')).toMatch(/discovered: .*ssm \(private\)/)
    expect(text(findings, 'targets')).toMatch(/sqs[,.]/)
    // sns and others have no name in this world
    expect(text(findings, 'targets')).toContain('did not resolve')
    expect(text(findings, 'resolver')).toContain('sts.us-east-1.amazonaws.com')
  })
})

const imdsAt = (port: number): Partial<HostAccess> => {
  const played = lab.hostAccess(systemHost({}))
  return {
    serverAddress: (server) =>
      server.address === imdsEndpoint.address ? { address: '127.0.0.1', port } : played.serverAddress(server),
  }
}

describe('what can go wrong', () => {
  const table: [string, () => Case, string, 'ok' | 'warn' | 'fail', string][] = [
    ['metadata silent', () => ({ host: imdsAt(1) }), 'instance metadata', 'warn', '--http-endpoint enabled'],
    ['metadata silent', () => ({ host: imdsAt(1) }), 'vantage', 'warn', 'agent.vantage'],
    [
      'metadata switched off for SDKs',
      () => ({ host: { environment: { AWS_EC2_METADATA_DISABLED: 'true' } } }),
      'instance metadata',
      'warn',
      'unset AWS_EC2_METADATA_DISABLED',
    ],
    [
      'on-prem',
      () => ({ host: imdsAt(1), options: { readText: () => Promise.resolve('Dell Inc.') } }),
      'instance metadata',
      'ok',
      'outside AWS',
    ],
    [
      'on-prem',
      () => ({ host: imdsAt(1), options: { readText: () => Promise.resolve('Dell Inc.') } }),
      'own interface',
      'ok',
      'on-prem',
    ],
    [
      'a container with a network of its own',
      () => ({
        host: {
          addresses: () => [
            { device: 'eth0', address: '172.17.0.2', family: 4, mac: '02:42:ac:11:00:02', linkLocal: false },
          ],
        },
        route: { device: 'eth0', deviceKind: 'veth', mac: '02:42:ac:11:00:02', source: '172.17.0.2' },
      }),
      'vantage',
      'warn',
      "the host's network",
    ],
    [
      'a container with a network of its own',
      () => ({ route: { device: 'eth0', deviceKind: 'veth', mac: '02:42:ac:11:00:02' } }),
      'own interface',
      'warn',
      'veth',
    ],
    [
      '`ip` is not there',
      () => ({ route: { method: 'only_device', detail: '`ip` is not there' } }),
      'kernel routes',
      'warn',
      'iproute2',
    ],
    [
      'no route',
      () => ({ route: { device: null, detail: 'the kernel says: Network is unreachable' } }),
      'kernel routes',
      'warn',
      'unreachable',
    ],
    ['rules unreadable', () => ({ route: { selectorRules: null } }), 'policy rules', 'warn', 'iproute2'],
    ['rules by mark', () => ({ route: { selectorRules: true } }), 'policy rules', 'warn', 'ip rule'],
    [
      'redirects unreadable',
      () => ({ route: { redirect: 'unreadable' } }),
      'redirects',
      'warn',
      'CAP_NET_ADMIN',
    ],
    ['a redirect', () => ({ route: { redirect: 'possible' } }), 'redirects', 'warn', 'nft list ruleset'],
    ['no address at all', () => ({ host: { addresses: () => [] } }), 'families', 'fail', 'no IPv4 address'],
    [
      'addresses that can not be listed',
      () => ({
        host: {
          addresses: () => {
            throw new Error('EAFNOSUPPORT')
          },
        },
      }),
      'families',
      'fail',
      'AF_NETLINK',
    ],
    [
      'proxy variables',
      () => ({ host: { environment: { HTTPS_PROXY: 'http://user:hunter2@proxy.corp:3128' } } }),
      'proxy variables',
      'warn',
      'HTTPS_PROXY',
    ],
    [
      'a resolver that is silent',
      () => ({
        options: { timeoutSeconds: 0.4 },
        document: {
          ...surroundings(lab),
          targets: [{ name: 'ssm', hostname: ssm }],
          resolvers: [{ name: 'corp', address: '10.9.9.9:53' }],
        },
      }),
      'resolver',
      'warn',
      'corp 10.9.9.9:53',
    ],
    ['no resolver', () => ({ host: { systemServers: () => [] } }), 'resolver', 'warn', 'no name server'],
    [
      'no name resolves',
      () => ({ host: { systemServers: () => [], lookup: () => Promise.reject(new Error('EAI_AGAIN')) } }),
      'name service',
      'fail',
      'no name of AWS resolves',
    ],
    [
      '/etc/hosts sends the name elsewhere',
      () => ({ host: { lookup: () => Promise.resolve([{ address: '203.0.113.5', family: 4 }]) } }),
      'name service',
      'warn',
      '/etc/hosts',
    ],
    [
      'a trusted endpoint that is gone',
      () => ({
        document: {
          ...surroundings(lab),
          targets: [{ name: 'ssm', hostname: ssm }],
          trusted_endpoints: [
            { dns_name: 'vpce-0123456789abcdef0-abcdefgh.s3.us-east-1.vpce.amazonaws.com' },
          ],
        },
      }),
      'trusted endpoint',
      'warn',
      'does not resolve',
    ],
    [
      'a directory that is not there',
      () => ({
        document: {
          ...surroundings(lab),
          topology: { source: 'directory', directory: '/nowhere', refresh: '10s' },
          targets: [{ name: 'ssm', hostname: ssm }],
        },
      }),
      'account',
      'warn',
      'was not read',
    ],
    [
      'roots of a partition that are gone',
      () => ({
        document: {
          ...surroundings(lab),
          targets: [{ name: 'ssm', hostname: ssm }],
          partition_roots: [{ partition: 'aws', file: '/nowhere/roots.pem' }],
        },
      }),
      'roots',
      'fail',
      'ENOENT',
    ],
    [
      'no state directory',
      () => ({ environment: { STATE_DIRECTORY: '' } }),
      'state directory',
      'warn',
      'StateDirectory=',
    ],
    [
      'a state directory that is gone',
      () => ({ environment: { STATE_DIRECTORY: '/nowhere' } }),
      'state directory',
      'warn',
      'ENOENT',
    ],
    [
      'TLS that some proxy intercepts',
      () => ({ options: { connect: true, config: withoutRoots() } }),
      'TLS',
      'warn',
      'in between',
    ],
    [
      'a clock that is an hour off',
      () => ({
        options: { connect: true },
        host: { clock: { ...systemHost({}).clock, wallMs: () => Date.now() + 3_600_000 } },
      }),
      'clock',
      'warn',
      '60 min ahead of',
    ],
  ]
  const withoutRoots = () =>
    config({ ...surroundings(lab), partition_roots: [], targets: [{ name: 'ssm', hostname: ssm }] })

  it.each(table)('%s', async (_what, one, area, status, expected) => {
    const findings = await doctor(one())
    expect([area, worst(findings, area), text(findings, area)]).toEqual([
      area,
      status,
      expect.stringContaining(expected),
    ])
    expect(findings.every((finding) => (finding.status === 'ok') === (finding.next === null))).toBe(true)
    expect(JSON.stringify(findings)).not.toContain('hunter2')
  })
})

describe('the first leg, on-prem', () => {
  const site = {
    name: 'dc1',
    first_leg: 'direct_connect',
    next_hops: ['10.0.1.1/32'],
    prefixes: ['10.0.0.0/16'],
  }
  const onPrem = (sites: object[]) => ({
    ...surroundings(lab),
    agent: { vantage: 'on-prem' },
    sites,
    targets: [{ name: 'ssm', hostname: ssm }],
  })
  const about = async (options: Parameters<typeof doctor>[0]) =>
    (await doctor(options))
      .filter(({ area }) => area === 'first leg')
      .map(({ status, text }) => `${status} ${text}`)

  it('says whether the next hop of the kernel is declared, and traces only if it is asked to', async () => {
    expect(await about({ document: onPrem([site]) })).toEqual([
      'ok 10.0.1.50 is in site dc1',
      "ok the kernel's next hop 10.0.1.1 is declared (site dc1, direct_connect)",
    ])
    expect((await about({ document: onPrem([{ ...site, next_hops: [] }]) })).at(-1)).toMatch(
      /^warn .*is no next hop that is declared/,
    )
    expect(
      (await about({ document: onPrem([{ ...site, prefixes: ['172.16.0.0/12'], next_hops: [] }]) }))[0],
    ).toMatch(/^warn no site holds 10\.0\.1\.50/)
    expect((await about({ document: onPrem([site]), options: { trace: true } })).at(-1)).toMatch(
      /^ok traceroute to .* port 443: 10\.0\.1\.1/,
    )
    expect(await about({})).toEqual([])
  })

  it.each([
    ['not_installed', 'mtr is not installed', 'install mtr'],
    ['not_permitted', 'it takes CAP_NET_RAW', 'CAP_NET_RAW'],
  ] as const)('says why there is no trace: %s', async (reason, detail, next) => {
    const findings = await doctor({
      document: onPrem([site]),
      options: { trace: true },
      host: { trace: () => Promise.resolve({ traced: false, reason, detail }) },
    })
    expect(findings.find(({ text: said }) => said.includes(detail))).toMatchObject({
      status: 'warn',
      next: expect.stringContaining(next),
    })
  })
})

describe('the account by its API is not asked, its last good copy is read', () => {
  const aws = () => ({
    ...surroundings(lab),
    topology: { source: 'aws' },
    targets: [{ name: 'ssm', hostname: ssm }],
  })

  it('none yet', async () => {
    expect(text(await doctor({ document: aws() }), 'account')).toContain('has kept no copy yet')
    expect(
      text(await doctor({ document: aws(), environment: { STATE_DIRECTORY: '' } }), 'account'),
    ).toContain('without a state directory')
    expect(lab.apiRequests()).toEqual([])
  })

  it('with what was denied, by the name of its permission, and how old the rest is', async () => {
    const at = (ageSeconds: number) =>
      ({ read: true, atMs: Date.now() - ageSeconds * 1000, dated: 'api' }) as const
    const base = snapshot()
    const read = Object.fromEntries(
      Object.keys(base.parts).map((part) => [part, at(30)]),
    ) as typeof base.parts
    await createLastGood({
      directory,
      account: null,
      region: null,
      version: '0',
      wallMs: Date.now,
      onProblem: () => undefined,
    }).write({
      ...base,
      parts: {
        ...read,
        routeTables: at(600),
        natGateways: {
          read: false,
          reason: 'denied',
          detail: 'User: arn:aws:sts::111122223333:assumed-role/x is not authorized',
        },
        peerings: { ...at(30), atMs: null, dated: 'undated' },
        flowLogs: { read: false, reason: 'denied', detail: 'no' },
      },
      prefixLists: [
        { ...s3List, atMs: Date.now() - 30_000 },
        { ...s3List, id: 'pl-denied', entries: null, complete: false, atMs: null },
      ],
    })
    const findings = await doctor({ document: aws() })
    const line = (part: string) => of(findings, 'account').find((finding) => finding.text.includes(part))
    expect(line('describe-nat-gateways')).toMatchObject({
      status: 'warn',
      next: 'allow ec2:DescribeNatGateways',
    })
    expect(line('describe-route-tables')).toMatchObject({ status: 'warn' })
    expect(line('describe-route-tables')?.text).toContain('10 min ago: older than 3 min')
    expect(line('describe-vpc-peering')).toMatchObject({ status: 'warn' })
    expect(line('describe-flow-logs')).toMatchObject({ status: 'ok' })
    expect(line('describe-subnets')).toMatchObject({
      status: 'ok',
      text: 'describe-subnets.json was read 30 s ago',
    })
    expect(of(findings, 'prefix lists').map(({ status }) => status)).toEqual(['ok', 'warn'])
  })
})

describe('pathproof doctor', () => {
  it('tells a wrong configuration with its place, and exits with 78', async () => {
    const file = join(directory, 'bad.yml')
    await writeFile(file, 'version: 1\ntargest: []\n')
    const ran = await pathproof(['doctor', '--config.file', file, '--json'])
    expect(ran.code).toBe(78)
    const [document] = documents(ran.stdout)
    expect(document).toMatchObject({ schema: 'pathproof.doctor/1', exitCode: 78 })
    expect(JSON.stringify(document?.['findings'])).toContain('bad.yml:2:1')
  })
})

const lack = await needs('namespaces', 'ip')
describe.skipIf(lack !== null)(titled('pathproof doctor in a network of its own', lack), () => {
  // Nothing but this network: nothing can be asked, and nothing gets out.
  const alone = async (...args: string[]) => {
    const started = start('unshare', ['--user', '--map-root-user', '--net', binary, 'doctor', ...args], {
      env: { HTTPS_PROXY: 'http://user:hunter2@proxy.corp:3128', AWS_SECRET_ACCESS_KEY: 'hunter2' },
    })
    return { code: await started.ended, stdout: started.stdout(), stderr: started.stderr() }
  }

  it('fails in words, one line each, and prints no secret', async () => {
    const ran = await alone('--connect')
    expect(ran.stderr).toBe('')
    expect(ran.code).toBe(1)
    const lines = ran.stdout.trimEnd().split('\n')
    expect(lines.slice(0, -2).every((line) => /^(ok {2}|warn|fail) {2}\S/.test(line))).toBe(true)
    expect(lines.at(-1)).toMatch(/^\d+ ok, \d+ in doubt, \d+ failed$/)
    expect(ran.stdout).toContain('HTTPS_PROXY set')
    expect(ran.stdout).not.toContain('hunter2')
    const [document] = documents((await alone('--json')).stdout)
    expect(document).toMatchObject({ schema: 'pathproof.doctor/1', exitCode: 1 })
    expect(JSON.stringify(document)).not.toContain('hunter2')
  })
})

describe('ways out that must be closed', () => {
  const must = (more: object) => ({
    ...surroundings(lab),
    targets: [{ name: 'ssm', hostname: ssm }],
    posture: { enabled: false },
    egress: { must_fail: [{ name: 'web', url: 'https://example.com', control: 'ssm', ...more }] },
  })

  it('are named and not tried', async () => {
    const dialled: string[] = []
    const played = lab.hostAccess(systemHost({}))
    const dial: HostAccess['dial'] = (to) => {
      dialled.push(to.address)
      return played.dial(to)
    }
    const findings = await doctor({ document: must({}), host: { dial } })
    expect(of(findings, 'egress')).toMatchObject([
      { status: 'ok', text: '1 way out to be tried every 60 s, by pathproof run only' },
    ])
    expect(text(findings, 'posture')).toContain('posture.enabled is false')
    expect(dialled).toEqual([])
  })

  it('by a proxy: which variable leads there, or that none does', async () => {
    const without = await doctor({ document: must({ proxy: true }) })
    expect(of(without, 'egress')[1]).toMatchObject({
      status: 'warn',
      text: 'web goes through no proxy: no proxy variable is set',
    })
    const environment = { https_proxy: 'http://user:geheim@10.1.1.1:3128' }
    const played = lab.hostAccess(systemHost({}))
    const by = await doctor({
      document: must({ proxy: true }),
      host: { environment: { ...played.environment, ...environment } },
    })
    expect(of(by, 'egress')[1]).toMatchObject({
      status: 'ok',
      text: 'web goes through the proxy of https_proxy',
    })
    expect(JSON.stringify(by)).not.toContain('geheim')
  })
})
