import type { TargetFirstLeg } from '../../model/first-leg.ts'
import { type PathState, pathStates } from '../../model/path.ts'
import type { NameVerdict, TargetVerdict } from '../../model/verdict.ts'
import { count, html, key, list, time, segment } from './html.ts'
import { type Page, pageOf } from './page.ts'
import {
  badge,
  classesWords,
  confirmationWords,
  legWords,
  metWord,
  requirementWords,
  stateSigns,
  statesByUrgency,
} from './words.ts'

/** Since when a name is in its state. */
export interface Since {
  /** Unix milliseconds. */
  atMs: number
  /** It was so at the first verdict of this run: perhaps longer. */
  atStart: boolean
}

/** One watched name of one target, as it stands now. */
export interface NameRow {
  hostname: string
  style: string
  /** Null before the first verdict. */
  verdict: NameVerdict | null
  since: Since | null
  /** Its verdict's life is over, and none came in time. */
  stale: boolean
}

export interface TargetRow {
  name: string
  /** Null before the first verdict. */
  verdict: Omit<TargetVerdict, 'names'> | null
  require: TargetVerdict['require']
  names: NameRow[]
}

/** Where a target stands in the order of what a person must see first. */
export type Urgency = 'unmet' | 'open' | 'waived' | 'met'

export interface StatusFacts {
  version: string
  metricsPath?: string | undefined
  nowMs: number
  /** What a person must know beside the verdicts: not ready because, the ledger is not written, … */
  notices: readonly string[]
  /** In short, beside the verdicts: vantage, account, egress, ledger, … HTML is not allowed in them. */
  facts: readonly Fact[]
  tally: Tally
  /** Changes whenever the page would look different. */
  changes: string
  /** The targets of one group, rendered by `targetSection`. */
  sections(urgency: Urgency): Iterable<string>
}

export interface Fact {
  label: string
  /** A person must look at it. */
  bad: boolean
  text: string
  /** Shown behind the text, Unix milliseconds. */
  atMs?: number | null
}

export interface Tally {
  targets: number
  urgencies: Record<Urgency, number>
  names: Record<PathState, number>
}

export function emptyTally(): Tally {
  const names = Object.fromEntries(pathStates.map((state) => [state, 0])) as Record<PathState, number>
  return { targets: 0, urgencies: { unmet: 0, open: 0, waived: 0, met: 0 }, names }
}

/** What is public where nothing is required is worth a look as well, and what has no verdict yet is open. */
export function urgencyOf({ verdict }: TargetRow): Urgency {
  if (verdict === null) return 'open'
  if (verdict.met === null) return verdict.state === 'private' || verdict.state === 'blocked' ? 'met' : 'open'
  if (verdict.met) return 'met'
  return verdict.waiverActive ? 'waived' : 'unmet'
}

const urgencies: readonly Urgency[] = ['unmet', 'open', 'waived', 'met']

/** Behind which target it comes, smaller first. */
export function orderOf(row: TargetRow): number {
  const state = row.verdict?.state ?? 'undetermined'
  return urgencies.indexOf(urgencyOf(row)) * 10 + statesByUrgency.indexOf(state)
}

const stateOf = ({ verdict }: NameRow): PathState => verdict?.state ?? 'undetermined'

export function countIn(tally: Tally, row: TargetRow): void {
  tally.targets++
  tally.urgencies[urgencyOf(row)]++
  for (const name of row.names) tally.names[stateOf(name)]++
}

/** Beyond so many targets, those that meet their requirement show their names only on their own page. */
export const compactAbove = 60

/** Everything that a section shows, as one text: while it stays the same, so does the section. */
export function signatureOf(row: TargetRow, compact: boolean): string {
  const { verdict } = row
  const head = [
    compact,
    verdict?.state,
    verdict?.met,
    verdict?.waiverActive,
    verdict?.waiver?.untilMs,
    verdict?.waiver?.reason,
    verdict?.waiver?.ticket,
    verdict?.firstLeg?.leg,
    verdict?.firstLeg?.met,
    requirementWords(row.require),
  ]
  const names = row.names.map(
    ({ hostname, style, verdict: name, since, stale }) =>
      `${hostname}|${style}|${since?.atMs}|${stale}|${name === null ? '' : signatureOfName(name)}`,
  )
  return `${head.join('|')}\n${names.join('\n')}`
}

/** A verdict is never changed, only followed by another. */
const nameSignatures = new WeakMap<NameVerdict, string>()

function signatureOfName(name: NameVerdict): string {
  const known = nameSignatures.get(name)
  if (known !== undefined) return known
  const { state, proof, confirmation, tainted, conflictOfSide, because, possible, fix } = name
  const made = [state, proof, confirmation, tainted, conflictOfSide, because[0], possible, fix[0]?.text].join(
    '|',
  )
  nameSignatures.set(name, made)
  return made
}

/** One target with its names. Text of theirs is hostile. */
export function targetSection(row: TargetRow, compact: boolean): string {
  const { name, verdict, names } = row
  const urgency = urgencyOf(row)
  const state = verdict?.state ?? 'undetermined'
  const changed = Math.max(0, ...names.map(({ since }) => since?.atMs ?? 0))
  const states = [...new Set([state, ...names.map(stateOf)])]
  const search = html(
    [name, state, ...names.flatMap((n) => [n.hostname, n.style])].join(' ').toLowerCase(),
    4000,
  )
  const leg = verdict?.firstLeg ?? null
  const parts = [
    badge(state),
    `<h3><a href="targets/${segment(name)}">${html(name)}</a></h3>`,
    verdict === null ? '<span class="dim">no verdict yet</span>' : metWord(verdict.met, verdict.waiverActive),
    `<span class="dim">${html(requirementWords(row.require))}</span>`,
    leg === null ? '' : legSpan(leg),
    verdict?.waiver ? waiverSpan(verdict.waiver.untilMs, verdict.waiverActive, verdict.waiver) : '',
  ]
  const short = compact && urgency === 'met'
  const rows = short
    ? `<p class="dim id">${html(names.map(({ hostname }) => hostname).join('  '), 700)}</p>`
    : `<ul class="names">${names.map(nameItem).join('')}</ul>`
  return `<section class="target${urgency === 'unmet' ? ' urgent' : ''}" data-key="${key(name)}" data-states="${states.join(' ')}" data-urgency="${orderOf(row)}" data-changed="${changed}" data-search="${search}"><div class="line">${parts.filter(Boolean).join(' ')}</div>${rows}</section>\n`
}

function legSpan({ leg, met }: TargetFirstLeg): string {
  const word = met === false ? ' <b>(not the one required)</b>' : ''
  return `<span>first leg: ${legWords[leg]}${word}</span>`
}

function waiverSpan(
  untilMs: number,
  active: boolean,
  { reason, ticket }: { reason: string; ticket: string | null },
): string {
  const why = `${reason}${ticket === null ? '' : `, ${ticket}`}`
  return `<span>${active ? 'waived until' : 'waiver ended'} ${time(untilMs)}: ${html(why, 200)}</span>`
}

function nameItem(row: NameRow): string {
  const { hostname, style, verdict, since, stale } = row
  const [first = ''] = verdict?.because ?? ['no probe cycle has completed yet']
  const when =
    since === null
      ? []
      : [`since ${time(since.atMs)}${since.atStart ? ' <span class="dim">or longer</span>' : ''}`]
  const fix = verdict !== null && verdict.state !== 'private' ? (verdict.fix[0] ?? null) : null
  const lines = [
    `${stale ? '<b>Stale: no verdict in time.</b> ' : ''}${html(first, 300)}`,
    `<span class="dim">${[...(verdict === null ? [] : shortWords(verdict)), ...when].join(' · ')}</span>`,
    fix === null ? '' : `<b>Fix:</b> ${html(fix.text, 300)}`,
  ]
  return `<li data-key="${key(`${hostname} ${style}`)}"><span>${badge(stateOf(row))}</span><span><span class="id">${html(hostname)}</span> <span class="dim">${html(style)}</span></span><span class="what">${lines.filter(Boolean).join('<br>')}</span></li>`
}

/** Classes, proof and confirmation of a name; escaped. */
function shortWords(verdict: NameVerdict): string[] {
  const { state, proof, confirmation, possible, tainted, conflictOfSide } = verdict
  const settled = state === 'private' || state === 'public' || state === 'mixed'
  return [
    ...(tainted ? ['<b>held back by a contradiction</b>'] : []),
    ...(conflictOfSide ? ['<b>evidence contradicts itself</b>'] : []),
    ...(settled ? [classesWords(possible)] : []),
    ...(proof === null ? [] : [`proof: ${proof}`]),
    ...(settled ? [confirmationWords[confirmation]] : []),
  ]
}

/** What is wrong now, in one line. `bad`: some requirement is not met. */
export function headline({ targets, urgencies: of, names }: Tally): {
  words: string
  mood: 'bad' | 'open' | 'good'
} {
  if (targets === 0) return { words: 'Nothing is watched yet', mood: 'open' }
  if (of.unmet > 0)
    return {
      words: `${of.unmet} of ${count(targets, 'target')} ${of.unmet === 1 ? 'does' : 'do'} not meet the requirement`,
      mood: 'bad',
    }
  // What is waived is not met, whatever its names are: blocked, or private by another class than the one required.
  if (of.waived > 0)
    return {
      words: `No requirement is broken without a waiver; ${count(of.waived, 'target')} ${of.waived === 1 ? 'does' : 'do'} not meet it, waived`,
      mood: 'open',
    }
  const open = names.public + names.mixed + names.undetermined
  if (open > 0)
    return {
      words: `No requirement is broken without a waiver; ${count(open, 'name')} not proven private`,
      mood: 'open',
    }
  return { words: `All is well: ${count(targets, 'target')}, every requirement met`, mood: 'good' }
}

const groups: Record<Urgency, string> = {
  unmet: 'Not met',
  open: 'Open',
  waived: 'Waived',
  met: 'Met',
}

function* statusBody(facts: StatusFacts): Generator<string> {
  const { tally, notices, nowMs } = facts
  const { words, mood } = headline(tally)
  const sign = mood === 'good' ? '✓' : mood === 'bad' ? '✕' : '?'
  yield `<section class="head ${mood}" data-key="head"><h1><span aria-hidden="true">${sign}</span> ${html(words)}</h1><ul class="tally" aria-label="Names by state">`
  for (const state of statesByUrgency) {
    if (tally.names[state] > 0)
      yield `<li data-key="${state}"><a href="#state=${state}">${tally.names[state]} ${badge(state)}</a></li>`
  }
  yield `</ul><p class="dim">As of ${time(nowMs)}.</p></section>\n`
  if (notices.length > 0)
    yield `<section data-key="notices"><h2>Look at this as well</h2>${list(notices, 30, 'notices')}</section>\n`
  if (tally.targets > 0) {
    yield '<form class="tools" id="tools" data-key="tools" data-keep role="search" aria-label="Filter and sort"><label>Filter <input type="search" placeholder="name, style, state" autocomplete="off" spellcheck="false"></label> '
    for (const state of statesByUrgency)
      yield `<button type="button" data-state="${state}" aria-pressed="false"><span aria-hidden="true">${stateSigns[state]}</span> ${state}</button> `
    yield '<label>Sort by <select><option value="urgency">what is wrong first</option><option value="name">name</option><option value="change">last change</option></select></label> <span id="shown" role="status" class="dim"></span></form>\n'
  }
  for (const urgency of urgencies) {
    const number = tally.urgencies[urgency]
    if (number === 0) continue
    const fold = urgency === 'met' && tally.targets > compactAbove
    yield `<section class="group" data-key="group-${urgency}"><h2>${groups[urgency]} <span class="dim">(${number})</span></h2>`
    yield fold ? `<details class="fold"><summary>${count(number, 'target')}, nothing to do</summary>` : ''
    yield `<div class="list">`
    yield* facts.sections(urgency)
    yield `</div>${fold ? '</details>' : ''}</section>\n`
  }
  yield '<section data-key="facts"><h2>Beside the verdicts</h2><dl class="facts">'
  for (const { label, bad, text, atMs } of facts.facts) {
    const when = atMs === null || atMs === undefined ? '' : ` ${time(atMs)}`
    yield `<dt>${html(label)}</dt><dd>${bad ? '<b>! ' : ''}${html(text, 600)}${bad ? '</b>' : ''}${when}</dd>`
  }
  yield '</dl></section>\n'
}

/** The status page. */
export function statusPage(facts: StatusFacts): Page {
  const { words, mood } = headline(facts.tally)
  const sign = mood === 'good' ? '✓' : mood === 'bad' ? '✕' : '?'
  return pageOf({
    title: `${sign} ${words} · pathproof`,
    up: '',
    version: facts.version,
    metricsPath: facts.metricsPath,
    nowMs: facts.nowMs,
    changes: { path: 'api/v1/status', version: facts.changes },
    body: statusBody(facts),
  })
}
