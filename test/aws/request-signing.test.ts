import { describe, expect, it } from 'vitest'
import { presignRequest, signRequest } from '../../aws/request-signing.ts'
import type { UnsignedRequest } from '../../aws/request-signing.ts'

/** The keys and examples of the S3 API reference, "Authenticating requests (AWS Signature Version 4)". */
const identity = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const options = { identity, region: 'us-east-1', service: 's3', atMs: Date.UTC(2013, 4, 24) }
const request: UnsignedRequest = {
  method: 'GET',
  hostname: 'examplebucket.s3.amazonaws.com',
  port: 443,
  path: '/test.txt',
  query: {},
  headers: {},
  body: '',
}

const signatureOf = (text: string | undefined) => /Signature=([0-9a-f]{64})/.exec(text ?? '')?.[1]

describe('signRequest', () => {
  it('gives the signature of the documented GET of an object', async () => {
    const signed = await signRequest({ ...request, headers: { range: 'bytes=0-9' } }, options)
    expect(signatureOf(signed.headers['authorization'])).toBe(
      'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    )
    expect(signed.headers).toMatchObject({ host: 'examplebucket.s3.amazonaws.com', range: 'bytes=0-9' })
    expect(signed).toMatchObject({
      method: 'GET',
      host: 'examplebucket.s3.amazonaws.com',
      target: '/test.txt',
    })
  })

  it('gives the signature of the documented GET with a parameter without value', async () => {
    const signed = await signRequest({ ...request, path: '/', query: { lifecycle: '' } }, options)
    expect(signatureOf(signed.headers['authorization'])).toBe(
      'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
    )
    expect(signed.target).toBe('/?lifecycle=')
  })

  it('gives the signature of the documented GET with two parameters, sent in any order', async () => {
    const query = { prefix: 'J', 'max-keys': '2' }
    const signed = await signRequest({ ...request, path: '/', query }, options)
    expect(signatureOf(signed.headers['authorization'])).toBe(
      '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    )
  })

  it('names the port where it is another one, and carries a session token', async () => {
    const signed = await signRequest(
      { ...request, port: 8443 },
      { ...options, identity: { ...identity, sessionToken: 'a-token' } },
    )
    expect(signed.headers).toMatchObject({
      host: 'examplebucket.s3.amazonaws.com:8443',
      'x-amz-security-token': 'a-token',
    })
    expect(signed.headers['authorization']).toContain('x-amz-security-token')
    expect(JSON.stringify(signed)).not.toContain(identity.secretAccessKey)
  })
})

describe('presignRequest', () => {
  it('gives the documented URL', async () => {
    const signed = await presignRequest(request, { ...options, expiresSeconds: 86_400 })
    const query = new URLSearchParams(signed.target.slice(signed.target.indexOf('?')))
    expect(query.get('X-Amz-Signature')).toBe(
      'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    )
    expect(query.get('X-Amz-Expires')).toBe('86400')
    expect(signed.headers).toEqual({ host: 'examplebucket.s3.amazonaws.com' })
  })
})
