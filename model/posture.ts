/**
 * Named facts of the account and the host that a person would look up beside a verdict. They never eliminate a class: what is
 * configured and what packets do are two things.
 */
export const postureChecks = [
  'no_internet_gateway',
  'no_nat_gateway',
  'no_egress_only_gateway',
  'no_default_route',
  'no_public_address',
  'no_global_ipv6',
  'block_public_access',
  'flow_log_covers_interface',
  'endpoint_per_service',
  'private_dns',
  'endpoint_policies_restricted',
] as const

export type PostureCheck = (typeof postureChecks)[number]

export const postureStates = ['pass', 'fail', 'unknown'] as const

export type PostureState = (typeof postureStates)[number]

export interface PostureFinding {
  check: PostureCheck
  state: PostureState
  because: string
}

/** All checks at one time, in the order of `postureChecks`. */
export interface PostureReport {
  atMs: number
  /** `Snapshot.id` that it was read from, null without one. */
  snapshot: string | null
  findings: PostureFinding[]
}
