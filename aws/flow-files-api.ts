import { Readable } from 'node:stream'
import type { FlowFormat } from '../model/flow.ts'
import { type FlowFile, cursorAfter, fileOf, filesSince, foldersOf, newFiles } from './flow-files.ts'
import { saysWhose } from './flow-lines.ts'
import type { ReadingDeps, ReadingLimits } from './flow-logs-api.ts'
import { unpackParquet } from './flow-parquet.ts'
import type { RecordsFailure, RecordsQuery, RecordsResult } from './flow-query.ts'
import { type FlowTake, createFlowTake } from './flow-take.ts'
import { type Unpacked, unpackText } from './flow-unpack.ts'
import { endlessPages, notRecords, recordsFailureOf } from './records-errors.ts'

type FilesQuery = RecordsQuery & { source: { kind: 's3' } }

/** A file is written every five minutes or at 75 MB. */
const mostFileBytes = 160 * 1024 * 1024
const mostListPages = 100
const mostListed = 50_000
/** A file takes longer than another request. */
const fileSeconds = 60

/**
 * Reads one flow log's files out of S3: those that were written since the last cursor, whoever else's records are in them.
 * A file that is corrupt, or would not end, is counted, gives nothing, and is not asked for again. Never rejects; what was
 * read before a failure stands.
 */
export async function readFiles(
  query: FilesQuery,
  format: FlowFormat,
  limits: ReadingLimits,
  deps: ReadingDeps,
): Promise<RecordsResult> {
  const cursor = query.censusSince?.kind === 's3' ? query.censusSince : null
  const sinceMs = filesSince(cursor, query.fromMs)
  const nowMs = deps.wallMs()
  const take = createFlowTake({ ...query, fromMs: Math.min(query.fromMs, sinceMs) }, format)
  const listing = await listFiles(query, { fromMs: sinceMs, toMs: nowMs }, limits, deps)
  let { failure, truncated } = listing
  const wanted = newFiles(listing.files, cursor, sinceMs)
  const read: FlowFile[] = []
  let badFiles = 0
  for (const file of wanted) {
    if (failure !== null && listing.failure === null) break
    const bound = boundOf(take, read.length, limits)
    if (bound !== null) {
      truncated = bound
      break
    }
    const got = await readFile(query, file, { take, format, limits, deps })
    if ('failure' in got) {
      if (got.failure.reason !== 'missing') {
        failure = got.failure
        break
      }
    } else if (!got.ok) {
      badFiles++
      take.lost()
    }
    read.push(file)
  }
  const left = wanted.filter((file) => !read.includes(file))
  if (take.full()) truncated ??= 'records'
  if (truncated !== null || failure !== null) take.lost()
  const whole = listing.failure === null && listing.truncated === null
  const next = cursorAfter(cursor, sinceMs, { read, left, listed: listing.files }, whole, nowMs)
  const { sum, ...rest } = take.result()
  const complete = failure === null && truncated === null && badFiles === 0 && !take.damaged()
  return {
    id: query.id,
    ...rest,
    badFiles,
    census: query.census ? { ...sum, sinceMs, untilMs: next.doneMs, complete } : null,
    truncated,
    failure,
    cursor: next,
  }
}

function boundOf(take: FlowTake, files: number, limits: ReadingLimits): RecordsResult['truncated'] {
  if (limits.deadline.aborted) return 'time'
  if (take.full()) return 'records'
  if (take.scannedBytes() >= limits.mostBytes) return 'bytes'
  return files >= limits.mostPages ? 'files' : null
}

interface Listing {
  files: FlowFile[]
  failure: RecordsFailure | null
  truncated: RecordsResult['truncated']
}

async function listFiles(
  { source }: FilesQuery,
  window: { fromMs: number; toMs: number },
  limits: ReadingLimits,
  deps: ReadingDeps,
): Promise<Listing> {
  const files: FlowFile[] = []
  let pages = 0
  for (const { prefix, startAfter } of foldersOf(source, window.fromMs, window.toMs)) {
    const seen = new Set<string>()
    let token: string | null = null
    do {
      const input = {
        Bucket: source.bucket,
        Prefix: prefix,
        ...(startAfter !== null && { StartAfter: startAfter }),
        ...(token !== null && { ContinuationToken: token }),
      }
      const answer = await ask(
        's3:ListBucket',
        input,
        source.bucket,
        limitOf(limits, limits.callSeconds),
        deps,
      )
      if ('failure' in answer) return { files, failure: answer.failure, truncated: null }
      const list = answer.output['Contents'] ?? []
      if (!Array.isArray(list)) {
        const failure = notRecords('s3:ListBucket', `s3.${deps.region}`, 'it has no "Contents"')
        return { files, failure, truncated: null }
      }
      for (const entry of list as unknown[]) {
        const file = fileOf(entry, source)
        if (file?.key.startsWith(prefix) && file.modifiedMs > window.fromMs) files.push(file)
      }
      const next = answer.output['NextContinuationToken']
      token = answer.output['IsTruncated'] === true && typeof next === 'string' ? next : null
      if (token !== null && seen.has(token))
        return { files, failure: endlessPages('s3:ListBucket'), truncated: null }
      if (token !== null) seen.add(token)
      if (token !== null && (++pages >= mostListPages || files.length >= mostListed))
        return { files, failure: null, truncated: 'pages' }
    } while (token !== null)
  }
  return { files, failure: null, truncated: null }
}

type Asked = { output: Record<string, unknown> } | { failure: RecordsFailure }

async function ask(
  permission: 's3:ListBucket' | 's3:GetObject',
  input: Record<string, unknown>,
  bucket: string,
  limit: Limit,
  deps: ReadingDeps,
): Promise<Asked> {
  const answer = await deps.api.call(permission, input, limit.signal)
  if (answer.ok) return answer
  const { hostname, lastAnswer, error } = answer
  const call = { permission, hostname, region: deps.region, endedAfterSeconds: limit.ended(), lastAnswer }
  return { failure: recordsFailureOf(error, call, `bucket ${bucket}`) }
}

/** What ends one call, and afterwards how long it had, in seconds; null: it did not end by that. */
interface Limit {
  signal: AbortSignal
  ended(): number | null
}

function limitOf({ deadline, deadlineSeconds }: ReadingLimits, seconds: number): Limit {
  const limit = AbortSignal.timeout(seconds * 1000)
  return {
    signal: AbortSignal.any([deadline, limit]),
    ended: () => (deadline.aborted ? deadlineSeconds : limit.aborted ? seconds : null),
  }
}

interface FileContext {
  take: FlowTake
  format: FlowFormat
  limits: ReadingLimits
  deps: ReadingDeps
}

async function readFile(
  { source, interfaceIds, resourceIds, uncountedIds = [] }: FilesQuery,
  file: FlowFile,
  { take, format, limits, deps }: FileContext,
): Promise<Unpacked | { failure: RecordsFailure }> {
  if (file.bytes > mostFileBytes) return { ok: false, because: 'bytes', error: null }
  const permission = 's3:GetObject'
  const limit = limitOf(limits, fileSeconds)
  const { signal } = limit
  const answer = await ask(permission, { Bucket: source.bucket, Key: file.key }, source.bucket, limit, deps)
  if ('failure' in answer) return answer
  const body = answer.output['Body']
  if (!(body instanceof Readable)) {
    return { failure: notRecords(permission, `s3.${deps.region}`, 'it has no body') }
  }
  const common = {
    mostBytes: limits.mostFileBytes,
    signal,
    pieceOf: (of: FlowFormat) =>
      saysWhose(of) ? take.piece({ format: of, name: file.key, ingestedMs: file.modifiedMs }) : null,
  }
  let unpacked: Unpacked
  if (file.form === 'text') unpacked = await unpackText(body, { ...common, format })
  else {
    const whole = await wholeBody(body, signal)
    unpacked = !(whole instanceof ArrayBuffer)
      ? whole
      : await unpackParquet(whole, {
          ...common,
          wantedIds: [...interfaceIds, ...resourceIds, ...uncountedIds],
        })
  }
  if (unpacked.ok) return unpacked
  if (unpacked.because === 'format') return { failure: withoutInterface() }
  if (unpacked.because !== 'ended') return unpacked
  const { region } = deps
  const call = {
    permission,
    hostname: `s3.${region}`,
    region,
    endedAfterSeconds: limit.ended(),
    lastAnswer: null,
  }
  return { failure: recordsFailureOf(unpacked.error, call, `bucket ${source.bucket}`) }
}

/** A file as a whole, for a format that is read from its end. */
async function wholeBody(body: Readable, signal: AbortSignal): Promise<ArrayBuffer | Unpacked> {
  const chunks: Buffer[] = []
  let bytes = 0
  const stop = (): void => void body.destroy(new Error('ended'))
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const chunk of body) {
      bytes += (chunk as Buffer).length
      if (bytes > mostFileBytes) return { ok: false, because: 'bytes', error: null }
      chunks.push(chunk as Buffer)
    }
  } catch (error) {
    return { ok: false, because: 'ended', error }
  } finally {
    signal.removeEventListener('abort', stop)
    body.destroy()
  }
  const whole = new Uint8Array(bytes)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.length
  }
  return whole.buffer
}

function withoutInterface(): RecordsFailure {
  return {
    reason: 'invalid',
    code: 'format',
    permission: 's3:GetObject',
    detail: 'the files of this flow log do not say of which interface a record is (no interface-id)',
    nextStep: 'make a flow log whose format has interface-id; a format can not be changed afterwards',
  }
}
