import { nat64Of } from './bits.ts'
import {
  addresses,
  ids,
  interfaceOf,
  only,
  ranges,
  serviceList,
  someLegs,
  vpcV6,
  type Theme,
} from './generate-parts.ts'
import { someHost } from './generate-host.ts'
import { farSide } from './generate-far.ts'
import { someEndpoints, someInterfaces, someNats } from './generate-vpc.ts'
import { addRoute, someTable, type TableOptions } from './generate-routes.ts'
import { choicesFrom, type Choices } from './random.ts'
import type { World, WorldTable } from './types.ts'
import { emptyWorld } from './world.ts'

export interface Scene {
  seed: number
  /** Built as a careful person would; otherwise anything that AWS allows. */
  plain: boolean
  theme: Theme
  world: World
  hostnames: string[]
}

const subnet = (id: string, n: number, six: boolean, owner: string) => ({
  id,
  vpc: ids.vpc,
  owner,
  zone: 'us-east-1a',
  ipv4: `10.0.${n}.0/24`,
  ipv6: six ? [`2600:1f16:a00:${n}::/64`] : [],
  denies: [] as string[],
})

/** Answers of one name: mostly of one kind, with something else among them in wild worlds. */
export function someAnswers(choices: Choices, plain: boolean, six: boolean, theme: Theme): string[] {
  const ways: (readonly [number, readonly string[]])[] = [
    [6, addresses.s3Listed],
    [2, addresses.dynamodb],
    [2, ['10.0.1.77']],
    [1, ['10.0.2.77']],
    [1, addresses.others],
    [0.7, addresses.s3Unlisted],
  ]
  if (six) ways.push([2, addresses.s3ListedV6], [1, addresses.othersV6], [0.7, ['2600:1f16:a00:1::77']])
  if (!plain) {
    ways.push(
      [theme === 'far' || theme === 'site' ? 15 : 1.2, ['10.1.1.77', '10.2.1.77']],
      [2, ['10.1.1.78', '10.0.1.90', '10.0.1.78', '10.0.1.79', '10.0.2.78']],
      [0.5, addresses.nowhere],
      [1, [...addresses.s3Listed, ...addresses.others].map((address) => `::ffff:${address}`)],
      [0.5, addresses.site],
      [six ? 2 : 0, [...addresses.s3Listed, ...addresses.others].map(nat64Of)],
      [six ? 0.4 : 0, addresses.s3UnlistedV6],
    )
  }
  const answers = new Set<string>()
  const count = 1 + choices.below(plain ? 4 : 6)
  const main = choices.weighted(ways)
  for (let n = 0; n < count; n += 1) {
    answers.add(choices.pick(choices.chance(plain ? 0.85 : 0.7) ? main : choices.weighted(ways)))
  }
  return [...answers]
}

const hostnames = [
  'bucket.s3.us-east-1.amazonaws.com',
  'bucket.s3.dualstack.us-east-1.amazonaws.com',
  'ssm.us-east-1.amazonaws.com',
  'artifacts.example.com',
]

/** A random world. The same seed gives the same world. */
export function generate(seed: number): Scene {
  const choices = choicesFrom(seed)
  const plain = choices.chance(0.55)
  const theme: Theme = plain
    ? 'anything'
    : choices.weighted([
        [5, 'anything'],
        [1, 'lists'],
        [1, 'nat'],
        [0.8, 'site'],
        [1, 'far'],
        [1, 'reading'],
      ] as const)
  const six = choices.chance(0.5)
  const shared = !plain && choices.chance(0.08)
  const owner = shared ? ids.otherAccount : ids.account
  const ipv4 = ['10.0.0.0/16']
  if (choices.chance(0.12)) ipv4.push('100.64.0.0/16')
  // A VPC may use public addresses as its own; whoever answers at them then sits inside.
  if (!plain && choices.chance(0.07)) ipv4.push('52.217.64.0/24')
  const locals = six ? [...ipv4, vpcV6] : ipv4

  const nats = someNats(choices, plain)
  const usable = plain ? nats.filter(({ connectivity }) => connectivity === 'public') : nats
  const options: TableOptions = {
    choices,
    plain,
    theme,
    ipv6: six,
    nats: (plain ? usable : [...usable, ...usable.slice(0, 2)]).map(({ id }) => id),
  }
  const hostIsMain = choices.chance(0.25)
  const table = (id: string, subnets: string[], main: boolean, role: 'host' | 'nat') =>
    someTable(options, { id, subnets, main, locals, role })
  const tables: WorldTable[] = [
    table(ids.hostTable, hostIsMain ? [] : [ids.hostSubnet], hostIsMain, 'host'),
    table(ids.publicTable, [ids.publicSubnet], !hostIsMain, 'nat'),
    table(ids.thirdTable, [ids.thirdSubnet], false, choices.chance(0.5) ? 'host' : 'nat'),
    table(ids.regionalTable, [], false, 'nat'),
  ].map((item) => ({ ...item, owner }))
  if (choices.chance(0.2)) {
    const edge: WorldTable = {
      id: ids.edgeTable,
      vpc: ids.vpc,
      owner,
      main: false,
      subnets: [],
      gateways: ['igw-0a000001'],
      routes: [],
    }
    for (const cidr of ipv4) addRoute(edge, cidr, 'local', { origin: 'local' })
    if (!plain) addRoute(edge, '10.0.1.0/24', ids.balancer)
    tables.push(edge)
  }

  const far = farSide(choices, plain)
  const base = emptyWorld('us-east-1', ids.account)
  const interfaces = [...someInterfaces(choices, plain, six), ...far.interfaces]
  if (ipv4.includes('52.217.64.0/24')) {
    interfaces.push(interfaceOf({ id: 'eni-0a000064', ipv4: only('52.217.64.10'), serves: 'proxy' }))
  }
  const subnets = [
    subnet(ids.hostSubnet, 1, six, owner),
    subnet(ids.publicSubnet, 0, six, owner),
    subnet(ids.thirdSubnet, 2, six, owner),
  ]
  if (!plain && choices.chance(0.06))
    subnets[0]?.denies.push(choices.pick(['52.216.0.0/15', '0.0.0.0/0', '::/0']))

  const names = choices.some(hostnames, 1 + choices.below(2))
  const listEntries = [
    ...ranges.s3Listed,
    ranges.others,
    '10.2.0.0/16',
    '52.216.8.0/24',
    '16.0.0.0/6',
    '52.208.0.0/12',
    '48.0.0.0/4',
    '3.4.0.0/14',
    '10.0.1.64/26',
    '52.94.0.0/20',
  ]
  const world: World = {
    ...base,
    host: someHost(choices, plain, six, theme),
    vpcs: [{ id: ids.vpc, owner, region: 'us-east-1', ipv4, ipv6: six ? [vpcV6] : [] }, ...far.vpcs],
    subnets: [...subnets, ...far.subnets],
    interfaces,
    tables: [...tables, ...far.tables],
    lists: [
      { id: ids.s3v4, name: 'com.amazonaws.us-east-1.s3', owner: 'AWS', family: 4, entries: ranges.s3Listed },
      {
        id: ids.s3v6,
        name: 'com.amazonaws.us-east-1.ipv6.s3',
        owner: 'AWS',
        family: 6,
        entries: ranges.s3ListedV6,
      },
      {
        id: ids.dynamodb,
        name: 'com.amazonaws.us-east-1.dynamodb',
        owner: 'AWS',
        family: 4,
        entries: ranges.dynamodb,
      },
      {
        id: ids.customer[0],
        name: 'allowed',
        owner: ids.account,
        family: 4,
        entries: choices.some(listEntries, 3),
      },
      {
        id: ids.customer[1],
        name: 'allowed-6',
        owner: ids.otherAccount,
        family: 6,
        entries: choices.some(
          ['2600:1fa0:8000::/39', '2600:1fa0:80a0::/44', '2600:1f70::/28', '2000::/4'],
          2,
        ),
      },
    ],
    endpoints: [...someEndpoints(choices, plain, owner), ...far.endpoints],
    natGateways: [...nats, ...far.natGateways],
    internetGateways: [
      { id: 'igw-0a000001', vpcs: !plain && choices.chance(0.05) ? [] : [ids.vpc] },
      { id: 'igw-0a0000ff', vpcs: [] },
      ...far.internetGateways,
    ],
    egressOnlyGateways: [{ id: 'eigw-0a000001', vpcs: [ids.vpc] }],
    carrierGateways: [{ id: 'cagw-0a000001', vpcs: [ids.vpc] }],
    peerings: far.peerings,
    transits: [ids.tgw, ids.vgw, ids.core, ids.lgw, ids.odb, ids.routeServer, ids.unheardOf].map((id) => ({
      id,
      leads: someLegs(choices),
    })),
    services: serviceList(choices),
    names: names.map((hostname) => {
      const answers = someAnswers(choices, plain, six, theme)
      return {
        hostname,
        ttlSeconds: 5,
        cnames: choices.chance(0.3) ? [`edge-${hostname}`] : [],
        ipv4: answers.filter((address) => !address.includes(':')),
        ipv6: answers.filter((address) => address.includes(':')),
        rcode: !plain && choices.chance(0.03) ? ('NXDOMAIN' as const) : ('NOERROR' as const),
        resolver: null,
      }
    }),
    resolvers: [
      { name: 'system', view: 'vpc', address: '10.0.0.2' },
      {
        name: 'corp',
        view: choices.weighted([
          [9, 'public'],
          [1, 'servfail'],
          [1, 'silent'],
        ] as const),
        address: '192.168.53.53',
      },
    ],
    fate: {
      shortCidrBeatsList: choices.chance(0.5),
      longPropagatedBeatsList: choices.chance(0.5),
      longPropagatedBeatsLocal: choices.chance(0.3),
      listTie: choices.pick(['longest', 'first', 'last'] as const),
      equalTie: choices.pick(['first', 'last'] as const),
      nat64Outside: choices.pick(['blocked', 'internet', 'internet_gateway'] as const),
    },
  }
  return { seed, plain, theme, world, hostnames: names }
}
