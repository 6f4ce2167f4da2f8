import { isoOf } from './decode.ts'
import { html, list } from './html-text.ts'
import { besides } from './html-besides.ts'
import { record } from './html-record.ts'
import { policyFor, styleOf } from './html-style.ts'
import { strays, summary, targetSection } from './html-targets.ts'
import { legend, patterns } from './html-timeline.ts'
import type { Report } from './model.ts'

const title = 'Network paths to AWS services'

const parts = [
  ['summary', 'Summary'],
  ['targets', 'Targets'],
  ['waivers', 'Waivers'],
  ['interruptions', 'Interruptions'],
  ['ways-out', 'Ways out that must be closed'],
  ['facts', 'Facts of the account and the host'],
  ['census', 'Flows of other programs'],
  ['configuration', 'Configuration and clock'],
  ['controls', 'Controls that this evidence supports'],
  ['method', 'Method'],
  ['limits', 'Limits'],
  ['record', 'Record'],
] as const

/** A report as one page that needs nothing beside it, in pieces. The same report gives the same bytes. */
export function* reportHtml(report: Report): Generator<string> {
  const { fromMs, toMs, host, conclusion, tool } = report
  const style = styleOf(report)
  const period = `${isoOf(fromMs)} to ${isoOf(toMs)}`
  yield `<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policyFor(style)}">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">
<title>${title}, ${period}</title><style>${style}</style></head><body>
${patterns}<header><h1>${title}</h1>
<p class="soft">${html(host.agents.join(', ') || 'unknown agent')} · ${period} (UTC)<br>
${html([host.vantage, host.instance, host.account, host.region].filter((one) => one !== null).join(' · '))}</p></header>
<main><div class="verdict ${conclusion.result}">${conclusion.sentences.map((sentence) => `<p>${html(sentence)}</p>`).join('')}
<p class="soft">${html(report.limits[0])}</p></div>
<nav aria-label="Contents">${list(parts.map(([id, name]) => `<a href="#${id}">${name}</a>`))}</nav>
`
  const heading = (id: (typeof parts)[number][0]): string =>
    `<h2 id="${id}">${parts.find(([one]) => one === id)?.[1] ?? ''}</h2>\n`
  yield heading('summary') + summary(report)
  yield `${heading('targets')}${legend()}`
  for (const [index, target] of report.targets.entries()) yield targetSection(target, index, report)
  yield strays(report)
  if (report.targets.length === 0) yield '<p>The ledger tells of no target in this period.</p>\n'
  for (const [id, text] of besides(report)) yield heading(id) + text
  yield heading('method') + list(report.method.map((line) => html(line)))
  yield heading('limits') + list(report.limits.map((line) => html(line)))
  yield heading('record') + record(report)
  yield `<p class="soft">Made by ${html(tool.name)} ${html(tool.version)}. The same ledger, keys and period give this page again, byte for byte.</p>
</main></body></html>
`
}
