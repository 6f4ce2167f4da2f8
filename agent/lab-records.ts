import type { Lab } from '../lab/lab.ts'
import { type Scenario, firstWorld } from '../lab/scenario.ts'
import { catalogue } from '../exporters/catalogue.ts'
import { createFlowlogMetrics } from '../exporters/flowlog-metrics.ts'
import { createSeriesSet } from '../exporters/prometheus.ts'
import type { Clock, HostAccess } from '../model/host.ts'
import type { Snapshot } from '../model/topology.ts'
import type { TargetVerdict } from '../model/verdict.ts'
import { fieldsWanted } from '../aws/flow-fields.ts'
import { printFlowFormat } from '../aws/flow-format.ts'
import { contentHash } from '../aws/snapshot-content.ts'
import { pendingSeconds } from '../verdict/confirm.ts'
import { type CheckDeps, othersOnce, readOnce } from './check.ts'
import type { ProgramCommand } from './child.ts'
import type { Config } from './config/config.ts'
import { targetsOf } from './config/targets.ts'
import { createFleet } from './watch/fleet.ts'
import { createFlowLogs } from './evidence/flow-logs.ts'
import { createLives } from './watch/lives.ts'
import { createShared } from './watch/shared.ts'
import { readingProblems } from './account/snapshot-keeper.ts'
import { noEndpoints, readerDeps, regionOf } from './account/snapshot-source.ts'
import { createTaintBook } from './evidence/taint.ts'
import { findVantage } from './account/vantage.ts'

const beforeVersion6 =
  '${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${end} ${action} ${log-status} ${vpc-id} ${subnet-id} ${instance-id} ${tcp-flags} ${type} ${pkt-srcaddr} ${pkt-dstaddr} ${region} ${az-id} ${sublocation-type} ${sublocation-id} ${pkt-src-aws-service} ${pkt-dst-aws-service} ${flow-direction} ${traffic-path}'

/** Formats of flow logs by name: the one that this program asks for, all fields of versions 2 to 5, and AWS's own default (null). */
export const recordFormats = {
  full: printFlowFormat(fieldsWanted),
  v5: beforeVersion6,
  default: null,
} as const
export type RecordFormat = keyof typeof recordFormats

export const isRecordFormat = (text: string): text is RecordFormat => Object.hasOwn(recordFormats, text)

/**
 * The scenario with a flow log of this format on each VPC of the account, and on the host's interfaces in VPCs of others. One
 * that has flow logs of its own stays as it is.
 */
export function withFlowLogs(scenario: Scenario, format: RecordFormat): Scenario {
  if (scenario.world.flowLogs !== undefined) return scenario
  const world = firstWorld(scenario)
  const own = world.vpcs.filter(({ owner }) => owner === world.account).map(({ id }) => id)
  const lent = world.interfaces.filter(
    ({ id, vpc, owner }) =>
      world.host.interfaces.includes(id) && owner === world.account && !own.includes(vpc),
  )
  const logs = [...own, ...lent.map(({ id }) => id)].map((resource, n) => ({
    id: `fl-0f0000${String(n).padStart(2, '0')}`,
    resource,
    format: recordFormats[format],
  }))
  return {
    ...scenario,
    world: { ...scenario.world, flowLogs: logs },
  }
}

/** A clock that goes by itself and can be put on. */
export interface MovedClock extends Clock {
  advance(seconds: number): void
}

export function movedClock(clock: Clock): MovedClock {
  let aheadMs = 0
  return {
    wallMs: () => clock.wallMs() + aheadMs,
    monotonicMs: () => clock.monotonicMs() + aheadMs,
    advance(seconds) {
      aheadMs += seconds * 1000
    },
  }
}

export interface RecordedLook {
  /** As it was judged before any record had come. */
  targets: TargetVerdict[]
  /** The same attempts with what the network recorded of them, when the time for that is over. */
  recorded: TargetVerdict[]
  snapshot: Snapshot | null
  /** What went wrong in reading the account and the records, one line each. */
  problems: string[]
}

export interface RecordedLookDeps {
  /** The lab's, by a clock that can be put on. */
  host: HostAccess & { clock: MovedClock }
  /** Reads the records; the account as well where the configuration says so. */
  program: ProgramCommand
  version: string
  readText(path: string): Promise<string | null>
  signal: AbortSignal
}

/** By then the usual log has delivered what it saw: a window of 60 s, 300 s late, and some slack. */
const deliveredSeconds = 480
/** The last ones are ended by the lab's servers, which takes some turns. */
const closedWithinMs = 2000

/**
 * One cycle of the daemon's own fleet in a lab, then one reading of the flow logs once they have been delivered, then the
 * end of the waiting. The configuration's targets must have intervals of 15 minutes at least, or their attempts would be
 * over by then.
 */
export async function lookWithRecords(
  lab: Lab,
  given: Config,
  deps: RecordedLookDeps,
): Promise<RecordedLook> {
  const { host, program, signal, version } = deps
  const { clock } = host
  const config: Config = {
    ...given,
    flowLogs: { ...given.flowLogs, enabled: true },
    limits: { ...given.limits, holdWindowSeconds: 2 * 3600 },
  }
  const problems: string[] = []
  const ignored = () => undefined
  const vantage = await findVantage({
    host,
    readText: deps.readText,
    configured: config.agent.vantage,
    signal,
  })
  const checkDeps: CheckDeps = {
    host,
    version,
    readText: deps.readText,
    hostRoots: lab.hostRoots,
    signal,
    ...(config.topology.source === 'aws' ? { program } : {}),
    onSnapshot: ignored,
    onProblem: (problem) => problems.push(problem),
  }
  const read = await readOnce(config, null, vantage, checkDeps)
  if (read !== null) problems.push(...readingProblems(read))
  const snapshot = read?.snapshot ?? null
  const others = await othersOnce(config, vantage, checkDeps)
  const reading = snapshot === null ? null : { snapshot, content: contentHash(snapshot) }

  // Two turns: the reading, and its end.
  const turns = new AbortController()
  let slept = 0
  const flowLogs = createFlowLogs({
    host,
    config: () => config.flowLogs,
    snapshot: () => snapshot,
    vantage: () => vantage,
    region: () => regionOf(config, vantage, host.environment),
    reader: () =>
      readerDeps(
        { host, program, signal, onLine: ignored },
        vantage,
        config.topology.endpoint ?? noEndpoints,
      ),
    metrics: createFlowlogMetrics(createSeriesSet(catalogue)),
    told: (verdicts) => fleet.told(verdicts),
    onRead: ignored,
    onProblem: (problem) => problems.push(problem),
    sleep() {
      if (++slept > 1) turns.abort()
      return Promise.resolve()
    },
    random: () => 0,
  })
  const taint = createTaintBook()
  const latest = new Map<string, TargetVerdict>()
  const fleet = createFleet({
    clock,
    lives: createLives(() => clock.monotonicMs()),
    taint,
    tainted: ignored,
    weighed: flowLogs.book.weighed,
    nextSlotSeconds: () => null,
    judged: (target, verdict) => void latest.set(target.name, verdict),
    joined: ignored,
  })
  let sequence = 0
  const shared = createShared({
    config,
    configuration: () => null,
    host,
    vantage: () => vantage,
    version,
    nextId: () => `lab-${(++sequence).toString(36)}`,
    reading: () => reading,
    others: () => others,
    observed(_target, observation) {
      if (observation.kind === 'attempt') flowLogs.observed(observation)
    },
    taint,
    late: flowLogs.book,
    hostRoots: lab.hostRoots,
  })
  const { targets } = targetsOf(config)
  fleet.replace(targets, shared, true)
  await Promise.all(targets.map(({ name }) => fleet.cycle(name, signal)))
  const before = targets.flatMap(({ name }) => latest.get(name) ?? [])

  const untilMs = performance.now() + closedWithinMs
  while (lab.records.recorder.open() > 0 && performance.now() < untilMs)
    await new Promise((resolve) => setTimeout(resolve, 2))
  clock.advance(deliveredSeconds)
  await flowLogs.run(turns.signal)
  // Long enough for the longest aggregation there is.
  clock.advance(pendingSeconds(600) - deliveredSeconds + 1)
  fleet.told(flowLogs.book.expire())
  const recorded = targets.flatMap(({ name }) => latest.get(name) ?? [])
  return { targets: before, recorded, snapshot, problems }
}
