import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lookup, Resolver } from 'node:dns/promises'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { createConnection, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { startLab, type Lab, type LabOptions } from '../../lab/lab.ts'
import { loadScenario } from '../../lab/scenario.ts'
import type { Dialled, HostAccess } from '../../model/host.ts'

const labs: Lab[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const lab of labs.splice(0)) await lab.close()
})

const real: HostAccess = {
  clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
  bootId: 'boot',
  dial: ({ address, port }) => ({ socket: createConnection(port, address), local: () => null }),
  lookup: async (hostname) =>
    (await lookup(hostname, { all: true })).map(({ address }) => ({ address, family: 4 })),
  systemServers: () => [{ address: '192.0.2.1', port: 53 }],
  serverAddress: (server) => server,
  hostRoute: () => Promise.reject(new Error('the real kernel was asked')),
  addresses: () => [],
  environment: {
    HOME: '/root',
    https_proxy: 'http://real-proxy.example:3128',
    AWS_PROFILE: 'somebody',
    AWS_ACCESS_KEY_ID: 'AKIAREAL',
    NODE_EXTRA_CA_CERTS: '/etc/corporate.pem',
  },
}

async function start(name: string, options: Partial<LabOptions> = {}) {
  const lab = await startLab(await loadScenario(name), {
    mode: 'mapped',
    clock: { wallMs: () => Date.now() },
    timed: false,
    ...options,
  })
  labs.push(lab)
  const host = lab.hostAccess(real)
  const ca = readFileSync(lab.caFile, 'utf8')
  const dial = (address: string, localAddress: string | null = null, port = 443) =>
    host.dial({ address, port, family: address.includes(':') ? 6 : 4, localAddress })
  return { lab, host, ca, dial }
}

const opened = (socket: Socket) =>
  new Promise<'connected' | string>((resolve) => {
    socket.once('connect', () => resolve('connected'))
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
  })

async function handshake({ socket }: Dialled, servername: string, ca: string) {
  expect(await opened(socket)).toBe('connected')
  const tls = connectTls({ socket, servername, ca })
  await new Promise((resolve, reject) => tls.once('secureConnect', resolve).once('error', reject))
  return tls
}

const regional = 'artifacts-lab.s3.us-east-1.amazonaws.com'

describe('connections', () => {
  it('reach the service by the world’s address, and say the world’s local address', async () => {
    const { host, ca, dial } = await start('gateway-endpoint')
    const [first] = await host.lookup(regional)
    expect(first).toEqual({ address: '52.216.8.53', family: 4 })
    const dialled = dial('52.216.8.53')
    const tls = await handshake(dialled, regional, ca)
    expect(tls.authorized).toBe(true)
    expect(dialled.local()?.address).toBe('10.0.1.50')
    expect(dialled.local()?.port).toBeGreaterThan(1023)
    tls.write(`HEAD / HTTP/1.1\r\nHost: ${regional}\r\nConnection: close\r\n\r\n`)
    let answer = ''
    for await (const chunk of tls) answer += String(chunk)
    expect(answer).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/u)
    expect(answer).toContain('x-amz-bucket-region: us-east-1')
  })

  it('each get the far end that their own packets lead to, many at once', async () => {
    const { ca, dial } = await start('demo')
    const pairs = [
      ['10.0.1.101', 'ssm.us-east-1.amazonaws.com'],
      ['10.0.1.102', 'kms.us-east-1.amazonaws.com'],
      ['72.21.206.96', 'sts.amazonaws.com'],
      ['52.216.8.53', regional],
    ] as const
    const all = Array.from({ length: 10 }, () => pairs).flat()
    const done = await Promise.all(
      all.map(async ([address, hostname]) => {
        const tls = await handshake(dial(address), hostname, ca)
        tls.destroy()
        return tls.authorized
      }),
    )
    expect(done.every(Boolean)).toBe(true)
  })

  it('are lost in silence where the world loses them', async () => {
    const { ca, dial } = await start('blackhole')
    const lost = dial('52.216.8.53')
    const heard = vi.fn<(event: string) => void>()
    for (const event of ['connect', 'error', 'close']) lost.socket.on(event, () => heard(event))
    // by the time that others have done all this the lost one would have been answered
    for (let turn = 0; turn < 3; turn++)
      (await handshake(dial('209.54.177.164'), 'sts.us-east-1.amazonaws.com', ca)).destroy()
    expect(heard).not.toHaveBeenCalled()
    expect(lost.socket.connecting).toBe(true)
    expect(lost.local()?.address).toBe('10.0.1.50')
    lost.socket.destroy()
    await new Promise((resolve) => lost.socket.once('close', resolve))
    expect(heard.mock.calls).toEqual([['close']])
  })

  it('fail at once without an address of the family, or from an address that is not the host’s', async () => {
    const { dial } = await start('gateway-endpoint')
    expect(await opened(dial('2600:1fa0:80a0:a4c1:34d8:1234::').socket)).toBe('ENETUNREACH')
    expect(await opened(dial('52.216.8.53', '10.0.9.9').socket)).toBe('EADDRNOTAVAIL')
    expect(await opened(dial('52.216.8.53', '10.0.1.50').socket)).toBe('connected')
  })

  it('go over IPv6 where the host has it', async () => {
    const { ca, dial } = await start('ipv6-leak')
    const dialled = dial('2600:1fa0:80a0:a4c1:34d8:1234::')
    await handshake(dialled, 'artifacts-lab.s3.dualstack.us-east-1.amazonaws.com', ca)
    expect(dialled.local()?.address).toBe('2600:1f18:4a3:9c01::50')
  })

  it('to the metadata service are answered by it', async () => {
    const { dial } = await start('gateway-endpoint')
    const { socket } = dial('169.254.169.254', null, 80)
    const body = await new Promise<string>((resolve, reject) => {
      request({
        method: 'PUT',
        path: '/latest/api/token',
        headers: { Host: '169.254.169.254', 'X-aws-ec2-metadata-token-ttl-seconds': '60' },
        createConnection: () => socket,
      })
        .on('response', async (response) => {
          let text = ''
          for await (const chunk of response) text += String(chunk)
          resolve(text)
        })
        .on('error', reject)
        .end()
    })
    expect(body.length).toBeGreaterThan(20)
  })

  it('the metadata service is also where its address is mapped to', async () => {
    const { lab, host } = await start('gateway-endpoint')
    const { address, port } = host.serverAddress({ address: '169.254.169.254', port: 80 })
    expect(`http://${address}:${port}`).toBe(lab.metadataUrl)
    const answer = await fetch(`${lab.metadataUrl}/latest/api/token`, {
      method: 'PUT',
      headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '60' },
    })
    expect(answer.status).toBe(200)
  })
})

describe('names', () => {
  it('are answered by each of the world’s name servers in its own way', async () => {
    const { lab, host } = await start('interface-endpoint')
    const ask = async (address: string) => {
      const at = host.serverAddress({ address, port: 53 })
      expect(at.address).toBe('127.0.0.1')
      const resolver = new Resolver({ timeout: 1000, tries: 1 })
      resolver.setServers([`${at.address}:${at.port}`])
      return resolver.resolve4('ssm.us-east-1.amazonaws.com')
    }
    expect(lab.resolvers).toContainEqual({ name: 'corp', address: '192.168.53.53', port: 53 })
    expect(host.systemServers()).toEqual([{ address: '10.0.0.2', port: 53 }])
    expect(await ask('10.0.0.2')).toEqual(['10.0.1.101'])
    expect(await ask('192.168.53.53')).toEqual(['52.119.198.61'])
  })

  it('asked of a name server outside the world stay on this machine, unanswered', async () => {
    const { host } = await start('gateway-endpoint')
    const at = host.serverAddress({ address: '198.51.100.53', port: 53 })
    expect(at.address).toBe('127.0.0.1')
    const resolver = new Resolver({ timeout: 100, tries: 1 })
    resolver.setServers([`${at.address}:${at.port}`])
    await expect(resolver.resolve4('a.example')).rejects.toMatchObject({ code: 'ETIMEOUT' })
    expect(host.serverAddress({ address: '10.0.0.2', port: 5353 })).toEqual(at)
  })

  it('that are missing fail as getaddrinfo does', async () => {
    const { host } = await start('gateway-endpoint')
    await expect(host.lookup('nonesuch.example')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    expect(await host.lookup('localhost')).toEqual([{ address: '127.0.0.1', family: 4 }])
  })

  it('turn their answers where the scenario says so', async () => {
    const { host } = await start('one-of-eight')
    const firsts = new Set<string | undefined>()
    for (let turn = 0; turn < 8; turn++) {
      const answers = await host.lookup(regional)
      expect(answers).toHaveLength(8)
      firsts.add(answers[0]?.address)
    }
    expect(firsts.size).toBe(8)
  })
})

describe('the host', () => {
  it('has the world’s device, MAC and route, and none of this machine’s proxies, credentials and roots', async () => {
    const { lab, host } = await start('gateway-endpoint')
    expect(await host.hostRoute('52.216.8.53', null)).toEqual({
      method: 'ip_route_get',
      device: 'ens5',
      deviceKind: 'physical',
      mac: '02:1a:00:00:00:50',
      gateway: '10.0.1.1',
      source: '10.0.1.50',
      selectorRules: false,
      redirect: 'none',
      detail: null,
    })
    expect(host.addresses()).toEqual([
      { device: 'ens5', address: '10.0.1.50', family: 4, mac: '02:1a:00:00:00:50', linkLocal: false },
    ])
    expect(host.environment).toEqual({
      HOME: '/root',
      AWS_CONFIG_FILE: '/dev/null',
      AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
      AWS_ENDPOINT_URL_EC2: lab.apiUrl,
      AWS_ENDPOINT_URL_STS: lab.apiUrl,
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: lab.apiUrl,
      AWS_ENDPOINT_URL_CLOUDWATCH: lab.apiUrl,
      AWS_ENDPOINT_URL_CLOUDTRAIL: lab.apiUrl,
      AWS_ENDPOINT_URL_KMS: lab.apiUrl,
      AWS_ENDPOINT_URL_DIRECT_CONNECT: lab.apiUrl,
      AWS_ENDPOINT_URL_S3: lab.s3Url,
    })
    expect(host.bootId).toBe('boot')
  })
})

async function manifestOf(lab: Lab) {
  const text = await readFile(join(lab.snapshotDirectory, 'manifest.json'), 'utf8')
  return JSON.parse(text) as {
    schema: string
    time: string
    account: string
    region: string
    files: Record<string, string>
  }
}

const tables = (lab: Lab) => readFileSync(join(lab.snapshotDirectory, 'describe-route-tables.json'), 'utf8')

describe('the snapshot', () => {
  it('is whole: every file is in the manifest, with its hash', async () => {
    const { lab } = await start('gateway-endpoint', { clock: { wallMs: () => Date.UTC(2026, 10, 20, 12) } })
    const manifest = await manifestOf(lab)
    expect(manifest).toMatchObject({
      schema: 'pathproof.snapshot/1',
      time: '2026-11-20T12:00:00.000Z',
      account: '111122223333',
      region: 'us-east-1',
    })
    const files = (await readdir(lab.snapshotDirectory, { recursive: true })).filter((name) =>
      name.endsWith('.json'),
    )
    expect(files.toSorted()).toEqual([...Object.keys(manifest.files), 'manifest.json'].toSorted())
    for (const [name, hash] of Object.entries(manifest.files)) {
      const bytes = await readFile(join(lab.snapshotDirectory, name))
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(hash)
    }
  })

  it('is dated anew every 20 s', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    let now = Date.UTC(2026, 10, 20, 12)
    const { lab } = await start('gateway-endpoint', { clock: { wallMs: () => now } })
    now += 20_000
    vi.advanceTimersByTime(19_999)
    expect((await manifestOf(lab)).time).toBe('2026-11-20T12:00:00.000Z')
    vi.advanceTimersByTime(1)
    await vi.waitFor(async () => expect((await manifestOf(lab)).time).toBe('2026-11-20T12:00:20.000Z'))
  })

  it('stays readable for who has resolved it before a change', async () => {
    const { lab } = await start('demo')
    const before = realpathSync(lab.snapshotDirectory)
    await lab.apply('route-taken-away')
    expect(readFileSync(join(before, 'describe-route-tables.json'), 'utf8')).toContain('pl-63a5400a')
    expect(realpathSync(lab.snapshotDirectory)).not.toBe(before)
  })
})

describe('steps', () => {
  it('change truth and snapshot together', async () => {
    const taken: string[] = []
    const { lab } = await start('demo', { onStep: ({ name }) => void taken.push(name) })
    expect(lab.truth(regional).state).toBe('private')
    await lab.apply('route-taken-away')
    expect(lab.truth(regional).state).toBe('public')
    expect(tables(lab)).not.toContain('pl-63a5400a')
    await lab.apply('route-put-back')
    expect(lab.truth(regional).state).toBe('private')
    expect(tables(lab)).toContain('pl-63a5400a')
    expect(taken).toEqual(['route-taken-away', 'route-put-back'])
    await expect(lab.apply('nonesuch')).rejects.toThrow('scenario demo has no step "nonesuch"')
  })

  it('come by themselves when their time has come', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
    const { lab } = await start('demo', { timed: true })
    vi.advanceTimersByTime(24_999)
    expect(lab.truth(regional).state).toBe('private')
    vi.advanceTimersByTime(1)
    vi.useRealTimers()
    await vi.waitFor(() => expect(tables(lab)).not.toContain('pl-63a5400a'))
    expect(lab.truth(regional).state).toBe('public')
  })
})

describe('a start that fails', () => {
  it('leaves nothing behind', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pathproof-start-'))
    vi.stubEnv('TMPDIR', directory)
    try {
      const scenario = await loadScenario('gateway-endpoint')
      // a clock that can't be written down fails only once the directory is there
      const clock = { wallMs: () => Number.NaN }
      await expect(startLab(scenario, { mode: 'mapped', clock, timed: false })).rejects.toThrow(RangeError)
      expect(readdirSync(directory)).toEqual([])
    } finally {
      vi.unstubAllEnvs()
      rmSync(directory, { recursive: true })
    }
  })
})

describe('closing', () => {
  it('leaves no file, timer, listener or connection: the process ends by itself', () => {
    const directory = mkdtempSync(join(tmpdir(), 'pathproof-closing-'))
    const file = fileURLToPath(new URL('inside/closing.ts', import.meta.url))
    const run = spawnSync(process.execPath, [file], {
      env: { ...process.env, TMPDIR: directory },
      encoding: 'utf8',
      timeout: 10_000,
    })
    expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: '' })
    expect(readdirSync(directory)).toEqual([])
    rmSync(directory, { recursive: true })
  })
})
