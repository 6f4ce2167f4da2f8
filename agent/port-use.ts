import type { Attempt } from '../model/observation.ts'

/** Which local ports were used towards which remote ones, and when: records can't tell two such connections apart. */
export interface PortUse {
  /** `atMs`: Unix milliseconds. */
  used(attempt: Attempt, atMs: number): void
  /** Whether another attempt by the same ports and addresses began within twice the aggregation and 120 s of this one. */
  reused(attempt: Attempt, aggregationSeconds: number): boolean
  /** Forgets what began before `beforeMs`. */
  forget(beforeMs: number): void
}

function tuple({ localAddress, localPort, address, port }: Attempt): string {
  return `${localAddress ?? ''} ${localPort ?? ''} ${address} ${port}`
}

/** Tuples that are remembered; beyond it every connection counts as one that may share its ports. */
const mostTuples = 200_000

export function createPortUse(): PortUse {
  const uses = new Map<string, { id: string; atMs: number }[]>()
  let overflowedAtMs = -Infinity
  return {
    used(attempt, atMs) {
      const key = tuple(attempt)
      const known = uses.get(key)
      if (known !== undefined) known.push({ id: attempt.stamp.id, atMs })
      else if (uses.size < mostTuples) uses.set(key, [{ id: attempt.stamp.id, atMs }])
      else overflowedAtMs = atMs
    },
    reused(attempt, aggregationSeconds) {
      const withinMs = (2 * aggregationSeconds + 120) * 1000
      const { id, wallMs } = attempt.stamp
      if (Math.abs(wallMs - overflowedAtMs) <= withinMs) return true
      return (uses.get(tuple(attempt)) ?? []).some(
        (use) => use.id !== id && Math.abs(use.atMs - wallMs) <= withinMs,
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
