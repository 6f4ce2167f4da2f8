/**
 * What flow logs delivered, and what an attempt has to be known by so that a record which comes minutes later can be
 * joined to it. Plain data that survives JSON. Ids are AWS's own; addresses are canonical text.
 */
import type { FlowRecord } from './flow.ts'

/** One record as one flow log delivered it. */
export interface CapturedRecord {
  record: FlowRecord
  /** Flow log that it came from (`fl-…`), null where only the log group is known. */
  flowLogId: string | null
  /** Interface whose stream or file line it stood in; null for a regional NAT gateway. */
  interfaceId: string | null
  /** Longest time that one record of this log sums up. */
  aggregationSeconds: number
  /** When it could be read first, Unix milliseconds; null where the source does not say. */
  ingestedMs: number | null
  /** Unique within its source: event id, or file and line. A record that was delivered twice has one id. */
  id: string
}

/** A time in which records of an interface were lost (SKIPDATA): there absence is no evidence even more. Unix seconds. */
export interface SkippedWindow {
  interfaceId: string | null
  startSeconds: number
  endSeconds: number
}

/** What came of reading one flow log over one window. */
export interface CapturedRecords {
  records: CapturedRecord[]
  skipped: SkippedWindow[]
}

/** An interface at which the packets of an attempt can be seen, and as what. */
export interface CaptureInterface {
  /** `eni-…`; null: a regional NAT gateway, known by `natGatewayId` alone. */
  interfaceId: string | null
  role: 'client' | 'nat' | 'endpoint'
  natGatewayId: string | null
  endpointId: string | null
  /** Private addresses of the interface. */
  addresses: string[]
}

/**
 * Where the packets of one attempt can have been recorded, as the account showed it when the attempt was judged. Null
 * members: not shown, and then nothing joins there.
 */
export interface CapturePoints {
  /** The attempt's own ENI. */
  client: CaptureInterface | null
  /** Primary private IPv4 address of that ENI: records without `pkt-srcaddr` bear it whatever the packet carried. */
  primaryAddress: string | null
  /** NAT gateways that its routes can lead to. */
  nats: CaptureInterface[]
  /**
   * The ENI of an interface endpoint that owns the address by row 1 of the address rows, or from on-prem by row 3; at
   * most one.
   */
  endpoints: CaptureInterface[]
  /**
   * ENIs that own the attempt's address and belong to AWS's own endpoints of type Interface, in every reading: what
   * `next-hop-interface-id` may name.
   */
  endpointInterfaces: CaptureInterface[]
  /** What the address rows say of the attempt's address; `unknown` where an endpoint might have it all the same. */
  destination: 'private' | 'public' | 'unknown'
}
