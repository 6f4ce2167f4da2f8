const longestSeconds = 10

/**
 * Makes documents one after the other. Who asks for one that is not begun yet shares it with others who ask for the same: each
 * thus gets a document that was begun after it asked, however many ask. After each, the lane rests as long as that one took,
 * so that whoever asks without end gets at most half of the processor. One that does not end in 10 s holds up no other.
 */
export function createLane(
  monotonicMs: () => number,
  wait: (seconds: number, signal: AbortSignal) => Promise<void>,
): <T>(key: string, make: () => Promise<T> | T) => Promise<T> {
  const waiting = new Map<string, { run(): Promise<void>; promise: Promise<unknown> }>()
  let running = false

  const run = async (): Promise<void> => {
    running = true
    for (;;) {
      const [first] = waiting
      if (first === undefined) break
      const [key, work] = first
      waiting.delete(key)
      const startMs = monotonicMs()
      const made = new AbortController()
      await Promise.race([work.run(), wait(longestSeconds, made.signal)])
      made.abort()
      // Even the smallest document leaves room for events between two.
      await wait(Math.min(1, (monotonicMs() - startMs) / 1000), new AbortController().signal)
    }
    running = false
  }

  return <T>(key: string, make: () => Promise<T> | T): Promise<T> => {
    const known = waiting.get(key)
    if (known !== undefined) return known.promise as Promise<T>
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    waiting.set(key, {
      promise,
      async run() {
        try {
          resolve(await make())
        } catch (error) {
          reject(error as Error)
        }
      },
    })
    if (!running) void run()
    return promise
  }
}
