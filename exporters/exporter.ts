/** Every exporter there is; a new one is a line here and one in `table.ts`. */
export const exporterNames = ['events', 'cloudwatch'] as const

export type ExporterName = (typeof exporterNames)[number]

/**
 * Why something was not delivered. `queue_full`: too much waited, the oldest made room; `too_large`: no sink would take it;
 * `rejected`: the sink refused it for good; `failed`: it failed again and again; `closed`: the exporter ended first.
 */
export const dropReasons = ['queue_full', 'too_large', 'rejected', 'failed', 'closed'] as const

export type DropReason = (typeof dropReasons)[number]

/**
 * A way out for what was judged. However its sink behaves (slow, hanging, failing, throwing), `accept` returns at once, what
 * waits is bounded, and everything that is not delivered is counted.
 */
export interface Exporter<Item> {
  /** Begins to deliver. Returns at once. */
  open(): void
  /** Takes an item, or drops one and counts it. Never blocks, never throws. */
  accept(item: Item): void
  /** Resolves when all that was accepted has been delivered or dropped, or after `timeoutSeconds`. */
  flush(timeoutSeconds: number): Promise<void>
  /** Flushes, then drops what is left. Never rejects, never takes much longer than `timeoutSeconds`. */
  close(timeoutSeconds: number): Promise<void>
  /** What keeps it from delivering now, in a sentence; null: nothing. */
  trouble(): string | null
}

/** What every exporter gets of the agent. */
export interface ExporterDeps {
  /** Counts what is dropped. */
  dropped(reason: DropReason, count: number): void
  /** Resolves after so many seconds, or at once when the signal fires. */
  wait(seconds: number, signal: AbortSignal): Promise<void>
}
