import { afterAll, beforeAll, describe, it } from 'vitest'
import { clockFaults, hostFaults, hostScenario } from './host-faults.ts'
import { playMidRun } from './play.ts'
import { type Stage, startStage } from './stage.ts'

const name = { target: 'artifacts', hostname: 'artifacts-lab.s3.us-east-1.amazonaws.com' }
const targets = [{ name: name.target, hostname: name.hostname, every: '30s', timeout: '1s' }]

/** What is known of the account is soon too old, as by default. */
let stage: Stage
beforeAll(async () => {
  stage = await startStage({
    scenario: hostScenario,
    targets,
    document: (lab) => ({
      topology: { source: 'directory', directory: lab.snapshotDirectory, refresh: '10s', max_age: '3m' },
    }),
  })
})
afterAll(() => stage.stop())

describe('what is wrong with the clocks leaves its state, its metric and its line in the log', () => {
  for (const row of clockFaults) it(row.fault, () => playMidRun(stage, row, name))
})

describe('what is wrong with the host leaves its state, its metric and its line in the log', () => {
  for (const row of hostFaults) it(row.fault, () => playMidRun(stage, { ...row, reread: 'read' }, name))
})
