/** Routes asked of the account's configuration alone, without a host. */
import { describe, expect, it } from 'vitest'
import type { Snapshot } from '../../model/topology.ts'
import { parseIp } from '../../net/ip.ts'
import { type Origin, askRoute } from '../../verdict/route-question.ts'
import { eni, hostMac, natTable, now, snapshot, viaIgw, viaNat, withRoutes } from './fixture.ts'

const origin: Origin = {
  known: true,
  id: 'eni-host',
  subnetId: 'subnet-1',
  vpcId: 'vpc-1',
  localAddress: '10.0.1.50',
}
function ask(address: string, s: Snapshot = snapshot(), more: Partial<Origin> = {}) {
  const ip = parseIp(address)
  if (!ip.ok) throw new Error(ip.error)
  return askRoute(address, ip.value, { ...origin, ...more }, s, now)
}

describe('what the configuration says of one address', () => {
  it('by the gateway endpoint', () => {
    expect(ask('52.216.1.1')).toMatchObject({
      state: 'private',
      possible: ['gateway_endpoint', 'blocked'],
      hops: [{ routeTable: 'rtb-1', target: 'vpce-s3' }],
    })
  })

  it('by NAT, with both tables', () => {
    const answer = ask('52.216.1.1', withRoutes([viaNat], {}, [natTable([viaIgw])]))
    expect(answer).toMatchObject({ state: 'public', possible: ['nat_gateway', 'blocked'] })
    expect(answer.hops.map((h) => h.routeTable)).toEqual(['rtb-1', 'rtb-nat'])
  })

  it('by the endpoint’s own address', () => {
    expect(ask('10.0.1.60')).toMatchObject({ state: 'private', possible: ['interface_endpoint', 'blocked'] })
  })

  it('no way', () => {
    expect(ask('54.240.1.1')).toMatchObject({ state: 'blocked', possible: ['blocked'] })
  })

  it('however old it is', () => {
    expect(ask('52.216.1.1', snapshot({}, 9_000_000)).state).toBe('private')
    expect(ask('52.216.1.1', snapshot({}, -60)).state).toBe('private')
  })

  it('gives each reason once: the routes first, then the address', () => {
    const { because } = ask('52.216.1.1')
    expect(because).toEqual([
      'pl-s3 (com.amazonaws.us-east-1.s3, 52.216.0.0/15) → vpce-s3 is a gateway endpoint for com.amazonaws.us-east-1.s3',
      '52.216.1.1 is public and in no range of this VPC, its peers or a declared endpoint',
    ])
  })

  it('without a table: why, and what the address shows', () => {
    const answer = ask('54.240.1.1', snapshot({ routeTables: [] }))
    expect(answer).toMatchObject({ state: 'undetermined', hops: [], lookup: { readable: false } })
    expect(answer.because[0]).toContain('no settled main table')
    expect(answer.because.slice(1)).toEqual([
      '54.240.1.1 is public and in no range of this VPC, its peers or a declared endpoint',
      "54.240.1.1 is in none of AWS's lists for this region that a gateway endpoint could take",
    ])
  })

  it('the public address is that of the one that asks', () => {
    const host = eni('eni-host', ['10.0.1.50', '10.0.1.51'], { macAddress: hostMac })
    const ipv4 = host.ipv4.map((a) => ({ ...a, publicAddress: a.primary ? '198.51.100.5' : null }))
    const s = withRoutes([viaIgw], { networkInterfaces: [{ ...host, ipv4 }] })
    expect(ask('54.240.1.1', s).state).toBe('public')
    expect(ask('54.240.1.1', s, { localAddress: '10.0.1.51' }).state).toBe('blocked')
    expect(ask('54.240.1.1', s, { localAddress: '' }).state).toBe('blocked')
  })
})
