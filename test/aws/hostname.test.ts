import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dnsServiceOf, endpointServiceOf, isAwsName, parseHostname } from '../../aws/hostname.ts'
import { partitions, suffixes } from '../../aws/partitions.ts'
import { nameStyles } from '../../model/target.ts'

interface Expected {
  hostname: string
  service: string | null
  [field: string]: unknown
}

const corpus = JSON.parse(
  readFileSync(new URL('../data/hostnames.json', import.meta.url), 'utf8'),
) as Expected[]
const nothing = {
  service: null,
  style: 'other',
  region: null,
  partition: null,
  bucket: null,
  accessPoint: null,
  account: null,
  endpointId: null,
  zone: null,
  dualstack: false,
  fips: false,
  family: null,
}

function read(text: string): Record<string, unknown> {
  const parsed = parseHostname(text)
  if (!parsed.ok) throw new Error(`${text}: ${parsed.error}`)
  return { ...parsed.name }
}

describe('parseHostname', () => {
  it('has a corpus worth the name', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(250)
    const styles = new Set(corpus.map((row) => row['style']))
    expect([...styles].sort()).toEqual([...nameStyles].sort())
  })

  it.each(corpus)('$hostname', (row) => {
    const hostname = row.hostname.toLowerCase().replace(/\.$/, '')
    expect(read(row.hostname)).toEqual({ ...nothing, ...row, hostname })
    expect(read(`${row.hostname.toUpperCase().replace(/\.$/, '')}.`)).toEqual({
      ...nothing,
      ...row,
      hostname,
    })
    expect(isAwsName(row.hostname)).toBe(row.service !== null)
  })

  it.each([
    ['', 'empty'],
    ['.', 'empty'],
    ['s3..amazonaws.com', 'empty label'],
    ['.s3.amazonaws.com', 'empty label'],
    ['s3.amazonaws.com..', 'empty label'],
    ['s3.amazonaws.com:443', 'port'],
    ['user@s3.amazonaws.com', 'user information'],
    ['https://s3.amazonaws.com', 'port or scheme'],
    ['s3.amazonaws.com/bucket', '"/"'],
    ['s3%2eamazonaws.com', '"%"'],
    ['*.s3.amazonaws.com', '"*"'],
    ['s3 .amazonaws.com', 'white space'],
    ['s3\u00A0.amazonaws.com', 'white space'],
    ['s3\n.amazonaws.com', 'control characters'],
    ['s3\u0000.amazonaws.com', 'control characters'],
    ['\u001B[31ms3.amazonaws.com', 'control characters'],
    [`${'a'.repeat(64)}.s3.amazonaws.com`, '64 characters, at most 63'],
    [`${'a.'.repeat(141)}s3.amazonaws.com`, 'at most 253'],
    [`${'a'.repeat(300)}`, 'at most 63'],
    [`${'ab.'.repeat(4000)}com`, 'at most 253'],
    ['ｓ３.amazonaws.com', 'only look like'],
    ['s3。amazonaws。com', 'only look like'],
    ['s3.amazonaws.ⓒom', 'only look like'],
    ['s3\u00AD.amazonaws.com', 'only look like'],
    ['s3\u200B.amazonaws.com', 'only look like'],
    ['127.1', 'ends in a number'],
    ['010.0.0.1', 'ends in a number'],
    ['1.2.3.4.5', 'ends in a number'],
    ['0x7f.0.0.0x1', 'ends in a number'],
    ['2130706433', 'ends in a number'],
    ['999.1.1.1', 'ends in a number'],
    ['fe80::1%eth0', 'zone'],
    ['[fe80::1%25eth0]', 'zone'],
    ['[10.0.0.1]', 'IPv6'],
    ['[s3.amazonaws.com]', 'IPv6'],
    ['1:2:3', 'port or scheme'],
  ])('%j is an error', (text, why) => {
    const parsed = parseHostname(text)
    const error = parsed.ok ? 'no error' : parsed.error
    expect(error).toContain(why)
    expect(error).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(isAwsName(text)).toBe(false)
  })

  it('shows no secret of a URL that was given in place of a name', () => {
    const parsed = parseHostname('https://user:hunter2@s3.amazonaws.com/k?X-Amz-Signature=0123456789abcdef')
    expect(JSON.stringify(parsed)).not.toMatch(/hunter2|0123456789abcdef/)
  })

  it.each([
    ['10.0.1.50', '10.0.1.50', 4],
    ['2600:1F18::1', '2600:1f18::1', 6],
    ['[::1]', '::1', 6],
    ['::ffff:52.216.0.1', '::ffff:52.216.0.1', 6],
  ])('%s is an address, not a name', (text, hostname, family) => {
    expect(read(text)).toEqual({ ...nothing, hostname, family })
  })

  it('shows internationalised names as punycode, and takes none for an AWS name by its looks', () => {
    expect(read('bücher.s3.eu-west-1.amazonaws.com')).toMatchObject({
      hostname: 'xn--bcher-kva.s3.eu-west-1.amazonaws.com',
      bucket: 'xn--bcher-kva',
    })
    // The first letter is Cyrillic.
    expect(read('s3.\u0430mazonaws.com')).toEqual({ ...nothing, hostname: 's3.xn--mazonaws-06g.com' })
    expect(read('\u0455\u0033.amazonaws.com')['service']).toMatch(/^xn--/)
  })
})

describe('parseHostname, for any text', () => {
  const label = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,12}[a-z0-9])?$/)
  const awsish = fc.constantFrom(
    's3',
    's3-fips',
    'dualstack',
    'vpce',
    'vpce-0abc-xyz',
    'vpce-svc-01',
    'bucket',
    'accesspoint',
    'us-east-1',
    'eu-west-1',
    'us-gov-west-1',
    's3-website',
    's3-eu-west-1',
    's3-accelerate',
    's3-global',
    'mrap',
    'sts',
    'sts-fips',
    'dkr',
    'ecr',
    '123456789012',
    'ddb',
    'amazonaws',
    'com',
    'cn',
    'api',
    'aws',
    'on',
    'global',
    'fips',
    'us-gov',
    's3express-use1-az1',
    's3-outposts',
    'constructor',
    '__proto__',
    'tostring',
    '',
  )
  const suffix = fc.constantFrom(...suffixes.map((s) => s.suffix))

  it('never throws, and its errors can be printed', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.array(fc.oneof(awsish, label), { maxLength: 9 }).map((labels) => labels.join('.')),
      fc
        .tuple(fc.array(fc.oneof(awsish, label), { maxLength: 7 }), suffix)
        .map(([labels, end]) => [...labels, end].join('.')),
    )
    fc.assert(
      fc.property(text, (input) => {
        const parsed = parseHostname(input)
        expect(parsed.ok ? '' : parsed.error).not.toMatch(/[\p{Cc}\p{Cs}]/u)
        if (!parsed.ok) return
        const { name } = parsed
        // What was read is the canonical form: reading it again changes nothing.
        expect(parseHostname(name.hostname)).toEqual(parsed)
        expect(nameStyles).toContain(name.style)
        // Every part that is told stands in the name; the one exception is a name that is short for a region.
        const told = [name.bucket, name.accessPoint, name.account, name.endpointId, name.zone, name.region]
        const absent = told.filter((part) => part !== null && !name.hostname.includes(part))
        expect(absent).toEqual(absent.filter(() => name.hostname.includes('s3-external-1')))
        expect(name.service !== null && !suffixes.some((s) => name.hostname.endsWith(`.${s.suffix}`))).toBe(
          false,
        )
      }),
      { numRuns: 5000 },
    )
  })

  it('knows a suffix only behind a dot, and only at the end', () => {
    const junk = fc.stringMatching(/^[a-z0-9-]{0,8}[a-z0-9]$/)
    fc.assert(
      fc.property(fc.array(fc.oneof(awsish, label), { maxLength: 4 }), junk, suffix, (labels, extra, end) => {
        const front = labels.filter((part) => part !== '')
        const glued = [...front, `${extra}${end}`].join('.')
        // Gluing can by chance make another real suffix: none of them is the end of another label.
        expect(isAwsName(glued)).toBe(suffixes.some((s) => glued.endsWith(`.${s.suffix}`)))
        expect(isAwsName([...front, end, `${extra}x`].join('.'))).toBe(false)
        expect(isAwsName([...front, end, extra, 'tld'].join('.'))).toBe(false)
      }),
      { numRuns: 3000 },
    )
  })

  it('reads any bucket in front of S3, with dots, digits and AWS words in it', () => {
    const bucket = fc
      .array(fc.oneof(awsish, label), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.filter((p) => p !== '').join('.'))
      .filter((b) => b !== '')
    const partition = fc.constantFrom(...partitions.map((p) => [p.id, p.dnsSuffix] as const))
    const regions: Record<string, string> = {
      aws: 'eu-west-3',
      'aws-us-gov': 'us-gov-east-1',
      'aws-cn': 'cn-northwest-1',
      'aws-eusc': 'eusc-de-east-1',
      'aws-iso': 'us-iso-west-1',
      'aws-iso-b': 'us-isob-east-1',
      'aws-iso-e': 'eu-isoe-west-1',
      'aws-iso-f': 'us-isof-east-1',
    }
    fc.assert(
      fc.property(
        bucket,
        partition,
        fc.constantFrom('s3', 's3.dualstack', 's3-fips', 's3-website'),
        (name, [id, end], kind) => {
          const region = regions[id] ?? ''
          expect(read(`${name}.${kind}.${region}.${end}`)).toMatchObject({
            service: 's3',
            bucket: name,
            region,
            partition: id,
            endpointId: null,
            account: null,
          })
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe('endpoint services', () => {
  it.each([
    ['com.amazonaws.eu-west-1.s3', 's3'],
    ['com.amazonaws.eu-west-1.kinesis-streams', 'kinesis'],
    ['com.amazonaws.eu-west-1.kinesis-firehose', 'firehose'],
    ['com.amazonaws.eu-west-1.monitoring', 'monitoring'],
    ['com.amazonaws.eu-west-1.ecr.api', 'api.ecr'],
    ['com.amazonaws.eu-west-1.ecr.dkr', 'dkr.ecr'],
    ['com.amazonaws.eu-west-1.email-smtp', 'email-smtp'],
    ['com.amazonaws.us-east-1.kms-fips', 'kms-fips'],
    ['com.amazonaws.us-east-1.sagemaker.runtime', 'runtime.sagemaker'],
    ['com.amazonaws.us-east-1.ecs-agent', 'ecs-a'],
    ['com.amazonaws.us-gov-west-1.sts', 'sts'],
    ['com.amazonaws.s3-global.accesspoint', 'accesspoint.s3-global'],
    ['cn.com.amazonaws.cn-north-1.ecr.dkr', 'dkr.ecr'],
    ['COM.AMAZONAWS.eu-west-1.SSM', 'ssm'],
    ['aws.sagemaker.us-east-1.notebook', 'notebook.sagemaker'],
    ['aws.api.us-east-1.kendra-ranking', 'kendra-ranking'],
    ['gov.ic.c2s.us-iso-east-1.ec2', 'ec2'],
    ['com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0', null],
    ['cn.com.amazonaws.vpce.cn-north-1.vpce-svc-01', null],
    ['com.amazonaws.us-east-1.vpce-svc-01', null],
    ['com.amazonaws.us-east-1', null],
    ['com.amazonaws..s3', null],
    ['com.amazonaws.us-east-1.', null],
    ['com.evil.us-east-1.s3', null],
    ['com.amazonawsx.us-east-1.s3', null],
    ['s3', null],
    ['', null],
  ])('%s is %s', (endpointService, dns) => {
    expect(dnsServiceOf(endpointService)).toBe(dns)
  })

  it.each([
    ['s3', 's3'],
    ['kinesis', 'kinesis-streams'],
    ['api.ecr', 'ecr.api'],
    ['dkr.ecr', 'ecr.dkr'],
    ['accesspoint.s3-global', 's3-global.accesspoint'],
    ['monitoring', 'monitoring'],
  ])('%s is served by %s', (dns, endpointService) => {
    expect(endpointServiceOf(dns)).toBe(endpointService)
    const full = endpointService.startsWith('s3-global')
      ? `com.amazonaws.${endpointService}`
      : `com.amazonaws.eu-west-1.${endpointService}`
    expect(dnsServiceOf(full)).toBe(dns)
  })
})
