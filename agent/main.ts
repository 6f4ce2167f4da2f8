import { redact } from '../model/redact.ts'
import { safeText } from '../model/text.ts'
import { anchorArgument } from './ledger/anchor-request.ts'
import { licences } from './assets.ts'
import { attestArgument } from './evidence/attest-request.ts'
import { chooseCommand } from './cli/usage.ts'
import { directConnectArgument } from './site/direct-connect-request.ts'
import type { Io } from './cli/io.ts'
import { putMetricsArgument } from './web/put-metrics-request.ts'
import { recordsArgument } from './evidence/records-request.ts'
import { sharedArgument } from './account/shared-snapshot-request.ts'
import { readerArgument } from './account/snapshot-request.ts'
import { terminalIo } from './terminal-io.ts'
import { version } from './version.ts'
import { passwordArgument } from './web/password.ts'

/** One line each; the command's own file is loaded only when it is called. */
const commands = {
  run: 'the daemon',
  check: 'one look at names, URLs or all targets: verdict, reasons, fix',
  name: 'reads a host name or (presigned) URL without any network',
  route: "which of the account's routes wins for an address, and what that leaves",
  flow: 'reads flow-log records, and what each leaves possible',
  snapshot: 'reads the account once and writes what --snapshot reads',
  canary: 'the bucket policy of the canary, and one round of it, explained',
  config: 'checks and prints the configuration',
  doctor: 'what this host and account can and can not see',
  ledger: 'verifies the record of all that was seen and judged, and proves parts of it',
  report: 'what the ledger shows of a period: paths, exceptions, gaps, controls that this supports',
  lab: 'a simulated AWS, and the agent running against it',
} as const

type Run = (argv: string[], io: Io) => Promise<number>

const load: { [K in keyof typeof commands]: () => Promise<Run> } = {
  run: async () => (await import('./cli/run.ts')).runCommand,
  check: async () => (await import('./cli/check.ts')).checkCommand,
  name: async () => {
    const { nameCommand } = await import('./cli/name.ts')
    return (argv, io) => nameCommand(argv, { ...io, nowMs: io.nowMs() })
  },
  route: async () => (await import('./cli/route.ts')).routeCommand,
  flow: async () => (await import('./cli/flow.ts')).flowCommand,
  snapshot: async () => (await import('./cli/snapshot.ts')).snapshotCommand,
  canary: async () => (await import('./cli/canary.ts')).canaryCommand,
  config: async () => (await import('./cli/config.ts')).configCommand,
  doctor: async () => (await import('./cli/doctor.ts')).doctorCommand,
  ledger: async () => (await import('./cli/ledger.ts')).ledgerCommand,
  report: async () => (await import('./cli/report.ts')).reportCommand,
  lab: async () => (await import('./cli/lab.ts')).labCommand,
}

async function main(argv: string[]): Promise<number> {
  const io = terminalIo()
  if (argv[0] === '--version' || argv[0] === '-V') {
    io.stdout(`pathproof ${version} (node ${process.versions.node})\n`)
    return 0
  }
  if (argv[0] === '--licenses') {
    const text = await licences()
    if (text === null)
      io.stderr('pathproof: in a checkout each package under node_modules has its own licence\n')
    else io.stdout(text)
    return text === null ? 1 : 0
  }
  const chosen = chooseCommand(
    '',
    "Proves whether this host's connections to AWS services take a private path or a public one, and how that is known.",
    commands,
    argv,
  )
  if (!chosen.ok) {
    ;(chosen.code === 0 ? io.stdout : io.stderr)(chosen.text)
    return chosen.code
  }
  const run = await load[chosen.command]()
  return run(chosen.argv, io)
}

type Reader = (input: typeof process.stdin, output: (text: string) => Promise<void>) => Promise<number>

/** The jobs of a process that this program starts of itself. */
const readers: Readonly<Record<string, () => Promise<Reader>>> = {
  [readerArgument]: async () => (await import('./account/snapshot-reader.ts')).runReader,
  [recordsArgument]: async () => (await import('./evidence/records-reader.ts')).runRecordsReader,
  [anchorArgument]: async () => (await import('./ledger/anchor-signer.ts')).runAnchor,
  [attestArgument]: async () => (await import('./evidence/attest-signer.ts')).runSigner,
  [sharedArgument]: async () => (await import('./account/shared-snapshot-reader.ts')).runSharedReader,
  [putMetricsArgument]: async () => (await import('./web/put-metrics.ts')).runPutMetrics,
  [passwordArgument]: async () => (await import('./web/password-comparer.ts')).runPasswordComparer,
  [directConnectArgument]: async () =>
    (await import('./site/direct-connect-reader.ts')).runDirectConnectReader,
}

/** A reader's whole process: what a credential source of the SDK left open must not keep it alive. */
async function readerProcess(load: () => Promise<Reader>): Promise<never> {
  const run = await load()
  const write = (text: string) =>
    new Promise<void>((resolve, reject) =>
      process.stdout.write(text, (error) => (error ? reject(error) : resolve())),
    )
  process.exit(await run(process.stdin, write))
}

const argv = process.argv.slice(2)
// A reader that goes away (`pathproof … | head`) is no failure. What `check` found must still show in its exit code.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // A daemon outlives whoever reads its events.
  if (argv[0] === 'run') return
  if (error.code === 'EPIPE') {
    if (argv[0] !== 'check') process.exit(0)
    return
  }
  process.stderr.write(`pathproof: standard output can't be written (${error.code})\n`)
  process.exit(1)
})
// A daemon outlives whoever collects its log.
process.stderr.on('error', () => undefined)
// What nobody expected may hold anything, a URL with its signature too.
process.on('uncaughtException', (error) => {
  const lines = String(error instanceof Error ? (error.stack ?? error.message) : error).split('\n')
  process.stderr.write(`pathproof: ${lines.map((line) => safeText(redact(line), 500)).join('\n')}\n`)
  process.exit(1)
})
const reader = Object.hasOwn(readers, argv[0] ?? '') ? readers[argv[0] ?? ''] : undefined

async function start(): Promise<void> {
  // What ends before it is done, for nothing is left to wait for, has failed.
  process.exitCode = 1
  process.exitCode = reader === undefined ? await main(argv) : await readerProcess(reader)
  // Nothing that hangs (a look-up in the C library can't be called off) keeps a stopped daemon alive.
  if (argv[0] === 'run') process.exit()
}

void start()
