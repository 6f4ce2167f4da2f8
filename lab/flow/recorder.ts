/** Keeps every connection that the lab's services and the workload make, for flow logs and metrics. */
import type { Packet, World } from '../world/types.ts'
import {
  type Connection,
  connectionFrom,
  opening,
  transfer,
  unanswered,
  workloadConnections,
} from './connections.ts'
import type { FlowPlan } from './types.ts'

/** Bytes of data that a socket of the service has read and written until now. */
export interface Counters {
  read: number
  written: number
}

export interface FlowRecorder {
  /** A connection has come to a service. `counters` is asked again and again while it is open. */
  opened(packet: Packet, sourcePort: number, counters: () => Counters): { closed(): void }
  /** A connection whose first packets nobody answered. */
  lost(packet: Packet, sourcePort: number): void
  /** Counts what has gone over open connections until now: for whoever is about to put the clock on. */
  sample(): void
  /** How many are open. */
  open(): number
  /** Tells that the world has changed, now. */
  changed(): void
  plan(): FlowPlan
  /** From the next connection on; the workload changes as a whole. */
  setPlan(plan: FlowPlan): void
  /** Unix milliseconds. */
  startedMs: number
  worldAt(atMs: number): World
  /** Worlds that there were, oldest first, each with its beginning (Unix milliseconds). */
  worlds(): readonly { fromMs: number; world: World }[]
  /** All that had traffic in [fromMs, toMs), up to now. */
  connections(fromMs: number, toMs: number): Connection[]
  /** Drops what began before (Unix milliseconds): a lab that runs for days would keep the last of them whole. */
  forget(beforeMs: number): void
}

export interface RecorderOptions {
  /** The world as the packets meet it. */
  world(): World
  plan: FlowPlan
  /** Unix milliseconds. */
  nowMs(): number
}

const keptHours = 24
const maxConnections = 100_000
const maxWorlds = 1000

interface Open {
  connection: Connection
  counters: () => Counters
  seen: Counters
}

/** Starts with the world and the time of now. */
export function createFlowRecorder({ world, plan: first, nowMs }: RecorderOptions): FlowRecorder {
  const startedMs = nowMs()
  let plan = first
  let kept: Connection[] = []
  let count = 0
  const open = new Set<Open>()
  const worlds = [{ fromMs: startedMs, world: world() }]

  const changed = (): void => {
    if (worlds.at(-1)?.world === world()) return
    worlds.push({ fromMs: nowMs(), world: world() })
    if (worlds.length > maxWorlds) worlds.shift()
  }
  const worldAt = (atMs: number): World =>
    worlds.findLast(({ fromMs }) => fromMs <= atMs)?.world ?? worlds[0]?.world ?? world()

  const begin = (packet: Packet, sourcePort: number): Connection => {
    changed()
    count += 1
    const start = { id: `connection ${count}`, world: world(), plan, packet, sourcePort, protocol: 6 }
    const { connection } = connectionFrom(start)
    kept.push(connection)
    if (kept.length > maxConnections) kept = kept.slice(maxConnections / 10)
    return connection
  }
  const sample = (entry: Open, fin: boolean): void => {
    const now = entry.counters()
    const sent = Math.max(0, now.read - entry.seen.read)
    const received = Math.max(0, now.written - entry.seen.written)
    entry.seen = now
    if (fin || sent + received > 0) entry.connection.activity.push(transfer(nowMs(), sent, received, fin))
  }

  const sampleAll = (): void => {
    for (const entry of open) sample(entry, false)
  }

  return {
    startedMs,
    opened: (packet, sourcePort, counters) => {
      const connection = begin(packet, sourcePort)
      connection.activity.push(opening(nowMs()))
      const entry: Open = { connection, counters, seen: { read: 0, written: 0 } }
      open.add(entry)
      return {
        closed: () => {
          if (open.delete(entry)) sample(entry, true)
        },
      }
    },
    lost: (packet, sourcePort) => void begin(packet, sourcePort).activity.push(unanswered(nowMs())),
    sample: sampleAll,
    open: () => open.size,
    changed,
    plan: () => plan,
    setPlan: (next) => {
      plan = next
    },
    worldAt,
    worlds: () => worlds,
    forget: (beforeMs) => {
      kept = kept.filter(({ activity }) => (activity[0]?.atMs ?? 0) >= beforeMs)
      while (worlds.length > 1 && (worlds[1]?.fromMs ?? Infinity) <= beforeMs) worlds.shift()
    },
    connections: (fromMs, toMs) => {
      sampleAll()
      const oldestMs = nowMs() - keptHours * 3_600_000
      const until = Math.min(toMs, nowMs() + 1)
      const real = kept.filter(({ activity }) =>
        activity.some(({ atMs }) => atMs >= Math.max(fromMs, oldestMs) && atMs < until),
      )
      return [...real, ...workloadConnections(worldAt, plan, Math.max(fromMs, oldestMs, startedMs), until)]
    },
  }
}
