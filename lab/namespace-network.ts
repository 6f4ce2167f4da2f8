/**
 * The network inside the lab's namespace, laid with `ip` (iproute2).
 *
 * How a destination is reached or lost: AnyIP routes (`local PREFIX dev lo`) make the addresses of the world's
 * services this host's own. For each local address of the host there is a routing table, and one for
 * connections whose source the kernel chooses. In it, every destination that the world's packets get to is such a
 * `local` route; every other goes out of one end of a veth pair to a MAC that nobody has, that is: into silence, as
 * in a VPC (a blackhole route would be an error at once). The kernel looks into its own `local` table first, so
 * that rule is moved behind ours; the table itself must know the AnyIP prefixes, or IPv4 replies have no valid source.
 */
import { execFile } from 'node:child_process'
import { hostAddresses, sourceFor } from './host.ts'
import { bitsOf, familyOf, lengthOf, textOf, within } from './world/bits.ts'
import type { Journey, Packet, World } from './world/types.ts'

export interface NamespaceNetwork {
  /** Makes the routes what the world now says. Connections that are open keep theirs, new ones see the change. */
  update(world: World): Promise<void>
}

export interface NamespaceNetworkOptions {
  travel(world: World, packet: Packet): Journey
  /** Addresses that are this host's own whatever the world says: name servers, the metadata service. */
  always: readonly string[]
  /** Ports on which the world's services may answer. */
  ports: readonly number[]
}

/** One thing that `ip` adds and deletes by the same words. */
interface Item {
  family: 4 | 6
  object: 'addr' | 'route' | 'rule'
  words: string
}

const device = 'pp0'
const nobody = '02:00:00:00:00:99'
const silence = { 4: `via 169.254.7.1 dev ${device} onlink`, 6: `via fe80::99 dev ${device} onlink` } as const
const unboundTable = 100

/**
 * Lays the network for `world`. Refuses to touch a network namespace in which any device is up already: a fresh one
 * has none. Rejects with what `ip` says.
 */
export async function createNamespaceNetwork(
  world: World,
  options: NamespaceNetworkOptions,
): Promise<NamespaceNetwork> {
  if ((await ip(['-o', 'link', 'show', 'up'])).trim() !== '') {
    throw new Error('this is no fresh network namespace: a device is up in it')
  }
  await batch(4, [
    'link set lo up',
    `link add ${device} type veth peer name pp1`,
    `link set ${device} up`,
    'link set pp1 up',
    `neigh add 169.254.7.1 lladdr ${nobody} dev ${device} nud permanent`,
    'rule add pref 900 lookup local',
    'rule del pref 0',
  ])
  await batch(6, [
    `neigh add fe80::99 lladdr ${nobody} dev ${device} nud permanent`,
    'rule add pref 900 lookup local',
    'rule del pref 0',
  ])
  let laid: Item[] = []
  const update = async (next: World): Promise<void> => {
    const wanted = itemsFor(next, options)
    const have = new Set(laid.map(key))
    const want = new Set(wanted.map(key))
    const gone = laid.filter((item) => !want.has(key(item))).toReversed()
    const added = wanted.filter((item) => !have.has(key(item)))
    for (const family of [4, 6] as const) {
      await batch(family, [
        ...gone.filter((item) => item.family === family).map(({ object, words }) => `${object} del ${words}`),
        ...added
          .filter((item) => item.family === family)
          .map(({ object, words }) => `${object} add ${words}`),
      ])
    }
    laid = wanted
  }
  await update(world)
  return { update }
}

function key({ family, object, words }: Item): string {
  return `${family} ${object} ${words}`
}

function itemsFor(world: World, options: NamespaceNetworkOptions): Item[] {
  const own = hostAddresses(world)
  const usable = new Set(own.map(({ family }) => family))
  const loopback = ['127.0.0.0/8', '::1/128']
  const always = [...loopback, ...options.always.map(single), ...own.map(({ address }) => single(address))]
  const items: Item[] = []
  const add = (object: Item['object'], prefix: string, words: string): void =>
    void items.push({ family: familyOf(prefix), object, words })

  for (const { address } of own) add('addr', address, `${single(address)} dev lo${nodad(address)}`)
  for (const address of options.always) add('addr', address, `${single(address)} dev lo${nodad(address)}`)

  const reachable = new Set<string>()
  const destinations = prefixesOf(world).filter(({ prefix }) => !always.includes(prefix))
  const sources: (string | null)[] = [null, ...new Set(own.map(({ address }) => address))]
  sources.forEach((source, index) => {
    const table = unboundTable + index
    for (const prefix of always) add('route', prefix, `local ${prefix} dev lo table ${table}`)
    for (const { prefix, sample } of destinations) {
      const family = familyOf(prefix)
      if (!usable.has(family) || (source !== null && familyOf(source) !== family)) continue
      const from = source ?? sourceFor(world, sample)
      if (from === null) continue
      const delivered = options.ports.some(
        (port) => options.travel(world, { source: from, destination: sample, port }).delivered,
      )
      if (delivered) reachable.add(prefix)
      const way = delivered ? `local ${prefix} dev lo` : `${prefix} ${silence[family]}`
      add('route', prefix, `${way} src ${from} table ${table}`)
    }
    for (const [everything, family] of [
      ['0.0.0.0/0', 4],
      ['::/0', 6],
    ] as const) {
      const from = source ?? own.find((each) => each.family === family)?.address
      if (from === undefined || familyOf(from) !== family) continue
      add('route', everything, `${everything} ${silence[family]} src ${from} table ${table}`)
    }
    if (source !== null) add('rule', source, `pref 200 from ${source} lookup ${table}`)
  })
  for (const family of usable)
    items.push({ family, object: 'rule', words: `pref 500 lookup ${unboundTable}` })
  for (const prefix of reachable) add('route', prefix, `local ${prefix} dev lo table local`)
  return items
}

/**
 * Every prefix and address that a world speaks of, with an address of it that lies in none of the longer ones: the
 * world treats all such addresses alike, and the kernel's longest match does the rest.
 */
function prefixesOf(world: World): { prefix: string; sample: string }[] {
  const found = new Set<string>()
  const look = (value: unknown): void => {
    if (typeof value === 'string') {
      if (/^[0-9a-f:.]+(\/\d+)?$/u.test(value) && isPrefix(value)) found.add(canonical(value))
    } else if (typeof value === 'object' && value !== null) Object.values(value).forEach(look)
  }
  look(world)
  const all = [...found]
  return all.flatMap((prefix) => {
    if (lengthOf(prefix) === 0) return []
    const inside = all.filter(
      (other) => lengthOf(other) > lengthOf(prefix) && within(addressIn(other), prefix),
    )
    const sample = [addressIn(prefix), ...inside.map(addressAfter)].find(
      (address) =>
        address !== null && within(address, prefix) && !inside.some((other) => within(address, other)),
    )
    return sample === undefined || sample === null ? [] : [{ prefix, sample }]
  })
}

function isPrefix(text: string): boolean {
  const [address = '', length] = text.split('/')
  if (!address.includes(':') && !/^\d+\.\d+\.\d+\.\d+$/u.test(address)) return false
  // a MAC has colons as well
  if (/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/u.test(address)) return false
  try {
    return bitsOf(address).length >= Number(length ?? 0)
  } catch {
    return false
  }
}

function canonical(text: string): string {
  return text.includes('/') ? text : single(text)
}

function single(address: string): string {
  return `${address}/${familyOf(address) === 4 ? 32 : 128}`
}

function nodad(address: string): string {
  return familyOf(address) === 4 ? '' : ' nodad'
}

function addressIn(prefix: string): string {
  return prefix.split('/')[0] ?? ''
}

/** The address behind the last one of a prefix; null behind the last of all. */
function addressAfter(prefix: string): string | null {
  const bits = bitsOf(addressIn(prefix))
  const next = BigInt(`0b${bits.slice(0, lengthOf(prefix))}`) + 1n
  const head = next.toString(2).padStart(lengthOf(prefix), '0')
  return head.length > lengthOf(prefix) ? null : textOf(head.padEnd(bits.length, '0'))
}

async function batch(family: 4 | 6, lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await ip([`-${family}`, '-batch', '-'], `${lines.join('\n')}\n`)
}

function ip(args: string[], input = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile('ip', args, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`ip ${args.join(' ')}: ${stderr.trim() || error.message}`, { cause: error }))
    })
    child.stdin?.on('error', () => undefined).end(input)
  })
}
