import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { parquetWriteBuffer } from 'hyparquet-writer'
import { afterEach, expect, test } from 'vitest'
import { foldersOf } from '../../aws/flow-files.ts'
import { readFiles } from '../../aws/flow-files-api.ts'
import { readFlowFormat } from '../../aws/flow-format.ts'
import { createFlowLines } from '../../aws/flow-lines.ts'
import type { ReadingDeps, ReadingLimits } from '../../aws/flow-logs-api.ts'
import type { RecordsQuery, RecordsResult } from '../../aws/flow-query.ts'
import { eni, nowMs, testFormat, testLine, testQuery } from '../support/flow-lines.ts'
import { type RecordsServer, type StoredFile, bucketOf, readingLimits } from '../support/records-server.ts'
import {
  type RecordsCall,
  type RecordsReply,
  recordsDeps,
  startRecordsServer,
} from '../support/records-server.ts'

let server: RecordsServer | null = null
let deps: (ReadingDeps & { close(): void }) | null = null
afterEach(async () => {
  deps?.close()
  await server?.close()
  deps = null
  server = null
})

const account = '111122223333'
const flowLogId = 'fl-0123456789abcdef0'
const source = {
  kind: 's3',
  bucket: 'flow-bucket',
  prefix: 'team',
  account,
  region: 'us-east-1',
  hive: false,
  hourly: false,
  flowLogId,
} as const
const header = testFormat.replace(/[${}]/g, '')
const folder = `team/AWSLogs/${account}/vpcflowlogs/us-east-1/2026/11/20/`
const nameOf = (time: string, hash: string, end = 'log.gz', id = flowLogId): string =>
  `${account}_vpcflowlogs_us-east-1_${id}_20261120T${time}Z_${hash}.${end}`
const packed = (...lines: string[]): Uint8Array => gzipSync([header, ...lines, ''].join('\n'))
const file = (time: string, hash: string, data: Uint8Array, agoMs = 120_000): StoredFile => ({
  key: folder + nameOf(time, hash),
  modifiedMs: nowMs - agoMs,
  data,
})

interface More {
  query?: Partial<RecordsQuery>
  limits?: Partial<ReadingLimits>
  wallMs?: number
}

async function read(
  handler: (call: RecordsCall) => RecordsReply | Promise<RecordsReply>,
  more: More = {},
): Promise<RecordsResult> {
  server ??= await startRecordsServer(handler)
  deps?.close()
  deps = recordsDeps(server.url, () => more.wallMs ?? nowMs)
  const query = testQuery({ source, ...more.query })
  const format = readFlowFormat(query.format)
  if (!format.ok) throw new Error(format.problem)
  if (query.source.kind !== 's3') throw new Error('not of S3')
  return readFiles({ ...query, source: query.source }, format.format, readingLimits(more.limits), deps)
}

test('reads the files of the window once, page by page, and only the lines of the interface', async () => {
  const files = [
    file('1150', 'aa', packed(testLine(), testLine({ eni: 'eni-99999999999999999' }))),
    file('1155', 'bb', packed(testLine({ dst: '52.216.9.9', path: '8' }), testLine({ eni: '-' }))),
    file('1145', 'cc', packed(testLine({ bytes: 7 })), 3_600_001),
    file('1156', 'dd', packed(testLine({ bytes: 9 })), 60_000),
    { key: `${folder}readme.txt`, modifiedMs: nowMs - 1000, data: Buffer.from('hello') },
    {
      ...file('1150', 'ee', packed(testLine())),
      key: folder + nameOf('1150', 'ee', 'log.gz', 'fl-99999999'),
    },
  ]
  const result = await read(bucketOf(files))
  expect(result).toMatchObject({ badFiles: 0, badLines: 0, failure: null, truncated: null, events: 5 })
  expect(
    result.captured.records.map(({ record, interfaceId }) => [interfaceId, record.fields['bytes']]),
  ).toEqual([
    [eni, 1000],
    [eni, 9],
  ])
  expect(result.captured.records[0]?.id).toMatch(/_aa\.log\.gz#[0-9a-f]{16}$/)
  expect(result.census?.rows.map(({ trafficPath, flows }) => [trafficPath, flows])).toEqual([
    [7, 2],
    [8, 1],
  ])
  expect(result.newestEndSeconds).toBe(nowMs / 1000 - 570)
  expect(
    server?.calls.filter(({ action }) => action === 'GetObject').map(({ input }) => input['key']),
  ).toEqual([files[0], files[1], files[3]].map((known) => known?.key))

  const later = [...files, file('1200', 'ff', packed(testLine({ bytes: 11 })), -30_000)]
  await server?.close()
  server = null
  const second = await read(bucketOf(later), {
    query: { censusSince: result.cursor },
    wallMs: nowMs + 60_000,
  })
  expect(second.captured.records.map(({ record }) => record.fields['bytes'])).toEqual([11])
  expect(second.census).toMatchObject({
    rows: [{ flows: 1 }],
    sinceMs: result.census?.untilMs,
    complete: true,
  })
})

test('keys are found in every layout', () => {
  const from = Date.UTC(2026, 10, 20, 0, 30)
  const prefixes = (more: Partial<Parameters<typeof foldersOf>[0]>) =>
    foldersOf({ ...source, ...more }, from, from + 1_800_000).map(({ prefix }) => prefix)
  const base = `team/AWSLogs/${account}/vpcflowlogs/us-east-1/`
  expect(prefixes({ flowLogId: null })).toEqual([`${base}2026/11/19/`, `${base}2026/11/20/`])
  expect(prefixes({ flowLogId: null, hourly: true })).toEqual([
    `${base}2026/11/19/23/`,
    `${base}2026/11/20/00/`,
    `${base}2026/11/20/01/`,
  ])
  expect(prefixes({ hive: true, hourly: true, prefix: '' }).at(-1)).toBe(
    `AWSLogs/aws-account-id=${account}/aws-service=vpcflowlogs/aws-region=us-east-1/year=2026/month=11/day=20/hour=01/${account}_vpcflowlogs_us-east-1_${flowLogId}_`,
  )
  expect(foldersOf(source, 0, nowMs)).toHaveLength(50)
  expect(foldersOf(source, from, from)[0]?.startAfter).toBe(
    `${base}2026/11/19/${account}_vpcflowlogs_us-east-1_${flowLogId}_20261119T2330Z`,
  )
})

test('a corrupt file, a bomb, a cut file and one that is not packed are counted, and the next is read', async () => {
  const good = packed(testLine())
  const broken = Buffer.from(packed(...Array.from({ length: 200 }, (_, i) => testLine({ bytes: i }))))
  broken.writeUInt32LE(1, broken.length - 8)
  const files = [
    file('1150', 'a1', broken),
    file('1151', 'a2', gzipSync(Buffer.alloc(4_000_000, 0x20))),
    file('1152', 'a3', good.subarray(0, good.length - 10)),
    file('1153', 'a4', Buffer.from('plain')),
    file('1154', 'a5', good),
  ]
  const result = await read(bucketOf(files), { limits: { mostFileBytes: 1_000_000 } })
  expect(result).toMatchObject({ badFiles: 4, failure: null, census: { complete: false } })
  expect(result.captured.records).toHaveLength(1)
  expect(result.census?.rows.map(({ flows }) => flows)).toEqual([1])
  expect(result.captured.skipped).toEqual([
    { interfaceId: null, startSeconds: nowMs / 1000 - 3600, endSeconds: nowMs / 1000 },
  ])
  expect(result.cursor).toMatchObject({ keys: files.map(({ key }) => key) })
})

test('a header line that differs from what is known counts, and a file without one has the known format', async () => {
  const swapped = gzipSync(
    `dstaddr srcaddr srcport dstport protocol interface-id start end\n52.216.1.2 10.0.1.50 40000 443 6 ${eni} 1 2\n`,
  )
  const bare = gzipSync(`${testLine()}\n`)
  const result = await read(bucketOf([file('1150', 'a1', swapped), file('1151', 'a2', bare)]))
  expect(result.captured.records.map(({ record }) => record.fields['dstaddr'])).toEqual([
    '52.216.1.2',
    '52.216.1.2',
  ])
  expect(Object.keys(result.captured.records[0]?.record.fields ?? {})).toHaveLength(8)
})

test('files that do not say whose their records are can not be read', async () => {
  const result = await read(bucketOf([file('1150', 'a1', gzipSync('srcaddr dstaddr\n1.2.3.4 1.2.3.5\n'))]))
  expect(result.failure).toMatchObject({ reason: 'invalid', code: 'format' })
})

test.each([
  ['ListObjectsV2', 'AccessDenied', 403, 'denied', 's3:ListBucket'],
  ['ListObjectsV2', 'NoSuchBucket', 404, 'missing', 's3:ListBucket'],
  ['GetObject', 'AccessDenied', 403, 'denied', 's3:GetObject'],
  ['GetObject', 'SlowDown', 503, 'throttled', 's3:GetObject'],
  ['GetObject', 'ExpiredToken', 400, 'credentials', 's3:GetObject'],
])('%s: %s', async (action, code, status, reason, permission) => {
  const bucket = bucketOf([file('1150', 'a1', packed(testLine())), file('1151', 'a2', packed(testLine()))])
  const result = await read((call) =>
    call.action === action && (action !== 'GetObject' || String(call.input['key']).includes('_a2'))
      ? { error: code, status }
      : bucket(call),
  )
  expect(result.failure).toMatchObject({ reason, code, permission })
  expect(JSON.stringify(result)).not.toContain('secret words')
  expect(result.captured.records).toHaveLength(action === 'GetObject' ? 1 : 0)
  expect(result.census?.complete).toBe(false)
  // what was read is not read again, and what was left is
  await server?.close()
  server = null
  const after = await read(bucket, { query: { censusSince: result.cursor } })
  expect(after.captured.records).toHaveLength(action === 'GetObject' ? 1 : 2)
})

test('a connection that breaks in the middle of a file leaves the file for the next time', async () => {
  const data = packed(...Array.from({ length: 5000 }, (_, i) => testLine({ bytes: i * 7919 })))
  const bucket = bucketOf([file('1150', 'a1', data)])
  const result = await read((call) =>
    call.action === 'GetObject' ? { bytes: data, cutAfter: 5000 } : bucket(call),
  )
  expect(result.failure).not.toBeNull()
  expect(result).toMatchObject({ captured: { records: [] }, badFiles: 0, cursor: { keys: [] } })
})

test('a file that went since it was listed is passed over; a list without end is cut', async () => {
  const gone = file('1150', 'a1', packed(testLine()))
  const result = await read((call) =>
    call.action === 'GetObject' ? { error: 'NoSuchKey', status: 404 } : bucketOf([gone])(call),
  )
  expect(result).toMatchObject({ failure: null, badFiles: 0 })
  await server?.close()
  server = null
  const page = `<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>same</NextContinuationToken></ListBucketResult>`
  const endless = await read(() => ({ bytes: Buffer.from(page) }))
  expect(endless.failure).toMatchObject({ code: 'paging', permission: 's3:ListBucket' })
})

test.each([
  ['files', { mostPages: 2 }],
  ['bytes', { mostBytes: 300 }],
] as const)(
  'reads a bounded number of %s, and goes on with the rest the next time',
  async (bound, limits) => {
    const files = ['a1', 'a2', 'a3', 'a4'].map((hash, i) =>
      file(`115${i}`, hash, packed(testLine({ bytes: i }))),
    )
    const first = await read(bucketOf(files), { limits })
    expect(first.truncated).toBe(bound)
    const second = await read(bucketOf(files), { query: { censusSince: first.cursor } })
    const sizes = [...first.captured.records, ...second.captured.records].map(
      ({ record }) => record.fields['bytes'],
    )
    expect(sizes).toEqual([0, 1, 2, 3])
  },
)

const columnTypes = {
  INT32: 'version srcport dstport protocol traffic_path',
  INT64: 'packets bytes start end',
}
function parquetOf(lines: readonly string[], codec?: 'SNAPPY' | 'UNCOMPRESSED'): Uint8Array {
  const names = header.split(' ').map((name) => name.replaceAll('-', '_'))
  const rows = lines.map((line) => line.split(' '))
  const columnData = names.map((name, index) => {
    const values = rows.map((row) => (row[index] === '-' ? null : (row[index] ?? null)))
    if (columnTypes.INT32.split(' ').includes(name))
      return {
        name,
        data: values.map((value) => (value === null ? null : Number(value))),
        type: 'INT32' as const,
      }
    if (columnTypes.INT64.split(' ').includes(name))
      return {
        name,
        data: values.map((value) => (value === null ? null : BigInt(value))),
        type: 'INT64' as const,
      }
    return { name, data: values, type: 'STRING' as const }
  })
  return new Uint8Array(parquetWriteBuffer({ columnData, ...(codec && { codec }), rowGroupSize: [100] }))
}

test.each(['SNAPPY', 'UNCOMPRESSED'] as const)('Parquet files say the same as text (%s)', async (codec) => {
  const other = Array.from({ length: 250 }, (_, i) => testLine({ eni: 'eni-99999999999999999', bytes: i }))
  const own = [
    testLine(),
    testLine({ status: 'SKIPDATA', start: 5, end: 65 }),
    testLine({ path: '8', srcport: 9 }),
  ]
  const lines = [...other, ...own, ...other]
  const key = folder + nameOf('1150', 'aa', 'log.parquet')
  const columns = await read(bucketOf([{ key, modifiedMs: nowMs - 60_000, data: parquetOf(lines, codec) }]))
  await server?.close()
  server = null
  const text = await read(bucketOf([file('1150', 'aa', packed(...lines))]))
  expect(columns).toMatchObject({
    failure: null,
    badFiles: 0,
    badLines: 0,
    newestEndSeconds: text.newestEndSeconds,
  })
  expect(columns.captured.skipped).toEqual(text.captured.skipped)
  expect(columns.captured.records.map(({ record }) => record)).toEqual(
    text.captured.records.map(({ record }) => record),
  )
  expect(columns.census?.rows).toEqual(text.census?.rows)
  // the groups of other interfaces were passed over
  expect(columns.events).toBeLessThan(text.events)
})

test('a Parquet file that is corrupt, or has text in it that is no column, is counted', async () => {
  const whole = parquetOf([testLine()])
  const hostile = parquetOf([testLine({ service: 'S3\n5' }).replaceAll('\n', '\u0000')])
  const scrambled = Buffer.from(whole).fill(0xff, 10, Math.min(120, whole.length - 20))
  const files = [whole.subarray(0, whole.length - 30), scrambled, Buffer.from('PAR1'), hostile, whole].map(
    (data, i) => ({
      key: folder + nameOf(`115${i}`, `a${i}`, 'log.parquet'),
      modifiedMs: nowMs - 60_000 + i,
      data,
    }),
  )
  const result = await read(bucketOf(files))
  expect(result).toMatchObject({ failure: null, badFiles: 3, badLines: 1, census: { complete: false } })
  expect(result.captured.records).toHaveLength(1)
})

test('lines are told apart by their interface wherever the pieces are cut', () => {
  const format = readFlowFormat(testFormat)
  if (!format.ok) throw new Error(format.problem)
  const line = fc.oneof(
    fc.constantFrom(
      testLine(),
      testLine({ eni: 'eni-1' }),
      testLine({ eni: '-' }),
      '',
      'x',
      '   ',
      '5 eni-1',
    ),
    fc.string({ maxLength: 30 }).map((text) => text.replaceAll('\n', '')),
  )
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(400)), fc.boolean(), (lines, cuts, crlf) => {
      const text = Buffer.from(lines.join(crlf ? '\r\n' : '\n'))
      const got: string[] = []
      const onLines = (piece: Uint8Array): void => void got.push(Buffer.from(piece).toString())
      const wanted = { interfaceIds: [eni], resourceIds: [] }
      const filter = createFlowLines({ format: format.format, wanted, latestEndSeconds: nowMs })
      let from = 0
      for (const cut of cuts) {
        filter.take(text.subarray(from, from + cut), onLines)
        from += cut
      }
      filter.take(text.subarray(from), onLines)
      filter.end(onLines)
      const kept = got
        .join('')
        .split('\n')
        .map((each) => each.trim())
        .filter((each) => each !== '')
      const naive = lines.map((each) => each.trim()).filter((each) => each === testLine())
      expect(kept).toEqual(naive)
    }),
  )
})

test('a file that was left unread is read the next time, however old it is by then', async () => {
  const hours = 3_600_000
  const files = ['a1', 'a2', 'a3'].map((hash, i) =>
    file(`095${i}`, hash, packed(testLine({ bytes: i })), 2 * hours - i * 1000),
  )
  const query = { fromMs: nowMs - 3 * hours }
  const first = await read(bucketOf(files), { query, limits: { mostPages: 1 } })
  expect(first).toMatchObject({ truncated: 'files', census: { complete: false } })
  expect(first.captured.records.map(({ record }) => record.fields['bytes'])).toEqual([0])
  const later = { query: { ...query, censusSince: first.cursor }, wallMs: nowMs + hours }
  const second = await read(bucketOf(files), later)
  expect(second.captured.records.map(({ record }) => record.fields['bytes'])).toEqual([1, 2])
})

test('files that are fetched for another interface are not counted for this one, and its keys are its own', async () => {
  const other = 'eni-99999999999999999'
  const data = packed(testLine(), testLine({ eni: other, srcport: 1 }), testLine({ srcport: 2 }))
  const open = { localPort: null, remoteAddress: '52.216.1.2', remotePort: 443, protocol: 6 }
  const query = { uncountedIds: [other], keys: [...testQuery().keys, open] }
  const result = await read(bucketOf([file('1150', 'a1', data)]), { query })
  expect(
    result.captured.records.map(({ interfaceId, record }) => [interfaceId, record.fields['srcport']]),
  ).toEqual([
    [eni, 40_000],
    [other, 1],
  ])
  expect(result.census?.rows.reduce((sum, { flows }) => sum + flows, 0)).toBe(2)
})
