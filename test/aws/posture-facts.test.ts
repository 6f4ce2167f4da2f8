/** What only the posture checks need: read over EC2's wire, kept in a directory, and missing without harm. */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { writeSnapshot } from '../../agent/account/snapshot-directory-writer.ts'
import { ec2Api } from '../../aws/clients.ts'
import { postureFiles } from '../../aws/posture-facts.ts'
import { type RawAccount, readAccount } from '../../aws/snapshot-api.ts'
import { postureActions } from '../../aws/snapshot-api-calls.ts'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { readSnapshotDirectory } from '../../aws/snapshot-files.ts'
import { withLastGood } from '../../aws/snapshot-merge.ts'
import { snapshotParts } from '../../model/topology.ts'
import {
  type Ec2Handler,
  type Ec2Server,
  account,
  smallAccount,
  startEc2Server,
  vpc,
} from '../support/ec2-server.ts'

const variables = ['AWS_ENDPOINT_URL_EC2', 'AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE'] as const
const before = variables.map((name) => process.env[name])
beforeAll(() => {
  process.env['AWS_CONFIG_FILE'] = '/nonexistent'
  process.env['AWS_SHARED_CREDENTIALS_FILE'] = '/nonexistent'
})
afterAll(() => {
  for (const [index, name] of variables.entries()) {
    const value = before[index]
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
})

let server: Ec2Server | null = null
let directory = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-'))
})
afterEach(async () => {
  await server?.close()
  server = null
  await rm(directory, { recursive: true })
})

const resource = `arn:aws:ec2:us-east-1:${account}:vpc/${vpc}`
const open: Record<string, Ec2Handler> = {
  DescribeEgressOnlyInternetGateways: () => ({
    body: {
      egressOnlyInternetGatewaySet: [
        { egressOnlyInternetGatewayId: 'eigw-0a000001', attachmentSet: [{ state: 'attached', vpcId: vpc }] },
      ],
    },
  }),
  DescribeVpcBlockPublicAccessOptions: () => ({
    body: {
      vpcBlockPublicAccessOptions: {
        awsAccountId: account,
        awsRegion: 'us-east-1',
        state: 'update-complete',
        internetGatewayBlockMode: 'block-bidirectional',
        lastUpdateTimestamp: '2026-01-31T12:00:00.000Z',
        exclusionsAllowed: 'allowed',
      },
    },
  }),
  DescribeVpcBlockPublicAccessExclusions: ({ params }) => ({
    body: {
      vpcBlockPublicAccessExclusionSet: [
        {
          exclusionId: params['NextToken'] === undefined ? 'vpcbpa-exclude-1' : 'vpcbpa-exclude-2',
          internetGatewayExclusionMode: 'allow-egress',
          resourceArn: resource,
          state: 'create-complete',
        },
      ],
      ...(params['NextToken'] === undefined && { nextToken: 'more' }),
    },
  }),
}

async function read(
  handlers: Record<string, Ec2Handler>,
  posture = true,
  parts: 'all' | 'rest' | 'routeTables' = 'all',
) {
  server = await startEc2Server({ ...smallAccount, ...handlers })
  process.env['AWS_ENDPOINT_URL_EC2'] = server.url
  const identity = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'x'.repeat(40) }
  const limits = { connectTimeoutSeconds: 2, maxAttempts: 1, requestTimeoutSeconds: 5 }
  const api = ec2Api({ region: 'us-east-1', identity, ...limits })
  try {
    return await readAccount(
      {
        region: 'us-east-1',
        vpcIds: [vpc],
        parts,
        prefixListIds: [],
        posture,
        callSeconds: 20,
        deadlineSeconds: 30,
        concurrency: 4,
      },
      { api, account, wallMs: () => 1000, signal: new AbortController().signal },
    )
  } finally {
    api.close()
  }
}

const decoded = ({ files }: RawAccount) =>
  decodeSnapshot(files, { source: 'test', account, region: 'us-east-1' })
const fresh = { read: true, atMs: 1000, dated: 'api' }
const exclusion = (n: number) => ({
  id: `vpcbpa-exclude-${n}`,
  resource,
  mode: 'allow-egress',
  state: 'create-complete',
})
const everything = {
  egressOnlyGateways: { reading: fresh, items: [{ id: 'eigw-0a000001', vpcIds: [vpc] }] },
  blockPublicAccess: {
    reading: fresh,
    items: [{ mode: 'block-bidirectional', state: 'update-complete', exclusionsAllowed: 'allowed' }],
  },
  exclusions: { reading: fresh, items: [exclusion(1), exclusion(2)] },
}

test('read over the wire, all pages', async () => {
  const raw = await read(open)
  expect(raw.failures).toEqual([])
  expect(decoded(raw).posture).toEqual(everything)
  expect(decoded(raw).problems).toEqual([])
  const sent = (server as Ec2Server).requests.filter(({ action }) =>
    postureActions.some((one) => one === action),
  )
  expect(sent.map(({ action, params }) => [action, params['MaxResults'] ?? null]).sort()).toEqual([
    ['DescribeEgressOnlyInternetGateways', '255'],
    ['DescribeVpcBlockPublicAccessExclusions', '1000'],
    ['DescribeVpcBlockPublicAccessExclusions', '1000'],
    ['DescribeVpcBlockPublicAccessOptions', null],
  ])
})

test('not asked for unless wanted, and never with the route tables', async () => {
  expect(decoded(await read(open, false)).posture).toBeUndefined()
  await server?.close()
  expect(decoded(await read(open, true, 'routeTables')).posture).toBeUndefined()
  expect((server as Ec2Server).requests.map(({ action }) => action)).toEqual(['DescribeRouteTables'])
})

test('denied or broken: the facts are unread, and the reading of the account is whole all the same', async () => {
  const raw = await read({
    DescribeEgressOnlyInternetGateways: () => ({ error: 'UnauthorizedOperation', status: 403 }),
    DescribeVpcBlockPublicAccessOptions: () => ({ body: { other: 'x' } }),
    DescribeVpcBlockPublicAccessExclusions: () => ({ raw: 'x' }),
  })
  expect(raw.failures).toEqual([])
  const snapshot = decoded(raw)
  for (const part of snapshotParts) expect(snapshot.parts[part].read).toBe(true)
  expect(snapshot.posture?.egressOnlyGateways.reading).toMatchObject({ read: false, reason: 'denied' })
  expect(snapshot.posture?.blockPublicAccess.reading).toMatchObject({ read: false })
  expect(snapshot.posture?.exclusions.reading).toMatchObject({ read: false })
})

test('an element that is not understood leaves its fact unread', () => {
  const file = (value: object) => ({ text: JSON.stringify(value), atMs: 1, dated: 'api' as const })
  const files = new Map([
    [
      'describe-egress-only-internet-gateways.json',
      file({ EgressOnlyInternetGateways: [{ Attachments: 7 }] }),
    ],
    ['describe-vpc-block-public-access-options.json', file({ VpcBlockPublicAccessOptions: { State: 'x' } })],
    ['describe-vpc-block-public-access-exclusions.json', file({ VpcBlockPublicAccessExclusions: {} })],
  ])
  const { posture } = decodeSnapshot(files, { source: 'test', account: null, region: null })
  for (const fact of Object.values(posture ?? {}))
    expect(fact).toMatchObject({ reading: { read: false, reason: 'invalid' }, items: [] })
})

test('a later reading without them keeps what was known, with its own date', async () => {
  const first = decoded(await read(open))
  await server?.close()
  const tables = decoded(await read(open, true, 'routeTables'))
  expect(withLastGood(first, tables).posture).toEqual(everything)
  const denied = {
    ...first,
    posture: {
      ...everything,
      exclusions: { reading: { read: false, reason: 'denied', detail: '' } as const, items: [] },
    },
  } as typeof first
  expect(withLastGood(first, denied).posture).toEqual(everything)
  expect(withLastGood(first, { ...first }).posture).toBe(first.posture)
})

test('written to a directory as the AWS CLI prints them, and read back, dated by the manifest', async () => {
  const raw = await read(open)
  await writeSnapshot(directory, Object.fromEntries(raw.files), raw.failures, {
    account,
    region: 'us-east-1',
    startedMs: 1000,
  })
  const written = await readdir(directory)
  expect(postureFiles.filter((file) => !written.includes(file))).toEqual([])
  const options: unknown = JSON.parse(
    await readFile(join(directory, 'describe-vpc-block-public-access-options.json'), 'utf8'),
  )
  expect(options).toMatchObject({
    VpcBlockPublicAccessOptions: { InternetGatewayBlockMode: 'block-bidirectional' },
  })
  const snapshot = await readSnapshotDirectory(directory, { nowMs: 2000, undated: 'refuse' })
  expect(snapshot.problems).toEqual([])
  const dated = { read: true, atMs: 1000, dated: 'manifest' }
  expect(snapshot.posture).toMatchObject({
    egressOnlyGateways: { ...everything.egressOnlyGateways, reading: dated },
    exclusions: { ...everything.exclusions, reading: dated },
  })
  // an older directory that is written anew without them
  const again = [...raw.files].filter(([name]) => !postureFiles.includes(name))
  await writeSnapshot(directory, Object.fromEntries(again), [], {
    account,
    region: 'us-east-1',
    startedMs: 1000,
  })
  expect((await readdir(directory)).filter((name) => postureFiles.includes(name))).toEqual([])
})
