import type { MetricsQuery, MetricsResult } from '../../aws/cloudwatch-query.ts'
import { type RecordsQuery, type RecordsResult, recordsReasons } from '../../aws/flow-query.ts'

/** The first argument by which this program becomes the reader of records. It is no command for people. */
export const recordsArgument = '__read-records'

export const recordsSchema = 'pathproof.read-records/1'

/** What the reader of records is asked, as JSON on its standard input. Credentials come by the environment. */
export interface RecordsRequest {
  region: string
  /** A role to take on for all queries, or null. */
  roleArn: string | null
  queries: RecordsQuery[]
  /** Points of CloudWatch, read beside the records; null: none. */
  metrics: MetricsQuery | null
  /** For all of it: what is not read by then is not read. */
  deadlineSeconds: number
}

/** What it answers, as one JSON document on its standard output. */
export interface RecordsAnswer {
  schema: typeof recordsSchema
  /** One for each query, in their order. */
  results: RecordsResult[]
  /** Null: not asked for. */
  metrics: MetricsResult | null
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
const isCount = (value: unknown): boolean => typeof value === 'number' && value >= 0

/** The request in `text`; null if it is none. */
export function parseRecordsRequest(text: string): RecordsRequest | null {
  const value = fieldsOf(parseJson(text))
  if (value === null) return null
  const { region, roleArn, queries, metrics, deadlineSeconds } = value
  if (typeof region !== 'string' || (roleArn !== null && typeof roleArn !== 'string')) return null
  if (typeof deadlineSeconds !== 'number' || !(deadlineSeconds > 0 && deadlineSeconds <= 3600)) return null
  if (!Array.isArray(queries) || !queries.every(isQuery)) return null
  if (metrics !== null && !isMetricsQuery(metrics)) return null
  return value as unknown as RecordsRequest
}

function isQuery(value: unknown): boolean {
  const query = fieldsOf(value)
  const source = fieldsOf(query?.['source'])
  if (query === null || source === null) return false
  const { id, interfaceIds, resourceIds, keys, fromMs, toMs, census, censusSince } = query
  if (typeof id !== 'string' || !isTexts(interfaceIds) || !isTexts(resourceIds)) return false
  if (!isCount(fromMs) || !isCount(toMs) || typeof census !== 'boolean') return false
  if (censusSince !== null && fieldsOf(censusSince) === null) return false
  if (!Array.isArray(keys) || !keys.every((key) => typeof fieldsOf(key)?.['remoteAddress'] === 'string')) {
    return false
  }
  if (source['kind'] === 'logs') return isTexts([source['logGroup'], source['streamPrefix']])
  return (
    source['kind'] === 's3' &&
    isTexts([source['bucket'], source['prefix'], source['account'], source['region']])
  )
}

function isMetricsQuery(value: unknown): boolean {
  const query = fieldsOf(value)
  if (query === null || !isCount(query['fromMs']) || !isCount(query['toMs'])) return false
  return Array.isArray(query['endpoints']) && isTexts(query['natGatewayIds'])
}

/**
 * The answer in `text` to `request`; null if it is not of the reader's form. The reader is this same program, so what is
 * looked at is what a crash, a foreign line on its output or a cut would damage.
 */
export function parseRecordsAnswer(text: string, request: RecordsRequest): RecordsAnswer | null {
  const value = fieldsOf(parseJson(text))
  if (value === null || value['schema'] !== recordsSchema) return null
  const { results, metrics } = value
  if (!Array.isArray(results) || results.length !== request.queries.length) return null
  if (!results.every((result, index) => isResult(result, request.queries[index]?.id))) return null
  if ((fieldsOf(metrics) === null) !== (request.metrics === null)) return null
  return value as unknown as RecordsAnswer
}

function isResult(value: unknown, id: string | undefined): boolean {
  const result = fieldsOf(value)
  const captured = fieldsOf(result?.['captured'])
  if (result === null || captured === null || result['id'] !== id) return false
  if (!Array.isArray(captured['records']) || !Array.isArray(captured['skipped'])) return false
  const reasons: readonly unknown[] = recordsReasons
  const failure = result['failure']
  return failure === null || reasons.includes(fieldsOf(failure)?.['reason'])
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
