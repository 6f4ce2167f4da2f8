import type { Fact } from '../../exporters/pages/status.ts'
import { type Snapshot, type Vantage, snapshotParts } from '../../model/topology.ts'

/** What stands beside the verdicts, as the documents under `/api/v1/` have it. */
export interface BesideDocuments {
  nowMs: number
  /** How old what the account said may be: older than that nothing is concluded from it. */
  maxAgeSeconds: { routeTables: number; others: number }
  egress: object | null
  posture: object | null
  ledger: object | null
  /** Seconds between now and the end of the newest record that was read; null: none was, or flow logs are not enabled. */
  flowLogLagSeconds: number | null
  flowLogsEnabled: boolean
}

function vantageFact({ kind, because, instanceId, region, interfaces }: Vantage): Fact {
  const ids = interfaces.map(({ id }) => id)
  const where = [
    instanceId,
    region,
    ids.slice(0, 4).join(' '),
    ids.length > 4 ? `and ${ids.length - 4} more` : '',
  ]
  const known = where.filter((part) => part !== null && part !== '').join(', ')
  const why = kind === 'unknown' ? `: ${because[0] ?? ''}` : ''
  return {
    label: 'This host',
    bad: kind === 'unknown',
    text: `${kind}${known === '' ? '' : ` (${known})`}${why}`,
  }
}

function accountFacts(
  snapshot: Snapshot | null,
  configured: boolean,
  { nowMs, maxAgeSeconds }: BesideDocuments,
): Fact[] {
  if (snapshot === null)
    return [
      {
        label: 'Account',
        bad: configured,
        text: configured ? 'not read yet' : 'not read: no source is configured',
      },
    ]
  const unread = snapshotParts.filter((part) => !snapshot.parts[part].read)
  const dates = snapshotParts.flatMap((part) => {
    const reading = snapshot.parts[part]
    return part !== 'routeTables' && reading.read && reading.atMs !== null ? [reading.atMs] : []
  })
  const oldestMs = dates.length > 0 ? Math.min(...dates) : null
  const tables = snapshot.parts.routeTables
  const tablesMs = tables.read ? tables.atMs : null
  const isOld = (atMs: number | null, seconds: number): boolean =>
    atMs !== null && nowMs - atMs > seconds * 1000
  const tablesOld = isOld(tablesMs, maxAgeSeconds.routeTables)
  const othersOld = isOld(oldestMs, maxAgeSeconds.others)
  const tooOld = '; too old to count'
  return [
    {
      label: 'Route tables',
      bad: !tables.read || tablesMs === null || tablesOld,
      text: !tables.read
        ? `not read: ${tables.detail}`
        : tablesMs === null
          ? `${snapshot.source}, without a date: nothing is concluded from it`
          : `${snapshot.source}${tablesOld ? tooOld : ''}, read`,
      atMs: tablesMs,
    },
    {
      label: 'Rest of the account',
      bad: othersOld || unread.some((part) => part !== 'routeTables'),
      text:
        (unread.length === 0 ? '' : `not read: ${unread.join(', ')}; `) +
        `oldest ${unread.length === 0 ? '' : 'other '}part${othersOld ? `${tooOld.replace(';', ',')},` : ''} read`,
      atMs: oldestMs,
    },
  ]
}

/** How many of `items` are in which state, worst named. */
function statesFact(
  label: string,
  items: readonly { name: string; state: string }[],
  good: string,
  bad: string,
): Fact {
  const counts = new Map<string, number>()
  for (const { state } of items) counts.set(state, (counts.get(state) ?? 0) + 1)
  const wrong = items.filter(({ state }) => state === bad).map(({ name }) => name)
  const words = [...counts].map(([state, number]) => `${number} ${state}`).join(', ')
  const named = wrong.length === 0 ? '' : `; ${bad}: ${wrong.slice(0, 6).join(', ')}`
  return {
    label,
    bad: label === 'Egress' && wrong.length > 0,
    text: `${words}${items.every(({ state }) => state === good) ? '' : named}`,
  }
}

function checksOf(document: object | null): { name: string; state: string }[] {
  const checks = (document as { checks?: { check?: unknown; state?: unknown }[] } | null)?.checks ?? []
  return checks.map(({ check, state }) => ({ name: String(check), state: String(state) }))
}

function ledgerFact(document: object | null): Fact {
  if (document === null) return { label: 'Ledger', bad: false, text: 'none' }
  const { state, records, key } = document as {
    state?: unknown
    records?: unknown
    key?: { verifier?: unknown }
  }
  const signed = key?.verifier != null
  const text = `${String(state)}, ${String(records)} records, ${signed ? 'signed' : 'not signed'}`
  return { label: 'Ledger', bad: state !== 'writing' || !signed, text }
}

/** In short what an eye wants beside the verdicts. */
export function factsOf(
  vantage: Vantage,
  snapshot: Snapshot | null,
  accountConfigured: boolean,
  beside: BesideDocuments,
): Fact[] {
  const egress = checksOf(beside.egress)
  const posture = checksOf(beside.posture)
  const lag = beside.flowLogLagSeconds
  return [
    vantageFact(vantage),
    ...accountFacts(snapshot, accountConfigured, beside),
    ...(egress.length > 0 ? [statesFact('Egress', egress, 'blocked', 'open')] : []),
    ...(posture.length > 0 ? [statesFact('Posture', posture, 'pass', 'fail')] : []),
    {
      label: 'Flow logs',
      bad: false,
      text: !beside.flowLogsEnabled
        ? 'not read'
        : lag === null
          ? 'no record has been read yet'
          : // In steps, so that a page does not change with each second.
            `newest record about ${lag < 90 ? 'a minute' : `${Math.round(lag / 60)} min`} old`,
    },
    ledgerFact(beside.ledger),
  ]
}
