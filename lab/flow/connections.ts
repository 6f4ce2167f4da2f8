/** Connections as the network saw them: what went over each, when, in both directions. Real ones and a workload's. */
import { nthAddress } from '../world/bits.ts'
import { travel } from '../world/simulate.ts'
import type { Packet, Station, World } from '../world/types.ts'
import { draw, drawPort } from './draw.ts'
import { type Sighting, sightingsOf } from './sightings.ts'
import type { FlowPlan, WorkloadFlow } from './types.ts'

/** What went in one direction at one moment. */
export interface Load {
  packets: number
  bytes: number
  /** FIN 1, SYN 2, RST 4, SYN-ACK 18. */
  flags: number
}

export interface Activity {
  /** Unix milliseconds. */
  atMs: number
  out: Load
  back: Load
}

export interface Connection {
  /** Never given twice. */
  id: string
  /** As the world was when it was opened. */
  world: World
  protocol: number
  /** The client's, and what a NAT gateway makes of it. */
  sourcePort: number
  translatedPort: number
  port: number
  sightings: Sighting[]
  /** In order of time. */
  activity: Activity[]
}

const nothing: Load = { packets: 0, bytes: 0, flags: 0 }

/** TCP's segments for so many bytes of data, with 52 bytes of headers each. */
function segments(data: number): number {
  return Math.ceil(data / 1448)
}

/** The handshake: two packets of the client, one of the server. */
export function opening(atMs: number): Activity {
  return {
    atMs,
    out: { packets: 2, bytes: 112, flags: 2 },
    back: { packets: 1, bytes: 60, flags: 18 },
  }
}

/** A first packet that nobody answers, sent again twice. */
export function unanswered(atMs: number): Activity {
  return { atMs, out: { packets: 3, bytes: 180, flags: 2 }, back: nothing }
}

/** Data in both directions, each acknowledged by the other side. `fin`: then both sides close. */
export function transfer(atMs: number, sent: number, received: number, fin: boolean): Activity {
  const load = (own: number, other: number): Load => {
    const packets = Math.max(segments(own), Math.ceil(segments(other) / 2)) + (fin ? 2 : 0)
    return { packets, bytes: own + packets * 52, flags: fin ? 1 : 0 }
  }
  return { atMs, out: load(sent, received), back: load(received, sent) }
}

export interface ConnectionStart {
  id: string
  world: World
  plan: FlowPlan
  packet: Packet
  sourcePort: number
  protocol: number
}

/** A connection on its way through the world; nothing has gone over it yet. */
export function connectionFrom(start: ConnectionStart): { connection: Connection; delivered: boolean } {
  const { id, world, plan, packet, sourcePort, protocol } = start
  const trail: Station[] = []
  const { delivered } = travel(world, packet, trail)
  const translatedPort =
    plan.natPorts === 'kept' ? sourcePort : drawPort(1024, plan.seed, 'nat port', id, sourcePort)
  const sightings = sightingsOf(world, trail, plan)
  return {
    connection: {
      id,
      world,
      protocol,
      sourcePort,
      translatedPort,
      port: packet.port,
      sightings,
      activity: [],
    },
    delivered,
  }
}

/** Ports of a sighting as its record has them. */
export function portsOf(connection: Connection, sighting: Sighting): { source: number; destination: number } {
  const client = sighting.translated ? connection.translatedPort : connection.sourcePort
  return sighting.reply
    ? { source: connection.port, destination: client }
    : { source: client, destination: connection.port }
}

/** The workload's connections that begin in [fromMs, toMs); each is over within its second. */
export function workloadConnections(
  worldAt: (atMs: number) => World,
  plan: FlowPlan,
  fromMs: number,
  toMs: number,
): Connection[] {
  return plan.workload.flatMap((flow, number) => {
    const stepMs = flow.everySeconds * 1000
    const first = Math.ceil(fromMs / stepMs)
    const count = Math.max(0, Math.ceil(toMs / stepMs) - first)
    return Array.from({ length: count }, (_, n) => {
      const turn = first + n
      return workloadConnection(worldAt(turn * stepMs), plan, flow, number, turn)
    }).flatMap((connection) => connection ?? [])
  })
}

function workloadConnection(
  world: World,
  plan: FlowPlan,
  flow: WorkloadFlow,
  number: number,
  turn: number,
): Connection | null {
  const id = `workload ${number} ${turn}`
  const eni = world.interfaces.find((item) => item.id === flow.interface)
  const source = flow.source ?? eni?.ipv4[0]?.address ?? eni?.ipv6[0]
  if (source === undefined) return null
  const [, length] = flow.destination.split('/')
  const destination =
    length === undefined
      ? flow.destination
      : nthAddress(flow.destination, Math.floor(draw(plan.seed, id, 'destination') * 2 ** 24))
  const { connection, delivered } = connectionFrom({
    id,
    world,
    plan,
    packet: { source, destination, port: flow.port },
    sourcePort: drawPort(32_768, plan.seed, id, 'port'),
    protocol: flow.protocol,
  })
  const atMs = turn * flow.everySeconds * 1000
  // whoever is outside AWS answers: the world has no services there
  const answered = delivered || connection.sightings.some(({ path }) => path === '8' || path === '2')
  connection.activity = answered
    ? [opening(atMs), transfer(atMs, flow.bytes, flow.bytes, true)]
    : [unanswered(atMs)]
  return connection
}
