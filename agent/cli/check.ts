import { isAwsName } from '../../aws/hostname.ts'
import { readNameInput } from '../../aws/name-input.ts'
import { redact } from '../../model/redact.ts'
import type { HostAccess } from '../../model/host.ts'
import type { Target } from '../../model/target.ts'
import { safeText } from '../../model/text.ts'
import type { Snapshot, Vantage } from '../../model/topology.ts'
import { type Widened, widen } from '../all-styles.ts'
import { check } from '../check.ts'
import type { Config } from '../config/config.ts'
import { loadConfig, parseConfig } from '../config/load.ts'
import { problemText } from '../config/problems.ts'
import { targetsOf } from '../config/targets.ts'
import { machine, readText } from '../machine.ts'
import { ownProgram } from '../child.ts'
import { regionOf } from '../account/snapshot-source.ts'
import { targetDocument } from '../web/verdict-document.ts'
import { version } from '../version.ts'
import { exit, exitCodeOf, worstExitCode } from './exit-code.ts'
import type { Io } from './io.ts'
import { renderTarget } from './render-check.ts'
import { leaksOf, renderStyles } from './render-styles.ts'
import { type CommandSpec, parseCommand } from './usage.ts'

const spec = {
  name: 'check',
  summary:
    "Looks once, with every probe: does this host's connection take a private path or a public one, and how is that known?",
  options: {
    'config.file': {
      type: 'string',
      value: 'FILE',
      help: 'configuration; without NAME, all of its targets are checked (without targets: what is discovered)',
    },
    snapshot: {
      type: 'string',
      value: 'DIR',
      help: 'directory with the output of the AWS CLI, at most 3 minutes old',
    },
    'all-styles': {
      type: 'boolean',
      help: 'look as well at the other names by which software may call the same service and bucket: which of them leak?',
    },
    json: { type: 'boolean', help: 'one JSON document per input, one per line (schema pathproof.check/1)' },
  },
  positionals: {
    label: '[NAME|URL…]',
    min: 0,
    max: Infinity,
    help: 'host names or (presigned) URLs; only the host is contacted. Without any, on EC2: the services that are discovered',
  },
  examples: [
    'pathproof check',
    'pathproof check --snapshot dump https://my-bucket.s3.amazonaws.com/file.jpg',
    'pathproof check --config.file /etc/pathproof/pathproof.yml',
    'pathproof check --all-styles https://my-bucket.s3.eu-west-1.amazonaws.com/file.jpg',
    'pathproof check --json sts.amazonaws.com ssm.eu-west-1.amazonaws.com',
  ],
  notes:
    'Exit codes: 0 requirement met (or waived), 1 failed to run, 3 not met, 4 undetermined, 64 wrong usage, 65 malformed input, 78 configuration. Of many: 3 before 4 before 0.',
} as const satisfies CommandSpec

/** What a URL says beside its host name, for the other names of the same thing. */
interface InputParts {
  pathBucket: string | null
  signingRegion: string | null
}

/** The target that one name or URL stands for: that host alone, required to be private. */
function targetFor(
  input: string,
): { ok: true; target: Target; note: string | null; of: InputParts } | { ok: false; error: string } {
  const read = readNameInput(input)
  if (!read.ok) return { ok: false, error: read.error }
  const { name, port, scheme, pathStyle, presigned } = read.input
  const note =
    scheme === 'http' ? `${name.hostname}: http:// URL; the probe speaks TLS on port ${port ?? 443}` : null
  return {
    ok: true,
    note,
    of: { pathBucket: pathStyle ? name.bucket : null, signingRegion: presigned.signingRegion },
    target: {
      name: name.hostname,
      names: [
        {
          hostname: name.hostname,
          port: port ?? 443,
          style: name.style,
          service: name.service,
          region: name.region,
        },
      ],
      require: { kind: 'private' },
      minProof: 'configured',
      requireFirstLeg: 'any',
      resolvers: ['system'],
      compareResolvers: [],
      source: null,
      schedule: { kind: 'interval', everySeconds: 30 },
      timeoutSeconds: 5,
      confirmWithinSeconds: 1800,
      evidenceAgeSeconds: null,
      waiver: null,
      discovered: false,
    },
  }
}

function tell(snapshot: Snapshot, problems: readonly string[], io: Io): void {
  for (const problem of problems.slice(0, 20))
    io.stderr(`pathproof check: ${safeText(redact(problem), 1000)}\n`)
  const part = snapshot.parts.routeTables
  if (part.read && part.atMs !== null && part.dated === 'mtime') {
    io.stderr(
      `snapshot as of ${new Date(part.atMs).toISOString()} (by the files' own times, which copying changes)\n`,
    )
  }
}

async function configOf(file: string | undefined, io: Io): Promise<Config | null> {
  const loaded =
    file === undefined
      ? parseConfig('version: 1\n', 'defaults', io.nowMs())
      : await loadConfig(file, io.nowMs())
  if (loaded.ok) return loaded.config
  for (const problem of loaded.problems) io.stderr(`${problemText(problem)}\n`)
  return null
}

/** The machine that is looked at; the lab plays another one. */
export interface CheckedMachine {
  host: HostAccess
  /** Roots of the host's own certificate store; null: the real one. */
  hostRoots: (() => string[]) | null
  readText(path: string): Promise<string | null>
}

/** `pathproof check`. Exit codes as its help says. */
export async function checkCommand(
  argv: readonly string[],
  io: Io,
  at: CheckedMachine = { host: machine(io.environment), hostRoots: null, readText },
): Promise<number> {
  const parsed = parseCommand(spec, argv)
  if (!parsed.ok) {
    ;(parsed.code === 0 ? io.stdout : io.stderr)(parsed.text)
    return parsed.code
  }
  const { 'config.file': file, snapshot: directory = null, json = false } = parsed.values
  const everyStyle = parsed.values['all-styles'] ?? false
  const config = await configOf(file, io)
  if (config === null) return exit.configuration
  const codes: number[] = []
  let targets: Target[] | null = []
  const parts = new Map<Target, InputParts>()
  const widened = new Map<string, Widened>()
  for (const input of parsed.positionals) {
    const read = targetFor(input)
    if (!read.ok) {
      codes.push(exit.malformed)
      const shown = safeText(redact(input), 300)
      if (json)
        io.stdout(`${JSON.stringify({ schema: 'pathproof.check/1', input: shown, error: read.error })}\n`)
      else io.stderr(`pathproof check: ${shown.trim() === '' ? '""' : shown}: ${read.error}\n`)
      continue
    }
    if (read.note !== null) io.stderr(`${safeText(read.note)}\n`)
    if (read.target.names.some((n) => !isAwsName(n.hostname))) {
      io.stderr(`${safeText(read.target.name)}: not an AWS name; it is judged all the same\n`)
    }
    targets.push(read.target)
    parts.set(read.target, read.of)
  }
  if (parsed.positionals.length === 0) {
    const { targets: configured, problems } = targetsOf(config)
    for (const p of problems) io.stderr(`pathproof check: ${p.problem}\n`)
    if (problems.length > 0) return exit.configuration
    targets = configured.length === 0 ? null : configured
  }
  // Nothing is left to look at: not even the metadata service is asked.
  if (targets?.length === 0) return worstExitCode(codes)
  let nothing = false
  const stop = new AbortController()
  const interrupt = (): void => stop.abort(new Error('interrupted'))
  process.once('SIGINT', interrupt)
  try {
    const results = check(targets, config, directory, {
      ...at,
      version,
      signal: stop.signal,
      program: ownProgram(),
      ...(everyStyle && {
        widen(target: Target, vantage: Vantage) {
          const { pathBucket = null, signingRegion = null } = parts.get(target) ?? {}
          const [hostname = ''] = target.names.map((name) => name.hostname)
          const region = signingRegion ?? regionOf(config, vantage, at.host.environment)
          const wide = widen(target, {
            pathBuckets: new Map(pathBucket === null ? [] : [[hostname, pathBucket]]),
            region: region === '*' ? null : region,
          })
          widened.set(target.name, wide)
          for (const name of wide.withoutRegion)
            io.stderr(`${safeText(name)}: no region is known: names with a region in them are left out\n`)
          return wide.target
        },
      }),
      onSnapshot: (snapshot, problems) => tell(snapshot, problems, io),
      onProblem: (problem) => io.stderr(`pathproof check: ${safeText(redact(problem), 1000)}\n`),
      onDiscovered(found, because) {
        nothing = found.length === 0
        for (const reason of because) io.stderr(`${safeText(redact(reason), 1000)}\n`)
        if (!nothing) io.stderr(`discovered: ${found.map(({ name }) => name).join(', ')}\n`)
      },
    })
    for await (const { verdict, staleWouldBe } of results) {
      codes.push(exitCodeOf(verdict))
      const wide = widened.get(verdict.target)
      if (json) {
        const stale = Object.fromEntries(staleWouldBe)
        io.stdout(
          `${JSON.stringify({ schema: 'pathproof.check/1', ...(targetDocument(verdict) as object), ifSnapshotWereFresh: stale, ...(wide && { allStyles: { given: wide.given, leaks: leaksOf(verdict).map(({ hostname }) => hostname) } }) })}\n`,
        )
      } else if (wide !== undefined) io.stdout(`${renderStyles(verdict, wide.given, { color: io.color })}\n`)
      else io.stdout(`${renderTarget(verdict, { color: io.color, staleWouldBe })}\n`)
    }
  } catch (error) {
    io.stderr(
      `pathproof check: ${safeText(redact(error instanceof Error ? error.message : String(error)), 500)}\n`,
    )
    return exit.failed
  } finally {
    process.off('SIGINT', interrupt)
  }
  if (nothing) {
    io.stderr(
      'pathproof check: no target is given, and none was discovered\nNext step: name a host (pathproof check --help), or see what this host shows: pathproof doctor\n',
    )
    return file === undefined ? exit.usage : exit.configuration
  }
  return worstExitCode(codes)
}
