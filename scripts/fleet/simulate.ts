import { firstWaitOf, waitOf } from '../../agent/account/snapshot-keeper.ts'
import { createEvents } from './events.ts'
import { type ReadingPlan, read } from './reading.ts'
import type { Retry } from './retry.ts'
import { seeded } from './random.ts'
import { type Allowance, type Service, createService } from './service.ts'

/** How one agent, or the one writer, goes about it; durations in seconds. */
export interface Way {
  tables: ReadingPlan
  /** Everything but route tables; null: all parts come with them. */
  rest: ReadingPlan | null
  all: ReadingPlan
  refreshSeconds: number
  otherRefreshSeconds: number
  maxAgeSeconds: number
  otherMaxAgeSeconds: number
  /** How long a start waits for the first reading. */
  startSeconds: number
}

/** Agents in one account and region, and what happens to them. */
export interface Scene {
  agents: number
  way: Way
  /** A writer reads the account for all, and agents fetch what it shared; null: each reads it. */
  writer: { everySeconds: number; plan: ReadingPlan } | null
  allowance(action: string): Allowance
  retry: Retry
  /** All start within so many seconds; null: they have been running, and have their readings, spread over their intervals. */
  startWithinSeconds: number | null
  /** The APIs are away from one time to another. */
  outage: { fromSeconds: number; toSeconds: number } | null
  seconds: number
  seed: number
}

export interface Outcome {
  requests: number
  throttled: number
  /** Most requests of one action in ten seconds, by second. */
  peakPerSecond: number
  busiest: string
  perSecond: number
  /** Ages of the route tables over agents and time, once measuring began; `never` counts as infinite. */
  age: { p50: number; p99: number; max: number }
  /** Share of agents whose route tables were too old, over time and at worst. */
  blindShare: number
  blindWorst: number
  /** From the start, or the end of the outage, until all agents had a whole account young enough, and kept it; null: never. */
  recoveredSeconds: number | null
}

interface Agent {
  tablesAt: number
  restAt: number
}

const sampleSeconds = 5

/** Plays a scene. The same seed gives the same outcome. */
export function simulate(scene: Scene): Outcome {
  const { way, writer, outage } = scene
  const random = seeded(scene.seed)
  const events = createEvents()
  const services = new Map<string, Service>()
  const buckets = new Map<string, Map<number, number>>()
  const service = (action: string): Service => {
    const known = services.get(action) ?? createService(scene.allowance(action))
    services.set(action, known)
    const counts = buckets.get(action) ?? new Map<number, number>()
    buckets.set(action, counts)
    const slot = Math.floor(events.now() / 10)
    counts.set(slot, (counts.get(slot) ?? 0) + 1)
    return known
  }
  const deps = { events, service, retry: scene.retry, random }
  const setOut = (out: boolean): void => {
    for (const action of new Set([...way.all.calls, ...way.tables.calls, ...(writer?.plan.calls ?? [])])) {
      const known = services.get(action) ?? createService(scene.allowance(action))
      services.set(action, known)
      known.out = out
    }
  }
  if (outage !== null) {
    events.at(outage.fromSeconds, () => setOut(true))
    events.at(outage.toSeconds, () => setOut(false))
  }

  /** When what the writer has shared was read. */
  let sharedAt = -Infinity
  if (writer !== null) {
    if (scene.startWithinSeconds === null) sharedAt = 0
    const write = (): void => {
      const beganAt = events.now()
      read(writer.plan, deps, (answered) => {
        if (writer.plan.calls.every((action) => answered.has(action))) sharedAt = beganAt
        events.at(Math.max(events.now() + 1, beganAt + writer.everySeconds), write)
      })
    }
    events.at(0, write)
  }

  const running = scene.startWithinSeconds === null
  const agents: Agent[] = Array.from({ length: scene.agents }, () => ({
    tablesAt: running ? -way.refreshSeconds * random() : -Infinity,
    restAt: running ? -way.otherRefreshSeconds * random() : -Infinity,
  }))
  for (const agent of agents) {
    let busy = false
    /** A reading asked for while one is under way waits for it. */
    const look = (plan: ReadingPlan, tables: boolean, rest: boolean, done: () => void): void => {
      if (busy) {
        done()
        return
      }
      busy = true
      const beganAt = events.now()
      read(plan, deps, (answered) => {
        busy = false
        const whole = (actions: readonly string[]) => actions.every((action) => answered.has(action))
        if (writer !== null) {
          if (whole(plan.calls)) agent.tablesAt = agent.restAt = Math.max(agent.tablesAt, sharedAt)
        } else {
          if (tables && whole(way.tables.calls)) agent.tablesAt = beganAt
          if (rest && way.rest !== null && whole(way.rest.calls)) agent.restAt = beganAt
        }
        done()
      })
    }
    let tablesDue = 0
    let restDue = 0
    const wait = (): void => events.at(Math.min(tablesDue, restDue), turn)
    const turn = (): void => {
      const now = events.now()
      const tables = tablesDue <= now
      const rest = restDue <= now
      if (tables) tablesDue = now + waitOf(way.refreshSeconds, random())
      if (rest) restDue = now + waitOf(way.otherRefreshSeconds, random())
      if (way.rest === null) look(way.all, true, true, wait)
      else look(tables ? (rest ? way.all : way.tables) : way.rest, tables, rest, wait)
    }
    const begin = (): void => {
      tablesDue = events.now() + firstWaitOf(way.refreshSeconds, random())
      restDue = way.rest === null ? Infinity : events.now() + firstWaitOf(way.otherRefreshSeconds, random())
      wait()
    }
    if (running) {
      // the phases of agents that were started at any time
      tablesDue = way.refreshSeconds * random()
      restDue = way.rest === null ? Infinity : way.otherRefreshSeconds * random()
      wait()
    } else {
      events.at(random() * (scene.startWithinSeconds ?? 0), () => {
        let begun = false
        const once = (): void => {
          if (!begun) begin()
          begun = true
        }
        look(way.all, true, true, once)
        events.at(events.now() + way.startSeconds, once)
      })
    }
  }

  const measureFrom = outage?.toSeconds ?? (running ? scene.seconds / 4 : 0)
  const ages: number[] = []
  let blindSum = 0
  let blindWorst = 0
  let samples = 0
  let recoveredAt: number | null = null
  const sample = (): void => {
    const now = events.now()
    if (now >= measureFrom) {
      let blind = 0
      let open = 0
      for (const { tablesAt, restAt } of agents) {
        const age = now - tablesAt
        ages.push(age)
        if (age > way.maxAgeSeconds) blind++
        if (age > way.maxAgeSeconds || now - restAt > way.otherMaxAgeSeconds) open++
      }
      samples++
      blindSum += blind / agents.length
      blindWorst = Math.max(blindWorst, blind / agents.length)
      if (open > 0) recoveredAt = null
      else recoveredAt ??= now
    }
    events.at(now + sampleSeconds, sample)
  }
  events.at(0, sample)
  events.run(scene.seconds)

  ages.sort((a, b) => a - b)
  const at = (share: number): number =>
    ages[Math.min(ages.length - 1, Math.floor(ages.length * share))] ?? Infinity
  const requests = [...services.values()].reduce((sum, { asked }) => sum + asked, 0)
  const throttled = [...services.values()].reduce((sum, each) => sum + each.throttled, 0)
  const [busiest = '', busy] = [...services].sort(([, a], [, b]) => b.asked - a.asked)[0] ?? []
  const peak = Math.max(0, ...[...buckets.values()].flatMap((counts) => [...counts.values()])) / 10
  return {
    requests,
    throttled,
    peakPerSecond: peak,
    busiest,
    perSecond: (busy?.asked ?? 0) / scene.seconds,
    age: { p50: at(0.5), p99: at(0.99), max: at(1) },
    blindShare: blindSum / Math.max(1, samples),
    blindWorst,
    recoveredSeconds: recoveredAt === null ? null : recoveredAt - measureFrom,
  }
}
