import { type WantedParts, isWanted } from '../../aws/snapshot-api-calls.ts'
import { refusedAccount } from '../../aws/snapshot-api.ts'
import type { PartFailure } from '../../aws/snapshot-api.ts'
import { partHash } from '../../aws/snapshot-content.ts'
import { decodeSnapshot } from '../../aws/snapshot-decode.ts'
import { type Snapshot, type SnapshotPart, snapshotParts } from '../../model/topology.ts'
import { type ReaderDeps, runProgram } from '../child.ts'
import { parseAnswer, readerArgument, readerSchema } from './snapshot-request.ts'
import type { ReaderAnswer, ReaderRequest, ReaderRole } from './snapshot-request.ts'

/** What one reading gave. A part that was not read is empty and says why; `failures` says it by AWS call. */
export interface SnapshotReading {
  snapshot: Snapshot
  failures: PartFailure[]
}

export interface ReadSnapshotOptions {
  region: string
  vpcIds: readonly string[]
  parts: WantedParts
  deadlineSeconds: number
  /** The last reading: its routes say which prefix lists are needed, and what is unchanged in it is not sent again. */
  last: Snapshot | null
  /** The role of a further account; left out: this one's own account. */
  role?: ReaderRole | null
  /** Account of this instance by its identity document, where it is known. */
  instanceAccount?: string | null
  /** Left out: false. */
  posture?: boolean
}

/**
 * The account, read in a process of its own that ends with the reading: this one never holds the SDK. Plain data in, plain
 * data out. Never rejects: a reader that crashes, hangs or is cut off leaves every wanted part unread.
 */
export async function readSnapshot(options: ReadSnapshotOptions, deps: ReaderDeps): Promise<SnapshotReading> {
  const {
    region,
    vpcIds,
    parts,
    deadlineSeconds,
    last,
    role = null,
    instanceAccount = null,
    posture = false,
  } = options
  const same = last !== null && last.region === region ? last : null
  const known = Object.fromEntries(
    snapshotParts.flatMap((part) => (same?.parts[part].read === true ? [[part, partHash(same, part)]] : [])),
  )
  const request: ReaderRequest = {
    region,
    vpcIds: [...vpcIds],
    parts,
    prefixListIds: referenced(same),
    deadlineSeconds,
    posture,
    role,
    instanceAccount,
    answer: 'snapshot',
    known,
  }
  const answer = await ask(request, deps)
  if (!('schema' in answer)) return unread(options, answer.failure)
  const { snapshot, failures, unchanged } = answer
  if (snapshot === null) return unread(options, crash('garbled', 'its answer holds no snapshot'))
  for (const part of unchanged) {
    if (same === null || known[part] === undefined) {
      return unread(options, crash('garbled', `its answer leaves out ${part}`))
    }
    take(snapshot, same, part)
  }
  return { snapshot, failures }
}

/** The answers to all calls as AWS gave them, for a directory. */
export async function readFiles(
  options: Pick<ReadSnapshotOptions, 'region' | 'vpcIds' | 'deadlineSeconds' | 'instanceAccount'>,
  deps: ReaderDeps,
): Promise<Pick<ReaderAnswer, 'account' | 'files' | 'failures'>> {
  const { region, vpcIds, deadlineSeconds, instanceAccount = null } = options
  const request: ReaderRequest = {
    region,
    vpcIds: [...vpcIds],
    parts: 'all',
    prefixListIds: [],
    deadlineSeconds,
    posture: true,
    role: null,
    instanceAccount,
    answer: 'files',
    known: {},
  }
  const answer = await ask(request, deps)
  if ('schema' in answer) return answer
  const { failures } = refusedAccount({ region, parts: 'all' }, answer.failure)
  return { account: null, files: {}, failures }
}

type NoAnswer = { failure: ReturnType<typeof crash> }

async function ask(request: ReaderRequest, deps: ReaderDeps): Promise<ReaderAnswer | NoAnswer> {
  const { graceSeconds = 15, mostBytes = 512 * 1024 * 1024 } = deps
  const limits = { deadlineSeconds: request.deadlineSeconds + graceSeconds, mostBytes }
  const ended = await runProgram(readerArgument, JSON.stringify(request), limits, deps)
  if (!ended.ok) return { failure: crash(ended.code, ended.because) }
  const answer = parseAnswer(ended.text, request.answer)
  return answer ?? { failure: crash('garbled', `what it wrote is no answer of ${readerSchema}`) }
}

function crash(code: string, because: string) {
  return {
    reason: code === 'timeout' ? ('timeout' as const) : ('failed' as const),
    code,
    detail: `the process that reads the account gave no answer: ${because}`,
    nextStep: 'see the log for what it said; on a small host it may have run out of memory',
  }
}

function unread({ region, parts }: ReadSnapshotOptions, failure: NoAnswer['failure']): SnapshotReading {
  const { files, failures } = refusedAccount({ region, parts }, failure)
  const snapshot = decodeSnapshot(files, { source: `EC2 API of ${region}`, account: null, region })
  for (const part of snapshotParts) {
    if (isWanted(part, parts)) continue
    snapshot.parts[part] = { read: false, reason: 'missing', detail: 'it was not asked for this time' }
  }
  return { snapshot, failures }
}

function take<P extends SnapshotPart>(to: Pick<Snapshot, P>, from: Pick<Snapshot, P>, part: P): void {
  to[part] = from[part]
}

/** Prefix lists that routes refer to. */
function referenced(snapshot: Snapshot | null): string[] {
  const ids = (snapshot?.routeTables ?? []).flatMap((table) =>
    table.routes.flatMap(({ destination }) => (destination.kind === 'prefix_list' ? [destination.id] : [])),
  )
  return [...new Set(ids)]
}
