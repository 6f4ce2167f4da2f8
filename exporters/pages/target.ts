import type { AttemptVerdict, NameVerdict, TargetVerdict } from '../../model/verdict.ts'
import type { PathState, Rank } from '../../model/path.ts'
import { conflictBox, fixes, reasons, warnings } from './evidence.ts'
import { count, html, key, list, time, segment } from './html.ts'
import { type Page, pageOf } from './page.ts'
import { type Sample, plot } from './plot.ts'
import type { NameRow, TargetRow } from './status.ts'
import { wayInWords, wayOf } from './way.ts'
import { drawWay } from './way-svg.ts'
import {
  badge,
  confirmationSentences,
  legWords,
  metWord,
  rankWords,
  requirementWords,
  stateSigns,
} from './words.ts'

/** Something that has changed. `state` null: not of the name itself, but what may have led to it. */
export interface Change {
  atMs: number
  state: PathState | null
  proof: Rank | null
  text: string
}

export interface NameFacts extends NameRow {
  /** Youngest first. */
  changes: readonly Change[]
  tcp: readonly Sample[]
  tls: readonly Sample[]
}

export interface TargetFacts {
  version: string
  metricsPath?: string | undefined
  nowMs: number
  row: TargetRow
  /** Null before the first verdict. */
  verdict: TargetVerdict | null
  every: string
  names: readonly NameFacts[]
}

/** Connections of a name that take the same way by all that is known, and come to the same. */
interface Group {
  shown: AttemptVerdict
  all: AttemptVerdict[]
}

const urgency: readonly PathState[] = ['public', 'undetermined', 'blocked', 'mixed', 'private']
const mostGroups = 4
const mostAddresses = 300

/**
 * Connections that can share a picture. An address that was not dialled goes with those dialled of which all is the same.
 */
export function groupsOf(name: Pick<NameVerdict, 'attempts'>): Group[] {
  const groups = new Map<string, Group>()
  const waiting: [string, AttemptVerdict][] = []
  const wayKey = ({ family, bases, possible, conflicts }: AttemptVerdict) =>
    JSON.stringify([
      family,
      bases,
      possible.filter((c) => c !== 'blocked'),
      conflicts.map(({ rank, of }) => [rank, of]),
    ])
  const ways = new Map<string, Group>()
  for (const attempt of name.attempts) {
    const way = wayKey(attempt)
    if (!attempt.dialled) {
      waiting.push([way, attempt])
      continue
    }
    const id = `${way} ${attempt.state} ${attempt.connected}`
    const group = groups.get(id)
    if (group === undefined) {
      const made = { shown: attempt, all: [attempt] }
      groups.set(id, made)
      if (!ways.has(way) || attempt.connected) ways.set(way, made)
    } else {
      group.all.push(attempt)
      if (attempt.atMs > group.shown.atMs) group.shown = attempt
    }
  }
  for (const [way, attempt] of waiting) {
    const group = ways.get(way)
    if (group !== undefined) group.all.push(attempt)
    else {
      const made = { shown: attempt, all: [attempt] }
      ways.set(way, made)
      groups.set(`${way} waiting`, made)
    }
  }
  const rank = ({ shown }: Group) => urgency.indexOf(shown.state)
  return [...groups.values()].toSorted((a, b) => rank(a) - rank(b) || b.all.length - a.all.length)
}

function groupTitle({ shown, all }: Group): string {
  const dialled = all.filter((a) => a.dialled).length
  if (dialled === 0)
    return `${count(all.length, 'address', 'addresses')} not dialled yet: would be ${shown.wouldBe}`
  const more = all.length - dialled
  return `${count(dialled, 'connection')} ${badge(shown.state)}${more > 0 ? `, ${more} more of its addresses would go the same way` : ''}`
}

function* groupPart(group: Group, name: NameVerdict, id: string): Generator<string> {
  const { shown } = group
  const way = wayOf(shown, name)
  const words = wayInWords(way)
  yield `<section data-key="${id}"><h3>${groupTitle(group)}</h3><div class="two"><div>${drawWay(way, id, words)}<details data-key="words"><summary>The picture in words</summary><p>${html(words.join(' '), 3000)}</p></details></div><div>`
  for (const warning of warnings(shown)) yield `<p><b>! ${html(warning)}</b></p>`
  yield `<p><b>Why</b>, strongest reason first (<a href="../attempts/${segment(shown.id)}">connection to ${html(shown.address)}</a>, ${time(shown.atMs)}):</p>${reasons(shown)}`
  for (const conflict of shown.conflicts) yield conflictBox(conflict, shown)
  if (shown.assumptions.length > 0) yield `<p><b>It rests on this:</b></p>${list(shown.assumptions, 20)}`
  const leg = shown.firstLeg ?? null
  if (leg !== null) yield `<p><b>First leg: ${legWords[leg.leg]}.</b></p>`
  yield '</div></div></section>\n'
}

function stateCounts(attempts: readonly AttemptVerdict[]): string {
  const counts = new Map<string, number>()
  for (const { dialled, state } of attempts) {
    const word = dialled ? state : 'not dialled yet'
    counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  return [...counts].map(([word, number]) => `${number} ${word}`).join(', ')
}

function* addressTable(attempts: readonly AttemptVerdict[]): Generator<string> {
  yield `<details data-key="addresses"${attempts.length <= 8 ? ' open' : ''}><summary>${count(attempts.length, 'known address', 'known addresses')}: ${stateCounts(attempts)}</summary><div class="scroll" tabindex="0" role="region" aria-label="Known addresses"><table><thead><tr><th scope="col">Address</th><th scope="col">State</th><th scope="col">Remains possible</th><th scope="col">From</th><th scope="col">Answered by</th><th scope="col">Looked at</th></tr></thead><tbody>`
  const order = attempts.toSorted(
    (a, b) => urgency.indexOf(a.state) - urgency.indexOf(b.state) || Number(b.dialled) - Number(a.dialled),
  )
  for (const a of order.slice(0, mostAddresses)) {
    const state = a.dialled ? badge(a.state) : `not dialled; would be ${a.wouldBe}`
    const from =
      a.localAddress === null ? '' : `${a.localAddress}${a.localPort === null ? '' : ` port ${a.localPort}`}`
    yield `<tr data-key="${key(a.address)}"><td class="id"><a href="../attempts/${segment(a.id)}">${html(a.address)}</a></td><td>${state}</td><td>${a.possible.join(', ')}</td><td class="id">${html(from)}</td><td>${html(a.resolvers.join(', '))}</td><td>${time(a.atMs)}</td></tr>`
  }
  yield `</tbody></table></div>${attempts.length > mostAddresses ? `<p>and ${attempts.length - mostAddresses} more</p>` : ''}</details>\n`
}

function* resolverTable({ resolvers = [] }: NameVerdict): Generator<string> {
  if (resolvers.length === 0) return
  yield '<h3>Resolvers and their answers</h3><div class="scroll" tabindex="0" role="region" aria-label="Resolvers"><table><thead><tr><th scope="col">Resolver</th><th scope="col">Answers</th><th scope="col">Addresses</th><th scope="col">Since</th></tr></thead><tbody>'
  for (const { resolver, server, counts, kind, state, addresses, because, sinceMs } of resolvers) {
    const word = `${kind}${counts ? '' : ` (only compared: ${state ?? 'failed'})`}`
    const why = because === null ? '' : `<br>${html(because, 600)}`
    yield `<tr><td>${html(resolver)} <span class="dim">${html(server)}</span></td><td>${word}${why}</td><td class="id">${html(addresses.join(' '), 600)}</td><td>${sinceMs === null ? '' : time(sinceMs)}</td></tr>`
  }
  yield '</tbody></table></div>\n'
}

function* timeline(changes: readonly Change[]): Generator<string> {
  if (changes.length === 0) return
  yield '<h3>Last changes</h3><ul class="timeline">'
  for (const { atMs, state, proof, text } of changes) {
    const what = state === null ? '' : `${badge(state)}${proof === null ? '' : ` (proof: ${proof})`} `
    yield `<li>${time(atMs)} ${what}${html(text, 500)}</li>`
  }
  yield '</ul>\n'
}

function* nameSection(name: NameFacts): Generator<string> {
  const { hostname, style, verdict, since, stale } = name
  const id = key(`${hostname} ${style}`)
  const heading = `<span class="id">${html(hostname)}</span> <span class="dim">${html(style)}</span>`
  yield `<section class="name" id="n-${id}" data-key="n-${id}"><h2>${badge(verdict?.state ?? 'undetermined')} ${heading}</h2>`
  if (verdict === null) {
    yield '<p>No probe cycle has completed yet.</p></section>'
    return
  }
  if (stale) yield '<p><b>Stale: no verdict came in time. What follows is of the last one.</b></p>'
  const proof = verdict.proof === null ? '' : ` Proof: <b>${verdict.proof}</b> (${rankWords[verdict.proof]}).`
  const when =
    since === null
      ? ''
      : `Since ${time(since.atMs)}${since.atStart ? ' or longer (the first verdict of this run)' : ''}.`
  const confirmed =
    verdict.lastConfirmedMs === null
      ? ''
      : ` Last confirmed: a connection of ${time(verdict.lastConfirmedMs)}${verdict.confirmedProof === null ? '' : ` (${verdict.confirmedProof})`}.`
  yield `<p>${when}${proof} ${html(confirmationSentences[verdict.confirmation])}${confirmed}</p>`
  if (verdict.tainted)
    yield '<p><b>Held back: late records contradicted a connection that went this way. It can’t be called private until records confirm it anew.</b></p>'
  yield list(verdict.because, 12)
  if (verdict.wouldDecide.length > 0) yield `<h3>What would decide it</h3>${list(verdict.wouldDecide, 10)}`
  if (verdict.fix.length > 0) yield `<h3>What mends it</h3><ul>${fixes(verdict.fix)}</ul>`
  const groups = groupsOf(verdict)
  for (const [index, group] of groups.slice(0, mostGroups).entries())
    yield* groupPart(group, verdict, `${id}-${index}`)
  if (groups.length > mostGroups)
    yield `<p>${count(groups.length - mostGroups, 'further way')}: each address below leads to its own.</p>`
  yield* addressTable(verdict.attempts)
  yield* resolverTable(verdict)
  yield `<h3>Timings <span class="dim">(they decide nothing)</span></h3><div class="plots">${plot('TCP connect', name.tcp)}${plot('TLS handshake', name.tls)}</div>`
  yield* timeline(name.changes)
  yield '</section>\n'
}

function whyMet(verdict: TargetVerdict): string[] {
  const { met, minProof, require, names, firstLeg = null } = verdict
  if (met === null || require.kind === 'none') return []
  const minimum = `proof of at least ${minProof} is asked for`
  const words = minProof === 'configured' ? [] : [minimum]
  if (met) return words
  for (const name of names) {
    if (name.tainted) words.push(`${name.hostname} is held back by a contradiction`)
    else if (name.conflictOfSide) words.push(`the evidence on ${name.hostname} contradicts itself`)
  }
  if (firstLeg !== null && firstLeg.met === false)
    words.push(
      `the first leg is ${legWords[firstLeg.leg]}, required is ${firstLeg.required}`,
      ...firstLeg.because.slice(0, 3),
    )

  return words
}

function* targetBody(facts: TargetFacts): Generator<string> {
  const { row, verdict, names } = facts
  const state = verdict?.state ?? 'undetermined'
  yield `<p><a href="../">All targets</a></p><h1>${badge(state)} ${html(row.name)}</h1>`
  const met = verdict === null ? '' : metWord(verdict.met, verdict.waiverActive)
  yield `<p>${met} ${html(requirementWords(row.require))}; looked at ${html(facts.every)}. As of ${time(facts.nowMs)}.</p>`
  if (verdict !== null) {
    yield list(whyMet(verdict), 12)
    const { waiver, waiverActive, firstLeg = null } = verdict
    if (waiver !== null)
      yield `<p>${waiverActive ? 'Waived until' : 'The waiver ended at'} ${time(waiver.untilMs)}: ${html(waiver.reason)}${waiver.ticket === null ? '' : ` (${html(waiver.ticket)})`}. A waiver changes neither the state nor whether the requirement is met.</p>`
    if (firstLeg !== null)
      yield `<p>First leg: <b>${legWords[firstLeg.leg]}</b>${firstLeg.required === 'any' ? '' : `, required: ${legWords[firstLeg.required]}`}.</p>${list(firstLeg.because, 6)}${firstLeg.wouldDecide.length > 0 ? `<p>What would show it:</p>${list(firstLeg.wouldDecide, 6)}` : ''}`
  }
  if (names.length > 1) {
    yield '<nav aria-label="Names of this target"><ul>'
    for (const { hostname, style, verdict: one } of names)
      yield `<li><a href="#n-${key(`${hostname} ${style}`)}">${stateSigns[one?.state ?? 'undetermined']} ${html(hostname)}</a> <b>${one?.state ?? 'undetermined'}</b> ${html(one?.because[0] ?? 'no verdict yet', 300)}</li>`
    yield '</ul></nav>'
  }
  for (const name of names) yield* nameSection(name)
}

/** The page of one target: requirement, and for each name the way taken, why, and what mends it. */
export function targetPage(facts: TargetFacts): Page {
  const state = facts.verdict?.state ?? 'undetermined'
  return pageOf({
    title: `${stateSigns[state]} ${facts.row.name}: ${state} · pathproof`,
    up: '../',
    version: facts.version,
    metricsPath: facts.metricsPath,
    nowMs: facts.nowMs,
    changes: null,
    body: targetBody(facts),
  })
}
