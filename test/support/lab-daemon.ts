import type { ProgramCommand } from '../../agent/child.ts'
import type { TimerClock } from '../../agent/clock.ts'
import type { Config } from '../../agent/config/config.ts'
import { parseConfig } from '../../agent/config/load.ts'
import { startDaemon } from '../../agent/daemon.ts'
import type { Daemon } from '../../agent/daemon-types.ts'
import { createLog } from '../../agent/log.ts'
import { sleep } from '../../agent/machine.ts'
import { type Lab, startLab } from '../../lab/lab.ts'
import { loadScenario, parseScenario, type Scenario } from '../../lab/scenario.ts'
import type { Clock, HostAccess } from '../../model/host.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import { systemHost } from '../../probes/host.ts'
import type { HandClock } from '../agent/hand-clock.ts'
import { createFeed, type Feed } from './feed.ts'

/** A scenario by its name, or from its text. */
export async function scenario(nameOrYaml: string): Promise<Scenario> {
  if (!nameOrYaml.includes('\n')) return loadScenario(nameOrYaml)
  const read = parseScenario(nameOrYaml, 'test.yaml')
  if (!read.ok) throw new Error(read.problems.join('\n'))
  return read.scenario
}

/** A configuration that must be good. */
export function config(document: object): Config {
  const loaded = parseConfig(JSON.stringify(document, null, 1), 'test.yml', Date.now())
  if (!loaded.ok)
    throw new Error(loaded.problems.map((p) => `${p.path}: ${p.problem}, expected ${p.expected}`).join('\n'))
  return loaded.config
}

/** What every configuration for a lab has, besides targets. */
export function surroundings(lab: Lab) {
  return {
    version: 1,
    topology: { source: 'directory', directory: lab.snapshotDirectory, refresh: '10s' },
    partition_roots: [{ partition: 'aws', file: lab.caFile }],
    web: { listen: '127.0.0.1:0' },
  }
}

export interface RunningDaemon {
  lab: Lab
  daemon: Daemon
  verdicts: Feed<TargetVerdict>
  /** The log, one JSON document per line. */
  log: Feed<Record<string, unknown>>
  get(path: string, init?: RequestInit): Promise<{ status: number; text: string }>
  /** Value of one series of /metrics, null if it is not there. */
  metric(series: string): Promise<number | null>
  stop(): Promise<void>
}

export interface LabDaemonOptions {
  scenario: string
  /** The configuration's document; by default all names of the scenario, every 5 s. */
  document?(lab: Lab): object
  /** Changes what the daemon gets of the machine. */
  host?(host: HostAccess): HostAccess
  /** Moves the schedule, lives and dates; left out: the real clocks, and a schedule that runs ten times as fast. */
  clock?: HandClock
  /** Reads the account by its API, where the document says so. */
  program?: ProgramCommand
  loadAgain?: () => Promise<{ ok: true; config: Config } | { ok: false; text: string }>
}

export const defaultTargets = (lab: Lab, every = '5s') =>
  lab.scenario.names.map(({ target, require: _require, ...what }) => ({
    name: target,
    ...what,
    every,
    timeout: '2s',
  }))

/** The lab in this process, everything on loopback, and the daemon with it. */
export async function startLabDaemon(options: LabDaemonOptions): Promise<RunningDaemon> {
  const { clock } = options
  const real = systemHost(process.env)
  const wallMs = () => (clock ?? real.clock).wallMs()
  const lab = await startLab(await scenario(options.scenario), {
    mode: 'mapped',
    clock: { wallMs },
    timed: false,
  })
  const verdicts = createFeed<TargetVerdict>((all) =>
    JSON.stringify(all.slice(-3).map((v) => [v.target, v.state])),
  )
  const log = createFeed<Record<string, unknown>>((all) => all.map((line) => JSON.stringify(line)).join('\n'))
  try {
    const played = lab.hostAccess(real)
    const host = { ...played, ...(clock === undefined ? {} : { clock }) }
    const daemon = await startDaemon(
      config(options.document?.(lab) ?? { ...surroundings(lab), targets: defaultTargets(lab) }),
      {
        host: options.host?.(host) ?? host,
        log: createLog({
          write: (line) => log.push(JSON.parse(line) as Record<string, unknown>),
          level: 'debug',
          format: 'json',
          journal: false,
          wallMs,
          monotonicMs: () => host.clock.monotonicMs(),
        }),
        version: '0.0.0-test',
        readText: () => Promise.resolve(null),
        sleep: clock === undefined ? sleep : sleepBy(clock),
        timers: clock ?? hastened(host.clock),
        random: () => 0,
        hostRoots: () => [],
        loadAgain: options.loadAgain ?? null,
        ...(options.program === undefined ? {} : { program: options.program }),
        onVerdict: (verdict) => verdicts.push(verdict),
      },
    )
    const base = `http://127.0.0.1:${daemon.address.port}`
    const get = async (path: string, init: RequestInit = {}) => {
      const answer = await fetch(`${base}${path}`, {
        ...init,
        headers: { connection: 'close', ...init.headers },
      })
      return { status: answer.status, text: await answer.text() }
    }
    return {
      lab,
      daemon,
      verdicts,
      log,
      get,
      async metric(series) {
        const { text } = await get('/metrics')
        const line = text.split('\n').find((each) => each.startsWith(`${series} `))
        return line === undefined ? null : Number(line.slice(series.length + 1))
      },
      async stop() {
        const stopped = daemon.stop(0)
        await clock?.advance(0)
        await stopped
        await lab.close()
      },
    }
  } catch (error) {
    await lab.close()
    throw error
  }
}

/** The schedule runs ten times as fast; lives, dates and probes keep their time. */
function hastened(clock: Clock): TimerClock {
  const startMs = clock.monotonicMs()
  return {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => startMs + 10 * (clock.monotonicMs() - startMs),
    setTimer(ms, fn) {
      const timer = setTimeout(fn, ms / 10)
      return () => clearTimeout(timer)
    },
  }
}

/** Sleeps by a clock that is moved by hand. */
export function sleepBy(clock: HandClock) {
  return (seconds: number, signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve()
      const done = (): void => {
        cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = clock.setTimer(seconds * 1000, done)
      signal.addEventListener('abort', done, { once: true })
    })
}

/**
 * Lets time go by until each target has completed a cycle, for at most twice its interval: a target's second cycle
 * comes up to one and a half intervals after its first. `read`: a step of the scenario that dates the snapshot anew,
 * taken again and again meanwhile, as a reader of the account would.
 */
export async function round(
  running: RunningDaemon,
  clock: HandClock,
  seconds: number,
  targets: number,
  read: string | null = null,
): Promise<TargetVerdict[]> {
  const from = running.verdicts.items.length
  for (let passed = 0; passed < 2 * seconds; passed += seconds / 8) {
    if (read !== null) await running.lab.apply(read)
    await clock.advance((seconds / 8) * 1000)
    await running.daemon.settled()
    const seen = new Map(running.verdicts.items.slice(from).map((v) => [v.target, v]))
    if (seen.size >= targets) return [...seen.values()]
  }
  throw new Error(`not all of ${targets} targets were judged`)
}
