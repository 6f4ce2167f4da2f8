import { ec2Api } from '../../aws/clients.ts'
import { assumeRole } from '../../aws/assumed-role.ts'
import { type Credentials, findCredentials } from '../../aws/credentials.ts'
import { callFor, isWanted } from '../../aws/snapshot-api-calls.ts'
import { partHash } from '../../aws/snapshot-content.ts'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { readAccount, refusedAccount } from '../../aws/snapshot-api.ts'
import type { RawAccount } from '../../aws/snapshot-api.ts'
import { type Snapshot, type SnapshotPart, snapshotParts } from '../../model/topology.ts'
import { answerOnce } from '../child-job.ts'
import { parseRequest, readerSchema } from './snapshot-request.ts'
import type { ReaderAnswer, ReaderRequest } from './snapshot-request.ts'

/** Where a host has no credentials at all, the chain ends at the metadata service, which may be silent. */
const credentialsSeconds = 8
export const callSeconds = 20
const requestTimeoutSeconds = 10
const connectTimeoutSeconds = 3
export const maxAttempts = 4
/** AWS counts calls of all callers of an account: a few at once are fast enough. */
export const concurrency = 4
const longestRequest = 1024 * 1024

/**
 * The whole life of the process that reads the account: request on `input`, calls, answer on `output`, end. It lives
 * apart from the daemon because the SDK takes up more memory than all the rest. Gives the exit code: 0 answered, 1 the
 * request could not be understood.
 */
export async function runReader(
  input: AsyncIterable<Buffer | string>,
  output: (text: string) => Promise<void>,
  wallMs: () => number = Date.now,
): Promise<number> {
  return await answerOnce(input, output, {
    longestRequest,
    parse: parseRequest,
    answer: async (request) => answerOf(request, await readWith(request, wallMs)),
  })
}

async function readWith(request: ReaderRequest, wallMs: () => number): Promise<RawAccount> {
  const { region, vpcIds, parts, prefixListIds, deadlineSeconds, posture } = request
  const signal = AbortSignal.timeout(deadlineSeconds * 1000)
  const options = { region, vpcIds, parts, prefixListIds, posture, callSeconds, deadlineSeconds, concurrency }
  const credentials = await credentialsFor(request)
  if (!credentials.ok) return refusedAccount(options, credentials.failure)
  const { identity, account } = credentials
  const api = ec2Api({ region, identity, requestTimeoutSeconds, connectTimeoutSeconds, maxAttempts })
  try {
    return await readAccount(options, { api, account, wallMs, signal })
  } finally {
    api.close()
  }
}

/** Those of this process, or those of the role that it takes on with them. */
async function credentialsFor(request: ReaderRequest): Promise<Credentials> {
  const { role, instanceAccount, deadlineSeconds } = request
  const region = role?.stsRegion ?? request.region
  const timeoutSeconds = Math.min(credentialsSeconds, deadlineSeconds)
  const { signal } = new AbortController()
  const own = await findCredentials({ region, timeoutSeconds, signal, instanceAccount })
  if (!own.ok || role === null) return own
  return await assumeRole({ role, identity: own.identity, region, timeoutSeconds, signal })
}

/** Lists carry a date each, so they are always sent. */
const comparable = snapshotParts.filter((part) => part !== 'prefixLists')

function answerOf(request: ReaderRequest, raw: RawAccount): ReaderAnswer {
  const { account, region, failures, calls } = raw
  const head = { schema: readerSchema, account, region, failures, calls } as const
  if (request.answer === 'files') {
    return { ...head, snapshot: null, unchanged: [], files: Object.fromEntries(raw.files) }
  }
  const snapshot = snapshotOf(raw, request)
  const unchanged: SnapshotPart[] = []
  for (const part of comparable) {
    if (!snapshot.parts[part].read || request.known[part] !== partHash(snapshot, part)) continue
    unchanged.push(part)
    snapshot[part] = []
  }
  return { ...head, snapshot, unchanged, files: null }
}

function snapshotOf(raw: RawAccount, { parts }: Pick<ReaderRequest, 'parts'>): Snapshot {
  const { account, region, files } = raw
  const snapshot = decodeSnapshot(files, { source: `EC2 API of ${region}`, account, region })
  for (const part of snapshotParts) {
    if (isWanted(part, parts)) continue
    const detail = `${callFor(part, []).call.permission} was not called this time`
    snapshot.parts[part] = { read: false, reason: 'missing', detail }
  }
  return snapshot
}
