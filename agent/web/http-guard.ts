import type { IncomingMessage } from 'node:http'

/** A request target as RFC 9112 3.2 has it: a path, or a whole URL, whose authority stands for the Host header. */
export interface RequestTarget {
  /** Without the query. */
  path: string
  /** Null: HTTP/1.0 without one. */
  host: string | null
}

/** Null: neither a path nor a URL of this protocol. */
export function targetOf({ url = '', headers }: IncomingMessage): RequestTarget | null {
  const [, authority, rest = ''] = /^https?:\/\/([^/?#@]+)([/?].*)?$/i.exec(url) ?? []
  const target = authority === undefined ? url : rest.startsWith('/') ? rest : `/${rest}`
  if (!target.startsWith('/')) return null
  return { path: target.split('?', 1)[0] ?? '', host: authority ?? headers.host ?? null }
}

/**
 * Why a request is refused before anything looks at its path, or null.
 *
 * A page in a browser on this host can reach loopback. By DNS rebinding it could read what stands here
 * under its own name, so that on loopback only loopback names are served. Requests from other hosts come by whatever
 * name the operator gave this one, and are not checked.
 */
export function refusal(request: IncomingMessage): { status: number; text: string } | null {
  const target = targetOf(request)
  if (target === null) return { status: 400, text: 'expected a path as request target' }
  if (!isLoopback(request.socket.localAddress)) return null
  const named = [target.host, request.headers.host].filter((host) => host !== null && host !== undefined)
  if (named.every(isLoopbackName)) return null
  return { status: 403, text: 'this Host is not served on loopback' }
}

/** A request that changes something must not come from a page of another origin. */
export function isCrossSite({ headers, socket }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true
  return (
    headers.origin !== undefined &&
    headers.origin !== `${'encrypted' in socket ? 'https' : 'http'}://${headers.host}`
  )
}

function isLoopback(address: string | undefined): boolean {
  // Unknown: a socket that is already gone, or no TCP socket. The strict reading is the safe one.
  if (address === undefined) return true
  return address === '::1' || /^(?:::ffff:)?127\./.test(address)
}

/** `localhost`, anything below it, 127.0.0.0/8 and ::1, with any port: tunnels come in under another. */
function isLoopbackName(host: string): boolean {
  const name = host.toLowerCase().replace(/:\d{0,5}$/, '')
  if (name === 'localhost' || name === '[::1]') return true
  return /^(?:[a-z0-9-]+\.)+localhost$/.test(name) || /^127(?:\.\d{1,3}){3}$/.test(name)
}
