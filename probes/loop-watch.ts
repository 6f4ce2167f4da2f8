/** How long an event may have lain unread in this process while it was busy with others. */
export interface LoopWatch {
  /** A timed look begins; the function given back ends it. The watch runs only while looks are in flight. */
  enter(): () => void
  /**
   * Asked in the callback of an event: an upper bound, in seconds, of how long it had been there before it was read.
   * The process was busy that long since the end of the last event-loop turn; if it has not slept since, the event may
   * have come during the turn before, whose length is added. Null when no look is in flight.
   */
  waitedSeconds(): number | null
}

/**
 * Marks the end of each turn of this thread's event loop. The immediates are unreferenced: they run after each turn but do
 * not keep the loop from sleeping. Work that keeps the thread from reading at all (a stopped process) is not seen.
 */
export function loopWatch(): LoopWatch {
  let inFlight = 0
  let markMs = 0
  let markIdleMs = 0
  let previousTurnMs = 0
  let scheduled = false
  const schedule = () => {
    // a look that ends and another that begins within one turn must not start a second chain of marks
    if (scheduled) return
    scheduled = true
    setImmediate(mark).unref()
  }
  const mark = () => {
    scheduled = false
    const nowMs = performance.now()
    const idleMs = performance.eventLoopUtilization().idle
    previousTurnMs = Math.max(0, nowMs - markMs - (idleMs - markIdleMs))
    markMs = nowMs
    markIdleMs = idleMs
    if (inFlight > 0) schedule()
  }
  const start = () => {
    markMs = performance.now()
    markIdleMs = performance.eventLoopUtilization().idle
    previousTurnMs = 0
    schedule()
  }
  return {
    enter() {
      inFlight++
      if (inFlight === 1) start()
      let left = false
      return () => {
        if (left) return
        left = true
        inFlight--
      }
    },
    waitedSeconds() {
      if (inFlight === 0) return null
      const sleptMs = performance.eventLoopUtilization().idle - markIdleMs
      const busyMs = Math.max(0, performance.now() - markMs - sleptMs)
      return (busyMs + (sleptMs > 0 ? 0 : previousTurnMs)) / 1000
    },
  }
}
