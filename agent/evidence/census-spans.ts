/** From one moment to before another, Unix milliseconds. */
export interface Span {
  fromMs: number
  toMs: number
}

/**
 * The same time without overlaps, in order. What is beyond `most` spans makes it less (`rest: 'drop'`: the shortest are left
 * out) or more (`rest: 'join'`: one span around all).
 */
export function mergeSpans(spans: readonly Span[], most: number, rest: 'drop' | 'join'): Span[] {
  const merged: Span[] = []
  for (const span of spans
    .filter(({ fromMs, toMs }) => toMs > fromMs)
    .toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = merged.at(-1)
    if (last !== undefined && span.fromMs <= last.toMs) last.toMs = Math.max(last.toMs, span.toMs)
    else merged.push({ ...span })
  }
  const [first] = merged
  const last = merged.at(-1)
  if (merged.length <= most || first === undefined || last === undefined) return merged
  if (rest === 'join') return [{ fromMs: first.fromMs, toMs: last.toMs }]
  const kept = new Set(merged.toSorted((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs)).slice(0, most))
  return merged.filter((span) => kept.has(span))
}

/** What of `spans` is in none of `without`. */
export function subtractSpans(spans: readonly Span[], without: readonly Span[]): Span[] {
  let left = [...spans]
  for (const gap of without) {
    if (gap.toMs <= gap.fromMs) continue
    left = left.flatMap(({ fromMs, toMs }) => {
      if (gap.toMs <= fromMs || gap.fromMs >= toMs) return [{ fromMs, toMs }]
      return [
        { fromMs, toMs: Math.min(toMs, gap.fromMs) },
        { fromMs: Math.max(fromMs, gap.toMs), toMs },
      ].filter((piece) => piece.toMs > piece.fromMs)
    })
  }
  return left
}

/** How much of `within` the spans cover, in milliseconds; they must not overlap. */
export function covered(spans: readonly Span[], within: Span): number {
  return spans.reduce(
    (sum, { fromMs, toMs }) =>
      sum + Math.max(0, Math.min(toMs, within.toMs) - Math.max(fromMs, within.fromMs)),
    0,
  )
}

/** The time that is in all of the lists; none of them: no time. */
export function commonSpans(lists: readonly (readonly Span[])[], within: Span): Span[] {
  if (lists.length === 0) return []
  const missing = lists.flatMap((list) => subtractSpans([within], list))
  return subtractSpans([within], missing)
}
