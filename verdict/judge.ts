import type { Basis, Evidence, Flag } from '../model/evidence.ts'
import type { Attempt } from '../model/observation.ts'
import { type Confirmation, type PathClass, type PathState, pathClasses } from '../model/path.ts'
import type { Topology, Vantage } from '../model/topology.ts'
import type { AttemptVerdict } from '../model/verdict.ts'
import { lookupSubnetRoute } from '../aws/route.ts'
import { formatIp, mappedIpv4, parseIp } from '../net/ip.ts'
import { type Elimination, eliminate } from './eliminate.ts'
import { type OwnInterface, ownInterface } from './own-interface.ts'
import { type Possible, intersect, settled, union, without } from './possible.ts'
import { type Reading, readingsFor } from './reading.ts'
import { addressEvidence, widest } from './rules/address.ts'
import { type EndpointShown, endpointShown } from './rules/endpoint.ts'
import { type RouteReading, routeEvidence } from './rules/route.ts'
import { type RowId, evidenceOf } from './rules/rows.ts'
import { type SocketContext, handshakeCompleted, socketEvidence } from './rules/socket.ts'

/** What the judge must be told beside the attempt and the topology. */
export interface AttemptContext extends SocketContext {
  /** Evidence that came later, or from elsewhere: flow records, canary, CloudTrail. */
  late: readonly Evidence[]
  /** How far the records of the network have confirmed this attempt. */
  confirmation: Confirmation
}

export const noContext: AttemptContext = {
  timeoutsInARow: 0,
  othersConnected: false,
  families: [],
  late: [],
  confirmation: 'unavailable',
}

/** The judgement with what it was made of; the parts serve the advice and the grouping of addresses. */
export interface Judged {
  verdict: AttemptVerdict
  own: OwnInterface
  readings: Reading[]
  routes: RouteReading[]
  endpoint: EndpointShown | null
  /** Why there is no route evidence; null where there is. */
  noRoute: string | null
}

/** The classes that a vantage leaves to begin with. */
export function classesOf(vantage: Vantage, snatRelay: boolean): Possible {
  return vantage.kind === 'on-prem' && !snatRelay ? without(pathClasses, 'gateway_endpoint') : pathClasses
}

interface RouteFinding {
  evidence: Evidence | null
  routes: RouteReading[]
  endpoint: EndpointShown | null
  own: OwnInterface
  noRoute: string | null
}

/** Route evidence under every reading that counts; the union over them stands. */
function routeFinding(attempt: Attempt, readings: readonly Reading[], topology: Topology): RouteFinding {
  const nowhere: OwnInterface = {
    known: false,
    because: 'no reading of the account was made before this attempt',
  }
  if (readings.length === 0) {
    const own = topology.vantage.kind === 'on-prem' ? onPrem(attempt, topology) : nowhere
    const endpoint = endpointShown(attempt, own, null, null, topology)
    return { evidence: null, routes: [], endpoint, own, noRoute: own.known ? null : own.because }
  }
  const ip = parseIp(attempt.address)
  const found = readings.map((reading) => {
    const own = ownInterface(attempt, topology.vantage, reading)
    const lookup =
      own.known && ip.ok ? lookupSubnetRoute(reading.snapshot, own.subnetId, own.vpcId, ip.value) : null
    const usable = reading.has('routeTables') ? lookup : null
    const endpoint = endpointShown(attempt, own, usable, reading, topology)
    const lacking = reading.lacking.find((l) => l.part === 'routeTables')
    const route =
      lookup !== null && usable === null
        ? { because: lacking?.because ?? 'the route tables could not be read' }
        : routeEvidence(attempt, own, usable, endpoint, reading, topology)
    return { own, endpoint, route }
  })
  const endpoint = widest(found.map((f) => f.endpoint))
  const [first] = found
  const own = first?.own ?? nowhere
  const routes: RouteReading[] = []
  const evidence: Evidence[] = []
  for (const { route } of found) {
    if (!('evidence' in route)) return { evidence: null, routes: [], endpoint, own, noRoute: route.because }
    routes.push(route.read)
    evidence.push(route.evidence)
  }
  const [newest] = evidence.slice(-1)
  if (newest === undefined) return { evidence: null, routes, endpoint, own, noRoute: 'no reading' }
  const distinct = new Set(evidence.map((e) => e.rule))
  const rule: RowId = distinct.size === 1 ? (newest.rule as RowId) : 'route.several'
  // By the reading that was newest when the attempt began nothing would have got through, and yet it did. Then that was
  // not how it was, and what a later reading says may have come after the attempt: the contradiction stands.
  const [base] = evidence
  const belied = handshakeCompleted(attempt) && base !== undefined && settled(base.possible) === 'blocked'
  const united =
    evidence.length === 1 || belied
      ? (base ?? newest)
      : evidenceOf(rule, {
          because: [...new Set(evidence.map((e) => e.because))].join('; and read again: '),
          source: newest.source,
          observedAtMs: newest.observedAtMs,
          possible: union(...evidence.map((e) => e.possible)),
          flags: [...new Set(evidence.flatMap((e) => e.flags))],
          assumptions: [...new Set(evidence.flatMap((e) => e.assumptions))],
        })
  return { evidence: united, routes, endpoint, own, noRoute: null }
}

function onPrem(attempt: Attempt, topology: Topology): OwnInterface {
  return ownInterface(attempt, topology.vantage, {
    snapshot: emptyInterfaces,
    has: () => false,
    lacking: [],
  })
}

const emptyInterfaces = { networkInterfaces: [] } as unknown as Reading['snapshot']

function finalState(elimination: Elimination, connected: boolean): PathState {
  const { settles, proof, conflictOfSide, strongerThanConflict } = elimination
  if (settles === 'blocked') return conflictOfSide ? 'undetermined' : 'blocked'
  if (!connected) return 'undetermined'
  if (conflictOfSide) return strongerThanConflict === 'public' ? 'public' : 'undetermined'
  if (settles === 'private' && (proof === 'consistent' || proof === 'given')) return 'undetermined'
  return settles ?? 'undetermined'
}

/** On-prem no table routes; what a verdict rests on there is the declared way to one endpoint. */
function declaredBasis(attempt: Attempt, { endpoint }: RouteFinding): Basis[] {
  if (endpoint?.row !== 'endpoint.trusted') return []
  return [
    {
      networkInterface: attempt.host.device ?? '',
      routeTable: '',
      route: 'declared',
      target: endpoint.endpoint,
    },
  ]
}

/** What the state would be if the attempt had connected: `blocked` out of every set that holds more. */
export function wouldBeState(elimination: Elimination): PathState {
  if (elimination.conflictOfSide)
    return elimination.strongerThanConflict === 'public' ? 'public' : 'undetermined'
  const rest = without(elimination.possible, 'blocked')
  if (rest.length === 0) return elimination.possible.length === 0 ? 'undetermined' : 'blocked'
  const state = settled(rest) ?? 'undetermined'
  return state === 'private' && elimination.proofIfConnected === 'consistent' ? 'undetermined' : state
}

/** An IPv4-mapped address travels as IPv4, whatever record it came in (RFC 4291 2.5.5.2). */
function unmapped(attempt: Attempt): Attempt {
  const text = (address: string | null): string | null => {
    const parsed = address === null ? null : parseIp(address)
    const inner = parsed?.ok ? mappedIpv4(parsed.value) : null
    return inner === null ? address : formatIp(inner)
  }
  const address = text(attempt.address) ?? attempt.address
  if (address === attempt.address) return attempt
  return { ...attempt, address, family: 4, localAddress: text(attempt.localAddress) }
}

/** Judges one attempt and keeps what the judgement was made of. */
export function judgeWithParts(
  given: Attempt,
  topology: Topology,
  context: AttemptContext = noContext,
): Judged {
  const attempt = unmapped(given)
  const readings = readingsFor(topology.readings, attempt.stamp.wallMs, topology.limits)
  const finding = routeFinding(attempt, readings, topology)
  const evidence: Evidence[] = [
    ...socketEvidence(attempt, context),
    ...context.late,
    ...(finding.evidence ? [finding.evidence] : []),
    ...addressEvidence(attempt, finding.endpoint, readings, topology),
  ]
  const start = classesOf(
    topology.vantage,
    topology.sites.some((s) => s.snatRelay),
  )
  const elimination = eliminate(evidence, start)
  const connected = handshakeCompleted(attempt)
  const state = finalState(elimination, connected)
  const timeoutRow = evidence.some((e) => e.rule === 'socket.timeouts')
  const withoutTimeouts = eliminate(
    evidence.filter((e) => e.rule !== 'socket.timeouts'),
    start,
  )
  const flags: Flag[] = [...new Set(evidence.flatMap((e) => e.flags))]
  if (attempt.proxyVariables.length > 0) flags.push('proxy_configured')
  if (attempt.host.redirect === 'possible') flags.push('redirect_on_host')
  const bases =
    finding.routes.length > 0 ? finding.routes.map((r) => r.basis) : declaredBasis(attempt, finding)
  const basis = bases.at(-1) ?? null
  const verdict: AttemptVerdict = {
    id: attempt.stamp.id,
    hostname: attempt.hostname,
    address: attempt.address,
    port: attempt.port,
    family: attempt.family,
    localAddress: attempt.localAddress,
    localPort: attempt.localPort,
    resolvers: attempt.resolvers,
    atMs: attempt.stamp.wallMs,
    state,
    wouldBe: connected ? state : wouldBeState(elimination),
    connected,
    dialled: attempt.outcome.reached !== 'not_dialled',
    blockedByTimeouts: state === 'blocked' && timeoutRow && settled(withoutTimeouts.possible) !== 'blocked',
    possible: elimination.possible,
    proof: state === 'undetermined' ? null : elimination.proof,
    confirmation: context.confirmation,
    evidence: byRank(evidence),
    conflicts: elimination.conflicts,
    assumptions: [...new Set(evidence.flatMap((e) => e.assumptions))],
    flags,
    basis,
    bases,
    timings: attempt.timings,
    wouldDecide: [],
    fix: [],
  }
  return {
    verdict,
    own: finding.own,
    readings,
    routes: finding.routes,
    endpoint: finding.endpoint,
    noRoute: finding.noRoute,
  }
}

/** Judges one attempt: (observations, topology) → verdict. Pure; times come with the observations. */
export function judgeAttempt(
  attempt: Attempt,
  topology: Topology,
  context: AttemptContext = noContext,
): AttemptVerdict {
  return judgeWithParts(attempt, topology, context).verdict
}

const strength: Record<Evidence['rank'], number> = {
  given: 0,
  attested: 1,
  observed: 2,
  configured: 3,
  consistent: 4,
}

/** Strongest first; within a rank what eliminates more first, so that the deciding reason leads. */
function byRank(evidence: readonly Evidence[]): Evidence[] {
  return evidence.toSorted(
    (a, b) =>
      strength[a.rank] - strength[b.rank] ||
      a.possible.length - b.possible.length ||
      (a.rule < b.rule ? -1 : 1),
  )
}

/** True if `classes` hold everything that is possible of this verdict. */
export function within(verdict: AttemptVerdict, classes: readonly PathClass[]): boolean {
  return (
    verdict.possible.length > 0 && intersect(verdict.possible, classes).length === verdict.possible.length
  )
}
