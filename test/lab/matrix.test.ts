import { afterEach, describe, expect, it } from 'vitest'
import { check } from '../../agent/check.ts'
import { labConfig } from '../../agent/lab-config.ts'
import { targetsOf } from '../../agent/config/targets.ts'
import { type Lab, startLab } from '../../lab/lab.ts'
import { shippedScenarios, loadScenario } from '../../lab/scenario.ts'
import type { NameVerdict } from '../../model/verdict.ts'
import { systemHost } from '../../probes/host.ts'

let open: Lab | null = null
afterEach(async () => {
  await open?.close()
  open = null
})

async function verdictsOf(lab: Lab): Promise<Map<string, NameVerdict>> {
  const loaded = labConfig(lab, { every: '10s', listen: '127.0.0.1:0', nowMs: Date.now() })
  if (!loaded.ok) throw new Error(loaded.problems.map((p) => p.problem).join('\n'))
  const { targets } = targetsOf(loaded.config)
  const verdicts = new Map<string, NameVerdict>()
  const deps = {
    host: lab.hostAccess(systemHost(process.env)),
    version: 'test',
    readText: () => Promise.resolve(null),
    hostRoots: lab.hostRoots,
    signal: AbortSignal.timeout(30_000),
    onSnapshot: () => undefined,
  }
  for await (const { verdict } of check(targets, loaded.config, null, deps)) {
    for (const name of verdict.names) verdicts.set(name.hostname, name)
  }
  return verdicts
}

function told(verdict: NameVerdict): string {
  return [
    ...verdict.because,
    ...verdict.attempts.flatMap((a) => [
      `${a.address}: ${a.state} ${a.possible.join(',')}`,
      ...a.evidence.map((e) => `  ${e.rank} ${e.rule}: ${e.because}`),
    ]),
  ].join('\n')
}

describe('every scenario of the lab, by verdict and by truth', async () => {
  for (const file of await shippedScenarios()) {
    it(file, async () => {
      const scenario = await loadScenario(file)
      const lab = await startLab(scenario, { mode: 'mapped', clock: { wallMs: Date.now }, timed: false })
      open = lab
      const rounds = [
        { step: null, expected: scenario.expect },
        ...scenario.steps.map((s) => ({ step: s.name, expected: s.expect })),
      ]
      for (const { step, expected } of rounds) {
        if (step !== null) await lab.apply(step)
        const verdicts = await verdictsOf(lab)
        for (const verdict of verdicts.values()) {
          const truth = lab.truth(verdict.hostname)
          if (verdict.state === 'private')
            expect(truth.state, `FALSE PRIVATE\n${told(verdict)}`).toBe('private')
          if (verdict.state === 'public') expect(truth.state, told(verdict)).toBe('public')
        }
        for (const wanted of expected) {
          const verdict = verdicts.get(wanted.hostname)
          expect(verdict, `${wanted.hostname} was not judged`).toBeDefined()
          if (verdict === undefined) continue
          expect(verdict.state, `${step ?? 'at first'} ${wanted.hostname}\n${told(verdict)}`).toBe(
            wanted.state,
          )
          if (wanted.state === 'undetermined') {
            expect(verdict.because.length).toBeGreaterThan(0)
            continue
          }
          if (wanted.proof !== undefined) expect(verdict.proof, told(verdict)).toBe(wanted.proof)
          if (wanted.class !== undefined)
            expect(
              verdict.attempts.filter((a) => a.connected).map((a) => a.possible),
              told(verdict),
            ).toContainEqual([wanted.class])
        }
      }
    }, 30_000)
  }
})
