/** What changes in an account while somebody looks at it. */
import type { PathClass } from '../../model/path.ts'
import { ids, interfaceOf, only, type Theme } from './generate-parts.ts'
import { addRoute } from './generate-routes.ts'
import { travel } from './simulate.ts'
import type { Choices } from './random.ts'
import type { World, WorldEndpoint, WorldNat, WorldTable } from './types.ts'

function withTables(world: World, id: string, change: (table: WorldTable) => void): World {
  const tables = world.tables.map((table) => {
    if (table.id !== id) return table
    const copy = { ...table, routes: [...table.routes] }
    change(copy)
    return copy
  })
  return { ...world, tables }
}

function without(table: WorldTable, to: string): void {
  table.routes = table.routes.filter((route) => route.to !== to)
}

function withEndpoint(world: World, id: string, change: Partial<WorldEndpoint>): World {
  return {
    ...world,
    endpoints: world.endpoints.map((item) => (item.id === id ? { ...item, ...change } : item)),
  }
}

/** The endpoint is gone and somebody else has its address. */
function reuse(world: World, endpoint: string, eni: string, address: string): World {
  const successor = interfaceOf({ id: `${eni.slice(0, -2)}ee`, ipv4: only(address), serves: 'proxy' })
  const old = world.interfaces.find(({ id }) => id === eni)
  if (old === undefined) return world
  return {
    ...world,
    endpoints: world.endpoints.filter(({ id }) => id !== endpoint),
    interfaces: [
      ...world.interfaces.filter(({ id }) => id !== eni),
      { ...successor, vpc: old.vpc, subnet: old.subnet, owner: old.owner, ipv6: old.ipv6 },
    ],
  }
}

function nat(world: World, change: Partial<WorldNat>): World {
  return { ...world, natGateways: world.natGateways.map((item) => ({ ...item, ...change, id: item.id })) }
}

function isPrivate(how: PathClass): boolean {
  return how.endsWith('_endpoint')
}

/** Where the host's packets to all answers of the world's names go. */
function ways(world: World): PathClass[] {
  const answers = world.names.flatMap(({ ipv4, ipv6 }) => [...ipv4, ...ipv6])
  const sources = world.host.devices.flatMap(({ addresses }) => addresses)
  return sources.flatMap((source) =>
    answers.map((destination) => travel(world, { source, destination, port: 443 }).class),
  )
}

/**
 * A change of the account, never of the host. Most changes concern nobody: of a few, the first is taken that turns
 * a private path into another one, else the last.
 */
export function mutate(world: World, choices: Choices, theme: Theme): World {
  const before = ways(world)
  let changed = change(world, choices, theme)
  for (let n = 0; n < 4; n += 1) {
    const after = ways(changed)
    const turned = before.some(
      (how, at) => isPrivate(how) && after[at] !== 'blocked' && !isPrivate(after[at] ?? how),
    )
    if (turned) break
    changed = change(world, choices, theme)
  }
  return changed
}

/** One change that can turn a path. */
function change(world: World, choices: Choices, theme: Theme): World {
  const outward = choices.pick(['nat-0b000009', 'igw-0a000001', ids.tgw])
  const kinds: (() => World)[] = [
    () => withTables(world, ids.hostTable, (table) => without(table, ids.s3v4)),
    () => withTables(world, ids.hostTable, (table) => addRoute(table, ids.s3v4, ids.s3Gateway)),
    () => withTables(world, ids.hostTable, (table) => addRoute(table, '52.216.0.0/15', outward)),
    () => withTables(world, ids.hostTable, (table) => addRoute(table, '10.0.1.64/26', ids.appliance)),
    () =>
      withTables(world, ids.hostTable, (table) => {
        without(table, '0.0.0.0/0')
        addRoute(table, '0.0.0.0/0', outward)
      }),
    () =>
      withTables(world, ids.hostTable, (table) => {
        table.routes = table.routes.map((route) =>
          route.via === ids.peering ? { ...route, via: ids.twinPeering } : route,
        )
      }),
    () => withTables(world, ids.publicTable, (table) => without(table, ids.s3v4)),
    () => withTables(world, ids.publicTable, (table) => addRoute(table, ids.s3v4, ids.s3Gateway)),
    () => reuse(world, ids.ssm, 'eni-0a000077', '10.0.1.77'),
    () => reuse(world, ids.s3Interface, 'eni-0a00007a', '10.0.2.77'),
    () => reuse(world, 'vpce-0f000077', 'eni-0f000077', '10.2.1.77'),
    () => reuse(world, 'vpce-0d000077', 'eni-0d000077', '10.1.1.77'),
    () => withEndpoint(world, ids.s3Gateway, { state: 'deleted' }),
    () => nat(world, { subnet: ids.thirdSubnet }),
    () =>
      nat(world, {
        appliances: ['arn:aws:network-firewall:us-east-1:111122223333:proxy/p'],
        appliancesDo: 'relays',
      }),
    () => ({
      ...world,
      interfaces: world.interfaces.map((eni) =>
        eni.id === ids.hostEni
          ? {
              ...eni,
              ipv4: eni.ipv4.map((own) => ({ ...own, public: own.public === null ? '203.0.113.50' : null })),
            }
          : eni,
      ),
    }),
    () => ({
      ...world,
      lists: world.lists.map((list) =>
        list.id === ids.s3v4
          ? {
              ...list,
              entries: choices.chance(0.5)
                ? list.entries.filter((entry) => entry !== '52.216.0.0/15')
                : [...list.entries, '16.182.0.0/16'],
            }
          : list,
      ),
    }),
    () => ({
      ...world,
      tables: world.tables.map((table) => ({
        ...table,
        subnets:
          table.id === ids.thirdTable
            ? [...table.subnets, ids.hostSubnet]
            : table.subnets.filter((subnet) => subnet !== ids.hostSubnet),
      })),
    }),
  ]
  const far = [
    () => reuse(world, 'vpce-0f000077', 'eni-0f000077', '10.2.1.77'),
    () => reuse(world, 'vpce-0d000077', 'eni-0d000077', '10.1.1.77'),
  ]
  return choices.pick(theme === 'far' && choices.chance(0.7) ? far : kinds)()
}
