/** IAM policies as documents: read strictly. Source: IAM user guide, "IAM JSON policy elements reference", "Grammar of the IAM JSON policy language". */
import { operatorOf } from './conditions.ts'

export interface Policy {
  statements: Statement[]
}

export interface Statement {
  sid: string | null
  effect: 'Allow' | 'Deny'
  /** `not`: the statement is about everything else. */
  actions: Matched
  resources: Matched
  /** Null: an identity's policy, which names none. */
  principals: { not: boolean; any: boolean; aws: string[] } | null
  conditions: Condition[]
}

export interface Matched {
  not: boolean
  patterns: string[]
}

export interface Condition {
  /** As written: `ForAnyValue:StringLikeIfExists`. */
  operator: string
  /** As written; keys are compared without regard to case. */
  key: string
  values: string[]
}

export type PolicyReading = { ok: true; policy: Policy } | { ok: false; problem: string }

type Json = Record<string, unknown>

/** Where a policy stands: an identity's has no principal, a bucket's and an endpoint's must have one. */
export type PolicyPlace = 'identity' | 'resource'

/** Reads a document, as text or as an object. Never throws. */
export function readPolicy(source: unknown, place: PolicyPlace): PolicyReading {
  try {
    const document: unknown = typeof source === 'string' ? JSON.parse(source) : source
    if (!isObject(document)) return wrong('the policy is no object')
    onlyKeys(document, ['Version', 'Id', 'Statement'], 'policy')
    const { Version: version, Statement: statement } = document
    if (version !== undefined && version !== '2012-10-17' && version !== '2008-10-17')
      return wrong('Version is none of IAM’s')
    const list = Array.isArray(statement) ? statement : [statement]
    if (list.length === 0) return wrong('no Statement')
    return { ok: true, policy: { statements: list.map((item) => statementFrom(item, place)) } }
  } catch (error) {
    return wrong(error instanceof Error ? error.message : String(error))
  }
}

function wrong(problem: string): PolicyReading {
  return { ok: false, problem }
}

function statementFrom(source: unknown, place: PolicyPlace): Statement {
  if (!isObject(source)) throw new Error('a Statement is no object')
  const known = ['Sid', 'Effect', 'Action', 'NotAction', 'Resource', 'NotResource', 'Condition']
  onlyKeys(source, place === 'identity' ? known : [...known, 'Principal', 'NotPrincipal'], 'Statement')
  const { Sid: sid, Effect: effect } = source
  if (effect !== 'Allow' && effect !== 'Deny') throw new Error('Effect is neither Allow nor Deny')
  return {
    sid: typeof sid === 'string' ? sid : null,
    effect,
    actions: matched(source, 'Action'),
    resources: matched(source, 'Resource'),
    principals: place === 'identity' ? null : principalsOf(source),
    conditions: conditionsOf(source['Condition']),
  }
}

/** `Action` or `NotAction`: one of the two, and not both. */
function matched(source: Json, name: string): Matched {
  const not = source[`Not${name}`] !== undefined
  if (not === (source[name] !== undefined)) throw new Error(`one of ${name} and Not${name} is needed`)
  const patterns = texts(source[not ? `Not${name}` : name], name)
  if (patterns.length === 0) throw new Error(`${name} is empty`)
  return { not, patterns }
}

function principalsOf(source: Json): NonNullable<Statement['principals']> {
  const not = source['NotPrincipal'] !== undefined
  if (not === (source['Principal'] !== undefined))
    throw new Error('one of Principal and NotPrincipal is needed')
  const value = source[not ? 'NotPrincipal' : 'Principal']
  if (value === '*') return { not, any: true, aws: [] }
  if (!isObject(value)) throw new Error('Principal is neither "*" nor an object')
  onlyKeys(value, ['AWS', 'Service', 'Federated', 'CanonicalUser'], 'Principal')
  const aws = value['AWS'] === undefined ? [] : texts(value['AWS'], 'Principal')
  return { not, any: aws.includes('*'), aws }
}

function conditionsOf(source: unknown): Condition[] {
  if (source === undefined) return []
  if (!isObject(source)) throw new Error('Condition is no object')
  return Object.entries(source).flatMap(([operator, keys]) => {
    if (operatorOf(operator) === null) throw new Error(`no condition operator ${operator}`)
    if (!isObject(keys)) throw new Error(`${operator} is no object`)
    return Object.entries(keys).map(([key, values]) => ({ operator, key, values: texts(values, key) }))
  })
}

/** One text or a list of them; numbers and booleans count as their text. */
function texts(value: unknown, name: string): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value]
  return list.map((item) => {
    if (typeof item === 'string') return item
    if (typeof item === 'number' || typeof item === 'boolean') return String(item)
    throw new Error(`${name} has a value that is no text`)
  })
}

function onlyKeys(source: Json, known: readonly string[], name: string): void {
  const other = Object.keys(source).find((key) => !known.includes(key))
  if (other !== undefined) throw new Error(`${name} has an element ${other}, which is none`)
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
