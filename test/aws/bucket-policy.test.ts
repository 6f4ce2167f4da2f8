import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CanaryPolicyWanted,
  canaryCommands,
  canaryPolicy,
  policyHolds,
} from '../../aws/bucket-policy.ts'

const wanted: CanaryPolicyWanted = {
  partition: 'aws',
  bucket: 'my-canary',
  positive: 'p',
  negative: 'n',
  endpoint: 'vpce-0123456789abcdef0',
  vpcId: 'vpc-0a1',
  sourceAddresses: ['2001:db8::5', '10.0.1.50'],
}

type Statement = Record<string, unknown>
const statements = (w = wanted) => structuredClone(canaryPolicy(w).Statement) as unknown as Statement[]
const holds = (list: unknown, w = wanted) =>
  policyHolds(JSON.stringify({ Version: '2012-10-17', Statement: list }), w).holds

describe('canaryPolicy', () => {
  it('denies reading, each demand in a statement of its own, to everybody', () => {
    expect(canaryPolicy(wanted).Statement.map(({ Sid: _, ...rest }) => rest)).toEqual([
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::my-canary/p',
        Condition: { StringNotEquals: { 'aws:SourceVpce': 'vpce-0123456789abcdef0' } },
      },
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::my-canary/p',
        Condition: { StringNotEquals: { 'aws:SourceVpc': 'vpc-0a1' } },
      },
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::my-canary/p',
        Condition: { NotIpAddress: { 'aws:VpcSourceIp': ['10.0.1.50', '2001:db8::5'] } },
      },
      {
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: 'arn:aws:s3:::my-canary/n',
        Condition: { Null: { 'aws:SourceVpce': 'false' } },
      },
    ])
  })

  it('has no statement for what is not demanded, and the ARNs of the partition', () => {
    const list = canaryPolicy({
      ...wanted,
      vpcId: null,
      sourceAddresses: null,
      partition: 'aws-cn',
    }).Statement
    expect(list.map(({ Resource }) => Resource)).toEqual([
      'arn:aws-cn:s3:::my-canary/p',
      'arn:aws-cn:s3:::my-canary/n',
    ])
  })
})

describe('policyHolds', () => {
  it('takes its own policy, in any order, among others, by other names', () => {
    expect(holds(statements())).toBe(true)
    expect(holds(statements().toReversed())).toBe(true)
    expect(holds(statements().map(({ Sid: _, ...rest }) => rest))).toBe(true)
    const other = { Effect: 'Allow', Principal: { AWS: '123456789012' }, Action: 's3:*', Resource: '*' }
    expect(holds([other, ...statements()])).toBe(true)
  })

  it('takes one value and a list of one, letter case where IAM ignores it, and the address with its length', () => {
    const list = statements()
    for (const statement of list) {
      statement['Action'] = ['S3:getobject']
      statement['Principal'] = { AWS: ['*'] }
      statement['Resource'] = [statement['Resource']]
    }
    list[0]!['Condition'] = { StringNotEquals: { 'AWS:sourcevpce': [wanted.endpoint] } }
    list[2]!['Condition'] = { NotIpAddress: { 'aws:VpcSourceIp': ['2001:0db8::5/128', '10.0.1.50/32'] } }
    list[3]!['Condition'] = { Null: { 'aws:SourceVpce': false } }
    expect(holds(list)).toBe(true)
  })

  it.each<[string, (list: Statement[]) => void]>([
    ['a statement is gone', (list) => list.splice(0, 1)],
    ['the negative one is gone', (list) => list.splice(3, 1)],
    ['it allows', (list) => (list[0]!['Effect'] = 'Allow')],
    [
      'another endpoint as well',
      (list) =>
        (list[0]!['Condition'] = { StringNotEquals: { 'aws:SourceVpce': [wanted.endpoint, 'vpce-0b'] } }),
    ],
    [
      'only where the key is there',
      (list) => (list[0]!['Condition'] = { StringNotEqualsIfExists: { 'aws:SourceVpce': wanted.endpoint } }),
    ],
    [
      'a further condition',
      (list) =>
        (list[0]!['Condition'] = {
          StringNotEquals: {
            'aws:SourceVpce': wanted.endpoint,
            'aws:PrincipalArn': 'arn:aws:iam::1:role/agent',
          },
        }),
    ],
    [
      'a further operator',
      (list) =>
        (list[0]!['Condition'] = {
          StringNotEquals: { 'aws:SourceVpce': wanted.endpoint },
          Bool: { 'aws:SecureTransport': 'true' },
        }),
    ],
    ['some principals only', (list) => (list[0]!['Principal'] = { AWS: '123456789012' })],
    [
      'all but some principals',
      (list) => {
        delete list[0]!['Principal']
        list[0]!['NotPrincipal'] = { AWS: '123456789012' }
      },
    ],
    ['another action', (list) => (list[0]!['Action'] = 's3:PutObject')],
    ['another object', (list) => (list[0]!['Resource'] = 'arn:aws:s3:::my-canary/P')],
    [
      'everything but',
      (list) => {
        delete list[0]!['Resource']
        list[0]!['NotResource'] = 'arn:aws:s3:::my-canary/p'
      },
    ],
    [
      'a further address',
      (list) =>
        (list[2]!['Condition'] = {
          NotIpAddress: { 'aws:VpcSourceIp': ['10.0.1.50', '2001:db8::5', '10.0.1.51'] },
        }),
    ],
    [
      'a whole range',
      (list) =>
        (list[2]!['Condition'] = { NotIpAddress: { 'aws:VpcSourceIp': ['10.0.1.50/24', '2001:db8::5'] } }),
    ],
    ['the key must be absent', (list) => (list[3]!['Condition'] = { Null: { 'aws:SourceVpce': 'true' } })],
  ])('does not hold where %s', (_, change) => {
    const list = statements()
    change(list)
    expect(holds(list)).toBe(false)
  })

  it('says what is missing', () => {
    expect(policyHolds(JSON.stringify({ Statement: statements().slice(1) }), wanted)).toMatchObject({
      because: expect.stringContaining('PathproofPositiveEndpoint') as string,
    })
    expect(policyHolds(null, wanted)).toMatchObject({ holds: false, because: 'the bucket has no policy' })
  })

  it('never holds without any addresses where addresses are demanded', () => {
    expect(holds(statements({ ...wanted, sourceAddresses: [] }), { ...wanted, sourceAddresses: [] })).toBe(
      false,
    )
  })

  it('never throws, and never holds on what it did not print', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc.json().map((text) => `{"Statement":${text}}`),
        ),
        (text) => {
          expect(policyHolds(text, wanted).holds).toBe(false)
        },
      ),
    )
  })
})

describe('canaryCommands', () => {
  it('quotes for a shell', () => {
    const commands = canaryCommands({
      bucket: 'b',
      control: "a'; rm -rf ~ #",
      positive: 'p q',
      negative: 'n',
    })
    expect(commands.map(({ command }) => command).slice(0, 3)).toEqual([
      "printf control | aws s3 cp - 's3://b/a'\\''; rm -rf ~ #' --sse AES256",
      "printf positive | aws s3 cp - 's3://b/p q' --sse AES256",
      'printf negative | aws s3 cp - s3://b/n --sse AES256',
    ])
  })
})
