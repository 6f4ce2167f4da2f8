/**
 * CloudWatch's metrics of interface endpoints and NAT gateways, by the minute, from what went over them. Sources:
 * PrivateLink guide, "CloudWatch metrics"; VPC user guide, "Monitor NAT gateways with Amazon CloudWatch". A minute
 * without traffic has no point.
 */
import type { World, WorldEndpoint, WorldNat } from '../world/types.ts'
import type { Activity, Connection } from './connections.ts'
import type { FlowRecorder } from './recorder.ts'
import type { Sighting } from './sightings.ts'

export interface MetricQuestion {
  namespace: string
  name: string
  /** Name → value; all dimensions of the metric must be there, and no other. */
  dimensions: Readonly<Record<string, string>>
  /** Unix milliseconds; whole minutes that begin in [fromMs, toMs). */
  fromMs: number
  toMs: number
}

export interface MetricPoint {
  /** Unix milliseconds of the minute's beginning. */
  atMs: number
  value: number
}

const minuteMs = 60_000

/** One point for each minute with traffic, in order; nothing for a metric that does not exist. */
export function metricPoints(recorder: FlowRecorder, question: MetricQuestion): MetricPoint[] {
  const { namespace, fromMs, toMs } = question
  const values = new Map<number, number>()
  for (const connection of recorder.connections(fromMs, toMs)) {
    const sightings =
      namespace === 'AWS/NATGateway'
        ? natSightings(connection, question)
        : namespace === 'AWS/PrivateLinkEndpoints'
          ? endpointSightings(connection, question)
          : []
    if (sightings.length === 0) continue
    connection.activity.forEach((activity, index) => {
      const minute = Math.floor(activity.atMs / minuteMs) * minuteMs
      if (minute < fromMs || minute >= toMs) return
      const first = connection.activity
        .slice(0, index)
        .every(({ atMs }) => Math.floor(atMs / minuteMs) * minuteMs !== minute)
      const value = countOf(question, sightings, activity, { opened: index === 0, first })
      if (value !== null) values.set(minute, (values.get(minute) ?? 0) + value)
    })
  }
  return [...values].map(([atMs, value]) => ({ atMs, value })).sort((a, b) => a.atMs - b.atMs)
}

interface Turn {
  /** The connection begins with it. */
  opened: boolean
  /** It is the connection's first in its minute. */
  first: boolean
}

/** Null: there is no such metric. */
function countOf(
  { namespace, name }: MetricQuestion,
  sightings: readonly Sighting[],
  { out, back }: Activity,
  { opened, first }: Turn,
): number | null {
  const count = (is: boolean): number => (is ? 1 : 0)
  if (namespace === 'AWS/PrivateLinkEndpoints') {
    if (name === 'BytesProcessed') return out.bytes + back.bytes
    if (name === 'NewConnections') return count(opened)
    if (name === 'ActiveConnections') return count(first)
    return name === 'PacketsDropped' || name === 'RstPacketsReceived' ? 0 : null
  }
  const forwarded = sightings.some(({ reply, direction }) => !reply && direction === 'egress')
  const [, unit, way] = /^(Bytes|Packets)(\w+)$/u.exec(name) ?? []
  const size = (load: Activity['out']): number => (unit === 'Bytes' ? load.bytes : load.packets)
  if (way === 'InFromSource') return size(out)
  if (way === 'OutToDestination') return forwarded ? size(out) : 0
  if (way === 'InFromDestination' || way === 'OutToSource') return size(back)
  if (name === 'ConnectionAttemptCount') return count(opened)
  if (name === 'ConnectionEstablishedCount') return count(opened && back.packets > 0)
  if (name === 'ActiveConnectionCount') return count(first)
  return /^(ErrorPortAllocation|IdleTimeoutCount|PacketsDropCount)$/u.test(name) ? 0 : null
}

function natSightings({ world, sightings }: Connection, { dimensions }: MetricQuestion): Sighting[] {
  const nat = world.natGateways.find(({ id }) => sameSet(dimensions, { NatGatewayId: id }))
  return nat === undefined ? [] : sightings.filter((sighting) => isAtNat(sighting, nat))
}

function isAtNat({ eni, nat }: Sighting, gateway: WorldNat): boolean {
  return nat === gateway.id || (eni !== null && gateway.interfaces.includes(eni.id))
}

function endpointSightings({ world, sightings }: Connection, { dimensions }: MetricQuestion): Sighting[] {
  return sightings.filter(({ eni }) => {
    const endpoint = world.endpoints.find(({ interfaces }) => interfaces.includes(eni?.id ?? ''))
    if (endpoint === undefined || eni === null || endpoint.type === 'Gateway') return false
    // consumers in another region get none
    if (endpoint.serviceRegion !== null && endpoint.serviceRegion !== regionOf(world, endpoint)) return false
    const all = {
      'Endpoint Type': endpoint.type,
      'Service Name': endpoint.service,
      'VPC Endpoint Id': endpoint.id,
      'VPC Id': endpoint.vpc,
    }
    return sameSet(dimensions, all) || sameSet(dimensions, { ...all, 'Subnet Id': eni.subnet })
  })
}

function regionOf(world: World, { vpc }: WorldEndpoint): string | undefined {
  return world.vpcs.find(({ id }) => id === vpc)?.region
}

function sameSet(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(other)
  return Object.keys(one).length === names.length && names.every((name) => one[name] === other[name])
}
