import type { Schedule } from '../model/target.ts'
import { type Mark, type Piece, marks } from './timeline.ts'

/** One UTC day of one target. A look is a cycle: one look at all its names. */
export interface DayCoverage {
  /** `2026-11-20` */
  day: string
  /** By the schedule, while the target was to be watched; null: nothing was planned then, or the ledger does not tell. */
  planned: number | null
  made: number
  /** Looks of which an attempt was borne out by records of the network or of AWS. */
  confirmed: number
  undetermined: number
  missed: number | null
  /** Connections that were tried. */
  connections: number
  /** Share of the day, as far as it lies in the period, of which a verdict stood; 0 to 1. */
  observed: number
}

/** Seconds of the period by what stood then; together they are the whole period. */
export type Share = Record<`${Mark}Seconds`, number> & {
  /** 0 to 1: everything but gaps. */
  observed: number
  /** Of the period, what was required was shown to be the case; 0 to 1. */
  met: number
  /** Of the period, it was shown not to be the case; 0 to 1. */
  notMet: number
}

export interface Interruption {
  fromMs: number
  toMs: number
  cause: string
}

/** A time in which nothing stood of a target. */
export interface Gap {
  fromMs: number
  toMs: number
  causes: string[]
}

/** A time in which a target was to be watched. */
export interface Watched {
  fromMs: number
  toMs: number
  schedule: Schedule | null
}

/** Slots of a cron expression in [fromMs, toMs); null: it can't be told. */
export type CronSlots = (expression: string, fromMs: number, toMs: number) => number | null

export const dayMs = 86_400_000

/** Seconds by mark over [fromMs, toMs). Time that no piece covers is a gap: silence is never compliance. */
export function shareOf(pieces: readonly Piece[], fromMs: number, toMs: number): Share {
  const ms: Record<Mark, number> = { private: 0, blocked: 0, gap: 0, undetermined: 0, mixed: 0, public: 0 }
  let met = 0
  let notMet = 0
  let covered = 0
  for (const piece of pieces) {
    const length = Math.min(piece.toMs, toMs) - Math.max(piece.fromMs, fromMs)
    if (length <= 0) continue
    ms[piece.mark] += length
    covered += length
    if (piece.duty === 'met' && piece.mark !== 'gap') met += length
    if (piece.duty === 'not_met') notMet += length
  }
  const whole = Math.max(0, toMs - fromMs)
  ms.gap += whole - covered
  const seconds = Object.fromEntries(marks.map((mark) => [`${mark}Seconds`, ms[mark] / 1000]))
  const ratio = (part: number): number => (whole === 0 ? 0 : part / whole)
  return {
    ...(seconds as Record<`${Mark}Seconds`, number>),
    observed: ratio(whole - ms.gap),
    met: ratio(met),
    notMet: ratio(notMet),
  }
}

/** The times of [fromMs, toMs) of which nothing is known, with whatever interrupted the agent or the ledger then. */
export function gapsOf(
  pieces: readonly Piece[],
  fromMs: number,
  toMs: number,
  watched: readonly Watched[],
  interruptions: readonly Interruption[],
): Gap[] {
  const gaps: Gap[] = []
  let at = fromMs
  const add = (end: number): void => {
    const last = gaps.at(-1)
    if (at >= end) return
    if (last !== undefined && last.toMs === at) last.toMs = end
    else gaps.push({ fromMs: at, toMs: end, causes: [] })
  }
  for (const piece of pieces) {
    if (piece.toMs <= at || piece.fromMs >= toMs) continue
    add(Math.min(piece.fromMs, toMs))
    if (piece.mark === 'gap') {
      at = Math.max(at, piece.fromMs)
      add(Math.min(piece.toMs, toMs))
    }
    at = Math.max(at, piece.toMs)
  }
  add(toMs)
  let start = 0
  for (const gap of gaps) {
    // Both lists are sorted by their beginnings, and interruptions hardly overlap each other.
    while (start < interruptions.length && (interruptions[start] as Interruption).toMs <= gap.fromMs) start++
    const causes = new Set<string>()
    for (let i = start; i < interruptions.length; i++) {
      const one = interruptions[i] as Interruption
      if (one.fromMs >= gap.toMs) break
      if (one.toMs > gap.fromMs) causes.add(one.cause)
    }
    if (!watched.some((one) => one.fromMs <= gap.fromMs && one.toMs >= gap.toMs)) causes.add('not_watched')
    gap.causes = causes.size === 0 ? ['no_verdict'] : [...causes].sort()
  }
  return gaps
}

export interface DayCounts {
  made: number
  /** Those that came when one was due: looks right after one another do not make up for looks that were missed. */
  spaced: number
  confirmed: number
  undetermined: number
  connections: number
}

export function noCounts(): DayCounts {
  return { made: 0, spaced: 0, confirmed: 0, undetermined: 0, connections: 0 }
}

/**
 * Every UTC day that the period touches; `counts` by days since the Unix epoch. Looks by interval that are planned are counted from the time in which the target
 * was to be watched, so they may be off by one a day.
 */
export function daysOf(
  counts: ReadonlyMap<number, DayCounts>,
  pieces: readonly Piece[],
  fromMs: number,
  toMs: number,
  watched: readonly Watched[],
  cronSlots: CronSlots,
): DayCoverage[] {
  const days: DayCoverage[] = []
  let next = 0
  for (let start = Math.floor(fromMs / dayMs) * dayMs; start < toMs; start += dayMs) {
    const from = Math.max(start, fromMs)
    const to = Math.min(start + dayMs, toMs)
    const { made, spaced, confirmed, undetermined, connections } = counts.get(start / dayMs) ?? noCounts()
    const due = plannedIn(watched, from, to, cronSlots)
    const planned = due === null ? null : Math.max(due, spaced)
    while (next < pieces.length && (pieces[next] as Piece).toMs <= from) next++
    let observedMs = 0
    for (let i = next; i < pieces.length && (pieces[i] as Piece).fromMs < to; i++) {
      const piece = pieces[i] as Piece
      if (piece.mark !== 'gap') observedMs += Math.min(piece.toMs, to) - Math.max(piece.fromMs, from)
    }
    days.push({
      day: new Date(start).toISOString().slice(0, 10),
      planned,
      made,
      confirmed,
      undetermined,
      missed: planned === null ? null : planned - spaced,
      connections,
      observed: observedMs / (to - from),
    })
  }
  return days
}

function plannedIn(
  watched: readonly Watched[],
  fromMs: number,
  toMs: number,
  cronSlots: CronSlots,
): number | null {
  let sum = 0
  let any = false
  for (const one of watched) {
    const from = Math.max(one.fromMs, fromMs)
    const to = Math.min(one.toMs, toMs)
    if (from >= to) continue
    if (one.schedule === null) return null
    any = true
    if (one.schedule.kind === 'interval') sum += (to - from) / 1000 / one.schedule.everySeconds
    else {
      const slots = cronSlots(one.schedule.expression, from, to)
      if (slots === null) return null
      sum += slots
    }
  }
  return any ? Math.floor(sum) : null
}
