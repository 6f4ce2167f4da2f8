import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canaryHost, canaryOwnNames } from '../../aws/canary-hosts.ts'
import { callForName, witnessPermissions, witnessServices } from '../../aws/management-calls.ts'
import { hostnamesFor } from '../../aws/service-hostnames.ts'
import { type TrailDeps, type TrailQuery, lookUpEvents } from '../../aws/trail-api.ts'
import { readTrailRecord } from '../../aws/trail-record.ts'
import { readS3Error } from '../../probes/s3-error.ts'

describe('canaryHost', () => {
  it.each([
    ['s3.us-east-1.amazonaws.com', '/canary'],
    ['s3.amazonaws.com', '/canary'],
    ['s3.dualstack.us-east-1.amazonaws.com', '/canary'],
    ['canary.s3.us-east-1.amazonaws.com', ''],
    ['canary.s3.amazonaws.com', ''],
    ['bucket.vpce-0a1b2c3d-abcdefgh.s3.us-east-1.vpce.amazonaws.com', '/canary'],
    ['canary.bucket.vpce-0a1b2c3d-abcdefgh.s3.us-east-1.vpce.amazonaws.com', ''],
  ])('%s', (hostname, front) => {
    expect(canaryHost(hostname, 'canary', 'us-east-1')).toEqual({ ok: true, front })
  })

  it.each([
    'other.s3.us-east-1.amazonaws.com',
    's3.eu-west-1.amazonaws.com',
    's3-accelerate.amazonaws.com',
    's3-control.us-east-1.amazonaws.com',
    'canary.s3-website-us-east-1.amazonaws.com',
    'ap-123456789012.s3-accesspoint.us-east-1.amazonaws.com',
    'vpce-0a1b2c3d-abcdefgh.s3.us-east-1.vpce.amazonaws.com',
    'accesspoint.vpce-0a1b2c3d-abcdefgh.s3.us-east-1.vpce.amazonaws.com',
    'kms.us-east-1.amazonaws.com',
    's3.us-east-1.amazonaws.com.evil.example',
    'example.com',
  ])('not by %s', (hostname) => {
    expect(canaryHost(hostname, 'canary', 'us-east-1').ok).toBe(false)
  })

  it('has own names in the styles that are asked for', () => {
    expect(canaryOwnNames('canary', 'us-east-1', ['global', 'regional', 'vpce', 'website'])).toEqual([
      { hostname: 'canary.s3.amazonaws.com', style: 'global' },
      { hostname: 'canary.s3.us-east-1.amazonaws.com', style: 'regional' },
    ])
  })
})

describe('callForName', () => {
  it.each(witnessServices.filter((service) => service !== 's3'))(
    'knows a call of %s at its regional name',
    (service) => {
      const built = hostnamesFor({ service, region: 'eu-west-1', styles: ['regional'] })
      const [name] = built.ok ? built.names : []
      const call = callForName({ hostname: name?.hostname ?? '', port: 443, region: 'eu-west-1' })
      expect(call).toMatchObject({ ok: true, region: 'eu-west-1', request: { hostname: name?.hostname } })
    },
  )

  it.each([
    ['s3.eu-west-1.amazonaws.com', null, 'ListBuckets', 'eu-west-1'],
    ['s3.amazonaws.com', null, 'ListBuckets', 'us-east-1'],
    ['b.s3.eu-west-1.amazonaws.com', null, 'GetBucketLocation', 'eu-west-1'],
    ['b.s3.amazonaws.com', 'eu-west-1', 'GetBucketLocation', 'eu-west-1'],
    ['sts.amazonaws.com', null, 'GetCallerIdentity', 'us-east-1'],
    ['kms-fips.eu-west-1.amazonaws.com', null, 'ListKeys', 'eu-west-1'],
    ['vpce-0a1b2c3d-abcdefgh.kms.eu-west-1.vpce.amazonaws.com', null, 'ListKeys', 'eu-west-1'],
  ])('%s of %s: %s in %s', (hostname, region, eventName, signing) => {
    expect(callForName({ hostname, port: 443, region })).toMatchObject({
      ok: true,
      region: signing,
      call: { eventName },
    })
  })

  it.each([
    'b.s3.amazonaws.com',
    's3-accelerate.amazonaws.com',
    's3-control.eu-west-1.amazonaws.com',
    'b.s3-website-eu-west-1.amazonaws.com',
    'iam.amazonaws.com',
    'example.com',
    'kms.eu-west-1.amazonaws.com.evil.example',
  ])('none for %s', (hostname) => {
    expect(callForName({ hostname, port: 443, region: null }).ok).toBe(false)
  })

  it('names the permissions of some services, or of all', () => {
    expect(witnessPermissions(['sts', 'kms'])).toEqual(['kms:ListKeys'])
    expect(witnessPermissions(null)).toHaveLength(witnessServices.length)
  })
})

const event = {
  eventID: '8f1c0000-0000-0000-0000-000000000001',
  requestID: 'req-1',
  eventSource: 'kms.amazonaws.com',
  eventName: 'ListKeys',
  eventTime: '2026-11-20T12:00:00Z',
  sourceIPAddress: '10.0.1.50',
  vpcEndpointId: 'vpce-0a1b2c3d4e5f60718',
  userIdentity: { type: 'AssumedRole', accessKeyId: 'ASIAMARKEDKEY0000000' },
}

describe('readTrailRecord', () => {
  it('takes out what decides and nothing of the identity', () => {
    const record = readTrailRecord(JSON.stringify(event))
    expect(record).toEqual({
      eventId: event.eventID,
      requestId: 'req-1',
      eventSource: 'kms.amazonaws.com',
      eventName: 'ListKeys',
      eventMs: Date.UTC(2026, 10, 20, 12),
      vpcEndpointId: 'vpce-0a1b2c3d4e5f60718',
      sourceIpAddress: '10.0.1.50',
      invokedBy: null,
    })
  })

  it.each([
    ['no request id', { requestID: undefined }],
    ['an endpoint that is none', { vpcEndpointId: 'eni-1' }],
    ['an endpoint that is a list', { vpcEndpointId: ['vpce-0a'] }],
    ['an address with line breaks', { sourceIPAddress: '10.0.1.50\n' }],
    ['no time', { eventTime: 'yesterday' }],
  ])('is none with %s', (_, change) => {
    expect(readTrailRecord(JSON.stringify({ ...event, ...change }))).toBeNull()
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => void readTrailRecord(text)))
  })
})

const query: TrailQuery = {
  id: 'q',
  region: 'us-east-1',
  eventSource: 'kms.amazonaws.com',
  eventName: 'ListKeys',
  fromMs: 0,
  toMs: 1000,
  requestIds: ['req-1', 'req-2'],
}

function deps(pages: (token: string | null) => { events: object[]; next: string | null } | Error) {
  const slept: number[] = []
  let calls = 0
  const given: TrailDeps = {
    api: {
      call(_action, _region, input) {
        calls++
        const page = pages((input['NextToken'] as string | undefined) ?? null)
        if (page instanceof Error) {
          return Promise.resolve({ ok: false, error: page, lastAnswer: page, hostname: 'h', attempts: 1 })
        }
        const output = {
          Events: page.events.map((one) => ({ CloudTrailEvent: JSON.stringify(one) })),
          NextToken: page.next ?? undefined,
        }
        return Promise.resolve({ ok: true, output, attempts: 1 })
      },
    },
    sleep: (seconds) => {
      slept.push(seconds)
      return Promise.resolve()
    },
    signal: new AbortController().signal,
    deadlineSeconds: 10,
  }
  return { given, slept, calls: () => calls }
}

describe('lookUpEvents', () => {
  it('reads on until every request is found, at less than two calls a second', async () => {
    const { given, slept, calls } = deps((token) =>
      token === null
        ? { events: [{ ...event, requestID: 'of-others' }, event], next: 'a' }
        : { events: [{ ...event, requestID: 'req-2' }], next: 'b' },
    )
    const [result] = await lookUpEvents([query], given)
    expect(result?.records.map(({ requestId }) => requestId)).toEqual(['req-1', 'req-2'])
    expect(result).toMatchObject({ truncated: false, failure: null })
    expect(calls()).toBe(2)
    expect(slept.every((seconds) => seconds > 0.5)).toBe(true)
  })

  it('takes no record of another event under the same request id', async () => {
    const { given } = deps(() => ({ events: [{ ...event, eventSource: 's3.amazonaws.com' }], next: null }))
    expect((await lookUpEvents([query], given))[0]?.records).toEqual([])
  })

  it('ends pages that do not end, and says so', async () => {
    const same = deps(() => ({ events: [], next: 'same' }))
    expect((await lookUpEvents([query], same.given))[0]?.failure).toMatchObject({ reason: 'invalid' })
    let token = 0
    const growing = deps(() => ({ events: [], next: String(token++) }))
    expect((await lookUpEvents([query], growing.given))[0]).toMatchObject({ truncated: true, failure: null })
    expect(growing.calls()).toBeLessThan(20)
  })

  it('says what was refused', async () => {
    const refused = deps(() => Object.assign(new Error('secret'), { name: 'AccessDeniedException' }))
    const [result] = await lookUpEvents([query], refused.given)
    expect(result?.failure).toMatchObject({ reason: 'denied' })
    expect(JSON.stringify(result)).not.toContain('secret')
  })
})

describe('readS3Error', () => {
  const body = (code: string, message = '') =>
    `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`
  const who =
    'User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::b/k"'

  it.each([
    [body('AccessDenied', 'Access Denied'), 'AccessDenied', null],
    [
      body('AccessDenied', `${who} with an explicit deny in a resource-based policy`),
      'AccessDenied',
      'resource_policy',
    ],
    [
      body('AccessDenied', `${who} with an explicit deny in a VPC endpoint policy`),
      'AccessDenied',
      'endpoint_policy',
    ],
    [
      body('AccessDenied', `${who} because no identity-based policy allows the s3:GetObject action`),
      'AccessDenied',
      'identity_policy',
    ],
    [
      body('AccessDenied', `${who} because no VPC endpoint policy allows the s3:GetObject action`),
      'AccessDenied',
      'endpoint_policy',
    ],
    [
      body(
        'AccessDenied',
        `${who.replace('s3:GetObject', 'kms:Decrypt')} because no identity-based policy allows the kms:Decrypt action`,
      ),
      'AccessDenied',
      'kms',
    ],
    [body('NoSuchKey'), 'NoSuchKey', null],
    ['<html><body>Error</body></html>', null, null],
    ['<Error><Message>x</Message><Code>AccessDenied</Code></Error>', null, null],
    ['<Error><Code>Access\u001b[31mDenied</Code></Error>', null, null],
    ['', null, null],
  ])('%s', (text, code, deniedBy) => {
    expect(readS3Error(text)).toEqual({ code, deniedBy })
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void readS3Error(`<Error><Code>${text}`)))
  })
})
