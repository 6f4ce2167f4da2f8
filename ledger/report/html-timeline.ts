import type { Mark, Piece } from '../timeline.ts'
import { isoOf } from './decode.ts'
import { attribute } from './html-text.ts'
import type { TargetReport } from './model.ts'
import { markWords, percentText } from './words.ts'

/** Drawn from the back to the front: what is bad is never covered. Heights tell the marks apart as patterns do. */
const heights: readonly (readonly [Mark, number])[] = [
  ['private', 14],
  ['blocked', 14],
  ['gap', 6],
  ['undetermined', 22],
  ['mixed', 30],
  ['public', 30],
]

const width = 1000
const middle = 17
const least = 1.6
/** Less shows no pattern. */
const leastPattern = 8

const fills: Readonly<Record<Mark, string>> = {
  private: 'class="f-private"',
  blocked: 'fill="url(#p-blocked)"',
  gap: 'fill="url(#p-gap)"',
  undetermined: 'fill="url(#p-undetermined)"',
  mixed: 'fill="url(#p-mixed)"',
  public: 'class="f-public"',
}

/** Patterns that all timelines use; they stand once on the page. */
export const patterns = `<svg width="0" height="0" aria-hidden="true" focusable="false"><defs>
<pattern id="p-gap" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" class="paper"/><path d="M0 3h3" class="s-gap" stroke-width="2"/></pattern>
<pattern id="p-undetermined" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" class="paper"/><circle cx="2.5" cy="2.5" r="1.5" class="f-undetermined"/></pattern>
<pattern id="p-mixed" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" class="paper"/><path d="M1.5 0v6" class="s-mixed" stroke-width="3"/></pattern>
<pattern id="p-blocked" width="4" height="4" patternUnits="userSpaceOnUse"><rect width="4" height="4" class="paper"/><path d="M0 1h4" class="s-blocked" stroke-width="2"/></pattern>
</defs></svg>
`

/** One swatch and word for each mark. */
export function legend(): string {
  const items = heights.toReversed().map(([mark, height]) => {
    const y = middle - height / 2
    return `<li><svg width="34" height="34" viewBox="0 0 34 34" aria-hidden="true"><rect x="1" y="${y}" width="32" height="${height}" ${fills[mark]}/></svg>${markWords[mark]}</li>`
  })
  return `<ul class="legend">${items.join('')}</ul>\n`
}

/** The period as one bar; whatever is not private keeps a width that can be seen. */
export function timelineSvg({ timeline, share, target }: TargetReport, fromMs: number, toMs: number): string {
  const scale = width / Math.max(1, toMs - fromMs)
  const x = (ms: number): number => Math.round((ms - fromMs) * scale * 100) / 100
  const rect = (from: number, to: number, mark: Mark, height: number): string => {
    const left = x(from)
    const wide = Math.max(Math.round((x(to) - left) * 100) / 100, mark === 'private' ? 0.1 : least)
    const start = Math.min(left, width - wide)
    const box = (high: number, fill: string): string =>
      `<rect x="${Math.round(start * 100) / 100}" y="${middle - high / 2}" width="${wide}" height="${high}" ${fill}/>`
    const own = box(height, wide < leastPattern ? `class="f-${mark}"` : fills[mark])
    // It must not be covered by what lies beside it, which the least width reaches into.
    return mark === 'gap' ? box(14, 'class="paper"') + own : own
  }
  const rects = heights.flatMap(([mark, height]) =>
    piecesOf(timeline, mark, fromMs, toMs).map((piece) => rect(piece.fromMs, piece.toMs, mark, height)),
  )
  const label = `${target}: private ${percent(share.privateSeconds, fromMs, toMs)}, public or mixed ${percent(share.publicSeconds + share.mixedSeconds, fromMs, toMs)}, blocked ${percent(share.blockedSeconds, fromMs, toMs)}, undetermined ${percent(share.undeterminedSeconds, fromMs, toMs)}, not observed ${percent(share.gapSeconds, fromMs, toMs)} of the period`
  return `<div class="wide"><svg class="line" viewBox="0 0 ${width} 54" role="img" aria-label="${attribute(label)}">${rects.join('')}<path d="M0 36h${width}" class="axis"/>${axis(fromMs, toMs, x)}</svg></div>\n`
}

const percent = (seconds: number, fromMs: number, toMs: number): string =>
  percentText(toMs > fromMs ? (seconds * 1000) / (toMs - fromMs) : 0)

/** Pieces of a mark; what no piece covers was not observed. */
function piecesOf(timeline: readonly Piece[], mark: Mark, fromMs: number, toMs: number): Piece[] {
  const own = timeline.filter((piece) => piece.mark === mark)
  if (mark !== 'gap') return own
  let at = fromMs
  const empty: Piece[] = []
  for (const piece of timeline) {
    if (piece.fromMs > at) empty.push({ fromMs: at, toMs: piece.fromMs, mark, duty: 'unknown' })
    at = Math.max(at, piece.toMs)
  }
  if (at < toMs) empty.push({ fromMs: at, toMs, mark, duty: 'unknown' })
  return [...own, ...empty]
}

const steps = [
  1,
  5,
  15,
  60,
  180,
  360,
  720,
  1440,
  2 * 1440,
  7 * 1440,
  14 * 1440,
  28 * 1440,
  84 * 1440,
  364 * 1440,
]

/** At most nine dates or times. */
function axis(fromMs: number, toMs: number, x: (ms: number) => number): string {
  const step = (steps.find((minutes) => (toMs - fromMs) / (minutes * 60_000) <= 9) ?? 3640 * 1440) * 60_000
  const out: string[] = []
  for (let at = Math.ceil(fromMs / step) * step; at <= toMs; at += step) {
    const text = step >= 86_400_000 ? isoOf(at).slice(0, 10) : isoOf(at).slice(5, 16).replace('T', ' ')
    const place = x(at)
    const anchor = place < 30 ? 'start' : place > width - 30 ? 'end' : 'middle'
    out.push(
      `<path d="M${place} 36v5" class="axis"/><text x="${place}" y="51" text-anchor="${anchor}">${text}</text>`,
    )
  }
  return out.join('')
}
