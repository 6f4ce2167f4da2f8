import { flowLogJson } from './aws-flow-logs.ts'
import { lengthOf } from './bits.ts'
import type { World, WorldRoute, WorldTable, WorldVpc } from './types.ts'

type Json = Record<string, unknown>

const origins: Record<WorldRoute['origin'], string> = {
  local: 'CreateRouteTable',
  static: 'CreateRoute',
  propagated: 'EnableVgwRoutePropagation',
  advertised: 'Advertisement',
}

/** The field of `Route` that carries a target, told by the form of its id. */
function targetField(world: World, via: string): Json {
  if (via === 'local' || /^(igw|vgw|vpce)-/.test(via)) return { GatewayId: via }
  if (via.startsWith('nat-')) return { NatGatewayId: via }
  if (via.startsWith('tgw-')) return { TransitGatewayId: via }
  if (via.startsWith('pcx-')) return { VpcPeeringConnectionId: via }
  if (via.startsWith('eigw-')) return { EgressOnlyInternetGatewayId: via }
  if (via.startsWith('cagw-')) return { CarrierGatewayId: via }
  if (via.startsWith('lgw-')) return { LocalGatewayId: via }
  if (via.startsWith('eni-')) {
    const instance = world.interfaces.find(({ id }) => id === via)?.instance ?? null
    return instance === null
      ? { NetworkInterfaceId: via }
      : { InstanceId: instance, InstanceOwnerId: world.account, NetworkInterfaceId: via }
  }
  if (via.startsWith('i-')) {
    const eni = world.interfaces.find(({ instance }) => instance === via)
    return { InstanceId: via, InstanceOwnerId: world.account, ...(eni && { NetworkInterfaceId: eni.id }) }
  }
  if (via.startsWith('arn:') && via.includes(':networkmanager:')) return { CoreNetworkArn: via }
  if (via.startsWith('arn:')) return { OdbNetworkArn: via }
  if (via.includes('=')) {
    const [field = '', value = ''] = via.split('=')
    return { [field]: value }
  }
  return { IpAddress: via }
}

function routeJson(world: World, route: WorldRoute): Json {
  const destination = route.to.startsWith('pl-')
    ? { DestinationPrefixListId: route.to }
    : route.to.includes(':')
      ? { DestinationIpv6CidrBlock: route.to }
      : { DestinationCidrBlock: route.to }
  return {
    ...destination,
    ...targetField(world, route.via),
    Origin: origins[route.origin],
    State: route.state,
  }
}

function tableJson(world: World, table: WorldTable): Json {
  const association = (n: number, more: Json): Json => ({
    Main: false,
    RouteTableAssociationId: `rtbassoc-${table.id.slice(4)}${n}`,
    RouteTableId: table.id,
    AssociationState: { State: 'associated' },
    ...more,
  })
  return {
    Associations: [
      ...(table.main ? [association(0, { Main: true })] : []),
      ...table.subnets.map((subnet, n) => association(n + 1, { SubnetId: subnet })),
      ...table.gateways.map((gateway, n) => association(n + 100, { GatewayId: gateway })),
    ],
    PropagatingVgws: [],
    RouteTableId: table.id,
    Routes: table.routes.map((route) => routeJson(world, route)),
    Tags: [],
    VpcId: table.vpc,
    OwnerId: table.owner,
  }
}

function peeringSide(vpc: WorldVpc | undefined, active: boolean): Json {
  if (vpc === undefined) return {}
  const ranges = {
    ...(vpc.ipv4[0] !== undefined && { CidrBlock: vpc.ipv4[0] }),
    CidrBlockSet: vpc.ipv4.map((cidr) => ({ CidrBlock: cidr })),
    ...(vpc.ipv6.length > 0 && { Ipv6CidrBlockSet: vpc.ipv6.map((cidr) => ({ Ipv6CidrBlock: cidr })) }),
  }
  // The API gives the ranges of active peerings only.
  return { ...(active && ranges), OwnerId: vpc.owner, VpcId: vpc.id, Region: vpc.region }
}

/**
 * The whole account as the AWS CLI prints it: file name of a snapshot directory → JSON value. Another account's
 * VPCs, endpoints and interfaces do not show; its lists do if they are AWS's or shared (all that are not `hidden`).
 * Source of the shapes: EC2 API reference, 2016-11-15.
 */
export function awsFiles(world: World): Record<string, unknown> {
  const { account, region } = world
  const arn = (kind: string, id: string): string => `arn:aws:ec2:${region}:${account}:${kind}/${id}`
  // The API is one region's: what stands in a VPC of another one does not show.
  const elsewhere = new Set(world.vpcs.filter((vpc) => vpc.region !== region).map(({ id }) => id))
  const here = <T extends { vpc: string }>(items: T[]): T[] => items.filter(({ vpc }) => !elsewhere.has(vpc))
  const mine = <T extends { owner: string; vpc: string }>(items: T[]): T[] =>
    here(items).filter(({ owner }) => owner === account)
  const regional = world.vpcs.filter(({ id }) => !elsewhere.has(id))
  const vpcs = new Set(regional.filter(({ owner }) => owner === account).map(({ id }) => id))
  // Who shares a subnet sees the subnet and its table, not what hangs on them.
  const shared = new Set(
    world.interfaces.filter(({ owner }) => owner === account).map(({ subnet }) => subnet),
  )
  const subnets = here(world.subnets).filter(({ owner, id }) => owner === account || shared.has(id))
  // The VPC of a shared subnet is described to its participants too, with its owner.
  const inSubnets = new Set(subnets.map(({ vpc }) => vpc))
  const shownVpcs = regional.filter(({ id }) => vpcs.has(id) || inSubnets.has(id))
  const tables = here(world.tables).filter(
    ({ owner, subnets: own }) => owner === account || own.some((subnet) => shared.has(subnet)),
  )
  const lists = world.lists.filter(({ owner, hidden }) => hidden !== true || owner === account)
  const files: Record<string, unknown> = {
    'describe-route-tables.json': { RouteTables: tables.map((table) => tableJson(world, table)) },
    'describe-vpc-endpoints.json': {
      VpcEndpoints: mine(world.endpoints).map((endpoint) => ({
        VpcEndpointId: endpoint.id,
        VpcEndpointType: endpoint.type,
        VpcId: endpoint.vpc,
        ...(endpoint.service !== '' && { ServiceName: endpoint.service }),
        State: endpoint.state,
        ...(endpoint.type !== 'Resource' && {
          PolicyDocument: '{"Statement":[{"Action":"*","Effect":"Allow","Principal":"*","Resource":"*"}]}',
        }),
        RouteTableIds:
          endpoint.type === 'Gateway'
            ? world.tables
                .filter(({ routes }) => routes.some(({ via }) => via === endpoint.id))
                .map(({ id }) => id)
            : [],
        SubnetIds: endpoint.subnets,
        Groups: endpoint.type === 'Interface' ? [{ GroupId: 'sg-0a000001', GroupName: 'default' }] : [],
        IpAddressType: endpoint.ipAddressType,
        DnsOptions: {
          DnsRecordIpType: endpoint.ipAddressType,
          ...(endpoint.inboundOnly !== null && {
            PrivateDnsOnlyForInboundResolverEndpoint: endpoint.inboundOnly,
          }),
        },
        PrivateDnsEnabled: endpoint.privateDns,
        RequesterManaged: false,
        NetworkInterfaceIds: endpoint.interfaces,
        DnsEntries: endpoint.dnsNames.map((name) => ({ DnsName: name, HostedZoneId: 'Z7HUB22UULQXV' })),
        CreationTimestamp: '2026-01-05T08:00:00+00:00',
        Tags: [],
        OwnerId: endpoint.owner,
        ServiceRegion: endpoint.serviceRegion ?? region,
      })),
    },
    'describe-subnets.json': {
      Subnets: subnets.map((subnet) => ({
        AvailabilityZone: subnet.zone,
        AvailableIpAddressCount: 200,
        ...(subnet.ipv4 !== null && { CidrBlock: subnet.ipv4 }),
        DefaultForAz: false,
        MapPublicIpOnLaunch: false,
        State: 'available',
        SubnetId: subnet.id,
        VpcId: subnet.vpc,
        OwnerId: subnet.owner,
        AssignIpv6AddressOnCreation: false,
        Ipv6CidrBlockAssociationSet: subnet.ipv6.map((cidr, n) => ({
          AssociationId: `subnet-cidr-assoc-${subnet.id.slice(7)}${n}`,
          Ipv6CidrBlock: cidr,
          Ipv6CidrBlockState: { State: 'associated' },
        })),
        SubnetArn: arn('subnet', subnet.id),
      })),
    },
    'describe-network-interfaces.json': {
      NetworkInterfaces: mine(world.interfaces).map((eni) => ({
        ...(eni.instance !== null && {
          Attachment: {
            AttachmentId: `eni-attach-${eni.id.slice(4)}`,
            InstanceId: eni.instance,
            Status: 'attached',
          },
        }),
        AvailabilityZone: world.subnets.find(({ id }) => id === eni.subnet)?.zone ?? `${region}a`,
        Groups: [{ GroupName: 'default', GroupId: 'sg-0a000001' }],
        InterfaceType: eni.type,
        Ipv6Addresses: eni.ipv6.map((address) => ({ Ipv6Address: address })),
        MacAddress: eni.mac,
        NetworkInterfaceId: eni.id,
        OwnerId: eni.owner,
        ...(eni.ipv4[0] !== undefined && { PrivateIpAddress: eni.ipv4[0].address }),
        PrivateIpAddresses: eni.ipv4.map((own) => ({
          ...(own.public !== null && { Association: { IpOwnerId: eni.owner, PublicIp: own.public } }),
          Primary: own.primary,
          PrivateIpAddress: own.address,
        })),
        ...(eni.ipv4Prefixes.length > 0 && {
          Ipv4Prefixes: eni.ipv4Prefixes.map((cidr) => ({ Ipv4Prefix: cidr })),
        }),
        ...(eni.ipv6Prefixes.length > 0 && {
          Ipv6Prefixes: eni.ipv6Prefixes.map((cidr) => ({ Ipv6Prefix: cidr })),
        }),
        RequesterManaged: eni.requesterManaged,
        SourceDestCheck: eni.sourceCheck,
        Status: eni.status,
        SubnetId: eni.subnet,
        TagSet: [],
        VpcId: eni.vpc,
      })),
    },
    'describe-managed-prefix-lists.json': {
      PrefixLists: lists.map((list) => ({
        PrefixListId: list.id,
        AddressFamily: list.family === 4 ? 'IPv4' : 'IPv6',
        ...(list.owner !== 'AWS' && { State: 'create-complete', MaxEntries: 50, Version: 3 }),
        PrefixListArn: `arn:aws:ec2:${region}:${list.owner === 'AWS' ? 'aws' : list.owner}:prefix-list/${list.id}`,
        PrefixListName: list.name,
        Tags: [],
        OwnerId: list.owner,
      })),
    },
    'describe-prefix-lists.json': {
      PrefixLists: lists
        .filter(({ owner }) => owner === 'AWS')
        .map((list) => ({ Cidrs: list.entries, PrefixListId: list.id, PrefixListName: list.name })),
    },
    'describe-nat-gateways.json': {
      NatGateways: world.natGateways
        .filter(({ vpc }) => vpcs.has(vpc))
        .map((nat) => ({
          CreateTime: '2026-01-05T08:00:00+00:00',
          NatGatewayAddresses: nat.private.map((address, n) => ({
            ...(nat.interfaces[n] !== undefined && { NetworkInterfaceId: nat.interfaces[n] }),
            PrivateIp: address,
            ...(nat.public[n] !== undefined && {
              AllocationId: `eipalloc-${nat.id.slice(4)}${n}`,
              PublicIp: nat.public[n],
            }),
            IsPrimary: n === 0,
            Status: 'succeeded',
          })),
          NatGatewayId: nat.id,
          State: nat.state,
          ...(nat.subnet !== null && { SubnetId: nat.subnet }),
          VpcId: nat.vpc,
          Tags: [],
          ConnectivityType: nat.connectivity,
          AvailabilityMode: nat.availability,
          ...(nat.table !== null && { RouteTableId: nat.table }),
          ...(nat.appliances.length > 0 && {
            AttachedAppliances: nat.appliances.map((appliance) => ({
              Type: 'network-firewall-proxy',
              ApplianceArn: appliance,
              AttachmentState: 'attached',
            })),
          }),
        })),
    },
    'describe-vpcs.json': {
      Vpcs: shownVpcs.map((vpc) => ({
        CidrBlock: vpc.ipv4[0],
        DhcpOptionsId: 'dopt-0a000001',
        State: 'available',
        VpcId: vpc.id,
        OwnerId: vpc.owner,
        InstanceTenancy: 'default',
        Ipv6CidrBlockAssociationSet: vpc.ipv6.map((cidr, n) => ({
          AssociationId: `vpc-cidr-assoc-6${vpc.id.slice(4)}${n}`,
          Ipv6CidrBlock: cidr,
          Ipv6CidrBlockState: { State: 'associated' },
          NetworkBorderGroup: region,
        })),
        CidrBlockAssociationSet: vpc.ipv4.map((cidr, n) => ({
          AssociationId: `vpc-cidr-assoc-${vpc.id.slice(4)}${n}`,
          CidrBlock: cidr,
          CidrBlockState: { State: 'associated' },
        })),
        IsDefault: false,
      })),
    },
    'describe-vpc-peering-connections.json': {
      VpcPeeringConnections: world.peerings
        .filter(({ requester, accepter }) => vpcs.has(requester) || vpcs.has(accepter))
        .map((peering) => {
          const side = (id: string) =>
            peeringSide(
              world.vpcs.find((vpc) => vpc.id === id),
              peering.status === 'active',
            )
          return {
            AccepterVpcInfo: side(peering.accepter),
            RequesterVpcInfo: side(peering.requester),
            Status: { Code: peering.status, Message: peering.status },
            Tags: [],
            VpcPeeringConnectionId: peering.id,
          }
        }),
    },
    'describe-flow-logs.json': { FlowLogs: world.flowLogs.map((log) => flowLogJson(world, log)) },
    'describe-internet-gateways.json': {
      InternetGateways: world.internetGateways
        .filter((gateway) => gateway.vpcs.length === 0 || gateway.vpcs.some((vpc) => vpcs.has(vpc)))
        .map((gateway) => ({
          Attachments: gateway.vpcs.map((vpc) => ({ State: 'available', VpcId: vpc })),
          InternetGatewayId: gateway.id,
          OwnerId: account,
          Tags: [],
        })),
    },
  }
  for (const list of lists) {
    const entries = list.entries.toSorted((a, b) => lengthOf(b) - lengthOf(a) || (a < b ? -1 : 1))
    files[`get-managed-prefix-list-entries/${list.id}.json`] = {
      Entries: entries.map((cidr) => ({ Cidr: cidr })),
    }
  }
  return files
}
