import { postureCalls } from '../aws/posture-facts.ts'
import type { TargetKind } from '../model/topology.ts'
import { type PostureView, type Word, fail, pass, some, unknown } from './posture-view.ts'

/** Gateways of a kind that routes of this host's VPCs lead to: they exist, whatever their own list says. */
function routedTo({ snapshot, vpcIds, lacks }: PostureView, kind: TargetKind): string[] {
  if (lacks('routeTables') !== null) return []
  const tables = snapshot.routeTables.filter(({ vpcId }) => vpcIds.includes(vpcId))
  // a blackhole is what a gateway leaves behind that is gone
  const routes = tables.flatMap(({ routes: own }) => own.filter(({ state }) => state !== 'blackhole'))
  return [
    ...new Set(routes.flatMap(({ target }) => (target.kind === kind ? (target.id ?? 'one without id') : []))),
  ]
}

export function internetGateway(view: PostureView): Word {
  const { snapshot, vpcIds, lacks, foreign } = view
  const unread = lacks('internetGateways')
  const attached =
    unread !== null
      ? []
      : snapshot.internetGateways.filter((gateway) => gateway.vpcIds.some((id) => vpcIds.includes(id)))
  const ids = [...new Set([...attached.map(({ id }) => id), ...routedTo(view, 'internet_gateway')])]
  if (ids.length > 0) return fail(`${some(ids)} leads from ${some(vpcIds)} to the internet`)
  const why = unread ?? foreign('its internet gateway')
  return why === null ? pass(`no internet gateway is attached to ${some(vpcIds)}`) : unknown(why)
}

export function natGateway(view: PostureView): Word {
  const { snapshot, vpcIds, lacks, foreign } = view
  const unread = lacks('natGateways')
  const here =
    unread !== null
      ? []
      : snapshot.natGateways.filter(
          ({ vpcId, state }) => vpcIds.includes(vpcId) && state !== 'deleted' && state !== 'failed',
        )
  const known = new Set(here.map(({ id }) => id))
  const open = here.filter(({ connectivity }) => connectivity !== 'private').map(({ id }) => id)
  // one that is routed to and not listed belongs to somebody else, or is younger than the list
  const routed = routedTo(view, 'nat_gateway').filter((id) => !known.has(id))
  const ids = [...open, ...routed]
  if (ids.length > 0) return fail(`NAT gateway ${some(ids)} in ${some(vpcIds)}`)
  const why = unread ?? foreign('its NAT gateways')
  if (why !== null) return unknown(why)
  const inner = here.length === 0 ? '' : ` but ${some([...known])}, which is private`
  return pass(`no NAT gateway in ${some(vpcIds)}${inner}; those behind a transit gateway are not looked at`)
}

export function egressOnlyGateway(view: PostureView): Word {
  const { snapshot, vpcIds, stale, foreign } = view
  const { permission } = postureCalls.egressOnlyGateways
  const fact = snapshot.posture?.egressOnlyGateways
  const unread = fact === undefined ? `${permission} was not called` : stale(fact.reading, permission)
  const attached =
    unread !== null
      ? []
      : (fact?.items ?? []).filter((gateway) => gateway.vpcIds.some((id) => vpcIds.includes(id)))
  const ids = [
    ...new Set([...attached.map(({ id }) => id), ...routedTo(view, 'egress_only_internet_gateway')]),
  ]
  if (ids.length > 0) return fail(`${some(ids)} leads from ${some(vpcIds)} to the internet by IPv6`)
  const why = unread ?? foreign('its egress-only internet gateway')
  return why === null ? pass(`no egress-only internet gateway is attached to ${some(vpcIds)}`) : unknown(why)
}

/** States of an exclusion that is no more. */
const over = new Set(['delete-complete', 'deleted-complete', 'disable-complete', 'create-failed'])

/**
 * VPC Block Public Access is set for an account and region, and counts for subnets by their owner (VPC user guide, "Block
 * public access to VPCs and subnets"). Only block-bidirectional closes the way out.
 */
export function publicAccess(view: PostureView): Word {
  const { snapshot, vpcIds, vantage, stale, foreign } = view
  const { permission } = postureCalls.blockPublicAccess
  const fact = snapshot.posture?.blockPublicAccess
  const unread = fact === undefined ? `${permission} was not called` : stale(fact.reading, permission)
  const options = fact?.items[0]
  if (unread !== null || options === undefined) return unknown(unread ?? `${permission} gave nothing`)
  const notOurs = foreign('the mode that counts for it')
  if (notOurs !== null) return unknown(notOurs)
  const { mode, state, exclusionsAllowed } = options
  if (state === 'update-in-progress') return unknown(`the mode is being changed to ${mode}`)
  if (mode === 'off') return fail('VPC Block Public Access is off')
  if (mode === 'block-ingress')
    return fail('the mode is block-ingress: NAT and egress-only gateways still lead out')
  if (mode !== 'block-bidirectional') return unknown(`the mode is ${mode}, which is not known here`)
  if (exclusionsAllowed === 'not-allowed') return pass('block-bidirectional, and no exclusions are allowed')
  const asked = postureCalls.exclusions.permission
  const listed = snapshot.posture?.exclusions
  const unlisted = listed === undefined ? `${asked} was not called` : stale(listed.reading, asked)
  if (unlisted !== null)
    return unknown(`block-bidirectional, but whether this VPC is excluded is not known: ${unlisted}`)
  const own = new Set([...vpcIds, ...vantage.interfaces.flatMap(({ subnetId }) => subnetId ?? [])])
  const excluded = (listed?.items ?? []).filter(
    (exclusion) => !over.has(exclusion.state) && own.has(exclusion.resource.split('/').at(-1) ?? ''),
  )
  const [first] = excluded
  if (first !== undefined)
    return fail(
      `block-bidirectional, but ${first.resource.split('/').at(-1)} is excluded by ${first.id} (${first.mode || 'mode unknown'})`,
    )
  return pass('block-bidirectional, and neither this VPC nor this subnet is excluded')
}
