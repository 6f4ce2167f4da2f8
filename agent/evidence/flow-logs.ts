import type { Attempt } from '../../model/observation.ts'
import type { HostAccess } from '../../model/host.ts'
import type { Snapshot, Vantage } from '../../model/topology.ts'
import type { RecordsResult } from '../../aws/flow-query.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import type { FlowlogMetrics } from '../../exporters/flowlog-metrics.ts'
import type { NamedFlowLog } from '../../probes/flowlog-coverage.ts'
import { type Census, type CensusCounted, type CensusDocument, createCensus } from './census.ts'
import type { ReaderDeps } from '../child.ts'
import { createClockOffset } from './clock-offset.ts'
import type { FlowLogsConfig } from '../config/config.ts'
import { createEvidenceAge } from './evidence-age.ts'
import { type FlowCoverage, createFlowCoverage } from './flow-coverage.ts'
import { type FlowRounds, createFlowRounds } from './flow-rounds.ts'
import { type LateBook, createLateBook } from './late-book.ts'
import type { WaitingStore } from './late-store.ts'
import { readRecords } from './records-child.ts'

export interface FlowLogsDeps {
  host: HostAccess
  /** As configured now. */
  config(): FlowLogsConfig
  snapshot(): Snapshot | null
  vantage(): Vantage
  region(): string | null
  reader(signal: AbortSignal): ReaderDeps
  metrics: FlowlogMetrics
  told(verdicts: readonly AttemptVerdict[]): void
  /** Flows that are counted for the first time. */
  counted?(counted: CensusCounted, nowMs: number): void
  /** What came of each query of a round. */
  onRead(results: readonly RecordsResult[], nowMs: number): void
  onProblem(problem: string): void
  /** Left out: a restart forgets what waits. */
  waiting?: WaitingStore
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  random(): number
}

/** What the network recorded: the attempts that wait for it, its reading, and the count of all flows. */
export interface FlowLogs {
  book: LateBook
  /** An attempt was made: its answer's date tells this host's clock from AWS's. */
  observed(attempt: Attempt): void
  /** Reads until the signal fires; returns at once where flow logs are not enabled. */
  run(signal: AbortSignal): Promise<void>
  /** Null: flow logs are not enabled. */
  census(nowMs: number, privateServices: readonly string[]): CensusDocument | null
  problems(): string[]
  clockOffsetSeconds(): number | null
}

export function createFlowLogs(deps: FlowLogsDeps): FlowLogs {
  const { host, metrics } = deps
  const { clock } = host
  const offset = createClockOffset(clock)
  const census: Census = createCensus()
  let rounds: FlowRounds | null = null

  const named = (): NamedFlowLog | null => {
    const { logGroup, s3, format } = deps.config()
    const source = logGroup !== null ? { logGroup } : s3 && { bucket: s3.bucket, prefix: s3.prefix ?? '' }
    if (source === null) return null
    return { source, format, account: deps.vantage().accountId, region: deps.region() }
  }
  const coverage: FlowCoverage = createFlowCoverage({
    snapshot: deps.snapshot,
    vantage: deps.vantage,
    named,
  })
  const book = createLateBook({
    clock,
    coverage: (points) => (deps.config().enabled ? coverage.decides(points) : null),
    looking: () => deps.config().enabled,
    clockOffsetSeconds: offset.seconds,
    evidenceAge: createEvidenceAge(() => clock.monotonicMs()),
    onResult: (result) => metrics.attempt(result),
    ...(deps.waiting !== undefined && { keeper: deps.waiting.keeper }),
  })
  if (deps.config().enabled) book.restore(deps.waiting?.kept ?? [])

  return {
    book,
    observed: offset.observed,
    clockOffsetSeconds: offset.seconds,
    async run(signal) {
      const config = deps.config()
      if (!config.enabled) {
        // What AWS itself says of an attempt comes without flow logs as well, and has its time.
        while (!signal.aborted) {
          await deps.sleep(60, signal)
          deps.told(book.expire())
        }
        return
      }
      const made = createFlowRounds({
        everySeconds: config.everySeconds,
        clock,
        book,
        census: {
          ...census,
          add(counted, nowMs) {
            census.add(counted, nowMs)
            deps.counted?.(counted, nowMs)
          },
        },
        coverage,
        metrics,
        snapshot: deps.snapshot,
        region: deps.region,
        clockOffsetSeconds: offset.seconds,
        roleArn: config.roleArn,
        read: (request) => readRecords(request, deps.reader(signal)),
        told: deps.told,
        onRead(results, nowMs) {
          deps.onRead(results, nowMs)
          void deps.waiting?.save()
        },
        onProblem: deps.onProblem,
        sleep: deps.sleep,
        random: deps.random,
        signal,
      })
      rounds = made
      await made.run()
      if (rounds === made) rounds = null
    },
    census(nowMs, privateServices) {
      if (!deps.config().enabled) return null
      const interfaces = deps.vantage().interfaces.map(({ id }) => id)
      return census.document(nowMs, interfaces, privateServices)
    },
    problems: () => rounds?.problems() ?? [],
  }
}
