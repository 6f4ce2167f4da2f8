import { expect, test } from 'vitest'
import { recordsReasons } from '../../aws/flow-query.ts'
import { catalogue } from '../../exporters/catalogue.ts'
import { flowErrorReasons } from '../../exporters/catalogue-flowlog.ts'
import { createFlowlogMetrics } from '../../exporters/flowlog-metrics.ts'
import { createSeriesSet } from '../../exporters/prometheus.ts'
import type { FlowCensusRow } from '../../model/flow.ts'

const row = (more: Partial<FlowCensusRow> = {}): FlowCensusRow => ({
  direction: 'egress',
  service: 'S3',
  trafficPath: 7,
  nextHopType: null,
  action: 'ACCEPT',
  public: null,
  flows: 2,
  packets: 10,
  bytes: 100,
  ...more,
})

function made() {
  const series = createSeriesSet(catalogue)
  const metrics = createFlowlogMetrics(series)
  const lines = async (): Promise<string[]> =>
    (await series.render('text'))
      .toString()
      .split('\n')
      .filter((line) => line.startsWith('pathproof_flowlog_'))
  return { metrics, lines }
}

test('every reason of a reader is one of the metric', () => {
  expect(flowErrorReasons).toEqual(expect.arrayContaining([...recordsReasons]))
})

test('series of attempts and errors are there from the start, and count', async () => {
  const { metrics, lines } = made()
  expect(await lines()).toContain('pathproof_flowlog_attempts_total{result="ambiguous"} 0')
  expect(await lines()).toContain('pathproof_flowlog_lag_seconds NaN')
  metrics.attempt('confirmed')
  metrics.failed('denied')
  metrics.failed('something new')
  metrics.interfaces(2, 1)
  metrics.covered(60)
  expect(await lines()).toEqual(
    expect.arrayContaining([
      'pathproof_flowlog_attempts_total{result="confirmed"} 1',
      'pathproof_flowlog_errors_total{reason="denied"} 1',
      'pathproof_flowlog_errors_total{reason="failed"} 1',
      'pathproof_flowlog_interfaces{state="covered"} 2',
      'pathproof_flowlog_interfaces{state="uncovered"} 1',
      'pathproof_flowlog_covered_seconds 60',
    ]),
  )
})

test('the age of the youngest record grows while none is read', async () => {
  const { metrics, lines } = made()
  metrics.newest(1000)
  metrics.newest(900)
  metrics.scraped(1_060_000)
  expect(await lines()).toContain('pathproof_flowlog_lag_seconds 60')
  metrics.scraped(1_120_000)
  expect(await lines()).toContain('pathproof_flowlog_lag_seconds 120')
  metrics.scraped(0)
  expect(await lines()).toContain('pathproof_flowlog_lag_seconds 0')
})

test('labels come from closed lists, whatever a record says, and are few', async () => {
  const { metrics, lines } = made()
  metrics.flows(
    [
      row(),
      row({ direction: 'ingress', flows: 50 }),
      row({ service: null, trafficPath: null, action: null }),
    ],
    { flows: 1, bytes: 5 },
  )
  metrics.flows([row({ service: 'EVIL"} 1', trafficPath: 99, nextHopType: 'x' })], { flows: 0, bytes: 0 })
  const flows = (await lines()).filter((line) => line.startsWith('pathproof_flowlog_flows_total'))
  expect(flows.toSorted()).toEqual([
    'pathproof_flowlog_flows_total{service="S3",traffic_path="7",next_hop_type="none",action="accept"} 2',
    'pathproof_flowlog_flows_total{service="none",traffic_path="none",next_hop_type="none",action="none"} 2',
    'pathproof_flowlog_flows_total{service="other",traffic_path="other",next_hop_type="other",action="accept"} 2',
    'pathproof_flowlog_flows_total{service="other",traffic_path="other",next_hop_type="other",action="other"} 1',
  ])
  const services = ['S3', 'EC2', 'EBS', 'DYNAMODB', 'AMAZON', 'CLOUD9', 'ROUTE53']
  for (const service of services)
    for (let trafficPath = 1; trafficPath <= 8; trafficPath++)
      for (const nextHopType of ['vpc_endpoint', 'nat_gateway', 'transit_gateway', 'q', null])
        for (const action of ['ACCEPT', 'REJECT', null] as const)
          metrics.flows([row({ service, trafficPath, nextHopType, action })], { flows: 0, bytes: 0 })
  expect(
    (await lines()).filter((line) => line.startsWith('pathproof_flowlog_flows_total')).length,
  ).toBeLessThanOrEqual(257)
})
