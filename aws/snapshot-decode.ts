import { createHash } from 'node:crypto'
import { decodePosture } from './posture-facts.ts'
import { partCalls } from './snapshot-decode-calls.ts'
import { readPart } from './snapshot-decode-file.ts'
import { decodeEndpoint, decodeFlowLog, decodeNatGateway } from './snapshot-decode-endpoints.ts'
import { readPrefixLists } from './snapshot-decode-list-files.ts'
import {
  decodeInternetGateway,
  decodeNetworkInterface,
  decodePeering,
  decodeSubnet,
  decodeVpc,
} from './snapshot-decode-network.ts'
import { decodeRouteTable, settleMainTables } from './snapshot-decode-routes.ts'
import type { PartReading, Snapshot, SnapshotPart } from '../model/topology.ts'
import type { Fields, ProblemList } from './snapshot-decode-fields.ts'
import type { SnapshotFile } from './snapshot-decode-file.ts'

export type { SnapshotFile } from './snapshot-decode-file.ts'

const id = (item: { id: string }): string => item.id

/**
 * A snapshot from what the AWS CLI prints, by file name (`describe-route-tables.json`, …,
 * `get-managed-prefix-list-entries/<pl-id>.json`); any may be missing. Never throws: what is not understood is listed in
 * `problems`, and leaves either an item out or its part unread, whichever lets the fewest conclusions be drawn. `id` is
 * the SHA-256 (hex) over account, region, the parts' readings and all items.
 */
export function decodeSnapshot(
  files: ReadonlyMap<string, SnapshotFile>,
  meta: { source: string; account: string | null; region: string | null },
): Snapshot {
  const list: ProblemList = { problems: [], uncounted: 0 }
  const parts = {} as Record<SnapshotPart, PartReading>
  const part = <T>(
    name: SnapshotPart,
    idOf: (item: T) => string,
    decode: (entry: Fields) => T,
    whole = false,
  ) => {
    const read = readPart(files, partCalls[name], list, { idOf, decode, whole })
    parts[name] = read.reading
    return read.items
  }
  // a table that was not understood may be the one of any subnet
  const tables = part('routeTables', (decoded) => decoded.table.id, decodeRouteTable, true)
  const lists = readPrefixLists(files, list)
  parts.prefixLists = lists.reading
  const content = {
    routeTables: settleMainTables(tables),
    endpoints: part('endpoints', id, decodeEndpoint),
    subnets: part('subnets', id, decodeSubnet),
    networkInterfaces: part('networkInterfaces', id, decodeNetworkInterface),
    prefixLists: lists.items,
    natGateways: part('natGateways', id, decodeNatGateway),
    vpcs: part('vpcs', id, decodeVpc),
    // "in no range of any peer" needs every peering
    peerings: part('peerings', id, decodePeering, true),
    flowLogs: part('flowLogs', id, decodeFlowLog),
    internetGateways: part('internetGateways', id, decodeInternetGateway),
  }
  const posture = decodePosture(files, list)
  if (list.uncounted > 0) {
    const problem = `${list.uncounted} further problems are not listed`
    list.problems.push({
      file: '',
      place: '',
      problem,
      expected: '',
      nextStep: 'mend those that are listed first',
    })
  }
  const { source, account, region } = meta
  const hash = createHash('sha256').update(JSON.stringify({ account, region, parts, ...content }))
  return {
    id: hash.digest('hex'),
    account,
    region,
    source,
    parts,
    ...content,
    problems: list.problems,
    ...(posture && { posture }),
  }
}
