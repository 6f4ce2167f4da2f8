import type { DayCoverage } from '../coverage.ts'
import { facts, html, list, table, when } from './html-text.ts'
import { timelineSvg } from './html-timeline.ts'
import type { Episode, Place, Report, TargetReport } from './model.ts'
import { causeText, conclusionWords, durationText, percentText } from './words.ts'

/** A sign that is told apart without colour, and the words. */
export function word(kind: string, text: string): string {
  const sign = signs[kind] ?? '?'
  return `<span class="word ${kind}">${sign}\u00a0${html(text)}</span>`
}

const signs: Readonly<Record<string, string>> = {
  met_throughout: '✓',
  no_exception: '✓',
  pass: '✓',
  blocked: '✓',
  active: '○',
  withdrawn: '○',
  nothing_required: '–',
  no_data: '–',
  public: '✗',
  not_met: '✗',
  exception: '✗',
  fail: '✗',
  open: '✗',
  expired: '✗',
  waived: '!',
}

export function placeText({ seq, sha256 }: Place): string {
  return `record ${seq} <code>${html(sha256.slice(0, 16))}…</code>`
}

const countText = (n: number, one: string): string =>
  `${n.toLocaleString('en-US')} ${one}${n === 1 ? '' : 's'}`
const number = (value: number | null): string =>
  value === null ? 'not known' : value.toLocaleString('en-US')

/** One row a target. */
export function summary({ targets }: Report): string {
  const rows = targets.map((target, index) => {
    const { share, looks } = target
    return [
      `<a href="#t${index}">${html(target.target)}</a>`,
      html(target.require),
      word(target.conclusion, conclusionWords[target.conclusion]),
      percentText(share.met),
      durationText(share.publicSeconds + share.mixedSeconds),
      durationText(share.undeterminedSeconds),
      durationText(share.gapSeconds),
      `${number(looks.made)} of ${number(looks.planned)}`,
    ]
  })
  const head = [
    'target',
    'required',
    'result',
    'as required',
    'public',
    'undetermined',
    'not observed',
    'looks',
  ]
  return table(head, rows, 'numbers') || '<p>The ledger tells of no target in this period.</p>\n'
}

export function targetSection(target: TargetReport, index: number, { fromMs, toMs }: Report): string {
  const { looks, episodes, gaps, moreEpisodes, moreGaps } = target
  const names = target.names.slice(0, 20).map((name) => `<code>${html(name)}</code>`)
  if (target.names.length > 20) names.push(`and ${target.names.length - 20} more`)
  const skips = target.skipped.map(({ reason, slots }) => `${number(slots)} ${html(reason)}`).join(', ')
  const skipText = skips === '' ? '' : ` (skipped by the agent itself: ${skips})`
  const about = facts([
    ['required', html(target.require)],
    [
      'looked at',
      `${html(target.schedule ?? 'schedule not known')}${target.discovered ? ', discovered' : ''}`,
    ],
    ['names', names.join(' ') || 'none'],
    ...(target.firstLegs.length === 0 ? [] : [['first leg', firstLegs(target)] as [string, string]]),
    [
      'looks',
      `${number(looks.planned)} planned, ${number(looks.made)} made, ${number(looks.missed)} missed${skipText}; ${number(looks.confirmed)} confirmed by records, ${number(looks.undetermined)} undetermined; ${number(looks.connections)} connections`,
    ],
  ])
  const coarse =
    target.coarseSeconds === null
      ? ''
      : `<p class="soft">The path changed so often that the line is drawn in steps of ${durationText(target.coarseSeconds)}: where anything changed within a step, the worst stands for all of it.</p>\n`
  const more =
    moreEpisodes.count === 0
      ? ''
      : `<p>And ${moreEpisodes.count} more, ${durationText(moreEpisodes.seconds)} in all.</p>\n`
  const gapRows = gaps
    .slice(0, 50)
    .map((gap) => [
      when(gap.fromMs),
      when(gap.toMs),
      durationText((gap.toMs - gap.fromMs) / 1000),
      html(causeText(gap.causes)),
    ])
  const gapsLeft = gaps.slice(50).reduce((sum, gap) => sum + (gap.toMs - gap.fromMs) / 1000, moreGaps.seconds)
  const left = gaps.length - gapRows.length + moreGaps.count
  return `<section><h3 id="t${index}">${html(target.target)} ${word(target.conclusion, conclusionWords[target.conclusion])}</h3>
<p>${html(target.sentence)}</p>
${timelineSvg(target, fromMs, toMs)}${coarse}${about}${episodes.length > 0 ? '<h4>Public, or not as required</h4>\n' : ''}${episodes
  .map(episodeText)
  .join(
    '',
  )}${more}${gapRows.length > 0 ? '<h4>Not observed</h4>\n' : ''}${table(['from', 'to', 'for', 'because'], gapRows)}${
  left > 0 ? `<p>And ${left} more gaps, ${durationText(gapsLeft)} in all.</p>\n` : ''
}<h4>Coverage by day</h4>
${coverageTable(target.days)}</section>
`
}

function firstLegs({ firstLegs: all }: TargetReport): string {
  const lines = all.map(({ leg, required, met, because, fromMs }) => {
    const demand = required === 'any' ? '' : ` (required: ${required}, ${met === true ? 'met' : 'not shown'})`
    return `${html(leg)}${demand} from ${when(fromMs)}${because === '' ? '' : `: ${html(because)}`}`
  })
  return list(lines)
}

/** Connections that turned out public, to names that no target watches. */
export function strays({ strays: all }: Report): string {
  if (all.length === 0) return ''
  const rows = all.map((one) => [
    when(one.atMs),
    html(one.hostname),
    html(one.address),
    html(one.because),
    placeText(one.place),
  ])
  return `<section class="strays"><h3>${word('public', 'public, and watched by no target')}</h3>
<p>Records showed these connections of the agent’s own to be public; no target names where they went.</p>
${table(['at', 'name', 'address', 'because', 'in the ledger'], rows)}</section>
`
}

const kinds = { public: 'public', mixed: 'mixed: some addresses public', not_met: 'not as required' } as const
const ends = {
  changed: 'until a look saw otherwise',
  unseen: 'until nothing was observed any more',
  waiver_ended: 'until the waiver ended',
  open: 'still so at the end of what was read',
} as const

function episodeText(episode: Episode): string {
  const { fromMs, toMs, notBeforeMs, late, waiver, evidence, fix, first, last } = episode
  const rows: [string, string][] = [
    [
      'from',
      `${when(fromMs)}${late ? ', shown by records that came later' : notBeforeMs === null ? '' : `, seen first; the look at ${when(notBeforeMs)} saw otherwise`}`,
    ],
    [
      'to',
      `${when(toMs)}${late ? '' : `, ${ends[episode.end]}`} (${durationText((toMs - fromMs) / 1000)}, ${countText(episode.looks, late ? 'connection' : 'look')})`,
    ],
    ['cause', list(episode.cause.map((line) => html(line))) || 'not told'],
  ]
  if (evidence.length > 0) {
    const lines = evidence.map((one) => [
      one.address === '' ? html(one.hostname) : `<span class="key">${html(one.address)}</span>`,
      html(one.because),
      `<code>${html(one.rule)}</code>`,
      html(one.rank),
      html(one.source),
    ])
    rows.push(['evidence', table(['address', 'what was seen', 'rule', 'strength', 'source'], lines)])
  }
  if (fix.length > 0)
    rows.push([
      'what mends it',
      fix
        .map(
          (one) => `<p>${html(one.text)}</p>${one.command === null ? '' : `<pre>${html(one.command)}</pre>`}`,
        )
        .join(''),
    ])
  if (waiver !== null)
    rows.push([
      'waiver',
      `${html(waiver.reason)} (${html(waiver.ticket ?? 'no ticket')}), until ${when(waiver.untilMs)}`,
    ])
  rows.push(['in the ledger', `${placeText(first)}${first.seq === last.seq ? '' : ` to ${placeText(last)}`}`])
  const spoken = episode.allowed || waiver !== null
  const note = episode.allowed ? ', allowed by what is required' : waiver === null ? '' : ', under a waiver'
  return `<div class="episode${spoken ? ' allowed' : ''}"><p class="word ${spoken ? 'waived' : 'public'}">${spoken ? '!' : '✗'} ${kinds[episode.kind]}${note}</p>${facts(rows)}</div>\n`
}

/** Days without anything to say are drawn together. */
function coverageTable(days: readonly DayCoverage[]): string {
  const rows: (DayCoverage & { last: string })[] = []
  const plain = (day: DayCoverage): boolean => day.observed >= 1 && day.missed === 0 && day.undetermined === 0
  for (const day of days) {
    const before = rows.at(-1)
    const empty = (one: DayCoverage): boolean => one.observed === 0 && one.planned === null && one.made === 0
    if (before !== undefined && ((plain(day) && plain(before)) || (empty(day) && empty(before)))) {
      before.last = day.day
      before.planned = day.planned === null ? before.planned : (before.planned ?? 0) + day.planned
      before.made += day.made
      before.confirmed += day.confirmed
      before.connections += day.connections
    } else rows.push({ ...day, last: day.day })
  }
  return table(
    ['day', 'planned', 'made', 'missed', 'undetermined', 'confirmed', 'connections', 'observed'],
    rows.map((day) => [
      day.last === day.day ? day.day : `${day.day} to ${day.last}`,
      number(day.planned),
      number(day.made),
      number(day.missed),
      number(day.undetermined),
      number(day.confirmed),
      number(day.connections),
      percentText(day.observed),
    ]),
    'numbers',
  )
}
