/** Writing custom metrics into CloudWatch. Source: CloudWatch API reference, `PutMetricData`, `MetricDatum`. */
import type { Written, WrittenValue } from '../written.ts'
import { isJson, type Json } from './json.ts'
import { type JsonQuestion, numberOf, textOf } from './json-service.ts'
import { type ApiProblem, isProblem, problem } from './problem.ts'

const mostData = 1000
const mostBytes = 1_048_576
const mostDimensions = 30
const oldestMs = 14 * 86_400_000
const newestMs = 2 * 3_600_000

function wrong(message: string): ApiProblem {
  return problem(400, 'InvalidParameterValueException', message)
}

/** Takes all values of a call, or none. */
export function putMetricData(written: Written, { input, nowMs }: JsonQuestion): Json | ApiProblem {
  const namespace = textOf(input, 'Namespace') ?? ''
  if (namespace === '') {
    return problem(400, 'MissingRequiredParameterException', 'The parameter Namespace is required.')
  }
  if (namespace.startsWith('AWS/')) return wrong('The value AWS/ for parameter Namespace is invalid.')
  const given = input['MetricData']
  if (!Array.isArray(given) || given.length === 0) return wrong('The parameter MetricData is required.')
  if (given.length > mostData) {
    return wrong(`The collection MetricData must not have a size greater than ${mostData}.`)
  }
  if (Buffer.byteLength(JSON.stringify(input)) > mostBytes) {
    return problem(413, 'RequestEntityTooLarge', 'The request is larger than 1 MB.')
  }
  const values = given.map((item) => valueFrom(item, namespace, nowMs))
  const bad = values.find(isProblem)
  if (bad !== undefined) return bad
  written.measure(values as WrittenValue[])
  return {}
}

function valueFrom(item: unknown, namespace: string, nowMs: number): WrittenValue | ApiProblem {
  if (!isJson(item)) return wrong('A datum that is no structure')
  const name = textOf(item, 'MetricName') ?? ''
  const value = numberOf(item, 'Value')
  const seconds = numberOf(item, 'Timestamp')
  if (!/^[\x21-\x7E ]{1,255}$/u.test(name)) return wrong('The parameter MetricName is invalid.')
  if (value === null) return wrong('The parameter Value is required.')
  const atMs = seconds === null ? nowMs : seconds * 1000
  if (atMs < nowMs - oldestMs || atMs > nowMs + newestMs)
    return wrong('The parameter Timestamp is out of range.')
  const resolution = numberOf(item, 'StorageResolution') ?? 60
  if (resolution !== 1 && resolution !== 60) return wrong('The parameter StorageResolution must be 1 or 60.')
  const listed = item['Dimensions'] ?? []
  if (!Array.isArray(listed) || listed.length > mostDimensions)
    return wrong('The parameter Dimensions is invalid.')
  const dimensions = listed
    .filter(isJson)
    .map((one): [string, string] => [textOf(one, 'Name') ?? '', textOf(one, 'Value') ?? ''])
  if (dimensions.some(([key, text]) => key === '' || text.trim() === '' || key.startsWith(':'))) {
    return wrong('A dimension without a name or value.')
  }
  return { namespace, name, dimensions: Object.fromEntries(dimensions), value, atMs, resolution }
}
