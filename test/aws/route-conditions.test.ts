/** Conditions of the route resolver that random tables seldom meet. */
import { describe, expect, it } from 'vitest'
import { lookupSubnetRoute, lookupTableRoute } from '../../aws/route.ts'
import { cidrRoute, listRoute, s3List, snapshot, table, target, withRoutes } from '../verdict/fixture.ts'

const address = { family: 4, value: 0x0a000107n } as const

describe('a table named by its id', () => {
  const twice = snapshot({ routeTables: [table('rtb-1', []), table('rtb-1', [])] })
  it('must have been read, and once', () => {
    expect(lookupTableRoute(snapshot(), 'rtb-9', address)).toMatchObject({
      readable: false,
      because: ['the table rtb-9 was not read'],
    })
    expect(lookupTableRoute(twice, 'rtb-1', address)).toMatchObject({
      readable: false,
      because: ['the table rtb-1 was read twice'],
    })
    expect(lookupTableRoute(snapshot(), 'rtb-1', address).readable).toBe(true)
  })
})

describe('a propagated route within the range of the VPC', () => {
  const propagated = cidrRoute('10.0.1.0/24', target('virtual_private_gateway', 'vgw-1'), {
    origin: 'propagated',
  })
  const winners = (to: string, kind: 'local' | 'network_interface', origin: 'local' | 'static') => {
    const inside = cidrRoute('10.0.0.0/16', target(kind, to), { origin })
    const s = snapshot({ routeTables: [table('rtb-1', [inside, propagated])] })
    return lookupSubnetRoute(s, 'subnet-1', 'vpc-1', address).winners.map((w) => w.route.target.id)
  }

  it('may lose to a local route, by its origin or by its target', () => {
    expect(winners('local', 'local', 'local')).toEqual(['vgw-1', 'local'])
    expect(winners('local', 'local', 'static')).toEqual(['vgw-1', 'local'])
    expect(winners('eni-x', 'network_interface', 'local')).toEqual(['vgw-1', 'eni-x'])
    expect(winners('eni-x', 'network_interface', 'static')).toEqual(['vgw-1'])
  })
})

it('of the entries of a list that hold the address the longest is named, wherever it stands', () => {
  const s3 = { family: 4, value: 0x34d80101n } as const
  const matched = (...entries: string[]) => {
    const s = withRoutes([listRoute('pl-s3', target('vpc_endpoint', 'vpce-s3'))], {
      prefixLists: [{ ...s3List, entries }],
    })
    return lookupSubnetRoute(s, 'subnet-1', 'vpc-1', s3).winners.map((w) => w.matchedPrefix)
  }
  expect(matched('52.216.0.0/15', '52.216.1.0/24', '52.216.0.0/16')).toEqual(['52.216.1.0/24'])
  expect(matched('52.216.1.0/24', '52.216.0.0/15')).toEqual(['52.216.1.0/24'])
})
