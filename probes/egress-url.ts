import { type EgressScheme, egressSchemes } from '../model/egress.ts'
import { formatIp, mappedIpv4, parseIp } from '../net/ip.ts'
import { forbiddenTarget } from '../net/special.ts'
import { askable } from './dns-message.ts'

/** A destination that must be out of reach. */
export interface EgressDestination {
  scheme: EgressScheme
  /** Canonical text of an address, or a name in lower case without a trailing dot. */
  host: string
  /** Null: `host` is a name. */
  address: { family: 4 | 6 } | null
  port: number
  /** Of http, https and doh, with its slash; for other schemes `/`. */
  path: string
  /** The name that dns and doh (and udp to port 53) ask for. */
  question: string
}

export type EgressUrlReading =
  | { ok: true; value: EgressDestination }
  | { ok: false; problem: string; expected: string }

const defaultPorts: Readonly<Partial<Record<EgressScheme, number>>> = {
  tls: 443,
  dns: 53,
  doh: 443,
  ntp: 123,
  http: 80,
  https: 443,
}

/** Reserved for such use (RFC 2606 section 3): it says nothing of this host. */
const neutralName = 'example.com'

const form = /^([a-z]+):\/\/(\[[0-9a-f:.]+\]|[^/:?#@[\]\s]+)(?::([0-9]+))?(\/[^?#\s]*)?$/i

const wrong = (problem: string, expected: string): EgressUrlReading => ({ ok: false, problem, expected })

/**
 * Reads `scheme://host[:port][/path]`. An address must be in its usual form, for `0x7f.1` is loopback to one program and a
 * name to another. What must never be dialled (loopback, link-local with the metadata service, multicast, …), names of this
 * host, user info, query and fragment are refused. tcp and udp need a port; `dns://1.1.1.1/name` says what is asked for.
 */
export function parseEgressUrl(text: string): EgressUrlReading {
  const schemes = `one of the schemes ${egressSchemes.join(', ')}`
  const scheme = /^([a-z]+):\/\//.exec(text)?.[1]
  if (scheme === undefined) return wrong('is not a URL', 'a URL like tcp://1.1.1.1:443')
  const known = egressSchemes.find((one) => one === scheme)
  if (known === undefined) return wrong(`has the scheme ${scheme}`, schemes)
  if (/[?#@]/.test(text))
    return wrong('carries user info, a query or a fragment', 'scheme, host, port and path only')
  const parts = form.exec(text)
  if (parts === null || text.length > 1000 || /[^\u0021-\u007e]/.test(text))
    return wrong('is not a URL', 'a URL like tcp://1.1.1.1:443')
  const [, , written = '', portText, path = '/'] = parts
  const host = readHost(written)
  if ('problem' in host) return wrong(host.problem, 'an address, or a DNS name')
  const port = portText === undefined ? defaultPorts[known] : readPort(portText)
  if (port === undefined)
    return wrong(`has no port, and ${known} has no usual one`, `a port, like ${known}://host:443`)
  if (port === null) return wrong('has no valid port', 'a port from 1 to 65535')
  const asks = known === 'dns'
  const question = asks && path !== '/' ? path.slice(1).replace(/\.$/, '').toLowerCase() : neutralName
  if (asks && !askable(question))
    return wrong('asks for no DNS name', 'a name after the slash, like dns://1.1.1.1/example.com')
  const webLike = known === 'http' || known === 'https' || known === 'doh'
  if (!webLike && !asks && path !== '/')
    return wrong(`has a path, which ${known} has not`, 'scheme, host and port only')
  const whole = known === 'doh' && path === '/' ? '/dns-query' : path
  return { ok: true, value: { scheme: known, ...host, port, path: webLike ? whole : '/', question } }
}

function readPort(text: string): number | null {
  const port = /^[1-9][0-9]{0,4}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= 65_535 ? port : null
}

function readHost(written: string): Pick<EgressDestination, 'host' | 'address'> | { problem: string } {
  const bare = written.startsWith('[') ? written.slice(1, -1) : written
  const ip = parseIp(bare)
  if (ip.ok) {
    if ((ip.value.family === 6) !== written.startsWith('['))
      return { problem: 'has an IPv4 address in brackets' }
    if (mappedIpv4(ip.value) !== null) return { problem: 'has an IPv4 address in the form of IPv6' }
    const why = forbiddenTarget(ip.value)
    if (why !== null) return { problem: `has an address that is refused: ${why}` }
    return { host: formatIp(ip.value), address: { family: ip.value.family } }
  }
  const name = bare.toLowerCase().replace(/\.$/, '')
  const labels = name.split('.')
  const last = labels.at(-1) ?? ''
  // what ends in a number is an address to many programs (URL Standard, "ends in a number checker")
  if (written.startsWith('[') || /^(?:[0-9]+|0x[0-9a-f]*)$/.test(last))
    return { problem: 'has an address that is not in its usual form' }
  if (!askable(name) || name.includes('*')) return { problem: 'has no DNS name for a host' }
  if (last === 'localhost' || name === 'localhost.localdomain') return { problem: 'is this host itself' }
  if (labels.length < 2) return { problem: 'has a single label, which the search list would complete' }
  return { host: name, address: null }
}
