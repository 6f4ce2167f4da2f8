import { expect, test } from 'vitest'
import { createAttestedMetrics } from '../../exporters/attested-metrics.ts'
import { canaryResults, trailResults } from '../../exporters/catalogue-agent.ts'
import { catalogue } from '../../exporters/catalogue.ts'
import { createSeriesSet } from '../../exporters/prometheus.ts'

async function shown(series: ReturnType<typeof createSeriesSet>): Promise<Record<string, number>> {
  const lines = (await series.render('text'))
    .toString()
    .split('\n')
    .filter((line) => /^pathproof_\w+\{result/.test(line))
  return Object.fromEntries(
    lines.map((line) => [/"(\w+)"/.exec(line)?.[1] ?? '', Number(line.split(' ')[1])]),
  )
}

const seen = (notSent: string | null, closedEarly = false) => ({ notSent, closedEarly }) as never
const rule = (name: string) => [{ rule: name }] as never

test('connections of the canary by what AWS said, from 0, while one is configured', async () => {
  const series = createSeriesSet(catalogue)
  const metrics = createAttestedMetrics(series)
  metrics.canary(seen(null), rule('canary.no_endpoint'))
  expect(await shown(series)).toEqual({})
  metrics.show({ canary: true, cloudtrail: false })
  expect(await shown(series)).toEqual(Object.fromEntries(canaryResults.map((result) => [result, 0])))
  metrics.canary(seen(null), rule('canary.gateway_endpoint'))
  metrics.canary(seen(null), rule('canary.no_endpoint'))
  metrics.canary(seen(null), rule('canary.no_endpoint'))
  metrics.canary(seen(null), rule('canary.inconclusive'))
  metrics.canary(seen('no connection'), rule('canary.inconclusive'))
  metrics.canary(seen(null, true), [] as never)
  metrics.show({ canary: true, cloudtrail: false })
  expect(await shown(series)).toEqual({ endpoint: 1, not_endpoint: 2, inconclusive: 1, no_answer: 2 })
  metrics.show({ canary: false, cloudtrail: true })
  expect(await shown(series)).toEqual(Object.fromEntries(trailResults.map((result) => [result, 0])))
  metrics.called({ requestId: null }, false)
  metrics.called({ requestId: 'r' }, true)
  metrics.called({ requestId: 'r' }, false)
  metrics.told('named')
  expect(await shown(series)).toEqual({ named: 1, not_named: 0, no_record: 1, not_sent: 1 })
})
