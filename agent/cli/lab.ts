import { styleText } from 'node:util'
import { type Lab, startLab, systemServersOf } from '../../lab/lab.ts'
import { insideNamespace, namespacesAvailable, runInNamespace } from '../../lab/namespace.ts'
import { type Scenario, firstWorld, loadScenario, shippedScenarios } from '../../lab/scenario.ts'
import type { PathState } from '../../model/path.ts'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import { startDaemon } from '../daemon.ts'
import { labConfig } from '../lab-config.ts'
import { isRecordFormat } from '../lab-records.ts'
import { parseDuration } from '../config/units.ts'
import { machine, readText, sleep } from '../machine.ts'
import { ownProgram } from '../child.ts'
import { version } from '../version.ts'
import { exit } from './exit-code.ts'
import { troubleOf } from './file-trouble.ts'
import type { Io } from './io.ts'
import { confusionMatrix } from './lab-matrix.ts'
import { logTo } from './run.ts'
import { type CommandSpec, parseCommand } from './usage.ts'

const spec = {
  name: 'lab',
  summary:
    'A simulated AWS on this machine, and the agent running against it: watch verdicts turn without an account. Needs no root; on Linux it lives in namespaces of its own, elsewhere on loopback.',
  options: {
    scenario: {
      type: 'string',
      value: 'NAME',
      help: 'which set-up to play (default demo); a file works too',
    },
    list: { type: 'boolean', help: 'the scenarios that come with the program' },
    matrix: {
      type: 'boolean',
      help: 'every scenario (or that of --scenario) once: verdicts against the truth of its packets',
    },
    api: {
      type: 'boolean',
      help: "with --matrix: read the account by the lab's EC2 API, as on an instance, instead of AWS CLI output",
    },
    records: {
      type: 'boolean',
      help: 'with --matrix: and what flow logs make of each verdict, once their records have come',
    },
    format: {
      type: 'string',
      value: 'FORMAT',
      help: 'with --records: full (the one that this program asks for, the default), v5 or default',
    },
    demo: { type: 'boolean', help: 'the same as --scenario demo' },
    'web.listen-address': {
      type: 'string',
      value: 'ADDRESS',
      help: 'where /metrics and the page are (default 127.0.0.1:10097)',
    },
    mapped: { type: 'boolean', help: 'on loopback even where namespaces could be had' },
    every: { type: 'string', value: 'DURATION', help: 'interval of the probes (default 5s)' },
  },
  examples: [
    'pathproof lab',
    'pathproof lab --scenario s3-private-dns',
    'pathproof lab --list',
    'pathproof lab --matrix --api',
    'pathproof lab --matrix --records --format v5',
  ],
  notes: 'Ctrl-C ends all of it.',
} as const satisfies CommandSpec

const marks: Record<PathState, { sign: string; colour: 'green' | 'red' | 'yellow' }> = {
  private: { sign: '✔ private     ', colour: 'green' },
  public: { sign: '✘ public      ', colour: 'red' },
  mixed: { sign: '✘ mixed       ', colour: 'red' },
  blocked: { sign: '– blocked     ', colour: 'yellow' },
  undetermined: { sign: '? undetermined', colour: 'yellow' },
}

/** Prints each verdict as it turns, with its reason and what mends it. */
function display(io: Io, lab: Lab): (verdict: TargetVerdict) => void {
  const last = new Map<string, PathState>()
  const paint = (colour: 'green' | 'red' | 'yellow' | 'dim' | 'bold', text: string) =>
    io.color ? styleText(colour, text, { validateStream: false }) : text
  return (verdict) => {
    for (const name of verdict.names) {
      const key = `${verdict.target} ${name.hostname}`
      if (last.get(key) === name.state) continue
      const turned = last.has(key)
      last.set(key, name.state)
      const { sign, colour } = marks[name.state]
      const time = paint('dim', new Date(io.nowMs()).toISOString().slice(11, 19))
      const proof = name.proof === null ? '' : ` (proof: ${name.proof})`
      io.stdout(
        `${time}  ${paint(colour, sign)}  ${paint('bold', verdict.target)}  ${safeText(name.hostname)}${proof}\n`,
      )
      const deciding =
        name.attempts.find((a) => a.state === (name.state === 'mixed' ? 'public' : name.state)) ??
        name.attempts[0]
      const reason = deciding?.evidence.find((e) => e.rank === 'configured') ?? deciding?.evidence[0]
      io.stdout(`            ${safeText(reason?.because ?? name.because[0] ?? '', 400)}\n`)
      if (name.state !== 'private' && name.state !== 'blocked') {
        for (const fix of name.fix.slice(0, 2)) {
          io.stdout(`            fix: ${safeText(fix.text, 400)}\n`)
          if (fix.command !== null) io.stdout(`                 $ ${safeText(fix.command, 400)}\n`)
        }
        for (const decider of name.wouldDecide.slice(0, 1))
          io.stdout(`            would decide it: ${safeText(decider, 400)}\n`)
      }
      if (turned) io.stdout(`            truth of the lab's packets: ${lab.truth(name.hostname).state}\n`)
    }
  }
}

async function play(
  scenario: Scenario,
  io: Io,
  how: {
    mode: 'namespace' | 'mapped'
    listen: string
    every: string
    shownAt: string | null
    gone: AbortSignal | null
  },
): Promise<number> {
  const lab = await startLab(scenario, {
    mode: how.mode,
    clock: { wallMs: () => io.nowMs() },
    timed: true,
    onStep: (step) => io.stdout(`\n${new Date(io.nowMs()).toISOString().slice(11, 19)}  ▶ ${step.title}\n\n`),
    onError: (error) =>
      io.stderr(
        `pathproof lab: ${safeText(redact(error instanceof Error ? error.message : String(error)))}\n`,
      ),
  })
  try {
    const loaded = labConfig(lab, { every: how.every, listen: how.listen, nowMs: io.nowMs() })
    if (!loaded.ok) {
      for (const p of loaded.problems) io.stderr(`pathproof lab: ${p.path}: ${p.problem}, ${p.expected}\n`)
      return exit.configuration
    }
    io.stdout(`${scenario.title}\n${scenario.story}\n\n`)
    const log = logTo(io, 'error', null)
    const daemon = await startDaemon(loaded.config, {
      host: lab.hostAccess(machine(io.environment)),
      log,
      version,
      readText: (path) => (path.startsWith('/sys/class/dmi/') ? Promise.resolve(null) : readText(path)),
      sleep,
      random: Math.random,
      hostRoots: lab.hostRoots,
      loadAgain: null,
      onVerdict: display(io, lab),
    })
    const at = how.shownAt ?? `${daemon.address.host}:${daemon.address.port}`
    io.stdout(
      `status page  http://${at}/\nmetrics      http://${at}/metrics\nverdicts     http://${at}/api/v1/verdicts\nCtrl-C ends it.\n\n`,
    )
    await new Promise<void>((resolve) => {
      const end = (): void => resolve()
      process.once('SIGINT', end)
      process.once('SIGTERM', end)
      how.gone?.addEventListener('abort', end, { once: true })
    })
    await daemon.stop(2)
    return exit.met
  } finally {
    await lab.close()
  }
}

/** What went wrong, for a person, with what to do about it where that is known. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, path } = error as NodeJS.ErrnoException
  if (path !== undefined) return troubleOf(error)
  const isTaken = code === 'EADDRINUSE'
  return isTaken ? `${error.message}\nNext step: choose another by --web.listen-address` : error.message
}

/** `pathproof lab`. Exit codes 0, 1, 64. */
export async function labCommand(argv: readonly string[], io: Io): Promise<number> {
  const parsed = parseCommand(spec, argv)
  if (!parsed.ok) {
    ;(parsed.code === 0 ? io.stdout : io.stderr)(parsed.text)
    return parsed.code
  }
  const { values } = parsed
  const fail = (error: unknown, code: number): number => {
    const lines = wordsOf(error).split('\n')
    io.stderr(`pathproof lab: ${lines.map((line) => safeText(redact(line), 2000)).join('\n')}\n`)
    return code
  }
  if (values.list === true) {
    for (const name of await shippedScenarios()) {
      const scenario = await loadScenario(name)
      io.stdout(`${name.padEnd(36)} ${scenario.title}\n`)
    }
    return exit.met
  }
  if (values.api === true && values.matrix !== true) return fail('--api goes with --matrix', exit.usage)
  if (values.records === true && values.matrix !== true)
    return fail('--records goes with --matrix', exit.usage)
  if (values.format !== undefined && values.records !== true)
    return fail('--format goes with --records', exit.usage)
  const format = values.format ?? 'full'
  if (!isRecordFormat(format)) return fail(`--format ${format}: expected full, v5 or default`, exit.usage)
  const program = values.api === true ? ownProgram() : null
  const records = values.records === true ? { format, program: ownProgram() } : null
  if (values.matrix === true && values.scenario === undefined)
    return confusionMatrix(io, { program, records })
  let scenario: Scenario
  try {
    scenario = await loadScenario(values.scenario ?? 'demo')
  } catch (error) {
    return fail(`${wordsOf(error)}\nNext step: pathproof lab --list`, exit.usage)
  }
  if (values.matrix === true)
    return confusionMatrix(io, { only: values.scenario ?? 'demo', program, records })
  const listen = values['web.listen-address'] ?? '127.0.0.1:10097'
  const every = values.every ?? '5s'
  const period = parseDuration(every)
  if (!(period.ok && period.value >= 1 && period.value <= 86_400))
    return fail(`--every ${every}: expected a duration from 1s to 1d, like 5s`, exit.usage)
  try {
    const inside = await insideNamespace(process.env)
    if (inside !== null) {
      const descriptor = inside.listen === null ? listen : `fd:${inside.listen.descriptor}`
      const shownAt = inside.listen === null ? null : `${inside.listen.host}:${inside.listen.port}`
      return await play(scenario, io, {
        mode: 'namespace',
        listen: descriptor,
        every,
        shownAt,
        gone: inside.launcherGone,
      })
    }
    const available =
      values.mapped === true ? ({ ok: false, because: '--mapped' } as const) : await namespacesAvailable()
    if (!available.ok) {
      if (values.mapped !== true)
        io.stderr(
          `pathproof lab: on loopback, for namespaces can't be had here (${safeText(available.because)})\n`,
        )
      return await play(scenario, io, { mode: 'mapped', listen, every, shownAt: null, gone: null })
    }
    const own = ownProgram()
    const colon = listen.lastIndexOf(':')
    const port = Number(listen.slice(colon + 1))
    const host = listen.slice(0, colon).replace(/^\[|\]$/g, '') || '0.0.0.0'
    if (colon < 0 || !Number.isInteger(port) || port < 0 || port > 65535) {
      return fail(`--web.listen-address: expected address:port, got ${listen}`, exit.usage)
    }
    return await runInNamespace({
      // a single executable brings its own options and would take these for the program's
      command: [own.file, ...(own.args.length === 0 ? [] : process.execArgv), ...own.args, 'lab', ...argv],
      environment: process.env,
      listen: { host, port },
      nameServers: systemServersOf(firstWorld(scenario)).map((s) => s.address),
      signals: process,
    })
  } catch (error) {
    return fail(error, exit.failed)
  }
}
