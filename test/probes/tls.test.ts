import { execFile } from 'node:child_process'
import { createServer, Socket } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Dial } from '../../model/host.ts'
import type { Attempt, HostRoute } from '../../model/observation.ts'
import { systemDial } from '../../probes/host.ts'
import { limit } from '../../probes/limit.ts'
import type { Limit } from '../../probes/limit.ts'
import { loopWatch } from '../../probes/loop-watch.ts'
import { probeTls, unknownRoute } from '../../probes/tls.ts'
import type { TlsDeps, TlsTarget } from '../../probes/tls.ts'
import type { TrustStore } from '../../probes/trust.ts'
import { needs, titled } from '../support/needs.ts'
import { authority } from './authority.ts'
import type { Issued } from './authority.ts'
import { common } from './support.ts'

const hostname = 'bucket.s3.us-east-1.amazonaws.com'
const san = 'DNS:*.s3.us-east-1.amazonaws.com,DNS:s3.us-east-1.amazonaws.com'

const closers: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function listen(server: Server): Promise<number> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    for (const socket of open) socket.destroy()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
  return (server.address() as AddressInfo).port
}

interface Seen {
  serverName: string | false | null
  alpn: string | false | null
  request: string
}

/** A TLS server that shows `chain` and answers the first request with `answer`. */
async function tlsServer(chain: Issued[], answer = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n') {
  const [leaf] = chain
  const seen: Seen = { serverName: null, alpn: null, request: '' }
  const server = createTlsServer({
    cert: chain.map(({ cert }) => cert).join(''),
    key: leaf?.key ?? '',
    ALPNProtocols: ['http/1.1'],
  })
  server.on('tlsClientError', () => {})
  server.on('secureConnection', (socket) => {
    seen.serverName = socket.servername
    seen.alpn = socket.alpnProtocol
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      seen.request += chunk.toString('latin1')
      if (seen.request.includes('\r\n\r\n')) socket.end(answer)
    })
  })
  return { port: await listen(server), seen }
}

const route: HostRoute = { ...unknownRoute(''), method: 'ip_route_get', device: 'ens5', detail: null }

/** What the network would do: the address of the target is played by a port of this machine. */
function to(port: number): Dial {
  return (target) => systemDial({ ...target, address: '127.0.0.1', port, family: 4 })
}

const publicless: TrustStore = { publicRoots: [], partitionRoots: [], hostRoots: () => [] }

function probe(dial: Dial, target: Partial<TlsTarget> = {}, deps: Partial<TlsDeps> = {}): Promise<Attempt> {
  return probeTls(
    {
      hostname,
      port: 443,
      address: '52.216.1.1',
      family: 4,
      localAddress: null,
      resolvers: ['system'],
      dnsSeconds: 0.01,
      ...target,
    },
    {
      ...common(),
      dial,
      hostRoute: () => Promise.resolve(route),
      environment: {},
      loop: loopWatch(),
      handshakes: limit(8),
      trust: publicless,
      userAgent: 'pathproof/0.0.0',
      ...deps,
    },
  )
}

function failure(attempt: Attempt) {
  const { outcome } = attempt
  return 'failure' in outcome ? [outcome.reached, outcome.failure] : [outcome.reached]
}

function session(attempt: Attempt) {
  if (attempt.outcome.reached !== 'tls') throw new Error(`no handshake: ${JSON.stringify(attempt.outcome)}`)
  return attempt.outcome.tls
}

const forbidden = { type: 'denied', code: 'FORBIDDEN_TARGET' }

function connectError(code: string) {
  return Object.assign(new Error('x'), { code, syscall: 'connect' })
}

/** A dial that fails before anything is sent. */
function unable(code: string): Dial {
  return () => {
    throw connectError(code)
  }
}

/** A dial whose socket fails when `when` says so. */
function failing(when: (fail: () => void) => void): Dial {
  return () => {
    const socket = new Socket()
    when(() => socket.destroy(connectError('ENETUNREACH')))
    return { socket, local: () => null }
  }
}

describe('probeTls without a handshake', () => {
  it('refuses addresses that must never be dialled, and dials nothing', async () => {
    const dial = unable('DIALLED')
    for (const address of ['127.0.0.1', '169.254.169.254', '0.0.0.0', '224.0.0.1']) {
      const attempt = await probe(dial, { address })
      expect([address, ...failure(attempt)]).toEqual([address, 'nothing', forbidden])
    }
    for (const address of [
      '::1',
      'fd00:ec2::254',
      'fe80::1',
      '::ffff:169.254.169.254',
      '64:ff9b::a9fe:a9fe',
    ]) {
      const attempt = await probe(dial, { address, family: 6 })
      expect([address, ...failure(attempt)]).toEqual([address, 'nothing', forbidden])
    }
    expect(failure(await probe(dial, { address: 'bucket' }))).toEqual([
      'nothing',
      { type: 'internal', code: 'INVALID_ADDRESS' },
    ])
    expect(failure(await probe(dial, { address: '::2', family: 4 }))[1]).toMatchObject({ type: 'internal' })
  })

  it('says refused, and keeps the route that was asked before', async () => {
    const server = createServer()
    const port = await listen(server)
    await closers.pop()?.()
    const attempt = await probe(to(port))
    expect(failure(attempt)).toEqual(['nothing', { type: 'refused' }])
    expect(attempt).toMatchObject({ host: { device: 'ens5' }, http: null, localPort: null })
    expect(attempt.timings).toMatchObject({
      dnsSeconds: 0.01,
      tcpConnectSeconds: null,
      tlsHandshakeSeconds: null,
    })
  })

  it('takes a lack of descriptors for its own fault', async () => {
    expect(failure(await probe(unable('EMFILE')))).toEqual(['nothing', { type: 'resources', code: 'EMFILE' }])
  })

  it('says no_local_route only when the kernel said so at once', async () => {
    // node:net fails in the same tick if connect() itself does, and in a later turn of the loop if the network does
    expect(failure(await probe(failing((fail) => process.nextTick(fail))))).toEqual([
      'nothing',
      { type: 'no_local_route', code: 'ENETUNREACH' },
    ])
    expect(failure(await probe(failing((fail) => setImmediate(fail))))).toEqual([
      'nothing',
      { type: 'unreachable', code: 'ENETUNREACH' },
    ])
  })

  it('runs out of time in front of a server that does not speak TLS, and lets go of everything', async () => {
    const port = await listen(createServer(() => {}))
    const attempt = await probe(to(port), {}, common(0.2))
    expect(failure(attempt)).toEqual(['tcp', { type: 'timeout', afterSeconds: 0.2 }])
    expect(attempt.timings.tcpConnectSeconds).toBeGreaterThan(0)
    expect(attempt.timings.tlsHandshakeSeconds).toBeNull()
    expect(attempt.localAddress).toBe('127.0.0.1')
  })

  it('tells resets, an end without a byte, and plain text apart from a handshake', async () => {
    const resetting = await listen(
      createServer((socket) => void socket.once('data', () => socket.resetAndDestroy())),
    )
    expect(failure(await probe(to(resetting)))).toEqual(['tcp', { type: 'reset', code: 'ECONNRESET' }])
    const ending = await listen(createServer((socket) => void socket.end()))
    expect(failure(await probe(to(ending)))).toMatchObject(['tcp', { type: 'reset' }])
    const talking = await listen(createServer((socket) => void socket.end('220 smtp.example ESMTP\r\n')))
    expect(failure(await probe(to(talking)))).toMatchObject(['tcp', { type: 'tls' }])
  })

  it('ends with the signal, in whatever phase', async () => {
    const stop = new AbortController()
    const port = await listen(createServer((socket) => void socket.once('data', () => stop.abort())))
    expect(failure(await probe(to(port), {}, common(30, stop.signal)))).toEqual(['tcp', { type: 'aborted' }])
    expect(failure(await probe(to(port), {}, common(30, AbortSignal.abort())))).toEqual([
      'nothing',
      { type: 'aborted' },
    ])
  })

  it('does not wait for a host route that hangs, nor for a place that never comes free', async () => {
    const port = await listen(createServer(() => {}))
    const hanging = await probe(to(port), {}, { ...common(0.2), hostRoute: () => new Promise(() => {}) })
    expect(hanging.host).toMatchObject({ method: 'none', device: null })
    const full: Limit = { run: () => new Promise(() => {}) }
    const starved = await probe(to(port), {}, { ...common(0.2), handshakes: full })
    expect(failure(starved)).toEqual(['tcp', { type: 'resources', code: 'HANDSHAKE_SLOTS' }])
  })

  it('names the proxy variables that are set, and no values', async () => {
    const environment = {
      HTTPS_PROXY: 'http://user:secret@proxy',
      http_proxy: '',
      all_proxy: 'socks://x',
      NO_PROXY: '*',
    }
    const attempt = await probe(unable('EMFILE'), {}, { environment })
    expect(attempt.proxyVariables).toEqual(['HTTPS_PROXY', 'all_proxy'])
    expect(JSON.stringify(attempt)).not.toContain('secret')
  })
})

const missing = await needs('openssl')

describe.skipIf(missing !== null)(titled('probeTls with certificates', missing), () => {
  const desk = missing === null ? authority() : null
  afterAll(() => desk?.close())
  const made = {} as Record<
    | 'publicRoot'
    | 'partitionRoot'
    | 'hostRoot'
    | 'unknownRoot'
    | 'between'
    | 'oldBetween'
    | 'notCa'
    | 'valid'
    | 'short',
    Issued
  > & { [name: string]: Issued }
  let trust: TrustStore

  beforeAll(() => {
    if (!desk) return
    const root = (cn: string) => desk.issue({ cn, isCa: true, by: null })
    const from = { past: '20200101000000Z', pastEnd: '20210101000000Z', future: '20900101000000Z' }
    made.publicRoot = root('Public Root')
    made.partitionRoot = root('Partition Root')
    made.hostRoot = root('Company Root')
    made.unknownRoot = root('Nobody Root')
    made.between = desk.issue({ cn: 'Between', isCa: true, by: made.publicRoot })
    made.oldBetween = desk.issue({ cn: 'Old Between', isCa: true, by: made.publicRoot, until: from.pastEnd })
    made.notCa = desk.issue({ cn: 'attacker.example', by: made.between, noKeyUsage: true })
    made['dead'] = desk.issue({ cn: 'Dead End', isCa: true, pathLength: 0, by: made.publicRoot })
    made['below'] = desk.issue({ cn: 'Below', isCa: true, by: made['dead'] })
    made['tooDeep'] = desk.issue({ cn: 's3', san, by: made['below'] })
    made.valid = desk.issue({ cn: 's3', san, by: made.between })
    made['partition'] = desk.issue({ cn: 's3', san, by: made.partitionRoot })
    made['host'] = desk.issue({ cn: 's3', san, by: made.hostRoot })
    made['unknown'] = desk.issue({ cn: 's3', san, by: made.unknownRoot })
    made['expired'] = desk.issue({ cn: 's3', san, by: made.between, until: from.pastEnd })
    made['future'] = desk.issue({ cn: 's3', san, by: made.between, from: from.future })
    made['underOld'] = desk.issue({ cn: 's3', san, by: made.oldBetween })
    made['expiredUnknown'] = desk.issue({ cn: 's3', san, by: made.unknownRoot, until: from.pastEnd })
    made['expiredHost'] = desk.issue({ cn: 's3', san, by: made.hostRoot, until: from.pastEnd })
    made['expiredSelf'] = desk.issue({ cn: 's3', san, by: null, until: from.pastEnd })
    made['self'] = desk.issue({ cn: 's3', san, by: null })
    made['byLeaf'] = desk.issue({ cn: 's3', san, by: made.notCa })
    made['expiredByLeaf'] = desk.issue({ cn: 's3', san, by: made.notCa, until: from.pastEnd })
    made['client'] = desk.issue({ cn: 's3', san, by: made.between, usage: 'clientAuth' })
    made['expiredClient'] = desk.issue({
      cn: 's3',
      san,
      by: made.between,
      usage: 'clientAuth',
      until: from.pastEnd,
    })
    made['onlyCn'] = desk.issue({ cn: hostname, by: made.between })
    made['partial'] = desk.issue({ cn: 's3', san: 'DNS:b*.s3.us-east-1.amazonaws.com', by: made.between })
    made['escapes'] = desk.issue({ cn: 'a\u001b]0;owned\u0007b\u0085\u202Ec', san, by: made.unknownRoot })
    made['literal'] = desk.issue({ cn: 'x', san: 'IP:52.216.1.1', by: made.between })
    trust = {
      publicRoots: [made.publicRoot.cert],
      partitionRoots: [made.partitionRoot.cert],
      hostRoots: () => [made.hostRoot.cert, 'no PEM at all'],
    }
  })

  function chain(...names: string[]): Issued[] {
    return names.map((name) => made[name] as Issued)
  }

  async function look(names: string[], target: Partial<TlsTarget> = {}) {
    const { port, seen } = await tlsServer(chain(...names))
    const attempt = await probe(to(port), target, { trust })
    return { attempt, seen, tls: session(attempt) }
  }

  it('completes, with every phase timed, local tuple, and the identity of the certificate', async () => {
    const { attempt, seen, tls } = await look(['valid', 'between'])
    expect(tls.check).toEqual({
      roots: 'public',
      chainError: null,
      nameMatches: true,
      nameExpected: hostname,
      dates: 'valid',
    })
    expect(tls).toMatchObject({ version: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_/) })
    expect(tls.certificate).toMatchObject({
      subject: 'CN=s3',
      issuer: 'CN=Between',
      altNames: ['*.s3.us-east-1.amazonaws.com', 's3.us-east-1.amazonaws.com'],
      notBeforeMs: Date.UTC(2020, 0, 1),
      notAfterMs: Date.UTC(2099, 0, 1),
    })
    expect(attempt).toMatchObject({ localAddress: '127.0.0.1', http: { status: 403 }, address: '52.216.1.1' })
    expect(attempt.localPort).toBeGreaterThan(0)
    const { timings } = attempt
    for (const seconds of [
      timings.tcpConnectSeconds,
      timings.tlsHandshakeSeconds,
      timings.firstByteSeconds,
    ]) {
      expect(seconds).toBeGreaterThan(0)
    }
    expect(timings.uncertaintySeconds).toBeGreaterThanOrEqual(0)
    expect(seen).toMatchObject({ serverName: hostname, alpn: 'http/1.1' })
    expect(JSON.parse(JSON.stringify(attempt))).toEqual(attempt)
  })

  it('sends one small request and nothing of the user', async () => {
    const { seen } = await look(['valid', 'between'], { port: 8443 })
    expect(seen.request.split('\r\n').slice(0, -2).sort()).toEqual([
      'Accept: */*',
      'Connection: close',
      'HEAD / HTTP/1.1',
      `Host: ${hostname}:8443`,
      'User-Agent: pathproof/0.0.0',
    ])
  })

  const cases: [string, string[], object][] = [
    ['a partition root', ['partition'], { roots: 'partition', chainError: null, dates: 'valid' }],
    ['a root of the host only', ['host'], { roots: 'host', chainError: null, dates: 'valid' }],
    ['a root of the host, sent along', ['host', 'hostRoot'], { roots: 'host', chainError: null }],
    ['an unknown root', ['unknown'], { roots: 'none', chainError: expect.stringMatching(/^UNABLE_TO_/) }],
    [
      'an unknown root, sent along',
      ['unknown', 'unknownRoot'],
      { roots: 'none', chainError: 'SELF_SIGNED_CERT_IN_CHAIN' },
    ],
    ['self-signed', ['self'], { roots: 'none', chainError: 'DEPTH_ZERO_SELF_SIGNED_CERT', dates: 'valid' }],
    [
      'a missing intermediate',
      ['valid'],
      { roots: 'none', chainError: expect.stringMatching(/^UNABLE_TO_/) },
    ],
    ['an expired leaf', ['expired', 'between'], { roots: 'public', chainError: null, dates: 'expired' }],
    [
      'a leaf of the future',
      ['future', 'between'],
      { roots: 'public', chainError: null, dates: 'not_yet_valid' },
    ],
    [
      'an expired intermediate',
      ['underOld', 'oldBetween'],
      { roots: 'public', chainError: null, dates: 'expired' },
    ],
    ['expired, by an unknown root', ['expiredUnknown', 'unknownRoot'], { roots: 'none', dates: 'expired' }],
    ['expired, by a root of the host', ['expiredHost'], { roots: 'host', dates: 'expired' }],
    [
      'expired and self-signed',
      ['expiredSelf'],
      { roots: 'none', chainError: 'DEPTH_ZERO_SELF_SIGNED_CERT', dates: 'expired' },
    ],
    [
      'signed by a leaf',
      ['byLeaf', 'notCa', 'between'],
      { roots: 'none', chainError: expect.stringMatching(/./) },
    ],
    [
      'an authority below one that allows none',
      ['tooDeep', 'below', 'dead'],
      { roots: 'none', dates: 'valid' },
    ],
    ['expired, signed by a leaf', ['expiredByLeaf', 'notCa', 'between'], { roots: 'none', dates: 'expired' }],
    ['for clients only', ['client', 'between'], { roots: 'none', chainError: 'INVALID_PURPOSE' }],
    [
      'expired, for clients only',
      ['expiredClient', 'between'],
      { roots: 'none', chainError: 'INVALID_PURPOSE' },
    ],
  ]
  it.each(cases)('tells %s', async (_name, names, expected) => {
    const { tls } = await look(names)
    expect(tls.check).toMatchObject(expected)
    expect(tls.check.nameMatches).toBe(true)
    expect(tls.certificate?.subject).toBe('CN=s3')
    // what is remembered of a chain says the same as the first look, and a name is not another one
    expect((await look(names)).tls).toEqual(tls)
    expect((await look(names, { expectedName: 's4.amazonaws.com' })).tls.check.nameMatches).toBe(false)
  })

  it('does not take a chain with a broken signature for an expired good one', async () => {
    // the same issuer name, another key: everything but the signature is right
    const twin = desk?.issue({ cn: 'Between', isCa: true, by: made.unknownRoot }) as Issued
    made['forged'] = desk?.issue({ cn: 's3', san, by: twin, until: '20210101000000Z' }) as Issued
    const { tls } = await look(['forged', 'between'])
    expect(tls.check).toMatchObject({ roots: 'none', dates: 'expired' })
  })

  it('is not led through a maze of authorities that all signed each other', async () => {
    const first = desk?.issue({ cn: 'Maze', isCa: true, by: null }) as Issued
    for (let i = 0; i < 12; i++)
      made[`maze${i}`] = desk?.issue({ cn: 'Maze', isCa: true, by: null, keyOf: first }) as Issued
    made['lost'] = desk?.issue({ cn: 's3', san, by: first, until: '20210101000000Z' }) as Issued
    const names = ['lost', ...Array.from({ length: 12 }, (_, i) => `maze${i}`)]
    // with each look more of the signatures are known, and only the number of steps keeps it from the maze
    for (let i = 0; i < 4; i++)
      expect((await look(names)).tls.check).toMatchObject({ roots: 'none', dates: 'expired' })
  })

  it('judges the name by alternative names alone, wildcards one label deep, no partial ones', async () => {
    expect(
      (await look(['valid', 'between'], { hostname: 'a.b.s3.us-east-1.amazonaws.com' })).tls.check,
    ).toMatchObject({
      roots: 'public',
      nameMatches: false,
    })
    expect((await look(['onlyCn', 'between'])).tls.check.nameMatches).toBe(false)
    expect((await look(['partial', 'between'])).tls.check.nameMatches).toBe(false)
    expect((await look(['valid', 'between'], { hostname: 'example.com' })).tls.check.nameMatches).toBe(false)
    expect((await look(['valid', 'between'], { hostname: `${hostname}.` })).tls.check.nameMatches).toBe(true)
    expect((await look(['valid', 'between'], { expectedName: '.amazonaws.com' })).tls.check.nameMatches).toBe(
      false,
    )
  })

  it('judges a bucket with dots by the service domain, and still asks for its own name', async () => {
    const dotted = 'my.bucket.s3.us-east-1.amazonaws.com'
    const service = 's3.us-east-1.amazonaws.com'
    const { tls, seen } = await look(['valid', 'between'], { hostname: dotted, expectedName: service })
    expect(tls.check).toMatchObject({ nameMatches: true, nameExpected: service })
    expect(seen.serverName).toBe(dotted)
  })

  it('sends no SNI for an address, and judges it by the address in the certificate', async () => {
    const { tls, seen } = await look(['literal', 'between'], { hostname: '52.216.1.1' })
    expect(tls.check.nameMatches).toBe(true)
    expect(seen.serverName).toBe(false)
  })

  it('makes control characters of a certificate harmless', async () => {
    const { tls } = await look(['escapes'])
    expect(JSON.stringify(tls.certificate)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]|\\u00/)
  })

  it('takes no root that the host or the environment adds', async () => {
    const { port } = await tlsServer(chain('valid', 'between'))
    const file = desk?.pathOf(made.publicRoot) ?? ''
    const look = promisify(execFile)
    const script = join(import.meta.dirname, 'extra-ca-look.ts')
    const environment = { NODE_EXTRA_CA_CERTS: file, SSL_CERT_FILE: file, NODE_OPTIONS: '--use-system-ca' }
    const { stdout } = await look(process.execPath, [script, String(port)], {
      env: { ...process.env, ...environment },
    })
    // without a context of our own the certificate would pass
    expect(JSON.parse(stdout)).toEqual({ usual: true, ours: false })
  })

  it('keeps what AWS says of itself, and no secret of a Location', async () => {
    const secret = 'a1b2c3d4e5f6'
    const answer = [
      'HTTP/1.1 301 Moved Permanently',
      'x-amz-request-id: 4442587FB7D0A2F9',
      'x-amz-bucket-region: eu-west-1',
      'Date: Wed, 21 Oct 2026 07:28:00 GMT',
      'Server: AmazonS3',
      `Location: https://bucket.s3.eu-west-1.amazonaws.com/?X-Amz-Credential=AKIA${secret}&X-Amz-Signature=${secret}`,
      'Content-Length: 0',
      '',
      '',
    ].join('\r\n')
    const { port } = await tlsServer(chain('valid', 'between'), answer)
    const { http } = await probe(to(port), {}, { trust })
    expect(http).toMatchObject({
      status: 301,
      requestId: '4442587FB7D0A2F9',
      bucketRegion: 'eu-west-1',
      dateMs: Date.UTC(2026, 9, 21, 7, 28),
      server: 'AmazonS3',
    })
    expect(http?.location).toMatch(/^https:\/\/bucket\.s3\.eu-west-1\.amazonaws\.com\//)
    expect(http?.location).not.toContain(secret)
  })

  const bad: [string, string][] = [
    ['garbage', 'this is no HTTP at all\r\n\r\n'],
    ['an end', ''],
    ['headers without end', `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`],
    ['many headers', `HTTP/1.1 200 OK\r\n${'x: aaaaaaaa\r\n'.repeat(2000)}\r\n`],
    [
      'a switch of protocols',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    ],
  ]
  it.each(bad)('keeps the handshake when HTTP is %s', async (_name, answer) => {
    const { port } = await tlsServer(chain('valid', 'between'), answer)
    const attempt = await probe(to(port), {}, { trust })
    expect(session(attempt).check.roots).toBe('public')
    expect(attempt.http).toBeNull()
  })

  it('keeps the handshake when the answer to the request never comes', async () => {
    const server = createTlsServer({ cert: made.valid.cert + made.between.cert, key: made.valid.key })
    const attempt = await probe(to(await listen(server)), {}, { trust, ...common(0.5) })
    expect(session(attempt).check.roots).toBe('public')
    expect(attempt).toMatchObject({ http: null, timings: { firstByteSeconds: null } })
  })

  it('drops header values that are not what they should be', async () => {
    const answer =
      'HTTP/1.1 200 OK\r\nx-amz-request-id: <script>\r\nx-amz-bucket-region: EU WEST\r\nDate: yesterday\r\nServer: \u009b31mred\r\n\r\n'
    const { port } = await tlsServer(chain('valid', 'between'), answer)
    const { http } = await probe(to(port), {}, { trust })
    expect(http).toMatchObject({
      status: 200,
      requestId: null,
      bucketRegion: null,
      dateMs: null,
      location: null,
    })
    expect(http?.server).not.toMatch(/[\u0080-\u009f]/)
  })

  it('asks the route before, and again for the source that the kernel took', async () => {
    const { port } = await tlsServer(chain('valid', 'between'))
    const asked: (string | null)[] = []
    const hostRoute: TlsDeps['hostRoute'] = (destination, source) => {
      expect(destination).toBe('52.216.1.1')
      asked.push(source)
      return Promise.resolve({ ...route, source, gateway: source })
    }
    const free = await probe(to(port), {}, { trust, hostRoute })
    expect(asked).toEqual([null, '127.0.0.1'])
    expect(free.host.gateway).toBe('127.0.0.1')
    asked.length = 0
    await probe(to(port), { localAddress: '127.0.0.1' }, { trust, hostRoute })
    expect(asked).toEqual(['127.0.0.1'])
    const broken = await probe(
      to(port),
      {},
      { trust, hostRoute: async () => Promise.reject(new Error('bug')) },
    )
    expect(broken.host.method).toBe('none')
  })

  it('dials from the address that it was told', async () => {
    const { port } = await tlsServer(chain('valid', 'between'))
    const attempt = await probe(to(port), { localAddress: '127.0.0.9' }, { trust })
    expect(attempt.localAddress).toBe('127.0.0.9')
  })

  it('does not let a silent server keep the only place from another attempt', async () => {
    const silent = await listen(createServer(() => {}))
    const { port } = await tlsServer(chain('valid', 'between'))
    const handshakes = limit(1)
    const stop = new AbortController()
    const hanging = probe(to(silent), {}, { trust, handshakes, ...common(30, stop.signal) })
    const good = await probe(to(port), {}, { trust, handshakes, ...common(20) })
    expect(session(good).check.roots).toBe('public')
    stop.abort()
    expect(failure(await hanging)).toEqual(['tcp', { type: 'aborted' }])
  })

  it('leaves no socket, timer or abort listener behind', async () => {
    const { port } = await tlsServer(chain('valid', 'between'))
    const silent = await listen(createServer(() => {}))
    const sockets: Socket[] = []
    const spying =
      (dial: Dial): Dial =>
      (target) => {
        const dialled = dial(target)
        sockets.push(dialled.socket)
        return dialled
      }
    const stop = new AbortController()
    let listeners = 0
    const { signal } = stop
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = ((...args: Parameters<typeof add>) => {
      listeners++
      add(...args)
    }) as typeof add
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
      listeners--
      remove(...args)
    }) as typeof remove
    await probe(spying(to(port)), {}, { trust, ...common(5, signal) })
    await probe(spying(to(silent)), {}, { trust, ...common(0.1, signal) })
    await probe(spying(to(1)), {}, { trust, ...common(5, signal) })
    expect(sockets).toHaveLength(3)
    expect(sockets.every((socket) => socket.destroyed)).toBe(true)
    expect(listeners).toBeLessThanOrEqual(0)
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'TLSWrap')).toEqual([])
  })
})
