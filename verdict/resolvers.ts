import type { DnsAnswer, DnsObservation } from '../model/observation.ts'
import type { AnswerKind, ResolverState, ResolverView } from '../model/resolver-view.ts'
import type { Topology } from '../model/topology.ts'
import { canonicalIp, destinationIp, parseIp } from '../net/ip.ts'
import { isPrivateAddress } from './rules/address.ts'

interface Answers {
  kind: AnswerKind
  /** Canonical, private ones first. */
  addresses: string[]
  privates: string[]
}

const answersOf = ({ ipv4, ipv6 }: DnsObservation): DnsAnswer[] => [ipv4, ipv6]

function isPrivate(address: string, topology: Topology): boolean {
  const ip = parseIp(address)
  if (!ip.ok) return false
  const known = topology.trustedEndpoints.some((t) => t.addresses.includes(address))
  return known || isPrivateAddress(ip.value, topology, null)
}

/**
 * What one resolver answered, put into a word. Addresses count as private by the same rule as in verdicts, and those of
 * trusted endpoints as well.
 */
function read(observations: readonly DnsObservation[], topology: Topology): Answers {
  const answers = observations.flatMap(answersOf)
  const found = new Set(
    answers.flatMap((answer) =>
      answer.answered
        ? answer.addresses.flatMap(({ address }) => destinationIp(address) ?? canonicalIp(address) ?? [])
        : [],
    ),
  )
  const privates = [...found].filter((address) => isPrivate(address, topology))
  const publics = [...found].filter((address) => !privates.includes(address))
  const addresses = [...privates, ...publics]
  const kind = ((): AnswerKind => {
    if (privates.length > 0) return publics.length > 0 ? 'mixed' : 'private'
    if (publics.length > 0) return 'public'
    if (answers.length === 0 || answers.some((answer) => !answer.answered)) return 'failed'
    return answers.every((answer) => answer.answered && answer.rcode === 'NXDOMAIN') ? 'absent' : 'none'
  })()
  return { kind, addresses, privates }
}

function compared(own: Answers, counted: Answers): ResolverState {
  if (own.kind === 'failed' || counted.kind === 'failed') return 'failed'
  if (own.kind !== counted.kind) return 'different'
  // Public answers rotate; those of an endpoint don't, so that others are another endpoint's, or somebody else's.
  const apart = own.kind === 'private' && !own.privates.some((a) => counted.privates.includes(a))
  return apart ? 'different' : 'same'
}

const mostShown = 4

const words: Record<AnswerKind, string> = {
  private: 'private addresses',
  public: 'public addresses',
  mixed: 'private and public addresses',
  none: 'no address',
  absent: 'that the name does not exist',
  failed: 'nothing',
}

/** The mistake of a split horizon that a difference is the mark of, in words; null where there is none. */
function mistake(
  resolver: string,
  hostname: string,
  own: Answers,
  counted: Answers,
  countedBy: string,
): string | null {
  const say = `${resolver} answers ${words[own.kind]} for ${hostname}`
  const others = `${countedBy} answers ${words[counted.kind]}`
  if (own.kind === 'failed') return `${resolver} gives no answer for ${hostname}`
  if (counted.kind === 'failed') return null
  if (own.kind === 'mixed')
    return `${say}: some of its servers have a forwarding rule for the name, some have not`
  const positive = counted.kind === 'private' || counted.kind === 'mixed'
  if (own.kind === 'public' && positive) return `${say}: its forwarding rule is missing (${others})`
  if (own.kind === 'private' && counted.kind === 'public')
    return `${say}, ${others}: ${countedBy} lacks the forwarding rule that ${resolver} has`
  if (own.kind === counted.kind) {
    const shown = own.privates.slice(0, mostShown).join(', ')
    return own.kind === 'private'
      ? `${say} that ${countedBy} does not (${shown}): another endpoint's, or somebody else's`
      : null
  }
  if ((own.kind === 'absent' || own.kind === 'none') && positive)
    return `${say}: a zone of its own hides the name (${others})`
  return `${say}, ${others}`
}

/**
 * What each resolver says of a name, by the observations of one cycle. Compared resolvers are set against the union of those
 * that count. It stands beside the verdict and is never part of it: what is not asked for answers can't make a path private.
 * `sinceMs` is null: only who has watched over time can tell.
 */
export function resolverViews(
  hostname: string,
  observations: readonly DnsObservation[],
  topology: Topology,
): ResolverView[] {
  const counting = observations.filter(({ counts }) => counts)
  const counted = read(counting, topology)
  const countedBy = [...new Set(counting.map(({ resolver }) => resolver))].join(', ')
  return observations.map((observation): ResolverView => {
    const { resolver, server, counts } = observation
    const own = read([observation], topology)
    const state = counts ? null : compared(own, counted)
    const because =
      state === null || state === 'same' ? null : mistake(resolver, hostname, own, counted, countedBy)
    return {
      resolver,
      server,
      counts,
      kind: own.kind,
      state,
      addresses: own.addresses.slice(0, mostShown),
      because,
      sinceMs: null,
    }
  })
}
