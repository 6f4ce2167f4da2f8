import type { Basis, Evidence } from '../model/evidence.ts'
import type { Attempt } from '../model/observation.ts'
import type { Topology } from '../model/topology.ts'
import { lookupSubnetRoute } from '../aws/route.ts'
import { parseIp } from '../net/ip.ts'
import { type OwnInterface, ownInterface } from './own-interface.ts'
import { settled, union } from './possible.ts'
import type { Reading } from './reading.ts'
import { lookupKnownRoute } from './route-lookup.ts'
import { widest } from './rules/address.ts'
import { type EndpointShown, endpointShown } from './rules/endpoint.ts'
import { type RouteReading, routeEvidence } from './rules/route.ts'
import { type RowId, evidenceOf } from './rules/rows.ts'
import { handshakeCompleted } from './rules/socket.ts'

/** What all readings together say of the way of one attempt. */
export interface RouteFinding {
  evidence: Evidence | null
  routes: RouteReading[]
  endpoint: EndpointShown | null
  own: OwnInterface
  noRoute: string | null
}

/** Route evidence under every reading that counts; the union over them stands. */
export function routeFinding(
  attempt: Attempt,
  readings: readonly Reading[],
  topology: Topology,
): RouteFinding {
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
    const { snapshot } = reading
    // One with parts taken out was made for this judgement alone.
    const look = topology.readings.includes(snapshot) ? lookupKnownRoute : lookupSubnetRoute
    const lookup = own.known && ip.ok ? look(snapshot, own.subnetId, own.vpcId, ip.value) : null
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

/** What a verdict by this finding rests on, by every reading, the newest last. */
export function basesOf(attempt: Attempt, finding: RouteFinding): Basis[] {
  return finding.routes.length > 0 ? finding.routes.map((r) => r.basis) : declaredBasis(attempt, finding)
}
