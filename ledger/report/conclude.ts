import { safeText } from '../../model/text.ts'
import { type CronSlots, type Watched, dayMs, daysOf, gapsOf, shareOf } from '../coverage.ts'
import { coarsen } from '../timeline.ts'
import { checksOf } from './checks.ts'
import { controlsFor, controlsReviewed } from './controls.ts'
import { textsOf } from './decode.ts'
import { type PlacedInterruption, isException } from './findings.ts'
import type { Assurance, Conclusion, Episode, Report, TargetReport, WaiverReport } from './model.ts'
import type { Side } from './side.ts'
import type { Track } from './track.ts'
import { concluded } from './overall.ts'
import { durationText, limits, method, percentText } from './words.ts'

/** All that was collected from the records. */
export interface Collected extends Pick<Report, 'tool' | 'fromMs' | 'toMs' | 'assurance' | 'records'> {
  tracks: readonly Track[]
  interruptions: PlacedInterruption[]
  moreInterruptions: number
  strays: Report['strays']
  side: Side
  unsignedSinceMs: number | null
  cronSlots: CronSlots
}

const mostGaps = 500
const mostPieces = 1000
const mostShownInterruptions = 1000

/** Makes the report of what was collected. */
export function concludeReport(collected: Collected): Report {
  const { tool, fromMs, toMs, records, tracks, interruptions, strays, side } = collected
  const assurance = cleaned(collected.assurance)
  const targets = tracks.flatMap((track) => targetOf(track, collected) ?? [])
  const waivers = tracks.flatMap((track) => waiversOf(track, fromMs, toMs))
  const base = {
    fromMs,
    toMs,
    assurance,
    targets,
    waivers,
    strays,
    interruptions,
    records,
    ...side,
    egress: side.egress.map((check) => ({
      ...check,
      openTimes: check.openTimes.filter((one) => one.toMs === null || one.toMs > fromMs),
    })),
  }
  const checks = checksOf({ ...base, unsignedSinceMs: collected.unsignedSinceMs })
  return {
    schema: 'pathproof.report/1',
    tool,
    ...base,
    conclusion: concluded({ ...base, unsignedSinceMs: collected.unsignedSinceMs }, checks),
    interruptions: interruptions.slice(0, mostShownInterruptions),
    moreInterruptions:
      collected.moreInterruptions + Math.max(0, interruptions.length - mostShownInterruptions),
    checks,
    controls: controlsFor(checks),
    controlsReviewed,
    method: [...method],
    limits: [...limits],
  }
}

/** Parts of it come out of the ledger, and out of files that somebody named. */
function cleaned(assurance: Assurance): Assurance {
  const { signers, anchors, transcript, checkpoint } = assurance
  return {
    ...assurance,
    signers: textsOf(signers, 50, 500),
    anchors: textsOf(anchors, 200, 500),
    transcript: textsOf(transcript, 500, 500),
    // It is signed: only what no page can hold is taken out.
    checkpoint:
      checkpoint === null
        ? null
        : checkpoint
            .split('\n')
            .slice(0, 100)
            .map((line) => safeText(line, 1000))
            .join('\n'),
  }
}

function targetOf(track: Track, { fromMs, toMs, interruptions, cronSlots }: Collected): TargetReport | null {
  const pieces = track.timeline.pieces(fromMs, toMs)
  const watched = track.watched.filter((one) => one.fromMs < toMs && one.toMs > fromMs)
  const episodes = track.episodes.list
    .filter((one) => one.fromMs < toMs && (one.toMs > fromMs || one.fromMs >= fromMs))
    .sort((a, b) => a.fromMs - b.fromMs)
  if (pieces.length === 0 && watched.length === 0 && episodes.length === 0) return null
  const share = shareOf(pieces, fromMs, toMs)
  const gaps = gapsOf(pieces, fromMs, toMs, watched, interruptions)
  const days = daysOf(track.days, pieces, fromMs, toMs, watched, cronSlots)
  const step = Math.max(60_000, Math.ceil((toMs - fromMs) / mostPieces / 60_000) * 60_000)
  const shown = pieces.length <= mostPieces ? pieces : clipped(coarsen(pieces, step), fromMs, toMs)
  const required = track.terms.required(fromMs, toMs)
  const firstLegs = track.firstLegs.filter((one) => one.fromMs < toMs)
  const demanded = [...new Set(firstLegs.map((one) => one.required))].filter((one) => one !== 'any')
  const conclusion = conclusionOf(track, required, share, episodes)
  const left = gaps.slice(mostGaps)
  const sum = (read: (day: (typeof days)[number]) => number | null): number =>
    days.reduce((all, day) => all + (read(day) ?? 0), 0)
  // A day of which the ledger does not tell what was planned makes the sum unknown; one without a plan does not.
  const known =
    days.some((day) => day.planned !== null) &&
    !days.some((day) => day.planned === null && (day.made > 0 || touches(watched, day.day)))
  return {
    target: track.target,
    require: [required.join('; then ') || 'unknown', ...demanded.map((leg) => `first leg ${leg}`)].join(', '),
    schedule: scheduleText(track),
    names: [...track.hostnames].slice(0, 50),
    discovered: track.discovered,
    firstLegs,
    conclusion,
    sentence: sentenceOf(conclusion, share, episodes.length + track.episodes.more.count, gaps.length),
    share,
    looks: {
      planned: known ? sum((day) => day.planned) : null,
      made: sum((day) => day.made),
      confirmed: sum((day) => day.confirmed),
      undetermined: sum((day) => day.undetermined),
      missed: known ? sum((day) => day.missed) : null,
      connections: sum((day) => day.connections),
    },
    skipped: [...track.skipped]
      .map(([reason, slots]) => ({ reason, slots }))
      .sort((a, b) => (a.reason < b.reason ? -1 : 1)),
    timeline: shown,
    coarseSeconds: shown === pieces ? track.timeline.coarseSeconds() : step / 1000,
    days,
    gaps: gaps.slice(0, mostGaps),
    moreGaps: {
      count: left.length,
      seconds: left.reduce((all, gap) => all + (gap.toMs - gap.fromMs) / 1000, 0),
    },
    episodes,
    moreEpisodes: track.episodes.more,
  }
}

function clipped(pieces: TargetReport['timeline'], fromMs: number, toMs: number): TargetReport['timeline'] {
  return pieces
    .map((one) => ({ ...one, fromMs: Math.max(one.fromMs, fromMs), toMs: Math.min(one.toMs, toMs) }))
    .filter((one) => one.fromMs < one.toMs)
}

function scheduleText(track: Track): string | null {
  const schedule = track.watched.at(-1)?.schedule ?? null
  if (schedule === null) return null
  return schedule.kind === 'cron'
    ? `cron ${schedule.expression} (UTC)`
    : `every ${durationText(schedule.everySeconds)}`
}

function touches(watched: readonly Watched[], day: string): boolean {
  const startMs = Date.parse(`${day}T00:00:00Z`)
  return watched.some((one) => one.fromMs < startMs + dayMs && one.toMs > startMs)
}

function conclusionOf(
  track: Track,
  required: readonly string[],
  share: TargetReport['share'],
  episodes: readonly Episode[],
): Conclusion {
  const bad = episodes.filter(isException)
  if (bad.some(({ kind }) => kind !== 'not_met')) return 'public'
  // More than are kept in full: nobody knows what they were.
  if (bad.length > 0 || track.episodes.more.count > 0) return 'not_met'
  if (share.observed === 0 && episodes.length === 0) return 'nothing_observed'
  if (episodes.some(({ waiver, allowed }) => waiver !== null && !allowed)) return 'waived'
  // A connection was public, and the agent ended before it came to a verdict.
  if (share.notMet > 0) return share.publicSeconds + share.mixedSeconds > 0 ? 'public' : 'not_met'
  if (required.length === 1 && required[0] === 'nothing') return 'nothing_required'
  return share.met >= 1 ? 'met_throughout' : 'not_fully_shown'
}

function sentenceOf(
  conclusion: Conclusion,
  share: TargetReport['share'],
  episodes: number,
  gaps: number,
): string {
  const observed = `Observed ${percentText(share.observed)} of the period`
  const times = `${episodes} ${episodes === 1 ? 'time' : 'times'}`
  const gapText = gaps === 0 ? 'without a gap' : `with ${gaps} ${gaps === 1 ? 'gap' : 'gaps'}`
  if (conclusion === 'met_throughout') return `${observed}; what is required was shown at every moment.`
  if (conclusion === 'nothing_observed') return 'Nothing was observed of it in the period.'
  if (conclusion === 'nothing_required') return `${observed}, ${gapText}; nothing is required of it.`
  const open =
    share.undeterminedSeconds === 0 ? '' : `, undetermined for ${durationText(share.undeterminedSeconds)}`
  const settled = `what is required was shown for ${percentText(share.met)} of it${open}`
  if (conclusion === 'not_fully_shown' && episodes > 0)
    return `Public or otherwise ${times}, each time allowed by what was required then. ${observed}, ${gapText}; ${settled}.`
  if (conclusion === 'not_fully_shown')
    return `Never seen otherwise, but what is required was shown for ${percentText(share.met)} of the period only: ${observed.toLowerCase()}, ${gapText}${open}.`
  const shown = durationText(share.publicSeconds + share.mixedSeconds)
  if (conclusion === 'public')
    return `A public path was seen${episodes === 0 ? '' : ` ${times}`}, for ${shown}. ${observed}, ${gapText}.`
  if (conclusion === 'waived')
    return `Not as required ${times}, each time under an active waiver or allowed then. ${observed}, ${gapText}; ${settled}.`
  return `Not as required ${times}. ${observed}, ${gapText}.`
}

function waiversOf(track: Track, fromMs: number, toMs: number): WaiverReport[] {
  const spans = track.terms.waivers().sort((a, b) => a.fromMs - b.fromMs || a.untilMs - b.untilMs)
  // By a later word on the target it was there no more.
  const lastSeen = track.terms.lastMs()
  return spans
    .filter((one) => one.fromMs < toMs && one.toMs >= fromMs)
    .map(({ reason, ticket, untilMs, ...span }) => ({
      target: track.target,
      reason,
      ticket,
      untilMs,
      fromMs: span.fromMs,
      toMs: span.toMs,
      state: untilMs <= Math.min(span.toMs, toMs) ? 'expired' : span.toMs < lastSeen ? 'withdrawn' : 'active',
    }))
}
