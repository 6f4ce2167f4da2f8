import { routeTableOfSubnet } from '../aws/route-table-of-subnet.ts'
import type { Route, RouteTable, Snapshot } from '../model/topology.ts'
import { type Cidr, cidrContains, parseCidr } from '../net/cidr.ts'
import { type PostureView, type Word, fail, pass, some, unknown } from './posture-view.ts'

const uniqueLocal = parseCidr('fc00::/7')

/**
 * Whether a prefix is so wide that it stands for "everywhere", in one or in halves: wider than the widest private block of
 * IPv4 (10.0.0.0/8), and than any network's own range of IPv6 (a /20 is the most that registries give to one), ULA apart.
 */
export function isWide(text: string): boolean {
  const read = parseCidr(text)
  if (!read.ok) return true
  const prefix: Cidr = read.value
  if (prefix.family === 4) return prefix.length < 8
  const inside =
    uniqueLocal.ok &&
    prefix.length >= 7 &&
    cidrContains(uniqueLocal.value, { family: 6, value: prefix.value })
  return prefix.length < 20 && !inside
}

interface Wide {
  ids: string[]
  /** Lists whose entries are not known whole. */
  dark: string[]
}

function wideRoutes(table: RouteTable, snapshot: Snapshot, listsUnread: boolean): Wide {
  const found: Wide = { ids: [], dark: [] }
  for (const { destination, target } of table.routes.filter(({ target: to }) => to.kind !== 'local')) {
    const to = `${target.id ?? target.kind} in ${table.id}`
    if (destination.kind === 'cidr') {
      if (isWide(destination.cidr)) found.ids.push(`${destination.cidr} to ${to}`)
      continue
    }
    const list = snapshot.prefixLists.find(({ id }) => id === destination.id)
    const wide = (list?.entries ?? []).filter(isWide)
    if (wide.length > 0) found.ids.push(`${some(wide, 2)} of ${destination.id} to ${to}`)
    else if (listsUnread || list === undefined || list.entries === null || !list.complete)
      found.dark.push(destination.id)
  }
  return found
}

/** Whether the tables of this host's own subnets have a route to everywhere, whatever it leads to and in whatever state. */
export function defaultRoute(view: PostureView): Word {
  const { snapshot, vantage, lacks, nowMs, limits } = view
  const unread = lacks('routeTables')
  if (unread !== null) return unknown(unread)
  const tables: RouteTable[] = []
  const doubts: string[] = []
  for (const { subnetId, vpcId } of vantage.interfaces) {
    const own = routeTableOfSubnet(snapshot, subnetId ?? '', vpcId ?? '')
    if (own.table === null) doubts.push(own.because)
    else tables.push(own.table)
  }
  const old = (id: string): boolean => {
    const atMs = snapshot.prefixLists.find((list) => list.id === id)?.atMs ?? null
    return atMs === null || nowMs - atMs > limits.otherMaxAgeSeconds * 1000
  }
  const all = [...new Set(tables)]
  const listsUnread = lacks('prefixLists') !== null
  const wide = all.map((table) => wideRoutes(table, snapshot, listsUnread))
  const ids = wide.flatMap((one) => one.ids)
  if (ids.length > 0) return fail(some(ids))
  for (const { id, unreadableRoutes } of all)
    if (unreadableRoutes > 0) doubts.push(`${unreadableRoutes} routes of ${id} were not understood`)
  const used = all.flatMap(({ routes }) =>
    routes.flatMap(({ destination }: Route) => (destination.kind === 'prefix_list' ? [destination.id] : [])),
  )
  const dark = new Set([...wide.flatMap((one) => one.dark), ...used.filter(old)])
  if (dark.size > 0) doubts.push(`the entries of ${some([...dark])} are not known`)
  if (doubts.length > 0) return unknown(some(doubts, 2))
  return pass(`no route to everywhere, of either family, in ${some(all.map(({ id }) => id))}`)
}
