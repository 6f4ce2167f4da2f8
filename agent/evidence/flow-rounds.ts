import type { CaptureInterface, CapturePoints } from '../../model/capture.ts'
import type { FlowKey } from '../../model/flow.ts'
import type { Clock } from '../../model/host.ts'
import type { Snapshot } from '../../model/topology.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import type { RecordsCursor, RecordsResult } from '../../aws/flow-query.ts'
import type { FlowlogMetrics } from '../../exporters/flowlog-metrics.ts'
import type { Coverage } from '../../probes/flowlog-coverage.ts'
import type { Census } from './census.ts'
import { clockProblem } from './clock-offset.ts'
import type { FlowCoverage } from './flow-coverage.ts'
import type { LateBook } from './late-book.ts'
import type { Wanted } from './late-entry.ts'
import { knownCidrsOf, recordsQueries } from './records-queries.ts'
import type { RecordsAnswer, RecordsRequest } from './records-request.ts'

export interface FlowRoundsDeps {
  everySeconds: number
  clock: Clock
  book: LateBook
  census: Census
  coverage: FlowCoverage
  metrics: FlowlogMetrics
  snapshot(): Snapshot | null
  /** Region whose APIs are asked; null: not known (yet). */
  region(): string | null
  /** By how much AWS's clock is ahead of this host's; null: not known. */
  clockOffsetSeconds(): number | null
  roleArn: string | null
  /** One child process for all queries of a round. Never rejects. */
  read(request: RecordsRequest): Promise<RecordsAnswer>
  /** What came of each query of a round. */
  onRead(results: readonly RecordsResult[], nowMs: number): void
  /** Verdicts that records changed. */
  told(verdicts: readonly AttemptVerdict[]): void
  /** Told when it begins; what stays is not told again. */
  onProblem(problem: string): void
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** 0 to 1. */
  random(): number
  signal: AbortSignal
}

export interface FlowRounds {
  /** One reading of all that is waited for. Never rejects. */
  round(): Promise<void>
  /** Rounds until the signal fires. */
  run(): Promise<void>
  /** What is wrong now: with the logs themselves and with the last reading. */
  problems(): string[]
  /** Commands that mend it, where one does. */
  coverages(): Coverage[]
}

const deadlineSeconds = 50
/** A record's own times are up to 60 s off, and a clock may be a minute off. */
const slackMs = 120_000
/**
 * Records that come when nobody waits for them any more are looked for a day back, for the price of two short readings
 * instead of one of a whole day: every half hour the last three hours are read, and one of six further stretches in its turn.
 * The turns come round faster than a stretch lasts, so none goes by unread: what comes within three hours is found within
 * the half hour, what comes later within four hours, up to 20 hours after the attempt at the least.
 */
const lateEveryMs = 30 * 60_000
const lateMs = 3 * 3600_000
const stretchMs = 3.5 * 3600_000
const furtherStretches = 6
const lateBackMs = lateMs + furtherStretches * stretchMs
/** In files, which are read once, they are looked for in every one that is new: the youngest so many attempts. */
const mostLateInFiles = 5000
/** Without an attempt that waits, what came lately is still counted. */
const idleWindowMs = 20 * 60_000

/**
 * Reads the flow logs of this host's ways again and again: one query for each log and interface, for all attempts that
 * wait. Late records are found because every round goes back to the oldest attempt whose time is not over.
 */
export function createFlowRounds(deps: FlowRoundsDeps): FlowRounds {
  const { book, census, clock, coverage, metrics, signal } = deps
  const cursors = new Map<string, RecordsCursor>()
  let standing: string[] = []
  let lateSinceMs = clock.monotonicMs()
  let lateTurn = 0

  const placesOf = ({ client, nats, endpoints }: CapturePoints): CaptureInterface[] => [
    ...(client === null ? [] : [client]),
    ...nats,
    ...endpoints,
  ]

  const coverages = (pending: readonly Wanted[] = []): Coverage[] => {
    const own = coverage.own()
    const known = new Set(own.map(({ at }) => keyOf(at)))
    const further = pending
      .flatMap(({ points }) => placesOf(points))
      .filter((at) => {
        const isNew = !known.has(keyOf(at))
        known.add(keyOf(at))
        return isNew
      })
    return [...own, ...further.map((at) => coverage.of(at))]
  }

  const settle = (
    result: RecordsResult,
    interfaces: readonly string[],
    scope: 'client' | 'nat',
  ): string[] => {
    const nowMs = clock.wallMs()
    deps.told(book.captured(result.captured))
    if (result.census !== null) {
      const { census: counted, captured } = result
      census.add({ scope, interfaces, census: counted, skipped: captured.skipped }, nowMs)
      if (scope === 'client')
        metrics.flows(counted.rows, { flows: counted.otherFlows, bytes: counted.otherBytes })
    }
    if (result.cursor !== null) cursors.set(result.id, result.cursor)
    if (result.newestEndSeconds !== null) metrics.newest(result.newestEndSeconds)
    const problems: string[] = []
    if (result.failure !== null) {
      metrics.failed(result.failure.reason)
      problems.push(`${result.failure.detail} (${result.failure.permission}); ${result.failure.nextStep}`)
    }
    if (result.truncated !== null) {
      metrics.failed('truncated')
      problems.push(
        `more flow records than one reading takes (${result.truncated}): some attempts may stay unconfirmed`,
      )
    }
    if (result.badFiles > 0) metrics.failed('bad_file')
    if (result.badLines > 0) metrics.failed('bad_line')
    return problems
  }

  const roundOnce = async (): Promise<string[]> => {
    deps.told(book.expire())
    const pending = book.pending()
    const covers = coverages(pending)
    const withLog = coverage
      .own()
      .filter(({ logs }) => logs.some((l) => l.source !== null && l.delivers !== false))
    metrics.interfaces(withLog.length, coverage.own().length - withLog.length)
    const region = deps.region()
    if (region === null) return ['no region to read flow logs in: set AWS_REGION, or region in the targets']
    const nowMs = clock.wallMs()
    const inFiles = covers.some(({ logs }) => logs.some(({ source }) => source?.kind === 's3'))
    const oldestMs = Math.min(...pending.map((w) => w.attempt.stamp.wallMs - w.aggregationSeconds * 1000))
    const queries = recordsQueries(covers, {
      keys: keysOf(pending),
      fromMs: (pending.length === 0 ? nowMs - idleWindowMs : oldestMs) - slackMs,
      nowMs: nowMs + slackMs,
      cursors,
      knownCidrs: knownCidrsOf(deps.snapshot()),
      lateKeys: inFiles ? keysOf(book.over(nowMs - lateBackMs).slice(-mostLateInFiles)) : [],
    })
    await lookForLate(region, nowMs)
    if (queries.length === 0) return []
    const ids = new Set(queries.map(({ id }) => id))
    for (const id of cursors.keys()) if (!ids.has(id)) cursors.delete(id)
    const answer = await deps.read({ region, roleArn: deps.roleArn, queries, metrics: null, deadlineSeconds })
    if (signal.aborted) return standing
    deps.onRead(answer.results, nowMs)
    const clients = new Set(coverage.own().map(({ at }) => at.interfaceId))
    return answer.results.flatMap((result, index) => {
      const query = queries[index]
      if (query === undefined) return []
      const scope = query.interfaceIds.some((id) => clients.has(id)) ? 'client' : 'nat'
      return settle(result, query.interfaceIds, scope)
    })
  }

  /**
   * An attempt whose time is over is confirmed by nothing any more, but what contradicts it still counts. What one reading of
   * so long a time leaves out says nothing of the attempts that wait.
   */
  const lookForLate = async (region: string, nowMs: number): Promise<void> => {
    if (clock.monotonicMs() - lateSinceMs < lateEveryMs) return
    lateSinceMs = clock.monotonicMs()
    // What a clock that was set back made younger than now belongs to the last hours as well.
    await lookForLateOf(region, book.over(nowMs - lateMs))
    if (signal.aborted) return
    const untilMs = nowMs - lateMs - lateTurn * stretchMs
    lateTurn = (lateTurn + 1) % furtherStretches
    const over = book.over(untilMs - stretchMs)
    await lookForLateOf(
      region,
      over.filter(({ attempt }) => attempt.stamp.wallMs < untilMs),
    )
  }

  const lookForLateOf = async (region: string, over: readonly Wanted[]): Promise<void> => {
    if (over.length === 0) return
    const startsMs = over.map(({ attempt }) => attempt.stamp.wallMs)
    const longestMs = Math.max(...over.map(({ aggregationSeconds }) => aggregationSeconds)) * 1000
    const queries = recordsQueries(coverages(over), {
      keys: keysOf(over),
      fromMs: Math.min(...startsMs) - longestMs - slackMs,
      nowMs: Math.max(...startsMs) + longestMs + slackMs,
      cursors: new Map(),
      knownCidrs: [],
    }).flatMap((query) => (query.source.kind === 'logs' ? { ...query, census: false } : []))
    if (queries.length === 0) return
    const answer = await deps.read({ region, roleArn: deps.roleArn, queries, metrics: null, deadlineSeconds })
    if (signal.aborted) return
    for (const { captured } of answer.results)
      deps.told(book.captured({ records: captured.records, skipped: [] }))
  }

  const round = async (): Promise<void> => {
    let found: string[]
    try {
      found = await roundOnce()
    } catch (error) {
      found = [`reading flow records failed: ${error instanceof Error ? error.message : String(error)}`]
    }
    const clockIsOff = clockProblem(deps.clockOffsetSeconds())
    const distinct = [...new Set(clockIsOff === null ? found : [...found, clockIsOff])]
    for (const problem of distinct) if (!standing.includes(problem)) deps.onProblem(problem)
    standing = distinct
  }

  return {
    round,
    async run() {
      await deps.sleep(Math.min(deps.everySeconds, 30) * deps.random(), signal)
      while (!signal.aborted) {
        await round()
        await deps.sleep(deps.everySeconds * (0.9 + 0.2 * deps.random()), signal)
      }
    },
    problems: () => [
      ...standing,
      ...coverages().flatMap(({ findings }) =>
        findings.flatMap(({ severity, text }) => (severity === 'note' ? [] : [text])),
      ),
    ],
    coverages: () => coverages(),
  }
}

function keyOf({ interfaceId, natGatewayId }: CaptureInterface): string {
  return interfaceId ?? natGatewayId ?? ''
}

/** By what the attempts' records are found; behind a NAT gateway the local port is another one. */
function keysOf(pending: readonly Wanted[]): FlowKey[] {
  const keys = new Map<string, FlowKey>()
  for (const { attempt, points } of pending) {
    const { address, port } = attempt
    const ports = points.nats.length > 0 ? [attempt.localPort, null] : [attempt.localPort]
    for (const localPort of ports) {
      keys.set(`${localPort ?? ''} ${address} ${port}`, {
        localPort,
        remoteAddress: address,
        remotePort: port,
        protocol: 6,
      })
    }
  }
  return [...keys.values()]
}
