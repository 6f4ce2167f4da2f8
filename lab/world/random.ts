/** A seeded source of choices (SplitMix32: small, and good enough to spread worlds). The same seed gives the same choices. */
export interface Choices {
  /** In [0, 1). */
  fraction(): number
  /** An integer in [0, below). */
  below(below: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
  /** By weights; all of them may not be 0. */
  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T
  /** Up to `count` different items, in random order. */
  some<T>(items: readonly T[], count: number): T[]
}

export function choicesFrom(seed: number): Choices {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }
  // Neighbouring seeds start far apart.
  state = Math.floor(next() * 2 ** 32) ^ Math.imul(seed >>> 0, 0x85ebca6b)
  const below = (limit: number): number => Math.floor(next() * limit)
  const pick = <T>(items: readonly T[]): T => {
    const item = items[below(items.length)]
    if (item === undefined) throw new Error('nothing to pick from')
    return item
  }
  return {
    fraction: next,
    below,
    chance: (probability) => next() < probability,
    pick,
    weighted: (items) => {
      let left = next() * items.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, item] of items) {
        left -= weight
        if (left < 0) return item
      }
      return pick(items)[1]
    },
    some: (items, count) => {
      const rest = [...items]
      const taken = []
      while (taken.length < count && rest.length > 0) taken.push(...rest.splice(below(rest.length), 1))
      return taken
    },
  }
}
