import type { Account } from '../account/account.ts'
import type { AgentMetrics } from '../agent-metrics.ts'
import { privateServices } from '../evidence/census-services.ts'
import type { CloudwatchWatch } from '../evidence/cloudwatch-watch.ts'
import type { FlowLogs } from '../evidence/flow-logs.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Log } from '../log.ts'
import type { Ring } from '../record.ts'
import type { FirstLegs } from '../site/first-legs.ts'
import type { Outward } from '../site/outward.ts'
import { type Fleet, lifeKey } from '../watch/fleet.ts'
import type { Lives } from '../watch/lives.ts'
import type { Watching } from '../watch/watching.ts'
import type { HttpContent } from './http.ts'
import type { PageBooks } from './pages.ts'
import { factsOf } from './pages-facts.ts'
import type { Sinks } from './sinks.ts'
import { surfaceOf } from './surface.ts'
import type { Web } from './web.ts'

/** The parts of a running agent of which something is shown. */
export interface ShownParts {
  version: string
  wallMs(): number
  log: Log
  metrics: AgentMetrics
  account: Account
  watching: Watching
  fleet: Fleet
  lives: Lives
  ring: Ring
  books: PageBooks
  flowLogs: FlowLogs
  cloudwatch: CloudwatchWatch
  firstLegs: FirstLegs
  outward: Outward
  ledger: Ledger
  sinks: Sinks
  web: Web
  reload: NonNullable<HttpContent['reload']>
}

/** What the HTTP surface of a running agent serves. */
export function agentSurface(parts: ShownParts): HttpContent {
  const { version, wallMs, log, metrics, account, watching, fleet, ring, books } = parts
  const { flowLogs, cloudwatch, firstLegs, outward, ledger, sinks, web } = parts
  const { keeper, vantages, snapshot, topology, discovery } = account

  const readyBecause = (): string[] => {
    const because: string[] = []
    if (topology.configured && keeper.current() === null)
      because.push("the account's snapshot has not been read yet")
    if (fleet.targets().length === 0) because.push('no targets are configured', ...discovery.because())
    return because
  }

  const refresh = (): void => {
    metrics.flowlog.covered(flowLogs.census(wallMs(), [])?.coveredSeconds ?? 0)
    metrics.flowlog.clockOffset(flowLogs.clockOffsetSeconds())
    metrics.flowlog.scraped(wallMs())
    outward.refresh()
    ledger.refresh()
    const isAlive = (target: string, hostname: string, style: string) =>
      parts.lives.alive(lifeKey(target, hostname, style))
    metrics.verdict.refresh(isAlive, wallMs())
    firstLegs.refresh(isAlive)
  }

  return surfaceOf({
    version,
    wallMs,
    log,
    fleet,
    ring,
    keeper,
    vantages,
    readyBecause,
    earlier: (id) => flowLogs.book.attempt(id),
    notices: () => [
      ...flowLogs.problems(),
      ...firstLegs.problems(),
      ...outward.notices(),
      ...ledger.notices(),
      ...sinks.notices(),
      ...web.notices(),
    ],
    books,
    facts: () =>
      factsOf(vantages.current(), snapshot(), topology.configured, {
        nowMs: wallMs(),
        maxAgeSeconds: {
          routeTables: watching.config().topology.maxAgeSeconds,
          others: watching.config().topology.otherMaxAgeSeconds,
        },
        egress: outward.documents.egress(),
        posture: outward.documents.posture(),
        ledger: ledger.document(),
        flowLogLagSeconds: metrics.flowlog.lagSeconds(wallMs()),
        flowLogsEnabled: watching.config().flowLogs.enabled,
      }),
    documents: {
      census: () => flowLogs.census(wallMs(), privateServices(fleet.targets())),
      cloudwatch: () => cloudwatch.document(),
      ledger: ledger.document,
      ...outward.documents,
    },
    metrics: (format) => metrics.render(format, refresh),
    telemetryPath: () => watching.config().web.telemetryPath,
    reload: () => (watching.config().web.reload ? parts.reload : null),
  })
}
