/** Takes turns: of what there is, what was taken longest ago comes first. */
export interface Rotation {
  /** The one of `keys` whose turn it is; null where there are none. */
  next(keys: readonly string[]): string | null
}

/** More than this many keys are forgotten, oldest turn first. */
const mostKept = 20_000

export function createRotation(): Rotation {
  // in the order of their last turns
  const taken = new Map<string, number>()
  let turn = 0
  return {
    next(keys) {
      let best: string | null = null
      for (const key of keys) {
        if (best === null || (taken.get(key) ?? -1) < (taken.get(best) ?? -1)) best = key
      }
      if (best === null) return null
      taken.delete(best)
      taken.set(best, turn++)
      const oldest = taken.size > mostKept ? taken.keys().next() : null
      if (oldest?.done === false) taken.delete(oldest.value)
      return best
    },
  }
}
