import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail'
import { GetBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3'
import type { Identity } from './credentials.ts'
import { type Answer, type AnyClient, type AnyCommand, sendCommand } from './send.ts'

/** The literal list of what is asked besides the signed requests themselves: it reads, and nothing else. */
const commands = {
  's3:GetBucketPolicy': { client: 's3', command: GetBucketPolicyCommand },
  'cloudtrail:LookupEvents': { client: 'cloudtrail', command: LookupEventsCommand },
} as const

/** Actions by their permission. */
export type AttestAction = keyof typeof commands

export const attestActions = Object.keys(commands) as AttestAction[]

export interface AttestApi {
  /** One action in one region, tried again with growing and jittered waits where the error may pass. Never rejects. */
  call(
    action: AttestAction,
    region: string,
    input: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<Answer>
  close(): void
}

const connectionTimeoutMs = 3000
const requestTimeoutMs = 10_000
const maxAttempts = 3

/**
 * Clients of S3 and CloudTrail, each made when it is first used. The endpoints are AWS's own, or what
 * AWS_ENDPOINT_URL_S3 and …_CLOUDTRAIL (or the profile) say. Loading this file loads the SDK.
 */
export function attestApi(identity: Identity): AttestApi {
  const made = new Map<string, S3Client | CloudTrailClient>()
  const make = (client: 's3' | 'cloudtrail', region: string): S3Client | CloudTrailClient => {
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
    // by path, so that the bucket is no part of a host name that an endpoint elsewhere does not have
    return client === 's3' ? new S3Client({ ...common, forcePathStyle: true }) : new CloudTrailClient(common)
  }
  return {
    call(action, region, input, signal) {
      const { client: name, command } = commands[action]
      const key = `${name} ${region}`
      const client = made.get(key) ?? make(name, region)
      made.set(key, client)
      return sendCommand(
        client as unknown as AnyClient,
        new (command as new (input: Record<string, unknown>) => AnyCommand)(input),
        `${name}.${region}`,
        signal,
      )
    },
    close: () => {
      for (const client of made.values()) client.destroy()
    },
  }
}
