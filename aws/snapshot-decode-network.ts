import type {
  InterfaceAddress,
  InternetGateway,
  NetworkInterface,
  Peering,
  PeeringSide,
  Subnet,
  Vpc,
} from '../model/topology.ts'
import type { Fields } from './snapshot-decode-fields.ts'

const isText = (text: string | null): text is string => text !== null
const unique = (texts: (string | null)[]): string[] => [...new Set(texts.filter(isText))]

/**
 * CIDRs of an association set. One that is coming, going or in a state not known counts as well: addresses in it may
 * still be routed inside the VPC, and to take such an address for a foreign one would eliminate more than is known.
 * Only what never was or is no more (`failed`, `disassociated`) is left out.
 */
function associatedCidrs(entry: Fields, set: string, cidrField: string, stateField: string, family: 4 | 6) {
  return entry.objects(set).flatMap((association) => {
    const state = association.object(stateField)?.word('State') ?? 'associated'
    const cidr = association.cidr(cidrField, family)
    if (cidr === null) {
      if (!association.damaged()) association.damage(cidrField, 'nothing stands here', 'a CIDR')
      return []
    }
    return state === 'failed' || state === 'disassociated' ? [] : [cidr]
  })
}

const ipv6Cidrs = (entry: Fields): string[] =>
  unique(associatedCidrs(entry, 'Ipv6CidrBlockAssociationSet', 'Ipv6CidrBlock', 'Ipv6CidrBlockState', 6))

/** One element of `Vpcs`. */
export function decodeVpc(entry: Fields): Vpc {
  return {
    id: entry.requiredWord('VpcId'),
    ownerId: entry.word('OwnerId'),
    ipv4Cidrs: unique([
      entry.cidr('CidrBlock', 4),
      ...associatedCidrs(entry, 'CidrBlockAssociationSet', 'CidrBlock', 'CidrBlockState', 4),
    ]),
    ipv6Cidrs: ipv6Cidrs(entry),
  }
}

/** One element of `Subnets`. */
export function decodeSubnet(entry: Fields): Subnet {
  return {
    id: entry.requiredWord('SubnetId'),
    vpcId: entry.requiredWord('VpcId'),
    ownerId: entry.word('OwnerId'),
    ipv4Cidr: entry.cidr('CidrBlock', 4),
    ipv6Cidrs: ipv6Cidrs(entry),
    availabilityZone: entry.word('AvailabilityZone'),
  }
}

/** The public address of an `Association`; one that names no address of any kind damages the item. */
function publicAddress(entry: Fields): string | null {
  const association = entry.object('Association')
  if (association === null) return null
  const found = association.ip('PublicIp', 4) ?? association.ip('CarrierIp', 4)
  if (found === null && association.ip('CustomerOwnedIp', 4) === null && !association.damaged()) {
    association.damage('PublicIp', 'the association names no address', 'PublicIp')
  }
  return found
}

function interfaceAddresses(entry: Fields): InterfaceAddress[] {
  const primary = entry.ip('PrivateIpAddress', 4)
  const ofPrimary = publicAddress(entry)
  const listed = entry.objects('PrivateIpAddresses').flatMap((item): InterfaceAddress[] => {
    const address = item.ip('PrivateIpAddress', 4)
    const associated = publicAddress(item)
    if (address === null) {
      if (!item.damaged()) item.damage('PrivateIpAddress', 'nothing stands here', 'an IPv4 address')
      return []
    }
    const isPrimary = item.flag('Primary') ?? address === primary
    return [
      { address, primary: isPrimary, publicAddress: associated ?? (address === primary ? ofPrimary : null) },
    ]
  })
  if (primary !== null && !listed.some((item) => item.address === primary)) {
    listed.unshift({ address: primary, primary: true, publicAddress: ofPrimary })
  }
  return listed
}

function required(entries: Fields[], read: (entry: Fields) => string | null, field: string): string[] {
  return entries.flatMap((entry) => {
    const found = read(entry)
    if (found === null && !entry.damaged()) entry.damage(field, 'nothing stands here', 'an address or prefix')
    return found === null ? [] : [found]
  })
}

/** One element of `NetworkInterfaces`. */
export function decodeNetworkInterface(entry: Fields): NetworkInterface {
  return {
    id: entry.requiredWord('NetworkInterfaceId'),
    vpcId: entry.requiredWord('VpcId'),
    subnetId: entry.requiredWord('SubnetId'),
    macAddress: (entry.word('MacAddress') ?? '').toLowerCase().replaceAll('-', ':'),
    ipv4: interfaceAddresses(entry),
    ipv6: unique([
      ...required(entry.objects('Ipv6Addresses'), (item) => item.ip('Ipv6Address', 6), 'Ipv6Address'),
      entry.ip('Ipv6Address', 6),
    ]),
    ipv4Prefixes: required(entry.objects('Ipv4Prefixes'), (item) => item.cidr('Ipv4Prefix', 4), 'Ipv4Prefix'),
    ipv6Prefixes: required(entry.objects('Ipv6Prefixes'), (item) => item.cidr('Ipv6Prefix', 6), 'Ipv6Prefix'),
    interfaceType: entry.word('InterfaceType') ?? '',
    status: (entry.word('Status') ?? '').toLowerCase(),
    requesterManaged: entry.flag('RequesterManaged') ?? false,
    instanceId: entry.object('Attachment')?.word('InstanceId') ?? null,
    ownerId: entry.word('OwnerId'),
  }
}

function peeringSide(entry: Fields, name: string, active: boolean): PeeringSide {
  const side = entry.object(name)
  if (side === null) {
    entry.damage(name, 'nothing stands here', 'the VPC of this side')
    return { vpcId: '', ownerId: null, region: null, ipv4Cidrs: [], ipv6Cidrs: [] }
  }
  const decoded: PeeringSide = {
    vpcId: side.requiredWord('VpcId'),
    ownerId: side.word('OwnerId'),
    region: side.word('Region'),
    ipv4Cidrs: unique([
      side.cidr('CidrBlock', 4),
      ...required(side.objects('CidrBlockSet'), (item) => item.cidr('CidrBlock', 4), 'CidrBlock'),
    ]),
    ipv6Cidrs: unique(
      required(side.objects('Ipv6CidrBlockSet'), (item) => item.cidr('Ipv6CidrBlock', 6), 'Ipv6CidrBlock'),
    ),
  }
  // "in no range of a peer" is said of all ranges or of none
  if (active && decoded.ipv4Cidrs.length + decoded.ipv6Cidrs.length === 0 && !side.damaged()) {
    side.damage('CidrBlock', 'an active peering without any address range', 'the ranges of this side')
  }
  return decoded
}

/** One element of `VpcPeeringConnections`. */
export function decodePeering(entry: Fields): Peering {
  const reason = entry.object('Status')
  if (reason === null) entry.damage('Status', 'nothing stands here', 'the status of the peering')
  const status = (reason?.requiredWord('Code') ?? '').toLowerCase()
  const active = status === 'active'
  return {
    id: entry.requiredWord('VpcPeeringConnectionId'),
    status,
    requester: peeringSide(entry, 'RequesterVpcInfo', active),
    accepter: peeringSide(entry, 'AccepterVpcInfo', active),
  }
}

/** One element of `InternetGateways`. An attachment in any state but `detached` counts. */
export function decodeInternetGateway(entry: Fields): InternetGateway {
  return {
    id: entry.requiredWord('InternetGatewayId'),
    vpcIds: entry.objects('Attachments').flatMap((attachment) => {
      const vpcId = attachment.requiredWord('VpcId')
      return vpcId === '' || attachment.word('State') === 'detached' ? [] : [vpcId]
    }),
  }
}
