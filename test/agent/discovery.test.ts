import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { candidatesOf, usualServices } from '../../agent/account/discovery-candidates.ts'
import { createDiscovery } from '../../agent/account/discovery.ts'
import { type Discovered, discoveredFile, parseDiscovered } from '../../agent/account/discovered-store.ts'
import type { Target } from '../../model/target.ts'
import type { Snapshot, Vantage, VpcEndpoint } from '../../model/topology.ts'
import { gatewayEndpoint, interfaceEndpoint, lacking, snapshot } from '../verdict/fixture.ts'
import { createHandClock } from './hand-clock.ts'

const vpc = 'vpc-0123456789abcdef0'
const instance = (more: Partial<Vantage> = {}, vpcIds = [vpc]): Vantage => ({
  kind: 'ec2',
  because: [],
  instanceId: 'i-0123456789abcdef0',
  accountId: '111122223333',
  region: 'us-east-1',
  interfaces: vpcIds.map((vpcId, i) => ({
    id: `eni-${i}`,
    mac: '0a:00:00:00:00:01',
    subnetId: null,
    vpcId,
    ipv4: [],
    ipv6: [],
    ipv4Prefixes: [],
    ipv6Prefixes: [],
    vpcIpv4Cidrs: [],
    vpcIpv6Cidrs: [],
  })),
  ...more,
})

const endpoint = (service: string, more: Partial<VpcEndpoint> = {}): VpcEndpoint => ({
  ...(more.type === 'Gateway' ? gatewayEndpoint : interfaceEndpoint),
  id: `vpce-${service}`,
  serviceName: `com.amazonaws.us-east-1.${service}`,
  vpcId: vpc,
  ...more,
})
const account = (...endpoints: VpcEndpoint[]): Snapshot => snapshot({ endpoints })

describe('candidates', () => {
  const namesOf = (vantage: Vantage, read: Snapshot | null) =>
    new Map(candidatesOf(vantage, read).map((c) => [c.name, c]))

  it('are the usual services of the region, none of them required, where nothing of the account is known', () => {
    const found = namesOf(instance(), null)
    expect([...found.keys()]).toEqual([...usualServices])
    expect([...found.values()].some((c) => c.required)).toBe(false)
    const hostnames = (name: string) => found.get(name)?.names.map((n) => `${n.style} ${n.hostname}`)
    expect(hostnames('s3')).toEqual([
      'global s3.amazonaws.com',
      'regional s3.us-east-1.amazonaws.com',
      'dualstack s3.dualstack.us-east-1.amazonaws.com',
    ])
    expect(hostnames('sts')).toEqual(['regional sts.us-east-1.amazonaws.com', 'global sts.amazonaws.com'])
    expect(hostnames('ecr.api')).toEqual(['regional api.ecr.us-east-1.amazonaws.com'])
    expect(hostnames('ecr.dkr')).toEqual(['account 111122223333.dkr.ecr.us-east-1.amazonaws.com'])
    expect(hostnames('kms')).toEqual(['regional kms.us-east-1.amazonaws.com'])
  })

  it('that can not be formed are left out', () => {
    const found = namesOf(instance({ accountId: null }), null)
    expect(found.get('ecr.dkr')?.names).toEqual([])
    const china = namesOf(instance({ region: 'cn-north-1' }), null)
    expect(china.get('s3')?.names.map((n) => n.hostname)).toEqual([
      's3.cn-north-1.amazonaws.com.cn',
      's3.dualstack.cn-north-1.amazonaws.com.cn',
    ])
  })

  it('are none on a host that is not known to be an instance', () => {
    expect(candidatesOf(instance({ kind: 'unknown' }), account(endpoint('ssm')))).toEqual([])
    expect(candidatesOf(instance({ kind: 'on-prem' }), account(endpoint('ssm')))).toEqual([])
  })

  it.each([
    // endpoint service, more, name of the candidate, its hostname
    ['s3', { type: 'Gateway' }, 's3', 's3.us-east-1.amazonaws.com'],
    ['ssm', {}, 'ssm', 'ssm.us-east-1.amazonaws.com'],
    ['kinesis-streams', {}, 'kinesis-streams', 'kinesis.us-east-1.amazonaws.com'],
    ['ecr.dkr', {}, 'ecr.dkr', '111122223333.dkr.ecr.us-east-1.amazonaws.com'],
    ['sagemaker.api', {}, 'sagemaker.api', 'api.sagemaker.us-east-1.amazonaws.com'],
    ['kms-fips', {}, 'kms-fips', 'kms-fips.us-east-1.amazonaws.com'],
    ['ecr.api-fips', {}, 'ecr.api-fips', 'ecr-fips.us-east-1.amazonaws.com'],
    // an endpoint that is not well yet, or any more, still says what is wanted
    ['sns', { state: 'pending' }, 'sns', 'sns.us-east-1.amazonaws.com'],
    ['sns', { state: 'failed' }, 'sns', 'sns.us-east-1.amazonaws.com'],
    // one that leads into another region
    ['ssm', { serviceName: 'com.amazonaws.eu-west-1.ssm' }, 'ssm.eu-west-1', 'ssm.eu-west-1.amazonaws.com'],
    ['ssm', { serviceRegion: 'eu-west-1' }, 'ssm.eu-west-1', 'ssm.eu-west-1.amazonaws.com'],
    ['s3', { serviceRegion: 'eu-west-1' }, 's3.eu-west-1', 's3.eu-west-1.amazonaws.com'],
  ] as const)('%s %o has an endpoint in this VPC: required', (service, more, name, hostname) => {
    const found = namesOf(instance(), account(endpoint(service, more)))
    expect(found.get(name)).toMatchObject({ required: true })
    expect(found.get(name)?.names.map((n) => n.hostname)).toContain(hostname)
    expect([...found.values()].filter((c) => c.required)).toHaveLength(1)
    // a global name belongs to the host's own region at most once
    const all = [...found.values()].flatMap((c) => c.names.map((n) => n.hostname))
    expect(new Set(all).size).toBe(all.length)
  })

  it.each([
    ['in another VPC', { vpcId: 'vpc-0fedcba9876543210' }],
    ['that is deleted', { state: 'deleted' }],
    ['of a load balancer for appliances', { type: 'GatewayLoadBalancer' }],
    ['of a resource', { type: 'Resource' }],
    ['of a third party', { serviceName: 'com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0' }],
    ['of nonsense', { serviceName: 'com.amazonaws.us-east-1.<script>' }],
    ['of an empty name', { serviceName: '' }],
  ] as const)('an endpoint %s requires nothing', (_what, more) => {
    const found = candidatesOf(instance(), account(endpoint('ssm', more)))
    expect(found.map((c) => c.name)).toEqual([...usualServices])
    expect(found.some((c) => c.required)).toBe(false)
  })

  it('know no endpoint where the endpoints could not be read', () => {
    const denied = lacking(account(endpoint('ssm')), 'endpoints')
    expect(candidatesOf(instance(), denied).some((c) => c.required)).toBe(false)
  })
})

let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-discovery-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

const kept: Discovered = {
  scope: { account: '111122223333', region: 'us-east-1', vpcIds: [vpc] },
  services: [
    {
      name: 'ssm',
      service: 'ssm',
      region: 'us-east-1',
      required: true,
      names: [{ hostname: 'ssm.us-east-1.amazonaws.com', style: 'regional' }],
    },
  ],
}

describe('what is kept on disk', () => {
  it('comes back as it was, in a file that only this user reads, and nothing else is left', async () => {
    const store = discoveredFile(directory)
    expect(await store.load()).toBeNull()
    await store.save(kept)
    await store.save(kept)
    expect(await store.load()).toEqual(kept)
    expect(await readdir(directory)).toEqual(['discovered.json'])
    expect((await stat(join(directory, 'discovered.json'))).mode & 0o777).toBe(0o600)
  })

  it('can not be written: rejects, and the old file stands', async () => {
    await expect(discoveredFile(join(directory, 'nowhere')).save(kept)).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })

  const document = () =>
    JSON.parse(
      JSON.stringify({ schema: 'pathproof.discovered/1', ...kept.scope, services: kept.services }),
    ) as Record<string, unknown>
  const service = (more: object) => ({ ...document(), services: [{ ...kept.services[0], ...more }] })
  const named = (hostname: unknown, style: unknown = 'regional') => service({ names: [{ hostname, style }] })

  it('is read from its document', () => {
    expect(parseDiscovered(JSON.stringify(document()))).toEqual(kept)
  })

  it.each([
    ['cut short', '{"schema": "pathproof.disc', 'no JSON'],
    ['null', 'null', 'object'],
    ['another schema', JSON.stringify({ ...document(), schema: 'pathproof.discovered/2' }), 'schema'],
    ['no account', JSON.stringify({ ...document(), account: 'me' }), 'account'],
    ['no region', JSON.stringify({ ...document(), region: 'nowhere' }), 'region'],
    ['VPCs of nonsense', JSON.stringify({ ...document(), vpcIds: ['vpc-../..'] }), 'id'],
    ['services of another kind', JSON.stringify({ ...document(), services: {} }), 'services'],
    [
      'a service twice',
      JSON.stringify({ ...document(), services: [kept.services[0], kept.services[0]] }),
      'twice',
    ],
    ['a name that is no label', JSON.stringify(service({ name: 'Ssm"}' })), 'name'],
    ['required in words', JSON.stringify(service({ required: 'yes' })), 'required'],
    [
      'too many names',
      JSON.stringify(service({ names: Array(33).fill(kept.services[0]?.names[0]) })),
      'names',
    ],
    ["somebody else's host", JSON.stringify(named('evil.example')), 'AWS name'],
    ["somebody else's host, in its own words", JSON.stringify(named('evil.example', 'other')), 'AWS name'],
    ['a look-alike', JSON.stringify(named('ssm.us-east-1.amazonaws.com.evil.example')), 'AWS name'],
    ['a URL', JSON.stringify(named('https://u:p@ssm.us-east-1.amazonaws.com')), 'hostname'],
    ['a name of another style', JSON.stringify(named('ssm.us-east-1.amazonaws.com', 'global')), 'style'],
    ['a style of its own', JSON.stringify(named('ssm.us-east-1.amazonaws.com', 'constructor')), 'style'],
    ['a number for a name', JSON.stringify(named(7)), 'hostname'],
  ])('is no use when it is %s', (_what, text, reason) => {
    expect(() => parseDiscovered(text)).toThrow(reason)
  })

  it('is not read beyond its bound, nor if it is no text', async () => {
    const path = join(directory, 'discovered.json')
    await writeFile(path, ' '.repeat(1024 * 1024 + 1))
    await expect(discoveredFile(directory).load()).rejects.toThrow('larger')
    await writeFile(path, Buffer.from([0xff, 0xfe, 0x00]))
    await expect(discoveredFile(directory).load()).rejects.toThrow()
  })
})

interface World {
  vantage: Vantage
  read: Snapshot | null
  enabled: boolean
  /** Names that don't resolve. */
  absent: Set<string>
  maxNames: number
}

function start(more: Partial<World> = {}, kept: string | null = directory) {
  const clock = createHandClock()
  const stop = new AbortController()
  const world: World = {
    vantage: instance(),
    read: account(endpoint('s3', { type: 'Gateway' }), endpoint('ssm')),
    enabled: true,
    absent: new Set(),
    maxNames: 2000,
    ...more,
  }
  const problems: string[] = []
  const asked: string[] = []
  const told: Target[][] = []
  const discovery = createDiscovery({
    enabled: () => world.enabled,
    vantage: () => world.vantage,
    snapshot: () => world.read,
    lookup(hostname) {
      asked.push(hostname)
      if (world.absent.has(hostname))
        return Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))
      return Promise.resolve([{ address: '10.0.0.1', family: 4 }])
    },
    store: kept === null ? null : discoveredFile(kept),
    maxNames: () => world.maxNames,
    clock,
    sleep: (seconds, signal) =>
      new Promise((resolve) => {
        const cancel = clock.setTimer(seconds * 1000, resolve)
        signal.addEventListener('abort', () => {
          cancel()
          resolve()
        })
      }),
    onTargets: (targets) => told.push(targets),
    onProblem: (problem) => problems.push(problem),
    signal: stop.signal,
  })
  const target = (name: string) => discovery.targets().find((t) => t.name === name)
  const count = () => discovery.targets().reduce((sum, t) => sum + t.names.length, 0)
  return { clock, stop, world, problems, asked, told, discovery, target, count }
}

describe('discovery', () => {
  it('requires private where there is an endpoint, and nothing elsewhere; all are marked', async () => {
    const { discovery, target, told } = start()
    await discovery.refresh()
    expect(target('s3')).toMatchObject({
      require: { kind: 'private' },
      discovered: true,
      minProof: 'configured',
    })
    expect(target('ssm')).toMatchObject({ require: { kind: 'private' } })
    expect(target('kms')).toMatchObject({ require: { kind: 'none' }, discovered: true })
    expect(target('s3')?.names.map((n) => n.style)).toEqual(['global', 'regional', 'dualstack'])
    expect(target('s3')?.schedule).toEqual({ kind: 'interval', everySeconds: 30 })
    expect(discovery.targets()).toHaveLength(usualServices.length)
    expect(told).toHaveLength(1)
    await discovery.refresh()
    expect(told).toHaveLength(1)
  })

  it('adds a style only once it has resolved, and a service only with a style', async () => {
    const { discovery, world, target, clock, asked } = start({}, null)
    world.absent = new Set(['s3.dualstack.us-east-1.amazonaws.com', 'sns.us-east-1.amazonaws.com'])
    await discovery.refresh()
    expect(target('s3')?.names.map((n) => n.style)).toEqual(['global', 'regional'])
    expect(target('sns')).toBeUndefined()
    expect(discovery.because().join()).toContain('sns.us-east-1.amazonaws.com')
    // not asked for again at once, and less and less often
    const before = asked.length
    await discovery.refresh()
    expect(asked).toHaveLength(before)
    const pass = async (minutes: number): Promise<void> => {
      for (let minute = 0; minute < minutes; minute++) {
        await clock.advance(60_000)
        await discovery.refresh()
      }
    }
    await pass(24 * 60)
    const times = asked.filter((name) => name.startsWith('sns.')).length
    expect(times).toBeGreaterThan(20)
    expect(times).toBeLessThan(40)
    world.absent.clear()
    await pass(61)
    expect(target('s3')?.names.map((n) => n.style)).toEqual(['global', 'regional', 'dualstack'])
    expect(target('sns')).toBeDefined()
  })

  it('keeps the target of an endpoint that is gone, with what it required', async () => {
    const { discovery, world, target } = start()
    world.read = account(endpoint('s3', { type: 'Gateway' }), endpoint('athena'))
    await discovery.refresh()
    expect(target('athena')).toMatchObject({ require: { kind: 'private' } })
    for (const read of [account(), lacking(account(), 'endpoints'), null]) {
      world.read = read
      await discovery.refresh()
      expect(target('athena')).toMatchObject({ require: { kind: 'private' } })
      expect(target('s3')).toMatchObject({ require: { kind: 'private' } })
    }
  })

  it('keeps a name that does not resolve any more', async () => {
    const { discovery, world, target } = start()
    await discovery.refresh()
    world.absent = new Set(['ssm.us-east-1.amazonaws.com'])
    await discovery.refresh()
    expect(target('ssm')?.names).toHaveLength(1)
  })

  it('begins to require private when an endpoint appears', async () => {
    const { discovery, world, target, told } = start()
    await discovery.refresh()
    expect(target('kms')).toMatchObject({ require: { kind: 'none' } })
    world.read = account(endpoint('kms'))
    await discovery.refresh()
    expect(target('kms')).toMatchObject({ require: { kind: 'private' } })
    expect(told).toHaveLength(2)
  })

  it('outlives a restart, also where the instance metadata and the API are silent then', async () => {
    const first = start()
    await first.discovery.refresh()
    const second = start({
      vantage: instance({ kind: 'unknown', region: null, accountId: null }, []),
      read: null,
    })
    await second.discovery.load()
    expect(second.discovery.targets()).toEqual(first.discovery.targets())
    expect(second.target('ssm')).toMatchObject({ require: { kind: 'private' } })
    await second.discovery.refresh()
    expect(second.asked).toEqual([])
    // and goes on where it was, once it knows where it is
    second.world.vantage = instance()
    await second.discovery.refresh()
    expect(second.target('ssm')).toMatchObject({ require: { kind: 'private' } })
    expect(second.problems).toEqual([])
  })

  it.each([
    ['another account', instance({ accountId: '444455556666' })],
    ['another region', instance({ region: 'us-east-2' })],
    ['another VPC', instance({}, ['vpc-0fedcba9876543210'])],
  ])('drops what a clone of this disk discovered in %s, and says so', async (_what, vantage) => {
    const first = start({ read: account(endpoint('athena')) })
    await first.discovery.refresh()
    const second = start({ vantage, read: null })
    await second.discovery.load()
    await second.discovery.refresh()
    expect(second.target('athena')).toBeUndefined()
    expect(second.problems.join()).toContain('elsewhere')
    expect(second.told.at(-1)?.map((t) => t.name)).toEqual([...usualServices])
    expect((await discoveredFile(directory).load())?.scope.account).toBe(vantage.accountId)
  })

  it('stays with an instance that gains a VPC', async () => {
    const first = start({ read: account(endpoint('athena')) })
    await first.discovery.refresh()
    const second = start({ vantage: instance({}, ['vpc-0000000000000aaaa', vpc]), read: null })
    await second.discovery.refresh()
    expect(second.target('athena')).toMatchObject({ require: { kind: 'private' } })
    expect((await discoveredFile(directory).load())?.scope.vpcIds).toHaveLength(2)
  })

  it('ignores a file that is damaged, says so, and writes a good one', async () => {
    await writeFile(join(directory, 'discovered.json'), '{"schema":"pathproof.discovered/1"')
    const { discovery, problems } = start()
    await discovery.refresh()
    expect(problems).toEqual(['what was discovered before is ignored: it is no JSON'])
    expect(discovery.targets().length).toBeGreaterThan(10)
    expect(
      parseDiscovered(await readFile(join(directory, 'discovered.json'), 'utf8')).services.length,
    ).toBeGreaterThan(10)
  })

  it('goes on where the disk can not be written, says so, and writes as soon as it can', async () => {
    const gone = join(directory, 'gone')
    const { discovery, problems, target } = start({}, gone)
    await discovery.refresh()
    expect(problems.join()).toContain('ENOENT')
    expect(target('ssm')).toBeDefined()
    const { mkdir } = await import('node:fs/promises')
    await mkdir(gone)
    await discovery.refresh()
    expect(await discoveredFile(gone).load()).not.toBeNull()
  })

  it('has at most as many names as are allowed, drops none that it has, and says so once', async () => {
    const { discovery, problems, world, count, target } = start({ maxNames: 4 })
    await discovery.refresh()
    expect(count()).toBe(4)
    expect(target('s3')?.names).toHaveLength(3)
    await discovery.refresh()
    expect(problems).toHaveLength(1)
    world.maxNames = 2
    await discovery.refresh()
    expect(count()).toBe(4)
    expect(discovery.because().join()).toContain('limits.names')
  })

  it('is off where the configuration names its targets, and does not ask for a name', async () => {
    const { discovery, asked, told, world } = start({ enabled: false })
    await discovery.refresh()
    expect([asked, told, discovery.targets()]).toEqual([[], [], []])
    world.enabled = true
    await discovery.refresh()
    expect(told).toHaveLength(1)
  })

  it('finds nothing where the host is not known to be an instance, and says why', async () => {
    const { discovery, asked } = start({
      vantage: instance({ kind: 'unknown', because: ['the metadata service did not answer'] }),
    })
    await discovery.refresh()
    expect(asked).toEqual([])
    expect(discovery.because().join()).toContain('metadata service did not answer')
  })

  it('looks again each minute and when something is new, and stops with the agent, lookups that hang included', async () => {
    const { discovery, world, target, clock, stop } = start({ read: null }, null)
    const run = discovery.run()
    await until(() => target('ssm') !== undefined)
    expect(target('ssm')).toMatchObject({ require: { kind: 'none' } })
    world.read = account(endpoint('ssm'))
    discovery.nudge()
    await until(() => target('ssm')?.require.kind === 'private')
    world.read = account(endpoint('athena'))
    await until(() => clock.timers() === 1)
    await clock.advance(60_000)
    await until(() => target('athena') !== undefined)
    stop.abort()
    await run
    expect(clock.timers()).toBe(0)
  })

  it('is not held up by a lookup that never comes back', async () => {
    const clock = createHandClock()
    const discovery = createDiscovery({
      enabled: () => true,
      vantage: () => instance(),
      snapshot: () => null,
      lookup: (hostname) =>
        hostname.startsWith('kms') ? new Promise(() => undefined) : Promise.resolve([1]),
      store: null,
      maxNames: () => 100,
      clock,
      sleep: (seconds, signal) =>
        new Promise((resolve) => {
          const cancel = clock.setTimer(seconds * 1000, resolve)
          signal.addEventListener('abort', () => {
            cancel()
            resolve()
          })
        }),
      onTargets: () => undefined,
      onProblem: () => undefined,
      signal: new AbortController().signal,
    })
    const looked = discovery.refresh()
    await until(() => clock.timers() > 0)
    await clock.advance(5_000)
    await looked
    const names = discovery.targets().map((t) => t.name)
    expect(names).toContain('sns')
    expect(names).not.toContain('kms')
  })
})

/** Lets what is under way (files included) go on until `done`. */
async function until(done: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2000 && !done(); turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(done()).toBe(true)
}
