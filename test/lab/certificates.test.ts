import { execFileSync, spawnSync } from 'node:child_process'
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createAuthority, serviceCertificateNames } from '../../lab/certificates.ts'
import { needs, titled } from '../support/needs.ts'

const nowMs = Date.UTC(2026, 10, 20, 12)
const authority = createAuthority({ commonName: 'lab root', nowMs })
const root = new X509Certificate(authority.certificate)

describe('the root', () => {
  it('is a self-signed authority around the given time', () => {
    expect(root.ca).toBe(true)
    expect(root.verify(root.publicKey)).toBe(true)
    expect(root.subject).toBe('CN=lab root')
    expect(root.issuer).toBe('CN=lab root')
    expect(root.validFromDate.getTime()).toBe(nowMs - 3_600_000)
    expect(root.validToDate.getTime()).toBe(nowMs + 31 * 86_400_000)
  })

  it('is another one each time', () => {
    const other = new X509Certificate(createAuthority({ commonName: 'lab root', nowMs }).certificate)
    expect(other.fingerprint256).not.toBe(root.fingerprint256)
    expect(other.serialNumber).not.toBe(root.serialNumber)
  })
})

describe('a leaf', () => {
  const names = ['*.s3.us-east-1.amazonaws.com', 's3.us-east-1.amazonaws.com', '10.0.1.7', '2600:1fa0::7']
  const leaf = authority.issue({ names })
  const certificate = new X509Certificate(leaf.certificate)

  it('is signed by the root and carries its key and all of its names', () => {
    expect(certificate.verify(root.publicKey)).toBe(true)
    expect(certificate.checkIssued(root)).toBe(true)
    expect(certificate.checkPrivateKey(createPrivateKey(leaf.key))).toBe(true)
    expect(certificate.ca).toBe(false)
    expect(certificate.checkHost('bucket.s3.us-east-1.amazonaws.com')).toBeDefined()
    expect(certificate.checkHost('s3.us-east-1.amazonaws.com')).toBeDefined()
    expect(certificate.checkHost('a.b.s3.us-east-1.amazonaws.com')).toBeUndefined()
    expect(certificate.checkHost('s3.eu-west-1.amazonaws.com')).toBeUndefined()
    expect(certificate.checkIP('10.0.1.7')).toBe('10.0.1.7')
    expect(certificate.checkIP('2600:1fa0::7')).toBeDefined()
    expect(certificate.checkIP('2600:1fa0::8')).toBeUndefined()
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  })

  it('is not verified by another root of the same name', () => {
    const other = createAuthority({ commonName: 'lab root', nowMs })
    expect(certificate.verify(new X509Certificate(other.certificate).publicKey)).toBe(false)
  })

  it('has the validity that was asked for, also beyond 2049', () => {
    const expired = new X509Certificate(
      authority.issue({ names: ['a.example'], notBeforeMs: nowMs - 9e8, notAfterMs: nowMs - 1000 })
        .certificate,
    )
    expect(expired.validToDate.getTime()).toBe(nowMs - 1000)
    const far = new X509Certificate(
      authority.issue({ names: ['a.example'], notAfterMs: Date.UTC(2071, 1, 3, 4, 5, 6) }).certificate,
    )
    expect(far.validToDate.getTime()).toBe(Date.UTC(2071, 1, 3, 4, 5, 6))
  })

  it('takes a host name longer than a common name may be, and refuses none at all', () => {
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.example`
    expect(new X509Certificate(authority.issue({ names: [long] }).certificate).checkHost(long)).toBeDefined()
    expect(() => authority.issue({ names: [] })).toThrow(RangeError)
  })
})

describe('names that AWS serves', () => {
  it.each([
    ['s3.amazonaws.com', ['s3.amazonaws.com', '*.s3.amazonaws.com']],
    ['b.s3.us-east-1.amazonaws.com', ['s3.us-east-1.amazonaws.com', '*.s3.us-east-1.amazonaws.com']],
    ['a.b.s3.us-east-1.amazonaws.com', ['s3.us-east-1.amazonaws.com', '*.s3.us-east-1.amazonaws.com']],
    [
      'b.s3.dualstack.eu-west-1.amazonaws.com',
      ['s3.dualstack.eu-west-1.amazonaws.com', '*.s3.dualstack.eu-west-1.amazonaws.com'],
    ],
    ['s3-eu-west-1.amazonaws.com', ['s3-eu-west-1.amazonaws.com', '*.s3-eu-west-1.amazonaws.com']],
    [
      'b.s3-fips.us-east-1.amazonaws.com',
      ['s3-fips.us-east-1.amazonaws.com', '*.s3-fips.us-east-1.amazonaws.com'],
    ],
    [
      'b.bucket.vpce-0ab-x1.s3.us-east-1.vpce.amazonaws.com',
      [
        'bucket.vpce-0ab-x1.s3.us-east-1.vpce.amazonaws.com',
        '*.bucket.vpce-0ab-x1.s3.us-east-1.vpce.amazonaws.com',
      ],
    ],
    ['SSM.us-east-1.amazonaws.com', ['ssm.us-east-1.amazonaws.com']],
    ['s3.b.s3.us-east-1.amazonaws.com', ['s3.us-east-1.amazonaws.com', '*.s3.us-east-1.amazonaws.com']],
    ['s3.b.s3.us-east-1.amazonaws.com', ['s3.us-east-1.amazonaws.com', '*.s3.us-east-1.amazonaws.com']],
    ['nots3.example', ['nots3.example']],
  ])('%s', (hostname, names) => {
    expect(serviceCertificateNames(hostname)).toEqual(names)
  })
})

const missing = await needs('openssl')

describe.skipIf(missing !== null)(titled('openssl', missing), () => {
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-certificates-'))
  afterAll(() => rmSync(directory, { recursive: true }))

  it('verifies the chain strictly', () => {
    const leaf = authority.issue({ names: ['ssm.us-east-1.amazonaws.com', '10.0.1.9'] })
    writeFileSync(join(directory, 'root.pem'), authority.certificate)
    writeFileSync(join(directory, 'leaf.pem'), leaf.certificate)
    const at = String(Math.floor(nowMs / 1000))
    const said = execFileSync(
      'openssl',
      [
        'verify',
        '-x509_strict',
        '-purpose',
        'sslserver',
        '-verify_hostname',
        'ssm.us-east-1.amazonaws.com',
        '-attime',
        at,
        '-CAfile',
        'root.pem',
        'leaf.pem',
      ],
      { cwd: directory, encoding: 'utf8' },
    )
    expect(said.trim()).toBe('leaf.pem: OK')
    const wrong = spawnSync(
      'openssl',
      ['verify', '-verify_hostname', 'sts.amazonaws.com', '-attime', at, '-CAfile', 'root.pem', 'leaf.pem'],
      { cwd: directory, encoding: 'utf8' },
    )
    expect(wrong.status).not.toBe(0)
  })
})
