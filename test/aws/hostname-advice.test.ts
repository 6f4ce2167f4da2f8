import { describe, expect, it } from 'vitest'
import { adviseOnName } from '../../aws/name-advice.ts'
import { readNameInput } from '../../aws/name-input.ts'

const now = Date.UTC(2026, 10, 20, 12)
const signed = (region: string, date = '20261120T110000Z') =>
  `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261120%2F${region}%2Fs3%2Faws4_request&X-Amz-Date=${date}&X-Amz-Expires=7200&X-Amz-SignedHeaders=host&X-Amz-Signature=abcdef0123456789`

function advise(text: string): string[] {
  const read = readNameInput(text)
  if (!read.ok) throw new Error(read.error)
  return adviseOnName(read.input, now)
}

describe('adviseOnName', () => {
  it('says what to set when a presigned URL has the global name', () => {
    const advice = advise(`https://my-bucket.s3.amazonaws.com/k?${signed('eu-west-1')}`)
    expect(advice[0]).toContain('global host name')
    expect(advice[0]).toContain('X-Amz-Credential only')
    expect(advice[0]).toContain('my-bucket.s3.eu-west-1.amazonaws.com')
    const all = advice.join('\n')
    expect(all).toContain("region_name='eu-west-1'")
    expect(all).toContain("'addressing_style': 'virtual', 'us_east_1_regional_endpoint': 'regional'")
    expect(all).toContain(
      'aws s3 presign s3://my-bucket/KEY --region eu-west-1 --endpoint-url https://s3.eu-west-1.amazonaws.com',
    )
    expect(all).toContain("new S3Client({ region: 'eu-west-1' })")
    expect(all).not.toMatch(/AKIA|abcdef0123456789/)
  })

  it('finds the bucket of a path-style URL', () => {
    expect(advise(`https://s3.amazonaws.com/my-bucket/k?${signed('eu-west-1')}`)[0]).toContain(
      'my-bucket.s3.eu-west-1.amazonaws.com',
    )
  })

  it('is silent on what private DNS covers', () => {
    expect(advise('my-bucket.s3.eu-west-1.amazonaws.com')).toEqual([])
    expect(advise(`https://my-bucket.s3.eu-west-1.amazonaws.com/k?${signed('eu-west-1')}`)).toEqual([])
    expect(advise('sts.eu-west-1.amazonaws.com')).toEqual([])
    expect(advise('123456789012.s3-control.eu-west-1.amazonaws.com')).toEqual([])
  })

  it.each([
    ['s3.amazonaws.com', 'no private DNS'],
    ['b-1.s3-eu-west-1.amazonaws.com', 'use b-1.s3.eu-west-1.amazonaws.com'],
    ['b-1.s3-fips.us-east-1.amazonaws.com', 'FIPS'],
    ['kms-fips.us-east-1.amazonaws.com', '-fips'],
    ['b-1.s3.dualstack.eu-west-1.amazonaws.com', 'dual-stack'],
    ['sqs.eu-west-1.api.aws', 'dual-stack'],
    ['x-123456789012.s3-accesspoint.dualstack.eu-west-1.amazonaws.com', 'dual-stack'],
    ['123456789012.s3-control-fips.us-east-1.amazonaws.com', 'FIPS'],
    ['b-1.s3-accelerate.amazonaws.com', 'edge locations'],
    ['b-1.s3-website-eu-west-1.amazonaws.com', 'http only'],
    ['x.mrap.accesspoint.s3-global.amazonaws.com', 'com.amazonaws.s3-global.accesspoint'],
    ['b--use1-az4--x-s3.s3express-use1-az4.us-east-1.amazonaws.com', 'com.amazonaws.us-east-1.s3express'],
    ['sts.amazonaws.com', 'AWS_STS_REGIONAL_ENDPOINTS=regional'],
    ['iam.amazonaws.com', 'global name'],
    ['vpce-0abc.s3.eu-west-1.vpce.amazonaws.com', 'describe-vpc-endpoints --vpc-endpoint-ids vpce-0abc'],
    ['vpce-0abc-eu-west-1a.sqs.eu-west-1.vpce.amazonaws.com', 'random part'],
    ['bucket.vpce-0abc-xyz.s3.eu-west-1.vpce.amazonaws.com', 'proves no path'],
    ['vpce-0abc-xyz.s3.eu-west-1.vpce.amazonaws.com', 'bucket.'],
    ['vpce-0abc-xyz.vpce-svc-01.eu-west-1.vpce.amazonaws.com', 'not one of AWS'],
    ['my.bucket.s3.eu-west-1.amazonaws.com', 'wildcard'],
    ['http://b-1.s3.eu-west-1.amazonaws.com/', 'clear text'],
    ['https://s3.eu-west-1.amazonaws.com/b-1/k', 'in the path'],
    ['https://u:p@s3.eu-west-1.amazonaws.com/', 'User information'],
    ['s3.eu-west-1.amazonaws.com:8443', 'Port 8443'],
    [
      `https://b-1.s3.eu-west-1.amazonaws.com/k?${signed('eu-west-1', '20261120T080000Z')}`,
      'expired at 2026-11-20T10:00:00.000Z',
    ],
    ['https://b-1.s3.amazonaws.com/k?AWSAccessKeyId=a&Signature=b&Expires=1795187303', 'SigV2'],
    [`https://b-1.s3.eu-west-1.amazonaws.com/k?${signed('x')}`, 'parameters are wrong'],
    ['s3.amazonaws.com.evil.tld', 'Not a name of AWS'],
    ['52.216.1.1', 'An address'],
  ])('%s: %s', (text, part) => {
    expect(advise(text).join('\n')).toContain(part)
  })

  it('names the region of Northern Virginia too', () => {
    expect(advise(`https://b-1.s3.amazonaws.com/k?${signed('us-east-1')}`).join('\n')).toContain(
      'b-1.s3.us-east-1.amazonaws.com',
    )
  })
})

describe('readNameInput', () => {
  it.each([
    ['s3.amazonaws.com:443', 's3.amazonaws.com', 443, null],
    ['HTTPS://S3.amazonaws.com.:443/x', 's3.amazonaws.com', 443, 'https'],
    ['//s3.amazonaws.com/x', 's3.amazonaws.com', null, null],
    ['https://s3.amazonaws.com@evil.tld/', 'evil.tld', null, 'https'],
    ['https://evil.tld#@s3.amazonaws.com/', 'evil.tld', null, 'https'],
    ['https://evil.tld?@s3.amazonaws.com/', 'evil.tld', null, 'https'],
    ['https://[2600:1f18::1]:443/', '2600:1f18::1', 443, 'https'],
    ['  sts.amazonaws.com  ', 'sts.amazonaws.com', null, null],
    ['s3.amazonaws.com?X-Amz-Date=1', 's3.amazonaws.com', null, null],
  ])('%j', (text, hostname, port, scheme) => {
    expect(readNameInput(text)).toMatchObject({ ok: true, input: { name: { hostname }, port, scheme } })
  })

  it.each([
    ['https://evil.tld\\@s3.amazonaws.com/', 'backslash'],
    ['s3://my-bucket/key', 's3://'],
    ['ftp://s3.amazonaws.com/', 'scheme'],
    ['s3.amazonaws.com:0', 'port'],
    ['s3.amazonaws.com:65536', 'port'],
    ['s3.amazonaws.com:https', 'port'],
    ['https://', 'empty'],
    ['https:///path', 'empty'],
    ['https://s3.amaz\tonaws.com/', 'control'],
    ['   ', 'empty'],
    ['https://s3%2Eamazonaws.com/', '"%"'],
  ])('%j is an error: %s', (text, why) => {
    const read = readNameInput(text)
    expect(read.ok ? 'no error' : read.error).toContain(why)
  })

  it.each([
    'https://s3.eu-west-1.amazonaws.com/AKIAIOSFODNN7EXAMPLE/k',
    'https://s3.eu-west-1.amazonaws.com/a%20b/k',
    'https://s3.eu-west-1.amazonaws.com/',
    'https://sts.eu-west-1.amazonaws.com/abc/k',
  ])('%s names no bucket', (text) => {
    expect(readNameInput(text)).toMatchObject({
      ok: true,
      input: { name: { bucket: null }, pathStyle: false },
    })
  })
})
