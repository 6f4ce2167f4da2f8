import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { catalogue } from '../../exporters/catalogue.ts'
import { type SeriesSet, createSeriesSet } from '../../exporters/prometheus.ts'

const name = (number: number) => ({ target: `t${number}`, hostname: `h${number}.example`, style: 'regional' })
const service = (number: number) => ({ service: `s${number}`, style: 'regional' })

type Step =
  | { kind: 'gauge' | 'counter' | 'histogram'; which: number; value: number }
  | { kind: 'remove'; which: number }
  | { kind: 'render'; format: 'text' | 'openmetrics' }

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('gauge' as const, 'counter' as const, 'histogram' as const),
      which: fc.nat(700),
      value: fc.oneof(fc.constantFrom(0, 1, Number.NaN), fc.double({ min: 0, max: 20, noNaN: true })),
    }),
    fc.record({ kind: fc.constant('remove' as const), which: fc.nat(700) }),
    fc.record({
      kind: fc.constant('render' as const),
      format: fc.constantFrom('text' as const, 'openmetrics' as const),
    }),
  ),
  { maxLength: 120 },
)

function play(series: SeriesSet, step: Step): void {
  if (step.kind === 'gauge') series.gauge('pathproof_tainted', name(step.which)).set(step.value)
  if (step.kind === 'remove') series.gauge('pathproof_tainted', name(step.which)).remove()
  if (step.kind === 'histogram')
    series.histogram('pathproof_tcp_connect_seconds', service(step.which % 40)).observe(step.value)
  if (step.kind !== 'counter') return
  const amount = Number.isNaN(step.value) ? 0 : step.value
  series.counter('pathproof_evidence_conflicts_total', name(step.which)).add(amount)
}

/** Enough series that they fill several pieces. */
function filled(): SeriesSet {
  const series = createSeriesSet(catalogue)
  for (let i = 0; i < 600; i++) play(series, { kind: 'gauge', which: i, value: i % 2 })
  return series
}

describe('what is kept of an earlier exposition', () => {
  it('never shows: at each scrape the text is the one of series that were never rendered before', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        const kept = filled()
        await kept.render('text')
        for (const [index, step] of all.entries()) {
          play(kept, step)
          if (step.kind !== 'render') continue
          const fresh = filled()
          for (const before of all.slice(0, index)) play(fresh, before)
          expect((await kept.render(step.format)).equals(await fresh.render(step.format))).toBe(true)
        }
        const fresh = filled()
        for (const step of all) play(fresh, step)
        expect((await kept.render('text')).equals(await fresh.render('text'))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('belongs to one moment, also where values change while it is written', async () => {
    const series = filled()
    await series.render('text')
    const gauges = Array.from({ length: 600 }, (_, i) => series.gauge('pathproof_tainted', name(i)))
    for (const gauge of gauges) gauge.set(5)
    const writing = series.render('text')
    for (const gauge of gauges) gauge.set(7)
    const values = async (text: Promise<Buffer>) =>
      new Set([...(await text).toString().matchAll(/^pathproof_tainted\{.*\} (\d)$/gm)].map((m) => m[1]))
    expect(await values(writing)).toEqual(new Set(['5']))
    expect(await values(series.render('text'))).toEqual(new Set(['7']))
  })
})
