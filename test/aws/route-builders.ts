import { snapshotParts } from '../../model/topology.ts'
import { parseIp } from '../../net/ip.ts'
import type { Ip } from '../../net/ip.ts'
import type {
  PartReading,
  PrefixList,
  Route,
  RouteTable,
  Snapshot,
  SnapshotPart,
  TargetKind,
} from '../../model/topology.ts'

export function ip(text: string): Ip {
  const parsed = parseIp(text)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value
}

const kinds: Readonly<Record<string, TargetKind>> = {
  local: 'local',
  igw: 'internet_gateway',
  nat: 'nat_gateway',
  vgw: 'virtual_private_gateway',
  vpce: 'vpc_endpoint',
  tgw: 'transit_gateway',
  pcx: 'peering',
  eni: 'network_interface',
}

/** `route('10.0.0.0/16', 'local')`, `route('pl-1', 'vpce-1', { state: 'blackhole' })`; the kind follows from the id. */
export function route(to: string, target: string, more: Partial<Route> = {}): Route {
  return {
    destination: to.startsWith('pl-') ? { kind: 'prefix_list', id: to } : { kind: 'cidr', cidr: to },
    target: { kind: kinds[target.split('-')[0] ?? ''] ?? 'unknown', id: target },
    state: 'active',
    origin: target === 'local' ? 'local' : 'static',
    ...more,
  }
}

export function list(id: string, entries: string[] | null, more: Partial<PrefixList> = {}): PrefixList {
  const family = entries?.[0] === undefined ? null : entries[0].includes(':') ? 6 : 4
  return {
    id,
    name: id,
    ownerId: 'AWS',
    family,
    version: 1,
    entries,
    complete: entries !== null,
    atMs: 0,
    ...more,
  }
}

export function table(id: string, routes: Route[], more: Partial<RouteTable> = {}): RouteTable {
  return {
    id,
    vpcId: 'vpc-1',
    main: false,
    subnetIds: [],
    gatewayIds: [],
    routes,
    unreadableRoutes: 0,
    ...more,
  }
}

/** A snapshot of which every part was read, at time 0, and holds nothing but what is given. */
export function snapshot(more: Partial<Snapshot> = {}, unread: readonly SnapshotPart[] = []): Snapshot {
  const parts = {} as Record<SnapshotPart, PartReading>
  for (const part of snapshotParts) {
    parts[part] = unread.includes(part)
      ? { read: false, reason: 'missing', detail: 'there is none' }
      : { read: true, atMs: 0, dated: 'api' }
  }
  return {
    id: '',
    account: null,
    region: null,
    source: 'test',
    parts,
    routeTables: [],
    endpoints: [],
    subnets: [],
    networkInterfaces: [],
    prefixLists: [],
    natGateways: [],
    vpcs: [],
    peerings: [],
    flowLogs: [],
    internetGateways: [],
    problems: [],
    ...more,
  }
}
