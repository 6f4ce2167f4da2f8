import { existsSync } from 'node:fs'
import { styleText } from 'node:util'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { type LoadResult, loadConfig, parseConfig } from '../config/load.ts'
import { problemText } from '../config/problems.ts'
import { targetsOf } from '../config/targets.ts'
import { examine } from '../doctor/examine.ts'
import { type Finding, type FindingStatus, fail } from '../doctor/finding.ts'
import { machine, readText } from '../machine.ts'
import { version } from '../version.ts'
import { defaultConfigFile } from './config.ts'
import { exit } from './exit-code.ts'
import type { Io } from './io.ts'
import { type CommandSpec, parseCommand } from './usage.ts'

const schema = 'pathproof.doctor/1'
/** One question, one connection. */
const timeoutSeconds = 3

const spec = {
  name: 'doctor',
  summary:
    'Says what this host and account can and can not see, one line each with what mends it. Asks resolvers and the instance metadata, and nobody else.',
  options: {
    'config.file': {
      type: 'string',
      value: 'FILE',
      help: `configuration (default ${defaultConfigFile} if it is there, else none)`,
    },
    connect: {
      type: 'boolean',
      help: 'make one TLS connection as well: who answers, and is the clock right?',
    },
    trace: {
      type: 'boolean',
      help: 'on-prem: make one trace by TCP as well (mtr or traceroute): which hops show the first leg?',
    },
    json: { type: 'boolean', help: `one JSON document (schema ${schema})` },
  },
  examples: [
    'pathproof doctor',
    'pathproof doctor --connect --config.file /etc/pathproof/pathproof.yml',
    'pathproof doctor --json',
  ],
  notes:
    'Exit codes: 0 all is seen, 1 the agent can not do its work here, 4 something stays in doubt, 64 wrong usage, 78 the configuration is wrong.',
} as const satisfies CommandSpec

const colours = { ok: 'green', warn: 'yellow', fail: 'red' } as const satisfies Record<FindingStatus, string>

const printable = (text: string, length = 2000): string => safeText(redact(text), length)

function shown(finding: Finding): Finding {
  const { area, status, text, next } = finding
  return { area, status, text: printable(text), next: next === null ? null : printable(next) }
}

function render(findings: readonly Finding[], io: Io): string {
  const width = Math.max(...findings.map(({ area }) => area.length))
  const lines = findings.map(({ area, status, text, next }) => {
    const word = status.padEnd(4)
    const sign = io.color ? styleText(colours[status], word, { validateStream: false }) : word
    return `${sign}  ${area.padEnd(width)}  ${text}${next === null ? '' : `. Next: ${next}`}\n`
  })
  const count = (status: FindingStatus) => findings.filter((finding) => finding.status === status).length
  return `${lines.join('')}\n${count('ok')} ok, ${count('warn')} in doubt, ${count('fail')} failed\n`
}

function exitCode(findings: readonly Finding[]): number {
  if (findings.some(({ status }) => status === 'fail')) return exit.failed
  return findings.some(({ status }) => status === 'warn') ? exit.undetermined : exit.met
}

function print(findings: readonly Finding[], code: number, json: boolean, io: Io): number {
  const safe = findings.map(shown)
  if (json) {
    const at = new Date(io.nowMs()).toISOString()
    io.stdout(`${JSON.stringify({ schema, version, at, exitCode: code, findings: safe })}\n`)
  } else io.stdout(render(safe, io))
  return code
}

async function configOf(file: string | null, io: Io): Promise<LoadResult> {
  return file === null
    ? parseConfig('version: 1\n', 'defaults', io.nowMs())
    : await loadConfig(file, io.nowMs())
}

/** `pathproof doctor`. Exit codes 0, 1, 4, 64, 78. */
export async function doctorCommand(argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseCommand(spec, argv)
  if (!parsed.ok) {
    ;(parsed.code === 0 ? io.stdout : io.stderr)(parsed.text)
    return parsed.code
  }
  const { 'config.file': given, connect = false, trace = false, json = false } = parsed.values
  const file = given ?? (existsSync(defaultConfigFile) ? defaultConfigFile : null)
  const loaded = await configOf(file, io)
  if (!loaded.ok) {
    const findings = loaded.problems.map((problem) =>
      fail('configuration', problemText(problem), 'pathproof config check'),
    )
    return print(findings, exit.configuration, json, io)
  }
  const stop = new AbortController()
  const interrupt = (): void => stop.abort(new Error('interrupted'))
  process.once('SIGINT', interrupt)
  try {
    const findings = await examine({
      config: loaded.config,
      file,
      warnings: loaded.warnings,
      targets: targetsOf(loaded.config).targets,
      connect,
      trace,
      version,
      host: machine(io.environment),
      readText,
      timeoutSeconds,
      signal: stop.signal,
    })
    return print(findings, exitCode(findings), json, io)
  } catch (error) {
    io.stderr(`pathproof doctor: ${printable(error instanceof Error ? error.message : String(error), 500)}\n`)
    return exit.failed
  } finally {
    process.off('SIGINT', interrupt)
  }
}
