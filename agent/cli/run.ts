import { fstatSync } from 'node:fs'
import { withTimers } from '../clock.ts'
import { loadConfig } from '../config/load.ts'
import { notActive } from '../config/not-active.ts'
import { problemText } from '../config/problems.ts'
import { startDaemon } from '../daemon.ts'
import type { Daemon } from '../daemon-types.ts'
import { parseListenAddress } from '../web/listen.ts'
import { type Log, type LogFormat, type LogLevel, createLog, goesToJournal, logLevels } from '../log.ts'
import { machine, readText, sleep } from '../machine.ts'
import { createService } from '../service.ts'
import { settleHeap, settleSeconds } from '../settle.ts'
import { version } from '../version.ts'
import { loadWebConfig, webProblemText } from '../web/files.ts'
import { exit } from './exit-code.ts'
import type { Io } from './io.ts'
import { type CommandSpec, parseCommand } from './usage.ts'

export const defaultConfigFile = '/etc/pathproof/pathproof.yml'
/** What a service manager grants between SIGTERM and SIGKILL is longer. */
const graceSeconds = 10

const nextOfListening: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there: choose another port by web.listen or --web.listen-address',
  EADDRNOTAVAIL:
    'this host does not have that address: choose one that it has by web.listen or --web.listen-address',
  EACCES: 'this user may not listen there: choose a port from 1024 on by web.listen or --web.listen-address',
}

const spec = {
  name: 'run',
  summary:
    'The daemon: probes by schedule, judges, and serves /metrics. SIGHUP reloads the configuration, SIGTERM ends it.',
  options: {
    'config.file': { type: 'string', value: 'FILE', help: `configuration (default ${defaultConfigFile})` },
    'web.listen-address': {
      type: 'string',
      value: 'ADDRESS',
      help: 'overrides web.listen: address:port, [ipv6]:port, :port or fd:N',
    },
    'web.config.file': {
      type: 'string',
      value: 'FILE',
      help: 'TLS, client certificates and passwords of the HTTP surface, in the format of exporter-toolkit',
    },
    'log.level': { type: 'string', value: 'LEVEL', help: `${logLevels.join(', ')} (default info)` },
    'log.format': {
      type: 'string',
      value: 'FORMAT',
      help: 'console, logfmt or json (default: console on a terminal, else logfmt)',
    },
  },
  examples: [
    'pathproof run --config.file /etc/pathproof/pathproof.yml',
    'pathproof run --config.file pathproof.yml --web.listen-address 127.0.0.1:0 --log.format json',
    'pathproof run --web.config.file /etc/pathproof/web.yml --web.listen-address :10097',
  ],
  notes:
    'Exit codes: 0 ended by a signal, 1 could not start, or the disk of the ledger is full (ledger.on_full: exit), 64 wrong usage, 78 the configuration is wrong.',
} as const satisfies CommandSpec

function isLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text)
}

function isFormat(text: string): text is LogFormat {
  return text === 'console' || text === 'logfmt' || text === 'json'
}

function journalHere(environment: Io['environment']): boolean {
  try {
    return goesToJournal(environment['JOURNAL_STREAM'], fstatSync(2))
  } catch {
    return false
  }
}

/** A log on standard error, as the options and the place want it. */
export function logTo(io: Io, level: LogLevel, format: LogFormat | null): Log {
  const journal = format === null && journalHere(io.environment)
  return createLog({
    write: (line) => io.stderr(line),
    level,
    format: format ?? (process.stderr.isTTY ? 'console' : 'logfmt'),
    journal,
    wallMs: () => io.nowMs(),
    monotonicMs: () => performance.now(),
  })
}

/**
 * Takes the signals over, from before the daemon starts: SIGTERM and SIGINT end it (a second one ends the process at
 * once), SIGHUP reloads; one that comes too early is made up for, one that comes too late does nothing.
 */
export function takeSignals(log: Log): { ended: Promise<void>; reloads(daemon: Daemon): void } {
  let daemon: Daemon | null = null
  let asked = false
  let ending = false
  const ended = new Promise<void>((resolve) => {
    const end = (signal: NodeJS.Signals): void => {
      if (ending) process.exit(exit.failed)
      ending = true
      log.info('ending', { signal })
      resolve()
    }
    process.on('SIGTERM', end)
    process.on('SIGINT', end)
  })
  process.on('SIGHUP', () => {
    asked = true
    if (!ending) void daemon?.reload()
  })
  return {
    ended,
    reloads(started) {
      daemon = started
      if (asked && !ending) void daemon.reload()
    },
  }
}

/** `pathproof run`. Exit codes 0, 1, 64, 78. */
export async function runCommand(argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseCommand(spec, argv)
  if (!parsed.ok) {
    ;(parsed.code === 0 ? io.stdout : io.stderr)(parsed.text)
    return parsed.code
  }
  const { 'config.file': file = defaultConfigFile, 'web.listen-address': listen } = parsed.values
  const { 'log.level': level = 'info', 'log.format': format = null } = parsed.values
  const wrong = (text: string): number => {
    io.stderr(`pathproof run: ${text}\nNext step: pathproof run --help\n`)
    return exit.usage
  }
  if (!isLevel(level)) return wrong(`--log.level: expected one of ${logLevels.join(', ')}`)
  if (format !== null && !isFormat(format)) return wrong('--log.format: expected console, logfmt or json')
  if (listen !== undefined) {
    const address = parseListenAddress(listen)
    if ('error' in address) return wrong(`--web.listen-address: ${address.error}`)
  }
  const { 'web.config.file': webConfig } = parsed.values
  const web = webConfig === undefined ? null : loadWebConfig(webConfig)
  if (web?.ok === false) {
    io.stderr(`${webProblemText(web.problems)}\n`)
    return exit.configuration
  }
  const loaded = await loadConfig(file, io.nowMs())
  if (!loaded.ok) {
    for (const problem of loaded.problems) io.stderr(`${problemText(problem)}\n`)
    return exit.configuration
  }
  const log = logTo(io, level, format)
  const signals = takeSignals(log)
  const host = machine(io.environment)
  const service = createService({
    environment: io.environment,
    pid: process.pid,
    monotonicUsec: () => process.hrtime.bigint() / 1000n,
    clock: withTimers(host.clock),
    log,
  })
  for (const warning of loaded.warnings) log.warn('config_warning', { problem: problemText(warning) })
  for (const { path, text } of notActive(loaded.config)) log.warn('not_active', { path, problem: text })
  let full = (): void => undefined
  const filled = new Promise<typeof exit.failed>((resolve) => {
    full = () => resolve(exit.failed)
  })
  let daemon: Daemon
  try {
    daemon = await startDaemon(loaded.config, {
      host,
      log,
      version,
      readText,
      sleep,
      random: Math.random,
      hostRoots: null,
      async loadAgain() {
        const again = await loadConfig(file, io.nowMs())
        return again.ok
          ? { ok: true, config: again.config }
          : { ok: false, text: again.problems.map(problemText).join('\n') }
      },
      onFull: () => full(),
      ...(listen === undefined ? {} : { listen }),
      ...(webConfig === undefined ? {} : { webConfig }),
    })
  } catch (error) {
    const { syscall, code = '' } = error as NodeJS.ErrnoException
    const next = syscall === 'listen' || syscall === 'bind' ? nextOfListening[code] : undefined
    log.error('start_failed', { error: error as Error, ...(next && { next }) })
    log.flush()
    return exit.failed
  }
  signals.reloads(service.started(daemon))
  setTimeout(() => settleHeap(daemon.progress().targets), settleSeconds * 1000).unref()
  const code = await Promise.race([signals.ended.then(() => exit.met), filled])
  if (code !== exit.met) log.error('ending', { because: 'the disk of the ledger is full (ledger.on_full)' })
  service.stopping()
  await daemon.stop(graceSeconds)
  await service.settled()
  return code
}
