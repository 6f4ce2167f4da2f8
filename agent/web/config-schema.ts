import * as z from 'zod'
import { choice, flag, readable } from '../config/fields.ts'

/** Values of `client_auth_type`; exporter-toolkit's words, which are those of Go's crypto/tls. */
export const clientAuthTypes = [
  'NoClientCert',
  'RequestClientCert',
  'RequireAnyClientCert',
  'VerifyClientCertIfGiven',
  'RequireAndVerifyClientCert',
] as const

export type ClientAuthType = (typeof clientAuthTypes)[number]

export const tlsVersions = ['TLS12', 'TLS13'] as const

export type WebTlsVersion = (typeof tlsVersions)[number]

/** Curves by Go's names → OpenSSL's. */
export const curves = {
  CurveP256: 'P-256',
  CurveP384: 'P-384',
  CurveP521: 'P-521',
  X25519: 'X25519',
} as const

/** Cipher suites by IANA's names, as Go has them → OpenSSL's. Those of TLS 1.3 are always all on, as in Go. */
export const cipherSuites = {
  TLS_AES_128_GCM_SHA256: null,
  TLS_AES_256_GCM_SHA384: null,
  TLS_CHACHA20_POLY1305_SHA256: null,
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-ECDSA-CHACHA20-POLY1305',
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: 'ECDHE-RSA-CHACHA20-POLY1305',
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: 'ECDHE-ECDSA-AES128-SHA',
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: 'ECDHE-ECDSA-AES256-SHA',
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: 'ECDHE-RSA-AES128-SHA',
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: 'ECDHE-RSA-AES256-SHA',
} as const

const map = { error: 'a map' }
const namesOf = <Names extends Readonly<Record<string, unknown>>>(names: Names) =>
  Object.keys(names) as [keyof Names & string, ...(keyof Names & string)[]]

const list = <T extends z.ZodType>(description: string, of: string, item: T) =>
  z
    .array(item, { error: `a list of ${of}` })
    .max(64, { error: 'at most 64 entries' })
    .meta({ description })
    .prefault([])

/** A file; where its path is not absolute, beside the web configuration. */
const file = (description: string) =>
  z
    .string({ error: 'a path' })
    .regex(/^[^\n]{1,4095}$/, { error: 'a path' })
    .meta({ description })

const headerValue = (description: string) =>
  z
    .string({ error: 'a text' })
    .regex(/^[\x20-\x7E]{0,4096}$/, { error: 'a text of printable ASCII characters' })
    .meta({ description })

/** Above 14 one comparison takes seconds of a processor. */
export const mostBcryptCost = 14

const bcryptHash = readable(
  {
    description: 'bcrypt of the password.',
    expected: `bcrypt of a password with a cost from 4 to ${mostBcryptCost}, as "htpasswd -nBC 10 NAME" prints it`,
  },
  (text) => {
    const [, cost = ''] = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/.exec(text) ?? []
    // What is wrong with a secret is said without showing it.
    if (cost === '') return { ok: false, problem: 'this is no bcrypt hash', sentence: true }
    const within = Number(cost) >= 4 && Number(cost) <= mostBcryptCost
    return within ? { ok: true, value: text } : { ok: false, problem: `its cost is ${cost}`, sentence: true }
  },
)

const tls = z.strictObject(
  {
    cert_file: file('The certificate and its chain, PEM.').optional(),
    key_file: file('Its private key, PEM.').optional(),
    client_auth_type: choice('Whether clients must show certificates.', clientAuthTypes).prefault(
      'NoClientCert',
    ),
    client_ca_file: file('Certificates that those of clients must end in, PEM.').optional(),
    client_allowed_sans: list(
      'Names of which a client’s certificate must bear one.',
      'texts',
      headerValue('A name.'),
    ),
    min_version: choice('Least version of TLS.', tlsVersions).prefault('TLS12'),
    max_version: choice('Greatest version of TLS.', tlsVersions).prefault('TLS13'),
    cipher_suites: list(
      'Cipher suites of TLS 1.2; empty: the runtime’s own.',
      'cipher suites',
      choice('A cipher suite.', namesOf(cipherSuites)),
    ),
    curve_preferences: list(
      'Curves, the preferred one first; empty: the runtime’s own.',
      'curves',
      choice('A curve.', namesOf(curves)),
    ),
    prefer_server_cipher_suites: flag('Whether the server’s order of suites counts.').prefault(true),
  },
  map,
)

const headers = z.strictObject(
  {
    'Content-Security-Policy': headerValue('Sent beside the stricter one of each page.').optional(),
    'X-Frame-Options': choice('Whether pages may stand in frames.', ['deny', 'sameorigin']).optional(),
    'X-Content-Type-Options': choice('Always sent.', ['nosniff']).optional(),
    'X-XSS-Protection': headerValue('For old browsers.').optional(),
    'Strict-Transport-Security': headerValue('Only sent over TLS.').optional(),
  },
  map,
)

const http = z.strictObject(
  {
    http2: flag('Accepted; this server speaks HTTP/1.1, which every client falls back to.').prefault(true),
    headers: headers.prefault({}),
  },
  map,
)

const users = z
  .record(z.string().regex(/^[^:\x00-\x1F\x7F]{1,256}$/, { error: 'a name without ":"' }), bcryptHash, map)
  .meta({ description: 'Users and bcrypt of their passwords. None: no password is asked for.' })

/** The file as it is written: the format of Prometheus' exporter-toolkit (docs/web-configuration.md there). */
export const webConfigSchema = z.strictObject(
  {
    tls_server_config: tls.optional(),
    http_server_config: http.prefault({}),
    basic_auth_users: users.prefault({}),
  },
  map,
)

export type WrittenWebConfig = z.output<typeof webConfigSchema>
