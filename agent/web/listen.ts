import { isIP } from 'node:net'

/** Where the HTTP surface listens. A null host means every address of the machine. */
export type ListenAddress =
  | { kind: 'address'; host: string | null; port: number }
  /** A listening socket that whoever started the process has opened. */
  | { kind: 'descriptor'; fd: number }

/**
 * Reads `host:port`, `[ipv6]:port`, `:port` or `fd:N`. The host is an IP address or `localhost`: a name
 * would need a resolver at start. Port 0 asks the kernel for a free one.
 * Anything else gives `error`, in words.
 */
export function parseListenAddress(text: string): ListenAddress | { error: string } {
  const expected = 'expected address:port, [ipv6]:port, :port or fd:N'
  const descriptor = /^fd:(\d{1,4})$/.exec(text)
  if (descriptor !== null) {
    const fd = Number(descriptor[1])
    return fd >= 3 ? { kind: 'descriptor', fd } : { error: `descriptor ${fd} is a standard stream` }
  }
  const parts = /^(?:\[([^\][]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(text)
  if (parts === null) return { error: expected }
  const [, ipv6, other, digits] = parts
  const port = Number(digits)
  if (port > 65_535) return { error: `port ${port} is beyond 65535` }
  if (ipv6 !== undefined) {
    return isIP(ipv6) === 6 && !ipv6.includes('%')
      ? { kind: 'address', host: ipv6, port }
      : { error: `no IPv6 address in [ ]; ${expected}` }
  }
  if (other === '' || other === undefined) return { kind: 'address', host: null, port }
  if (other === 'localhost') return { kind: 'address', host: '127.0.0.1', port }
  return isIP(other) === 4 ? { kind: 'address', host: other, port } : { error: expected }
}
