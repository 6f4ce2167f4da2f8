import { createHash } from 'node:crypto'
import { html } from './html.ts'
import { script } from './script.ts'
import { style } from './style.ts'

/** One page or asset as the HTTP surface sends it. */
export interface Page {
  status: number
  type: string
  /** In pieces of some hundred characters, so that whoever sends it can let other work in between. */
  body: Iterable<string>
  /** The Content-Security-Policy under which it may run. */
  policy: string
  headers?: Readonly<Record<string, string>>
}

/**
 * Nothing but this origin's own style, script and icon: no inline script or style, no form, no frame around it, and no text
 * becomes HTML in a script but by the one policy that parses this agent's own pages.
 */
export const pagePolicy = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types pathproof',
].join('; ')

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path d="M2 8h4l2-5 2 10 2-5h2" fill="none" stroke="#2f81f7" stroke-width="2"/></svg>'

const hash = (text: string, algorithm: 'sha256' | 'sha384', encoding: 'hex' | 'base64') =>
  createHash(algorithm).update(text).digest(encoding)

function asset(text: string, ending: string, type: string) {
  return { path: `assets/${hash(text, 'sha256', 'hex').slice(0, 16)}.${ending}`, text, type }
}

const assets = {
  style: asset(style, 'css', 'text/css; charset=utf-8'),
  script: asset(script, 'js', 'text/javascript; charset=utf-8'),
  icon: asset(icon, 'svg', 'image/svg+xml'),
}

/** The asset at a path (`/assets/<hash>.js`), null if there is none. Its name changes with its content: it may be kept for ever. */
export function assetAt(path: string): Page | null {
  const found = Object.values(assets).find((one) => `/${one.path}` === path)
  if (found === undefined) return null
  return {
    status: 200,
    type: found.type,
    body: [found.text],
    policy: "default-src 'none'; frame-ancestors 'none'",
    headers: { 'cache-control': 'private, max-age=31536000, immutable' },
  }
}

export interface Frame {
  /** For the tab: what is wrong first. */
  title: string
  /** `` for `/`, `../` one level below: links are relative, so that the agent can stand below a path of a proxy. */
  up: '' | '../'
  version: string
  /** Where the metrics are, absolute (`/metrics`); left out: there. */
  metricsPath?: string | undefined
  /** Unix milliseconds at which it was made. */
  nowMs: number
  /** What the script asks to learn whether something has changed, relative; null: it fetches the page itself. */
  changes: { path: string; version: string } | null
  body: Iterable<string>
}

/** A whole document around a body. */
export function* document(frame: Frame): Generator<string> {
  const { title, up, version, metricsPath = '/metrics', nowMs, changes, body } = frame
  const integrity = (text: string) => `sha384-${hash(text, 'sha384', 'base64')}`
  const watch =
    changes === null ? '' : ` data-changes="${html(changes.path)}" data-version="${html(changes.version)}"`
  yield `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${html(title)}</title><link rel="icon" href="${up}${assets.icon.path}" type="image/svg+xml"><link rel="stylesheet" href="${up}${assets.style.path}" integrity="${integrity(style)}"><script src="${up}${assets.script.path}" integrity="${integrity(script)}" defer></script></head><body>
<a class="skip" href="#main">Skip to content</a>
<header><nav aria-label="pathproof"><a class="brand" href="${up === '' ? './' : up}">pathproof</a> <a href="${up}${html(metricsPath.slice(1))}">metrics</a> <a href="${up}api/v1/verdicts">verdicts</a> <a href="${up}-/ready">ready</a></nav>
<p id="contact" role="status" data-lost="Contact lost"><noscript>Made when it was asked for; without scripts it does not renew itself.</noscript></p></header>
<main id="main" tabindex="-1" data-now="${Math.round(nowMs)}"${watch}>
`
  yield* body
  yield `</main>
<footer><p>pathproof ${html(version)}. <q>Private</q> means: this agent’s own connection. Times are UTC. <kbd>/</kbd> filters, <kbd>Esc</kbd> clears.</p></footer></body></html>
`
}

/** A document as a page. */
export function pageOf(frame: Frame, status = 200): Page {
  return {
    status,
    type: 'text/html; charset=utf-8',
    body: document(frame),
    policy: pagePolicy,
  }
}
