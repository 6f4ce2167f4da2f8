/** CloudWatch: `GetMetricData` over what went by endpoints and NAT gateways, and `PutMetricData`. Source: CloudWatch API reference. */
import { type MetricPoint, metricPoints } from '../flow/metrics.ts'
import type { FlowRecorder } from '../flow/recorder.ts'
import type { MetricsOptions } from '../flow/types.ts'
import type { Written } from '../written.ts'
import { putMetricData } from './cloudwatch-put.ts'
import { isJson, type Json } from './json.ts'
import { type JsonQuestion, type JsonService, numberOf, textOf } from './json-service.ts'
import { type ApiProblem, isProblem, problem } from './problem.ts'

export interface MetricsSource {
  recorder: FlowRecorder
  metrics(): MetricsOptions
}

const maxQueries = 500
const maxPoints = 100_800

export function createCloudWatchService(source: MetricsSource, written: Written): JsonService {
  return {
    api: 'monitoring',
    target: 'GraniteServiceVersion20100801',
    contentType: 'application/x-amz-json-1.0',
    trail: { source: 'monitoring.amazonaws.com', actions: [] },
    actions: {
      GetMetricData: (question) => getMetricData(source, question),
      PutMetricData: (question) => putMetricData(written, question),
    },
  }
}

interface Query {
  id: string
  namespace: string
  name: string
  dimensions: Record<string, string>
  periodSeconds: number
  stat: string
}

function getMetricData(source: MetricsSource, question: JsonQuestion): Json | ApiProblem {
  const { input, pager, pageSize, endless, nowMs } = question
  const [from, to] = [numberOf(input, 'StartTime'), numberOf(input, 'EndTime')]
  if (from === null || to === null) return wrong('StartTime and EndTime are required')
  if (from >= to) return wrong('The parameter StartTime must be less than the parameter EndTime.')
  const given = input['MetricDataQueries']
  if (!Array.isArray(given) || given.length === 0) return wrong('MetricDataQueries is empty')
  if (given.length > maxQueries)
    return wrong(`The collection MetricDataQueries must not have a size greater than ${maxQueries}.`)
  const queries = given.map(queryFrom)
  const bad = queries.find(isProblem)
  if (bad !== undefined) return bad
  const newestFirst = textOf(input, 'ScanBy') !== 'TimestampAscending'
  const latestMs = nowMs - source.metrics().latenessSeconds * 1000
  const results = (queries as Query[]).map((query): Json => {
    const periodMs = query.periodSeconds * 1000
    const fromMs = Math.floor((from * 1000) / periodMs) * periodMs
    const toMs = Math.min(to * 1000, latestMs - 60_000 + 1)
    const { namespace, name, dimensions } = query
    const points = metricPoints(source.recorder, { namespace, name, dimensions, fromMs, toMs })
    const grouped = byPeriod(points, periodMs, query.stat)
    const ordered = newestFirst ? grouped.toReversed() : grouped
    return {
      Id: query.id,
      Label: query.name,
      Timestamps: ordered.map(({ atMs }) => atMs / 1000),
      Values: ordered.map(({ value }) => value),
      StatusCode: 'Complete',
    }
  })
  const count = results.reduce((sum, { Values: values }) => sum + (values as number[]).length, 0)
  if (count > maxPoints) return wrong(`You have requested ${count} datapoints, which exceeds the limit`)
  const { NextToken: token, ...rest } = input
  const page = pager.page(results, {
    about: JSON.stringify(['GetMetricData', rest]),
    key: 'Id',
    size: pageSize ?? maxQueries,
    token: typeof token === 'string' ? token : null,
    endless,
  })
  if (page === null) return problem(400, 'InvalidNextToken', 'The token is invalid.')
  return {
    MetricDataResults: page.items,
    Messages: [],
    ...(page.nextToken !== null && { NextToken: page.nextToken }),
  }
}

function wrong(message: string): ApiProblem {
  return problem(400, 'ValidationError', message)
}

function queryFrom(source: unknown): Query | ApiProblem {
  const stat = isJson(source) ? source['MetricStat'] : null
  const metric = isJson(stat) ? stat['Metric'] : null
  if (!isJson(source) || !isJson(stat) || !isJson(metric)) return wrong('A query without MetricStat')
  const id = textOf(source, 'Id') ?? ''
  if (!/^[a-z][A-Za-z0-9_]*$/u.test(id))
    return wrong(`The value ${id} for parameter Id is not matching the expected pattern`)
  const periodSeconds = numberOf(stat, 'Period') ?? 0
  if (periodSeconds < 60 || periodSeconds % 60 !== 0) return wrong('Period must be a multiple of 60')
  const word = textOf(stat, 'Stat') ?? ''
  if (!['Sum', 'Average', 'Minimum', 'Maximum', 'SampleCount'].includes(word))
    return wrong(`Stat ${word} is not valid`)
  const given = metric['Dimensions']
  const dimensions = (Array.isArray(given) ? given : []).filter(isJson)
  return {
    id,
    namespace: textOf(metric, 'Namespace') ?? '',
    name: textOf(metric, 'MetricName') ?? '',
    dimensions: Object.fromEntries(
      dimensions.map((item) => [textOf(item, 'Name') ?? '', textOf(item, 'Value') ?? '']),
    ),
    periodSeconds,
    stat: word,
  }
}

function byPeriod(points: readonly MetricPoint[], periodMs: number, stat: string): MetricPoint[] {
  const groups = new Map<number, number[]>()
  for (const { atMs, value } of points) {
    const start = Math.floor(atMs / periodMs) * periodMs
    const group = groups.get(start)
    if (group === undefined) groups.set(start, [value])
    else group.push(value)
  }
  return [...groups].map(([atMs, values]) => ({ atMs, value: statistic(values, stat) }))
}

function statistic(values: readonly number[], stat: string): number {
  const sum = values.reduce((total, value) => total + value, 0)
  if (stat === 'Sum') return sum
  if (stat === 'Average') return sum / values.length
  if (stat === 'Minimum') return Math.min(...values)
  return stat === 'Maximum' ? Math.max(...values) : values.length
}
