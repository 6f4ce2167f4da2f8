import { describe, expect, test } from 'vitest'
import { lookupSubnetRoute, lookupTableRoute, routeTableOfSubnet } from '../../aws/route.ts'
import { ip, list, route, snapshot, table } from './route-builders.ts'
import type { PrefixList, Route, RouteTable, VpcEndpoint } from '../../model/topology.ts'

const s3 = list('pl-s3', ['52.216.0.0/15', '3.5.0.0/19'])
const s3v6 = list('pl-s36', ['2600:1fa0:8000::/39'])

function look(routes: Route[], address: string, lists: PrefixList[] = [s3, s3v6]) {
  return lookupTableRoute(
    snapshot({ routeTables: [table('rtb-1', routes)], prefixLists: lists }),
    'rtb-1',
    ip(address),
  )
}

function targets(routes: Route[], address: string, lists?: PrefixList[]): string[] {
  return look(routes, address, lists)
    .winners.map((winner) => winner.route.target.id ?? '')
    .sort()
}

const propagated = { origin: 'propagated' } as const
const local = route('10.0.0.0/16', 'local')
const toNat = route('0.0.0.0/0', 'nat-1')
const endpoint = route('pl-s3', 'vpce-1')

describe('which route wins', () => {
  const cases: [name: string, routes: Route[], address: string, winners: string[], lists?: PrefixList[]][] = [
    [
      'longest prefix first',
      [toNat, route('52.0.0.0/8', 'tgw-1'), route('52.216.0.0/16', 'pcx-1')],
      '52.216.1.1',
      ['pcx-1'],
    ],
    ['order in the table means nothing', [route('52.216.0.0/16', 'pcx-1'), toNat], '52.216.1.1', ['pcx-1']],
    ['default route for what nothing else holds', [local, endpoint, toNat], '1.1.1.1', ['nat-1']],
    ['list over the default route', [local, endpoint, toNat], '52.216.1.1', ['vpce-1']],
    [
      'list over a propagated default',
      [local, endpoint, route('0.0.0.0/0', 'vgw-1', propagated)],
      '52.216.1.1',
      ['vpce-1'],
    ],
    ['no match', [local, endpoint], '1.1.1.1', []],
    ['IPv6 has no IPv4 route', [local, endpoint, toNat], '2600:1fa0:8000::1', []],
    [
      'IPv6 list',
      [route('pl-s36', 'vpce-1'), route('::/0', 'eigw-1'), toNat],
      '2600:1fa0:8000::1',
      ['vpce-1'],
    ],
    ['IPv6 default', [route('pl-s36', 'vpce-1'), route('::/0', 'igw-1'), toNat], '2600:1fa1::1', ['igw-1']],
    ['IPv4-mapped is IPv4', [endpoint, toNat, route('::/0', 'igw-1')], '::ffff:52.216.1.1', ['vpce-1']],
    ['NAT64 is IPv6', [endpoint, toNat, route('64:ff9b::/96', 'nat-6')], '64:ff9b::52.216.1.1', ['nat-6']],
    [
      'same length: static CIDR over list',
      [endpoint, route('52.216.0.0/15', 'nat-1')],
      '52.216.1.1',
      ['nat-1'],
    ],
    [
      'same length: list over propagated',
      [endpoint, route('52.216.0.0/15', 'vgw-1', propagated)],
      '52.216.1.1',
      ['vpce-1'],
    ],
    [
      'same length: static over propagated',
      [route('9.0.0.0/8', 'tgw-1'), route('9.0.0.0/8', 'vgw-1', propagated)],
      '9.1.1.1',
      ['tgw-1'],
    ],
    [
      'longer propagated over shorter static',
      [route('9.0.0.0/8', 'tgw-1'), route('9.1.0.0/16', 'vgw-1', propagated)],
      '9.1.1.1',
      ['vgw-1'],
    ],
    ['longer static CIDR over list', [endpoint, route('52.216.0.0/16', 'nat-1')], '52.216.1.1', ['nat-1']],
    [
      'shorter static CIDR, list longer: both',
      [endpoint, route('52.0.0.0/8', 'nat-1')],
      '52.216.1.1',
      ['nat-1', 'vpce-1'],
    ],
    [
      'half a default is no default: both',
      [endpoint, route('0.0.0.0/1', 'nat-1')],
      '52.216.1.1',
      ['nat-1', 'vpce-1'],
    ],
    [
      'shorter static CIDR to the same endpoint: both, for they do not say the same',
      [endpoint, route('52.0.0.0/8', 'vpce-1')],
      '52.216.1.1',
      ['vpce-1', 'vpce-1'],
    ],
    [
      'shorter static CIDR to the same NAT: the list',
      [route('pl-s3', 'nat-1'), route('52.0.0.0/8', 'nat-1')],
      '52.216.1.1',
      ['nat-1'],
    ],
    [
      'longer propagated than list: both',
      [endpoint, route('52.216.0.0/16', 'vgw-1', propagated)],
      '52.216.1.1',
      ['vgw-1', 'vpce-1'],
    ],
    [
      'shorter propagated than list: list',
      [endpoint, route('52.0.0.0/8', 'vgw-1', propagated)],
      '52.216.1.1',
      ['vpce-1'],
    ],
    [
      'two lists, same length: both',
      [endpoint, route('pl-2', 'nat-1')],
      '52.216.1.1',
      ['nat-1', 'vpce-1'],
      [s3, list('pl-2', ['52.216.0.0/15'])],
    ],
    [
      'two lists, other lengths: both',
      [endpoint, route('pl-2', 'nat-1')],
      '52.216.1.1',
      ['nat-1', 'vpce-1'],
      [s3, list('pl-2', ['52.216.1.0/24'])],
    ],
    [
      'two lists, one of everything: both',
      [endpoint, route('pl-2', 'nat-1')],
      '52.216.1.1',
      ['nat-1', 'vpce-1'],
      [s3, list('pl-2', ['0.0.0.0/0'])],
    ],
    [
      'two lists, one does not hold it',
      [endpoint, route('pl-2', 'nat-1')],
      '52.216.1.1',
      ['vpce-1'],
      [s3, list('pl-2', ['52.218.0.0/16'])],
    ],
    [
      'duplicate static destinations: both',
      [route('9.0.0.0/8', 'tgw-1'), route('9.0.0.0/8', 'nat-1')],
      '9.1.1.1',
      ['nat-1', 'tgw-1'],
    ],
    [
      'duplicate propagated destinations: both',
      [route('9.0.0.0/8', 'vgw-1', propagated), route('9.0.0.0/8', 'vgw-2', propagated)],
      '9.1.1.1',
      ['vgw-1', 'vgw-2'],
    ],
    ['twice the same route counts once', [toNat, toNat], '9.1.1.1', ['nat-1']],
    ['local', [local, toNat], '10.0.3.4', ['local']],
    ['more specific than local', [local, route('10.0.1.0/24', 'eni-1')], '10.0.1.4', ['eni-1']],
    [
      'propagated more specific than local: both',
      [local, route('10.0.1.0/24', 'vgw-1', propagated)],
      '10.0.1.4',
      ['local', 'vgw-1'],
    ],
    [
      'propagated as long as local',
      [local, route('10.0.0.0/16', 'vgw-1', propagated)],
      '10.0.1.4',
      ['local'],
    ],
    [
      'blackhole wins and does not fall through',
      [toNat, route('52.216.0.0/15', 'nat-2', { state: 'blackhole' })],
      '52.216.1.1',
      ['nat-2'],
    ],
    [
      'blackholed list too',
      [toNat, route('pl-s3', 'vpce-1', { state: 'blackhole' })],
      '52.216.1.1',
      ['vpce-1'],
    ],
    [
      'filtered as well',
      [toNat, route('52.216.0.0/15', 'igw-1', { state: 'filtered' })],
      '52.216.1.1',
      ['igw-1'],
    ],
    [
      'equal target, other state: both',
      [route('pl-s3', 'nat-1', { state: 'blackhole' }), route('52.0.0.0/8', 'nat-1')],
      '52.216.1.1',
      ['nat-1', 'nat-1'],
    ],
    [
      'unknown state: what wins without it as well',
      [toNat, route('pl-s3', 'vpce-1', { state: 'unknown' })],
      '52.216.1.1',
      ['nat-1', 'vpce-1'],
    ],
    [
      'unknown state below the winner does not matter',
      [{ ...toNat, state: 'unknown' }, endpoint],
      '52.216.1.1',
      ['vpce-1'],
    ],
    [
      'two unknown states: down to the first that is known',
      [
        toNat,
        route('pl-s3', 'vpce-1', { state: 'unknown' }),
        route('52.216.1.0/24', 'tgw-1', { state: 'unknown' }),
        route('1.0.0.0/8', 'eni-1'),
      ],
      '52.216.1.1',
      ['nat-1', 'tgw-1', 'vpce-1'],
    ],
    [
      'unknown origin, same length as static: both',
      [route('9.0.0.0/8', 'tgw-1'), route('9.0.0.0/8', 'eni-1', { origin: 'unknown' })],
      '9.1.1.1',
      ['eni-1', 'tgw-1'],
    ],
    [
      'unknown origin, same length as list: both',
      [endpoint, route('52.216.0.0/15', 'eni-1', { origin: 'unknown' })],
      '52.216.1.1',
      ['eni-1', 'vpce-1'],
    ],
    [
      'unknown origin, shorter than list: both',
      [endpoint, route('52.0.0.0/8', 'eni-1', { origin: 'unknown' })],
      '52.216.1.1',
      ['eni-1', 'vpce-1'],
    ],
    [
      'unknown origin, longer than list: both',
      [endpoint, route('52.216.1.0/24', 'eni-1', { origin: 'unknown' })],
      '52.216.1.1',
      ['eni-1', 'vpce-1'],
    ],
    [
      'unknown origin as default route: the list',
      [endpoint, route('0.0.0.0/0', 'eni-1', { origin: 'unknown' })],
      '52.216.1.1',
      ['vpce-1'],
    ],
    [
      'list of unknown origin over the default',
      [route('pl-s3', 'vpce-1', { origin: 'unknown' }), toNat],
      '52.216.1.1',
      ['vpce-1'],
    ],
    [
      'a circle of three: all',
      [route('52.216.0.0/15', 'nat-1'), route('pl-2', 'vpce-1'), route('52.216.1.0/25', 'vgw-1', propagated)],
      '52.216.1.1',
      ['nat-1', 'vgw-1', 'vpce-1'],
      [list('pl-2', ['52.216.1.0/24'])],
    ],
  ]
  test.each(cases)('%s', (_, routes, address, winners, lists) => {
    expect(targets(routes, address, lists)).toEqual(winners)
    expect(targets([...routes].reverse(), address, lists)).toEqual(winners)
  })

  test('the winner names the entry that matched and its list', () => {
    const [winner] = look([endpoint, toNat], '3.5.1.1').winners
    expect(winner?.matchedPrefix).toBe('3.5.0.0/19')
    expect(winner?.prefixList?.id).toBe('pl-s3')
    expect(look([endpoint, toNat], '9.9.9.9').winners[0]?.prefixList).toBeNull()
  })

  test('the longest entry of a list counts', () => {
    const nested = list('pl-2', ['52.0.0.0/8', '52.216.1.0/24', '52.216.0.0/16'])
    const found = look([route('pl-2', 'vpce-1'), route('52.216.0.0/20', 'vgw-1', propagated)], '52.216.1.1', [
      nested,
    ])
    expect(found.winners.map((winner) => winner.matchedPrefix)).toEqual(['52.216.1.0/24'])
  })

  test('says why', () => {
    expect(look([endpoint, toNat], '52.216.1.1').because).toEqual([
      'the table is rtb-1',
      'pl-s3 → vpce-1 by its entry 52.216.0.0/15 wins for 52.216.1.1',
    ])
    expect(look([local], '1.1.1.1').because.at(-1)).toBe('no route holds 1.1.1.1: nothing gets through')
    expect(look([route('0.0.0.0/0', 'nat-1', { state: 'blackhole' })], '1.1.1.1').because.at(-1)).toContain(
      '(blackhole)',
    )
    expect(look([endpoint, route('52.0.0.0/8', 'nat-1')], '52.216.1.1').because.at(-1)).toContain(
      'several routes may win',
    )
  })
})

describe('lists that were not read whole', () => {
  const cases: [name: string, lists: PrefixList[], address: string, winners: string[], maybe: number][] = [
    ['not described', [], '52.216.1.1', ['nat-1'], 1],
    ['no entries', [list('pl-s3', null)], '52.216.1.1', ['nat-1'], 1],
    ['no entries, other family', [list('pl-s3', null, { family: 6 })], '52.216.1.1', ['nat-1'], 0],
    ['incomplete, holds it', [{ ...s3, complete: false }], '52.216.1.1', ['vpce-1'], 1],
    ['incomplete, does not hold it', [{ ...s3, complete: false }], '1.1.1.1', ['nat-1'], 1],
    ['an entry that is no CIDR', [list('pl-s3', ['52.216.0.0/15', '3.5.0.1/19'])], '3.5.0.1', ['nat-1'], 1],
    ['twice in the snapshot', [s3, s3], '52.216.1.1', ['nat-1'], 1],
    ['read whole', [s3], '1.1.1.1', ['nat-1'], 0],
    ['empty and read whole', [list('pl-s3', [])], '52.216.1.1', ['nat-1'], 0],
  ]
  test.each(cases)('%s', (_, lists, address, winners, maybe) => {
    const found = look([endpoint, toNat], address, lists)
    expect(found.winners.map((winner) => winner.route.target.id)).toEqual(winners)
    expect(found.maybe).toEqual(maybe === 0 ? [] : [endpoint])
    expect(found.because.some((line) => line.includes('may win as well'))).toBe(maybe > 0)
  })

  test('the part was not read, whatever stands in it', () => {
    const tables = [table('rtb-1', [endpoint, toNat])]
    const found = lookupTableRoute(
      snapshot({ routeTables: tables, prefixLists: [s3] }, ['prefixLists']),
      'rtb-1',
      ip('1.1.1.1'),
    )
    expect(found.maybe).toEqual([endpoint])
    expect(found.winners.map((winner) => winner.route)).toEqual([toNat])
  })

  test('a destination that is no CIDR may hold anything', () => {
    const strange = route('52.216.0.1/15', 'igw-1')
    expect(look([strange, endpoint], '52.216.1.1')).toMatchObject({ maybe: [strange], readable: true })
  })

  test('routes that were not understood are counted and said', () => {
    const tables = [table('rtb-1', [endpoint], { unreadableRoutes: 2 })]
    const found = lookupTableRoute(
      snapshot({ routeTables: tables, prefixLists: [s3] }),
      'rtb-1',
      ip('52.216.1.1'),
    )
    expect(found.unreadable).toBe(2)
    expect(found.because.at(-1)).toBe('2 routes of rtb-1 were not understood: any of them may win')
  })
})

describe('addresses that no table routes', () => {
  test.each([
    '169.254.169.254',
    '169.254.168.1',
    '169.254.1.1',
    'fd00:ec2::254',
    'fe80::1',
    '::ffff:169.254.169.254',
  ])('%s', (address) => {
    const found = look([toNat, route('::/0', 'igw-1')], address)
    expect(found).toMatchObject({ table: null, winners: [], maybe: [], readable: false })
  })
  test('their neighbours are routed', () => {
    expect(targets([toNat], '169.255.0.1')).toEqual(['nat-1'])
    expect(targets([route('::/0', 'igw-1')], 'fd00:ec3::1')).toEqual(['igw-1'])
  })
})

describe('the table of a subnet', () => {
  const main = table('rtb-main', [toNat], { main: true })
  const own = table('rtb-own', [endpoint, toNat], { subnetIds: ['subnet-1'] })
  const edge = table('rtb-edge', [route('10.0.0.0/16', 'eni-1')], { gatewayIds: ['igw-1'] })
  const cases: [name: string, tables: RouteTable[], expected: string | null][] = [
    ['explicit', [main, own, edge], 'rtb-own explicit'],
    ['explicit without a main table', [own], 'rtb-own explicit'],
    ['main', [main, { ...own, subnetIds: ['subnet-2'] }, edge], 'rtb-main main'],
    ['an edge table never counts', [edge], null],
    ['no main table', [{ ...own, subnetIds: [] }], null],
    ['main table of another VPC', [{ ...main, vpcId: 'vpc-2' }], null],
    ['two main tables', [main, { ...main, id: 'rtb-main2' }], null],
    ['two explicit tables', [main, own, { ...own, id: 'rtb-own2' }], null],
    ['an association in transit', [main, { ...own, subnetIds: ['subnet-1', 'subnet-1'] }], null],
    ['explicit table of another VPC', [main, { ...own, vpcId: 'vpc-2' }], null],
    ['the explicit table is main as well', [{ ...own, main: true }], 'rtb-own explicit'],
    ['no tables', [], null],
  ]
  test.each(cases)('%s', (_, routeTables, expected) => {
    const world = snapshot({ routeTables, prefixLists: [s3] })
    const found = routeTableOfSubnet(world, 'subnet-1', 'vpc-1')
    expect(found.table === null ? null : `${found.table.id} ${found.association}`).toBe(expected)
    expect(found.because).not.toBe('')
    const looked = lookupSubnetRoute(world, 'subnet-1', 'vpc-1', ip('52.216.1.1'))
    expect(looked.readable).toBe(expected !== null)
    expect(looked.table).toEqual(
      found.table === null ? null : { id: found.table.id, association: found.association },
    )
    expect(looked.winners.length > 0).toBe(expected !== null)
  })

  test('tables that were not read', () => {
    const world = snapshot({ routeTables: [main, own] }, ['routeTables'])
    expect(lookupSubnetRoute(world, 'subnet-1', 'vpc-1', ip('52.216.1.1'))).toMatchObject({
      readable: false,
      winners: [],
    })
    expect(lookupTableRoute(world, 'rtb-own', ip('52.216.1.1'))).toMatchObject({
      readable: false,
      winners: [],
    })
  })

  test('a subnet that lies in another VPC', () => {
    const subnet = {
      id: 'subnet-1',
      vpcId: 'vpc-2',
      ownerId: null,
      ipv4Cidr: null,
      ipv6Cidrs: [],
      availabilityZone: null,
    }
    expect(
      routeTableOfSubnet(snapshot({ routeTables: [main], subnets: [subnet] }), 'subnet-1', 'vpc-1').table,
    ).toBeNull()
  })

  test('a dump without a table that an endpoint knows does not settle the main table', () => {
    const vpce = { id: 'vpce-1', vpcId: 'vpc-1', routeTableIds: ['rtb-own'] } as VpcEndpoint
    const world = snapshot({ routeTables: [main], endpoints: [vpce] })
    const dump = {
      ...world,
      parts: { ...world.parts, routeTables: { read: true, atMs: 0, dated: 'manifest' } as const },
    }
    expect(routeTableOfSubnet(world, 'subnet-1', 'vpc-1').table?.id).toBe('rtb-main')
    expect(routeTableOfSubnet(dump, 'subnet-1', 'vpc-1').table).toBeNull()
    expect(
      routeTableOfSubnet({ ...dump, routeTables: [main, { ...own, subnetIds: [] }] }, 'subnet-1', 'vpc-1')
        .table?.id,
    ).toBe('rtb-main')
  })

  test('a table by its id', () => {
    const world = snapshot({ routeTables: [own, edge, edge] })
    expect(lookupTableRoute(world, 'rtb-none', ip('1.1.1.1')).readable).toBe(false)
    expect(lookupTableRoute(world, 'rtb-edge', ip('1.1.1.1')).readable).toBe(false)
    expect(lookupTableRoute(world, 'rtb-own', ip('1.1.1.1')).table).toEqual({
      id: 'rtb-own',
      association: 'explicit',
    })
  })
})
