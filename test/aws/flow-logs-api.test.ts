import { afterEach, expect, test } from 'vitest'
import { readFlowFormat } from '../../aws/flow-format.ts'
import { type ReadingDeps, type ReadingLimits, readLogs } from '../../aws/flow-logs-api.ts'
import type { RecordsQuery, RecordsResult } from '../../aws/flow-query.ts'
import { eni, nowMs, testFormat, testLine, testQuery } from '../support/flow-lines.ts'
import {
  type RecordsCall,
  type RecordsReply,
  type RecordsServer,
  readingLimits,
} from '../support/records-server.ts'
import { recordsDeps, startRecordsServer } from '../support/records-server.ts'

let server: RecordsServer | null = null
let deps: (ReadingDeps & { close(): void }) | null = null
afterEach(async () => {
  deps?.close()
  await server?.close()
  deps = null
  server = null
})

let count = 0
const event = (message: string, more: Record<string, unknown> = {}) => ({
  logStreamName: `${eni}-all`,
  timestamp: nowMs - 600_000,
  ingestionTime: nowMs - 300_000,
  eventId: `e${count++}`,
  message,
  ...more,
})

async function read(
  handler: (call: RecordsCall) => RecordsReply | Promise<RecordsReply>,
  more: { query?: Partial<RecordsQuery>; limits?: Partial<ReadingLimits>; wallMs?: number } = {},
): Promise<RecordsResult> {
  server ??= await startRecordsServer(handler)
  deps?.close()
  deps = recordsDeps(server.url, () => more.wallMs ?? nowMs)
  const format = readFlowFormat(testFormat)
  if (!format.ok) throw new Error(format.problem)
  const query = testQuery(more.query)
  if (query.source.kind !== 'logs') throw new Error('not of CloudWatch Logs')
  return readLogs({ ...query, source: query.source }, format.format, readingLimits(more.limits), deps)
}
const pages =
  (...all: unknown[][]) =>
  (call: RecordsCall): RecordsReply => ({
    body: {
      events: all[call.nth] ?? [],
      ...(call.nth < all.length - 1 && { nextToken: `t${call.nth}` }),
    },
  })

test('asks for the streams of the interface in the window, page by page, and keeps what matches', async () => {
  const other = testLine({ dst: '52.216.9.9', service: '-', path: '8' })
  const result = await read(pages([event(testLine()), event(other)], [], [event(testLine({ bytes: 5 }))]))
  expect(server?.calls.map(({ input }) => input)).toEqual([
    {
      logGroupName: '/vpc/flow',
      logStreamNamePrefix: eni,
      startTime: nowMs - 3_600_000 - 20 * 60_000,
      endTime: nowMs,
      limit: 10_000,
    },
    expect.objectContaining({ nextToken: 't0' }),
    expect.objectContaining({ nextToken: 't1' }),
  ])
  expect(result).toMatchObject({ id: 'q1', events: 3, badLines: 0, truncated: null, failure: null })
  expect(result.captured.records).toHaveLength(2)
  expect(result.captured.records[0]).toMatchObject({
    interfaceId: eni,
    flowLogId: 'fl-0123456789abcdef0',
    aggregationSeconds: 60,
    ingestedMs: nowMs - 300_000,
    record: { fields: { dstaddr: '52.216.1.2', 'traffic-path': 7 } },
  })
  expect(result.newestEndSeconds).toBe(nowMs / 1000 - 570)
  expect(result.census).toMatchObject({ complete: true, sinceMs: nowMs - 3_600_000, untilMs: nowMs - 30_000 })
  expect(
    result.census?.rows.map((row) => [row.service, row.trafficPath, row.public, row.flows, row.bytes]),
  ).toEqual([
    ['S3', 7, null, 2, 1005],
    [null, 8, true, 1, 1000],
  ])
})

test('an address of a known range is not called public', async () => {
  const result = await read(pages([event(testLine({ dst: '52.216.9.9', service: '-' }))]), {
    query: { knownCidrs: ['52.216.0.0/15', 'nonsense'] },
  })
  expect(result.census?.rows.map((row) => row.public)).toEqual([false])
})

test('counts each record once although windows overlap, and matches it each time', async () => {
  const early = event(testLine())
  const late = event(testLine({ srcport: 50_000 }), { ingestionTime: nowMs - 20_000 })
  const handler = (): RecordsReply => ({ body: { events: [early, late] } })
  const first = await read(handler)
  expect(first.census?.rows.map(({ flows }) => flows)).toEqual([1])
  expect(first.cursor).toEqual({ kind: 'logs', ingestedMs: nowMs - 30_000 })
  const again = { query: { censusSince: first.cursor }, wallMs: nowMs + 60_000 }
  const second = await read(handler, again)
  expect(second.captured.records).toHaveLength(1)
  expect(second.census?.rows.map(({ flows }) => flows)).toEqual([1])
  expect(second.census?.sinceMs).toBe(first.census?.untilMs)
  const third = await read(handler, {
    ...again,
    query: { censusSince: second.cursor },
    wallMs: nowMs + 120_000,
  })
  expect(third.census?.rows).toEqual([])
})

test('a census goes back for what came late', async () => {
  const cursor = { kind: 'logs', ingestedMs: nowMs - 60_000 } as const
  await read(pages([]), { query: { fromMs: nowMs - 60_000, censusSince: cursor } })
  expect(server?.calls[0]?.input['startTime']).toBe(nowMs - 60_000 - 20 * 60_000)
})

test('leaves out streams of an interface whose id begins alike, and takes the stream where the record is silent', async () => {
  const result = await read(
    pages([
      event(testLine(), { logStreamName: 'eni-01234567-all' }),
      event(testLine(), { logStreamName: 'eni-0123456789abcdef0' }),
      event(testLine(), { logStreamName: 'eni-01234567' }),
      event('not a record'),
      { nonsense: true },
      null,
    ]),
    { query: { source: { kind: 'logs', logGroup: 'g', streamPrefix: 'eni-01234567' } } },
  )
  expect(result.captured.records.map(({ interfaceId }) => interfaceId)).toEqual([
    'eni-01234567',
    'eni-01234567',
  ])
})

test('lost records, records that can not be read and several lines in one event are told', async () => {
  const skip = testLine({ status: 'SKIPDATA', start: 100, end: 160 })
  const broken = testLine().replace(' 10 1000 ', ' 10 -5 ')
  const result = await read(
    pages([
      event(skip),
      event(testLine({ status: 'NODATA' })),
      event(broken),
      event(`${testLine()}\n${testLine()}`),
    ]),
  )
  expect(result.captured.records).toEqual([])
  expect(result.captured.skipped).toContainEqual({ interfaceId: eni, startSeconds: 100, endSeconds: 160 })
  expect(result.captured.skipped).toContainEqual({
    interfaceId: eni,
    startSeconds: nowMs / 1000 - 3600 - 1200,
    endSeconds: nowMs / 1000,
  })
  expect(result.badLines).toBe(2)
  expect(result.census).toMatchObject({ complete: false })
})

test.each([
  ['AccessDeniedException', 'denied', 'allow logs:FilterLogEvents on log group /vpc/flow'],
  ['ThrottlingException', 'throttled', 'flow_logs.every'],
  ['ResourceNotFoundException', 'missing', 'describe-flow-logs'],
  ['ExpiredTokenException', 'credentials', 'renew the credentials'],
  ['SomethingNewException', 'failed', ''],
])('%s on the second page: %s, and what was read before stands', async (code, reason, next) => {
  const result = await read((call) =>
    call.nth === 0 ? { body: { events: [event(testLine())], nextToken: 't' } } : { error: code },
  )
  expect(result.failure).toMatchObject({ reason, code, permission: 'logs:FilterLogEvents' })
  expect(result.failure?.nextStep).toContain(next)
  expect(JSON.stringify(result)).not.toContain('secret words')
  expect(result.captured.records).toHaveLength(1)
  expect(result.captured.skipped).toHaveLength(1)
  expect(result.census).toMatchObject({ complete: false, rows: [{ flows: 1 }] })
  expect(result.cursor).toEqual({ kind: 'logs', ingestedMs: nowMs - 30_000 })
})

test('a failure before anything was counted leaves the cursor where it was', async () => {
  const result = await read(() => ({ error: 'AccessDeniedException' }))
  expect(result.cursor).toBeNull()
  expect(result.census).toMatchObject({
    complete: false,
    sinceMs: nowMs - 3_600_000,
    untilMs: nowMs - 3_600_000,
  })
})

test('pages that lead back to themselves end, and so does a silent server', async () => {
  const endless = await read(() => ({ body: { events: [event(testLine())], nextToken: 'same' } }))
  expect(endless.failure).toMatchObject({ reason: 'invalid', code: 'paging' })
  expect(server?.calls).toHaveLength(2)
  await server?.close()
  server = null
  const silent = await read(() => 'silent', { limits: { callSeconds: 0.2 } })
  expect(silent.failure).toMatchObject({ reason: 'timeout' })
})

test.each([
  ['pages', { mostPages: 3 }],
  ['events', { mostEvents: 25 }],
  ['bytes', { mostBytes: 2000 }],
] as const)('an endless stream is cut by %s, and what is left out is said', async (bound, limits) => {
  const result = await read(
    ({ nth }) => ({
      body: { events: Array.from({ length: 10 }, () => event(testLine())), nextToken: `t${nth}` },
    }),
    { limits },
  )
  expect(result.truncated).toBe(bound)
  expect(result.census?.complete).toBe(false)
  expect(result.captured.skipped).not.toEqual([])
})

test('keeps a bounded number of matched records', async () => {
  const many = Array.from({ length: 10_001 }, () => event(testLine()))
  const result = await read(({ nth }) => ({ body: { events: many, nextToken: `t${nth}` } }))
  expect(result.truncated).toBe('records')
  expect(result.captured.records).toHaveLength(20_000)
})

test('an answer that is none of the API is said to be so', async () => {
  expect((await read(() => ({ body: { events: 'all of them' } }))).failure?.reason).toMatch(/invalid|failed/)
})

test('a key that can match nothing does not stop the others', async () => {
  const [key] = testQuery().keys
  const wrong = { localPort: 1, remoteAddress: 'nonsense', remotePort: 99_999_999, protocol: 6 }
  const result = await read(pages([event(testLine())]), { query: { keys: [wrong, key!] } })
  expect(result.captured.records).toHaveLength(1)
})

test('one line that can not be read makes a count incomplete', async () => {
  const whole = await read(pages([event(testLine())]))
  expect(whole.census?.complete).toBe(true)
  await server?.close()
  server = null
  const result = await read(pages([event(testLine().replace(' 10 1000 ', ' 10 -5 '))]))
  expect(result).toMatchObject({ badLines: 1, census: { complete: false } })
})
