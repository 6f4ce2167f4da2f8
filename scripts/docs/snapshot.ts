import { awsListsCall, entriesCall, partCalls } from '../../aws/snapshot-decode-calls.ts'
import { postureCalls } from '../../aws/posture-facts.ts'
import { ec2Actions, postureActions } from '../../aws/snapshot-api-calls.ts'
import type { PostureFacts, SnapshotPart } from '../../model/topology.ts'
import { code, fenced, table } from './markdown.ts'

/** What is undetermined without a part. The mapped type makes a missing line a compile error. */
const needed: Record<SnapshotPart, string> = {
  routeTables: 'all route evidence',
  endpoints: 'gateway and interface endpoints: what a `vpce-…` is',
  subnets: "the address of the VPC's router",
  networkInterfaces: "addresses of endpoints, public addresses of this host's interface",
  prefixLists: 'what a `pl-…` route holds',
  natGateways: 'what lies behind a NAT gateway',
  vpcs: 'which addresses are private',
  peerings: 'which addresses are private, endpoints beyond a peering',
  flowLogs: 'where flow records lie (`flow_logs`)',
  internetGateways: 'the posture check `no_internet_gateway`',
}

/** What the posture checks can't say without a fact. */
const neededByPosture: Record<keyof PostureFacts, string> = {
  egressOnlyGateways: 'the posture check `no_egress_only_gateway`',
  blockPublicAccess: 'the posture check `block_public_access`',
  exclusions: 'the same, where exclusions are allowed',
}

/** Every file of a snapshot directory, with its call, its permission, and what needs it. */
export function filesSection(): string {
  const entries = entriesCall('<id>')
  const rows = (Object.keys(partCalls) as SnapshotPart[]).flatMap((part) => {
    const { file, command, permission } = partCalls[part]
    const row = [code(file), code(`aws ec2 ${command}`), code(permission), needed[part]]
    if (part !== 'prefixLists') return [row]
    return [
      row,
      [
        code(entries.file),
        code(`aws ec2 ${entries.command}`),
        code(entries.permission),
        'the entries of each list',
      ],
      [
        code(awsListsCall.file),
        code(`aws ec2 ${awsListsCall.command}`),
        code(awsListsCall.permission),
        "AWS's own lists, where the two above are missing",
      ],
    ]
  })
  for (const fact of Object.keys(postureCalls) as (keyof PostureFacts)[]) {
    const { file, command, permission } = postureCalls[fact]
    rows.push([code(file), code(`aws ec2 ${command}`), code(permission), neededByPosture[fact]])
  }
  const manifest = [code('manifest.json'), 'written last', '', 'the dates of all the others']
  return table(['File', 'Call', 'Permission', 'Needed for'], [...rows, manifest])
}

/** A policy for the reading by API, and nothing more. */
export function policySection(): string {
  const statement = (actions: readonly string[]) => ({
    Effect: 'Allow',
    Action: actions.map((action) => `ec2:${action}`),
    Resource: '*',
  })
  const policy = { Version: '2012-10-17', Statement: [statement(ec2Actions), statement(postureActions)] }
  return fenced(JSON.stringify(policy, null, 2), 'json')
}
