import { fromNodeProviderChain } from '@aws-sdk/credential-providers'
import { credentialsFailure } from './snapshot-api-errors.ts'
import type { ApiFailure } from './snapshot-api-errors.ts'

/** The credentials of one process, as the SDK's clients take them. Nothing of them may reach any output. */
export interface Identity {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
  expiration?: Date
}

export type Credentials =
  | {
      ok: true
      identity: Identity
      /** The account that they belong to, where the source says it; null: it does not. */
      account: string | null
    }
  | { ok: false; failure: ApiFailure }

export interface CredentialsOptions {
  /** Region of the STS endpoint, where a profile or a web identity asks for a role. */
  region: string
  /** For the whole chain: a profile may call STS, SSO or a program of the user's. */
  timeoutSeconds: number
  signal: AbortSignal
  /**
   * The account of this instance by its identity document; null or left out: not known. Credentials that its metadata
   * service gives are of that account, and the service itself does not always say so.
   */
  instanceAccount?: string | null
}

const nextStep =
  'give this process an identity: an instance role, a container role, Roles Anywhere (credential_process), or AWS_PROFILE; or read a directory instead (topology.source: directory)'

const accountId = /^\d{12}$/

/**
 * Credentials by the SDK's default chain (environment, SSO, profile, process, web identity, container, instance
 * metadata by IMDSv2 only). Never rejects, except when `signal` aborts. Where no source has any, the failure says what
 * to do; that it was an attempt at the metadata service that failed, or another source, is not told apart.
 */
export async function findCredentials(options: CredentialsOptions): Promise<Credentials> {
  const { region, timeoutSeconds, signal } = options
  signal.throwIfAborted()
  const chain = fromNodeProviderChain({
    clientConfig: { region },
    timeout: 1000,
    maxRetries: 1,
    ec2MetadataV1Disabled: true,
  })
  const limit = AbortSignal.timeout(timeoutSeconds * 1000)
  const ended = AbortSignal.any([signal, limit])
  try {
    const found = await Promise.race([
      chain(),
      new Promise<never>((_, reject) =>
        ended.addEventListener('abort', () => reject(ended.reason as Error), { once: true }),
      ),
    ])
    const ofInstance = isOfInstance(found) ? options.instanceAccount : null
    const account = found.accountId ?? ofInstance ?? accountOfAccessKey(found.accessKeyId)
    return {
      ok: true,
      identity: found,
      account: account !== null && accountId.test(account) ? account : null,
    }
  } catch (error) {
    signal.throwIfAborted()
    if (limit.aborted) {
      const detail = `no AWS credentials were found within ${timeoutSeconds} s`
      return { ok: false, failure: { reason: 'credentials', code: 'timeout', detail, nextStep } }
    }
    const name = error instanceof Error ? error.name : ''
    const none = ['CredentialsProviderError', 'ProviderError', 'InstanceMetadataV1FallbackError', 'Error']
    if (!none.includes(name) && /^[A-Za-z][A-Za-z0-9.]{0,79}$/.test(name)) {
      // STS, SSO or the like was asked, and said no
      return { ok: false, failure: credentialsFailure(name) }
    }
    const detail = 'no AWS credentials were found (environment, profile, container or instance role)'
    return { ok: false, failure: { reason: 'credentials', code: 'none', detail, nextStep } }
  }
}

/**
 * Whether the metadata service of this instance gave these credentials: the SDK marks the source of all others, and a
 * container is told by its environment where to ask.
 */
function isOfInstance(found: object): boolean {
  const inContainer =
    process.env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'] ?? process.env['AWS_CONTAINER_CREDENTIALS_FULL_URI']
  if (inContainer !== undefined && inContainer !== '') return false
  const source = (found as { $source?: Record<string, unknown> }).$source ?? {}
  return Object.keys(source).every((name) => name === 'CREDENTIALS_IMDS')
}

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/**
 * The account that an access key id (`AKIA…`, `ASIA…`) carries since 2019: the 40 bits after the first of its base32
 * part. That is not documented by AWS, so the result is only good for comparing it with an account id that AWS gave:
 * twelve equal digits are no accident, while anything else proves nothing. Null for what is no such id.
 */
export function accountOfAccessKey(accessKeyId: string): string | null {
  const match = /^A[KS]IA([A-Z2-7]{16})$/.exec(accessKeyId)
  if (match === null) return null
  let bits = 0n
  for (const letter of match[1] ?? '') bits = (bits << 5n) | BigInt(base32.indexOf(letter))
  // 80 bits in all: the first is a mark, the next 40 are the account
  const account = (bits >> 39n) & ((1n << 40n) - 1n)
  return account < 1_000_000_000_000n ? account.toString().padStart(12, '0') : null
}
