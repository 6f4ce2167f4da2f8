import { expect, test } from 'vitest'
import { lookupSubnetRoute } from '../../aws/route.ts'
import { generate } from '../../lab/world/generate.ts'
import { observe } from '../../lab/world/observe.ts'
import type { RouteLookup } from '../../aws/route.ts'
import { parseIp } from '../../net/ip.ts'
import { judgeAttempt } from '../../verdict/judge.ts'
import { lookupKnownRoute } from '../../verdict/route-lookup.ts'
import { contextOf, topologyOf } from '../soundness/harness.ts'
import { attempt, cidrRoute, table, target, topology, viaEndpoint, withRoutes } from './fixture.ts'

const ips = ['52.216.1.1', '10.0.1.60', '8.8.8.8', '2600:1f18::60', '::34d8:101', '::ffff:52.216.1.1'].map(
  (text) => {
    const ip = parseIp(text)
    if (!ip.ok) throw new Error(text)
    return ip.value
  },
)

test('a look-up that is remembered is the one that would be made, whatever was asked before', () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const { readings, others } = topologyOf(observe(generate(seed)))
    for (const snapshot of [...readings, ...others, ...readings]) {
      const places = [
        ...snapshot.subnets.map(({ id, vpcId }) => [id, vpcId] as const),
        // a subnet that is said to lie elsewhere, and one that is not known
        ...snapshot.subnets.slice(0, 1).map(({ id }) => [id, 'vpc-elsewhere'] as const),
        ['subnet-none', snapshot.vpcs[0]?.id ?? ''] as const,
      ]
      for (const [subnet, vpc] of places)
        for (const ip of ips)
          expect(lookupKnownRoute(snapshot, subnet, vpc, ip)).toEqual(
            lookupSubnetRoute(snapshot, subnet, vpc, ip),
          )
    }
  }
})

test('nothing that judges changes what is remembered', () => {
  const frozen = (lookup: RouteLookup): void => {
    for (const list of [lookup.winners, lookup.maybe, lookup.because]) Object.freeze(list)
    for (const winner of lookup.winners) Object.freeze(winner)
    Object.freeze(lookup)
  }
  for (let seed = 1; seed <= 150; seed += 1) {
    const seen = observe(generate(seed))
    const around = topologyOf(seen)
    const judged = () =>
      seen.names.flatMap((name) =>
        name.attempts.map((item) => judgeAttempt(item.attempt, around, contextOf(seen, item))),
      )
    const first = judged()
    for (const snapshot of around.readings)
      for (const { id, vpcId } of snapshot.subnets)
        for (const item of seen.names.flatMap((name) => name.attempts)) {
          const ip = parseIp(item.attempt.address)
          if (ip.ok) frozen(lookupKnownRoute(snapshot, id, vpcId, ip.value))
        }
    expect(judged()).toEqual(first)
  }
})

test('another snapshot with the same id is another one', () => {
  const to = (id: string) => [cidrRoute('0.0.0.0/0', target('internet_gateway', id))]
  const before = judgeAttempt(attempt(), topology([withRoutes([viaEndpoint])]))
  const after = judgeAttempt(attempt(), topology([withRoutes(to('igw-1'))]))
  expect([before, after].map(({ basis }) => basis?.target)).toEqual(['vpce-s3', 'igw-1'])
  const other = withRoutes(to('igw-2'), {}, [table('rtb-2', [], { subnetIds: ['subnet-2'] })])
  const [ip] = ips
  if (ip === undefined) return
  expect(lookupKnownRoute(other, 'subnet-1', 'vpc-1', ip).winners[0]?.route.target.id).toBe('igw-2')
  expect(lookupKnownRoute(other, 'subnet-2', 'vpc-1', ip).winners).toEqual([])
})
