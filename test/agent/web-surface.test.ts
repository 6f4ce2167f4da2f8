import { copyFileSync, readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import bcrypt from 'bcryptjs'
import { afterAll, afterEach, describe, expect, it, test } from 'vitest'
import { createHttp } from '../../agent/web/http.ts'
import { createLog } from '../../agent/log.ts'
import { createWebAuth } from '../../agent/web/auth.ts'
import { loadWebConfig } from '../../agent/web/files.ts'
import { createWebKeeper } from '../../agent/web/keeper.ts'
import { comparePassword, passwordArgument } from '../../agent/web/password.ts'
import { runPasswordComparer } from '../../agent/web/password-comparer.ts'
import { needs, titled } from '../support/needs.ts'
import { type Pem, webFiles } from '../support/web-files.ts'

const missing = await needs('openssl')
const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

const log = createLog({
  write: () => undefined,
  level: 'error',
  format: 'json',
  journal: false,
  wallMs: () => 0,
  monotonicMs: () => 0,
})

/** The comparer of passwords as the program has it, within this process. */
const within = {
  async within(input: string, environment: NodeJS.ProcessEnv, job: string): Promise<string> {
    expect(job).toBe(passwordArgument)
    expect(Object.keys(environment).filter((name) => !name.startsWith('AWS_EC2_METADATA'))).toEqual([])
    let answer = ''
    async function* asked() {
      yield input
    }
    const code = await runPasswordComparer(asked(), async (text) => void (answer = text))
    expect(code).toBe(0)
    return answer
  },
}

async function serve(
  file: string,
  compare = comparePassword(within, new AbortController().signal, () => undefined),
) {
  const keeper = createWebKeeper({ file, load: loadWebConfig, log, onLooked: () => undefined })
  const compared: string[] = []
  const auth = createWebAuth({
    compare(password, hash) {
      compared.push(password)
      return compare(password, hash)
    },
    wait: async () => undefined,
    onError: () => undefined,
  })
  const surface = createHttp(
    {
      metrics: async () => Buffer.from('metrics\n'),
      page: () => ['<p>page</p>'],
      verdicts: () => ({ targets: [] }),
      attempt: () => null,
      ready: () => ({ ready: true, because: [] }),
      reload: async () => ({ ok: true, text: 'reloaded' }),
      onError: () => undefined,
    },
    { handshakeSeconds: 0.2 },
    { keeper, auth },
  )
  const { port } = await surface.listen({ kind: 'address', host: '127.0.0.1', port: 0 })
  open.push(() => surface.close(0))
  return { port, keeper, compared }
}

interface Asked {
  path?: string
  method?: string
  user?: string
  headers?: Record<string, string>
  tls?: ConnectionOptions
  agent?: Agent
}

function ask(
  port: number,
  { path = '/metrics', method = 'GET', user, headers = {}, tls, agent }: Asked = {},
) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string; serial: string }>(
    (resolve, reject) => {
      const authorization =
        user === undefined ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` }
      const options = { host: '127.0.0.1', port, path, method, headers: { ...authorization, ...headers } }
      const request =
        tls === undefined
          ? httpRequest({ ...options, agent: false })
          : httpsRequest({
              ...options,
              ...tls,
              servername: 'localhost',
              agent: agent ?? new Agent({ maxCachedSessions: 0 }),
            })
      request.on('response', (response) => {
        const socket = response.socket as unknown as { getPeerCertificate?(): { serialNumber: string } }
        const serial = socket.getPeerCertificate?.().serialNumber ?? ''
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => (body += text))
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body, serial }),
        )
      })
      request.on('error', reject)
      request.end()
    },
  )
}

/** Null: the connection came to nothing. */
const statusOf = (port: number, asked: Asked) =>
  ask(port, asked).then(
    ({ status }) => status,
    () => null,
  )

test('passwords: who is who, everywhere, and each compared once only', async () => {
  const files = webFiles()
  open.push(async () => files.remove())
  const users = ['alice', 'bob'].map((name) => `  ${name}: ${bcrypt.hashSync(`${name}'s`, 4)}\n`)
  const { port, compared } = await serve(files.write('w.yml', `basic_auth_users:\n${users.join('')}`))
  for (const path of ['/', '/metrics', '/-/healthy', '/-/ready', '/api/v1/verdicts', '/nothing']) {
    const refused = await ask(port, { path })
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([
      401,
      'Basic realm="pathproof", charset="UTF-8"',
    ])
  }
  expect(await statusOf(port, { method: 'POST', path: '/-/reload' })).toBe(401)
  expect(compared).toEqual([])
  for (let round = 0; round < 3; round++) {
    expect(await statusOf(port, { user: "alice:alice's" })).toBe(200)
    expect(await statusOf(port, { user: "bob:bob's" })).toBe(200)
    expect(await statusOf(port, { user: "bob:alice's" })).toBe(401)
    expect(await statusOf(port, { user: "carol:bob's" })).toBe(401)
  }
  expect(compared).toHaveLength(4)
  for (const header of [
    'Basic',
    'Basic !',
    'Bearer x',
    `Basic ${'A'.repeat(5000)}`,
    'basic YTpi, Basic YTpi',
  ]) {
    expect(await statusOf(port, { headers: { authorization: header } })).toBe(401)
  }
  expect(await statusOf(port, { user: "alice:alice's", headers: { host: 'evil.example' } })).toBe(403)
})

test('a user who is taken out is out at the next request, remembered or not', async () => {
  const files = webFiles()
  open.push(async () => files.remove())
  const users = (...names: string[]) =>
    `basic_auth_users:\n${names.map((name) => `  ${name}: ${bcrypt.hashSync(name, 4)}\n`).join('')}`
  const file = files.write('w.yml', users('alice', 'bob'))
  const { port } = await serve(file)
  expect([await statusOf(port, { user: 'alice:alice' }), await statusOf(port, { user: 'bob:bob' })]).toEqual([
    200, 200,
  ])
  files.write('w.yml', users('bob'))
  expect([await statusOf(port, { user: 'alice:alice' }), await statusOf(port, { user: 'bob:bob' })]).toEqual([
    401, 200,
  ])
})

test('a flood of wrong passwords is compared one at a time, and keeps nobody out who is remembered', async () => {
  const files = webFiles()
  open.push(async () => files.remove())
  const hash = bcrypt.hashSync('right', 4)
  let atOnce = 0
  let most = 0
  const gate = Promise.withResolvers<void>()
  let held = false
  const { port, compared } = await serve(
    files.write('w.yml', `basic_auth_users:\n  a: ${hash}\n`),
    async (password, of) => {
      most = Math.max(most, ++atOnce)
      if (held) await gate.promise
      atOnce--
      return bcrypt.compareSync(password, of)
    },
  )
  expect(await statusOf(port, { user: 'a:right' })).toBe(200)
  held = true
  const flood = Array.from({ length: 30 }, (_, index) => statusOf(port, { user: `a:wrong${index}` }))
  // Those beyond the queue are told at once to come back.
  await Promise.any(
    flood.map(async (one) => ((await one) === 503 ? true : Promise.reject(new Error('not yet')))),
  )
  expect(await statusOf(port, { user: 'a:right' })).toBe(200)
  gate.resolve()
  const statuses = await Promise.all(flood)
  expect([most, statuses.filter((status) => status === 401).length]).toEqual([1, 8])
  expect(statuses.filter((status) => status === 503)).toHaveLength(22)
  expect(compared).toHaveLength(9)
})

test('the same password asked for at once is compared once; a comparer that fails lets nobody in', async () => {
  const users = new Map([['a', bcrypt.hashSync('right', 4)]])
  const header = `Basic ${Buffer.from('a:right').toString('base64')}`
  let asked = 0
  let fails = true
  const errors: unknown[] = []
  const auth = createWebAuth({
    async compare(password, hash) {
      asked++
      if (fails) throw new Error('no process')
      return bcrypt.compareSync(password, hash)
    },
    wait: async () => undefined,
    onError: (error) => void errors.push(error),
  })
  expect(await auth.allows(users, header)).toBe('failed')
  fails = false
  const all = await Promise.all(Array.from({ length: 50 }, () => auth.allows(users, header)))
  expect([new Set(all), asked, errors.length]).toEqual([new Set(['yes']), 2, 1])
  expect(await auth.allows(new Map(), undefined)).toBe('yes')
  // Whatever comes of comparing with a hash of no password: who is unknown stays out.
  const easy = createWebAuth({
    compare: async () => true,
    wait: async () => undefined,
    onError: () => undefined,
  })
  expect(await easy.allows(new Map([['b', users.get('a') ?? '']]), header)).toBe('no')
})

describe.skipIf(missing !== null)(titled('TLS', missing), () => {
  const files = webFiles()
  const ca = files.certificate('ca', null, 'DNS:ca')
  const otherCa = files.certificate('other-ca', null, 'DNS:ca')
  const server = files.certificate('server', ca, 'DNS:localhost,IP:127.0.0.1')
  const renewed = files.certificate('renewed', ca, 'DNS:localhost')
  const client = files.certificate('client', ca, 'DNS:prometheus.example')
  const stranger = files.certificate('stranger', otherCa, 'DNS:prometheus.example')
  afterAll(() => files.remove())
  const trust = { ca: readFileSync(ca.cert) }
  const as = (pem: Pem) => ({ ...trust, cert: readFileSync(pem.cert), key: readFileSync(pem.key) })
  const config = (rest = '', name = 'tls.yml') =>
    files.write(name, `tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n${rest}`)

  it('serves over TLS 1.2 and 1.3 and nothing else, with its headers', async () => {
    const { port } = await serve(
      config(`http_server_config:
  headers:
    Strict-Transport-Security: max-age=5
    X-Frame-Options: deny
    Content-Security-Policy: "img-src 'none'"
`),
    )
    const { status, headers } = await ask(port, { path: '/', tls: trust })
    expect(status).toBe(200)
    expect(headers).toMatchObject({
      'strict-transport-security': 'max-age=5',
      'x-frame-options': 'deny',
      'x-content-type-options': 'nosniff',
      'content-security-policy': expect.stringMatching(/^default-src 'none'.*, img-src 'none'$/),
    })
    expect(await statusOf(port, { tls: { ...trust, maxVersion: 'TLSv1.2' } })).toBe(200)
    expect(
      await statusOf(port, {
        tls: { ...trust, maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' },
      }),
    ).toBeNull()
    expect(await statusOf(port, {})).toBeNull()
    const origin = { method: 'POST', path: '/-/reload', tls: trust }
    expect(await statusOf(port, { ...origin, headers: { origin: `https://127.0.0.1:${port}` } })).toBe(200)
    expect(await statusOf(port, { ...origin, headers: { origin: `http://127.0.0.1:${port}` } })).toBe(403)
  })

  it('versions, suites and curves as the file says', async () => {
    const { port } = await serve(
      config(
        '  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n  curve_preferences: [CurveP384]\n',
      ),
    )
    const seen = await new Promise<unknown[]>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ...trust }, () => {
        const { name } = socket.getCipher()
        const { name: curve } = socket.getEphemeralKeyInfo() as { name?: string }
        resolve([socket.getProtocol(), name, curve])
        socket.destroy()
      })
      socket.on('error', reject)
    })
    expect(seen).toEqual(['TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'secp384r1'])
    expect(await statusOf(port, { tls: { ...trust, minVersion: 'TLSv1.3' } })).toBeNull()
    expect(await statusOf(port, { tls: { ...trust, ecdhCurve: 'X25519' } })).toBeNull()
  })

  it.each([
    ['NoClientCert', '', [200, 200, 200]],
    ['RequestClientCert', '', [200, 200, 200]],
    ['RequireAnyClientCert', '', [null, 200, 200]],
    ['VerifyClientCertIfGiven', '  client_ca_file: ca.pem\n', [200, null, 200]],
    ['RequireAndVerifyClientCert', '  client_ca_file: ca.pem\n', [null, null, 200]],
    [
      'RequireAndVerifyClientCert',
      '  client_ca_file: ca.pem\n  client_allowed_sans: [prometheus.example]\n',
      [null, null, 200],
    ],
    [
      'RequireAndVerifyClientCert',
      '  client_ca_file: ca.pem\n  client_allowed_sans: [other.example]\n',
      [null, null, null],
    ],
  ] as const)(
    'clients without, with a strange and with a good certificate: %s',
    async (type, rest, expected) => {
      const { port } = await serve(config(`  client_auth_type: ${type}\n${rest}`))
      const seen = []
      for (const tls of [trust, as(stranger), as(client)]) seen.push(await statusOf(port, { tls }))
      expect(seen).toEqual(expected)
      // by TLS 1.2 as well
      expect(await statusOf(port, { tls: { ...trust, maxVersion: 'TLSv1.2' } })).toBe(expected[0])
    },
  )

  it('a renewed certificate is shown from the next handshake on; connections that stand are not dropped', async () => {
    const live = { cert: files.path('live.pem'), key: files.path('live.key') }
    const put = (pem: Pem) => {
      copyFileSync(pem.cert, live.cert)
      copyFileSync(pem.key, live.key)
    }
    put(server)
    const { port, keeper } = await serve(
      files.write('live.yml', 'tls_server_config: {cert_file: live.pem, key_file: live.key}\n'),
    )
    const agent = new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 })
    const before = await ask(port, { tls: trust, agent })
    // half of a pair: the old one stays
    copyFileSync(renewed.cert, live.cert)
    const half = await ask(port, { tls: trust })
    expect(half.serial).toBe(before.serial)
    expect(keeper.notices()[0]).toContain('cert_file and key_file')
    put(renewed)
    const standing = await ask(port, { tls: trust, agent })
    const after = await ask(port, { tls: trust })
    expect([standing.status, standing.serial]).toEqual([200, before.serial])
    expect(standing.headers['connection']).toBe('close')
    expect(after.serial).not.toBe(before.serial)
    expect(keeper.notices()).toEqual([])
    agent.destroy()
  })

  it('client certificates can be demanded by a reload', async () => {
    const file = config('', 'demand.yml')
    const { port } = await serve(file)
    expect(await statusOf(port, { tls: trust })).toBe(200)
    config('  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n', 'demand.yml')
    expect(await statusOf(port, { tls: trust })).toBeNull()
    expect(await statusOf(port, { tls: as(client) })).toBe(200)
    config('', 'demand.yml')
    expect(await statusOf(port, { tls: trust })).toBe(200)
  })

  it('a handshake that never ends is cut, and others get through meanwhile', async () => {
    const { port } = await serve(config())
    const silent = Array.from({ length: 20 }, () => connectTcp(port, '127.0.0.1'))
    const closed = silent.map(
      (socket) => new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve)),
    )
    silent[0]?.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]))
    expect(await statusOf(port, { tls: trust })).toBe(200)
    await Promise.all(closed)
  })
})
