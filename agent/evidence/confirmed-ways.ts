import type { Basis } from '../../model/evidence.ts'
import type { Rank } from '../../model/path.ts'

/** Ways on which records confirmed an attempt of a name as private, until something contradicts. */
export interface ConfirmedWays {
  /**
   * `madeMs`: when the attempt was made, monotonic; left out: now. One that was made before something contradicted on its way
   * confirms nothing, however late its own record came.
   */
  confirmed(name: string, bases: readonly Basis[], rank: Rank, madeMs?: number): void
  /**
   * An attempt of the name on these ways was public, or contradicts its records: nobody's connection is confirmed on them any
   * more. Without a basis: all of the name's. `madeMs`: when it was made, monotonic; left out: now.
   */
  contradicted(name: string, bases: readonly Basis[], madeMs?: number): void
  /** What had confirmed an attempt of the name on these ways does so no longer. */
  withdrawn(name: string, bases: readonly Basis[]): void
  of(name: string, withinSeconds: number): { basis: Basis; rank: Rank }[]
  forget(name: string): void
}

/** Ways of one name that are remembered; more than a host with several interfaces and endpoints has. */
const mostWays = 64
/** Contradictions that are remembered one by one; beyond it the youngest one counts for every way. */
const mostContradicted = 4096

const keyOf = ({ networkInterface, routeTable, route, target }: Basis): string =>
  JSON.stringify([networkInterface, routeTable, route, target])

interface Way {
  key: string
  basis: Basis
  rank: Rank
  atMs: number
  /** Place in the order in which confirmations and contradictions came. */
  order: number
}

/** `madeMs`: of the youngest attempt that contradicted. */
interface Spoken {
  madeMs: number
  order: number
}

/** `monotonicMs` should count suspend: a host that slept has confirmed nothing meanwhile. */
export function createConfirmedWays(monotonicMs: () => number): ConfirmedWays {
  const names = new Map<string, Way[]>()
  /** By way, for all names; where what contradicts has none, by name. */
  const spoken = new Map<string, Spoken>()
  /** Those that found no room. */
  let others: Spoken = { madeMs: -Infinity, order: -1 }
  let order = 0
  const later = (a: Spoken, b: Spoken | undefined): Spoken =>
    b === undefined ? a : { madeMs: Math.max(a.madeMs, b.madeMs), order: Math.max(a.order, b.order) }
  const note = (key: string, madeMs: number): void => {
    if (spoken.size >= mostContradicted && !spoken.has(key)) {
      for (const one of spoken.values()) others = later(others, one)
      spoken.clear()
    }
    spoken.set(key, later({ madeMs, order: order++ }, spoken.get(key)))
  }
  const against = (name: string, key: string): Spoken =>
    later(later(others, spoken.get(name)), spoken.get(key))
  const take = (name: string, gone: (way: Way) => boolean): Way[] =>
    (names.get(name) ?? []).filter((way) => !gone(way))
  return {
    confirmed(name, bases, rank, madeMs = monotonicMs()) {
      const atMs = monotonicMs()
      const added = bases.flatMap((basis): Way[] => {
        const key = keyOf(basis)
        return madeMs > against(name, key).madeMs ? [{ key, basis, rank, atMs, order: order++ }] : []
      })
      if (added.length === 0) return
      // A weaker confirmation does not undo a stronger one: each rank has its own time.
      const kept = take(name, (way) => way.rank === rank && added.some(({ key }) => key === way.key))
      names.set(name, [...kept, ...added].slice(-mostWays))
    },
    contradicted(name, bases, madeMs = monotonicMs()) {
      for (const key of bases.length === 0 ? [name] : bases.map(keyOf)) note(key, madeMs)
    },
    withdrawn(name, bases) {
      const keys = bases.map(keyOf)
      names.set(
        name,
        take(name, ({ key }) => keys.length === 0 || keys.includes(key)),
      )
    },
    of(name, withinSeconds) {
      const sinceMs = monotonicMs() - withinSeconds * 1000
      return (names.get(name) ?? []).flatMap(({ key, basis, rank, atMs, order: came }) =>
        atMs >= sinceMs && came > against(name, key).order ? [{ basis, rank }] : [],
      )
    },
    forget: (name) => void names.delete(name),
  }
}
