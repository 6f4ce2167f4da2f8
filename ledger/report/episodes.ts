import type { Duty, Mark } from '../timeline.ts'
import type { EvidenceLine, Episode, FixLine, Place, WaiverLine } from './model.ts'
import type { ReadAttempt, ReadVerdict } from './verdicts.ts'

export interface EpisodesDeps {
  /** Bounds of the period; null: open. Only what touches it is kept. */
  fromMs: number | null
  toMs: number | null
  attempt(id: string): ReadAttempt | null
}

/** What a verdict says of a time. */
export interface Said {
  verdict: ReadVerdict
  atMs: number
  untilMs: number
  /** Whether it is from a look of its own. */
  counts: boolean
  /** The look that saw it as it should be just before; null: none did. */
  notBeforeMs: number | null
  waiver: WaiverLine | null
  place: Place
}

/** Records showed later that a connection had been public. */
export interface ToldLate {
  attempt: ReadAttempt
  untilMs: number
  allowed: boolean
  waiver: WaiverLine | null
  place: Place
}

/** The times in which a target took a public path, or was not what it is required to be. */
export interface Episodes {
  list: Episode[]
  /** Beyond those that are kept. */
  more: { count: number; seconds: number }
  follow(said: Said): void
  late(told: ToldLate): void
  /** Ends the one that is open, at this time at the latest. */
  close(ms: number, end: Episode['end']): void
}

const mostEpisodes = 200
const mostEvidence = 12
/** Connections that turn out public within this time of each other are told as one. */
const lateTogetherMs = 3_600_000

export const isPublic = (mark: Mark): boolean => mark === 'public' || mark === 'mixed'
export const isBad = (mark: Mark, duty: Duty): boolean => isPublic(mark) || duty === 'not_met'

const textOf = (waiver: WaiverLine | null): string => (waiver === null ? '' : JSON.stringify(waiver))

export function createEpisodes(target: string, deps: EpisodesDeps): Episodes {
  let open: { episode: Episode; key: string; untilMs: number } | null = null
  let lateOpen: Episode | null = null
  const list: Episode[] = []
  const more = { count: 0, seconds: 0 }

  const touches = ({ fromMs, toMs }: Episode): boolean =>
    (deps.toMs === null || fromMs < deps.toMs) &&
    (deps.fromMs === null || toMs > deps.fromMs || fromMs >= deps.fromMs)

  const keep = (episode: Episode): void => {
    if (!touches(episode)) return
    if (list.length < mostEpisodes) list.push(episode)
    else {
      more.count++
      more.seconds += (episode.toMs - episode.fromMs) / 1000
    }
  }

  const close = (ms: number, end: Episode['end']): void => {
    if (open === null) return
    const { episode, untilMs } = open
    open = null
    episode.toMs = Math.max(episode.fromMs, Math.min(untilMs, ms))
    episode.end = untilMs < ms ? 'unseen' : end
    const { waiver, fromMs, toMs } = episode
    if (waiver === null || toMs <= waiver.untilMs) {
      keep(episode)
      return
    }
    // It ended between two looks: what came after is not covered.
    const endMs = Math.max(fromMs, waiver.untilMs)
    keep({ ...episode, toMs: endMs, end: 'waiver_ended' })
    keep({ ...episode, fromMs: endMs, notBeforeMs: null, looks: 0, waiver: null })
  }

  const evidenceOf = (verdict: ReadVerdict): { evidence: EvidenceLine[]; fix: FixLine[] } => {
    const attempts = verdict.attempts.flatMap((id) => deps.attempt(id) ?? [])
    const telling = attempts.filter((one) => one.mark === verdict.mark || one.mark === 'public')
    const evidence = (telling.length > 0 ? telling : attempts).flatMap((one) => one.evidence.slice(0, 4))
    const fix = verdict.fix.length > 0 ? verdict.fix : attempts.flatMap((one) => one.fix).slice(0, 4)
    return { evidence: evidence.slice(0, mostEvidence), fix }
  }

  return {
    list,
    more,
    close,
    follow({ verdict, atMs, untilMs, counts, notBeforeMs, waiver, place }) {
      const { mark, duty, cause } = verdict
      const kind = mark === 'public' || mark === 'mixed' ? mark : 'not_met'
      const allowed = duty === 'met' || duty === 'none'
      const key = isBad(mark, duty) ? `${kind} ${allowed} ${textOf(waiver)}` : null
      if (open !== null && (open.key !== key || open.untilMs < atMs || atMs < open.episode.fromMs))
        close(atMs, 'changed')
      if (key === null) return
      if (open !== null) {
        if (counts) open.episode.looks++
        open.episode.last = place
        open.untilMs = untilMs
        return
      }
      const episode: Episode = {
        target,
        kind,
        late: false,
        fromMs: atMs,
        notBeforeMs,
        toMs: atMs,
        end: 'open',
        looks: counts ? 1 : 0,
        cause,
        ...evidenceOf(verdict),
        allowed,
        waiver,
        first: place,
        last: place,
      }
      open = { episode, key, untilMs }
    },
    late({ attempt, untilMs, allowed, waiver, place }) {
      const { atMs, hostname, evidence, fix } = attempt
      const together =
        lateOpen !== null &&
        atMs - lateOpen.toMs <= lateTogetherMs &&
        atMs >= lateOpen.fromMs &&
        lateOpen.allowed === allowed &&
        textOf(lateOpen.waiver) === textOf(waiver)
      if (lateOpen !== null && together) {
        const kept = touches(lateOpen)
        lateOpen.toMs = Math.max(lateOpen.toMs, untilMs)
        lateOpen.looks++
        lateOpen.last = place
        if (!kept) keep(lateOpen)
        return
      }
      lateOpen = {
        target,
        kind: 'public',
        late: true,
        fromMs: atMs,
        notBeforeMs: null,
        toMs: untilMs,
        end: 'unseen',
        looks: 1,
        cause: evidence.slice(0, 3).map((one) => `${hostname}: ${one.because}`),
        evidence: evidence.slice(0, mostEvidence),
        fix,
        allowed,
        waiver,
        first: place,
        last: place,
      }
      keep(lateOpen)
    },
  }
}
