import { describe, expect, it } from 'vitest'
import { attempt, stamp } from './fixture.ts'
import {
  at,
  atEndpoint,
  captured,
  client,
  egress,
  endpointPoints,
  ingress,
  inner,
  join,
  nat,
  outer,
  points,
  toEndpoint,
  without,
} from './flow-fixture.ts'

const joins = (...args: Parameters<typeof join>) => join(...args).joined.length
const behindNat = points({ nats: [nat] })
const regional = points({ nats: [{ ...nat, interfaceId: null, natGatewayId: 'nat-regional' }] })
const ssm = attempt({ address: '10.0.1.60' })

describe('at the client', () => {
  it('the request of the very socket joins, however often it was delivered, and the reply does not', () => {
    const found = join([egress, egress, ingress])
    expect(found.joined.map((j) => [j.role, j.leg])).toEqual([
      ['client', 'request'],
      ['client', 'request'],
    ])
    expect(found).toMatchObject({
      ambiguous: null,
      skipped: [],
      joined: [{ belongs: 'certainly' }, { belongs: 'certainly' }],
    })
  })

  it.each<[string, Record<string, string | number | null>]>([
    ['another interface', { 'interface-id': 'eni-other' }],
    ['no interface', { 'interface-id': null }],
    ['another local port', { srcport: 40001 }],
    ['another remote port', { dstport: 80 }],
    ['another protocol', { protocol: 17 }],
    ['no protocol', { protocol: null }],
    ['another remote address', { dstaddr: '52.216.1.2' }],
    ['another packet to the same hop', { 'pkt-dstaddr': '52.216.1.2' }],
    ['another address of the interface', { 'pkt-srcaddr': '10.0.1.51' }],
    ['the other direction', { 'flow-direction': 'ingress' }],
    ['another sender', { srcaddr: '10.0.1.51', 'pkt-srcaddr': null }],
    ['no start', { start: null }],
    ['no end', { end: null }],
    ['an end before its start', { start: at + 10, end: at - 10 }],
    ['over before the attempt', { start: at - 200, end: at - 61 }],
    ['begun after the attempt', { start: at + 61, end: at + 90 }],
  ])('a record of %s does not join', (_, fields) => {
    expect(joins([{ ...egress, ...fields }])).toBe(0)
  })

  it.each([
    ['ended a minute before', at - 90, at - 60],
    ['begun a minute after', at + 60, at + 90],
    ['all around it', at - 500, at + 500],
    ['of one second', at, at],
  ])('a record that %s may be its own', (_, start, end) => {
    expect(joins([{ ...egress, start, end }])).toBe(1)
  })

  it('the time of the attempt is as long as it took', () => {
    const slow = attempt({
      timings: {
        dnsSeconds: 100,
        tcpConnectSeconds: 10,
        tlsHandshakeSeconds: 20,
        firstByteSeconds: 5,
        uncertaintySeconds: 50,
      },
    })
    expect(joins([{ ...egress, start: at + 95, end: at + 99 }], { attempt: slow })).toBe(1)
    expect(joins([{ ...egress, start: at + 96, end: at + 99 }], { attempt: slow })).toBe(0)
    const timedOut = attempt({
      outcome: { reached: 'nothing', failure: { type: 'timeout', afterSeconds: 9 } },
    })
    expect(joins([{ ...egress, start: at + 69, end: at + 80 }], { attempt: timedOut })).toBe(1)
    expect(joins([{ ...egress, start: at + 70, end: at + 80 }], { attempt: timedOut })).toBe(0)
  })

  it("a stream's name must not say otherwise, and does not stand for the record's own interface", () => {
    expect(joins([captured(egress, { interfaceId: null })])).toBe(1)
    expect(joins([captured(egress, { interfaceId: 'eni-other' })])).toBe(0)
    expect(joins([captured(without(egress, 'interface-id'), { interfaceId: 'eni-host' })])).toBe(0)
  })

  it("without the packet's own address only the primary address joins", () => {
    const bare = without(egress, 'pkt-srcaddr', 'pkt-dstaddr')
    expect(joins([bare])).toBe(1)
    expect(joins([{ ...egress, 'pkt-srcaddr': null, 'pkt-dstaddr': null }])).toBe(1)
    expect(joins([bare], { points: points({ primaryAddress: null }) })).toBe(0)
    const secondary = attempt({ localAddress: '10.0.1.51' })
    expect(join([bare], { attempt: secondary })).toMatchObject({
      joined: [],
      ambiguous: expect.stringMatching(/primary/),
    })
    expect(joins([{ ...egress, 'pkt-srcaddr': '10.0.1.51' }], { attempt: secondary })).toBe(1)
  })

  it('IPv6 joins by the packet address, and an IPv4-mapped one as IPv4', () => {
    const six = attempt({ address: '2600:1fa0::1' })
    const fields = {
      ...egress,
      srcaddr: '2600:1f18::50',
      dstaddr: '2600:1fa0::1',
      'pkt-srcaddr': '2600:1f18:0::50',
      'pkt-dstaddr': '2600:1fa0:0::1',
    }
    expect(joins([fields], { attempt: six })).toBe(1)
    expect(joins([without(fields, 'pkt-srcaddr')], { attempt: six })).toBe(0)
    const mapped = attempt({ address: '::ffff:52.216.1.1', localAddress: '::ffff:10.0.1.50' })
    expect(joins([egress], { attempt: mapped })).toBe(1)
  })

  it('an interface that is not known, or a socket without port or address, joins nothing', () => {
    expect(joins([egress], { points: points({ client: null }) })).toBe(0)
    expect(joins([egress], { attempt: attempt({ localPort: null }) })).toBe(0)
    expect(joins([{ ...egress, srcport: null }], { attempt: attempt({ localPort: null }) })).toBe(0)
    expect(joins([egress], { attempt: attempt({ localAddress: null }) })).toBe(0)
    const noSource = { ...egress, 'pkt-srcaddr': 'nonsense' }
    expect(joins([noSource], { attempt: attempt({ localAddress: null }) })).toBe(0)
    const nowhere = { ...egress, dstaddr: 'nonsense', 'pkt-dstaddr': null }
    expect(joins([nowhere], { attempt: attempt({ address: 'nonsense' }) })).toBe(0)
    expect(joins([egress], { attempt: attempt({ outcome: { reached: 'not_dialled' } }) })).toBe(0)
  })
})

describe('when nothing can be told apart', () => {
  it('a port that was used again joins nothing for certain', () => {
    const found = join([egress], { context: { reuse: true } })
    expect(found.joined.map((one) => one.belongs)).toEqual(['perhaps'])
    expect(found.ambiguous).toMatch(/again/)
  })

  it.each([null, 61, -61, NaN, Infinity])('a clock offset of %s joins nothing', (clockOffsetSeconds) => {
    expect(join([egress], { context: { clockOffsetSeconds } })).toMatchObject({
      joined: [],
      ambiguous: expect.stringMatching(/clock/),
    })
  })

  it('an offset that is known widens the window', () => {
    const early = { ...egress, start: at - 200, end: at - 120 }
    expect(joins([early], { context: { clockOffsetSeconds: 60 } })).toBe(1)
    expect(joins([early], { context: { clockOffsetSeconds: -60 } })).toBe(1)
    expect(joins([early], { context: { clockOffsetSeconds: 59 } })).toBe(0)
  })
})

describe('at a NAT gateway', () => {
  const nats = (...records: Parameters<typeof join>[0]) => {
    const found = join(records, { points: behindNat })
    return found.ambiguous === null ? found.joined.map((j) => j.leg) : found.ambiguous
  }

  it('one flow in and one out: the outer one is its own, in as many records as it has', () => {
    expect(nats(inner, outer)).toEqual(['translated'])
    expect(nats(inner, inner, outer, outer)).toEqual(['translated', 'translated'])
  })

  it('without the inner flow of this very socket nothing is', () => {
    expect(nats(outer)).toEqual([])
    expect(nats({ ...inner, srcport: 40001 }, outer)).toEqual([])
    expect(nats({ ...inner, srcaddr: '10.0.1.51', 'pkt-srcaddr': '10.0.1.51' }, outer)).toEqual([])
    expect(nats({ ...inner, 'pkt-srcaddr': '10.0.1.51' }, outer)).toEqual([])
    expect(nats({ ...inner, action: 'REJECT' }, outer)).toEqual([])
    expect(nats({ ...inner, 'pkt-dstaddr': '52.216.1.2' }, outer)).toEqual([])
    expect(nats(without(inner, 'pkt-dstaddr'), outer)).toEqual([])
    expect(nats({ ...without(inner, 'pkt-dstaddr'), dstaddr: '52.216.1.1' }, outer)).toEqual([])
    expect(nats({ ...inner, 'flow-direction': 'egress' }, outer)).toEqual([])
    expect(nats({ ...inner, dstport: 80 }, outer)).toEqual([])
    expect(nats(inner)).toEqual([])
  })

  it('two flows outside, or two sockets inside, are ambiguous', () => {
    expect(nats(inner, outer)).toEqual(['translated'])
    expect(nats(inner, outer, { ...outer, srcport: 1026 })).toMatch(/nat-1 carried 2/)
    expect(nats(inner, { ...inner, srcaddr: '10.0.1.77', 'pkt-srcaddr': '10.0.1.77' }, outer)).toMatch(
      /carried 2/,
    )
    expect(nats(inner, { ...inner, srcport: 40001 }, outer)).toMatch(/carried 2/)
    const both = join([inner, outer, { ...outer, srcport: 1026 }], { points: behindNat }).joined
    expect(both.map((j) => j.belongs)).toEqual(['one_of_them', 'one_of_them'])
  })

  it('what leaves from another address, to another, or comes back is no outer flow', () => {
    expect(nats(inner, { ...outer, srcaddr: '10.0.9.8', 'pkt-srcaddr': null })).toEqual([])
    expect(nats(inner, { ...outer, 'pkt-srcaddr': '10.0.9.8' })).toEqual([])
    expect(nats(inner, { ...outer, dstaddr: '52.216.1.2' })).toEqual([])
    expect(nats(inner, { ...outer, 'pkt-dstaddr': '52.216.1.2' })).toEqual([])
    expect(nats(inner, { ...outer, dstport: 80 })).toEqual([])
    expect(nats(inner, { ...outer, 'flow-direction': 'ingress' })).toEqual([])
    expect(nats(inner, { ...outer, 'interface-id': 'eni-other' })).toEqual([])
    expect(nats(inner, without(outer, 'pkt-srcaddr', 'pkt-dstaddr'))).toEqual(['translated'])
  })

  it('a regional one is known by its own id, and sees the destination itself', () => {
    const own = { 'interface-id': null, 'resource-id': 'nat-regional' }
    const inside = { ...inner, ...own, dstaddr: '52.216.1.1', 'pkt-dstaddr': null }
    const found = (...records: Parameters<typeof join>[0]) => joins(records, { points: regional })
    expect(found(inside, { ...outer, ...own })).toBe(1)
    expect(found({ ...inside, dstaddr: '52.216.1.2' }, { ...outer, ...own })).toBe(0)
    expect(found({ ...inside, 'resource-id': 'nat-other' }, { ...outer, ...own })).toBe(0)
    expect(found(inside, { ...outer, ...own, 'resource-id': null })).toBe(0)
    expect(found(inside, { ...outer, ...own, 'interface-id': 'eni-nat' })).toBe(0)
  })

  it('joins nothing where the own interface is not known', () => {
    expect(joins([inner, outer], { points: { ...behindNat, client: null } })).toBe(0)
  })
})

describe('at an endpoint', () => {
  const found = (fields: Record<string, string | number | null>, more: Parameters<typeof join>[1] = {}) =>
    join([fields], { attempt: ssm, points: endpointPoints, ...more }).joined.map((j) => j.role)

  it('what comes in from the very socket joins', () => {
    expect(found(atEndpoint)).toEqual(['endpoint'])
    expect(found(toEndpoint)).toEqual(['client'])
    expect(found(without(atEndpoint, 'pkt-srcaddr', 'pkt-dstaddr'))).toEqual(['endpoint'])
  })

  it.each<[string, Record<string, string | number | null>]>([
    ['another source', { srcaddr: '10.0.9.9' }],
    ['another packet', { 'pkt-srcaddr': '10.0.9.9' }],
    ['another port', { srcport: 1025 }],
    ['another service port', { dstport: 80 }],
    ['another address', { 'pkt-dstaddr': '10.0.1.61' }],
    ['another interface', { 'interface-id': 'eni-other' }],
    ['what goes out', { 'flow-direction': 'egress' }],
    ['no direction', { 'flow-direction': null }],
  ])('but not %s', (_, fields) => {
    expect(found({ ...atEndpoint, ...fields })).toEqual([])
  })

  it("in a VPC only from an address of the interface's own; from on-prem from the host's", () => {
    const other = { ...client, addresses: ['10.0.1.51'] }
    expect(found(atEndpoint, { points: { ...endpointPoints, client: other } })).toEqual([])
    expect(found(atEndpoint, { points: { ...endpointPoints, client: null } })).toEqual(['endpoint'])
    const [one] = endpointPoints.endpoints
    const two = { ...endpointPoints, endpoints: one === undefined ? [] : [one, one] }
    expect(found(atEndpoint, { points: two })).toEqual([])
  })
})

describe('lost records', () => {
  const skips = (
    window: { interfaceId: string | null; startSeconds: number; endSeconds: number },
    at = points({ nats: [nat] }),
  ) => join([], { skipped: [window], points: at }).skipped

  it('count where the interface is, or may be, one of the attempt, and the time is', () => {
    expect(skips({ interfaceId: 'eni-host', startSeconds: at, endSeconds: at })).toEqual(['client'])
    expect(skips({ interfaceId: 'eni-nat', startSeconds: at, endSeconds: at })).toEqual(['nat'])
    expect(skips({ interfaceId: null, startSeconds: at, endSeconds: at })).toEqual(['client', 'nat'])
    expect(skips({ interfaceId: 'eni-other', startSeconds: at, endSeconds: at })).toEqual([])
    expect(skips({ interfaceId: 'eni-other', startSeconds: at, endSeconds: at }, regional)).toEqual(['nat'])
  })

  it('count up to the minute that times may be off', () => {
    expect(skips({ interfaceId: 'eni-host', startSeconds: at - 90, endSeconds: at - 60 })).toEqual(['client'])
    expect(skips({ interfaceId: 'eni-host', startSeconds: at - 90, endSeconds: at - 61 })).toEqual([])
    expect(skips({ interfaceId: 'eni-host', startSeconds: at + 60, endSeconds: at + 90 })).toEqual(['client'])
    expect(skips({ interfaceId: 'eni-host', startSeconds: at + 61, endSeconds: at + 90 })).toEqual([])
    expect(skips({ interfaceId: 'eni-host', startSeconds: NaN, endSeconds: NaN })).toEqual(['client'])
  })

  it('count as well where their line was given as a record', () => {
    const gap = { 'interface-id': 'eni-host', 'log-status': 'SKIPDATA', start: at, end: at + 60 }
    expect(join([gap]).skipped).toEqual(['client'])
    expect(join([{ 'log-status': 'SKIPDATA' }]).skipped).toEqual(['client'])
    expect(join([{ ...gap, 'log-status': 'NODATA' }]).skipped).toEqual([])
  })
})

describe('what the formats lack', () => {
  const bare = without(egress, 'traffic-path', 'flow-direction', 'pkt-srcaddr', 'pkt-dstaddr')

  it('is told of the logs of the own interfaces', () => {
    expect(join([egress]).lacking).toEqual([])
    expect(join([bare]).lacking).toEqual(['flow-direction', 'traffic-path'])
    expect(join([{ ...bare, 'interface-id': 'eni-other' }]).lacking).toEqual([])
    expect(join([captured(without(egress, 'interface-id'), { interfaceId: 'eni-host' })]).lacking).toEqual([
      'interface-id',
    ])
    expect(join([bare], { attempt: attempt({ localAddress: '10.0.1.51' }) }).lacking).toContain('pkt-srcaddr')
    expect(join([without(inner, 'pkt-dstaddr')], { points: behindNat }).lacking).toEqual(['pkt-dstaddr'])
    expect(
      join([without(atEndpoint, 'traffic-path')], { attempt: ssm, points: endpointPoints }).lacking,
    ).toEqual([])
  })
})

it('an attempt of another time takes other records', () => {
  const later = attempt({ stamp: stamp('b', (at + 3600) * 1000) })
  expect(joins([egress], { attempt: later })).toBe(0)
})
