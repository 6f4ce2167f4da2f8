/**
 * Spreads `names` over an interval so that they never start together.
 *
 * Returns for each name its place in the interval, in [0, 1). The places in `taken` stay as they are.
 * With nothing taken the places are exactly even; otherwise each name goes into the middle of the
 * widest gap. The outcome depends on the set of names and `seed` only, not on their order.
 */
export function splay(names: readonly string[], taken: readonly number[], seed: string): Map<string, number> {
  const ordered = [...new Set(names)].sort(byHash(seed))
  const places = new Map<string, number>()
  if (taken.length === 0) {
    const start = hash32(seed) / 2 ** 32
    for (const [index, name] of ordered.entries()) places.set(name, (start + index / ordered.length) % 1)
    return places
  }
  const sorted = [...taken].sort((a, b) => a - b)
  for (const name of ordered) {
    const place = middleOfWidestGap(sorted)
    places.set(name, place)
    sorted.splice(sorted.findLastIndex((other) => other <= place) + 1, 0, place)
  }
  return places
}

/** `sorted` holds at least one place in [0, 1), ascending; the interval is a circle. */
function middleOfWidestGap(sorted: readonly number[]): number {
  let widest = -1
  let middle = 0
  for (const [index, place] of sorted.entries()) {
    const next = sorted[index + 1] ?? (sorted[0] ?? 0) + 1
    if (next - place > widest) {
      widest = next - place
      middle = (place + widest / 2) % 1
    }
  }
  return middle
}

function byHash(seed: string): (a: string, b: string) => number {
  return (a, b) => hash32(seed + a) - hash32(seed + b) || (a < b ? -1 : 1)
}

/** FNV-1a over UTF-16 units, with a final mix: neighbouring names must not stay neighbours. */
function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
