import type { Failure } from '../model/observation.ts'

/** Where in an attempt an error came up. */
export type Phase = 'dns' | 'connect' | 'tls' | 'http'

export interface FailureContext {
  phase: Phase
  /** How long it had been tried, for errors that are time-outs. */
  afterSeconds: number
  /**
   * True if the error was there when connect() returned, before anything could have come back from the network: then
   * it is the kernel's own word. Default false.
   */
  atOnce?: boolean
}

/** A lack of this process or host, never the path's fault. EADDRNOTAVAIL is also what running out of ports looks like. */
const resources = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'EAGAIN',
  'EAI_MEMORY',
  'ENOSPC',
])

/** EAFNOSUPPORT is also what a seccomp filter of the service manager answers (`RestrictAddressFamilies=`). */
const denied = new Set(['EPERM', 'EACCES', 'EAFNOSUPPORT', 'ERR_ACCESS_DENIED'])

const unreachable = new Set(['ENETUNREACH', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETDOWN', 'ENONET'])

const reset = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENOTCONN',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_SOCKET_CLOSED',
  'ERR_SOCKET_CLOSED_BEFORE_CONNECTION',
  'UND_ERR_SOCKET',
])

const timeout = new Set([
  'ETIMEDOUT',
  'ETIMEOUT',
  'ESOCKETTIMEDOUT',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
  'ERR_TLS_HANDSHAKE_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])

const aborted = new Set(['ABORT_ERR', 'ECANCELED', 'ECANCELLED', 'UND_ERR_ABORTED'])

/** Codes of c-ares and getaddrinfo as node:dns passes them on. */
const dns = new Set([
  'ENOTFOUND',
  'ENODATA',
  'ESERVFAIL',
  'EREFUSED',
  'EFORMERR',
  'ENOTIMP',
  'EBADQUERY',
  'EBADNAME',
  'EBADFAMILY',
  'EBADRESP',
  'EBADSTR',
  'EBADFLAGS',
  'EBADHINTS',
  'ENONAME',
  'EDESTRUCTION',
  'ENOTINITIALIZED',
  'ELOADIPHLPAPI',
  'EADDRGETNETWORKPARAMS',
  'ESERVICE',
])

/** OpenSSL's words for what is wrong with a chain (X509_V_ERR_…), as node:tls gives them. */
const chain =
  /^(?:CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_|HOSTNAME_MISMATCH$|ERROR_IN_CERT_)/

function field(error: unknown, name: string): unknown {
  if (typeof error !== 'object' || error === null) return undefined
  return (error as Record<string, unknown>)[name]
}

/** The first `code` along the error, its `errors` and its `cause`; at most four deep. */
function codeOf(error: unknown, depth = 0): { code: string; syscall: unknown } | null {
  const code = field(error, 'code')
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,80}$/.test(code)) {
    return { code, syscall: field(error, 'syscall') }
  }
  if (depth >= 4 || typeof error !== 'object' || error === null) return null
  const errors = field(error, 'errors')
  if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0], depth + 1)
  return codeOf(field(error, 'cause'), depth + 1)
}

/**
 * Sorts an error by its `code` (errno, node:dns, OpenSSL, undici), never by its message. What is not known is `internal`,
 * which says nothing of the path. `no_local_route` is given only for ENETUNREACH from connect() itself: the same code
 * and EHOSTUNREACH may come from a router later, and are `unreachable` then. Never throws.
 */
export function failureOf(error: unknown, context: FailureContext): Failure {
  const found = codeOf(error)
  if (found === null) {
    if (field(error, 'name') === 'AbortError') return { type: 'aborted' }
    return { type: 'internal', code: 'UNKNOWN' }
  }
  const { code, syscall } = found
  if (aborted.has(code)) return { type: 'aborted' }
  if (timeout.has(code)) return { type: 'timeout', afterSeconds: context.afterSeconds }
  if (resources.has(code)) return { type: 'resources', code }
  if (denied.has(code)) return { type: 'denied', code }
  if (code === 'ECONNREFUSED') return { type: 'refused' }
  const kernel = context.atOnce === true && context.phase === 'connect' && syscall === 'connect'
  if (kernel && code === 'ENETUNREACH') return { type: 'no_local_route', code }
  // what Linux answers for a blackhole route of its own
  if (kernel && code === 'EINVAL') return { type: 'unreachable', code }
  if (unreachable.has(code)) return { type: 'unreachable', code }
  if (reset.has(code)) return { type: 'reset', code }
  if (dns.has(code) || code.startsWith('EAI_')) return { type: 'dns', code }
  if (/^ERR_(?:SSL|TLS|OSSL)_/.test(code) || code === 'EPROTO' || chain.test(code))
    return { type: 'tls', code }
  return { type: 'internal', code }
}
