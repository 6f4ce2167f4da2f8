import { expect, test } from 'vitest'
import { observe } from '../../lab/world/observe.ts'
import { worldFrom } from '../../lab/world/world.ts'
import { emptyTally, falsePrivates, judgeAll, matrixText, tryWorld } from './harness.ts'

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

/** A AAAA answer of this form makes an IPv6 socket send IPv4: whether the host has IPv6 does not matter. */
test('an IPv4-mapped answer leaves as IPv4, also from a host without IPv6', () => {
  const hostname = 'ssm.us-east-1.amazonaws.com'
  const world = worldFrom({
    interfaces: [
      {
        id: 'eni-0a000077',
        type: 'vpc_endpoint',
        ipv4: [{ address: '10.0.1.77', primary: true, public: null }],
      },
    ],
    endpoints: [{ id: 'vpce-0a000077', interfaces: ['eni-0a000077'], reaches: 'ssm' }],
    names: [{ hostname, ipv4: ['10.0.1.77'], ipv6: ['::ffff:52.119.198.61'] }],
  })
  for (let seed = 1; seed <= 60; seed += 1) {
    const seen = observe({ seed, plain: true, theme: 'anything', world, hostnames: [hostname] })
    expect(falsePrivates(judgeAll(seen))).toEqual([])
  }
})
