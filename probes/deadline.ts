import type { Clock } from '../model/host.ts'
import type { Failure } from '../model/observation.ts'

/** Takes nothing away: what stands in for a listener's removal where there is no listener. */
export function nothing(): void {}

/** The time that one look has: it ends once, by the clock or by the signal, and says which. */
export interface Deadline {
  /** Why it ended, null while there is time. */
  ended(): Failure | null
  /** Never negative. */
  remainingSeconds(): number
  /** Calls `listener` once when it ends (at once if it has); gives back a function that takes the listener away. */
  onEnd(listener: (failure: Failure) => void): () => void
  /** Frees the timer and the signal; no listener is called afterwards. */
  close(): void
}

/** Starts a deadline of `timeoutSeconds` that also ends with `signal`. The one who starts it must close it. */
export function startDeadline(timeoutSeconds: number, signal: AbortSignal, clock: Clock): Deadline {
  const startedMs = clock.monotonicMs()
  const listeners = new Set<(failure: Failure) => void>()
  let failure: Failure | null = null
  const end = (why: Failure) => {
    if (failure) return
    failure = why
    close()
    const told = [...listeners]
    listeners.clear()
    for (const listener of told) listener(why)
  }
  const abort = () => end({ type: 'aborted' })
  const timer = setTimeout(
    () => end({ type: 'timeout', afterSeconds: timeoutSeconds }),
    Math.max(0, timeoutSeconds) * 1000,
  )
  const close = () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return {
    ended: () => failure,
    remainingSeconds: () =>
      failure ? 0 : Math.max(0, timeoutSeconds - (clock.monotonicMs() - startedMs) / 1000),
    onEnd(listener) {
      if (failure) {
        listener(failure)
        return nothing
      }
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close() {
      close()
      listeners.clear()
    },
  }
}

/** What `work` gives if it settles within the deadline, else why the deadline ended. A rejection of `work` is passed on. */
export async function within<T>(
  work: Promise<T>,
  deadline: Deadline,
): Promise<{ inTime: true; value: T } | { inTime: false; failure: Failure }> {
  let forget: () => void = nothing
  const ended = new Promise<{ inTime: false; failure: Failure }>((resolve) => {
    forget = deadline.onEnd((failure) => resolve({ inTime: false, failure }))
  })
  try {
    return await Promise.race([work.then((value) => ({ inTime: true as const, value })), ended])
  } finally {
    forget()
  }
}
