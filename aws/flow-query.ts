/**
 * What is asked of the stores of flow logs, and what they gave. Plain data that survives JSON: asked by the agent,
 * answered by the process that reads the records. No secret is in it.
 */
import type { CapturedRecords } from '../model/capture.ts'
import type { FlowCensusRow, FlowKey } from '../model/flow.ts'

/** Where one flow log delivers to. */
export type RecordsSource =
  | {
      kind: 'logs'
      logGroup: string
      /** `eni-…`; for a regional NAT gateway `nat-…`. Streams of longer ids that begin alike are left out. */
      streamPrefix: string
    }
  | {
      kind: 's3'
      bucket: string
      /** What stands before `AWSLogs/` (or `AWSLogs/aws-account-id=…`), without slashes at its ends; empty: nothing. */
      prefix: string
      /** Account and region of the flow log, as they stand in its keys. */
      account: string
      region: string
      hive: boolean
      hourly: boolean
      /** Only files that carry this id in their name are read; null: those of every flow log. */
      flowLogId: string | null
    }

/**
 * How far this source has been read, so that the next reading goes on from there although their windows overlap: nothing is
 * counted twice, and no file is fetched twice. Handed back as it came.
 */
export type RecordsCursor =
  | { kind: 'logs'; ingestedMs: number }
  | {
      kind: 's3'
      /** Files last changed at this time or before are done. Unix milliseconds. */
      doneMs: number
      /** Keys of files that were read and are younger than that; bounded. */
      keys: string[]
    }

export interface RecordsQuery {
  /** The asker's own; stands in the answer. */
  id: string
  /** `fl-…`, null where only the store is known. */
  flowLogId: string | null
  source: RecordsSource
  /** As `DescribeFlowLogs` gives it; null: the default format. Text files name theirs in the first line, which counts. */
  format: string | null
  /** Longest time that one record sums up. */
  aggregationSeconds: number
  /** Records of other interfaces and resources are neither given nor counted. */
  interfaceIds: string[]
  /** Regional NAT gateways (`nat-…`), whose records bear no interface. */
  resourceIds: string[]
  /**
   * Further interfaces and resources, whose records are given and not counted. Left out: none. Only for S3. Where there are
   * any, keys without a local port are looked for at these alone.
   */
  uncountedIds?: string[]
  /**
   * Records that began (Logs) or files that were written (S3) in this time. Unix milliseconds. A census goes back
   * further by itself, for what came late.
   */
  fromMs: number
  toMs: number
  /** What pending attempts are looked for by. Only records that match one are given. */
  keys: FlowKey[]
  /** Whether all records are counted. One query of an interface should do so, or they are counted twice. */
  census: boolean
  /** The last cursor that came back for the same source and interfaces, also without a census; null: the first time. */
  censusSince: RecordsCursor | null
  /**
   * Prefixes in which an address is not counted as public although it looks so: ranges of the VPCs, entries of AWS's
   * prefix lists. Left out: none.
   */
  knownCidrs?: string[]
}

/** Why records could not be read. A closed list: metrics and `doctor` name it. */
export const recordsReasons = [
  'denied',
  'throttled',
  'credentials',
  'unreachable',
  'timeout',
  'missing',
  'invalid',
  'failed',
] as const

export type RecordsReason = (typeof recordsReasons)[number]

/** All texts are our own: AWS's message never gets in. */
export interface RecordsFailure {
  reason: RecordsReason
  /** AWS's or Node's name of the error, made of letters, digits, `_`, `.` and `-` only. */
  code: string
  /** `logs:FilterLogEvents`, `s3:ListBucket`, `s3:GetObject`, … */
  permission: string
  detail: string
  nextStep: string
}

/** What was counted for the first time by this reading. */
export interface RecordsCensus {
  rows: FlowCensusRow[]
  /** Flows and bytes that found no row of their own, for there were too many different ones. */
  otherFlows: number
  otherBytes: number
  /** What was delivered after the one and until the other moment has been counted. Unix milliseconds. */
  sinceMs: number
  untilMs: number
  /**
   * Whether nothing is known to be missing between the cursor given and the one returned: no bound was reached, no call
   * failed, no file was corrupt, no line was unreadable.
   */
  complete: boolean
}

/** What one query gave. A failure does not undo what was read before it. */
export interface RecordsResult {
  id: string
  captured: CapturedRecords
  /** Null: not asked for. */
  census: RecordsCensus | null
  /** Lines of records that were looked at, of any interface. */
  events: number
  /** Lines that were no records of the format. */
  badLines: number
  /** Files that could not be read as what they are (S3). */
  badFiles: number
  /** End of the youngest record of the wanted interfaces, Unix seconds, and when it could be read, Unix milliseconds. */
  newestEndSeconds: number | null
  newestIngestedMs: number | null
  scannedBytes: number
  /** Which bound ended the reading; null: none. What was left out may hold anything. */
  truncated: 'pages' | 'events' | 'bytes' | 'files' | 'records' | 'time' | null
  failure: RecordsFailure | null
  /** Null: nothing was counted, so the last one stands. */
  cursor: RecordsCursor | null
}

/** The result of a query of which nothing was read. */
export function emptyResult(query: RecordsQuery, failure: RecordsFailure | null): RecordsResult {
  const { id, census, fromMs } = query
  const nothing = { rows: [], otherFlows: 0, otherBytes: 0, sinceMs: fromMs, untilMs: fromMs }
  return {
    id,
    captured: { records: [], skipped: [] },
    census: census ? { ...nothing, complete: false } : null,
    events: 0,
    badLines: 0,
    badFiles: 0,
    newestEndSeconds: null,
    newestIngestedMs: null,
    scannedBytes: 0,
    truncated: null,
    failure,
    cursor: null,
  }
}
