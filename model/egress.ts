import type { Failure, Family } from './observation.ts'

/**
 * `blocked`: it was tried, nothing came back or this host itself refused, and a control got through by the same means;
 * `open`: packets got out; `untestable`: neither can be said.
 */
export const egressStates = ['blocked', 'open', 'untestable'] as const

export type EgressState = (typeof egressStates)[number]

export const egressSchemes = ['tcp', 'tls', 'udp', 'dns', 'doh', 'ntp', 'http', 'https'] as const

export type EgressScheme = (typeof egressSchemes)[number]

/** One look at one way out: one address of a destination, or the destination through a proxy. */
export interface EgressLook {
  /** Of the socket that was opened; null where none was, for the name has no address. */
  family: Family | null
  /** That was sent to: the destination's, or the proxy's. Canonical text. */
  address: string | null
  /** `proxy`: through the proxy that the environment names. */
  via: 'direct' | 'proxy'
  /** How far it came: a TCP connection (to the proxy where there is one), a TLS handshake, an answer to what was sent. */
  reached: 'nothing' | 'tcp' | 'tls' | 'answer'
  /** Status of an HTTP answer (of the proxy, or through it), null without one. */
  status: number | null
  /** Why it came no further; null where all went through. */
  failure: Failure | null
  /** True if `failure` was there before anything could have come back: this host's own word. */
  atOnce: boolean
  /** True if what listens there need not answer what was sent: then silence shows nothing. */
  mayBeSilent: boolean
  seconds: number
}

/** Whether the control got through by the same means at about the same time. */
export interface EgressControl {
  target: string
  good: boolean
  because: string
  /** Unix milliseconds of what it rests on, null: there is nothing. */
  atMs: number | null
}

/** One look with what it shows. */
export interface EgressFinding {
  look: EgressLook
  control: EgressControl
  state: EgressState
  because: string
}

/** One round of one check over all its families. `state` is the worst: open, then untestable, then blocked. */
export interface EgressResult {
  check: string
  /** As configured; it holds no secret. */
  url: string
  control: string
  state: EgressState
  because: string
  /** When the round began, Unix milliseconds. */
  atMs: number
  everySeconds: number
  findings: EgressFinding[]
}
