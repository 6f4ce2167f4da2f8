/** STS's Query API, version 2011-06-15: who asks, and sessions of other roles (STS API reference). */
import type { ApiCall } from './call.ts'
import type { ApiFaults } from './faults.ts'
import type { Principal, Principals } from './principals.ts'
import { type ApiProblem, commonProblems, problem, stsNamespace } from './problem.ts'
import { element, xmlDocument, xmlText } from './xml.ts'

export const stsVersion = '2011-06-15'
export const stsActions: readonly string[] = ['GetCallerIdentity', 'AssumeRole']

export interface StsRequest {
  call: ApiCall
  caller: Principal
  principals: Principals
  roles: ApiFaults['roles']
  requestId: string
}

/** The answer's body, or the error. The action must be one of `stsActions`. */
export function answerSts(request: StsRequest): string | ApiProblem {
  const { call, caller, requestId } = request
  const result = call.action === 'AssumeRole' ? assumeRole(request) : identity(caller)
  if (typeof result !== 'string') return result
  const body =
    element(`${call.action}Result`, result) + element('ResponseMetadata', element('RequestId', requestId))
  return xmlDocument(`${call.action}Response`, stsNamespace, body)
}

function identity({ account, arn, userId }: Principal): string {
  return texts({ Arn: arn, UserId: userId, Account: account })
}

function assumeRole({ call: { params }, caller, principals, roles }: StsRequest): string | ApiProblem {
  const arn = params.get('RoleArn') ?? ''
  const session = params.get('RoleSessionName') ?? ''
  const seconds = Number(params.get('DurationSeconds') ?? 3600)
  if (!/^arn:[a-z-]+:iam::\d{12}:role\/[\w+=,.@/-]{1,512}$/u.test(arn)) return invalid('roleArn')
  if (!/^[\w+=,.@-]{2,64}$/u.test(session)) return invalid('roleSessionName')
  if (!Number.isInteger(seconds) || seconds < 900 || seconds > 43_200) return invalid('durationSeconds')
  const role = roles.find((each) => each.arn === arn)
  const known =
    role !== undefined && (role.externalId === undefined || role.externalId === params.get('ExternalId'))
  if (!known) {
    const { status, code, message } = commonProblems.denied('sts', caller.arn, 'AssumeRole')
    return problem(status, code, `${message} on resource: ${arn}`)
  }
  const { credentials, principal } = principals.assume(arn, session, seconds)
  const given = texts({
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey,
    SessionToken: credentials.sessionToken,
    Expiration: new Date(credentials.expirationMs).toISOString(),
  })
  const user = texts({ AssumedRoleId: principal.userId, Arn: principal.arn })
  return element('Credentials', given) + element('AssumedRoleUser', user)
}

function invalid(name: string): ApiProblem {
  return problem(
    400,
    'ValidationError',
    `1 validation error detected: Value at '${name}' failed to satisfy constraint`,
  )
}

function texts(members: Readonly<Record<string, string>>): string {
  return Object.entries(members)
    .map(([name, value]) => element(name, xmlText(value)))
    .join('')
}
