import { expect, test } from 'vitest'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { recordsQueries } from '../../agent/evidence/records-queries.ts'
import type { CaptureInterface } from '../../model/capture.ts'
import type { Snapshot } from '../../model/topology.ts'
import { coverageOf } from '../../probes/flowlog-coverage.ts'
import { nowMs, testFormat } from '../support/flow-lines.ts'

const client: CaptureInterface = {
  interfaceId: 'eni-11111111111111111',
  role: 'client',
  natGatewayId: null,
  endpointId: null,
  addresses: ['10.0.1.50'],
}
const nat = {
  ...client,
  interfaceId: 'eni-22222222222222222',
  role: 'nat',
  natGatewayId: 'nat-22222222',
} as const
const regional = { ...nat, interfaceId: null, natGatewayId: 'nat-33333333' } as const

const wanted =
  '${version} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${pkt-srcaddr} ${pkt-dstaddr} ${tcp-flags} ${pkt-dst-aws-service} ${flow-direction} ${traffic-path} ${reject-reason} ${interface-type} ${next-hop-interface-id} ${next-hop-interface-type} ${next-hop-vpc-id} ${resource-id}'
const toLogs = {
  FlowLogId: 'fl-11111111',
  FlowLogStatus: 'ACTIVE',
  DeliverLogsStatus: 'SUCCESS',
  ResourceId: 'vpc-11111111',
  TrafficType: 'ALL',
  LogDestinationType: 'cloud-watch-logs',
  LogGroupName: '/vpc/flow',
  LogFormat: wanted,
  MaxAggregationInterval: 60,
}
const toS3 = {
  ...toLogs,
  FlowLogId: 'fl-22222222',
  LogGroupName: undefined,
  LogDestinationType: 's3',
  LogDestination: 'arn:aws:s3:::flow-bucket/team/net/',
  DestinationOptions: { FileFormat: 'parquet', HiveCompatiblePartitions: true, PerHourPartition: true },
}

/** Through the decoder of AWS's own answers, as the agent gets it. */
function snapshotOf(...logs: Record<string, unknown>[]): Snapshot {
  const file = (value: unknown) => ({ text: JSON.stringify(value), atMs: nowMs, dated: 'api' as const })
  const eni = (id: string, subnet: string) => ({
    NetworkInterfaceId: id,
    SubnetId: subnet,
    VpcId: 'vpc-11111111',
    MacAddress: '02:00:00:00:00:01',
    InterfaceType: 'interface',
    Status: 'in-use',
    PrivateIpAddresses: [],
  })
  const files = new Map([
    ['describe-flow-logs.json', file({ FlowLogs: logs })],
    [
      'describe-network-interfaces.json',
      file({
        NetworkInterfaces: [
          eni('eni-11111111111111111', 'subnet-11111111'),
          eni('eni-22222222222222222', 'subnet-22222222'),
        ],
      }),
    ],
    [
      'describe-nat-gateways.json',
      file({
        NatGateways: [
          {
            NatGatewayId: 'nat-33333333',
            VpcId: 'vpc-11111111',
            State: 'available',
            AvailabilityMode: 'regional',
          },
        ],
      }),
    ],
  ])
  return decodeSnapshot(files, { source: 'test', account: '111122223333', region: 'eu-west-1' })
}

test.each([
  ['eni-11111111111111111', client, 'interface'],
  ['subnet-11111111', client, 'subnet'],
  ['vpc-11111111', client, 'vpc'],
  ['vpc-99999999', client, null],
  ['subnet-22222222', client, null],
  ['subnet-22222222', nat, 'subnet'],
  ['eni-22222222222222222', nat, 'interface'],
  ['nat-33333333', regional, 'nat_gateway'],
  ['vpc-11111111', regional, 'vpc'],
  ['nat-22222222', nat, null],
  ['', client, null],
] as const)('a log of %s', (resource, at, level) => {
  const { logs } = coverageOf(snapshotOf({ ...toLogs, ResourceId: resource }), at)
  expect(logs[0]?.level ?? null).toBe(level)
})

test('a whole log leaves nothing to say', () => {
  const coverage = coverageOf(snapshotOf(toLogs), client)
  expect(coverage.findings).toEqual([])
  expect(coverage.logs).toMatchObject([
    {
      flowLogId: 'fl-11111111',
      delivers: true,
      source: { kind: 'logs', logGroup: '/vpc/flow', streamPrefix: 'eni-11111111111111111' },
      aggregationSeconds: 60,
      trafficType: 'ALL',
      lacking: [],
    },
  ])
})

test('a log that delivers to S3 is found by bucket, folder and layout', () => {
  expect(coverageOf(snapshotOf(toS3), client).logs[0]?.source).toEqual({
    kind: 's3',
    bucket: 'flow-bucket',
    prefix: 'team/net',
    account: '111122223333',
    region: 'eu-west-1',
    hive: true,
    hourly: true,
    flowLogId: 'fl-22222222',
  })
})

test.each([
  [
    { DeliverLogsStatus: 'FAILED', DeliverLogsErrorMessage: 'Access\u001b[31m error' },
    'gap',
    'FAILED: Access error',
  ],
  [{ FlowLogStatus: 'DELETING' }, 'gap', 'DELETING'],
  [{ TrafficType: 'ACCEPT' }, 'limit', 'no rejected ones'],
  [{ TrafficType: 'REJECT' }, 'gap', 'can confirm no connection'],
  [{ LogDestinationType: 'kinesis-data-firehose', LogGroupName: undefined }, 'gap', 'Data Firehose'],
  [{ LogDestinationType: 'carrier-pigeon' }, 'gap', 'carrier-pigeon'],
  [{ MaxAggregationInterval: 600 }, 'note', '600 s'],
  [{ LogFormat: '${srcaddr} ${srcaddr}' }, 'gap', 'there twice'],
  [{ LogFormat: testFormat }, 'limit', 'next-hop-interface-type (interface endpoint'],
  [{ LogFormat: undefined }, 'limit', 'traffic-path (gateway endpoint (7)'],
  [{ LogGroupName: 'a b; rm -rf /' }, 'gap', 'names no log group'],
])('%j is said', (change, severity, text) => {
  const { findings } = coverageOf(snapshotOf({ ...toLogs, ...change }), client)
  expect(findings.map((finding) => finding.severity)).toContain(severity)
  expect(findings.map((finding) => finding.text).join('\n')).toContain(text)
})

test('the command asks for the wanted format, at the same place, and nothing of AWS gets into a shell', () => {
  const none = coverageOf(snapshotOf(), client).findings[0]
  expect(none).toMatchObject({ severity: 'gap', about: client.interfaceId })
  expect(none?.command).toContain(
    '--resource-type NetworkInterface --resource-ids eni-11111111111111111 --traffic-type ALL --max-aggregation-interval 60',
  )
  expect(none?.command?.endsWith(` --log-format '${wanted}'`)).toBe(true)
  const hostile = { ...toS3, LogFormat: undefined, LogDestination: "arn:aws:s3:::flow-bucket/x';reboot;'" }
  for (const { command, text } of coverageOf(snapshotOf(hostile), client).findings)
    expect(`${command} ${text}`).not.toContain('reboot')
  const plain = coverageOf(snapshotOf({ ...toS3, LogFormat: undefined }), client).findings
  expect(plain.find(({ command }) => command !== null)?.command).toContain(
    '--resource-type VPC --resource-ids vpc-11111111 --traffic-type ALL --max-aggregation-interval 60 --log-destination-type s3 --log-destination arn:aws:s3:::flow-bucket/team/net/',
  )
})

test('what is not known is a gap, and the configuration can name a log', () => {
  const unread = coverageOf(null, client)
  expect(unread).toMatchObject({ logs: [], findings: [{ severity: 'gap' }] })
  const named = { source: { logGroup: '/mine' }, format: wanted, account: null, region: null }
  expect(coverageOf(null, client, null, named)).toMatchObject({
    logs: [
      {
        level: 'named',
        flowLogId: null,
        delivers: null,
        source: { logGroup: '/mine' },
        aggregationSeconds: 600,
      },
    ],
    findings: [],
  })
  const inS3 = { source: { bucket: 'b-1', prefix: '' }, format: wanted, account: null, region: null }
  expect(coverageOf(null, client, null, inS3).findings[0]?.text).toContain('not known')
  // a log that AWS shows and that can be read comes before a name
  expect(coverageOf(snapshotOf(toLogs), client, null, named).logs.map(({ level }) => level)).toEqual(['vpc'])
})

test('an interface that the snapshot does not show lies where its metadata says', () => {
  const own = { ...client, interfaceId: 'eni-99999999999999999' }
  expect(coverageOf(snapshotOf(toLogs), own).logs).toEqual([])
  const place = { subnetId: 'subnet-9', vpcId: 'vpc-11111111' }
  expect(coverageOf(snapshotOf(toLogs), own, place).logs).toHaveLength(1)
})

const options = { keys: [], fromMs: nowMs - 1000, nowMs, cursors: new Map(), knownCidrs: [] }

test('each log is asked once for each interface, and each interface counted once', () => {
  const snapshot = snapshotOf(toLogs, {
    ...toLogs,
    FlowLogId: 'fl-33333333',
    ResourceId: 'eni-11111111111111111',
  })
  const endpoint = { ...client, interfaceId: 'eni-22222222222222222', role: 'endpoint' } as const
  const queries = recordsQueries(
    [client, endpoint, regional].map((at) => coverageOf(snapshot, at)),
    options,
  )
  expect(
    queries.map(({ id, census, interfaceIds, resourceIds }) => [id, census, interfaceIds, resourceIds]),
  ).toEqual([
    ['fl-11111111 eni-11111111111111111', false, ['eni-11111111111111111'], []],
    ['fl-33333333 eni-11111111111111111', true, ['eni-11111111111111111'], []],
    ['fl-11111111 eni-22222222222222222', false, ['eni-22222222222222222'], []],
    ['fl-11111111 nat-33333333', true, [], ['nat-33333333']],
  ])
})

test('files in S3 are fetched once for all interfaces; a log that delivers nothing is not asked', () => {
  const failed = { ...toLogs, DeliverLogsStatus: 'FAILED' }
  const coverages = [client, nat].map((at) => coverageOf(snapshotOf(toS3, failed), at))
  const cursor = { kind: 's3', doneMs: 1, keys: [] } as const
  const cursors = new Map([['fl-22222222 s3', { ...cursor, keys: [...cursor.keys] }]])
  expect(recordsQueries(coverages, { ...options, cursors })).toMatchObject([
    {
      id: 'fl-22222222 s3',
      census: true,
      interfaceIds: ['eni-11111111111111111'],
      uncountedIds: ['eni-22222222222222222'],
      censusSince: { doneMs: 1 },
    },
  ])
})

test('keys without a local port are only for NAT gateways and for files of everybody', () => {
  const key = { localPort: 40_000, remoteAddress: '52.216.1.2', remotePort: 443, protocol: 6 }
  const keys = [key, { ...key, localPort: null }]
  const asked = (log: Record<string, unknown>) =>
    recordsQueries(
      [client, nat].map((at) => coverageOf(snapshotOf(log), at)),
      { ...options, keys },
    ).map((query) => query.keys.length)
  expect(asked(toLogs)).toEqual([1, 2])
  expect(asked(toS3)).toEqual([2])
})
