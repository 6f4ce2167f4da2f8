import type {
  CaptureInterface,
  CapturedRecord,
  CapturedRecords,
  CapturePoints,
  SkippedWindow,
} from '../model/capture.ts'
import { type FlowFacts, flowFacts, hasField } from '../model/flow.ts'
import type { Attempt } from '../model/observation.ts'
import { canonicalIp } from '../net/ip.ts'
import { unmapped } from './unmapped.ts'

/** What has to be known of this host beside the attempt. */
export interface JoinContext {
  /** This host's clock against AWS's (`Date` headers), null: not known. */
  clockOffsetSeconds: number | null
  /** The attempt's local port and remote were used by another attempt within 2 × aggregation + 120 s. */
  reuse: boolean
}

/** A record of the attempt's own packets on their way there, or of what a NAT gateway made of them. */
export interface JoinedRecord {
  role: CaptureInterface['role']
  /** `translated`: the outer side of a NAT gateway. */
  leg: 'request' | 'translated'
  at: CaptureInterface
  captured: CapturedRecord
  facts: FlowFacts
  /** `one_of_them`: one of these flows is the attempt's; `perhaps`: they may all be another connection's. */
  belongs: 'certainly' | 'one_of_them' | 'perhaps'
}

export interface JoinedRecords {
  joined: JoinedRecord[]
  /** Why records may be the attempt's own or not, or were not joined for that; null: nothing of that kind. */
  ambiguous: string | null
  /** Where records of the attempt may have been lost. */
  skipped: CaptureInterface['role'][]
  /** Fields that the logs of the attempt's interfaces lack, without which they can't say which way it took. */
  lacking: string[]
}

/** Beyond it times of records and of attempts can't be compared. */
export const mostClockOffsetSeconds = 60
/** AWS: the times of a record are up to 60 s off those of its packets. */
const slackSeconds = 60
const tcp = 6

/** One attempt in the records' own terms; addresses are canonical. */
export interface Wanted {
  local: string
  localPort: number
  remote: string
  remotePort: number
  /** Unix seconds, with all that records and clocks may be off. */
  fromSeconds: number
  toSeconds: number
}

interface Candidate {
  captured: CapturedRecord
  facts: FlowFacts
}

const nothing = (ambiguous: string | null): JoinedRecords => ({
  joined: [],
  ambiguous,
  skipped: [],
  lacking: [],
})

/**
 * Which records are of this attempt: those of its own interface, of the NAT gateways that its routes lead to, and of the
 * endpoint that owns the address, by addresses, ports, protocol, direction and time. All that match are joined; none is
 * chosen. Nothing joins with a clock that is not known to be right, nor a secondary address without `pkt-srcaddr`. Where
 * two connections can't be told apart (a port used again, several flows behind a NAT gateway) records join without being
 * certain: what they say for a private path counts for nothing, yet that one more connection comes to light must not undo
 * what was said against one. Pure; never throws, whatever the records hold.
 *
 * AWS's rules for addresses: VPC User Guide, "Flow log records" (`srcaddr`, `pkt-srcaddr`).
 */
export function joinRecords(
  attempt: Attempt,
  points: CapturePoints,
  captured: CapturedRecords,
  context: JoinContext,
): JoinedRecords {
  const offset = context.clockOffsetSeconds
  if (offset === null || !(Math.abs(offset) <= mostClockOffsetSeconds))
    return nothing("this host's clock is not known to agree with AWS's")
  const wanted = wantedOf(attempt, Math.abs(offset))
  if (wanted === null) return nothing(null)
  const candidates = captured.records
    .map((one): Candidate => ({ captured: one, facts: flowFacts(one.record) }))
    .filter(({ facts }) => facts.protocol === tcp && inTime(facts, wanted))

  const client = atClient(candidates, points, wanted)
  const nat = atNats(candidates, points, wanted)
  const endpoint = atEndpoint(candidates, points, wanted)
  const joined = [...client.joined, ...nat.joined, ...endpoint]
  const reused = context.reuse
    ? 'its local port was used again for the same remote within the time of a record'
    : null
  return {
    joined: reused === null ? joined : joined.map((one) => ({ ...one, belongs: 'perhaps' })),
    ambiguous: reused ?? client.ambiguous ?? nat.ambiguous,
    skipped: skippedRoles([...captured.skipped, ...gapsAmong(captured.records)], points, wanted),
    lacking: lackingOf(captured.records, points, wanted),
  }
}

function wantedOf(given: Attempt, offsetSeconds: number): Wanted | null {
  const attempt = unmapped(given)
  const { localAddress, localPort, outcome, timings } = attempt
  const local = localAddress === null ? null : canonicalIp(localAddress)
  const remote = canonicalIp(attempt.address)
  if (local === null || remote === null || localPort === null || outcome.reached === 'not_dialled')
    return null
  const failure = outcome.reached === 'tls' ? null : outcome.failure
  const lasted =
    (timings.tcpConnectSeconds ?? 0) +
    (timings.tlsHandshakeSeconds ?? 0) +
    (timings.firstByteSeconds ?? 0) +
    (failure?.type === 'timeout' ? failure.afterSeconds : 0)
  const startSeconds = attempt.stamp.wallMs / 1000
  const slack = slackSeconds + offsetSeconds
  return {
    local,
    localPort,
    remote,
    remotePort: attempt.port,
    fromSeconds: startSeconds - slack,
    toSeconds: startSeconds + lasted + slack,
  }
}

/** What a record must show to be one of this attempt's, whatever the clocks are off as far as they may; null: none can be. */
export function recordsSought(attempt: Attempt): Wanted | null {
  return wantedOf(attempt, mostClockOffsetSeconds)
}

function inTime({ startSeconds, endSeconds }: FlowFacts, wanted: Wanted): boolean {
  return (
    startSeconds !== null &&
    endSeconds !== null &&
    startSeconds <= endSeconds &&
    startSeconds <= wanted.toSeconds &&
    endSeconds >= wanted.fromSeconds
  )
}

const is = (text: string | null, address: string): boolean => text !== null && canonicalIp(text) === address

/**
 * Whether a record was made at this very interface: it says so itself, and the stream that it stood in does not say
 * otherwise. A regional NAT gateway has no interface; its records bear its own id.
 */
function madeAt({ captured, facts }: Candidate, at: CaptureInterface): boolean {
  if (at.interfaceId === null)
    return facts.interfaceId === null && at.natGatewayId !== null && facts.resourceId === at.natGatewayId
  return (
    facts.interfaceId === at.interfaceId &&
    (captured.interfaceId === null || captured.interfaceId === at.interfaceId)
  )
}

/** The client's side of a request. Without the packet's own address a record may be of any address of the interface. */
function atClient(
  candidates: readonly Candidate[],
  points: CapturePoints,
  wanted: Wanted,
): { joined: JoinedRecord[]; ambiguous: string | null } {
  const { client, primaryAddress } = points
  const joined: JoinedRecord[] = []
  let ambiguous: string | null = null
  if (client === null) return { joined, ambiguous }
  for (const candidate of candidates) {
    const { facts } = candidate
    if (!madeAt(candidate, client) || facts.direction === 'ingress') continue
    if (facts.srcport !== wanted.localPort || facts.dstport !== wanted.remotePort) continue
    if (!is(facts.dstaddr, wanted.remote)) continue
    if (facts.pktDstaddr !== null && !is(facts.pktDstaddr, wanted.remote)) continue
    if (facts.pktSrcaddr === null) {
      if (primaryAddress === null || !is(facts.srcaddr, primaryAddress)) continue
      if (wanted.local !== primaryAddress) {
        ambiguous =
          "its local address is not the interface's primary one, and records without pkt-srcaddr show that one for all"
        continue
      }
    } else if (!is(facts.pktSrcaddr, wanted.local)) continue
    joined.push({ role: 'client', leg: 'request', at: client, belongs: 'certainly', ...candidate })
  }
  return { joined, ambiguous }
}

/** To the address itself, or to the NAT gateway's with the address in the packet. */
function isInner({ facts }: Candidate, at: CaptureInterface, wanted: Wanted): boolean {
  if (facts.direction !== 'ingress' || facts.dstport !== wanted.remotePort) return false
  if (facts.pktDstaddr !== null) return is(facts.pktDstaddr, wanted.remote)
  return at.interfaceId === null && is(facts.dstaddr, wanted.remote)
}

function isOuter({ facts }: Candidate, at: CaptureInterface, wanted: Wanted): boolean {
  const source = facts.pktSrcaddr ?? facts.srcaddr
  return (
    facts.direction === 'egress' &&
    facts.dstport === wanted.remotePort &&
    is(facts.dstaddr, wanted.remote) &&
    (facts.pktDstaddr === null || is(facts.pktDstaddr, wanted.remote)) &&
    source !== null &&
    at.addresses.includes(canonicalIp(source) ?? '')
  )
}

/**
 * What went in at a NAT gateway from this very socket, and what came out of it. Which flow outside belongs to which
 * inside is not written anywhere: only where there is one of each, it certainly is that one.
 */
function atNats(
  candidates: readonly Candidate[],
  points: CapturePoints,
  wanted: Wanted,
): { joined: JoinedRecord[]; ambiguous: string | null } {
  const joined: JoinedRecord[] = []
  let ambiguous: string | null = null
  for (const at of points.client === null ? [] : points.nats) {
    const here = candidates.filter((c) => madeAt(c, at))
    const inner = here.filter((c) => isInner(c, at, wanted))
    const sockets = new Set(
      inner.map(({ facts }) => `${facts.pktSrcaddr ?? facts.srcaddr ?? '?'} ${facts.srcport ?? '?'}`),
    )
    const own = inner.some(
      ({ facts }) =>
        facts.action === 'ACCEPT' &&
        facts.srcport === wanted.localPort &&
        is(facts.srcaddr, wanted.local) &&
        (facts.pktSrcaddr === null || is(facts.pktSrcaddr, wanted.local)),
    )
    if (!own) continue
    const outer = here.filter((c) => isOuter(c, at, wanted))
    if (outer.length === 0) continue
    const flows = new Set(outer.map(({ facts }) => `${facts.pktSrcaddr ?? facts.srcaddr} ${facts.srcport}`))
    const belongs = flows.size === 1 && sockets.size === 1 ? 'certainly' : 'one_of_them'
    if (belongs === 'one_of_them')
      ambiguous = `${at.natGatewayId ?? 'the NAT gateway'} carried ${Math.max(flows.size, sockets.size)} connections to this address at that time`
    joined.push(...outer.map((c): JoinedRecord => ({ role: 'nat', leg: 'translated', at, belongs, ...c })))
  }
  return { joined, ambiguous }
}

/**
 * What came in at the endpoint from the attempt's own address and port. In a VPC the address must be the interface's own;
 * from on-prem it is the host's. A translation between would show another one.
 */
function atEndpoint(candidates: readonly Candidate[], points: CapturePoints, wanted: Wanted): JoinedRecord[] {
  const [at] = points.endpoints
  if (at === undefined || at.interfaceId === null || points.endpoints.length > 1) return []
  if (points.client !== null && !points.client.addresses.includes(wanted.local)) return []
  return candidates.flatMap((candidate): JoinedRecord[] => {
    const { facts } = candidate
    const own =
      madeAt(candidate, at) &&
      facts.direction === 'ingress' &&
      facts.srcport === wanted.localPort &&
      facts.dstport === wanted.remotePort &&
      is(facts.srcaddr, wanted.local) &&
      (facts.pktSrcaddr === null || is(facts.pktSrcaddr, wanted.local)) &&
      is(facts.pktDstaddr ?? facts.dstaddr, wanted.remote)
    return own ? [{ role: 'endpoint', leg: 'request', at, belongs: 'certainly', ...candidate }] : []
  })
}

function pointsOf(points: CapturePoints): CaptureInterface[] {
  return [...(points.client === null ? [] : [points.client]), ...points.nats, ...points.endpoints]
}

/** Lines that tell of lost records and were given as records; without a time they speak of all of it. */
function gapsAmong(records: readonly CapturedRecord[]): SkippedWindow[] {
  return records.flatMap(({ record, interfaceId }) => {
    const facts = flowFacts(record)
    if (facts.logStatus !== 'SKIPDATA') return []
    const startSeconds = facts.startSeconds ?? 0
    const endSeconds = facts.endSeconds ?? Number.MAX_SAFE_INTEGER
    return [{ interfaceId: facts.interfaceId ?? interfaceId, startSeconds, endSeconds }]
  })
}

/** A gap whose interface is not told may be at any of them. */
function skippedRoles(
  skipped: readonly SkippedWindow[],
  points: CapturePoints,
  wanted: Wanted,
): CaptureInterface['role'][] {
  const roles = pointsOf(points).flatMap((at) =>
    skipped.some(
      (gap) =>
        (gap.interfaceId === null || at.interfaceId === null || gap.interfaceId === at.interfaceId) &&
        !(gap.startSeconds > wanted.toSeconds) &&
        !(gap.endSeconds < wanted.fromSeconds),
    )
      ? [at.role]
      : [],
  )
  return [...new Set(roles)]
}

/** Of the logs whose records of the attempt's interfaces were given; the stream's name counts here. */
function lackingOf(records: readonly CapturedRecord[], points: CapturePoints, wanted: Wanted): string[] {
  const lacking = new Set<string>()
  for (const { record, interfaceId } of records) {
    const id = flowFacts(record).interfaceId ?? interfaceId
    const at = pointsOf(points).find((p) => p.interfaceId !== null && p.interfaceId === id)
    if (at === undefined) continue
    const needed = [
      'interface-id',
      'flow-direction',
      'start',
      'end',
      'protocol',
      'srcport',
      'dstport',
      'action',
    ]
    if (at.role !== 'endpoint') needed.push('traffic-path')
    if (at.role === 'nat') needed.push('pkt-dstaddr')
    if (at.role === 'client' && wanted.local !== points.primaryAddress) needed.push('pkt-srcaddr')
    for (const field of needed) if (!hasField(record, field)) lacking.add(field)
  }
  return [...lacking].sort()
}
