import { afterAll, beforeAll, describe, it } from 'vitest'
import { dnsFaults } from './dns-faults.ts'
import { play } from './play.ts'
import { type Stage, startStage } from './stage.ts'

let stage: Stage
beforeAll(async () => {
  stage = await startStage({ scenario: 'gateway-endpoint', targets: [] })
})
afterAll(() => stage.stop())

describe('what is wrong with DNS leaves its state, its metric and its line in the log', () => {
  for (const [number, row] of dnsFaults.entries()) it(row.fault, () => play(stage, row, number))
})
