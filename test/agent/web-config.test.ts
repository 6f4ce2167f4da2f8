import { spawnSync } from 'node:child_process'
import { renameSync, statSync } from 'node:fs'
import bcrypt from 'bcryptjs'
import fc from 'fast-check'
import { afterAll, describe, expect, it, test } from 'vitest'
import { problemText } from '../../agent/config/problems.ts'
import { createLog } from '../../agent/log.ts'
import { type WebConfigResult, parseWebConfig } from '../../agent/web/config.ts'
import { loadWebConfig, webProblemText } from '../../agent/web/files.ts'
import { createWebKeeper } from '../../agent/web/keeper.ts'
import { clientRefusal, sansOf } from '../../agent/web/tls.ts'
import { needs, titled } from '../support/needs.ts'
import { webFiles } from '../support/web-files.ts'

const hash = bcrypt.hashSync('correct horse', 4)
const missing = await needs('openssl')
const withoutPromtool = await needs('openssl', 'promtool')

const lines = (result: WebConfigResult): string[] => (result.ok ? [] : result.problems.map(problemText))
const wrong = (text: string): string[] => lines(parseWebConfig(text, '/etc/web.yml'))

const whole = (cert = 'c.pem', key = 'k.pem') => `tls_server_config:
  cert_file: ${cert}
  key_file: ${key}
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ${cert}
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: true
  curve_preferences: [X25519, CurveP256]
http_server_config:
  http2: true
  headers:
    Content-Security-Policy: "default-src 'self'"
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    X-XSS-Protection: "0"
    Strict-Transport-Security: max-age=31536000
basic_auth_users:
  alice: ${hash}
  bob: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi
`

test('the whole format, with paths beside the file', () => {
  const read = parseWebConfig(whole(), '/etc/pathproof/web.yml')
  if (!read.ok) throw new Error(lines(read).join('\n'))
  expect(read.config.tls).toEqual({
    certFile: '/etc/pathproof/c.pem',
    keyFile: '/etc/pathproof/k.pem',
    clientAuth: 'RequireAndVerifyClientCert',
    clientCaFile: '/etc/pathproof/c.pem',
    clientAllowedSans: [],
    minVersion: 'TLS12',
    maxVersion: 'TLS13',
    ciphers: [
      'TLS_AES_128_GCM_SHA256',
      'TLS_AES_256_GCM_SHA384',
      'TLS_CHACHA20_POLY1305_SHA256',
      'ECDHE-ECDSA-AES128-GCM-SHA256',
    ],
    curves: ['X25519', 'P-256'],
    preferServerCiphers: true,
  })
  expect([...read.config.users.keys()]).toEqual(['alice', 'bob'])
  expect(read.config.headers).toMatchObject({ 'x-frame-options': 'deny', 'x-xss-protection': '0' })
})

test('an empty file protects nothing, as in exporter-toolkit', () => {
  for (const text of ['', '# nothing\n', '\n\n', 'http_server_config: {http2: false}\n']) {
    expect(parseWebConfig(text, '/w.yml')).toMatchObject({ ok: true, config: { tls: null } })
  }
})

test('what is wrong is said with line, column and what was meant', () => {
  expect(wrong('basic_auth_user:\n  a: b\n')).toEqual([
    '/etc/web.yml:1:1: basic_auth_user: unknown key, expected one of: tls_server_config, http_server_config, basic_auth_users (did you mean "basic_auth_users"?)',
  ])
  expect(wrong('tls_server_config:\n  cert_fil: a\n  key_file: b\n')[0]).toContain(
    ':2:3: tls_server_config.cert_fil: unknown key',
  )
  expect(
    wrong('tls_server_config:\n  cert_file: a\n  key_file: b\n  client_auth_type: requireAnyClientCert\n')[0],
  ).toMatch(/:4:21: .*did you mean "RequireAnyClientCert"/)
  expect(wrong('http_server_config:\n  headers:\n    X-Frame-Option: deny\n')[0]).toContain(
    'did you mean "X-Frame-Options"',
  )
  expect(wrong('http_server_config:\n  headers:\n    X-Frame-Options: allow\n')).toHaveLength(1)
  expect(wrong('tls_server_config: {}\n')).toHaveLength(2)
  expect(wrong('tls_server_config:\n  cert_file: a\n  key_file: b\n  min_version: TLS10\n')).toHaveLength(1)
  expect(
    wrong('tls_server_config: {cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12}\n'),
  ).toHaveLength(1)
})

test('settings that would protect less than they seem to are refused', () => {
  const tls = (rest: string) => wrong(`tls_server_config: {cert_file: a, key_file: b, ${rest}}\n`)
  expect(tls('client_ca_file: c')).toHaveLength(1)
  expect(tls('client_auth_type: RequireAndVerifyClientCert')).toHaveLength(1)
  expect(tls('client_auth_type: VerifyClientCertIfGiven')).toHaveLength(1)
  for (const type of ['NoClientCert', 'RequestClientCert', 'RequireAnyClientCert']) {
    expect(tls(`client_auth_type: ${type}, client_allowed_sans: [a]`).length).toBeGreaterThan(0)
  }
  expect(
    tls('client_auth_type: VerifyClientCertIfGiven, client_ca_file: c, client_allowed_sans: [a]'),
  ).toHaveLength(1)
  expect(
    tls('client_auth_type: RequireAndVerifyClientCert, client_ca_file: c, client_allowed_sans: [a]'),
  ).toEqual([])
})

test('a password in plain text, or a hash of another kind, is refused and never shown', () => {
  const secrets = ['hunter2SECRET', '$2x$10$SECRETSECRETSECRET', '$6$rounds$SECRET', `${hash}SECRET`]
  for (const secret of secrets) {
    const [line = '', ...others] = wrong(`basic_auth_users:\n  alice: "${secret}"\n`)
    expect(others).toEqual([])
    expect(line).toContain('/etc/web.yml:2:10: basic_auth_users.alice: this is no bcrypt hash')
    expect(line).not.toContain('SECRET')
  }
  expect(wrong('basic_auth_users:\n  alice: 12345678\n')[0]).not.toContain('12345678')
  expect(wrong(`basic_auth_users:\n  alice: ${hash.replace('$04$', '$15$')}\n`)[0]).toContain(
    'its cost is 15',
  )
  expect(wrong(`basic_auth_users:\n  "a:b": ${hash}\n`)).toHaveLength(1)
})

test('whatever the text is, it is read or refused, without an error', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom('', whole().slice(0, 80)),
      (text, before) => {
        const result = parseWebConfig(before + text, '/w.yml')
        return result.ok || result.problems.length > 0
      },
    ),
    { numRuns: 300 },
  )
})

test('names of certificates', () => {
  expect(
    sansOf({ subjectaltname: 'DNS:a.example, IP Address:10.0.0.1, email:x@y, URI:spiffe://a/b' }),
  ).toEqual(['a.example', '10.0.0.1', 'x@y', 'spiffe://a/b'])
  expect(sansOf({ subjectaltname: 'DNS:"evil, DNS:a.example"' })).toEqual([])
  expect(sansOf({})).toEqual([])
})

test('which client may ask, for each kind of authentication', () => {
  const bare = { authorized: false, getPeerCertificate: () => ({}) }
  const shown = (authorized: boolean, subjectaltname = 'DNS:a') => ({
    authorized,
    getPeerCertificate: () => ({ raw: Buffer.from('x'), subjectaltname }),
  })
  const table = {
    NoClientCert: [true, true, true],
    RequestClientCert: [true, true, true],
    RequireAnyClientCert: [false, true, true],
    VerifyClientCertIfGiven: [true, false, true],
    RequireAndVerifyClientCert: [false, false, true],
  } as const
  const read = parseWebConfig(whole(), '/w.yml')
  if (!read.ok || read.config.tls === null) throw new Error('not read')
  const { tls } = read.config
  for (const [clientAuth, expected] of Object.entries(table)) {
    const of = { ...tls, clientAuth: clientAuth as keyof typeof table }
    const seen = [bare, shown(false), shown(true)].map(
      (socket) => clientRefusal(of, socket as never) === null,
    )
    expect([clientAuth, ...seen]).toEqual([clientAuth, ...expected])
  }
  const named = { ...tls, clientAllowedSans: ['b', 'c'] }
  expect(clientRefusal(named, shown(true, 'DNS:a, DNS:c') as never)).toBeNull()
  expect(clientRefusal(named, shown(true, 'DNS:a') as never)).not.toBeNull()
  expect(clientRefusal(named, shown(true, 'DNS:cc, DNS:bb') as never)).not.toBeNull()
})

describe.skipIf(missing !== null)(titled('files', missing), () => {
  const files = webFiles()
  const own = files.certificate('own', null, 'DNS:localhost')
  const other = files.certificate('other', null, 'DNS:localhost')
  afterAll(() => files.remove())

  it('certificate and key must fit, and be there', () => {
    const load = (text: string) => {
      const loaded = loadWebConfig(files.write('w.yml', text))
      return loaded.ok ? '' : webProblemText(loaded.problems)
    }
    expect(load(whole(own.cert, own.key))).toBe('')
    expect(load(whole(own.cert, other.key))).toContain('cert_file and key_file')
    expect(load(whole(own.cert, '/nowhere.key'))).toBe(
      '/nowhere.key: there is no such file, expected a file in PEM form',
    )
    expect(load(whole(files.directory, own.key))).toContain('is no regular file')
    expect(load(whole(own.key, own.key))).not.toBe('')
    expect(loadWebConfig('/nowhere.yml')).toMatchObject({ ok: false })
  })

  it('a keeper takes over what is good, keeps the last good one, and says so once', () => {
    const logged: string[] = []
    const looks: boolean[] = []
    const log = createLog({
      write: (line) => void logged.push(line),
      level: 'debug',
      format: 'json',
      journal: false,
      wallMs: () => 0,
      monotonicMs: () => 0,
    })
    const file = files.write('keep.yml', `basic_auth_users:\n  alice: ${hash}\n`)
    const keeper = createWebKeeper({
      file,
      load: loadWebConfig,
      log,
      onLooked: (good) => void looks.push(good),
    })
    const users = () => [...keeper.now().config.users.keys()]
    const replace = (text: string) => renameSync(files.write('next.yml', text), file)
    expect(users()).toEqual(['alice'])

    replace('basic_auth_users:\n  bob: nohash\n')
    expect([users(), users()]).toEqual([['alice'], ['alice']])
    expect(keeper.notices()[0]).toContain('keep.yml:2:8')
    expect(logged.filter((line) => line.includes('web_config_refused'))).toHaveLength(1)

    replace(`tls_server_config: {cert_file: own.pem, key_file: own.key}\n`)
    expect(users()).toEqual(['alice'])
    expect(keeper.notices()[0]).toContain('by a restart only')

    replace(`basic_auth_users:\n  bob: ${hash}\n`)
    expect(users()).toEqual(['bob'])
    expect(keeper.notices()).toEqual([])
    expect(looks).toEqual([true, false, false, true])
    expect(statSync(file).isFile()).toBe(true)
  })

  it('what is not good at the start is an error with every line', () => {
    const file = files.write('bad.yml', 'a: 1\nb: 2\n')
    const start = () =>
      createWebKeeper({
        file,
        load: loadWebConfig,
        log: createLog({
          write: () => undefined,
          level: 'error',
          format: 'json',
          journal: false,
          wallMs: () => 0,
          monotonicMs: () => 0,
        }),
        onLooked: () => undefined,
      })
    expect(start).toThrow(/bad.yml:1:1[^]*bad.yml:2:1/)
  })
})

describe.skipIf(withoutPromtool !== null)(titled('promtool', withoutPromtool), () => {
  const files = webFiles()
  const pem = files.certificate('server', null, 'DNS:localhost')
  afterAll(() => files.remove())
  const promtool = (file: string) =>
    spawnSync('promtool', ['check', 'web-config', file], { encoding: 'utf8' })

  const tls = `cert_file: ${pem.cert}, key_file: ${pem.key}`
  const good = [
    whole(pem.cert, pem.key),
    'http_server_config: {http2: false}\n',
    `basic_auth_users:\n  a: ${hash}\n`,
    ...['NoClientCert', 'RequestClientCert', 'RequireAnyClientCert'].map(
      (type) => `tls_server_config: {${tls}, client_auth_type: ${type}}\n`,
    ),
    ...['VerifyClientCertIfGiven', 'RequireAndVerifyClientCert'].map(
      (type) => `tls_server_config: {${tls}, client_auth_type: ${type}, client_ca_file: ${pem.cert}}\n`,
    ),
  ]
  const bad = [
    'basic_auth_user: {}\n',
    'basic_auth_users:\n  a: plain\n',
    `tls_server_config: {${tls}, client_auth_type: Always}\n`,
    `tls_server_config: {${tls}, client_ca_file: ${pem.cert}}\n`,
    `tls_server_config: {${tls}, min_version: TLS9}\n`,
    `tls_server_config: {${tls}, cipher_suites: [RC4]}\n`,
    `tls_server_config: {${tls}, curve_preferences: [P-256]}\n`,
    `tls_server_config: {cert_file: ${pem.cert}}\n`,
    'http_server_config: {headers: {Server: x}}\n',
    'http_server_config: {headers: {X-Frame-Options: allow}}\n',
  ]

  it.each(good)('accepts what is accepted here: %#', (text) => {
    const file = files.write('good.yml', text)
    expect(loadWebConfig(file)).toMatchObject({ ok: true })
    expect(promtool(file)).toMatchObject({ status: 0, stderr: expect.stringContaining('SUCCESS') })
  })

  it.each(bad)('and refuses what is refused here: %#', (text) => {
    const file = files.write('bad.yml', text)
    expect(loadWebConfig(file)).toMatchObject({ ok: false })
    expect(promtool(file).status).not.toBe(0)
  })
})
