/** What can be said of one moment, best first; where two things are said of it, the later in this list stands. */
export const marks = ['private', 'blocked', 'gap', 'undetermined', 'mixed', 'public'] as const

export type Mark = (typeof marks)[number]

/** Whether what was required was the case then; where two things are said, the later in this list stands. */
export const duties = ['none', 'met', 'unknown', 'not_met'] as const

export type Duty = (typeof duties)[number]

export interface Piece {
  fromMs: number
  /** The first moment that it does not cover. */
  toMs: number
  mark: Mark
  duty: Duty
}

export interface Timeline {
  /** What was said of a time stands beside what is said of it now, and the worse counts: nothing is ever painted over. */
  paint(piece: Piece): void
  /** Of this time nothing is settled: what was painted is undetermined at best. What was not observed stays so. */
  doubt(fromMs: number, toMs: number): void
  /** Of what was said of this time only what is bad stays; of the rest it is as if nobody had looked. */
  recant(fromMs: number, toMs: number): void
  /** What was said of a moment; null: nothing. */
  at(ms: number): Mark | null
  /** All that was painted, in order and without overlap; neighbours differ. What is missing was not observed. */
  pieces(fromMs: number, toMs: number): Piece[]
  /** Null: every moment is exact. Else within each such stretch the worst stands for all of it. */
  coarseSeconds(): number | null
}

const worseOf = <T>(order: readonly T[], a: T, b: T): T => (order.indexOf(a) >= order.indexOf(b) ? a : b)

function worse(piece: Piece, mark: Mark, duty: Duty): Piece {
  return { ...piece, mark: worseOf(marks, piece.mark, mark), duty: worseOf(duties, piece.duty, duty) }
}

/** Joins a piece to the end of the list. */
function join(list: Piece[], piece: Piece): void {
  const last = list.at(-1)
  if (
    last !== undefined &&
    last.toMs === piece.fromMs &&
    last.mark === piece.mark &&
    last.duty === piece.duty
  )
    last.toMs = piece.toMs
  else if (piece.fromMs < piece.toMs) list.push({ ...piece })
}

/**
 * Stretches of `stepMs` (counted from the Unix epoch) in which anything changes get the worst of all that is said in them;
 * time of which nothing is said counts as a gap there.
 */
export function coarsen(pieces: readonly Piece[], stepMs: number): Piece[] {
  const out: Piece[] = []
  let open: { sum: Piece; coveredMs: number } | null = null
  const flush = (): void => {
    if (open === null) return
    const { sum, coveredMs } = open
    const whole = coveredMs >= stepMs ? sum : worse(sum, 'gap', sum.duty === 'none' ? 'none' : 'unknown')
    join(out, whole)
    open = null
  }
  for (const piece of pieces) {
    let at = piece.fromMs
    while (at < piece.toMs) {
      const start = Math.floor(at / stepMs) * stepMs
      if (open !== null && open.sum.fromMs !== start) flush()
      if (at === start && piece.toMs >= start + stepMs) {
        const toMs = Math.floor(piece.toMs / stepMs) * stepMs
        join(out, { ...piece, fromMs: start, toMs })
        at = toMs
        continue
      }
      const end = Math.min(piece.toMs, start + stepMs)
      open ??= {
        sum: { fromMs: start, toMs: start + stepMs, mark: piece.mark, duty: piece.duty },
        coveredMs: 0,
      }
      open.sum = worse(open.sum, piece.mark, piece.duty)
      open.coveredMs += end - at
      at = end
    }
  }
  flush()
  return out
}

/** @param most above so many pieces, the timeline gets coarser, so that a path that flaps for months can't fill the memory. */
export function createTimeline(most = 4000): Timeline {
  let list: Piece[] = []
  let stepMs = 0

  const insert = (added: Piece): void => {
    // Almost always it touches the end only.
    let first = list.length
    while (first > 0 && (list[first - 1] as Piece).toMs > added.fromMs) first--
    const tail = list.splice(first)
    let fromMs = added.fromMs
    for (const old of tail) {
      if (fromMs < old.fromMs && fromMs < added.toMs)
        join(list, { ...added, fromMs, toMs: Math.min(old.fromMs, added.toMs) })
      if (old.fromMs >= added.toMs) {
        join(list, old)
        fromMs = Math.max(fromMs, added.toMs)
        continue
      }
      join(list, { ...old, toMs: Math.max(old.fromMs, added.fromMs) })
      const bothFrom = Math.max(old.fromMs, added.fromMs)
      const bothTo = Math.min(old.toMs, added.toMs)
      join(list, worse({ ...old, fromMs: bothFrom, toMs: bothTo }, added.mark, added.duty))
      join(list, { ...old, fromMs: bothTo })
      fromMs = Math.max(fromMs, bothTo)
    }
    if (fromMs < added.toMs) join(list, { ...added, fromMs })
  }

  const tidy = (): void => {
    while (list.length > most && stepMs < 7 * 86_400_000) {
      stepMs = stepMs === 0 ? 60_000 : stepMs * 2
      // What is still being painted stays exact.
      const cut = Math.floor((list.at(-1)?.toMs ?? 0) / stepMs) * stepMs - stepMs
      const old = list.filter((one) => one.toMs <= cut)
      const young = list.slice(old.length)
      const split = young[0]
      if (split !== undefined && split.fromMs < cut) {
        old.push({ ...split, toMs: cut })
        young[0] = { ...split, fromMs: cut }
      }
      list = coarsen(old, stepMs)
      for (const one of young) join(list, one)
    }
  }

  return {
    paint(piece) {
      if (!(piece.fromMs < piece.toMs)) return
      const last = list.at(-1)
      if (last === undefined || last.toMs <= piece.fromMs) join(list, piece)
      else insert(piece)
      tidy()
    },
    doubt(fromMs, toMs) {
      const concerned = list.filter((one) => one.toMs > fromMs && one.fromMs < toMs && one.mark !== 'gap')
      for (const one of concerned) {
        const duty = one.duty === 'none' ? 'none' : 'unknown'
        const piece = { fromMs: Math.max(one.fromMs, fromMs), toMs: Math.min(one.toMs, toMs) }
        insert({ ...piece, mark: 'undetermined', duty })
      }
      tidy()
    },
    recant(fromMs, toMs) {
      if (!(fromMs < toMs)) return
      const kept: Piece[] = []
      for (const one of list) {
        const good = (one.mark === 'private' || one.mark === 'blocked') && one.duty !== 'not_met'
        if (!good || one.toMs <= fromMs || one.fromMs >= toMs) join(kept, one)
        else {
          join(kept, { ...one, toMs: Math.max(one.fromMs, fromMs) })
          join(kept, { ...one, fromMs: Math.min(one.toMs, toMs) })
        }
      }
      list = kept
    },
    at: (ms) => list.findLast((one) => one.fromMs <= ms && ms < one.toMs)?.mark ?? null,
    pieces(fromMs, toMs) {
      const out: Piece[] = []
      for (const piece of list) {
        const from = Math.max(piece.fromMs, fromMs)
        const to = Math.min(piece.toMs, toMs)
        if (from < to) join(out, { ...piece, fromMs: from, toMs: to })
      }
      return out
    },
    coarseSeconds: () => (stepMs === 0 ? null : stepMs / 1000),
  }
}
