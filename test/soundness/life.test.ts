import { expect, test } from 'vitest'
import { emptyLifeTally, lifeText, type LifeOptions, tryLife } from './life.ts'

/** Answers rotate, routes change between readings, permissions come and go, and records contradict the account. */
test('through some cycles of random accounts nothing is called private that is not', {
  timeout: 120_000,
}, () => {
  const start = Math.floor(Math.random() * 2 ** 31)
  console.log(`random lives from seed ${start}`)
  const tally = emptyLifeTally()
  for (let n = 0; n < 300; n += 1) tryLife(n < 200 ? n + 1 : start + n, tally)
  console.log(lifeText(tally))
  expect(tally.wrong.slice(0, 3).join('\n\n')).toBe('')
  expect(tally.states.get('private') ?? 0).toBeGreaterThan(250)
  expect(tally.rotatedLeaks).toBeGreaterThan(150)
  expect(tally.contradictions).toBeGreaterThan(2)
  expect(tally.held).toBeGreaterThan(0)
})

test.each<[string, LifeOptions]>([
  ['answers are forgotten with the next one', { holdSeconds: 0 }],
  ['contradicted ways are not held back', { taint: false }],
  ['attempts are not judged again by later readings', { rejudged: false }],
])('it would show if %s', { timeout: 120_000 }, (_what, options) => {
  const tally = emptyLifeTally()
  for (let seed = 1; seed <= 1000 && tally.wrong.length === 0; seed += 1) tryLife(seed, tally, options)
  expect(tally.wrong.length).toBe(1)
})
