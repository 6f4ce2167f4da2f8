import { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { Dial, HostAccess } from '../../model/host.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import {
  config,
  defaultTargets,
  type LabDaemonOptions,
  type RunningDaemon,
  startLabDaemon,
  surroundings,
} from '../support/lab-daemon.ts'

let running: RunningDaemon | null = null
afterEach(async () => {
  await running?.stop()
  running = null
})

async function begin(options: LabDaemonOptions): Promise<RunningDaemon> {
  running = await startLabDaemon(options)
  return running
}

const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const gauge = (target: string, hostname: string, style = 'regional') =>
  `pathproof_path_private{target="${target}",hostname="${hostname}",style="${style}"}`

const last = (all: readonly TargetVerdict[], target: string) => all.findLast((v) => v.target === target)

/** Waits for a verdict of `target` with `state`. */
const turns = (to: RunningDaemon, target: string, state: string) =>
  to.verdicts.until(`${target} ${state}`, (all) => {
    const verdict = last(all, target)
    return verdict?.state === state ? verdict : null
  })

const quick = { every: '2s', timeout: '1900ms' }

/** A dial that can be taken away and given back. */
function switchable(broken: Dial): { dial(host: HostAccess): HostAccess; on: boolean; dials: number } {
  const state = {
    on: true,
    dials: 0,
    dial: (host: HostAccess): HostAccess => ({
      ...host,
      dial: (to) => {
        state.dials++
        return state.on ? broken(to) : host.dial(to)
      },
    }),
  }
  return state
}

const failing =
  (code: string): Dial =>
  ({ address, port }) => {
    const socket = new Socket()
    const error = Object.assign(new Error(`connect ${code} ${address}:${port}`), { code, syscall: 'connect' })
    process.nextTick(() => socket.destroy(error))
    return { socket, local: () => null }
  }

describe('the daemon on the lab', () => {
  it('is healthy at once, judges every target, and shows it on all of its pages', async () => {
    const { get, verdicts, metric, lab, daemon } = await begin({ scenario: 'demo' })
    expect(await get('/-/healthy')).toEqual({ status: 200, text: 'healthy\n' })
    expect(await get('/-/ready')).toEqual({ status: 200, text: 'ready\n' })
    // Before the first verdict every series is there, and says that nothing is proven.
    const early = verdicts.items.length === 0 ? await metric(gauge('artifacts', s3)) : 0
    expect(early).toBe(0)
    await verdicts.until('all targets', (all) => new Set(all.map((v) => v.target)).size === 5)
    for (const verdict of daemon.verdicts()) {
      for (const name of verdict.names) {
        expect(name.state, `${name.hostname}: ${name.because.join('; ')}`).toBe(
          lab.truth(name.hostname).state,
        )
        const shown = await metric(gauge(verdict.target, name.hostname, name.style))
        expect(shown, name.hostname).toBe(name.state === 'private' ? 1 : 0)
      }
    }
    const document = JSON.parse((await get('/api/v1/verdicts')).text)
    expect(document).toMatchObject({ schema: 'pathproof.verdicts/1', version: '0.0.0-test' })
    expect(document.targets.map((t: { target: string }) => t.target)).toEqual([
      'artifacts',
      'backup',
      'ssm',
      'kms',
      'sts-global',
    ])
    const { id } = document.targets[0].names[0].attempts[0]
    expect(JSON.parse((await get(`/api/v1/attempts/${id}`)).text)).toMatchObject({
      schema: 'pathproof.attempt/1',
      attempt: { id },
    })
    expect((await get('/api/v1/attempts/nonesuch')).status).toBe(404)
    expect((await get('/')).text).toContain(`<span class="id">${s3}</span>`)
  })

  it('starts and lives without any resolver, and judges as soon as there is one', async () => {
    let there = false
    await begin({
      scenario: 'gateway-endpoint',
      document: (lab) => ({ ...surroundings(lab), targets: [{ name: 'artifacts', hostname: s3, ...quick }] }),
      host: (host) => ({
        ...host,
        lookup: (name) =>
          there
            ? host.lookup(name)
            : Promise.reject(Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN' })),
        systemServers: () => (there ? host.systemServers() : []),
      }),
    })
    const { get, metric, daemon } = running as RunningDaemon
    const verdict = await turns(running as RunningDaemon, 'artifacts', 'undetermined')
    expect(verdict.met).toBe(false)
    expect(verdict.names[0]?.because.length).toBeGreaterThan(0)
    expect((await get('/-/healthy')).status).toBe(200)
    expect(await metric(gauge('artifacts', s3))).toBe(0)
    expect((await get('/metrics')).text).toMatch(/pathproof_probe_errors_total\{probe="dns",[^}]*\} [1-9]/)
    there = true
    await turns(running as RunningDaemon, 'artifacts', 'private')
    expect(await metric(gauge('artifacts', s3))).toBe(1)
    expect(daemon.verdicts()).toHaveLength(1)
  })

  it('takes EMFILE at dial for a lack of its own, never for a blocked or private path', async () => {
    const broken = switchable(failing('EMFILE'))
    await begin({
      scenario: 'gateway-endpoint',
      document: (lab) => ({ ...surroundings(lab), targets: [{ name: 'artifacts', hostname: s3, ...quick }] }),
      host: broken.dial,
    })
    const { verdicts, get, metric } = running as RunningDaemon
    await verdicts.until('four verdicts', (all) => all.length >= 4)
    for (const verdict of verdicts.items) expect(verdict.state).toBe('undetermined')
    expect((await get('/-/healthy')).status).toBe(200)
    expect((await get('/metrics')).text).toMatch(
      /pathproof_probe_errors_total\{probe="tls",reason="resources"\} [1-9]/,
    )
    expect(await metric(gauge('artifacts', s3))).toBe(0)
    broken.on = false
    await turns(running as RunningDaemon, 'artifacts', 'private')
  })

  it('takes a dial that throws in the same way', async () => {
    const broken = switchable(() => {
      throw Object.assign(new Error('socket ENFILE'), { code: 'ENFILE', syscall: 'socket' })
    })
    await begin({
      scenario: 'gateway-endpoint',
      document: (lab) => ({ ...surroundings(lab), targets: [{ name: 'artifacts', hostname: s3, ...quick }] }),
      host: broken.dial,
    })
    expect((await turns(running as RunningDaemon, 'artifacts', 'undetermined')).met).toBe(false)
    expect(broken.dials).toBeGreaterThan(0)
    broken.on = false
    await turns(running as RunningDaemon, 'artifacts', 'private')
  })

  it('tells names without addresses from names that do not exist', async () => {
    const empty = 'empty.s3.us-east-1.amazonaws.com'
    const yaml = `name: empty
title: Names without addresses
story: One name exists and has no address, the other does not exist.
world: { names: [{ hostname: ${empty}, ipv4: [] }] }
names: [{ target: empty, hostname: ${empty} }, { target: absent, hostname: absent.example }]
expect: [{ hostname: ${empty}, state: undetermined, because: no address }]
`
    const { metric, verdicts, get } = await begin({ scenario: yaml })
    const both = await verdicts.until('both', (all) => {
      const found = [last(all, 'empty'), last(all, 'absent')]
      return found.every((v) => v !== undefined) ? found : null
    })
    expect(both.map((v) => [v?.state, v?.met])).toEqual([
      ['undetermined', false],
      ['blocked', false],
    ])
    expect(both[1]?.names[0]?.because.join(' ')).toContain('does not exist')
    expect(await metric(gauge('empty', empty))).toBe(0)
    expect((await get('/-/healthy')).status).toBe(200)
  })

  it('refuses to start where it can not listen, and leaves nothing behind', async () => {
    const { daemon } = await begin({ scenario: 'gateway-endpoint' })
    const taken = startLabDaemon({
      scenario: 'gateway-endpoint',
      document: (lab) => ({
        ...surroundings(lab),
        targets: defaultTargets(lab),
        web: { listen: `127.0.0.1:${daemon.address.port}` },
      }),
    })
    await expect(taken).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  it('is healthy but not ready while nothing of the account could be read', async () => {
    const { get, log } = await begin({
      scenario: 'gateway-endpoint',
      document: (lab) => ({
        ...surroundings(lab),
        targets: defaultTargets(lab),
        topology: { source: 'directory', directory: `${lab.snapshotDirectory}-nowhere`, refresh: '10s' },
      }),
    })
    expect((await get('/-/healthy')).status).toBe(200)
    const ready = await get('/-/ready')
    expect(ready.status).toBe(503)
    expect(ready.text).toContain('snapshot has not been read')
    expect((await turns(running as RunningDaemon, 'artifacts', 'undetermined')).met).toBe(false)
    await log.until('a complaint', (all) => all.some((line) => line['event'] === 'topology_problem'))
  })
})

describe('reload', () => {
  it('over HTTP is opt-in, refuses other sites, and keeps the old configuration where the new one is bad', async () => {
    let next: (() => ReturnType<NonNullable<LabDaemonOptions['loadAgain']>>) | null = null
    const { lab, get, metric, verdicts, daemon } = await begin({
      scenario: 'demo',
      document: (world) => ({
        ...surroundings(world),
        web: { listen: '127.0.0.1:0', reload: true },
        targets: defaultTargets(world),
      }),
      loadAgain: () =>
        next?.() ?? Promise.resolve({ ok: false, text: 'pathproof.yml:3:5: targets: nonsense' }),
    })
    await verdicts.until('all targets', (all) => new Set(all.map((v) => v.target)).size === 5)
    expect((await get('/-/reload')).status).toBe(405)
    const foreign = await get('/-/reload', { method: 'POST', headers: { origin: 'https://evil.example' } })
    expect(foreign.status).toBe(403)
    expect(await metric('pathproof_config_last_reload_successful')).toBe(1)
    const at = await metric('pathproof_config_last_reload_success_timestamp_seconds')

    const bad = await get('/-/reload', { method: 'POST' })
    expect(bad).toEqual({ status: 500, text: 'pathproof.yml:3:5: targets: nonsense\n' })
    expect(await metric('pathproof_config_last_reload_successful')).toBe(0)
    expect(await metric('pathproof_config_last_reload_success_timestamp_seconds')).toBe(at)
    expect(daemon.verdicts()).toHaveLength(5)
    expect(await metric(gauge('artifacts', s3))).toBe(1)

    const roots = [{ partition: 'aws', file: `${lab.caFile}.gone` }]
    next = async () => ({
      ok: true,
      config: config({ ...surroundings(lab), partition_roots: roots, targets: defaultTargets(lab) }),
    })
    const noRoots = await get('/-/reload', { method: 'POST' })
    expect(noRoots.status).toBe(500)
    expect(noRoots.text).toContain('ENOENT')
    expect(await metric(gauge('artifacts', s3))).toBe(1)

    const elsewhere = { source: 'directory', directory: '/nowhere', refresh: '10s' }
    next = async () => ({
      ok: true,
      config: config({ ...surroundings(lab), topology: elsewhere, targets: defaultTargets(lab) }),
    })
    expect((await get('/-/reload', { method: 'POST' })).text).toContain('restart')
    expect(await metric('pathproof_config_last_reload_successful')).toBe(0)

    // A good one: one target goes, one comes, the rest keeps what it knows.
    const from = verdicts.items.length
    next = async () => ({
      ok: true,
      config: config({
        ...surroundings(lab),
        targets: [
          ...defaultTargets(lab).filter((t) => t.name !== 'backup'),
          { name: 'fresh', hostname: 'kms.us-east-1.amazonaws.com', every: '5s', timeout: '2s' },
        ],
      }),
    })
    expect(await get('/-/reload', { method: 'POST' })).toEqual({ status: 200, text: 'reloaded\n' })
    expect(await metric('pathproof_config_last_reload_successful')).toBe(1)
    expect(await metric(gauge('artifacts', s3))).toBe(1)
    const { text } = await get('/metrics')
    expect(text).not.toContain('target="backup"')
    expect(text).not.toContain('backup-lab')
    expect(text).toContain('target="fresh"')
    expect((await get('/')).text).not.toContain('backup')
    // Nothing is claimed of it before its first verdict, which may have come by now.
    const claimed = await metric(gauge('fresh', 'kms.us-east-1.amazonaws.com'))
    if (last(verdicts.items.slice(from), 'fresh') === undefined) expect(claimed).toBe(0)
    await verdicts.until('the new one', (all) => last(all.slice(from), 'fresh')?.state === 'private')
    expect(await metric(gauge('fresh', 'kms.us-east-1.amazonaws.com'))).toBe(1)
    // The new configuration did not switch it on.
    expect((await get('/-/reload', { method: 'POST' })).status).toBe(403)
  })

  it('is off unless it is switched on', async () => {
    const { get } = await begin({ scenario: 'gateway-endpoint' })
    expect((await get('/-/reload', { method: 'POST' })).status).toBe(403)
  })

  it('keeps the limits one for all targets, old and new', async () => {
    const open = new Set<Socket>()
    const asked = new Set<string>()
    let most = 0
    let hold = true
    const host = (real: HostAccess): HostAccess => ({
      ...real,
      lookup: (hostname) => {
        asked.add(hostname)
        return real.lookup(hostname)
      },
      dial: (to) => {
        if (!hold) return real.dial(to)
        const socket = new Socket()
        Object.assign(socket, { connecting: true })
        open.add(socket)
        most = Math.max(most, open.size)
        return { socket, local: () => null }
      },
    })
    const targets = (names: string[]) =>
      names.map((name) => ({
        name,
        hostname: `${name}.s3.us-east-1.amazonaws.com`,
        every: '60s',
        timeout: '20s',
      }))
    const document = (lab: RunningDaemon['lab'], names: string[]) => ({
      ...surroundings(lab),
      targets: targets(names),
      limits: { connects: 2, connects_per_target: 2, handshakes: 2 },
    })
    let names = ['one', 'two']
    const { daemon, verdicts } = await begin({
      scenario: 'gateway-endpoint',
      document: (lab) => document(lab, names),
      host,
      loadAgain: async () => ({ ok: true, config: config(document((running as RunningDaemon).lab, names)) }),
    })
    const turn = () => new Promise((resolve) => setTimeout(resolve, 10))
    while (open.size < 2) await turn()
    names = ['one', 'two', 'three', 'four']
    expect(await daemon.reload()).toMatchObject({ ok: true })
    while (names.some((name) => !asked.has(`${name}.s3.us-east-1.amazonaws.com`))) await turn()
    // Behind the look-up they would dial within some milliseconds, if they were let.
    for (let again = 0; again < 50; again++) await turn()
    expect(most).toBe(2)
    hold = false
    for (const socket of open)
      socket.destroy(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))
    await verdicts.until('all four', (all) => new Set(all.map((v) => v.target)).size === 4)
  })
})

describe('stop', () => {
  it('lets the cycle under way end, and leaves no handle', async () => {
    const before = process.getActiveResourcesInfo().toSorted()
    let dialled = false
    let go: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      go = resolve
    })
    await begin({
      scenario: 'gateway-endpoint',
      document: (lab) => ({
        ...surroundings(lab),
        targets: [{ name: 'artifacts', hostname: s3, every: '60s', timeout: '10s' }],
      }),
      host: (host) => ({
        ...host,
        hostRoute: async (destination, source) => {
          dialled = true
          await held
          return host.hostRoute(destination, source)
        },
      }),
    })
    const { daemon, verdicts, lab, log } = running as RunningDaemon
    while (!dialled) await new Promise((resolve) => setImmediate(resolve))
    const stopped = daemon.stop(10)
    go()
    await stopped
    expect(verdicts.items.map((v) => v.state)).toEqual(['private'])
    expect(log.items.at(-1)).toMatchObject({ event: 'stopped' })
    await expect((running as RunningDaemon).get('/-/healthy')).rejects.toThrow()
    await lab.close()
    running = null
    // Sockets that are closed leave the list a turn later.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    const left = process.getActiveResourcesInfo().toSorted()
    for (const resource of before) if (left.includes(resource)) left.splice(left.indexOf(resource), 1)
    expect(left.filter((resource) => resource !== 'Immediate')).toEqual([])
  })

  it('aborts what does not end in time', async () => {
    let dialled = false
    await begin({
      scenario: 'gateway-endpoint',
      document: (lab) => ({
        ...surroundings(lab),
        targets: [{ name: 'artifacts', hostname: s3, every: '60s', timeout: '30s' }],
      }),
      host: (host) => ({
        ...host,
        dial: () => {
          dialled = true
          const socket = new Socket()
          Object.assign(socket, { connecting: true })
          return { socket, local: () => null }
        },
      }),
    })
    const { daemon, verdicts, log } = running as RunningDaemon
    while (!dialled) await new Promise((resolve) => setImmediate(resolve))
    await daemon.stop(0)
    expect(verdicts.items).toEqual([])
    expect(log.items.filter((line) => line['level'] === 'error')).toEqual([])
  })
})
