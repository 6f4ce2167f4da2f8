import { findCredentials } from '../../aws/credentials.ts'
import type { Answer } from '../../aws/send.ts'
import { type SharedApi, sharedApi } from '../../aws/shared-clients.ts'
import { mostSharedBytes, unpackShared } from '../../aws/shared-snapshot.ts'
import { type ApiFailure, failureOf } from '../../aws/snapshot-api-errors.ts'
import { partHash } from '../../aws/snapshot-content.ts'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { type SnapshotPart, snapshotParts } from '../../model/topology.ts'
import { answerOnce } from '../child-job.ts'
import { nameOfPlace } from './shared-snapshot-place.ts'
import { readSharedFile, writeSharedFile } from './shared-snapshot-file.ts'
import {
  type SharedAnswer,
  type SharedFound,
  type SharedPlace,
  type SharedRequest,
  parseSharedRequest,
  sharedAnswerSchema,
} from './shared-snapshot-request.ts'

const credentialsSeconds = 8
/** A request that carries a snapshot, in base64. */
const longestRequest = 2 * mostSharedBytes
const schema = sharedAnswerSchema

/**
 * The whole life of the process that reads, or writes, a shared snapshot: request on `input`, the file or the object, answer
 * on `output`, end. It lives apart from the daemon because of the SDK's memory, and so that what is large or hostile in the
 * file is unpacked elsewhere. Gives the exit code: 0 answered, 1 the request could not be understood.
 */
export async function runSharedReader(
  input: AsyncIterable<Buffer | string>,
  output: (text: string) => Promise<void>,
  wallMs: () => number = Date.now,
): Promise<number> {
  return await answerOnce(input, output, {
    longestRequest,
    parse: parseSharedRequest,
    answer: (request) => answerTo(request, wallMs),
  })
}

const failed = (failure: ApiFailure): SharedAnswer => ({ schema, outcome: 'failed', failure })

const invalid = (place: SharedPlace, code: string, problem: string): SharedAnswer =>
  failed({
    reason: 'invalid',
    code,
    detail: `${nameOfPlace(place)} is not used: ${problem}`,
    nextStep: 'write it with: pathproof snapshot --share',
  })

async function answerTo(request: SharedRequest, wallMs: () => number): Promise<SharedAnswer> {
  const { place, put } = request
  if (place.kind === 's3') return await withS3(request, place, wallMs)
  if (put !== null) {
    try {
      await writeSharedFile(place.path, Buffer.from(put, 'base64'))
      return { schema, outcome: 'written' }
    } catch (error) {
      const code = String((error as { code?: unknown } | null)?.code ?? 'unknown')
      const detail = `${nameOfPlace(place)} can't be written (${code})`
      return failed({
        reason: 'failed',
        code,
        detail,
        nextStep: 'see that its directory is there and writable',
      })
    }
  }
  const file = await readSharedFile(place.path, mostSharedBytes)
  if (!file.ok) return invalid(place, file.code, file.detail)
  const { bytes, mark, ageMs } = file
  return await read(request, bytes, { mark, dateMs: null, modifiedMs: wallMs() - ageMs }, wallMs)
}

async function withS3(
  request: SharedRequest,
  place: Extract<SharedPlace, { kind: 's3' }>,
  wallMs: () => number,
): Promise<SharedAnswer> {
  const { put, mark, deadlineSeconds } = request
  const region = request.region ?? ''
  const signal = AbortSignal.timeout(deadlineSeconds * 1000)
  const timeoutSeconds = Math.min(credentialsSeconds, deadlineSeconds)
  const credentials = await findCredentials({ region, timeoutSeconds, signal: new AbortController().signal })
  if (!credentials.ok) return failed(credentials.failure)
  const api: SharedApi = sharedApi(credentials.identity, region)
  const failure = (answer: Extract<Answer, { ok: false }>, permission: string): SharedAnswer => {
    const { error, lastAnswer, hostname } = answer
    const endedAfterSeconds = signal.aborted ? deadlineSeconds : null
    const found = failureOf(error, { permission, hostname, region, endedAfterSeconds, lastAnswer })
    return failed({ ...found, detail: `${nameOfPlace(place)}: ${found.detail}` })
  }
  try {
    if (put !== null) {
      const answer = await api.put(place, Buffer.from(put, 'base64'), signal)
      return answer.ok ? { schema, outcome: 'written' } : failure(answer, 's3:PutObject')
    }
    const { answer, dateMs } = await api.get(place, mark, signal)
    if (!answer.ok) {
      const { $metadata } = (answer.error ?? {}) as { $metadata?: { httpStatusCode?: unknown } }
      if (mark !== null && $metadata?.httpStatusCode === 304) return { schema, outcome: 'same', dateMs }
      return failure(answer, 's3:GetObject')
    }
    const { Body, ETag, LastModified, ContentLength } = answer.output
    if (Number(ContentLength) > mostSharedBytes)
      return invalid(
        place,
        'too_large',
        `it has ${Number(ContentLength)} bytes, more than ${mostSharedBytes}`,
      )
    const bytes = await bytesOf(Body)
    if (bytes === null) return invalid(place, 'cut_off', 'its content is cut off, or too large')
    const modifiedMs = LastModified instanceof Date ? LastModified.getTime() : Number.NaN
    const known = {
      mark: typeof ETag === 'string' ? ETag : null,
      dateMs,
      modifiedMs: Number.isNaN(modifiedMs) ? null : modifiedMs,
    }
    return await read(request, bytes, known, wallMs)
  } finally {
    api.close()
  }
}

/** All of a body, in bounds; null: it did not come whole. */
async function bytesOf(body: unknown): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      length += chunk.length
      if (length > mostSharedBytes) return null
      chunks.push(chunk)
    }
  } catch {
    return null
  }
  return Buffer.concat(chunks)
}

async function read(
  { place, known }: SharedRequest,
  bytes: Uint8Array,
  seen: Pick<SharedFound, 'mark' | 'dateMs' | 'modifiedMs'>,
  wallMs: () => number,
): Promise<SharedAnswer> {
  const reading = await unpackShared(bytes, wallMs())
  if (!reading.ok) return invalid(place, 'invalid', reading.problem)
  const { shared, sha256 } = reading
  const { account, region, vpcIds, timeMs, files } = shared
  const snapshot = decodeSnapshot(files, { source: nameOfPlace(place), account, region })
  const unchanged: SnapshotPart[] = []
  for (const part of snapshotParts) {
    // lists carry a date each, so they are always sent
    if (part === 'prefixLists' || !snapshot.parts[part].read) continue
    if (known[part] !== partHash(snapshot, part)) continue
    unchanged.push(part)
    snapshot[part] = []
  }
  return {
    schema,
    outcome: 'read',
    found: { ...seen, sha256, timeMs, account, region, vpcIds, snapshot, unchanged },
  }
}
