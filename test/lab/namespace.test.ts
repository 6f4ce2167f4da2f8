import { spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  insideNamespace,
  namespacesAvailable,
  runInNamespace,
  type NamespaceRun,
} from '../../lab/namespace.ts'
import { needs, titled } from '../support/needs.ts'

const available = await namespacesAvailable()
const missing = await needs('namespaces', 'ip')
const insideFile = (name: string) => fileURLToPath(new URL(`inside/${name}`, import.meta.url))
const withCurl = '403 10.0.1.101 0'
/** Where there is no curl, its part of the test says nothing. */
const withoutCurl = (await needs('curl')) === null ? 'curl was not found' : withCurl

/** Runs one of the files in `inside/`. */
function run(file: string, args: string[], more: Partial<NamespaceRun> = {}): Promise<number> {
  return runCommand([process.execPath, insideFile(file), ...args], more)
}

function runCommand(command: [string, ...string[]], more: Partial<NamespaceRun> = {}): Promise<number> {
  return runInNamespace({
    command,
    environment: process.env,
    listen: null,
    nameServers: ['10.0.0.2'],
    signals: new EventEmitter(),
    ...more,
  })
}

it('availability comes with a reason', () => {
  expect(available.ok || available.because.length > 0).toBe(true)
})

it('nobody is inside by saying so', async () => {
  expect(await insideNamespace({})).toBeNull()
})

describe.skipIf(missing !== null)(titled('in namespaces', missing), () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'pathproof-namespace-test-'))
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  async function lab(scenario: string, step: string, destinations: string[]) {
    const file = join(directory, `${scenario}.json`)
    expect(await run('lab.ts', [file, scenario, step, ...destinations])).toBe(0)
    return JSON.parse(readFileSync(file, 'utf8')) as {
      listen: unknown
      before: Record<string, unknown>
      after: Record<string, unknown> | null
      curl: string
      metadata: string
      vpcAnswers: string[]
      corpAnswers: string[]
    }
  }

  it('ordinary clients reach the services by name on port 443, verified', async () => {
    const seen = await lab('interface-endpoint', '-', [
      'ssm.us-east-1.amazonaws.com',
      'artifacts-lab.s3.us-east-1.amazonaws.com',
      'nonesuch.example',
      '52.216.1.1,10.0.1.50',
      '2600:1fa0:80a0:a4c1:34d8:1234::',
      '203.0.113.1',
    ])
    const s3 = ['52.216.8.53', '52.217.12.102', '3.5.2.17', '54.231.128.9', '16.182.33.40', '52.216.207.11']
    expect(seen.before['ssm.us-east-1.amazonaws.com']).toEqual(['10.0.1.101 verified from 10.0.1.50'])
    expect(new Set(seen.before['artifacts-lab.s3.us-east-1.amazonaws.com'] as string[])).toEqual(
      new Set(s3.map((address) => `${address} verified from 10.0.1.50`)),
    )
    expect(seen.before).toMatchObject({
      'nonesuch.example': 'ENOTFOUND',
      '52.216.1.1,10.0.1.50': 'connected from 10.0.1.50',
      '2600:1fa0:80a0:a4c1:34d8:1234::': 'ENETUNREACH',
      '203.0.113.1': 'silence',
    })
    expect(seen.metadata).toBe('i-0a000050')
    expect(seen.vpcAnswers).toEqual(['10.0.1.101'])
    expect(seen.corpAnswers).toEqual(['52.119.198.61'])
    expect(seen.curl.replace(/^.*ENOENT.*$/su, withoutCurl)).toBe(withCurl)
  })

  it('a destination whose route is a blackhole is silent, its neighbours are not', async () => {
    const seen = await lab('blackhole', '-', ['52.216.8.53', '209.54.177.164', '54.231.128.9,10.0.1.50'])
    expect(seen.before).toEqual({
      '52.216.8.53': 'silence',
      '209.54.177.164': 'connected from 10.0.1.50',
      '54.231.128.9,10.0.1.50': 'silence',
    })
  })

  it('IPv6 goes where the world lets it', async () => {
    const seen = await lab('ipv6-leak', '-', [
      'artifacts-lab.s3.dualstack.us-east-1.amazonaws.com',
      '2600:1fa0:80a0::1,2600:1f18:4a3:9c01::50',
      '2001:db8::1',
    ])
    expect(seen.before['artifacts-lab.s3.dualstack.us-east-1.amazonaws.com']).toContain(
      '2600:1fa0:80a0:a4c1:34d8:1234:: verified from 2600:1f18:4a3:9c01::50',
    )
    expect(seen.before).toMatchObject({
      '2600:1fa0:80a0::1,2600:1f18:4a3:9c01::50': 'connected from 2600:1f18:4a3:9c01::50',
      '2001:db8::1': 'silence',
    })
  })

  it('routes change with the world', async () => {
    const file = join(directory, 'cut.yaml')
    writeFileSync(
      file,
      `name: cut
title: The route is cut
story: The endpoint's route turns into a blackhole, and a second S3 range with it.
names: [{ target: s3, hostname: s3.us-east-1.amazonaws.com }]
steps:
  - after: 1s
    name: cut
    title: Cut
    change: { tables: [{ id: rtb-0a000001, routes: ['0.0.0.0/0 -> nat-0b000009', 'pl-63a5400a -> vpce-0a000053 blackhole'] }] }
expect: [{ hostname: s3.us-east-1.amazonaws.com, state: private }]
`,
    )
    const result = join(directory, 'cut.json')
    expect(await run('lab.ts', [result, file, 'cut', '52.216.8.53', '209.54.177.164'])).toBe(0)
    const seen = JSON.parse(readFileSync(result, 'utf8')) as { before: unknown; after: unknown }
    expect(seen.before).toEqual({
      '52.216.8.53': 'connected from 10.0.1.50',
      '209.54.177.164': 'connected from 10.0.1.50',
    })
    expect(seen.after).toEqual({ '52.216.8.53': 'silence', '209.54.177.164': 'connected from 10.0.1.50' })
  })

  it('each of the host’s addresses has its own way', async () => {
    const file = join(directory, 'two.yaml')
    writeFileSync(
      file,
      `name: two
title: Two addresses, one public
story: An internet gateway carries the first address of the host, which has a public one, and drops the second.
world:
  tables: [{ id: rtb-0a000001, routes: ['0.0.0.0/0 -> igw-0a000001'] }]
  interfaces:
    - id: eni-0a000050
      ipv4:
        - { address: 10.0.1.50, primary: true, public: 203.0.113.50 }
        - { address: 10.0.1.51, primary: false, public: null }
  host:
    devices:
      - { name: ens5, kind: physical, mac: '02:1a:00:00:00:50', addresses: [10.0.1.50, 10.0.1.51], leads: { interface: eni-0a000050 } }
names: [{ target: sts, hostname: sts.us-east-1.amazonaws.com }]
expect: [{ hostname: sts.us-east-1.amazonaws.com, state: public }]
`,
    )
    const result = join(directory, 'two.json')
    const sts = '209.54.177.164'
    expect(await run('lab.ts', [result, file, '-', sts, `${sts},10.0.1.50`, `${sts},10.0.1.51`])).toBe(0)
    const seen = JSON.parse(readFileSync(result, 'utf8')) as { before: unknown }
    expect(seen.before).toEqual({
      [sts]: 'connected from 10.0.1.50',
      [`${sts},10.0.1.50`]: 'connected from 10.0.1.50',
      [`${sts},10.0.1.51`]: 'silence',
    })
  })

  it('the listener opened outside is served inside; signals go in, the exit code comes out', async () => {
    const signals = new EventEmitter()
    const [log, ready] = [join(directory, 'log'), join(directory, 'ready')]
    const ended = run('http.ts', [log, ready], { listen: { host: '127.0.0.1', port: 0 }, signals })
    await vi.waitFor(() => expect(existsSync(ready)).toBe(true), 10_000)
    const { port } = JSON.parse(readFileSync(ready, 'utf8')) as { port: number }
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toMatch(/^inside, pid \d+$/u)
    signals.emit('SIGINT', 'SIGINT')
    expect(await ended).toBe(7)
    expect(readFileSync(log, 'utf8')).toBe('SIGINT\n')
    await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow('fetch failed')
    expect(signals.eventNames()).toEqual([])
  })

  it('an abort ends it as SIGTERM does', async () => {
    const abort = new AbortController()
    const [log, ready] = [join(directory, 'log-abort'), join(directory, 'ready-abort')]
    const ended = run('http.ts', [log, ready], {
      listen: { host: '127.0.0.1', port: 0 },
      signal: abort.signal,
    })
    await vi.waitFor(() => expect(existsSync(ready)).toBe(true), 10_000)
    abort.abort()
    expect(await ended).toBe(7)
    expect(readFileSync(log, 'utf8')).toBe('SIGTERM\n')
  })

  it('nothing is left when the launcher is killed outright', async () => {
    const [log, ready] = [join(directory, 'log-kill'), join(directory, 'ready-kill')]
    const own = mkdtempSync(join(directory, 'killed-'))
    const command = [process.execPath, insideFile('http.ts'), log, ready]
    const launcher = spawn(process.execPath, [insideFile('launcher.ts'), ...command], {
      env: { ...process.env, TMPDIR: own },
    })
    await vi.waitFor(() => expect(existsSync(ready)).toBe(true), 10_000)
    launcher.kill('SIGKILL')
    await vi.waitFor(() => expect(existsSync(log)).toBe(true), 10_000)
    expect(readFileSync(log, 'utf8')).toBe('launcher gone\n')
    expect(readdirSync(own)).toEqual([])
  })

  it('a command that a signal ends gives 128 and its number', async () => {
    expect(await runCommand(['sh', '-c', 'kill -KILL $$'])).toBe(137)
    expect(await runCommand(['sh', '-c', 'exit 5'])).toBe(5)
  })

  it('a taken port is an error before anything runs', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    vi.stubEnv('TMPDIR', directory)
    const before = readdirSync(directory)
    await expect(run('http.ts', [], { listen: { host: '127.0.0.1', port } })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
    expect(readdirSync(directory)).toEqual(before)
    vi.unstubAllEnvs()
    server.close()
  })

  it('refuses to lay its network where a device is up', async () => {
    const script = `import('${insideFile('../../../lab/namespace-network.ts')}').then(async ({ createNamespaceNetwork }) => {
      const { worldFrom } = await import('${insideFile('../../../lab/world/world.ts')}')
      await createNamespaceNetwork(worldFrom(), { travel: () => ({}), always: [], ports: [] }).catch((error) => { console.error(error.message); process.exit(9) })
    })`
    const command: [string, ...string[]] = [
      'sh',
      '-c',
      `ip link set lo up; exec "$0" -e "$1"`,
      process.execPath,
      script,
    ]
    const code = await runCommand(command)
    expect(code).toBe(9)
  })
})
