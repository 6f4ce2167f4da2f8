import type { Basis } from '../../model/evidence.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { withLate } from '../../verdict/judge.ts'
import { sameBasis } from '../../verdict/name.ts'

/** A basis that records contradicted, with the addresses that showed it. Times are Unix milliseconds. */
export interface Taint {
  basis: Basis
  /** Address → when it showed the contradiction last and what it was, and when it was last answered or dialled. */
  addresses: Record<string, { shownAtMs: number; seenAtMs: number; because?: string }>
}

export interface TaintBook {
  /** Bases that can't carry a private verdict now. */
  bases(): Basis[]
  /** What was contradicted on each of them last, and by what. */
  reasons(): { basis: Basis; because: string }[]
  /** Addresses that must stay in the hold window. */
  addresses(): string[]
  /**
   * Looks at a judged attempt: one that its own records made public, or that contradicts records on the side,
   * taints its basis; one that records confirm as private lifts its address. True if anything changed.
   */
  judged(verdict: AttemptVerdict): boolean
  /** The address was answered by a resolver or dialled. */
  seen(address: string, nowMs: number): void
  /** Drops addresses that were neither answered nor dialled for 24 hours. True if anything changed. */
  expire(nowMs: number): boolean
  /** What goes to disk. */
  contents(): Taint[]
}

/** An address that nobody answers or dials any more can't be confirmed: after this it no longer holds its basis. */
const forgottenAfterMs = 24 * 3600 * 1000

/** Records of the network or of AWS; what the kernel says of itself is no record of a path. */
function byRecords(verdict: AttemptVerdict): boolean {
  return verdict.evidence.some(
    (e) => (e.rank === 'observed' || e.rank === 'attested') && e.source !== 'kernel',
  )
}

/**
 * Whether records stand against what else is known of an attempt: they made it public, or conflict on the side. One that is
 * public by all else as well, and on the same way, contradicts nothing: behind one NAT gateway S3 may go by an endpoint
 * and another service by the internet.
 */
export function contradicts(verdict: AttemptVerdict): boolean {
  if (!byRecords(verdict)) return false
  if (verdict.conflicts.some((c) => c.of === 'side')) return true
  if (verdict.state !== 'public') return false
  return verdict.conflicts.length > 0 || withLate(verdict, [], 'pending').state !== 'public'
}

/** Both sides of it, for a person: what was recorded, and what it contradicts. */
function contradiction(verdict: AttemptVerdict): string {
  const recorded = verdict.evidence.filter(
    ({ rank, source }) => (rank === 'observed' || rank === 'attested') && source !== 'kernel',
  )
  const said = recorded.map(({ because }) => because).join('; ')
  const against = verdict.conflicts
    .filter(({ of }) => of === 'side')
    .flatMap(({ evidence }) => evidence.filter((e) => !recorded.includes(e)).map(({ because }) => because))
  const text = against.length === 0 ? said : `${said}; but ${against.join('; ')}`
  return text.length > 1000 ? `${text.slice(0, 1000)}…` : text
}

function confirmsPrivate(verdict: AttemptVerdict): boolean {
  return (
    verdict.state === 'private' &&
    verdict.confirmation === 'confirmed' &&
    (verdict.proof === 'observed' || verdict.proof === 'attested') &&
    verdict.conflicts.length === 0
  )
}

/**
 * The ways that a verdict speaks of. Where no route was read, records that contradict each other stand against whatever
 * else goes by that interface without one; a later attempt lifts that whether or not its own routes are read again.
 */
function basesFor(verdict: AttemptVerdict): Basis[] {
  const { bases, networkInterface } = verdict
  const none = { networkInterface: networkInterface ?? '', routeTable: '', route: '', target: '' }
  if (bases.length > 0) return confirmsPrivate(verdict) ? [...bases, none] : bases
  const speaks = verdict.conflicts.some((c) => c.of === 'side') || confirmsPrivate(verdict)
  return speaks ? [none] : []
}

/**
 * Keeps what late records contradicted. Taint holds every later attempt of any name on the same basis, until
 * each address that showed it is confirmed private by records again, or has not been seen for 24 hours. A new
 * snapshot alone never lifts it: the tables were what was wrong.
 */
export function createTaintBook(kept: readonly Taint[] = []): TaintBook {
  let taints: Taint[] = structuredClone([...kept])
  const of = (basis: Basis) => taints.find((t) => sameBasis(t.basis, basis))
  /**
   * When the attempt was made that showed it last, by the monotonic clock. What this run has not seen was shown before it. The
   * wall clock alone would let an attempt lift a taint that was made earlier, before that clock was set back.
   */
  const shownMonotonicMs = new Map<string, number>()
  const placeOf = (basis: Basis, address: string) =>
    JSON.stringify([basis.networkInterface, basis.routeTable, basis.route, basis.target, address])

  const judgedOn = (basis: Basis, verdict: AttemptVerdict): boolean => {
    const { address, atMs, madeMonotonicMs } = verdict
    const taint = of(basis)
    const place = placeOf(basis, address)
    if (contradicts(verdict)) {
      if (madeMonotonicMs !== undefined)
        shownMonotonicMs.set(place, Math.max(madeMonotonicMs, shownMonotonicMs.get(place) ?? -Infinity))
      const known = taint?.addresses[address]
      if (known !== undefined && known.shownAtMs >= atMs) return false
      const shown = {
        shownAtMs: atMs,
        seenAtMs: Math.max(atMs, known?.seenAtMs ?? 0),
        because: contradiction(verdict),
      }
      if (taint !== undefined) taint.addresses[address] = shown
      else taints.push({ basis, addresses: { [address]: shown } })
      return true
    }
    const held = taint?.addresses[address]
    if (taint === undefined || held === undefined || !confirmsPrivate(verdict) || atMs <= held.shownAtMs)
      return false
    if (madeMonotonicMs !== undefined && madeMonotonicMs <= (shownMonotonicMs.get(place) ?? -Infinity))
      return false
    delete taint.addresses[address]
    shownMonotonicMs.delete(place)
    taints = taints.filter((t) => Object.keys(t.addresses).length > 0)
    return true
  }

  return {
    bases: () => taints.map((t) => t.basis),
    reasons: () =>
      taints.flatMap(({ basis, addresses }) => {
        const [last] = Object.entries(addresses).sort(([, a], [, b]) => b.shownAtMs - a.shownAtMs)
        if (last?.[1].because === undefined) return []
        const [address, { shownAtMs, because }] = last
        return [{ basis, because: `${address} at ${new Date(shownAtMs).toISOString()}: ${because}` }]
      }),
    addresses: () => [...new Set(taints.flatMap((t) => Object.keys(t.addresses)))],
    judged(verdict) {
      return basesFor(verdict)
        .map((basis) => judgedOn(basis, verdict))
        .includes(true)
    },
    seen(address, nowMs) {
      for (const { addresses } of taints) {
        const held = addresses[address]
        if (held !== undefined) held.seenAtMs = nowMs
      }
    },
    expire(nowMs) {
      let changed = false
      for (const { basis, addresses } of taints) {
        for (const [address, { seenAtMs }] of Object.entries(addresses)) {
          if (nowMs - seenAtMs <= forgottenAfterMs) continue
          delete addresses[address]
          shownMonotonicMs.delete(placeOf(basis, address))
          changed = true
        }
      }
      taints = taints.filter((t) => Object.keys(t.addresses).length > 0)
      return changed
    },
    contents: () => structuredClone(taints),
  }
}
