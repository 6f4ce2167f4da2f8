import { readFile } from 'node:fs/promises'
import type { AnchorAction, AnchorApi } from '../../aws/anchor-clients.ts'
import { type Identity, findCredentials } from '../../aws/credentials.ts'
import { callKms, regionOfKey } from '../../aws/kms-api.ts'
import { type ApiFailure, failureOf } from '../../aws/snapshot-api-errors.ts'
import { answerOnce } from '../child-job.ts'
import {
  type AnchorAnswer,
  type AnchorRequest,
  type PutOrder,
  anchorSchema,
  parseAnchorRequest,
} from './anchor-request.ts'

const credentialsSeconds = 8
const longestRequest = 8 * 1024 * 1024

/**
 * The whole life of the process that writes a ledger's anchors: request on `input`, calls, answer on `output`, end. Gives the
 * exit code: 0 answered, 1 the request could not be understood.
 */
export async function runAnchor(
  input: AsyncIterable<Buffer | string>,
  output: (text: string) => Promise<void>,
): Promise<number> {
  return await answerOnce(input, output, {
    longestRequest,
    parse: parseAnchorRequest,
    answer: answerTo,
  })
}

async function answerTo(request: AnchorRequest): Promise<AnchorAnswer> {
  const { region, kms, logs, puts, deadlineSeconds } = request
  const answer: AnchorAnswer = { schema: anchorSchema, failure: null, kms: null, logs: null, puts: [] }
  const signal = AbortSignal.timeout(deadlineSeconds * 1000)
  const found = await findCredentials({
    region,
    timeoutSeconds: Math.min(credentialsSeconds, deadlineSeconds),
    signal: new AbortController().signal,
  })
  if (!found.ok) return { ...answer, failure: found.failure }
  if (kms !== null) answer.kms = await askKms(kms, request, found.identity, signal)
  if (logs === null && puts.length === 0) return answer
  // the SDK's clients only where they are needed: a signature takes none
  const { anchorApi } = await import('../../aws/anchor-clients.ts')
  const api = anchorApi(found.identity, region)
  const ask = { api, region, signal, deadlineSeconds }
  try {
    if (logs !== null) answer.logs = { failure: await putEvents(logs, ask) }
    for (const put of puts) answer.puts.push({ failure: await putObject(put, ask) })
    return answer
  } finally {
    api.close()
  }
}

async function askKms(
  { key, message }: NonNullable<AnchorRequest['kms']>,
  { region, atMs, deadlineSeconds }: AnchorRequest,
  identity: Identity,
  signal: AbortSignal,
): Promise<AnchorAnswer['kms']> {
  const call = {
    identity,
    region: regionOfKey(key) ?? region,
    atMs,
    environment: process.env,
    signal,
    deadlineSeconds,
  }
  const input = { KeyId: key }
  const answered =
    message === null
      ? await callKms('GetPublicKey', input, call)
      : await callKms(
          'Sign',
          { ...input, Message: message, MessageType: 'RAW', SigningAlgorithm: 'ED25519_SHA_512' },
          call,
        )
  if (!answered.ok) return answered
  const bytes = answered.output[message === null ? 'PublicKey' : 'Signature']
  return { ok: true, bytes: typeof bytes === 'string' ? bytes : '' }
}

interface Ask {
  api: AnchorApi
  region: string
  signal: AbortSignal
  deadlineSeconds: number
}

const rejected: ApiFailure = {
  reason: 'invalid',
  code: 'rejected',
  detail: 'CloudWatch Logs did not take all events: it holds their times for too old or too new',
  nextStep: 'see that the clock of this host is right',
}

async function called(
  action: AnchorAction,
  input: Record<string, unknown>,
  { api, region, signal, deadlineSeconds }: Ask,
): Promise<{ failure: ApiFailure | null; name: string }> {
  const answer = await api.call(action, input, signal)
  if (answer.ok) {
    // An answer of success can still say that events were too old or too new to be taken.
    if ((answer.output['rejectedLogEventsInfo'] ?? null) === null) return { failure: null, name: '' }
    return { failure: { ...rejected }, name: 'rejected' }
  }
  const { error, lastAnswer, hostname } = answer
  const endedAfterSeconds = signal.aborted ? deadlineSeconds : null
  const failure = failureOf(error, { permission: action, hostname, region, endedAfterSeconds, lastAnswer })
  const name = error instanceof Error ? error.name : ''
  return { failure, name }
}

async function putEvents(
  { group, stream, events }: NonNullable<AnchorRequest['logs']>,
  ask: Ask,
): Promise<ApiFailure | null> {
  const input = {
    logGroupName: group,
    logStreamName: stream,
    logEvents: events.map(({ atMs, message }) => ({ timestamp: atMs, message })),
  }
  const first = await called('logs:PutLogEvents', input, ask)
  if (first.name !== 'ResourceNotFoundException') return first.failure
  const made = await called('logs:CreateLogStream', { logGroupName: group, logStreamName: stream }, ask)
  if (made.failure !== null && made.name !== 'ResourceAlreadyExistsException')
    return made.name === 'ResourceNotFoundException'
      ? { ...made.failure, nextStep: `make the log group ${group}: the agent does not` }
      : made.failure
  return (await called('logs:PutLogEvents', input, ask)).failure
}

/** What is there already is never written over: a repetition after a lost answer is no failure. */
async function putObject(put: PutOrder, ask: Ask): Promise<ApiFailure | null> {
  const { bucket, key, path, text, contentType, lock } = put
  let body: Buffer
  try {
    body = path === null ? Buffer.from(text ?? '') : await readFile(path)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    return {
      reason: 'failed',
      code,
      detail: `a segment can't be read (${code})`,
      nextStep: 'pathproof ledger verify',
    }
  }
  const { failure, name } = await called(
    's3:PutObject',
    {
      Bucket: bucket,
      Key: key,
      Body: body,
      ContentType: contentType,
      IfNoneMatch: '*',
      ChecksumAlgorithm: 'SHA256',
      ...(lock !== null && {
        ObjectLockMode: lock.mode,
        ObjectLockRetainUntilDate: new Date(lock.untilMs),
      }),
    },
    ask,
  )
  if (failure === null || name === 'PreconditionFailed') return null
  return lock !== null && name === 'InvalidRequest'
    ? {
        ...failure,
        nextStep: `the bucket ${bucket} must have Object Lock and versioning switched on, or set ledger.anchors.s3.object_lock: off`,
      }
    : failure
}
