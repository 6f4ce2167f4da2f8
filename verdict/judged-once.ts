import type { Attempt } from '../model/observation.ts'
import type { Topology } from '../model/topology.ts'
import type { AttemptVerdict } from '../model/verdict.ts'
import { adviseAttempt } from './advice.ts'
import { tracesOf } from './first-leg-hops.ts'
import { type AttemptContext, type Judged, judgeWithParts } from './judge.ts'
import { unmapped } from './unmapped.ts'

/** The last judgement of one attempt, given again as long as nothing that it was made of is another. */
export interface JudgedOnce {
  /** As `judgeWithParts`. */
  judged(attempt: Attempt, topology: Topology, context: AttemptContext): Judged
  /** As `judgeWithParts`, then `adviseAttempt`. The same object may be given several times: it is not to be changed. */
  advised(attempt: Attempt, topology: Topology, context: AttemptContext): AttemptVerdict
}

interface Known {
  attempt: Attempt
  topology: Topology
  context: AttemptContext
  /** Null: only the verdict is kept, for the parts take room. */
  judged: Judged | null
  advised: AttemptVerdict | null
}

/**
 * A judgement needs no clock: all times come with the attempt and the readings, so the same inputs give the same judgement
 * whenever it is asked for. "The same" is told by identity, for snapshots, vantages, observations and evidence are replaced and never
 * changed; lists are compared item by item with a copy, for a list may have grown. In doubt it is judged anew.
 */
export function judgedOnce(): JudgedOnce {
  let known: Known | null = null
  const look = (attempt: Attempt, topology: Topology, context: AttemptContext): Known => {
    const around = ofAttempt(attempt, topology)
    const beside = ofFamily(attempt, context)
    if (known?.attempt === attempt && same(known.topology, around) && same(known.context, beside))
      return known
    known = { attempt, topology: copied(around), context: copied(beside), judged: null, advised: null }
    return known
  }
  return {
    judged(attempt, topology, context) {
      const found = look(attempt, topology, context)
      found.judged ??= judgeWithParts(attempt, topology, context)
      return found.judged
    },
    advised(attempt, topology, context) {
      const found = look(attempt, topology, context)
      if (found.advised !== null) return found.advised
      const judged = found.judged ?? judgeWithParts(attempt, topology, context)
      found.advised = adviseAttempt(attempt, judged, topology)
      found.judged = null
      return found.advised
    },
  }
}

/** There are traces of every address, and each new one makes another list: only those of the attempt's own way count. */
function ofAttempt(attempt: Attempt, topology: Topology): Topology {
  return topology.traces === undefined
    ? topology
    : { ...topology, traces: tracesOf(unmapped(attempt), topology) }
}

/** The kernel is asked for its families in every cycle. Only one that is not usable is evidence, and only for its own attempts. */
function ofFamily(attempt: Attempt, context: AttemptContext): AttemptContext {
  // an IPv4-mapped address is judged as IPv4
  const counts = (family: number) => family === attempt.family || family === 4
  return { ...context, families: context.families.filter((f) => !f.usable && counts(f.family)) }
}

/** Lists are copied, their items are not. */
function copied<T extends object>(input: T): T {
  const copy: T = { ...input }
  for (const key of Object.keys(copy) as (keyof T)[]) {
    const value = copy[key]
    if (Array.isArray(value)) copy[key] = [...value] as T[keyof T]
  }
  return copy
}

/** Whatever stands in an input is compared, whether or not it is known here. */
function same<T extends object>(a: T, b: T): boolean {
  const keys = Object.keys(a) as (keyof T)[]
  return keys.length === Object.keys(b).length && keys.every((key) => key in b && sameValue(a[key], b[key]))
}

function sameValue(a: unknown, b: unknown): boolean {
  if (!Array.isArray(a)) return Object.is(a, b)
  return Array.isArray(b) && a.length === b.length && a.every((item, index) => Object.is(item, b[index]))
}
