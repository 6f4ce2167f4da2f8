import type { CaptureInterface, CapturePoints } from '../../model/capture.ts'
import type { Snapshot, Vantage } from '../../model/topology.ts'
import {
  type Coverage,
  type CoveringLog,
  type InterfacePlace,
  type NamedFlowLog,
  coverageOf,
} from '../../probes/flowlog-coverage.ts'

/** How flow logs cover this host's interfaces, and the places on its ways where its packets can be seen again. */
export interface FlowCoverage {
  /** Of this host's own interfaces. */
  own(): Coverage[]
  of(at: CaptureInterface): Coverage
  /** Longest aggregation among the logs that can say which way an attempt took; null: none can. */
  decides(points: CapturePoints): { aggregationSeconds: number } | null
}

export interface FlowCoverageDeps {
  snapshot(): Snapshot | null
  vantage(): Vantage
  /** A flow log that the configuration names. */
  named(): NamedFlowLog | null
}

/** What a record must have to be told to be a connection's; without these nothing is ever joined. */
const joins = [
  'interface-id',
  'srcaddr',
  'dstaddr',
  'srcport',
  'dstport',
  'protocol',
  'start',
  'end',
  'action',
  'flow-direction',
]

const needed: Readonly<Record<CaptureInterface['role'], readonly string[]>> = {
  client: [...joins, 'traffic-path'],
  nat: [...joins, 'traffic-path', 'pkt-dstaddr'],
  // What comes in at the endpoint's own interface took that endpoint, whatever else is told.
  endpoint: joins,
}

/** Whether a log can be read and its records can say which way an attempt took. */
export function canDecide(
  { source, delivers, format, trafficType }: CoveringLog,
  role: CaptureInterface['role'],
): boolean {
  if (source === null || delivers === false || format === null || trafficType === 'REJECT') return false
  return needed[role].every((field) => format.fields.includes(field))
}

export function createFlowCoverage(deps: FlowCoverageDeps): FlowCoverage {
  // Of one snapshot: asked for each attempt, and the same all the time.
  let known: { on: Snapshot | null; by: Map<string, Coverage> } | null = null

  const placeOf = (interfaceId: string | null): InterfacePlace | null =>
    deps.vantage().interfaces.find(({ id }) => id === interfaceId) ?? null

  const of = (at: CaptureInterface): Coverage => {
    const on = deps.snapshot()
    if (known === null || known.on !== on) known = { on, by: new Map() }
    const key = `${at.role} ${at.interfaceId ?? at.natGatewayId ?? ''}`
    const found = known.by.get(key) ?? coverageOf(on, at, placeOf(at.interfaceId), deps.named())
    known.by.set(key, found)
    return found
  }

  return {
    of,
    own: () =>
      deps.vantage().interfaces.map(({ id, ipv4, ipv6 }) =>
        of({
          interfaceId: id,
          role: 'client',
          natGatewayId: null,
          endpointId: null,
          addresses: [...ipv4, ...ipv6],
        }),
      ),
    decides({ client, nats, endpoints }) {
      const places = [...(client === null ? [] : [client]), ...nats, ...endpoints]
      const seconds = places.flatMap((at) =>
        of(at).logs.flatMap((log) => (canDecide(log, at.role) ? [log.aggregationSeconds] : [])),
      )
      return seconds.length === 0 ? null : { aggregationSeconds: Math.max(...seconds) }
    },
  }
}
