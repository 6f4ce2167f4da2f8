import { createHash } from 'node:crypto'
import { redact } from '../model/redact.ts'
import { safeText } from '../model/text.ts'

/** One watched name of one target, as it stands now. */
export interface StatusRow {
  target: string
  hostname: string
  style: string
  state: string
  proof: string | null
  /** Of the whole target; null before the first verdict. */
  met: boolean | null
  waiverActive: boolean
  /** The strongest reason. */
  because: string
  /** Unix milliseconds of the verdict, null before the first. */
  atMs: number | null
}

export interface StatusFacts {
  version: string
  vantage: string
  nowMs: number
  /** What a person must know beside the verdicts: not ready because, last reload failed, … */
  notices: string[]
  rows: Iterable<StatusRow>
}

const style = `
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; background: #fff }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #ddd; vertical-align: top }
td { overflow-wrap: break-word }
.private { color: #0a6b2d } .public, .mixed { color: #b00020; font-weight: bold } .undetermined { color: #8a5a00 }
`

/** The page has one inline style and nothing else: no script, no image, no form, no frame around it. */
export const statusPagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Any text for an HTML text or attribute: redacted, without control characters, escaped. */
export function html(text: unknown, maxLength = 500): string {
  return redact(safeText(text, maxLength))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/** The status page in pieces, a row each, so that whoever sends it can let other work in between. */
export function* statusPage({ version, vantage, nowMs, notices, rows }: StatusFacts): Generator<string> {
  yield `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>pathproof</title><style>${style}</style></head><body>
<h1>pathproof</h1>
<p>Version ${html(version)}, vantage ${html(vantage)}, ${html(new Date(nowMs).toISOString())}.
<a href="/metrics">metrics</a> <a href="/api/v1/verdicts">verdicts</a> <a href="/-/ready">ready</a></p>
`
  for (const notice of notices) yield `<p class="undetermined">${html(notice)}</p>\n`
  yield '<table><thead><tr><th>target</th><th>name</th><th>style</th><th>state</th><th>proof</th><th>requirement</th><th>judged</th><th>because</th></tr></thead><tbody>\n'
  for (const row of rows) yield statusRow(row)
  yield '</tbody></table></body></html>\n'
}

const states = new Set(['private', 'public', 'mixed', 'blocked', 'undetermined'])

function statusRow(row: StatusRow): string {
  const met = row.met === null ? '' : row.met ? 'met' : 'not met'
  const cells = [
    row.target,
    row.hostname,
    row.style,
    null,
    row.proof ?? '',
    row.waiverActive ? `${met} (waiver)` : met,
    row.atMs === null ? '' : new Date(row.atMs).toISOString(),
    row.because,
  ]
  const state = states.has(row.state) ? row.state : 'undetermined'
  const columns = cells.map((cell) =>
    cell === null ? `<td class="${state}">${state}</td>` : `<td>${html(cell)}</td>`,
  )
  return `<tr>${columns.join('')}</tr>\n`
}
