import { createFlowRecorder, type FlowRecorder } from '../../lab/flow/recorder.ts'
import { type FlowLog, type FlowPlan, fullFormat, usualFlowLog, usualFlowPlan } from '../../lab/flow/types.ts'
import { deliveredEvents, type FlowEvent } from '../../lab/flow/writer.ts'
import type { WorldSpec } from '../../lab/world/spec.ts'
import type { World } from '../../lab/world/types.ts'
import { changeWorld, worldFrom } from '../../lab/world/world.ts'

export const noon = Date.UTC(2026, 10, 20, 12)
export const s3Address = '52.216.8.53'

/** A world with a recorder on a clock of its own. */
export function recorded(spec: WorldSpec = {}, plan: Partial<FlowPlan> = {}) {
  let world = worldFrom({ flowLogs: [{ id: 'fl-0a000001', resource: 'vpc-0a000001' }], ...spec })
  let nowMs = noon
  const recorder = createFlowRecorder({
    world: () => world,
    plan: { ...usualFlowPlan, ...plan },
    nowMs: () => nowMs,
  })
  return {
    recorder,
    world: (): World => world,
    change: (change: WorldSpec): void => {
      world = changeWorld(world, change)
      recorder.changed()
    },
    now: () => nowMs,
    wait: (seconds: number): void => void (nowMs += seconds * 1000),
    /** One whole connection now: 500 bytes there, 4,000 back. */
    connect: (destination = s3Address, sourcePort = 40_000, source = '10.0.1.50'): void => {
      recorder
        .opened({ source, destination, port: 443 }, sourcePort, () => ({ read: 500, written: 4000 }))
        .closed()
    },
    log: (): FlowLog => world.flowLogs[0] ?? usualFlowLog('', ''),
    events: (more: Partial<Parameters<typeof deliveredEvents>[2]> = {}): FlowEvent[] =>
      eventsOf(recorder, world.flowLogs[0], nowMs, more),
  }
}

export function eventsOf(
  recorder: FlowRecorder,
  log: FlowLog | undefined,
  nowMs: number,
  more: Partial<Parameters<typeof deliveredEvents>[2]> = {},
): FlowEvent[] {
  if (log === undefined) throw new Error('no flow log')
  return deliveredEvents(recorder, log, {
    fromMs: 0,
    toMs: nowMs + 1,
    nowMs,
    interfacePrefix: '',
    ...more,
  })
}

/** A line's texts by field name: a naive reading, by the order of the format. */
export function fieldsOfLine(line: string, format: string = fullFormat): Record<string, string> {
  const names = [...format.matchAll(/\$\{([^}]+)\}/gu)].map(([, name]) => String(name))
  const values = line.split(' ')
  if (names.length !== values.length)
    throw new Error(`${names.length} fields, ${values.length} values: ${line}`)
  return Object.fromEntries(names.map((name, n) => [name, values[n] ?? '']))
}
