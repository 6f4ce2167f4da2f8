import { type Delivered, createDelivery } from './delivery.ts'
import type { Exporter, ExporterDeps } from './exporter.ts'

/**
 * Every metric that is put, each with its dimensions: fixed and few, for CloudWatch charges for each combination. None bears the
 * host: the agents of a fleet share them, `Minimum` and `Maximum` find the worst one, `SampleCount` counts those that report.
 */
export const cloudwatchMetrics = {
  AgentRunning: [],
  PathPrivate: ['Target'],
  RequirementMet: ['Target'],
  NamesPublic: ['Target'],
  NamesUndetermined: ['Target'],
} as const satisfies Readonly<Record<string, readonly string[]>>

export type CloudwatchMetric = keyof typeof cloudwatchMetrics

/** One value. `target` null for a metric without dimensions. */
export interface CloudwatchDatum {
  metric: CloudwatchMetric
  target: string | null
  value: number
  /** Unix milliseconds. */
  atMs: number
}

export interface CloudwatchOptions {
  /** Puts at most 1,000 values, in a process of its own. Never rejects. */
  put(data: readonly CloudwatchDatum[], signal: AbortSignal): Promise<Delivered>
  /** For one call with its repetitions. */
  deadlineSeconds: number
}

/** CloudWatch takes values of one call up to 1,000 and 1 MB (CloudWatch API, PutMetricData). */
const mostPerCall = 1000
/** As JSON, with its names; measured on the longest ones. */
const bytesPerDatum = 400

/** Custom metrics of CloudWatch. A call that fails is made again twice, then its values are dropped and counted. */
export function createCloudwatch(
  { put, deadlineSeconds }: CloudwatchOptions,
  deps: ExporterDeps,
): Exporter<CloudwatchDatum> {
  return createDelivery<CloudwatchDatum>(
    {
      mostItems: 20_000,
      mostBytes: 20_000 * bytesPerDatum,
      bytesOf: () => bytesPerDatum,
      batchItems: mostPerCall,
      batchBytes: mostPerCall * bytesPerDatum,
      deliver: put,
      deadlineSeconds,
      mostTries: 3,
      againSeconds: [5, 60],
    },
    deps,
  )
}
