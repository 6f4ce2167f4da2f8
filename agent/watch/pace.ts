/** Milliseconds between two starts: at 250 a second the loop's turns stay short enough for honest times. */
const spacingMs = 4
/** Where so much waits already, later ones follow each other faster: they must not miss their next slot. */
const crowdMs = 5000
const crowdedMs = 1

export interface Pace {
  /** Resolves when it is this one's turn, or at once when the signal fires. First come, first served. */
  turn(signal: AbortSignal): Promise<void>
}

/**
 * Keeps cycles that are due at the same moment (by cron, or after a sleep) from starting in the same turn of the event loop:
 * each would measure how long the others took. What is spread over its interval anyway does not wait.
 */
export function createPace(deps: {
  /** Monotonic. */
  nowMs(): number
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** Where in a turn of the loop work may start without falsifying what is being timed (`LoopWatch.begin`). */
  begin(): Promise<void>
}): Pace {
  let nextMs = 0
  return {
    async turn(signal) {
      const nowMs = deps.nowMs()
      const atMs = Math.max(nowMs, nextMs)
      const waitMs = atMs - nowMs
      nextMs = atMs + (waitMs < crowdMs ? spacingMs : crowdedMs)
      if (waitMs > 0) await deps.sleep(waitMs / 1000, signal)
      await deps.begin()
    },
  }
}
