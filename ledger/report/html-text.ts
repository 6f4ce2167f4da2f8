import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { isoOf } from './decode.ts'

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/** Any text for an attribute in double quotes: redacted, without control and invisible characters, on one line, escaped. */
export function attribute(text: unknown, most = 2000): string {
  return escaped(clean(text, most))
}

/** The same for the text of an element; words that are longer than any line may break. */
export function html(text: unknown, most = 2000): string {
  return clean(text, most).replace(/\S{41,}|[&<>"']/gu, (found) =>
    found.length === 1 ? escaped(found) : broken(found),
  )
}

function broken(word: string): string {
  const characters = [...word]
  const pieces: string[] = []
  for (let at = 0; at < characters.length; at += 32)
    pieces.push(escaped(characters.slice(at, at + 32).join('')))
  return pieces.join('<wbr>')
}

function clean(text: unknown, most: number): string {
  return safeText(redact(safeText(text, 4 * most)), most)
}

/** Text of several lines for a `pre`. What is signed is shown as it is, but for what a page can't hold. */
export function htmlLines(text: string): string {
  return text
    .split('\n')
    .slice(0, 2000)
    .map((line) => escaped(safeText(line, 2000)))
    .join('\n')
}

/** A table; cells are HTML already. No rows, no table. */
export function table(head: readonly string[], rows: Iterable<readonly string[]>, kind = ''): string {
  const body = [...rows].map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`)
  if (body.length === 0) return ''
  const columns = head.map((name) => `<th scope="col">${name}</th>`).join('')
  return `<div class="wide"><table${kind === '' ? '' : ` class="${kind}"`}><thead><tr>${columns}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>\n`
}

/** A list; items are HTML already. */
export function list(items: readonly string[]): string {
  return items.length === 0 ? '' : `<ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>\n`
}

/** Names and values side by side; values are HTML already. */
export function facts(rows: readonly (readonly [string, string])[]): string {
  return `<dl>${rows.map(([name, value]) => `<dt>${name}</dt><dd>${value}</dd>`).join('')}</dl>\n`
}

/** A time, in one piece. */
export function when(ms: number): string {
  return `<time>${isoOf(ms)}</time>`
}
