import { canaryCommands, canaryPolicy } from '../../aws/bucket-policy.ts'
import type { CanaryAsk } from '../../model/observation.ts'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { type CanarySays, readCanary } from '../../verdict/rules/canary-mix.ts'
import { type CanaryCheck, type JudgedCanary, canaryRegion, checkCanary } from '../evidence/canary-check.ts'
import { wantedPolicy } from '../evidence/canary-policy.ts'
import { type ProgramCommand, ownProgram } from '../child.ts'
import type { CanaryConfig, Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import { problemText } from '../config/problems.ts'
import { machine, readText } from '../machine.ts'
import { findVantage } from '../account/vantage.ts'
import { version } from '../version.ts'
import type { CheckedMachine } from './check.ts'
import { defaultConfigFile } from './config.ts'
import { exit } from './exit-code.ts'
import type { Io } from './io.ts'
import { type CommandSpec, chooseCommand, parseCommand } from './usage.ts'

const summaries = {
  policy: 'prints the bucket policy that the canary needs, and how to put it; changes nothing',
  check: 'makes one round of the canary and explains what came of it',
}

const schema = 'pathproof.canary/1'

const options = {
  'config.file': { type: 'string', value: 'FILE', help: `the configuration (default ${defaultConfigFile})` },
  json: { type: 'boolean', help: `one JSON document (schema ${schema})` },
} as const

const specs = {
  policy: {
    name: 'canary policy',
    summary:
      'Prints the statements of the bucket policy that the canary of the configuration needs, on standard output, and on standard error how to put them. Uploads nothing and changes nothing. With source_ip it asks the instance metadata for the addresses of this host.',
    options,
    examples: [
      'pathproof canary policy > canary-policy.json',
      'pathproof canary policy --json --config.file ./pathproof.yml',
    ],
    notes:
      'The policy denies reading two objects and nothing else: nobody is locked out of the bucket or of its policy.\nExit codes: 0 printed, 1 this host does not show what the policy has to name, 64 wrong usage, 78 the configuration is wrong or has no canary.',
  },
  check: {
    name: 'canary check',
    summary:
      'Makes one round of the canary: for each style of S3 name one connection, three signed requests over it. Says what AWS attests by it, or what is in the way.',
    options,
    examples: ['pathproof canary check', 'pathproof canary check --json --config.file ./pathproof.yml'],
    notes:
      'Exit codes: 0 attested private, 1 failed to run, 3 attested public, 4 inconclusive, 64 wrong usage, 78 the configuration is wrong or has no canary.',
  },
} as const satisfies Record<keyof typeof summaries, CommandSpec>

const printable = (text: string, length = 2000): string => safeText(redact(text), length)

async function canaryOf(file: string, io: Io): Promise<{ config: Config; canary: CanaryConfig } | null> {
  const loaded = await loadConfig(file, io.nowMs())
  if (!loaded.ok) {
    for (const problem of loaded.problems) io.stderr(`${problemText(problem)}\n`)
    return null
  }
  const { canary } = loaded.config
  if (canary !== null) return { config: loaded.config, canary }
  io.stderr(
    `pathproof canary: ${printable(file, 300)} has no section canary\nNext step: pathproof config example shows one\n`,
  )
  return null
}

async function policy(
  { config, canary }: { config: Config; canary: CanaryConfig },
  json: boolean,
  io: Io,
  { host, readText: read }: CheckedMachine,
): Promise<number> {
  const asked =
    canary.region === null ||
    (canary.sourceIp && (canary.sourceAddresses.length === 0 || canary.vpc === null))
  const { signal } = new AbortController()
  const vantage = asked
    ? await findVantage({ host, readText: read, configured: config.agent.vantage, signal })
    : {
        kind: 'unknown' as const,
        because: [],
        instanceId: null,
        accountId: null,
        region: null,
        interfaces: [],
      }
  const region = canaryRegion(config, canary, vantage, host.environment)
  const wanted =
    region === null
      ? { ok: false as const, because: 'the region of the bucket is not known: set canary.region' }
      : wantedPolicy(canary, region, vantage)
  if (!wanted.ok) {
    io.stderr(`pathproof canary policy: ${printable(wanted.because)}\n`)
    return exit.failed
  }
  const document = canaryPolicy(wanted.wanted)
  const commands = canaryCommands(canary)
  if (json) {
    io.stdout(`${JSON.stringify({ schema, command: 'policy', policy: document, commands })}\n`)
    return exit.met
  }
  io.stdout(`${JSON.stringify(document, null, 2)}\n`)
  io.stderr(
    [
      'How to put it (nothing has been changed):',
      ...commands.map(({ text, command }) => `  # ${text}\n  ${command}`),
      "The agent's role needs s3:GetObject on the three objects and s3:GetBucketPolicy on the bucket: pathproof config iam prints the policy.",
      'Nobody is locked out: only the reading of the positive and the negative object is denied.',
      '',
    ].join('\n'),
  )
  return exit.met
}

interface Shown {
  hostname: string
  address: string
  localAddress: string | null
  localPort: number | null
  socket: 1 | 2
  asks: CanaryAsk[]
  says: CanarySays
  because: string
  next: string | null
  attested: JudgedCanary['attested']
  state: string
  possible: readonly string[]
  evidence: string[]
}

function shownOf({ result, verdict, attested }: JudgedCanary): Shown {
  const { attempt, canary, evidence } = result
  const { says, because, next } = readCanary(canary)
  const relays = attested === null && says === 'endpoint' && verdict.state === 'undetermined'
  return {
    hostname: attempt.hostname,
    address: attempt.address,
    localAddress: attempt.localAddress,
    localPort: attempt.localPort,
    socket: canary.socket,
    asks: canary.asks,
    says,
    because: printable(because),
    next: relays
      ? 'a relay inside the VPC can have sent it on: canary.source_ip excludes that, on a host in the VPC of the endpoint'
      : next,
    attested,
    state: verdict.state,
    possible: verdict.possible,
    evidence: evidence.map((one) => printable(one.because)),
  }
}

function answersText(asks: readonly CanaryAsk[]): string {
  const texts = asks.map(({ object, outcome }) => {
    const answer = outcome.answered
      ? `${outcome.status}${outcome.code === null ? '' : ` ${outcome.code}`}`
      : outcome.failure.type
    return `${object} ${answer}`
  })
  return texts.length === 0 ? 'nothing was asked' : texts.join(', ')
}

function render(shown: Shown): string {
  const { hostname, address, localAddress, localPort, attested, says, evidence, next, state, possible } =
    shown
  const word =
    attested === null
      ? says === 'inconclusive'
        ? 'inconclusive'
        : `attested in part (${state})`
      : `attested ${attested}`
  return [
    `${word}: ${hostname} ${address} (from ${localAddress ?? '?'}:${localPort ?? '?'})`,
    `  ${answersText(shown.asks)}`,
    ...evidence.map((text) => `  ${text}`),
    `  possible: ${possible.join(', ')}`,
    ...(next === null ? [] : [`  next step: ${next}`]),
  ].join('\n')
}

/** What a whole round says: of the sockets of one address the one that AWS answered for in full. */
function exitCodeOf({ sockets }: CanaryCheck): number {
  const rounds = new Map<string, JudgedCanary>()
  for (const one of sockets) {
    const { round } = one.result.canary
    const known = rounds.get(round)
    if (known === undefined || known.attested === null) rounds.set(round, one)
  }
  const sides = [...rounds.values()].map(({ attested }) => attested)
  if (sides.includes('public')) return exit.notMet
  return sides.length > 0 && sides.every((side) => side === 'private') ? exit.met : exit.undetermined
}

async function check(
  { config, canary }: { config: Config; canary: CanaryConfig },
  json: boolean,
  io: Io,
  { host, hostRoots, readText: read, program }: CheckedMachine & { program: ProgramCommand },
): Promise<number> {
  const stop = new AbortController()
  const interrupt = (): void => stop.abort(new Error('interrupted'))
  process.once('SIGINT', interrupt)
  try {
    const found = await checkCanary(config, canary, {
      host,
      hostRoots,
      readText: read,
      version,
      program,
      signal: stop.signal,
      onProblem: (problem) => io.stderr(`pathproof canary check: ${printable(problem)}\n`),
    })
    const shown = found.sockets.map(shownOf)
    const problems = found.problems.map((problem) => printable(problem))
    const code = exitCodeOf(found)
    if (json) {
      io.stdout(`${JSON.stringify({ schema, command: 'check', exitCode: code, problems, sockets: shown })}\n`)
      return code
    }
    for (const problem of problems) io.stderr(`pathproof canary check: ${problem}\n`)
    if (shown.length === 0) io.stdout('inconclusive: no request was answered\n')
    for (const one of shown) io.stdout(`${render(one)}\n`)
    return code
  } catch (error) {
    io.stderr(
      `pathproof canary check: ${printable(error instanceof Error ? error.message : String(error), 500)}\n`,
    )
    return exit.failed
  } finally {
    process.off('SIGINT', interrupt)
  }
}

/** `pathproof canary policy|check`. Exit codes as the help says. */
export async function canaryCommand(
  argv: string[],
  io: Io,
  at: CheckedMachine & { program?: ProgramCommand } = {
    host: machine(io.environment),
    hostRoots: null,
    readText,
  },
): Promise<number> {
  const chosen = chooseCommand(
    'canary',
    'What AWS itself says of this host’s requests to S3.',
    summaries,
    argv,
  )
  const parsed = chosen.ok ? parseCommand(specs[chosen.command], chosen.argv) : chosen
  if (!chosen.ok || !parsed.ok) {
    const { code, text } = parsed as { code: number; text: string }
    ;(code === 0 ? io.stdout : io.stderr)(text)
    return code
  }
  const { 'config.file': file = defaultConfigFile, json = false } = parsed.values
  const configured = await canaryOf(file, io)
  if (configured === null) return exit.configuration
  return chosen.command === 'policy'
    ? await policy(configured, json, io, at)
    : await check(configured, json, io, { ...at, program: at.program ?? ownProgram() })
}
