import { html } from './html.ts'
import type { Lane, LaneStatus, Station, Way } from './way.ts'

const width = 400
const left = 18
const right = width - 18
/** Characters that fit beside the trunks; monospaced ids are the widest. */
const mostCharacters = 46

/** Cuts a long name into lines at its dots, dashes and spaces. */
export function wrap(text: string, most: number): string[] {
  const lines: string[] = []
  let rest = text
  while (rest.length > most && lines.length < 3) {
    const cut = Math.max(...['.', '-', ' ', ':', ','].map((mark) => rest.lastIndexOf(mark, most - 1)))
    const end = cut > most / 3 ? cut + 1 : most
    lines.push(rest.slice(0, end).trimEnd())
    rest = rest.slice(end).trimStart()
  }
  lines.push(rest.length > most ? `${rest.slice(0, most - 1)}…` : rest)
  return lines
}

const line = (className: string, x1: number, y1: number, x2: number, y2: number) =>
  `<line class="${className}" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/>`

const text = (className: string, x: number, y: number, words: string) =>
  `<text class="${className}" x="${x}" y="${y}">${html(words, 80)}</text>`

/** A mark that differs by its shape: a filled dot, a question mark in a ring, a cross. */
function mark(status: LaneStatus | 'stop', side: string, x: number, y: number): string {
  switch (status) {
    case 'taken':
      return `<circle class="w-dot w-${side}" cx="${x}" cy="${y}" r="6"/>`
    case 'either':
    case 'maybe':
      return `<circle class="w-ring" cx="${x}" cy="${y}" r="8"/>${text('w-q', x, y + 4, '?')}`
    case 'stop':
      return `<rect class="w-stop" x="${x - 6}" y="${y - 6}" width="12" height="12"/>`
    case 'out':
      return `<path class="w-cross" d="M${x - 4} ${y - 4}l8 8m0-8l-8 8"/>`
  }
}

function box(station: Station, y: number): { svg: string; height: number } {
  const title = wrap(station.title, mostCharacters)
  const detail = station.detail.flatMap((one) => wrap(one, mostCharacters + 4))
  const height = 14 + title.length * 15 + detail.length * 14
  let at = y + 19
  const rows = [...title.map((words) => ['w-title', words]), ...detail.map((words) => ['w-id', words])].map(
    ([className = '', words = '']) => {
      const row = text(className, 18, at, words)
      at += className === 'w-title' ? 15 : 14
      return row
    },
  )
  const doubt = station.sure ? '' : `${mark('maybe', '', width - 20, y + 16)}`
  const svg = `<rect class="w-box${station.sure ? '' : ' w-unsure'}" x="6" y="${y}" width="${width - 12}" height="${height}" rx="4"/>${rows.join('')}${doubt}`
  return { svg, height }
}

function laneHeight({ status, stations }: Lane): number {
  if (status === 'out') return 20
  const rows = stations.reduce((sum, { detail }) => sum + 1 + detail.length, 0)
  return 16 + rows * 15
}

function drawLane(lane: Lane, way: Way, y: number): string {
  const { status, side } = lane
  const height = laneHeight(lane)
  const middle = y + height / 2
  if (status === 'out')
    return `<g class="w-out" data-path="${lane.class}">${line('w-line', left, middle, left + 16, middle)}${mark('out', side, left + 22, middle)}${text('w-label', left + 36, middle + 4, lane.stations.map(({ title }) => title).join(', '))}</g>`
  const stops = lane.class === 'blocked'
  // Only what is settled has the colour of its side.
  const settled = status === 'taken' || status === 'either'
  const colour = settled && side !== 'none' ? ` w-${side}` : ''
  const ways = `<g class="w-${status}${colour}" data-path="${lane.class}">`
  const into = line('w-line', left, middle, left + 26, middle)
  const out = stops ? '' : line('w-line', right - 26, middle, right, middle)
  const rows: string[] = []
  let at = y + 20
  for (const { title, detail } of lane.stations) {
    rows.push(text('w-title', left + 40, at, title))
    at += 15
    for (const id of detail) {
      rows.push(text('w-id', left + 40, at, id))
      at += 15
    }
  }
  const frame = `<rect class="w-lane" x="${left + 26}" y="${y + 3}" width="${right - left - 52}" height="${height - 6}" rx="10"/>`
  const said = status === 'taken' && !stops ? text('w-side', right - 34, y + 20, way.state) : ''
  return `${ways}${into}${frame}${out}${mark(stops && status === 'taken' ? 'stop' : status, side, left + 12, middle)}${rows.join('')}${said}</g>`
}

/**
 * The way as inline SVG without styles of its own: packets go from the host at the top, through one of the ways in the
 * middle, to the service at the bottom. A way that is taken is a thick solid line; one that may be is dashed and bears a
 * question mark; one that is ruled out is grey and leads nowhere. `id`: unique in the document; `words`: the same in words.
 */
export function drawWay(way: Way, id: string, words: readonly string[]): string {
  const parts: string[] = []
  let y = 4
  for (const [index, station] of way.from.entries()) {
    if (index > 0) {
      parts.push(line('w-line w-trunk', left, y, left, y + 12))
      y += 12
    }
    const { svg, height } = box(station, y)
    parts.push(svg)
    y += height
  }
  const top = y
  y += 8
  const lanes: { lane: Lane; middle: number; y: number }[] = []
  for (const lane of way.lanes) {
    const height = laneHeight(lane)
    lanes.push({ lane, y, middle: y + height / 2 })
    y += height
  }
  y += 10
  const open = lanes.filter(({ lane }) => lane.status !== 'out')
  const through = open.filter(({ lane }) => lane.class !== 'blocked')
  // All that remain are of one status: what is taken is alone, and what may be is not settled.
  const status = open[0]?.lane.status ?? 'maybe'
  const lowest = lanes.at(-1)?.middle ?? top
  const reach = Math.max(top, ...open.map(({ middle }) => middle))
  parts.push(line('w-line w-faint', left, reach, left, lowest))
  if (open.length > 0) parts.push(line(`w-line w-trunk w-${status}`, left, top, left, reach))
  if (through.length > 0)
    parts.push(
      line(
        `w-line w-trunk w-${status}`,
        right,
        Math.min(...through.map(({ middle }) => middle)),
        right,
        y - 6,
      ),
    )
  for (const { lane, y: at } of lanes) parts.push(drawLane(lane, way, at))
  if (through.length > 0) parts.push(`<path class="w-arrow" d="M${right - 6} ${y - 8}h12l-6 8z"/>`)
  const { svg, height } = box(way.to, y)
  parts.push(svg)
  const name = `way-${id}`
  const description = html(words.join(' '), 3000)
  return `<svg class="way" viewBox="0 0 ${width} ${Math.ceil(y + height + 4)}" role="img" aria-labelledby="${name}-t ${name}-d"><title id="${name}-t">The way taken: ${way.state}</title><desc id="${name}-d">${description}</desc>${parts.join('')}</svg>`
}
