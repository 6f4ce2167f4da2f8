/** One leaking address of sixty: it comes in one answer of eight, and the answers after it must not hide it. */
import { afterEach, expect, it } from 'vitest'
import { labConfig } from '../../agent/lab-config.ts'
import { targetsOf } from '../../agent/config/targets.ts'
import { watchName } from '../../agent/watch/name-watch.ts'
import { createShared } from '../../agent/watch/shared.ts'
import { createTaintBook } from '../../agent/evidence/taint.ts'
import { findVantage } from '../../agent/account/vantage.ts'
import { contentHash } from '../../aws/snapshot-content.ts'
import { readSnapshotDirectory } from '../../aws/snapshot-files.ts'
import { startLab, type Lab } from '../../lab/lab.ts'
import { loadScenario } from '../../lab/scenario.ts'
import type { DnsObservation } from '../../model/observation.ts'
import { systemHost } from '../../probes/host.ts'

let open: Lab | null = null
afterEach(async () => {
  await open?.close()
  open = null
})

const leak = '18.34.233.40'

it('stays in the verdict through all the cycles that do not see it', async () => {
  const scenario = await loadScenario('one-of-sixty')
  const lab = await startLab(scenario, { mode: 'mapped', clock: { wallMs: Date.now }, timed: false })
  open = lab
  const { signal } = new AbortController()
  const host = lab.hostAccess(systemHost({}))
  const loaded = labConfig(lab, { every: '10s', listen: '127.0.0.1:0', nowMs: Date.now() })
  if (!loaded.ok) throw new Error(loaded.problems.map((p) => p.problem).join('\n'))
  const readText = () => Promise.resolve(null)
  const vantage = await findVantage({ host, readText, configured: 'auto', signal })
  const nowMs = host.clock.wallMs()
  const snapshot = await readSnapshotDirectory(lab.snapshotDirectory, { nowMs, undated: 'refuse', signal })
  const reading = { snapshot, content: contentHash(snapshot) }
  const answers: string[][] = []
  let id = 0
  const shared = createShared({
    config: loaded.config,
    configuration: () => null,
    host,
    vantage: () => vantage,
    version: 'test',
    nextId: () => String(++id),
    reading: () => reading,
    observed: (_target, seen) => {
      const given = seen.kind === 'dns' ? (seen as DnsObservation).ipv4 : null
      if (given?.answered === true) answers.push(given.addresses.map(({ address }) => address))
    },
    taint: createTaintBook(),
    hostRoots: lab.hostRoots,
  })
  const [target] = targetsOf(loaded.config).targets ?? []
  const [name] = target?.names ?? []
  if (target === undefined || name === undefined) throw new Error('nothing is watched')
  const watch = watchName(target, name, shared)
  const states: string[] = []
  const known: number[] = []
  for (let cycle = 0; cycle < 5; cycle++) {
    await watch.cycle({ signal, lifeSeconds: 60, perGroup: 1 })
    const verdict = watch.rejudge()
    if (verdict === null) throw new Error('no verdict after a cycle')
    states.push(verdict.state)
    known.push(verdict.attempts.length)
    expect(verdict.attempts.find((a) => a.address === leak)?.state ?? 'forgotten').toBe('public')
  }
  expect(states).toEqual(Array.from({ length: 5 }, () => 'mixed'))
  // The scenario plays what it says: the leak comes once a round, and the answers turn until all sixty are known.
  const withLeak = answers.filter((each) => each.includes(leak)).length
  expect(withLeak).toBeGreaterThan(0)
  expect(withLeak).toBeLessThan(answers.length / 2)
  expect(known.at(-1)).toBe(60)
}, 20_000)
