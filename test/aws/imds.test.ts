import { type IncomingMessage, type ServerResponse, createServer, setGlobalProxyFromEnv } from 'node:http'
import { type AddressInfo, type Server, type Socket, createServer as createNetServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { parseIdentityDocument, readMetadata } from '../../aws/imds.ts'
import { parseInterface, parseMacs } from '../../aws/imds-interface.ts'
import { type MetadataMode, createMetadataService } from '../../lab/imds.ts'
import { metadataOf } from '../../lab/world/metadata.ts'
import type { WorldSpec } from '../../lab/world/spec.ts'
import { worldFrom } from '../../lab/world/world.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  )
}

const read = (
  port: number,
  more: { timeoutSeconds?: number; deadlineSeconds?: number; signal?: AbortSignal } = {},
) =>
  readMetadata({
    endpoint: { address: '127.0.0.1', port },
    timeoutSeconds: 2,
    deadlineSeconds: 5,
    signal: new AbortController().signal,
    ...more,
  })

/** The lab's own service in front of a socket. */
async function lab(spec: WorldSpec = {}, mode: MetadataMode = 'answers', delaySeconds = 0): Promise<number> {
  const world = worldFrom(spec)
  const service = createMetadataService({
    metadata: () => metadataOf(world),
    mode,
    delaySeconds,
    nowMs: () => Date.now(),
  })
  closers.push(() => service.close())
  return listen(createNetServer((socket) => service.receive(socket)))
}

const good: Record<string, string> = {
  '/latest/dynamic/instance-identity/document': JSON.stringify({
    instanceId: 'i-0123456789abcdef0',
    accountId: '111122223333',
    region: 'eu-west-1',
  }),
  '/latest/meta-data/network/interfaces/macs/': '0a:00:00:00:00:01/\n',
  '/latest/meta-data/network/interfaces/macs/0a:00:00:00:00:01/interface-id': 'eni-0123456789abcdef0',
  '/latest/meta-data/network/interfaces/macs/0a:00:00:00:00:01/subnet-id': 'subnet-0123456789abcdef0',
  '/latest/meta-data/network/interfaces/macs/0a:00:00:00:00:01/vpc-id': 'vpc-0123456789abcdef0',
  '/latest/meta-data/network/interfaces/macs/0a:00:00:00:00:01/subnet-ipv4-cidr-block': '10.0.1.0/24',
  '/latest/meta-data/network/interfaces/macs/0a:00:00:00:00:01/local-ipv4s': '10.0.1.50',
}

interface Asked {
  method: string
  path: string
  headers: IncomingMessage['headers']
}

/** A service of answers by path; what is not in it is 404. `also` may answer first. */
async function answering(
  answers: Record<string, string>,
  also: (request: Asked, response: ServerResponse) => boolean = () => false,
): Promise<{ port: number; asked: Asked[] }> {
  const asked: Asked[] = []
  const port = await listen(
    createServer((request, response) => {
      const one = { method: request.method ?? '', path: request.url ?? '', headers: request.headers }
      asked.push(one)
      if (also(one, response)) return
      if (one.path === '/latest/api/token') response.end('AQAEALuck==')
      else if (answers[one.path] === undefined) response.writeHead(404).end('<html>404</html>')
      else response.end(answers[one.path])
    }),
  )
  return { port, asked }
}

describe('an instance', () => {
  it('is read from its own metadata: document, interfaces, prefixes, public addresses', async () => {
    const port = await lab({
      interfaces: [
        {
          id: 'eni-0a000050',
          ipv4: [
            { address: '10.0.1.50', primary: true, public: '203.0.113.50' },
            { address: '10.0.1.51', primary: false, public: null },
          ],
          ipv4Prefixes: ['10.0.1.64/28'],
        },
      ],
    })
    const reading = await read(port)
    expect(reading).toMatchObject({
      answered: true,
      document: { instanceId: 'i-0a000050', accountId: '111122223333', region: 'us-east-1' },
      problems: [],
    })
    expect(reading.answered && reading.interfaces[0]).toMatchObject({
      id: 'eni-0a000050',
      mac: '02:1a:00:00:00:50',
      subnetIpv4Cidr: '10.0.1.0/24',
      ipv4: ['10.0.1.50', '10.0.1.51'],
      ipv4Prefixes: ['10.0.1.64/28'],
      publicIpv4: ['203.0.113.50'],
      vpcIpv4Cidrs: ['10.0.0.0/16'],
    })
  })

  it('is asked for a short-lived token first, and for nothing without it', async () => {
    const { port, asked } = await answering(good)
    expect((await read(port)).answered).toBe(true)
    const [first, ...rest] = asked
    expect(first).toMatchObject({ method: 'PUT', path: '/latest/api/token' })
    const seconds = Number(first?.headers['x-aws-ec2-metadata-token-ttl-seconds'])
    expect(seconds).toBeGreaterThanOrEqual(1)
    expect(seconds).toBeLessThanOrEqual(300)
    // a request that came by a proxy is refused by the service
    expect(asked.every((one) => one.headers['x-forwarded-for'] === undefined)).toBe(true)
    expect(rest.length).toBeGreaterThan(5)
    for (const one of rest) {
      expect(one.method).toBe('GET')
      expect(one.headers['x-aws-ec2-metadata-token']).toBe('AQAEALuck==')
    }
  })

  it('may leave out what is not set: every 404 is an empty field, not a failure', async () => {
    const { port } = await answering(good)
    expect(await read(port)).toEqual({
      answered: true,
      document: { instanceId: 'i-0123456789abcdef0', accountId: '111122223333', region: 'eu-west-1' },
      problems: [],
      interfaces: [
        {
          id: 'eni-0123456789abcdef0',
          mac: '0a:00:00:00:00:01',
          subnetId: 'subnet-0123456789abcdef0',
          vpcId: 'vpc-0123456789abcdef0',
          subnetIpv4Cidr: '10.0.1.0/24',
          ipv4: ['10.0.1.50'],
          ipv6: [],
          ipv4Prefixes: [],
          ipv6Prefixes: [],
          vpcIpv4Cidrs: [],
          vpcIpv6Cidrs: [],
          publicIpv4: [],
        },
      ],
    })
  })

  it('without an identity document is no instance', async () => {
    const { ['/latest/dynamic/instance-identity/document']: _document, ...without } = good
    const { port } = await answering(without)
    const reading = await read(port)
    expect(reading).toMatchObject({ answered: true, document: null })
    expect(reading.answered && reading.problems).toEqual(['the metadata service has no identity document'])
  })

  it('is not read by way of a proxy of the environment', async () => {
    const { port } = await answering(good)
    // what NODE_USE_ENV_PROXY does at the start of the process
    const restore = setGlobalProxyFromEnv({ http_proxy: 'http://127.0.0.1:1' })
    try {
      expect((await read(port)).answered).toBe(true)
    } finally {
      restore()
    }
  })
})

describe('a service that can not be used', () => {
  it('is not there', async () => {
    const server = createNetServer()
    const port = await listen(server)
    await closers.pop()?.()
    expect(await read(port)).toMatchObject({ answered: false, silence: 'no_connection' })
    expect(await read(port)).toMatchObject({ because: expect.stringContaining('ECONNREFUSED') as string })
  })

  it.each(['silent', 'hop_limit'] as const)(
    '%s: takes the connection and never sends the token',
    async (mode) => {
      const reading = await read(await lab({}, mode), { timeoutSeconds: 0.3 })
      expect(reading).toMatchObject({ answered: false, silence: 'no_token' })
      expect(!reading.answered && reading.because).toContain('hop limit')
    },
  )

  it('is off: 403 for all', async () => {
    expect(await read(await lab({}, 'off'))).toMatchObject({ answered: false, silence: 'refused' })
  })

  it('version 1 only: refused, and never asked without a token', async () => {
    expect(await read(await lab({}, 'v1_only'))).toMatchObject({ answered: false, silence: 'refused' })
    for (const status of [400, 401, 404, 405, 500]) {
      const { port, asked } = await answering(good, (one, response) => {
        if (one.method === 'PUT') response.writeHead(status).end()
        return one.method === 'PUT'
      })
      const reading = await read(port)
      expect(reading).toMatchObject({ answered: false, silence: 'refused' })
      expect(!reading.answered && reading.because).toContain(`status ${status}`)
      expect(asked.map((one) => one.method)).toEqual(['PUT'])
    }
  })

  it.each([
    ['an HTML page', '<html>Sign in</html>'],
    ['nothing', ''],
    ['a header in disguise', 'abc\r\nX-Evil: 1'],
    ['too long', 'x'.repeat(600)],
  ])('gives %s for a token', async (_what, text) => {
    const { port, asked } = await answering(good, (one, response) => {
      if (one.method === 'PUT') response.end(text)
      return one.method === 'PUT'
    })
    const reading = await read(port)
    expect(reading).toMatchObject({ answered: false, silence: 'refused' })
    expect(JSON.stringify(reading)).not.toContain('Sign in')
    expect(asked).toHaveLength(1)
  })

  it('redirects elsewhere: not followed', async () => {
    const elsewhere = await answering(good)
    const { port } = await answering(good, (one, response) => {
      if (one.method !== 'GET') return false
      response.writeHead(302, { location: `http://127.0.0.1:${elsewhere.port}${one.path}` }).end()
      return true
    })
    expect(await read(port)).toMatchObject({ answered: false, silence: 'failed' })
    expect(elsewhere.asked).toEqual([])
  })

  it('fails half way: nothing of it is believed', async () => {
    const { port } = await answering(good, (one, response) => {
      if (!one.path.endsWith('/local-ipv4s')) return false
      response.writeHead(503).end()
      return true
    })
    const reading = await read(port)
    expect(reading).toMatchObject({ answered: false, silence: 'failed' })
    expect(!reading.answered && reading.because).toContain('503')
  })

  it('closes the connection in the middle of an answer', async () => {
    const { port } = await answering(good, (one, response) => {
      if (!one.path.endsWith('/document')) return false
      response.writeHead(200, { 'content-length': 1000 })
      response.write('{')
      setImmediate(() => response.destroy())
      return true
    })
    expect(await read(port)).toMatchObject({ answered: false, silence: 'failed' })
  })

  it('never ends its answer: it is read up to a bound', async () => {
    let written = 0
    const { port } = await answering(good, (one, response) => {
      if (!one.path.endsWith('/document')) return false
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(16_384))) written += 16_384
      }
      response.on('drain', more)
      more()
      return true
    })
    const reading = await read(port)
    expect(reading).toMatchObject({ answered: false, silence: 'failed' })
    expect(!reading.answered && reading.because).toContain('longer than')
    // what was under way in the buffers of both sides comes on top
    expect(written).toBeLessThan(16 * 1024 * 1024)
  })

  it('is slow in all: the whole has an end', async () => {
    const port = await lab({}, 'slow', 0.2)
    const reading = await read(port, { timeoutSeconds: 1, deadlineSeconds: 0.5 })
    expect(reading).toMatchObject({ answered: false, silence: 'failed' })
  })

  it('is slow, but in time: read', async () => {
    expect(await read(await lab({}, 'slow', 0.02))).toMatchObject({ answered: true, problems: [] })
  })

  it('is given up at once when the agent stops', async () => {
    const stop = new AbortController()
    const port = await lab({}, 'hop_limit')
    const reading = read(port, { timeoutSeconds: 60, deadlineSeconds: 60, signal: stop.signal })
    setImmediate(() => stop.abort(new Error('the agent stops')))
    expect(await reading).toMatchObject({ answered: false })
  })
})

describe('what it says is hostile until it has its form', () => {
  it.each([
    ['no JSON', 'null'],
    ['no JSON at all', 'Not found'],
    ['a list', '[]'],
    ['an id of nobody', '{"instanceId":"i-xyz","accountId":"111122223333","region":"eu-west-1"}'],
    [
      'a number for the account',
      '{"instanceId":"i-0123456789abcdef0","accountId":111122223333,"region":"eu-west-1"}',
    ],
    ['another cloud', '{"instanceId":"i-0123456789abcdef0","accountId":"111122223333","region":"europe"}'],
    [
      'a path in the region',
      '{"instanceId":"i-0123456789abcdef0","accountId":"111122223333","region":"eu-west-1/../.."}',
    ],
  ])('%s is no identity document', (_what, text) => {
    expect(parseIdentityDocument(text)).toBeNull()
  })

  it('MACs', () => {
    expect(parseMacs('0A:00:00:00:00:01/\n0a:00:00:00:00:01/\n').macs).toEqual(['0a:00:00:00:00:01'])
    expect(parseMacs(null)).toEqual({ macs: [], problems: [] })
    const odd = parseMacs('../../../api/token\n00:00:00:00:00:00/\n')
    expect(odd.macs).toEqual([])
    expect(odd.problems).toHaveLength(1)
  })

  const shown = (answers: Record<string, string>) =>
    parseInterface('0a:00:00:00:00:01', (key) =>
      Promise.resolve({ 'interface-id': 'eni-0123456789abcdef0', ...answers }[key] ?? null),
    )

  it('an interface without an id is none', async () => {
    expect((await shown({ 'interface-id': 'eni-<script>' })).shown).toBeNull()
    expect((await shown({ 'interface-id': 'eni-0123456789abcdef0\neni-0fedcba9876543210' })).shown).toBeNull()
  })

  it.each([
    ['local-ipv4s', '10.0.1.50\n010.0.1.51\nfe80::1\n10.0.1.300', 'ipv4', ['10.0.1.50']],
    ['ipv6s', '2600:1F18:0::50\n10.0.1.50', 'ipv6', ['2600:1f18::50']],
    // a delegated prefix is a /28 or a /80; anything wider would make addresses the interface's own that are not
    ['ipv4-prefix', '10.0.1.64/28\n10.0.0.0/8\n0.0.0.0/0\n10.0.1.65/28', 'ipv4Prefixes', ['10.0.1.64/28']],
    ['ipv6-prefix', '2600:1f18::/80\n::/0\n10.0.1.64/28', 'ipv6Prefixes', ['2600:1f18::/80']],
    ['subnet-ipv4-cidr-block', '10.0.1.0/24\n10.0.2.0/24', 'subnetIpv4Cidr', null],
    ['subnet-ipv4-cidr-block', '10.0.1.7/24', 'subnetIpv4Cidr', null],
    ['subnet-id', 'subnet-', 'subnetId', null],
    ['vpc-id', 'vpc-0123456789abcdef0', 'vpcId', 'vpc-0123456789abcdef0'],
    ['public-ipv4s', '203.0.113.5\nnone', 'publicIpv4', ['203.0.113.5']],
  ] as const)('%s: what is not of its form is left out', async (key, text, field, expected) => {
    const found = await shown({ [key]: text })
    expect(found.shown?.[field]).toEqual(expected)
    if (field !== 'vpcId' && text !== '10.0.1.0/24\n10.0.2.0/24') expect(found.problems.join()).toContain(key)
    expect(found.problems.join()).not.toContain('\n')
  })

  it('lists more interfaces than there can be: the first ones are read, and it is said', async () => {
    const macs = Array.from({ length: 200 }, (_, i) => `0a:00:00:00:01:${i.toString(16).padStart(2, '0')}/`)
    const { port, asked } = await answering({
      ...good,
      '/latest/meta-data/network/interfaces/macs/': macs.join('\n'),
    })
    const reading = await read(port, { deadlineSeconds: 20 })
    expect(reading.answered && reading.problems.join()).toContain('200 interfaces')
    expect(asked.length).toBeLessThan(1000)
  })
})
