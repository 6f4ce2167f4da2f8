import {
  CloudWatchLogsClient,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from '@aws-sdk/client-cloudwatch-logs'
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import type { Identity } from './credentials.ts'
import { type Answer, type AnyClient, type AnyCommand, sendCommand } from './send.ts'

/** The literal list of what is written outside the host. */
const commands = {
  'logs:PutLogEvents': { client: 'logs', command: PutLogEventsCommand },
  'logs:CreateLogStream': { client: 'logs', command: CreateLogStreamCommand },
  's3:PutObject': { client: 's3', command: PutObjectCommand },
} as const

/** Actions by their permission. */
export type AnchorAction = keyof typeof commands

export const anchorActions = Object.keys(commands) as AnchorAction[]

export interface AnchorApi {
  /** One action, tried again with growing and jittered waits where the error may pass. Never rejects. */
  call(action: AnchorAction, input: Record<string, unknown>, signal: AbortSignal): Promise<Answer>
  close(): void
}

const connectionTimeoutMs = 3000
/** A segment of some megabytes by a slow way. */
const requestTimeoutMs = 60_000
const maxAttempts = 3

/**
 * Clients of CloudWatch Logs and S3, each made when it is first used. The endpoints are AWS's own, or what
 * AWS_ENDPOINT_URL_CLOUDWATCH_LOGS and …_S3 (or the profile) say. Loading this file loads the SDK.
 */
export function anchorApi(identity: Identity, region: string): AnchorApi {
  const made = new Map<string, S3Client | CloudWatchLogsClient>()
  const make = (client: 's3' | 'logs'): S3Client | CloudWatchLogsClient => {
    const common = {
      region,
      credentials: identity,
      retryMode: 'adaptive',
      maxAttempts,
      requestHandler: {
        connectionTimeout: connectionTimeoutMs,
        requestTimeout: requestTimeoutMs,
        throwOnRequestTimeout: true,
      },
    } as const
    return client === 's3'
      ? // by path, so that the bucket is no part of a host name that an endpoint elsewhere does not have
        new S3Client({ ...common, forcePathStyle: true, followRegionRedirects: true })
      : new CloudWatchLogsClient(common)
  }
  return {
    call(action, input, signal) {
      const { client: name, command } = commands[action]
      const client = made.get(name) ?? make(name)
      made.set(name, client)
      return sendCommand(
        client as unknown as AnyClient,
        new (command as unknown as new (input: Record<string, unknown>) => AnyCommand)(input),
        `${name}.${region}`,
        signal,
      )
    },
    close: () => {
      for (const client of made.values()) client.destroy()
    },
  }
}
