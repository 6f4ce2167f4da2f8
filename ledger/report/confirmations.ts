import type { CountedLook } from './track.ts'

/** Which look made which attempt, so that a look counts as confirmed once records bear one of its attempts out. */
export interface Confirmations {
  made(look: CountedLook, ids: readonly string[]): void
  /** Records spoke of the attempt, once more perhaps: the last word counts. */
  told(id: string, confirmed: boolean): void
}

interface Entry {
  look: CountedLook
  confirmed: boolean
}

/**
 * Records speak of attempts for about a day; 20 targets every 30 s make 120,000 in that time. What is forgotten is never
 * confirmed. Two generations: taking the oldest out of one large map, one by one, would be slow.
 */
const mostPerGeneration = 200_000
const mostEarly = 10_000

export function createConfirmations(): Confirmations {
  let young = new Map<string, Entry>()
  let old = new Map<string, Entry>()
  /** Told in the same look, before the look itself. */
  const early = new Set<string>()

  const set = (entry: Entry, confirmed: boolean): void => {
    if (entry.confirmed === confirmed) return
    entry.confirmed = confirmed
    const { look } = entry
    const was = look.confirmed > 0
    look.confirmed += confirmed ? 1 : -1
    if (look.day !== null && was !== look.confirmed > 0) look.day.confirmed += confirmed ? 1 : -1
  }

  return {
    made(look, ids) {
      for (const id of ids) {
        if (id === '' || young.has(id) || old.has(id)) continue
        const entry = { look, confirmed: false }
        if (young.size >= mostPerGeneration) {
          old = young
          young = new Map()
        }
        young.set(id, entry)
        if (early.delete(id)) set(entry, true)
      }
    },
    told(id, confirmed) {
      const entry = young.get(id) ?? old.get(id)
      if (entry !== undefined) set(entry, confirmed)
      else if (!confirmed) early.delete(id)
      else if (id !== '' && early.size < mostEarly) early.add(id)
    },
  }
}
