/** Every scenario, by AWS CLI output and by the EC2 API over the wire: against its truth, and against each other. */
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { confusionMatrix } from '../../agent/cli/lab-matrix.ts'
import { type LabRound, labRounds } from '../../agent/lab-rounds.ts'
import type { ProgramCommand } from '../../agent/child.ts'
import { type Expectation, loadScenario, type Scenario, shippedScenarios } from '../../lab/scenario.ts'
import type { PathState } from '../../model/path.ts'
import type { NameVerdict } from '../../model/verdict.ts'
import { systemHost } from '../../probes/host.ts'
import { readerWithin } from '../support/reader-within.ts'

const within = readerWithin()
const ofItsOwn = { file: process.execPath, args: [resolve(import.meta.dirname, '../../agent/main.ts')] }

function told(verdict: NameVerdict): string {
  return [
    ...verdict.because,
    ...verdict.attempts.flatMap((a) => [
      `${a.address}: ${a.state} ${a.possible.join(',')}`,
      ...a.evidence.map((e) => `  ${e.rank} ${e.rule}: ${e.because}`),
    ]),
  ].join('\n')
}

function agrees(verdict: NameVerdict | undefined, wanted: Expectation, where: string): void {
  expect(verdict, `${where}: ${wanted.hostname} was not judged`).toBeDefined()
  if (verdict === undefined) return
  expect(verdict.state, `${where}: ${wanted.hostname}\n${told(verdict)}`).toBe(wanted.state)
  if (wanted.state === 'undetermined') {
    expect(verdict.because.length).toBeGreaterThan(0)
    return
  }
  if (wanted.proof !== undefined) expect(verdict.proof, told(verdict)).toBe(wanted.proof)
  if (wanted.class === undefined) return
  const classes = verdict.attempts.filter((a) => a.connected).map((a) => a.possible)
  expect(classes, told(verdict)).toContainEqual([wanted.class])
}

type Digest = { step: string | null; hostname: string; state: PathState; [more: string]: unknown }

/** What must not depend on where the account was read. */
function digest(step: string | null, verdict: NameVerdict, rotates: boolean): Digest {
  const { hostname, state, proof, confirmation, possible, conflictOfSide, tainted, doubt } = verdict
  const attempts = verdict.attempts
    .map((a) => ({
      address: a.address,
      state: a.state,
      wouldBe: a.wouldBe,
      proof: a.proof,
      possible: a.possible,
      // of what is only consistent an API that is asked for one VPC says less than a dump of all of them
      rules: a.evidence.filter((e) => e.rank !== 'consistent').map((e) => `${e.rank} ${e.rule}`),
      conflicts: a.conflicts.map((c) => `${c.rank} ${c.of}`),
      basis: a.basis,
    }))
    .toSorted((a, b) => (a.address < b.address ? -1 : 1))
  const whole = { step, hostname, state, proof, confirmation, possible, conflictOfSide, tainted, doubt }
  return rotates ? whole : { ...whole, attempts }
}

/** Plays all rounds; a private or public that is not true fails at once. */
async function play(
  scenario: Scenario,
  program: ProgramCommand | null,
  look?: (round: LabRound, verdicts: ReadonlyMap<string, NameVerdict>) => void,
): Promise<Digest[]> {
  const rotates = scenario.rotate.length > 0
  const digests: Digest[] = []
  const options = { program, machine: systemHost(process.env), version: 'test' }
  for await (const round of labRounds(scenario, options)) {
    const verdicts = new Map(round.targets.flatMap((t) => t.names).map((name) => [name.hostname, name]))
    for (const verdict of verdicts.values()) {
      const truth = round.lab.truth(verdict.hostname)
      if (verdict.state === 'private') expect(truth.state, `FALSE PRIVATE\n${told(verdict)}`).toBe('private')
      if (verdict.state === 'public') expect(truth.state, told(verdict)).toBe('public')
      digests.push(digest(round.step, verdict, rotates))
    }
    if (program !== null) {
      expect(round.snapshot?.source).toMatch(/^EC2 API of /)
      expect(round.lab.apiRequests().filter((r) => r.service === 'ec2').length).toBeGreaterThan(10)
    }
    look?.(round, verdicts)
  }
  return digests
}

/** Steps, null for the beginning, at which the API refuses what a dump shows. */
function refusedSteps({ api, steps }: Scenario): (string | null)[] {
  let { deny = [] } = api
  const refused: (string | null)[] = deny.length > 0 ? [null] : []
  for (const step of steps) {
    deny = step.api?.deny ?? deny
    if (deny.length > 0) refused.push(step.name)
  }
  return refused
}

const asOfNow = (scenario: Scenario): Scenario => ({ ...scenario, dump: { manifest: true, age: 0 } })

describe.concurrent('every scenario of the lab', async () => {
  for (const file of await shippedScenarios()) {
    it(file, async () => {
      const scenario = await loadScenario(file)
      const stated = await play(scenario, null, ({ step, expect: wanted }, verdicts) => {
        for (const one of wanted) agrees(verdicts.get(one.hostname), one, step ?? 'at first')
      })
      // how a dump came to be is no matter of the API
      const fresh = scenario.dump.manifest && scenario.dump.age === 0
      const dumped = fresh ? stated : await play(asOfNow(scenario), null)
      const byApi = await play(scenario, within)
      const refused = new Set(refusedSteps(scenario))
      const isRefused = ({ step }: Digest) => refused.has(step)
      expect(byApi.filter((each) => !isRefused(each))).toEqual(dumped.filter((each) => !isRefused(each)))
      for (const { state } of byApi.filter(isRefused)) expect(state).toBe('undetermined')
    }, 60_000)
  }

  it.each(['07-nat-before-endpoint', '16-central-endpoints', '22-unread-list', '40-on-prem'])(
    '%s, by a process of its own',
    async (file) => {
      const scenario = asOfNow(await loadScenario(file))
      expect(await play(scenario, ofItsOwn)).toEqual(await play(scenario, null))
    },
    60_000,
  )
})

it('the matrix says proof and confirmation beside truth and verdict, with the account read by its API', async () => {
  let text = ''
  const io = {
    stdout: (more: string) => void (text += more),
    stderr: () => undefined,
    stdin: null,
    color: false,
    tty: false,
    nowMs: Date.now,
    environment: process.env,
  }
  expect(await confusionMatrix(io, { only: '45-route-withdrawn', program: ofItsOwn })).toBe(0)
  const lines = text.split('\n').map((line) => line.replaceAll(/ +/g, ' '))
  const said = (line: string | undefined) => /truth .* confirmation \S+/.exec(line ?? '')?.[0]
  expect(lines.slice(0, 3).map(said)).toEqual([
    'truth private verdict private proof configured confirmation unavailable',
    'truth public verdict public proof configured confirmation unavailable',
    'truth private verdict private proof configured confirmation unavailable',
  ])
  expect(lines).toContain('configured, unavailable 2 1 0 0 0')
  expect(lines).toContain('3 names, 0 called private that are not')
})
