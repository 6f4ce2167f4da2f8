import type { ResolverView } from '../../model/resolver-view.ts'

/** Since when each resolver has answered a name as it does now. */
export interface ResolverBook {
  /** The views of one look at a name of a target, with their dates; a resolver that is not among them is forgotten. */
  dated(name: string, views: readonly ResolverView[]): ResolverView[]
  forget(name: string): void
}

/**
 * Remembers the kind and state of each resolver's answers by name. `wallMs`: Unix milliseconds. What it has not seen before
 * begins now, so that nothing is dated back before this process.
 */
export function createResolverBook(wallMs: () => number): ResolverBook {
  const names = new Map<string, Map<string, { word: string; sinceMs: number }>>()
  return {
    dated(name, views) {
      const before = names.get(name)
      const now = new Map<string, { word: string; sinceMs: number }>()
      const nowMs = wallMs()
      const dated = views.map((view): ResolverView => {
        const key = `${view.resolver} ${view.server} ${view.counts}`
        const word = `${view.kind} ${view.state ?? ''}`
        const known = before?.get(key)
        const kept = known?.word === word ? known : { word, sinceMs: nowMs }
        now.set(key, kept)
        return { ...view, sinceMs: kept.sinceMs }
      })
      names.set(name, now)
      return dated
    },
    forget: (name) => void names.delete(name),
  }
}
