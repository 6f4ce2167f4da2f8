/** What the network's own records would say of the connections of a look at a world, kept well or badly. */
import type { Attempt } from '../../model/observation.ts'
import { allFields, defaultFormat } from '../flow/fields.ts'
import { createFlowRecorder, type FlowRecorder } from '../flow/recorder.ts'
import { type FlowLog, type FlowPlan, fullFormat, usualFlowLog, usualFlowPlan } from '../flow/types.ts'
import { deliveredEvents } from '../flow/writer.ts'
import { ids } from './generate-parts.ts'
import { mutate } from './mutate.ts'
import type { Observed, SeenAttempt } from './observe.ts'
import { type Choices, choicesFrom } from './random.ts'
import type { World } from './types.ts'

/** Lines of one log, as they could be read at one time. */
export interface SeenRecords {
  log: FlowLog
  lines: { interface: string; line: string; id: string }[]
}

/** One attempt as its socket was, also where it did not connect. */
export interface FlowAttempt {
  seen: SeenAttempt
  attempt: Attempt
  /** Its local port was used again for the same remote, and the agent knows. */
  reuse: boolean
}

export interface ObservedFlow {
  /** Everything is kept and told, and in time. */
  whole: boolean
  attempts: FlowAttempt[]
  /** This host's clock against AWS's, as the agent knows it. */
  clockOffsetSeconds: number | null
  /** Where logs that deliver into one place are told apart by their formats only. */
  merged: boolean
  /** What could be read so many seconds after the attempts; earlier first. */
  looks: { afterSeconds: number; records: SeenRecords[] }[]
  /** For people. */
  how: string
}

/** `twinned`: well, but for gaps that are told, so that nothing hides what a second connection does. */
type Kept = 'well' | 'twinned' | 'anyhow'

function someFormat(choices: Choices, kept: Kept): string | null {
  if (kept !== 'anyhow') return fullFormat
  const full = fullFormat.split(' ')
  return choices.weighted<() => string | null>([
    [5, () => fullFormat],
    [1, () => null],
    [1, () => defaultFormat],
    [3, () => full.filter(() => choices.chance(0.85)).join(' ') || fullFormat],
    [1, () => allFields.map((name) => `\${${name}}`).join(' ')],
  ])()
}

function someLog(choices: Choices, world: World, number: number, kept: Kept): FlowLog {
  const whole = kept !== 'anyhow'
  const resource = whole
    ? ids.vpc
    : choices.weighted([
        [6, ids.vpc],
        [1, ids.hostEni],
        [1, ids.hostSubnet],
        [1, ids.publicSubnet],
        [1, 'nat-0b000007'],
        [1, 'eni-0a000077'],
      ] as const)
  const share = (...some: number[]): number => (whole ? 0 : choices.pick([0, 0, ...some]))
  const vague = choices.some(['traffic-path', 'flow-direction', 'pkt-srcaddr', 'pkt-dstaddr', 'action'], 2)
  const answers = world.names.flatMap(({ ipv4, ipv6 }) => [...ipv4, ...ipv6])
  const remote = answers.length === 0 ? '52.216.8.53' : choices.pick(answers)
  return {
    ...usualFlowLog(`fl-0000000${number}`, resource),
    format: someFormat(choices, kept),
    trafficType: whole ? 'ALL' : choices.pick(['ALL', 'ALL', 'ALL', 'ACCEPT', 'REJECT'] as const),
    aggregationSeconds: kept === 'twinned' ? 60 : choices.pick([60, 600] as const),
    jitterSeconds: whole ? 0 : choices.pick([0, 0, 300]),
    lost: share(0.1, 0.5),
    doubled: share(0.3, 1),
    skipped: kept === 'twinned' ? choices.pick([0, 0, 0.5]) : share(0.5, 1),
    skippedHides: choices.pick([0.5, 1]),
    // What AWS calls best effort: it may be missing.
    wrong:
      !whole && choices.chance(0.25)
        ? [
            {
              remote,
              interface: null,
              direction: null,
              fields: Object.fromEntries(vague.map((name) => [name, '-'])),
            },
          ]
        : [],
  }
}

function somePlan(choices: Choices, seed: number, world: World, whole: boolean): FlowPlan {
  const answers = world.names.flatMap(({ ipv4 }) => ipv4)
  // Neighbours behind the same gateways, on their way to the same addresses.
  const busy = !whole && answers.length > 0 && choices.chance(0.4)
  return {
    ...usualFlowPlan,
    seed,
    nitro: whole || choices.chance(0.75),
    natPorts: choices.pick(['changed', 'kept'] as const),
    transitPath: choices.pick(['1', '-'] as const),
    typeSpelling: choices.pick(['underscore', 'hyphen'] as const),
    workload: busy
      ? [ids.proxyEni, ids.hostEni, ids.secondEni].map((eni) => ({
          interface: eni,
          source: null,
          destination: choices.pick(answers),
          port: 443,
          protocol: 6,
          everySeconds: choices.pick([15, 50, 200]),
          bytes: 2000,
        }))
      : [],
  }
}

/** A port for sockets that did not connect: they had one as well. */
function withPort(seen: SeenAttempt, number: number): Attempt {
  const { attempt } = seen
  const { outcome } = attempt
  const sent =
    outcome.reached === 'nothing' && !['no_local_route', 'resources'].includes(outcome.failure.type)
  return attempt.localPort === null && attempt.localAddress !== null && sent
    ? { ...attempt, localPort: 50_000 + number }
    : attempt
}

/** The connection of one attempt, as the network sees it. */
function make(recorder: FlowRecorder, attempt: Attempt): void {
  const { localAddress, localPort, address, port, outcome } = attempt
  if (localAddress === null || localPort === null) return
  const packet = { source: localAddress, destination: address, port }
  if (outcome.reached === 'nothing') {
    recorder.lost(packet, localPort)
    return
  }
  let counters = { read: 0, written: 0 }
  const socket = recorder.opened(packet, localPort, () => counters)
  counters = { read: 900, written: 5000 }
  socket.closed()
}

/** Other connections to the same addresses, at about the same time, when the routes were different. */
interface Twin {
  kind: string
  world: World
  atSeconds: number
  /** The agent knows that its port was used again. */
  known: boolean
  /** They can be told apart only by who has every record. */
  needsAll: boolean
  /** Where the other one comes from; null: there is none beside this attempt. */
  sourceOf(attempt: Attempt): string | null
}

/** The gateway endpoint's routes gone or everywhere, the default route by the internet gateway, or any other change. */
function otherRoutes(choices: Choices, world: World, logs: FlowLog[]): World {
  const change = choices.pick(['without', 'with', 'with', 'public', 'any'] as const)
  if (change === 'any') return { ...mutate(world, choices, 'anything'), flowLogs: logs }
  const tables = world.tables.map((table) => {
    const routes = table.routes.filter(
      ({ to }) => !to.startsWith('pl-') && (change !== 'public' || to !== '0.0.0.0/0'),
    )
    const added =
      change === 'without'
        ? []
        : change === 'with'
          ? [{ to: ids.s3v4, via: ids.s3Gateway }]
          : [{ to: '0.0.0.0/0', via: 'igw-0a000001' }]
    return {
      ...table,
      routes: [
        ...routes,
        ...added.map((r) => ({ ...r, state: 'active' as const, origin: 'static' as const })),
      ],
    }
  })
  return { ...world, tables, flowLogs: logs }
}

/** The proxy's machine, beside the host in its subnet, as a host of its own. */
function neighbour({ host }: World): World['host'] {
  const device = {
    name: 'eth0',
    kind: 'physical' as const,
    mac: '',
    addresses: ['10.0.1.90'],
    leads: { interface: ids.proxyEni },
  }
  const route = { from: null, device: 'eth0', selector: false, applies: true }
  return {
    ...host,
    devices: [device],
    routes: [{ ...route, to: '0.0.0.0/0', gateway: '10.0.1.1' }],
    redirects: [],
    ipv4Usable: true,
  }
}

function someTwin(choices: Choices, world: World, logs: FlowLog[]): Twin {
  const delivered = logs.every(
    ({ lost, skipped, trafficType }) => lost === 0 && skipped === 0 && trafficType === 'ALL',
  )
  const short = logs.every(({ aggregationSeconds }) => aggregationSeconds === 60)
  const own = ({ localAddress }: Attempt): string | null => localAddress
  const near = choices.pick([-100, -40, -5, 5, 40, 100])
  const common = { world: otherRoutes(choices, world, logs), atSeconds: near, known: false, needsAll: false }
  const kinds: Twin[] = [
    { ...common, kind: 'its port was used twice, known', known: true, sourceOf: own },
    {
      ...common,
      kind: "another address's twin",
      sourceOf: ({ localAddress }) => (localAddress === '10.0.1.60' ? '10.0.1.50' : null),
    },
  ]
  if (delivered) {
    kinds.push(
      { ...common, kind: 'its port was used twice', needsAll: true, sourceOf: own },
      {
        ...common,
        kind: 'a neighbour',
        world: { ...common.world, host: neighbour(common.world) },
        needsAll: true,
        sourceOf: ({ family }) => (family === 4 ? '10.0.1.90' : null),
      },
    )
  }
  if (short) kinds.push({ ...common, kind: 'its port was used long ago', atSeconds: -700, sourceOf: own })
  return choices.pick(kinds)
}

/** The records of a look at a world. The same seed gives the same. Judging must never take harm from any of it. */
export function observeFlow(look: Observed, seed = look.seed): ObservedFlow {
  const choices = choicesFrom(seed ^ 0x2545f491)
  const whole = choices.chance(0.3)
  const kept: Kept = whole ? 'well' : choices.chance(0.4) ? 'twinned' : 'anyhow'
  const logs = Array.from({ length: kept !== 'anyhow' || choices.chance(0.7) ? 1 : 2 }, (_, n) =>
    someLog(choices, look.world, n + 1, kept),
  )
  const world: World = { ...look.world, flowLogs: logs }
  const truly = whole ? 0 : choices.pick([0, 0, 0, 20, -45, 58, 600])
  const known = whole || choices.chance(0.9)
  const attemptsMs = look.nowMs - truly * 1000
  let nowMs = attemptsMs - 900_000
  let current = world
  const recorder = createFlowRecorder({
    world: () => current,
    plan: somePlan(choices, seed, world, whole),
    nowMs: () => nowMs,
  })
  const attempts = look.names
    .flatMap((name) => name.attempts)
    .map((seen, number): FlowAttempt => ({ seen, attempt: withPort(seen, number), reuse: false }))

  const twin = whole || (kept === 'anyhow' && choices.chance(0.5)) ? null : someTwin(choices, world, logs)
  const meet = (): void => {
    if (twin === null) return
    nowMs = attemptsMs + twin.atSeconds * 1000
    current = twin.world
    for (const one of attempts) {
      const source = twin.sourceOf(one.attempt)
      if (source === null || !choices.chance(0.7)) continue
      make(recorder, { ...one.attempt, localAddress: source })
      one.reuse = twin.known
    }
    current = world
  }
  if (twin !== null && twin.atSeconds < 0) meet()
  nowMs = attemptsMs
  for (const { attempt } of attempts) make(recorder, attempt)
  if (twin !== null && twin.atSeconds > 0) meet()

  // Of which only the wrong half has come yet is beyond anybody.
  const early = twin?.needsAll === true ? [] : [choices.pick([30, 330, 400, 700])]
  const looks = [...early, 4000].map((afterSeconds) => {
    nowMs = attemptsMs + afterSeconds * 1000
    const query = { fromMs: attemptsMs - 800_000, toMs: attemptsMs + 800_000, nowMs, interfacePrefix: '' }
    const records = logs.map((log): SeenRecords => {
      const events = deliveredEvents(recorder, log, query)
      return { log, lines: events.map((e) => ({ interface: e.interface, line: e.line, id: e.id })) }
    })
    return { afterSeconds, records }
  })
  const how = logs.map(
    ({ id, resource, format, lost, doubled, skipped, wrong, aggregationSeconds }) =>
      `${id} of ${resource}, ${aggregationSeconds} s, lost ${lost}, doubled ${doubled}, skipped ${skipped}, vague ${wrong.length}: ${format}`,
  )
  return {
    whole,
    attempts,
    clockOffsetSeconds: known ? truly : null,
    merged: choices.chance(0.3),
    looks,
    how: `${how.join('; ')}; clock ${truly} s${known ? '' : ', not known'}; ${twin?.kind ?? 'no twin'}`,
  }
}
