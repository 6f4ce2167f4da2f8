import type { Schedule } from '../../model/target.ts'
import { type DayCounts, type Watched, dayMs, noCounts } from '../coverage.ts'
import { type Duty, type Mark, type Timeline, createTimeline, marks } from '../timeline.ts'
import { type Episodes, createEpisodes, isBad, isPublic } from './episodes.ts'
import type { FirstLegSpan, Place, WaiverLine } from './model.ts'
import { type TermsBook, createTerms } from './terms.ts'
import type { ReadAttempt, ReadLook, ReadVerdict } from './verdicts.ts'

/** What a look counts for; records may bear it out, or take that back, later. */
export interface CountedLook {
  day: DayCounts | null
  confirmed: number
}

/** One target through the whole ledger. Times may go backwards: nothing that was bad is ever lost by that. */
export interface Track {
  target: string
  timeline: Timeline
  /** By days since the Unix epoch. */
  days: Map<number, DayCounts>
  watched: Watched[]
  terms: TermsBook
  episodes: Episodes
  firstLegs: FirstLegSpan[]
  /** The last whole verdict, which repeats refer to. */
  verdict: ReadVerdict | null
  /** Configuration that names it; undefined: no record declared it. */
  configuration: string | null | undefined
  discovered: boolean
  /** Slots of the schedule that the agent says it skipped, by reason. */
  skipped: Map<string, number>
  hostnames: Set<string>
  declare(schedule: Schedule | null, fromMs: number): void
  drop(ms: number): void
  /** A look ended with this verdict, told at `recordMs`. */
  look(verdict: ReadVerdict, look: ReadLook, recordMs: number, place: Place): CountedLook
  /** The verdict changed without a look: other things are said of the connections of the last one. */
  rejudged(verdict: ReadVerdict, recordMs: number, place: Place): void
  /** Records spoke of an attempt; told at `recordMs`. */
  told(attempt: ReadAttempt, recordMs: number, place: Place): void
  /** The agent was gone from then on. */
  stop(ms: number): void
  /** Nothing that was said of this time holds, and no verdict from before its end stands beyond its beginning. */
  lose(fromMs: number, toMs: number): void
  /** What was said of this time may not hold. */
  doubt(fromMs: number, toMs: number): void
  /** The clock was set back to `fromMs`; it had shown `toMs`. */
  setBack(fromMs: number, toMs: number): void
  finish(lastMs: number): void
}

export interface TrackDeps {
  /** Bounds of the period; null: open. Only looks and episodes in it are counted. */
  fromMs: number | null
  toMs: number | null
  attempt(id: string): ReadAttempt | null
}

/** Looks whose starts are remembered: a loss is declared before many more are made. */
const mostStarts = 200
const mostLosses = 50
const mostLegs = 50

interface Current {
  /** The look that it is from. */
  lookMs: number
  fromMs: number
  untilMs: number
  mark: Mark
  duty: Duty
}

const atLeast = <T>(order: readonly T[], value: T, least: T): T =>
  order.indexOf(value) >= order.indexOf(least) ? value : least
const isGood = (mark: Mark): boolean => mark === 'private' || mark === 'blocked'

export function createTrack(target: string, deps: TrackDeps): Track {
  const timeline = createTimeline()
  /** When the agent itself said that it was public. */
  const spoken = createTimeline()
  const episodes = createEpisodes(target, deps)
  const terms = createTerms()
  const starts: number[] = []
  const losses: { fromMs: number; toMs: number }[] = []
  let current: Current | null = null
  let lifeMs = 0
  let spacedMs = Number.NEGATIVE_INFINITY
  let doubts: { fromMs: number; toMs: number }[] = []

  /** Up to when a good word stands: what was lost may have taken it back. */
  const held = (was: Current, ms: number): number => {
    let end = Math.min(was.untilMs, ms)
    if (isBad(was.mark, was.duty)) return end
    for (const loss of losses)
      if (was.lookMs < loss.toMs && end > loss.fromMs) end = Math.max(was.fromMs, loss.fromMs)
    return end
  }

  /** Paints what stood until `ms`. What turned for the worse since the last look is not shown to have been better until then. */
  const settle = (ms: number, next: { mark: Mark; duty: Duty } | null): void => {
    const was = current
    current = null
    if (was === null) return
    if (ms < was.fromMs) {
      // The clock was set back. How long it stood is not known: a good word is dropped, a bad one kept.
      if (isBad(was.mark, was.duty))
        timeline.paint({ fromMs: was.fromMs, toMs: was.untilMs, mark: was.mark, duty: was.duty })
      return
    }
    let { mark, duty } = was
    if (next !== null) {
      const worseMark = isPublic(next.mark) && marks.indexOf(next.mark) > marks.indexOf(mark)
      if (worseMark) mark = atLeast(marks, mark, 'undetermined')
      if ((worseMark || next.duty === 'not_met') && duty === 'met') duty = 'unknown'
    }
    const piece = { fromMs: was.fromMs, toMs: held(was, ms), mark, duty }
    timeline.paint(piece)
    if (isPublic(mark)) spoken.paint(piece)
    for (const one of doubts) timeline.doubt(one.fromMs, one.toMs)
    doubts = []
  }

  /** What is doubted of the time that `current` still stands for is doubted once that is painted. */
  const doubt = (fromMs: number, toMs: number): void => {
    timeline.doubt(fromMs, toMs)
    if (current !== null && toMs > current.fromMs) doubts.push({ fromMs, toMs })
  }

  /** Whether the verdict of that time was public: then records that say so tell nothing new. */
  const wasSaid = (ms: number): boolean => {
    if (current !== null && ms >= current.fromMs) return isPublic(current.mark) && ms < current.untilMs
    return spoken.coarseSeconds() === null && spoken.at(ms) !== null
  }

  const waiverAt = (verdict: ReadVerdict, ms: number): WaiverLine | null =>
    verdict.waiver !== null && ms < verdict.waiver.untilMs ? verdict.waiver : null

  /** The verdict that stands has been contradicted: until a new one comes, nobody has settled anything. */
  const hold = (ms: number): void => {
    const { verdict } = track
    if (verdict !== null && !isPublic(verdict.mark))
      track.verdict = {
        ...verdict,
        mark: 'undetermined',
        duty: verdict.duty === 'none' ? 'none' : 'unknown',
        cause: ['records contradicted it, and no verdict since says otherwise'],
      }
    if (current !== null) doubt(ms, current.untilMs)
  }

  const noteLeg = ({ firstLeg }: ReadVerdict, ms: number): void => {
    if (firstLeg === null) return
    const last = track.firstLegs.at(-1)
    const { leg, required, met } = firstLeg
    if (last?.leg === leg && last.required === required && last.met === met) return
    // What was before the period is of interest only where it still stood at its beginning.
    if (deps.fromMs !== null && ms <= deps.fromMs) track.firstLegs.length = 0
    if (deps.toMs !== null && ms >= deps.toMs) return
    if (track.firstLegs.length < mostLegs) track.firstLegs.push({ ...firstLeg, fromMs: ms })
  }

  const countsOf = (atMs: number): DayCounts | null => {
    if ((deps.fromMs !== null && atMs < deps.fromMs) || (deps.toMs !== null && atMs >= deps.toMs)) return null
    const day = Math.floor(atMs / dayMs)
    const known = track.days.get(day)
    if (known !== undefined) return known
    const counts = noCounts()
    track.days.set(day, counts)
    return counts
  }

  const lastSpan = (): Watched | undefined => track.watched.at(-1)

  /** Whether a look came when one was due, and not right after another one. */
  const isSpaced = (atMs: number): boolean => {
    const schedule = lastSpan()?.schedule ?? null
    const leastMs = schedule?.kind === 'interval' ? schedule.everySeconds * 500 : 1
    if (atMs - spacedMs < leastMs) return false
    spacedMs = atMs
    return true
  }

  const follow = (
    verdict: ReadVerdict,
    atMs: number,
    untilMs: number,
    counts: boolean,
    before: Current | null,
    place: Place,
  ): void => {
    const alive =
      before !== null && before.untilMs >= atMs && before.lookMs <= atMs && !isBad(before.mark, before.duty)
    const notBeforeMs = alive ? before.lookMs : null
    const waiver = waiverAt(verdict, atMs)
    episodes.follow({ verdict, atMs, untilMs, counts, notBeforeMs, waiver, place })
    terms.note(verdict, atMs)
    noteLeg(verdict, atMs)
  }

  const track: Track = {
    target,
    timeline,
    days: new Map(),
    watched: [],
    terms,
    episodes,
    firstLegs: [],
    verdict: null,
    configuration: undefined,
    discovered: false,
    skipped: new Map(),
    hostnames: new Set(),
    declare(schedule, fromMs) {
      const span = lastSpan()
      const alike = span !== undefined && span.toMs === Number.POSITIVE_INFINITY
      if (alike && JSON.stringify(span.schedule) === JSON.stringify(schedule)) return
      if (alike) span.toMs = Math.max(span.fromMs, fromMs)
      track.watched.push({ fromMs, toMs: Number.POSITIVE_INFINITY, schedule })
    },
    drop(ms) {
      track.stop(ms)
      const span = lastSpan()
      if (span !== undefined && span.toMs === Number.POSITIVE_INFINITY) span.toMs = Math.max(span.fromMs, ms)
      track.configuration = undefined
    },
    look(verdict, look, recordMs, place) {
      const atMs = Math.min(look.atMs, recordMs)
      const untilMs = atMs + look.lifeSeconds * 1000
      lifeMs = Math.max(lifeMs, look.lifeSeconds * 1000)
      const before: Current | null = current
      settle(atMs, verdict)
      current = { lookMs: atMs, fromMs: atMs, untilMs, mark: verdict.mark, duty: verdict.duty }
      starts.push(atMs)
      if (starts.length > mostStarts) starts.shift()
      follow(verdict, atMs, untilMs, true, before, place)
      if (lastSpan()?.toMs !== Number.POSITIVE_INFINITY) track.declare(null, atMs)
      const day = countsOf(atMs)
      const spaced = isSpaced(atMs)
      if (day !== null) {
        day.made++
        if (spaced) day.spaced++
        day.connections += look.made.length
        if (verdict.mark === 'undetermined') day.undetermined++
      }
      return { day, confirmed: 0 }
    },
    rejudged(verdict, recordMs, place) {
      const before: Current | null = current
      settle(recordMs, verdict)
      // It speaks of the same connections: if they are not settled now, they were not then.
      if (before !== null && isGood(before.mark) && !isGood(verdict.mark))
        timeline.doubt(before.lookMs, recordMs)
      const untilMs = Math.max(recordMs, before?.untilMs ?? recordMs)
      if (before !== null && before.fromMs <= recordMs)
        current = { lookMs: before.lookMs, fromMs: recordMs, untilMs, mark: verdict.mark, duty: verdict.duty }
      follow(verdict, recordMs, untilMs, false, before, place)
    },
    told(attempt, recordMs, place) {
      const { mark, atMs, late, connected } = attempt
      // Of an address that was not dialled, or did not connect, nothing was claimed.
      if (mark !== 'public' && !(mark === 'undetermined' && late && connected)) return
      // By what was demanded then, not by what is demanded now.
      const kind = terms.at(atMs)?.requireKind ?? 'unknown'
      const duty: Duty =
        kind === 'none' ? 'none' : kind === 'private' || kind === 'blocked' ? 'not_met' : 'unknown'
      const untilMs = Math.max(Math.min(atMs + lifeMs, recordMs), atMs + 1)
      if (mark === 'undetermined') return doubt(atMs, untilMs)
      if (late && wasSaid(atMs)) return
      timeline.paint({ fromMs: atMs, toMs: untilMs, mark, duty })
      if (!late) return
      // It was public, and nobody knew: what was said until now may be as wrong.
      doubt(untilMs, recordMs)
      hold(recordMs)
      episodes.late({
        attempt,
        untilMs,
        allowed: duty === 'none',
        waiver: terms.waiverOver(atMs, untilMs),
        place,
      })
    },
    stop(ms) {
      settle(ms, null)
      episodes.close(ms, 'unseen')
    },
    lose(fromMs, toMs) {
      const duty = terms.at(fromMs)?.requireKind === 'none' ? 'none' : 'unknown'
      losses.push({ fromMs, toMs })
      if (losses.length > mostLosses) losses.shift()
      // What stood at its end, by a look from before, is unknown until the next look.
      const next = current !== null && current.lookMs >= toMs ? starts.find((ms) => ms >= toMs) : toMs
      timeline.paint({ fromMs, toMs: Math.max(toMs, next ?? toMs), mark: 'gap', duty })
    },
    doubt,
    setBack(fromMs, toMs) {
      const was = current
      if (was !== null && was.fromMs > fromMs) {
        settle(toMs, null)
        const leftMs = Math.max(0, was.untilMs - Math.max(toMs, was.fromMs))
        current = { ...was, lookMs: fromMs, fromMs, untilMs: fromMs + leftMs }
      }
      // That time is passed once more: only what is bad stays of the first time.
      timeline.recant(fromMs, toMs)
    },
    finish(lastMs) {
      settle(lastMs, null)
      episodes.close(lastMs, 'open')
    },
  }
  return track
}
