import { redact } from '../model/redact.ts'
import type { FlowLog, NatGateway, VpcEndpoint } from '../model/topology.ts'
import type { Fields } from './snapshot-decode-fields.ts'

const lower = (text: string | null): string => (text ?? '').toLowerCase()

/** Policies are at most 20,480 characters; their text is kept for comparison, without control characters. */
const longestPolicy = 65_536

/** One element of `VpcEndpoints`. `Resource` and `ServiceNetwork` endpoints have no service name: it is empty then. */
export function decodeEndpoint(entry: Fields): VpcEndpoint {
  const type = entry.requiredWord('VpcEndpointType')
  const named = type === 'Gateway' || type === 'Interface' || type === 'GatewayLoadBalancer'
  const dnsOptions = entry.object('DnsOptions')
  return {
    id: entry.requiredWord('VpcEndpointId'),
    type,
    state: entry.requiredWord('State').toLowerCase(),
    serviceName: named ? entry.requiredWord('ServiceName') : (entry.word('ServiceName') ?? ''),
    serviceRegion: entry.word('ServiceRegion'),
    vpcId: entry.requiredWord('VpcId'),
    networkInterfaceIds: entry.words('NetworkInterfaceIds'),
    subnetIds: entry.words('SubnetIds'),
    routeTableIds: entry.words('RouteTableIds'),
    privateDnsEnabled: entry.flag('PrivateDnsEnabled') ?? false,
    privateDnsOnlyForInboundResolver: dnsOptions?.flag('PrivateDnsOnlyForInboundResolverEndpoint') ?? null,
    ipAddressType: entry.word('IpAddressType')?.toLowerCase() ?? null,
    dnsNames: entry.objects('DnsEntries').flatMap((name) => {
      const found = name.word('DnsName')
      return found === null ? [] : [found.toLowerCase().replace(/\.$/, '')]
    }),
    policy: entry.text('PolicyDocument', longestPolicy),
    ownerId: entry.word('OwnerId'),
  }
}

const isText = (text: string | null): text is string => text !== null

/** One element of `NatGateways`. Answers from before private and regional NAT gateways lack those fields: public, zonal. */
export function decodeNatGateway(entry: Fields): NatGateway {
  const addresses = entry.objects('NatGatewayAddresses')
  const subnetId = entry.word('SubnetId')
  return {
    id: entry.requiredWord('NatGatewayId'),
    vpcId: entry.requiredWord('VpcId'),
    subnetId,
    state: entry.requiredWord('State').toLowerCase(),
    connectivity: lower(entry.word('ConnectivityType') ?? 'public'),
    availability: lower(entry.word('AvailabilityMode') ?? (subnetId === null ? 'unknown' : 'zonal')),
    routeTableId: entry.word('RouteTableId'),
    privateAddresses: addresses.map((address) => address.ip('PrivateIp', 4)).filter(isText),
    publicAddresses: addresses.map((address) => address.ip('PublicIp', 4)).filter(isText),
    networkInterfaceIds: addresses.map((address) => address.word('NetworkInterfaceId')).filter(isText),
    // one being detached, or detached as far as the API knows, still counts: it may lie in the way
    attachedAppliances: entry
      .objects('AttachedAppliances')
      .map((appliance) => appliance.word('VpcEndpointId') ?? appliance.word('ApplianceArn') ?? 'unknown'),
  }
}

/** One element of `FlowLogs`. */
export function decodeFlowLog(entry: Fields): FlowLog {
  const error = entry.text('DeliverLogsErrorMessage', 300)
  const options = entry.object('DestinationOptions')
  return {
    id: entry.requiredWord('FlowLogId'),
    resourceId: entry.requiredWord('ResourceId'),
    status: entry.word('FlowLogStatus') ?? '',
    deliverStatus: entry.word('DeliverLogsStatus'),
    deliverError: error === null ? null : redact(error),
    trafficType: entry.word('TrafficType'),
    destinationType: entry.word('LogDestinationType'),
    destination: entry.text('LogDestination'),
    logGroupName: entry.text('LogGroupName'),
    logFormat: entry.text('LogFormat', 4000),
    maxAggregationSeconds: entry.number('MaxAggregationInterval'),
    fileFormat: options?.word('FileFormat') ?? null,
    hivePartitions: options?.flag('HiveCompatiblePartitions') ?? null,
    hourlyPartitions: options?.flag('PerHourPartition') ?? null,
  }
}
