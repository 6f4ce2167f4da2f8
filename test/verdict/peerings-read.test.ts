/** Only a VPC's owner is shown its peerings: when a list of them may be taken for all of them. */
import { describe, expect, it } from 'vitest'
import type { MetadataInterface, Snapshot, Topology } from '../../model/topology.ts'
import { judgeAttempt } from '../../verdict/judge.ts'
import { showsAllPeerings } from '../../verdict/peerings-read.ts'
import { readingAt } from '../../verdict/reading.ts'
import { attempt, lacking, now, snapshot, topology } from './fixture.ts'

const owner = '111122223333'
const vpc = (id: string, ownerId: string | null) => ({
  id,
  ownerId,
  ipv4Cidrs: ['10.0.0.0/16'],
  ipv6Cidrs: [],
})
const at = (vpcId: string | null): Topology => {
  const base = topology()
  const interfaces = vpcId === null ? [] : [{ vpcId, vpcIpv4Cidrs: [], vpcIpv6Cidrs: [], mac: '' }]
  return { ...base, vantage: { ...base.vantage, interfaces: interfaces as unknown as MetadataInterface[] } }
}
const shows = (s: Snapshot, t: Topology) => showsAllPeerings(readingAt(s, now, t.limits, true), t.vantage)

describe('all peerings are shown', () => {
  const own = snapshot({ vpcs: [vpc('vpc-1', owner), vpc('vpc-2', '444455556666')] })
  it.each<[string, Snapshot, string | null, boolean]>([
    ['to the owner of this host’s VPC', own, 'vpc-1', true],
    ['not to a participant of it', own, 'vpc-2', false],
    ['not of a VPC that is not shown', own, 'vpc-3', false],
    ['not where this host’s VPC is not known, and one of all is another’s', own, null, false],
    ['where all are the reader’s own', snapshot({ vpcs: [vpc('vpc-1', owner)] }), null, true],
    ['not where there are none', snapshot({ vpcs: [] }), null, false],
    ['not to somebody unknown', { ...own, account: null }, 'vpc-1', false],
    ['not of an owner unknown', snapshot({ vpcs: [vpc('vpc-1', null)] }), 'vpc-1', false],
    ['not while they are unread', lacking(own, 'peerings'), 'vpc-1', false],
    ['not while VPCs are unread', lacking(own, 'vpcs'), 'vpc-1', false],
    ['not when they are too old', { ...own, parts: snapshot({}, 901).parts }, 'vpc-1', false],
  ])('%s', (_, s, vpcId, expected) => {
    expect(shows(s, at(vpcId))).toBe(expected)
  })

  it('or else a public IPv6 address may be an endpoint’s', () => {
    const address = '2600:9000::1'
    const ruleOf = (s: Snapshot) =>
      judgeAttempt(attempt({ address }), { ...at('vpc-1'), readings: [s] }).evidence.map(({ rule }) => rule)
    expect(ruleOf(snapshot())).toContain('address.public')
    expect(ruleOf(snapshot({ vpcs: [vpc('vpc-1', '444455556666')], peerings: [] }))).not.toContain(
      'address.public',
    )
  })
})
