import { afterAll, beforeAll, describe, it } from 'vitest'
import { readerWithin } from '../support/reader-within.ts'
import { accountScenario, apiFaults, listFaults } from './account-faults.ts'
import { playMidRun } from './play.ts'
import { type Stage, startStage } from './stage.ts'

const name = { target: 'artifacts', hostname: 'artifacts-lab.s3.us-east-1.amazonaws.com' }

let stage: Stage
beforeAll(async () => {
  stage = await startStage({
    scenario: accountScenario,
    targets: [{ name: name.target, hostname: name.hostname, every: '30s', timeout: '2s' }],
    document: () => ({ topology: { source: 'aws', refresh: '60s', other_refresh: '60s' } }),
    program: readerWithin,
  })
})
afterAll(() => stage.stop())

describe('what is wrong with the APIs of the account leaves its state, its metric and its line in the log', () => {
  for (const row of apiFaults) it(row.fault, () => playMidRun(stage, row, name))
})

describe('what is wrong with prefix lists leaves its state, its metric and its line in the log', () => {
  for (const row of listFaults) it(row.fault, () => playMidRun(stage, row, name))
})
