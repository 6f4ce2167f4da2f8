import { dirname, resolve } from 'node:path'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import { type Finding, type Problem, pathText } from '../config/problems.ts'
import { finding } from '../config/findings.ts'
import { schemaFindings } from '../config/schema-findings.ts'
import { readSource } from '../config/source.ts'
import {
  type ClientAuthType,
  type WebTlsVersion,
  type WrittenWebConfig,
  cipherSuites,
  curves,
  webConfigSchema,
} from './config-schema.ts'

/** TLS as the file wants it; paths are absolute. */
export interface WebTls {
  certFile: string
  keyFile: string
  clientAuth: ClientAuthType
  clientCaFile: string | null
  clientAllowedSans: readonly string[]
  minVersion: WebTlsVersion
  maxVersion: WebTlsVersion
  /** OpenSSL's names; empty: the runtime's own choice. */
  ciphers: readonly string[]
  curves: readonly string[]
  preferServerCiphers: boolean
}

/** What protects the HTTP surface, in exporter-toolkit's format. */
export interface WebConfig {
  /** Null: plain HTTP. */
  tls: WebTls | null
  /** Further headers of each answer, by their lower-case names. */
  headers: Readonly<Record<string, string>>
  /** bcrypt by user; empty: no password is asked for. */
  users: ReadonlyMap<string, string>
}

export type WebConfigResult = { ok: true; config: WebConfig } | { ok: false; problems: Problem[] }

/** Protects nothing: as without a file. */
export const noWebConfig: WebConfig = { tls: null, headers: {}, users: new Map() }

/**
 * Reads a web configuration from its text. `file` is the file that it stands in: what its paths are relative to. All that is
 * wrong comes at once, each with its line; nothing of a secret is in it. Never throws.
 */
export function parseWebConfig(text: string, file: string): WebConfigResult {
  const name = safeText(redact(file), 300)
  // exporter-toolkit takes an empty file too: nothing is protected
  if (text.replace(/^\s*#.*$/gm, '').trim() === '') return { ok: true, config: noWebConfig }
  const source = readSource(text)
  if (!source.ok) {
    return { ok: false, problems: source.troubles.map((trouble) => ({ file: name, path: '', ...trouble })) }
  }
  const located = (one: Finding): Problem => ({
    file: name,
    ...source.placeOf(one),
    path: pathText(one.path),
    problem: one.problem,
    expected: one.expected,
    suggestion: one.suggestion,
  })
  const parsed = webConfigSchema.safeParse(source.value, { reportInput: true })
  const findings = parsed.success
    ? together(parsed.data)
    : withoutSecrets(schemaFindings(webConfigSchema, parsed.error.issues))
  if (!parsed.success || findings.length > 0) {
    const problems = findings.map(located).sort((a, b) => a.line - b.line || a.col - b.col)
    return { ok: false, problems: problems.slice(0, 100) }
  }
  return { ok: true, config: configFrom(parsed.data, dirname(resolve(file))) }
}

/** A password in plain text where its hash belongs must not be shown. */
function withoutSecrets(findings: readonly Finding[]): Finding[] {
  return findings.map((one) =>
    one.path[0] === 'basic_auth_users' && one.problem.startsWith('got ') && one.path.length > 1
      ? { ...one, problem: 'this is no bcrypt hash' }
      : one,
  )
}

/** What concerns several keys at once. */
function together({ tls_server_config: tls }: WrittenWebConfig): Finding[] {
  if (tls === undefined) return []
  const found: Finding[] = []
  const wrong = (key: string | null, problem: string, expected: string): void =>
    void found.push(finding(['tls_server_config', ...(key === null ? [] : [key])], problem, expected))
  if (tls.cert_file === undefined) wrong(null, 'has no cert_file', 'the keys cert_file and key_file')
  if (tls.key_file === undefined) wrong(null, 'has no key_file', 'the keys cert_file and key_file')
  const verifies = tls.client_auth_type.includes('Verify')
  if (tls.client_ca_file !== undefined && tls.client_auth_type === 'NoClientCert') {
    wrong('client_ca_file', 'stands beside client_auth_type NoClientCert', 'RequireAndVerifyClientCert')
  }
  // without it Go takes any authority that the host trusts; here whose certificates count is always said
  if (verifies && tls.client_ca_file === undefined) {
    wrong('client_auth_type', `is ${tls.client_auth_type}`, 'client_ca_file as well')
  }
  if (tls.client_allowed_sans.length > 0 && tls.client_auth_type !== 'RequireAndVerifyClientCert') {
    wrong(
      'client_allowed_sans',
      `stands beside client_auth_type ${tls.client_auth_type}, under which a name proves nothing`,
      'RequireAndVerifyClientCert',
    )
  }
  if (tls.min_version > tls.max_version) {
    wrong('min_version', `${tls.min_version} is above max_version`, `at most ${tls.max_version}`)
  }
  return found
}

function configFrom(written: WrittenWebConfig, directory: string): WebConfig {
  const { tls_server_config: tls, http_server_config: http, basic_auth_users: users } = written
  const headers = Object.entries(http.headers).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key.toLowerCase(), value]],
  )
  return {
    tls:
      tls === undefined
        ? null
        : {
            certFile: resolve(directory, tls.cert_file ?? ''),
            keyFile: resolve(directory, tls.key_file ?? ''),
            clientAuth: tls.client_auth_type,
            clientCaFile: tls.client_ca_file === undefined ? null : resolve(directory, tls.client_ca_file),
            clientAllowedSans: tls.client_allowed_sans,
            minVersion: tls.min_version,
            maxVersion: tls.max_version,
            ciphers: ciphersOf(tls.cipher_suites),
            curves: tls.curve_preferences.map((curve) => curves[curve]),
            preferServerCiphers: tls.prefer_server_cipher_suites,
          },
    headers: Object.fromEntries(headers),
    users: new Map(Object.entries(users)),
  }
}

/** The suites of TLS 1.3 can't be chosen (as in Go); where only they are named, TLS 1.2 has none. */
function ciphersOf(names: readonly (keyof typeof cipherSuites)[]): string[] {
  if (names.length === 0) return []
  const all = Object.entries(cipherSuites)
  const newest = all.filter(([, openssl]) => openssl === null).map(([name]) => name)
  return [...newest, ...names.flatMap((name) => cipherSuites[name] ?? [])]
}
