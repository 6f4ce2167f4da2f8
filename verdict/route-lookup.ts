import type { Snapshot } from '../model/topology.ts'
import { type RouteLookup, lookupSubnetRoute } from '../aws/route.ts'
import type { Ip } from '../net/ip.ts'

/** A snapshot is never changed, only replaced: what it says of one address stays, and goes with it. */
const known = new WeakMap<Snapshot, Map<string, RouteLookup>>()
const mostKnown = 8192

/**
 * As `lookupSubnetRoute`, remembered with the snapshot: the same addresses are judged in every cycle. Only for snapshots that are kept; one
 * that was made for a single judgement is not worth it. The result is shared and not to be changed.
 */
export function lookupKnownRoute(
  snapshot: Snapshot,
  subnetId: string,
  vpcId: string,
  address: Ip,
): RouteLookup {
  const lookups = known.get(snapshot) ?? new Map<string, RouteLookup>()
  const key = `${address.family} ${address.value} ${subnetId} ${vpcId}`
  const before = lookups.get(key)
  if (before !== undefined) return before
  const lookup = lookupSubnetRoute(snapshot, subnetId, vpcId, address)
  if (lookups.size >= mostKnown) lookups.clear()
  lookups.set(key, lookup)
  known.set(snapshot, lookups)
  return lookup
}
