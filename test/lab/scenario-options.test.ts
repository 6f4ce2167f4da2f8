/** What a scenario can say beside its world: the dump, the host's store, what is declared, half an answer. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { Resolver } from 'node:dns/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { labConfig } from '../../agent/lab-config.ts'
import { accountOf } from '../../lab/api/ec2-account.ts'
import { startLab, type Lab } from '../../lab/lab.ts'
import { firstWorld, loadScenario, parseScenario } from '../../lab/scenario.ts'
import { awsFiles } from '../../lab/world/aws-files.ts'
import { changeWorld } from '../../lab/world/world.ts'
import { systemHost } from '../../probes/host.ts'

const nowMs = Date.UTC(2026, 5, 1, 12)
const options = { every: '10s', listen: '127.0.0.1:0', nowMs }
const hour = 3_600_000

const labs: Lab[] = []
afterEach(async () => {
  for (const lab of labs.splice(0)) await lab.close()
})

async function start(name: string): Promise<Lab> {
  const lab = await startLab(await loadScenario(name), {
    mode: 'mapped',
    clock: { wallMs: () => nowMs },
    timed: false,
  })
  labs.push(lab)
  return lab
}

async function startWith(more: string): Promise<Lab> {
  const read = parseScenario(
    `name: mine\ntitle: Mine\nstory: A story.\nnames: [{ target: sts, hostname: sts.amazonaws.com }]\nexpect: [{ hostname: sts.amazonaws.com, state: public }]\n${more}`,
    'mine.yaml',
  )
  if (!read.ok) throw new Error(read.problems.join('\n'))
  const lab = await startLab(read.scenario, { mode: 'mapped', clock: { wallMs: () => nowMs }, timed: false })
  labs.push(lab)
  return lab
}

const manifestOf = (lab: Lab): string => join(lab.snapshotDirectory, 'manifest.json')
const tablesOf = (lab: Lab): string => join(lab.snapshotDirectory, 'describe-route-tables.json')

describe('the dump', () => {
  it('is of now and says so, unless the scenario says otherwise', async () => {
    const lab = await start('01-gateway-endpoint')
    expect(JSON.parse(readFileSync(manifestOf(lab), 'utf8'))).toMatchObject({
      time: new Date(nowMs).toISOString(),
    })
  })

  it('is as old as the scenario says, by its manifest and by its files', async () => {
    const lab = await start('39-old-dump')
    const { time } = JSON.parse(readFileSync(manifestOf(lab), 'utf8')) as { time: string }
    expect(Date.parse(time)).toBe(nowMs - 20 * hour)
    expect(statSync(tablesOf(lab)).mtimeMs).toBe(nowMs - 20 * hour)
  })

  it('has no manifest where the scenario says so, and not after a step either', async () => {
    const lab = await startWith(
      'dump: { manifest: false }\nsteps: [{ after: 1s, name: gone, title: Gone, change: { remove: [vpce-0a000053] } }]\n',
    )
    expect(existsSync(manifestOf(lab))).toBe(false)
    const before = readFileSync(tablesOf(lab), 'utf8')
    await lab.apply('gone')
    expect(existsSync(manifestOf(lab))).toBe(false)
    expect(readFileSync(tablesOf(lab), 'utf8')).toBe(before)
    expect(readFileSync(join(lab.snapshotDirectory, 'describe-vpc-endpoints.json'), 'utf8')).not.toContain(
      'vpce-0a000053',
    )
  })
})

describe("the host's own store", () => {
  it("has the proxies' authority only if the scenario says so", async () => {
    const trusting = await start('36-tls-interception')
    expect(trusting.hostRoots()).toEqual([readFileSync(trusting.interceptorFile, 'utf8')])
    expect((await start('01-gateway-endpoint')).hostRoots()).toEqual([])
  })
})

describe('a list that is hidden', () => {
  const list = 'pl-0c0000c1'

  it('shows only in the route that uses it', async () => {
    const world = firstWorld(await loadScenario('22-unread-list'))
    const files = awsFiles(world)
    const showing = Object.entries(files).flatMap(([name, content]) =>
      name.includes(list) || JSON.stringify(content).includes(list) ? [name] : [],
    )
    expect(showing).toEqual(['describe-route-tables.json'])
    expect(accountOf(world, world.account).entries(list)).toBeNull()
  })

  it('shows to its owner, and to all once it is shared', async () => {
    const world = firstWorld(await loadScenario('22-unread-list'))
    expect(accountOf(world, '222233334444').entries(list)).toEqual([{ Cidr: '52.216.0.0/16' }])
    const shared = changeWorld(world, { lists: [{ id: list, hidden: false }] })
    expect(accountOf(shared, world.account).entries(list)).toEqual([{ Cidr: '52.216.0.0/16' }])
  })
})

describe('a name of which one family fails', () => {
  it('is answered by the other one, over the wire', async () => {
    const lab = await start('30-dns-trouble')
    const host = lab.hostAccess(systemHost({}))
    const server = host.serverAddress({ address: '10.0.0.2', port: 53 })
    const resolver = new Resolver({ timeout: 2000, tries: 1 })
    resolver.setServers([`${server.address}:${server.port}`])
    const name = 'artifacts-lab.s3.us-east-1.amazonaws.com'
    expect((await resolver.resolve4(name)).sort()).toEqual(['3.5.2.17', '52.216.8.53'])
    await expect(resolver.resolve6(name)).rejects.toMatchObject({ code: 'ESERVFAIL' })
    await expect(resolver.resolve4('kms.us-east-1.amazonaws.com')).rejects.toMatchObject({ code: 'ENODATA' })
  })
})

describe('what is declared', () => {
  it("goes into the agent's configuration", async () => {
    const loaded = labConfig(await start('40-on-prem'), options)
    if (!loaded.ok) throw new Error(loaded.problems.map((p) => p.problem).join('\n'))
    expect(loaded.config.agent.vantage).toBe('on-prem')
    expect(loaded.config.sites.map(({ name }) => name)).toEqual(['dc1'])
    expect(loaded.config.trustedEndpoints).toMatchObject([
      { dnsName: 'bucket.vpce-0a0000a3-t5n2v6yb.s3.us-east-1.vpce.amazonaws.com', via: 'dc1' },
    ])
  })

  it("passes that configuration's own checks", async () => {
    const lab = await startWith('agent: { sites: [{ name: dc1, prefix: 192.168.0.0/16 }] }\n')
    const loaded = labConfig(lab, options)
    expect(loaded.ok ? [] : loaded.problems.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['sites[0].prefix', 'sites[0].prefixes']),
    )
  })

  it('can say by which resolvers and from which address a name is watched', async () => {
    const read = parseScenario(
      `name: mine\ntitle: Mine\nstory: A story.\nnames: [{ target: sts, hostname: sts.amazonaws.com, source: 10.0.1.50, resolvers: [corp] }]\nagent: { resolvers: [{ name: corp, address: '192.168.53.53:53' }] }\nexpect: [{ hostname: sts.amazonaws.com, state: public }]\n`,
      'mine.yaml',
    )
    if (!read.ok) throw new Error(read.problems.join('\n'))
    const lab = await startLab(read.scenario, {
      mode: 'mapped',
      clock: { wallMs: () => nowMs },
      timed: false,
    })
    labs.push(lab)
    const loaded = labConfig(lab, options)
    if (!loaded.ok) throw new Error(loaded.problems.map((p) => p.problem).join('\n'))
    expect(loaded.config.targets).toMatchObject([{ source: '10.0.1.50', resolvers: ['corp'] }])
  })

  it('is read strictly', () => {
    const read = parseScenario(
      'name: mine\ntitle: Mine\nstory: A story.\nnames: [{ target: sts, hostname: sts.amazonaws.com }]\nagent: { site: [] }\ndump: { age: 20 }\nexpect: [{ hostname: sts.amazonaws.com, state: public }]\n',
      'mine.yaml',
    )
    expect(read.ok ? [] : read.problems).toEqual([
      expect.stringContaining('dump.age:'),
      expect.stringContaining('agent.site: Unrecognized key'),
    ])
  })
})
