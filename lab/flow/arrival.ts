/**
 * How a request came to AWS, as AWS itself sees it: what goes into a request's context and into CloudTrail. Source: IAM
 * user guide, "AWS global condition context keys": `aws:SourceVpce`, `aws:SourceVpc` and `aws:VpcSourceIp` are there
 * only by an endpoint, `aws:SourceIp` only without.
 */
import type { PathClass } from '../../model/path.ts'
import { familyOf } from '../world/bits.ts'
import { resolveName } from '../world/names.ts'
import { travel } from '../world/simulate.ts'
import { enterSubnet } from '../world/vpc.ts'
import type { Journey, Packet, Station, World } from '../world/types.ts'

export interface Arrival {
  /** The truth of the packets; a relay's own way to AWS does not change it. */
  class: PathClass
  /** Null: by none. */
  endpoint: { id: string; owner: string; vpc: string } | null
  /** Source address of the connection that AWS has: private by an endpoint, else public. */
  source: string
}

/** Addresses of lines and providers outside AWS (RFC 5737, RFC 3849). */
const provider = '198.51.100.7'
const providerV6 = '2001:db8:51::7'

/** The way of a packet that was delivered. */
export function arrivalOf(world: World, packet: Packet): Arrival {
  const trail: Station[] = []
  const journey = travel(world, packet, trail)
  return arrivalBy(world, packet, journey, trail)
}

/** The way that a request of the host to one of AWS's services takes, by the first answer of its own resolver. */
export function hostArrival(
  world: World,
  service: string,
  sourceFor: (to: string) => string | null,
): Arrival {
  const { ipv4, ipv6 } = resolveName(world, `${service}.${world.region}.amazonaws.com`, 'system')
  const destination = [...ipv4, ...ipv6][0]
  const source = destination === undefined ? null : sourceFor(destination)
  if (destination === undefined || source === null)
    return { class: 'blocked', endpoint: null, source: provider }
  return arrivalOf(world, { source, destination, port: 443 })
}

function arrivalBy(world: World, packet: Packet, journey: Journey, trail: readonly Station[]): Arrival {
  const last = trail.findLast((station) => station.at === 'interface')
  const source = last?.source ?? packet.source
  const none = { class: journey.class, endpoint: null }
  switch (journey.class) {
    case 'interface_endpoint': {
      const endpoint = world.endpoints.find(({ interfaces }) => interfaces.includes(last?.id ?? ''))
      return { class: journey.class, endpoint: endpoint ?? null, source }
    }
    case 'gateway_endpoint':
    case 'nat_gateway_endpoint': {
      const route = trail.findLast((station) => station.at === 'route')
      const endpoint = world.endpoints.find(({ id }) => id === route?.via) ?? null
      return { class: journey.class, endpoint, source }
    }
    case 'nat_gateway': {
      const nat = world.natGateways.find(
        ({ id, interfaces }) => id === last?.id || interfaces.includes(last?.id ?? ''),
      )
      return { ...none, source: nat?.public[0] ?? publicOf(world, source) ?? outside(source) }
    }
    case 'internet_gateway':
      return { ...none, source: publicOf(world, source) ?? outside(source) }
    case 'relay':
      return relayArrival(world, packet, last?.id ?? '') ?? { ...none, source: outside(source) }
    default:
      return { ...none, source: outside(source) }
  }
}

/** What a relay in a VPC opens on its own takes the way of its subnet. */
function relayArrival(world: World, { destination, port }: Packet, id: string): Arrival | null {
  const eni = world.interfaces.find((item) => item.id === id && item.forwards === 'relays')
  const own = familyOf(destination) === 6 ? eni?.ipv6[0] : eni?.ipv4[0]?.address
  if (eni === undefined || own === undefined) return null
  const trail: Station[] = [{ at: 'interface', id, way: 'out', source: own, destination }]
  const trip = { world, source: own, destination, port, hops: [], translated: false, foreign: false }
  const journey = enterSubnet({ ...trip, shown: false, steps: 0, trail }, eni.subnet)
  if (!journey.delivered || journey.class === 'relay') return null
  const { endpoint, source } = arrivalBy(world, { source: own, destination, port }, journey, trail)
  return { class: 'relay', endpoint, source }
}

/** The public address that an internet gateway puts in a private one's place; an IPv6 address stays as it is. */
function publicOf(world: World, address: string): string | null {
  if (familyOf(address) === 6) return address
  const own = world.interfaces.flatMap(({ ipv4 }) => ipv4).find((item) => item.address === address)
  return own?.public ?? null
}

function outside(source: string): string {
  return familyOf(source) === 6 ? providerV6 : provider
}

/** Keys of a request's context that say where it came from. */
export function arrivalContext({ endpoint, source }: Arrival): Record<string, string> {
  if (endpoint === null) return { 'aws:SourceIp': source }
  return {
    'aws:SourceVpce': endpoint.id,
    'aws:SourceVpc': endpoint.vpc,
    'aws:VpcSourceIp': source,
    'aws:VpceAccount': endpoint.owner,
  }
}
