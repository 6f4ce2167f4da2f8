/** What a process that uses AWS's SDKs must find in its environment to ask the lab in place of AWS. */
import { devNull } from 'node:os'
import type { World } from '../world/types.ts'
import type { ApiCredentials } from './principals.ts'

export interface AwsPlaces {
  credentials: ApiCredentials
  /** Null: the APIs are at AWS's own names. */
  apiUrl: string | null
  /** PEM of the authority behind those names. */
  caFile: string
}

/**
 * Endpoints, or the authority to trust; and no configuration file of this machine. On EC2 the credentials are those of
 * the metadata service; elsewhere they are given here, for as long as they last (six hours).
 */
export function awsEnvironment(
  { host }: World,
  { credentials, apiUrl, caFile }: AwsPlaces,
): Record<string, string> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  return {
    AWS_CONFIG_FILE: devNull,
    AWS_SHARED_CREDENTIALS_FILE: devNull,
    ...(apiUrl === null
      ? { NODE_EXTRA_CA_CERTS: caFile }
      : { AWS_ENDPOINT_URL_EC2: apiUrl, AWS_ENDPOINT_URL_STS: apiUrl }),
    ...(host.kind === 'on-prem' && {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    }),
  }
}
