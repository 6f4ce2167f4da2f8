import type { SnapshotPart } from '../model/topology.ts'

/** An EC2 call whose answer is read: the file that holds it, the list it returns and the permission it needs. */
export interface AwsCall {
  file: string
  /** As the AWS CLI spells it. */
  command: string
  key: string
  permission: string
  /** Left out: a list stands at `key`; true: the one thing that there is. */
  single?: true
}

const call = (command: string, key: string, action: string): AwsCall => ({
  file: `${command}.json`,
  command,
  key,
  permission: `ec2:${action}`,
})

/** The call (and file) behind each part. Prefix lists have two further sources, below. */
export const partCalls: Readonly<Record<SnapshotPart, AwsCall>> = {
  routeTables: call('describe-route-tables', 'RouteTables', 'DescribeRouteTables'),
  endpoints: call('describe-vpc-endpoints', 'VpcEndpoints', 'DescribeVpcEndpoints'),
  subnets: call('describe-subnets', 'Subnets', 'DescribeSubnets'),
  networkInterfaces: call('describe-network-interfaces', 'NetworkInterfaces', 'DescribeNetworkInterfaces'),
  prefixLists: call('describe-managed-prefix-lists', 'PrefixLists', 'DescribeManagedPrefixLists'),
  natGateways: call('describe-nat-gateways', 'NatGateways', 'DescribeNatGateways'),
  vpcs: call('describe-vpcs', 'Vpcs', 'DescribeVpcs'),
  peerings: call(
    'describe-vpc-peering-connections',
    'VpcPeeringConnections',
    'DescribeVpcPeeringConnections',
  ),
  flowLogs: call('describe-flow-logs', 'FlowLogs', 'DescribeFlowLogs'),
  internetGateways: call('describe-internet-gateways', 'InternetGateways', 'DescribeInternetGateways'),
}

/** AWS's own lists with their CIDRs inline. */
export const awsListsCall: AwsCall = call('describe-prefix-lists', 'PrefixLists', 'DescribePrefixLists')

/** Directory of the files `<pl-id>.json` with the entries of one list each. */
export const listEntriesDirectory = 'get-managed-prefix-list-entries'

/** File name of the entries of one list; the list's id is the first group. */
export const listEntriesFile = /^get-managed-prefix-list-entries\/(pl-[A-Za-z0-9-]{1,64})\.json$/

/** The call that gives the entries of one list. */
export function entriesCall(id: string): AwsCall {
  return {
    file: `${listEntriesDirectory}/${id}.json`,
    command: `get-managed-prefix-list-entries --prefix-list-id ${id}`,
    key: 'Entries',
    permission: 'ec2:GetManagedPrefixListEntries',
  }
}
