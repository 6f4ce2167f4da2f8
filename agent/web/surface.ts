import { redactValue } from '../../model/redact.ts'
import type { AttemptVerdict, TargetVerdict } from '../../model/verdict.ts'
import type { ExpositionFormat } from '../../exporters/exposition.ts'
import type { Fact } from '../../exporters/pages/status.ts'
import type { Fleet } from '../watch/fleet.ts'
import type { HttpContent } from './http.ts'
import type { Log } from '../log.ts'
import { type PageBooks, createPages } from './pages.ts'
import type { Ring } from '../record.ts'
import type { SnapshotKeeper } from '../account/snapshot-keeper.ts'
import { attemptDocument, targetPieces } from './verdict-document.ts'
import type { VantageKeeper } from '../account/vantage-keeper.ts'

export interface SurfaceParts {
  version: string
  wallMs(): number
  log: Log
  fleet: Fleet
  ring: Ring
  keeper: SnapshotKeeper
  vantages: VantageKeeper
  /** Why the agent is not ready; empty when it is. */
  readyBecause(): string[]
  metrics(format: ExpositionFormat): Promise<Buffer>
  /** Further documents under `/api/v1/`. */
  documents: NonNullable<HttpContent['documents']>
  /** An attempt of an earlier cycle that records have spoken of since; null: none. */
  earlier(id: string): AttemptVerdict | null
  /** What is wrong beside the account's reading. */
  notices(): string[]
  books: PageBooks
  /** What the status page says in short beside the verdicts. */
  facts(): Fact[]
  /** Where the metrics are. */
  telemetryPath(): string
  /** Null while reloading over HTTP is not switched on. */
  reload(): HttpContent['reload']
}

/** An attempt of an earlier cycle: whoever follows a link should still find it. */
function attemptOnRecord(ring: Ring, id: string): AttemptVerdict | null {
  const of = (verdict: TargetVerdict) =>
    verdict.names.flatMap((name) => name.attempts.find((attempt) => attempt.id === id) ?? [])[0] ?? null
  const verdict = ring.last('target_verdict', (body) => of(body) !== null)
  return verdict === null ? null : of(verdict)
}

/** What the HTTP surface serves, from the parts of the running agent. */
export function surfaceOf(parts: SurfaceParts): HttpContent {
  const { version, log, fleet, ring, keeper, vantages, readyBecause } = parts
  const attempt = (id: string): AttemptVerdict | null =>
    fleet.attempt(id) ?? parts.earlier(id) ?? attemptOnRecord(ring, id)
  const pages = createPages({
    version,
    wallMs: parts.wallMs,
    books: parts.books,
    fleet,
    ring,
    notices: () => [...readyBecause(), ...keeper.problems(), ...parts.notices()],
    facts: parts.facts,
    metricsPath: parts.telemetryPath,
    attempt,
  })
  return {
    metrics: (format) => parts.metrics(format),
    page: () => pages.status(),
    pages: pages.at,
    verdicts: () => ({
      head: {
        version,
        vantage: { kind: vantages.current().kind, because: vantages.current().because },
        snapshot: keeper.current()?.snapshot.id ?? null,
      },
      targets: fleet.verdicts().map(targetPieces),
    }),
    attempt(id) {
      const found = attempt(id)
      return found === null ? null : redactValue(attemptDocument(found))
    },
    telemetryPath: parts.telemetryPath,
    documents: { ...parts.documents, status: pages.changes },
    ready: () => ({ ready: readyBecause().length === 0, because: readyBecause() }),
    get reload() {
      return parts.reload()
    },
    onError: (where, error) => log.error('http_error', { where, error: error as Error }),
  }
}
