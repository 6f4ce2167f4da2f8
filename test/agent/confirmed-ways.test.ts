import { describe, expect, it } from 'vitest'
import { createConfirmedWays } from '../../agent/evidence/confirmed-ways.ts'
import type { Basis } from '../../model/evidence.ts'

const gateway: Basis = { networkInterface: 'eni-1', routeTable: 'rtb-1', route: 'pl-1', target: 'vpce-1' }
const nat: Basis = { networkInterface: 'eni-1', routeTable: 'rtb-1', route: '0.0.0.0/0', target: 'nat-1' }

describe('the ways of a name that records confirmed', () => {
  it('are told as long as the confirmation is young enough, and no longer', () => {
    let nowMs = 0
    const ways = createConfirmedWays(() => nowMs)
    ways.confirmed('a:443', [gateway], 'observed')
    nowMs = 1_800_000
    expect(ways.of('a:443', 1800)).toEqual([{ basis: gateway, rank: 'observed' }])
    nowMs++
    expect(ways.of('a:443', 1800)).toEqual([])
    expect(ways.of('a:443', 3600)).toHaveLength(1)
  })

  it('belong to one name, and to one way', () => {
    const ways = createConfirmedWays(() => 0)
    ways.confirmed('a:443', [gateway], 'observed')
    expect(ways.of('b:443', 1800)).toEqual([])
    ways.confirmed('a:443', [nat], 'attested')
    ways.contradicted('a:443', [gateway])
    expect(ways.of('a:443', 1800)).toEqual([{ basis: nat, rank: 'attested' }])
  })

  it('are all gone when what contradicts has no way of its own', () => {
    const ways = createConfirmedWays(() => 0)
    ways.confirmed('a:443', [gateway, nat], 'observed')
    ways.contradicted('a:443', [])
    expect(ways.of('a:443', 1800)).toEqual([])
  })

  it('keep a time for each rank: a weaker confirmation does not undo a stronger one', () => {
    let nowMs = 0
    const ways = createConfirmedWays(() => nowMs)
    ways.confirmed('a:443', [gateway], 'attested')
    nowMs = 1_000_000
    ways.confirmed('a:443', [gateway], 'observed')
    expect(ways.of('a:443', 1800).map(({ rank }) => rank)).toEqual(['attested', 'observed'])
    nowMs = 1_900_000
    expect(ways.of('a:443', 1800).map(({ rank }) => rank)).toEqual(['observed'])
    ways.contradicted('a:443', [gateway])
    expect(ways.of('a:443', 1800)).toEqual([])
  })
})
