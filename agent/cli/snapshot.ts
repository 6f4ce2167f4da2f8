import { safeText } from '../../model/text.ts'
import { redact } from '../../model/redact.ts'
import { readMetadata, imdsEndpoint } from '../../aws/imds.ts'
import { isRegion } from '../../aws/partitions.ts'
import type { PartFailure } from '../../aws/snapshot-api.ts'
import type { SnapshotFile } from '../../aws/snapshot-decode-file.ts'
import { type SnapshotPart, snapshotParts } from '../../model/topology.ts'
import { type ProgramCommand, type ReaderDeps, ownProgram } from '../child.ts'
import { parseDuration } from '../config/units.ts'
import { sleep } from '../machine.ts'
import { nameOfPlace, readPlace } from '../account/shared-snapshot-place.ts'
import { publishShared } from '../account/shared-snapshot-publish.ts'
import type { SharedPlace } from '../account/shared-snapshot-request.ts'
import { readFiles } from '../account/snapshot-child.ts'
import { whyNotWritable, writeSnapshot } from '../account/snapshot-directory-writer.ts'
import { exit } from './exit-code.ts'
import type { Io } from './io.ts'
import { type CommandSpec, parseCommand } from './usage.ts'

const spec = {
  name: 'snapshot',
  summary:
    'Reads the account by the EC2 API, once or again and again, and writes what --snapshot reads: the answers of AWS as the AWS CLI prints them, with manifest.json (time, account, region, hashes); or one shared snapshot for many agents. Credentials come as for every AWS program: environment, profile, container or instance role.',
  options: {
    out: { type: 'string', value: 'DIR', help: 'directory to write; new, empty, or an older snapshot' },
    share: {
      type: 'string',
      value: 'PLACE',
      help: 'shared snapshot to write, for topology.source file or s3: a file, or s3://BUCKET/KEY',
    },
    every: {
      type: 'string',
      value: 'DURATION',
      help: 'again and again, until it is stopped: from 10s to 1h',
    },
    region: {
      type: 'string',
      value: 'REGION',
      help: 'default: AWS_REGION, AWS_DEFAULT_REGION, or that of this instance',
    },
    vpc: {
      type: 'string',
      value: 'ID',
      multiple: true,
      help: 'only what belongs to this VPC (may be given several times); default: all of the region',
    },
    json: { type: 'boolean', help: 'one JSON document (schema pathproof.snapshot/1)' },
  },
  examples: [
    'pathproof snapshot --out dump',
    'pathproof snapshot --out dump --region eu-west-1 --vpc vpc-0123456789abcdef0',
    'pathproof snapshot --share s3://my-bucket/pathproof/eu-west-1 --every 30s',
    'pathproof check --snapshot dump https://my-bucket.s3.amazonaws.com/file.jpg',
  ],
  notes:
    'Exit codes (of the last reading, with --every): 0 written whole, 1 nothing could be read or written, 4 written, but parts are missing, 64 wrong usage.',
} as const satisfies CommandSpec

const vpcId = /^vpc-[0-9a-f]{8,17}$/
const deadlineSeconds = 120
/** Between two readings. */
const leastSeconds = 10
const mostSeconds = 3600

export interface SnapshotCommandDeps {
  program: ProgramCommand
  signal: AbortSignal
}

/** What the identity document of this instance says; null: there is none, or it is not to be asked. */
async function instanceHere(
  io: Io,
  signal: AbortSignal,
): Promise<{ region: string; accountId: string } | null> {
  if (io.environment['AWS_EC2_METADATA_DISABLED'] === 'true') return null
  const metadata = await readMetadata({
    endpoint: imdsEndpoint,
    timeoutSeconds: 1,
    deadlineSeconds: 3,
    signal,
  })
  return metadata.answered ? metadata.document : null
}

/** `pathproof snapshot`. Exit codes 0, 1, 4, 64. */
export async function snapshotCommand(
  argv: readonly string[],
  io: Io,
  deps: SnapshotCommandDeps = { program: ownProgram(), signal: new AbortController().signal },
): Promise<number> {
  const parsed = parseCommand(spec, argv)
  if (!parsed.ok) {
    ;(parsed.code === 0 ? io.stdout : io.stderr)(parsed.text)
    return parsed.code
  }
  const { out = null, share, every, region: given, vpc: vpcIds = [], json = false } = parsed.values
  const say = (text: string): void => io.stderr(`pathproof snapshot: ${safeText(redact(text), 1000)}\n`)
  const wrong = (text: string): number => {
    say(text)
    io.stderr('Next step: pathproof snapshot --help\n')
    return exit.usage
  }
  if (out === null && share === undefined) return wrong('--out or --share is needed')
  const place = share === undefined ? null : readPlace(share)
  if (share !== undefined && place === null)
    return wrong(`--share ${share}: expected a file, or s3://BUCKET/KEY`)
  const period = every === undefined ? null : parseDuration(every)
  if (period !== null && !(period.ok && period.value >= leastSeconds && period.value <= mostSeconds))
    return wrong(`--every ${every ?? ''}: expected a duration from 10s to 1h`)
  const badVpc = vpcIds.find((id) => !vpcId.test(id))
  if (badVpc !== undefined) return wrong(`--vpc ${badVpc}: expected an id like vpc-0123456789abcdef0`)
  const { AWS_REGION: first, AWS_DEFAULT_REGION: second } = io.environment
  const said = given ?? [first, second].find((name) => name)
  // whose credentials an instance gives is only known by its document; agents must know whose account was shared
  const here = said === undefined || place !== null ? await instanceHere(io, deps.signal) : null
  const region = said ?? here?.region ?? null
  if (region === null) return wrong('--region is needed: neither AWS_REGION nor an instance names one')
  if (!isRegion(region)) return wrong(`${region}: expected the name of a region, like eu-west-1`)
  const refusal = out === null ? null : await whyNotWritable(out)
  if (refusal !== null) {
    say(`${out}: ${refusal}`)
    io.stderr('Next step: name a new directory\n')
    return exit.failed
  }
  const round = { out, place, region, vpcIds, json, instanceAccount: here?.accountId ?? null }
  if (period === null || !period.ok) return await readAndWrite(round, io, say, deps)
  let code: number = exit.failed
  while (!deps.signal.aborted) {
    const startedMs = performance.now()
    code = await readAndWrite(round, io, say, deps)
    const waitMs = Math.max(1000, period.value * 1000 - (performance.now() - startedMs))
    if (!deps.signal.aborted) await sleep(waitMs / 1000, deps.signal)
  }
  return code
}

interface Round {
  out: string | null
  place: SharedPlace | null
  region: string
  vpcIds: readonly string[]
  json: boolean
  /** By its identity document; null: not known. */
  instanceAccount: string | null
}

/** One reading, and all that is written of it. */
async function readAndWrite(
  { out, place, region, vpcIds, json, instanceAccount }: Round,
  io: Io,
  say: (text: string) => void,
  deps: SnapshotCommandDeps,
): Promise<number> {
  const startedMs = io.nowMs()
  const readerDeps: ReaderDeps = { ...deps, environment: io.environment, metadata: true, onLine: say }
  const options = { region, vpcIds, deadlineSeconds, instanceAccount }
  const { account, files, failures } = await readFiles(options, readerDeps)
  const failed = new Set(failures.map(({ part }) => part))
  const good = Object.values(files ?? {}).filter((file) => file.refused === undefined)
  if (files === null || good.length === 0) {
    tellFailures(failures, io)
    say('nothing could be read, and nothing was written')
    return exit.failed
  }
  let written = { timeMs: Math.min(...good.map(({ atMs }) => atMs ?? startedMs)), files: good.length }
  try {
    if (out !== null) written = await writeSnapshot(out, files, failures, { account, region, startedMs })
  } catch (error) {
    say(`${out} can't be written: ${error instanceof Error ? error.message : String(error)}`)
    return exit.failed
  }
  if (place !== null) {
    const why = await publishShared(place, { files, account, region, vpcIds }, readerDeps)
    if (why !== null) {
      say(why)
      return exit.failed
    }
    if (account === null)
      say('these credentials do not say of which account they are: agents on EC2 will not use what is shared')
  }
  const where = [...(out === null ? [] : [out]), ...(place === null ? [] : [nameOfPlace(place)])].join(', ')
  if (json) {
    const document = {
      schema: 'pathproof.snapshot/1',
      directory: out === null ? null : safeText(redact(out), 1000),
      shared: place === null ? null : safeText(redact(nameOfPlace(place)), 1000),
      account,
      region,
      time: new Date(written.timeMs).toISOString(),
      files: written.files,
      missing: failures.map(({ part, permission, reason, detail, nextStep }) => ({
        part,
        permission,
        reason,
        detail,
        nextStep,
      })),
    }
    io.stdout(`${JSON.stringify(document)}\n`)
  } else {
    tellFailures(failures, io)
    const next =
      out === null
        ? 'topology: {source: file | s3} in the configuration of the agents'
        : `pathproof check --snapshot ${safeText(redact(out), 1000)} NAME`
    io.stdout(summary(where, account, region, files, written.files, failed, next))
  }
  return failures.length === 0 ? exit.met : exit.undetermined
}

/** One line for each thing that is missing, in the order of the parts; the same reason once. */
function tellFailures(failures: readonly PartFailure[], io: Io): void {
  const byReason = new Map<string, Set<SnapshotPart>>()
  for (const { part, detail, nextStep } of failures) {
    const text = `${detail}; ${nextStep}`
    byReason.set(text, (byReason.get(text) ?? new Set()).add(part))
  }
  for (const [text, parts] of byReason) {
    io.stderr(`missing: ${[...parts].join(', ')}: ${safeText(redact(text), 1000)}\n`)
  }
}

function summary(
  out: string,
  account: string | null,
  region: string,
  files: Readonly<Record<string, SnapshotFile>>,
  written: number,
  failed: ReadonlySet<SnapshotPart>,
  next: string,
): string {
  const whole = snapshotParts.filter((part) => !failed.has(part)).length
  const bytes = Object.values(files).reduce((sum, file) => sum + Buffer.byteLength(file.text), 0)
  const where = `account ${account ?? 'unknown'}, ${region}`
  return (
    `${safeText(redact(out), 1000)}: ${whole} of ${snapshotParts.length} parts, ${written} files, ${Math.ceil(bytes / 1024)} KiB of answers (${where})\n` +
    `Next step: ${next}\n`
  )
}
