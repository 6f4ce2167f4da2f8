import type { Vantage } from '../model/topology.ts'
import type { Reading } from './reading.ts'

/**
 * Whether a reading shows every peering of this host's VPCs, so that an address in no range of theirs is in none. Only the
 * owner of a VPC is shown its peerings: to a participant of a shared VPC the list is empty, or one of other VPCs (VPC guide,
 * "Share your VPC subnets with other accounts"). So the reading must say whose it is, and each VPC that it is its own. Where
 * this host's VPCs are not known, all that the reading shows are meant.
 */
export function showsAllPeerings({ has, snapshot }: Reading, vantage: Vantage): boolean {
  const { account, vpcs } = snapshot
  if (!has('vpcs') || !has('peerings') || account === null) return false
  const own = new Set(vantage.interfaces.flatMap(({ vpcId }) => vpcId ?? []))
  const meant = own.size === 0 ? vpcs : vpcs.filter(({ id }) => own.has(id))
  if (meant.length === 0 || meant.length < own.size) return false
  return meant.every(({ ownerId }) => ownerId === account)
}
