/**
 * Certificates of the lab's own authorities: X.509 version 3 (RFC 5280) with ECDSA P-256 and SHA-256
 * (RFC 5480, RFC 5758), written as DER by hand, because node:crypto reads certificates but can't make
 * them and the lab must run where there is no openssl.
 */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { isIP } from 'node:net'

/** What `tls.createSecureContext` wants: PEM texts. `certificate` is the leaf alone; its issuer is a root. */
export interface Leaf {
  certificate: string
  key: string
}

export interface LeafRequest {
  /** Subject alternative names: host names, `*.` patterns or IP addresses; the first is the common name as well. At least one. */
  names: readonly string[]
  /** Unix milliseconds; default: one hour before the authority's `nowMs`. */
  notBeforeMs?: number
  /** Unix milliseconds; default: 30 days after the authority's `nowMs`. */
  notAfterMs?: number
}

export interface Authority {
  commonName: string
  /** The root certificate, PEM. */
  certificate: string
  issue(request: LeafRequest): Leaf
}

const hourMs = 3_600_000
const dayMs = 24 * hourMs

/**
 * A fresh root with a fresh key, valid from an hour before `nowMs` to 31 days after it. Nothing is kept on
 * disk; the key lives as long as the returned object.
 */
export function createAuthority(options: { commonName: string; nowMs: number }): Authority {
  const { commonName, nowMs } = options
  const root = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const authorityKeyId = keyIdentifier(root.publicKey)
  const certificate = signCertificate(root.privateKey, {
    issuer: commonName,
    subject: commonName,
    notBeforeMs: nowMs - hourMs,
    notAfterMs: nowMs + 31 * dayMs,
    publicKey: root.publicKey,
    extensions: [
      extension(oids.basicConstraints, true, sequence(boolean(true))),
      // keyCertSign and cRLSign: bits 5 and 6, so one unused bit
      extension(oids.keyUsage, true, der(0x03, Buffer.from([0x01, 0x06]))),
      extension(oids.subjectKeyIdentifier, false, der(0x04, authorityKeyId)),
    ],
  })
  const issue = (request: LeafRequest): Leaf => {
    const [first] = request.names
    if (first === undefined) throw new RangeError('a certificate needs at least one name')
    const pair = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    return {
      certificate: signCertificate(root.privateKey, {
        issuer: commonName,
        // ub-common-name is 64 (RFC 5280 appendix A.1); the alternative names carry the whole
        subject: first.slice(0, 64),
        notBeforeMs: request.notBeforeMs ?? nowMs - hourMs,
        notAfterMs: request.notAfterMs ?? nowMs + 30 * dayMs,
        publicKey: pair.publicKey,
        extensions: [
          extension(oids.basicConstraints, true, sequence()),
          // digitalSignature: bit 0, so seven unused bits
          extension(oids.keyUsage, true, der(0x03, Buffer.from([0x07, 0x80]))),
          extension(oids.extendedKeyUsage, false, sequence(oid(oids.serverAuth))),
          extension(oids.subjectAltName, false, sequence(...request.names.map(generalName))),
          extension(oids.subjectKeyIdentifier, false, der(0x04, keyIdentifier(pair.publicKey))),
          extension(oids.authorityKeyIdentifier, false, sequence(der(0x80, authorityKeyId))),
        ],
      }),
      key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    }
  }
  return { commonName, certificate, issue }
}

/** The alternative names that AWS's server would show for `hostname`: S3 serves wildcards of one label, everything else its own name. */
export function serviceCertificateNames(hostname: string): string[] {
  const name = hostname.toLowerCase()
  const endpoint = /^(?:.*\.)?((?:bucket|accesspoint|control)\.vpce-[0-9a-z-]+\.s3\..+)$/u.exec(name)
  const multiRegion = /^[^.]+\.(mrap\.accesspoint\.s3-global\..+)$/u.exec(name)
  const domain = endpoint?.[1] ?? multiRegion?.[1] ?? /^(?:.*\.)?(s3(?:-[a-z0-9-]+)?\..+)$/u.exec(name)?.[1]
  if (domain === undefined) return [name]
  return [domain, `*.${domain}`]
}

const oids = {
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  subjectAltName: '2.5.29.17',
  subjectKeyIdentifier: '2.5.29.14',
  authorityKeyIdentifier: '2.5.29.35',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const

interface ToBeSigned {
  issuer: string
  subject: string
  notBeforeMs: number
  notAfterMs: number
  publicKey: KeyObject
  extensions: Buffer[]
}

function signCertificate(key: KeyObject, content: ToBeSigned): string {
  const algorithm = sequence(oid(oids.ecdsaWithSha256))
  const serial = randomBytes(16)
  // positive and without a leading zero byte, as DER demands
  serial[0] = (serial[0]! & 0x3f) | 0x40
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    algorithm,
    distinguishedName(content.issuer),
    sequence(time(content.notBeforeMs), time(content.notAfterMs)),
    distinguishedName(content.subject),
    content.publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...content.extensions)),
  )
  const signature = sign('sha256', body, key)
  const whole = sequence(body, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])))
  const lines = whole.toString('base64').match(/.{1,64}/gu) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/** RFC 5280, 4.2.1.2, method 1: SHA-1 over the key's bit string. A name for the key, not a protection. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  // an uncompressed P-256 point is the last 65 bytes of its SubjectPublicKeyInfo
  return createHash('sha1').update(spki.subarray(-65)).digest()
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), der(0x04, value))
}

function generalName(name: string): Buffer {
  const family = isIP(name)
  if (family === 0) return der(0x82, Buffer.from(name, 'latin1'))
  return der(0x87, family === 4 ? Buffer.from(name.split('.').map(Number)) : ipv6Bytes(name))
}

function groups(text: string): string[] {
  return text === '' ? [] : text.split(':')
}

function ipv6Bytes(address: string): Buffer {
  const [head = '', tail = ''] = address.split('::')
  const missing = 8 - groups(head).length - groups(tail).length
  const all = address.includes('::')
    ? [...groups(head), ...Array<string>(missing).fill('0'), ...groups(tail)]
    : groups(head)
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex')
}

function distinguishedName(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid(oids.commonName), der(0x0c, Buffer.from(commonName, 'utf8')))))
}

function time(unixMs: number): Buffer {
  const digits = new Date(unixMs).toISOString().replaceAll(/[-:T]/gu, '').slice(0, 14)
  // UTCTime until 2049, GeneralizedTime from then on (RFC 5280, 4.1.2.5)
  const utcTime = unixMs >= Date.UTC(1950, 0) && unixMs < Date.UTC(2050, 0)
  return utcTime
    ? der(0x17, Buffer.from(`${digits.slice(2)}Z`, 'ascii'))
    : der(0x18, Buffer.from(`${digits}Z`, 'ascii'))
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const base128 = [arc & 0x7f]
    for (let left = arc >>> 7; left > 0; left >>>= 7) base128.unshift((left & 0x7f) | 0x80)
    bytes.push(...base128)
  }
  return der(0x06, Buffer.from(bytes))
}

function boolean(value: boolean): Buffer {
  return der(0x01, Buffer.from([value ? 0xff : 0]))
}

function sequence(...items: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(items))
}

function der(tag: number, content: Buffer): Buffer {
  const length: number[] = []
  if (content.length < 0x80) length.push(content.length)
  else {
    for (let left = content.length; left > 0; left >>>= 8) length.unshift(left & 0xff)
    length.unshift(0x80 | length.length)
  }
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}
