import type { Ec2Api } from '../../aws/clients.ts'
import { readAccount } from '../../aws/snapshot-api.ts'
import { concurrency } from '../../agent/account/snapshot-reader.ts'
import type { WantedParts } from '../../aws/snapshot-api-calls.ts'

const vpc = 'vpc-0a000001'

/** AWS's own lists of a region: S3 and DynamoDB in both families, S3 Express. */
const lists = ['s3', 'dynamodb', 'ipv6.s3', 'ipv6.dynamodb', 's3express'].map((service, n) => ({
  PrefixListId: `pl-0000000${n}`,
  PrefixListName: `com.amazonaws.us-east-1.${service}`,
  OwnerId: 'AWS',
}))

const answers: Readonly<Record<string, object>> = {
  DescribeRouteTables: {
    RouteTables: [
      {
        VpcId: vpc,
        Routes: lists.slice(0, 2).map(({ PrefixListId }) => ({ DestinationPrefixListId: PrefixListId })),
      },
    ],
  },
  DescribeVpcEndpoints: { VpcEndpoints: [] },
  DescribeSubnets: { Subnets: [{ VpcId: vpc }] },
  DescribeNetworkInterfaces: { NetworkInterfaces: [{ VpcId: vpc }] },
  DescribeManagedPrefixLists: { PrefixLists: lists },
  GetManagedPrefixListEntries: { Entries: [] },
  DescribeNatGateways: { NatGateways: [] },
  DescribeVpcs: { Vpcs: [{ VpcId: vpc, OwnerId: '111122223333' }] },
  DescribeVpcPeeringConnections: { VpcPeeringConnections: [] },
  DescribeFlowLogs: { FlowLogs: [] },
  DescribeInternetGateways: { InternetGateways: [] },
  DescribeEgressOnlyInternetGateways: { EgressOnlyInternetGateways: [] },
  DescribeVpcBlockPublicAccessOptions: { VpcBlockPublicAccessOptions: {} },
  DescribeVpcBlockPublicAccessExclusions: { VpcBlockPublicAccessExclusions: [] },
}

/** The actions that one reading of the account calls, in their order: the agent's own reader is run, and writes them down. */
export async function callsOf(parts: WantedParts, posture: boolean): Promise<string[]> {
  const called: string[] = []
  const api: Ec2Api = {
    call(action) {
      called.push(action)
      return Promise.resolve({ ok: true, output: { ...answers[action] }, attempts: 1 })
    },
    close: () => undefined,
  }
  const { signal } = new AbortController()
  const { failures } = await readAccount(
    {
      region: 'us-east-1',
      vpcIds: [vpc],
      parts,
      prefixListIds: [],
      posture,
      callSeconds: 20,
      deadlineSeconds: 60,
      concurrency,
    },
    { api, account: '111122223333', wallMs: () => 0, signal },
  )
  if (failures.length > 0) throw new Error(`a reading of nothing fails: ${failures[0]?.detail ?? ''}`)
  return called
}
