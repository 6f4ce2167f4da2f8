import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { createMetadataService, type MetadataServiceOptions } from '../../lab/imds.ts'
import { metadataOf } from '../../lab/world/metadata.ts'
import type { WorldSpec } from '../../lab/world/spec.ts'
import { worldFrom } from '../../lab/world/world.ts'

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function serve(spec: WorldSpec = {}, options: Partial<MetadataServiceOptions> = {}) {
  let now = 1_000_000
  const world = worldFrom(spec)
  const service = createMetadataService({
    metadata: () => metadataOf(world),
    mode: 'answers',
    nowMs: () => now,
    ...options,
  })
  const server = createServer((socket) => service.receive(socket))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(
    () => new Promise((resolve) => server.close(resolve)),
    () => service.close(),
  )
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const put = (headers: Record<string, string>) =>
    fetch(`${base}/latest/api/token`, { method: 'PUT', headers })
  const token = async (seconds = 60) =>
    (await put({ 'X-aws-ec2-metadata-token-ttl-seconds': String(seconds) })).text()
  const get = (path: string, value: string) =>
    fetch(base + path, { headers: { 'X-aws-ec2-metadata-token': value } })
  const pass = (seconds: number): void => {
    now += seconds * 1000
  }
  return { base, put, token, get, pass, setMode: service.setMode }
}

describe('tokens', () => {
  it('are wanted for every path', async () => {
    const { base, get } = await serve()
    expect((await fetch(`${base}/latest/meta-data/`)).status).toBe(401)
    expect((await get('/latest/meta-data/', 'made-up')).status).toBe(401)
  })

  it('live as long as asked, between 1 and 21600 seconds', async () => {
    const { put, token, get, pass } = await serve()
    expect((await put({})).status).toBe(400)
    expect((await put({ 'X-aws-ec2-metadata-token-ttl-seconds': '0' })).status).toBe(400)
    expect((await put({ 'X-aws-ec2-metadata-token-ttl-seconds': '21601' })).status).toBe(400)
    const answer = await put({ 'X-aws-ec2-metadata-token-ttl-seconds': '21600' })
    expect(answer.headers.get('X-Aws-Ec2-Metadata-Token-Ttl-Seconds')).toBe('21600')
    const value = await token(60)
    expect((await get('/latest/meta-data/mac', value)).status).toBe(200)
    pass(59)
    expect((await get('/latest/meta-data/mac', value)).status).toBe(200)
    pass(1)
    expect((await get('/latest/meta-data/mac', value)).status).toBe(401)
  })

  it('are not given to a proxy', async () => {
    const { put } = await serve()
    const answer = await put({ 'X-aws-ec2-metadata-token-ttl-seconds': '60', 'X-Forwarded-For': '10.0.0.1' })
    expect(answer.status).toBe(403)
  })
})

describe('paths', () => {
  it('tell where the instance stands', async () => {
    const { token, get } = await serve()
    const value = await token()
    const text = async (path: string) => (await get(path, value)).text()
    expect(await text('/latest/meta-data/instance-id')).toBe('i-0a000050')
    expect(await text('/latest/meta-data/placement/region')).toBe('us-east-1')
    const mac = await text('/latest/meta-data/mac')
    expect(await text('/latest/meta-data/network/interfaces/macs/')).toBe(`${mac}/`)
    const eni = `/latest/meta-data/network/interfaces/macs/${mac}`
    expect(await text(`${eni}/interface-id`)).toBe('eni-0a000050')
    expect(await text(`${eni}/local-ipv4s`)).toBe('10.0.1.50')
    expect(await text(`${eni}/vpc-ipv4-cidr-blocks`)).toBe('10.0.0.0/16')
    expect((await text(`${eni}/`)).split('\n')).toContain('subnet-id')
    const document: unknown = JSON.parse(await text('/latest/dynamic/instance-identity/document'))
    expect(document).toMatchObject({
      accountId: '111122223333',
      instanceId: 'i-0a000050',
      region: 'us-east-1',
    })
  })

  it('that are not set are 404', async () => {
    const { token, get } = await serve()
    const value = await token()
    for (const path of [
      '/latest/meta-data/public-ipv4',
      '/latest/meta-data/network/interfaces/macs/02:1a:00:00:00:50/ipv6s',
      '/latest/meta-data/mac/',
      '/latest/meta-data/constructor',
      '/latest/user-data',
    ]) {
      expect([path, (await get(path, value)).status]).toEqual([path, 404])
    }
  })

  it('follow the world', async () => {
    const { token, get } = await serve({
      interfaces: [
        { id: 'eni-0a000050', ipv4: [{ address: '10.0.1.50', primary: true, public: '203.0.113.50' }] },
      ],
    })
    expect(await (await get('/latest/meta-data/public-ipv4', await token())).text()).toBe('203.0.113.50')
  })

  it('on a host without metadata are all 404', async () => {
    const { token, get } = await serve({ host: { kind: 'on-prem', instance: null } })
    expect((await get('/latest/meta-data/instance-id', await token())).status).toBe(404)
  })
})

describe('a service that is out of reach', () => {
  it.each(['silent', 'hop_limit'] as const)('%s: the token never comes', async (mode) => {
    const { base } = await serve({}, { mode })
    const asked = fetch(`${base}/latest/api/token`, {
      method: 'PUT',
      headers: { 'X-aws-ec2-metadata-token-ttl-seconds': '60' },
      signal: AbortSignal.timeout(200),
    })
    await expect(asked).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('off: everything is forbidden', async () => {
    const { put, get } = await serve({}, { mode: 'off' })
    expect((await put({ 'X-aws-ec2-metadata-token-ttl-seconds': '60' })).status).toBe(403)
    expect((await get('/latest/meta-data/', 'x')).status).toBe(403)
  })

  it('is so from one request to the next', async () => {
    const { token, get, setMode } = await serve()
    const value = await token()
    setMode('off')
    expect((await get('/latest/meta-data/mac', value)).status).toBe(403)
    setMode('answers')
    expect((await get('/latest/meta-data/mac', value)).status).toBe(200)
  })

  it('slow: it comes late', async () => {
    const { token } = await serve({}, { mode: 'slow', delaySeconds: 0.05 })
    expect((await token()).length).toBeGreaterThan(20)
  })
})

describe('an imitation', () => {
  it('v1_only: knows no tokens and wants none', async () => {
    const { base, put } = await serve({}, { mode: 'v1_only' })
    expect((await put({ 'X-aws-ec2-metadata-token-ttl-seconds': '60' })).status).toBe(404)
    expect(await (await fetch(`${base}/latest/meta-data/instance-id`)).text()).toBe('i-0a000050')
  })

  it('no_document: has everything but the identity document', async () => {
    const { token, get } = await serve({}, { mode: 'no_document' })
    const value = await token()
    expect((await get('/latest/dynamic/instance-identity/document', value)).status).toBe(404)
    expect((await get('/latest/meta-data/mac', value)).status).toBe(200)
  })
})

describe('the role', () => {
  const role = () => ({
    name: 'reader',
    arn: 'arn:aws:iam::111122223333:instance-profile/reader',
    credentials: {
      accessKeyId: 'ASIAEXAMPLE',
      secretAccessKey: 'secret',
      sessionToken: 'token',
      expirationMs: Date.UTC(2026, 0, 5, 14),
    },
  })
  const path = '/latest/meta-data/iam/security-credentials/'

  it('is there with its credentials', async () => {
    const { token, get } = await serve({}, { role })
    const value = await token()
    expect(await (await get(path, value)).text()).toBe('reader')
    expect(await (await get(`${path}reader`, value)).json()).toEqual({
      Code: 'Success',
      LastUpdated: '1970-01-01T00:16:40Z',
      Type: 'AWS-HMAC',
      AccessKeyId: 'ASIAEXAMPLE',
      SecretAccessKey: 'secret',
      Token: 'token',
      Expiration: '2026-01-05T14:00:00Z',
    })
    expect((await get(`${path}other`, value)).status).toBe(404)
    expect(await (await get('/latest/meta-data/iam/info', value)).json()).toMatchObject({
      InstanceProfileArn: 'arn:aws:iam::111122223333:instance-profile/reader',
    })
  })

  it('is not there on an instance without one', async () => {
    for (const options of [{}, { role, mode: 'no_role' as const }]) {
      const { token, get } = await serve({}, options)
      const value = await token()
      expect((await get(path, value)).status).toBe(404)
      expect(await (await get('/latest/meta-data/', value)).text()).not.toContain('iam/')
    }
  })
})
