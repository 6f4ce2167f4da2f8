import { afterEach, describe, expect, it } from 'vitest'
import { canaryPolicy } from '../../aws/bucket-policy.ts'
import type { CanaryPolicy, HostRoute } from '../../model/observation.ts'
import { type CanaryTask, probeCanary } from '../../probes/canary.ts'
import { whyNotSend } from '../../probes/certificate-worth.ts'
import { limit } from '../../probes/limit.ts'
import { loopWatch } from '../../probes/loop-watch.ts'
import { type TlsDeps, unknownRoute } from '../../probes/tls.ts'
import { readCanary } from '../../verdict/rules/canary-mix.ts'
import { canaryServer, endpointId, hostname, wantedHere, ways } from '../support/canary-server.ts'
import { common } from './support.ts'

type Server = Awaited<ReturnType<typeof canaryServer>>

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function serve(policy?: unknown): Promise<Server> {
  const server = await canaryServer(policy)
  closers.push(server.close)
  return server
}

const route: HostRoute = { ...unknownRoute(''), method: 'ip_route_get', device: 'ens5', detail: null }
const verified: CanaryPolicy = { verified: true, ageSeconds: 10, vpcId: null, sourceAddresses: null }

function depsFor(server: Server, more: Partial<TlsDeps> = {}): TlsDeps {
  return {
    ...common(),
    dial: server.dial,
    hostRoute: () => Promise.resolve(route),
    environment: {},
    loop: loopWatch(),
    handshakes: limit(8),
    trust: { publicRoots: [server.root], partitionRoots: [], hostRoots: () => [] },
    userAgent: 'pathproof/0.0.0',
    ...more,
  }
}

async function round(
  server: Server,
  more: Partial<CanaryTask> & { deps?: Partial<TlsDeps>; atMs?: number; by?: Server['identity'] } = {},
) {
  const { deps, atMs, by, ...task } = more
  const requests = [await server.sign(atMs, by), await server.sign(atMs, by)] as const
  return probeCanary(
    {
      to: {
        hostname,
        port: 443,
        address: '52.216.1.1',
        family: 4,
        localAddress: null,
        resolvers: ['system'],
        dnsSeconds: null,
      },
      requests,
      bucket: 'my-canary',
      endpoint: endpointId,
      policy: () => verified,
      ...task,
    },
    depsFor(server, deps),
  )
}

const mix = ({ canary }: Awaited<ReturnType<typeof round>>[number]) =>
  canary.asks.map(
    ({ object, outcome }) => `${object} ${outcome.answered ? outcome.status : outcome.failure.type}`,
  )

describe('probeCanary', () => {
  it('asks all three over the socket of one attempt, through the endpoint', async () => {
    const server = await serve()
    const [one, ...more] = await round(server)
    expect(more).toEqual([])
    expect(mix(one!)).toEqual(['control 200', 'positive 200', 'negative 403'])
    expect(one!.canary).toMatchObject({
      kind: 'canary',
      attemptId: one!.attempt.stamp.id,
      socket: 1,
      hostname,
      closedEarly: false,
      notSent: null,
      clockOffsetSeconds: expect.any(Number) as number,
    })
    expect(one!.attempt).toMatchObject({
      address: '52.216.1.1',
      outcome: { reached: 'tls' },
      http: { status: 200 },
    })
    expect(one!.attempt.timings.firstByteSeconds).toBeGreaterThan(0)
    expect(new Set(server.state.seen.map(({ port }) => port))).toEqual(new Set([one!.attempt.localPort]))
    expect(new Set(server.state.seen.map(({ url }) => url)).size).toBe(3)
    expect(readCanary(one!.canary).says).toBe('endpoint')
  })

  it('by no endpoint', async () => {
    const server = await serve()
    server.state.arrival = ways.internet
    const [one] = await round(server)
    expect(mix(one!)).toEqual(['control 200', 'positive 403', 'negative 200'])
    expect(readCanary(one!.canary).says).toBe('no_endpoint')
  })

  it('by another endpoint', async () => {
    const server = await serve()
    server.state.arrival = ways.otherEndpoint
    const [one] = await round(server)
    expect(readCanary(one!.canary)).toMatchObject({
      says: 'inconclusive',
      because: expect.stringContaining('another endpoint') as string,
    })
  })

  it('from another address than the policy names, as behind a NAT gateway', async () => {
    const server = await serve(
      canaryPolicy({ ...wantedHere, vpcId: 'vpc-1', sourceAddresses: ['10.0.1.50'] }),
    )
    expect(mix((await round(server))[0]!)).toEqual(['control 200', 'positive 200', 'negative 403'])
    server.state.arrival = ways.behindNat
    expect(mix((await round(server))[0]!)).toEqual(['control 200', 'positive 403', 'negative 403'])
    server.state.arrival = { ...ways.endpoint, endpoint: { ...ways.endpoint.endpoint, vpc: 'vpc-2' } }
    expect(mix((await round(server))[0]!)).toEqual(['control 200', 'positive 403', 'negative 403'])
  })

  it('asks anew in the other order where S3 closes after a refusal, and puts nothing together', async () => {
    const server = await serve()
    server.state.arrival = ways.internet
    server.state.s3.closeAfterDenied = true
    const [one, two, ...more] = await round(server)
    expect(more).toEqual([])
    expect(mix(one!)).toEqual(['control 200', 'positive 403'])
    expect(one!.canary).toMatchObject({ socket: 1, closedEarly: true })
    expect(readCanary(one!.canary).says).toBe('inconclusive')
    expect(mix(two!)).toEqual(['control 200', 'negative 200', 'positive 403'])
    expect(two!.canary).toMatchObject({ socket: 2, closedEarly: false, round: one!.canary.round })
    expect(readCanary(two!.canary).says).toBe('no_endpoint')
    expect(two!.attempt.stamp.id).not.toBe(one!.attempt.stamp.id)
    expect(two!.canary.attemptId).toBe(two!.attempt.stamp.id)
    expect(new Set(server.state.seen.map(({ port }) => port)).size).toBe(2)
    expect(new Set(server.state.seen.map(({ url }) => url)).size).toBe(5)
  })

  it('through the endpoint one socket is enough even then', async () => {
    const server = await serve()
    server.state.s3.closeAfterDenied = true
    const sockets = await round(server)
    expect(sockets.map(mix)).toEqual([['control 200', 'positive 200', 'negative 403']])
  })

  it('a socket that breaks between the questions is not mended', async () => {
    const server = await serve()
    server.state.raw = (url, socket) => {
      if (url.startsWith('/c')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc')
      else socket.destroy()
    }
    const sockets = await round(server)
    expect(sockets.map(mix)).toEqual([['control 200', 'positive reset']])
    expect(readCanary(sockets[0]!.canary).says).toBe('inconclusive')
  })

  it.each([
    ['positive open', 0, ways.internet],
    ['negative open', 1, ways.endpoint],
    ['positive open, through the endpoint of somebody else', 0, ways.otherEndpoint],
  ])('a policy that is loosened: %s, never attested', async (_, gone, arrival) => {
    const policy = canaryPolicy(wantedHere)
    policy.Statement.splice(gone, 1)
    const server = await serve(policy)
    server.state.arrival = arrival
    for (const { canary } of await round(server)) {
      const says = readCanary(canary).says
      // by somebody else's endpoint an open positive object looks like the right one: only the reading of the policy tells
      if (arrival === ways.otherEndpoint) expect(says).toBe('endpoint')
      else expect(says).toBe('inconclusive')
      const unread: CanaryPolicy = { verified: false, because: 'a statement is missing' }
      expect(readCanary({ ...canary, policy: unread }).says).toBe('inconclusive')
    }
  })

  it.each([
    [20, 'slow'],
    [-20, 'fast'],
  ])('a clock that is %i min off', async (minutes, word) => {
    const server = await serve()
    const offMs = minutes * 60_000
    server.state.clockMs = () => Date.now() + offMs
    // the credentials are still good, and the signature bears this host's time
    const [one] = await round(server, { deps: { clock: common().clock } })
    const { says, because } = readCanary(one!.canary)
    expect(says).toBe('inconclusive')
    expect(because).toContain(`20 min ${word}`)
    expect(one!.canary.clockOffsetSeconds).toBeCloseTo(-offMs / 1000, -1)
  })

  it('credentials that have expired, or that nobody knows', async () => {
    const server = await serve()
    server.state.clockMs = () => Date.now() + 7 * 3600_000
    const expired = await round(server, { atMs: Date.now() + 7 * 3600_000 })
    expect(readCanary(expired[0]!.canary).because).toContain('ExpiredToken')
    server.state.clockMs = () => Date.now()
    const unknown = await round(server, { by: { accessKeyId: 'AKIANOBODYKNOWSTHIS0', secretAccessKey: 'x' } })
    expect(readCanary(unknown[0]!.canary).because).toContain('InvalidAccessKeyId')
  })

  it('an endpoint policy that does not allow the reading', async () => {
    const server = await serve()
    const none = { Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:PutObject', Resource: '*' }] }
    server.state.s3.endpoints = { [endpointId]: none }
    const [one] = await round(server)
    expect(readCanary(one!.canary)).toMatchObject({
      says: 'inconclusive',
      because: expect.stringContaining("the endpoint's own policy") as string,
    })
  })

  it('missing objects, a key of KMS, a busy S3, a bucket elsewhere', async () => {
    const server = await serve()
    const { s3 } = server.state
    const [bucket] = s3.buckets
    const because = async () => readCanary((await round(server))[0]!.canary).because
    const all = bucket!.objects
    bucket!.objects = all.filter(({ key }) => key !== 'c')
    expect(await because()).toContain('no such object')
    bucket!.objects = all.map((object) => ({ ...object, encryption: 'kms_denied' }))
    expect(await because()).toContain('KMS')
    bucket!.objects = all
    s3.slowDown = true
    expect(await because()).toContain('SlowDown')
    s3.slowDown = false
    bucket!.region = 'eu-west-1'
    expect(await because()).toContain('another region')
  })

  it('sends nothing signed to who is not shown to be AWS', async () => {
    const server = await serve()
    const stranger = { publicRoots: [], partitionRoots: [], hostRoots: () => [server.root] }
    const [one] = await round(server, { deps: { trust: stranger } })
    expect(server.state.seen).toEqual([])
    expect(one!.canary.asks).toEqual([])
    expect(one!.canary.notSent).toContain('not shown to be AWS')
    expect(one!.attempt.outcome.reached).toBe('tls')
    const wrong = await round(server, {
      to: {
        hostname: 'other.example',
        port: 443,
        address: '52.216.1.1',
        family: 4,
        localAddress: null,
        resolvers: [],
        dnsSeconds: null,
      },
    })
    expect(server.state.seen).toEqual([])
    expect(readCanary(wrong[0]!.canary).says).toBe('inconclusive')
  })

  it('sends nothing under a certificate whose dates do not hold', () => {
    const check = {
      roots: 'public',
      chainError: null,
      nameMatches: true,
      nameExpected: 'x',
      dates: 'valid',
    } as const
    expect(whyNotSend(check)).toBeNull()
    expect(whyNotSend({ ...check, roots: 'partition' })).toBeNull()
    expect(whyNotSend({ ...check, dates: 'expired' })).not.toBeNull()
    expect(whyNotSend({ ...check, dates: 'not_yet_valid' })).not.toBeNull()
    expect(whyNotSend({ ...check, roots: 'none' })).not.toBeNull()
    expect(whyNotSend({ ...check, nameMatches: false })).not.toBeNull()
  })

  it('an answer without end, one that is too large, one that is no HTTP', async () => {
    const server = await serve()
    server.state.raw = (_, socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab')
    const slow = await round(server, { deps: { timeoutSeconds: 0.3 } })
    expect(slow.map(mix)).toEqual([['control timeout']])
    server.state.raw = (_, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n${'x'.repeat(200_000)}`)
    }
    const large = await round(server)
    expect(large.map(mix)).toEqual([['control 200']])
    expect(large[0]!.canary.closedEarly).toBe(true)
    server.state.raw = (_, socket) => socket.end('hello\r\n\r\n')
    expect((await round(server)).map(mix)).toEqual([[expect.stringMatching(/^control (?!200)/)]])
  })

  it('a whole round holds no key, token or signature', async () => {
    const server = await serve()
    const { accessKeyId, secretAccessKey, sessionToken = '' } = server.identity
    const text = JSON.stringify(await round(server))
    for (const secret of [accessKeyId, secretAccessKey, sessionToken]) expect(text).not.toContain(secret)
    for (const { authorization } of server.state.seen) {
      const signature = /Signature=([0-9a-f]+)/.exec(authorization)?.[1] ?? ''
      expect(signature).toHaveLength(64)
      expect(text).not.toContain(signature)
    }
  })

  it('ends with the signal', async () => {
    const server = await serve()
    const stop = new AbortController()
    server.state.raw = () => stop.abort()
    const [one] = await round(server, { deps: { signal: stop.signal } })
    expect(mix(one!)).toEqual(['control aborted'])
  })
})
