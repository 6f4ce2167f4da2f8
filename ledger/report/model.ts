import type { DayCoverage, Gap, Share } from '../coverage.ts'
import type { FirstLeg } from '../../model/first-leg.ts'
import type { Piece } from '../timeline.ts'

/** Where in the ledger something stands. */
export interface Place {
  seq: number
  /** SHA-256 of its line, hex. */
  sha256: string
}

/** What the check of the ledger found, in words that a reader of the report can use. */
export interface Assurance {
  /**
   * `verified`: whole, and signed by a key that was given; `signer_unknown`: whole, but no key was given; `gaps`: whole,
   * with gaps that it declares itself; `broken`: it was changed, or is damaged; `not_checked`.
   */
  outcome: 'verified' | 'signer_unknown' | 'gaps' | 'broken' | 'not_checked'
  /** Records under the tree's root, and that root (hex); null: not known. */
  size: number | null
  root: string | null
  /** Verifier keys that the checkpoint was checked with. */
  signers: string[]
  /** The newest checkpoint that held, as it stands in its file; null: none. */
  checkpoint: string | null
  /** Records after it. */
  unsignedTail: number | null
  /** What else was compared: checkpoints from outside the host. */
  anchors: string[]
  /** Losses and recoveries before the period, after which everything was told anew; left out: there were none. */
  earlier?: number
  /** What `ledger verify` said, line by line. */
  transcript: string[]
}

export interface EvidenceLine {
  hostname: string
  address: string
  rule: string
  rank: string
  because: string
  source: string
  at: number | null
}

export interface FixLine {
  text: string
  command: string | null
}

/** A time in which a target took a public path, or was not what it is required to be. */
export interface Episode {
  target: string
  kind: 'public' | 'mixed' | 'not_met'
  /** Records told of it later; until then it was not known. */
  late: boolean
  /** When it was seen first; it began after `notBeforeMs` (the last look that saw something else), where that is known. */
  fromMs: number
  notBeforeMs: number | null
  /** When it was seen no more. */
  toMs: number
  /**
   * `changed`: a later look saw something else; `unseen`: nothing was observed then; `waiver_ended`: the next one goes on
   * without; `open`: it lasts beyond what was read.
   */
  end: 'changed' | 'unseen' | 'waiver_ended' | 'open'
  looks: number
  cause: string[]
  evidence: EvidenceLine[]
  fix: FixLine[]
  /** It was public, and what is required allows that, or nothing is required. */
  allowed: boolean
  /** Covered by a waiver that was active. */
  waiver: WaiverLine | null
  first: Place
  last: Place
}

export interface WaiverLine {
  reason: string
  ticket: string | null
  untilMs: number
}

export interface WaiverReport extends WaiverLine {
  target: string
  /** When it was first and last recorded. */
  fromMs: number
  toMs: number
  /** `expired`: it ended before the period did, and the target still names it. */
  state: 'active' | 'expired' | 'withdrawn'
}

/** How packets of a host on-prem got from its site to AWS, from a time on. */
export interface FirstLegSpan {
  leg: FirstLeg
  required: 'any' | 'direct_connect' | 'vpn'
  /** Null: nothing is demanded of it. */
  met: boolean | null
  because: string
  fromMs: number
}

/**
 * `met_throughout`: what is required was shown to be the case at every moment; `not_fully_shown`: never shown otherwise, but
 * not at every moment; `not_met`: shown not to be the case; `public`: a public path was seen that is not allowed; `waived`:
 * the same, but waivers covered every time; `nothing_required`; `nothing_observed`.
 */
export type Conclusion =
  | 'met_throughout'
  | 'not_fully_shown'
  | 'not_met'
  | 'public'
  | 'waived'
  | 'nothing_required'
  | 'nothing_observed'

export interface TargetReport {
  target: string
  require: string
  schedule: string | null
  names: string[]
  discovered: boolean
  /** Empty where there is none (on EC2), or none is known. */
  firstLegs: FirstLegSpan[]
  conclusion: Conclusion
  sentence: string
  share: Share
  looks: {
    planned: number | null
    made: number
    confirmed: number
    undetermined: number
    missed: number | null
    connections: number
  }
  /** Slots that the agent says it skipped, and why; they are among those missed. */
  skipped: { reason: string; slots: number }[]
  timeline: Piece[]
  /** See `Timeline.coarseSeconds`; for the timeline that is shown, not for the sums. */
  coarseSeconds: number | null
  days: DayCoverage[]
  gaps: Gap[]
  moreGaps: { count: number; seconds: number }
  episodes: Episode[]
  moreEpisodes: { count: number; seconds: number }
}

export interface CensusReport {
  windows: number
  coveredSeconds: number
  rows: {
    scope: string
    direction: string | null
    service: string | null
    trafficPath: number | null
    nextHopType: string | null
    action: string | null
    public: boolean | null
    flows: number
    bytes: number
  }[]
  other: { flows: number; bytes: number }
}

export interface EgressReport {
  check: string
  url: string
  control: string
  state: string
  because: string
  rounds: number
  open: number
  untestable: number
  /** Times in which it was open, as recorded. */
  openTimes: { fromMs: number; toMs: number | null; because: string; place: Place }[]
  moreOpenTimes: number
  /** Of the period; rounds that found what the one before found are told at least once a day. */
  longestSilenceSeconds: number
}

export interface PostureChange {
  check: string
  state: string
  because: string
  fromMs: number
  place: Place
}

export interface ControlReport {
  framework: string
  version: string
  id: string
  title: string
  why: string
  supportedBy: { check: CheckName; result: CheckResult }[]
}

/** What the evidence of this program can speak of. */
export const checkNames = [
  'path_required',
  'no_public_path',
  'continuous_observation',
  'egress_closed',
  'posture',
  'flow_census',
  'waivers',
  'record_integrity',
  'clock',
] as const

export type CheckName = (typeof checkNames)[number]

/** `exception`: something was found that speaks against it; `incomplete`: not everything is shown; `no_data`: nothing is. */
export interface CheckResult {
  result: 'no_exception' | 'exception' | 'incomplete' | 'no_data'
  sentence: string
}

export interface Report {
  schema: 'pathproof.report/1'
  tool: { name: string; version: string }
  fromMs: number
  toMs: number
  host: {
    agents: string[]
    vantage: string
    instance: string | null
    account: string | null
    region: string | null
    because: string[]
  }
  assurance: Assurance
  records: {
    count: number
    first: Place & { atMs: number }
    last: Place & { atMs: number }
    unreadable: number
  } | null
  conclusion: { result: 'met' | 'incomplete' | 'exception' | 'unusable'; sentences: string[] }
  targets: TargetReport[]
  /** Attempts that records showed public, of names that no target watches. */
  strays: { hostname: string; address: string; atMs: number; because: string; place: Place }[]
  interruptions: { cause: string; detail: string; fromMs: number; toMs: number; place: Place }[]
  moreInterruptions: number
  waivers: WaiverReport[]
  egress: EgressReport[]
  posture: { now: PostureChange[]; changes: PostureChange[]; moreChanges: number }
  census: CensusReport
  clock: { heartbeats: number; offsetKnown: number; largestOffsetSeconds: number | null; setBacks: number }
  configurations: { version: string; configuration: string | null; fromMs: number; place: Place }[]
  moreConfigurations: number
  snapshots: {
    id: string
    account: string | null
    region: string | null
    source: string
    fromMs: number
    prefixLists: string[]
  }[]
  snapshotCount: number
  checks: Record<CheckName, CheckResult>
  controls: ControlReport[]
  controlsReviewed: string
  method: string[]
  limits: string[]
}
