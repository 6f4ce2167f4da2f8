/** Text as the cell of a table: on one line, its bars escaped. */
function cell(text: string): string {
  return text.replaceAll('\n', ' ').replaceAll('|', '\\|')
}

/** A Markdown table. Every row must have as many cells as the head. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  const wrong = rows.find((row) => row.length !== head.length)
  if (wrong !== undefined)
    throw new Error(`expected ${head.length} cells, got ${wrong.length}: ${wrong.join(' | ')}`)
  return [line(head), `|${'---|'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

export const code = (text: string): string => `\`${text}\``

/** A block of program output. */
export function fenced(text: string, language = 'text'): string {
  return `\`\`\`${language}\n${text.trimEnd()}\n\`\`\``
}

const opening = (name: string) => `<!-- generated: ${name} -->`
const closing = (name: string) => `<!-- end: ${name} -->`

function bounds(page: string, name: string): [number, number] {
  const from = page.indexOf(opening(name))
  const to = page.indexOf(closing(name))
  if (from < 0 || to < from)
    throw new Error(`the page has no section "${name}" (${opening(name)} … ${closing(name)})`)
  return [from + opening(name).length, to]
}

/** What stands between the markers of a generated section. Throws if the page has none of that name. */
export function sectionOf(page: string, name: string): string {
  return page.slice(...bounds(page, name)).trim()
}

/** The page with that section's content replaced. */
export function withSection(page: string, name: string, body: string): string {
  const [from, to] = bounds(page, name)
  return `${page.slice(0, from)}\n${body.trim()}\n${page.slice(to)}`
}

/** Names of all generated sections of a page, in its order. */
export function sectionsOf(page: string): string[] {
  return [...page.matchAll(/<!-- generated: ([a-z0-9-]+) -->/g)].map((match) => match[1] ?? '')
}
