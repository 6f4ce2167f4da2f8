import type {
  Attempt,
  AttemptOutcome,
  DnsAnswer,
  DnsObservation,
  HostRoute,
} from '../../model/observation.ts'
import type {
  NatGateway,
  NetworkInterface,
  PrefixList,
  Route,
  RouteTable,
  RouteTarget,
  Snapshot,
  SnapshotPart,
  Topology,
  VpcEndpoint,
} from '../../model/topology.ts'
import { snapshotParts } from '../../model/topology.ts'

/** The moment of every attempt in these tests; readings are dated relative to it. */
export const now = Date.UTC(2026, 10, 20, 12, 0, 0)
export const hostMac = '0e:00:00:00:00:01'

export const kernelRoute: HostRoute = {
  method: 'ip_route_get',
  device: 'ens5',
  deviceKind: 'physical',
  mac: hostMac,
  gateway: '10.0.1.1',
  source: '10.0.1.50',
  selectorRules: false,
  redirect: 'none',
  detail: null,
}

export const verified: AttemptOutcome = {
  reached: 'tls',
  tls: {
    version: 'TLSv1.3',
    cipher: 'TLS_AES_128_GCM_SHA256',
    certificate: null,
    check: {
      roots: 'public',
      chainError: null,
      nameMatches: true,
      nameExpected: 'b.s3.us-east-1.amazonaws.com',
      dates: 'valid',
    },
  },
}

export function stamp(id = 'a1', wallMs = now) {
  return { id, wallMs, monotonicMs: wallMs - now, bootId: 'boot', snapshot: null, configuration: null }
}

export function attempt(more: Partial<Attempt> = {}): Attempt {
  const address = more.address ?? '52.216.1.1'
  const six = address.includes(':')
  const source = six ? '2600:1f18::50' : '10.0.1.50'
  return {
    kind: 'attempt',
    stamp: stamp(),
    hostname: 'b.s3.us-east-1.amazonaws.com',
    port: 443,
    address,
    family: six ? 6 : 4,
    localAddress: source,
    localPort: 40000,
    resolvers: ['system'],
    outcome: verified,
    http: null,
    timings: {
      dnsSeconds: null,
      tcpConnectSeconds: null,
      tlsHandshakeSeconds: null,
      firstByteSeconds: null,
      uncertaintySeconds: null,
    },
    host: { ...kernelRoute, source, gateway: six ? 'fe80::1' : kernelRoute.gateway },
    proxyVariables: [],
    ...more,
  }
}

export const s3List: PrefixList = {
  id: 'pl-s3',
  name: 'com.amazonaws.us-east-1.s3',
  ownerId: 'AWS',
  family: 4,
  version: null,
  entries: ['52.216.0.0/15', '3.5.0.0/19'],
  complete: true,
  atMs: now - 10_000,
}

export const gatewayEndpoint: VpcEndpoint = {
  id: 'vpce-s3',
  type: 'Gateway',
  state: 'available',
  serviceName: 'com.amazonaws.us-east-1.s3',
  serviceRegion: null,
  vpcId: 'vpc-1',
  networkInterfaceIds: [],
  subnetIds: [],
  routeTableIds: ['rtb-1'],
  privateDnsEnabled: false,
  privateDnsOnlyForInboundResolver: null,
  ipAddressType: 'ipv4',
  dnsNames: [],
  policy: null,
  ownerId: '111122223333',
}

export const interfaceEndpoint: VpcEndpoint = {
  ...gatewayEndpoint,
  id: 'vpce-ssm',
  type: 'Interface',
  serviceName: 'com.amazonaws.us-east-1.ssm',
  networkInterfaceIds: ['eni-ssm'],
  routeTableIds: [],
  privateDnsEnabled: true,
  dnsNames: ['vpce-ssm-abc.ssm.us-east-1.vpce.amazonaws.com'],
}

export function eni(id: string, addresses: string[], more: Partial<NetworkInterface> = {}): NetworkInterface {
  return {
    id,
    vpcId: 'vpc-1',
    subnetId: 'subnet-1',
    macAddress: '',
    ipv4: addresses
      .filter((a) => !a.includes(':'))
      .map((address, i) => ({ address, primary: i === 0, publicAddress: null })),
    ipv6: addresses.filter((a) => a.includes(':')),
    ipv4Prefixes: [],
    ipv6Prefixes: [],
    interfaceType: 'interface',
    status: 'in-use',
    requesterManaged: false,
    instanceId: null,
    ownerId: '111122223333',
    ...more,
  }
}

export const nat: NatGateway = {
  id: 'nat-1',
  vpcId: 'vpc-1',
  subnetId: 'subnet-nat',
  state: 'available',
  connectivity: 'public',
  availability: 'zonal',
  routeTableId: null,
  privateAddresses: ['10.0.9.9'],
  publicAddresses: ['198.51.100.9'],
  networkInterfaceIds: ['eni-nat'],
  attachedAppliances: [],
}

export const target = (kind: RouteTarget['kind'], id: string | null = null): RouteTarget => ({ kind, id })

export function cidrRoute(cidr: string, to: RouteTarget, more: Partial<Route> = {}): Route {
  return { destination: { kind: 'cidr', cidr }, target: to, state: 'active', origin: 'static', ...more }
}

export function listRoute(id: string, to: RouteTarget, more: Partial<Route> = {}): Route {
  return { destination: { kind: 'prefix_list', id }, target: to, state: 'active', origin: 'static', ...more }
}

export const localRoute = cidrRoute('10.0.0.0/16', target('local', 'local'), { origin: 'local' })
export const localRoute6 = cidrRoute('2600:1f18::/56', target('local', 'local'), { origin: 'local' })
export const viaEndpoint = listRoute('pl-s3', target('vpc_endpoint', 'vpce-s3'))
export const viaNat = cidrRoute('0.0.0.0/0', target('nat_gateway', 'nat-1'))
export const viaIgw = cidrRoute('0.0.0.0/0', target('internet_gateway', 'igw-1'))

export function table(id: string, routes: Route[], more: Partial<RouteTable> = {}): RouteTable {
  return {
    id,
    vpcId: 'vpc-1',
    main: false,
    subnetIds: ['subnet-1'],
    gatewayIds: [],
    routes,
    unreadableRoutes: 0,
    ...more,
  }
}

export const natTable = (routes: Route[]) => table('rtb-nat', routes, { subnetIds: ['subnet-nat'] })

/** A whole, fresh reading of a VPC 10.0.0.0/16 with this host in subnet-1; override what the test is about. */
export function snapshot(more: Partial<Snapshot> = {}, ageSeconds = 10): Snapshot {
  const atMs = now - ageSeconds * 1000
  const part = { read: true, atMs, dated: 'api' } as const
  return {
    id: `snapshot-${ageSeconds}`,
    account: '111122223333',
    region: 'us-east-1',
    source: 'snapshot',
    parts: Object.fromEntries(snapshotParts.map((p) => [p, part])) as Snapshot['parts'],
    routeTables: [table('rtb-1', [localRoute, localRoute6, viaEndpoint])],
    endpoints: [gatewayEndpoint, interfaceEndpoint],
    subnets: [
      {
        id: 'subnet-1',
        vpcId: 'vpc-1',
        ownerId: null,
        ipv4Cidr: '10.0.1.0/24',
        ipv6Cidrs: ['2600:1f18::/64'],
        availabilityZone: null,
      },
      {
        id: 'subnet-nat',
        vpcId: 'vpc-1',
        ownerId: null,
        ipv4Cidr: '10.0.9.0/24',
        ipv6Cidrs: [],
        availabilityZone: null,
      },
    ],
    networkInterfaces: [
      eni('eni-host', ['10.0.1.50', '2600:1f18::50'], { macAddress: hostMac }),
      eni('eni-ssm', ['10.0.1.60']),
    ],
    prefixLists: [{ ...s3List, atMs }],
    natGateways: [nat],
    vpcs: [
      { id: 'vpc-1', ownerId: '111122223333', ipv4Cidrs: ['10.0.0.0/16'], ipv6Cidrs: ['2600:1f18::/56'] },
    ],
    peerings: [],
    flowLogs: [],
    internetGateways: [],
    problems: [],
    ...more,
  }
}

export function withRoutes(
  routes: Route[],
  more: Partial<Snapshot> = {},
  others: RouteTable[] = [],
): Snapshot {
  return snapshot({ routeTables: [table('rtb-1', [localRoute, localRoute6, ...routes]), ...others], ...more })
}

/** A reading without one part, as when its permission is missing. */
export function lacking(base: Snapshot, ...parts: SnapshotPart[]): Snapshot {
  const copy = structuredClone(base)
  for (const part of parts) {
    copy.parts[part] = { read: false, reason: 'denied', detail: `not allowed to read ${part}` }
    const content = copy as unknown as Record<SnapshotPart, unknown[]>
    content[part] =
      part === 'prefixLists' ? copy.prefixLists.map((l) => ({ ...l, entries: null, complete: false })) : []
  }
  return copy
}

export function topology(readings: Snapshot[] = [snapshot()], more: Partial<Topology> = {}): Topology {
  return {
    vantage: {
      kind: 'ec2',
      because: [],
      instanceId: 'i-1',
      accountId: '111122223333',
      region: 'us-east-1',
      interfaces: [],
    },
    readings,
    others: [],
    trustedEndpoints: [],
    sites: [],
    limits: { routeTablesMaxAgeSeconds: 180, otherMaxAgeSeconds: 900 },
    ...more,
  }
}

export function answer(
  addresses: string[],
  more: Partial<Extract<DnsAnswer, { answered: true }>> = {},
): DnsAnswer {
  return {
    answered: true,
    rcode: 'NOERROR',
    addresses: addresses.map((address) => ({ address, ttlSeconds: 60 })),
    cnames: [],
    truncated: false,
    transport: 'udp',
    rttSeconds: 0.001,
    ...more,
  }
}

export function dns(ipv4: DnsAnswer, ipv6: DnsAnswer, more: Partial<DnsObservation> = {}): DnsObservation {
  return {
    kind: 'dns',
    stamp: stamp('d1'),
    hostname: 'b.s3.us-east-1.amazonaws.com',
    resolver: 'system',
    server: '10.0.0.2:53',
    counts: true,
    ipv4,
    ipv6,
    ...more,
  }
}
