import { describe, expect, it } from 'vitest'
import { check } from '../../agent/check.ts'
import { exitCodeOf } from '../../agent/cli/exit-code.ts'
import { renderTarget } from '../../agent/cli/render-check.ts'
import { discoveredTarget } from '../../agent/account/discovery.ts'
import { liveTarget } from '../../agent/watch/lives.ts'
import { targetDocument } from '../../agent/web/verdict-document.ts'
import { createSeriesSet } from '../../exporters/prometheus.ts'
import { catalogue } from '../../exporters/catalogue.ts'
import { createVerdictMetrics } from '../../exporters/verdict-metrics.ts'
import { startLab } from '../../lab/lab.ts'
import { pathStates } from '../../model/path.ts'
import type { Target } from '../../model/target.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import { systemHost } from '../../probes/host.ts'
import { judgeTarget } from '../../verdict/target.ts'
import { config, scenario, surroundings } from '../support/lab-daemon.ts'
import { nameVerdict } from './verdicts.ts'

const target = (required: boolean): Target =>
  discoveredTarget({
    name: 's3',
    service: 's3',
    region: 'eu-west-1',
    required,
    names: [{ hostname: 's3.eu-west-1.amazonaws.com', style: 'regional' }],
  })

describe('a target of which nothing is required', () => {
  it.each(pathStates)('is %s, and neither met nor not met', (state) => {
    const verdict = judgeTarget(target(false), [nameVerdict({ state })], 0)
    expect(verdict).toMatchObject({ state, met: null })
    expect(exitCodeOf(verdict)).toBe(0)
    expect(targetDocument(verdict)).toMatchObject({ require: 'none', met: null, state })
    const text = renderTarget(verdict, { color: false, staleWouldBe: new Map() })
    expect(text).toContain('Nothing is required of s3')
    expect(text).not.toMatch(/\bmet\b/)
  })

  it('is undetermined, and still neither, when its life is over or it is tainted', () => {
    const verdict = judgeTarget(target(false), [nameVerdict()], 0)
    expect(liveTarget(verdict, () => null)).toMatchObject({ state: 'undetermined', met: null })
    expect(judgeTarget(target(false), [nameVerdict({ tainted: true })], 0).met).toBeNull()
    expect(liveTarget(judgeTarget(target(true), [nameVerdict()], 0), () => null).met).toBe(false)
  })

  it('has no series of the requirement, until something is required of it', async () => {
    const series = createSeriesSet(catalogue)
    const metrics = createVerdictMetrics(series)
    const lines = async (): Promise<string[]> => {
      metrics.refresh(() => true, 0)
      const text = (await series.render('text')).toString('utf8')
      return text.split('\n').filter((line) => /^pathproof_(requirement_met|path_private)\{/.test(line))
    }
    const gauge = 'pathproof_path_private{target="s3",hostname="s3.eu-west-1.amazonaws.com",style="regional"}'
    const met = 'pathproof_requirement_met{target="s3"}'
    metrics.sync([target(false)])
    metrics.update(judgeTarget(target(false), [nameVerdict()], 0), 0)
    expect(await lines()).toEqual([`${gauge} 1`])
    metrics.sync([target(true)])
    // what was judged without a requirement says nothing about it
    expect(await lines()).toEqual([`${gauge} 1`, `${met} 0`])
    metrics.update(judgeTarget(target(true), [nameVerdict()], 0), 0)
    expect(await lines()).toEqual([`${gauge} 1`, `${met} 1`])
    metrics.sync([target(false)])
    expect(await lines()).toEqual([`${gauge} 1`])
    metrics.sync([])
    expect(await lines()).toEqual([])
  })
})

describe('a one-off look without targets', () => {
  const look = async (lookups: (hostname: string) => boolean = () => true) => {
    const lab = await startLab(await scenario('interface-endpoint'), {
      mode: 'mapped',
      clock: { wallMs: Date.now },
      timed: false,
    })
    try {
      const played = lab.hostAccess(systemHost({}))
      const told: { targets: readonly Target[]; because: readonly string[] }[] = []
      const verdicts: TargetVerdict[] = []
      const results = check(null, config(surroundings(lab)), null, {
        host: {
          ...played,
          lookup: (name) => (lookups(name) ? played.lookup(name) : Promise.reject(new Error('ENOTFOUND'))),
        },
        version: '0',
        readText: () => Promise.resolve('Amazon EC2'),
        hostRoots: () => [],
        signal: new AbortController().signal,
        onSnapshot: () => undefined,
        onDiscovered: (targets, because) => told.push({ targets, because }),
      })
      for await (const { verdict } of results) verdicts.push(verdict)
      return { told, verdicts }
    } finally {
      await lab.close()
    }
  }

  it('judges once what the endpoints and the region suggest', async () => {
    const { told, verdicts } = await look()
    const found = new Map(verdicts.map((v) => [v.target, v]))
    expect(told).toHaveLength(1)
    expect(told[0]?.targets.map((t) => t.name)).toEqual(verdicts.map((v) => v.target))
    expect(found.get('ssm')).toMatchObject({ state: 'private', met: true })
    expect(found.get('kms')).toMatchObject({ state: 'private', met: true })
    expect(found.get('s3')).toMatchObject({ state: 'private', met: true })
    expect(found.get('sqs')).toMatchObject({ state: 'public', met: null })
    expect(told[0]?.because.join()).toContain('sns.us-east-1.amazonaws.com')
  })

  it('judges nothing where no name resolves, and says so', async () => {
    const { told, verdicts } = await look(() => false)
    expect(verdicts).toEqual([])
    expect(told[0]?.targets).toEqual([])
    expect(told[0]?.because.join()).toContain('did not resolve')
  })
})
