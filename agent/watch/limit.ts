/** How many things may go on at once, in all and for one key. */
export interface LimitOptions {
  total: number
  /** Default: as many as `total`. */
  perKey?: number
}

export interface Limit {
  /**
   * Runs `fn` as soon as there is room and settles as it does. Keys take turns; within a key it is
   * first come, first served. An abort while waiting rejects with the signal's reason and `fn` is never
   * called; once `fn` runs, its place is held until it has really ended.
   */
  run<T>(key: string, signal: AbortSignal | null, fn: () => Promise<T>): Promise<T>
  active(): number
  waiting(): number
}

interface Lane {
  active: number
  /** In order of arrival; a Set because any of them may leave. */
  waiters: Set<() => void>
}

/**
 * A fair limit: a key with thousands of waiters delays another key by at most one turn.
 * @throws RangeError for limits that are not whole numbers of at least 1
 */
export function createLimit({ total, perKey = total }: LimitOptions): Limit {
  for (const limit of [total, perKey]) {
    if (!Number.isInteger(limit) || limit < 1)
      throw new RangeError(`limit: got ${limit}, expected at least 1`)
  }
  const lanes = new Map<string, Lane>()
  // Keys that have a waiter and room of their own, in the order of their turns.
  const turns = new Set<string>()
  let active = 0
  let waiting = 0

  const laneOf = (key: string): Lane => {
    const lane = lanes.get(key) ?? { active: 0, waiters: new Set() }
    lanes.set(key, lane)
    return lane
  }

  const settle = (key: string, lane: Lane): void => {
    if (lane.waiters.size > 0 && lane.active < perKey) turns.add(key)
    else turns.delete(key)
    if (lane.active === 0 && lane.waiters.size === 0) lanes.delete(key)
  }

  const room = (): boolean => active < total

  const next = (): void => {
    while (room()) {
      const [key] = turns
      if (key === undefined) return
      const lane = laneOf(key)
      const [waiter] = lane.waiters
      // Behind all others for its next turn.
      turns.delete(key)
      waiter?.()
      settle(key, lane)
    }
  }

  const enter = (key: string, signal: AbortSignal | null): Promise<Lane> => {
    const lane = laneOf(key)
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        lane.waiters.delete(go)
        waiting--
        signal?.removeEventListener('abort', abort)
      }
      const go = (): void => {
        leave()
        lane.active++
        active++
        resolve(lane)
      }
      const abort = (): void => {
        leave()
        settle(key, lane)
        reject(signal?.reason)
      }
      lane.waiters.add(go)
      waiting++
      signal?.addEventListener('abort', abort, { once: true })
      settle(key, lane)
      next()
    })
  }

  return {
    async run(key, signal, fn) {
      signal?.throwIfAborted()
      const lane = await enter(key, signal)
      try {
        // Aborted between its turn and now.
        signal?.throwIfAborted()
        return await fn()
      } finally {
        lane.active--
        active--
        settle(key, lane)
        next()
      }
    },
    active: () => active,
    waiting: () => waiting,
  }
}
