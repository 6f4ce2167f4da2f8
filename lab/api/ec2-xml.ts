/**
 * From the JSON that the AWS CLI prints to the XML of EC2's Query API, version 2016-11-15. A member's element is its
 * name with a small first letter; lists have names of their own, and their members are called `item`. Source of the
 * names: EC2 API reference ("Data Types"), and botocore's `ec2/2016-11-15/service-2.json` (`locationName`).
 */
import { isJson, type Json } from './json.ts'
import { element, xmlText } from './xml.ts'

/** Lists: name in JSON → element. A list that is not here can't be sent, so a new one is noticed. */
const lists: Readonly<Record<string, string>> = {
  AssociatedSubnets: 'associatedSubnetSet',
  Associations: 'associationSet',
  AttachedAppliances: 'attachedApplianceSet',
  Attachments: 'attachmentSet',
  AvailabilityZoneIds: 'availabilityZoneIdSet',
  AvailabilityZones: 'availabilityZoneSet',
  BaseEndpointDnsNames: 'baseEndpointDnsNameSet',
  CidrBlockAssociationSet: 'cidrBlockAssociationSet',
  CidrBlockSet: 'cidrBlockSet',
  Cidrs: 'cidrSet',
  DnsEntries: 'dnsEntrySet',
  EgressOnlyInternetGateways: 'egressOnlyInternetGatewaySet',
  Entries: 'entrySet',
  FlowLogs: 'flowLogSet',
  Groups: 'groupSet',
  Instances: 'instancesSet',
  InternetGateways: 'internetGatewaySet',
  IpPrefixes: 'ipPrefixSet',
  Ipv4Prefixes: 'ipv4PrefixSet',
  Ipv6Addresses: 'ipv6AddressesSet',
  Ipv6CidrBlockAssociationSet: 'ipv6CidrBlockAssociationSet',
  Ipv6CidrBlockSet: 'ipv6CidrBlockSet',
  Ipv6Prefixes: 'ipv6PrefixSet',
  NatGatewayAddresses: 'natGatewayAddressSet',
  NatGateways: 'natGatewaySet',
  NetworkInterfaceIds: 'networkInterfaceIdSet',
  NetworkInterfaces: 'networkInterfaceSet',
  PrefixLists: 'prefixListSet',
  PrivateDnsNames: 'privateDnsNameSet',
  PrivateDnsSpecifiedDomains: 'privateDnsSpecifiedDomainSet',
  PrivateIpAddresses: 'privateIpAddressesSet',
  PropagatingVgws: 'propagatingVgwSet',
  Reservations: 'reservationSet',
  RouteTableIds: 'routeTableIdSet',
  RouteTables: 'routeTableSet',
  Routes: 'routeSet',
  SecurityGroups: 'groupSet',
  ServiceDetails: 'serviceDetailSet',
  ServiceNames: 'serviceNameSet',
  ServiceType: 'serviceType',
  SubnetIds: 'subnetIdSet',
  Subnets: 'subnetSet',
  SupportedIpAddressTypes: 'supportedIpAddressTypeSet',
  TagSet: 'tagSet',
  Tags: 'tagSet',
  VpcBlockPublicAccessExclusions: 'vpcBlockPublicAccessExclusionSet',
  VpcEndpoints: 'vpcEndpointSet',
  VpcPeeringConnections: 'vpcPeeringConnectionSet',
  Vpcs: 'vpcSet',
}

/** Members whose element is called otherwise inside one list only: `list.member`. */
const within: Readonly<Record<string, string>> = {
  'Instances.State': 'instanceState',
  'Instances.PublicIpAddress': 'ipAddress',
  'Instances.PublicDnsName': 'dnsName',
  'Instances.StateTransitionReason': 'reason',
}

const timestamps: ReadonlySet<string> = new Set([
  'AttachTime',
  'CreateTime',
  'CreationTime',
  'CreationTimestamp',
  'DeleteTime',
  'ExpirationTime',
  'LastUpdateTimestamp',
  'LaunchTime',
])

/** The elements of an object's members. Throws a `TypeError` on a list without a name here. */
export function ec2Xml(value: Json): string {
  return members(value, '')
}

function members(value: Json, list: string): string {
  return Object.entries(value)
    .map(([name, member]) => memberXml(name, member, list))
    .join('')
}

function memberXml(name: string, value: unknown, list: string): string {
  if (value === undefined || value === null) return ''
  if (Array.isArray(value)) {
    const wire = lists[name]
    if (wire === undefined) throw new TypeError(`no name is known for the list ${name}`)
    return element(wire, value.map((item) => element('item', content(item, name))).join(''))
  }
  const wire = within[`${list}.${name}`] ?? name.charAt(0).toLowerCase() + name.slice(1)
  const text = timestamps.has(name) && typeof value === 'string' ? wireTime(value) : content(value, name)
  return element(wire, text)
}

function content(value: unknown, list: string): string {
  if (isJson(value)) return members(value, list)
  return xmlText(String(value))
}

/** The CLI prints `2026-01-05T08:00:00+00:00`; on the wire it is `2026-01-05T08:00:00.000Z`. */
function wireTime(text: string): string {
  return new Date(text).toISOString()
}
