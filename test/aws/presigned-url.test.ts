import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePresignedUrl } from '../../aws/presigned-url.ts'

const base = 'https://b.s3.amazonaws.com/k'
const v4 =
  'X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261120%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Date=20261120T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=abcdef'
const read4 = {
  presigned: true,
  signatureVersion: 'v4',
  signingRegion: 'eu-west-1',
  expiresAt: '2026-11-20T13:00:00.000Z',
  problems: [],
}
const none = { presigned: false, signatureVersion: null, signingRegion: null, expiresAt: null, problems: [] }

describe('parsePresignedUrl', () => {
  it.each([
    ['SigV4', `${base}?${v4}`, read4],
    ['as it follows a path', `/k?${v4}`, read4],
    ['lower-case names', `${base}?${v4.replace(/X-Amz-\w+/g, (name) => name.toLowerCase())}`, read4],
    ['encoded twice', `${base}?${v4.replaceAll('%2F', '%252F')}`, read4],
    ['encoded names', `${base}?${v4.replaceAll('X-Amz', 'X%2DAmz')}`, read4],
    ['slashes as they are', `${base}?${v4.replaceAll('%2F', '/')}`, read4],
    ['copied out of HTML', `${base}?${v4.replaceAll('&', '&amp;')}`, read4],
    ['with a fragment', `${base}?${v4}#X-Amz-Date=x`, read4],
    ['other parameters around', `${base}?versionId=1&${v4}&x=%zz&&=`, read4],
    ['the same value twice', `${base}?${v4}&X-Amz-Expires=3600`, read4],
    [
      'SigV4A',
      `${base}?X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256&X-Amz-Credential=AKIA%2F20261120%2Fs3%2Faws4_request&X-Amz-Region-Set=us-east-1%2Ceu-west-1&X-Amz-Date=20261120T120000Z&X-Amz-Expires=60&X-Amz-Signature=a`,
      { ...read4, signatureVersion: 'v4a', signingRegion: '*', expiresAt: '2026-11-20T12:01:00.000Z' },
    ],
    [
      'SigV2',
      `${base}?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=x%3D&Expires=1795187303`,
      { ...read4, signatureVersion: 'v2', signingRegion: null, expiresAt: '2026-11-20T15:08:23.000Z' },
    ],
    ['no query', base, none],
    ['signed in the fragment only', `${base}#?${v4}`, none],
    ['CloudFront', 'https://d1.cloudfront.net/k?Policy=a&Signature=b&Key-Pair-Id=c', none],
    ['only an expiry', `${base}?Expires=1`, none],
    ['nothing', '', none],
  ])('%s', (_what, url, expected) => {
    expect(parsePresignedUrl(url)).toEqual(expected)
  })

  it('takes a URL object', () => {
    expect(parsePresignedUrl(new URL(`${base}?${v4}`))).toEqual(read4)
  })

  it.each([
    ['no such day', v4.replace('20261120T', '20260230T'), 'x-amz-date'],
    ['no date', v4.replace(/X-Amz-Date=\w+&/, ''), 'x-amz-date'],
    ['no expiry', v4.replace(/X-Amz-Expires=\w+&/, ''), 'x-amz-expires'],
    ['expiry nought', v4.replace('=3600', '=0'), 'x-amz-expires'],
    ['expiry of eight days', v4.replace('=3600', '=691200'), 'x-amz-expires'],
    ['expiry in words', v4.replace('=3600', '=1e3'), 'x-amz-expires'],
    ['expiry given twice', `${v4}&X-Amz-Expires=60`, 'more than once'],
    ['SigV2, expiry in words', 'AWSAccessKeyId=a&Signature=b&Expires=soon', 'expires'],
    ['SigV2, expiry beyond all years', 'AWSAccessKeyId=a&Signature=b&Expires=999999999999', 'expires'],
  ])('%s: no expiry, and says so', (_what, query, why) => {
    const read = parsePresignedUrl(`${base}?${query}`)
    expect(read.presigned).toBe(true)
    expect(read.expiresAt).toBeNull()
    expect(read.problems.join('\n')).toContain(why)
  })

  it.each([
    'AKIA',
    'AKIA/20261120/eu-west-1/s3',
    'AKIA/20261120/EVIL%20REGION/s3/aws4_request',
    '%3Cscript%3E/1/2/aws4_request/x',
    '',
  ])('credential %j tells no region', (credential) => {
    const read = parsePresignedUrl(
      `${base}?${v4.replace(/X-Amz-Credential=[^&]+/, `X-Amz-Credential=${credential}`)}`,
    )
    expect(read.signingRegion).toBeNull()
    expect(read.problems.join('\n')).toContain('x-amz-credential')
  })

  it('never throws, and never tells a value, for any query', () => {
    const name = fc.constantFrom(
      'X-Amz-Signature',
      'X-Amz-Credential',
      'x-amz-date',
      'X-Amz-Expires',
      'X-Amz-Algorithm',
      'X-Amz-Region-Set',
      'X-Amz-Security-Token',
      'Signature',
      'AWSAccessKeyId',
      'Expires',
    )
    const value = fc
      .oneof(fc.string({ maxLength: 12 }), fc.constantFrom('%', '%2', '%%', '/', '20261120T120000Z', '60'))
      .map((text) => `mArK${text}`)
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), (pairs) => {
        const read = parsePresignedUrl(`${base}?${pairs.map(([k, v]) => `${k}=${v}`).join('&')}`)
        expect(JSON.stringify(read)).not.toContain('mArK')
      }),
      { numRuns: 2000 },
    )
  })
})
