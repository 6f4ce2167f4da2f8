/**
 * What the account is configured to do, as read at known times, and where the host stands in it.
 * Everything is plain data. Ids are AWS's own; addresses and prefixes are canonical text.
 */

import type { DirectConnectReading, Trace } from './first-leg.ts'

/** The files of a snapshot directory and the API calls behind them; each is dated and can fail on its own. */
export const snapshotParts = [
  'routeTables',
  'endpoints',
  'subnets',
  'networkInterfaces',
  'prefixLists',
  'natGateways',
  'vpcs',
  'peerings',
  'flowLogs',
  'internetGateways',
] as const

export type SnapshotPart = (typeof snapshotParts)[number]

/** A part that was read: `atMs` is when the reading began (null: undated, then it is no evidence for a daemon). */
export type PartReading =
  | {
      read: true
      atMs: number | null
      dated: 'api' | 'manifest' | 'mtime' | 'undated'
      /** Elements that were not understood and are left out; left out itself where there are none. */
      lost?: number
    }
  | { read: false; reason: 'missing' | 'denied' | 'invalid' | 'failed'; detail: string }

/** Something in the input that was not understood: what, where, what was expected, what to do. */
export interface SnapshotProblem {
  file: string
  place: string
  problem: string
  expected: string
  nextStep: string
}

export type TargetKind =
  | 'local'
  | 'internet_gateway'
  | 'egress_only_internet_gateway'
  | 'carrier_gateway'
  | 'nat_gateway'
  | 'vpc_endpoint'
  | 'transit_gateway'
  | 'peering'
  | 'core_network'
  | 'virtual_private_gateway'
  | 'network_interface'
  | 'instance'
  | 'local_gateway'
  | 'odb_network'
  | 'ip_address'
  | 'unknown'

export interface RouteTarget {
  kind: TargetKind
  /** The id as AWS gives it (`igw-…`, `vpce-…`, `local`); for `unknown` the field that was not understood. */
  id: string | null
}

export type RouteDestination = { kind: 'cidr'; cidr: string } | { kind: 'prefix_list'; id: string }

export interface Route {
  destination: RouteDestination
  target: RouteTarget
  /** `unknown` for a state that AWS has added since. */
  state: 'active' | 'blackhole' | 'filtered' | 'unknown'
  /** `local` is the route that comes with the table; `unknown` an origin that AWS has added since. */
  origin: 'local' | 'static' | 'propagated' | 'unknown'
}

export interface RouteTable {
  id: string
  vpcId: string
  main: boolean
  /** Explicitly associated subnets. */
  subnetIds: string[]
  /** Gateways of an edge table; such a table does not route what leaves a subnet. */
  gatewayIds: string[]
  routes: Route[]
  /** Routes that could not be read at all (no destination, nonsense): whatever they say may win. */
  unreadableRoutes: number
}

export interface VpcEndpoint {
  id: string
  /** As AWS gives it: `Gateway`, `Interface`, `GatewayLoadBalancer`, `Resource`, `ServiceNetwork`, or newer. */
  type: string
  /** Lower case: `available`, `partial`, `pending`, `deleting`, … */
  state: string
  serviceName: string
  serviceRegion: string | null
  vpcId: string
  networkInterfaceIds: string[]
  subnetIds: string[]
  routeTableIds: string[]
  privateDnsEnabled: boolean
  /** `DnsOptions.PrivateDnsOnlyForInboundResolverEndpoint`, null if absent. */
  privateDnsOnlyForInboundResolver: boolean | null
  ipAddressType: string | null
  /** `DnsEntries[].DnsName`, lower case, without trailing dot; S3's wildcard entries keep their `*.`. */
  dnsNames: string[]
  /** The policy document as text, null if absent. */
  policy: string | null
  ownerId: string | null
}

export interface InterfaceAddress {
  address: string
  primary: boolean
  /** Public or Elastic IPv4 address associated to this private address. */
  publicAddress: string | null
}

export interface NetworkInterface {
  id: string
  vpcId: string
  subnetId: string
  /** Lower case, colons; empty if absent. */
  macAddress: string
  ipv4: InterfaceAddress[]
  ipv6: string[]
  /** Delegated prefixes: every address in them belongs to this interface. */
  ipv4Prefixes: string[]
  ipv6Prefixes: string[]
  interfaceType: string
  status: string
  requesterManaged: boolean
  instanceId: string | null
  ownerId: string | null
}

export interface PrefixList {
  id: string
  name: string
  /** `AWS` for AWS's own lists, else an account id. */
  ownerId: string
  family: 4 | 6 | null
  version: number | null
  /** CIDRs; null: the entries could not be read, so anything may be in them. */
  entries: string[] | null
  /** False when an entry was not understood or a page is missing: more may be in the list than stands here. */
  complete: boolean
  /** When the entries were read, Unix milliseconds. */
  atMs: number | null
}

export interface NatGateway {
  id: string
  vpcId: string
  /** Null for a regional NAT gateway. */
  subnetId: string | null
  state: string
  /** `public` or `private`, lower case. */
  connectivity: string
  /** `zonal` or `regional`, lower case. */
  availability: string
  /** Own table of a regional NAT gateway. */
  routeTableId: string | null
  privateAddresses: string[]
  publicAddresses: string[]
  networkInterfaceIds: string[]
  /** Appliances (for example a firewall) attached to it change the way: ids. */
  attachedAppliances: string[]
}

export interface Vpc {
  id: string
  ownerId: string | null
  ipv4Cidrs: string[]
  ipv6Cidrs: string[]
}

export interface Subnet {
  id: string
  vpcId: string
  ownerId: string | null
  ipv4Cidr: string | null
  ipv6Cidrs: string[]
  availabilityZone: string | null
}

export interface PeeringSide {
  vpcId: string
  ownerId: string | null
  region: string | null
  ipv4Cidrs: string[]
  ipv6Cidrs: string[]
}

export interface Peering {
  id: string
  /** Lower case: `active`, `deleted`, … */
  status: string
  requester: PeeringSide
  accepter: PeeringSide
}

export interface InternetGateway {
  id: string
  vpcIds: string[]
}

export interface FlowLog {
  id: string
  resourceId: string
  status: string
  deliverStatus: string | null
  deliverError: string | null
  trafficType: string | null
  destinationType: string | null
  destination: string | null
  logGroupName: string | null
  /** The format as AWS gives it (`${version} ${account-id} …`). */
  logFormat: string | null
  maxAggregationSeconds: number | null
  /** `DestinationOptions` of a log that delivers to S3: `plain-text` or `parquet`; null or left out: not told. */
  fileFormat?: string | null
  hivePartitions?: boolean | null
  hourlyPartitions?: boolean | null
}

/** VPC Block Public Access of one account and region, as `DescribeVpcBlockPublicAccessOptions` gives it; lower case. */
export interface BlockPublicAccess {
  /** `off`, `block-bidirectional`, `block-ingress`, or newer. */
  mode: string
  /** `default-state`, `update-in-progress`, `update-complete`, or newer. */
  state: string
  /** `allowed`, `not-allowed`; empty if absent. */
  exclusionsAllowed: string
}

export interface BlockPublicAccessExclusion {
  id: string
  /** ARN of a VPC or subnet. */
  resource: string
  mode: string
  state: string
}

/** Something that was read, with its own date, or why it was not. */
export interface Fact<T> {
  reading: PartReading
  items: T[]
}

/** What is read of the account for the posture checks alone; no rule leans on it. */
export interface PostureFacts {
  egressOnlyGateways: Fact<InternetGateway>
  /** At most one. */
  blockPublicAccess: Fact<BlockPublicAccess>
  exclusions: Fact<BlockPublicAccessExclusion>
}

/** One reading of one account and region. Parts can be of different ages; a part that was not read is empty. */
export interface Snapshot {
  /** SHA-256 over the decoded content, hex. */
  id: string
  account: string | null
  region: string | null
  source: string
  parts: Record<SnapshotPart, PartReading>
  routeTables: RouteTable[]
  endpoints: VpcEndpoint[]
  subnets: Subnet[]
  networkInterfaces: NetworkInterface[]
  prefixLists: PrefixList[]
  natGateways: NatGateway[]
  vpcs: Vpc[]
  peerings: Peering[]
  flowLogs: FlowLog[]
  internetGateways: InternetGateway[]
  problems: SnapshotProblem[]
  /** Left out where nothing of it was asked for. */
  posture?: PostureFacts
}

/** One ENI of this instance as its metadata service describes it. */
export interface MetadataInterface {
  id: string
  mac: string
  subnetId: string | null
  vpcId: string | null
  /** Range of the subnet, from which the address of the VPC's router follows; null or absent if not told. */
  subnetIpv4Cidr?: string | null
  ipv4: string[]
  ipv6: string[]
  ipv4Prefixes: string[]
  ipv6Prefixes: string[]
  vpcIpv4Cidrs: string[]
  vpcIpv6Cidrs: string[]
}

/** Where the host stands, and how that is known. */
export interface Vantage {
  kind: 'ec2' | 'on-prem' | 'unknown'
  because: string[]
  instanceId: string | null
  accountId: string | null
  region: string | null
  interfaces: MetadataInterface[]
}

/**
 * What leads out of the interfaces that this account's snapshot shows: a declaration (configuration: `trusted_endpoints`), or
 * a name that was found.
 */
export interface TrustedEndpoint {
  /** The endpoint's own `vpce-…` DNS name, a bare address, or the id of a gateway endpoint of a shared VPC. */
  declared: { dnsName: string } | { address: string } | { gateway: string }
  /** `tgw-…`, `vgw-…`, a core network, or the name of a site; null: only by peering. */
  via: string | null
  /** What `dnsName` answered in this cycle; empty when it did not resolve. */
  addresses: string[]
  /** The address ranges of the endpoint's VPC where they are known. */
  vpcCidrs: string[]
  /** Not declared by anybody: `dnsName` is the own name of an endpoint that a snapshot, of whatever age, describes. */
  found?: true
}

/** An on-prem site: its own address ranges and how its first leg is said to run. */
export interface Site {
  name: string
  firstLeg: 'direct_connect' | 'vpn' | null
  nextHops: string[]
  prefixes: string[]
  /** An SNAT relay inside the VPC: only then can an on-prem host come out at a gateway endpoint. */
  snatRelay: boolean
}

/** How old a part may be, in seconds, before it is no evidence any more. */
export interface SnapshotLimits {
  routeTablesMaxAgeSeconds: number
  otherMaxAgeSeconds: number
}

/** All that a judgement knows besides the observations. */
export interface Topology {
  vantage: Vantage
  /**
   * Every reading that the attempt is judged on: first the one that was newest when it began, then each later
   * one. The union over them stands: a later reading can only widen what was possible.
   */
  readings: Snapshot[]
  /** Readings of further accounts. */
  others: Snapshot[]
  trustedEndpoints: TrustedEndpoint[]
  sites: Site[]
  /** NAT64 prefixes in use besides 64:ff9b::/96 (configured, or found by RFC 7050). */
  nat64Prefixes?: string[]
  /** Traces that are young enough; left out: none is to be made. They serve the first leg and eliminate nothing. */
  traces?: readonly Trace[]
  /** The Direct Connect API, read lately; null: it could not be read; left out: it is not to be. */
  directConnect?: DirectConnectReading | null
  limits: SnapshotLimits
}
