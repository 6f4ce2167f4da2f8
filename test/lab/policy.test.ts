import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Context, holds } from '../../lab/policy/conditions.ts'
import { readPolicy, type Policy, type PolicyPlace } from '../../lab/policy/document.ts'
import { type AccessRequest, decide, effectOf } from '../../lab/policy/evaluate.ts'
import { matchesPattern } from '../../lab/policy/patterns.ts'

const role = 'arn:aws:iam::111122223333:role/app'
const session = 'arn:aws:sts::111122223333:assumed-role/app/i-0a'

function policy(source: unknown, place: PolicyPlace = 'resource'): Policy {
  const reading = readPolicy(source, place)
  if (!reading.ok) throw new Error(reading.problem)
  return reading.policy
}

function request(more: Partial<AccessRequest> = {}): AccessRequest {
  return {
    principal: { account: '111122223333', arn: session, role },
    action: 's3:GetObject',
    resource: 'arn:aws:s3:::b/positive',
    owner: '111122223333',
    context: {},
    ...more,
  }
}

const statement = (more: Record<string, unknown>) => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Deny', Principal: '*', Action: '*', Resource: '*', ...more }],
})

/** Operator, value or values of the request (undefined: no such key), of the policy, whether it holds. */
const table: [string, string | string[] | undefined, string[], boolean][] = [
  ['StringEquals', 'a', ['a'], true],
  ['StringEquals', 'A', ['a'], false],
  ['StringEquals', 'b', ['a', 'b'], true],
  ['StringEquals', undefined, ['a'], false],
  ['StringEquals', 'a*', ['a*'], true],
  ['StringEquals', 'ab', ['a*'], false],
  ['StringNotEquals', 'a', ['a'], false],
  ['StringNotEquals', 'b', ['a'], true],
  // of several values none may fit
  ['StringNotEquals', 'b', ['a', 'b'], false],
  ['StringNotEquals', 'c', ['a', 'b'], true],
  ['StringNotEquals', ['a', 'b'], ['a'], false],
  // a negated operator is true without the key: this is what the canary rests on
  ['StringNotEquals', undefined, ['a'], true],
  ['StringEqualsIgnoreCase', 'A', ['a'], true],
  ['StringNotEqualsIgnoreCase', 'A', ['a'], false],
  ['StringLike', 'vpce-0a1', ['vpce-*'], true],
  ['StringLike', 'vpce-0a1', ['vpce-0a?'], true],
  ['StringLike', 'vpce-0a12', ['vpce-0a?'], false],
  ['StringLike', undefined, ['*'], false],
  ['StringNotLike', 'vpce-0a1', ['vpce-*'], false],
  ['StringNotLike', undefined, ['*'], true],
  ['StringEqualsIfExists', undefined, ['a'], true],
  ['StringEqualsIfExists', 'b', ['a'], false],
  ['StringNotEqualsIfExists', undefined, ['a'], true],
  ['StringNotEqualsIfExists', 'a', ['a'], false],
  ['StringLikeIfExists', undefined, ['a'], true],
  ['Null', undefined, ['true'], true],
  ['Null', 'a', ['true'], false],
  ['Null', 'a', ['false'], true],
  ['Null', undefined, ['false'], false],
  ['IpAddress', '10.0.1.50', ['10.0.0.0/16'], true],
  ['IpAddress', '10.1.1.50', ['10.0.0.0/16'], false],
  ['IpAddress', '10.0.1.50', ['10.0.1.50'], true],
  ['IpAddress', '10.0.1.51', ['10.0.1.50', '10.0.1.51/32'], true],
  ['IpAddress', '2001:db8::1', ['2001:db8::/32'], true],
  ['IpAddress', '10.0.0.1', ['2001:db8::/32'], false],
  ['IpAddress', undefined, ['0.0.0.0/0'], false],
  ['IpAddress', 'AWS Internal', ['0.0.0.0/0'], false],
  ['NotIpAddress', '10.0.1.50', ['10.0.1.50/32'], false],
  ['NotIpAddress', '10.0.1.51', ['10.0.1.50/32'], true],
  ['NotIpAddress', undefined, ['10.0.1.50/32'], true],
  ['ArnLike', role, ['arn:aws:iam::*:role/*'], true],
  ['ArnLike', role, ['arn:aws:iam::111122223333:*'], true],
  // a wildcard does not go over the colons between the parts
  ['ArnLike', role, ['arn:*:role/app'], false],
  ['ArnLike', 'arn:aws:sns:us-east-1:1:a:b', ['arn:aws:sns:us-east-1:1:*'], true],
  ['ArnEquals', role, ['arn:aws:iam::*:role/a??'], true],
  ['ArnLike', undefined, ['*'], false],
  ['ArnNotLike', role, ['arn:aws:iam::*:role/admin'], true],
  ['ArnNotLike', role, ['arn:aws:iam::*:role/admin', 'arn:aws:iam::*:role/app'], false],
  ['ArnNotLike', undefined, [role], true],
  ['Bool', 'true', ['true'], true],
  ['Bool', 'false', ['true'], false],
  ['Bool', undefined, ['false'], false],
  ['BoolIfExists', undefined, ['true'], true],
  ['NumericGreaterThan', '600001', ['600000'], true],
  ['NumericGreaterThan', undefined, ['600000'], false],
  ['NumericNotEquals', undefined, ['1'], true],
  ['DateLessThan', '2026-01-01T00:00:00Z', ['2026-06-01T00:00:00Z'], true],
  ['DateGreaterThan', '1767225600', ['2025-01-01T00:00:00Z'], true],
  ['ForAnyValue:StringEquals', ['a', 'b'], ['b', 'c'], true],
  ['ForAnyValue:StringEquals', ['a'], ['b', 'c'], false],
  ['ForAnyValue:StringEquals', undefined, ['b'], false],
  ['ForAnyValue:StringNotEquals', ['a', 'b'], ['b'], true],
  ['ForAnyValue:StringNotEquals', ['b'], ['b'], false],
  ['ForAllValues:StringEquals', ['b', 'c'], ['b', 'c', 'd'], true],
  ['ForAllValues:StringEquals', ['a', 'c'], ['b', 'c', 'd'], false],
  // true without the key: a known trap
  ['ForAllValues:StringEquals', undefined, ['b'], true],
]

describe('conditions', () => {
  it.each(table)('%s of %j with %j: %s', (operator, actual, wanted, expected) => {
    const values = actual === undefined ? [] : [actual].flat()
    expect(holds(operator, values, wanted)).toBe(expected)
  })

  it.each([
    [
      'all operators must hold',
      { StringEquals: { k: 'a' }, Bool: { t: 'true' } },
      { k: 'a', t: 'false' },
      false,
    ],
    ['all keys of one must hold', { StringEquals: { k: 'a', l: 'b' } }, { k: 'a', l: 'c' }, false],
    [
      'two keys in one deny: it takes both to differ, so each needs a statement of its own',
      { StringNotEquals: { 'aws:SourceVpce': 'v', 'aws:VpcSourceIp': '10.0.1.50' } },
      { 'aws:SourceVpce': 'v', 'aws:VpcSourceIp': '10.0.0.9' },
      false,
    ],
    ['one value is enough', { StringEquals: { k: ['a', 'b'] } }, { k: 'b' }, true],
    ['keys are without case', { StringEquals: { 'AWS:SourceVPCE': 'v' } }, { 'aws:SourceVpce': 'v' }, true],
    ['a variable', { StringEquals: { k: '${aws:SourceVpce}' } }, { k: 'v', 'aws:SourceVpce': 'v' }, true],
    ['a variable without a value fits nothing', { StringNotEquals: { k: '${aws:x}' } }, { k: 'v' }, false],
    ['a variable with a default', { StringEquals: { k: "${aws:x, 'v'}" } }, { k: 'v' }, true],
  ])('%s', (_, condition, context, expected) => {
    expect(effectOf(policy(statement({ Condition: condition })), request({ context })) === 'deny').toBe(
      expected,
    )
  })
})

describe('statements', () => {
  it.each<[string, Record<string, unknown>, Partial<AccessRequest>, boolean]>([
    ['action', { Action: 's3:GetObject' }, {}, true],
    ['actions are without case', { Action: 'S3:getobject' }, {}, true],
    ['action with a star', { Action: ['s3:Put*', 's3:Get*'] }, {}, true],
    ['another action', { Action: 's3:PutObject' }, {}, false],
    ['not this action', { Action: undefined, NotAction: 's3:Get*' }, {}, false],
    ['not another action', { Action: undefined, NotAction: 's3:Put*' }, {}, true],
    ['resource', { Resource: 'arn:aws:s3:::b/positive' }, {}, true],
    ['resource with case', { Resource: 'arn:aws:s3:::b/Positive' }, {}, false],
    ['a star goes over slashes', { Resource: 'arn:aws:s3:::b*' }, { resource: 'arn:aws:s3:::b/x/y' }, true],
    ['the bucket is not what is in it', { Resource: 'arn:aws:s3:::b' }, {}, false],
    ['not this resource', { Resource: undefined, NotResource: 'arn:aws:s3:::b/*' }, {}, false],
    ['principal by role', { Principal: { AWS: role } }, {}, true],
    ['principal by session', { Principal: { AWS: [session] } }, {}, true],
    ['principal by account', { Principal: { AWS: '111122223333' } }, {}, true],
    ['principal by the account’s root', { Principal: { AWS: 'arn:aws:iam::111122223333:root' } }, {}, true],
    ['another principal', { Principal: { AWS: 'arn:aws:iam::111122223333:role/other' } }, {}, false],
    ['everybody', { Principal: { AWS: '*' } }, { principal: null }, true],
    ['nobody is no account', { Principal: { AWS: '111122223333' } }, { principal: null }, false],
    ['not this principal', { Principal: undefined, NotPrincipal: { AWS: role } }, {}, false],
    ['a service', { Principal: { Service: 'logs.amazonaws.com' } }, {}, false],
  ])('%s', (_, more, asked, expected) => {
    const source = JSON.parse(JSON.stringify(statement(more)))
    expect(effectOf(policy(source), request(asked)) === 'deny').toBe(expected)
  })

  it.each([
    ['no JSON', '{'],
    ['no statement', {}],
    ['neither allow nor deny', statement({ Effect: 'Maybe' })],
    ['an operator that is none', statement({ Condition: { StringSame: { k: 'a' } } })],
    ['Null with IfExists', statement({ Condition: { NullIfExists: { k: 'true' } } })],
    ['both Action and NotAction', statement({ NotAction: 's3:*' })],
    ['an element that is none', statement({ Conditions: {} })],
    ['no principal', { Statement: { Effect: 'Deny', Action: '*', Resource: '*' } }],
    ['another version', { ...statement({}), Version: '2020-01-01' }],
  ])('%s is no policy', (_, source) => {
    expect(readPolicy(source, 'resource').ok).toBe(false)
  })

  it('an identity’s names no principal', () => {
    expect(readPolicy(statement({}), 'identity').ok).toBe(false)
    expect(readPolicy({ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }, 'identity').ok).toBe(
      true,
    )
  })
})

describe('policies together', () => {
  const allow = policy({ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }, 'identity')
  const bucketAllow = policy(statement({ Effect: 'Allow' }))
  const bucketDeny = policy(statement({}))
  const other = policy(statement({ Effect: 'Allow', Action: 's3:PutObject' }))
  const anonymous = { principal: null }
  const foreign = { owner: '444455556666' }

  it.each<[string, Parameters<typeof decide>[0], Partial<AccessRequest>, boolean]>([
    ['nobody allows', { identity: null, resource: null, endpoint: null }, {}, false],
    ['the identity is enough in its account', { identity: allow, resource: null, endpoint: null }, {}, true],
    [
      'the bucket is enough in its account',
      { identity: null, resource: bucketAllow, endpoint: null },
      {},
      true,
    ],
    ['a deny wins', { identity: allow, resource: bucketDeny, endpoint: null }, {}, false],
    ['the endpoint must allow', { identity: allow, resource: null, endpoint: other }, {}, false],
    ['the endpoint denies', { identity: allow, resource: null, endpoint: bucketDeny }, {}, false],
    ['all three allow', { identity: allow, resource: bucketAllow, endpoint: bucketAllow }, {}, true],
    [
      'another account: the identity alone',
      { identity: allow, resource: null, endpoint: null },
      foreign,
      false,
    ],
    [
      'another account: the bucket alone',
      { identity: null, resource: bucketAllow, endpoint: null },
      foreign,
      false,
    ],
    ['another account: both', { identity: allow, resource: bucketAllow, endpoint: null }, foreign, true],
    ['anonymous: the bucket', { identity: allow, resource: bucketAllow, endpoint: null }, anonymous, true],
    ['anonymous: not by an identity', { identity: allow, resource: null, endpoint: null }, anonymous, false],
  ])('%s', (_, policies, asked, expected) => {
    expect(decide(policies, request(asked)).allowed).toBe(expected)
  })
})

describe('a canary’s policy', () => {
  const canary = policy({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'Positive',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::b/positive',
        Condition: { StringNotEquals: { 'aws:SourceVpce': 'vpce-0a' } },
      },
      {
        Sid: 'Negative',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::b/negative',
        Condition: { Null: { 'aws:SourceVpce': 'false' } },
      },
    ],
  })
  const allow = policy({ Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' } }, 'identity')
  const reads = (key: string, context: Context): boolean =>
    decide(
      { identity: allow, resource: canary, endpoint: null },
      request({ resource: `arn:aws:s3:::b/${key}`, context }),
    ).allowed

  it.each<[string, Context, boolean[]]>([
    ['by this endpoint', { 'aws:SourceVpce': 'vpce-0a' }, [true, true, false]],
    ['by another endpoint', { 'aws:SourceVpce': 'vpce-0b' }, [true, false, false]],
    ['by none', { 'aws:SourceIp': '203.0.113.9' }, [true, false, true]],
  ])('%s', (_, context, expected) => {
    expect(['control', 'positive', 'negative'].map((key) => reads(key, context))).toEqual(expected)
  })
})

it('patterns are the same as regular expressions say', () => {
  const texts = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.'), maxLength: 12 })
  const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '*', '?'), maxLength: 8 })
  fc.assert(
    fc.property(texts, patterns, (text, pattern) => {
      const source = pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')
      expect(matchesPattern(text, pattern)).toBe(new RegExp(`^${source}$`, 'u').test(text))
    }),
  )
})
