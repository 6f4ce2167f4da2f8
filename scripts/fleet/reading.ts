import type { Events } from './events.ts'
import { type Retry, backoffSeconds } from './retry.ts'
import type { Service } from './service.ts'

export interface ReadingPlan {
  /** Actions in their order. */
  calls: readonly string[]
  deadlineSeconds: number
  /** For one call, its repetitions included. */
  callSeconds: number
  /** Calls at once. */
  concurrency: number
  /** Before the first call: the start of the process that reads. */
  startSeconds: number
  /** Of one request. */
  latencySeconds: number
  /** Until a request that nobody answers is given up. */
  unansweredSeconds: number
}

export interface ReadingDeps {
  events: Events
  service(action: string): Service
  retry: Retry
  random(): number
}

/**
 * One reading of the account: its calls in their order, some at once, each repeated as the SDK does. `done` gets the actions
 * of which every call was answered, at the time when it ends.
 */
export function read(plan: ReadingPlan, deps: ReadingDeps, done: (answered: Set<string>) => void): void {
  const { events, retry, random } = deps
  const beganAt = events.now()
  const endsAt = beganAt + plan.startSeconds + plan.deadlineSeconds
  const failed = new Set<string>()
  /** By action: not before this time, once it was throttled. */
  const next = new Map<string, number>()
  let index = 0
  let running = 0

  const end = (action: string, ok: boolean): void => {
    if (!ok) failed.add(action)
    running--
    more()
  }
  const attempt = (action: string, n: number, untilAt: number): void => {
    const now = events.now()
    const what = deps.service(action).ask(now)
    if (what === 'answered') {
      events.at(now + plan.latencySeconds, () => end(action, true))
      return
    }
    const answeredAt = now + (what === 'out' ? plan.unansweredSeconds : plan.latencySeconds)
    if (n + 1 >= retry.maxAttempts) {
      events.at(Math.min(answeredAt, untilAt), () => end(action, false))
      return
    }
    const base = what === 'throttled' ? retry.throttledBaseSeconds : retry.transientBaseSeconds
    let at = answeredAt + backoffSeconds(base, n, random())
    if (what === 'throttled' || next.has(action)) {
      at = Math.max(at, next.get(action) ?? answeredAt + retry.spacingSeconds)
      next.set(action, at + retry.spacingSeconds)
    }
    if (at >= untilAt) events.at(untilAt, () => end(action, false))
    else events.at(at, () => attempt(action, n + 1, untilAt))
  }
  const more = (): void => {
    while (running < plan.concurrency && index < plan.calls.length) {
      const action = plan.calls[index++] ?? ''
      const now = events.now()
      running++
      if (now >= endsAt) {
        events.at(now, () => end(action, false))
        continue
      }
      const at = Math.max(now, next.get(action) ?? now)
      if (next.has(action)) next.set(action, at + retry.spacingSeconds)
      events.at(at, () => attempt(action, 0, Math.min(endsAt, now + plan.callSeconds)))
    }
    if (running === 0 && index >= plan.calls.length)
      done(new Set(plan.calls.filter((action) => !failed.has(action))))
  }
  events.at(beganAt + plan.startSeconds, more)
}
