import { describe, expect, test } from 'vitest'
import { catalogue } from '../../exporters/catalogue.ts'
import { createFirstLegMetrics } from '../../exporters/first-leg-metrics.ts'
import { createSeriesSet } from '../../exporters/prometheus.ts'
import { createResolverMetrics } from '../../exporters/resolver-metrics.ts'
import type { FirstLeg } from '../../model/first-leg.ts'
import type { ResolverState } from '../../model/resolver-view.ts'
import type { Target } from '../../model/target.ts'
import type { TargetVerdict } from '../../model/verdict.ts'

const target = (name: string, compareResolvers: string[] = []): Target =>
  ({ name, compareResolvers, names: [{ hostname: 'h.example', style: 'regional' }] }) as unknown as Target
const verdict = (
  name: string,
  leg: FirstLeg | null,
  states: Record<string, ResolverState[]> = {},
): TargetVerdict =>
  ({
    target: name,
    firstLeg: leg === null ? null : { leg },
    names: [
      {
        hostname: 'h.example',
        style: 'regional',
        resolvers: Object.entries(states).flatMap(([resolver, all]) =>
          all.map((state) => ({ resolver, counts: false, state })),
        ),
      },
    ],
  }) as unknown as TargetVerdict

async function lines(series: ReturnType<typeof createSeriesSet>, name: string): Promise<string[]> {
  const text = (await series.render('text')).toString()
  return text.split('\n').filter((line) => line.startsWith(name) && !line.startsWith('#'))
}
/** The values that are 1, by their labels. */
const ones = async (series: ReturnType<typeof createSeriesSet>, name: string) =>
  (await lines(series, name)).filter((line) => line.endsWith(' 1')).map((line) => line.slice(name.length, -2))

describe('the first leg', () => {
  test('is one-hot from the start, goes with its target, and is nowhere but on-prem', async () => {
    const series = createSeriesSet(catalogue)
    const metrics = createFirstLegMetrics(series)
    metrics.sync([target('t')], false)
    expect(series.lines()).toBe(0)
    metrics.sync([target('t')], true)
    expect(series.lines()).toBe(4)
    expect(await ones(series, 'pathproof_first_leg')).toEqual(['{target="t",leg="unproven"}'])
    metrics.update(verdict('t', 'direct_connect'))
    expect(await ones(series, 'pathproof_first_leg')).toEqual(['{target="t",leg="direct_connect"}'])
    metrics.update(verdict('other', 'vpn'))
    metrics.changed('t')
    metrics.changed('other')
    expect(await lines(series, 'pathproof_first_leg_changes_total')).toEqual([
      'pathproof_first_leg_changes_total{target="t"} 1',
    ])
    metrics.sync([], true)
    expect(series.lines()).toBe(0)
  })

  test('is unproven when the verdict is too old', async () => {
    const series = createSeriesSet(catalogue)
    const metrics = createFirstLegMetrics(series)
    metrics.sync([target('t')], true)
    metrics.refresh(() => true)
    expect(await ones(series, 'pathproof_first_leg')).toEqual(['{target="t",leg="unproven"}'])
    metrics.update(verdict('t', 'vpn'))
    metrics.refresh(() => true)
    expect(await ones(series, 'pathproof_first_leg')).toEqual(['{target="t",leg="vpn"}'])
    metrics.refresh(() => false)
    expect(await ones(series, 'pathproof_first_leg')).toEqual(['{target="t",leg="unproven"}'])
  })
})

describe('compared resolvers', () => {
  const of = (resolver: string, state: string) =>
    `{target="t",hostname="h.example",resolver="${resolver}",state="${state}"}`

  test('are one-hot, three series each, the worst of how one was asked', async () => {
    const series = createSeriesSet(catalogue)
    const metrics = createResolverMetrics(series)
    metrics.sync([target('t', ['a', 'b'])])
    expect(series.lines()).toBe(6)
    expect(await ones(series, 'pathproof_resolver_state')).toEqual([of('a', 'failed'), of('b', 'failed')])
    metrics.update(verdict('t', null, { a: ['same', 'different'], b: ['same'], stranger: ['same'] }))
    metrics.refresh(() => true)
    expect(await ones(series, 'pathproof_resolver_state')).toEqual([of('a', 'different'), of('b', 'same')])
    metrics.refresh(() => false)
    expect(await ones(series, 'pathproof_resolver_state')).toEqual([of('a', 'failed'), of('b', 'failed')])
    metrics.sync([target('t', ['b'])])
    metrics.refresh(() => true)
    expect(await ones(series, 'pathproof_resolver_state')).toEqual([of('b', 'same')])
    metrics.sync([])
    expect(series.lines()).toBe(0)
  })
})
