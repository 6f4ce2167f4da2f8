/**
 * What the agent puts into the ledger, kind by kind, as far as reports read it. Bodies are plain JSON data; readers take
 * every one of them for untrusted text (`report/decode.ts`).
 *
 * Size. A line costs about 290 bytes before its body (agent, boot, two clocks, hash of the line before). A verdict with
 * its evidence has 2 to 10 KiB, and at one look in 30 s most are alike; so a whole verdict is written only
 *
 * - when it differs from the last one in anything but times, ids and ports (`target_verdict`, and an `attempt_verdict` for
 *   each of its attempts whose judgement differs from the last one on that name and address), and
 * - once in each segment, so that every segment can be read alone,
 *
 * and everything else as `verdict_repeat`: about 90 bytes a look and 40 an attempt. One look of two attempts is then about
 * 460 bytes on a line of its own (2,880 looks a day: 1.3 MB, about 0.5 MB after gzip) and 190 where one line takes the looks
 * of ten targets. Looks that are collected for a line must not wait longer than 10 s: a crash loses them, and reports then
 * show a gap.
 *
 * A body must leave room on its line (65,535 bytes): lists are cut from their end, what was cut is counted (`leftOut`), and
 * names that are not private, with their reasons, stay longest.
 */

import type { EgressResult } from '../model/egress.ts'
import type { FlowCensusRow } from '../model/flow.ts'
import type { FirstLeg } from '../model/first-leg.ts'
import type { Rank } from '../model/path.ts'
import type { PostureReport } from '../model/posture.ts'
import type { Schedule } from '../model/target.ts'
import type { PartReading, SnapshotPart, Topology, Vantage } from '../model/topology.ts'
import type { AttemptVerdict, NameVerdict, Requirement, TargetVerdict, Waiver } from '../model/verdict.ts'

/** One cycle of one target. */
export interface Look {
  /** Unix milliseconds of its start. */
  atMs: number
  /** For how long, from its start, what it found may be believed. */
  lifeSeconds: number
}

/** What is watched, and how often: what coverage is measured by. */
export interface WatchedTarget {
  /** `dropped`: from now on nothing of it is planned. All others are declared anew at every start and configuration. */
  event: 'watched' | 'dropped'
  target: string
  /** SHA-256 of the effective configuration that names it; a `configured` record with another one drops the target. */
  configuration: string | null
  require: Requirement
  minProof: Rank
  schedule: Schedule
  names: { hostname: string; style: string }[]
  waiver: Waiver | null
  discovered: boolean
}

/** A name's verdict; its attempts are records of their own, and stand here by their ids. */
export type RecordedName = Omit<NameVerdict, 'attempts' | 'resolvers'> & { attempts: string[] }

export interface RecordedTargetVerdict extends Omit<TargetVerdict, 'names'> {
  /** Unique in the ledger; repeats refer to it. */
  id: string
  /** The look that it ends; null: judged again in between (late records, a new reading). */
  look: Look | null
  /** Ids of the attempts that this look dialled, as far as there is room (a `verdict_repeat` continues it); empty without a look. */
  made: string[]
  names: RecordedName[]
  leftOut: { names: number; attempts: number }
}

/** Looks that found what `of` says already, in the order of their times. */
export interface RepeatedLook extends Look {
  target: string
  /** `RecordedTargetVerdict.id` of the verdict that stands. */
  of: string
  /** Id, remote address and local port of each attempt that it dialled. */
  made: [id: string, address: string, localPort: number | null][]
  /** No look of its own: further attempts of the target's last one, for which its entry or its verdict had no room. */
  continued?: true
}

/** Kinds that reports read. Others may stand between them. */
export interface LedgerBodies {
  lifecycle: {
    event: 'started' | 'stopped' | 'configured' | 'configuration_refused'
    version: string
    configuration: string | null
  }
  target: WatchedTarget
  /**
   * Between the two everything that stands was written once more, and whatever is written later refers to nothing from
   * before: what was lost before `begin` is missing nowhere after `end`. The start of a process is as good as that.
   */
  restated: { event: 'begin' | 'end' }
  /** Written every `everySeconds` whatever else is written: silence shows. Counts are since the heartbeat before. */
  heartbeat: {
    everySeconds: number
    /** This host's clock less AWS's, null: not known. */
    clockOffsetSeconds: number | null
    skipped: { target: string; reason: string; slots: number }[]
  }
  vantage: Vantage
  snapshot: {
    id: string
    account: string | null
    region: string | null
    source: string
    prefixLists?: { id: string; version: number | null; entries: number }[]
    /** By part: when it was read, or why not; the hash of the `content` that it is; dates of lists that are not its own. */
    readings?: Record<SnapshotPart, PartReading>
    contents?: Record<SnapshotPart, string | null>
    listDates?: Record<string, number>
    /** Readings of further accounts, in the same form; null: there are none. */
    others?: object[] | null
  }
  /**
   * A piece of a text that readings of the account consist of, by the SHA-256 (hex) of the whole: a list in canonical JSON,
   * of items or of the hashes of further lists. Each is written before the `snapshot` that needs it.
   */
  content: { hash: string; piece: number; pieces: number; text: string }
  /** A reading that says the same as the `snapshot` record with the id `of`, at other times. */
  reading: {
    id: string
    of: string
    readings: Record<SnapshotPart, PartReading>
    listDates: Record<string, number>
  }
  /** What else attempts are judged by. `beside`: traces or the Direct Connect API as well, which are not kept. */
  surroundings: Pick<Topology, 'trustedEndpoints' | 'sites' | 'limits'> & {
    nat64Prefixes: string[]
    beside: boolean
  }
  target_verdict: RecordedTargetVerdict
  verdict_repeat: { looks: RepeatedLook[] }
  /** Once at its look where it is new, and again whenever records speak of it later. */
  attempt_verdict: AttemptVerdict
  /**
   * Attempts (id, Unix milliseconds of their start) of which records said later what they had said of `of`, an
   * `attempt_verdict` before: the same but for ids, times, ports and addresses. Only what is private and contradicts nothing
   * is told so.
   */
  attempt_repeat: { of: string; attempts: [id: string, atMs: number][] }
  /** Where the state of a round differs from the round before, and once in each segment. */
  egress: EgressResult
  posture: PostureReport
  first_leg: {
    target: string
    leg: FirstLeg
    before: FirstLeg | null
    because: string[]
    unknownHops: string[]
  }
  /** Flows of other programs, in windows that do not overlap. */
  census: {
    fromMs: number
    toMs: number
    /** In how much of that time all records that were delivered have been counted. */
    coveredSeconds: number
    rows: (Omit<FlowCensusRow, 'packets'> & { scope: 'client' | 'nat' })[]
    other: { flows: number; bytes: number }
  }
}

export type LedgerKind = keyof LedgerBodies
