import { type PathClass, type PathState, pathClasses, sideOf } from '../model/path.ts'

/** Set arithmetic on path classes. Sets are arrays in the order of `pathClasses`, without repeats. */
export type Possible = readonly PathClass[]

export const all: Possible = pathClasses

export function only(...classes: PathClass[]): Possible {
  return pathClasses.filter((c) => classes.includes(c))
}

export function without(set: Possible, ...classes: PathClass[]): Possible {
  return set.filter((c) => !classes.includes(c))
}

export function intersect(a: Possible, b: Possible): Possible {
  return a.filter((c) => b.includes(c))
}

export function union(...sets: Possible[]): Possible {
  return pathClasses.filter((c) => sets.some((s) => s.includes(c)))
}

/**
 * The state that a set settles: all private, all public, only `blocked`; anything else, the empty set
 * included, settles nothing.
 */
export function settled(set: Possible): PathState | null {
  if (set.length === 0) return null
  const sides = new Set(set.map((c) => sideOf[c]))
  if (sides.size !== 1) return null
  if (sides.has('private')) return 'private'
  if (sides.has('public')) return 'public'
  if (sides.has('none')) return 'blocked'
  return null
}
