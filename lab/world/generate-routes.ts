/** Route tables of random worlds. */
import { ids, type Theme } from './generate-parts.ts'
import type { Choices } from './random.ts'
import type { WorldRoute, WorldTable } from './types.ts'

export interface TableOptions {
  choices: Choices
  /** Only what a careful person builds, and the account's API shows. */
  plain: boolean
  theme: Theme
  nats: readonly string[]
  ipv6: boolean
}

function learnt(kind: WorldRoute['origin']): boolean {
  return kind === 'propagated' || kind === 'advertised'
}

/** Adds a route unless the table has one for that destination: AWS allows one static and one propagated. */
export function addRoute(
  table: WorldTable,
  to: string,
  via: string,
  more: { state?: WorldRoute['state']; origin?: WorldRoute['origin'] } = {},
): void {
  const { state = 'active', origin = via === 'local' ? 'local' : 'static' } = more
  if (table.routes.some((route) => route.to === to && learnt(route.origin) === learnt(origin))) return
  table.routes.push({ to, via, state, origin })
}

const odd = [ids.lgw, ids.odb, ids.routeServer, ids.unheardOf]

/** A target for public addresses. */
function outward(options: TableOptions, six: boolean): string {
  const { choices, plain, nats } = options
  if (plain) {
    return six
      ? choices.pick(['eigw-0a000001', 'eigw-0a000001', 'igw-0a000001'])
      : choices.weighted<string>([
          [6, choices.pick(nats)],
          [2, 'igw-0a000001'],
        ])
  }
  return choices.weighted<string>([
    [six ? 1 : 11, choices.pick(nats)],
    [3, 'igw-0a000001'],
    [six ? 4 : 0.3, 'eigw-0a000001'],
    [0.7, 'cagw-0a000001'],
    [2, ids.tgw],
    [1.5, ids.vgw],
    [2, ids.core],
    [1, ids.peering],
    [2.5, ids.balancer],
    [1.5, ids.appliance],
    [1, ids.applianceInstance],
    [1.8, choices.pick(odd)],
    [0.4, 'igw-0a0000ff'],
  ])
}

function inward({ choices }: TableOptions): string {
  return choices.pick([
    ids.peering,
    ids.twinPeering,
    ids.peering,
    ids.tgw,
    ids.tgw,
    ids.vgw,
    ids.core,
    ids.core,
    ids.balancer,
    ids.appliance,
    choices.pick(odd),
  ])
}

function addDefaults(table: WorldTable, options: TableOptions): void {
  const { choices, plain, ipv6 } = options
  if (options.theme === 'nat') addRoute(table, '0.0.0.0/0', choices.pick(options.nats))
  if (choices.chance(0.8)) {
    const fromVgw = !plain && choices.chance(0.15)
    if (fromVgw) addRoute(table, '0.0.0.0/0', ids.vgw, { origin: 'propagated' })
    else addRoute(table, '0.0.0.0/0', outward(options, false), dead(options))
  }
  if (ipv6 && choices.chance(0.6)) addRoute(table, '::/0', outward(options, true), dead(options))
}

function dead({ choices, plain }: TableOptions): { state?: WorldRoute['state'] } {
  return plain || !choices.chance(0.07) ? {} : { state: choices.pick(['blackhole', 'filtered'] as const) }
}

/** Routes for AWS's lists to gateway endpoints. */
export function addGateways(table: WorldTable, options: TableOptions, share: number): void {
  const { choices } = options
  // AWS's lists may lead anywhere, as other destinations may.
  if (!options.plain && choices.chance(0.1)) {
    addRoute(table, ids.s3v4, choices.chance(0.4) ? ids.balancer : outward(options, false))
  }
  if (choices.chance(share)) addRoute(table, ids.s3v4, ids.s3Gateway, dead(options))
  if (choices.chance(share * 0.6)) addRoute(table, ids.s3v6, ids.s3Gateway, dead(options))
  if (choices.chance(share * 0.7)) addRoute(table, ids.dynamodb, ids.dynamodbGateway, dead(options))
}

const specific = [
  '52.216.0.0/15',
  '52.216.8.0/24',
  '52.216.8.53/32',
  '3.5.0.0/19',
  '54.231.128.0/17',
  '52.192.0.0/11',
  '48.0.0.0/5',
  '3.0.0.0/9',
  '52.119.0.0/16',
  '16.182.0.0/16',
  '0.0.0.0/1',
]
const specificV6 = ['2600:1fa0::/32', '2600:1fa0:8000::/39', '2600:1fa0:80a0::/48', '2600::/12', '2000::/3']

function addOverlaps(table: WorldTable, options: TableOptions): void {
  const { choices } = options
  const count = choices.weighted<number>([
    [options.theme === 'reading' ? 0 : 5, 0],
    [3, 1],
    [2, 2],
  ])
  for (const to of choices.some(specific, count)) {
    const origin = choices.weighted<WorldRoute['origin']>([
      [6, 'static'],
      [3, 'propagated'],
      [1, 'advertised'],
    ])
    const via =
      origin === 'propagated' ? ids.vgw : origin === 'advertised' ? ids.appliance : outward(options, false)
    addRoute(table, to, via, { origin, ...dead(options) })
  }
  if (options.ipv6 && choices.chance(0.25)) {
    addRoute(table, choices.pick(specificV6), outward(options, true), dead(options))
  }
  for (const list of ids.customer) {
    if (choices.chance(options.theme === 'lists' ? 0.8 : 0.15))
      addRoute(table, list, outward(options, choices.chance(0.3)), dead(options))
  }
  if (options.ipv6 && choices.chance(0.2)) {
    addRoute(table, '64:ff9b::/96', choices.pick([...options.nats, 'eigw-0a000001', ids.tgw]), dead(options))
  }
}

function addPrivate(table: WorldTable, options: TableOptions): void {
  const { choices } = options
  if (options.theme === 'far') {
    addRoute(table, '10.1.0.0/16', choices.pick([ids.peering, ids.twinPeering, ids.tgw]))
    addRoute(table, '10.2.0.0/16', choices.pick([ids.tgw, ids.vgw, ids.core]))
  }
  for (const to of choices.some(
    ['10.0.0.0/8', '10.1.0.0/16', '10.2.0.0/16', '192.168.0.0/16', '10.2.1.77/32'],
    2,
  )) {
    const fromVgw = choices.chance(0.25)
    addRoute(
      table,
      to,
      fromVgw ? ids.vgw : inward(options),
      fromVgw ? { origin: 'propagated' } : dead(options),
    )
  }
  // More specific than the VPC's own range: traffic between its subnets goes by a middlebox.
  if (choices.chance(0.1)) {
    addRoute(table, choices.pick(['10.0.1.0/24', '10.0.2.0/24']), choices.pick([ids.balancer, ids.appliance]))
  }
}

/** A table of the host's VPC with its local routes. `role` says what it is for: the host's, or the NAT gateway's. */
export function someTable(
  options: TableOptions,
  part: { id: string; subnets: string[]; main: boolean; locals: string[]; role: 'host' | 'nat' },
): WorldTable {
  const { choices, plain } = options
  const table: WorldTable = {
    id: part.id,
    vpc: ids.vpc,
    owner: ids.account,
    main: part.main,
    subnets: part.subnets,
    gateways: [],
    routes: [],
  }
  for (const cidr of part.locals) {
    // The target of a local route can be replaced.
    const replaced = !plain && choices.chance(0.02)
    addRoute(table, cidr, replaced ? ids.appliance : 'local', { origin: 'local' })
  }
  if (part.role === 'nat' && (plain || choices.chance(0.8))) {
    addGateways(table, options, options.theme === 'nat' ? 0.7 : 0.25)
    addRoute(table, '0.0.0.0/0', 'igw-0a000001')
    if (options.ipv6) addRoute(table, '::/0', 'igw-0a000001')
  } else {
    addGateways(table, options, options.theme === 'nat' ? 0.15 : options.theme === 'lists' ? 0.95 : 0.65)
    addDefaults(table, options)
  }
  if (plain) {
    if (choices.chance(0.15)) addRoute(table, '52.216.8.0/24', outward(options, false))
    return table
  }
  addOverlaps(table, options)
  addPrivate(table, options)
  return table
}
