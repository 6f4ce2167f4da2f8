import type { Attempt } from '../../model/observation.ts'
import type { Snapshot, Topology, VpcEndpoint } from '../../model/topology.ts'
import { canonicalIp } from '../../net/ip.ts'
import { type OwnInterface, ownInterface } from '../own-interface.ts'
import { type Possible, union } from '../possible.ts'
import { type Reading, readingAt, readingsFor } from '../reading.ts'
import { type RowId, rows } from './rows.ts'
import { rewritingAssumed } from '../rewriting.ts'

/** What AWS itself says of one request: the endpoint that it came in by, and from where. */
export interface Attested {
  /** `vpce-…` */
  endpoint: string
  /** The VPC that the endpoint lies in by AWS's word, null: that was not said. */
  vpcId: string | null
  /** Addresses one of which the request had inside the VPC, null: that was not said. Canonical text. */
  sources: readonly string[] | null
}

/** Which of the rows about an endpoint holds; the rules put their own name in front. */
export type AttestedRow =
  | 'gateway_endpoint'
  | 'gateway_endpoint_elsewhere'
  | 'interface_endpoint'
  | 'endpoint_unknown'
  | 'endpoint_of_other_kind'
  | 'own_address_gateway'
  | 'own_address_interface'
  | 'own_address'

export interface AttestedReading {
  rule: RowId
  /** The row's own leaves, or the union where readings of the account differ. */
  possible: Possible
  because: string
  assumptions: string[]
}

const nothingRead = { networkInterfaces: [], subnets: [], endpoints: [] } as unknown as Snapshot
const noReading: Reading = { snapshot: nothingRead, has: () => false, lacking: [] }

interface Finding {
  row: AttestedRow
  because: string
}

/**
 * What it leaves that AWS saw a request of this attempt come in by an endpoint. Where several readings of the account
 * count, the union over them stands. The endpoint is described only by readings that are young enough.
 */
export function readAttested(
  attempt: Attempt,
  attested: Attested,
  topology: Topology,
  ruleOf: Readonly<Record<AttestedRow, RowId>>,
): AttestedReading {
  const atMs = attempt.stamp.wallMs
  const own = readingsFor(topology.readings, atMs, topology.limits)
  const others = topology.others.flatMap(
    (snapshot) => readingAt(snapshot, atMs, topology.limits).snapshot.endpoints,
  )
  const found = (own.length === 0 ? [noReading] : own).map((reading) => {
    const described = [...reading.snapshot.endpoints, ...others].filter(({ id }) => id === attested.endpoint)
    return under(attempt, attested, described, ownInterface(attempt, topology.vantage, reading), {
      reading,
      topology,
    })
  })
  const leavesOf = ({ row }: Finding): Possible => rows[ruleOf[row]].leaves
  const possible = union(...found.map(leavesOf))
  // The row that leaves as much as all of them together, if there is one.
  const widest = found.find((one) => leavesOf(one).length === possible.length)
  const ownAddress = found.every(({ row }) => row.startsWith('own_address'))
  return {
    rule: ruleOf[widest?.row ?? (ownAddress ? 'own_address' : 'endpoint_unknown')],
    possible,
    because: [...new Set(found.map(({ because }) => because))].join('; and read again: '),
    assumptions: ownAddress ? [rewritingAssumed(attempt.host)] : [],
  }
}

function under(
  attempt: Attempt,
  attested: Attested,
  described: readonly VpcEndpoint[],
  own: OwnInterface,
  known: { reading: Reading; topology: Topology },
): Finding {
  const { endpoint } = attested
  const types = new Set(described.map(({ type }) => type))
  const vpcs = new Set(described.map(({ vpcId }) => vpcId))
  const [type = null] = types.size === 1 ? types : []
  const [vpcId = null] = vpcs.size === 1 ? vpcs : []
  if (described.length > 0 && (type === null || vpcId === null)) {
    return { row: 'endpoint_unknown', because: `${endpoint} is described in two ways` }
  }
  if (type !== null && type !== 'Gateway' && type !== 'Interface') {
    return { row: 'endpoint_of_other_kind', because: `${endpoint} is described as of type ${type}` }
  }
  const why = whyNotOwnAddress(attempt, attested, vpcId, own, known)
  if (why === null) {
    const row =
      type === null ? 'own_address' : type === 'Gateway' ? 'own_address_gateway' : 'own_address_interface'
    return {
      row,
      because: `${endpoint}${type === null ? '' : ` (${type})`} lies in the VPC of this host's interface, and the request had this host's own address there`,
    }
  }
  const but = `; ${why}`
  if (type === null) {
    return {
      row: 'endpoint_unknown',
      because: `no reading of the account that is young enough describes ${endpoint}${but}`,
    }
  }
  if (type === 'Interface')
    return { row: 'interface_endpoint', because: `${endpoint} is of type Interface${but}` }
  if (own.known && vpcId !== own.vpcId) {
    return {
      row: 'gateway_endpoint_elsewhere',
      because: `${endpoint} is a gateway endpoint of ${vpcId}, and this host stands in ${own.vpcId}`,
    }
  }
  return { row: 'gateway_endpoint', because: `${endpoint} is a gateway endpoint of ${vpcId}${but}` }
}

/** Why it is not shown that the request left this very host inside the endpoint's VPC; null if it is. */
function whyNotOwnAddress(
  attempt: Attempt,
  { sources, vpcId: attestedVpc, endpoint }: Attested,
  describedVpc: string | null,
  own: OwnInterface,
  { reading, topology }: { reading: Reading; topology: Topology },
): string | null {
  if (sources === null || sources.length === 0) return 'AWS did not say from which address it came'
  if (!own.known) return own.because
  const local = attempt.localAddress === null ? null : canonicalIp(attempt.localAddress)
  if (local === null || !sources.includes(local)) {
    return `AWS saw it come from ${sources.join(' or ')}, not from this connection's own ${local ?? 'address'}`
  }
  const addresses = new Set(
    [
      ...topology.vantage.interfaces.flatMap(({ id, ipv4, ipv6 }) =>
        id === own.id ? [...ipv4, ...ipv6] : [],
      ),
      ...reading.snapshot.networkInterfaces.flatMap(({ id, ipv4, ipv6 }) =>
        id === own.id ? [...ipv4.map(({ address }) => address), ...ipv6] : [],
      ),
    ].map((address) => canonicalIp(address) ?? address),
  )
  const foreign = sources.find((source) => !addresses.has(source))
  if (foreign !== undefined)
    return `${foreign}, which may have been its address, is not shown to be one of ${own.id}`
  const vpcs = [attestedVpc, describedVpc].filter((id) => id !== null)
  if (vpcs.length === 0) return `it is not shown that ${endpoint} lies in ${own.vpcId}`
  const other = vpcs.find((id) => id !== own.vpcId)
  return other === undefined ? null : `${endpoint} lies in ${other}, and this host stands in ${own.vpcId}`
}
