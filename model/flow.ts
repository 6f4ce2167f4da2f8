/**
 * Flow-log records: what the network itself wrote down about packets. The text of a record and of its format is hostile
 * input; `aws/flow-format.ts` and `aws/flow-record.ts` read it, everyone else works on these types.
 */

/** `ecs` is a VPC flow log that also names tasks; `transit_gateway` records have neither an action nor an interface. */
export type FlowKind = 'vpc' | 'transit_gateway' | 'ecs'

export interface FlowFormat {
  kind: FlowKind
  /** Names of AWS, lower case with `-`, in the order of the columns; unknown ones stay as they came. No name twice. */
  fields: string[]
  /** The format as `DescribeFlowLogs` gives it: `${version} ${account-id} …`. */
  text: string
}

/** One record. A value of `-` is null; a field that the format lacks is not there at all (`hasField`). */
export interface FlowRecord {
  fields: Record<string, string | number | null>
}

/** Next hops as this program names them, whichever spelling the record has. Others stay as they came, with `_`. */
export type FlowNextHopType =
  | 'vpc_endpoint'
  | 'nat_gateway'
  | 'regional_nat_gateway'
  | 'network_load_balancer'
  | 'transit_gateway'
  | (string & {})

/** The facts of a record that rules and joins use. Null: the field is absent, `-`, or has a value that is not known. */
export interface FlowFacts {
  version: number | null
  /** Twelve digits, or `unknown` for interfaces that a service has made. */
  accountId: string | null
  /** The capturing interface; null at a regional NAT gateway, see `resourceId`. */
  interfaceId: string | null
  resourceId: string | null
  /**
   * Canonical IP text; on the interface's side always its primary private address. Null as well for the hardware addresses
   * of Elastic Fabric Adapter records.
   */
  srcaddr: string | null
  dstaddr: string | null
  srcport: number | null
  dstport: number | null
  /** IANA protocol number. */
  protocol: number | null
  packets: number | null
  bytes: number | null
  /** Unix seconds; up to 60 s off the packets' real times. */
  startSeconds: number | null
  endSeconds: number | null
  action: 'ACCEPT' | 'REJECT' | null
  logStatus: 'OK' | 'NODATA' | 'SKIPDATA' | null
  /** The addresses in the packets themselves. */
  pktSrcaddr: string | null
  pktDstaddr: string | null
  /** OR of FIN 1, SYN 2, RST 4, SYN-ACK 18. */
  tcpFlags: number | null
  pktSrcService: string | null
  pktDstService: string | null
  /** As the capturing interface sees it. */
  direction: 'ingress' | 'egress' | null
  /** 1 to 8 today; AWS may add more. */
  trafficPath: number | null
  rejectReason: string | null
  /** What the capturing interface belongs to. */
  interfaceType: FlowNextHopType | null
  nextHopInterfaceId: string | null
  nextHopType: FlowNextHopType | null
  nextHopVpcId: string | null
  vpcId: string | null
  subnetId: string | null
  instanceId: string | null
}

/**
 * What a pending attempt is looked for by. Both directions of the connection match it, with the record's own addresses or
 * the packets'. The local address is left out on purpose: a record may show the interface's primary address instead.
 */
export interface FlowKey {
  /** Null: any, for legs behind a translation of ports. */
  localPort: number | null
  /** Any spelling of an IPv4 or IPv6 address. */
  remoteAddress: string
  remotePort: number
  /** IANA protocol number; 6 is TCP. */
  protocol: number
}

/** A time for which a log says that it may have lost records: nothing follows from their absence. */
export interface FlowGap {
  /** Null: not told; any interface. */
  interfaceId: string | null
  /** Unix seconds, both inclusive; 0 and `Number.MAX_SAFE_INTEGER` where it is not told. */
  startSeconds: number
  endSeconds: number
}

/** One row of a census: flows that have all of this in common. */
export interface FlowCensusRow {
  direction: 'ingress' | 'egress' | null
  /** AWS's name of the service on the other side of the interface (`S3`, `DYNAMODB`, …). */
  service: string | null
  trafficPath: number | null
  nextHopType: FlowNextHopType | null
  action: 'ACCEPT' | 'REJECT' | null
  /** Whether the other side's address is public, where the service is not named and the caller can tell. */
  public: boolean | null
  flows: number
  packets: number
  bytes: number
}

/** Whether the record's format has this field, be its value `-` or not. */
export function hasField(record: FlowRecord, field: string): boolean {
  return Object.hasOwn(record.fields, field)
}

/** `vpc-endpoint`, `VPC_ENDPOINT` and the like in one spelling. */
export function nextHopTypeOf(text: string): FlowNextHopType {
  return text.toLowerCase().replaceAll('-', '_')
}

function oneOf<const T extends string>(value: string | number | null, known: readonly T[]): T | null {
  return known.find((candidate) => candidate === value) ?? null
}

/** No IP address looks like this: IPv6 has eight groups or a `::`. */
const hardwareAddress = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i

/** The facts of one record; see `FlowFacts`. */
export function flowFacts(record: FlowRecord): FlowFacts {
  const value = (field: string): string | number | null =>
    hasField(record, field) ? (record.fields[field] ?? null) : null
  const text = (field: string): string | null => {
    const found = value(field)
    return typeof found === 'string' ? found : null
  }
  const address = (field: string): string | null => {
    const found = text(field)
    return found === null || hardwareAddress.test(found) ? null : found
  }
  const number = (field: string): number | null => {
    const found = value(field)
    return typeof found === 'number' ? found : null
  }
  const type = (field: string): FlowNextHopType | null => {
    const found = text(field)
    return found === null ? null : nextHopTypeOf(found)
  }
  return {
    version: number('version'),
    accountId: text('account-id'),
    interfaceId: text('interface-id'),
    resourceId: text('resource-id'),
    srcaddr: address('srcaddr'),
    dstaddr: address('dstaddr'),
    srcport: number('srcport'),
    dstport: number('dstport'),
    protocol: number('protocol'),
    packets: number('packets'),
    bytes: number('bytes'),
    startSeconds: number('start'),
    endSeconds: number('end'),
    action: oneOf(value('action'), ['ACCEPT', 'REJECT']),
    logStatus: oneOf(value('log-status'), ['OK', 'NODATA', 'SKIPDATA']),
    pktSrcaddr: address('pkt-srcaddr'),
    pktDstaddr: address('pkt-dstaddr'),
    tcpFlags: number('tcp-flags'),
    pktSrcService: text('pkt-src-aws-service'),
    pktDstService: text('pkt-dst-aws-service'),
    direction: oneOf(value('flow-direction'), ['ingress', 'egress']),
    trafficPath: number('traffic-path'),
    rejectReason: text('reject-reason'),
    interfaceType: type('interface-type'),
    nextHopInterfaceId: text('next-hop-interface-id'),
    nextHopType: type('next-hop-interface-type'),
    nextHopVpcId: text('next-hop-vpc-id'),
    vpcId: text('vpc-id'),
    subnetId: text('subnet-id'),
    instanceId: text('instance-id'),
  }
}
