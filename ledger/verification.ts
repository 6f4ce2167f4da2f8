import type { HexHash, StoreBodies } from './types.ts'

/** What can't be without somebody having changed, removed or replaced something; each one means exit code 3. */
export const problemKinds = [
  'line',
  'segment_missing',
  'segment_changed',
  'seal',
  'checkpoint',
  'checkpoint_missing',
  'root',
  'other_key',
  'other_origin',
  'rolled_back',
  'recovered',
  'handover',
  'no_ledger',
] as const

export interface Problem {
  kind: (typeof problemKinds)[number]
  text: string
  /** The record at which it shows, where there is one. */
  seq: number | null
}

/** A record of the ledger's own, with its number. */
export type Declared<K extends keyof StoreBodies> = StoreBodies[K] & { seq: number; ts: string }

export interface AnchorResult {
  name: string
  size: number | null
  /** `agrees`: the ledger still is what it was then. `not_checked`: `text` says why. `contradicts`: also a problem. */
  state: 'agrees' | 'contradicts' | 'not_checked'
  /** Which of the given keys signed it. */
  by: string[]
  text: string
}

/** What a ledger shows to one who trusts nobody but the given keys and anchors. */
export interface Verification {
  origin: string | null
  /** The first record on disk, and the number after the last one. */
  first: number
  end: number
  /** Root of the tree over all of them; null where they can't be followed to the end. */
  root: HexHash | null
  problems: Problem[]
  /** `verified`: a given key signed the newest checkpoint. `not_verified`: no key was given, or another one signed. */
  signer: 'verified' | 'not_verified'
  /** Which given key vouches for which records, `from` to before `end`. */
  signed: { key: string; from: number; end: number }[]
  /** Keys that handed over to others, each in the record `seq`. */
  handOvers?: { seq: number; from: string; to: string }[]
  /** Signers that were not given. */
  unknownSigners: string[]
  checkpoints: { size: number; by: string[]; checked: boolean }[]
  /** Records behind the newest checkpoint (that a given key signed, if keys were given). */
  unsignedTail: number
  /** Bytes behind the last whole record, beyond all checkpoints: a crash, unless somebody cut there. */
  torn: { bytes: number; after: number } | null
  gaps: Declared<'gap'>[]
  recoveries: Declared<'recovery'>[]
  /** Where writing ended because the disk was full. */
  suspensions?: Declared<'suspended'>[]
  damages: Declared<'damage'>[]
  clockSteps: Declared<'clock'>[]
  /** Records before this number were pruned, as the ledger declares; null: none. */
  pruned: { through: number; ts: string } | null
  /** Whether the last record says that the ledger was closed in order. */
  closed: boolean
  anchors: AnchorResult[]
  /** What nobody could tell with what was given, in sentences. */
  cannotTell: string[]
}

/** Of each list, no more is kept: a ledger made to exhaust memory gains nothing. */
export const mostListed = 10_000

/** What is over before a period begins: losses that are declared up to the record `through`, of times before `fromMs`. */
export interface Before {
  through: number
  fromMs: number
}

/** Losses and recoveries that are declared, without those that are over. */
export function lossesOf(
  { gaps, recoveries }: Pick<Verification, 'gaps' | 'recoveries'>,
  before: Before | null = null,
): number {
  const lossy = gaps.filter(({ lost }) => Object.keys(lost).length > 0)
  // A list that is full does not hold the last ones.
  const over = gaps.length < mostListed && recoveries.length < mostListed ? before : null
  const isOver = (seq: number, ...times: string[]): boolean =>
    over !== null && seq <= over.through && times.every((ts) => Date.parse(ts) < over.fromMs)
  return (
    lossy.filter(({ seq, ts, toTs }) => !isOver(seq, ts, toTs)).length +
    recoveries.filter(({ seq, ts }) => !isOver(seq, ts)).length
  )
}

/**
 * `tampered` (3): it was changed. `doubt` (4): intact as far as can be told, but with what is listed. `ok` (0).
 * @param before for a period: losses and recoveries that are over by then are no doubt
 */
export function outcomeOf(seen: Verification, before: Before | null = null): 'ok' | 'doubt' | 'tampered' {
  if (seen.problems.length > 0) return 'tampered'
  const doubts =
    seen.signer !== 'verified' ||
    seen.unsignedTail > 0 ||
    seen.torn !== null ||
    seen.damages.length > 0 ||
    seen.checkpoints.some(({ by }) => by.length === 0) ||
    seen.anchors.some(({ state }) => state === 'not_checked') ||
    lossesOf(seen, before) > 0
  return doubts ? 'doubt' : 'ok'
}
