import type { HostAccess } from '../model/host.ts'
import { canonicalIp, parseIp } from '../net/ip.ts'
import { cidrContains, parseCidr } from '../net/cidr.ts'
import type { EgressDestination } from './egress-url.ts'

/** How software that heeds the proxy variables would go to a destination. */
export type ProxyChoice =
  | { kind: 'direct'; because: string }
  | {
      kind: 'proxy'
      /** Name of the variable, never its value. */
      variable: string
      /** An address in canonical text, or a name. */
      host: string
      port: number
      /** Value of Proxy-Authorization: a secret that goes to the proxy and nowhere else. Null: the variable holds no login. */
      authorization: string | null
    }
  | { kind: 'unusable'; variable: string; because: string }

/** The lower-case form comes first (curl, wget, Python); `HTTP_PROXY` is heeded by some and not by others. */
const variables = {
  http: ['http_proxy', 'HTTP_PROXY', 'all_proxy', 'ALL_PROXY'],
  https: ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'],
} as const

/**
 * The one place in which the proxy variables count. Their values may hold a password and never come into any text here. Only
 * proxies that are spoken to by plain HTTP are used.
 */
export function proxyFor(
  destination: Pick<EgressDestination, 'host' | 'port'> & { scheme: 'http' | 'https' },
  environment: HostAccess['environment'],
): ProxyChoice {
  const variable = variables[destination.scheme].find((name) => (environment[name] ?? '') !== '')
  if (variable === undefined) return { kind: 'direct', because: 'no proxy variable is set' }
  const except = environment['no_proxy'] ?? environment['NO_PROXY'] ?? ''
  if (isExcepted(destination, except)) return { kind: 'direct', because: 'NO_PROXY names it' }
  const written = environment[variable] ?? ''
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(written) ? written : `http://${written}`
  const url = URL.canParse(text) ? new URL(text) : null
  const unusable = (because: string): ProxyChoice => ({ kind: 'unusable', variable, because })
  if (url === null || url.hostname === '') return unusable(`${variable} holds no URL`)
  if (url.protocol !== 'http:')
    return unusable(`${variable} names a proxy that is not spoken to by plain HTTP`)
  const bare = url.hostname.replace(/^\[|\]$/g, '')
  const login = loginOf(url)
  if (login === null) return unusable(`${variable} holds a login that can't be read`)
  return {
    kind: 'proxy',
    variable,
    host: canonicalIp(bare) ?? bare.toLowerCase(),
    port: url.port === '' ? 80 : Number(url.port),
    authorization: login === '' ? null : `Basic ${Buffer.from(login).toString('base64')}`,
  }
}

/** Null: it is not encoded as it should be. */
function loginOf({ username, password }: URL): string | null {
  if (username === '' && password === '') return ''
  try {
    return `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  } catch {
    return null
  }
}

/** `*`, host names with or without a leading dot (they and what is below them), addresses, prefixes; each may have a port. */
function isExcepted({ host, port }: Pick<EgressDestination, 'host' | 'port'>, list: string): boolean {
  const ip = parseIp(host)
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      if (entry === '*') return true
      const cut = /^(\[[^\]]+\]|[^:]+):([0-9]+)$/.exec(entry)
      if (cut !== null && Number(cut[2]) !== port) return false
      const name = (cut?.[1] ?? entry).replace(/^\[|\]$/g, '').toLowerCase()
      const prefix = parseCidr(name)
      if (ip.ok) return prefix.ok ? cidrContains(prefix.value, ip.value) : canonicalIp(name) === host
      const domain = name.replace(/^\*?\./, '').replace(/\.$/, '')
      return domain !== '' && (host === domain || host.endsWith(`.${domain}`))
    })
}
