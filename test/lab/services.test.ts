import { X509Certificate } from 'node:crypto'
import { connect as connectTcp, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { request } from 'node:https'
import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'
import { afterEach, describe, expect, it } from 'vitest'
import { createAuthority } from '../../lab/certificates.ts'
import { createServices, type Bucket } from '../../lab/services.ts'
import { travel } from '../../lab/world/simulate.ts'
import type { WorldSpec } from '../../lab/world/spec.ts'
import { changeWorld, worldFrom } from '../../lab/world/world.ts'

const nowMs = Date.now()
const authority = createAuthority({ commonName: 'lab root', nowMs })
const interceptor = createAuthority({ commonName: 'proxy root', nowMs })
const s3 = '52.216.8.53'
const sts = '209.54.177.164'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A listener whose every connection counts as one from the lab's host to `destination`. */
async function serve(
  destination: string,
  spec: WorldSpec = {},
  buckets: Bucket[] = [],
  destinationPort = 443,
) {
  let world = worldFrom(spec)
  const services = createServices({
    world: () => world,
    travel,
    authority,
    interceptor,
    nowMs: () => nowMs,
    buckets,
  })
  const server = createServer((socket) =>
    services.receive(socket, { source: '10.0.1.50', destination, port: destinationPort }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => services.close(),
  )
  const { port } = server.address() as AddressInfo
  return { port, change: (change: WorldSpec) => void (world = changeWorld(world, change)) }
}

function handshake(port: number, servername: string): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, servername, ca: authority.certificate }, () =>
      resolve(socket),
    )
    socket.once('error', reject)
    closers.push(async () => socket.destroy())
  })
}

function head(port: number, hostname: string, path = '/', method = 'HEAD') {
  return new Promise<{ status: number; headers: Record<string, unknown> }>((resolve, reject) => {
    request({
      host: '127.0.0.1',
      port,
      servername: hostname,
      method,
      path,
      headers: { Host: hostname },
      ca: authority.certificate,
      agent: false,
    })
      .on('response', (response) => {
        response.resume()
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }))
      })
      .on('error', reject)
      .end()
  })
}

describe('certificates', () => {
  it.each([
    'b.s3.us-east-1.amazonaws.com',
    's3.us-east-1.amazonaws.com',
    'b.s3.amazonaws.com',
    'b.s3.dualstack.us-east-1.amazonaws.com',
    's3-us-east-1.amazonaws.com',
    'b.s3-fips.us-east-1.amazonaws.com',
  ])('S3 shows one that is right for %s', async (hostname) => {
    const { port } = await serve(s3)
    const socket = await handshake(port, hostname)
    expect(socket.authorized).toBe(true)
  })

  it('a bucket with dots does not match, as with S3', async () => {
    const { port } = await serve(s3)
    await expect(handshake(port, 'a.b.s3.us-east-1.amazonaws.com')).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
  })

  it('an endpoint shows one for its own names', async () => {
    const { port } = await serve(s3, {
      endpoints: [
        {
          id: 'vpce-0a0000ff',
          dnsNames: ['vpce-0a0000ff-x.ssm.us-east-1.vpce.amazonaws.com'],
          reaches: 'ssm',
        },
      ],
    })
    expect((await handshake(port, 'vpce-0a0000ff-x.ssm.us-east-1.vpce.amazonaws.com')).authorized).toBe(true)
  })

  it('a name that is not AWS’s gets the certificate of the service', async () => {
    const { port } = await serve(s3)
    await expect(handshake(port, 'storage.corp.example')).rejects.toMatchObject({
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
  })

  it.each([
    ['expired', 'CERT_HAS_EXPIRED'],
    ['wrong_name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['intercepted', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
  ] as const)('%s is %s', async (certificate, code) => {
    const { port } = await serve(sts, { services: [{ id: 'sts', certificate }] })
    await expect(handshake(port, 'sts.us-east-1.amazonaws.com')).rejects.toMatchObject({ code })
  })

  it('a proxy’s is signed by the proxy’s own authority, for the right name', async () => {
    const { port } = await serve(sts, { services: [{ id: 'sts', certificate: 'intercepted' }] })
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'sts.us-east-1.amazonaws.com',
      rejectUnauthorized: false,
    })
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    const shown = new X509Certificate(socket.getPeerCertificate().raw)
    socket.destroy()
    expect(shown.verify(new X509Certificate(interceptor.certificate).publicKey)).toBe(true)
    expect(shown.checkHost('sts.us-east-1.amazonaws.com')).toBeDefined()
  })

  it('follow the world', async () => {
    const { port, change } = await serve(sts)
    await handshake(port, 'sts.us-east-1.amazonaws.com')
    change({ services: [{ id: 'sts', certificate: 'expired' }] })
    await expect(handshake(port, 'sts.us-east-1.amazonaws.com')).rejects.toMatchObject({
      code: 'CERT_HAS_EXPIRED',
    })
  })
})

describe('requests', () => {
  it('S3 refuses, with its request id and the bucket’s region', async () => {
    const { port } = await serve(s3)
    const { status, headers } = await head(port, 'b.s3.us-east-1.amazonaws.com')
    expect(status).toBe(403)
    expect(headers).toMatchObject({
      server: 'AmazonS3',
      'x-amz-bucket-region': 'us-east-1',
      date: new Date(nowMs).toUTCString(),
    })
    expect(headers['x-amz-request-id']).toMatch(/^[0-9A-F]{16}$/u)
    expect((await head(port, 's3.us-east-1.amazonaws.com', '/', 'GET')).headers).not.toHaveProperty(
      'x-amz-bucket-region',
    )
  })

  it('S3 sends on to the region of the bucket, without the query', async () => {
    const { port } = await serve(s3, {}, [{ name: 'reports', region: 'eu-west-1', redirect: 301 }])
    const { status, headers } = await head(
      port,
      'reports.s3.us-east-1.amazonaws.com',
      '/q3.csv?X-Amz-Signature=abc',
    )
    expect(status).toBe(301)
    expect(headers).toMatchObject({
      'x-amz-bucket-region': 'eu-west-1',
      location: 'https://reports.s3.eu-west-1.amazonaws.com/q3.csv',
    })
    const elsewhere = await serve('52.218.36.99', {}, [
      { name: 'reports', region: 'eu-west-1', redirect: 301 },
    ])
    expect((await head(elsewhere.port, 'reports.s3.eu-west-1.amazonaws.com')).status).toBe(403)
  })

  it('other services refuse with an id of their own form', async () => {
    const { port } = await serve(sts)
    const { status, headers } = await head(port, 'sts.us-east-1.amazonaws.com')
    expect(status).toBe(403)
    expect(headers['x-amzn-requestid']).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u)
    expect(headers).not.toHaveProperty('x-amz-request-id')
  })

  it('on port 80 there is no TLS', async () => {
    const { port } = await serve(s3, {}, [], 80)
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'HEAD' })
    expect(answer.status).toBe(403)
    expect(answer.headers.get('server')).toBe('AmazonS3')
  })
})

describe('a connection that the world’s packets do not get through with', () => {
  it.each([
    [
      'the route is a blackhole',
      s3,
      { tables: [{ id: 'rtb-0a000001', routes: ['0.0.0.0/0 -> nat-0b000009 blackhole'] }] },
    ],
    ['nothing answers there', '198.51.100.7', {}],
    ['the service does not listen on the port', sts, { services: [{ id: 'sts', ports: [8443] }] }],
  ] as [string, string, WorldSpec][])('is reset: %s', async (_why, destination, spec) => {
    const { port } = await serve(destination, spec)
    const socket = connectTcp(port, '127.0.0.1')
    const error = await new Promise<NodeJS.ErrnoException>((resolve) => socket.once('error', resolve))
    expect(error.code).toBe('ECONNRESET')
  })
})
