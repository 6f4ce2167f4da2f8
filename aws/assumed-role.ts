import { fromTemporaryCredentials } from '@aws-sdk/credential-providers'
import type { Credentials, Identity } from './credentials.ts'
import { readRoleArn } from './role-arn.ts'
import { type ApiFailure, failureOf } from './snapshot-api-errors.ts'

/** A role that is taken on with other credentials. */
export interface Role {
  /** `arn:aws:iam::444455556666:role/pathproof-read` */
  arn: string
  /** What the role's trust policy may ask for as `sts:ExternalId`; no secret (IAM user guide, "Access to AWS accounts owned by third parties"). */
  externalId: string | null
}

export interface AssumeRoleOptions {
  role: Role
  /** With which it is asked for. */
  identity: Identity
  /** Region of the STS endpoint: where this host stands, for there its VPC may have one of its own. */
  region: string
  timeoutSeconds: number
  signal: AbortSignal
}

/** The shortest that STS gives (API reference, `AssumeRole`): one reading of an account takes a minute at most. */
const sessionSeconds = 900

/** Name of the session, as it stands in the other account's CloudTrail. */
const sessionName = 'pathproof'

/**
 * Credentials of a role (`sts:AssumeRole`). The endpoint is AWS's own of the region, or what AWS_ENDPOINT_URL_STS says.
 * Never rejects, except when `signal` aborts.
 */
export async function assumeRole(options: AssumeRoleOptions): Promise<Credentials> {
  const { role, identity, region, timeoutSeconds, signal } = options
  signal.throwIfAborted()
  const limit = AbortSignal.timeout(timeoutSeconds * 1000)
  const ended = AbortSignal.any([signal, limit])
  const ask = fromTemporaryCredentials({
    masterCredentials: identity,
    params: {
      RoleArn: role.arn,
      RoleSessionName: sessionName,
      DurationSeconds: sessionSeconds,
      ...(role.externalId !== null && { ExternalId: role.externalId }),
    },
    clientConfig: { region, maxAttempts: 3 },
  })
  try {
    const found = await Promise.race([
      ask(),
      new Promise<never>((_, reject) =>
        ended.addEventListener('abort', () => reject(ended.reason as Error), { once: true }),
      ),
    ])
    return { ok: true, identity: found, account: readRoleArn(role.arn)?.account ?? null }
  } catch (error) {
    signal.throwIfAborted()
    const failure = failureOf(error, {
      permission: 'sts:AssumeRole',
      hostname: hostnameOfSts(region),
      region,
      endedAfterSeconds: limit.aborted ? timeoutSeconds : null,
      lastAnswer: null,
    })
    return { ok: false, failure: failure.reason === 'denied' ? refused(role, failure) : failure }
  }
}

/** STS says no in the same words whether this side's policy, the role's trust policy or its external id is in the way. */
function refused({ arn, externalId }: Role, { reason, code }: ApiFailure): ApiFailure {
  const id = externalId === null ? '' : ' and the external id'
  return {
    reason,
    code,
    detail: `AWS refused (${code}): sts:AssumeRole on ${arn} is missing`,
    nextStep: `allow it to the agent's role (pathproof config iam prints the policy), and see that the trust policy of ${arn} names the agent's role${id}`,
  }
}

function hostnameOfSts(region: string): string {
  const moved = process.env['AWS_ENDPOINT_URL_STS'] ?? ''
  return URL.canParse(moved) ? new URL(moved).hostname : `sts.${region}`
}
