import { afterEach, expect, test } from 'vitest'
import { readFlowFormat } from '../../aws/flow-format.ts'
import { readFiles } from '../../aws/flow-files-api.ts'
import { readLogs } from '../../aws/flow-logs-api.ts'
import type { RecordsQuery } from '../../aws/flow-query.ts'
import { recordsApi } from '../../aws/records-clients.ts'
import { fullFormat } from '../../lab/flow/types.ts'
import { readingLimits } from '../support/records-server.ts'
import { startRecords } from './records-tools.ts'

const s3 = '52.216.8.53'
const names = ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'] as const
afterEach(() => {
  for (const name of names) delete process.env[name]
})

/** The reader of records against the lab's own services. */
async function start(yaml: string) {
  const records = await startRecords(yaml)
  const { lab, now } = records
  process.env['AWS_ENDPOINT_URL'] = String(lab.apiUrl)
  process.env['AWS_ENDPOINT_URL_S3'] = String(lab.s3Url)
  const client = () => {
    const api = recordsApi({
      region: 'us-east-1',
      identity: lab.apiCredentials(),
      requestTimeoutSeconds: 5,
      connectTimeoutSeconds: 2,
      maxAttempts: 2,
    })
    records.closing(() => api.close())
    return { api, region: 'us-east-1', wallMs: now }
  }
  const begin = now()
  const format = readFlowFormat(fullFormat)
  if (!format.ok) throw new Error(format.problem)
  const base = {
    id: 'q',
    flowLogId: 'fl-0a000001',
    format: fullFormat,
    aggregationSeconds: 60,
    interfaceIds: ['eni-0a000050'],
    resourceIds: [],
    keys: [{ localPort: 40_000, remoteAddress: s3, remotePort: 443, protocol: 6 }],
    census: true,
  }
  const logs = (more: Partial<RecordsQuery> = {}) => {
    const source = { kind: 'logs', logGroup: '/vpc/flow', streamPrefix: 'eni-0a000050' } as const
    const query = { ...base, fromMs: begin - 120_000, toMs: now(), censusSince: null, ...more, source }
    return readLogs(query, format.format, readingLimits(), client())
  }
  const files = (hive: boolean, hourly: boolean, more: Partial<RecordsQuery> = {}) => {
    const place = { bucket: 'flow-files', prefix: 'net', account: '111122223333', region: 'us-east-1' }
    const source = { kind: 's3', ...place, hive, hourly, flowLogId: 'fl-0a000001' } as const
    const query = { ...base, fromMs: begin - 120_000, toMs: now(), censusSince: null, ...more, source }
    return readFiles(query, format.format, readingLimits(), client())
  }
  return { ...records, logs, files }
}

const log = 'id: fl-0a000001, resource: vpc-0a000001, noData: false'

test('a connection’s records come out of CloudWatch Logs, late, and are counted once', async () => {
  const { connect, wait, logs } = await start(`world: { flowLogs: [{ ${log} }] }`)
  connect(s3)
  connect('54.239.28.85', 40_001)
  wait(200)
  expect((await logs()).captured.records).toEqual([])
  wait(400)
  const first = await logs()
  expect(first).toMatchObject({ failure: null, badLines: 0, truncated: null, events: 4 })
  expect(
    first.captured.records
      .map(({ interfaceId, record: { fields } }) => [
        interfaceId,
        fields['flow-direction'],
        fields['traffic-path'],
      ])
      .toSorted(),
  ).toEqual([
    ['eni-0a000050', 'egress', 7],
    ['eni-0a000050', 'ingress', null],
  ])
  const second = await logs({ censusSince: first.cursor })
  expect(second.captured.records).toHaveLength(2)
  expect(first.census?.rows.reduce((sum, { flows }) => sum + flows, 0)).toBe(4)
  expect(second.census?.rows).toEqual([])
})

test.each([
  [false, false],
  [true, true],
])('the same out of files in S3 (hive: %s, hourly: %s)', async (hive, hourly) => {
  const destination = `{ type: s3, bucket: flow-files, prefix: net, hive: ${hive}, hourly: ${hourly} }`
  const { connect, wait, files } = await start(
    `world: { flowLogs: [{ ${log}, deliverySeconds: 600, destination: ${destination} }] }`,
  )
  connect(s3)
  wait(1500)
  const first = await files(hive, hourly)
  expect(first).toMatchObject({ failure: null, badLines: 0, badFiles: 0 })
  expect(first.captured.records).toHaveLength(2)
  expect(first.census?.rows.reduce((sum, { flows }) => sum + flows, 0)).toBe(2)
  const second = await files(hive, hourly, { censusSince: first.cursor })
  expect(second).toMatchObject({ captured: { records: [] }, census: { rows: [] } })
})

test.each([
  ['api: { deny: [FilterLogEvents] }', 'denied', null],
  ['api: { throttle: { FilterLogEvents: always } }', 'throttled', null],
  ['api: { breaks: { FilterLogEvents: endless } }', undefined, 'pages'],
])('%s', async (fault, reason, truncated) => {
  const { connect, wait, logs } = await start(`world: { flowLogs: [{ ${log} }] }\n${fault}`)
  connect(s3)
  wait(600)
  const { failure, truncated: cut, census } = await logs()
  expect([failure?.reason, cut, census?.complete]).toEqual([reason, truncated, false])
})

test('a log group that is not there is missing', async () => {
  const { logs } = await start(
    `world: { flowLogs: [{ ${log}, destination: { type: cloud-watch-logs, group: /other } }] }`,
  )
  expect((await logs()).failure).toMatchObject({ reason: 'missing', code: 'ResourceNotFoundException' })
})
