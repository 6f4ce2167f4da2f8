import type { DnsAnswer, DnsObservation, Family, FamilyObservation } from '../model/observation.ts'
import type { Basis } from '../model/evidence.ts'
import { type Confirmation, type PathState, type Rank, ranks, sideOf } from '../model/path.ts'
import type { Topology } from '../model/topology.ts'
import type { AttemptVerdict, NameVerdict } from '../model/verdict.ts'
import type { Attempt } from '../model/observation.ts'
import { adviseAttempt, adviseName } from './advice.ts'
import { type AttemptContext, judgeWithParts } from './judge.ts'
import { union, without } from './possible.ts'

/** Everything that one cycle knows of one name. */
export interface NameCase {
  hostname: string
  style: string
  /** Names of the resolvers whose answers count; each must have answered. */
  resolvers: readonly string[]
  /** The answers of this cycle. */
  dns: readonly DnsObservation[]
  families: readonly FamilyObservation[]
  /**
   * One for each known address: the newest living attempt, or `not_dialled`. An attempt that was made under
   * other readings of the account than the rest brings its own topology.
   */
  attempts: readonly { attempt: Attempt; context: AttemptContext; topology?: Topology }[]
  /** False if addresses were answered that found no room: then not all is known of the name. */
  complete?: boolean
  /** Bases that late evidence contradicted; whatever rests on one can't be private until it is lifted. */
  tainted: readonly Basis[]
  /** What it was, for a person; left out: not told. */
  taintedBecause?: readonly { basis: Basis; because: string }[]
  /** Ways on which records confirmed an attempt of this name as private lately, nothing having contradicted since. */
  confirmed?: readonly { basis: Basis; rank: Rank }[]
  /** How far records have confirmed the attempts of this name that were looked for; left out: none was. */
  confirmation?: Confirmation
  /** When the youngest attempt of this name that records confirmed was made, Unix milliseconds. */
  lastConfirmedMs?: number | null
}

/** Addresses of one group take the same way by all that is known: one dialled attempt can stand for them. */
export function groupOf(verdict: AttemptVerdict): string {
  const basis = verdict.basis
  return [
    verdict.family,
    basis?.networkInterface ?? '',
    basis?.routeTable ?? '',
    basis?.route ?? '',
    basis?.target ?? '',
    without(verdict.possible, 'blocked').join(','),
  ].join('|')
}

export function sameBasis(a: Basis, b: Basis): boolean {
  return (
    a.networkInterface === b.networkInterface &&
    a.routeTable === b.routeTable &&
    a.route === b.route &&
    a.target === b.target
  )
}

/**
 * Whether what late records contradicted on one basis holds this attempt. One that would be private without any basis (by
 * records alone, its routes unread) may have gone the contradicted way: a permission that was lost must not lift a taint.
 */
function holds(taint: Basis, attempt: AttemptVerdict): boolean {
  const { bases, networkInterface, wouldBe } = attempt
  if (bases.length > 0) return bases.some((basis) => sameBasis(taint, basis))
  return wouldBe === 'private' && (networkInterface ?? taint.networkInterface) === taint.networkInterface
}

function unusable(family: Family, families: readonly FamilyObservation[]): boolean {
  return families.some((f) => f.family === family && !f.usable)
}

function failedQueries(input: NameCase): string[] {
  const failed: string[] = []
  const counting = input.dns.filter((d) => d.counts)
  for (const resolver of input.resolvers) {
    if (!counting.some((d) => d.resolver === resolver)) failed.push(`resolver ${resolver} was not asked`)
  }
  for (const observation of counting) {
    const families: [Family, DnsAnswer][] = [
      [4, observation.ipv4],
      [6, observation.ipv6],
    ]
    for (const [family, answer] of families) {
      const what = `${family === 4 ? 'A' : 'AAAA'} of ${observation.resolver} (${observation.server})`
      if (answer.answered) {
        if (answer.truncated) failed.push(`${what} was cut short`)
      } else if (!unusable(family, input.families)) {
        const code = 'code' in answer.failure ? ` ${answer.failure.code}` : ''
        failed.push(`${what} failed (${answer.failure.type}${code})`)
      }
    }
  }
  return failed
}

function doesNotExist(input: NameCase): boolean {
  const counting = input.dns.filter((d) => d.counts)
  const asked = input.resolvers.every((r) => counting.some((d) => d.resolver === r))
  return (
    asked &&
    counting.length > 0 &&
    input.attempts.length === 0 &&
    counting.every((d) => [d.ipv4, d.ipv6].every((a) => a.answered && a.rcode === 'NXDOMAIN'))
  )
}

/** Blocked by time-outs alone while the routes leave a public way or a relay: packets may well have left. */
function blockedInDoubt(verdict: AttemptVerdict): boolean {
  if (!verdict.blockedByTimeouts) return false
  const routes = verdict.evidence.filter((e) => e.rank === 'configured')
  if (routes.length === 0) return true
  return routes.every((e) => e.possible.some((c) => sideOf[c] === 'public' || c === 'relay'))
}

const weakest = (proofs: readonly (Rank | null)[]): Rank | null =>
  proofs.some((p) => p === null) || proofs.length === 0
    ? null
    : (ranks.toReversed().find((r) => proofs.includes(r)) ?? null)

const strongest = (proofs: readonly (Rank | null)[]): Rank | null =>
  ranks.find((r) => proofs.includes(r)) ?? null

function confirmationOf(attempts: readonly AttemptVerdict[]): Confirmation {
  const all = attempts.map((a) => a.confirmation)
  for (const c of ['unavailable', 'no_record', 'pending'] as const) if (all.includes(c)) return c
  return all.length > 0 ? 'confirmed' : 'unavailable'
}

/**
 * Of the attempts that a verdict rests on, most are too young for records, and not each is looked for. Where the name's
 * attempts are looked for at all, what came of those says more.
 */
function spoken(state: PathState, own: Confirmation, { confirmation: looked }: NameCase): Confirmation {
  // A public path is what each of these very attempts took; a private one must hold for the name's other connections as well.
  const isPublic = state === 'public' || state === 'mixed'
  if (looked === undefined || looked === 'unavailable' || (isPublic && own === 'confirmed')) return own
  // Without a way that is confirmed now the name is not, whatever was said of one attempt.
  return looked === 'confirmed' ? 'pending' : looked
}

/** Judges each of a name's attempts, with what would decide and mend it. */
export function judgeAttempts(input: NameCase, topology: Topology): AttemptVerdict[] {
  return input.attempts.map(({ attempt, context, topology: own = topology }) =>
    adviseAttempt(attempt, judgeWithParts(attempt, own, context), own),
  )
}

/** From the attempts on a name's addresses to the name: `judgeAttempts`, then `rollUp`. */
export function judgeName(input: NameCase, topology: Topology): NameVerdict {
  return rollUp(input, judgeAttempts(input, topology))
}

/**
 * The strongest rank at which every way that carries a private verdict was confirmed by an attempt of this name; null if
 * one of them was not. Other addresses of a way that was confirmed are taken to go the same way, as everywhere.
 */
function confirmedProof(carrying: readonly AttemptVerdict[], input: NameCase): Rank | null {
  const proofs = carrying.flatMap((attempt) =>
    attempt.bases.length === 0
      ? [attempt.confirmation === 'confirmed' ? attempt.proof : null]
      : attempt.bases.map((basis) =>
          strongest((input.confirmed ?? []).flatMap((c) => (sameBasis(c.basis, basis) ? [c.rank] : []))),
        ),
  )
  return weakest(proofs)
}

/**
 * From judged attempts, one for each known address, to the name. Doubt about any address, any answer or any
 * query is doubt about the name: the next connection may go to that address. `asOf`: ids of earlier attempts that stand
 * in for newer ones.
 */
export function rollUp(
  input: NameCase,
  attempts: AttemptVerdict[],
  asOf: ReadonlySet<string> = new Set(),
): NameVerdict {
  const because: string[] = []
  const isTainted = (a: AttemptVerdict) => input.tainted.some((taint) => holds(taint, a))
  const heldBecause = (a: AttemptVerdict): string => {
    const reason = input.taintedBecause?.find(({ basis }) => holds(basis, a))
    return reason === undefined ? '' : ` (${reason.because})`
  }
  const tainted = attempts.some(isTainted)
  const failed = failedQueries(input)
  if (input.complete === false)
    failed.push('more addresses were answered than are kept, so not all are known')
  const settledPrivate = attempts.filter((a) => a.state === 'private' && !isTainted(a))
  const privateGroups = new Set(settledPrivate.map(groupOf))
  const publics = attempts.filter((a) => a.state === 'public')

  const inDoubt = attempts.filter((a) => {
    if (a.state === 'public') return false
    if (isTainted(a)) return true
    if (a.state === 'private') return false
    if (a.state === 'blocked') return blockedInDoubt(a)
    return a.dialled || a.wouldBe !== 'private' || !privateGroups.has(groupOf(a))
  })
  const stood = attempts.filter((a) => !a.dialled && a.wouldBe === 'private' && !inDoubt.includes(a))
  const blocked = attempts.filter((a) => a.state === 'blocked' && !inDoubt.includes(a))
  const absent = doesNotExist(input)

  let state: PathState
  let proof: Rank | null = null
  if (publics.length > 0) {
    state = settledPrivate.length > 0 ? 'mixed' : 'public'
    proof = strongest(publics.map((a) => a.proof))
    because.push(
      `${publics.length} of ${attempts.length} known addresses took a public path: ${list(publics)}`,
    )
    if (settledPrivate.length > 0)
      because.push(`${settledPrivate.length} took a private path: ${list(settledPrivate)}`)
  } else if (absent) {
    state = 'blocked'
    because.push('the name does not exist, by every resolver that counts')
  } else if (failed.length > 0 || inDoubt.length > 0 || !attempts.some((a) => a.dialled)) {
    state = 'undetermined'
    because.push(...failed)
    if (attempts.length === 0) because.push('no address is known')
    else if (!attempts.some((a) => a.dialled)) because.push('no connection was attempted')
    for (const a of inDoubt.slice(0, 8)) {
      because.push(
        isTainted(a)
          ? `${a.address}: held back, for late records contradicted what it rests on${heldBecause(a)}`
          : a.dialled
            ? `${a.address}: possible is still ${a.possible.join(', ') || 'nothing'}`
            : `${a.address}: not dialled yet, would be ${a.wouldBe}`,
      )
    }
    if (inDoubt.length > 8) because.push(`and ${inDoubt.length - 8} more addresses`)
  } else if (settledPrivate.length > 0) {
    state = 'private'
    proof = weakest(settledPrivate.map((a) => a.proof))
    const rest = blocked.length > 0 ? `, ${blocked.length} blocked` : ''
    const would = stood.length > 0 ? `, ${stood.length} more take the same way` : ''
    because.push(
      `${settledPrivate.length} of ${attempts.length} known addresses took a private path${would}${rest}`,
    )
  } else {
    state = 'blocked'
    proof = weakest(blocked.map((a) => a.proof))
    because.push(`all ${blocked.length} known addresses are blocked`)
  }

  const carrying =
    state === 'private'
      ? settledPrivate
      : state === 'public' || state === 'mixed'
        ? [...publics, ...settledPrivate]
        : attempts
  for (const a of carrying) {
    if (asOf.has(a.id))
      because.push(`${a.address}: as of ${new Date(a.atMs).toISOString()}, by records of then`)
  }
  const confirmed = state === 'private' ? confirmedProof(settledPrivate, input) : null
  const verdict: NameVerdict = {
    hostname: input.hostname,
    style: input.style,
    state,
    proof,
    confirmedProof: confirmed,
    lastConfirmedMs: input.lastConfirmedMs ?? null,
    confirmation: confirmed === null ? spoken(state, confirmationOf(carrying), input) : 'confirmed',
    possible: [...union(...carrying.map((a) => a.possible))],
    because,
    attempts,
    wouldDecide: [],
    fix: [],
    conflictOfSide: attempts.some((a) => a.conflicts.some((c) => c.of === 'side')),
    tainted,
    doubt: failed.length > 0 || inDoubt.length > 0,
    absent,
  }
  return adviseName(verdict)
}

function list(attempts: readonly AttemptVerdict[]): string {
  const shown = attempts.slice(0, 4).map((a) => a.address)
  return attempts.length > 4 ? `${shown.join(', ')} and ${attempts.length - 4} more` : shown.join(', ')
}
