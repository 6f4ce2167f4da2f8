import type { Evidence } from '../../model/evidence.ts'
import type { Attempt, TrailObservation } from '../../model/observation.ts'
import type { Topology } from '../../model/topology.ts'
import { canonicalIp } from '../../net/ip.ts'
import { type AttestedRow, readAttested } from './attested-endpoint.ts'
import { type RowId, evidenceOf } from './rows.ts'

const endpointId = /^vpce-[0-9a-f]{8,17}$/

/** CloudTrail never says in which VPC an endpoint lies, so an endpoint that nothing describes is never in this host's. */
const ruleOf: Record<AttestedRow, RowId> = {
  gateway_endpoint: 'cloudtrail.gateway_endpoint',
  gateway_endpoint_elsewhere: 'cloudtrail.gateway_endpoint_elsewhere',
  interface_endpoint: 'cloudtrail.interface_endpoint',
  endpoint_unknown: 'cloudtrail.endpoint_unknown',
  endpoint_of_other_kind: 'cloudtrail.endpoint_of_other_kind',
  own_address_gateway: 'cloudtrail.own_address_gateway',
  own_address_interface: 'cloudtrail.own_address_interface',
  own_address: 'cloudtrail.endpoint_unknown',
}

/**
 * What CloudTrail's record of the request that went over this attempt's socket leaves. Not every service fills
 * `vpcEndpointId`, so a record without one says nothing; neither does one of a call that a service made for somebody.
 */
export function trailEvidence(attempt: Attempt, trail: TrailObservation, topology: Topology): Evidence[] {
  const told = { source: 'cloudtrail', observedAtMs: trail.eventMs }
  const { eventName, requestId, vpcEndpointId, sourceIpAddress } = trail
  const whyNot = whyNothing(attempt, trail)
  if (whyNot !== null || vpcEndpointId === null) {
    const because =
      whyNot ?? `CloudTrail names no endpoint for ${eventName}, which not every service fills in`
    return [evidenceOf('cloudtrail.not_named', { ...told, because })]
  }
  const source = sourceIpAddress === null ? null : canonicalIp(sourceIpAddress)
  const attested = { endpoint: vpcEndpointId, vpcId: null, sources: source === null ? null : [source] }
  const read = readAttested(attempt, attested, topology, ruleOf)
  return [
    evidenceOf(read.rule, {
      ...told,
      because: `CloudTrail recorded ${eventName} (${requestId}) as come in by ${vpcEndpointId}${source === null ? '' : ` from ${source}`}: ${read.because}`,
      possible: read.possible,
      assumptions: read.assumptions,
    }),
  ]
}

function whyNothing(attempt: Attempt, trail: TrailObservation): string | null {
  const { attemptId, requestId, invokedBy, vpcEndpointId } = trail
  if (attemptId !== attempt.stamp.id || attempt.http === null || attempt.http.requestId !== requestId) {
    return 'the record is of another request'
  }
  if (attempt.outcome.reached !== 'tls') return 'the attempt has no connection'
  const { check } = attempt.outcome.tls
  if ((check.roots !== 'public' && check.roots !== 'partition') || !check.nameMatches) {
    return 'what answered is not shown to be AWS'
  }
  if (invokedBy !== null) return `${invokedBy} made the call for somebody`
  if (vpcEndpointId !== null && !endpointId.test(vpcEndpointId))
    return 'CloudTrail names something that is no endpoint'
  return null
}
