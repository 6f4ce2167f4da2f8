import type { CanaryObservation, Observation, TrailObservation } from '../model/observation.ts'
import type { EgressResult } from '../model/egress.ts'
import type { PostureReport } from '../model/posture.ts'
import type { FirstLeg } from '../model/first-leg.ts'
import type { Vantage } from '../model/topology.ts'
import type { AttemptVerdict, TargetVerdict } from '../model/verdict.ts'
import type { LedgerBodies, Look } from '../ledger/records.ts'

/** Everything that is recorded, by kind. A new kind is a line here. */
export interface RecordBodies {
  /** The agent starts, stops, or takes over or refuses a configuration. */
  lifecycle: LedgerBodies['lifecycle']
  /** A piece of the effective configuration as YAML, without secrets. */
  configuration: { hash: string; part: number; parts: number; text: string }
  /** What is watched from now on, or no more. */
  target: LedgerBodies['target']
  heartbeat: LedgerBodies['heartbeat']
  vantage: Vantage
  snapshot: LedgerBodies['snapshot']
  census: LedgerBodies['census']
  observation: Observation
  canary: CanaryObservation
  /** What CloudTrail said of an attempt's request. */
  trail: TrailObservation
  /** One round of one way out that must be closed. */
  egress: EgressResult
  /** Where a check changed its state. */
  posture: PostureReport
  /** The first leg of a target is another one; `before` null: it is the first that is known. */
  first_leg: {
    target: string
    leg: FirstLeg
    before: FirstLeg | null
    because: string[]
    unknownHops: string[]
  }
  attempt_verdict: AttemptVerdict
  /** A cycle of a target is over; the verdict that it came to is the target's next `target_verdict`. */
  look: Look & { target: string }
  target_verdict: TargetVerdict
}

export type RecordKind = keyof RecordBodies

/** One thing as it was recorded. Bodies are plain data and are not changed afterwards. */
export type Recorded = {
  [K in RecordKind]: { sequence: number; wallMs: number; kind: K; body: RecordBodies[K] }
}[RecordKind]

/** Where records go: a ring in memory, a ledger on disk. */
export interface Sink {
  append(record: Recorded): void
}

/** Every sink gets every record, whatever another one throws; the first error is thrown when all have had it. */
export function fanOut(sinks: readonly Sink[]): Sink {
  return {
    append(record) {
      const errors: unknown[] = []
      for (const sink of sinks) {
        try {
          sink.append(record)
        } catch (error) {
          errors.push(error)
        }
      }
      if (errors.length > 0) throw errors[0]
    },
  }
}

export type RecordFunction = <K extends RecordKind>(kind: K, body: RecordBodies[K]) => void

/**
 * The one way in for all that is judged. Sequence numbers start at 1 and have no gaps. A sink that throws
 * loses its record, which is reported to `onLost` with the record's number; judging goes on.
 */
export function createRecord(
  sink: Sink,
  wallMs: () => number,
  onLost: (sequence: number, error: unknown) => void,
): RecordFunction {
  let sequence = 0
  return (kind, body) => {
    sequence++
    try {
      // The kind decides the body's type; TypeScript does not follow that through a generic.
      sink.append({ sequence, wallMs: wallMs(), kind, body } as Recorded)
    } catch (error) {
      onLost(sequence, error)
    }
  }
}

export interface Ring extends Sink {
  /** Oldest first; of one kind where one is named. */
  records<K extends RecordKind>(kind?: K): Extract<Recorded, { kind: K }>[]
  /** The youngest record of the kind that `matches`, null if it is not (or no longer) here. */
  last<K extends RecordKind>(kind: K, matches: (body: RecordBodies[K]) => boolean): RecordBodies[K] | null
  /** Of the window: those that count and were not kept as well. */
  size(): number
  /** How many have made room for later ones. */
  dropped(): number
}

/** A verdict holds its attempts with their evidence, some kilobytes each; everything else is small. */
function weightOf({ kind, body }: Recorded): number {
  return kind === 'target_verdict' ? 1 + body.names.reduce((sum, name) => sum + name.attempts.length, 0) : 1
}

/** What pages and documents look up again in the daemon's ring. Observations, most of all that is recorded, they never do. */
export const lookedUp: ReadonlySet<RecordKind> = new Set([
  'target_verdict',
  'snapshot',
  'vantage',
  'first_leg',
  'lifecycle',
])

/**
 * The last `capacity` records (default 4096) in memory, and of these only the youngest that hold at most `maxWeight`
 * records and attempts together (default 32,768): names with thousands of addresses must not fill it. Records of other `kinds`
 * than these count and are not kept (default: all are).
 */
export function createRing(
  capacity = 4096,
  maxWeight = 32_768,
  kinds: ReadonlySet<RecordKind> | null = null,
): Ring {
  if (!Number.isInteger(capacity) || capacity < 1) {
    throw new RangeError(`capacity: got ${capacity}, expected at least 1`)
  }
  const slots: (Recorded | undefined)[] = []
  let appended = 0
  let first = 0
  let weight = 0

  const drop = (): void => {
    const oldest = slots[first % capacity]
    if (oldest !== undefined) weight -= weightOf(oldest)
    slots[first % capacity] = undefined
    first++
  }

  function* youngestFirst(): Generator<Recorded> {
    for (let index = appended - 1; index >= first; index--) {
      const record = slots[index % capacity]
      if (record !== undefined) yield record
    }
  }

  return {
    append(record) {
      if (appended - first === capacity) drop()
      const kept = kinds === null || kinds.has(record.kind)
      slots[appended % capacity] = kept ? record : undefined
      appended++
      if (kept) weight += weightOf(record)
      while (weight > maxWeight && appended - first > 1) drop()
    },
    records<K extends RecordKind>(kind?: K) {
      const found: Recorded[] = []
      for (const record of youngestFirst()) if (kind === undefined || record.kind === kind) found.push(record)
      return found.reverse() as Extract<Recorded, { kind: K }>[]
    },
    last<K extends RecordKind>(kind: K, matches: (body: RecordBodies[K]) => boolean) {
      for (const record of youngestFirst()) {
        if (record.kind !== kind) continue
        const body = record.body as RecordBodies[K]
        if (matches(body)) return body
      }
      return null
    },
    size: () => appended - first,
    dropped: () => first,
  }
}
