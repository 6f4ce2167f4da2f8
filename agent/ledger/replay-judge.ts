import type { Attempt } from '../../model/observation.ts'
import type { Topology } from '../../model/topology.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { judgeAttempt, withLate } from '../../verdict/judge.ts'
import { socketEvidence } from '../../verdict/rules/socket.ts'

/** For people: what is kept as it was counted, by its row. */
export const countedRows: Readonly<Record<string, string>> = {
  'socket.timeouts':
    'the time-outs in a row: how many there were, and who else connected, is kept as it was counted',
  'kernel.no_family': 'the family that the kernel had no way for: by which source it was asked is not kept',
}

/** Rows of the socket that need nothing but the attempt. */
const ownRows = ['socket.verified', 'socket.dates', 'socket.intercepted']

/**
 * What of a stored verdict counts things around the attempt, of which a ledger keeps no more than what was said: that several
 * ran out of time in a row while others connected, and that the kernel had no way for its family at all. Only where the
 * observation itself bears it: one that did not run out of time was not blocked by that.
 */
export function countedOf(
  { evidence, grounds }: AttemptVerdict,
  { outcome }: Attempt,
): AttemptVerdict['evidence'] {
  if (outcome.reached !== 'nothing') return []
  const { type } = outcome.failure
  return evidence.filter(
    ({ rule }, index) =>
      !grounds.late.includes(index) &&
      (rule === 'socket.timeouts'
        ? type === 'timeout'
        : rule === 'kernel.no_family' && type !== 'no_local_route'),
  )
}

/**
 * Judges an attempt again by its observation and what the account was configured to do: every row anew but what was counted around
 * it, and what records said later.
 */
export function judgeWholly(
  stored: AttemptVerdict,
  seen: Attempt,
  { topology, beside }: { topology: Topology; beside: boolean },
): AttemptVerdict {
  const lately = new Set(stored.grounds.late)
  const late = stored.evidence.filter((_, index) => lately.has(index))
  const now = judgeAttempt(seen, topology)
  const counted = countedOf(stored, seen)
  // Counted with others before it, a time-out is the row of all of them.
  const instead = counted.some(({ rule }) => rule === 'socket.timeouts') ? 'socket.failed' : null
  const own = [...now.evidence.filter(({ rule }) => rule !== instead), ...counted]
  // Traces and the Direct Connect API might have spoken against what the rest shows.
  const firstLeg = beside ? stored.firstLeg : now.firstLeg
  const base = { ...now, firstLeg: firstLeg ?? null, evidence: own, grounds: { ...now.grounds, late: [] } }
  return withLate(base, late, stored.confirmation)
}

/**
 * Judges an attempt again without the account. Elimination is done anew over all evidence, and so are the rows that a
 * completed handshake alone decides; the other rows stay as stored.
 */
export function judgeAgain(stored: AttemptVerdict, seen: Attempt | null): AttemptVerdict {
  const lately = new Set(stored.grounds.late)
  const late = stored.evidence.filter((_, index) => lately.has(index))
  let own = stored.evidence.filter((_, index) => !lately.has(index))
  if (seen?.outcome.reached === 'tls') {
    const context = { timeoutsInARow: 0, othersConnected: false, families: [] }
    own = [...own.filter(({ rule }) => !ownRows.includes(rule)), ...socketEvidence(seen, context)]
  }
  const connected = seen === null ? stored.connected : seen.outcome.reached === 'tls'
  const base = { ...stored, connected, evidence: own, grounds: { ...stored.grounds, late: [] } }
  return withLate(base, late, stored.confirmation)
}
