import type { PathClass, Rank } from './path.ts'

/** Things that never eliminate a class by themselves but that a person must be told. */
export type Flag =
  | 'tls_intercepted'
  | 'certificate_expired'
  | 'certificate_not_yet_valid'
  | 'certificate_wrong_name'
  | 'proxy_configured'
  | 'redirect_on_host'
  | 'packets_may_have_left'
  | 'answer_outside_list'
  | 'unread_prefix_list'
  | 'resolvers_disagree'

/** An observation read by a rule: which classes remain possible, how strong that is, and why. */
export interface Evidence {
  /** Stable name of the row of the rule table, for example `route.list_gateway_endpoint`. */
  rule: string
  possible: PathClass[]
  rank: Rank
  /** One sentence for a person, with the values that decided. */
  because: string
  /** Where it comes from: `socket`, `kernel`, `snapshot`, `dns`, … */
  source: string
  /** Unix milliseconds. */
  observedAtMs: number
  flags: Flag[]
  /** What has to hold for this to be true; named in the output. */
  assumptions: string[]
  /**
   * Of evidence that came late: a row by the account's readings that it leans on. Where a later judgement no longer has
   * that row, `otherwise` is what is left possible.
   */
  leansOn?: { rule: string; otherwise: PathClass[] }
  /**
   * There, even if empty: it may be of something else, or not be all there is, and bears out nothing. These classes it
   * speaks against without being sure: it leaves them possible, but a verdict that leaves nothing else is not private.
   */
  doubts?: PathClass[]
}

/** What a verdict by route evidence rests on; taint is held per basis. */
export interface Basis {
  networkInterface: string
  routeTable: string
  /** Destination of the winning route(s), `pl-…` or CIDR. */
  route: string
  target: string
}
