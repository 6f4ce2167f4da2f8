import { sleep } from './machine.ts'

/** For what was aborted to come to its end. */
const lastSeconds = 2

export interface Stopping {
  /** Starts no further cycle. */
  halt(): void
  /** Resolves when no cycle is under way. */
  settled(): Promise<void>
  /** Ends what is still under way. */
  abort(reason: Error): void
  /** Everything that ends once it was aborted. */
  ended(): Promise<unknown>
  /** As long as the cycles under way may take, if nobody aborts them. */
  grace(): Promise<void>
}

/** Lets cycles end for as long as `grace` holds, then ends everything; never takes longer than `grace` and two seconds. */
export async function stopOrderly({ halt, settled, abort, ended, grace }: Stopping): Promise<void> {
  halt()
  await Promise.race([settled(), grace()])
  abort(new Error('the agent stops'))
  // What does not heed the signal must not keep a service from ending.
  const over = new AbortController()
  await Promise.race([ended(), sleep(lastSeconds, over.signal)])
  over.abort()
}
