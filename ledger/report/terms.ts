import type { ReadVerdict } from './verdicts.ts'
import type { WaiverLine } from './model.ts'

/** What was demanded of a target from a time on. */
export interface Terms {
  requireKind: ReadVerdict['requireKind']
  /** For people. */
  require: string
  waiver: WaiverLine | null
}

export interface WaiverSpan extends WaiverLine {
  /** When it was first and last recorded. */
  fromMs: number
  toMs: number
}

/** Requirements and waivers of one target through time: what is told late is held against what was demanded then. */
export interface TermsBook {
  note(terms: Terms, ms: number): void
  noteWaiver(waiver: WaiverLine | null, ms: number): void
  /** Null: nothing was told of that time or before it, or it changed too often to say. */
  at(ms: number): Terms | null
  /** The waiver that covered all of the time; one that was given later covers nothing before. */
  waiverOver(fromMs: number, toMs: number): WaiverLine | null
  /** Requirements in words, in the order in which they came, of which one was in force in [fromMs, toMs). */
  required(fromMs: number, toMs: number): string[]
  waivers(): WaiverSpan[]
  /** When anything was last told of the target. */
  lastMs(): number
}

const mostTerms = 500
const mostWaivers = 200

const keyOf = (waiver: WaiverLine | null): string =>
  waiver === null ? '' : JSON.stringify([waiver.reason, waiver.ticket, waiver.untilMs])

export function createTerms(): TermsBook {
  const list: (Terms & { fromMs: number })[] = []
  const waivers = new Map<string, WaiverSpan>()
  let tooMany = false
  let lastMs = Number.NEGATIVE_INFINITY

  const at = (ms: number): Terms | null =>
    tooMany ? null : (list.findLast(({ fromMs }) => fromMs <= ms) ?? null)

  const noteWaiver = (waiver: WaiverLine | null, ms: number): void => {
    lastMs = Math.max(lastMs, ms)
    if (waiver === null) return
    const key = keyOf(waiver)
    const known = waivers.get(key)
    if (known !== undefined) {
      known.toMs = Math.max(known.toMs, ms)
      known.fromMs = Math.min(known.fromMs, ms)
    } else if (waivers.size < mostWaivers) waivers.set(key, { ...waiver, fromMs: ms, toMs: ms })
  }

  return {
    note({ requireKind, require, waiver }, ms) {
      noteWaiver(waiver, ms)
      const last = list.at(-1)
      const same =
        last !== undefined &&
        last.fromMs <= ms &&
        last.requireKind === requireKind &&
        last.require === require &&
        keyOf(last.waiver) === keyOf(waiver)
      if (same) return
      if (list.length < mostTerms) list.push({ requireKind, require, waiver, fromMs: ms })
      else tooMany = true
    },
    noteWaiver,
    at,
    waiverOver(fromMs, toMs) {
      const waiver = at(fromMs)?.waiver ?? null
      return waiver !== null && toMs <= waiver.untilMs ? waiver : null
    },
    required(fromMs, toMs) {
      const words = new Set<string>()
      for (const [index, one] of list.entries()) {
        const next = list[index + 1]
        if (one.fromMs < toMs && (next === undefined || next.fromMs > fromMs)) words.add(one.require)
      }
      if (tooMany) words.add('changed too often to say')
      return [...words]
    },
    waivers: () => [...waivers.values()],
    lastMs: () => lastMs,
  }
}
