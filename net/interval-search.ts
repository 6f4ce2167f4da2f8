/**
 * Searching sorted borders: the index of the last border that is not above an address. The first border is always 0, so
 * there is one for every address.
 */

/** Below this many borders a search over all of them is as quick, and the index would be most of the memory. */
const indexFrom = 64

/**
 * The last place after `low` and up to `high` whose key is not above `key`, or `low` if there is none. Keys have at most 31
 * bits: the sign of their difference is the mask that moves on, for a branch would be mispredicted at every other step.
 */
function lastNotAbove(keys: Int32Array, low: number, high: number, key: number): number {
  let found = low
  for (let left = high - low; left > 0; ) {
    const half = (left + 1) >> 1
    // -1, all bits, if that key is not above, else 0
    found += half & ((keys[found + half]! - key - 1) >> 31)
    left -= half
  }
  return found
}

/** For unsigned 32-bit addresses: an index over the upper 16 bits, then a search in the lower 16. */
export function searchIpv4(borders: Uint32Array): (address: number) => number {
  const last = borders.length - 1
  if (last < indexFrom) return (address) => lastNotAboveUnsigned(borders, address)
  const lower = Int32Array.from(borders, (border) => border & 0xffff)
  // marks[h] is the last border below h.0.0: those of h itself come after it, up to and with marks[h + 1]
  const marks = new Int32Array(65537)
  let mark = -1
  for (let high = 0; high <= 65536; high++) {
    while (mark < last && borders[mark + 1]! < high * 65536) mark++
    marks[high] = mark
  }
  return (address) => {
    const high = address >>> 16
    return lastNotAbove(lower, marks[high]!, marks[high + 1]!, address & 0xffff)
  }
}

/** The last border not above `address`, of any 32-bit borders. */
function lastNotAboveUnsigned(borders: Uint32Array, address: number): number {
  let found = 0
  for (let left = borders.length - 1; left > 0; ) {
    const half = (left + 1) >> 1
    if (borders[found + half]! <= address) found += half
    left -= half
  }
  return found
}

/** The four unsigned 32-bit words of an IPv6 address, most significant first. */
export type Ipv6Words = [number, number, number, number]

/**
 * For IPv6 addresses as four unsigned 32-bit words; `borders` holds four words for each border. First the upper 31 bits, among
 * those that occur; then the next 31 among the borders that share them; the rest only where these are equal as well.
 */
export function searchIpv6(borders: Uint32Array): (...address: Ipv6Words) => number {
  const count = borders.length / 4
  const next = new Int32Array(count)
  const upper: number[] = []
  // runs[i] is the first border with upper[i]
  const runs: number[] = []
  for (let at = 0; at < count; at++) {
    const word = borders[at * 4]!
    next[at] = nextBits(word, borders[at * 4 + 1]!)
    if (upper.at(-1) === word >>> 1) continue
    upper.push(word >>> 1)
    runs.push(at)
  }
  const upperKeys = Int32Array.from(upper)
  const runStarts = Int32Array.from([...runs, count])
  return (a, b, c, d) => {
    const run = lastNotAbove(upperKeys, -1, upperKeys.length - 1, a >>> 1)
    const before = runStarts[run]! - 1
    const last = runStarts[run + 1]! - 1
    if (upperKeys[run] !== a >>> 1) return last
    const key = nextBits(a, b)
    const found = lastNotAbove(next, before, last, key)
    if (found === before || next[found] !== key) return found
    return lastWordsNotAbove(borders, before, found, [a, b, c, d])
  }
}

/** Bits 31 to 61 of an address whose first two words are `a` and `b`. */
function nextBits(a: number, b: number): number {
  return ((a & 1) << 30) | (b >>> 2)
}

/** As `lastNotAbove`, by all 128 bits. */
function lastWordsNotAbove(borders: Uint32Array, low: number, high: number, address: Ipv6Words): number {
  let found = low
  for (let left = high - low; left > 0; ) {
    const half = (left + 1) >> 1
    const at = (found + half) * 4
    const differs = address.findIndex((word, index) => word !== borders[at + index])
    if (differs < 0 || borders[at + differs]! < address[differs]!) found += half
    left -= half
  }
  return found
}
