/**
 * The Describe actions that list something: what they take, how they filter and how they page. Sources: EC2 API
 * reference, 2016-11-15, each action's page; bounds of `MaxResults` from botocore's `ec2/2016-11-15/service-2.json`.
 */
import type { Account } from './ec2-account.ts'
import type { FilterPaths } from './ec2-filters.ts'
import type { Json } from './json.ts'

export interface ListAction {
  /** Member of the answer that holds the items. */
  result: string
  items(account: Account): Json[]
  /** Member that names an item. */
  key: string
  /** Parameter that lists ids, where an item has its own, and the error for one that is not there; null: there is none. */
  ids: { parameter: string; path: string; notFound: string; withMaxResults: boolean } | null
  /** Null: the action takes no filters at all. */
  filters: FilterPaths | null
  tags: 'Tags' | 'TagSet' | null
  /** Bounds of `MaxResults`; the upper one is the page of who does not say. `capped`: more is not refused. */
  maxResults: { min: number; max: number; capped: boolean }
  /** Further parameters that the action knows and this lab does not heed. */
  ignored: readonly string[]
}

const paths = (text: string): FilterPaths =>
  Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line) => {
        const [name = '', path = ''] = line.trim().split(/\s+/u)
        return [name, path]
      }),
  )

const action = (
  result: string,
  key: string,
  more: Partial<ListAction> & Pick<ListAction, 'items'>,
): ListAction => ({
  result,
  key,
  ids: null,
  filters: {},
  tags: 'Tags',
  maxResults: { min: 5, max: 1000, capped: false },
  ignored: [],
  ...more,
})

const ids = (
  parameter: string,
  notFound: string,
  more: { path?: string; withMaxResults?: boolean } = {},
) => ({
  parameter,
  path: parameter,
  notFound,
  withMaxResults: true,
  ...more,
})

const capped = { min: 1, max: 1000, capped: true }

export const listActions: Readonly<Record<string, ListAction>> = {
  DescribeRouteTables: action('RouteTables', 'RouteTableId', {
    items: (account) => account.file('describe-route-tables.json', 'RouteTables'),
    ids: ids('RouteTableId', 'InvalidRouteTableID.NotFound'),
    maxResults: { min: 5, max: 100, capped: false },
    filters: paths(`
      association.gateway-id                        Associations.GatewayId
      association.main                              Associations.Main
      association.route-table-association-id        Associations.RouteTableAssociationId
      association.route-table-id                    Associations.RouteTableId
      association.subnet-id                         Associations.SubnetId
      owner-id                                      OwnerId
      route-table-id                                RouteTableId
      route.destination-cidr-block                  Routes.DestinationCidrBlock
      route.destination-ipv6-cidr-block             Routes.DestinationIpv6CidrBlock
      route.destination-prefix-list-id              Routes.DestinationPrefixListId
      route.egress-only-internet-gateway-id         Routes.EgressOnlyInternetGatewayId
      route.gateway-id                              Routes.GatewayId
      route.instance-id                             Routes.InstanceId
      route.nat-gateway-id                          Routes.NatGatewayId
      route.origin                                  Routes.Origin
      route.state                                   Routes.State
      route.transit-gateway-id                      Routes.TransitGatewayId
      route.vpc-peering-connection-id               Routes.VpcPeeringConnectionId
      vpc-id                                        VpcId`),
  }),
  DescribeVpcEndpoints: action('VpcEndpoints', 'VpcEndpointId', {
    items: (account) => account.file('describe-vpc-endpoints.json', 'VpcEndpoints'),
    ids: ids('VpcEndpointId', 'InvalidVpcEndpointId.NotFound'),
    maxResults: capped,
    filters: paths(`
      ip-address-type                               IpAddressType
      service-name                                  ServiceName
      service-region                                ServiceRegion
      vpc-endpoint-id                               VpcEndpointId
      vpc-endpoint-state                            State
      vpc-endpoint-type                             VpcEndpointType
      vpc-id                                        VpcId`),
  }),
  DescribeSubnets: action('Subnets', 'SubnetId', {
    items: (account) => account.file('describe-subnets.json', 'Subnets'),
    ids: ids('SubnetId', 'InvalidSubnetID.NotFound'),
    filters: paths(`
      availability-zone                             AvailabilityZone
      availabilityZone                              AvailabilityZone
      availability-zone-id                          AvailabilityZoneId
      availabilityZoneId                            AvailabilityZoneId
      available-ip-address-count                    AvailableIpAddressCount
      cidr-block                                    CidrBlock
      cidr                                          CidrBlock
      cidrBlock                                     CidrBlock
      customer-owned-ipv4-pool                      CustomerOwnedIpv4Pool
      default-for-az                                DefaultForAz
      defaultForAz                                  DefaultForAz
      enable-dns64                                  EnableDns64
      enable-lni-at-device-index                    EnableLniAtDeviceIndex
      ipv6-cidr-block-association.association-id    Ipv6CidrBlockAssociationSet.AssociationId
      ipv6-cidr-block-association.ipv6-cidr-block   Ipv6CidrBlockAssociationSet.Ipv6CidrBlock
      ipv6-cidr-block-association.state             Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State
      ipv6-native                                   Ipv6Native
      map-customer-owned-ip-on-launch               MapCustomerOwnedIpOnLaunch
      map-public-ip-on-launch                       MapPublicIpOnLaunch
      outpost-arn                                   OutpostArn
      owner-id                                      OwnerId
      state                                         State
      subnet-arn                                    SubnetArn
      subnet-id                                     SubnetId
      vpc-id                                        VpcId`),
  }),
  DescribeNetworkInterfaces: action('NetworkInterfaces', 'NetworkInterfaceId', {
    items: (account) => account.file('describe-network-interfaces.json', 'NetworkInterfaces'),
    ids: ids('NetworkInterfaceId', 'InvalidNetworkInterfaceID.NotFound', { withMaxResults: false }),
    tags: 'TagSet',
    ignored: ['IncludeManagedResources'],
    filters: paths(`
      addresses.association.owner-id                PrivateIpAddresses.Association.IpOwnerId
      addresses.association.public-ip               PrivateIpAddresses.Association.PublicIp
      addresses.primary                             PrivateIpAddresses.Primary
      addresses.private-ip-address                  PrivateIpAddresses.PrivateIpAddress
      association.allocation-id                     Association.AllocationId
      association.association-id                    Association.AssociationId
      association.ip-owner-id                       Association.IpOwnerId
      association.public-dns-name                   Association.PublicDnsName
      association.public-ip                         Association.PublicIp
      attachment.attach-time                        Attachment.AttachTime
      attachment.attachment-id                      Attachment.AttachmentId
      attachment.delete-on-termination              Attachment.DeleteOnTermination
      attachment.device-index                       Attachment.DeviceIndex
      attachment.instance-id                        Attachment.InstanceId
      attachment.instance-owner-id                  Attachment.InstanceOwnerId
      attachment.status                             Attachment.Status
      availability-zone                             AvailabilityZone
      availability-zone-id                          AvailabilityZoneId
      description                                   Description
      group-id                                      Groups.GroupId
      interface-type                                InterfaceType
      ipv6-addresses.ipv6-address                   Ipv6Addresses.Ipv6Address
      mac-address                                   MacAddress
      network-interface-id                          NetworkInterfaceId
      operator.managed                              Operator.Managed
      operator.principal                            Operator.Principal
      owner-id                                      OwnerId
      private-dns-name                              PrivateDnsName
      private-ip-address                            PrivateIpAddress
      requester-id                                  RequesterId
      requester-managed                             RequesterManaged
      source-dest-check                             SourceDestCheck
      status                                        Status
      subnet-id                                     SubnetId
      vpc-id                                        VpcId`),
  }),
  DescribeManagedPrefixLists: action('PrefixLists', 'PrefixListId', {
    items: (account) => account.file('describe-managed-prefix-lists.json', 'PrefixLists'),
    ids: ids('PrefixListId', 'InvalidPrefixListID.NotFound'),
    tags: null,
    maxResults: { min: 1, max: 100, capped: false },
    filters: paths(`
      owner-id                                      OwnerId
      prefix-list-id                                PrefixListId
      prefix-list-name                              PrefixListName`),
  }),
  DescribePrefixLists: action('PrefixLists', 'PrefixListId', {
    items: (account) => account.file('describe-prefix-lists.json', 'PrefixLists'),
    ids: ids('PrefixListId', 'InvalidPrefixListId.NotFound'),
    tags: null,
    maxResults: capped,
    filters: paths(`
      prefix-list-id                                PrefixListId
      prefix-list-name                              PrefixListName`),
  }),
  DescribeNatGateways: action('NatGateways', 'NatGatewayId', {
    items: (account) => account.file('describe-nat-gateways.json', 'NatGateways'),
    ids: ids('NatGatewayId', 'NatGatewayNotFound'),
    filters: paths(`
      nat-gateway-id                                NatGatewayId
      state                                         State
      subnet-id                                     SubnetId
      vpc-id                                        VpcId`),
  }),
  DescribeVpcs: action('Vpcs', 'VpcId', {
    items: (account) => account.file('describe-vpcs.json', 'Vpcs'),
    ids: ids('VpcId', 'InvalidVpcID.NotFound'),
    filters: paths(`
      cidr                                          CidrBlock
      cidr-block-association.association-id         CidrBlockAssociationSet.AssociationId
      cidr-block-association.cidr-block             CidrBlockAssociationSet.CidrBlock
      cidr-block-association.state                  CidrBlockAssociationSet.CidrBlockState.State
      dhcp-options-id                               DhcpOptionsId
      ipv6-cidr-block-association.association-id    Ipv6CidrBlockAssociationSet.AssociationId
      ipv6-cidr-block-association.ipv6-cidr-block   Ipv6CidrBlockAssociationSet.Ipv6CidrBlock
      ipv6-cidr-block-association.ipv6-pool         Ipv6CidrBlockAssociationSet.Ipv6Pool
      ipv6-cidr-block-association.state             Ipv6CidrBlockAssociationSet.Ipv6CidrBlockState.State
      is-default                                    IsDefault
      owner-id                                      OwnerId
      state                                         State
      vpc-id                                        VpcId`),
  }),
  DescribeVpcPeeringConnections: action('VpcPeeringConnections', 'VpcPeeringConnectionId', {
    items: (account) => account.file('describe-vpc-peering-connections.json', 'VpcPeeringConnections'),
    ids: ids('VpcPeeringConnectionId', 'InvalidVpcPeeringConnectionID.NotFound'),
    filters: paths(`
      accepter-vpc-info.cidr-block                  AccepterVpcInfo.CidrBlock
      accepter-vpc-info.owner-id                    AccepterVpcInfo.OwnerId
      accepter-vpc-info.vpc-id                      AccepterVpcInfo.VpcId
      expiration-time                               ExpirationTime
      requester-vpc-info.cidr-block                 RequesterVpcInfo.CidrBlock
      requester-vpc-info.owner-id                   RequesterVpcInfo.OwnerId
      requester-vpc-info.vpc-id                     RequesterVpcInfo.VpcId
      status-code                                   Status.Code
      status-message                                Status.Message
      vpc-peering-connection-id                     VpcPeeringConnectionId`),
  }),
  DescribeFlowLogs: action('FlowLogs', 'FlowLogId', {
    items: (account) => account.file('describe-flow-logs.json', 'FlowLogs'),
    ids: ids('FlowLogId', 'InvalidFlowLogId.NotFound'),
    maxResults: capped,
    filters: paths(`
      deliver-log-status                            DeliverLogsStatus
      flow-log-id                                   FlowLogId
      log-destination-type                          LogDestinationType
      log-group-name                                LogGroupName
      resource-id                                   ResourceId
      traffic-type                                  TrafficType`),
  }),
  DescribeInternetGateways: action('InternetGateways', 'InternetGatewayId', {
    items: (account) => account.file('describe-internet-gateways.json', 'InternetGateways'),
    ids: ids('InternetGatewayId', 'InvalidInternetGatewayID.NotFound'),
    filters: paths(`
      attachment.state                              Attachments.State
      attachment.vpc-id                             Attachments.VpcId
      internet-gateway-id                           InternetGatewayId
      owner-id                                      OwnerId`),
  }),
  DescribeEgressOnlyInternetGateways: action('EgressOnlyInternetGateways', 'EgressOnlyInternetGatewayId', {
    items: (account) => account.egressOnlyGateways(),
    ids: ids('EgressOnlyInternetGatewayId', 'InvalidEgressOnlyInternetGatewayId.NotFound'),
    maxResults: { min: 5, max: 255, capped: false },
  }),
  DescribeVpcBlockPublicAccessExclusions: action('VpcBlockPublicAccessExclusions', 'ExclusionId', {
    items: () => [],
    ids: ids('ExclusionId', 'InvalidVpcBlockPublicAccessExclusionId.NotFound'),
    maxResults: { min: 5, max: 1000, capped: false },
  }),
  DescribeVpcEndpointServices: action('ServiceDetails', 'ServiceId', {
    items: (account) => account.endpointServices(),
    ids: ids('ServiceName', 'InvalidServiceName'),
    maxResults: capped,
    ignored: ['ServiceRegion'],
    filters: paths(`
      owner                                         Owner
      service-name                                  ServiceName
      service-region                                ServiceRegion
      service-type                                  ServiceType.ServiceType
      supported-ip-address-types                    SupportedIpAddressTypes`),
  }),
  DescribeInstances: action('Reservations', 'ReservationId', {
    items: (account) => account.reservations(),
    ids: ids('InstanceId', 'InvalidInstanceID.NotFound', {
      path: 'Instances.InstanceId',
      withMaxResults: false,
    }),
    ignored: ['IncludeManagedResources'],
    filters: paths(`
      availability-zone                             Instances.Placement.AvailabilityZone
      instance-id                                   Instances.InstanceId
      instance-state-name                           Instances.State.Name
      ip-address                                    Instances.PublicIpAddress
      network-interface.network-interface-id        Instances.NetworkInterfaces.NetworkInterfaceId
      network-interface.private-ip-address          Instances.NetworkInterfaces.PrivateIpAddress
      network-interface.subnet-id                   Instances.NetworkInterfaces.SubnetId
      network-interface.vpc-id                      Instances.NetworkInterfaces.VpcId
      owner-id                                      OwnerId
      private-ip-address                            Instances.PrivateIpAddress
      reservation-id                                ReservationId
      source-dest-check                             Instances.SourceDestCheck
      subnet-id                                     Instances.SubnetId
      vpc-id                                        Instances.VpcId`),
  }),
  GetManagedPrefixListEntries: action('Entries', 'Cidr', {
    items: () => [],
    filters: null,
    maxResults: { min: 1, max: 100, capped: false },
    ignored: ['PrefixListId', 'TargetVersion'],
  }),
}

/** Actions that give one thing. */
export const singleActions = ['DescribeVpcAttribute', 'DescribeVpcBlockPublicAccessOptions'] as const

/** Every action of EC2 that the lab knows. */
export const ec2Actions: readonly string[] = [...Object.keys(listActions), ...singleActions]
