import { safeText } from '../../model/text.ts'
import { redact } from '../../model/redact.ts'
import { readMetadata, imdsEndpoint } from '../../aws/imds.ts'
import { isRegion } from '../../aws/partitions.ts'
import type { PartFailure } from '../../aws/snapshot-api.ts'
import type { SnapshotFile } from '../../aws/snapshot-decode-file.ts'
import { type SnapshotPart, snapshotParts } from '../../model/topology.ts'
import { type ProgramCommand, type ReaderDeps, ownProgram } from '../child.ts'
import { readFiles } from '../snapshot-child.ts'
import { whyNotWritable, writeSnapshot } from '../snapshot-directory-writer.ts'
import { exit } from './exit-code.ts'
import type { Io } from './io.ts'
import { type CommandSpec, parseCommand } from './usage.ts'

const spec = {
  name: 'snapshot',
  summary:
    'Reads the account once by the EC2 API and writes what --snapshot reads: the answers of AWS as the AWS CLI prints them, with manifest.json (time, account, region, hashes). Credentials come as for every AWS program: environment, profile, container or instance role.',
  options: {
    out: { type: 'string', value: 'DIR', help: 'directory to write; new, empty, or an older snapshot' },
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
    'pathproof check --snapshot dump https://my-bucket.s3.amazonaws.com/file.jpg',
  ],
  notes:
    'Exit codes: 0 written whole, 1 nothing could be read or written, 4 written, but parts are missing, 64 wrong usage.',
} as const satisfies CommandSpec

const vpcId = /^vpc-[0-9a-f]{8,17}$/
const deadlineSeconds = 120

export interface SnapshotCommandDeps {
  program: ProgramCommand
  signal: AbortSignal
}

/** The region that the environment or this instance names; null: neither. */
async function regionHere(io: Io, signal: AbortSignal): Promise<string | null> {
  const { environment } = io
  const said = [environment['AWS_REGION'], environment['AWS_DEFAULT_REGION']].find((region) => region)
  if (said !== undefined) return said
  if (environment['AWS_EC2_METADATA_DISABLED'] === 'true') return null
  const metadata = await readMetadata({
    endpoint: imdsEndpoint,
    timeoutSeconds: 1,
    deadlineSeconds: 3,
    signal,
  })
  return metadata.answered ? (metadata.document?.region ?? null) : null
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
  const { out, region: given, vpc: vpcIds = [], json = false } = parsed.values
  const say = (text: string): void => io.stderr(`pathproof snapshot: ${safeText(redact(text), 1000)}\n`)
  const wrong = (text: string): number => {
    say(text)
    io.stderr('Next step: pathproof snapshot --help\n')
    return exit.usage
  }
  if (out === undefined) return wrong('--out is needed')
  const badVpc = vpcIds.find((id) => !vpcId.test(id))
  if (badVpc !== undefined) return wrong(`--vpc ${badVpc}: expected an id like vpc-0123456789abcdef0`)
  const region = given ?? (await regionHere(io, deps.signal))
  if (region === null) return wrong('--region is needed: neither AWS_REGION nor an instance names one')
  if (!isRegion(region)) return wrong(`${region}: expected the name of a region, like eu-west-1`)
  const refusal = await whyNotWritable(out)
  if (refusal !== null) {
    say(`${out}: ${refusal}`)
    io.stderr('Next step: name a new directory\n')
    return exit.failed
  }
  const startedMs = io.nowMs()
  const readerDeps: ReaderDeps = { ...deps, environment: io.environment, metadata: true, onLine: say }
  const { account, files, failures } = await readFiles({ region, vpcIds, deadlineSeconds }, readerDeps)
  const failed = new Set(failures.map(({ part }) => part))
  const read = Object.values(files ?? {}).filter((file) => file.refused === undefined).length
  if (files === null || read === 0) {
    tellFailures(failures, io)
    say('nothing could be read, and nothing was written')
    return exit.failed
  }
  let dated: Awaited<ReturnType<typeof writeSnapshot>>
  try {
    dated = await writeSnapshot(out, files, failures, { account, region, startedMs })
  } catch (error) {
    say(`${out} can't be written: ${error instanceof Error ? error.message : String(error)}`)
    return exit.failed
  }
  if (json) {
    const document = {
      schema: 'pathproof.snapshot/1',
      directory: safeText(redact(out), 1000),
      account,
      region,
      time: new Date(dated.timeMs).toISOString(),
      files: dated.files,
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
    io.stdout(summary(out, account, region, files, dated.files, failed))
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
): string {
  const whole = snapshotParts.filter((part) => !failed.has(part)).length
  const bytes = Object.values(files).reduce((sum, file) => sum + Buffer.byteLength(file.text), 0)
  const where = `account ${account ?? 'unknown'}, ${region}`
  return (
    `${safeText(redact(out), 1000)}: ${whole} of ${snapshotParts.length} parts, ${written} files, ${Math.ceil(bytes / 1024)} KiB of answers (${where})\n` +
    `Next step: pathproof check --snapshot ${safeText(redact(out), 1000)} NAME\n`
  )
}
