/** Looks at far ends on loopback, to which the dialled addresses lead; datagrams go to real sockets. */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net'
import { createSecureContext } from 'node:tls'
import { createServer as createTlsServer } from 'node:tls'
import { decode } from 'dns-packet'
import { afterEach, describe, expect, test } from 'vitest'
import { createAuthority } from '../../lab/certificates.ts'
import type { Dial } from '../../model/host.ts'
import { type EgressDeps, lookOut } from '../../probes/egress.ts'
import { proxyFor } from '../../probes/egress-proxy.ts'
import { datagramFor, exchangeUdp } from '../../probes/egress-udp.ts'
import { parseEgressUrl } from '../../probes/egress-url.ts'
import { startDeadline } from '../../probes/deadline.ts'
import { limit } from '../../probes/limit.ts'
import { loopWatch } from '../../probes/loop-watch.ts'
import { clock } from './support.ts'

const mends: (() => void)[] = []
afterEach(() => {
  for (const mend of mends.splice(0)) mend()
})

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  mends.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const tcpEnd = (handle: (socket: Socket) => void) => listen(createServer(handle))

const authority = createAuthority({ commonName: 'anybody', nowMs: Date.now() })
const tlsEnd = (handle: (socket: Socket) => void) => {
  const leaf = authority.issue({ names: ['other.example'] })
  return listen(
    createTlsServer({ cert: leaf.certificate, key: leaf.key }, handle).on('tlsClientError', () => undefined),
  )
}

/** Reads a request up to its blank line, keeps it, and answers. */
function answering(answer: string | Buffer, requests: string[]) {
  return (socket: Socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (data: Buffer) => {
      requests.push(data.toString('latin1'))
      socket.end(answer)
    })
  }
}

interface Stage {
  ports?: Readonly<Record<string, number>>
  lookup?: EgressDeps['lookup']
  environment?: EgressDeps['environment']
  timeoutSeconds?: number
  signal?: AbortSignal
}

const dialled: string[] = []

function deps({ ports = {}, lookup, environment = {}, timeoutSeconds = 2, signal }: Stage): EgressDeps {
  const dial: Dial = ({ address, port }) => {
    dialled.push(`${address} ${port}`)
    const socket = connect({
      host: '127.0.0.1',
      port: ports[`${address} ${port}`] ?? 1,
      autoSelectFamily: false,
    })
    return { socket, local: () => null }
  }
  return {
    clock,
    dial,
    lookup: lookup ?? (() => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }))),
    serverAddress: (server) => server,
    environment,
    hasFamily: () => true,
    loop: loopWatch(),
    handshakes: limit(4),
    secureContext: createSecureContext(),
    randomBytes,
    nat64Prefixes: [],
    userAgent: 'pathproof/test',
    timeoutSeconds,
    signal: signal ?? new AbortController().signal,
  }
}

async function look(
  url: string,
  stage: Stage,
  more: { proxy?: boolean; control?: { host: string; port: number } } = {},
) {
  const destination = parseEgressUrl(url)
  if (!destination.ok) throw new Error(destination.problem)
  dialled.length = 0
  const task = {
    destination: destination.value,
    heedProxy: more.proxy ?? false,
    control: more.control ?? null,
    source: () => null,
  }
  return await lookOut(task, deps(stage))
}

const ok = 'HTTP/1.1 204 No Content\r\n\r\n'

describe('by TCP', () => {
  test('a connection is enough for tcp, and nothing is sent', async () => {
    const came: Buffer[] = []
    const port = await tcpEnd((socket) => socket.on('data', (data: Buffer) => came.push(data)))
    const { looks } = await look('tcp://198.51.100.1:443', { ports: { '198.51.100.1 443': port } })
    expect(looks).toMatchObject([
      { family: 4, address: '198.51.100.1', reached: 'tcp', failure: null, via: 'direct' },
    ])
    expect(came).toEqual([])
  })

  test('any certificate will do for tls', async () => {
    const port = await tlsEnd(() => undefined)
    const { looks } = await look('tls://198.51.100.1', { ports: { '198.51.100.1 443': port } })
    expect(looks).toMatchObject([{ reached: 'tls', failure: null }])
  })

  test.each([
    ['closes', (socket: Socket) => socket.end(), { type: 'reset' }],
    ['resets', (socket: Socket) => socket.resetAndDestroy(), { type: 'reset' }],
    ['talks nonsense', (socket: Socket) => socket.end('SSH-2.0-x\r\n'), { type: 'tls' }],
    ['is silent', () => undefined, { type: 'timeout' }],
  ])('a far end that %s in the handshake was connected to', async (_name, handle, failure) => {
    const port = await tcpEnd(handle)
    const stage = { ports: { '198.51.100.1 443': port }, timeoutSeconds: 0.3 }
    const { looks } = await look('https://198.51.100.1', stage)
    expect(looks).toMatchObject([{ reached: 'tcp', failure }])
  })

  test('https and http send HEAD with nothing in it', async () => {
    const requests: string[] = []
    const secure = await tlsEnd(answering(ok, requests))
    const plain = await tcpEnd(answering('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n', requests))
    const ports = { '198.51.100.1 443': secure, '198.51.100.1 80': plain }
    const lookup = () => Promise.resolve([{ address: '198.51.100.1', family: 4 as const }])
    expect((await look('https://a.example/p', { ports, lookup })).looks).toMatchObject([
      { reached: 'answer', status: 204 },
    ])
    expect((await look('http://a.example', { ports, lookup })).looks).toMatchObject([
      { reached: 'answer', status: 403 },
    ])
    expect(requests.map((text) => text.split('\r\n').sort())).toEqual([
      [
        '',
        '',
        'Accept: */*',
        'Connection: close',
        'HEAD /p HTTP/1.1',
        'Host: a.example',
        'User-Agent: pathproof/test',
      ],
      [
        '',
        '',
        'Accept: */*',
        'Connection: close',
        'HEAD / HTTP/1.1',
        'Host: a.example',
        'User-Agent: pathproof/test',
      ],
    ])
  })

  test('doh asks for the neutral name (RFC 8484)', async () => {
    const requests: string[] = []
    const port = await tlsEnd(answering(ok, requests))
    const { looks } = await look('doh://198.51.100.1', { ports: { '198.51.100.1 443': port } })
    expect(looks).toMatchObject([{ reached: 'answer', status: 204 }])
    const [head = '', body = ''] = (requests[0] ?? '').split('\r\n\r\n')
    expect(head).toMatch(/^POST \/dns-query HTTP\/1\.1\r\n/)
    expect(head).toContain('Content-Type: application/dns-message')
    expect(decode(Buffer.from(body, 'latin1')).questions).toMatchObject([{ name: 'example.com', type: 'A' }])
  })

  test.each([
    ['garbage', 'x'.repeat(100)],
    ['endless headers', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(10_000)}`],
    ['a cut answer', 'HTTP/1.1 20'],
    ['zero bytes', Buffer.alloc(50)],
  ])('%s for an answer: it was connected to all the same', async (_name, answer) => {
    const port = await tcpEnd(answering(answer, []))
    const { looks } = await look('http://198.51.100.1', { ports: { '198.51.100.1 80': port } })
    expect(looks).toMatchObject([
      { reached: 'tcp', failure: { type: expect.stringMatching(/internal|reset/) as string } },
    ])
  })

  test('a refused port', async () => {
    const { looks } = await look('tcp://198.51.100.1:9', {})
    expect(looks).toMatchObject([{ reached: 'nothing', failure: { type: 'refused' }, atOnce: false }])
  })

  test('a stop ends it', async () => {
    const stop = new AbortController()
    const port = await tcpEnd(() => stop.abort())
    const { looks } = await look('https://198.51.100.1', {
      ports: { '198.51.100.1 443': port },
      signal: stop.signal,
      timeoutSeconds: 60,
    })
    expect(looks).toMatchObject([{ failure: { type: 'aborted' } }])
  })
})

describe('names', () => {
  const both = () =>
    Promise.resolve([
      { address: '198.51.100.1', family: 4 as const },
      { address: '198.51.100.2', family: 4 as const },
      { address: '2001:500::1', family: 6 as const },
    ])

  test('the first address of each family is looked at, each apart', async () => {
    const port = await tcpEnd(() => undefined)
    const { looks } = await look('tcp://a.example:443', { lookup: both, ports: { '198.51.100.1 443': port } })
    expect(looks).toMatchObject([
      { family: 4, address: '198.51.100.1', reached: 'tcp' },
      { family: 6, address: '2001:500::1', reached: 'nothing', failure: { type: 'refused' } },
    ])
    expect(dialled).toEqual(['198.51.100.1 443', '2001:500::1 443'])
  })

  test.each([
    ['the metadata service', '169.254.169.254', 4],
    ['loopback', '127.0.0.1', 4],
    ['loopback by IPv6', '::1', 6],
    ['the metadata service behind NAT64', '64:ff9b::a9fe:a9fe', 6],
    ['loopback as IPv6', '::ffff:127.0.0.1', 6],
  ] as const)('a name that answers %s is not dialled', async (_name, address, family) => {
    const { looks } = await look('http://a.example', { lookup: () => Promise.resolve([{ address, family }]) })
    expect(looks).toMatchObject([
      { reached: 'nothing', failure: { type: 'internal', code: 'FORBIDDEN_TARGET' } },
    ])
    expect(dialled).toEqual([])
  })

  test.each([
    [
      'does not exist',
      () => Promise.reject(Object.assign(new Error(''), { code: 'ENOTFOUND' })),
      'ENOTFOUND',
    ],
    ['has no address', () => Promise.resolve([]), 'ENODATA'],
    ['has nonsense for an address', () => Promise.resolve([{ address: 'x', family: 4 as const }]), 'ENODATA'],
    ['is never answered', () => new Promise<never>(() => undefined), 'ETIMEOUT'],
  ])('a name that %s', async (_name, lookup, code) => {
    const { looks } = await look('tcp://a.example:443', { lookup, timeoutSeconds: 0.2 })
    expect(looks).toMatchObject([{ family: null, address: null, failure: { type: 'dns', code } }])
  })
})

describe('by UDP', () => {
  const send = (port: number, bytes: Buffer, timeoutSeconds = 2) => {
    const deadline = startDeadline(timeoutSeconds, new AbortController().signal, clock)
    return exchangeUdp(
      { address: '127.0.0.1', port, localAddress: '127.0.0.1' },
      bytes,
      timeoutSeconds,
      deadline,
    ).finally(() => deadline.close())
  }
  const udpEnd = async (handle: (bytes: Buffer, answer: (text: string) => void, nth: number) => void) => {
    const socket = createSocket('udp4')
    let nth = 0
    socket.on('message', (bytes, { port, address }) =>
      handle(bytes, (text) => socket.send(text, port, address), ++nth),
    )
    socket.bind(0, '127.0.0.1')
    await once(socket, 'listening')
    mends.push(() => socket.close())
    return socket.address().port
  }

  test('any datagram that comes back is an answer, garbage too', async () => {
    const port = await udpEnd((_bytes, answer) => answer('\u0000garbage'))
    expect(await send(port, Buffer.alloc(1))).toEqual({ came: true })
  })

  test('what is lost is sent again', async () => {
    const port = await udpEnd((_bytes, answer, nth) => (nth === 3 ? answer('x') : undefined))
    expect(await send(port, Buffer.alloc(1), 0.8)).toEqual({ came: true })
  })

  test('silence, and a closed port', async () => {
    const port = await udpEnd(() => undefined)
    expect(await send(port, Buffer.alloc(1), 0.2)).toEqual({
      came: false,
      failure: { type: 'timeout', afterSeconds: 0.2 },
      atOnce: false,
    })
    expect(await send(1, Buffer.alloc(1))).toEqual({
      came: false,
      failure: { type: 'refused' },
      atOnce: false,
    })
  })

  test('what is sent is well formed and says nothing of this host', () => {
    const dns = datagramFor(53, 'example.com', randomBytes)
    expect(decode(dns.bytes)).toMatchObject({
      type: 'query',
      questions: [{ name: 'example.com', type: 'A' }],
    })
    const ntp = datagramFor(123, '', randomBytes)
    expect([ntp.bytes.length, ntp.bytes[0], ntp.bytes.subarray(1, 40).every((byte) => byte === 0)]).toEqual([
      48,
      0x23,
      true,
    ])
    expect(ntp.bytes.subarray(40)).not.toEqual(datagramFor(123, '', randomBytes).bytes.subarray(40))
    const quic = datagramFor(443, '', randomBytes)
    expect([quic.bytes.length, quic.bytes[0], quic.bytes.readUInt32BE(1) & 0x0f0f0f0f]).toEqual([
      1200, 0xc0, 0x0a0a0a0a,
    ])
    expect([dns, ntp, quic, datagramFor(9, '', randomBytes)].map(({ mayBeSilent }) => mayBeSilent)).toEqual([
      false,
      false,
      true,
      true,
    ])
  })
})

describe('by the proxy of the environment', () => {
  const refused = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'
  const tunnel = 'HTTP/1.1 200 Connection established\r\n\r\n'

  /** Answers CONNECT and HEAD by the host in them. */
  const proxyEnd = (answers: Readonly<Record<string, string>>, requests: string[]) =>
    tcpEnd((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', (data: Buffer) => {
        const text = data.toString('latin1')
        requests.push(text)
        const host = Object.keys(answers).find((name) => text.split('\r\n', 1)[0]?.includes(name))
        socket.end(answers[host ?? ''] ?? 'HTTP/1.1 500 x\r\n\r\n')
      })
    })
  const control = { host: 's3.us-east-1.amazonaws.com', port: 443 }
  const environment = {
    https_proxy: 'http://user:p%40ss@10.1.1.1:3128',
    http_proxy: '10.1.1.1:3128',
    no_proxy: '',
  }

  test('a tunnel that is refused, beside one that is not', async () => {
    const requests: string[] = []
    const port = await proxyEnd({ 'a.example': refused, amazonaws: tunnel }, requests)
    const round = await look(
      'https://a.example',
      { environment, ports: { '10.1.1.1 3128': port } },
      { proxy: true, control },
    )
    expect(round).toMatchObject({
      looks: [{ via: 'proxy', address: '10.1.1.1', reached: 'answer', status: 403 }],
      proxiedControl: { good: true },
    })
    expect(requests.map((text) => text.split('\r\n', 1)[0]).sort()).toEqual([
      'CONNECT a.example:443 HTTP/1.1',
      'CONNECT s3.us-east-1.amazonaws.com:443 HTTP/1.1',
    ])
    for (const text of requests)
      expect(text).toContain(`Proxy-Authorization: Basic ${Buffer.from('user:p@ss').toString('base64')}`)
    expect(JSON.stringify(round)).not.toMatch(/p@ss|p%40ss|user:/)
  })

  test('a tunnel that is made', async () => {
    const port = await proxyEnd({ 'a.example': tunnel, amazonaws: refused }, [])
    const round = await look(
      'https://a.example',
      { environment, ports: { '10.1.1.1 3128': port } },
      { proxy: true, control },
    )
    expect(round).toMatchObject({
      looks: [{ reached: 'answer', status: 200 }],
      proxiedControl: { good: false },
    })
  })

  test('plain HTTP is asked for by its whole URL', async () => {
    const requests: string[] = []
    const port = await proxyEnd({ 'a.example': ok, amazonaws: tunnel }, requests)
    const { looks } = await look(
      'http://a.example/x',
      { environment, ports: { '10.1.1.1 3128': port } },
      { proxy: true, control },
    )
    expect(looks).toMatchObject([{ via: 'proxy', reached: 'answer', status: 204 }])
    expect(requests.some((text) => text.startsWith('HEAD http://a.example/x HTTP/1.1\r\n'))).toBe(true)
  })

  test('a silent proxy, one that is not there, one that must not be dialled, one that can not be used', async () => {
    const silent = await tcpEnd(() => undefined)
    const stage = { environment, ports: { '10.1.1.1 3128': silent }, timeoutSeconds: 0.2 }
    expect((await look('https://a.example', stage, { proxy: true, control })).looks).toMatchObject([
      { reached: 'tcp', status: null },
    ])
    expect((await look('https://a.example', { environment }, { proxy: true, control })).looks).toMatchObject([
      { reached: 'nothing' },
    ])
    const metadata = { environment: { https_proxy: 'http://169.254.169.254:80' } }
    expect((await look('https://a.example', metadata, { proxy: true, control })).looks).toMatchObject([
      { failure: { code: 'FORBIDDEN_TARGET' } },
    ])
    expect(dialled).toEqual([])
    const socks = { environment: { https_proxy: 'socks5://u:geheim@10.1.1.1' } }
    const round = await look('https://a.example', socks, { proxy: true, control })
    expect(round.looks).toMatchObject([{ failure: { code: 'PROXY_UNUSABLE' } }])
    expect(JSON.stringify(round)).not.toContain('geheim')
  })

  test('without the flag no proxy is used', async () => {
    const port = await tlsEnd(answering(ok, []))
    const stage = { environment, ports: { '198.51.100.1 443': port } }
    expect((await look('https://198.51.100.1', stage)).looks).toMatchObject([{ via: 'direct', status: 204 }])
  })

  test.each([
    [{}, 'direct'],
    [{ https_proxy: '' }, 'direct'],
    [{ https_proxy: 'p:1', no_proxy: '*' }, 'direct'],
    [{ https_proxy: 'p:1', no_proxy: 'x.org, .example' }, 'direct'],
    [{ https_proxy: 'p:1', no_proxy: 'a.example' }, 'direct'],
    [{ https_proxy: 'p:1', NO_PROXY: 'example:443' }, 'direct'],
    [{ https_proxy: 'p:1', no_proxy: 'a.example:80' }, 'p:1'],
    [{ https_proxy: 'p:1', no_proxy: 'ample' }, 'p:1'],
    [{ https_proxy: 'p:1', HTTPS_PROXY: 'q:1' }, 'p:1'],
    [{ HTTPS_PROXY: 'http://q' }, 'q:80'],
    [{ all_proxy: 'http://[fd00::1]:3' }, 'fd00::1:3'],
    [{ http_proxy: 'p:1' }, 'direct'],
    [{ https_proxy: 'https://p:1' }, 'unusable'],
    [{ https_proxy: 'http://%zz:x@p:1' }, 'unusable'],
    [{ https_proxy: 'http://' }, 'unusable'],
  ])('%j: %s', (environment_, expected) => {
    const choice = proxyFor({ scheme: 'https', host: 'a.example', port: 443 }, environment_)
    expect(choice.kind === 'proxy' ? `${choice.host}:${choice.port}` : choice.kind).toBe(expected)
  })
})
