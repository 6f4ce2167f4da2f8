import type { Snapshot, Topology, VpcEndpoint } from '../model/topology.ts'
import { parseHostname } from '../aws/hostname.ts'
import { awsOwnedService } from './rules/endpoint.ts'

/** An endpoint whose own name is worth asking for, and a name that nobody has. */
export interface EndpointName {
  endpoint: string
  /** Answers the addresses of all its interfaces. */
  dnsName: string
  /**
   * The same name with an id that no endpoint has: where it has an address, a name server answers whatever it is asked, and
   * what it answers for `dnsName` shows nothing.
   */
  controlName: string
}

/** As many names are asked for in a cycle, with as many control names at most. */
const mostNames = 32

const nobodysId = 'vpce-00000000000000000-pathproof'

/**
 * The name by which an endpoint answers in all its zones. Of S3's there is a wildcard (`*.vpce-…s3…`), under which `bucket`
 * is a name (S3 user guide, "AWS PrivateLink for Amazon S3"). Private DNS names stand among `DnsEntries` too, and are not its own.
 */
function ownName({ id, dnsNames }: VpcEndpoint): Omit<EndpointName, 'endpoint'> | null {
  for (const entry of dnsNames) {
    const dnsName = entry.startsWith('*.') ? `bucket.${entry.slice(2)}` : entry
    const parsed = parseHostname(dnsName)
    if (!parsed.ok || parsed.name.style !== 'vpce' || parsed.name.zone !== null) continue
    if (parsed.name.endpointId !== id || !awsOwnedService(parsed.name.service ?? '')) continue
    const labels = dnsName.split('.').map((label) => (label.startsWith(`${id}-`) ? nobodysId : label))
    return { dnsName, controlName: labels.join('.') }
  }
  return null
}

/** VPCs at the other side of a peering that the newest reading shows as active. */
function peersOf({ peerings }: Snapshot, own: ReadonlySet<string>): Set<string> {
  const active = peerings.filter(({ status }) => status === 'active')
  const sides = active.flatMap(({ requester, accepter }) => [requester.vpcId, accepter.vpcId])
  return new Set(sides.filter((id) => id !== '' && !own.has(id)))
}

/**
 * Endpoints of AWS's own services that some snapshot describes in a VPC to which this host's may have a peering: only there an
 * endpoint that nobody declared can be reached (row 3). Without those in `declared`, whose names are asked for anyway. At
 * most 32, by their ids. Pure.
 */
export function endpointNames(
  topology: Pick<Topology, 'vantage' | 'readings' | 'others'>,
  declared: readonly string[],
): EndpointName[] {
  const { vantage, readings, others } = topology
  const newest = readings.at(-1)
  if (newest === undefined || vantage.kind === 'on-prem') return []
  const own = new Set(vantage.interfaces.flatMap(({ vpcId }) => vpcId ?? []))
  const peers = peersOf(newest, own)
  if (peers.size === 0) return []
  const known = new Set(
    declared.flatMap((name) => {
      const parsed = parseHostname(name)
      return parsed.ok ? (parsed.name.endpointId ?? []) : []
    }),
  )
  const names = new Map<string, EndpointName>()
  for (const endpoint of [...readings, ...others].flatMap((s) => s.endpoints)) {
    const { id, type, vpcId, serviceName } = endpoint
    if (type !== 'Interface' || !peers.has(vpcId) || known.has(id) || !awsOwnedService(serviceName)) continue
    const name = ownName(endpoint)
    if (name !== null) names.set(id, { endpoint: id, ...name })
  }
  return [...names.values()].sort((a, b) => (a.endpoint < b.endpoint ? -1 : 1)).slice(0, mostNames)
}
