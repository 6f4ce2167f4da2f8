import type { Basis, Evidence, Flag } from './evidence.ts'
import type { FirstLegFinding, TargetFirstLeg } from './first-leg.ts'
import type { Family, Timings } from './observation.ts'
import type { Confirmation, PathClass, PathState, Rank } from './path.ts'
import type { ResolverView } from './resolver-view.ts'

/** Version of the rule table and the judge; a stored verdict names the rules that made it. */
export const rulesVersion = 1

/** A rank of evidence that contradicted what stronger evidence left (or itself) and was set aside as a whole. */
export interface Conflict {
  rank: Rank
  /** `side`: private against public (or nothing at all); the verdict can't be private. `class`: which private (or public) way. */
  of: 'side' | 'class'
  evidence: Evidence[]
  because: string
}

export interface Fix {
  text: string
  /** A command to paste, or null where the fix is not one command. */
  command: string | null
}

export interface Grounds {
  /** Classes before any evidence: those of the vantage. */
  start: PathClass[]
  /** Which of `evidence` came late, by index. */
  late: number[]
}

/** The judgement on one attempt, or on an address that was not dialled (`wouldBe`). */
export interface AttemptVerdict {
  id: string
  hostname: string
  address: string
  port: number
  family: Family
  localAddress: string | null
  localPort: number | null
  resolvers: string[]
  atMs: number
  /** By the agent's monotonic clock, which nobody sets: which of two attempts of one run was made first. Left out: not known. */
  madeMonotonicMs?: number
  /** Never `mixed`. Without a completed handshake only `blocked` or `undetermined`. */
  state: PathState
  /** What the state would be if the attempt had connected; equal to `state` where it did. */
  wouldBe: PathState
  connected: boolean
  dialled: boolean
  /** Blocked only because several attempts ran out of time, not because a route or the kernel said so. */
  blockedByTimeouts: boolean
  possible: PathClass[]
  /** The strongest rank that settles the side together with all stronger ones; null where nothing does. */
  proof: Rank | null
  confirmation: Confirmation
  evidence: Evidence[]
  conflicts: Conflict[]
  assumptions: string[]
  flags: Flag[]
  /** By the newest reading. */
  basis: Basis | null
  /** By every reading that it was judged on; a taint on any of them holds it. */
  bases: Basis[]
  /** The ENI that it left by; null: not shown. */
  networkInterface: string | null
  /** What judging again needs, when records speak of it later. */
  grounds: Grounds
  timings: Timings
  wouldDecide: string[]
  fix: Fix[]
  /** Beside the state; null or left out: on EC2 there is none. */
  firstLeg?: FirstLegFinding | null
}

export interface NameVerdict {
  hostname: string
  style: string
  state: PathState
  /** Weakest proof among the attempts that carry the state. */
  proof: Rank | null
  /** Rank at which records confirmed, within the target's `confirm_within`, each way that the verdict rests on. Null: not so. */
  confirmedProof: Rank | null
  /** When the youngest of its attempts was made that records confirmed, Unix milliseconds. Null: none was. */
  lastConfirmedMs: number | null
  confirmation: Confirmation
  /** Union of what the counted attempts leave possible. */
  possible: PathClass[]
  because: string[]
  attempts: AttemptVerdict[]
  wouldDecide: string[]
  fix: Fix[]
  /** Proven private now by this name's attempts; taint and life are the daemon's to add. */
  conflictOfSide: boolean
  tainted: boolean
  /** Something is not known of an address, an answer or a query: ways that nobody judged remain. */
  doubt: boolean
  /** True if the name does not exist by every named resolver; then it does not count beside other names. */
  absent: boolean
  /** What each resolver answered in the newest cycle, compared ones too; beside the verdict. Left out: not told. */
  resolvers?: ResolverView[]
}

export type Requirement =
  /** Nothing is demanded (discovered targets without an endpoint): shown, never met or not met. */
  { kind: 'none' } | { kind: 'private' } | { kind: 'blocked' } | { kind: 'classes'; classes: PathClass[] }

export interface Waiver {
  reason: string
  ticket: string | null
  /** Unix milliseconds at which it ends. */
  untilMs: number
}

export interface TargetVerdict {
  target: string
  require: Requirement
  minProof: Rank
  /** Null: nothing is required. */
  met: boolean | null
  waiver: Waiver | null
  waiverActive: boolean
  state: PathState
  names: NameVerdict[]
  /** Beside the state; null or left out: on EC2 there is none. */
  firstLeg?: TargetFirstLeg | null
}
