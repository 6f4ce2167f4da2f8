import type { TimerClock } from '../../agent/clock.ts'

export interface HandClock extends TimerClock {
  /** Lets time go by, firing timers at their moment. */
  advance(ms: number): Promise<void>
  /** Time goes by unseen (suspend, a blocked loop): timers that fell due fire only at the end. */
  sleep(ms: number): Promise<void>
  stepWall(ms: number): void
  timers(): number
}

/** A clock that a test moves by hand. */
export function createHandClock(startMs = 1_000, wallStartMs = Date.UTC(2026, 10, 20, 12)): HandClock {
  let monotonic = startMs
  let wall = wallStartMs
  let nextId = 0
  const pending = new Map<number, { atMs: number; fn: () => void }>()

  const due = (untilMs: number): { id: number; atMs: number; fn: () => void } | null => {
    let first: { id: number; atMs: number; fn: () => void } | null = null
    for (const [id, timer] of pending) {
      if (timer.atMs <= untilMs && (first === null || timer.atMs < first.atMs)) first = { id, ...timer }
    }
    return first
  }

  const move = (ms: number): void => {
    monotonic += ms
    wall += ms
  }

  const fire = async (untilMs: number, moving: boolean): Promise<void> => {
    for (let timer = due(untilMs); timer !== null; timer = due(untilMs)) {
      pending.delete(timer.id)
      if (moving && timer.atMs > monotonic) move(timer.atMs - monotonic)
      timer.fn()
      await settle()
    }
  }

  return {
    monotonicMs: () => monotonic,
    wallMs: () => wall,
    setTimer(ms, fn) {
      const id = nextId++
      pending.set(id, { atMs: monotonic + ms, fn })
      return () => void pending.delete(id)
    },
    async advance(ms) {
      const untilMs = monotonic + ms
      await fire(untilMs, true)
      move(untilMs - monotonic)
      await settle()
    },
    async sleep(ms) {
      move(ms)
      await fire(monotonic, false)
    },
    stepWall(ms) {
      wall += ms
    },
    timers: () => pending.size,
  }
}

/** Lets everything that is already resolved run. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve()
}
