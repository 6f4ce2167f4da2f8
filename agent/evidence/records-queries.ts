import type { RecordsCursor, RecordsQuery } from '../../aws/flow-query.ts'
import type { FlowKey } from '../../model/flow.ts'
import type { Snapshot } from '../../model/topology.ts'
import type { Coverage, CoveringLog } from '../../probes/flowlog-coverage.ts'

export interface QueriesOptions {
  keys: readonly FlowKey[]
  /** Of attempts whose time is over: looked for in files that are written now, for these are read only once. */
  lateKeys?: readonly FlowKey[]
  /** The start of the oldest pending attempt, less what a record may be off; Unix milliseconds. */
  fromMs: number
  nowMs: number
  /** The cursors of the last round, by the ids of their queries. */
  cursors: ReadonlyMap<string, RecordsCursor>
  knownCidrs: readonly string[]
}

/** More flow logs than anybody has for one host's ways. */
const mostQueries = 64

/**
 * The queries of one round: each flow log once for each interface (CloudWatch Logs), or once for all interfaces (S3, where a
 * file is fetched as a whole). Logs that can't be read, or are known to deliver nothing, are left out. A host's own
 * interfaces are counted, and those of NAT gateways where they have streams of their own; each by one log only, the one
 * nearest to it.
 */
export function recordsQueries(coverages: readonly Coverage[], options: QueriesOptions): RecordsQuery[] {
  const queries = new Map<string, RecordsQuery>()
  for (const { at, logs } of coverages) {
    const usable = logs.filter(
      ({ delivers, source, format }) => source !== null && delivers !== false && format !== null,
    )
    const counting = usable.toSorted((a, b) => nearness(a) - nearness(b))[0]
    for (const log of usable) {
      const { source } = log
      if (source === null) continue
      const counts =
        log === counting && (at.role === 'client' || (at.role === 'nat' && source.kind === 'logs'))
      const id = idOf(log)
      const query = queries.get(id) ?? queryFor(id, log, { ...options, keys: keysFor(at, log, options) })
      if (!queries.has(id) && queries.size < mostQueries) queries.set(id, query)
      const own = at.interfaceId ?? at.natGatewayId
      if (own === null) continue
      if (counts) query.census = true
      if (source.kind === 's3' && !counts)
        query.uncountedIds = [...new Set([...(query.uncountedIds ?? []), own])]
      else if (at.interfaceId !== null) query.interfaceIds = [...new Set([...query.interfaceIds, own])]
      else query.resourceIds = [...new Set([...query.resourceIds, own])]
    }
  }
  return [...queries.values()]
}

/**
 * A key without a local port finds every connection to an address: it is for the outer side of a NAT gateway. In a stream of
 * its own, another interface is looked through without them.
 */
function keysFor(
  { role }: Coverage['at'],
  { source }: CoveringLog,
  { keys, lateKeys = [] }: QueriesOptions,
): readonly FlowKey[] {
  if (source?.kind === 's3') return [...keys, ...lateKeys]
  if (role === 'nat' || source?.kind !== 'logs') return keys
  return keys.filter(({ localPort }) => localPort !== null)
}

function nearness({ level, trafficType }: CoveringLog): number {
  const order = ['interface', 'nat_gateway', 'subnet', 'vpc', 'named']
  return order.indexOf(level) + (trafficType === null || trafficType === 'ALL' ? 0 : 10)
}

function idOf({ flowLogId, source }: CoveringLog): string {
  return `${flowLogId ?? 'named'} ${source?.kind === 'logs' ? source.streamPrefix : 's3'}`
}

function queryFor(id: string, log: CoveringLog, options: QueriesOptions): RecordsQuery {
  const { keys, fromMs, nowMs, cursors, knownCidrs } = options
  return {
    id,
    flowLogId: log.flowLogId,
    source: log.source!,
    format: log.formatText,
    aggregationSeconds: log.aggregationSeconds,
    interfaceIds: [],
    resourceIds: [],
    fromMs,
    toMs: nowMs,
    keys: [...keys],
    census: false,
    censusSince: cursors.get(id) ?? null,
    knownCidrs: [...knownCidrs],
  }
}

/** Ranges in which an address is none of the internet's for the census: those of all VPCs, and AWS's lists. */
export function knownCidrsOf(snapshot: Snapshot | null): string[] {
  const vpcs = (snapshot?.vpcs ?? []).flatMap(({ ipv4Cidrs, ipv6Cidrs }) => [...ipv4Cidrs, ...ipv6Cidrs])
  const lists = (snapshot?.prefixLists ?? []).flatMap(({ ownerId, entries }) =>
    ownerId === 'AWS' ? (entries ?? []) : [],
  )
  return [...new Set([...vpcs, ...lists])]
}
