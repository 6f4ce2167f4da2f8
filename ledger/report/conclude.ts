import { safeText } from '../../model/text.ts'
import { type CronSlots, daysOf, gapsOf, shareOf } from '../coverage.ts'
import { coarsen } from '../timeline.ts'
import { checksOf } from './checks.ts'
import { controlsFor, controlsReviewed } from './controls.ts'
import { textsOf } from './decode.ts'
import { type Findings, type PlacedInterruption, isException } from './findings.ts'
import type { Assurance, Conclusion, Episode, Report, TargetReport, WaiverReport } from './model.ts'
import type { Side } from './side.ts'
import type { Track } from './track.ts'
import { durationText, limits, method, overallWords, percentText } from './words.ts'

/** All that was collected from the records. */
export interface Collected extends Pick<Report, 'tool' | 'fromMs' | 'toMs' | 'assurance' | 'records'> {
  tracks: readonly Track[]
  interruptions: PlacedInterruption[]
  moreInterruptions: number
  strays: Report['strays']
  side: Side
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
    ...side,
    egress: side.egress.map((check) => ({
      ...check,
      openTimes: check.openTimes.filter((one) => one.toMs === null || one.toMs > fromMs),
    })),
  }
  const checks = checksOf(base)
  return {
    schema: 'pathproof.report/1',
    tool,
    records,
    ...base,
    conclusion: overall(base, checks),
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
  const episodes = track.episodes
    .filter((one) => one.fromMs < toMs && one.toMs >= fromMs)
    .sort((a, b) => a.fromMs - b.fromMs)
  if (pieces.length === 0 && watched.length === 0 && episodes.length === 0) return null
  const share = shareOf(pieces, fromMs, toMs)
  const gaps = gapsOf(pieces, fromMs, toMs, watched, interruptions)
  const days = daysOf(track.days, pieces, fromMs, toMs, watched, cronSlots)
  const step = Math.max(60_000, Math.ceil((toMs - fromMs) / mostPieces / 60_000) * 60_000)
  const shown = pieces.length <= mostPieces ? pieces : clipped(coarsen(pieces, step), fromMs, toMs)
  const conclusion = conclusionOf(track, share, episodes)
  const left = gaps.slice(mostGaps)
  const sum = (read: (day: (typeof days)[number]) => number | null): number =>
    days.reduce((all, day) => all + (read(day) ?? 0), 0)
  const known = days.some((day) => day.planned !== null)
  return {
    target: track.target,
    require: [...track.requires].join('; then ') || 'unknown',
    schedule: scheduleText(track),
    names: [...track.hostnames].slice(0, 50),
    discovered: track.discovered,
    conclusion,
    sentence: sentenceOf(conclusion, share, episodes.length + track.moreEpisodes.count, gaps.length),
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
    moreEpisodes: track.moreEpisodes,
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

function conclusionOf(track: Track, share: TargetReport['share'], episodes: readonly Episode[]): Conclusion {
  const bad = episodes.filter(isException)
  if (bad.some(({ kind }) => kind !== 'not_met')) return 'public'
  // More than are kept in full: nobody knows what they were.
  if (bad.length > 0 || track.moreEpisodes.count > 0) return 'not_met'
  if (share.observed === 0 && episodes.length === 0) return 'nothing_observed'
  if (episodes.some(({ waiver, allowed }) => waiver !== null && !allowed)) return 'waived'
  if (share.notMet > 0) return 'not_met'
  if (track.requires.size === 1 && track.requires.has('nothing')) return 'nothing_required'
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
  if (conclusion === 'not_fully_shown')
    return `Never seen otherwise, but what is required was shown for ${percentText(share.met)} of the period only: ${observed.toLowerCase()}, ${gapText}${open}.`
  const shown = durationText(share.publicSeconds + share.mixedSeconds)
  if (conclusion === 'public')
    return `A public path was seen ${times}, for ${shown}. ${observed}, ${gapText}.`
  if (conclusion === 'waived')
    return `Not as required ${times}, each time under an active waiver. ${observed}, ${gapText}.`
  return `Not as required ${times}. ${observed}, ${gapText}.`
}

function waiversOf(track: Track, fromMs: number, toMs: number): WaiverReport[] {
  const spans = [...track.waivers.values()].sort((a, b) => a.fromMs - b.fromMs || a.untilMs - b.untilMs)
  const lastSeen = Math.max(...spans.map((one) => one.toMs))
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

function overall(findings: Findings, checks: Report['checks']): Report['conclusion'] {
  const { assurance, targets } = findings
  const count = (...kinds: Conclusion[]): number =>
    targets.filter(({ conclusion }) => kinds.includes(conclusion)).length
  const sentences =
    targets.length === 0
      ? ['The ledger tells of no target in this period.']
      : [
          `${targets.length} ${targets.length === 1 ? 'target' : 'targets'}: ${[
            [count('met_throughout'), 'as required at every moment'],
            [count('not_fully_shown', 'nothing_observed'), 'not fully shown'],
            [count('public'), 'with a public path'],
            [count('not_met'), 'otherwise not as required'],
            [count('waived'), 'with exceptions under a waiver'],
            [count('nothing_required'), 'of which nothing is required'],
          ]
            .filter(([n]) => n !== 0)
            .map(([n, text]) => `${n} ${text}`)
            .join(', ')}.`,
        ]
  for (const name of ['egress_closed', 'waivers', 'record_integrity', 'clock'] as const)
    if (checks[name].result === 'exception') sentences.push(checks[name].sentence)
  const exception =
    count('public', 'not_met') > 0 ||
    checks.egress_closed.result === 'exception' ||
    checks.no_public_path.result === 'exception'
  const whole =
    targets.length > 0 &&
    count('not_fully_shown', 'nothing_observed') === 0 &&
    checks.waivers.result !== 'exception' &&
    assurance.outcome === 'verified'
  const result =
    assurance.outcome === 'broken' ? 'unusable' : exception ? 'exception' : whole ? 'met' : 'incomplete'
  return { result, sentences: [overallWords[result], ...sentences] }
}
