import { describe, expect, it } from 'vitest'
import { widen } from '../../agent/all-styles.ts'
import { discoveredTarget } from '../../agent/account/discovery.ts'
import { allStyles } from '../../aws/all-styles.ts'
import { parseHostname } from '../../aws/hostname.ts'

const namesOf = (hostname: string, region: string | null = null, pathBucket: string | null = null) =>
  allStyles({ hostname, region, pathBucket }).names.map((name) => name.hostname)

describe('the names by which software may call the same thing', () => {
  it.each<[string, string, string | null, string | null, string[]]>([
    [
      'a bucket of a region with FIPS',
      'b1z.s3.us-east-1.amazonaws.com',
      null,
      null,
      [
        'b1z.s3.us-east-1.amazonaws.com',
        'b1z.s3.amazonaws.com',
        'b1z.s3-us-east-1.amazonaws.com',
        'b1z.s3.dualstack.us-east-1.amazonaws.com',
        'b1z.s3-fips.us-east-1.amazonaws.com',
        'b1z.s3-accelerate.amazonaws.com',
      ],
    ],
    [
      'a bucket with dots, elsewhere: neither acceleration nor FIPS',
      'a.b.s3.eu-west-1.amazonaws.com',
      null,
      null,
      [
        'a.b.s3.eu-west-1.amazonaws.com',
        'a.b.s3.amazonaws.com',
        'a.b.s3-eu-west-1.amazonaws.com',
        'a.b.s3.dualstack.eu-west-1.amazonaws.com',
      ],
    ],
    [
      'a global name without a region',
      'b1z.s3.amazonaws.com',
      null,
      null,
      ['b1z.s3.amazonaws.com', 'b1z.s3-accelerate.amazonaws.com'],
    ],
    [
      'the same with one',
      'b1z.s3.amazonaws.com',
      'eu-west-1',
      null,
      [
        'b1z.s3.amazonaws.com',
        'b1z.s3.eu-west-1.amazonaws.com',
        'b1z.s3-eu-west-1.amazonaws.com',
        'b1z.s3.dualstack.eu-west-1.amazonaws.com',
        'b1z.s3-accelerate.amazonaws.com',
      ],
    ],
    [
      'the token service',
      'sts.eu-west-1.amazonaws.com',
      null,
      null,
      ['sts.eu-west-1.amazonaws.com', 'sts.amazonaws.com', 'sts.eu-west-1.api.aws'],
    ],
    [
      'China, where there is no global name',
      'b1z.s3.cn-north-1.amazonaws.com.cn',
      null,
      null,
      [
        'b1z.s3.cn-north-1.amazonaws.com.cn',
        'b1z.s3-cn-north-1.amazonaws.com.cn',
        'b1z.s3.dualstack.cn-north-1.amazonaws.com.cn',
      ],
    ],
    [
      'an endpoint’s own name',
      'vpce-0a0000a1-h3k9q2xd.ssm.us-east-1.vpce.amazonaws.com',
      null,
      null,
      ['vpce-0a0000a1-h3k9q2xd.ssm.us-east-1.vpce.amazonaws.com'],
    ],
    ['a look-alike', 's3.amazonaws.com.evil.tld', null, null, ['s3.amazonaws.com.evil.tld']],
    ['no name', 'not a name', null, null, []],
  ])('%s', (_what, hostname, region, pathBucket, wanted) => {
    expect(namesOf(hostname, region, pathBucket).toSorted()).toEqual(wanted.toSorted())
    expect(namesOf(hostname, region, pathBucket)[0]).toBe(wanted[0])
  })

  it('of a bucket in a path, both the service’s names and the bucket’s', () => {
    const names = namesOf('s3.eu-west-1.amazonaws.com', null, 'b1z')
    expect(names).toEqual(
      expect.arrayContaining([
        's3.amazonaws.com',
        'b1z.s3.eu-west-1.amazonaws.com',
        'b1z.s3-accelerate.amazonaws.com',
      ]),
    )
    expect(new Set(names).size).toBe(names.length)
  })

  it('each is read back as what it was made for', () => {
    for (const { hostname, style } of allStyles({
      hostname: 'b1z.s3.us-gov-west-1.amazonaws.com',
      region: null,
    }).names) {
      const parsed = parseHostname(hostname)
      expect(parsed).toMatchObject({ ok: true, name: { service: 's3', style, bucket: 'b1z' } })
    }
  })
})

it('a target is widened once, with the port and the requirement that it has', () => {
  const target = discoveredTarget({
    name: 't',
    service: 'sts',
    region: 'eu-west-1',
    required: true,
    names: [{ hostname: 'sts.eu-west-1.amazonaws.com', style: 'regional' }],
  } as Parameters<typeof discoveredTarget>[0])
  const wide = widen(target, { pathBuckets: new Map(), region: null })
  expect(wide.given).toEqual(['sts.eu-west-1.amazonaws.com'])
  expect(wide.target.names.map(({ hostname, style, port }) => `${style} ${hostname}:${port}`)).toEqual([
    'regional sts.eu-west-1.amazonaws.com:443',
    'global sts.amazonaws.com:443',
    'dualstack sts.eu-west-1.api.aws:443',
  ])
  expect(widen(wide.target, { pathBuckets: new Map(), region: null }).target).toEqual(wide.target)
})
