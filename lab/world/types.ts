/**
 * A small AWS region as it truly is: VPCs, route tables, gateways, what lies behind them, the host, and the
 * services that answer. Everything is plain data that survives JSON. What the account's own API would show of
 * it is a different matter (`aws-files.ts`); what packets do in it is `simulate.ts`.
 *
 * Ids are of AWS's form (`vpc-0a000001`); a route's target is told by the form of its id. Addresses and CIDRs
 * are canonical text.
 */
import type { DeviceKind, Family } from '../../model/observation.ts'
import type { PathClass } from '../../model/path.ts'
import type { FlowLog } from '../flow/types.ts'

export interface World {
  region: string
  /** The account whose credentials the host has; what others own does not show in its API. */
  account: string
  host: WorldHost
  vpcs: WorldVpc[]
  subnets: WorldSubnet[]
  interfaces: WorldInterface[]
  tables: WorldTable[]
  lists: WorldList[]
  endpoints: WorldEndpoint[]
  natGateways: WorldNat[]
  internetGateways: WorldGateway[]
  egressOnlyGateways: WorldGateway[]
  carrierGateways: WorldGateway[]
  peerings: WorldPeering[]
  /** Transit gateways, virtual private gateways, core networks, local gateways, ODB networks, route-server addresses. */
  transits: WorldTransit[]
  services: WorldService[]
  names: WorldName[]
  /** What each resolver sees; a resolver that is not listed sees `public`. `system` is the host's own. */
  resolvers: WorldResolver[]
  /** The account's own; they show in its API, kept well or badly. */
  flowLogs: FlowLog[]
  fate: Fate
}

export interface WorldVpc {
  id: string
  owner: string
  region: string
  ipv4: string[]
  ipv6: string[]
}

export interface WorldSubnet {
  id: string
  vpc: string
  owner: string
  zone: string
  ipv4: string | null
  ipv6: string[]
  /** Network ACL: destinations (CIDR) that do not get out of this subnet. */
  denies: string[]
}

export interface WorldAddress {
  address: string
  primary: boolean
  /** Public or Elastic address associated to this private one. */
  public: string | null
}

export interface WorldInterface {
  id: string
  vpc: string
  subnet: string
  mac: string
  /** As EC2 says it: `interface`, `vpc_endpoint`, `nat_gateway`, `gateway_load_balancer_endpoint`, … */
  type: string
  owner: string
  requesterManaged: boolean
  instance: string | null
  ipv4: WorldAddress[]
  ipv6: string[]
  ipv4Prefixes: string[]
  ipv6Prefixes: string[]
  status: string
  /** False: it may send and get packets that are not its own (an appliance, a CNI). */
  sourceCheck: boolean
  /** What it does with packets that a route hands to it and that are not for itself. */
  forwards: 'drops' | 'routes' | 'translates' | 'relays'
  /** Service that answers at its own addresses, null: nobody listens. Endpoint ENIs answer by their endpoint instead. */
  serves: string | null
}

export interface WorldTable {
  id: string
  vpc: string
  owner: string
  main: boolean
  /** Explicit associations. */
  subnets: string[]
  /** An edge table: only for what comes in by these gateways. */
  gateways: string[]
  routes: WorldRoute[]
}

export interface WorldRoute {
  /** CIDR or `pl-…`. */
  to: string
  /**
   * `local`, `igw-…`, `eigw-…`, `cagw-…`, `nat-…`, `vpce-…`, `tgw-…`, `pcx-…`, `vgw-…`, `eni-…`, `i-…`, `lgw-…`,
   * ARN of a core or ODB network, an IP address (route server), or `Field=value` for a field nobody knows yet.
   */
  via: string
  state: 'active' | 'blackhole' | 'filtered'
  origin: 'local' | 'static' | 'propagated' | 'advertised'
}

export interface WorldList {
  id: string
  name: string
  /** `AWS` or an account id. */
  owner: string
  family: Family
  entries: string[]
  /** Another account's list that is not shared: the account's API shows neither it nor its entries, only routes that use it. */
  hidden?: boolean
}

export interface WorldEndpoint {
  id: string
  type: 'Gateway' | 'Interface' | 'GatewayLoadBalancer' | 'Resource' | 'ServiceNetwork'
  /** `available`, `partial`, `pending`, `pendingAcceptance`, `deleting`, `deleted`, `rejected`, `failed`, `expired`. */
  state: string
  service: string
  serviceRegion: string | null
  vpc: string
  owner: string
  subnets: string[]
  interfaces: string[]
  privateDns: boolean
  /** `PrivateDnsOnlyForInboundResolverEndpoint`; null: the service has no such option. */
  inboundOnly: boolean | null
  ipAddressType: 'ipv4' | 'ipv6' | 'dualstack'
  /** `DnsEntries`; may start with `*.`. */
  dnsNames: string[]
  /** Service that its packets come to; null: nothing answers. */
  reaches: string | null
  /** GatewayLoadBalancer only: the appliances give packets back to the endpoint's subnet, keep them, or drop them. */
  appliances: 'returns' | 'relays' | 'drops'
}

export interface WorldNat {
  id: string
  vpc: string
  /** Null for a regional one. */
  subnet: string | null
  state: 'pending' | 'failed' | 'available' | 'deleting' | 'deleted'
  connectivity: 'public' | 'private'
  availability: 'zonal' | 'regional'
  /** Own table of a regional one. */
  table: string | null
  private: string[]
  public: string[]
  interfaces: string[]
  /** Appliances attached to it (ARNs); they do what `appliancesDo` says. */
  appliances: string[]
  appliancesDo: 'returns' | 'relays' | 'drops'
}

/** An internet gateway, egress-only gateway or carrier gateway with the VPCs it is attached to. */
export interface WorldGateway {
  id: string
  vpcs: string[]
}

export interface WorldPeering {
  id: string
  status: string
  requester: string
  accepter: string
}

/** A gateway out of the VPC and, as the truth, where each destination ends behind it: longest prefix wins. */
export interface WorldTransit {
  id: string
  leads: WorldLeg[]
}

export interface WorldLeg {
  /** CIDR of either family. */
  to: string
  ends: LegEnd
  /** Routers of the way that a trace shows, behind the host's own next hop; `*` answers to nobody. */
  hops?: string[]
  /** The line out of the site. */
  line?: 'direct_connect' | 'vpn' | 'internet'
}

export type LegEnd =
  /** Into another VPC by an attachment in a subnet that uses this table. */
  | { vpc: string; table: string }
  /** Handed to an appliance's ENI, which does what its `forwards` says. */
  | { interface: string }
  /** Out of AWS's VPCs for good by this class (`internet`, `public_vif`, `nat_gateway`, …); `relay` by a service. */
  | { class: PathClass; service?: string }
  | 'dropped'

/** Something that answers: AWS's service at its public addresses, or a proxy or appliance. */
export interface WorldService {
  id: string
  /** `s3`, `dynamodb`, `ssm`, …; `proxy` or `application` for what is not AWS's. */
  service: string
  kind: 'aws' | 'private'
  region: string
  /** Public CIDRs at which it answers; an endpoint or ENI that leads to it needs none. */
  addresses: string[]
  ports: number[]
  /** What it shows in TLS; a relay that passes TLS through shows AWS's own. `silent`: it accepts and never says a word. */
  certificate: 'aws' | 'intercepted' | 'expired' | 'wrong_name' | 'none' | 'silent'
  /** Host names that it answers for in public DNS; `*.` stands for one or more labels. */
  hostnames: string[]
  /** Answers for them. */
  answers: string[]
}

/** A name with answers of its own, before all that follows from endpoints and services. */
export interface WorldName {
  hostname: string
  ttlSeconds: number
  cnames: string[]
  ipv4: string[]
  ipv6: string[]
  rcode: 'NOERROR' | 'NXDOMAIN' | 'SERVFAIL'
  /** Only this resolver gives it; null: all. */
  resolver: string | null
  /** Queries of this family fail with SERVFAIL; the other one is answered. */
  failing?: Family | null
}

export interface WorldResolver {
  name: string
  /** `vpc`: Route 53 Resolver of the host's VPC; `inbound`: through an inbound endpoint of it; `public`: the world's DNS. */
  view: 'vpc' | 'inbound' | 'public' | 'servfail' | 'silent'
  /** Address at which the lab's DNS server plays it. */
  address: string | null
}

export interface WorldHost {
  kind: 'ec2' | 'on-prem'
  instance: string | null
  hostname: string
  /** ENIs of the instance, in device order. */
  interfaces: string[]
  devices: WorldDevice[]
  /** The kernel's routes: longest prefix wins, those with a matching `from` before those without. */
  routes: WorldHostRoute[]
  /** Redirects of this host: local packets to these go somewhere else. */
  redirects: WorldRedirect[]
  /** False: the kernel has no usable address or route of the family. */
  ipv4Usable: boolean
  ipv6Usable: boolean
  proxyVariables: string[]
}

export interface WorldDevice {
  name: string
  kind: DeviceKind
  mac: string
  addresses: string[]
  /** Where packets come out that leave by it. */
  leads:
    | { interface: string }
    /** Source address is rewritten to one of the interface, as docker, CNIs and hypervisors do. */
    | { interface: string; translatedTo: string }
    /** A tunnel, an on-prem network: the truth by destination. */
    | { legs: WorldLeg[] }
}

export interface WorldHostRoute {
  from: string | null
  to: string
  device: string
  gateway: string | null
  /** The rule has mark, port, protocol or uid selectors; it applies to our packets only if `applies`. */
  selector: boolean
  applies: boolean
}

export interface WorldRedirect {
  to: string
  ends: LegEnd
}

/** Choices that AWS's texts leave open; each world has made them. */
export interface Fate {
  /** A static CIDR route shorter than the matching entry of a list wins over the list. */
  shortCidrBeatsList: boolean
  /** A propagated route longer than the matching entry of a list wins over the list. */
  longPropagatedBeatsList: boolean
  /** A propagated route longer than the VPC's local one wins over it. */
  longPropagatedBeatsLocal: boolean
  /** Of two lists that both match: the longest entry, or the one that stands first or last. */
  listTie: 'longest' | 'first' | 'last'
  /** Of two equal routes: which. */
  equalTie: 'first' | 'last'
  /** A NAT64 address that leaves without having met a NAT gateway. */
  nat64Outside: PathClass
}

export interface Packet {
  source: string
  destination: string
  port: number
}

export interface Journey {
  delivered: boolean
  /** The truth; `blocked` if not delivered. */
  class: PathClass
  /** For people: where it went and why it ended. */
  hops: string[]
  /** Id of the service that gets it. */
  to: string | null
  /** The account's own API shows every station of the way. */
  shown: boolean
}

/**
 * A point that the packets of a connection pass, with the addresses that they carry there. `interface`: an ENI, or a
 * regional NAT gateway, which has none. `route`: the route that won, in a table of this VPC. `denied`: a network ACL.
 */
export type Station =
  | { at: 'interface'; id: string; way: 'out' | 'in'; source: string; destination: string }
  | { at: 'route'; vpc: string; via: string }
  | { at: 'denied'; subnet: string }

export interface NameAnswer {
  rcode: 'NOERROR' | 'NXDOMAIN' | 'SERVFAIL'
  ipv4: string[]
  ipv6: string[]
  cnames: string[]
  ttlSeconds: number
  /** The resolver says nothing at all. */
  silent: boolean
  /** The family whose queries fail with SERVFAIL although the other one is answered. */
  failing?: Family
}
