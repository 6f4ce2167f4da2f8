import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { DirectConnectReading, Trace, TraceHop, VirtualInterface } from '../../model/first-leg.ts'
import type { Attempt, HostRoute } from '../../model/observation.ts'
import type { Site, Topology } from '../../model/topology.ts'
import type { NameVerdict } from '../../model/verdict.ts'
import { firstLegOf, firstLegOfTarget } from '../../verdict/first-leg.ts'
import { judgeAttempt } from '../../verdict/judge.ts'
import { judgeTarget } from '../../verdict/target.ts'
import { needs, titled } from '../support/needs.ts'
import { attempt as built, kernelRoute, now, s3List, snapshot, topology as base } from './fixture.ts'

const here = '192.168.10.5'
const there = '10.0.1.103'
const kernel: HostRoute = { ...kernelRoute, device: 'eth0', gateway: '192.168.10.1', source: here }
const dc: Site = {
  name: 'dc1',
  firstLeg: 'direct_connect',
  nextHops: ['169.254.100.0/30'],
  prefixes: ['192.168.0.0/16'],
  snatRelay: false,
}
const vpn: Site = { ...dc, name: 'dc1-vpn', firstLeg: 'vpn', nextHops: ['169.254.33.0/30'] }
const byKernel: Site = { ...dc, nextHops: ['192.168.10.1/32'] }
const vif: VirtualInterface = {
  id: 'dxvif-a',
  type: 'private',
  state: 'available',
  peers: [{ amazonAddress: '169.254.100.1', customerAddress: '169.254.100.2', up: true }],
  advertised: ['10.0.0.0/16'],
  accepted: ['192.168.0.0/16'],
}
const reading = (...interfaces: VirtualInterface[]): DirectConnectReading => ({
  region: 'us-east-1',
  atMs: now,
  interfaces,
})
const hops = (...stations: (string | string[])[]): TraceHop[] =>
  stations.map((one, index) => ({ ttl: index + 1, addresses: one === '*' ? [] : [one].flat() }))
const trace = (...stations: (string | string[])[]): Trace => ({
  address: there,
  port: 443,
  source: null,
  atMs: now,
  result: { traced: true, tool: 'mtr', hops: hops('192.168.10.1', ...stations, there) },
})

function attempt(more: Partial<Attempt> = {}): Attempt {
  return built({ address: there, localAddress: here, host: kernel, ...more })
}
function onPrem(more: Partial<Topology>): Topology {
  const plain = base([])
  return { ...plain, vantage: { ...plain.vantage, kind: 'on-prem', interfaces: [] }, sites: [dc], ...more }
}
const leg = (topology: Partial<Topology>, more: Partial<Attempt> = {}) =>
  firstLegOf(attempt(more), onPrem(topology))
const host = (more: Partial<HostRoute>): Partial<Attempt> => ({ host: { ...kernel, ...more } })

describe('what shows a first leg', () => {
  it.each<[string, ReturnType<typeof leg>, string, RegExp]>([
    [
      'a declared hop in a trace',
      leg({ traces: [trace('169.254.100.1')] }),
      'direct_connect',
      /hop 2 of a TCP trace to port 443, 169\.254\.100\.1, is declared/,
    ],
    [
      "the kernel's own next hop, declared",
      leg({ sites: [byKernel] }),
      'direct_connect',
      /kernel's next hop 192\.168\.10\.1 is declared/,
    ],
    [
      'a hop of a declared VPN',
      leg({ sites: [dc, vpn], traces: [trace('169.254.33.1')] }),
      'vpn',
      /next hop of a VPN \(site dc1-vpn\)/,
    ],
    [
      'a tunnel of this host, where a VPN is declared',
      leg({ sites: [vpn] }, host({ device: 'wg0', deviceKind: 'wireguard', gateway: null })),
      'vpn',
      /leaves by wg0, a wireguard tunnel/,
    ],
    [
      'the API beside a declared hop',
      leg({ traces: [trace('169.254.100.1')], directConnect: reading(vif) }),
      'direct_connect',
      /declared/,
    ],
    [
      'an end of a virtual interface, where Direct Connect is declared',
      leg({
        sites: [{ ...dc, nextHops: [] }],
        traces: [trace('10.255.0.1')],
        directConnect: reading({
          ...vif,
          peers: [{ amazonAddress: '10.255.0.1', customerAddress: '10.255.0.2', up: true }],
        }),
      }),
      'direct_connect',
      /end of the virtual interface dxvif-a/,
    ],
    [
      'a bond, a VLAN',
      leg({ sites: [byKernel] }, host({ deviceKind: 'bond' })),
      'direct_connect',
      /declared/,
    ],
  ])('%s', (_what, found, wanted, because) => {
    expect(found).toMatchObject({ leg: wanted, wouldDecide: [], unknownHops: [] })
    expect(found?.because.join('\n')).toMatch(because)
    expect(found?.assumptions.length).toBeGreaterThan(0)
  })

  it('is not applicable on EC2', () => {
    expect(firstLegOf(attempt(), base([]))).toBeNull()
    expect(judgeAttempt(attempt(), base([])).firstLeg).toBeNull()
    const nowhere = onPrem({ sites: [] })
    const unknown = { ...nowhere, vantage: { ...nowhere.vantage, kind: 'unknown' } } as const
    expect(firstLegOf(attempt(), unknown)).toBeNull()
    expect(firstLegOf(attempt(), { ...unknown, sites: [dc] })?.leg).toBe('unproven')
  })
})

describe('what leaves it unproven', () => {
  const traced = { traces: [trace('169.254.100.1')] }
  it.each<[string, ReturnType<typeof leg>, RegExp]>([
    ['a declaration alone', leg({}), /only declared/],
    ['no site', leg({ sites: [] }), /no declared site holds/],
    ['a host outside the site', leg(traced, { localAddress: '172.16.0.5' }), /no declared site holds/],
    [
      'a destination in the site itself',
      leg({ ...traced, sites: [{ ...dc, prefixes: ['0.0.0.0/1', '192.168.0.0/16'] }] }),
      /in the site itself/,
    ],
    [
      'a link-local hop that nobody declared',
      leg({ traces: [trace('169.254.77.1')] }),
      /VPN tunnel has such addresses/,
    ],
    [
      'the same behind a next hop that is declared',
      leg({ sites: [byKernel], traces: [trace('169.254.77.1')] }),
      /VPN tunnel has such addresses/,
    ],
    [
      'an end of a virtual interface that is link-local',
      leg({
        sites: [{ ...dc, nextHops: [] }],
        traces: [trace('169.254.100.1')],
        directConnect: reading(vif),
      }),
      /only declared/,
    ],
    [
      'hops that speak for both',
      leg({ sites: [byKernel, vpn], traces: [trace('169.254.33.1')] }),
      /speak for both/,
    ],
    [
      'several ways at one distance',
      leg({ traces: [trace(['169.254.100.1', '192.168.77.1'])] }),
      /several ways/,
    ],
    [
      'a public hop of nobody',
      leg({ traces: [trace('169.254.100.1', '8.8.4.1')] }),
      /8\.8\.4\.1: public, and neither AWS's nor declared/,
    ],
    ['a public next hop of nobody', leg(traced, host({ gateway: '8.8.4.1' })), /public, and neither/],
    ['a tunnel device', leg(traced, host({ device: 'tun0', deviceKind: 'tun' })), /tun tunnel of this host/],
    [
      'WireGuard',
      leg({ sites: [byKernel] }, host({ device: 'wg0', deviceKind: 'wireguard' })),
      /wireguard tunnel/,
    ],
    [
      'xfrm, GRE and the like',
      leg(traced, host({ device: 'ipsec0', deviceKind: 'other' })),
      /neither a line of this host nor a tunnel/,
    ],
    ['a veth', leg(traced, host({ deviceKind: 'veth' })), /neither a line/],
    ['an unknown device', leg(traced, host({ deviceKind: null })), /unknown kind/],
    ['no word of the kernel', leg(traced, host({ method: 'none', device: null })), /not known/],
    ['rules with selectors', leg(traced, host({ selectorRules: true })), /policy-routing/],
    ['rules that could not be read', leg(traced, host({ selectorRules: null })), /policy-routing/],
    ['a redirect on the host', leg(traced, host({ redirect: 'possible' })), /redirect/],
    [
      'a trace to another address',
      leg({ traces: [{ ...trace('169.254.100.1'), address: '10.0.1.104' }] }),
      /only declared/,
    ],
    [
      'a trace from another address',
      leg({ traces: [{ ...trace('169.254.100.1'), source: '192.168.10.6' }] }),
      /only declared/,
    ],
    ['a trace of another port', leg({ traces: [{ ...trace('169.254.100.1'), port: 80 }] }), /only declared/],
    [
      'a trace that failed, with a declared next hop',
      leg({
        sites: [byKernel],
        traces: [
          { ...trace(), result: { traced: false, reason: 'not_installed', detail: 'mtr is not installed' } },
        ],
      }),
      /mtr is not installed/,
    ],
    [
      'a trace that is to come, with a declared next hop',
      leg({ sites: [byKernel], traces: [] }),
      /none was made lately/,
    ],
    ['the API unread', leg({ ...traced, directConnect: null }), /could not be read/],
    [
      'the interface at the hop down',
      leg({ ...traced, directConnect: reading({ ...vif, state: 'down' }) }),
      /dxvif-a is not up \(down\)/,
    ],
    [
      'its BGP session down',
      leg({ ...traced, directConnect: reading({ ...vif, peers: [{ ...vif.peers[0]!, up: false }] }) }),
      /is not up/,
    ],
    [
      'its BGP session not told',
      leg({ ...traced, directConnect: reading({ ...vif, peers: [{ ...vif.peers[0]!, up: null }] }) }),
      /is not up/,
    ],
    [
      'no route to the address',
      leg({ ...traced, directConnect: reading({ ...vif, advertised: ['10.1.0.0/16'] }) }),
      /advertises a route to 10\.0\.1\.103/,
    ],
    [
      'no route back',
      leg({ ...traced, directConnect: reading({ ...vif, accepted: ['10.9.0.0/16'] }) }),
      /accepted none back/,
    ],
    [
      'only public interfaces, a private address',
      leg({ ...traced, directConnect: reading({ ...vif, type: 'public', peers: [] }) }),
      /no virtual interface that leads to addresses like/,
    ],
  ])('%s', (_what, found, because) => {
    expect(found?.leg).toBe('unproven')
    expect(found?.because.join('\n')).toMatch(because)
    expect(found?.wouldDecide.every((text) => text.length > 0)).toBe(true)
  })

  it('says what would show it', () => {
    expect(leg({ sites: [] })?.wouldDecide.join()).toMatch(
      /first_leg and next_hops.*trace.*directconnect:Describe/,
    )
    expect(leg({ sites: [{ ...dc, nextHops: [] }] })?.wouldDecide.join()).toContain('next_hops of site dc1')
    const failed: Trace = {
      ...trace(),
      result: { traced: false, reason: 'not_permitted', detail: 'it takes CAP_NET_RAW' },
    }
    expect(leg({ traces: [failed] })?.wouldDecide.join()).toContain('CAP_NET_RAW')
    expect(leg({}, { address: '52.216.1.1' })?.wouldDecide.join()).toContain('routing table or NetFlow')
  })
})

describe('whose a public hop is', () => {
  const listOf = (ownerId: string) => [
    snapshot({ prefixLists: [{ ...s3List, ownerId, entries: ['8.8.4.0/24'] }] }),
  ]
  const traces = [trace('169.254.100.1', '8.8.4.1')]
  const ends = { amazonAddress: '8.8.4.1', customerAddress: null, up: true }
  it.each<[string, Partial<Topology>, string[]]>([
    ["nobody's", {}, ['8.8.4.1']],
    ["AWS's, by a prefix list of its own", { readings: listOf('AWS') }, []],
    ["nobody's, by a customer's list", { readings: listOf('111122223333') }, ['8.8.4.1']],
    ["the site's, by its prefixes", { sites: [{ ...dc, prefixes: [...dc.prefixes, '8.8.4.0/24'] }] }, []],
    [
      'a declared next hop',
      { sites: [dc, { ...dc, name: 'dc2', prefixes: ['172.16.0.0/16'], nextHops: ['8.8.4.1/32'] }] },
      [],
    ],
    ['an end of a virtual interface', { directConnect: reading(vif, { ...vif, peers: [ends] }) }, []],
  ])('%s', (_what, more, unknown) => {
    expect(leg({ traces, ...more })).toMatchObject({
      unknownHops: unknown,
      leg: unknown.length === 0 ? 'direct_connect' : 'unproven',
    })
  })
})

describe('whatever is seen', () => {
  const octet = fc.integer({ min: 0, max: 255 })
  const ipv4 = fc.oneof(
    fc.tuple(octet, octet).map(([a, b]) => `169.254.${a}.${b}`),
    fc.tuple(octet, octet).map(([a, b]) => `10.255.${a}.${b}`),
    fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.')),
    fc.constantFrom('169.254.100.1', '169.254.33.1', '192.168.10.1', '*'),
  )
  const kinds = fc.constantFrom<HostRoute['deviceKind']>(
    'physical',
    'vlan',
    'bond',
    'veth',
    'tun',
    'wireguard',
    'bridge',
    'other',
    null,
  )
  const peers = fc.record({
    amazonAddress: ipv4.filter((a) => a !== '*'),
    customerAddress: fc.constant(null),
    up: fc.constantFrom(true, false, null),
  })
  const world = fc.record({
    stations: fc.array(ipv4, { maxLength: 5 }),
    kind: kinds,
    gateway: fc.option(
      ipv4.filter((a) => a !== '*'),
      { nil: null },
    ),
    traced: fc.boolean(),
    sites: fc.constantFrom<Site[][]>(
      [dc],
      [dc, vpn],
      [vpn],
      [byKernel],
      [byKernel, vpn],
      [{ ...dc, nextHops: [] }],
    ),
    interfaces: fc.option(fc.array(peers, { maxLength: 2 }), { nil: undefined }),
  })
  type World = typeof world extends fc.Arbitrary<infer T> ? T : never
  const of = ({ stations, kind, gateway, traced, sites, interfaces }: World) =>
    leg(
      {
        sites,
        ...(traced && { traces: [trace(...stations)] }),
        ...(interfaces !== undefined && {
          directConnect: reading(
            ...interfaces.map((peer, i) => ({ ...vif, id: `dxvif-${i}`, peers: [peer] })),
          ),
        }),
      },
      host({ deviceKind: kind, gateway }),
    )

  it('Direct Connect is said only of a declared hop or a virtual interface’s end, by a line of this host, and never beside a VPN’s', () => {
    fc.assert(
      fc.property(world, (given) => {
        if (of(given)?.leg !== 'direct_connect') return
        const seen = [given.gateway, ...(given.traced ? ['192.168.10.1', ...given.stations] : [])]
        const declared = given.sites.some(
          (site) =>
            site.firstLeg === 'direct_connect' &&
            seen.some(
              (hop) =>
                hop !== null &&
                (/^169\.254\.100\.[0-3]$/.test(hop)
                  ? site.nextHops[0] === '169.254.100.0/30'
                  : hop === '192.168.10.1' && site.nextHops[0] === '192.168.10.1/32'),
            ),
        )
        const end = given.interfaces?.some(
          ({ amazonAddress, up }) =>
            up === true && !amazonAddress.startsWith('169.254.') && seen.includes(amazonAddress),
        )
        expect(declared || end === true).toBe(true)
        expect(['physical', 'vlan', 'bond']).toContain(given.kind)
        if (given.sites.includes(vpn))
          expect(seen.some((hop) => /^169\.254\.33\.[0-3]$/.test(hop ?? ''))).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  it('a further hop, or a source that falls silent, never makes it Direct Connect', () => {
    fc.assert(
      fc.property(world, ipv4, (given, further) => {
        if (
          !given.traced ||
          of(given)?.leg === 'direct_connect' ||
          /^169\.254\.100\.|^192\.168\.10\.1$/.test(further)
        )
          return
        const ends = given.interfaces?.map(({ amazonAddress }) => amazonAddress) ?? []
        if (ends.includes(further)) return
        expect(of({ ...given, stations: [...given.stations, further] })?.leg).not.toBe('direct_connect')
        const mute = onPrem({ sites: given.sites, traces: [] })
        expect(
          firstLegOf(attempt(host({ deviceKind: given.kind, gateway: given.gateway })), mute)?.leg,
        ).not.toBe('direct_connect')
      }),
      { numRuns: 300 },
    )
  })

  it('it changes nothing of the verdict itself', () => {
    fc.assert(
      fc.property(world, (given) => {
        const { firstLeg: _leg, ...plain } = judgeAttempt(
          attempt(host({ deviceKind: given.kind, gateway: given.gateway })),
          onPrem({ sites: given.sites }),
        )
        const beside = { traces: [trace(...given.stations)], directConnect: reading(vif) }
        const { firstLeg: _other, ...shown } = judgeAttempt(
          attempt(host({ deviceKind: given.kind, gateway: given.gateway })),
          onPrem({ sites: given.sites, ...beside }),
        )
        expect(shown).toEqual(plain)
      }),
      { numRuns: 100 },
    )
  })
})

describe('the first leg of a target', () => {
  const name = (
    ...attempts: { leg: 'direct_connect' | 'vpn' | 'unproven'; state?: 'private' | 'blocked' }[]
  ) =>
    ({
      hostname: 'n',
      absent: false,
      state: 'private',
      proof: 'configured',
      tainted: false,
      conflictOfSide: false,
      attempts: attempts.map(({ leg: one, state = 'private' }, i) => ({
        address: `10.0.1.${i}`,
        state,
        firstLeg: {
          leg: one,
          because: [`because ${one}`],
          unknownHops: [],
          assumptions: [],
          wouldDecide: [],
        },
      })),
    }) as unknown as NameVerdict
  const target = { name: 't', require: { kind: 'private' }, minProof: 'configured', waiver: null } as const
  const met = (requireFirstLeg: 'any' | 'direct_connect' | 'vpn', ...names: NameVerdict[]) =>
    judgeTarget({ ...target, requireFirstLeg }, names, now)

  it.each([
    ['all alike', [name({ leg: 'direct_connect' }, { leg: 'direct_connect' })], 'direct_connect'],
    ['one other', [name({ leg: 'direct_connect' }), name({ leg: 'vpn' })], 'unproven'],
    ['one unproven', [name({ leg: 'direct_connect' }, { leg: 'unproven' })], 'unproven'],
    [
      'blocked ones do not count',
      [name({ leg: 'direct_connect' }, { leg: 'unproven', state: 'blocked' })],
      'direct_connect',
    ],
    ['none is open', [name({ leg: 'direct_connect', state: 'blocked' })], 'unproven'],
  ] as const)('%s', (_what, names, wanted) => {
    expect(firstLegOfTarget('any', names)?.leg).toBe(wanted)
    expect(met('direct_connect', ...names).met).toBe(wanted === 'direct_connect')
    expect(met('vpn', ...names).met).toBe(false)
    expect(met('any', ...names).met).toBe(true)
  })

  it('is met by nothing on EC2, and is no matter there where nothing is demanded', () => {
    const nowhere = {
      ...name({ leg: 'unproven' }),
      attempts: [{ address: '10.0.0.1', state: 'private', connected: true, firstLeg: null }],
    } as unknown as NameVerdict
    expect(met('any', nowhere)).toMatchObject({ met: true, firstLeg: null })
    expect(met('direct_connect', nowhere).met).toBe(false)
    expect(met('direct_connect')).toMatchObject({ met: false, firstLeg: { leg: 'unproven', met: false } })
    expect(met('any').firstLeg).toBeNull()
  })
})

const missing = await needs('namespaces', 'ip')

describe.skipIf(missing !== null)(
  titled("by the kernel's own decision in a network namespace", missing),
  () => {
    const look = (setUp: string): HostRoute => {
      const script = resolve(import.meta.dirname, '../probes/namespace-look.ts')
      const out = execFileSync(
        'unshare',
        ['-rnm', 'sh', '-ec', `${setUp}\nexec "$0" "$@"`, process.execPath, script, `${there},${here}`],
        {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      )
      return (JSON.parse(out) as { routes: HostRoute[] }).routes[0]!
    }
    const line = [
      'ip link set lo up',
      'ip link add eth0 type veth peer name far0',
      `ip addr add ${here}/24 dev eth0`,
      'ip link set eth0 up',
      'ip link set far0 up',
      'ip route add default via 192.168.10.1',
    ].join('\n')
    // a namespace has no hardware: its veth stands for the host's line here
    const asLine = (route: HostRoute): Partial<Attempt> => ({
      host: { ...route, deviceKind: 'physical', redirect: 'none' },
    })

    it('follows the route that wins when another one is added', () => {
      const sites = [
        { ...dc, nextHops: ['192.168.10.1/32'] },
        { ...vpn, nextHops: ['192.168.10.9/32'] },
      ]
      const direct = look(line)
      expect(leg({ sites }, { host: direct })?.because.join()).toContain('the device eth0 is veth')
      expect(leg({ sites }, asLine(direct))?.leg).toBe('direct_connect')
      const backup = look(`${line}\nip route add 10.0.0.0/16 via 192.168.10.9`)
      expect(leg({ sites }, asLine(backup))?.leg).toBe('vpn')
      const marked = look(
        `${line}\nip rule add fwmark 0x80/0x80 lookup 100\nip route add default via 192.168.10.9 table 100`,
      )
      expect(leg({ sites }, asLine(marked))?.leg).toBe('unproven')
      const two = look(`${line}\nip route add 10.0.0.0/16 nexthop via 192.168.10.1 nexthop via 192.168.10.9`)
      expect(leg({ sites }, asLine(two))?.leg).toBe('unproven')
    })
  },
)
