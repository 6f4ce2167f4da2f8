import type { RouteTable, Snapshot } from '../model/topology.ts'

export type SubnetTable =
  | { table: RouteTable; association: 'explicit' | 'main'; because: string }
  | { table: null; because: string }

const unknownTable = (because: string): SubnetTable => ({ table: null, because })

/**
 * The table that routes what leaves a subnet: the one explicitly associated with it, else the main table of its VPC (the
 * API does not list implicit associations: EC2 API, `RouteTableAssociation`). Gateways' edge tables never count. Null
 * where that can't be said for certain: the tables were not read, the subnet stands in two of them, or no or several are
 * main.
 */
export function routeTableOfSubnet(snapshot: Snapshot, subnetId: string, vpcId: string): SubnetTable {
  const part = snapshot.parts.routeTables
  if (!part.read) return unknownTable(`the route tables were not read: ${part.detail}`)
  const known = snapshot.subnets.find((subnet) => subnet.id === subnetId)
  if (known !== undefined && known.vpcId !== vpcId) {
    return unknownTable(
      `subnet ${subnetId} is said to lie in ${vpcId}, but describe-subnets puts it into ${known.vpcId}`,
    )
  }
  // an association in transit stands in `subnetIds` twice
  const explicit = snapshot.routeTables.flatMap((table) =>
    table.subnetIds.filter((id) => id === subnetId).map(() => table),
  )
  const [own] = explicit
  if (explicit.length > 1) {
    const ids = [...new Set(explicit.map((table) => table.id))].join(', ')
    return unknownTable(
      `the association of subnet ${subnetId} is not settled (${ids}): which table is in force is not known`,
    )
  }
  if (own !== undefined) {
    if (own.vpcId === vpcId) {
      return {
        table: own,
        association: 'explicit',
        because: `subnet ${subnetId} is associated with ${own.id}`,
      }
    }
    return unknownTable(
      `subnet ${subnetId} of ${vpcId} is associated with ${own.id}, which belongs to ${own.vpcId}`,
    )
  }
  return mainTable(snapshot, subnetId, vpcId, part.dated)
}

function mainTable(snapshot: Snapshot, subnetId: string, vpcId: string, dated: string): SubnetTable {
  const main = snapshot.routeTables.filter((table) => table.vpcId === vpcId && table.main)
  const [only] = main
  if (only === undefined) {
    return unknownTable(
      `subnet ${subnetId} has no table of its own, and no settled main table of ${vpcId} was read`,
    )
  }
  if (main.length > 1) {
    const ids = main.map((table) => table.id).join(', ')
    return unknownTable(
      `subnet ${subnetId} has no table of its own, and ${vpcId} has several main tables: ${ids}`,
    )
  }
  const absent = dated === 'api' ? undefined : absentTable(snapshot, vpcId)
  if (absent !== undefined) {
    return unknownTable(
      `endpoints of ${vpcId} name the table ${absent}, which is not in the dump: it may be the table of subnet ${subnetId}`,
    )
  }
  return {
    table: only,
    association: 'main',
    because: `subnet ${subnetId} has no table of its own: ${only.id} is the main table of ${vpcId}`,
  }
}

/**
 * A table of the VPC that its gateway endpoints know and the tables read do not hold. A dump taken with a filter looks
 * like this, and then "has no table of its own" can't be said. Live readings are of different ages, and never filtered so.
 */
function absentTable(snapshot: Snapshot, vpcId: string): string | undefined {
  const read = new Set(snapshot.routeTables.map((table) => table.id))
  return snapshot.endpoints
    .filter((endpoint) => endpoint.vpcId === vpcId)
    .flatMap((endpoint) => endpoint.routeTableIds)
    .find((id) => !read.has(id))
}
