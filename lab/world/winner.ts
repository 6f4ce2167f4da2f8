import { lengthOf, within } from './bits.ts'
import type { World, WorldRoute, WorldTable } from './types.ts'

interface Match {
  route: WorldRoute
  length: number
  order: number
}

/** The table that a subnet's packets are routed by: its own, else the VPC's main one. */
export function tableOf(world: World, subnet: string): WorldTable | null {
  const own = world.tables.find(({ subnets }) => subnets.includes(subnet))
  if (own !== undefined) return own
  const vpc = world.subnets.find(({ id }) => id === subnet)?.vpc
  return world.tables.find((table) => table.main && table.vpc === vpc) ?? null
}

function longest(matches: readonly Match[], tie: 'first' | 'last'): Match | null {
  let best: Match | null = null
  for (const match of matches) {
    if (best === null || match.length > best.length || (match.length === best.length && tie === 'last'))
      best = match
  }
  return best
}

/**
 * The route that carries an address (VPC guide, "Route priority"). Longest prefix first; of equals a static route
 * before a list and a list before what was propagated. Where the guide can be read both ways (a shorter static CIDR
 * or a longer propagated one against a list; two lists) the world's fate decides.
 */
export function winningRoute(world: World, table: WorldTable, destination: string): WorldRoute | null {
  const { fate } = world
  const fixed: Match[] = []
  const learnt: Match[] = []
  const listed: Match[] = []
  table.routes.forEach((route, order) => {
    if (route.to.startsWith('pl-')) {
      const entries = world.lists.find(({ id }) => id === route.to)?.entries ?? []
      const lengths = entries.filter((entry) => within(destination, entry)).map(lengthOf)
      if (lengths.length > 0) listed.push({ route, length: Math.max(...lengths), order })
    } else if (within(destination, route.to)) {
      const match = { route, length: lengthOf(route.to), order }
      if (route.origin === 'propagated' || route.origin === 'advertised') learnt.push(match)
      else fixed.push(match)
    }
  })
  const cidr = longest(fixed, fate.equalTie)
  const list =
    fate.listTie === 'longest'
      ? longest(listed, fate.equalTie)
      : (listed.at(fate.listTie === 'first' ? 0 : -1) ?? null)
  const dynamic = longest(learnt, fate.equalTie)

  const ofFixed = ((): Match | null => {
    if (cidr === null || list === null) return cidr ?? list
    if (cidr.length >= list.length) return cidr
    return cidr.length > 0 && fate.shortCidrBeatsList ? cidr : list
  })()
  if (ofFixed === null || dynamic === null) return (ofFixed ?? dynamic)?.route ?? null
  if (ofFixed === list) {
    return dynamic.length > list.length && fate.longPropagatedBeatsList ? dynamic.route : list.route
  }
  // Site-to-Site VPN guide: the local route is preferred to a propagated one, however long; the VPC guide is silent.
  if (ofFixed.route.origin === 'local' && !fate.longPropagatedBeatsLocal) return ofFixed.route
  return dynamic.length > ofFixed.length ? dynamic.route : ofFixed.route
}
