/** How many pieces of work may run at once. `run` waits for its turn and then gives what `work` gives. */
export interface Limit {
  run<T>(work: () => Promise<T>): Promise<T>
}

/** A first-come, first-served limit of `atMost` (1 or more) pieces of work at once. */
export function limit(atMost: number): Limit {
  let running = 0
  const waiting: (() => void)[] = []
  return {
    async run(work) {
      if (running >= atMost) await new Promise<void>((resolve) => waiting.push(resolve))
      else running++
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        // the place is handed on, so nobody can slip in between
        if (next) next()
        else running--
      }
    },
  }
}
