/** What the account's API shows, when, and what is declared beside it. */
import type { Site, TrustedEndpoint } from '../../model/topology.ts'
import { awsFiles } from './aws-files.ts'
import { type Damage, someDamage } from './damage.ts'
import { ids, type Theme } from './generate-parts.ts'
import { mutate } from './mutate.ts'
import { resolveName } from './names.ts'
import type { Choices } from './random.ts'
import { behind } from './simulate.ts'
import type { World } from './types.ts'

export interface SeenFile {
  text: string
  atMs: number | null
  dated: 'api' | 'manifest' | 'mtime' | 'undated'
}

export type SeenFiles = Map<string, SeenFile>

/** How the account and the look at it go together in time. */
export type Timing = 'still' | 'changed later' | 'changed between' | 'stale' | 'undated' | 'old and still'

export interface SeenAccount {
  /** As it is when the connections are made. */
  world: World
  timing: Timing
  damages: string[]
  /** The reading before the connections, then the later ones. */
  readings: SeenFiles[]
  /** Readings of the other account. */
  others: SeenFiles[]
  /** Nothing is missing, spoilt, old or changing. */
  whole: boolean
}

export const limits = { routeTablesMaxAgeSeconds: 180, otherMaxAgeSeconds: 900 }

const routesFile = 'describe-route-tables.json'

export function textsOf(world: World): Map<string, string> {
  return new Map(Object.entries(awsFiles(world)).map(([name, value]) => [name, JSON.stringify(value)]))
}

export function dated(texts: Map<string, string>, atMs: (file: string) => number | null): SeenFiles {
  return new Map(
    [...texts].map(([name, text]) => {
      const at = atMs(name)
      return [name, { text, atMs: at, dated: at === null ? 'undated' : 'api' } as const]
    }),
  )
}

function damaged(texts: Map<string, string>, damages: readonly Damage[]): Map<string, string> {
  const copy = new Map(texts)
  for (const { apply } of damages) apply(copy)
  return copy
}

/**
 * Readings of an account around the moment `nowMs` of the connections. What changed is either read again
 * afterwards, or was read too long ago to count: a reader who minds both sees no lie.
 */
export function lookAtAccount(
  before: World,
  nowMs: number,
  choices: Choices,
  { plain, theme }: { plain: boolean; theme: Theme },
): SeenAccount {
  const upset = theme === 'reading' || theme === 'far'
  const timing = choices.weighted<Timing>(
    plain
      ? [
          [10, 'still'],
          [0.7, 'changed later'],
          [0.7, 'changed between'],
        ]
      : [
          [upset ? 4 : 10, 'still'],
          [2, 'changed later'],
          [2.5, 'changed between'],
          [2, 'stale'],
          [1, 'undated'],
          [0.7, 'old and still'],
        ],
  )
  const changed = timing === 'still' || timing === 'old and still' ? before : mutate(before, choices, theme)
  const damages = Array.from(
    {
      length: choices.chance(plain ? 0.04 : theme === 'reading' || theme === 'lists' ? 0.8 : 0.35)
        ? 1 + choices.below(3)
        : 0,
    },
    () => someDamage(choices, theme),
  )
  // What hides a change from every later reading would make the account lie; else any reading may fall short.
  const where = choices.pick<'all' | 'first' | 'later'>(
    timing === 'still' ? ['all', 'first', 'later'] : ['all', 'first'],
  )
  const first = textsOf(before)
  const second = changed === before ? first : textsOf(changed)
  const differs = new Set(
    [...first].filter(([name, text]) => second.get(name) !== text).map(([name]) => name),
  )

  const routesAge = 5 + choices.below(160)
  const othersAge = 5 + choices.below(850)
  const tooOld = choices.pick([1, 60, 86_400])
  const atOf = (file: string): number | null => {
    const routes = file === routesFile
    const old = timing === 'old and still' || (timing === 'stale' && differs.has(file))
    if (timing === 'undated' && differs.has(file)) return null
    const limit = routes ? limits.routeTablesMaxAgeSeconds : limits.otherMaxAgeSeconds
    return nowMs - (old ? limit + tooOld : routes ? routesAge : othersAge) * 1000
  }
  const opening = dated(where === 'later' ? first : damaged(first, damages), atOf)
  const readings = [opening]
  const readAgain = timing === 'changed later' || timing === 'changed between'
  const late = timing === 'still' ? 0.25 : timing === 'stale' || timing === 'undated' ? 0.4 : 0
  if (readAgain || choices.chance(late)) {
    const later = nowMs + (1 + choices.below(60)) * 1000
    // After a part that was too old anything may be read: it can't mend what nobody knew at the connection.
    const then = late === 0.4 && choices.chance(0.5) ? textsOf(mutate(changed, choices, theme)) : second
    const whole = dated(where === 'first' ? then : damaged(then, damages), () => later)
    const routes = whole.get(routesFile)
    if (choices.chance(0.4) && routes !== undefined) {
      // Route tables are read oftener than the rest, which stays as it was.
      readings.push(new Map([...opening, [routesFile, routes]]))
    }
    readings.push(whole)
  }
  const others: SeenFiles[] = []
  if (choices.chance(theme === 'far' ? 0.7 : 0.3)) {
    // Of any age: it may show what is long gone.
    const stale = choices.chance(theme === 'far' ? 0.7 : 0.5)
    const past = stale ? (changed === before ? before : choices.pick([before, changed])) : changed
    const at = stale ? choices.pick([null, nowMs - 86_400_000]) : nowMs - 60_000
    others.push(dated(textsOf({ ...past, account: ids.otherAccount }), () => at))
  }
  const harmless = damages.every(({ name }) => name === 'unknown fields')
  return {
    world: timing === 'changed later' ? before : changed,
    timing,
    damages: damages.map(({ name }) => name),
    readings,
    others,
    whole: harmless && timing === 'still',
  }
}

/** Endpoints that somebody may declare, with the name and address that they have. */
const declarable = [
  { id: 'vpce-0f000077', vpc: ids.centralVpc, address: '10.2.1.77', cidr: '10.2.0.0/16' },
  { id: 'vpce-0d000077', vpc: ids.peerVpc, address: '10.1.1.77', cidr: '10.1.0.0/16' },
]

/**
 * Declarations of a person who knows: a `via` is given only where that way does lead to the endpoint, now and in
 * every world given; nothing else is promised.
 */
export function someTrust(worlds: readonly World[], choices: Choices, theme: Theme): TrustedEndpoint[] {
  const now = worlds.at(-1)
  if (now === undefined) return []
  const trust: TrustedEndpoint[] = []
  for (const item of declarable) {
    if (!choices.chance(theme === 'far' || theme === 'site' ? 0.8 : 0.35)) continue
    const endpoint = now.endpoints.find(({ id }) => id === item.id)
    const dnsName = endpoint?.dnsNames[0]
    const leadsThere = (via: string): boolean =>
      worlds.every((world) =>
        ['interface_endpoint', 'blocked'].includes(behind(world, via, item.address).class),
      )
    const ways: string[] = [ids.tgw, ids.vgw, ids.core].filter(leadsThere)
    if (now.host.kind === 'on-prem' && leadsThere('site')) ways.push('dc1')
    // An address alone promises nothing: by whatever way, somebody else may have it.
    const bare = dnsName === undefined || choices.chance(0.2)
    const said = bare ? [ids.tgw, ids.vgw, ids.core, 'dc1'] : ways
    const via = said.length > 0 && choices.chance(0.75) ? choices.pick(said) : null
    const answers = dnsName === undefined ? [] : resolveName(now, dnsName, 'corp').ipv4
    trust.push({
      declared: bare ? { address: item.address } : { dnsName },
      via,
      addresses: dnsName === undefined || choices.chance(0.1) ? [] : answers,
      vpcCidrs: choices.chance(0.5) ? [item.cidr] : [],
    })
  }
  const shared = now.endpoints.find(({ id }) => id === ids.s3Gateway)
  const always = worlds.every((world) =>
    world.endpoints.some(({ id, owner }) => id === ids.s3Gateway && owner !== world.account),
  )
  if (shared !== undefined && always && choices.chance(0.5)) {
    trust.push({ declared: { gateway: shared.id }, via: null, addresses: [], vpcCidrs: [] })
  }
  return trust
}

export function someSites(world: World, choices: Choices): Site[] {
  if (world.host.kind !== 'on-prem') {
    return choices.chance(0.1)
      ? [{ name: 'dc2', firstLeg: null, nextHops: [], prefixes: ['192.168.0.0/16'], snatRelay: false }]
      : []
  }
  return choices.chance(0.8)
    ? [
        {
          name: 'dc1',
          firstLeg: choices.pick(['direct_connect', 'vpn', null] as const),
          nextHops: [],
          prefixes: ['172.20.0.0/16', '192.168.0.0/16'],
          snatRelay: choices.chance(0.3),
        },
      ]
    : []
}
