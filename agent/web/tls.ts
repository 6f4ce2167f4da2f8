import { constants } from 'node:crypto'
import type { PeerCertificate, SecureContextOptions, TLSSocket } from 'node:tls'
import type { WebTls } from './config.ts'

/** Contents of the files that TLS takes. */
export interface WebTlsFiles {
  cert: Buffer
  key: Buffer
  clientCa: Buffer | null
}

const versions = { TLS12: 'TLSv1.2', TLS13: 'TLSv1.3' } as const

/** What a secure context takes; `createSecureContext` of it throws where certificate and key do not fit. */
export function contextOptions(tls: WebTls, { cert, key, clientCa }: WebTlsFiles): SecureContextOptions {
  const order = tls.preferServerCiphers ? constants.SSL_OP_CIPHER_SERVER_PREFERENCE : 0
  // A session that is taken up again would bring the verification of an earlier moment with it.
  const resumption = tls.clientAuth === 'NoClientCert' ? 0 : constants.SSL_OP_NO_TICKET
  return {
    cert,
    key,
    ...(clientCa !== null && { ca: clientCa }),
    minVersion: versions[tls.minVersion],
    maxVersion: versions[tls.maxVersion],
    ...(tls.ciphers.length > 0 && { ciphers: tls.ciphers.join(':') }),
    ...(tls.curves.length > 0 && { ecdhCurve: tls.curves.join(':') }),
    honorCipherOrder: tls.preferServerCiphers,
    secureOptions: order | resumption | constants.SSL_OP_NO_RENEGOTIATION,
  }
}

/** Whether a certificate is asked for in the handshake. What it is worth is decided after it, by `clientRefusal`. */
export function asksForCertificate({ clientAuth }: WebTls): boolean {
  return clientAuth !== 'NoClientCert'
}

/** Subject alternative names of a certificate, each without its kind; those that hold what could be misread are left out. */
export function sansOf({ subjectaltname }: Pick<PeerCertificate, 'subjectaltname'>): string[] {
  const text = subjectaltname ?? ''
  // Node quotes a name with a comma or quote in it (RFC 8259 strings): no name that is allowed needs one.
  if (text.includes('"')) return []
  return text.split(', ').flatMap((entry) => /^(?:DNS|IP Address|email|URI):(.+)$/.exec(entry)?.[1] ?? [])
}

/** Why the connection is refused after its handshake, by what the peer has shown; null: it may ask. */
export function clientRefusal(
  tls: WebTls,
  socket: Pick<TLSSocket, 'authorized' | 'getPeerCertificate'>,
): string | null {
  const { clientAuth, clientAllowedSans } = tls
  if (clientAuth === 'NoClientCert' || clientAuth === 'RequestClientCert') return null
  const certificate = socket.getPeerCertificate()
  const shown = certificate !== null && certificate !== undefined && certificate.raw !== undefined
  if (!shown) return clientAuth === 'VerifyClientCertIfGiven' ? null : 'no client certificate'
  if (clientAuth === 'RequireAnyClientCert') return null
  if (!socket.authorized) return 'a client certificate that does not verify'
  if (clientAllowedSans.length === 0) return null
  const names = sansOf(certificate)
  return names.some((name) => clientAllowedSans.includes(name))
    ? null
    : 'a client certificate of another name'
}
