import type { FirstLeg, FirstLegFinding, TargetFirstLeg, Trace } from '../model/first-leg.ts'
import type { Attempt, HostRoute } from '../model/observation.ts'
import type { Target } from '../model/target.ts'
import type { Site, Topology } from '../model/topology.ts'
import type { AttemptVerdict, NameVerdict } from '../model/verdict.ts'
import { type Ip, parseIp } from '../net/ip.ts'
import { specialPurpose } from '../net/special.ts'
import { directConnectAgainst, directConnectFor, publicWayDecider } from './direct-connect.ts'
import {
  type Hop,
  hopsOf,
  interfacesAt,
  isUnknownLinkLocal,
  isUnknownPublic,
  isUp,
  traceOf,
} from './first-leg-hops.ts'
import { holds as within } from './prefixes.ts'
import { rewritingAssumed } from './rewriting.ts'

const legWords = { direct_connect: 'Direct Connect', vpn: 'a VPN', unproven: 'unproven' } as const

const tunnels: readonly HostRoute['deviceKind'][] = ['tun', 'wireguard']
const lines: readonly HostRoute['deviceKind'][] = ['physical', 'vlan', 'bond']

/** Why the kernel's word on this connection does not fix by which device and next hop it leaves; null: it does. */
function kernelDoubt({
  method,
  device,
  deviceKind,
  selectorRules,
  redirect,
  detail,
}: HostRoute): string | null {
  if (method === 'none' || device === null)
    return `the kernel's route for this connection is not known (${detail ?? 'not asked'})`
  if (method === 'ip_route_get' && selectorRules !== false)
    return 'a policy-routing rule of this host may send the connection another way'
  if (redirect === 'possible') return 'a redirect on this host may match the connection'
  if (!lines.includes(deviceKind) && !tunnels.includes(deviceKind))
    return `the device ${device} is ${deviceKind ?? 'of unknown kind'}, neither a line of this host nor a tunnel that is known`
  return null
}

function place({ by, ttl, address }: Hop, trace: Trace | null): string {
  if (by === 'kernel') return `the kernel's next hop ${address}`
  return `hop ${ttl} of a TCP trace to port ${trace?.port ?? 0}, ${address},`
}

/** A hop that a declaration gives a meaning. */
interface Meaning {
  hop: Hop
  site: Site
  leg: 'direct_connect' | 'vpn'
  because: string
}

/** What the declarations of these sites, and the ends of virtual interfaces that are up, say of the hops. */
function meanings(
  hops: readonly Hop[],
  sites: readonly Site[],
  trace: Trace | null,
  topology: Topology,
): Meaning[] {
  const found: Meaning[] = []
  for (const hop of hops) {
    for (const site of sites) {
      const leg = site.firstLeg
      if (leg === null) continue
      if (within(site.nextHops, hop.ip)) {
        const because = `${place(hop, trace)} is declared as a next hop of ${legWords[leg]} (site ${site.name})`
        found.push({ hop, site, leg, because })
        continue
      }
      // Link-local ends are a matter of the two routers alone, and a VPN elsewhere may have the very same.
      const counts = leg === 'direct_connect' && specialPurpose(hop.ip) !== 'link_local'
      const [vif] = counts ? interfacesAt(hop.ip, topology).filter(isUp) : []
      if (vif === undefined) continue
      const because = `${place(hop, trace)} is an end of the virtual interface ${vif.id}, which is up, and site ${site.name} is declared to use Direct Connect`
      found.push({ hop, site, leg, because })
    }
  }
  return found
}

function unproven(
  because: string[],
  more: { unknownHops?: string[]; wouldDecide?: string[] } = {},
): FirstLegFinding {
  const { unknownHops = [], wouldDecide = [] } = more
  return { leg: 'unproven', because, unknownHops, assumptions: [], wouldDecide }
}

/** What is still to be had. */
function lacking(sites: readonly Site[], trace: Trace | null, to: Ip, topology: Topology): string[] {
  const out: string[] = []
  const legs = sites.filter((site) => site.firstLeg !== null)
  if (legs.length === 0) out.push('first_leg and next_hops of this site (sites)')
  else if (legs.every((site) => site.nextHops.length === 0))
    out.push(
      `next_hops of site ${legs.map(({ name }) => name).join(', ')} (sites): the router's peer addresses`,
    )
  if (trace === null) out.push('a TCP trace that shows the hops behind the next one (trace: { every: 5m })')
  else if (!trace.result.traced) out.push(`a TCP trace; the last one gave none: ${trace.result.detail}`)
  if ((topology.directConnect ?? null) === null)
    out.push(
      'the state of the virtual interfaces (direct_connect: { every: 5m }; directconnect:DescribeVirtualInterfaces, directconnect:ListVirtualInterfaceRoutes)',
    )
  const way = publicWayDecider(to, topology)
  return way === null ? out : [...out, way]
}

/** A hop at which a meaning was found, and at which others answered that do not have it: packets may go either way. */
function splitAt(hops: readonly Hop[], found: readonly Meaning[]): number | null {
  const split = found.find(
    ({ hop, leg }) =>
      hop.by === 'trace' &&
      hops.some(
        (other) =>
          other.by === 'trace' &&
          other.ttl === hop.ttl &&
          !found.some((m) => m.hop.address === other.address && m.leg === leg),
      ),
  )
  return split?.hop.ttl ?? null
}

/**
 * The first leg of one attempt, from the kernel's own route, the declared sites, the hops of a trace and the Direct Connect
 * API. Null on EC2, and where nothing says that this host is anywhere else. Nothing but a declaration gives a hop its meaning, and nothing that was seen may contradict: a link-local
 * hop alone is a VPN's as well as Direct Connect's, and a declaration alone shows nothing.
 */
export function firstLegOf(attempt: Attempt, topology: Topology): FirstLegFinding | null {
  const { kind } = topology.vantage
  if (kind === 'ec2' || (kind === 'unknown' && topology.sites.length === 0)) return null
  const to = parseIp(attempt.address)
  if (!to.ok) return unproven(['the destination is no address'])
  const { host } = attempt
  const trace = traceOf(attempt, topology)
  const hops = hopsOf(attempt, trace)
  const local = parseIp(attempt.localAddress ?? host.source ?? '')
  const from = local.ok ? local.value : null
  const sites = from === null ? [] : topology.sites.filter((site) => within(site.prefixes, from))
  const wouldDecide = lacking(sites, trace, to.value, topology)
  const unknownHops = [
    ...new Set(hops.filter((hop) => isUnknownPublic(hop, topology)).map(({ address }) => address)),
  ]
  const no = (...because: string[]): FirstLegFinding => unproven(because, { unknownHops, wouldDecide })

  if (unknownHops.length > 0) {
    return no(`the way leads over ${unknownHops.join(', ')}: public, and neither AWS's nor declared`)
  }
  const doubt = kernelDoubt(host)
  if (doubt !== null) return no(doubt)
  if (from === null) return no('the address that the connection leaves from is not known')
  if (sites.length === 0) return no('no declared site holds the address that the connection leaves from')
  if (sites.some((site) => within(site.prefixes, to.value)))
    return no(`${attempt.address} is in the site itself: what relays it from there is not known`)

  const tunnel = tunnels.includes(host.deviceKind)
  const found = meanings(hops, sites, trace, topology)
  const legs = new Set<FirstLeg>(found.map(({ leg }) => leg))
  if (legs.size > 1) return no('the hops speak for both', ...found.map(({ because }) => because))
  const split = splitAt(hops, found)
  if (split !== null)
    return no(`at hop ${split} of the trace others answered as well: there are several ways`)
  const strange = hops.find((hop) => isUnknownLinkLocal(hop, topology))
  if (strange !== undefined) {
    return no(
      `${place(strange, trace)} is link-local and not declared: a VPN tunnel has such addresses as well as Direct Connect`,
    )
  }
  const declaredVpn = sites.filter(({ firstLeg }) => firstLeg !== null).every((s) => s.firstLeg === 'vpn')
  const named = sites.filter(({ firstLeg }) => firstLeg !== null).map(({ name }) => name)
  if (tunnel && declaredVpn && named.length > 0) {
    return {
      leg: 'vpn',
      because: [
        `it leaves by ${host.device}, a ${host.deviceKind} tunnel of this host, and site ${named.join(', ')} is declared to use a VPN`,
      ],
      unknownHops: [],
      assumptions: [`sites: ${named.join(', ')}`],
      wouldDecide: [],
    }
  }
  const [first] = found
  if (first === undefined) return no(nothingFound(sites, trace, host))
  // What is to be asked and is not answered might have spoken against: losing it must not make the word stronger.
  if (topology.traces !== undefined && trace?.result.traced !== true)
    return no(
      `no trace of this way: ${trace?.result.traced === false ? trace.result.detail : 'none was made lately'}`,
    )
  if (first.leg === 'vpn') return shown(found, [])
  if (tunnel) return no(`it leaves by ${host.device}, a ${host.deviceKind} tunnel of this host`)
  if (topology.directConnect === null) return no('the Direct Connect API could not be read lately')
  const stale = found.flatMap(({ hop }) => interfacesAt(hop.ip, topology)).find((vif) => !isUp(vif))
  if (stale !== undefined) return no(`the virtual interface ${stale.id} is not up (${stale.state})`)
  const against = directConnectAgainst(to.value, from, topology)
  if (against !== null) return no(against)
  const behind =
    found.every(({ hop }) => hop.by === 'kernel') && trace?.result.traced !== true
      ? [`what lies behind ${first.hop.address} is as declared`]
      : []
  behind.push(rewritingAssumed(host))
  const inFavour = directConnectFor(to.value, topology)
  const leg = shown(found, behind)
  return inFavour === null ? leg : { ...leg, because: [...leg.because, inFavour] }
}

function shown(found: readonly Meaning[], behind: readonly string[]): FirstLegFinding {
  const sites = [...new Set(found.map(({ site, leg }) => `sites: ${site.name} by ${legWords[leg]}`))]
  const traced = found.some(({ hop }) => hop.by === 'trace')
  const answers = traced
    ? ['routers answer a trace under their own addresses, and packets of the connection take its way']
    : []
  return {
    leg: found[0]?.leg ?? 'unproven',
    because: [...new Set(found.map(({ because }) => because))],
    unknownHops: [],
    assumptions: [...sites, ...answers, ...behind],
    wouldDecide: [],
  }
}

function nothingFound(sites: readonly Site[], trace: Trace | null, { gateway }: HostRoute): string {
  const next =
    gateway === null
      ? 'the kernel has no next hop'
      : `the kernel's next hop ${gateway} is none that is declared`
  const seen = trace?.result.traced === true ? `${next}, and no hop of the trace is` : next
  const legs = sites.filter(({ firstLeg }) => firstLeg !== null)
  if (legs.length === 0) return `${seen}; the site declares no first leg`
  const said = legs.map(({ name, firstLeg }) => `${legWords[firstLeg ?? 'unproven']} (site ${name})`)
  return `${seen}; that it goes by ${said.join(' or ')} is only declared`
}

const mostReasons = 8

/**
 * The first leg of a target: the one that every connection of its names takes that is not blocked; else `unproven`. Null
 * where the attempts have none (EC2).
 */
export function firstLegOfTarget(
  required: Target['requireFirstLeg'],
  names: readonly NameVerdict[],
): TargetFirstLeg | null {
  const attempts = names.flatMap((name) => name.attempts)
  const none = attempts.every(({ firstLeg }) => (firstLeg ?? null) === null)
  if (none && (attempts.length > 0 || required === 'any')) return null
  const open = attempts.filter(({ state }) => state !== 'blocked')
  const finding = together(open)
  return { ...finding, required, met: required === 'any' ? null : finding.leg === required }
}

function together(attempts: readonly AttemptVerdict[]): FirstLegFinding {
  if (attempts.length === 0) return unproven(['no connection shows it'])
  const findings = attempts.map(({ firstLeg }) => firstLeg ?? unproven(['nothing was seen of it']))
  const legs = new Set(findings.map(({ leg }) => leg))
  const [only] = legs
  const gather = (of: (finding: FirstLegFinding) => readonly string[]): string[] =>
    [...new Set(findings.flatMap(of))].slice(0, mostReasons)
  if (only !== undefined && legs.size === 1) {
    return {
      leg: only,
      because: gather((f) => f.because),
      unknownHops: gather((f) => f.unknownHops),
      assumptions: gather((f) => f.assumptions),
      wouldDecide: gather((f) => f.wouldDecide),
    }
  }
  const each = attempts.map(({ address }, index) => {
    const { leg = 'unproven', because = [] } = findings[index] ?? {}
    return `${address}: ${legWords[leg]} (${because[0] ?? ''})`
  })
  return {
    ...unproven([...new Set(each)].slice(0, mostReasons)),
    unknownHops: gather((f) => f.unknownHops),
    wouldDecide: gather((f) => f.wouldDecide),
  }
}
