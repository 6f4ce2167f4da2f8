import type { Evidence, Flag } from '../model/evidence.ts'
import type { Attempt } from '../model/observation.ts'
import { type Confirmation, type PathClass, type PathState, pathClasses } from '../model/path.ts'
import type { Topology, Vantage } from '../model/topology.ts'
import type { AttemptVerdict } from '../model/verdict.ts'
import { type Elimination, eliminate } from './eliminate.ts'
import type { OwnInterface } from './own-interface.ts'
import { type Possible, intersect, settled, without } from './possible.ts'
import { type Reading, readingsFor } from './reading.ts'
import { firstLegOf } from './first-leg.ts'
import { basesOf, routeFinding } from './route-finding.ts'
import { addressEvidence } from './rules/address.ts'
import type { EndpointShown } from './rules/endpoint.ts'
import type { RouteReading } from './rules/route.ts'
import { type SocketContext, handshakeCompleted, socketEvidence } from './rules/socket.ts'
import { unmapped } from './unmapped.ts'

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

function finalState(elimination: Elimination, connected: boolean): PathState {
  const { settles, proof, conflictOfSide, strongerThanConflict } = elimination
  if (settles === 'blocked') return conflictOfSide ? 'undetermined' : 'blocked'
  if (!connected) return 'undetermined'
  if (conflictOfSide) return strongerThanConflict === 'public' ? 'public' : 'undetermined'
  if (settles === 'private' && (proof === 'consistent' || proof === 'given')) return 'undetermined'
  return settles ?? 'undetermined'
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
    ...(finding.evidence ? [finding.evidence] : []),
    ...addressEvidence(attempt, finding.endpoint, readings, topology),
  ]
  const flags: Flag[] = []
  if (attempt.proxyVariables.length > 0) flags.push('proxy_configured')
  if (attempt.host.redirect === 'possible') flags.push('redirect_on_host')
  const bases = basesOf(attempt, finding)
  const start = classesOf(
    topology.vantage,
    topology.sites.some((s) => s.snatRelay),
  )
  const unjudged: AttemptVerdict = {
    id: attempt.stamp.id,
    hostname: attempt.hostname,
    address: attempt.address,
    port: attempt.port,
    family: attempt.family,
    localAddress: attempt.localAddress,
    localPort: attempt.localPort,
    resolvers: attempt.resolvers,
    atMs: attempt.stamp.wallMs,
    madeMonotonicMs: attempt.stamp.monotonicMs,
    state: 'undetermined',
    wouldBe: 'undetermined',
    connected: handshakeCompleted(attempt),
    dialled: attempt.outcome.reached !== 'not_dialled',
    blockedByTimeouts: false,
    possible: [...start],
    proof: null,
    confirmation: 'unavailable',
    evidence,
    conflicts: [],
    assumptions: [],
    flags,
    basis: bases.at(-1) ?? null,
    bases,
    networkInterface: finding.own.known ? finding.own.id : null,
    grounds: { start: [...start], late: [] },
    timings: attempt.timings,
    wouldDecide: [],
    fix: [],
    firstLeg: firstLegOf(attempt, topology),
  }
  return {
    verdict: withLate(unjudged, context.late, context.confirmation),
    own: finding.own,
    readings,
    routes: finding.routes,
    endpoint: finding.endpoint,
    noRoute: finding.noRoute,
  }
}

/** Late evidence as it is by what else is known now: readings that came after it may have widened what it leans on. */
function standsOn(own: readonly Evidence[], late: Evidence): Evidence {
  const { leansOn } = late
  if (leansOn === undefined || own.some((e) => e.rule === leansOn.rule)) return late
  const because = `${late.because}; yet a later reading no longer shows it so (${leansOn.rule})`
  return { ...late, possible: leansOn.otherwise, because }
}

/**
 * A private verdict of which all classes are doubted, by records that may be another connection's or not all there are,
 * is none. Such records eliminate nothing and make nothing public.
 */
function isHeld(evidence: readonly Evidence[], possible: Possible): (state: PathState) => PathState {
  const doubted = evidence.flatMap((e) => e.doubts ?? [])
  const held = without(possible, 'blocked').every((c) => doubted.includes(c))
  return (state) => (state === 'private' && held ? 'undetermined' : state)
}

/** Flags that no evidence brings along. */
const flagsOfTheHost: readonly Flag[] = ['proxy_configured', 'redirect_on_host']

/**
 * The verdict with `late` in the place of whatever came late before: the one elimination that every verdict comes from,
 * needing neither the attempt nor the readings of the account, so that records can be judged long after. Judging with
 * late evidence at once gives the same. What would decide and mend it stays as it was. Pure.
 */
export function withLate(
  verdict: AttemptVerdict,
  late: readonly Evidence[],
  confirmation: Confirmation,
): AttemptVerdict {
  const { grounds, connected } = verdict
  const former = new Set(grounds.late)
  const own = verdict.evidence.filter((_, index) => !former.has(index))
  const standing = late.map((e) => standsOn(own, e))
  const evidence = byRank([...own, ...standing])
  const lately = new Set(standing)
  const elimination = eliminate(evidence, grounds.start)
  const held = isHeld(evidence, elimination.possible)
  const state = held(finalState(elimination, connected))
  const onlyByTimeouts = (): boolean => {
    const rest = evidence.filter((e) => e.rule !== 'socket.timeouts')
    return rest.length < evidence.length && settled(eliminate(rest, grounds.start).possible) !== 'blocked'
  }
  const flags = [
    ...evidence.flatMap((e) => e.flags),
    ...verdict.flags.filter((f) => flagsOfTheHost.includes(f)),
  ]
  return {
    ...verdict,
    state,
    wouldBe: connected ? state : held(wouldBeState(elimination)),
    blockedByTimeouts: state === 'blocked' && onlyByTimeouts(),
    possible: elimination.possible,
    proof: state === 'undetermined' ? null : elimination.proof,
    confirmation,
    evidence,
    conflicts: elimination.conflicts,
    assumptions: [...new Set(evidence.flatMap((e) => e.assumptions))],
    flags: [...new Set(flags)],
    grounds: { ...grounds, late: evidence.flatMap((e, index) => (lately.has(e) ? [index] : [])) },
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
