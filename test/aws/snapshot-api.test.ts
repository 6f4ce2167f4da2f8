import { afterEach, beforeAll, afterAll, describe, expect, test } from 'vitest'
import { ec2Api } from '../../aws/clients.ts'
import { readAccount } from '../../aws/snapshot-api.ts'
import type { RawAccount, ReadAccountOptions } from '../../aws/snapshot-api.ts'
import { mostPages } from '../../aws/snapshot-api-pages.ts'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { ec2Actions } from '../../aws/snapshot-api-calls.ts'
import { snapshotParts } from '../../model/topology.ts'
import type { SnapshotPart } from '../../model/topology.ts'
import { account, answerXml, smallAccount, startEc2Server, vpc } from '../support/ec2-server.ts'
import type { Ec2Handler, Ec2Reply, Ec2Server } from '../support/ec2-server.ts'

const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
const identity = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: secret,
  sessionToken: 'IQoJb3JpZ2luX2VjEXAMPLE',
}
const defaults: ReadAccountOptions = {
  region: 'us-east-1',
  vpcIds: [vpc],
  parts: 'all',
  prefixListIds: [],
  callSeconds: 20,
  deadlineSeconds: 30,
  concurrency: 4,
}

let server: Ec2Server | null = null
const endpointBefore = process.env['AWS_ENDPOINT_URL_EC2']
// The endpoint is found by the environment, as in production; nothing else of this machine's AWS set-up may count.
beforeAll(() => {
  process.env['AWS_CONFIG_FILE'] = '/nonexistent'
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/nonexistent'
})
afterAll(() => {
  if (endpointBefore === undefined) delete process.env['AWS_ENDPOINT_URL_EC2']
  else process.env['AWS_ENDPOINT_URL_EC2'] = endpointBefore
})
afterEach(async () => {
  await server?.close()
  server = null
})

interface Extra {
  options?: Partial<ReadAccountOptions>
  account?: string | null
  wallMs?: () => number
  maxAttempts?: number
  requestTimeoutSeconds?: number
  url?: string
}

async function read(handlers: Record<string, Ec2Handler>, extra: Extra = {}): Promise<RawAccount> {
  server = await startEc2Server({ ...smallAccount, ...handlers })
  process.env['AWS_ENDPOINT_URL_EC2'] = extra.url ?? server.url
  const { maxAttempts = 2, requestTimeoutSeconds = 5 } = extra
  const api = ec2Api({
    region: 'us-east-1',
    identity,
    connectTimeoutSeconds: 2,
    maxAttempts,
    requestTimeoutSeconds,
  })
  try {
    return await readAccount(
      { ...defaults, ...extra.options },
      {
        api,
        account: extra.account === undefined ? account : extra.account,
        wallMs: extra.wallMs ?? (() => 1_800_000_000_000),
        signal: new AbortController().signal,
      },
    )
  } finally {
    api.close()
  }
}

const decoded = ({ files, region, account: of }: RawAccount) =>
  decodeSnapshot(files, { source: 'test', account: of, region })

const unreadParts = (raw: RawAccount): string[] => {
  const { parts } = decoded(raw)
  return snapshotParts.filter((part) => !parts[part].read)
}

describe('a whole account', () => {
  test('every part is read, and says what the wire said', async () => {
    const raw = await read({})
    expect(raw.failures).toEqual([])
    const snapshot = decoded(raw)
    expect(unreadParts(raw)).toEqual([])
    expect(snapshot.problems).toEqual([])
    expect(snapshot.routeTables).toMatchObject([
      {
        id: 'rtb-0a000001',
        main: true,
        unreadableRoutes: 0,
        routes: [
          { target: { kind: 'local' } },
          { target: { kind: 'nat_gateway', id: 'nat-0a00000000000001' } },
          {
            destination: { kind: 'prefix_list', id: 'pl-63a5400a' },
            target: { kind: 'vpc_endpoint', id: 'vpce-0a000001' },
          },
          { destination: { kind: 'prefix_list', id: 'pl-0aaaaaaaaaaaaaaa1' } },
        ],
      },
    ])
    expect(snapshot.endpoints.map(({ id, type, state }) => [id, type, state])).toEqual([
      ['vpce-0a000001', 'Gateway', 'available'],
      ['vpce-0a000002', 'Interface', 'available'],
    ])
    expect(
      Object.fromEntries(snapshot.prefixLists.map(({ id, entries, complete }) => [id, [entries, complete]])),
    ).toEqual({
      'pl-63a5400a': [['52.216.0.0/15'], true],
      'pl-02cd2c6b': [['52.94.0.0/22'], true],
      'pl-3b927c52': [null, false],
      'pl-0aaaaaaaaaaaaaaa1': [['198.51.100.0/24'], true],
    })
    expect(snapshot.peerings.map(({ id }) => id)).toEqual(['pcx-0a000001'])
    expect(snapshot.networkInterfaces.map(({ ipv4 }) => ipv4[0]?.address)).toEqual(['10.0.1.50', '10.0.1.99'])
    expect(snapshot.flowLogs[0]?.maxAggregationSeconds).toBe(60)
    expect(snapshot.internetGateways[0]?.vpcIds).toEqual([vpc])
  })

  test('the files are what the AWS CLI prints', async () => {
    const raw = await read({})
    const json = (name: string): unknown => JSON.parse(raw.files.get(name)?.text ?? '')
    expect(json('describe-nat-gateways.json')).toEqual({
      NatGateways: [
        {
          NatGatewayId: 'nat-0a00000000000001',
          VpcId: vpc,
          SubnetId: 'subnet-0a000001',
          State: 'available',
          ConnectivityType: 'public',
          CreateTime: '2026-01-31T12:00:00+00:00',
          NatGatewayAddresses: [
            { PrivateIp: '10.0.1.7', PublicIp: '198.51.100.7', NetworkInterfaceId: 'eni-0a000003' },
          ],
        },
      ],
    })
    expect(json('describe-network-interfaces.json')).toMatchObject({
      NetworkInterfaces: [
        {
          Attachment: {
            AttachTime: '2026-01-31T12:00:00.123000+00:00',
            InstanceId: 'i-0a000001',
            DeviceIndex: 0,
          },
        },
        { RequesterManaged: true },
      ],
    })
    expect(json('describe-route-tables.json')).toMatchObject({
      RouteTables: [{ Tags: [{ Key: 'Name', Value: 'a <b> & c' }], PropagatingVgws: [] }],
    })
    expect(json('get-managed-prefix-list-entries/pl-0aaaaaaaaaaaaaaa1.json')).toEqual({
      Entries: [{ Cidr: '198.51.100.0/24', Description: 'p' }],
    })
  })

  test('each call is filtered by VPC as far as AWS can, and paged with the size that AWS allows', async () => {
    await read({})
    const sent = (server as Ec2Server).requests.map(({ action, params }) => [action, params] as const)
    const by = (name: string) => ({ 'Filter.1.Name': name, 'Filter.1.Value.1': vpc })
    expect(sent.toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)))).toEqual(
      [
        ['DescribeFlowLogs', { MaxResults: '1000' }],
        ['DescribeInternetGateways', { MaxResults: '1000', ...by('attachment.vpc-id') }],
        ['DescribeManagedPrefixLists', { MaxResults: '100' }],
        ['DescribeNatGateways', { MaxResults: '1000', ...by('vpc-id') }],
        ['DescribeNetworkInterfaces', { MaxResults: '1000', ...by('vpc-id') }],
        ['DescribeRouteTables', { MaxResults: '100', ...by('vpc-id') }],
        ['DescribeSubnets', { MaxResults: '1000', ...by('vpc-id') }],
        // an endpoint of a peered VPC may be one that is declared as trusted
        ['DescribeVpcEndpoints', { MaxResults: '1000', ...by('vpc-id'), 'Filter.1.Value.2': 'vpc-0b000001' }],
        ['DescribeVpcPeeringConnections', { MaxResults: '1000', ...by('accepter-vpc-info.vpc-id') }],
        ['DescribeVpcPeeringConnections', { MaxResults: '1000', ...by('requester-vpc-info.vpc-id') }],
        ['DescribeVpcs', { MaxResults: '1000' }],
        ...['pl-02cd2c6b', 'pl-0aaaaaaaaaaaaaaa1', 'pl-63a5400a'].map((id) => [
          'GetManagedPrefixListEntries',
          { MaxResults: '100', PrefixListId: id },
        ]),
      ].toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b))),
    )
    expect(new Set(sent.map(([action]) => action))).toEqual(new Set(ec2Actions))
  })

  test('without a VPC the whole region is read, unfiltered', async () => {
    const raw = await read({}, { options: { vpcIds: [] } })
    expect(raw.failures).toEqual([])
    expect(
      (server as Ec2Server).requests
        .flatMap(({ params }) => Object.keys(params))
        .filter((key) => key.startsWith('Filter')),
    ).toEqual([])
  })

  test('route tables alone are one call; the rest reads the lists that it is told of', async () => {
    const tables = await read({}, { options: { parts: 'routeTables' } })
    expect((server as Ec2Server).requests.map(({ action }) => action)).toEqual(['DescribeRouteTables'])
    expect([...tables.files.keys()]).toEqual(['describe-route-tables.json'])
    await server?.close()
    const rest = await read({}, { options: { parts: 'rest', prefixListIds: ['pl-0aaaaaaaaaaaaaaa1'] } })
    const { requests } = server as Ec2Server
    expect(requests.some(({ action }) => action === 'DescribeRouteTables')).toBe(false)
    expect(requests.flatMap(({ params }) => params['PrefixListId'] ?? []).sort()).toEqual([
      'pl-02cd2c6b',
      'pl-0aaaaaaaaaaaaaaa1',
      'pl-63a5400a',
    ])
    expect(rest.failures).toEqual([])
  })

  test('at most four calls at once', async () => {
    const slowly =
      (handler: Ec2Handler): Ec2Handler =>
      async (request) => {
        await new Promise((resolve) => setImmediate(resolve))
        return handler(request)
      }
    await read(
      Object.fromEntries(Object.entries(smallAccount).map(([action, handler]) => [action, slowly(handler)])),
    )
    expect((server as Ec2Server).mostAtOnce()).toBeLessThanOrEqual(4)
    expect((server as Ec2Server).mostAtOnce()).toBeGreaterThan(1)
  })

  test('each file is dated by the start of its own call, never later', async () => {
    let nowMs = 0
    const arrived: Record<string, number> = {}
    const noting =
      (handler: Ec2Handler): Ec2Handler =>
      (request) => {
        arrived[request.action] ??= nowMs
        return handler(request)
      }
    const raw = await read(
      Object.fromEntries(Object.entries(smallAccount).map(([action, handler]) => [action, noting(handler)])),
      { wallMs: () => ++nowMs, options: { concurrency: 1 } },
    )
    const files: [string, string][] = [
      ['describe-route-tables.json', 'DescribeRouteTables'],
      ['describe-vpc-endpoints.json', 'DescribeVpcEndpoints'],
      ['describe-vpcs.json', 'DescribeVpcs'],
    ]
    const dates = files.map(([name]) => raw.files.get(name)?.atMs ?? Infinity)
    expect(dates).toEqual(files.map(([, action]) => arrived[action]))
    expect(new Set(dates).size).toBe(3)
    for (const file of raw.files.values()) expect(file.dated).toBe('api')
  })
})

describe('pages', () => {
  const table = (id: string) => ({ routeTableId: id, vpcId: vpc, routeSet: [], associationSet: [] })

  test('all of them are read, an empty one in between as well, and all of the entries of a list', async () => {
    const raw = await read({
      DescribeRouteTables: ({ nth, params }) => {
        expect(params['NextToken']).toBe([undefined, 'one', 'two+/='][nth])
        return {
          body:
            [
              { routeTableSet: [table('rtb-0a000001')], nextToken: 'one' },
              { routeTableSet: [], nextToken: 'two+/=' },
              { routeTableSet: [table('rtb-0a000002')] },
            ][nth] ?? {},
        }
      },
      GetManagedPrefixListEntries: ({ params }) => ({
        body:
          params['NextToken'] === 'more'
            ? { entrySet: [{ cidr: '192.0.2.0/24' }] }
            : { entrySet: [{ cidr: '198.51.100.0/24' }], nextToken: 'more' },
      }),
    })
    const snapshot = decoded(raw)
    expect(snapshot.routeTables.map(({ id }) => id)).toEqual(['rtb-0a000001', 'rtb-0a000002'])
    expect(snapshot.prefixLists.find(({ id }) => id === 'pl-63a5400a')?.entries).toEqual([
      '198.51.100.0/24',
      '192.0.2.0/24',
    ])
    expect(raw.calls.find(({ action }) => action === 'DescribeRouteTables')).toMatchObject({
      pages: 3,
      attempts: 3,
      ok: true,
    })
    expect(raw.files.get('describe-route-tables.json')?.text).not.toContain('NextToken')
  })

  test('a later page that is denied leaves nothing of the earlier ones', async () => {
    const raw = await read({
      DescribeRouteTables: ({ nth }) =>
        nth === 0
          ? { body: { routeTableSet: [table('rtb-0a000001')], nextToken: 'one' } }
          : { error: 'UnauthorizedOperation', status: 403 },
    })
    expect(decoded(raw).parts.routeTables).toMatchObject({ read: false, reason: 'denied' })
    expect(decoded(raw).routeTables).toEqual([])
  })

  test.each([
    ['the same token again', (nth: number) => (nth % 2 === 0 ? 'a' : 'b'), /same NextToken/, 3],
    ['pages without an end', (nth: number) => `token-${nth}`, /more than 200 pages/, mostPages],
  ])('%s', async (_name, token, detail, most) => {
    const raw = await read({
      DescribeSubnets: ({ nth }) => ({ body: { subnetSet: [], nextToken: token(nth) } }),
    })
    expect(raw.failures).toMatchObject([{ part: 'subnets', reason: 'invalid', code: 'paging' }])
    expect(raw.failures[0]?.detail).toMatch(detail)
    expect(raw.calls.find(({ action }) => action === 'DescribeSubnets')?.pages).toBe(most)
    expect(unreadParts(raw)).toEqual(['subnets'])
  })

  test('20,000 network interfaces', async () => {
    const interfaces = (page: number) =>
      Array.from({ length: 1000 }, (_, index) => {
        const n = page * 1000 + index
        const address = `10.${1 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`
        return {
          networkInterfaceId: `eni-${n.toString(16).padStart(17, '0')}`,
          vpcId: vpc,
          subnetId: 'subnet-0a000001',
          macAddress: '02:00:00:00:00:01',
          privateIpAddress: address,
          privateIpAddressesSet: [{ privateIpAddress: address, primary: true }],
        }
      })
    const raw = await read({
      DescribeNetworkInterfaces: ({ params }) => {
        const page = Number(params['NextToken'] ?? 0)
        return {
          body: { networkInterfaceSet: interfaces(page), ...(page < 19 && { nextToken: String(page + 1) }) },
        }
      },
    })
    expect(raw.failures).toEqual([])
    const snapshot = decoded(raw)
    expect(snapshot.networkInterfaces.length).toBe(20_000)
    expect(new Set(snapshot.networkInterfaces.map(({ id }) => id)).size).toBe(20_000)
    expect(
      (server as Ec2Server).requests.filter(({ action }) => action === 'DescribeNetworkInterfaces').length,
    ).toBe(20)
  })
})

describe('what goes wrong with one call leaves that part unread, and says why', () => {
  const cutAnswer = answerXml('DescribeNatGateways', { natGatewaySet: [] }).slice(0, -30)
  const all: [string, Ec2Reply, string, string, RegExp][] = [
    [
      'denied',
      { error: 'UnauthorizedOperation', status: 403 },
      'denied',
      'denied',
      /ec2:DescribeNatGateways is missing/,
    ],
    [
      'access denied',
      { error: 'AccessDenied', status: 403 },
      'denied',
      'denied',
      /ec2:DescribeNatGateways is missing/,
    ],
    [
      'throttled',
      { error: 'RequestLimitExceeded', status: 503 },
      'throttled',
      'failed',
      /throttled ec2:DescribeNatGateways/,
    ],
    ['throttled otherwise', { error: 'Throttling', status: 400 }, 'throttled', 'failed', /Throttling/],
    [
      'expired',
      { error: 'ExpiredToken', status: 400 },
      'credentials',
      'failed',
      /did not take the credentials \(ExpiredToken\)/,
    ],
    ['request expired', { error: 'RequestExpired', status: 400 }, 'credentials', 'failed', /RequestExpired/],
    ['auth failure', { error: 'AuthFailure', status: 401 }, 'credentials', 'failed', /AuthFailure/],
    [
      'unknown key',
      { error: 'InvalidClientTokenId', status: 403 },
      'credentials',
      'failed',
      /InvalidClientTokenId/,
    ],
    [
      'wrong signature',
      { error: 'SignatureDoesNotMatch', status: 403 },
      'credentials',
      'failed',
      /SignatureDoesNotMatch/,
    ],
    ['server error', { error: 'InternalError', status: 500 }, 'failed', 'failed', /InternalError, HTTP 500/],
    ['unavailable', { error: 'Unavailable', status: 503 }, 'failed', 'failed', /Unavailable, HTTP 503/],
    ['unknown action', { error: 'InvalidAction', status: 400 }, 'failed', 'failed', /InvalidAction/],
    [
      'a name that is no name',
      { error: 'Bad <b>name</b> \u001b[31m', status: 400 },
      'failed',
      'failed',
      /^ec2:DescribeNatGateways failed \([A-Za-z0-9, ]+\)$/,
    ],
    ['reset', 'reset', 'unreachable', 'failed', /127\.0\.0\.1 can't be reached \(ECONNRESET\)/],
    ['cut off by the network', { raw: cutAnswer, cut: true }, 'unreachable', 'failed', /ECONNRESET/],
    [
      'half an answer',
      { raw: cutAnswer },
      'invalid',
      'invalid',
      /no whole answer to ec2:DescribeNatGateways/,
    ],
    ['an empty answer', { raw: '' }, 'invalid', 'invalid', /no whole answer/],
    ['no list in it', { body: {} }, 'invalid', 'invalid', /has no "NatGateways"/],
    [
      'another action’s answer',
      { raw: answerXml('DescribeVpcs', { vpcSet: [] }) },
      'invalid',
      'invalid',
      /has no "NatGateways"/,
    ],
    [
      'a captive portal',
      { raw: '<html><body>Please log in</body></html>', type: 'text/html' },
      'invalid',
      'invalid',
      /no whole answer/,
    ],
    ['text', { raw: 'OK', type: 'text/plain' }, 'invalid', 'invalid', /no whole answer/],
    [
      'a proxy’s error page',
      { raw: '<html><body>no', status: 502, type: 'text/html' },
      'failed',
      'failed',
      /HTTP 502/,
    ],
  ]
  test.each(all)('%s', async (_name, reply, reason, partReason, detail) => {
    const raw = await read({ DescribeNatGateways: () => reply })
    expect(raw.failures).toMatchObject([
      {
        part: 'natGateways',
        permission: 'ec2:DescribeNatGateways',
        reason,
        file: 'describe-nat-gateways.json',
      },
    ])
    expect(raw.failures[0]?.detail).toMatch(detail)
    expect(raw.failures[0]?.nextStep).not.toBe('')
    const snapshot = decoded(raw)
    expect(unreadParts(raw)).toEqual(['natGateways'])
    expect(snapshot.parts.natGateways).toMatchObject({
      read: false,
      reason: partReason,
      detail: raw.failures[0]?.detail,
    })
    expect(snapshot.natGateways).toEqual([])
  })

  test('throttling that passes is waited out', async () => {
    const raw = await read(
      {
        DescribeNatGateways: (request) =>
          request.nth < 2
            ? { error: 'RequestLimitExceeded', status: 503 }
            : (smallAccount['DescribeNatGateways']?.(request) ?? 'reset'),
      },
      { maxAttempts: 4 },
    )
    expect(raw.failures).toEqual([])
    expect(raw.calls.find(({ action }) => action === 'DescribeNatGateways')).toMatchObject({
      pages: 1,
      attempts: 3,
    })
  })

  test('throttling that outlasts the limit of the call is throttling still, no time-out', async () => {
    const raw = await read(
      { DescribeNatGateways: () => ({ error: 'RequestLimitExceeded', status: 503 }) },
      { maxAttempts: 1000, options: { callSeconds: 1 } },
    )
    expect(raw.failures).toMatchObject([{ part: 'natGateways', reason: 'throttled' }])
  })

  test.each([
    [
      'for the limit of one request',
      { requestTimeoutSeconds: 0.2, maxAttempts: 1 },
      /did not answer ec2:DescribeNatGateways in time/,
    ],
    ['for the limit of one call', { options: { callSeconds: 0.3 } }, /within 0\.3 s/],
    ['for the deadline of all', { options: { deadlineSeconds: 0.5 } }, /within 0\.5 s/],
  ])('silence %s; the others are read', async (_name, extra, detail) => {
    const raw = await read({ DescribeNatGateways: () => 'silent' }, extra)
    expect(raw.failures).toMatchObject([{ part: 'natGateways', reason: 'timeout' }])
    expect(raw.failures[0]?.detail).toMatch(detail)
    expect(raw.failures[0]?.nextStep).toMatch(/interface endpoint for ec2 in us-east-1/)
    expect(unreadParts(raw)).toEqual(['natGateways'])
  })

  test('nothing listens', async () => {
    const raw = await read({}, { url: 'http://127.0.0.1:1' })
    expect(new Set(raw.failures.map(({ reason, code }) => `${reason} ${code}`))).toEqual(
      new Set(['unreachable ECONNREFUSED']),
    )
    expect(unreadParts(raw)).toEqual([...snapshotParts])
    expect(raw.failures[0]?.nextStep).toMatch(/AWS_ENDPOINT_URL_EC2/)
  })

  test('the name of the host does not exist', async () => {
    const raw = await read({}, { url: 'http://ec2.invalid:80', options: { parts: 'routeTables' } })
    expect(raw.failures).toMatchObject([{ part: 'routeTables', reason: 'unreachable' }])
    expect(raw.failures[0]?.detail).toMatch(/^ec2\.invalid can't be reached \((ENOTFOUND|EAI_AGAIN)\)$/)
  })

  test('entries of one list that are denied: that list has none, the others have theirs', async () => {
    const entries = smallAccount['GetManagedPrefixListEntries'] as Ec2Handler
    const raw = await read({
      GetManagedPrefixListEntries: (request) =>
        request.params['PrefixListId'] === 'pl-0aaaaaaaaaaaaaaa1'
          ? { error: 'UnauthorizedOperation', status: 403 }
          : entries(request),
    })
    expect(raw.failures).toMatchObject([
      { part: 'prefixLists', reason: 'denied', permission: 'ec2:GetManagedPrefixListEntries' },
    ])
    const lists = Object.fromEntries(decoded(raw).prefixLists.map(({ id, entries: of }) => [id, of]))
    expect(lists).toMatchObject({ 'pl-0aaaaaaaaaaaaaaa1': null, 'pl-63a5400a': ['52.216.0.0/15'] })
  })

  test('no part of AWS’s message, and no credential, gets into any text', async () => {
    const message = `denied for key ${identity.accessKeyId} with ${secret} and ${identity.sessionToken} Encoded authorization failure message: c2VjcmV0`
    const reply = { error: 'UnauthorizedOperation', status: 403, message }
    const raw = await read(Object.fromEntries(ec2Actions.map((action) => [action, () => reply])))
    const text = JSON.stringify([raw.failures, [...raw.files], raw.calls, decoded(raw)])
    for (const mark of [identity.accessKeyId, secret, identity.sessionToken, 'c2VjcmV0', 'Encoded'])
      expect(text).not.toContain(mark)
    expect((server as Ec2Server).authorizations[0]).toContain(identity.accessKeyId)
  })
})

describe('credentials of another account', () => {
  const nothing =
    (set: string): Ec2Handler =>
    () => ({ body: { [set]: [] } })
  const filtered: SnapshotPart[] = [
    'endpoints',
    'subnets',
    'networkInterfaces',
    'natGateways',
    'peerings',
    'internetGateways',
    'routeTables',
  ]

  test('a VPC that is not shown leaves all that is filtered by it unread, empty as the answers are', async () => {
    const raw = await read({
      DescribeRouteTables: nothing('routeTableSet'),
      DescribeVpcEndpoints: nothing('vpcEndpointSet'),
      DescribeNatGateways: nothing('natGatewaySet'),
      DescribeVpcPeeringConnections: nothing('vpcPeeringConnectionSet'),
      DescribeVpcs: nothing('vpcSet'),
    })
    expect(unreadParts(raw).sort()).toEqual([...filtered].sort())
    expect(raw.failures[0]?.detail).toMatch(/nothing of vpc-0a000001 is shown in us-east-1/)
  })

  test('route tables alone: none at all is no answer', async () => {
    const raw = await read(
      { DescribeRouteTables: nothing('routeTableSet') },
      { options: { parts: 'routeTables' } },
    )
    expect(raw.failures).toMatchObject([{ part: 'routeTables', reason: 'invalid', code: 'unseen' }])
  })

  test.each([
    [
      'of another account',
      '999999999999',
      /belongs to account 111122223333, the credentials to 999999999999/,
    ],
    ['of an account that is not known', null, /the credentials to one that is not known/],
  ])(
    'in a VPC that is shared, %s: peerings are not shown whole, so they count as unread',
    async (_name, of, detail) => {
      const raw = await read(
        { DescribeVpcPeeringConnections: nothing('vpcPeeringConnectionSet') },
        { account: of },
      )
      expect(unreadParts(raw)).toEqual(['peerings'])
      expect(raw.failures).toMatchObject([{ part: 'peerings', reason: 'denied', code: 'not_the_owner' }])
      expect(raw.failures[0]?.detail).toMatch(detail)
    },
  )

  test('whose the VPC is can’t be read: the same', async () => {
    const raw = await read({ DescribeVpcs: () => ({ error: 'UnauthorizedOperation', status: 403 }) })
    expect(unreadParts(raw).sort()).toEqual(['peerings', 'vpcs'])
  })
})
