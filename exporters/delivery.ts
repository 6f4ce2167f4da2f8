import type { DropReason, Exporter, ExporterDeps } from './exporter.ts'

/** What came of one delivery of a batch. */
export type Delivered =
  | { kind: 'delivered' }
  /** The same batch is tried again later. */
  | { kind: 'again'; because: string }
  /** The batch is dropped. */
  | { kind: 'never'; reason: DropReason; because: string }

export interface DeliveryOptions<Item> {
  /** Items that wait at most, those under way included. */
  mostItems: number
  /** Bytes that wait at most, by `bytesOf`. */
  mostBytes: number
  bytesOf(item: Item): number
  /** Of one batch. */
  batchItems: number
  batchBytes: number
  /** Delivers a batch. The signal fires at the deadline; another batch is begun only when this one has come to its end. */
  deliver(batch: readonly Item[], signal: AbortSignal): Promise<Delivered>
  deadlineSeconds: number
  /** Tries of one batch; Infinity: until it goes or has to make room. */
  mostTries: number
  /** Between two tries: the first wait, doubled each time up to the last. */
  againSeconds: readonly [number, number]
  /** For what a sink holds open. */
  closed?(): Promise<void>
}

/** The part that all exporters have in common: queue, batches, repetition, bounds and counting. */
export function createDelivery<Item>(options: DeliveryOptions<Item>, deps: ExporterDeps): Exporter<Item> {
  const { mostItems, mostBytes, bytesOf, deadlineSeconds, mostTries } = options
  const queue: { item: Item; bytes: number }[] = []
  let queuedBytes = 0
  let batch: { items: readonly Item[]; bytes: number } | null = null
  let state: 'new' | 'open' | 'closed' = 'new'
  let running = false
  let problem: string | null = null
  /** Ends the wait before a repetition. */
  let hurry = new AbortController()
  let idle: (() => void)[] = []

  const waiting = (): { items: number; bytes: number } => ({
    items: queue.length + (batch?.items.length ?? 0),
    bytes: queuedBytes + (batch?.bytes ?? 0),
  })

  const nextBatch = (): { items: readonly Item[]; bytes: number } | null => {
    const items: Item[] = []
    let bytes = 0
    for (const [index, next] of queue.entries()) {
      if (index >= options.batchItems || (index > 0 && bytes + next.bytes > options.batchBytes)) break
      items.push(next.item)
      bytes += next.bytes
    }
    queue.splice(0, items.length)
    queuedBytes -= bytes
    return items.length === 0 ? null : { items, bytes }
  }

  const once = async (items: readonly Item[]): Promise<Delivered> => {
    const over = new AbortController()
    const ended = new AbortController()
    // A delivery that hangs is waited for all the same: two at once would pile up.
    void deps.wait(deadlineSeconds, ended.signal).then(() => {
      if (ended.signal.aborted) return
      problem = `nothing was taken for ${deadlineSeconds} s`
      over.abort(new Error(problem))
    })
    try {
      return await options.deliver(items, over.signal)
    } catch (error) {
      return { kind: 'again', because: error instanceof Error ? error.message : String(error) }
    } finally {
      ended.abort()
    }
  }

  const work = async (): Promise<void> => {
    let [againSeconds] = options.againSeconds
    let tries = 0
    while (state === 'open') {
      batch ??= nextBatch()
      if (batch === null) break
      const { items } = batch
      const outcome = await once(items)
      // what was given up meanwhile is counted already
      if (batch?.items !== items) break
      tries++
      if (outcome.kind === 'delivered') problem = null
      else problem = outcome.because
      if (outcome.kind === 'again' && tries < mostTries) {
        hurry = new AbortController()
        await deps.wait(againSeconds, hurry.signal)
        againSeconds = Math.min(againSeconds * 2, options.againSeconds[1])
        continue
      }
      if (outcome.kind !== 'delivered') {
        deps.dropped(outcome.kind === 'never' ? outcome.reason : 'failed', items.length)
      }
      batch = null
      tries = 0
      againSeconds = options.againSeconds[0]
    }
  }

  const run = (): void => {
    if (running || state !== 'open') return
    running = true
    void work().finally(() => {
      running = false
      if (state === 'open' && waiting().items > 0) return run()
      for (const tell of idle.splice(0)) tell()
    })
  }

  const flush = async (timeoutSeconds: number): Promise<void> => {
    if (waiting().items === 0) return
    hurry.abort()
    const ended = new AbortController()
    const empty = new Promise<void>((resolve) => void idle.push(resolve))
    await Promise.race([empty, deps.wait(timeoutSeconds, ended.signal)])
    ended.abort()
    idle = idle.filter(() => waiting().items > 0)
  }

  return {
    open() {
      if (state !== 'new') return
      state = 'open'
      run()
    },
    accept(item) {
      if (state === 'closed') return deps.dropped('closed', 1)
      const bytes = bytesOf(item)
      if (bytes > options.batchBytes) return deps.dropped('too_large', 1)
      queue.push({ item, bytes })
      queuedBytes += bytes
      let dropped = 0
      while (queue.length > 0 && (waiting().items > mostItems || waiting().bytes > mostBytes)) {
        queuedBytes -= queue.shift()?.bytes ?? 0
        dropped++
      }
      if (dropped > 0) deps.dropped('queue_full', dropped)
      run()
    },
    flush,
    async close(timeoutSeconds) {
      if (state === 'closed') return
      if (state === 'open') await flush(timeoutSeconds)
      state = 'closed'
      const { items } = waiting()
      queue.length = 0
      queuedBytes = 0
      batch = null
      hurry.abort()
      if (items > 0) deps.dropped('closed', items)
      const ended = new AbortController()
      await Promise.race([options.closed?.().catch(() => undefined), deps.wait(1, ended.signal)])
      ended.abort()
    },
    trouble: () => problem,
  }
}
