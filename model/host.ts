import type { Socket } from 'node:net'
import type { TraceResult } from './first-leg.ts'
import type { Family, HostRoute } from './observation.ts'

/** The two clocks. Durations come from the monotonic one only. */
export interface Clock {
  /** Unix time in milliseconds; may jump. */
  wallMs(): number
  /** Milliseconds since an arbitrary start, with a fraction; never goes back. */
  monotonicMs(): number
}

export interface Endpoint {
  address: string
  port: number
}

/** A connection on its way: `socket` has not connected yet when it is returned. */
export interface Dialled {
  socket: Socket
  /** Local address and port of the connection as the network sees it; null before it is bound. */
  local(): Endpoint | null
}

/** Opens one TCP connection from `localAddress` (null: the kernel chooses). Never resolves a name, never uses a proxy. */
export type Dial = (to: {
  address: string
  port: number
  family: Family
  localAddress: string | null
}) => Dialled

/** The host's own name service (getaddrinfo): both families, in its order. Rejects with `code` as node:dns does. */
export type Lookup = (hostname: string) => Promise<{ address: string; family: Family }[]>

/** Everything of the machine that the agent touches. The composition root fills it; the lab plays it. */
export interface HostAccess {
  clock: Clock
  bootId: string
  dial: Dial
  lookup: Lookup
  /** The name servers that the host itself uses. */
  systemServers(): Endpoint[]
  /** Where a DNS server that was configured or found really listens. The identity outside the lab. */
  serverAddress(server: Endpoint): Endpoint
  /** The kernel's own way to `destination` from `source` (null: the kernel chooses). Never throws. */
  hostRoute(destination: string, source: string | null): Promise<HostRoute>
  /** Non-loopback addresses of this host with their device and MAC, as `os.networkInterfaces()` gives them. */
  addresses(): { device: string; address: string; family: Family; mac: string; linkLocal: boolean }[]
  /**
   * A trace by TCP on a port, from `source` (null: the kernel chooses), with a tool of this host. It sends packets. Never
   * rejects. Left out: this host can't.
   */
  trace?(to: { address: string; port: number; source: string | null }): Promise<TraceResult>
  environment: Readonly<Record<string, string | undefined>>
}
