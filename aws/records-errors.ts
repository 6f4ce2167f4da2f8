import type { RecordsFailure } from './flow-query.ts'
import { type ApiFailure, type FailedCall, failureOf, notAnAnswer } from './snapshot-api-errors.ts'

/** What a host in a VPC needs to reach a service's API, and the variable that names another endpoint. */
const ways = {
  logs: { endpoint: 'logs', variable: 'AWS_ENDPOINT_URL_CLOUDWATCH_LOGS' },
  s3: { endpoint: 's3 (interface or gateway)', variable: 'AWS_ENDPOINT_URL_S3' },
  cloudwatch: { endpoint: 'monitoring', variable: 'AWS_ENDPOINT_URL_CLOUDWATCH' },
} as const

const missing: Readonly<Record<string, string>> = {
  ResourceNotFoundException: 'there is no such log group in this account and region',
  NoSuchBucket: 'there is no such bucket',
  NoSuchKey: 'the file has gone since it was listed',
  NotFound: 'there is no such bucket or file',
}

/**
 * Judges what a call for records threw; see `failureOf`, which knows EC2's words. `permission` is `logs:FilterLogEvents`,
 * `s3:GetObject` and the like; `about` names the log group or bucket and is the configuration's or the account's own text.
 */
export function recordsFailureOf(error: unknown, call: FailedCall, about: string): RecordsFailure {
  const found = failureOf(error, call)
  const { permission, region } = call
  const what = missing[found.code]
  if (what !== undefined) {
    return {
      reason: 'missing',
      code: found.code,
      permission,
      detail: `${what}: ${about}`,
      nextStep: 'see where the flow log delivers to (aws ec2 describe-flow-logs); the agent asks there',
    }
  }
  return { ...found, permission, nextStep: nextStepOf(found, permission, region, about) }
}

function nextStepOf(found: ApiFailure, permission: string, region: string, about: string): string {
  const service = permission.split(':')[0] as keyof typeof ways
  const way = ways[service]
  switch (found.reason) {
    case 'denied': {
      const kms = permission === 's3:GetObject' ? ' (and kms:Decrypt, if its files are encrypted by KMS)' : ''
      return `allow ${permission} on ${about}${kms} to the agent's role; pathproof config iam prints the whole policy`
    }
    case 'throttled':
      return 'all callers of an account share one allowance in a region: raise flow_logs.every, or deliver flow logs to S3'
    case 'unreachable':
    case 'timeout':
      return `a VPC without a way to the internet needs an endpoint for ${way.endpoint} in ${region}; to use one by its own DNS name, set ${way.variable}`
    default:
      return found.nextStep
  }
}

/** An answer that is not of the documented form. */
export function notRecords(permission: string, hostname: string, why: string): RecordsFailure {
  return { ...notAnAnswer(permission, hostname, why), permission }
}

/** Pages that lead back to themselves. */
export function endlessPages(permission: string): RecordsFailure {
  return {
    reason: 'invalid',
    code: 'paging',
    permission,
    detail: `the pages of ${permission} do not end: the same token came twice`,
    nextStep: 'see what answers in place of the AWS API',
  }
}
