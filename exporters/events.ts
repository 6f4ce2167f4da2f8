import { createDelivery } from './delivery.ts'
import type { Exporter, ExporterDeps } from './exporter.ts'
import type { Lines } from './lines.ts'

/** The schema of each line; within a version only additions. */
export const eventSchema = 'pathproof.event/1'

type Text = string | null

/** What changed. `before` is null where nothing was known before. */
export type StateChange =
  | {
      event: 'verdict'
      target: string
      hostname: string
      style: string
      before: Text
      state: string
      proof: Text
      because: readonly string[]
      attempts: readonly string[]
    }
  /** A name is watched no more. */
  | { event: 'unwatched'; target: string; hostname: string; style: string; before: Text }
  | {
      event: 'requirement'
      target: string
      before: boolean | null
      met: boolean | null
      state: string
      waived: boolean
    }
  | { event: 'waiver'; target: string; active: boolean; until: string; ticket: Text; reason: string }
  | {
      event: 'conflict'
      target: string
      hostname: string
      style: string
      present: boolean
      because: readonly string[]
    }
  | { event: 'taint'; target: string; hostname: string; style: string; tainted: boolean }
  | { event: 'egress'; check: string; before: Text; state: string; because: string }
  | { event: 'first_leg'; target: string; before: Text; leg: string; because: readonly string[] }
  /** `trouble` null: it is over. */
  | { event: 'ledger'; trouble: Text }
  /** What stands where a new file begins: changes are told from there on. */
  | {
      event: 'baseline'
      target: string
      met: boolean | null
      waived: boolean
      firstLeg: Text
      names: readonly {
        hostname: string
        style: string
        state: string
        conflict: boolean
        tainted: boolean
      }[]
    }
  /** The same of what belongs to no target. */
  | {
      event: 'baseline'
      target: null
      egress: readonly { check: string; state: string }[]
      ledger: Text
    }
  /** The agent's life before this one ended without its last word: whatever stood then, nobody looked any more. */
  | { event: 'interrupted'; started: Text; seen: Text }
  | {
      event: 'lifecycle'
      what: 'started' | 'configured' | 'configuration_refused' | 'stopped'
      configuration: Text
    }

/** A change with its time (RFC 3339, UTC) and number. Numbers have no gaps: one that is missing was dropped. */
export type StateEvent = { schema: typeof eventSchema; sequence: number; at: string } & StateChange

/** As one line of JSON. */
export function eventLine(event: StateEvent): string {
  return `${JSON.stringify(event)}\n`
}

export interface EventsOptions {
  lines: Lines
}

const mebibyte = 1024 * 1024

/** State changes as lines of JSON. What can't be written waits for the file, within bounds: the oldest makes room. */
export function createEvents({ lines }: EventsOptions, deps: ExporterDeps): Exporter<StateEvent> {
  const made = new WeakMap<readonly StateEvent[], Buffer>()
  return createDelivery<StateEvent>(
    {
      mostItems: 4096,
      mostBytes: 4 * mebibyte,
      bytesOf: (event) => Buffer.byteLength(eventLine(event)),
      batchItems: 256,
      batchBytes: mebibyte / 4,
      async deliver(batch, signal) {
        const bytes = made.get(batch) ?? Buffer.from(batch.map(eventLine).join(''))
        made.set(batch, bytes)
        try {
          await lines.append(bytes, signal)
          return { kind: 'delivered' }
        } catch (error) {
          const { code = 'unknown' } = error as NodeJS.ErrnoException
          return { kind: 'again', because: sentences[code] ?? `the file can't be written (${code})` }
        }
      },
      deadlineSeconds: 10,
      mostTries: Infinity,
      againSeconds: [1, 30],
      closed: () => lines.close(),
    },
    deps,
  )
}

const sentences: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EPIPE: 'nobody reads the pipe any more',
  ENXIO: 'nobody reads the FIFO',
  EAGAIN: 'the reader of the pipe does not take more',
  EACCES: 'this user may not write the file',
  ENOENT: 'the directory of the file does not exist',
  EROFS: 'the file system is read-only',
}
