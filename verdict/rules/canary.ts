import type { Evidence } from '../../model/evidence.ts'
import type { Attempt, CanaryObservation } from '../../model/observation.ts'
import type { Topology } from '../../model/topology.ts'
import { type AttestedRow, readAttested } from './attested-endpoint.ts'
import { type CanarySays, readCanary } from './canary-mix.ts'
import { type RowId, evidenceOf } from './rows.ts'

const ruleOf: Record<AttestedRow, RowId> = {
  gateway_endpoint: 'canary.gateway_endpoint',
  gateway_endpoint_elsewhere: 'canary.gateway_endpoint_elsewhere',
  interface_endpoint: 'canary.interface_endpoint',
  endpoint_unknown: 'canary.endpoint_unknown',
  endpoint_of_other_kind: 'canary.endpoint_of_other_kind',
  own_address_gateway: 'canary.own_address_gateway',
  own_address_interface: 'canary.own_address_interface',
  own_address: 'canary.own_address',
}

/**
 * What a canary's answers on the socket of this attempt leave. Whatever is not exactly one of the two mixes that AWS can
 * give only by one side leaves everything, with the reason.
 */
export function canaryEvidence(attempt: Attempt, canary: CanaryObservation, topology: Topology): Evidence[] {
  const { says, because } = whyNotOf(attempt, canary) ?? readCanary(canary)
  const told = { source: 'canary', observedAtMs: attempt.stamp.wallMs }
  if (says === 'inconclusive') {
    return [
      evidenceOf('canary.inconclusive', {
        ...told,
        because: `the canary is inconclusive, because ${because}`,
      }),
    ]
  }
  if (says === 'no_endpoint') return [evidenceOf('canary.no_endpoint', { ...told, because })]
  const { endpoint, policy } = canary
  const attested = policy.verified
    ? { endpoint, vpcId: policy.vpcId, sources: policy.sourceAddresses }
    : { endpoint, vpcId: null, sources: null }
  const read = readAttested(attempt, attested, topology, ruleOf)
  return [
    evidenceOf(read.rule, {
      ...told,
      because: `${because}: ${read.because}`,
      possible: read.possible,
      assumptions: read.assumptions,
    }),
  ]
}

/** Why these answers say nothing of this attempt, whatever they are. */
function whyNotOf(attempt: Attempt, canary: CanaryObservation): { says: CanarySays; because: string } | null {
  const no = (because: string) => ({ says: 'inconclusive' as const, because })
  if (canary.attemptId !== attempt.stamp.id) return no('it went over the socket of another attempt')
  const { outcome } = attempt
  if (outcome.reached !== 'tls') return null
  const { check } = outcome.tls
  const known = check.roots === 'public' || check.roots === 'partition'
  return known && check.nameMatches ? null : no('what answered is not shown to be AWS')
}
