import type { CapturedRecords } from '../../model/capture.ts'
import type { Evidence } from '../../model/evidence.ts'
import type { Clock } from '../../model/host.ts'
import type { Confirmation } from '../../model/path.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { type Confirmed, confirmationOf, confirmedRank, pendingSeconds } from '../../verdict/confirm.ts'
import { joinRecords } from '../../verdict/flow-join.ts'
import { withLate } from '../../verdict/judge.ts'
import { flowEvidence } from '../../verdict/rules/flow.ts'
import { offsetAt } from './clock-offset.ts'
import { createConfirmedWays } from './confirmed-ways.ts'
import type { EvidenceAge } from './evidence-age.ts'
import {
  type KeptAttempt,
  type LateEntry,
  type LateKeeper,
  type Wanted,
  isAgainst,
  lateEntry,
  toldOf,
  wantedOf,
} from './late-entry.ts'
import { createLateIndex } from './late-index.ts'
import { gapConcerns, sameEvidence, sameGap } from './late-same.ts'
import type { DialledAttempt, LateWatch } from './late-watch.ts'
import { createPortUse } from './port-use.ts'
import { contradicts } from './taint.ts'

/** What came of an attempt that records were looked for. */
export type LateResult = 'confirmed' | 'contradicted' | 'no_record' | 'unavailable' | 'ambiguous' | 'overflow'

export interface LateBookDeps {
  clock: Clock
  /** How the flow logs cover the places where an attempt can be seen; null: no log that can be read shows any of them. */
  coverage(points: DialledAttempt['points']): { aggregationSeconds: number } | null
  /** False: no flow log is read, so that `coverage` would be null whatever the points. Left out: it is always asked. */
  looking?(): boolean
  /** This host's clock against AWS's, null: not known. Unbounded. */
  clockOffsetSeconds(): number | null
  evidenceAge: EvidenceAge
  /** Once for each attempt that was to be looked for. */
  onResult(result: LateResult): void
  /** Attempts at once whose records are waited for; default 10,000. */
  maxPending?: number
  /** Attempts that are kept for a day for records that come too late; default 20,000. */
  maxKept?: number
  /** Left out: a restart forgets what waits. */
  keeper?: LateKeeper
}

export interface LateBook extends LateWatch {
  /** Attempts whose time is not over. */
  pending(): Wanted[]
  /** Attempts whose time is over and that were made since `sinceMs`, Unix milliseconds: what comes of them may contradict. */
  over(sinceMs: number): Wanted[]
  /** Records were read. Gives the verdicts that they changed. */
  captured(read: CapturedRecords): AttemptVerdict[]
  /** Something else spoke of one attempt (AWS's own log of a request). Gives the verdict if that changed it. */
  told(attemptId: string, evidence: readonly Evidence[]): AttemptVerdict[]
  /** Attempts as they are judged now: what later readings widened must not be forgotten here. */
  weighed(attempts: readonly AttemptVerdict[]): void
  /**
   * Attempts of an earlier life of the agent, out of a file that may hold anything: what records say of them may contradict, and
   * is told only then. Nothing confirms them, no name is called by them, and nothing but that comes of their waiting.
   */
  restore(kept: readonly KeptAttempt[]): void
  /** Ends the waiting of those whose time is over, and forgets what is older than a day. */
  expire(): AttemptVerdict[]
  /** An attempt of an earlier cycle with what was said of it since. */
  attempt(id: string): AttemptVerdict | null
  /** `records`: those that are kept with attempts, one that several have counted for each. */
  size(): { pending: number; kept: number; records: number }
}

const keptMs = 24 * 3600 * 1000
/** Where nothing is kept, ports matter to attempts to come only: those within twice the longest aggregation (600 s) and 120 s. */
const portsMs = 3600 * 1000
/** Records of one attempt: a few per interface and window. */
const mostRecords = 256
/** Of other connections through its NAT gateway: one is enough to make a join uncertain, and a busy one has thousands. */
const mostOfOthers = 32

/**
 * Keeps attempts until the records of the network have come, and a day longer for those that come too late: these never
 * confirm, but what they contradict counts. At most one attempt of a name and address is waited for in one window of
 * aggregation, for one record sums up all that shares its ports and addresses, and reading costs.
 */
export function createLateBook(deps: LateBookDeps): LateBook {
  const { clock, maxPending = 10_000, maxKept = 20_000 } = deps
  const entries = new Map<string, LateEntry>()
  const index = createLateIndex<LateEntry>()
  const names = new Map<string, Set<LateEntry>>()
  const confirmedMs = new Map<string, number>()
  const windows = new Map<string, number>()
  const ways = createConfirmedWays(() => clock.monotonicMs())
  const ports = createPortUse()
  let pendingCount = 0
  let recordCount = 0

  const nameOf = ({ hostname, port }: { hostname: string; port: number }) => `${hostname}:${port}`

  const rejudge = (entry: LateEntry): boolean => {
    const { attempt, points } = entry.dialled
    entry.clockOffsetSeconds ??= offsetAt(attempt, deps.clockOffsetSeconds(), clock)
    const joined = joinRecords(
      attempt,
      points,
      { records: [...entry.records.values()], skipped: entry.skipped },
      {
        clockOffsetSeconds: entry.clockOffsetSeconds,
        reuse: entry.full || ports.reused(attempt, entry.aggregationSeconds),
      },
    )
    entry.ambiguous = joined.ambiguous !== null
    const late = [...flowEvidence(attempt, points, joined), ...entry.told]
    const tentative = withLate(entry.dialled.verdict, late, 'pending')
    const before = entry.confirmation
    // What came after the time was over never confirms; what was confirmed in time stays so unless it is contradicted.
    const confirmation: Confirmed = confirmationOf(tentative, {
      over: entry.earlier || (entry.over && before !== 'confirmed'),
      available: true,
    })
    const verdict = { ...tentative, confirmation }
    const changed = confirmation !== before || !sameEvidence(late, entry.late)
    entry.late = late
    entry.confirmation = confirmation
    entry.verdict = verdict
    if (changed) weigh(entry, before)
    return changed
  }

  const weigh = (entry: LateEntry, before: Confirmation): void => {
    const { verdict, confirmation } = entry
    const name = nameOf(verdict)
    if (isAgainst(verdict) && entry.late.length > 0) {
      ways.contradicted(name, verdict.bases, entry.sinceMs)
      deps.evidenceAge.forget(name)
      // told once: in the next life it would raise again what was mended since
      deps.keeper?.dropped(entry.key)
      if (contradicts(verdict)) {
        if (!entry.contradicted) deps.onResult('contradicted')
        entry.contradicted = true
        return
      }
    }
    if (before === 'confirmed' && confirmation !== 'confirmed') {
      ways.withdrawn(name, verdict.bases)
      deps.evidenceAge.withdrawn(name, verdict.id)
    }
    if (confirmation !== 'confirmed' || before === 'confirmed') return
    deps.onResult('confirmed')
    confirmedMs.set(name, Math.max(confirmedMs.get(name) ?? 0, verdict.atMs))
    if (verdict.state !== 'private' || verdict.conflicts.length > 0) return
    const rank = confirmedRank(verdict)
    if (rank !== null) ways.confirmed(name, verdict.bases, rank, entry.sinceMs)
    deps.evidenceAge.hold(name, verdict, entry.sinceMs)
  }

  const add = (entry: LateEntry): void => {
    const { attempt } = entry.dialled
    entries.set(entry.key, entry)
    index.add(entry, attempt, entry.dialled.points)
    pendingCount++
    if (entry.earlier) return
    const name = nameOf(attempt)
    names.set(name, (names.get(name) ?? new Set()).add(entry))
  }

  const makeRoom = (): void => {
    while (entries.size >= maxKept + maxPending) {
      const oldest = entries.values().find((known) => known.over) ?? entries.values().next().value
      if (oldest === undefined) break
      drop(oldest)
    }
  }

  const keep = ({ key, dialled, aggregationSeconds, clockOffsetSeconds }: LateEntry): void =>
    deps.keeper?.taken(key, { ...dialled, aggregationSeconds, clockOffsetSeconds })

  const take = (dialled: DialledAttempt, aggregationSeconds: number): LateEntry => {
    makeRoom()
    const entry = lateEntry(dialled, {
      key: dialled.attempt.stamp.id,
      earlier: false,
      aggregationSeconds,
      clockOffsetSeconds: deps.clockOffsetSeconds(),
      sinceMs: clock.monotonicMs(),
    })
    keep(entry)
    add(entry)
    return entry
  }

  const drop = (entry: LateEntry): void => {
    end(entry)
    const { attempt } = entry.dialled
    entries.delete(entry.key)
    deps.keeper?.dropped(entry.key)
    index.remove(entry)
    recordCount -= entry.records.size
    const set = names.get(nameOf(attempt))
    set?.delete(entry)
    if (set?.size === 0) names.delete(nameOf(attempt))
  }

  const end = (entry: LateEntry): void => {
    if (entry.over) return
    entry.over = true
    pendingCount--
  }

  return {
    made(attempt) {
      if (deps.looking?.() !== false) return true
      if (attempt.outcome.reached !== 'not_dialled' && attempt.localPort !== null) ports.used(attempt)
      return false
    },
    dialled(dialled) {
      const { attempt, points } = dialled
      const { outcome, localPort, address, stamp } = attempt
      if (outcome.reached === 'not_dialled' || localPort === null) return
      ports.used(attempt)
      const covered = deps.coverage(points)
      if (covered === null) return
      const { aggregationSeconds } = covered
      const key = `${nameOf(attempt)} ${address}`
      const window = Math.floor(stamp.wallMs / (aggregationSeconds * 1000))
      if (windows.get(key) === window) return
      if (pendingCount >= maxPending) return deps.onResult('overflow')
      windows.set(key, window)
      take(dialled, aggregationSeconds)
    },
    witnessed(dialled, evidence) {
      ports.used(dialled.attempt)
      // Where no flow log can be read it is waited for as long as for one of the usual kind: AWS's own log comes so late.
      const { aggregationSeconds } = deps.coverage(dialled.points) ?? { aggregationSeconds: 60 }
      const entry = take(dialled, aggregationSeconds)
      if (evidence.length === 0) return
      entry.told.push(...evidence)
      rejudge(entry)
    },
    wordOn(id) {
      const entry = entries.get(id)
      if (entry === undefined) return { evidence: [], confirmation: 'unavailable' }
      return { evidence: entry.late, confirmation: entry.confirmation }
    },
    wordOnName(hostname, port, withinSeconds) {
      const name = nameOf({ hostname, port })
      const confirmed = ways.of(name, withinSeconds)
      // The youngest whose time is over says how it goes; the ones after it are waited for all the time.
      const looked = names.get(name)
      const lastConfirmedMs = confirmedMs.get(name) ?? null
      if (looked === undefined || looked.size === 0)
        return { confirmed, confirmation: 'unavailable', lastConfirmedMs }
      const last = [...looked].findLast((entry) => entry.over || entry.confirmation !== 'pending')
      return { confirmed, confirmation: last?.confirmation ?? 'pending', lastConfirmedMs }
    },
    aged: (key, attempts, evidenceAgeSeconds) =>
      evidenceAgeSeconds === null
        ? { attempts: [...attempts], asOf: new Set() }
        : deps.evidenceAge.apply(nameOf(key), attempts, { sinceMs: clock.monotonicMs(), evidenceAgeSeconds }),
    pending: () => [...entries.values()].flatMap((entry) => (entry.over ? [] : wantedOf(entry))),
    over: (sinceMs) =>
      [...entries.values()].flatMap((entry) =>
        entry.over && entry.dialled.attempt.stamp.wallMs >= sinceMs ? wantedOf(entry) : [],
      ),
    captured({ records, skipped }) {
      const news = new Set<LateEntry>()
      for (const one of records) {
        for (const { item: entry, as } of index.find(one)) {
          if (entry.records.has(one.id) || (entry.full && as === 'nat')) continue
          news.add(entry)
          if (as === 'nat' ? entry.ofOthers < mostOfOthers : entry.records.size < mostRecords) {
            entry.records.set(one.id, one)
            recordCount++
            if (as === 'nat') entry.ofOthers++
          } else {
            entry.full = true
            index.removeFromNat(entry)
          }
        }
      }
      for (const gap of skipped) {
        for (const entry of entries.values()) {
          if (entry.over || entry.skipped.some((known) => sameGap(known, gap))) continue
          if (!gapConcerns(gap, entry.dialled.attempt)) continue
          entry.skipped.push(gap)
          news.add(entry)
        }
      }
      return [...news].flatMap((entry) => (rejudge(entry) ? toldOf(entry) : []))
    },
    told(attemptId, evidence) {
      const entry = entries.get(attemptId)
      if (entry === undefined) return []
      entry.told.push(...evidence)
      return rejudge(entry) ? [entry.verdict] : []
    },
    weighed(attempts) {
      for (const verdict of attempts) {
        const entry = entries.get(verdict.id)
        if (entry === undefined) continue
        const widened = withLate(verdict, [], 'pending')
        const same = JSON.stringify(widened.possible) === JSON.stringify(entry.dialled.verdict.possible)
        entry.dialled = { ...entry.dialled, verdict: widened }
        if (!same && !(entry.late.length > 0 && isAgainst(entry.verdict))) keep(entry)
        if (!same && entry.late.length > 0) rejudge(entry)
      }
    },
    restore(kept) {
      for (const { aggregationSeconds, clockOffsetSeconds, ...dialled } of kept) {
        const { wallMs } = dialled.attempt.stamp
        const key = `earlier ${dialled.verdict.id} ${wallMs}`
        const sinceMs = clock.monotonicMs() - Math.max(0, clock.wallMs() - wallMs)
        if (entries.has(key) || clock.monotonicMs() - sinceMs > keptMs) continue
        makeRoom()
        // The monotonic clock may have begun anew since, and so may the ids.
        const stamp = { ...dialled.attempt.stamp, id: key, monotonicMs: sinceMs }
        const attempt = { ...dialled.attempt, stamp }
        ports.used(attempt)
        const of = { key, earlier: true, aggregationSeconds, clockOffsetSeconds, sinceMs }
        const entry = lateEntry({ ...dialled, attempt }, of)
        keep(entry)
        add(entry)
      }
    },
    expire() {
      const nowMs = clock.monotonicMs()
      const changed: AttemptVerdict[] = []
      for (const entry of entries.values()) {
        const ageMs = nowMs - entry.sinceMs
        if (ageMs > keptMs) {
          drop(entry)
        } else if (!entry.over && ageMs > pendingSeconds(entry.aggregationSeconds) * 1000) {
          end(entry)
          if (entry.confirmation !== 'pending') continue
          const isChanged = rejudge(entry)
          if (!entry.earlier && !entry.contradicted)
            deps.onResult(entry.ambiguous ? 'ambiguous' : 'no_record')
          if (isChanged) changed.push(...toldOf(entry))
        }
      }
      if (windows.size > 4 * maxPending) windows.clear()
      ports.forget(clock.monotonicMs() - (entries.size > 0 ? keptMs : portsMs))
      return changed
    },
    attempt: (id) => entries.get(id)?.verdict ?? null,
    size: () => ({ pending: pendingCount, kept: entries.size, records: recordCount }),
  }
}
