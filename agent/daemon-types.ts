import type { HostAccess } from '../model/host.ts'
import type { TargetVerdict } from '../model/verdict.ts'
import type { ProgramCommand } from './child.ts'
import type { TimerClock } from './clock.ts'
import type { Config } from './config/config.ts'
import type { Log } from './log.ts'
import type { Progress } from './watchdog.ts'

export interface DaemonDeps {
  host: HostAccess
  log: Log
  version: string
  readText(path: string): Promise<string | null>
  /** The schedule's timers; left out: those of this process. */
  timers?: TimerClock
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** 0 to 1. */
  random(): number
  /** Roots of the host's own certificate store; null: the real one. */
  hostRoots: (() => string[]) | null
  /** Reads the configuration anew; null where there is no file to read. */
  loadAgain: (() => Promise<{ ok: true; config: Config } | { ok: false; text: string }>) | null
  /** Called for each judgement of a target; the lab's display listens here. */
  onVerdict?(verdict: TargetVerdict, changed: boolean): void
  /** The ledger's disk is full, and the configuration wants the agent to end then. */
  onFull?(): void
  /** How this program is started once more, to read the account; left out: as it was started itself. */
  program?: ProgramCommand
  /** File of exporter-toolkit's format that protects the HTTP surface; left out: nothing does. */
  webConfig?: string
  /** Overrides `web.listen`. */
  listen?: string
}

export interface Daemon {
  address: { host: string; port: number }
  verdicts(): TargetVerdict[]
  reload(): Promise<{ ok: boolean; text: string }>
  /** Resolves when no cycle is under way. */
  settled(): Promise<void>
  /** How far it has come, for a watchdog. */
  progress(): Progress
  /** Starts no further cycle, lets the ones under way end for at most `graceSeconds`, closes everything. */
  stop(graceSeconds: number): Promise<void>
}
