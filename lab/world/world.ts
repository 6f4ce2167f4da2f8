import { usualFlowLog } from '../flow/types.ts'
import { familyOf } from './bits.ts'
import { defaultSpec, usual } from './default.ts'
import type { TableSpec, WorldSpec } from './spec.ts'
import type { World, WorldRoute, WorldTable } from './types.ts'

const states = new Set(['blackhole', 'filtered'])
const origins = new Set(['propagated', 'advertised', 'local'])

/** Reads `"destination -> target [blackhole|filtered] [propagated|advertised]"`. Throws with the text that is wrong. */
export function routeFrom(text: string): WorldRoute {
  const [to = '', via = '', ...words] = text.replace('->', ' ').trim().split(/\s+/)
  const unknown = words.find((word) => !states.has(word) && !origins.has(word))
  if (to === '' || via === '' || unknown !== undefined || !text.includes('->')) {
    throw new Error(
      `route "${text}": expected "destination -> target [blackhole|filtered] [propagated|advertised]"`,
    )
  }
  return {
    to,
    via,
    state: (words.find((word) => states.has(word)) ?? 'active') as WorldRoute['state'],
    origin: (words.find((word) => origins.has(word)) ??
      (via === 'local' ? 'local' : 'static')) as WorldRoute['origin'],
  }
}

function withTable(table: WorldTable, spec: TableSpec): WorldTable {
  const { routes, addRoutes = [], removeRoutes = [], ...rest } = spec
  const kept = (routes?.map(routeFrom) ?? table.routes).filter(
    ({ to, via }) => !removeRoutes.includes(to) && !removeRoutes.includes(`${to} -> ${via}`),
  )
  return { ...table, ...rest, routes: [...kept, ...addRoutes.map(routeFrom)] }
}

/** Adds the local routes that every table of a VPC is born with, unless it has some for that CIDR already. */
function withLocalRoutes(world: World): World {
  const tables = world.tables.map((table) => {
    const vpc = world.vpcs.find(({ id }) => id === table.vpc)
    const missing = [...(vpc?.ipv4 ?? []), ...(vpc?.ipv6 ?? [])].filter(
      (cidr) => !table.routes.some(({ to }) => to === cidr),
    )
    return { ...table, routes: [...missing.map((cidr) => routeFrom(`${cidr} -> local`)), ...table.routes] }
  })
  return { ...world, tables }
}

function merge<T extends { id: string }>(
  there: readonly T[],
  changes: readonly (Partial<T> & { id: string })[] | undefined,
  blank: T,
): T[] {
  const merged = there.map((item) => {
    const change = changes?.find(({ id }) => id === item.id)
    return change === undefined ? item : { ...item, ...change }
  })
  const added = (changes ?? []).filter(({ id }) => !there.some((item) => item.id === id))
  return [...merged, ...added.map((item) => ({ ...blank, ...item }))]
}

/** Changes a world as the compact form says; the world given stays as it is. Throws on routes that can't be read. */
export function changeWorld(world: World, spec: WorldSpec): World {
  const firstVpc = world.vpcs[0]?.id ?? ''
  const firstSubnet = world.subnets[0]?.id ?? ''
  const owner = spec.account ?? world.account
  const region = spec.region ?? world.region
  const zone = `${region}a`
  const gone = new Set(spec.remove ?? [])
  const keep = <T extends { id: string }>(items: T[]): T[] => items.filter(({ id }) => !gone.has(id))
  const blankTable: WorldTable = {
    id: '',
    vpc: firstVpc,
    owner,
    main: false,
    subnets: [],
    gateways: [],
    routes: [],
  }
  const tables = world.tables.map((table) => {
    const change = spec.tables?.find(({ id }) => id === table.id)
    return change === undefined ? table : withTable(table, change)
  })
  const newTables = (spec.tables ?? [])
    .filter(({ id }) => !world.tables.some((table) => table.id === id))
    .map((change) => withTable(blankTable, change))
  const names = (spec.names ?? []).map((name) => ({
    ttlSeconds: 5,
    cnames: [],
    ipv4: [],
    ipv6: [],
    rcode: 'NOERROR' as const,
    resolver: null,
    ...name,
  }))
  const sameName = (a: { hostname: string; resolver: string | null }) =>
    names.some((b) => a.hostname === b.hostname && a.resolver === b.resolver)

  return withLocalRoutes({
    region,
    account: owner,
    host: { ...world.host, ...spec.host },
    vpcs: keep(merge(world.vpcs, spec.vpcs, { id: '', owner, region, ipv4: [], ipv6: [] })),
    subnets: keep(
      merge(world.subnets, spec.subnets, {
        id: '',
        vpc: firstVpc,
        owner,
        zone,
        ipv4: null,
        ipv6: [],
        denies: [],
      }),
    ),
    interfaces: keep(
      merge(world.interfaces, spec.interfaces, {
        id: '',
        vpc: firstVpc,
        subnet: firstSubnet,
        mac: '02:00:0a:00:00:01',
        type: 'interface',
        owner,
        requesterManaged: false,
        instance: null,
        ipv4: [],
        ipv6: [],
        ipv4Prefixes: [],
        ipv6Prefixes: [],
        status: 'in-use',
        sourceCheck: true,
        forwards: 'drops',
        serves: null,
      }),
    ),
    tables: keep([...tables, ...newTables]),
    lists: keep(
      merge(world.lists, spec.lists, { id: '', name: 'customer', owner, family: 4, entries: [] }),
    ).map((list) => ({
      ...list,
      family: list.entries[0] === undefined ? list.family : familyOf(list.entries[0]),
    })),
    endpoints: keep(
      merge(world.endpoints, spec.endpoints, {
        id: '',
        type: 'Interface',
        state: 'available',
        service: `com.amazonaws.${region}.ssm`,
        serviceRegion: null,
        vpc: firstVpc,
        owner,
        subnets: [],
        interfaces: [],
        privateDns: false,
        inboundOnly: null,
        ipAddressType: 'ipv4',
        dnsNames: [],
        reaches: null,
        appliances: 'returns',
      }),
    ),
    natGateways: keep(
      merge(world.natGateways, spec.natGateways, {
        id: '',
        vpc: firstVpc,
        subnet: null,
        state: 'available',
        connectivity: 'public',
        availability: 'zonal',
        table: null,
        private: [],
        public: [],
        interfaces: [],
        appliances: [],
        appliancesDo: 'returns',
      }),
    ),
    internetGateways: keep(
      merge(world.internetGateways, spec.internetGateways, { id: '', vpcs: [firstVpc] }),
    ),
    egressOnlyGateways: keep(
      merge(world.egressOnlyGateways, spec.egressOnlyGateways, { id: '', vpcs: [firstVpc] }),
    ),
    carrierGateways: keep(merge(world.carrierGateways, spec.carrierGateways, { id: '', vpcs: [firstVpc] })),
    peerings: keep(
      merge(world.peerings, spec.peerings, { id: '', status: 'active', requester: firstVpc, accepter: '' }),
    ),
    transits: keep(merge(world.transits, spec.transits, { id: '', leads: [] })),
    services: keep(
      merge(world.services, spec.services, {
        id: '',
        service: 'application',
        kind: 'private',
        region,
        addresses: [],
        ports: [443],
        certificate: 'aws',
        hostnames: [],
        answers: [],
      }),
    ),
    names: [...world.names.filter((name) => !gone.has(name.hostname) && !sameName(name)), ...names],
    resolvers: [
      ...world.resolvers.filter(
        ({ name }) => !gone.has(name) && !spec.resolvers?.some((r) => r.name === name),
      ),
      ...(spec.resolvers ?? []),
    ],
    flowLogs: keep(merge(world.flowLogs, spec.flowLogs, usualFlowLog('', firstVpc))),
    fate: { ...world.fate, ...spec.fate },
  })
}

/** A region with nothing in it but the host, which has one device on the usual ENI. */
export function emptyWorld(region: string, account: string): World {
  return {
    region,
    account,
    host: {
      kind: 'ec2',
      instance: usual.instance,
      hostname: 'ip-10-0-1-50',
      interfaces: [usual.hostInterface],
      devices: [
        {
          name: 'ens5',
          kind: 'physical',
          mac: '02:1a:00:00:00:50',
          addresses: [usual.hostAddress],
          leads: { interface: usual.hostInterface },
        },
      ],
      routes: [
        { from: null, to: '0.0.0.0/0', device: 'ens5', gateway: '10.0.1.1', selector: false, applies: true },
        { from: null, to: '::/0', device: 'ens5', gateway: 'fe80::1', selector: false, applies: true },
      ],
      redirects: [],
      ipv4Usable: true,
      ipv6Usable: false,
      proxyVariables: [],
    },
    vpcs: [],
    subnets: [],
    interfaces: [],
    tables: [],
    lists: [],
    endpoints: [],
    natGateways: [],
    internetGateways: [],
    egressOnlyGateways: [],
    carrierGateways: [],
    peerings: [],
    transits: [],
    services: [],
    names: [],
    resolvers: [],
    flowLogs: [],
    fate: {
      shortCidrBeatsList: true,
      longPropagatedBeatsList: true,
      longPropagatedBeatsLocal: false,
      listTie: 'longest',
      equalTie: 'first',
      nat64Outside: 'internet',
    },
  }
}

/** A whole world from the compact form: the usual private subnet (`default.ts`) with what `spec` changes in it. */
export function worldFrom(spec: WorldSpec = {}): World {
  const { region = 'us-east-1', account = '111122223333' } = spec
  return changeWorld(changeWorld(emptyWorld(region, account), defaultSpec(region, account)), spec)
}
