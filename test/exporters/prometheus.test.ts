import { spawnSync } from 'node:child_process'
import client from '@prometheus-io/client'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { catalogue } from '../../exporters/catalogue.ts'
import { contentTypes, escapeLabel, negotiate, samplePrefix } from '../../exporters/exposition.ts'
import type { Metric } from '../../exporters/metric.ts'
import { createProcessMetrics } from '../../exporters/process-metrics.ts'
import type { SeriesSet } from '../../exporters/prometheus.ts'
import { createSeriesSet } from '../../exporters/prometheus.ts'
import { needs, titled } from '../support/needs.ts'
import { parseExposition } from './parse-exposition.ts'

const onName = { target: 'artifacts', hostname: 's3.amazonaws.com', style: 'global' }

async function text(series: SeriesSet, format: 'text' | 'openmetrics' = 'text'): Promise<string> {
  return (await series.render(format)).toString('utf8')
}

test('gauges, counters and histograms as text 0.0.4', async () => {
  const series = createSeriesSet(catalogue)
  series.gauge('pathproof_path_private', onName).set(1)
  series.counter('pathproof_probe_skipped_total', { probe: 'cycle', reason: 'late' }).add(3)
  const lag = series.histogram('pathproof_schedule_lag_seconds', {})
  for (const seconds of [0.0005, 0.3, 0.3, 99]) lag.observe(seconds)
  lag.observe(NaN)
  const lines = (await text(series)).split('\n').filter((line) => !line.startsWith('# HELP'))
  expect(lines).toEqual([
    '# TYPE pathproof_path_private gauge',
    'pathproof_path_private{target="artifacts",hostname="s3.amazonaws.com",style="global"} 1',
    '# TYPE pathproof_probe_skipped_total counter',
    'pathproof_probe_skipped_total{probe="cycle",reason="late"} 3',
    '# TYPE pathproof_schedule_lag_seconds histogram',
    ...['0.001', '0.0025', '0.005', '0.01', '0.025', '0.05', '0.1', '0.25'].map(
      (bound) => `pathproof_schedule_lag_seconds_bucket{le="${bound}"} 1`,
    ),
    ...['0.5', '1.0', '2.5', '10.0'].map((bound) => `pathproof_schedule_lag_seconds_bucket{le="${bound}"} 3`),
    'pathproof_schedule_lag_seconds_bucket{le="+Inf"} 4',
    'pathproof_schedule_lag_seconds_sum 99.6005',
    'pathproof_schedule_lag_seconds_count 4',
    '',
  ])
})

test('OpenMetrics: families of counters without _total, samples with it, an end mark', async () => {
  const series = createSeriesSet(catalogue)
  series.counter('pathproof_probe_skipped_total', { probe: 'cycle', reason: 'late' }).add()
  const written = await text(series, 'openmetrics')
  expect(written).toContain('# TYPE pathproof_probe_skipped counter\n')
  expect(written).toContain('\npathproof_probe_skipped_total{probe="cycle",reason="late"} 1\n')
  expect(written.endsWith('\n# EOF\n')).toBe(true)
  expect(await text(createSeriesSet(catalogue), 'openmetrics')).toBe('# EOF\n')
  expect(await text(createSeriesSet(catalogue))).toBe('')
})

test('the format follows the Accept header', () => {
  expect(negotiate(undefined)).toBe('text')
  expect(negotiate('*/*')).toBe('text')
  expect(negotiate('text/html, text/plain;version=0.0.4')).toBe('text')
  expect(negotiate('application/openmetrics-text')).toBe('openmetrics')
  expect(negotiate('application/openmetrics-text;version=2.0.0')).toBe('text')
  expect(negotiate('application/openmetrics-text;q=0')).toBe('text')
  expect(negotiate('application/openmetrics-text;q=0.2,text/plain;version=0.0.4;q=0.3')).toBe('text')
  expect(
    negotiate(
      'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
    ),
  ).toBe('openmetrics')
  expect(contentTypes.text).toBe(client.Registry.PROMETHEUS_CONTENT_TYPE)
  expect(contentTypes.openmetrics).toBe(client.Registry.OPENMETRICS_CONTENT_TYPE)
})

test('the same name and labels are the same series; wrong names and labels are refused', () => {
  const series = createSeriesSet(catalogue)
  const twice = [1, 2].map(() => series.counter('pathproof_evidence_conflicts_total', onName))
  for (const counter of twice) counter.add()
  expect(series.lines()).toBe(1)
  const loose = series as unknown as Record<'gauge' | 'counter', (name: string, labels: object) => unknown>
  const planned = { reason: 'b' }
  expect(() => loose.counter('pathproof_not_there_total', planned)).toThrow('available')
  expect(() => loose.gauge('pathproof_evidence_conflicts_total', onName)).toThrow(TypeError)
  expect(() => loose.gauge('pathproof_tainted', { target: 'a' })).toThrow('hostname')
  expect(() => loose.gauge('pathproof_tainted', { ...onName, address: '1.2.3.4' })).toThrow('address')
  expect(() => loose.gauge('pathproof_path_state', { ...onName, state: 'maybe' })).toThrow('closed list')
  expect(() => twice[0]?.add(-1)).toThrow(RangeError)
})

test('series vanish with their group, others keep their values, and old handles do nothing', async () => {
  const series = createSeriesSet(catalogue)
  const groups = Array.from({ length: 5 }, (_, index) => {
    const group = series.group()
    const gauge = group.gauge('pathproof_requirement_met', { target: `t${index}` })
    gauge.set(index)
    return { group, gauge }
  })
  groups[1]?.group.close()
  groups[4]?.gauge.remove()
  groups[1]?.gauge.set(77)
  groups[4]?.gauge.set(77)
  series.gauge('pathproof_requirement_met', { target: 't9' })
  const [family] = parseExposition(await text(series))
  const values = Object.fromEntries(
    (family?.samples ?? []).map(({ labels, value }) => [labels['target'], value]),
  )
  expect(values).toEqual({ t0: '0', t2: '2', t3: '3', t9: '0' })
})

test('one exposition belongs to one moment, and lets other work go on meanwhile', async () => {
  const series = createSeriesSet(catalogue)
  const gauges = Array.from({ length: 5000 }, (_, index) =>
    series.gauge('pathproof_requirement_met', { target: `t${index}` }),
  )
  const rendering = series.render('text')
  let turns = 0
  const count = (): void => {
    turns++
    for (const gauge of gauges) gauge.set(1)
    counting = setImmediate(count)
  }
  let counting = setImmediate(count)
  const written = (await rendering).toString()
  clearImmediate(counting)
  expect(turns).toBeGreaterThanOrEqual(10)
  expect(written).not.toContain('} 1\n')
  expect(parseExposition(written)[0]?.samples).toHaveLength(5000)
})

test('any label value survives, and cannot break out of its line', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.string({ unit: 'binary', maxLength: 20 }), { maxLength: 8 }),
      async (values) => {
        const series = createSeriesSet(catalogue)
        for (const [index, target] of values.entries()) {
          series.gauge('pathproof_requirement_met', { target }).set(index)
        }
        const samples = parseExposition(await text(series))[0]?.samples ?? []
        expect(samples.map(({ labels, value }) => [labels['target'], value])).toEqual(
          values.map((target, index) => [target, String(index)]),
        )
      },
    ),
  )
})

test('hostile label values', () => {
  expect(escapeLabel('a"b\\c\nd')).toBe('a\\"b\\\\c\\nd')
  expect(escapeLabel('x\uD800y')).toBe('x\uFFFDy')
  expect(samplePrefix('m', [['l', '"} 1\nm2{x="']])).toBe('m{l="\\"} 1\\nm2{x=\\""} ')
})

const number = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(0, 1, -1, Infinity, -Infinity, NaN, 1e21, 1.7e9, 5e-324),
)
const label = fc.string({ unit: 'grapheme', maxLength: 12 })

test('means the same as what @prometheus-io/client writes for the same series', async () => {
  const shapes: Metric[] = [
    {
      name: 'x_gauge',
      type: 'gauge',
      help: 'A \\ help\nwith "all"',
      labels: ['a', 'b'],
      scope: 'process',
      available: true,
      values: {},
      buckets: [],
    },
    {
      name: 'x_total',
      type: 'counter',
      help: 'Counter',
      labels: ['a'],
      scope: 'process',
      available: true,
      values: {},
      buckets: [],
    },
    {
      name: 'x_seconds',
      type: 'histogram',
      help: 'Histogram',
      labels: ['a'],
      scope: 'process',
      available: true,
      values: {},
      buckets: [0.01, 0.5, 1, 10],
    },
  ]
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.tuple(label, label, number), {
        maxLength: 6,
        selector: ([a, b]) => JSON.stringify([a, b]),
      }),
      fc.array(fc.tuple(label, fc.double({ min: 0, max: 1e9, noNaN: true })), { maxLength: 6 }),
      fc.array(fc.tuple(label, fc.double({ min: 0, max: 100, noNaN: true })), { maxLength: 12 }),
      async (gauges, counts, observations) => {
        const registers = [new client.Registry()]
        const ours = createSeriesSet(shapes) as unknown as {
          gauge(name: string, labels: object): { set(value: number): void }
          counter(name: string, labels: object): { add(value: number): void }
          histogram(name: string, labels: object): { observe(value: number): void }
        } & SeriesSet
        const [g, c, h] = [
          new client.Gauge({
            name: 'x_gauge',
            help: shapes[0]?.help ?? '',
            labelNames: ['a', 'b'],
            registers,
          }),
          new client.Counter({ name: 'x_total', help: 'Counter', labelNames: ['a'], registers }),
          new client.Histogram({
            name: 'x_seconds',
            help: 'Histogram',
            labelNames: ['a'],
            buckets: [0.01, 0.5, 1, 10],
            registers,
          }),
        ]
        for (const [a, b, value] of gauges) {
          ours.gauge('x_gauge', { a, b }).set(value)
          g.set({ a, b }, value)
        }
        for (const [a, value] of counts) {
          ours.counter('x_total', { a }).add(value)
          c.inc({ a }, value)
        }
        for (const [a, value] of observations) {
          ours.histogram('x_seconds', { a }).observe(value)
          h.observe({ a }, value)
        }
        const theirs = (await registers[0]?.metrics()) ?? ''
        // The library writes blank lines between families, and `Nan`.
        const cleaned = theirs.replaceAll('\n\n', '\n').replaceAll(/ Nan$/gm, ' NaN')
        expect(meaning(await text(ours))).toEqual(meaning(cleaned))
      },
    ),
    { numRuns: 100 },
  )
})

/** Families with samples, in any order, numbers as numbers. */
function meaning(exposition: string): unknown[] {
  return parseExposition(exposition)
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => ({
      name,
      type,
      help,
      samples: samples
        .map(({ name: sample, labels, value }) => {
          const { le, ...others } = labels
          const bound = le === undefined ? null : Number(le.replace('+Inf', 'Infinity'))
          return { sample, labels: { ...others, bound }, value: Number(value.replace('Inf', 'Infinity')) }
        })
        .sort((a, b) => (key(a) < key(b) ? -1 : 1)),
    }))
}

function key({ sample, labels }: { sample: string; labels: Record<string, unknown> }): string {
  return JSON.stringify([sample, Object.entries(labels).sort()])
}

test('process metrics are appended in both formats, and are few', async () => {
  const series = createSeriesSet(catalogue)
  series.gauge('pathproof_config_last_reload_successful', {}).set(1)
  const ofProcess = createProcessMetrics()
  const plain = (await series.render('text', await ofProcess('text'))).toString()
  const open = (await series.render('openmetrics', await ofProcess('openmetrics'))).toString()
  const names = parseExposition(plain).map((family) => family.name)
  expect(names).toContain('process_resident_memory_bytes')
  expect(names).toContain('process_cpu_seconds_total')
  expect(names).toContain('nodejs_heap_size_used_bytes')
  expect(parseExposition(open).map((family) => family.name)).toContain('process_cpu_seconds')
  expect(open.endsWith('\n# EOF\n')).toBe(true)
  expect(plain.split('\n').length).toBeLessThan(120)
})

const missing = await needs('promtool')

test.skipIf(missing !== null)(titled('promtool check metrics finds nothing', missing), async () => {
  const series = createSeriesSet(catalogue)
  for (const metric of catalogue.filter((entry) => entry.available)) {
    const labels = Object.fromEntries(
      metric.labels.map((name: string): [string, string] => [name, metric.values[name]?.[0] ?? 'x']),
    )
    const make = series[metric.type] as (name: string, labels: object) => unknown
    make(metric.name, labels)
  }
  const input = await series.render('text', await createProcessMetrics()('text'))
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input })
  expect([status, stdout.toString(), stderr.toString()]).toEqual([0, '', ''])
})

test('the last exemplar of each bucket, in OpenMetrics only, and gone with its series', async () => {
  const series = createSeriesSet(catalogue)
  const labels = (style: string) => ({ service: 's3', style })
  const first = series.histogram('pathproof_tls_handshake_seconds', labels('global'))
  const second = series.histogram('pathproof_tls_handshake_seconds', labels('regional'))
  first.observe(0.003, { attemptId: 'a-1', atMs: 1_700_000_000_123 })
  first.observe(0.0031, { attemptId: 'a-2', atMs: 1_700_000_001_000 })
  first.observe(99, { attemptId: 'a"3', atMs: 1_700_000_002_000 })
  first.observe(0.2)
  second.observe(0.003, { attemptId: 'b-1', atMs: 1_700_000_003_000 })
  second.observe(0.003, { attemptId: 'x'.repeat(200), atMs: 1_700_000_003_000 })
  expect((await series.render('text')).toString()).not.toContain('attempt_id')
  const lines = async () =>
    (await series.render('openmetrics'))
      .toString()
      .split('\n')
      .filter((line) => line.includes('attempt_id'))
  expect(await lines()).toEqual([
    'pathproof_tls_handshake_seconds_bucket{service="s3",style="global",le="0.005"} 2 # {attempt_id="a-2"} 0.0031 1700000001',
    'pathproof_tls_handshake_seconds_bucket{service="s3",style="global",le="+Inf"} 4 # {attempt_id="a\\"3"} 99 1700000002',
  ])
  second.observe(0.003, { attemptId: 'b-1', atMs: 1_700_000_003_000 })
  first.remove()
  expect(await lines()).toEqual([
    'pathproof_tls_handshake_seconds_bucket{service="s3",style="regional",le="0.005"} 3 # {attempt_id="b-1"} 0.003 1700000003',
  ])
})
