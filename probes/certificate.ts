import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { CertificateCheck, CertificateIdentity } from '../model/observation.ts'
import { safeText } from '../model/text.ts'
import type { KnownCertificates, PreparedTrust, Roots } from './trust.ts'

export interface CertificateFacts {
  certificate: CertificateIdentity | null
  check: CertificateCheck
}

/** Certificates beyond these are not looked at; real chains have two to four. */
const maxSent = 16
const maxDepth = 8
const maxAltNames = 200
const maxKnownSignatures = 1024
/** Of what is remembered of whole chains; a path holds its certificates. */
const maxKnown = 128
const maxKnownNames = 4096

/** The certificates that the far end sent, leaf first, as they came; nothing about them is verified. */
function sentCertificates(socket: TLSSocket): X509Certificate[] {
  const sent: X509Certificate[] = []
  for (let next = socket.getPeerX509Certificate(); next && sent.length < maxSent; ) {
    const certificate = next
    if (sent.some((before) => before.fingerprint256 === certificate.fingerprint256)) break
    sent.push(certificate)
    next = certificate.issuerCertificate
  }
  return sent
}

/** One search for a path: what was sent, signatures that are known, and how many more may be checked. */
interface Search {
  signatures: PreparedTrust['signatures']
  /** Certificates can be made to span a maze; a real chain needs a handful of each. */
  checksLeft: number
  stepsLeft: number
}

/** A signature check that can't be made (unknown algorithm, broken key) is one that failed. */
function isSignedBy(certificate: X509Certificate, issuer: X509Certificate, search: Search): boolean {
  const key = `${certificate.fingerprint256} ${issuer.fingerprint256}`
  const known = search.signatures.get(key)
  if (known !== undefined) return known
  if (search.checksLeft-- <= 0) return false
  let good = false
  try {
    good = certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
  } catch {
    good = false
  }
  if (search.signatures.size >= maxKnownSignatures) search.signatures.clear()
  search.signatures.set(key, good)
  return good
}

/** A path from `certificate` up to a root, without regard to dates; null if there is none. */
function pathTo(
  roots: Roots,
  certificate: X509Certificate,
  sent: readonly X509Certificate[],
  search: Search,
  depth = 0,
): X509Certificate[] | null {
  if (search.stepsLeft-- <= 0) return null
  // the chain may end below the top: a trusted certificate needs no issuer
  const same = roots.get(certificate.subject)?.find((root) => root.raw.equals(certificate.raw))
  if (same) return [certificate]
  const root = roots.get(certificate.issuer)?.find((candidate) => isSignedBy(certificate, candidate, search))
  if (root) return [certificate, root]
  if (depth >= maxDepth) return null
  for (const issuer of sent) {
    // basic constraints (RFC 5280 section 4.2.1.9): a leaf signs nothing
    if (issuer === certificate || !issuer.ca || issuer.subject !== certificate.issuer) continue
    if (!isSignedBy(certificate, issuer, search)) continue
    const others = sent.filter((one) => one !== issuer)
    const rest = pathTo(roots, issuer, others, search, depth + 1)
    if (rest) return [certificate, ...rest]
  }
  return null
}

/** Extended key usage (RFC 5280 section 4.2.1.12): absent, any, or server authentication. */
function mayServe(leaf: X509Certificate): boolean {
  // typed as always there, but undefined without the extension
  const usages = leaf.keyUsage as string[] | undefined
  if (!usages || usages.length === 0) return true
  return usages.includes('1.3.6.1.5.5.7.3.1') || usages.includes('2.5.29.37.0')
}

/** OpenSSL's complaints that only say "no way to a root that I know": another set of roots may know one. */
const unknownIssuer = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_UNTRUSTED',
])

/** As node:tls does not stop at the first error, one about dates may hide another one before it. */
const aboutDates = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID'])

type RootSet = 'public' | 'partition' | 'host'

interface Verified {
  roots: RootSet
  path: X509Certificate[]
}

function keep<T>(known: Map<string, T>, key: string, value: T): T {
  if (known.size >= maxKnown) known.clear()
  known.set(key, value)
  return value
}

/**
 * The first set that the chain leads to by our own look: signatures, issuers, basic constraints, purpose; no dates. A path that was found
 * is remembered by all that it was found in, unless a search before it was cut short: one with more signatures known might end otherwise.
 */
function verifyPath(
  sent: readonly X509Certificate[],
  sets: readonly [RootSet, Roots][],
  trust: PreparedTrust,
): Verified | null {
  const leaf = sent[0]
  if (!leaf) return null
  const { paths } = trust.known
  const key = [...sets.map(([roots]) => roots), ...sent.map((one) => one.fingerprint256)].join(' ')
  const known = paths.get(key)
  if (known) return known
  if (!mayServe(leaf)) return null
  let whole = true
  for (const [roots, set] of sets) {
    const search = { signatures: trust.signatures, checksLeft: 64, stepsLeft: 64 }
    const path = pathTo(set, leaf, sent, search)
    if (path) return whole ? keep(paths, key, { roots, path }) : { roots, path }
    whole &&= search.checksLeft > 0 && search.stepsLeft > 0
  }
  return null
}

function datesOf(path: readonly X509Certificate[], nowMs: number): CertificateCheck['dates'] {
  if (path.some((certificate) => !(certificate.validToDate.getTime() >= nowMs))) return 'expired'
  if (path.some((certificate) => !(certificate.validFromDate.getTime() <= nowMs))) return 'not_yet_valid'
  return 'valid'
}

/**
 * RFC 6125 and RFC 9525: subject alternative names only, a wildcard only as the whole left-most label. A name that
 * begins with a dot would match anything below it in OpenSSL and is refused.
 */
function bears(leaf: X509Certificate, name: string): boolean {
  const expected = name.endsWith('.') ? name.slice(0, -1) : name
  if (expected === '' || expected.startsWith('.') || /[^A-Za-z0-9._:-]/.test(expected)) return false
  try {
    if (isIP(expected) !== 0) return leaf.checkIP(expected) !== undefined
    const options = { subject: 'never', wildcards: true, partialWildcards: false } as const
    return leaf.checkHost(expected, options) !== undefined
  } catch {
    return false
  }
}

/** `bears`, remembered. As many names as targets may show the same certificate. */
function nameMatches(leaf: X509Certificate, name: string, { names }: KnownCertificates): boolean {
  const key = `${leaf.fingerprint256} ${name}`
  const known = names.get(key)
  if (known !== undefined) return known
  const matches = bears(leaf, name)
  if (names.size >= maxKnownNames) names.clear()
  names.set(key, matches)
  return matches
}

/** `DNS:a, DNS:b, IP Address:…`, where node:crypto quotes what could be mistaken. */
function altNames(text: string | undefined): string[] {
  const parts = (text ?? '').slice(0, 65_536).match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g) ?? []
  return parts
    .map((part) => safeText(part.trim(), 255))
    .filter((name) => name !== '')
    .slice(0, maxAltNames)
    .map((name) => (name.startsWith('DNS:') ? name.slice(4) : name))
}

/** `getTime()` of a date that was not understood is NaN, which JSON does not have. */
function timeMs(date: Date): number {
  const ms = date.getTime()
  return Number.isFinite(ms) ? ms : 0
}

/** node:crypto gives one attribute a line. */
function distinguishedName(text: string): string {
  return safeText(text.trim().replaceAll('\n', ', '), 500)
}

/** Shared by all attempts that met the same certificate: nobody changes it. */
function identityOf(leaf: X509Certificate, { identities }: KnownCertificates): CertificateIdentity {
  const { fingerprint256 } = leaf
  return identities.get(fingerprint256) ?? keep(identities, fingerprint256, readIdentity(leaf))
}

function readIdentity(leaf: X509Certificate): CertificateIdentity {
  return {
    subject: distinguishedName(leaf.subject),
    issuer: distinguishedName(leaf.issuer),
    altNames: altNames(leaf.subjectAltName),
    notBeforeMs: timeMs(leaf.validFromDate),
    notAfterMs: timeMs(leaf.validToDate),
    fingerprint256: leaf.fingerprint256,
  }
}

/** Who signed it, judged by `error`: OpenSSL's word about the public and the partition's roots, null if it found no fault. */
function judgeChain(
  sent: readonly X509Certificate[],
  error: string | null,
  trust: PreparedTrust,
  nowMs: number,
) {
  const known: [RootSet, Roots][] = [
    ['public', trust.publicRoots],
    ['partition', trust.partitionRoots],
  ]
  if (error === null) {
    const verified = verifyPath(sent, known, trust)
    // OpenSSL found a way that we did not; it may have used any of its roots
    const otherwise: RootSet = trust.partitionRoots.size === 0 ? 'public' : 'partition'
    return { roots: verified?.roots ?? otherwise, chainError: null, dates: 'valid' as const }
  }
  const datesOnly = aboutDates.has(error)
  const sets: [RootSet, Roots][] = datesOnly ? known : []
  // what OpenSSL refuses for its form is not taken because the host knows its root
  if (datesOnly || unknownIssuer.has(error)) sets.push(['host', trust.hostRoots()])
  const verified = verifyPath(sent, sets, trust)
  const seen = datesOf(verified?.path ?? sent.slice(0, 1), nowMs)
  const dates =
    error === 'CERT_HAS_EXPIRED' ? 'expired' : error === 'CERT_NOT_YET_VALID' ? 'not_yet_valid' : seen
  if (verified) return { roots: verified.roots, chainError: null, dates }
  return { roots: 'none' as const, chainError: datesOnly ? hiddenError(sent) : error, dates }
}

/** The word for a chain that leads nowhere where OpenSSL's own was covered up by one about dates. */
function hiddenError(sent: readonly X509Certificate[]): string {
  const leaf = sent[0]
  if (leaf && !mayServe(leaf)) return 'INVALID_PURPOSE'
  return leaf && leaf.subject === leaf.issuer
    ? 'DEPTH_ZERO_SELF_SIGNED_CERT'
    : 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'
}

/**
 * What the certificate on a completed handshake is worth; the handshake must have been made with `trust.secureContext`
 * and without rejecting. Chain, name and dates are told apart.
 *
 * OpenSSL's own verification decides between "verifies" and not for the public and the partition's roots. A
 * chain that it refuses for its dates is verified again here without dates, and one of an unknown issuer against the host's store:
 * signatures, issuer and key identifiers, basic constraints, extended key usage of the leaf. That second look does not
 * know path lengths, name constraints, policies or critical extensions; nothing here asks for revocation. Never throws.
 */
export function checkCertificate(
  socket: TLSSocket,
  expectedName: string,
  trust: PreparedTrust,
  nowMs: number,
): CertificateFacts {
  const none: CertificateFacts = {
    certificate: null,
    check: {
      roots: 'none',
      chainError: 'NO_CERTIFICATE',
      nameMatches: false,
      nameExpected: safeText(expectedName, 255),
      dates: 'valid',
    },
  }
  try {
    const sent = sentCertificates(socket)
    const leaf = sent[0]
    if (!leaf) return none
    // a string at run time, whatever the types say
    const word: unknown = socket.authorizationError
    const error = socket.authorized ? null : typeof word === 'string' ? safeText(word, 80) : 'UNSPECIFIED'
    return {
      certificate: identityOf(leaf, trust.known),
      check: {
        ...none.check,
        ...judgeChain(sent, error, trust, nowMs),
        nameMatches: nameMatches(leaf, expectedName, trust.known),
      },
    }
  } catch {
    return { ...none, check: { ...none.check, chainError: 'CERTIFICATE_UNREADABLE' } }
  }
}
