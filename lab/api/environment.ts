/** What a process that uses AWS's SDKs must find in its environment to ask the lab in place of AWS. */
import { devNull } from 'node:os'
import type { World } from '../world/types.ts'
import type { ApiCredentials } from './principals.ts'

export interface AwsPlaces {
  credentials: ApiCredentials
  /** Null: the APIs are at AWS's own names. */
  apiUrl: string | null
  /** S3's, likewise. */
  s3Url: string | null
  /** PEM of the authority behind those names. */
  caFile: string
  /** The credentials, account and region stand in the environment also where the host is an instance. */
  given?: boolean
}

const atApiUrl = ['EC2', 'STS', 'CLOUDWATCH_LOGS', 'CLOUDWATCH', 'CLOUDTRAIL', 'KMS', 'DIRECT_CONNECT']

/**
 * Endpoints, or the authority to trust; and no configuration file of this machine. On EC2 the credentials are those of
 * the metadata service, unless they are to be given; elsewhere they are given here, for as long as they last (six hours).
 */
export function awsEnvironment(
  { host, account, region }: World,
  { credentials, apiUrl, s3Url, caFile, given = host.kind === 'on-prem' }: AwsPlaces,
): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  return {
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    ...(apiUrl === null
      ? { NODE_EXTRA_CA_CERTS: caFile }
      : Object.fromEntries(atApiUrl.map((service) => [`AWS_ENDPOINT_URL_${service}`, apiUrl]))),
    ...(s3Url !== null && { AWS_ENDPOINT_URL_S3: s3Url }),
    ...(given && {
      AWS_REGION: region,
      AWS_ACCOUNT_ID: account,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    }),
  }
}
