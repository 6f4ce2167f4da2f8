/** What policies say of a request. Source: IAM user guide, "Policy evaluation logic". */
import { type Context, holds, valuesOf } from './conditions.ts'
import type { Condition, Matched, Policy, Statement } from './document.ts'
import { matchesPattern } from './patterns.ts'

export interface AccessRequest {
  /** Null: anonymous. */
  principal: AccessPrincipal | null
  /** `s3:GetObject` */
  action: string
  /** ARN. */
  resource: string
  /** Account that the resource is in. */
  owner: string
  context: Context
}

export interface AccessPrincipal {
  account: string
  /** Of a user, or of a session: `arn:aws:sts::111122223333:assumed-role/app/i-0a`. */
  arn: string
  /** Of the role, for a session; null for a user. */
  role: string | null
}

export type Effect = 'allow' | 'deny' | 'none'

export interface Policies {
  /** Of the user or role; null: it has none. */
  identity: Policy | null
  /** Of the bucket. */
  resource: Policy | null
  /** Of the endpoint that the request came by: null if by none, or if the endpoint has the default one, which allows all. */
  endpoint: Policy | null
}

export interface Decision {
  allowed: boolean
  /** For people, in AWS's own order: an explicit deny, then who did not allow. */
  because: string
}

/** One policy: a deny wins over every allow. */
export function effectOf(policy: Policy, request: AccessRequest): Effect {
  const effects = policy.statements.filter((each) => applies(each, request)).map(({ effect }) => effect)
  if (effects.includes('Deny')) return 'deny'
  return effects.includes('Allow') ? 'allow' : 'none'
}

/**
 * All of them together. A deny anywhere wins. The endpoint must allow, if it has a policy. Then, inside one account,
 * the identity or the bucket must allow; between two both; an anonymous request has only the bucket.
 */
export function decide({ identity, resource, endpoint }: Policies, request: AccessRequest): Decision {
  const of = (policy: Policy | null): Effect => (policy === null ? 'none' : effectOf(policy, request))
  const said = {
    identity: request.principal === null ? ('none' as const) : of(identity),
    resource: of(resource),
    endpoint: endpoint === null ? ('allow' as const) : of(endpoint),
  }
  for (const [name, effect] of Object.entries(said)) {
    if (effect === 'deny') return { allowed: false, because: `an explicit deny in ${words[name]}` }
  }
  if (said.endpoint !== 'allow')
    return { allowed: false, because: 'no VPC endpoint policy allows the action' }
  const { principal } = request
  if (principal === null || principal.account === request.owner) {
    const allowed = said.identity === 'allow' || said.resource === 'allow'
    return {
      allowed,
      because: allowed ? 'allowed' : 'no identity-based or resource-based policy allows the action',
    }
  }
  if (said.identity !== 'allow')
    return { allowed: false, because: 'no identity-based policy allows the action' }
  const allowed = said.resource === 'allow'
  return { allowed, because: allowed ? 'allowed' : 'no resource-based policy allows the action' }
}

const words: Readonly<Record<string, string>> = {
  identity: 'an identity-based policy',
  resource: 'a resource-based policy',
  endpoint: 'a VPC endpoint policy',
}

function applies(statement: Statement, request: AccessRequest): boolean {
  const { actions, resources, principals, conditions } = statement
  return (
    matches(actions, (pattern) => matchesPattern(request.action.toLowerCase(), pattern.toLowerCase())) &&
    matches(resources, (pattern) => {
      const filled = withVariables(pattern, request.context)
      return filled !== null && matchesPattern(request.resource, filled)
    }) &&
    (principals === null || isNamed(principals, request.principal)) &&
    conditions.every((condition) => isMet(condition, request.context))
  )
}

function matches({ not, patterns }: Matched, fits: (pattern: string) => boolean): boolean {
  return patterns.some(fits) !== not
}

function isNamed(
  { not, any, aws }: NonNullable<Statement['principals']>,
  principal: AccessPrincipal | null,
): boolean {
  if (any) return !not
  if (principal === null) return not
  const { account, arn, role } = principal
  const names = [account, arn, ...(role === null ? [] : [role])]
  const named = aws.some(
    (each) => names.includes(each) || new RegExp(`^arn:[a-z-]+:iam::${account}:root$`, 'u').test(each),
  )
  return named !== not
}

function isMet({ operator, key, values }: Condition, context: Context): boolean {
  const wanted = values.flatMap((value) => withVariables(value, context) ?? [])
  // a variable without a value fits nothing; a negated operator must not come true by it
  if (wanted.length < values.length && wanted.length === 0) return false
  return holds(operator, valuesOf(context, key), wanted)
}

/** Puts `${aws:SourceVpce}` and its like in; null if one of them has no single value. `${*}` and `${?}` are not played. */
function withVariables(text: string, context: Context): string | null {
  let known = true
  const filled = text.replaceAll(/\$\{([^}]*)\}/gu, (_, inner: string) => {
    if (inner === '$') return inner
    const [, key = '', fallback] = /^([^,]*)(?:,\s*'([^']*)')?$/u.exec(inner) ?? []
    const [value, more] = valuesOf(context, key.trim())
    if (value !== undefined && more === undefined) return value
    if (fallback === undefined) known = false
    return fallback ?? ''
  })
  return known ? filled : null
}
