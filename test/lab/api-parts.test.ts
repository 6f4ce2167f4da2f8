import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filtered } from '../../lab/api/ec2-filters.ts'
import { ec2Xml } from '../../lab/api/ec2-xml.ts'
import { createFaults, noFaults } from '../../lab/api/faults.ts'
import { createPager } from '../../lab/api/paging.ts'
import { isSignedWith, readAuthorization } from '../../lab/api/signature.ts'
import { parseScenario } from '../../lab/scenario.ts'

describe('signatures', () => {
  it('agree with the example that AWS works out', () => {
    // IAM user guide, "Create a signed AWS API request" (Signature Version 4), example of ListUsers
    const header =
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7'
    const authorization = readAuthorization(header)
    expect(authorization).not.toBeNull()
    if (authorization === null) return
    const request = {
      method: 'GET',
      url: '/?Action=ListUsers&Version=2010-05-08',
      headers: {
        'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
        host: 'iam.amazonaws.com',
        'x-amz-date': '20150830T123600Z',
      },
      body: new Uint8Array(),
    }
    const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
    expect(isSignedWith(secret, authorization, request)).toBe(true)
    expect(isSignedWith(secret, authorization, { ...request, method: 'POST' })).toBe(false)
    expect(
      isSignedWith(secret, authorization, { ...request, url: '/?Version=2010-05-08&Action=ListUsers' }),
    ).toBe(true)
    expect(isSignedWith(`${secret}x`, authorization, request)).toBe(false)
  })
})

describe('filters', () => {
  const rules = { paths: { name: 'Name', inner: 'List.Value' }, tags: 'Tags' } as const
  const matches = (pattern: string, text: string) => {
    const passed = filtered([{ Name: text }], [{ name: 'name', values: [pattern] }], rules)
    return Array.isArray(passed) && passed.length === 1
  }

  it.each([
    ['a*c', 'abc', true],
    ['a*c', 'ac', true],
    ['a?c', 'ac', false],
    ['a?c', 'abc', true],
    ['a\\*c', 'a*c', true],
    ['a\\*c', 'abc', false],
    ['a.c', 'abc', false],
    ['(a', '(a', true],
    ['*', '', true],
    ['', '', true],
    ['a', 'A', false],
    ['\\\\', '\\', true],
  ])('%s against %s', (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected)
  })

  it('any text without wildcards matches itself, and nothing longer', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const literal = text.replaceAll(/[*?\\]/gu, '\\$&')
        expect(matches(literal, text)).toBe(true)
        expect(matches(literal, `${text}x`)).toBe(false)
        expect(matches(`${literal}*`, `${text}x`)).toBe(true)
      }),
    )
  })

  it('read tags, and values in lists', () => {
    const items = [
      { Name: 'a', Tags: [{ Key: 'Owner', Value: 'me' }], List: [{ Value: 1 }, { Value: 2 }] },
      { Name: 'b', Tags: [{ Key: 'Other', Value: 'me' }], List: [] },
    ]
    const by = (name: string, ...values: string[]) => {
      const passed = filtered(items, [{ name, values }], rules)
      return Array.isArray(passed) ? passed.map(({ Name }) => Name) : passed.code
    }
    expect(by('tag:Owner', 'me')).toEqual(['a'])
    expect(by('tag-key', 'O*')).toEqual(['a', 'b'])
    expect(by('inner', '2')).toEqual(['a'])
    expect(by('inner', '3')).toEqual([])
    expect(by('tag', 'me')).toBe('InvalidParameterValue')
  })
})

describe('pages', () => {
  it('give every item once, in order, whatever their size', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.integer({ min: 1, max: 7 }), (keys, size) => {
        const pager = createPager(Buffer.from('secret'))
        const items = keys.map((Id) => ({ Id }))
        const given: unknown[] = []
        let token: string | null = null
        do {
          const page = pager.page(items, { about: 'a', key: 'Id', size, token, endless: false })
          if (page === null) throw new Error('the token was refused')
          expect(page.items.length).toBeLessThanOrEqual(size)
          given.push(...page.items)
          token = page.nextToken
        } while (token !== null)
        expect(given).toEqual(items)
      }),
    )
  })

  it('are opened by no token that another has made, and by none that is made up', () => {
    const items = [{ Id: 'a' }, { Id: 'b' }]
    const request = { about: 'a', key: 'Id', size: 1, token: null, endless: false }
    const token = createPager(Buffer.from('one')).page(items, request)?.nextToken ?? ''
    const other = createPager(Buffer.from('two'))
    expect(other.page(items, { ...request, token })).toBeNull()
    fc.assert(fc.property(fc.string(), (made) => other.page(items, { ...request, token: made }) === null))
  })
})

describe('XML', () => {
  it('carries any text, and nothing that ends its element', () => {
    expect(ec2Xml({ Name: 'a<b>&"c"\u0000\r\n' })).toBe(
      '<name>a&lt;b&gt;&amp;&quot;c&quot;\ufffd&#13;\n</name>',
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const inner = ec2Xml({ Name: text }).replace(/^<name\/>$|^<name>|<\/name>$/gu, '')
        expect(inner).not.toMatch(/[<>\u0000-\u0008]|&(?!amp;|lt;|gt;|quot;|#13;)/u)
      }),
    )
  })

  it('has a name for every list, or says that it has none', () => {
    expect(ec2Xml({ Tags: [], Groups: [{ GroupId: 'sg-1' }], Cidrs: ['a'], None: null })).toBe(
      '<tagSet/><groupSet><item><groupId>sg-1</groupId></item></groupSet><cidrSet><item>a</item></cidrSet>',
    )
    expect(() => ec2Xml({ Novelties: [] })).toThrow('no name is known for the list Novelties')
  })
})

describe('faults', () => {
  it('count from when they are set, each key for itself', () => {
    const faults = createFaults({ ...noFaults, throttle: { A: 2, all: 1 } })
    const ask = (...actions: string[]) => actions.map((action) => faults.throttled(action))
    expect(ask('A', 'B', 'A', 'C', 'A')).toEqual([true, true, true, false, false])
    faults.set({ ...noFaults, throttle: { A: 1 } })
    expect(ask('A', 'A', 'B')).toEqual([true, false, false])
  })

  it('break between two requests, and only what is named', () => {
    const faults = createFaults({ ...noFaults, breaks: { A: { how: 'error', skip: 1, times: 2 } } })
    expect(['A', 'A', 'B', 'A', 'A'].map(faults.breaking)).toEqual([null, 'error', null, 'error', null])
    expect(faults.breaking('constructor')).toBeNull()
  })
})

const minimal = `name: mine
title: Mine
story: A story.
names: [{ target: sts, hostname: sts.amazonaws.com }]
expect: [{ hostname: sts.amazonaws.com, state: public }]
`

describe('faults in a scenario', () => {
  it('are read with their times in seconds', () => {
    const reading = parseScenario(
      `${minimal}metadata: slow
metadataDelay: 3s
api:
  latency: { DescribeVpcs: 250ms, all: 2s }
  breaks: { DescribeVpcs: half, AssumeRole: { how: error, times: 2 } }
steps: [{ after: 1s, name: a, title: A, metadata: off, api: { pageSize: null } }]
`,
      'mine.yaml',
    )
    expect(reading).toMatchObject({
      ok: true,
      scenario: {
        metadata: 'slow',
        metadataDelay: 3,
        api: {
          latency: { DescribeVpcs: 0.25, all: 2 },
          breaks: {
            DescribeVpcs: { how: 'half', skip: 0, times: null },
            AssumeRole: { how: 'error', skip: 0, times: 2 },
          },
        },
        steps: [{ metadata: 'off', api: { pageSize: null }, change: {} }],
      },
    })
  })

  it.each([
    ['deny: [DescribeFoo]', 'mine.yaml:6:15: api.deny[0]: expected an action such as DescribeNatGateways'],
    ['throttle: { DescribeVpcs: 0 }', 'mine.yaml:6:34: api.throttle.DescribeVpcs: '],
    [
      'throttle: { DescribeFoo: 1 }',
      'mine.yaml:6:33: api.throttle.DescribeFoo: expected an action of EC2 or STS',
    ],
    ['latency: { all: 2 }', 'mine.yaml:6:24: api.latency.all: '],
    ['breaks: { all: badly }', 'mine.yaml:6:23: api.breaks.all: expected one of error, unavailable, half'],
    ['denies: []', 'mine.yaml:6:16: api.denies: Unrecognized key'],
    ['roles: [{ arn: me }]', 'mine.yaml:6:23: api.roles[0].arn: expected the ARN of a role'],
  ])('%s', (text, problem) => {
    const reading = parseScenario(`${minimal}api: { ${text} }\n`, 'mine.yaml')
    expect(reading.ok ? [] : reading.problems).toEqual([expect.stringContaining(problem)])
  })
})
