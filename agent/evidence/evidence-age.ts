import { sideOf } from '../../model/path.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'

export interface EvidenceAge {
  /**
   * The attempts of one cycle of one name, before the roll-up: an undetermined one is replaced by an
   * earlier private attempt on the same address and from the same local address that observed or attested
   * evidence alone had settled, if that is younger than `evidenceAgeSeconds`.
   *
   * `sinceMs`: when the cycle began, monotonic. `asOf` holds the ids of the attempts that were put in.
   * A null `evidenceAgeSeconds` (the default of a target) changes nothing and forgets what was held.
   */
  apply(
    key: string,
    attempts: readonly AttemptVerdict[],
    cycle: { sinceMs: number; evidenceAgeSeconds: number | null },
  ): { attempts: AttemptVerdict[]; asOf: Set<string> }
  /** Records have settled an attempt as private, perhaps long after it; `sinceMs`: when it was made, monotonic. */
  hold(key: string, attempt: AttemptVerdict, sinceMs: number): void
  /** What had settled this attempt does so no longer: it does not stand in for others either. */
  withdrawn(key: string, attemptId: string): void
  /** Late evidence spoke against this name. What was made before that is not held any more, however late its record comes. */
  forget(key: string): void
}

/**
 * Carries strong evidence over cycles that have none, for flow logs and canaries come less often than
 * probes. It never hides a change: any public or conflict, an elimination of what was held, or another
 * route drops what was held. The life of the name's verdict (`lives.ts`) is not touched: when no
 * cycle completes, the name expires whatever is held here.
 */
export function createEvidenceAge(monotonicMs: () => number): EvidenceAge {
  const held = new Map<string, Map<string, { attempt: AttemptVerdict; sinceMs: number }>>()
  /** When something spoke against a name last. */
  const againstMs = new Map<string, number>()
  const against = (key: string): void => {
    held.delete(key)
    againstMs.set(key, monotonicMs())
  }
  return {
    hold(key, attempt, sinceMs) {
      if (!settledByStrongEvidence(attempt) || sinceMs <= (againstMs.get(key) ?? -Infinity)) return
      const addresses = held.get(key) ?? new Map<string, { attempt: AttemptVerdict; sinceMs: number }>()
      held.set(key, addresses)
      const { address } = attempt
      const known = addresses.get(address)
      if (known === undefined || known.sinceMs <= sinceMs) addresses.set(address, { attempt, sinceMs })
    },
    apply(key, attempts, { sinceMs, evidenceAgeSeconds }) {
      const unchanged = { attempts: [...attempts], asOf: new Set<string>() }
      if (attempts.some(speaksAgainst)) {
        against(key)
        return unchanged
      }
      if (evidenceAgeSeconds === null) {
        held.delete(key)
        return unchanged
      }
      const addresses = held.get(key) ?? new Map<string, { attempt: AttemptVerdict; sinceMs: number }>()
      held.set(key, addresses)
      const now = monotonicMs()
      for (const [address, { sinceMs: began }] of addresses) {
        if (now - began > evidenceAgeSeconds * 1000) addresses.delete(address)
      }
      const asOf = new Set<string>()
      const result = attempts.map((attempt) => {
        const { address } = attempt
        if (settledByStrongEvidence(attempt)) {
          const madeMs = attempt.madeMonotonicMs ?? sinceMs
          const known = addresses.get(address)
          if (known?.attempt.id === attempt.id) known.attempt = attempt
          else if (madeMs > (againstMs.get(key) ?? -Infinity))
            addresses.set(address, { attempt, sinceMs: madeMs })
          return attempt
        }
        const earlier = addresses.get(address)?.attempt
        if (earlier === undefined) return attempt
        // The same one, judged anew: what was said of it before has been taken back.
        if (earlier.id === attempt.id || !compatible(earlier, attempt)) {
          addresses.delete(address)
          return attempt
        }
        if (attempt.state !== 'undetermined') return attempt
        // A connection that does not come about any more is no lack of evidence: something has changed.
        if (attempt.dialled && !attempt.connected) return attempt
        // Not looked at yet, or by another interface, for all that is known.
        if (attempt.localAddress === null && attempt.networkInterface !== earlier.networkInterface)
          return attempt
        asOf.add(earlier.id)
        return earlier
      })
      return { attempts: result, asOf }
    },
    withdrawn(key, attemptId) {
      const addresses = held.get(key)
      for (const [address, { attempt }] of addresses ?? [])
        if (attempt.id === attemptId) addresses?.delete(address)
    },
    forget: against,
  }
}

function settledByStrongEvidence({ state, proof }: AttemptVerdict): boolean {
  return state === 'private' && (proof === 'observed' || proof === 'attested')
}

/** Public or a relay, or which of them is not known: AWS's own word that a request came by no endpoint leaves that. */
export function leavesNothingPrivate({ state, possible }: AttemptVerdict): boolean {
  return state !== 'blocked' && possible.length > 0 && !possible.some((c) => sideOf[c] === 'private')
}

function speaksAgainst(verdict: AttemptVerdict): boolean {
  const { state, wouldBe, conflicts } = verdict
  return state === 'public' || wouldBe === 'public' || conflicts.length > 0 || leavesNothingPrivate(verdict)
}

/** The later attempt leaves open all that the earlier one was, and went by the same route as far as both are known. */
function compatible(earlier: AttemptVerdict, later: AttemptVerdict): boolean {
  if (later.state === 'blocked') return false
  // One that was not dialled has none; another one's evidence is of another socket's way.
  if (later.localAddress !== null && later.localAddress !== earlier.localAddress) return false
  if (!earlier.possible.every((path) => later.possible.includes(path))) return false
  const [a, b] = [earlier.basis, later.basis]
  if (a === null || b === null) return true
  return (
    a.networkInterface === b.networkInterface &&
    a.routeTable === b.routeTable &&
    a.route === b.route &&
    a.target === b.target
  )
}
