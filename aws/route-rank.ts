import type { Route } from '../model/topology.ts'

/** A route that holds the address, by a destination or list entry of `length` bits. */
export interface Candidate {
  route: Route
  /** The destination, or the list's entry, in canonical text. */
  matchedPrefix: string
  length: number
}

/** How AWS ranks routes of one length: static CIDRs (and `local`) first, then lists, then propagated ones. */
type Rank = 'static' | 'list' | 'propagated'

const rankOrder: Readonly<Record<Rank, number>> = { static: 0, list: 1, propagated: 2 }

/** Every rank that the route may have; an origin that is not known may stand anywhere. */
function ranksOf(route: Route): Rank[] {
  const usual: Rank = route.destination.kind === 'prefix_list' ? 'list' : 'static'
  if (route.origin === 'unknown') return [...new Set<Rank>([usual, 'static', 'propagated'])]
  if (route.origin !== 'propagated') return [usual]
  return usual === 'list' ? ['list', 'propagated'] : ['propagated']
}

/**
 * Whether it makes no difference which of the two wins. For endpoints the destination counts too: a list and a CIDR to the
 * same `vpce-` do not say the same.
 */
function equivalent(a: Route, b: Route): boolean {
  const sameTarget = a.target.kind === b.target.kind && a.target.id === b.target.id && a.state === b.state
  // Two states that are not known need not be the same one.
  if (!sameTarget || a.target.kind === 'unknown' || a.state === 'unknown') return false
  return a.target.kind !== 'vpc_endpoint' || JSON.stringify(a.destination) === JSON.stringify(b.destination)
}

const isLocal = (route: Route): boolean => route.origin === 'local' || route.target.kind === 'local'

function beats(a: Candidate, rankA: Rank, b: Candidate, rankB: Rank): boolean {
  if (a.length < b.length) return false
  if (a.length === b.length) return rankOrder[rankA] < rankOrder[rankB]
  if (equivalent(a.route, b.route)) return true
  // two lists with overlapping entries: AWS chooses at random (VPC guide, route priority and prefix lists)
  if (rankA === 'list' && rankB === 'list') return false
  // the same page: a static CIDR that overlaps a list's route takes priority; "gateway endpoints" says: of the exact range
  if (rankA === 'list' && rankB === 'static' && b.length > 0) return false
  if (rankA === 'propagated' && rankB === 'list') return false
  // Site-to-Site VPN guide, route priority: local is preferred even if the propagated route is more specific
  if (rankA === 'propagated' && isLocal(b.route)) return false
  return true
}

/** True only if `a` beats `b` by every reading of AWS's texts, whatever rank an unknown origin gives them. */
export function surelyBeats(a: Candidate, b: Candidate): boolean {
  return ranksOf(a.route).every((rankA) => ranksOf(b.route).every((rankB) => beats(a, rankA, b, rankB)))
}

/**
 * The smallest set of candidates each of which surely beats every one outside it: all that may win where "beats" is not
 * sure, or goes in a circle (a list over a static CIDR, that over a propagated route, that over the list).
 */
function undecided(candidates: readonly Candidate[]): Candidate[] {
  const wins = (a: Candidate) => candidates.filter((b) => surelyBeats(a, b)).length
  const [first, ...others] = [...candidates].sort((a, b) => wins(b) - wins(a))
  if (first === undefined) return []
  const chosen = [first]
  let rest = others
  for (let index = 0; index < chosen.length; index++) {
    const member = chosen[index]
    if (member === undefined) break
    chosen.push(...rest.filter((other) => !surelyBeats(member, other)))
    rest = rest.filter((other) => surelyBeats(member, other))
  }
  return chosen
}

/**
 * Every candidate that may carry the packets: the longest prefix, and whatever AWS's rules leave beside it. A route in a
 * state that is not known may take part or not, so what wins without it is among them. Blackholes take part: they win and
 * drop, and nothing falls through to a shorter prefix. No order is promised.
 */
export function possibleWinners(candidates: readonly Candidate[]): Candidate[] {
  const winners = new Set<Candidate>()
  let remaining = [...candidates]
  for (;;) {
    const top = undecided(remaining)
    for (const candidate of top) winners.add(candidate)
    const doubtful = new Set(top.filter((candidate) => candidate.route.state === 'unknown'))
    if (doubtful.size === 0) return [...winners]
    remaining = remaining.filter((candidate) => !doubtful.has(candidate))
  }
}
