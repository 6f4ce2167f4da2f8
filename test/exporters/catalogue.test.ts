import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { catalogue } from '../../exporters/catalogue.ts'
import type { Metric } from '../../exporters/metric.ts'
import type { Failure } from '../../model/observation.ts'

const metrics: readonly Metric[] = catalogue

/** Names, types, labels and help texts are a contract: whoever changes them changes this file, knowingly. */
test('the catalogue is as the golden file says', () => {
  const lines = metrics.map(
    ({ name, type, labels, available, help }) =>
      `${name} ${type} {${labels.join(',')}} ${available ? 'exported' : 'planned'}\n  ${help}\n`,
  )
  const golden = new URL('../data/metrics.golden.txt', import.meta.url)
  expect(lines.join('')).toBe(readFileSync(golden, 'utf8'))
})

test('names follow the rules that promtool lints for', () => {
  expect(new Set(metrics.map((metric) => metric.name)).size).toBe(metrics.length)
  for (const { name, type, help, labels } of metrics) {
    expect(name).toMatch(/^pathproof_[a-z0-9_]+$/)
    expect(name.endsWith('_total')).toBe(type === 'counter')
    expect(name).not.toMatch(/_(?:ms|milliseconds|minutes|hours|count|sum|bucket|gauge|counter|histogram)$/)
    expect(name.includes('timestamp')).toBe(name.endsWith('_timestamp_seconds'))
    expect(help).toMatch(/^[A-Z][^\n]*\.$/)
    for (const label of labels) expect(label).toMatch(/^[a-z][a-z_]*$/)
    expect(labels).not.toContain('le')
  }
})

test('addresses, urls, errors and what belongs to the scrape target are never labels', () => {
  const forbidden = ['address', 'ip', 'url', 'error', 'message', 'job', 'instance', 'host', 'id']
  for (const { labels } of metrics) expect(labels.filter((label) => forbidden.includes(label))).toEqual([])
})

test('histograms have at most twelve buckets, from 1 ms to 10 s, ascending', () => {
  for (const { type, buckets } of metrics) {
    const expected = type === 'histogram' ? [0.001, 10] : [undefined, undefined]
    expect([buckets[0], buckets.at(-1)]).toEqual(expected)
    expect(buckets.length).toBeLessThanOrEqual(12)
    expect(buckets.toSorted((a, b) => a - b)).toEqual(buckets)
  }
})

test('the reasons of probe errors are the types of failures', () => {
  // A type that is added to the model makes this object incomplete, and the compiler says so.
  const types: Record<Failure['type'], true> = {
    timeout: true,
    refused: true,
    reset: true,
    unreachable: true,
    no_local_route: true,
    denied: true,
    resources: true,
    tls: true,
    dns: true,
    aborted: true,
    internal: true,
  }
  const errors = metrics.find((metric) => metric.name === 'pathproof_probe_errors_total')
  expect(errors?.values['reason']?.toSorted()).toEqual(Object.keys(types).sort())
})
