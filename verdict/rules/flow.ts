import type { CaptureInterface, CapturePoints } from '../../model/capture.ts'
import type { Evidence } from '../../model/evidence.ts'
import { type FlowFacts, type FlowRecord, flowFacts } from '../../model/flow.ts'
import type { Attempt } from '../../model/observation.ts'
import { type PathClass, pathClasses, sideOf } from '../../model/path.ts'
import { canonicalIp, parseIp } from '../../net/ip.ts'
import { isPrivateUse } from '../../net/special.ts'
import type { JoinedRecord, JoinedRecords } from '../flow-join.ts'
import { type Possible, all, intersect, union } from '../possible.ts'
import { unmapped } from '../unmapped.ts'
import { type RowId, evidenceOf, rows } from './rows.ts'

/** A row that a record meets, and the fields that say so. */
interface Reading {
  row: RowId
  because: string
}

/** What the records of one log at one kind of place say: they describe the same packets, so they are taken together. */
interface Group {
  records: JoinedRecord[]
  /** Why they don't tell all, or not of this connection alone. */
  doubt: 'none' | 'lost' | 'one_of_them' | 'perhaps'
}

const doubtful = {
  lost: 'but records may have been lost (SKIPDATA)',
  one_of_them: "but which of these flows is this connection's is not told",
  perhaps: "but this may be another connection's",
} as const

/** Paths by which the packets leave the interface's VPC, or stay in it and go by something else. */
const beyondPaths = new Set([1, 3, 4, 5, 6])
const natTypes = new Set<string>(['nat_gateway', 'regional_nat_gateway'])

/**
 * What the joined records of an attempt leave possible: one piece of evidence for each row that they meet, so that
 * records which contradict each other, or themselves, end as a conflict. None where they say nothing. Pure; never throws.
 *
 * Meaning of `traffic-path`, `flow-direction` and the next-hop fields: VPC User Guide, "Flow log records".
 */
export function flowEvidence(given: Attempt, points: CapturePoints, joined: JoinedRecords): Evidence[] {
  const attempt = unmapped(given)
  const accepted = joined.joined.filter((r) => r.facts.action !== 'REJECT')
  const evidence = groupsOf(accepted, joined.skipped).flatMap((group) =>
    groupEvidence(group, attempt, points),
  )
  const refused = rejected(attempt, joined)
  return refused === null ? evidence : [...evidence, refused]
}

function groupsOf(records: readonly JoinedRecord[], skipped: JoinedRecords['skipped']): Group[] {
  const groups = new Map<string, JoinedRecord[]>()
  for (const record of records) {
    const { role, captured } = record
    // Two logs that deliver into one group differ by their formats.
    const key = JSON.stringify([role, captured.flowLogId, Object.keys(captured.record.fields).sort()])
    groups.set(key, [...(groups.get(key) ?? []), record])
  }
  return [...groups.values()].map((group) => ({ records: group, doubt: doubtOf(group, skipped) }))
}

function doubtOf(records: readonly JoinedRecord[], skipped: JoinedRecords['skipped']): Group['doubt'] {
  const [first] = records
  // That goes for all of an attempt's records, or for none.
  if (first?.belongs === 'perhaps') return 'perhaps'
  const lost = first !== undefined && skipped.includes(first.role)
  if (records.some((r) => r.belongs === 'one_of_them')) return lost ? 'perhaps' : 'one_of_them'
  return lost ? 'lost' : 'none'
}

/**
 * The records of one log are united: of the private classes only those stand that every record leaves, of the others
 * all that any record leaves, for one of them may be of another connection.
 */
function groupEvidence(group: Group, attempt: Attempt, points: CapturePoints): Evidence[] {
  const read = group.records.map((record) => ({ record, readings: readingsOf(record, attempt, points) }))
  const [first] = group.records
  if (first === undefined) return []
  const sets = read.map(({ readings }) => intersection(readings.map((r) => rows[r.row].leaves)))
  const common = intersection(sets)
  const because = [...new Set(read.flatMap(({ readings }) => readings.map((r) => r.because)))].join(' / ')
  if (group.doubt !== 'none') return inDoubt(group.doubt, sets, first, because)
  const same = new Set(read.map(({ readings }) => readings.map((r) => r.row).join(' '))).size === 1
  if (common.length === 0 || same) {
    const rowsMet = new Map<RowId, Evidence>()
    for (const { record, readings } of read)
      for (const { row, because: why } of readings) {
        if (rowsMet.has(row)) continue
        const evidence = said(row, record, why)
        rowsMet.set(row, row === 'flow.interface_endpoint' ? leaning(evidence) : evidence)
      }
    return [...rowsMet.values()]
  }
  const any = union(...sets)
  const possible = pathClasses.filter((c) => (sideOf[c] === 'private' ? common : any).includes(c))
  if (possible.length === all.length) return []
  const several = said('flow.several', first, `${because}; ${read.length} records together`, possible)
  const leans = read.some(({ readings }) => readings.some((r) => r.row === 'flow.interface_endpoint'))
  return [leans ? leaning(several) : several]
}

/**
 * Records in doubt leave every class that is not private, and bear out nothing. Against private classes they count as
 * far as they go: where some were lost, what one says of this connection is said; where one of them is this connection's,
 * what all say; else they only hold.
 */
function inDoubt(
  doubt: keyof typeof doubtful,
  sets: readonly Possible[],
  record: JoinedRecord,
  because: string,
): Evidence[] {
  const common = intersection(sets)
  const stands = doubt === 'lost' ? common : doubt === 'one_of_them' ? union(...sets) : all
  const possible = pathClasses.filter((c) => sideOf[c] !== 'private' || stands.includes(c))
  const doubts = possible.filter((c) => !common.includes(c) && sideOf[c] === 'private')
  if (possible.length === all.length && doubts.length === 0) return []
  return [{ ...said('flow.in_doubt', record, `${because}; ${doubtful[doubt]}`, possible), doubts }]
}

function intersection(sets: readonly Possible[]): Possible {
  return sets.reduce<Possible>((a, b) => intersect(a, b), all)
}

function readingsOf(record: JoinedRecord, attempt: Attempt, points: CapturePoints): Reading[] {
  const { facts, role } = record
  if (facts.action !== 'ACCEPT') return []
  if (role === 'endpoint')
    return [{ row: 'flow.at_endpoint', because: `it came in at an interface of ${nameOf(record.at)}` }]
  if (facts.direction !== 'egress') return []
  if (role === 'nat') return natReadings(facts, record.at)
  const remote = canonicalIp(attempt.address) ?? attempt.address
  const path = clientPath(
    facts,
    points.destination,
    points.endpoints.some((e) => e.addresses.includes(remote)),
  )
  return [...(path === null ? [] : [path]), ...nextHop(facts, points.endpointInterfaces, remote)]
}

function natReadings({ trafficPath }: FlowFacts, at: CaptureInterface): Reading[] {
  const because = `traffic-path ${trafficPath} behind ${nameOf(at)}`
  if (trafficPath === 7)
    return [{ row: 'flow.nat_gateway_endpoint', because: `${because}: a gateway endpoint` }]
  if (trafficPath === 8) return [{ row: 'flow.nat_gateway', because: `${because}: an internet gateway` }]
  return []
}

/** The way out of the client's own interface; null: the record does not tell one that is known. */
function clientPath(
  { trafficPath }: FlowFacts,
  destination: CapturePoints['destination'],
  toEndpoint: boolean,
): Reading | null {
  if (trafficPath === 7)
    return { row: 'flow.gateway_endpoint', because: 'traffic-path 7: a gateway endpoint' }
  if (trafficPath === 8)
    return { row: 'flow.internet_gateway', because: 'traffic-path 8: an internet gateway' }
  if (trafficPath === 2)
    return {
      row: 'flow.gateway_of_either_kind',
      because:
        'traffic-path 2: an internet gateway or a gateway endpoint, this instance type does not tell which',
    }
  if (trafficPath === 1 && toEndpoint)
    return {
      row: 'flow.interface_endpoint',
      because: "traffic-path 1, inside the VPC, to the endpoint's own address",
    }
  if (trafficPath === null || !beyondPaths.has(trafficPath)) return null
  const row =
    destination === 'private'
      ? 'flow.beyond_private'
      : destination === 'public'
        ? 'flow.beyond_public'
        : 'flow.beyond'
  return { row, because: `traffic-path ${trafficPath}: by something else than the VPC's own gateways` }
}

function nextHop(facts: FlowFacts, endpoints: readonly CaptureInterface[], remote: string): Reading[] {
  const { nextHopType, nextHopInterfaceId } = facts
  if (nextHopType === null) return []
  if (natTypes.has(nextHopType))
    return [{ row: 'flow.next_hop_no_gateway', because: 'next-hop-interface-type: a NAT gateway' }]
  if (nextHopType === 'transit_gateway')
    return [{ row: 'flow.next_hop_no_gateway', because: 'next-hop-interface-type: a transit gateway' }]
  if (nextHopType !== 'vpc_endpoint') return []
  // A Gateway Load Balancer endpoint bears the same type, and leads anywhere.
  const hop = endpoints.find((e) => e.interfaceId === nextHopInterfaceId && e.addresses.includes(remote))
  return hop === undefined
    ? []
    : [
        {
          row: 'flow.next_hop_endpoint',
          because: `next-hop-interface-id: the interface of ${nameOf(hop)} that has this address`,
        },
      ]
}

/** A refusal counts only where nothing got through: no connection, no accepted record, nothing lost, no doubt. */
function rejected(attempt: Attempt, { joined, ambiguous, skipped }: JoinedRecords): Evidence | null {
  if (attempt.outcome.reached !== 'nothing' || ambiguous !== null || skipped.length > 0) return null
  const told = joined.filter(
    ({ facts, role }) =>
      facts.action === 'REJECT' && facts.direction === (role === 'endpoint' ? 'ingress' : 'egress'),
  )
  const [first] = told
  if (first === undefined || joined.some(({ facts }) => facts.action !== 'REJECT')) return null
  return said('flow.rejected', first, 'action REJECT, and no record of this connection was accepted')
}

function nameOf(at: CaptureInterface): string {
  return at.endpointId ?? at.natGatewayId ?? at.interfaceId ?? 'the interface'
}

const idPattern = /^fl-[0-9a-z-]{1,40}$/

/** Times of the year 9999 and later can't be printed; no record that joins is of then. */
const lastSeconds = 253_402_300_799

function timeOf(seconds: number | null): number {
  return Math.min(Math.max(seconds ?? 0, 0), lastSeconds) * 1000
}

function said(row: RowId, record: JoinedRecord, because: string, possible?: Possible): Evidence {
  const { at, facts, captured } = record
  const place = at.interfaceId ?? at.natGatewayId ?? 'its interface'
  const what = record.leg === 'translated' ? 'the translated connection' : 'this connection'
  const window = [facts.startSeconds, facts.endSeconds].map((s) =>
    new Date(timeOf(s)).toISOString().slice(0, 19),
  )
  return evidenceOf(row, {
    because: `the flow record of ${what} at ${place} (${window.join('Z to ')}Z) says ${because}`,
    source: idPattern.test(captured.flowLogId ?? '') ? `flow log ${captured.flowLogId}` : 'flow log',
    observedAtMs: timeOf(facts.endSeconds),
    ...(possible === undefined ? {} : { possible }),
  })
}

/** Where the account no longer shows the endpoint, what went to its address inside the VPC may have met a relay. */
function leaning(evidence: Evidence): Evidence {
  return {
    ...evidence,
    leansOn: { rule: 'endpoint.own_vpc', otherwise: [...union(evidence.possible, ['relay'])] },
  }
}

/** What one record by itself leaves possible, with no attempt to compare it with. Null: it is no record of packets. */
export function possibleOfRecord(record: FlowRecord): { possible: PathClass[] | null; because: string } {
  const facts = flowFacts(record)
  const nothing = (because: string) => ({ possible: [...all], because })
  if (facts.logStatus === 'NODATA')
    return { possible: null, because: 'NODATA: nothing was seen in this window' }
  if (facts.logStatus === 'SKIPDATA')
    return { possible: null, because: 'SKIPDATA: records of this window were lost, so absence means nothing' }
  if (facts.action === 'REJECT')
    return nothing(
      'REJECT: blocked if the connection did not come about and nothing of it was accepted, which one record does not tell',
    )
  if (facts.action !== 'ACCEPT') return nothing('action: whether the packets were let through is not told')
  if (facts.direction === 'ingress') return nothing('flow-direction ingress: a way is told for egress only')
  if (facts.direction === null) return nothing('flow-direction is not told, so neither is whose way this was')
  const at: CaptureInterface = {
    interfaceId: facts.interfaceId,
    role: 'client',
    natGatewayId: null,
    endpointId: null,
    addresses: [],
  }
  const type = facts.interfaceType
  const client = type === null || type === 'interface'
  if (!client && !natTypes.has(type))
    return nothing(
      'interface-type: an interface of AWS between client and service, whose egress is no way of a client',
    )
  const readings = client ? asClient(facts) : natReadings(facts, { ...at, natGatewayId: 'the NAT gateway' })
  const possible = intersection(readings.map((r) => rows[r.row].leaves))
  if (readings.length === 0) return nothing('traffic-path: no way is told that is known')
  const role = client ? "taken as the client's own interface: " : ''
  const because = `${role}${readings.map((r) => r.because).join('; ')}`
  return possible.length > 0
    ? { possible: [...possible], because }
    : nothing(`${because}: which contradicts itself`)
}

function asClient(facts: FlowFacts): Reading[] {
  const ip = parseIp(facts.pktDstaddr ?? facts.dstaddr ?? '')
  const path = clientPath(facts, ip.ok && isPrivateUse(ip.value) ? 'private' : 'unknown', false)
  return [...(path === null ? [] : [path]), ...nextHop(facts, [], '')]
}
