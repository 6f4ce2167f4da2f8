import { spawn } from 'node:child_process'
import { isSea } from 'node:sea'
import { type WantedParts, isWanted } from '../aws/snapshot-api-calls.ts'
import { refusedAccount } from '../aws/snapshot-api.ts'
import type { PartFailure } from '../aws/snapshot-api.ts'
import { partHash } from '../aws/snapshot-content.ts'
import { decodeSnapshot } from '../aws/snapshot-decode.ts'
import { type Snapshot, type SnapshotPart, snapshotParts } from '../model/topology.ts'
import { parseAnswer, readerArgument, readerSchema } from './snapshot-request.ts'
import type { ReaderAnswer, ReaderRequest } from './snapshot-request.ts'

/** How this program is started once more: the executable and its first arguments. */
export interface ProgramCommand {
  file: string
  args: readonly string[]
}

/** This very program, from source, from its bundle, or as a single executable. */
export function ownProgram(): ProgramCommand {
  const [, script = ''] = process.argv
  return { file: process.execPath, args: isSea() ? [] : [script] }
}

export interface ReaderDeps {
  program: ProgramCommand
  /** Environment of the reader: the SDK finds credentials and endpoints by it. */
  environment: Readonly<Record<string, string | undefined>>
  /** Whether the host is known to have no metadata service: then it is not waited for. */
  metadata: boolean
  signal: AbortSignal
  /** A line that the reader wrote to its standard error; foreign text. */
  onLine(line: string): void
  /** Beyond the deadline of a reading, for the reader's start and the writing of its answer. Default 15. */
  graceSeconds?: number
  /** A reader that writes more has gone wrong. Default 512 MiB. */
  mostBytes?: number
}

const mostErrorBytes = 16 * 1024

type Ended = { ok: true; text: string } | { ok: false; code: string; because: string }

/**
 * Starts the reader, gives it `input` and waits for its end. It is killed at the deadline, when the signal fires, and when
 * it writes too much. Never rejects.
 */
function runProgram(
  input: string,
  limits: { deadlineSeconds: number; mostBytes: number },
  deps: ReaderDeps,
): Promise<Ended> {
  const { program, signal, onLine } = deps
  const { deadlineSeconds, mostBytes } = limits
  return new Promise((resolve) => {
    if (signal.aborted) return resolve({ ok: false, code: 'aborted', because: 'the agent stops' })
    const child = spawn(program.file, [...program.args, readerArgument], {
      env: readerEnvironment(deps),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let killedBecause: { code: string; because: string } | null = null
    const chunks: Buffer[] = []
    let bytes = 0
    let errors = ''
    const kill = (code: string, because: string): void => {
      killedBecause ??= { code, because }
      child.kill('SIGKILL')
      // what the reader itself had started may hold the pipes open beyond its end
      child.stdout.destroy()
      child.stderr.destroy()
    }
    const stop = (): void => kill('aborted', 'the agent stops')
    const timer = setTimeout(
      () => kill('timeout', `it had not ended after ${deadlineSeconds} s`),
      deadlineSeconds * 1000,
    )
    const done = (ended: Ended): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      for (const line of errors.split('\n')) if (line.trim() !== '') onLine(line)
      resolve(ended)
    }
    signal.addEventListener('abort', stop, { once: true })
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > mostBytes) kill('too_large', `it wrote more than ${mostBytes} bytes`)
      else chunks.push(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => {
      if (errors.length < mostErrorBytes) errors += chunk.toString().slice(0, mostErrorBytes - errors.length)
    })
    // a reader that ends before it has read its request says so by its exit code
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    child.on('error', (error: NodeJS.ErrnoException) =>
      done({
        ok: false,
        code: 'not_started',
        because: `it could not be started (${error.code ?? 'unknown'})`,
      }),
    )
    child.on('close', (code, killer) => {
      if (killedBecause !== null) return done({ ok: false, ...killedBecause })
      if (code === 0) return done({ ok: true, text: Buffer.concat(chunks).toString('utf8') })
      const how = code === null ? `it was ended by ${killer ?? 'a signal'}` : `it ended with code ${code}`
      done({ ok: false, code: 'crashed', because: how })
    })
  })
}

function readerEnvironment({ environment, metadata }: ReaderDeps): NodeJS.ProcessEnv {
  return {
    ...environment,
    AWS_EC2_METADATA_V1_DISABLED: 'true',
    ...(!metadata && { AWS_EC2_METADATA_DISABLED: 'true' }),
  }
}

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
}

/**
 * The account, read in a process of its own that ends with the reading: this one never holds the SDK. Plain data in, plain
 * data out. Never rejects: a reader that crashes, hangs or is cut off leaves every wanted part unread.
 */
export async function readSnapshot(options: ReadSnapshotOptions, deps: ReaderDeps): Promise<SnapshotReading> {
  const { region, vpcIds, parts, deadlineSeconds, last } = options
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
  options: Pick<ReadSnapshotOptions, 'region' | 'vpcIds' | 'deadlineSeconds'>,
  deps: ReaderDeps,
): Promise<Pick<ReaderAnswer, 'account' | 'files' | 'failures'>> {
  const { region, vpcIds, deadlineSeconds } = options
  const request: ReaderRequest = {
    region,
    vpcIds: [...vpcIds],
    parts: 'all',
    prefixListIds: [],
    deadlineSeconds,
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
  const ended = await runProgram(JSON.stringify(request), limits, deps)
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
