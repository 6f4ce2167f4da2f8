import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseConfig } from '../../agent/config/load.ts'
import { alsoSources, readAlsoOnce } from '../../agent/account/snapshot-also.ts'
import { type SnapshotSourceDeps, regionOf, snapshotSource } from '../../agent/account/snapshot-source.ts'
import { writeManifest } from '../../aws/snapshot-write.ts'
import { snapshotParts } from '../../model/topology.ts'
import type { Vantage } from '../../model/topology.ts'
import { account, smallAccount, startEc2Server, vpc } from '../support/ec2-server.ts'
import type { Ec2Server } from '../support/ec2-server.ts'
import { compiled } from '../support/processes.ts'

const program = { file: process.execPath, args: [resolve(import.meta.dirname, '../../agent/main.ts')] }

function config(document: object) {
  const loaded = parseConfig(JSON.stringify({ version: 1, ...document }), 'test', Date.now())
  if (!loaded.ok) throw new Error(loaded.problems.map(({ problem }) => problem).join('\n'))
  return loaded.config
}

const nowhere: Vantage = {
  kind: 'unknown',
  because: [],
  instanceId: null,
  accountId: null,
  region: null,
  interfaces: [],
}
const instance = (region: string, vpcId: string): Vantage =>
  ({
    ...nowhere,
    kind: 'ec2',
    accountId: account,
    region,
    interfaces: [{ vpcId }, { vpcId }],
  }) as unknown as Vantage

let directory = ''
let server: Ec2Server | null = null
let told: string[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-'))
  told = []
})
afterEach(async () => {
  await server?.close()
  server = null
  await rm(directory, { recursive: true })
})

const deps = (environment: Record<string, string> = {}): SnapshotSourceDeps => ({
  host: {
    clock: { wallMs: () => Date.now(), monotonicMs: () => performance.now() },
    environment: { PATH: process.env['PATH'], ...compiled, HOME: directory, ...environment },
    serverAddress: (address) => address,
  },
  program,
  signal: new AbortController().signal,
  onLine: () => undefined,
})

describe('the region', () => {
  const one = config({ targets: [{ name: 'a', service: 'sts', region: 'eu-central-1' }] })
  const two = config({
    targets: [
      { name: 'a', service: 'sts', region: 'eu-central-1' },
      { name: 'b', service: 'sts', region: 'eu-west-3' },
    ],
  })
  test.each([
    ['of the instance', one, instance('us-west-2', vpc), { AWS_REGION: 'eu-west-1' }, 'us-west-2'],
    [
      'of the environment',
      one,
      nowhere,
      { AWS_REGION: 'eu-west-1', AWS_DEFAULT_REGION: 'eu-west-2' },
      'eu-west-1',
    ],
    ['of the environment, by its other name', one, nowhere, { AWS_DEFAULT_REGION: 'eu-west-2' }, 'eu-west-2'],
    ['of the targets', one, nowhere, {}, 'eu-central-1'],
    ['of none of several', two, nowhere, {}, null],
    ['of nothing that is a region', two, nowhere, { AWS_REGION: 'x.evil.example/' }, null],
  ])('%s', (_name, of, vantage, environment, region) => {
    expect(regionOf(of, vantage, environment)).toBe(region)
  })
})

test('the API: filtered by the VPC of this instance, asked where it stands now', async () => {
  server = await startEc2Server(smallAccount)
  let here = nowhere
  const source = snapshotSource(
    config({ topology: { source: 'aws', other_refresh: '7m' } }),
    () => here,
    deps({
      AWS_ENDPOINT_URL_EC2: server.url,
      AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'abc',
      AWS_ACCOUNT_ID: account,
      AWS_EC2_METADATA_DISABLED: 'true',
    }),
  )
  expect(source).toMatchObject({ remote: true, otherRefreshSeconds: 420 })
  await expect(source.read?.('routeTables', null)).rejects.toThrow(/no region.*AWS_REGION/)
  here = instance('us-east-1', vpc)
  const reading = await source.read?.('routeTables', null)
  expect(reading?.failures).toEqual([])
  expect(reading?.snapshot.routeTables.length).toBe(1)
  expect(server.requests.map(({ params }) => params['Filter.1.Value.1'])).toEqual([vpc])
  expect(
    Object.keys(server.requests[0]?.params ?? {}).filter((key) => key.startsWith('Filter.1.Value')),
  ).toEqual(['Filter.1.Value.1'])
})

describe('directories', () => {
  async function dump(name: string): Promise<string> {
    const path = join(directory, name)
    await mkdir(path)
    await writeFile(
      join(path, 'describe-vpcs.json'),
      JSON.stringify({ Vpcs: [{ VpcId: vpc, CidrBlock: '10.0.0.0/16' }] }),
    )
    await writeManifest(path, { timeMs: Date.now() - 1000, account: '444455556666', region: 'us-east-1' })
    return path
  }

  test('one is read whole each time', async () => {
    const path = await dump('own')
    const source = snapshotSource(
      config({ topology: { source: 'directory', directory: path } }),
      () => nowhere,
      deps(),
    )
    expect(source).toMatchObject({ remote: false, otherRefreshSeconds: null })
    const reading = await source.read?.('all', null)
    expect(snapshotParts.filter((part) => reading?.snapshot.parts[part].read)).toEqual(['vpcs'])
  })

  test('of further accounts are read beside it; one that is gone is said', async () => {
    const path = await dump('network')
    const topology = { source: 'aws', also: [{ directory: path }, { directory: join(directory, 'none') }] }
    const sources = alsoSources(config({ topology }), () => nowhere, deps())
    const others = await readAlsoOnce(sources, (problem) => told.push(problem))
    expect(others.map(({ account: of, vpcs }) => [of, vpcs.length])).toEqual([
      ['444455556666', 1],
      [null, 0],
    ])
    expect(told).toEqual([expect.stringMatching(/none.*there is no such directory/)])
  })
})

describe('the endpoint of the API that the configuration names', () => {
  const keys = {
    AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'abc',
    AWS_ACCOUNT_ID: account,
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  const read = (topology: object, environment: Record<string, string>) =>
    snapshotSource(
      config({ topology: { source: 'aws', ...topology } }),
      () => instance('us-east-1', vpc),
      deps({ ...keys, ...environment }),
    ).read?.('routeTables', null)

  test('comes before what the environment says, and before what it says of all of these', async () => {
    server = await startEc2Server(smallAccount)
    const elsewhere = { AWS_ENDPOINT_URL_EC2: 'http://127.0.0.1:1' }
    const ignored = { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'true' }
    for (const environment of [elsewhere, ignored, {}]) {
      const reading = await read({ endpoint: { ec2: server.url } }, environment)
      expect(reading?.failures).toEqual([])
    }
    expect(server.requests.length).toBe(3)
  })

  test('left out, the environment counts', async () => {
    server = await startEc2Server(smallAccount)
    const reading = await read(
      { endpoint: { sts: 'http://127.0.0.1:1' } },
      { AWS_ENDPOINT_URL_EC2: server.url },
    )
    expect(reading?.failures).toEqual([])
  })

  test('where nobody answers, both ways to another one are named', async () => {
    const reading = await read({ endpoint: { ec2: 'http://127.0.0.1:1' } }, {})
    expect(reading?.failures).toMatchObject([{ reason: 'unreachable' }])
    expect(reading?.failures[0]?.nextStep).toMatch(/topology\.endpoint\.ec2 or AWS_ENDPOINT_URL_EC2/)
  })
})

test('a shared snapshot in S3 takes a region to ask it in', async () => {
  const source = snapshotSource(
    config({ topology: { source: 's3', s3: { bucket: 'bucket', key: 'key' } } }),
    () => nowhere,
    deps(),
  )
  expect(source).toMatchObject({ remote: true, kept: true, otherRefreshSeconds: null })
  await expect(source.read?.('all', null)).rejects.toThrow(/no region to ask S3 in/)
})
