import type { PathState } from '../../model/path.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { conflictBox, evidenceTable, fixes, warnings } from './evidence.ts'
import { duration, html, list, time, segment } from './html.ts'
import { type Page, pageOf } from './page.ts'
import type { NameOfWay } from './way.ts'
import { drawnState, wayInWords, wayOf } from './way.ts'
import { drawWay } from './way-svg.ts'
import { badge, confirmationSentences, legWords, rankWords, stateSigns } from './words.ts'

export interface AttemptFacts {
  version: string
  metricsPath?: string | undefined
  nowMs: number
  attempt: AttemptVerdict
  /** What its name came to: now where the attempt still counts, else by itself. */
  name: NameOfWay
  /** Targets that watch its name. */
  targets: readonly string[]
  /** It is one of those that a verdict rests on now. */
  current: boolean
}

function* attemptBody(facts: AttemptFacts): Generator<string> {
  const { attempt: a, name, targets, current } = facts
  const links = targets.map((target) => `<a href="../targets/${segment(target)}">${html(target)}</a>`)
  yield `<p><a href="../">All targets</a>${links.length > 0 ? ` · ${links.join(' · ')}` : ''}</p>`
  const what = a.dialled ? 'One connection' : 'One address, not dialled'
  const state = shownState(a, name)
  yield `<h1>${badge(state)} ${what}: <span class="id">${html(a.address)}</span></h1>`
  if (state !== a.state)
    yield '<p><b>! By itself this connection is private, but its name is not: it is held back, or not settled.</b></p>'
  yield `<p>Of <span class="id">${html(a.hostname)}</span>, ${time(a.atMs)}. ${current ? 'The name’s verdict rests on it now.' : '<b>Of an earlier cycle: newer ones have followed.</b>'} The same <a href="../api/v1/attempts/${segment(a.id)}">as JSON</a>.</p>`
  const from =
    a.localAddress === null
      ? 'not known'
      : `${a.localAddress}${a.localPort === null ? '' : `, port ${a.localPort}`}`
  const facts2: [string, string][] = [
    ['From', html(from)],
    ['To', html(`${a.address}, port ${a.port} (IPv${a.family})`)],
    ['Network interface', html(a.networkInterface ?? 'not shown')],
    ['Answered by', html(a.resolvers.join(', '))],
    [
      'Came as far as',
      a.connected
        ? 'a completed TLS handshake'
        : a.dialled
          ? 'no completed TLS handshake'
          : 'it was not dialled',
    ],
    ['Remains possible', html(a.possible.join(', ') || 'nothing')],
    ['Proof', a.proof === null ? 'nothing settles it' : `${a.proof} (${rankWords[a.proof]})`],
    ['Records', html(confirmationSentences[a.confirmation])],
    ...(a.connected ? [] : ([['If it had connected', a.wouldBe]] as [string, string][])),
    ...(a.firstLeg
      ? ([['First leg', `${legWords[a.firstLeg.leg]}: ${html(a.firstLeg.because[0] ?? '', 500)}`]] as [
          string,
          string,
        ][])
      : []),
  ]
  yield `<dl class="facts">${facts2.map(([label, text]) => `<dt>${label}</dt><dd>${text}</dd>`).join('')}</dl>`
  for (const warning of warnings(a)) yield `<p><b>! ${html(warning)}</b></p>`
  const way = wayOf(a, name)
  const words = wayInWords(way)
  yield `<h2>The way</h2>${drawWay(way, 'a', words)}<p>${html(words.join(' '), 3000)}</p>`
  yield `<h2>Evidence, strongest first</h2>${evidenceTable(a)}`
  for (const conflict of a.conflicts) yield conflictBox(conflict, a)
  const late = a.grounds.late.flatMap((index) => a.evidence[index] ?? [])
  yield `<h2>Late records</h2>${
    late.length === 0
      ? '<p>None has spoken of this connection. That is no evidence of anything.</p>'
      : list(
          late.map(({ rank, because }) => `${rank}: ${because}`),
          40,
        )
  }`
  if (a.assumptions.length > 0) yield `<h2>It rests on this</h2>${list(a.assumptions, 30)}`
  const t = a.timings
  const unsure =
    t.uncertaintySeconds === null
      ? '–'
      : `up to ${duration(t.uncertaintySeconds)} of each may be this program’s own waiting`
  yield `<h2>Timings <span class="dim">(they decide nothing)</span></h2><dl class="facts"><dt>DNS</dt><dd>${duration(t.dnsSeconds)}</dd><dt>TCP connect</dt><dd>${duration(t.tcpConnectSeconds)}</dd><dt>TLS handshake</dt><dd>${duration(t.tlsHandshakeSeconds)}</dd><dt>First byte</dt><dd>${duration(t.firstByteSeconds)}</dd><dt>Uncertainty</dt><dd>${unsure}</dd></dl>`
  if (a.wouldDecide.length > 0) yield `<h2>What would decide it</h2>${list(a.wouldDecide, 12)}`
  if (a.fix.length > 0) yield `<h2>What mends it</h2><ul>${fixes(a.fix)}</ul>`
}

/** The sign of a private path stands only where its picture may be drawn so. */
function shownState(attempt: AttemptVerdict, name: NameOfWay): PathState {
  return attempt.state === 'private' ? drawnState(attempt, name) : attempt.state
}

/** The page of one attempt. */
export function attemptPage(facts: AttemptFacts): Page {
  const { attempt } = facts
  const state = shownState(attempt, facts.name)
  return pageOf({
    title: `${stateSigns[state]} ${attempt.address}: ${state} · pathproof`,
    up: '../',
    version: facts.version,
    metricsPath: facts.metricsPath,
    nowMs: facts.nowMs,
    changes: null,
    body: attemptBody(facts),
  })
}

/** What is served where a page was asked for that is not there (any more). */
export function missingPage(
  what: string,
  frame: Pick<AttemptFacts, 'version' | 'metricsPath' | 'nowMs'>,
): Page {
  const body = [`<p><a href="../">All targets</a></p><h1>Not here</h1><p>${html(what, 300)}</p>`]
  return pageOf({ title: 'Not here · pathproof', up: '../', ...frame, changes: null, body }, 404)
}
