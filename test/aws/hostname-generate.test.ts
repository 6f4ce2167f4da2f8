import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseHostname } from '../../aws/hostname.ts'
import { alternativeStyles, hostnamesFor } from '../../aws/service-hostnames.ts'
import { nameStyles } from '../../model/target.ts'

function names(
  service: string,
  region: string | null,
  styles: readonly (typeof nameStyles)[number][],
  more: { bucket?: string; account?: string } = {},
) {
  const made = hostnamesFor({ service, region, styles, ...more })
  return made.ok ? made.names.map((name) => name.hostname) : made.errors
}

describe('hostnamesFor', () => {
  it('writes the names of S3', () => {
    expect(
      names(
        's3',
        'us-east-1',
        ['global', 'regional', 'dash', 'dualstack', 'fips', 'accelerate', 'website', 'control'],
        { bucket: 'my-bucket' },
      ),
    ).toEqual([
      'my-bucket.s3.amazonaws.com',
      'my-bucket.s3.us-east-1.amazonaws.com',
      'my-bucket.s3-us-east-1.amazonaws.com',
      'my-bucket.s3.dualstack.us-east-1.amazonaws.com',
      'my-bucket.s3-fips.us-east-1.amazonaws.com',
      'my-bucket.s3-accelerate.amazonaws.com',
      'my-bucket.s3-website-us-east-1.amazonaws.com',
      's3-control.us-east-1.amazonaws.com',
    ])
    expect(names('s3', 'eu-central-1', ['website'], { bucket: 'b.c.d' })).toEqual([
      'b.c.d.s3-website.eu-central-1.amazonaws.com',
    ])
    expect(names('s3', 'cn-north-1', ['regional'])).toEqual(['s3.cn-north-1.amazonaws.com.cn'])
    expect(names('s3express', 'us-east-1', ['express'], { bucket: 'b--use1-az4--x-s3' })).toEqual([
      'b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com',
    ])
  })

  it('writes the names of other services', () => {
    expect(names('sts', 'eu-west-1', ['global', 'regional', 'fips', 'dualstack'])).toEqual([
      'sts.amazonaws.com',
      'sts.eu-west-1.amazonaws.com',
      'sts-fips.eu-west-1.amazonaws.com',
      'sts.eu-west-1.api.aws',
    ])
    expect(names('api.ecr', 'eu-west-1', ['regional', 'fips', 'dualstack'])).toEqual([
      'api.ecr.eu-west-1.amazonaws.com',
      'ecr-fips.eu-west-1.amazonaws.com',
      'ecr.eu-west-1.api.aws',
    ])
    expect(names('eks', 'us-east-1', ['fips'])).toEqual(['fips.eks.us-east-1.amazonaws.com'])
    expect(names('iam', null, ['global', 'fips'])).toEqual(['iam.amazonaws.com', 'iam-fips.amazonaws.com'])
    expect(names('iam', 'us-gov-west-1', ['global'])).toEqual(['iam.us-gov.amazonaws.com'])
    expect(names('dynamodb', 'eu-west-1', ['account'], { account: '123456789012' })).toEqual([
      '123456789012.ddb.eu-west-1.amazonaws.com',
    ])
    expect(names('a-service-of-tomorrow', 'eu-west-1', ['regional'])).toEqual([
      'a-service-of-tomorrow.eu-west-1.amazonaws.com',
    ])
  })

  it.each([
    ['kinesis', 'eu-west-1', 'global', 'kinesis has no names of this style'],
    ['kinesis', 'eu-west-1', 'accelerate', 'kinesis has no names of this style'],
    ['kinesis', null, 'regional', 'needs a region'],
    ['iam', 'eu-west-1', 'regional', 'global service'],
    ['s3', null, 'regional', 'needs a region'],
    ['s3', 'cn-north-1', 'global', 'no global name in partition aws-cn'],
    ['s3', 'cn-north-1', 'fips', 'no FIPS names'],
    ['s3', 'eu-west-1', 'website', 'needs a bucket'],
    ['s3', 'eu-west-1', 'express', 'belongs to the service s3express'],
    ['s3', 'eu-west-1', 'vpce', 'hostname instead'],
    ['s3', 'eu-west-1', 'access_point', 'hostname instead'],
    ['s3', 'eu-west-1', 'other', 'hostname instead'],
    ['secretsmanager', 'eu-west-1', 'dualstack', 'answers IPv6 as well'],
    ['dsql', 'eu-west-1', 'regional', 'dualstack names only'],
    ['dkr.ecr', 'eu-west-1', 'regional', 'account'],
    ['dkr.ecr', 'eu-west-1', 'account', 'twelve digits'],
    ['s3-control', 'eu-west-1', 'regional', 's3-control has no such name'],
    ['ddb', 'eu-west-1', 'regional', 'ddb has no such name'],
    ['kms-fips', 'eu-west-1', 'regional', 'kms with the style fips'],
    ['s3', 'atlantis', 'regional', 'expected the name of an AWS region'],
    ['sts/../x', 'eu-west-1', 'regional', 'expected the name in DNS'],
    ['', 'eu-west-1', 'regional', 'expected the name in DNS'],
  ] as const)('%s, %s, %s is refused', (service, region, style, why) => {
    const made = hostnamesFor({ service, region, styles: [style] })
    expect(made.ok ? 'no error' : made.errors.join('\n')).toContain(why)
  })

  it.each(['ab', 'Upper', 'a..b', 'a_b', '-ab', 'ab-', '10.0.0.1', 'a'.repeat(64), 'a.-b', 'x y', 'b/../c'])(
    'bucket %j is refused',
    (bucket) => {
      const made = hostnamesFor({ service: 's3', region: 'eu-west-1', bucket, styles: ['regional'] })
      expect(made.ok ? 'no error' : made.errors[0]).toMatch(/^bucket: /)
    },
  )

  it('tells all mistakes at once', () => {
    const made = hostnamesFor({
      service: 's3',
      region: 'eu-west-1',
      styles: ['website', 'regional', 'account', 'mrap'],
    })
    expect(made.ok ? [] : made.errors).toHaveLength(3)
  })

  it('is read back as it was meant, for every service, style, region and bucket', () => {
    const service = fc.constantFrom(
      's3',
      's3express',
      's3-outposts',
      'sts',
      'iam',
      'dynamodb',
      'kinesis',
      'api.ecr',
      'dkr.ecr',
      'api.sagemaker',
      'runtime.sagemaker',
      'eks',
      'kms',
      'logs',
      'monitoring',
      'execute-api',
      'streams.dynamodb',
      'elasticfilesystem',
      'es',
      'datazone',
      'search-dynamodb',
      'ssmmessages',
      'new-service',
    )
    const region = fc.constantFrom(
      'us-east-1',
      'eu-west-1',
      'us-gov-west-1',
      'cn-north-1',
      'eusc-de-east-1',
      'us-iso-east-1',
      'us-isob-east-1',
      'eu-isoe-west-1',
      'us-isof-south-1',
      'ap-southeast-7',
    )
    const part = fc.constantFrom(
      's3',
      'dualstack',
      'us-east-1',
      'vpce',
      'accesspoint',
      'bucket',
      'my-bucket',
      '123456789012',
      'x',
      's3-eu-west-1',
      'b--use1-az4--x-s3',
      'www',
    )
    const bucket = fc.option(fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.')))
    fc.assert(
      fc.property(service, region, bucket, fc.constantFrom(...nameStyles), (svc, where, name, style) => {
        const made = hostnamesFor({
          service: svc,
          region: where,
          bucket: svc.startsWith('s3') && svc !== 's3-outposts' ? name : null,
          account: '210987654321',
          styles: [style],
        })
        if (!made.ok) return
        for (const { hostname } of made.names) {
          const parsed = parseHostname(hostname)
          expect(parsed).toMatchObject({ ok: true, name: { hostname, service: svc, style } })
          if (!parsed.ok) continue
          expect([where, null]).toContain(parsed.name.region)
          expect(parsed.name.region === null).toBe(
            ['global', 'accelerate'].includes(style) || (svc === 'iam' && style === 'fips'),
          )
          const none = style === 'control' || !svc.startsWith('s3') || svc === 's3-outposts'
          expect(parsed.name.bucket).toBe(none ? null : name)
        }
      }),
      { numRuns: 5000 },
    )
  })
})

describe('alternativeStyles', () => {
  it('names the siblings of a name', () => {
    expect(alternativeStyles('my-bucket.s3.eu-west-1.amazonaws.com')).toEqual([
      'my-bucket.s3.amazonaws.com',
      'my-bucket.s3.dualstack.eu-west-1.amazonaws.com',
      'my-bucket.s3-eu-west-1.amazonaws.com',
    ])
    expect(alternativeStyles('my-bucket.s3.amazonaws.com')).toEqual([])
    expect(alternativeStyles('my-bucket.s3.amazonaws.com', 'us-east-1')).toContain(
      'my-bucket.s3.us-east-1.amazonaws.com',
    )
    expect(alternativeStyles('sts.amazonaws.com', 'eu-west-1')).toEqual([
      'sts.eu-west-1.amazonaws.com',
      'sts.eu-west-1.api.aws',
    ])
    expect(alternativeStyles('kms.us-east-1.amazonaws.com')).toEqual([
      'kms.us-east-1.api.aws',
      'kms-fips.us-east-1.amazonaws.com',
    ])
  })

  it.each([
    'example.com',
    'bucket.vpce-0a-b.s3.eu-west-1.vpce.amazonaws.com',
    '10.0.0.1',
    'not a name',
    's3.amazonaws.com.evil.tld',
  ])('has none for %s', (name) => {
    expect(alternativeStyles(name, 'eu-west-1')).toEqual([])
  })
})
