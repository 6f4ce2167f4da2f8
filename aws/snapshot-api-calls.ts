import { awsListsCall, entriesCall, partCalls } from './snapshot-decode-calls.ts'
import type { SnapshotPart } from '../model/topology.ts'
import type { AwsCall } from './snapshot-decode-calls.ts'

/** The EC2 actions by which an account is read, as they stand on the wire (`Action=`) and behind `ec2:` in a policy. */
export const ec2Actions = [
  'DescribeRouteTables',
  'DescribeVpcEndpoints',
  'DescribeSubnets',
  'DescribeNetworkInterfaces',
  'DescribeManagedPrefixLists',
  'GetManagedPrefixListEntries',
  'DescribeNatGateways',
  'DescribeVpcs',
  'DescribeVpcPeeringConnections',
  'DescribeFlowLogs',
  'DescribeInternetGateways',
] as const

/** The actions by which the facts are read that only the posture checks need. */
export const postureActions = [
  'DescribeEgressOnlyInternetGateways',
  'DescribeVpcBlockPublicAccessOptions',
  'DescribeVpcBlockPublicAccessExclusions',
] as const

export type Ec2Action = (typeof ec2Actions)[number] | (typeof postureActions)[number]

/**
 * Route tables are read more often than everything else (`rest`). `others`: what is asked of a further account, which is
 * only read for the endpoints that it owns.
 */
export type WantedParts = 'routeTables' | 'rest' | 'all' | 'others'

/** Whose an address is in another account: its endpoints with their interfaces, and the ranges of its VPCs. */
const partsOfOthers: readonly SnapshotPart[] = ['endpoints', 'networkInterfaces', 'vpcs']

/** Whether a reading of `parts` is one of `part` as well. */
export function isWanted(part: SnapshotPart, parts: WantedParts): boolean {
  if (parts === 'others') return partsOfOthers.includes(part)
  return parts === 'all' || (part === 'routeTables') === (parts === 'routeTables')
}

/** One paged call: what is asked, and the file of a snapshot directory that its answer is. */
export interface PagedCall {
  part: SnapshotPart
  action: Ec2Action
  call: AwsCall
  /** Without `MaxResults` and `NextToken`. Where there are several, AWS takes only one of the filters at a time. */
  inputs: Record<string, unknown>[]
  maxResults: number
}

/** `MaxResults` of each action: the most that its API page allows, for the fewest calls. */
const pageSizes: Readonly<Record<(typeof ec2Actions)[number], number>> = {
  DescribeRouteTables: 100,
  DescribeVpcEndpoints: 1000,
  DescribeSubnets: 1000,
  DescribeNetworkInterfaces: 1000,
  DescribeManagedPrefixLists: 100,
  GetManagedPrefixListEntries: 100,
  DescribeNatGateways: 1000,
  DescribeVpcs: 1000,
  DescribeVpcPeeringConnections: 1000,
  DescribeFlowLogs: 1000,
  DescribeInternetGateways: 1000,
}

const actionOf = (call: AwsCall): (typeof ec2Actions)[number] => {
  const action = ec2Actions.find((name) => `ec2:${name}` === call.permission)
  if (action === undefined) throw new Error(`no EC2 action for ${call.permission}`)
  return action
}

/** A filter takes at most 200 values (EC2 API, "Filter"). */
const mostValues = 200

const filter = (name: string, values: readonly string[]) => ({
  Name: name,
  Values: values.slice(0, mostValues),
})

/** What a filter by VPC is called; two actions spell the parameter itself in the singular. */
const filters: Partial<Record<SnapshotPart, { parameter: 'Filter' | 'Filters'; names: string[] }>> = {
  routeTables: { parameter: 'Filters', names: ['vpc-id'] },
  endpoints: { parameter: 'Filters', names: ['vpc-id'] },
  subnets: { parameter: 'Filters', names: ['vpc-id'] },
  networkInterfaces: { parameter: 'Filters', names: ['vpc-id'] },
  natGateways: { parameter: 'Filter', names: ['vpc-id'] },
  // filters of different names must all match, so each side of a peering is asked on its own
  peerings: { parameter: 'Filters', names: ['requester-vpc-info.vpc-id', 'accepter-vpc-info.vpc-id'] },
  internetGateways: { parameter: 'Filters', names: ['attachment.vpc-id'] },
}

/**
 * The call for one part, filtered by `vpcIds` (none: the whole region). VPCs are always read all, for an address in any of
 * them counts as private; flow logs too, for they can be of a VPC, a subnet or an interface; prefix lists have no VPC.
 */
export function callFor(part: SnapshotPart, vpcIds: readonly string[]): PagedCall {
  const call = partCalls[part]
  const action = actionOf(call)
  const by = vpcIds.length === 0 ? undefined : filters[part]
  const inputs = by?.names.map((name) => ({ [by.parameter]: [filter(name, vpcIds)] })) ?? [{}]
  return { part, action, call, inputs, maxResults: pageSizes[action] }
}

/** The call for the entries of one prefix list. */
export function callForEntries(listId: string): PagedCall {
  const call = entriesCall(listId)
  const action = actionOf(call)
  return {
    part: 'prefixLists',
    action,
    call,
    inputs: [{ PrefixListId: listId }],
    maxResults: pageSizes[action],
  }
}

/** The actions that a role of a further account must allow, and no other. */
export const actionsOfOthers: readonly Ec2Action[] = partsOfOthers.map((part) => callFor(part, []).action)

/** File names that a reading of the account writes or takes away: all that belong to a snapshot directory. */
export const snapshotFileNames: readonly string[] = [...Object.values(partCalls), awsListsCall].map(
  (call) => call.file,
)
