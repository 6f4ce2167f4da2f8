import type { RecordsFailure } from '../../aws/flow-query.ts'
import type { MetricDatum } from '../../aws/put-metrics-api.ts'

/** The first argument by which this program becomes the one that puts metrics. It is no command for people. */
export const putMetricsArgument = '__put-metrics'

export const putMetricsSchema = 'pathproof.put-metrics/1'

/** What is to be put, as JSON on standard input. Credentials come by the environment and never leave that process. */
export interface PutMetricsRequest {
  region: string
  namespace: string
  data: MetricDatum[]
  deadlineSeconds: number
}

export interface PutMetricsAnswer {
  schema: typeof putMetricsSchema
  /** Null: all values are in. */
  failure: RecordsFailure | null
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
  } catch {
    return null
  }
}

/** The request in `text`; null if it is none. */
export function parsePutMetricsRequest(text: string): PutMetricsRequest | null {
  const value = fieldsOf(text)
  const { region, namespace, data, deadlineSeconds } = value ?? {}
  if (typeof region !== 'string' || !/^[a-z0-9-]{1,63}$/.test(region)) return null
  if (typeof namespace !== 'string' || !Array.isArray(data) || data.length > 1000) return null
  if (typeof deadlineSeconds !== 'number' || !(deadlineSeconds > 0 && deadlineSeconds <= 600)) return null
  return value as unknown as PutMetricsRequest
}

/** The answer in `text`; null if a crash, a foreign line or a cut has damaged it. */
export function parsePutMetricsAnswer(text: string): PutMetricsAnswer | null {
  const value = fieldsOf(text)
  if (value === null || value['schema'] !== putMetricsSchema) return null
  const { failure } = value
  if (failure !== null && typeof (failure as Fields | undefined)?.['reason'] !== 'string') return null
  return value as unknown as PutMetricsAnswer
}
