import { checkWords } from './controls.ts'
import { facts, html, table, when } from './html-text.ts'
import { placeText, word } from './html-targets.ts'
import type { Report } from './model.ts'
import { causeText, durationText, resultWords } from './words.ts'

type Section = 'waivers' | 'interruptions' | 'ways-out' | 'facts' | 'census' | 'configuration' | 'controls'

const none = (text: string): string => `<p>${text}</p>\n`

/** Everything beside the paths of the targets. */
export function besides(report: Report): [Section, string][] {
  return [
    ['waivers', waivers(report)],
    ['interruptions', interruptions(report)],
    ['ways-out', egress(report)],
    ['facts', posture(report)],
    ['census', census(report)],
    ['configuration', configuration(report)],
    ['controls', controls(report)],
  ]
}

function waivers({ waivers: all }: Report): string {
  const rows = all.map((one) => [
    html(one.target),
    word(one.state, one.state),
    html(one.reason),
    html(one.ticket ?? 'none'),
    when(one.untilMs),
    `${when(one.fromMs)} to ${when(one.toMs)}`,
  ])
  return table(['target', 'state', 'reason', 'ticket', 'ends', 'recorded'], rows) || none('There were none.')
}

function interruptions({ interruptions: all, moreInterruptions }: Report): string {
  const rows = all
    .slice(0, 200)
    .map((one) => [
      when(one.fromMs),
      when(one.toMs),
      durationText((one.toMs - one.fromMs) / 1000),
      html(`${causeText([one.cause])}${one.detail === '' ? '' : ` (${one.detail})`}`),
      placeText(one.place),
    ])
  const left = all.length - rows.length + moreInterruptions
  const more = left > 0 ? none(`And ${left} more.`) : ''
  return (
    (table(['from', 'to', 'for', 'because', 'in the ledger'], rows) ||
      none('The agent and its ledger were there all the time.')) + more
  )
}

function egress({ egress: all }: Report): string {
  const rows = all.map((one) => [
    html(one.check),
    `<code>${html(one.url)}</code>`,
    word(one.openTimes.length > 0 ? 'open' : one.state, one.openTimes.length > 0 ? 'found open' : one.state),
    one.openTimes
      .map(
        (time) =>
          `${when(time.fromMs)} to ${time.toMs === null ? 'the end' : when(time.toMs)}: ${html(time.because)}, ${placeText(time.place)}`,
      )
      .join('<br>') || html(one.because),
    `${one.rounds} recorded, ${one.open} open, ${one.untestable} untestable`,
    html(one.control),
  ])
  return (
    table(['name', 'destination', 'state', 'because', 'rounds', 'control'], rows) ||
    none('None are configured: nothing is said of other ways out of this host.')
  )
}

function posture({ posture: { now, changes, moreChanges } }: Report): string {
  const rows = now.map((one) => [
    html(one.check),
    word(one.state, one.state),
    html(one.because),
    when(one.fromMs),
    placeText(one.place),
  ])
  // What is the case still stands above.
  const still = new Set(now.map((one) => `${one.check} ${one.fromMs}`))
  const anew = changes.some((one) => !still.has(`${one.check} ${one.fromMs}`)) ? changes : []
  const later = anew
    .slice(0, 100)
    .map((one) => [when(one.fromMs), html(one.check), word(one.state, one.state), html(one.because)])
  const left = anew.length - later.length + moreChanges
  return (
    (table(['fact', 'state', 'because', 'since', 'in the ledger'], rows) ||
      none('The account was not read.')) +
    (later.length > 0 ? '<h3>Recorded in the period</h3>\n' : '') +
    table(['at', 'fact', 'state', 'because'], later) +
    (left > 0 ? none(`And ${left} more.`) : '')
  )
}

/** Traffic paths of flow logs, version 5. */
const paths: Readonly<Record<number, string>> = {
  1: 'within the VPC',
  2: 'internet gateway or gateway endpoint',
  3: 'virtual private gateway',
  4: 'peering within the region',
  5: 'peering between regions',
  6: 'local gateway',
  7: 'gateway endpoint',
  8: 'internet gateway',
}

function census({ census: { windows, coveredSeconds, rows, other } }: Report): string {
  if (windows === 0) return none('Not counted: flow logs are not read, or tell nothing of them.')
  const lines = rows
    .slice(0, 100)
    .map((row) => [
      html(row.scope === 'nat' ? 'behind this host’s NAT gateway' : 'this host'),
      html(row.direction ?? ''),
      html(
        row.service ??
          (row.public === true
            ? 'other public addresses'
            : row.public === false
              ? 'private addresses'
              : 'not named'),
      ),
      html(row.trafficPath === null ? 'not told' : (paths[row.trafficPath] ?? `path ${row.trafficPath}`)),
      html(row.nextHopType ?? ''),
      html(row.action ?? ''),
      row.flows.toLocaleString('en-US'),
      row.bytes.toLocaleString('en-US'),
    ])
  const rest = rows.slice(100).reduce((sum, row) => sum + row.flows, other.flows)
  return `<p>Counted over ${durationText(coveredSeconds)}. These are flows of all programs; they are counted, and decide nothing of the targets above.</p>
${table(['of', 'direction', 'service', 'path', 'next hop', 'action', 'flows', 'bytes'], lines, 'numbers')}${rest > 0 ? none(`And ${rest.toLocaleString('en-US')} further flows.`) : ''}`
}

function configuration(report: Report): string {
  const { configurations, moreConfigurations, snapshots, snapshotCount, clock, host } = report
  const rows = configurations.map((one) => [
    when(one.fromMs),
    html(one.version),
    `<code>${html(one.configuration?.slice(0, 16) ?? 'none')}</code>`,
    placeText(one.place),
  ])
  const readings = snapshots
    .slice(-30)
    .map((one) => [
      when(one.fromMs),
      `<code>${html(one.id.slice(0, 16))}</code>`,
      html(one.account ?? ''),
      html(one.region ?? ''),
      html(one.source),
      html(one.prefixLists.join(', ')),
    ])
  return `${facts([
    ['where it stands', html(host.because.join('; ') || host.vantage)],
    [
      'clock',
      clock.largestOffsetSeconds === null
        ? 'not compared with AWS’s'
        : `at most ${durationText(clock.largestOffsetSeconds)} off AWS’s, in ${clock.offsetKnown} of ${clock.heartbeats} comparisons`,
    ],
    ['clock set back', `${clock.setBacks} times`],
  ])}${table(['from', 'version', 'configuration (SHA-256)', 'in the ledger'], rows)}${moreConfigurations > 0 ? none(`And ${moreConfigurations} more.`) : ''}${
    readings.length > 0
      ? `<h3>Readings of the account (last ${readings.length} of ${snapshotCount})</h3>\n`
      : ''
  }${table(['at', 'reading', 'account', 'region', 'source', 'prefix lists'], readings)}`
}

function controls({ controls: all, controlsReviewed, checks }: Report): string {
  const found = (Object.keys(checkWords) as (keyof typeof checkWords)[]).map((name) => [
    html(checkWords[name]),
    word(checks[name].result, resultWords[checks[name].result]),
    html(checks[name].sentence),
  ])
  const rows = all.map((one) => [
    html(`${one.framework} ${one.version}`),
    html(one.id),
    html(one.title),
    html(one.why),
    one.supportedBy
      .map(
        ({ check, result }) =>
          `${html(checkWords[check])}: ${word(result.result, resultWords[result.result])}`,
      )
      .join('<br>'),
  ])
  return `<p>This evidence supports the controls below. Whether a control is in place is for an assessor to decide. Mapping reviewed ${html(controlsReviewed)}.</p>
${table(['kind of evidence', 'in this period', 'found'], found)}${table(['framework', 'control', 'in short', 'supports because', 'by'], rows)}`
}
