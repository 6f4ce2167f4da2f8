import type { CaptureInterface, CapturePoints } from '../model/capture.ts'
import type { NetworkInterface, Snapshot, Topology } from '../model/topology.ts'
import { canonicalIp, parseIp } from '../net/ip.ts'
import type { Judged } from './judge.ts'
import { isPrivateAddress } from './rules/address.ts'
import { isOwnInterfaceEndpoint } from './rules/endpoint.ts'

/**
 * Where the packets of a judged attempt can have been recorded, as the account shows it. What is not shown is null or
 * empty, and no record joins there: an interface that is not certainly the attempt's own would lend it another's way.
 */
export function capturePoints(judged: Judged, topology: Topology): CapturePoints {
  return {
    client: clientOf(judged, topology),
    primaryAddress: primaryAddress(judged, topology),
    nats: natsOf(judged),
    endpoints: endpointsOf(judged, topology),
    endpointInterfaces: endpointInterfacesOf(judged),
    destination: destinationOf(judged, topology),
  }
}

function shownIn(snapshots: readonly Snapshot[], id: string): NetworkInterface[] {
  return snapshots.flatMap((s) => s.networkInterfaces.filter((i) => i.id === id))
}

const addressesOf = (i: NetworkInterface): string[] => [...i.ipv4.map((a) => a.address), ...i.ipv6]

const snapshotsOf = ({ readings }: Judged): Snapshot[] => readings.map((r) => r.snapshot)

function clientOf(judged: Judged, topology: Topology): CaptureInterface | null {
  const { own } = judged
  if (!own.known) return null
  const byMetadata = topology.vantage.interfaces.filter((i) => i.id === own.id)
  const addresses = [
    own.localAddress,
    ...shownIn(snapshotsOf(judged), own.id).flatMap(addressesOf),
    ...byMetadata.flatMap((i) => [...i.ipv4, ...i.ipv6]),
  ].map((a) => canonicalIp(a) ?? a)
  return {
    interfaceId: own.id,
    role: 'client',
    natGatewayId: null,
    endpointId: null,
    addresses: [...new Set(addresses)],
  }
}

/** The API marks the primary address; the metadata service does not, so there only a single one is it. */
function primaryAddress(judged: Judged, topology: Topology): string | null {
  const { own } = judged
  if (!own.known) return null
  const byApi = shownIn(snapshotsOf(judged), own.id).map((i) => i.ipv4.find((a) => a.primary)?.address)
  const byMetadata = topology.vantage.interfaces
    .filter((i) => i.id === own.id && i.ipv4.length === 1)
    .map((i) => i.ipv4[0])
  const found = new Set([...byApi, ...byMetadata])
  const [one] = found
  return found.size === 1 && one !== undefined ? canonicalIp(one) : null
}

/** One that appliances are attached to is left out: what its packets do next does not show at its interface. */
function natsOf(judged: Judged): CaptureInterface[] {
  const targets = new Set(judged.routes.flatMap((r) => r.hops.flatMap((h) => h.target ?? [])))
  return [...targets].flatMap((id): CaptureInterface[] => {
    const described = snapshotsOf(judged).flatMap((s) => s.natGateways.filter((n) => n.id === id))
    const [nat] = described
    if (nat === undefined || described.some((n) => n.attachedAppliances.length > 0)) return []
    const interfaces = new Set(described.flatMap((n) => n.networkInterfaceIds))
    const [interfaceId] = interfaces
    const regional = nat.availability === 'regional'
    if (!regional && (interfaces.size !== 1 || interfaceId === undefined)) return []
    return [
      {
        interfaceId: regional ? null : (interfaceId ?? null),
        role: 'nat',
        natGatewayId: id,
        endpointId: null,
        addresses: [...new Set(described.flatMap((n) => n.privateAddresses.map((a) => canonicalIp(a) ?? a)))],
      },
    ]
  })
}

/** Endpoints of `snapshots` with an interface that owns the address. */
function ownersOf(
  snapshots: readonly Snapshot[],
  address: string,
): { endpointId: string; eni: NetworkInterface; ours: boolean }[] {
  return snapshots.flatMap((s) =>
    s.networkInterfaces
      .filter((eni) => addressesOf(eni).includes(address))
      .flatMap((eni) =>
        s.endpoints
          .filter((e) => e.networkInterfaceIds.includes(eni.id))
          .map((e) => ({ endpointId: e.id, eni, ours: isOwnInterfaceEndpoint(e) })),
      ),
  )
}

function endpointsOf(judged: Judged, topology: Topology): CaptureInterface[] {
  const { endpoint, own, verdict } = judged
  const inVpc = endpoint?.row === 'endpoint.own_vpc' && own.known
  const fromSite = endpoint?.row === 'endpoint.trusted' && topology.vantage.kind === 'on-prem'
  if (!inVpc && !fromSite) return []
  const snapshots = inVpc ? snapshotsOf(judged) : [...snapshotsOf(judged), ...topology.others]
  const address = canonicalIp(verdict.address) ?? verdict.address
  const owners = ownersOf(snapshots, address).filter((o) => o.endpointId === endpoint.endpoint)
  const [interfaceId, another] = new Set(owners.map((o) => o.eni.id))
  if (interfaceId === undefined || another !== undefined || !owners.every((o) => o.ours)) return []
  return [
    {
      interfaceId,
      role: 'endpoint',
      natGatewayId: null,
      endpointId: endpoint.endpoint,
      addresses: [address],
    },
  ]
}

function endpointInterfacesOf(judged: Judged): CaptureInterface[] {
  const { readings, verdict } = judged
  const address = canonicalIp(verdict.address) ?? verdict.address
  // A reading that lacks a part shows no owner, and then none counts.
  const each = readings.map((r) => ownersOf([r.snapshot], address))
  const [first = [], ...later] = each
  const foreign = new Set(each.flat().flatMap((o) => (o.ours ? [] : [o.eni.id])))
  return first
    .filter((o) => !foreign.has(o.eni.id))
    .filter((o) => later.every((others) => others.some((other) => other.eni.id === o.eni.id)))
    .map((o) => ({
      interfaceId: o.eni.id,
      role: 'endpoint',
      natGatewayId: null,
      endpointId: o.endpointId,
      addresses: [address],
    }))
}

function destinationOf({ endpoint, verdict }: Judged, topology: Topology): CapturePoints['destination'] {
  const ip = parseIp(verdict.address)
  if (!ip.ok) return 'unknown'
  if (isPrivateAddress(ip.value, topology, endpoint)) return 'private'
  return verdict.evidence.some((e) => e.rule === 'address.public') ? 'public' : 'unknown'
}
