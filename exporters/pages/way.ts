import type { Evidence } from '../../model/evidence.ts'
import { type PathClass, type PathState, type Side, pathClasses, sideOf } from '../../model/path.ts'
import type { AttemptVerdict, NameVerdict } from '../../model/verdict.ts'
import { classWords, legWords } from './words.ts'

/**
 * How one way is drawn. `taken`: it is the one that the packets took; `either`: the side is settled, and it is one of
 * several; `maybe`: not ruled out, and nothing settled; `out`: ruled out.
 */
export type LaneStatus = 'taken' | 'either' | 'maybe' | 'out'

/** Something that packets pass. `sure` false: it is drawn with a question mark. */
export interface Station {
  title: string
  detail: string[]
  sure: boolean
}

export interface Lane {
  class: PathClass
  side: Side
  status: LaneStatus
  stations: Station[]
  /** Why it is ruled out; null where it is not. */
  because: string | null
}

/** The way of one connection, as its evidence shows it. Plain data; `drawWay` draws it and `wayInWords` tells it. */
export interface Way {
  /** The state that it is drawn for; never more than both the attempt and its name say. */
  state: PathState
  /** From the host to where the ways part. */
  from: Station[]
  /** Every class once: those that remain first. */
  lanes: Lane[]
  to: Station
  /** Packets came back: a TLS handshake was completed. */
  connected: boolean
  dialled: boolean
}

/** What the pictures need of a name's verdict besides one of its attempts. */
export type NameOfWay = Pick<NameVerdict, 'state' | 'tainted' | 'conflictOfSide'>

const sideOfState: Partial<Record<PathState, Side>> = {
  private: 'private',
  public: 'public',
  blocked: 'none',
}

/**
 * The state that may be drawn. An attempt by itself may be private while its name is held back (taint, a life that ran out,
 * a query that failed): then nothing is drawn as settled.
 */
export function drawnState(attempt: AttemptVerdict, name: NameOfWay): PathState {
  const { state, possible } = attempt
  if (name.state === 'undetermined' || !attempt.dialled) return 'undetermined'
  // What is left must be of one side as a whole; anything else is drawn as open, whatever the state says.
  if (possible.length === 0 || !possible.every((one) => sideOf[one] === sideOfState[state]))
    return 'undetermined'
  switch (state) {
    case 'private': {
      const held = name.tainted || name.conflictOfSide || attempt.conflicts.some((c) => c.of === 'side')
      return attempt.connected && !held && (name.state === 'private' || name.state === 'mixed')
        ? state
        : 'undetermined'
    }
    case 'public':
      return attempt.connected && (name.state === 'public' || name.state === 'mixed') ? state : 'undetermined'
    case 'blocked':
      return state
    default:
      return 'undetermined'
  }
}

function statusOf(path: PathClass, attempt: AttemptVerdict, state: PathState): LaneStatus {
  const { possible } = attempt
  if (!possible.includes(path)) return 'out'
  if (state === 'undetermined') return 'maybe'
  return possible.length === 1 ? 'taken' : 'either'
}

/** Evidence that stands: of ranks that were not set aside. */
function standing({ evidence, conflicts }: AttemptVerdict): Evidence[] {
  const aside = new Set(conflicts.map(({ rank }) => rank))
  return evidence.filter(({ rank }) => !aside.has(rank))
}

function whyOut(path: PathClass, attempt: AttemptVerdict, stands: readonly Evidence[]): string {
  if (!attempt.grounds.start.includes(path)) return 'not possible from where this host stands'
  return stands.find(({ possible }) => !possible.includes(path))?.because ?? 'ruled out by stronger evidence'
}

const idsIn = (text: string, kinds: string): string[] => [
  ...new Set(text.match(new RegExp(`\\b(?:${kinds})-[0-9a-zA-Z]+`, 'g')) ?? []),
]

const beyondNames: [string, string][] = [
  ['tgw', 'transit gateway'],
  ['pcx', 'VPC peering'],
  ['vgw', 'virtual private gateway'],
  ['core-network', 'core network'],
  ['lgw', 'local gateway'],
]

function stationsOf(
  path: PathClass,
  attempt: AttemptVerdict,
  stands: readonly Evidence[],
  sure: boolean,
): Station[] {
  const route = stands.filter(({ rule }) => rule.startsWith('route.'))
  const carried = route.some(({ possible }) => possible.includes(path))
  // "nat-1>igw-2": behind the mark stands what the NAT gateway's own table leads to.
  const targets = carried ? attempt.bases.map(({ target }) => target.split('>')) : []
  const first = targets.map(([one = '']) => one).join(' ')
  const behind = targets.flatMap(([, ...rest]) => rest).join(' ')
  const station = (title: string, ids: readonly string[]): Station => ({
    title,
    detail: ids.slice(0, 3),
    sure,
  })
  switch (path) {
    case 'gateway_endpoint': {
      const lists = attempt.bases.some((basis) => /(^| )pl-/.test(basis.route))
      return [station('gateway endpoint', lists ? idsIn(first, 'vpce') : [])]
    }
    case 'interface_endpoint': {
      const told = stands.filter((e) => e.possible.includes(path) && !e.rule.startsWith('address.'))
      const ids = idsIn(told.map(({ because }) => because).join(' '), 'vpce')
      return [station('interface endpoint', ids.length > 0 ? ids : [attempt.address])]
    }
    case 'nat_gateway_endpoint':
      return [station('NAT gateway', idsIn(first, 'nat')), station('gateway endpoint', idsIn(behind, 'vpce'))]
    case 'nat_gateway':
      return [station('NAT gateway', idsIn(first, 'nat')), station('internet gateway', idsIn(behind, 'igw'))]
    case 'internet_gateway': {
      const ids = idsIn(first, 'igw|eigw|cagw')
      const [id = ''] = ids
      const title = id.startsWith('eigw')
        ? 'egress-only internet gateway'
        : id.startsWith('cagw')
          ? 'carrier gateway'
          : 'internet gateway'
      return [station(title, ids)]
    }
    case 'relay': {
      const appliance = route.some(({ rule }) => rule === 'route.appliance' || rule === 'route.vpce_by_cidr')
      return [station(classWords.relay, appliance ? idsIn(first, 'eni|i|vpce') : [])]
    }
    default:
      return [station(classWords[path], [])]
  }
}

function fromOf(attempt: AttemptVerdict, stands: readonly Evidence[]): Station[] {
  const { localAddress, localPort, networkInterface, bases, basis } = attempt
  const local =
    localAddress === null ? [] : [localPort === null ? localAddress : `${localAddress} port ${localPort}`]
  const stations: Station[] = [{ title: 'this host', detail: local, sure: true }]
  const leg = attempt.firstLeg ?? null
  if (leg !== null) {
    const sure = leg.leg !== 'unproven'
    const title = sure ? `first leg: ${legWords[leg.leg]}` : 'first leg: not proven'
    stations.push({ title, detail: [], sure })
  }
  const route = stands.find(({ rule }) => rule.startsWith('route.')) ?? null
  if (basis === null || basis.routeTable === '') {
    if (leg === null) {
      const detail = networkInterface === null ? [] : [networkInterface]
      stations.push({ title: 'no route table could be read for it', detail, sure: false })
    }
  } else {
    const because = route?.because ?? ''
    const [subnet] = idsIn(because, 'subnet')
    if (subnet !== undefined || networkInterface !== null) {
      stations.push({
        title: 'network interface',
        detail: [networkInterface, subnet].flatMap((id) => id ?? []),
        sure: networkInterface !== null,
      })
    }
    const routes = [
      ...new Set(
        bases.map((one) => `${one.routeTable}: ${one.route} → ${one.target.replaceAll('>', ' → ')}`),
      ),
    ]
    stations.push({
      title: 'route table',
      detail: routes.slice(0, 3),
      sure: routes.length === 1 && route !== null,
    })
  }
  const targets = bases.map(({ target }) => target).join(' ')
  for (const [prefix, title] of beyondNames) {
    const ids = idsIn(targets, prefix)
    if (ids.length > 0) stations.push({ title, detail: ids.slice(0, 3), sure: true })
  }
  return stations
}

/** From one judged attempt, and what its name says, to what may be drawn. Pure. */
export function wayOf(attempt: AttemptVerdict, name: NameOfWay): Way {
  const state = drawnState(attempt, name)
  const stands = standing(attempt)
  const lanes = pathClasses.map((path): Lane => {
    const status = statusOf(path, attempt, state)
    const out = status === 'out'
    return {
      class: path,
      side: sideOf[path],
      status,
      stations: out
        ? [{ title: classWords[path], detail: [], sure: true }]
        : stationsOf(path, attempt, stands, status === 'taken'),
      because: out ? whyOut(path, attempt, stands) : null,
    }
  })
  const answered = attempt.connected
    ? 'TLS handshake completed'
    : attempt.dialled
      ? 'no TLS handshake'
      : 'not dialled yet: this would be its way'
  return {
    state,
    from: fromOf(attempt, stands),
    lanes: [
      ...lanes.filter(({ status }) => status !== 'out'),
      ...lanes.filter(({ status }) => status === 'out'),
    ],
    to: {
      title: attempt.hostname,
      detail: [`${attempt.address} port ${attempt.port}`, answered],
      sure: attempt.connected,
    },
    connected: attempt.connected,
    dialled: attempt.dialled,
  }
}

const stationWords = ({ title, detail, sure }: Station): string =>
  `${title}${detail.length > 0 ? ` ${detail.join(', ')}` : ''}${sure ? '' : ' (?)'}`

/** The picture as sentences, for those who don't see it. */
export function wayInWords(way: Way): string[] {
  const from = way.from.map(stationWords).join(', then ')
  const of = (status: LaneStatus) => way.lanes.filter((lane) => lane.status === status)
  const names = (lanes: readonly Lane[]) =>
    lanes.map(({ stations }) => stations.map(stationWords).join(' and ')).join('; or ')
  const sentences = [`From ${from}.`]
  const taken = of('taken')
  if (taken.length > 0 && way.state === 'blocked') sentences.push('There nothing gets through.')
  else if (taken.length > 0) sentences.push(`The packets went by ${names(taken)}: a ${way.state} path.`)
  if (of('either').length > 0)
    sentences.push(`The packets went by one of these, all ${way.state}: ${names(of('either'))}.`)
  if (of('maybe').length > 0)
    sentences.push(`Not settled. These ways remain possible: ${names(of('maybe'))}.`)
  if (way.lanes.every(({ status }) => status === 'out')) sentences.push('What is known leaves no way at all.')
  sentences.push(`To ${way.to.title}, ${way.to.detail.join(', ')}.`)
  const out = of('out')
  if (out.length > 0) sentences.push(`Ruled out: ${out.map((lane) => lane.class).join(', ')}.`)
  return sentences
}
