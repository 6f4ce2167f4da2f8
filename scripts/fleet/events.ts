/** Time that goes by in a simulation: what is due first happens first. Seconds. */
export interface Events {
  now(): number
  at(seconds: number, happens: () => void): void
  /** Until nothing is due before that time. */
  run(untilSeconds: number): void
}

interface Due {
  at: number
  order: number
  happens: () => void
}

const before = (a: Due, b: Due): boolean => (a.at === b.at ? a.order < b.order : a.at < b.at)

/** A binary heap; of two things at one time that which was asked for first comes first. */
export function createEvents(): Events {
  const heap: Due[] = []
  let now = 0
  let order = 0
  const up = (from: number): void => {
    let i = from
    while (i > 0) {
      const parent = (i - 1) >> 1
      const [a, b] = [heap[i]!, heap[parent]!]
      if (!before(a, b)) return
      heap[i] = b
      heap[parent] = a
      i = parent
    }
  }
  const down = (): void => {
    let i = 0
    for (;;) {
      const left = 2 * i + 1
      if (left >= heap.length) return
      const right = left + 1
      const least = right < heap.length && before(heap[right]!, heap[left]!) ? right : left
      const [a, b] = [heap[i]!, heap[least]!]
      if (!before(b, a)) return
      heap[i] = b
      heap[least] = a
      i = least
    }
  }
  return {
    now: () => now,
    at(seconds, happens) {
      heap.push({ at: Math.max(now, seconds), order: order++, happens })
      up(heap.length - 1)
    },
    run(untilSeconds) {
      for (let next = heap[0]; next !== undefined && next.at <= untilSeconds; next = heap[0]) {
        const last = heap.pop()!
        if (heap.length > 0) {
          heap[0] = last
          down()
        }
        now = next.at
        next.happens()
      }
      now = untilSeconds
    },
  }
}
