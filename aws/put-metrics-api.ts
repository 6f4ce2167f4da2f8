import { CloudWatchClient, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import type { Identity } from './credentials.ts'
import type { RecordsFailure } from './flow-query.ts'
import { recordsFailureOf } from './records-errors.ts'
import { type AnyClient, type AnyCommand, sendCommand } from './send.ts'

/** One value as CloudWatch has it. */
export interface MetricDatum {
  name: string
  dimensions: readonly { name: string; value: string }[]
  value: number
  /** Unix milliseconds. */
  atMs: number
}

export interface PutMetricsOptions {
  region: string
  identity: Identity
  namespace: string
  signal: AbortSignal
  deadlineSeconds: number
}

const permission = 'cloudwatch:PutMetricData'
const requestTimeoutSeconds = 10
const connectTimeoutSeconds = 3
const maxAttempts = 3

/**
 * Puts at most 1,000 values of standard resolution in one call (CloudWatch API, PutMetricData), at AWS's own name or where
 * AWS_ENDPOINT_URL_CLOUDWATCH leads to. Null: they are in; else what failed. Never rejects. Loading this file loads the SDK.
 */
export async function putMetrics(
  data: readonly MetricDatum[],
  options: PutMetricsOptions,
): Promise<RecordsFailure | null> {
  const { region, identity, namespace, signal, deadlineSeconds } = options
  const client = new CloudWatchClient({
    region,
    credentials: identity,
    retryMode: 'standard',
    maxAttempts,
    disableRequestCompression: true,
    requestHandler: {
      connectionTimeout: connectTimeoutSeconds * 1000,
      requestTimeout: requestTimeoutSeconds * 1000,
      throwOnRequestTimeout: true,
    },
  })
  const command = new PutMetricDataCommand({
    Namespace: namespace,
    MetricData: data.map(({ name, dimensions, value, atMs }) => ({
      MetricName: name,
      Dimensions: dimensions.map((one) => ({ Name: one.name, Value: one.value })),
      Timestamp: new Date(atMs),
      Value: value,
      Unit: 'Count',
      StorageResolution: 60,
    })),
  })
  try {
    const answer = await sendCommand(
      client as unknown as AnyClient,
      command as unknown as AnyCommand,
      `monitoring.${region}`,
      signal,
    )
    if (answer.ok) return null
    const { hostname, lastAnswer, error } = answer
    const endedAfterSeconds = signal.aborted ? deadlineSeconds : null
    return recordsFailureOf(
      error,
      { permission, hostname, region, endedAfterSeconds, lastAnswer },
      `namespace ${namespace}`,
    )
  } finally {
    client.destroy()
  }
}
