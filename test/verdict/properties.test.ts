/** What holds of every verdict, on topologies put together by hand from the usual parts and the usual ways to break them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Evidence } from '../../model/evidence.ts'
import type { Attempt, AttemptOutcome, HostRoute } from '../../model/observation.ts'
import { type PathClass, pathClasses } from '../../model/path.ts'
import {
  type NatGateway,
  type PrefixList,
  type Route,
  type Snapshot,
  type SnapshotPart,
  type Topology,
  type TrustedEndpoint,
  type VpcEndpoint,
  snapshotParts,
} from '../../model/topology.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { type AttemptContext, judgeAttempt, noContext } from '../../verdict/judge.ts'
import { groupOf, judgeName } from '../../verdict/name.ts'
import {
  answer,
  attempt,
  cidrRoute,
  dns,
  eni,
  gatewayEndpoint,
  hostMac,
  interfaceEndpoint,
  kernelRoute,
  listRoute,
  localRoute,
  localRoute6,
  nat,
  now,
  s3List,
  snapshot,
  stamp,
  table,
  target,
  topology,
  verified,
  viaEndpoint,
  viaIgw,
  viaNat,
} from './fixture.ts'

const numRuns = fc.readConfigureGlobal().numRuns ?? 1000

/** Mostly what is usual, so that several things are seldom broken at once. */
const mostly = <T>(usual: T, ...others: T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 4, arbitrary: fc.constantFrom(...others) })

const s3List6: PrefixList = {
  ...s3List,
  id: 'pl-s3-6',
  name: 'com.amazonaws.us-east-1.ipv6.s3',
  family: 6,
  entries: ['2600:1fa0::/32'],
}
const own: PrefixList = {
  ...s3List,
  id: 'pl-own',
  name: 'own',
  ownerId: '111122223333',
  entries: ['52.0.0.0/8'],
}

const usualTargets = [
  target('nat_gateway', 'nat-1'),
  target('internet_gateway', 'igw-1'),
  target('transit_gateway', 'tgw-1'),
  target('virtual_private_gateway', 'vgw-1'),
  target('network_interface', 'eni-x'),
  target('unknown', 'NewGatewayId'),
]
const anyState = mostly<Route['state']>('active', 'active', 'blackhole', 'unknown')

/** At most one route of each destination, as in AWS's tables; nine in ten of the usual kind. */
const anyRoutes = fc
  .record(
    {
      list: fc.record({ to: fc.constantFrom('vpce-s3', 'vpce-s3', 'vpce-other'), state: anyState }),
      list6: fc.record({ to: fc.constantFrom('vpce-s3', 'vpce-other'), state: anyState }),
      ownList: fc.constantFrom(...usualTargets),
      everything: fc.record({
        to: fc.constantFrom(...usualTargets),
        state: anyState,
        propagated: fc.boolean(),
      }),
      everything6: fc.constantFrom(
        target('egress_only_internet_gateway', 'eigw-1'),
        target('internet_gateway', 'igw-1'),
        target('nat_gateway', 'nat-1'),
      ),
      some: fc.record({
        cidr: fc.constantFrom('52.216.0.0/14', '52.216.0.0/15', '52.216.1.0/24', '54.240.0.0/16'),
        to: fc.constantFrom(...usualTargets),
        propagated: fc.boolean(),
      }),
      far: fc.constantFrom(
        target('transit_gateway', 'tgw-1'),
        target('peering', 'pcx-1'),
        target('transit_gateway', 'tgw-2'),
      ),
      near: fc.constantFrom(target('network_interface', 'eni-x'), target('transit_gateway', 'tgw-1')),
    },
    { requiredKeys: [] },
  )
  .map((r): Route[] => [
    ...(r.list ? [listRoute('pl-s3', target('vpc_endpoint', r.list.to), { state: r.list.state })] : []),
    ...(r.list6 ? [listRoute('pl-s3-6', target('vpc_endpoint', r.list6.to), { state: r.list6.state })] : []),
    ...(r.ownList ? [listRoute('pl-own', r.ownList)] : []),
    ...(r.everything
      ? [
          cidrRoute('0.0.0.0/0', r.everything.to, {
            state: r.everything.state,
            origin: r.everything.propagated ? 'propagated' : 'static',
          }),
        ]
      : []),
    ...(r.everything6 ? [cidrRoute('::/0', r.everything6)] : []),
    ...(r.some
      ? [cidrRoute(r.some.cidr, r.some.to, { origin: r.some.propagated ? 'propagated' : 'static' })]
      : []),
    ...(r.far ? [cidrRoute('10.9.0.0/16', r.far)] : []),
    ...(r.near ? [cidrRoute('10.0.1.0/28', r.near)] : []),
  ])
const toFar = cidrRoute('10.9.0.0/16', target('transit_gateway', 'tgw-1'))
const routesOften = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      [viaEndpoint],
      [viaEndpoint, viaNat],
      [viaEndpoint, viaIgw, toFar],
      [viaEndpoint, toFar],
      [viaNat, toFar],
      [viaNat],
      [toFar],
      [],
    ),
  },
  { weight: 3, arbitrary: anyRoutes },
)

const anyNat = mostly<NatGateway[]>(
  [nat],
  [],
  [{ ...nat, state: 'failed' }],
  [{ ...nat, connectivity: 'private' }],
  [{ ...nat, availability: 'regional', subnetId: null, routeTableId: 'rtb-nat' }],
)
const anyEndpoints = mostly<VpcEndpoint[]>(
  [gatewayEndpoint, interfaceEndpoint],
  [gatewayEndpoint],
  [interfaceEndpoint],
  [{ ...gatewayEndpoint, state: 'deleting' }, interfaceEndpoint],
  [gatewayEndpoint, { ...interfaceEndpoint, type: 'Resource' }],
  [gatewayEndpoint, { ...interfaceEndpoint, vpcId: 'vpc-2' }],
)
const anyLists = mostly<PrefixList[]>(
  [s3List, s3List6, own],
  [s3List, own],
  [{ ...s3List, complete: false }, s3List6, own],
  [{ ...s3List, entries: null }, s3List6, own],
  [s3List, s3List6, { ...own, entries: null }],
)

const side = (vpcId: string, cidr: string) => ({
  vpcId,
  ownerId: null,
  region: null,
  ipv4Cidrs: [cidr],
  ipv6Cidrs: [],
})
const peering = {
  id: 'pcx-1',
  status: 'active',
  requester: side('vpc-1', '10.0.0.0/16'),
  accepter: side('vpc-9', '10.9.0.0/16'),
}

/** A reading that was begun `ageSeconds` before the attempt; negative: after it. */
const readingAged = (ages: fc.Arbitrary<number>) =>
  fc
    .record({
      routes: routesOften,
      behind: mostly<Route[]>([viaIgw], [viaEndpoint, viaIgw], [viaNat], []),
      nat: anyNat,
      endpoints: anyEndpoints,
      lists: anyLists,
      publicAddress: fc.boolean(),
      peered: fc.boolean(),
      unreadableRoutes: mostly(0, 0, 0, 1),
      ageSeconds: ages,
    })
    .map((r): Snapshot => {
      const main = table('rtb-1', [localRoute, localRoute6, ...r.routes], {
        unreadableRoutes: r.unreadableRoutes,
      })
      const host = eni('eni-host', ['10.0.1.50', '2600:1f18::50'], { macAddress: hostMac })
      const made = snapshot(
        {
          routeTables: [main, table('rtb-nat', [localRoute, ...r.behind], { subnetIds: ['subnet-nat'] })],
          endpoints: r.endpoints,
          natGateways: r.nat,
          networkInterfaces: [
            r.publicAddress
              ? { ...host, ipv4: host.ipv4.map((a) => ({ ...a, publicAddress: '198.51.100.50' })) }
              : host,
            eni('eni-ssm', ['10.0.1.60']),
          ],
          peerings: r.peered ? [peering] : [],
        },
        r.ageSeconds,
      )
      return { ...made, prefixLists: r.lists.map((l) => ({ ...l, atMs: now - r.ageSeconds * 1000 })) }
    })
const anyReading = readingAged(mostly(10, 10, 170, 400))
const laterReading = readingAged(fc.constantFrom(5, -5, -60))

const far: TrustedEndpoint = {
  declared: { dnsName: 'vpce-0far-abc.ssm.us-east-1.vpce.amazonaws.com' },
  via: 'tgw-1',
  addresses: ['10.9.0.7'],
  vpcCidrs: [],
}
const anyTrusted = fc.constantFrom<TrustedEndpoint[][]>(
  [],
  [far],
  [far],
  [far],
  [{ declared: { gateway: 'vpce-s3' }, via: null, addresses: [], vpcCidrs: [] }],
  [{ declared: { address: '10.9.0.7' }, via: 'tgw-1', addresses: [], vpcCidrs: [] }],
)

const anyAddress = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('52.216.1.1', '52.217.9.9') },
  { weight: 2, arbitrary: fc.constant('10.0.1.60') },
  { weight: 2, arbitrary: fc.constant('10.9.0.7') },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '54.240.1.1',
      '10.0.1.5',
      '10.0.77.7',
      '2600:1fa0::1',
      '2a05:d000::1',
      '64:ff9b::34d8:101',
    ),
  },
)
const anyHost = mostly<Partial<HostRoute>>(
  {},
  { deviceKind: 'veth' },
  { redirect: 'possible' },
  { redirect: 'unreadable' },
  { selectorRules: true },
  { mac: '0e:00:00:00:00:99' },
)

type TlsOutcome = Extract<AttemptOutcome, { reached: 'tls' }>
const tls = (check: Partial<TlsOutcome['tls']['check']>): AttemptOutcome => {
  const { tls: session } = verified as TlsOutcome
  return { reached: 'tls', tls: { ...session, check: { ...session.check, ...check } } }
}
const timeout: AttemptOutcome = { reached: 'nothing', failure: { type: 'timeout', afterSeconds: 5 } }
const notConnected: AttemptOutcome[] = [
  { reached: 'not_dialled' },
  timeout,
  { reached: 'nothing', failure: { type: 'refused' } },
  { reached: 'nothing', failure: { type: 'no_local_route', code: 'ENETUNREACH' } },
  { reached: 'nothing', failure: { type: 'resources', code: 'EMFILE' } },
  { reached: 'tcp', failure: { type: 'tls', code: 'EPROTO' } },
  { reached: 'tcp', failure: { type: 'timeout', afterSeconds: 5 } },
]
const anyOutcome = fc.oneof(
  { weight: 4, arbitrary: fc.constant(verified) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      tls({ dates: 'expired' }),
      tls({ roots: 'host' }),
      tls({ nameMatches: false }),
    ),
  },
  { weight: 2, arbitrary: fc.constantFrom(...notConnected) },
)
const attemptWith = (outcomes: fc.Arbitrary<AttemptOutcome>): fc.Arbitrary<Attempt> =>
  fc.record({ address: anyAddress, host: anyHost, outcome: outcomes }).map(({ address, host, outcome }) => {
    const usual = attempt({ address, outcome })
    return { ...usual, host: { ...kernelRoute, ...usual.host, ...host } }
  })
const anyAttempt = attemptWith(anyOutcome)

const anyLate: fc.Arbitrary<Evidence> = fc
  .record({
    rank: fc.constantFrom('attested' as const, 'observed' as const),
    possible: fc.oneof(
      fc.constantFrom<PathClass[][]>(
        ['gateway_endpoint'],
        ['interface_endpoint'],
        ['nat_gateway'],
        ['internet_gateway', 'relay'],
      ),
      fc.subarray([...pathClasses]),
    ),
    number: fc.nat(1000),
  })
  .map(({ rank, possible, number }) => ({
    rule: `late.${number}`,
    possible,
    rank,
    because: `${rank} ${possible.join()} ${number}`,
    source: 'test',
    observedAtMs: now,
    flags: [],
    assumptions: [],
  }))
const anyContext: fc.Arbitrary<AttemptContext> = fc
  .record({
    late: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(anyLate, { maxLength: 4 }) },
    ),
    timeoutsInARow: fc.constantFrom(0, 1, 3),
    othersConnected: fc.boolean(),
  })
  .map((c) => ({ ...noContext, ...c }))
const anyTopology = fc
  .record({
    first: anyReading,
    later: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      { weight: 2, arbitrary: fc.array(laterReading, { maxLength: 2 }) },
    ),
    trusted: anyTrusted,
  })
  .map(({ first, later, trusted }) => topology([first, ...later], { trustedEndpoints: trusted }))

/** From a server room that reaches the VPC's endpoint by a declared way. */
const onPremTopology = fc
  .record({
    t: anyTopology,
    via: mostly('dc1', 'dc2'),
    kind: mostly<'on-prem' | 'unknown'>('on-prem', 'unknown'),
  })
  .map(({ t, via, kind }): Topology => {
    const dnsName = 'vpce-ssm-abc.ssm.us-east-1.vpce.amazonaws.com'
    const declared = { declared: { dnsName }, via, addresses: ['10.0.1.60'], vpcCidrs: [] }
    const dc1 = { name: 'dc1', firstLeg: null, nextHops: [], prefixes: ['192.168.0.0/16'], snatRelay: false }
    const vantage = { ...t.vantage, kind }
    return { ...t, vantage, trustedEndpoints: [...t.trustedEndpoints, declared], sites: [dc1] }
  })
const onPremAttempt = fc
  .record({ a: anyAttempt, address: mostly('10.0.1.60', '10.9.0.7', '52.216.1.1') })
  .map(({ a, address }): Attempt => {
    const host = { ...a.host, source: '192.168.1.5', gateway: '192.168.1.1' }
    return { ...a, address, family: 4, localAddress: '192.168.1.5', host }
  })

/** All that a verdict says, but for its words and for the times and order of what it quotes. */
function essence(v: AttemptVerdict): object {
  return {
    state: v.state,
    wouldBe: v.wouldBe,
    possible: v.possible,
    proof: v.proof,
    blockedByTimeouts: v.blockedByTimeouts,
    conflicts: v.conflicts.map((c) => [c.rank, c.of]),
    evidence: v.evidence.map((e) => `${e.rank} ${e.rule} ${e.possible.join()}`).sort(),
    flags: [...v.flags].sort(),
    assumptions: [...v.assumptions].sort(),
  }
}

const routeOf = (v: AttemptVerdict): PathClass[] | null =>
  v.evidence.find((e) => e.rule.startsWith('route.') || (e.rule.startsWith('endpoint.') && v.basis !== null))
    ?.possible ?? null

/**
 * To know less of the account never makes private. Records of the very attempt may: what they say stands where there is nothing
 * left that it contradicts.
 */
function expectNotBetter(
  before: AttemptVerdict,
  after: AttemptVerdict,
  c: AttemptContext,
  how: string,
): void {
  if (after.state !== 'private' || before.state === 'private') return
  expect(c.late.length, `${how}\n${said(before, after)}`).toBeGreaterThan(0)
}

function said(...verdicts: AttemptVerdict[]): string {
  return verdicts
    .map(
      (v) =>
        `${v.state}: ${v.evidence.map((e) => `${e.rule} {${e.possible.join()}} ${e.because}`).join(' | ')}`,
    )
    .join('\n')
}

/** The reading without one part, as when its permission is missing. */
function withoutPart(r: Snapshot, part: SnapshotPart): Snapshot {
  const lost =
    part === 'prefixLists' ? r.prefixLists.map((l) => ({ ...l, entries: null, complete: false })) : []
  return {
    ...r,
    parts: { ...r.parts, [part]: { read: false, reason: 'denied', detail: `not allowed to read ${part}` } },
    [part]: lost,
  }
}

function dated(r: Snapshot, part: SnapshotPart, atMs: number | null): Snapshot {
  return {
    ...r,
    parts: { ...r.parts, [part]: { read: true, atMs, dated: atMs === null ? 'undated' : 'api' } },
    prefixLists: part === 'prefixLists' ? r.prefixLists.map((l) => ({ ...l, atMs })) : r.prefixLists,
  }
}

describe('the generator', () => {
  it('draws every state, of attempts and of route evidence, often enough to mean something', () => {
    const seen = new Map<string, number>()
    for (const [a, t, c] of fc.sample(fc.tuple(anyAttempt, anyTopology, anyContext), {
      numRuns: 1500,
      seed: 7,
    })) {
      const v = judgeAttempt(a, t, c)
      for (const what of [v.state, ...v.evidence.map((e) => e.rule.replace(/\d+/, ''))])
        seen.set(what, (seen.get(what) ?? 0) + 1)
    }
    const often = (least: number, ...what: string[]) =>
      expect(what.filter((w) => (seen.get(w) ?? 0) < least)).toEqual([])
    often(40, 'private', 'public', 'blocked', 'undetermined', 'route.several', 'endpoint.own_vpc')
    often(20, 'endpoint.not_shown', 'endpoint.trusted', 'route.gateway_endpoint', 'address.outside_list')
    const room = fc.sample(fc.tuple(onPremAttempt, onPremTopology), { numRuns: 500, seed: 7 })
    const reached = room.filter(([a, t]) => judgeAttempt(a, t).state === 'private')
    expect(reached.length).toBeGreaterThan(20)
    often(10, 'route.nat_internet_gateway', 'route.unmodelled', 'route.internet_gateway')
  })
})

describe('an attempt', () => {
  it('is private under several readings only if it is under each of them alone', () => {
    fc.assert(
      fc.property(anyAttempt, anyTopology, (a, t) => {
        const together = judgeAttempt(a, t)
        if (together.state !== 'private') return
        for (const [index, reading] of t.readings.entries()) {
          // Read alone it must have been there at the attempt, or there would be no route evidence at all.
          const before = snapshotParts.reduce((r, part) => {
            const { atMs } = { atMs: null, ...r.parts[part] }
            return atMs === null || atMs <= now ? r : dated(r, part, now)
          }, reading)
          const alone = judgeAttempt(a, { ...t, readings: [before] })
          // What is taken away after the attempt can't have carried it, nor does it show another way.
          const gone = index > 0 && routeOf(alone)?.join() === 'blocked'
          if (!gone) expect(alone.state, said(together, alone)).toBe('private')
        }
      }),
      { numRuns },
    )
  })

  it('keeps possible by its routes whatever any one of its readings left possible', () => {
    fc.assert(
      fc.property(anyAttempt, anyTopology, laterReading, anyContext, (a, t, later, c) => {
        const before = judgeAttempt(a, t, c)
        const after = judgeAttempt(a, { ...t, readings: [...t.readings, later] }, c)
        const [narrow, wide] = [routeOf(before), routeOf(after)]
        if (narrow === null) expect(wide, said(before, after)).toBeNull()
        else if (wide !== null) for (const k of narrow) expect(wide, said(before, after)).toContain(k)
      }),
      { numRuns },
    )
  })

  it('does not depend on the order of late evidence, nor on that of the readings after the first', () => {
    fc.assert(
      fc.property(
        anyAttempt,
        anyReading,
        fc.array(laterReading, { minLength: 2, maxLength: 3 }),
        anyTrusted,
        anyContext,
        fc.infiniteStream(fc.nat()),
        (a, first, later, trustedEndpoints, c, order) => {
          const shuffled = <T>(items: readonly T[]): T[] =>
            items
              .map((item): [number, T] => [order.next().value, item])
              .sort(([x], [y]) => x - y)
              .map(([, item]) => item)
          const one = judgeAttempt(a, topology([first, ...later], { trustedEndpoints }), c)
          const other = judgeAttempt(a, topology([first, ...shuffled(later)], { trustedEndpoints }), {
            ...c,
            late: shuffled(c.late),
          })
          expect(essence(other)).toEqual(essence(one))
        },
      ),
      { numRuns },
    )
  })

  const day = 86_400_000
  type Loss = [how: string, lose: (r: Snapshot, part: SnapshotPart) => Snapshot]
  const unread: Loss = ['unread', withoutPart]
  const aged: Loss[] = [
    ['a day old', (r, part) => dated(r, part, now - day)],
    ['undated', (r, part) => dated(r, part, null)],
  ]

  it.each([
    { where: 'in a VPC', attempts: anyAttempt, topologies: anyTopology, losses: [unread, ...aged] },
    // What is declared stands where nothing is described; that is the declaration's own risk.
    { where: 'on-prem', attempts: onPremAttempt, topologies: onPremTopology, losses: aged },
  ])(
    '$where never becomes private because a part is lost, grows old or loses its date',
    ({ attempts, topologies, losses }) => {
      fc.assert(
        fc.property(attempts, topologies, anyContext, (a, t, c) => {
          const before = judgeAttempt(a, t, c)
          const [first, ...later] = t.readings
          if (before.state === 'private' || first === undefined) return
          if (losses.includes(unread))
            expectNotBetter(before, judgeAttempt(a, { ...t, readings: [] }, c), c, 'no reading')
          for (const part of snapshotParts) {
            for (const [how, lose] of losses) {
              const everywhere = t.readings.map((r) => lose(r, part))
              for (const readings of [everywhere, [lose(first, part), ...later]])
                expectNotBetter(before, judgeAttempt(a, { ...t, readings }, c), c, `${part} ${how}`)
            }
          }
        }),
        { numRuns: Math.ceil(numRuns / 4) },
      )
    },
  )

  it('is neither private nor public without a completed handshake', () => {
    fc.assert(
      fc.property(attemptWith(fc.constantFrom(...notConnected)), anyTopology, anyContext, (a, t, c) => {
        const verdict = judgeAttempt(a, t, c)
        expect(['blocked', 'undetermined']).toContain(verdict.state)
        expect(verdict.connected).toBe(false)
      }),
      { numRuns },
    )
  })

  it('is private only by evidence that is stronger than consistent and leaves private classes alone', () => {
    const isPrivate = (c: PathClass) =>
      ['gateway_endpoint', 'interface_endpoint', 'nat_gateway_endpoint'].includes(c)
    fc.assert(
      fc.property(anyAttempt, anyTopology, anyContext, (a, t, c) => {
        const v = judgeAttempt(a, t, c)
        if (v.state !== 'private') return
        expect(['configured', 'observed', 'attested']).toContain(v.proof)
        expect(v.possible.every(isPrivate)).toBe(true)
        const strong = v.evidence.filter((e) => e.rank !== 'consistent')
        const left = pathClasses.filter((k) => strong.every((e) => e.possible.includes(k)))
        const agree = v.conflicts.length === 0
        if (agree) expect(left.length > 0 && left.every(isPrivate), said(v)).toBe(true)
      }),
      { numRuns },
    )
  })
})

describe('a name', () => {
  const fine = dns(answer(['52.216.1.1']), answer([]))
  const anyCase = fc.record({ attempt: anyAttempt, context: anyContext, topology: anyTopology })
  const cases = fc.array(anyCase, { maxLength: 3 })
  type Case = { attempt: Attempt; context: AttemptContext; topology: Topology }
  const judge = (attempts: Case[]) =>
    judgeName(
      {
        hostname: 'b.s3.us-east-1.amazonaws.com',
        style: 'regional',
        resolvers: ['system'],
        dns: [fine],
        families: [],
        attempts: attempts.map((c, i) => ({ ...c, attempt: { ...c.attempt, stamp: stamp(`a${i}`) } })),
        tainted: [],
      },
      topology(),
    )

  it('with a public attempt is public or mixed', () => {
    fc.assert(
      fc.property(cases, (attempts) => {
        const verdict = judge(attempts)
        const states = verdict.attempts.map((a) => a.state)
        if (!states.includes('public')) return
        expect(verdict.state).toBe(states.includes('private') ? 'mixed' : 'public')
      }),
      { numRuns },
    )
  })

  it('that is private has a private attempt, and beside it none that is in doubt', () => {
    fc.assert(
      fc.property(cases, (attempts) => {
        const verdict = judge(attempts)
        if (verdict.state !== 'private') return
        const carrying = verdict.attempts.filter((a) => a.state === 'private')
        expect(carrying.length).toBeGreaterThan(0)
        for (const a of verdict.attempts) {
          const taken = carrying.some((p) => groupOf(p) === groupOf(a))
          const stands = !a.dialled && a.wouldBe === 'private' && taken
          expect(a.state === 'private' || a.state === 'blocked' || stands).toBe(true)
        }
      }),
      { numRuns },
    )
  })

  it('does not become private by one address more, unless that address itself is', () => {
    fc.assert(
      fc.property(cases, anyCase, (attempts, more) => {
        const before = judge(attempts)
        const after = judge([...attempts, more])
        if (before.state === 'private' || after.state !== 'private') return
        expect(after.attempts.at(-1)?.state).toBe('private')
        // What stood in the way was no address of which anything is known, or one that takes this very way.
        for (const a of before.attempts)
          expect(a.state === 'blocked' || (a.state === 'undetermined' && !a.dialled)).toBe(true)
      }),
      { numRuns },
    )
  })

  it('does not depend on the order of its addresses', () => {
    fc.assert(
      fc.property(cases, (attempts) => {
        const one = judge(attempts)
        const other = judge(attempts.toReversed())
        expect([other.state, other.proof, other.possible]).toEqual([one.state, one.proof, one.possible])
      }),
      { numRuns },
    )
  })
})
