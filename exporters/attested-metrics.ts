import type { CanaryObservation, WitnessObservation } from '../model/observation.ts'
import type { Evidence } from '../model/evidence.ts'
import { canaryResults, trailResults } from './catalogue-agent.ts'
import type { Counter, SeriesSet } from './prometheus.ts'

export interface AttestedMetrics {
  /** Which of the two is configured: only its series are there, all from 0. */
  show(configured: { canary: boolean; cloudtrail: boolean }): void
  /** One connection of the canary, with what its answers were read as. */
  canary(seen: CanaryObservation, evidence: readonly Evidence[]): void
  /** A call was made. One whose record is waited for is counted when that is known. */
  called(witness: Pick<WitnessObservation, 'requestId'>, pending: boolean): void
  told(result: 'named' | 'not_named' | 'no_record'): void
}

/** Counts what AWS itself was asked, by what it said. */
export function createAttestedMetrics(series: SeriesSet): AttestedMetrics {
  const canary = new Map<string, Counter>()
  const trail = new Map<string, Counter>()
  const sync = (
    shown: boolean,
    known: Map<string, Counter>,
    results: readonly string[],
    make: (result: string) => Counter,
  ): void => {
    for (const result of results) {
      if (shown && !known.has(result)) known.set(result, make(result))
      if (shown) continue
      known.get(result)?.remove()
      known.delete(result)
    }
  }
  return {
    show(configured) {
      sync(configured.canary, canary, canaryResults, (result) =>
        series.counter('pathproof_canary_sockets_total', { result }),
      )
      sync(configured.cloudtrail, trail, trailResults, (result) =>
        series.counter('pathproof_cloudtrail_requests_total', { result }),
      )
    },
    canary: (seen, evidence) => canary.get(canaryResult(seen, evidence))?.add(),
    called({ requestId }, pending) {
      if (requestId === null) trail.get('not_sent')?.add()
      else if (!pending) trail.get('no_record')?.add()
    },
    told: (result) => trail.get(result)?.add(),
  }
}

function canaryResult(
  { notSent, closedEarly }: CanaryObservation,
  evidence: readonly Evidence[],
): (typeof canaryResults)[number] {
  const rules = evidence.map(({ rule }) => rule)
  if (rules.includes('canary.no_endpoint')) return 'not_endpoint'
  if (rules.length > 0 && !rules.includes('canary.inconclusive')) return 'endpoint'
  return notSent !== null || closedEarly ? 'no_answer' : 'inconclusive'
}
