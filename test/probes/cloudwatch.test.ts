import { afterEach, expect, test } from 'vitest'
import { readMetrics } from '../../aws/cloudwatch-api.ts'
import type { MetricSeries, MetricsResult } from '../../aws/cloudwatch-query.ts'
import { cloudwatchWords, metricsQuery } from '../../probes/cloudwatch.ts'
import { nowMs } from '../support/flow-lines.ts'
import {
  type RecordsCall,
  type RecordsReply,
  type RecordsServer,
  readingLimits,
  recordsDeps,
  startRecordsServer,
} from '../support/records-server.ts'

const minute = 60_000
let server: RecordsServer | null = null
afterEach(async () => {
  await server?.close()
  server = null
})

const endpoint = { endpointId: 'vpce-1', serviceName: 'com.amazonaws.us-east-1.kms', vpcId: 'vpc-1' }
const fromMs = nowMs - 10 * minute
const query = { endpoints: [endpoint], natGatewayIds: ['nat-1'], fromMs, toMs: nowMs - 3 * minute }

async function read(handler: (call: RecordsCall) => RecordsReply): Promise<MetricsResult> {
  server = await startRecordsServer(handler)
  const deps = recordsDeps(server.url, () => nowMs)
  try {
    return await readMetrics(query, readingLimits(), deps)
  } finally {
    deps.close()
  }
}

test('asks for whole minutes with all dimensions of an endpoint, and takes the points of those minutes', async () => {
  const seconds = (ms: number): number => ms / 1000
  const result = await read(({ nth }) => ({
    body: {
      MetricDataResults: [
        { Id: 'm0', Timestamps: [seconds(fromMs + minute * (1 - nth))], Values: [3 + nth] },
        {
          Id: 'm3',
          Timestamps: [seconds(fromMs - minute), seconds(fromMs), seconds(nowMs)],
          Values: [1, 2, 3],
        },
        { Id: 'm9', Timestamps: 'nonsense' },
      ],
      ...(nth === 0 && { NextToken: 't' }),
    },
  }))
  const [first] = server?.calls ?? []
  expect(first?.input).toMatchObject({
    StartTime: seconds(fromMs),
    EndTime: seconds(query.toMs),
    MetricDataQueries: [
      {
        Id: 'm0',
        MetricStat: {
          Period: 60,
          Stat: 'Sum',
          Metric: {
            Namespace: 'AWS/PrivateLinkEndpoints',
            MetricName: 'NewConnections',
            Dimensions: [
              { Name: 'Endpoint Type', Value: 'Interface' },
              { Name: 'Service Name', Value: endpoint.serviceName },
              { Name: 'VPC Endpoint Id', Value: 'vpce-1' },
              { Name: 'VPC Id', Value: 'vpc-1' },
            ],
          },
        },
      },
      {},
      {
        MetricStat: {
          Metric: { Namespace: 'AWS/NATGateway', Dimensions: [{ Name: 'NatGatewayId', Value: 'nat-1' }] },
        },
      },
      {},
    ],
  })
  expect(result.series[0]).toEqual({
    of: 'endpoint',
    id: 'vpce-1',
    metric: 'NewConnections',
    points: [
      { atMs: fromMs, sum: 4 },
      { atMs: fromMs + minute, sum: 3 },
    ],
  })
  expect(result.series.map(({ points }) => points.length)).toEqual([2, 0, 0, 1])
  expect(result).toMatchObject({ failure: null, truncated: false, metricsRequested: 8 })
})

test.each([
  [{ error: 'AccessDeniedException' }, 'denied'],
  [{ error: 'ExpiredTokenException' }, 'credentials'],
  [{ body: { MetricDataResults: [], NextToken: 'same' } }, 'invalid'],
] as const)('%j is a failure with its permission', async (reply, reason) => {
  const result = await read(() => reply)
  expect(result.failure).toMatchObject({ reason, permission: 'cloudwatch:GetMetricData' })
  expect(cloudwatchWords(result, []).failure?.nextStep).not.toBe('')
})

const series = (points: [number, number][]): MetricSeries => ({
  of: 'endpoint',
  id: 'vpce-1',
  metric: 'NewConnections',
  points: points.map(([at, sum]) => ({ atMs: fromMs + at * minute, sum })),
})
const attempt = {
  hostname: 'kms.us-east-1.amazonaws.com',
  atMs: fromMs + 2.5 * minute,
  connected: true,
  endpointId: 'vpce-1',
  natGatewayId: null,
}
const result = (one: MetricSeries): MetricsResult => ({
  series: [one],
  fromMs,
  toMs: query.toMs,
  truncated: false,
  metricsRequested: 1,
  failure: null,
})

test.each([
  ['a connection in that minute', [[2, 1]], {}, 'corroborates'],
  ['a connection in the minute after', [[3, 5]], {}, 'corroborates'],
  ['only a connection long before', [[0, 5]], {}, 'silent'],
  ['no points at all: no zero', [], {}, 'silent'],
  [
    'a zero with a minute missing beside it',
    [
      [1, 0],
      [2, 0],
    ],
    {},
    'silent',
  ],
  [
    'zeros in all minutes around it',
    [
      [1, 0],
      [2, 0],
      [3, 0],
    ],
    {},
    'contradicts',
  ],
  [
    'zeros, but the attempt was not connected',
    [
      [1, 0],
      [2, 0],
      [3, 0],
    ],
    { connected: false },
    'silent',
  ],
  [
    'zeros, but the attempt went elsewhere',
    [
      [1, 0],
      [2, 0],
      [3, 0],
    ],
    { endpointId: 'vpce-2' },
    'silent',
  ],
  [
    'zeros at the edge of what was asked',
    [
      [0, 0],
      [1, 0],
    ],
    { atMs: fromMs },
    'silent',
  ],
] as [string, [number, number][], Partial<typeof attempt>, string][])('%s', (_, points, change, says) => {
  expect(cloudwatchWords(result(series(points)), [{ ...attempt, ...change }]).words[0]?.says).toBe(says)
})

test('a NAT gateway never speaks for this host', () => {
  const nat = { of: 'nat_gateway', id: 'nat-1', metric: 'BytesOutToDestination' } as const
  const texts = [[], [{ atMs: fromMs, sum: 0 }], [{ atMs: fromMs, sum: 5 }]].map(
    (points) => cloudwatchWords(result({ ...nat, points }), [attempt]).words[0],
  )
  expect(texts.map((word) => word?.says)).toEqual(['silent', 'silent', 'silent'])
  expect(texts[0]?.text).toContain('no zero')
})

test('minutes are asked for once, when they are over for three', () => {
  const used = { endpoints: [endpoint], natGatewayIds: [] }
  const first = metricsQuery(used, null, nowMs + 30_000)
  expect(first).toMatchObject({ fromMs: nowMs - 8 * minute, toMs: nowMs - 3 * minute })
  expect(metricsQuery(used, first?.toMs ?? null, nowMs + 50_000)).toBeNull()
  expect(metricsQuery(used, 0, nowMs)?.fromMs).toBe(nowMs - 63 * minute)
  expect(metricsQuery({ endpoints: [], natGatewayIds: [] }, null, nowMs)).toBeNull()
})
