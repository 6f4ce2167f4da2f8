import type { TimerClock } from './clock.ts'
import type { Notifier } from './notify.ts'

/** How far the agent has come; read at each turn of the watchdog. */
export interface Progress {
  /** How many targets are scheduled. */
  targets: number
  /** How many of the scheduler's timers have fired since the start. */
  ticks: number
  /** By how much the oldest of its timers that should have fired is late; 0 if none is. */
  overdueSeconds: number
  /** The ledger's writer; null where there is none. */
  ledger: { writing: boolean; queued: number; records: number } | null
}

export interface TimerCount {
  /** The same clock; its timers are counted. */
  clock: TimerClock
  ticks(): number
  overdueSeconds(): number
}

/** Counts a clock's timers, so that somebody else can see whether they fire. */
export function countTimers(clock: TimerClock): TimerCount {
  const due = new Set<{ atMs: number }>()
  let ticks = 0
  return {
    clock: {
      wallMs: () => clock.wallMs(),
      monotonicMs: () => clock.monotonicMs(),
      setTimer(ms, fn) {
        const timer = { atMs: clock.monotonicMs() + ms }
        due.add(timer)
        const cancel = clock.setTimer(ms, () => {
          due.delete(timer)
          ticks++
          fn()
        })
        return () => {
          due.delete(timer)
          cancel()
        }
      },
    },
    ticks: () => ticks,
    overdueSeconds() {
      let oldestMs = Infinity
      for (const { atMs } of due) oldestMs = Math.min(oldestMs, atMs)
      return Math.max(0, (clock.monotonicMs() - oldestMs) / 1000)
    },
  }
}

/** The window in seconds that the service manager grants this process (sd_watchdog_enabled(3)); null: it does not watch it. */
export function watchdogSeconds(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | null {
  const { WATCHDOG_USEC, WATCHDOG_PID } = environment
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(pid)) return null
  if (!/^[1-9]\d{0,15}$/.test(WATCHDOG_USEC ?? '')) return null
  return Number(WATCHDOG_USEC) / 1e6
}

/** The scheduler cuts its timers into pieces of at most half of this: with a target, a tick must come within it. */
const mostSecondsBetweenTicks = 60

/**
 * Judges progress from one turn to the next: null while there is some, else what stands still. `windowSeconds` is the time in which
 * the schedule must have moved, and in which the ledger's writer must have written some of what waits for it.
 */
export function createStandstill(
  windowSeconds: number,
): (now: Progress, monotonicMs: number) => string | null {
  let writer: { records: number; sinceMs: number } | null = null
  let ticked: { ticks: number; sinceMs: number } | null = null
  const tickSeconds = Math.max(windowSeconds, mostSecondsBetweenTicks)
  return ({ targets, ticks, overdueSeconds, ledger }, monotonicMs) => {
    if (targets === 0 || ticked?.ticks !== ticks) ticked = { ticks, sinceMs: monotonicMs }
    if (ledger === null || !ledger.writing || ledger.queued === 0) writer = null
    else if (writer === null || writer.records !== ledger.records)
      writer = { records: ledger.records, sinceMs: monotonicMs }
    if (overdueSeconds > windowSeconds / 2)
      return `the schedule stands still: a slot is ${Math.round(overdueSeconds)} s late`
    if (monotonicMs - ticked.sinceMs > tickSeconds * 1000)
      return `the schedule stands still: nothing has fired for ${Math.round((monotonicMs - ticked.sinceMs) / 1000)} s`
    if (writer !== null && monotonicMs - writer.sinceMs > windowSeconds * 1000)
      return 'the ledger has records to write and writes none'
    return null
  }
}

export interface WatchdogDeps {
  environment: Readonly<Record<string, string | undefined>>
  pid: number
  notifier: Notifier
  clock: TimerClock
  progress(): Progress
  /** One line for `systemctl status`. */
  status(): string
  onStandstill(because: string): void
}

/**
 * Feeds the service manager's watchdog as long as the agent makes progress: the scheduler's timers fire when they are due, and the
 * ledger's writer moves while something waits for it. What stands still is not fed, and ends by the manager's hand. Gives back what ends it.
 */
export function startWatchdog(deps: WatchdogDeps): () => void {
  const { notifier, clock } = deps
  const windowSeconds = watchdogSeconds(deps.environment, deps.pid)
  if (windowSeconds === null || notifier.way() === 'none') return () => undefined
  const standstill = createStandstill(windowSeconds)
  let cancel: () => void = () => undefined
  let told = false
  const turn = (): void => {
    const because = standstill(deps.progress(), clock.monotonicMs())
    if (because === null) notifier.alive(deps.status())
    else if (!told) deps.onStandstill(because)
    told = because !== null
    // four in a window: one may be late and one may find the first slots after a sleep of the host
    cancel = clock.setTimer((windowSeconds * 1000) / 4, turn)
  }
  turn()
  return () => cancel()
}
