/** What a trace from the world's host would show: the routers on its way, and the destination if anything answers there. */
import type { TraceHop, TraceResult } from '../model/first-leg.ts'
import { sourceFor } from './host.ts'
import { kernelRoute, legTo, travel } from './world/simulate.ts'
import type { World, WorldLeg } from './world/types.ts'

function legOf(
  world: World,
  source: string,
  destination: string,
): { gateway: string | null; leg: WorldLeg | null } {
  const route = kernelRoute(world, source, destination)
  const leads = route?.device.leads
  const leg = leads !== undefined && 'legs' in leads ? legTo(leads.legs, destination) : null
  return { gateway: route?.gateway ?? null, leg }
}

export function traceIn(
  world: World,
  { address, port, source }: { address: string; port: number; source: string | null },
): TraceResult {
  const from = source ?? sourceFor(world, address)
  if (from === null) return { traced: false, reason: 'failed', detail: 'connect: Network is unreachable' }
  const { gateway, leg } = legOf(world, from, address)
  const answers = travel(world, { source: from, destination: address, port }).delivered ? [address] : ['*']
  const stations = [...(gateway === null ? [] : [gateway]), ...(leg?.hops ?? []), ...answers]
  const hops = stations.map(
    (station, index): TraceHop => ({ ttl: index + 1, addresses: station === '*' ? [] : [station] }),
  )
  return { traced: true, tool: 'traceroute', hops }
}

/** The line that carries the host's packets to this address out of its site; null: nobody says. */
export function lineTo(world: World, destination: string): WorldLeg['line'] | null {
  const source = sourceFor(world, destination)
  return source === null ? null : (legOf(world, source, destination).leg?.line ?? null)
}
