import { afterAll, beforeAll, describe, it } from 'vitest'
import { hostScenario, metadataFaults } from './host-faults.ts'
import { playMidRun } from './play.ts'
import { type Stage, startStage } from './stage.ts'

const name = { target: 'artifacts', hostname: 'artifacts-lab.s3.us-east-1.amazonaws.com' }

let stage: Stage
beforeAll(async () => {
  stage = await startStage({
    scenario: hostScenario,
    targets: [{ name: name.target, hostname: name.hostname, every: '30s', timeout: '2s' }],
    document: (lab) => ({
      topology: { source: 'directory', directory: lab.snapshotDirectory, refresh: '10s', max_age: '3m' },
    }),
  })
})
afterAll(() => stage.stop())

describe('a silent metadata service leaves the vantage open, and a line in the log', () => {
  for (const row of metadataFaults) it(row.fault, () => playMidRun(stage, row, name))
})
