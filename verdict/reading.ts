import type { Snapshot, SnapshotLimits, SnapshotPart } from '../model/topology.ts'

/**
 * A snapshot as it may be used for one attempt: parts that were not read, are undated or were too old
 * at the attempt are emptied, so that no rule can lean on them.
 */
export interface Reading {
  snapshot: Snapshot
  /** True if the part is evidence for this attempt. */
  has(part: SnapshotPart): boolean
  /** Why a part is no evidence; for `wouldDecide`. */
  lacking: { part: SnapshotPart; because: string }[]
}

/** Which call and permission each part needs, and the file that holds it in a snapshot directory. */
export const partSources: Record<SnapshotPart, { permission: string; file: string }> = {
  routeTables: { permission: 'ec2:DescribeRouteTables', file: 'describe-route-tables.json' },
  endpoints: { permission: 'ec2:DescribeVpcEndpoints', file: 'describe-vpc-endpoints.json' },
  subnets: { permission: 'ec2:DescribeSubnets', file: 'describe-subnets.json' },
  networkInterfaces: {
    permission: 'ec2:DescribeNetworkInterfaces',
    file: 'describe-network-interfaces.json',
  },
  prefixLists: {
    permission: 'ec2:DescribeManagedPrefixLists and ec2:GetManagedPrefixListEntries',
    file: 'describe-managed-prefix-lists.json',
  },
  natGateways: { permission: 'ec2:DescribeNatGateways', file: 'describe-nat-gateways.json' },
  vpcs: { permission: 'ec2:DescribeVpcs', file: 'describe-vpcs.json' },
  peerings: {
    permission: 'ec2:DescribeVpcPeeringConnections',
    file: 'describe-vpc-peering-connections.json',
  },
  flowLogs: { permission: 'ec2:DescribeFlowLogs', file: 'describe-flow-logs.json' },
  internetGateways: {
    permission: 'ec2:DescribeInternetGateways',
    file: 'describe-internet-gateways.json',
  },
}

function tooOld(atMs: number, attemptAtMs: number, limitSeconds: number): boolean {
  // A later reading is never too old: it can only widen what an earlier one left.
  return (attemptAtMs - atMs) / 1000 > limitSeconds
}

/** Why `part` is no evidence at `attemptAtMs` (Unix milliseconds), or null if it is. */
export function whyUnusable(
  snapshot: Snapshot,
  part: SnapshotPart,
  attemptAtMs: number,
  limits: SnapshotLimits,
  isFirst = false,
): string | null {
  const status = snapshot.parts[part]
  if (!status.read) {
    return status.reason === 'missing' ? `${partSources[part].file} was not read` : status.detail
  }
  if (status.atMs === null) return `${partSources[part].file} is undated`
  if (isFirst && status.atMs > attemptAtMs) return `${partSources[part].file} is dated after the attempt`
  const limit = part === 'routeTables' ? limits.routeTablesMaxAgeSeconds : limits.otherMaxAgeSeconds
  if (tooOld(status.atMs, attemptAtMs, limit)) {
    const age = Math.round((attemptAtMs - status.atMs) / 1000)
    return `${partSources[part].file} was ${age} s old, older than ${limit} s`
  }
  return null
}

/**
 * The reading of `snapshot` that an attempt at `attemptAtMs` may lean on. `isFirst`: it is the one that was newest when the
 * attempt began, so a part that is dated later bears the date of another clock and may be of any age.
 */
export function readingAt(
  snapshot: Snapshot,
  attemptAtMs: number,
  limits: SnapshotLimits,
  isFirst = false,
): Reading {
  const lacking: Reading['lacking'] = []
  for (const part of Object.keys(snapshot.parts) as SnapshotPart[]) {
    const because = whyUnusable(snapshot, part, attemptAtMs, limits, isFirst)
    if (because !== null) lacking.push({ part, because })
  }
  const gone = new Set(lacking.map((l) => l.part))
  const has = (part: SnapshotPart) => !gone.has(part)
  const staleList = (atMs: number | null) =>
    atMs === null || (isFirst && atMs > attemptAtMs) || tooOld(atMs, attemptAtMs, limits.otherMaxAgeSeconds)
  const keep = <T>(part: SnapshotPart, items: T[]): T[] => (has(part) ? items : [])
  return {
    has,
    lacking,
    snapshot:
      gone.size === 0 && !snapshot.prefixLists.some((l) => l.entries !== null && staleList(l.atMs))
        ? snapshot
        : {
            ...snapshot,
            routeTables: keep('routeTables', snapshot.routeTables),
            endpoints: keep('endpoints', snapshot.endpoints),
            subnets: keep('subnets', snapshot.subnets),
            networkInterfaces: keep('networkInterfaces', snapshot.networkInterfaces),
            // A list that is too old still exists: what is in it is unknown, not nothing.
            prefixLists: snapshot.prefixLists.map((l) =>
              has('prefixLists') && !staleList(l.atMs) ? l : { ...l, entries: null, complete: false },
            ),
            natGateways: keep('natGateways', snapshot.natGateways),
            vpcs: keep('vpcs', snapshot.vpcs),
            peerings: keep('peerings', snapshot.peerings),
            flowLogs: keep('flowLogs', snapshot.flowLogs),
            internetGateways: keep('internetGateways', snapshot.internetGateways),
          },
  }
}

/**
 * The readings that an attempt is judged on, in the order given: the first is the one that was newest when
 * the attempt began, the others came after it and can only widen what it left. If even the first was begun
 * after the attempt there is none: nobody knew then what it says.
 */
export function readingsFor(
  snapshots: readonly Snapshot[],
  attemptAtMs: number,
  limits: SnapshotLimits,
): Reading[] {
  const [base] = snapshots
  if (base === undefined) return []
  const tables = base.parts.routeTables
  if (tables.read && tables.atMs !== null && tables.atMs > attemptAtMs) return []
  return snapshots.map((s, index) => readingAt(s, attemptAtMs, limits, index === 0))
}
