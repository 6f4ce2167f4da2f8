import { createHash } from 'node:crypto'
import { isoOf } from './decode.ts'
import type { Report } from './model.ts'

/** What does not depend on the report. Colours never carry a meaning alone: patterns, heights, signs and words say the same. */
const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #fff; --rule: #c9d1d9; --wash: #f3f5f7;
  --private: #1a7f4b; --public: #b3261e; --undetermined: #9a6700; --gap: #6e7781; --blocked: #0b5fa5 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --soft: #a3adb8; --paper: #14171b; --rule: #3a424b; --wash: #1e2329;
  --private: #4cc38a; --public: #ff8a80; --undetermined: #e3b341; --gap: #8b949e; --blocked: #79b8ff } }
* { box-sizing: border-box }
body { font: 15px/1.5 system-ui, "Liberation Sans", sans-serif; color: var(--ink); background: var(--paper);
  max-width: 68rem; margin: 0 auto; padding: 2rem 1.25rem 4rem }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; padding-bottom: .25rem; border-bottom: 2px solid var(--rule) }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .25rem; overflow-wrap: anywhere }
h4 { font-size: .95rem; margin: 1rem 0 .25rem }
p { margin: .4rem 0 }
.soft, .soft a { color: var(--soft) }
.verdict { border: 2px solid currentColor; border-left-width: 10px; padding: .75rem 1rem; margin: 1.25rem 0 }
.verdict p:first-child { font-size: 1.15rem; font-weight: 700; margin-top: 0 }
.met, .no_exception, .met_throughout, .pass { color: var(--private) }
.exception, .public, .not_met, .unusable, .fail, .open, .expired { color: var(--public) }
.incomplete, .not_fully_shown, .nothing_observed, .waived, .unknown, .untestable, .mixed { color: var(--undetermined) }
.verdict, .verdict p { color: inherit } .verdict.met { border-color: var(--private) }
.verdict.exception, .verdict.unusable { border-color: var(--public) } .verdict.incomplete { border-color: var(--undetermined) }
.word { font-weight: 700; white-space: nowrap }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .87rem; margin: .5rem 0 }
th, td { text-align: left; vertical-align: top; padding: .3rem .5rem; border-bottom: 1px solid var(--rule) }
th { font-weight: 600; color: var(--soft); overflow-wrap: normal }
.key, time { white-space: nowrap }
td:first-child { min-width: 6rem }
td { overflow-wrap: break-word }
.numbers td:not(:first-child) { font-variant-numeric: tabular-nums; white-space: nowrap }
dl { display: grid; grid-template-columns: minmax(9rem, max-content) minmax(0, 1fr); gap: .15rem 1rem; margin: .5rem 0; font-size: .9rem }
dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
code, pre { font: .82rem/1.45 ui-monospace, "Liberation Mono", monospace }
code { overflow-wrap: anywhere }
pre { background: var(--wash); border: 1px solid var(--rule); padding: .6rem .75rem; white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0 }
ul { padding-left: 1.25rem; margin: .4rem 0 } li { margin: .15rem 0 }
.episode table { margin-top: 0 }
.episode { border-left: 4px solid var(--public); padding: .1rem 0 .1rem .9rem; margin: 1rem 0 }
.strays { border-left: 4px solid var(--public); padding-left: .9rem }
.episode.allowed { border-color: var(--undetermined) }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.25rem; padding: 0; list-style: none; font-size: .85rem }
.legend svg { vertical-align: -.25rem; margin-right: .4rem }
svg.line { display: block; width: 100%; height: auto; margin: .5rem 0 }
svg.line { min-width: 38rem }
svg text { font: 11px system-ui, "Liberation Sans", sans-serif; fill: var(--soft) }
.f-private { fill: var(--private) } .f-public { fill: var(--public) } .f-mixed { fill: var(--public) }
.f-undetermined { fill: var(--undetermined) } .f-gap { fill: var(--gap) } .f-blocked { fill: var(--blocked) }
.s-public { stroke: var(--public) } .s-mixed { stroke: var(--public) } .s-undetermined { stroke: var(--undetermined) }
.s-gap { stroke: var(--gap) } .s-blocked { stroke: var(--blocked) } .paper { fill: var(--paper) } .axis { stroke: var(--rule) }
nav ul { columns: 2; font-size: .9rem }
a { color: inherit }
@media (max-width: 36rem) { dl { grid-template-columns: minmax(0, 1fr) } dd { margin: 0 0 .3rem } nav ul { columns: 1 } h3 .word { white-space: normal } }
@media print {
  :root { --ink: #000; --soft: #333; --paper: #fff; --rule: #999; --wash: #fff;
    --private: #14663c; --public: #9c1c15; --undetermined: #7a5200; --gap: #555; --blocked: #0b4f8a }
  @page { size: A4; margin: 18mm 14mm }
  html { font-size: 11.5px }
  body { font-size: 1rem; max-width: none; padding: 0 }
  table { font-size: .82rem } .numbers td:not(:first-child) { white-space: normal }
  nav { display: none } a { text-decoration: none } svg.line { min-width: 0 }
  h2, h3, h4 { break-after: avoid } tr, svg, .verdict, dl, .episode, .legend, pre { break-inside: avoid } .episode > p { break-after: avoid }
  p, li { orphans: 3; widows: 3 } thead { display: table-header-group }
  .wide { overflow: visible } * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
}
`

/** Text for a string of CSS: what could end it, or begin anything else, becomes a line. */
function quoted(text: string): string {
  return `"${text.replace(/[^A-Za-z0-9 .,:/@+-]/g, '_').slice(0, 120)}"`
}

/** The style, with what each printed page bears: whose report it is, of what time, of which ledger, and its number. */
export function styleOf({ fromMs, toMs, host, assurance }: Report): string {
  const { size, root } = assurance
  const ledger =
    size === null || root === null ? 'ledger not told' : `${size} records, root ${root.slice(0, 32)}`
  const agents = host.agents.join(', ') || 'unknown agent'
  return `${style}@media print { @page {
  @top-left { content: ${quoted(agents)}; font: 8pt sans-serif; color: #333 }
  @top-right { content: ${quoted(`${isoOf(fromMs)} to ${isoOf(toMs)}`)}; font: 8pt sans-serif; color: #333 }
  @bottom-left { content: ${quoted(ledger)}; font: 8pt sans-serif; color: #333 }
  @bottom-right { content: "page " counter(page) " of " counter(pages); font: 8pt sans-serif; color: #333 } } }
`
}

/** No script, no image, no font, no form, nothing from anywhere: one style, and that by its hash. */
export function policyFor(text: string): string {
  return [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(text).digest('base64')}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}
