/**
 * Flow records as AWS delivers them: one line for each direction, interface and aggregation window, late, in disorder,
 * doubled, lost or wrong as the log is kept. Source: VPC user guide, "Flow logs basics", "Flow log records".
 */
import { within } from '../world/bits.ts'
import type { World, WorldInterface } from '../world/types.ts'
import { type Connection, type Load, portsOf } from './connections.ts'
import { draw } from './draw.ts'
import { accountOf, actionOf, fieldsOf, gapLine, recordLine, type RecordFacts } from './fields.ts'
import type { FlowRecorder } from './recorder.ts'
import type { Sighting } from './sightings.ts'
import type { FlowLog, WrongRecord } from './types.ts'

/** A line that has arrived at its destination. */
export interface FlowEvent {
  /** The ENI's id, or a regional NAT gateway's. */
  interface: string
  /** Unix milliseconds of the record's start, and of its arrival. */
  startMs: number
  arrivedMs: number
  line: string
  /** 56 digits; the same for the same line each time. */
  id: string
}

export interface FlowQuery {
  /** By the record's start, in Unix milliseconds; the end is not part of it. */
  fromMs: number
  toMs: number
  /** Only what has arrived by then. */
  nowMs: number
  /** Only interfaces whose id begins so; all, if it is empty. */
  interfacePrefix: string
}

interface Window {
  index: number
  startMs: number
  endMs: number
}

/** What a log has delivered, by start and arrival. */
export function deliveredEvents(recorder: FlowRecorder, log: FlowLog, query: FlowQuery): FlowEvent[] {
  const { seed } = recorder.plan()
  const widthMs = log.aggregationSeconds * 1000
  const floor = (atMs: number): number => Math.floor(atMs / widthMs) * widthMs
  // a record's start is in its window, not at its edge: look at whole windows
  const bornMs = Math.max(log.createdMs, recorder.startedMs)
  const fromMs = Math.max(floor(query.fromMs), bornMs)
  const toMs = Math.min(floor(query.toMs + widthMs - 1), floor(query.nowMs))
  if (fromMs >= toMs) return []
  const fields = fieldsOf(log.format)
  const windowOf = (atMs: number): Window => {
    const index = Math.floor(atMs / widthMs)
    return { index, startMs: index * widthMs, endMs: (index + 1) * widthMs }
  }
  const skips = (id: string, { index }: Window): boolean =>
    draw(seed, 'skip', log.id, id, index) < log.skipped
  const events: FlowEvent[] = []
  const busy = new Set<string>()

  const deliver = (id: string, window: Window, startMs: number, line: string, key: string): void => {
    const copies = draw(seed, 'double', key) < log.doubled ? 2 : 1
    for (let copy = 0; copy < copies; copy += 1) {
      const lateMs = draw(seed, 'late', key, copy) * log.jitterSeconds * 1000
      const arrivedMs = Math.round(window.endMs + log.deliverySeconds * 1000 + lateMs)
      if (arrivedMs > query.nowMs || !isDelivered(recorder, log, arrivedMs)) continue
      if (startMs < query.fromMs || startMs >= query.toMs) continue
      events.push({ interface: id, startMs, arrivedMs, line, id: eventId(seed, `${key} ${copy}`, startMs) })
    }
  }

  for (const connection of recorder.connections(fromMs, toMs)) {
    connection.sightings.forEach((sighting, number) => {
      const id = sighting.eni?.id ?? sighting.nat ?? ''
      if (!id.startsWith(query.interfacePrefix) || !covers(log, sighting)) return
      for (const [index, sum] of sumsOf(connection, sighting.reply, widthMs)) {
        const window = windowOf(index * widthMs)
        if (window.endMs <= fromMs || window.startMs >= toMs) continue
        busy.add(`${id} ${index}`)
        if (log.trafficType !== 'ALL' && log.trafficType !== actionOf(sighting)) continue
        const key = `${log.id} ${connection.id} ${number} ${index}`
        const hidden = skips(id, window) && draw(seed, 'hide', key) < log.skippedHides
        if (hidden || draw(seed, 'lose', key) < log.lost) continue
        const line = lineOf(connection, sighting, sum, recorder, log, fields)
        deliver(id, window, Math.floor(sum.firstMs / 1000) * 1000, line, key)
      }
    })
  }
  for (const eni of coveredInterfaces(recorder.worldAt(query.nowMs), log)) {
    if (!eni.id.startsWith(query.interfacePrefix)) continue
    for (let atMs = fromMs; atMs < toMs; atMs = windowOf(atMs).endMs) {
      const window = windowOf(atMs)
      const skipped = skips(eni.id, window)
      const quiet = !busy.has(`${eni.id} ${window.index}`)
      if (!skipped && !(quiet && log.noData)) continue
      const status = skipped ? 'SKIPDATA' : 'NODATA'
      const line = gapLine(fields, {
        account: accountOf(eni),
        interface: eni.id,
        status,
        start: window.startMs / 1000,
        end: window.endMs / 1000,
      })
      deliver(eni.id, window, window.startMs, line, `${log.id} gap ${eni.id} ${window.index}`)
    }
  }
  return events.sort((a, b) => a.startMs - b.startMs || a.arrivedMs - b.arrivedMs || (a.id < b.id ? -1 : 1))
}

interface Sum extends Load {
  firstMs: number
  lastMs: number
}

/** What went in one direction, by window. */
function sumsOf({ activity }: Connection, reply: boolean, widthMs: number): Map<number, Sum> {
  const sums = new Map<number, Sum>()
  for (const { atMs, out, back } of activity) {
    const load = reply ? back : out
    if (load.packets === 0) continue
    const index = Math.floor(atMs / widthMs)
    const sum = sums.get(index) ?? { packets: 0, bytes: 0, flags: 0, firstMs: atMs, lastMs: atMs }
    sums.set(index, {
      packets: sum.packets + load.packets,
      bytes: sum.bytes + load.bytes,
      flags: sum.flags | load.flags,
      firstMs: Math.min(sum.firstMs, atMs),
      lastMs: Math.max(sum.lastMs, atMs),
    })
  }
  return sums
}

function lineOf(
  connection: Connection,
  sighting: Sighting,
  sum: Sum,
  recorder: FlowRecorder,
  log: FlowLog,
  fields: readonly string[],
): string {
  const { world, protocol } = connection
  const ports = portsOf(connection, sighting)
  const facts: RecordFacts = {
    world,
    plan: recorder.plan(),
    sighting,
    sourcePort: ports.source,
    destinationPort: ports.destination,
    protocol,
    packets: sum.packets,
    bytes: sum.bytes,
    start: Math.floor(sum.firstMs / 1000),
    end: Math.ceil(sum.lastMs / 1000),
    flags: sum.flags,
  }
  const lie = log.wrong.find((wrong) => isAbout(wrong, sighting))
  return recordLine(fields, facts, lie?.fields)
}

function isAbout({ remote, interface: id, direction }: WrongRecord, sighting: Sighting): boolean {
  const far = sighting.reply ? sighting.source : sighting.destination
  const fits = remote.includes('/') ? within(far, remote) : far === remote
  return (
    fits &&
    (id === null || sighting.eni?.id === id) &&
    (direction === null || direction === sighting.direction)
  )
}

function covers({ resource }: FlowLog, { eni, nat }: Sighting): boolean {
  if (eni === null) return resource === nat || resource.startsWith('vpc-')
  return isOf(eni, resource)
}

function isOf(eni: WorldInterface, resource: string): boolean {
  return eni.id === resource || eni.subnet === resource || eni.vpc === resource
}

function coveredInterfaces(world: World, { resource }: FlowLog): WorldInterface[] {
  return world.interfaces.filter((eni) => isOf(eni, resource))
}

/** A failed log delivers nothing from then on; what was delivered before stays. */
function isDelivered(recorder: FlowRecorder, { id }: FlowLog, arrivedMs: number): boolean {
  const log = recorder.worldAt(arrivedMs).flowLogs.find((item) => item.id === id)
  return log !== undefined && log.status === 'SUCCESS'
}

/** Every log that there is or was: what it has delivered outlives it. */
export function everyLog(recorder: FlowRecorder): FlowLog[] {
  const logs = new Map<string, FlowLog>()
  for (const { world } of recorder.worlds()) for (const log of world.flowLogs) logs.set(log.id, log)
  return [...logs.values()]
}

function eventId(seed: number, key: string, startMs: number): string {
  const tail = Array.from({ length: 4 }, (_, n) =>
    String(Math.floor(draw(seed, 'event', key, n) * 1e10)).padStart(10, '0'),
  ).join('')
  return `3${String(startMs).padStart(15, '0')}${tail}`
}
