import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import type { Identity } from './credentials.ts'
import { type Answer, type AnyClient, type AnyCommand, sendCommand } from './send.ts'

/** The literal list of what this program can ask of the stores of records: it reads, and nothing else. */
const commands = {
  'logs:FilterLogEvents': { client: 'logs', command: FilterLogEventsCommand },
  's3:ListBucket': { client: 's3', command: ListObjectsV2Command },
  's3:GetObject': { client: 's3', command: GetObjectCommand },
  'cloudwatch:GetMetricData': { client: 'cloudwatch', command: GetMetricDataCommand },
} as const

/** Actions by their permission. */
export type RecordsAction = keyof typeof commands

export const recordsActions = Object.keys(commands) as RecordsAction[]

/** The stores of records as far as they are read. Holds sockets until it is closed. */
export interface RecordsApi {
  /** One action, tried again with growing and jittered waits where the error may pass. Never rejects. */
  call(action: RecordsAction, input: Record<string, unknown>, signal: AbortSignal): Promise<Answer>
  close(): void
}

export interface RecordsApiOptions {
  region: string
  identity: Identity
  /** For one request, not counting its repetitions. */
  requestTimeoutSeconds: number
  connectTimeoutSeconds: number
  /** A request is sent at most so often. */
  maxAttempts: number
}

/**
 * Clients of CloudWatch Logs, S3 and CloudWatch for one region, each made when it is first used. The endpoints are AWS's
 * own, or what AWS_ENDPOINT_URL_CLOUDWATCH_LOGS, …_S3 and …_CLOUDWATCH (or the profile) say. A bucket of another region is
 * followed there. Loading this file loads the SDK.
 */
export function recordsApi(options: RecordsApiOptions): RecordsApi {
  const { region, identity, requestTimeoutSeconds, connectTimeoutSeconds, maxAttempts } = options
  const common = {
    region,
    credentials: identity,
    retryMode: 'adaptive',
    maxAttempts,
    requestHandler: {
      connectionTimeout: connectTimeoutSeconds * 1000,
      requestTimeout: requestTimeoutSeconds * 1000,
      throwOnRequestTimeout: true,
    },
  } as const
  const make = {
    logs: () => new CloudWatchLogsClient(common),
    // a test server is reached by its address, where a bucket can be no part of the host name
    s3: () => new S3Client({ ...common, followRegionRedirects: true, forcePathStyle: s3IsMoved() }),
    cloudwatch: () => new CloudWatchClient(common),
  }
  const made = new Map<keyof typeof make, ReturnType<(typeof make)[keyof typeof make]>>()
  return {
    call(action, input, signal) {
      const { client: name, command } = commands[action]
      const client = made.get(name) ?? make[name]()
      made.set(name, client)
      const host = name === 'cloudwatch' ? 'monitoring' : name
      return sendCommand(
        client as unknown as AnyClient,
        new (command as new (input: Record<string, unknown>) => AnyCommand)(input),
        `${host}.${region}`,
        signal,
      )
    },
    close: () => {
      for (const client of made.values()) client.destroy()
    },
  }
}

/** Whether S3 is asked at an address or a name of this host, or at another that says so by its scheme. */
function s3IsMoved(): boolean {
  const moved = process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL'] ?? ''
  return /^http:|^https:\/\/(?:\d+\.\d+\.\d+\.\d+|\[|localhost)/i.test(moved)
}
