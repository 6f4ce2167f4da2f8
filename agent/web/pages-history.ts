import type { PathState, Rank } from '../../model/path.ts'
import type { NameVerdict } from '../../model/verdict.ts'

/** A name came to another state, or to another proof of it. */
export interface Turn {
  /** Unix milliseconds. */
  atMs: number
  state: PathState
  proof: Rank | null
  because: string
}

export interface History {
  /** A name was judged; `lifeSeconds`: for how long that may be believed from now on. */
  judged(key: string, verdict: NameVerdict, lifeSeconds: number): void
  /** Since when it is in the state that it is in now. Null: never judged. */
  since(key: string): { atMs: number; atStart: boolean } | null
  /** Youngest first. */
  turns(key: string): Turn[]
  /** Forgets all names but these. */
  keep(keys: ReadonlySet<string>): void
  size(): number
}

interface Past {
  /** Oldest first. */
  turns: Turn[]
  /** Where its state began; a change of the proof alone does not begin anew. */
  state: PathState
  sinceMs: number
  atStart: boolean
  /** End of the life of its last verdict, by both clocks. */
  endsMonotonicMs: number
  endsMs: number
}

/** Of each name; the oldest make room. */
export const mostTurns = 24

/**
 * The last changes of each name, in memory. That a verdict's life ran out is a change too, at the moment at which it did,
 * whoever looks and whenever. At most `mostNames` names (default 10,000): beyond them new ones are not remembered.
 */
export function createHistory(
  clock: { wallMs(): number; monotonicMs(): number },
  mostNames = 10_000,
): History {
  const names = new Map<string, Past>()

  const add = (past: Past, turn: Turn): void => {
    past.turns.push(turn)
    if (past.turns.length > mostTurns) past.turns.shift()
    if (turn.state !== past.state) {
      past.state = turn.state
      past.sinceMs = turn.atMs
      past.atStart = false
    }
  }

  /** Notes a life that is over. */
  const upToNow = (key: string): Past | null => {
    const past = names.get(key)
    if (past === undefined) return null
    if (past.state !== 'undetermined' && clock.monotonicMs() >= past.endsMonotonicMs)
      add(past, {
        atMs: past.endsMs,
        state: 'undetermined',
        proof: null,
        because: 'no verdict came in time; the last one is too old to be believed',
      })
    return past
  }

  return {
    judged(key, { state, proof, because }, lifeSeconds) {
      const atMs = clock.wallMs()
      const turn: Turn = { atMs, state, proof, because: because[0] ?? '' }
      let past = upToNow(key)
      if (past === null) {
        if (names.size >= mostNames) return
        past = { turns: [turn], state, sinceMs: atMs, atStart: true, endsMonotonicMs: 0, endsMs: 0 }
        names.set(key, past)
      } else {
        const last = past.turns.at(-1)
        if (last?.state !== state || last.proof !== proof) add(past, turn)
      }
      past.endsMonotonicMs = clock.monotonicMs() + lifeSeconds * 1000
      past.endsMs = atMs + lifeSeconds * 1000
    },
    since(key) {
      const past = upToNow(key)
      return past === null ? null : { atMs: past.sinceMs, atStart: past.atStart }
    },
    turns: (key) => upToNow(key)?.turns.toReversed() ?? [],
    keep(keys) {
      for (const key of names.keys()) if (!keys.has(key)) names.delete(key)
    },
    size: () => names.size,
  }
}
