import { expect, test } from 'vitest'
import { emptyTally, matrixText, tryWorld } from './harness.ts'

const worlds = 10_000

/** Fixed seeds show the same worlds every time; the random ones are new each time, and print where they began. */
test(`${worlds} random worlds: nothing is called private that is not, and most is decided`, {
  timeout: 300_000,
}, () => {
  const start = Math.floor(Math.random() * 2 ** 31)
  console.log(`random worlds from seed ${start}`)
  const tally = emptyTally()
  for (let n = 0; n < worlds; n += 1) tryWorld(n < worlds / 2 ? n + 1 : start + n, tally)
  const share = tally.decided / tally.sufficient
  console.log(matrixText(tally))
  console.log(
    `${tally.sufficientWorlds} of ${worlds} worlds have evidence that suffices; of ${tally.sufficient} such attempts ` +
      `${(share * 100).toFixed(2)} % are decided`,
  )
  expect(tally.wrong.slice(0, 3).join('\n\n')).toBe('')
  expect(tally.sufficientWorlds / worlds).toBeGreaterThanOrEqual(0.35)
  expect(share).toBeGreaterThanOrEqual(0.95)
  expect(tally.falsePublic).toBe(0)
})
