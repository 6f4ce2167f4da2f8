/** Whatever the join takes for an attempt's own, or needs to tell that it can't, is found by the index. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createLateIndex } from '../../agent/evidence/late-index.ts'
import { joinRecords } from '../../verdict/flow-join.ts'
import { attempt } from '../verdict/fixture.ts'
import {
  at,
  atEndpoint,
  captured,
  context,
  egress,
  endpointPoints,
  ingress,
  inner,
  nat,
  outer,
  points,
  toEndpoint,
} from '../verdict/flow-fixture.ts'

const regional = { ...nat, interfaceId: null, natGatewayId: 'nat-2' }
const places = [
  { made: attempt(), points: points() },
  { made: attempt(), points: points({ nats: [nat] }) },
  { made: attempt(), points: points({ nats: [nat, regional] }) },
  { made: attempt({ address: '10.0.1.60' }), points: endpointPoints },
  { made: attempt({ address: '::ffff:52.216.1.1' }), points: points({ nats: [nat] }) },
]
const basic = [egress, ingress, inner, outer, toEndpoint, atEndpoint]
const record = fc.record({
  fields: fc.constantFrom(...basic),
  srcport: fc.constantFrom(null, 40_000, 40_001, 1025),
  place: fc.constantFrom(null, 'eni-nat', 'eni-host', 'regional'),
  address: fc.constantFrom(null, '52.216.1.1', '52.216.1.2', '10.0.1.60'),
  startsAfter: fc.integer({ min: -4000, max: 4000 }),
  lasts: fc.integer({ min: -10, max: 5000 }),
})

it('no record that joins is missed, and none that makes a join uncertain', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...places),
      fc.array(record, { maxLength: 12 }),
      ({ made, points: of }, list) => {
        const records = list.map(({ fields, srcport, place, address, startsAfter, lasts }) =>
          captured(
            {
              ...fields,
              ...(srcport !== null && { srcport }),
              ...(address !== null && { dstaddr: address, 'pkt-dstaddr': address }),
              ...(place === 'regional' && { 'interface-id': null, 'resource-id': 'nat-2' }),
              ...(place !== null && place !== 'regional' && { 'interface-id': place }),
              start: Math.floor(at) + startsAfter,
              end: Math.floor(at) + startsAfter + lasts,
            },
            { interfaceId: null },
          ),
        )
        const index = createLateIndex<string>()
        index.add('this', made, of)
        const found = records.filter((one) => index.find(one).length > 0)
        const join = (some: typeof records) => {
          const { joined, ambiguous } = joinRecords(made, of, { records: some, skipped: [] }, context)
          return {
            joined: joined.map(({ captured: { id }, role, leg, belongs }) => [id, role, leg, belongs]),
            ambiguous,
          }
        }
        expect(join(found)).toEqual(join(records))
      },
    ),
    { numRuns: 3000 },
  )
})

it('finds nothing of what was removed, and nothing of other times', () => {
  const index = createLateIndex<string>()
  index.add('a', attempt(), points({ nats: [nat] }))
  expect(index.find(captured(egress))).toEqual([{ item: 'a', as: 'own' }])
  expect(index.find(captured({ ...outer, srcport: 1026 }))).toEqual([{ item: 'a', as: 'nat' }])
  expect(index.find(captured({ ...egress, start: at + 900, end: at + 960 }))).toEqual([])
  expect(index.find(captured(ingress))).toEqual([])
  index.removeFromNat('a')
  expect(index.find(captured({ ...outer, srcport: 1026 }))).toEqual([])
  index.remove('a')
  expect(index.find(captured(egress))).toEqual([])
})
