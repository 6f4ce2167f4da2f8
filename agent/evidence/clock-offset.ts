import type { Clock } from '../../model/host.ts'
import type { Attempt } from '../../model/observation.ts'
import { mostClockOffsetSeconds } from '../../verdict/flow-join.ts'

/** By how much AWS's clock is ahead of this host's. */
export interface ClockOffset {
  observed(attempt: Attempt): void
  /** Seconds, negative where this host is ahead; null: not known now. Good to about a second. */
  seconds(): number | null
}

/** What was measured longer ago says nothing of a clock that may have been set since. */
const forgottenAfterMs = 30 * 60 * 1000
const mostSamples = 31

/**
 * Reads the `Date` header (RFC 9110 section 6.6.1, whole seconds) of answers whose certificate verifies: only those are
 * AWS's own. The median of the last ones, so that a cached answer or a slow one does not count.
 */
export function createClockOffset(clock: Clock): ClockOffset {
  let samples: { seconds: number; leadMs: number; atMs: number }[] = []
  const leadMs = () => clock.wallMs() - clock.monotonicMs()
  return {
    observed({ outcome, http, stamp, timings }) {
      if (outcome.reached !== 'tls' || http === null || http.dateMs === null) return
      const { roots, nameMatches } = outcome.tls.check
      if ((roots !== 'public' && roots !== 'partition') || !nameMatches) return
      const { tcpConnectSeconds, tlsHandshakeSeconds, firstByteSeconds } = timings
      const tookMs = 1000 * ((tcpConnectSeconds ?? 0) + (tlsHandshakeSeconds ?? 0) + (firstByteSeconds ?? 0))
      const answeredMs = stamp.wallMs + tookMs
      const seconds = (http.dateMs + 500 - answeredMs) / 1000
      samples.push({ seconds, leadMs: stamp.wallMs - stamp.monotonicMs, atMs: stamp.monotonicMs })
      samples = samples.slice(-mostSamples)
    },
    seconds() {
      const now = leadMs()
      const fresh = samples
        .filter(({ atMs }) => clock.monotonicMs() - atMs <= forgottenAfterMs)
        // What was measured before the wall clock was set counts with what it was set by.
        .map((sample) => sample.seconds - (now - sample.leadMs) / 1000)
        .sort((a, b) => a - b)
      return fresh[Math.floor(fresh.length / 2)] ?? null
    },
  }
}

/** What is wrong with a clock, in words that stay the same while it is off by about as much; null: nothing is known to be. */
export function clockProblem(offsetSeconds: number | null): string | null {
  if (offsetSeconds === null || Math.abs(offsetSeconds) <= mostClockOffsetSeconds) return null
  const minutes = Math.max(1, Math.round(Math.abs(offsetSeconds) / 60))
  const way = offsetSeconds > 0 ? 'behind' : 'ahead of'
  return `this host's clock is about ${minutes} min ${way} AWS's: no flow record can be joined to a connection of this host; synchronise it, in EC2 for example with 169.254.169.123`
}

/**
 * By how much AWS's clock was ahead of this host's at an attempt, where that is known only later: `offsetSeconds` is what is
 * known now, and this host's clock may have been set since. Null where it is not known now.
 */
export function offsetAt({ stamp }: Attempt, offsetSeconds: number | null, clock: Clock): number | null {
  const setByMs = clock.wallMs() - clock.monotonicMs() - (stamp.wallMs - stamp.monotonicMs)
  return offsetSeconds === null ? null : offsetSeconds + setByMs / 1000
}
