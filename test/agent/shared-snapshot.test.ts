import { once } from 'node:events'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configCommand } from '../../agent/cli/config.ts'
import { snapshotCommand } from '../../agent/cli/snapshot.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { iamPolicy } from '../../agent/iam/iam.ts'
import { readPlace } from '../../agent/account/shared-snapshot-place.ts'
import { snapshotSource } from '../../agent/account/snapshot-source.ts'
import { packShared, unpackShared } from '../../aws/shared-snapshot.ts'
import type { SnapshotFile } from '../../aws/snapshot-decode-file.ts'
import { type Snapshot, type Vantage, snapshotParts } from '../../model/topology.ts'
import { account, smallAccount, startEc2Server, vpc, type Ec2Server } from '../support/ec2-server.ts'
import { compiled } from '../support/processes.ts'
import { readerWithin } from '../support/reader-within.ts'

const ofItsOwn = { file: process.execPath, args: [resolve(import.meta.dirname, '../../agent/main.ts')] }
const within = readerWithin()

/** A bucket of one object, as far as GetObject and PutObject go (S3 API reference). */
interface Bucket {
  server: Server
  url: string
  body: Uint8Array | null
  /** Of the clock, and of when the object came, seconds beside the truth. */
  dateOff: number
  modifiedOff: number
  problem: { status: number; code: string } | null
  /** After so many bytes the connection is cut. */
  cutAfter: number | null
  answers: { method: string; status: number; bytes: number; url: string }[]
}

async function startBucket(): Promise<Bucket> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '' } = request
      const answer = (status: number, headers: Record<string, string>, body: Uint8Array) => {
        bucket.answers.push({ method, status, bytes: body.length, url })
        response.sendDate = false
        const date = new Date(Date.now() + bucket.dateOff * 1000).toUTCString()
        response.writeHead(status, { Date: date, 'Content-Length': String(body.length), ...headers })
        if (bucket.cutAfter === null) response.end(body)
        else response.write(body.subarray(0, bucket.cutAfter), () => response.destroy())
      }
      if (bucket.problem !== null) {
        const { status, code } = bucket.problem
        return answer(
          status,
          { 'Content-Type': 'application/xml' },
          Buffer.from(`<Error><Code>${code}</Code><Message>m</Message></Error>`),
        )
      }
      if (method === 'PUT') {
        bucket.body = Buffer.concat(chunks)
        return answer(200, { ETag: '"new"' }, Buffer.alloc(0))
      }
      const body = bucket.body ?? Buffer.alloc(0)
      const etag = `"${createHash('md5').update(body).digest('hex')}"`
      if (request.headers['if-none-match'] === etag) return answer(304, { ETag: etag }, Buffer.alloc(0))
      const modified = new Date(Date.now() + bucket.modifiedOff * 1000).toUTCString()
      answer(200, { ETag: etag, 'Last-Modified': modified }, body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const bucket: Bucket = {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    body: null,
    dateOff: 0,
    modifiedOff: 0,
    problem: null,
    cutAfter: null,
    answers: [],
  }
  return bucket
}

let directory = ''
let bucket: Bucket
let ec2: Ec2Server | null = null
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-shared-'))
  bucket = await startBucket()
})
afterEach(async () => {
  bucket.server.closeAllConnections()
  bucket.server.close()
  await ec2?.close()
  ec2 = null
  await rm(directory, { recursive: true })
})

const api = (text: string, atMs: number): SnapshotFile => ({ text, atMs, dated: 'api' })
const routes = (destination: string) => ({
  RouteTableId: 'rtb-0a000001',
  VpcId: vpc,
  OwnerId: account,
  Associations: [
    {
      Main: true,
      RouteTableId: 'rtb-0a000001',
      RouteTableAssociationId: 'rtbassoc-0a000001',
      AssociationState: { State: 'associated' },
    },
  ],
  Routes: [
    { DestinationCidrBlock: destination, GatewayId: 'local', State: 'active', Origin: 'CreateRouteTable' },
  ],
  PropagatingVgws: [],
  Tags: [],
})

function pack(
  atMs: number,
  change: Partial<Parameters<typeof packShared>[0]> = {},
  destination = '10.0.0.0/16',
) {
  const files = new Map([
    ['describe-route-tables.json', api(JSON.stringify({ RouteTables: [routes(destination)] }), atMs)],
    ['describe-nat-gateways.json', api('{"NatGateways":[]}', atMs)],
  ])
  return packShared({ account, region: 'us-east-1', vpcIds: [], files, ...change })
}

const here = {
  kind: 'ec2',
  because: [],
  instanceId: null,
  accountId: account,
  region: 'us-east-1',
  interfaces: [{ vpcId: vpc }],
} as unknown as Vantage

function config(topology: object) {
  const loaded = parseConfig(JSON.stringify({ version: 1, topology }), 'test', Date.now())
  if (!loaded.ok)
    throw new Error(loaded.problems.map(({ path, problem }) => `${path}: ${problem}`).join('\n'))
  return loaded.config
}

const credentials = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'abc',
  AWS_ACCOUNT_ID: account,
  AWS_EC2_METADATA_DISABLED: 'true',
}

function sourceOf(topology: object, program: typeof within = within) {
  const source = snapshotSource(config(topology), () => here, {
    host: {
      clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
      environment: {
        PATH: process.env['PATH'],
        ...compiled,
        HOME: directory,
        ...credentials,
        AWS_ENDPOINT_URL_S3: bucket.url,
      },
      serverAddress: (address) => address,
    },
    program,
    signal: new AbortController().signal,
    onLine: () => undefined,
  })
  const { read } = source
  if (read === null) throw new Error('there is no source')
  return { ...source, read: (last: Snapshot | null = null) => read('all', last) }
}

const byS3 = () => sourceOf({ source: 's3', s3: { bucket: 'shared', key: 'pathproof/us-east-1' } })
const problemOf = (reading: { failures: readonly { detail: string }[] }) =>
  reading.failures[0]?.detail ?? 'none'
const isRead = ({ parts }: Snapshot) => snapshotParts.filter((part) => parts[part].read)

describe('an object in S3', () => {
  test('is fetched once for each change, and its age goes on', async () => {
    bucket.body = await pack(Date.now() - 100_000)
    const { read, remote, kept, otherRefreshSeconds } = byS3()
    expect({ remote, kept, otherRefreshSeconds }).toEqual({
      remote: true,
      kept: true,
      otherRefreshSeconds: null,
    })
    const first = await read()
    expect(first.failures).toEqual([])
    expect(isRead(first.snapshot)).toEqual(['routeTables', 'natGateways'])
    expect(first.snapshot.source).toBe('shared snapshot s3://shared/pathproof/us-east-1')
    const again = await read(first.snapshot)
    expect(again.snapshot.parts).toEqual(first.snapshot.parts)
    expect(bucket.answers.map(({ status, bytes, url }) => ({ status, empty: bytes === 0, url }))).toEqual([
      { status: 200, empty: false, url: '/shared/pathproof/us-east-1?x-id=GetObject' },
      { status: 304, empty: true, url: '/shared/pathproof/us-east-1?x-id=GetObject' },
    ])
    // read anew, with nothing else in it: only dates change
    bucket.body = await pack(Date.now() - 50_000)
    const third = await read(again.snapshot)
    expect(third.snapshot.routeTables).toEqual(first.snapshot.routeTables)
    const [before, after] = [first, third].map(({ snapshot }) => snapshot.parts.routeTables)
    expect(before?.read && after?.read && (after.atMs ?? 0) > (before.atMs ?? 0)).toBe(true)
    bucket.body = await pack(Date.now() - 40_000, {}, '10.7.0.0/16')
    const fourth = await read(third.snapshot)
    expect(fourth.snapshot.routeTables).not.toEqual(first.snapshot.routeTables)
  })

  test('is refused where its dates are in doubt: this host’s clock, its writer’s clock, the past', async () => {
    bucket.body = await pack(Date.now() - 30_000)
    for (const off of [90, -90]) {
      bucket.dateOff = off
      expect(problemOf(await byS3().read())).toMatch(
        /clock of this host is (89|90|91) s (behind|ahead of) that of S3/,
      )
    }
    bucket.dateOff = 0
    bucket.modifiedOff = -120
    expect(problemOf(await byS3().read())).toMatch(/dated (89|90|91) s after it was put there/)
    bucket.modifiedOff = 0
    const good = await byS3().read()
    expect(good.failures).toEqual([])
    // as after a restart: only the last good copy knows of it
    bucket.body = await pack(Date.now() - 60_000)
    const older = await byS3().read(good.snapshot)
    expect(problemOf(older)).toMatch(/goes back in time/)
    expect(isRead(older.snapshot)).toEqual([])
    // and by 304 as well the clock is looked at
    bucket.body = await pack(Date.now() - 20_000)
    const { read } = byS3()
    const known = await read()
    bucket.dateOff = 90
    expect(problemOf(await read(known.snapshot))).toMatch(/behind/)
    expect(bucket.answers.at(-1)?.status).toBe(304)
  })

  test('too old to be of any use; old in part', async () => {
    bucket.body = await pack(Date.now() - 3_600_000)
    expect(problemOf(await byS3().read())).toMatch(
      /was read 1h(0?0m)?.* ago, which is too old; is its writer running\?/,
    )
    bucket.body = await pack(Date.now() - 300_000)
    const { snapshot, failures } = await byS3().read()
    expect(isRead(snapshot)).toEqual(['routeTables', 'natGateways'])
    expect(failures.map(({ part }) => part)).toEqual(['routeTables'])
  })

  test.each([
    ['denied', { status: 403, code: 'AccessDenied' }, 'denied', /s3:GetObject is missing/],
    ['throttled', { status: 503, code: 'SlowDown' }, 'throttled', /throttled s3:GetObject/],
    ['not there', { status: 404, code: 'NoSuchKey' }, 'failed', /NoSuchKey/],
    ['credentials that ended', { status: 400, code: 'ExpiredToken' }, 'credentials', /ExpiredToken/],
  ])('%s', async (_name, problem, reason, detail) => {
    bucket.problem = problem
    const { snapshot, failures } = await byS3().read()
    expect(isRead(snapshot)).toEqual([])
    expect(failures[0]).toMatchObject({ reason, detail: expect.stringMatching(detail) })
    expect(failures.length).toBe(snapshotParts.length)
  })

  test('cut off on its way', async () => {
    bucket.body = await pack(Date.now() - 30_000)
    bucket.cutAfter = 100
    const { snapshot, failures } = await byS3().read()
    expect(isRead(snapshot)).toEqual([])
    expect(failures[0]?.reason).toMatch(/invalid|unreachable|failed/)
  })

  test('by a process of its own, and by one that crashes', async () => {
    bucket.body = await pack(Date.now() - 30_000)
    const s3 = { source: 's3', s3: { bucket: 'shared', key: 'k' } }
    expect(isRead((await sourceOf(s3, ofItsOwn).read()).snapshot)).toEqual(['routeTables', 'natGateways'])
    const crash = { file: process.execPath, args: ['-e', 'process.exit(3)'] }
    expect(problemOf(await sourceOf(s3, crash).read())).toMatch(/gave no answer: it ended with code 3/)
    const babble = { file: process.execPath, args: ['-e', 'console.log("{}")'] }
    expect(problemOf(await sourceOf(s3, babble).read())).toMatch(/what it wrote is no answer/)
  })
})

test('a file is read again only if it is another', async () => {
  const file = join(directory, 'shared')
  let jobs = 0
  const counting: typeof within = {
    within(input: string, environment: NodeJS.ProcessEnv, job: string) {
      jobs++
      if (!('within' in within)) throw new Error('not within')
      return within.within(input, environment, job)
    },
  }
  await writeFile(file, await pack(Date.now() - 40_000), { mode: 0o644 })
  const { read, remote, kept } = sourceOf({ source: 'file', file }, counting)
  expect({ remote, kept }).toEqual({ remote: false, kept: true })
  const first = await read()
  const second = await read(first.snapshot)
  expect(jobs).toBe(1)
  expect(second).toEqual(first)
  await writeFile(file, await pack(Date.now() - 20_000))
  const third = await read(second.snapshot)
  expect(jobs).toBe(2)
  expect(third.snapshot.parts).not.toEqual(first.snapshot.parts)
})

describe('pathproof snapshot --share', () => {
  async function run(
    argv: string[],
    more: Record<string, string> = {},
    signal = new AbortController().signal,
  ) {
    ec2 ??= await startEc2Server(smallAccount)
    let out = ''
    let err = ''
    const io = {
      stdout: (text: string) => void (out += text),
      stderr: (text: string) => void (err += text),
      stdin: null,
      color: false,
      tty: false,
      nowMs: () => Date.now(),
      environment: {
        PATH: process.env['PATH'],
        ...compiled,
        HOME: directory,
        ...credentials,
        AWS_REGION: 'us-east-1',
        AWS_ENDPOINT_URL_EC2: ec2.url,
        AWS_ENDPOINT_URL_S3: bucket.url,
        ...more,
      },
    }
    const code = await snapshotCommand(argv, io, { program: within, signal })
    return { code, out, err }
  }

  test('to a file, which agents then read whole', async () => {
    const file = join(directory, 'shared')
    const { code, out, err } = await run(['--share', file])
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(
      /^shared snapshot file .*: 10 of 10 parts, 13 files, .*account 111122223333, us-east-1\)\nNext step: topology: /,
    )
    const { snapshot, failures } = await sourceOf({ source: 'file', file }).read()
    expect({ failures, problems: snapshot.problems }).toEqual({ failures: [], problems: [] })
    expect(isRead(snapshot)).toEqual([...snapshotParts])
    expect(snapshot).toMatchObject({ account, region: 'us-east-1' })
    expect((await readFile(file)).includes('abc')).toBe(false)
  })

  test('to S3, narrowed to a VPC, as JSON', async () => {
    const { code, out } = await run(['--share', 's3://shared/pathproof/us-east-1', '--vpc', vpc, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      schema: 'pathproof.snapshot/1',
      directory: null,
      shared: 'shared snapshot s3://shared/pathproof/us-east-1',
      account,
      missing: [],
    })
    expect(bucket.answers.map(({ method, status }) => [method, status])).toEqual([['PUT', 200]])
    const read = await unpackShared(bucket.body ?? new Uint8Array(), Date.now())
    expect(read.ok && read.shared.vpcIds).toEqual([vpc])
    expect(isRead((await byS3().read()).snapshot)).toEqual([...snapshotParts])
  })

  test('again and again, until it is stopped', async () => {
    const stop = new AbortController()
    const running = run(['--share', join(directory, 'shared'), '--every', '10s'], {}, stop.signal)
    while (!(await readFile(join(directory, 'shared')).then(Boolean, () => false)))
      await new Promise(setImmediate)
    stop.abort()
    expect(await running).toMatchObject({ code: 0 })
  })

  test('what can not be written is said, and ends with 1', async () => {
    const file = await run(['--share', join(directory, 'nowhere', 'shared')])
    expect(file).toMatchObject({ code: 1, err: expect.stringMatching(/can't be written \(ENOENT\)/) })
    bucket.problem = { status: 403, code: 'AccessDenied' }
    const s3 = await run(['--share', 's3://shared/k'])
    expect(s3).toMatchObject({ code: 1, err: expect.stringMatching(/s3:PutObject is missing/) })
  })

  test.each([
    [[], /--out or --share is needed/],
    [['--share', 's3://b'], /expected a file, or s3:\/\/BUCKET\/KEY/],
    [['--share', 'https://x/y'], /expected a file, or s3/],
    [['--share', 'f', '--every', '1s'], /--every 1s: expected a duration from 10s to 1h/],
    [['--share', 'f', '--every', 'often'], /expected a duration/],
  ])('%j is wrong usage', async (argv, wanted) => {
    expect(await run(argv)).toMatchObject({ code: 64, err: expect.stringMatching(wanted) })
  })
})

test('places', () => {
  expect(readPlace('s3://my-bucket/a/b c')).toEqual({ kind: 's3', bucket: 'my-bucket', key: 'a/b c' })
  expect(readPlace('/srv/x')).toEqual({ kind: 'file', path: '/srv/x' })
  for (const wrong of ['', 's3://', 's3://b/', 's3://My/k', 's3://bucket/folder/', 'file:///x', 'a\0b'])
    expect(readPlace(wrong), wrong).toBeNull()
})

test('the policy of an agent that reads it in S3 allows that and nothing of EC2', async () => {
  const s3 = { source: 's3', s3: { bucket: 'shared', key: 'pathproof/us-east-1' } }
  const policy = iamPolicy(config(s3))
  expect(policy?.Statement).toContainEqual({
    Sid: 'PathproofReadSharedSnapshot',
    Effect: 'Allow',
    Action: ['s3:GetObject'],
    Resource: ['arn:aws:s3:::shared/pathproof/us-east-1'],
  })
  expect(JSON.stringify(policy)).not.toContain('ec2:')
  const file = join(directory, 'pathproof.yml')
  await writeFile(file, JSON.stringify({ version: 1, topology: s3 }))
  let out = ''
  const io = { stdout: (text: string) => void (out += text), stderr: () => undefined, nowMs: Date.now }
  expect(await configCommand(['check', file], io as unknown as Parameters<typeof configCommand>[1])).toBe(0)
  expect(out).not.toContain('not active')
})
