import type { Attempt } from '../../model/observation.ts'

/** Which local ports were used towards which remote ones, and when: records can't tell two such connections apart. */
export interface PortUse {
  used(attempt: Attempt): void
  /** Whether another attempt by the same ports and addresses began within twice the aggregation and 120 s of this one. */
  reused(attempt: Attempt, aggregationSeconds: number): boolean
  /** Forgets what began before `beforeMs`, monotonic. */
  forget(beforeMs: number): void
}

function tuple({ localAddress, localPort, address, port }: Attempt): string {
  return `${localAddress ?? ''} ${localPort ?? ''} ${address} ${port}`
}

/** Tuples that are remembered; beyond it every connection counts as one that may share its ports. */
const mostTuples = 200_000

/** By the monotonic clock: a wall clock that is set must not bring two connections apart. */
export function createPortUse(): PortUse {
  const uses = new Map<string, { id: string; atMs: number }[]>()
  let overflowedAtMs = -Infinity
  return {
    used(attempt) {
      const key = tuple(attempt)
      const { id, monotonicMs: atMs } = attempt.stamp
      const known = uses.get(key)
      if (known !== undefined) known.push({ id, atMs })
      else if (uses.size < mostTuples) uses.set(key, [{ id, atMs }])
      else overflowedAtMs = atMs
    },
    reused(attempt, aggregationSeconds) {
      const withinMs = (2 * aggregationSeconds + 120) * 1000
      const { id, monotonicMs } = attempt.stamp
      if (Math.abs(monotonicMs - overflowedAtMs) <= withinMs) return true
      return (uses.get(tuple(attempt)) ?? []).some(
        (use) => use.id !== id && Math.abs(use.atMs - monotonicMs) <= withinMs,
      )
    },
    forget(beforeMs) {
      for (const [key, list] of uses) {
        const left = list.filter((use) => use.atMs >= beforeMs)
        if (left.length === 0) uses.delete(key)
        else if (left.length < list.length) uses.set(key, left)
      }
    },
  }
}
