/** Every scenario with the account read from a shared snapshot: what comes out must be what a directory gives. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { labRounds } from '../../agent/lab-rounds.ts'
import type { SharedPlace } from '../../agent/account/shared-snapshot-request.ts'
import { loadScenario, type Scenario, shippedScenarios } from '../../lab/scenario.ts'
import type { NameVerdict } from '../../model/verdict.ts'
import { systemHost } from '../../probes/host.ts'
import { readerWithin } from '../support/reader-within.ts'
import { shareByApi } from '../support/shared-writer.ts'

const program = readerWithin()
let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-shared-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function digest(verdict: NameVerdict, rotates: boolean): unknown {
  const { hostname, state, proof, confirmation, possible, conflictOfSide, doubt } = verdict
  const attempts = verdict.attempts
    .map((a) => ({
      address: a.address,
      state: a.state,
      proof: a.proof,
      possible: a.possible,
      rules: a.evidence.map((e) => `${e.rank} ${e.rule}`),
      basis: a.basis,
    }))
    .toSorted((a, b) => (a.address < b.address ? -1 : 1))
  const whole = { hostname, state, proof, confirmation, possible, conflictOfSide, doubt }
  return rotates ? whole : { ...whole, attempts }
}

interface Played {
  step: string | null
  source: string | undefined
  truth: string
  state: string
  digest: unknown
}

/** What the API refuses, the writer can't share. */
const isOpen = (scenario: Scenario): boolean =>
  [scenario.api, ...scenario.steps.map(({ api }) => api)].every((api) => (api?.deny ?? []).length === 0)

async function play(scenario: Scenario, place: SharedPlace | null): Promise<Played[]> {
  const played: Played[] = []
  const rounds = labRounds(scenario, {
    program: place === null ? null : program,
    machine: systemHost(process.env),
    version: 'test',
    ...(place !== null && {
      async source(lab) {
        await shareByApi(lab, place, program)
        return place.kind === 'file' ? { file: place.path } : { s3: { bucket: place.bucket, key: place.key } }
      },
    }),
  })
  for await (const round of rounds) {
    for (const verdict of round.targets.flatMap(({ names }) => names)) {
      played.push({
        step: round.step,
        source: round.snapshot?.source,
        truth: round.lab.truth(verdict.hostname).state,
        state: verdict.state,
        digest: digest(verdict, scenario.rotate.length > 0),
      })
    }
  }
  return played
}

const asOfNow = (scenario: Scenario): Scenario => ({ ...scenario, dump: { manifest: true, age: 0 } })

async function same(scenario: Scenario, place: SharedPlace): Promise<void> {
  const shared = await play(scenario, place)
  for (const { truth, state } of shared) {
    if (state === 'private') expect(truth, 'FALSE PRIVATE').toBe('private')
    if (state === 'public') expect(truth).toBe('public')
  }
  for (const { source } of shared) expect(source).toMatch(/^shared snapshot /)
  const dumped = await play(asOfNow(scenario), null)
  expect(shared.map(({ step, digest: said }) => ({ step, said }))).toEqual(
    dumped.map(({ step, digest: said }) => ({ step, said })),
  )
}

describe.concurrent('every scenario of the lab, by a shared file', async () => {
  for (const file of await shippedScenarios()) {
    const scenario = await loadScenario(file)
    it.skipIf(!isOpen(scenario))(
      file,
      () => same(scenario, { kind: 'file', path: join(directory, `${scenario.name}.shared`) }),
      60_000,
    )
  }
})

describe.concurrent('some of them, by an object in S3', () => {
  it.each(['01-gateway-endpoint', '16-central-endpoints', '40-on-prem', '45-route-withdrawn'])(
    '%s',
    async (file) => {
      const scenario = await loadScenario(file)
      const { s3 } = scenario.records ?? {}
      const bucket = { name: 'shared', region: 'us-east-1', owner: '111122223333', policy: null, objects: [] }
      const buckets = [...(s3?.buckets ?? []), bucket]
      const withBucket = { ...scenario, records: { ...scenario.records, s3: { ...s3, buckets } } }
      await same(withBucket, { kind: 's3', bucket: 'shared', key: 'pathproof/us-east-1' })
    },
    60_000,
  )
})
