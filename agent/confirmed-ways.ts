import type { Basis } from '../model/evidence.ts'
import type { Rank } from '../model/path.ts'
import { sameBasis } from '../verdict/name.ts'

/** Ways on which records confirmed an attempt of a name as private, until something contradicts. */
export interface ConfirmedWays {
  confirmed(name: string, bases: readonly Basis[], rank: Rank): void
  /** An attempt of the name on these ways was public, or contradicts its records. Without a basis: all of the name's. */
  contradicted(name: string, bases: readonly Basis[]): void
  of(name: string, withinSeconds: number): { basis: Basis; rank: Rank }[]
  forget(name: string): void
}

/** Ways of one name that are remembered; more than a host with several interfaces and endpoints has. */
const mostWays = 64

/** `monotonicMs` should count suspend: a host that slept has confirmed nothing meanwhile. */
export function createConfirmedWays(monotonicMs: () => number): ConfirmedWays {
  const names = new Map<string, { basis: Basis; rank: Rank; atMs: number }[]>()
  const without = (name: string, bases: readonly Basis[]) =>
    (names.get(name) ?? []).filter((way) => !bases.some((basis) => sameBasis(way.basis, basis)))
  return {
    confirmed(name, bases, rank) {
      const atMs = monotonicMs()
      const added = bases.map((basis) => ({ basis, rank, atMs }))
      // A weaker confirmation does not undo a stronger one: each rank has its own time.
      const others = (names.get(name) ?? []).filter(
        (way) => way.rank !== rank || !bases.some((basis) => sameBasis(way.basis, basis)),
      )
      if (added.length > 0) names.set(name, [...others, ...added].slice(-mostWays))
    },
    contradicted(name, bases) {
      const left = bases.length === 0 ? [] : without(name, bases)
      if (left.length === 0) names.delete(name)
      else names.set(name, left)
    },
    of(name, withinSeconds) {
      const sinceMs = monotonicMs() - withinSeconds * 1000
      return (names.get(name) ?? []).flatMap(({ basis, rank, atMs }) =>
        atMs >= sinceMs ? [{ basis, rank }] : [],
      )
    },
    forget: (name) => void names.delete(name),
  }
}
