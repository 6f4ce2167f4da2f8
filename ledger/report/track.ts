import type { Schedule } from '../../model/target.ts'
import { type DayCounts, type Watched, dayMs } from '../coverage.ts'
import { type Duty, type Mark, type Timeline, createTimeline, marks } from '../timeline.ts'
import type { EvidenceLine, Episode, FixLine, Place, WaiverLine } from './model.ts'
import type { ReadAttempt, ReadLook, ReadVerdict } from './verdicts.ts'

/** What a look counts for; records may bear it out, or take that back, later. */
export interface CountedLook {
  day: DayCounts | null
  confirmed: number
}

export interface WaiverSpan extends WaiverLine {
  fromMs: number
  toMs: number
}

/** One target through the whole ledger. Times may go backwards: nothing that was bad is ever lost by that. */
export interface Track {
  target: string
  timeline: Timeline
  /** By days since the Unix epoch. */
  days: Map<number, DayCounts>
  watched: Watched[]
  waivers: Map<string, WaiverSpan>
  episodes: Episode[]
  moreEpisodes: { count: number; seconds: number }
  /** The last whole verdict, which repeats refer to. */
  verdict: ReadVerdict | null
  /** Configuration that names it; undefined: no record declared it. */
  configuration: string | null | undefined
  discovered: boolean
  requires: Set<string>
  /** Slots of the schedule that the agent says it skipped, by reason. */
  skipped: Map<string, number>
  hostnames: Set<string>
  declare(schedule: Schedule | null, fromMs: number): void
  drop(ms: number): void
  noteWaiver(waiver: WaiverLine | null, ms: number): void
  /** A look ended with this verdict, told at `recordMs`. */
  look(verdict: ReadVerdict, look: ReadLook, recordMs: number, place: Place): CountedLook
  /** The verdict changed without a look. */
  rejudged(verdict: ReadVerdict, recordMs: number, place: Place): void
  /** Records spoke of an attempt; told at `recordMs`. */
  told(attempt: ReadAttempt, recordMs: number, place: Place): void
  /** The agent was gone from then on. */
  stop(ms: number): void
  /** Nothing that was said of this time holds. */
  lose(fromMs: number, toMs: number): void
  /** What was said of this time may not hold. */
  doubt(fromMs: number, toMs: number): void
  finish(lastMs: number): void
}

export interface TrackDeps {
  /** Bounds of the period; null: open. Only looks and episodes in it are counted. */
  fromMs: number | null
  toMs: number | null
  attempt(id: string): ReadAttempt | null
}

const mostEpisodes = 200
const mostEvidence = 12

interface Current {
  /** The look that it is from. */
  lookMs: number
  fromMs: number
  untilMs: number
  mark: Mark
  duty: Duty
}

interface OpenEpisode {
  episode: Episode
  key: string
  untilMs: number
}

const atLeast = <T>(order: readonly T[], value: T, least: T): T =>
  order.indexOf(value) >= order.indexOf(least) ? value : least

const isPublic = (mark: Mark): boolean => mark === 'public' || mark === 'mixed'
const isBad = (mark: Mark, duty: Duty): boolean => isPublic(mark) || duty === 'not_met'

export function createTrack(target: string, deps: TrackDeps): Track {
  const timeline = createTimeline()
  /** When the agent itself said that it was public. */
  const spoken = createTimeline()
  let current: Current | null = null
  let open: OpenEpisode | null = null
  let lateOpen: Episode | null = null
  let lifeMs = 0
  let doubts: { fromMs: number; toMs: number }[] = []

  const inPeriod = (fromMs: number, toMs: number): boolean =>
    (deps.toMs === null || fromMs < deps.toMs) && (deps.fromMs === null || toMs >= deps.fromMs)

  const keep = (episode: Episode): void => {
    if (!inPeriod(episode.fromMs, episode.toMs)) return
    if (track.episodes.length < mostEpisodes) track.episodes.push(episode)
    else {
      track.moreEpisodes.count++
      track.moreEpisodes.seconds += (episode.toMs - episode.fromMs) / 1000
    }
  }

  const close = (ms: number, end: Episode['end']): void => {
    if (open === null) return
    const { episode, untilMs } = open
    const ran = untilMs < ms
    episode.toMs = Math.max(episode.fromMs, Math.min(untilMs, ms))
    episode.end = ran ? 'unseen' : end
    keep(episode)
    open = null
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
      const worseMark =
        (next.mark === 'public' || next.mark === 'mixed') && marks.indexOf(next.mark) > marks.indexOf(mark)
      if (worseMark) mark = atLeast(marks, mark, 'undetermined')
      if ((worseMark || next.duty === 'not_met') && duty === 'met') duty = 'unknown'
    }
    const piece = { fromMs: was.fromMs, toMs: Math.min(was.untilMs, ms), mark, duty }
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

  const noteWaiver = (waiver: WaiverLine | null, ms: number): void => {
    if (waiver === null) return
    const key = JSON.stringify(waiver)
    const known = track.waivers.get(key)
    if (known !== undefined) {
      known.toMs = Math.max(known.toMs, ms)
      known.fromMs = Math.min(known.fromMs, ms)
    } else if (track.waivers.size < 200) track.waivers.set(key, { ...waiver, fromMs: ms, toMs: ms })
  }

  const evidenceOf = (verdict: ReadVerdict, mark: Mark): { evidence: EvidenceLine[]; fix: FixLine[] } => {
    const attempts = verdict.attempts.flatMap((id) => deps.attempt(id) ?? [])
    const telling = attempts.filter((one) => one.mark === mark || one.mark === 'public')
    const evidence = (telling.length > 0 ? telling : attempts).flatMap((one) => one.evidence.slice(0, 4))
    const fix = verdict.fix.length > 0 ? verdict.fix : attempts.flatMap((one) => one.fix).slice(0, 4)
    return { evidence: evidence.slice(0, mostEvidence), fix }
  }

  const follow = (
    verdict: ReadVerdict,
    atMs: number,
    untilMs: number,
    counts: boolean,
    before: Current | null,
    place: Place,
  ): void => {
    const waiver = waiverAt(verdict, atMs)
    const kind = verdict.mark === 'public' || verdict.mark === 'mixed' ? verdict.mark : 'not_met'
    const key = isBad(verdict.mark, verdict.duty)
      ? `${kind} ${waiver === null ? '' : JSON.stringify(waiver)}`
      : null
    if (open !== null && (open.key !== key || open.untilMs < atMs || atMs < open.episode.fromMs))
      close(atMs, 'changed')
    if (key === null) return
    if (open !== null) {
      if (counts) open.episode.looks++
      open.episode.last = place
      open.untilMs = untilMs
      return
    }
    const alive =
      before !== null && before.untilMs >= atMs && before.lookMs <= atMs && !isBad(before.mark, before.duty)
    const episode: Episode = {
      target,
      kind,
      late: false,
      fromMs: atMs,
      notBeforeMs: alive ? before.lookMs : null,
      toMs: atMs,
      end: 'open',
      looks: counts ? 1 : 0,
      cause: verdict.cause,
      ...evidenceOf(verdict, verdict.mark),
      allowed: verdict.duty === 'met' || verdict.duty === 'none',
      waiver,
      first: place,
      last: place,
    }
    open = { episode, key, untilMs }
  }

  const countsOf = (atMs: number): DayCounts | null => {
    if (!inPeriod(atMs, atMs) || (deps.toMs !== null && atMs >= deps.toMs)) return null
    const day = Math.floor(atMs / dayMs)
    const known = track.days.get(day)
    if (known !== undefined) return known
    const counts: DayCounts = { made: 0, confirmed: 0, undetermined: 0, connections: 0 }
    track.days.set(day, counts)
    return counts
  }

  const lastSpan = (): Watched | undefined => track.watched.at(-1)

  const track: Track = {
    target,
    timeline,
    days: new Map(),
    watched: [],
    waivers: new Map(),
    episodes: [],
    moreEpisodes: { count: 0, seconds: 0 },
    verdict: null,
    configuration: undefined,
    discovered: false,
    requires: new Set(),
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
    noteWaiver,
    look(verdict, look, recordMs, place) {
      const atMs = Math.min(look.atMs, recordMs)
      const untilMs = atMs + look.lifeSeconds * 1000
      lifeMs = Math.max(lifeMs, look.lifeSeconds * 1000)
      const before: Current | null = current
      settle(atMs, verdict)
      current = { lookMs: atMs, fromMs: atMs, untilMs, mark: verdict.mark, duty: verdict.duty }
      follow(verdict, atMs, untilMs, true, before, place)
      noteWaiver(verdict.waiver, atMs)
      if (lastSpan()?.toMs !== Number.POSITIVE_INFINITY) track.declare(null, atMs)
      const day = countsOf(atMs)
      if (day !== null) {
        day.made++
        day.connections += look.made.length
        if (verdict.mark === 'undetermined') day.undetermined++
      }
      return { day, confirmed: 0 }
    },
    rejudged(verdict, recordMs, place) {
      const before: Current | null = current
      settle(recordMs, verdict)
      const untilMs = Math.max(recordMs, before?.untilMs ?? recordMs)
      if (before !== null && before.fromMs <= recordMs)
        current = { lookMs: before.lookMs, fromMs: recordMs, untilMs, mark: verdict.mark, duty: verdict.duty }
      follow(verdict, recordMs, untilMs, false, before, place)
      noteWaiver(verdict.waiver, recordMs)
    },
    told(attempt, recordMs, place) {
      const { mark, atMs, late, connected } = attempt
      // Of an address that was not dialled, or did not connect, nothing was claimed.
      if (mark !== 'public' && !(mark === 'undetermined' && late && connected)) return
      const kind = track.verdict?.requireKind ?? 'unknown'
      const duty: Duty =
        kind === 'none' ? 'none' : kind === 'private' || kind === 'blocked' ? 'not_met' : 'unknown'
      const until = Math.max(Math.min(atMs + lifeMs, recordMs), atMs + 1)
      if (mark === 'undetermined') return doubt(atMs, until)
      if (late && wasSaid(atMs)) return
      timeline.paint({ fromMs: atMs, toMs: until, mark, duty })
      if (!late) return
      // It was public, and nobody knew: what was said until now may be as wrong.
      doubt(until, recordMs)
      if (lateOpen !== null && atMs - lateOpen.toMs <= 3_600_000 && atMs >= lateOpen.fromMs) {
        lateOpen.toMs = Math.max(lateOpen.toMs, until)
        lateOpen.looks++
        lateOpen.last = place
        return
      }
      const waiver = track.verdict === null ? null : waiverAt(track.verdict, atMs)
      const cause = attempt.evidence.slice(0, 3).map((one) => `${attempt.hostname}: ${one.because}`)
      const { evidence, fix } = attempt
      lateOpen = {
        target,
        kind: 'public',
        late: true,
        fromMs: atMs,
        notBeforeMs: null,
        toMs: until,
        end: 'unseen',
        looks: 1,
        cause,
        evidence: evidence.slice(0, mostEvidence),
        fix,
        allowed: duty === 'none',
        waiver,
        first: place,
        last: place,
      }
      keep(lateOpen)
    },
    stop(ms) {
      settle(ms, null)
      close(ms, 'unseen')
    },
    lose(fromMs, toMs) {
      timeline.paint({
        fromMs,
        toMs,
        mark: 'gap',
        duty: track.verdict?.requireKind === 'none' ? 'none' : 'unknown',
      })
    },
    doubt,
    finish(lastMs) {
      settle(lastMs, null)
      close(lastMs, 'open')
    },
  }
  return track
}
