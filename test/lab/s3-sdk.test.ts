import { gunzipSync } from 'node:zlib'
import {
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  S3Client,
} from '@aws-sdk/client-s3'
import { SignatureV4 } from '@smithy/signature-v4'
import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { handlerTo } from './lab-https.ts'
import { startRecords } from './records-tools.ts'

const deny = (sid: string, key: string, condition: string) =>
  `{ Sid: ${sid}, Effect: Deny, Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::canary/${key}', Condition: ${condition} }`
const canary = (endpoint = 'vpce-0a000053', more = '') => `records:
  s3:
    ${more}
    buckets:
      - name: canary
        policy:
          Version: '2012-10-17'
          Statement:
            - ${deny('P', 'positive', `{ StringNotEquals: { 'aws:SourceVpce': ${endpoint} } }`)}
            - ${deny('P1', 'source-ip', `{ NotIpAddress: { 'aws:VpcSourceIp': 10.0.1.50/32 } }`)}
            - ${deny('N', 'negative', `{ 'Null': { 'aws:SourceVpce': 'false' } }`)}
        objects:
          - { key: control }
          - { key: positive }
          - { key: source-ip }
          - { key: negative }
          - { key: folder/secret, encryption: kms_denied }
          - { key: folder/hidden, encryption: kms }`

async function start(yaml: string) {
  const records = await startRecords(yaml)
  /** Over loopback, or to an address of the world. */
  const s3 = (address: string | null = null, more = {}) => {
    const { endpoint, ...rest } = records.s3()
    return records.keep(
      new S3Client({
        ...rest,
        ...(address === null
          ? { endpoint }
          : { requestHandler: handlerTo(records.lab, address), systemClockOffset: rest.systemClockOffset }),
        ...more,
      }),
    )
  }
  return { ...records, s3 }
}

async function statusOf(promise: Promise<unknown>): Promise<number> {
  return promise.then(
    () => 200,
    (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode ?? 0,
  )
}

async function triple(client: S3Client): Promise<number[]> {
  const statuses: number[] = []
  for (const Key of ['control', 'positive', 'source-ip', 'negative']) {
    statuses.push(await statusOf(client.send(new HeadObjectCommand({ Bucket: 'canary', Key }))))
  }
  return statuses
}

const address = '52.216.8.53'
const viaNat = `
  tables: [{ id: rtb-0a000001, removeRoutes: [pl-63a5400a] }]`
const withEndpoint = `
  endpoints:
    - { id: vpce-0c000001, service: com.amazonaws.us-east-1.s3, reaches: s3, interfaces: [eni-0c000020], subnets: [subnet-0b000002] }
  interfaces:
    - { id: eni-0c000020, subnet: subnet-0b000002, type: vpc_endpoint, requesterManaged: true, ipv4: [{ address: 10.0.0.20, primary: true, public: null }] }`

describe('a bucket policy is judged by the way that the request came', () => {
  it.each([
    ['gateway endpoint', '', address, 'vpce-0a000053', [200, 200, 200, 403]],
    ['another endpoint than the policy names', '', address, 'vpce-0a0000ff', [200, 403, 200, 403]],
    ['interface endpoint', withEndpoint, '10.0.0.20', 'vpce-0c000001', [200, 200, 200, 403]],
    ['NAT gateway', viaNat, address, 'vpce-0a000053', [200, 403, 403, 200]],
    [
      'NAT gateway before the endpoint: its own address',
      `
  tables:
    - { id: rtb-0a000001, removeRoutes: [pl-63a5400a] }
    - { id: rtb-0b000002, addRoutes: ['pl-63a5400a -> vpce-0a000053'] }`,
      address,
      'vpce-0a000053',
      [200, 200, 403, 403],
    ],
    [
      'internet gateway',
      `
  tables: [{ id: rtb-0a000001, routes: ['0.0.0.0/0 -> igw-0a000001'] }]
  interfaces: [{ id: eni-0a000050, ipv4: [{ address: 10.0.1.50, primary: true, public: 203.0.113.50 }] }]`,
      address,
      'vpce-0a000053',
      [200, 403, 403, 200],
    ],
    [
      'a relay that itself uses the endpoint',
      `
  subnets: [{ id: subnet-0b000002 }]
  tables:
    - { id: rtb-0a000001, routes: ['0.0.0.0/0 -> eni-0c000030'] }
    - { id: rtb-0b000002, addRoutes: ['pl-63a5400a -> vpce-0a000053'] }
  interfaces:
    - { id: eni-0c000030, subnet: subnet-0b000002, sourceCheck: false, forwards: relays, ipv4: [{ address: 10.0.0.30, primary: true, public: null }] }`,
      address,
      'vpce-0a000053',
      [200, 200, 403, 403],
    ],
  ])('%s', async (_, world, to, endpoint, expected) => {
    const { s3 } = await start(`world:${world === '' ? ' {}' : world}\n${canary(endpoint)}`)
    expect(await triple(s3(to))).toEqual(expected)
  })

  it('the endpoint’s own policy counts too, only by that endpoint', async () => {
    const policy = `endpoints: { vpce-0a000053: { Statement: { Effect: Allow, Principal: '*', Action: 's3:*', Resource: 'arn:aws:s3:::other/*' } } }`
    const { s3 } = await start(`world: {}\n${canary('vpce-0a000053', policy)}`)
    expect(await triple(s3(address))).toEqual([403, 403, 403, 403])
    const without = await start(`world:${viaNat}\n${canary('vpce-0a000053', policy)}`)
    expect(await triple(without.s3(address))).toEqual([200, 403, 403, 200])
  })

  it('the truth beneath counts, not what the API shows', async () => {
    const { s3, lab } = await start(`world: {}
beneath:${viaNat}
${canary()}
steps:
  - { after: 1s, name: mended, title: Mended, beneath: {} }`)
    expect(await triple(s3(address))).toEqual([200, 403, 403, 200])
    expect(lab.truth('b.s3.us-east-1.amazonaws.com').state).toBe('public')
    expect(JSON.stringify(lab.world().tables)).toContain('pl-63a5400a')
    await lab.apply('mended')
    expect(await triple(s3(address))).toEqual([200, 200, 200, 403])
    expect(lab.truth('b.s3.us-east-1.amazonaws.com').state).toBe('private')
  })
})

describe('who asks', () => {
  it('anonymous, an unknown key, another secret, another token, credentials that have run out', async () => {
    const { s3, lab, wait } = await start(canary())
    const head = (more: object) =>
      s3(null, more).send(new GetObjectCommand({ Bucket: 'canary', Key: 'control' }))
    const own = lab.apiCredentials()
    const anonymous = await fetch(`${lab.s3Url}/canary/control`)
    expect(anonymous.status).toBe(403)
    expect(await anonymous.text()).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<Error><Code>AccessDenied<\/Code><Message>Access Denied<\/Message><RequestId>[0-9A-F]{16}<\/RequestId><HostId>.+<\/HostId><\/Error>\n$/u,
    )
    expect(anonymous.headers.get('x-amz-request-id')).toMatch(/^[0-9A-F]{16}$/u)
    expect(anonymous.headers.get('x-amz-bucket-region')).toBe('us-east-1')
    await expect(head({ credentials: { ...own, accessKeyId: 'ASIAOTHER' } })).rejects.toMatchObject({
      name: 'InvalidAccessKeyId',
    })
    await expect(head({ credentials: { ...own, secretAccessKey: 'x' } })).rejects.toMatchObject({
      name: 'SignatureDoesNotMatch',
    })
    await expect(head({ credentials: { ...own, sessionToken: 'x' } })).rejects.toMatchObject({
      name: 'InvalidToken',
    })
    await expect(head({ region: 'eu-west-1' })).rejects.toMatchObject({
      name: 'AuthorizationHeaderMalformed',
    })
    wait(7 * 3600)
    await expect(head({ credentials: own })).rejects.toMatchObject({ name: 'ExpiredToken' })
  })

  it('a clock that is 20 minutes off', async () => {
    const { s3, wait } = await start(canary())
    wait(1200)
    const client = s3(null, { systemClockOffset: 0 })
    const answer = client.send(new GetObjectCommand({ Bucket: 'canary', Key: 'control' }))
    await expect(answer).rejects.toMatchObject({
      name: 'RequestTimeTooSkewed',
      MaxAllowedSkewMilliseconds: '900000',
    })
  })

  it('a presigned URL: good for its time, for its path and its host; overrides are heeded', async () => {
    const { lab, wait, now } = await start(canary())
    const signer = new SignatureV4({
      service: 's3',
      region: 'us-east-1',
      credentials: lab.apiCredentials(),
      applyChecksum: false,
      uriEscapePath: false,
      sha256: Sha256,
    })
    const { host, hostname, port } = new URL(String(lab.s3Url))
    const signed = await signer.presign(
      {
        method: 'GET',
        protocol: 'http:',
        hostname,
        port: Number(port),
        path: '/canary/control',
        headers: { host, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
        query: { 'response-content-disposition': 'attachment; filename="nonce-1"' },
      },
      { expiresIn: 300, signingDate: new Date(now()) },
    )
    const query = new URLSearchParams(signed.query as Record<string, string>)
    const url = `${lab.s3Url}/canary/control?${query}`
    const good = await fetch(url)
    expect(good.status).toBe(200)
    expect(good.headers.get('content-disposition')).toBe('attachment; filename="nonce-1"')
    const codeOf = async (other: string) =>
      /<Code>(.+?)<\/Code>/u.exec(await (await fetch(other)).text())?.[1]
    expect(await codeOf(url.replace('control', 'positive'))).toBe('SignatureDoesNotMatch')
    expect(await codeOf(url.replace('nonce-1', 'nonce-2'))).toBe('SignatureDoesNotMatch')
    wait(301)
    const late = await (await fetch(url)).text()
    expect(late).toContain('<Message>Request has expired</Message><X-Amz-Expires>300</X-Amz-Expires>')
  })
})

describe('objects and faults', () => {
  it('what is there, what is not, and what can’t be decrypted', async () => {
    const { s3 } = await start(canary())
    const get = (Key: string) => s3().send(new GetObjectCommand({ Bucket: 'canary', Key }))
    const control = await get('control')
    expect(await control.Body?.transformToString()).toBe('pathproof')
    expect(control.ServerSideEncryption).toBe('AES256')
    await expect(get('nothing')).rejects.toMatchObject({ name: 'NoSuchKey' })
    await expect(get('folder/secret')).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('kms:Decrypt'),
    })
    expect((await get('folder/hidden')).ServerSideEncryption).toBe('aws:kms')
    const elsewhere = s3().send(new GetObjectCommand({ Bucket: 'unknown', Key: 'x' }))
    await expect(elsewhere).rejects.toMatchObject({ name: 'NoSuchBucket' })
  })

  it('without the right to list, what is not there is forbidden', async () => {
    const identity = `identity: { Statement: { Effect: Allow, Action: 's3:GetObject', Resource: '*' } }`
    const { s3 } = await start(canary('vpce-0a000053', identity))
    const missing = s3().send(new GetObjectCommand({ Bucket: 'canary', Key: 'nothing' }))
    await expect(missing).rejects.toMatchObject({ name: 'AccessDenied' })
    const policy = s3().send(new GetBucketPolicyCommand({ Bucket: 'canary' }))
    await expect(policy).rejects.toMatchObject({
      name: 'AccessDenied',
      message: expect.stringContaining('not authorized to perform: s3:GetBucketPolicy'),
    })
  })

  it('gives the policy as it was put, the region, and the buckets', async () => {
    const { s3 } = await start(`${canary()}
      - { name: far, region: eu-west-1 }`)
    const client = s3()
    const { Policy: policy } = await client.send(new GetBucketPolicyCommand({ Bucket: 'canary' }))
    expect(JSON.parse(String(policy))).toMatchObject({
      Statement: [{ Sid: 'P' }, { Sid: 'P1' }, { Sid: 'N' }],
    })
    const { LocationConstraint: region } = await client.send(new GetBucketLocationCommand({ Bucket: 'far' }))
    expect(region).toBe('eu-west-1')
    const { Buckets: buckets } = await client.send(new ListBucketsCommand({}))
    expect(buckets?.map(({ Name }) => Name)).toEqual(['canary', 'far'])
    const none = client.send(new GetBucketPolicyCommand({ Bucket: 'far' }))
    await expect(none).rejects.toMatchObject({ name: 'PermanentRedirect' })
  })

  it('closes after a refusal if it is told to, and can be slow down', async () => {
    const { lab } = await start(canary('vpce-0a000053', 'closeAfterDenied: true'))
    const answer = await fetch(`${lab.s3Url}/canary/control`)
    expect(answer.headers.get('connection')).toBe('close')
    lab.records.change({ s3: { slowDown: true } })
    expect((await fetch(`${lab.s3Url}/canary/control`)).status).toBe(503)
  })

  it('an unsigned request about no bucket of its own has the usual answer', async () => {
    const { lab } = await start('buckets: [{ name: far, region: eu-west-1 }]')
    const { handle } = handlerTo(lab, address)
    const { response } = await handle({
      method: 'HEAD',
      hostname: 'far.s3.us-east-1.amazonaws.com',
      path: '/',
      headers: {},
    })
    expect(response.statusCode).toBe(301)
    expect(response.headers['x-amz-bucket-region']).toBe('eu-west-1')
  })
})

describe('flow-log files', () => {
  it('are listed by folder and by pages, and can be read', async () => {
    const { s3, connect, wait } = await start(`world:
  flowLogs:
    - { id: fl-0a000001, resource: vpc-0a000001, format: null, deliverySeconds: 600, destination: { type: s3, bucket: flow-files } }`)
    connect(address)
    wait(3600)
    const client = s3()
    const folders = await client.send(
      new ListObjectsV2Command({ Bucket: 'flow-files', Prefix: 'AWSLogs/', Delimiter: '/' }),
    )
    expect(folders.CommonPrefixes).toEqual([{ Prefix: 'AWSLogs/111122223333/' }])
    const whole = await client.send(new ListObjectsV2Command({ Bucket: 'flow-files' }))
    expect(whole.Contents?.length).toBeGreaterThan(8)
    const keys: string[] = []
    let token: string | undefined
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: 'flow-files', MaxKeys: 3, ContinuationToken: token }),
      )
      keys.push(...(page.Contents ?? []).map(({ Key }) => String(Key)))
      token = page.NextContinuationToken
    } while (token !== undefined)
    expect(keys).toEqual(whole.Contents?.map(({ Key }) => Key))
    const texts = await Promise.all(
      keys.map(async (Key) => {
        const { Body: body } = await client.send(new GetObjectCommand({ Bucket: 'flow-files', Key }))
        return gunzipSync((await body?.transformToByteArray()) ?? '').toString()
      }),
    )
    expect(texts.every((text) => text.startsWith('version account-id interface-id '))).toBe(true)
    expect(texts.filter((text) => text.includes(' 10.0.1.50 52.216.8.53 40000 443 '))).toHaveLength(1)
  })
})

/** What the signer wants of a hash; the platform's own. */
class Sha256 {
  readonly #hash
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash('sha256') : createHmac('sha256', secret as string | Uint8Array)
  }
  update(data: Uint8Array | string): void {
    this.#hash.update(data)
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }
  reset(): void {}
}
