import { expect, test } from 'vitest'
import { emptyFlowTally, flowText, tryFlow } from './flow-harness.ts'

const worlds = 400

test(`${worlds} random worlds with flow records: nothing is called or confirmed private that is not`, {
  timeout: 120_000,
}, () => {
  const start = Math.floor(Math.random() * 2 ** 31)
  console.log(`random worlds from seed ${start}`)
  const tally = emptyFlowTally()
  for (let n = 0; n < worlds; n += 1) tryFlow(n < worlds / 2 ? n + 1 : start + n, tally)
  console.log(flowText(tally))
  expect(tally.wrong.slice(0, 3).join('\n\n')).toBe('')
})
