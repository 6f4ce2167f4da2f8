import {
  type PostureCheck,
  type PostureFinding,
  type PostureReport,
  postureChecks,
} from '../model/posture.ts'
import { endpointPerService, endpointPolicies, privateDns } from './posture-endpoints.ts'
import { egressOnlyGateway, internetGateway, natGateway, publicAccess } from './posture-gateways.ts'
import { flowLogs, globalIpv6, publicAddress } from './posture-host.ts'
import { defaultRoute } from './posture-routes.ts'
import { type PostureInput, type PostureView, type Word, unknown, viewOf } from './posture-view.ts'

/** Those that need the account; the rest can be said of the host alone. */
const ofAccount: Readonly<Partial<Record<PostureCheck, (view: PostureView) => Word>>> = {
  no_internet_gateway: internetGateway,
  no_nat_gateway: natGateway,
  no_egress_only_gateway: egressOnlyGateway,
  no_default_route: defaultRoute,
  no_public_address: publicAddress,
  block_public_access: publicAccess,
  flow_log_covers_interface: flowLogs,
  endpoint_per_service: endpointPerService,
  private_dns: privateDns,
  endpoint_policies_restricted: endpointPolicies,
}

/**
 * Looks the named facts up in the newest reading of the account and on the host. What was not read, is too old, is undated, or
 * may not be shown whole to these credentials leaves a check `unknown`: never `pass`. Pure. The facts stand beside the
 * verdicts; nothing is eliminated by them.
 */
export function postureOf(input: PostureInput): PostureReport {
  const { snapshot, vantage, nowMs } = input
  const vpcIds = [...new Set(vantage.interfaces.flatMap(({ vpcId }) => vpcId ?? []))]
  const whole =
    vantage.interfaces.length > 0 &&
    vantage.interfaces.every(({ vpcId, subnetId }) => vpcId !== null && subnetId !== null)
  const nowhere =
    snapshot === null
      ? 'the account has not been read'
      : vantage.kind !== 'ec2' || !whole
        ? 'no network interface of this host is known with its subnet and VPC'
        : null
  const view = snapshot === null || nowhere !== null ? null : viewOf(input, snapshot, vpcIds)
  const wordOn = (check: PostureCheck): Word => {
    if (check === 'no_global_ipv6') return globalIpv6(input, view)
    const look = ofAccount[check]
    if (view === null || look === undefined) return unknown(nowhere ?? 'there is no such check')
    return look(view)
  }
  const findings = postureChecks.map((check): PostureFinding => ({ check, ...wordOn(check) }))
  return { atMs: nowMs, snapshot: snapshot?.id ?? null, findings }
}
