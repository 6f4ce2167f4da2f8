import type { Schedule } from '../../model/target.ts'
import type { TimerClock } from '../clock.ts'
import type { Cron } from './cron.ts'
import { cron } from './cron.ts'
import { splay } from './splay.ts'

/**
 * Why a slot did not run: `overlap`: the run before it had not ended; `suspended`: the process or the
 * host stood still (or the wall clock was set ahead, for cron); `late`: this process was too busy.
 */
export const skipReasons = ['overlap', 'suspended', 'late'] as const

export type SkipReason = (typeof skipReasons)[number]

export interface Scheduled {
  name: string
  schedule: Schedule
}

export interface SchedulerOptions {
  /** `monotonicMs` should count suspend (`countingSuspend`), or a sleep is only seen by cron. */
  clock: TimerClock
  /** Stops everything: no slot fires after it, and each run's own signal is aborted. */
  signal: AbortSignal
  /** One run of one target. It may reject or throw: that goes to `onError` and the schedule goes on. */
  run: (name: string, signal: AbortSignal) => Promise<void>
  onSkip: (name: string, reason: SkipReason, slots: number) => void
  /** Seconds between a slot and the start of its run. */
  onLag: (name: string, lagSeconds: number) => void
  onError: (name: string, error: unknown) => void
  /** Makes hosts with the same targets start at different moments; for example the machine id. */
  seed?: string
  /** A new interval target runs for the first time within this time, whatever its interval; default 10. */
  firstRunSeconds?: number
  /** A timer that comes this late was not merely late; default 10. */
  suspendAfterSeconds?: number
}

export interface Scheduler {
  add(target: Scheduled): void
  /** Cancels its slots and aborts the signal of a run in progress. */
  remove(name: string): void
  /** The whole list after a reload. A target with an unchanged schedule keeps its phase and its run. */
  replace(targets: readonly Scheduled[]): void
  /** Seconds until the target's next slot (never negative); null if it has none. */
  nextSlotSeconds(name: string): number | null
  running(): string[]
  /** No more slots; runs in progress go on. */
  stop(): void
  /** Resolves when no run is in progress. */
  settled(): Promise<void>
}

/** A longer timer is cut into pieces, so that a sleep or a set clock is noticed within this time. */
const longestTimerMs = 30_000

/** A wall clock set back by more than this makes cron slots be found anew. */
const setBackMs = 60_000

const mostCronSlotsCounted = 10_000

interface Slots {
  /** Milliseconds until the next slot; at most 0 when one is due. Infinity: none. */
  untilMs(): number
  /** Moves on behind all slots that are due: how many, and how long ago the last one was. */
  take(): { due: number; overdueMs: number; lagMs: number }
}

interface Entry {
  name: string
  schedule: Schedule
  place: number
  slots: Slots
  cancel: () => void
}

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { clock, signal } = options
  const originMs = clock.monotonicMs()
  const firstRunMs = (options.firstRunSeconds ?? 10) * 1000
  const suspendAfterMs = (options.suspendAfterSeconds ?? 10) * 1000
  const entries = new Map<string, Entry>()
  // Kept apart from the entries: a target that is removed and added again still can't overlap itself.
  const runs = new Map<string, { controller: AbortController; done: Promise<void> }>()
  let stopped = false

  const stop = (): void => {
    stopped = true
    for (const entry of entries.values()) entry.cancel()
  }

  const abort = (): void => {
    stop()
    for (const run of runs.values()) run.controller.abort(signal.reason)
  }

  const start = (name: string, lagMs: number): void => {
    const controller = new AbortController()
    options.onLag(name, lagMs / 1000)
    const run = async (): Promise<void> => {
      try {
        await options.run(name, controller.signal)
      } catch (error) {
        options.onError(name, error)
      } finally {
        runs.delete(name)
      }
    }
    // A microtask later: a run that ends at once must find its own entry to delete.
    const done = Promise.resolve().then(run)
    runs.set(name, { controller, done })
  }

  const wake = (entry: Entry): void => {
    if (stopped || entries.get(entry.name) !== entry) return
    if (entry.slots.untilMs() <= 0) {
      const { due, overdueMs, lagMs } = entry.slots.take()
      const passed = due - 1
      if (passed > 0) options.onSkip(entry.name, overdueMs >= suspendAfterMs ? 'suspended' : 'late', passed)
      if (runs.has(entry.name)) options.onSkip(entry.name, 'overlap', 1)
      else start(entry.name, lagMs)
    }
    arm(entry)
  }

  const arm = (entry: Entry): void => {
    const untilMs = entry.slots.untilMs()
    if (stopped || untilMs === Infinity || entries.get(entry.name) !== entry) return
    // Timers have whole milliseconds and must not come early.
    const ms = Math.min(longestTimerMs, Math.max(0, Math.ceil(untilMs)))
    entry.cancel = clock.setTimer(ms, () => wake(entry))
  }

  const insert = ({ name, schedule }: Scheduled, place: number): void => {
    entries.get(name)?.cancel()
    const slots =
      schedule.kind === 'cron'
        ? cronSlots(clock, cron(schedule.expression))
        : intervalSlots(clock, originMs, schedule.everySeconds * 1000, place, firstRunMs)
    const entry = { name, schedule, place, slots, cancel: () => undefined }
    entries.set(name, entry)
    arm(entry)
  }

  const remove = (name: string): void => {
    entries.get(name)?.cancel()
    entries.delete(name)
    runs.get(name)?.controller.abort()
  }

  const addAll = (targets: readonly Scheduled[]): void => {
    if (stopped) return
    const intervals = Map.groupBy(targets, ({ schedule }) =>
      schedule.kind === 'interval' ? schedule.everySeconds : null,
    )
    for (const [everySeconds, group] of intervals) {
      const taken = [...entries.values()]
        .filter((entry) => entry.schedule.kind === 'interval' && entry.schedule.everySeconds === everySeconds)
        .map((entry) => entry.place)
      const names = group.map((target) => target.name)
      const places = splay(names, taken, `${options.seed ?? ''} ${everySeconds} `)
      for (const target of group) insert(target, places.get(target.name) ?? 0)
    }
  }

  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })

  return {
    add: (target) => addAll([target]),
    remove,
    replace(targets) {
      const names = new Set(targets.map((target) => target.name))
      for (const name of entries.keys()) if (!names.has(name)) remove(name)
      const changed = targets.filter(({ name, schedule }) => {
        const entry = entries.get(name)
        return entry === undefined || !sameSchedule(entry.schedule, schedule)
      })
      // Their old places are free; the run in progress belongs to the target and goes on.
      for (const { name } of changed) {
        entries.get(name)?.cancel()
        entries.delete(name)
      }
      addAll(changed)
    },
    nextSlotSeconds(name) {
      const untilMs = stopped ? Infinity : (entries.get(name)?.slots.untilMs() ?? Infinity)
      return untilMs === Infinity ? null : Math.max(0, untilMs / 1000)
    },
    running: () => [...runs.keys()],
    stop,
    async settled() {
      while (runs.size > 0) await Promise.all([...runs.values()].map((run) => run.done))
    },
  }
}

function sameSchedule(a: Schedule, b: Schedule): boolean {
  if (a.kind === 'interval') return b.kind === 'interval' && a.everySeconds === b.everySeconds
  return b.kind === 'cron' && a.expression === b.expression
}

/**
 * Slots at `originMs + (place + k) × everyMs` on the monotonic clock, after a first one within
 * `firstRunMs`, so that a long interval does not leave a new target without a verdict.
 */
function intervalSlots(
  clock: TimerClock,
  originMs: number,
  everyMs: number,
  place: number,
  firstRunMs: number,
): Slots {
  const nowMs = clock.monotonicMs()
  let firstMs: number | null = nowMs + place * Math.min(everyMs, firstRunMs)
  // Not right behind the first: that one would still be running.
  const earliestMs = firstMs + everyMs / 2
  const phaseMs = originMs + place * everyMs
  let nextMs = phaseMs + Math.ceil((earliestMs - phaseMs) / everyMs) * everyMs
  return {
    untilMs: () => (firstMs ?? nextMs) - clock.monotonicMs(),
    take() {
      const now = clock.monotonicMs()
      const oldestMs = firstMs ?? nextMs
      const regular = now < nextMs ? 0 : 1 + Math.floor((now - nextMs) / everyMs)
      const lastMs = regular === 0 ? oldestMs : nextMs + (regular - 1) * everyMs
      const due = regular + (firstMs === null ? 0 : 1)
      firstMs = null
      nextMs += regular * everyMs
      return { due, overdueMs: now - oldestMs, lagMs: now - lastMs }
    },
  }
}

/** Slots on the wall clock. One that is set ahead passes slots by (they are counted), one set back repeats them. */
function cronSlots(clock: TimerClock, times: Cron): Slots {
  let nextMs = times.nextMs(clock.wallMs()) ?? Infinity
  let difference = clock.wallMs() - clock.monotonicMs()
  const look = (): number => {
    const now = clock.wallMs()
    const drift = now - clock.monotonicMs() - difference
    difference += drift
    if (drift < -setBackMs) nextMs = times.nextMs(now) ?? Infinity
    return now
  }
  return {
    untilMs() {
      const now = look()
      return nextMs - now
    },
    take() {
      const now = look()
      const oldestMs = nextMs
      let lastMs = nextMs
      let due = 0
      while (nextMs <= now) {
        due++
        lastMs = nextMs
        nextMs = times.nextMs(due < mostCronSlotsCounted ? nextMs : now) ?? Infinity
      }
      return { due, overdueMs: now - oldestMs, lagMs: now - lastMs }
    },
  }
}
