/**
 * The first leg: how packets of a host on-prem get from its site to AWS, and what is seen of that. Plain data that survives
 * JSON; addresses and prefixes are canonical text.
 */

/** `unproven`: nothing shows it, or what is seen contradicts. */
export const firstLegs = ['direct_connect', 'vpn', 'unproven'] as const

export type FirstLeg = (typeof firstLegs)[number]

/** The first leg of one attempt, by everything that was seen when it was judged. It stands beside the state and eliminates nothing. */
export interface FirstLegFinding {
  leg: FirstLeg
  /** Deciding reason first. */
  because: string[]
  /** Public hops that are neither AWS's nor declared. */
  unknownHops: string[]
  /** What has to hold for a leg that is shown. */
  assumptions: string[]
  /** What would show it; empty where it is shown. */
  wouldDecide: string[]
}

/** The first leg of a target: that of all its names' connections, or `unproven`. */
export interface TargetFirstLeg extends FirstLegFinding {
  /** What the target demands. */
  required: 'any' | 'direct_connect' | 'vpn'
  /** Null: nothing is demanded. */
  met: boolean | null
}

/** One station of a trace. */
export interface TraceHop {
  /** From 1 on. */
  ttl: number
  /** Who answered at this distance; empty: nobody. Several: packets took several ways. */
  addresses: string[]
}

export const traceFailures = [
  /** Neither tool is there. */
  'not_installed',
  /** The tool may not send such packets, or does not know them. */
  'not_permitted',
  'timeout',
  /** What it printed was not understood. */
  'unreadable',
  'failed',
] as const

export type TraceResult =
  | { traced: true; tool: 'mtr' | 'traceroute'; hops: TraceHop[] }
  | { traced: false; reason: (typeof traceFailures)[number]; detail: string }

/** A trace by TCP on the probed port. */
export interface Trace {
  address: string
  port: number
  /** Address that it was sent from; null: the kernel chose. */
  source: string | null
  /** Unix milliseconds of its start. */
  atMs: number
  result: TraceResult
}

/** Addresses of the two ends of one BGP session of a virtual interface. */
export interface VirtualInterfacePeer {
  amazonAddress: string | null
  customerAddress: string | null
  /** Null: not told. */
  up: boolean | null
}

/** A virtual interface of Direct Connect as its API describes it; its keys are not kept. */
export interface VirtualInterface {
  id: string
  /** As AWS gives it: `private`, `transit`, `public`, or newer. */
  type: string
  /** `available`, `down`, …: as AWS gives it. */
  state: string
  peers: VirtualInterfacePeer[]
  /** Prefixes that AWS advertises to the site; null: not read, or not all of them. */
  advertised: string[] | null
  /** Prefixes that AWS accepted from the site; null: not read, or not all of them. */
  accepted: string[] | null
}

/** One reading of the Direct Connect API. */
export interface DirectConnectReading {
  region: string
  /** Unix milliseconds of its start. */
  atMs: number
  interfaces: VirtualInterface[]
}
