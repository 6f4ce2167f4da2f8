import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configCommand } from '../../agent/cli/config.ts'
import type { Io } from '../../agent/cli/io.ts'
import { snapshotCommand } from '../../agent/cli/snapshot.ts'
import { readSnapshotDirectory } from '../../aws/snapshot-files.ts'
import { snapshotParts } from '../../model/topology.ts'
import { account, smallAccount, startEc2Server, vpc } from '../support/ec2-server.ts'
import type { Ec2Handler, Ec2Server } from '../support/ec2-server.ts'
import { compiled } from '../support/processes.ts'

const program = { file: process.execPath, args: [resolve(import.meta.dirname, '../../agent/main.ts')] }
const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'

let directory = ''
let server: Ec2Server | null = null
let out = ''
let err = ''
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-'))
  out = ''
  err = ''
})
afterEach(async () => {
  await server?.close()
  server = null
  await rm(directory, { recursive: true })
})

function io(environment: Record<string, string> = {}): Io {
  return {
    stdout: (text) => void (out += text),
    stderr: (text) => void (err += text),
    stdin: null,
    color: false,
    tty: false,
    nowMs: () => Date.now(),
    environment: {
      PATH: process.env['PATH'],
      ...compiled,
      HOME: directory,
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_ACCOUNT_ID: account,
      AWS_ENDPOINT_URL_EC2: server?.url ?? 'http://127.0.0.1:1',
      ...environment,
    },
  }
}

async function serve(handlers: Record<string, Ec2Handler> = {}): Promise<void> {
  server = await startEc2Server({ ...smallAccount, ...handlers })
}

const run = (argv: string[], environment: Record<string, string> = {}) =>
  snapshotCommand(argv, io(environment), { program, signal: new AbortController().signal })
const readBack = (path: string) => readSnapshotDirectory(path, { nowMs: Date.now(), undated: 'refuse' })

describe('pathproof snapshot', () => {
  test('writes what --snapshot reads: whole, dated, of its account and region', async () => {
    await serve()
    const dump = join(directory, 'new', 'dump')
    expect(await run(['--out', dump, '--region', 'us-east-1'])).toBe(0)
    expect(err).toBe('')
    expect(out).toMatch(
      /: 10 of 10 parts, 13 files, \d+ KiB of answers \(account 111122223333, us-east-1\)\nNext step: pathproof check --snapshot /,
    )
    const snapshot = await readBack(dump)
    expect(snapshot.problems).toEqual([])
    expect(snapshot).toMatchObject({ account, region: 'us-east-1' })
    for (const part of snapshotParts) {
      const reading = snapshot.parts[part]
      expect(reading).toMatchObject({ read: true, dated: 'manifest' })
      expect(reading.read && Date.now() - (reading.atMs ?? 0)).toBeLessThan(60_000)
    }
    expect(snapshot.routeTables[0]?.routes.length).toBe(4)
    expect(snapshot.prefixLists.find(({ name }) => name === 'partners')?.entries).toEqual(['198.51.100.0/24'])
    // as a person would have it from the AWS CLI
    expect(await readFile(join(dump, 'describe-subnets.json'), 'utf8')).toMatch(
      /^\{\n {4}"Subnets": \[\n {8}\{\n/,
    )
    expect(server?.requests.some(({ params }) => 'Filter.1.Name' in params)).toBe(false)
  })

  test('--vpc narrows it, the region comes from the environment, --json says the same to programs', async () => {
    await serve()
    const dump = join(directory, 'dump')
    expect(await run(['--out', dump, '--vpc', vpc, '--json'], { AWS_REGION: 'us-east-1' })).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      schema: 'pathproof.snapshot/1',
      account,
      region: 'us-east-1',
      files: 13,
      missing: [],
    })
    expect(
      server?.requests.find(({ action }) => action === 'DescribeSubnets')?.params['Filter.1.Value.1'],
    ).toBe(vpc)
  })

  test('what is denied: exit code 4, the permission by its name, now and when it is read', async () => {
    await serve({
      DescribeNatGateways: () => ({ error: 'UnauthorizedOperation', status: 403, message: secret }),
      DescribeFlowLogs: () => ({ error: 'InternalError', status: 500, message: secret }),
    })
    const dump = join(directory, 'dump')
    expect(await run(['--out', dump, '--region', 'us-east-1'])).toBe(4)
    expect(err).toMatch(
      /missing: natGateways: AWS refused \(UnauthorizedOperation\): ec2:DescribeNatGateways is missing; allow ec2:DescribeNatGateways/,
    )
    expect(err).toMatch(/missing: flowLogs: ec2:DescribeFlowLogs failed \(InternalError, HTTP 500\)/)
    expect(out).toMatch(/8 of 10 parts/)
    const snapshot = await readBack(dump)
    expect(snapshot.parts.natGateways).toMatchObject({
      read: false,
      reason: 'denied',
      detail: expect.stringMatching(/ec2:DescribeNatGateways is missing/),
    })
    expect(snapshot.parts.flowLogs).toMatchObject({ read: false, reason: 'missing' })
    expect(snapshot.parts.routeTables.read).toBe(true)
    expect(out + err + (await readFile(join(dump, 'describe-nat-gateways.json'), 'utf8'))).not.toContain(
      secret,
    )
  })

  test('an older snapshot is replaced; nothing of it stays', async () => {
    await serve()
    const dump = join(directory, 'dump')
    await run(['--out', dump, '--region', 'us-east-1'])
    await server?.close()
    await serve({
      DescribeManagedPrefixLists: () => ({ body: { prefixListSet: [] } }),
      DescribeRouteTables: () => ({
        body: { routeTableSet: [{ routeTableId: 'rtb-0b', vpcId: vpc, routeSet: [], associationSet: [] }] },
      }),
      DescribeVpcs: () => ({ error: 'InternalError', status: 500 }),
    })
    expect(await run(['--out', dump, '--region', 'us-east-1'])).toBe(4)
    expect(await readdir(join(dump, 'get-managed-prefix-list-entries'))).toEqual([])
    expect(await readdir(dump)).not.toContain('describe-vpcs.json')
    const snapshot = await readBack(dump)
    expect(snapshot.problems).toEqual([])
    expect(snapshot.routeTables.map(({ id }) => id)).toEqual(['rtb-0b'])
    expect((await readdir(dump)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test.each([
    [
      'a directory with other things in it',
      async (path: string) => {
        await mkdir(path)
        await writeFile(join(path, 'thesis.tex'), 'precious')
      },
      /not empty, and no snapshot/,
    ],
    [
      'one with a manifest of something else',
      async (path: string) => {
        await mkdir(path)
        await writeFile(join(path, 'manifest.json'), '{"name": "an app"}')
      },
      /not empty, and no snapshot/,
    ],
    ['a file', (path: string) => writeFile(path, ''), /this is no directory/],
  ])('is not written to %s, and nothing is asked', async (_name, make, problem) => {
    await serve()
    const dump = join(directory, 'dump')
    await make(dump)
    expect(await run(['--out', dump, '--region', 'us-east-1'])).toBe(1)
    expect(err).toMatch(problem)
    expect(server?.requests).toEqual([])
  })

  test('nothing could be read: exit code 1, and no directory', async () => {
    const dump = join(directory, 'dump')
    expect(await run(['--out', dump, '--region', 'us-east-1'])).toBe(1)
    expect(err).toMatch(
      /^missing: routeTables, .*127\.0\.0\.1 can't be reached \(ECONNREFUSED\).*interface endpoint for ec2/,
    )
    expect(err).toMatch(/nothing could be read, and nothing was written/)
    await expect(readdir(dump)).rejects.toThrow(/ENOENT/)
  })

  test.each([
    [[], /--out or --share is needed/],
    [['--out', 'x'], /--region is needed/],
    [['--out', 'x', '--region', 'Mars'], /expected the name of a region/],
    [['--out', 'x', '--region', 'us-east-1', '--vpc', 'default'], /--vpc default: expected an id/],
    [['--out', 'x', '--regoin', 'us-east-1'], /did you mean "--region"/],
  ])('wrong usage %j', async (argv, problem) => {
    expect(await run(argv)).toBe(64)
    expect(err).toMatch(problem)
    expect(err).toMatch(/Next step: /)
  })
})

describe('pathproof config iam', () => {
  const allowed = async (argv: string[] = []): Promise<string[]> => {
    expect(await configCommand(['iam', ...argv], io())).toBe(0)
    return out === ''
      ? []
      : (JSON.parse(out) as { Statement: { Action: string[] }[] }).Statement.flatMap(({ Action }) => Action)
  }

  test('allows what is called, and nothing else', async () => {
    await serve()
    await run(['--out', join(directory, 'dump'), '--region', 'us-east-1', '--vpc', vpc])
    const called = new Set((server as Ec2Server).requests.map(({ action }) => `ec2:${action}`))
    out = ''
    expect(new Set(await allowed())).toEqual(called)
  })

  test('a policy of IAM’s form, and every action only reads', async () => {
    const actions = await allowed()
    expect(JSON.parse(out)).toMatchObject({
      Version: '2012-10-17',
      Statement: [
        { Sid: 'PathproofReadAccount', Effect: 'Allow', Resource: '*' },
        { Sid: 'PathproofReadPosture', Effect: 'Allow', Resource: '*' },
      ],
    })
    for (const action of actions) expect(action).toMatch(/^ec2:(Describe|Get)[A-Z]/)
  })

  test('nothing where nothing calls AWS', async () => {
    const file = join(directory, 'pathproof.yml')
    await writeFile(file, `version: 1\ntopology: { source: directory, directory: ${directory} }\n`)
    expect(await allowed([file])).toEqual([])
    expect(err).toMatch(/no policy is needed/)
  })

  test('of a configuration that is wrong: 78', async () => {
    const file = join(directory, 'pathproof.yml')
    await writeFile(file, 'version: 2\n')
    expect(await configCommand(['iam', file], io())).toBe(78)
  })
})
