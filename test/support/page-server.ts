import { createHttp } from '../../agent/web/http.ts'
import { type PageBooks, createPageBooks, createPages, type Pages } from '../../agent/web/pages.ts'
import { factsOf } from '../../agent/web/pages-facts.ts'
import { createRing } from '../../agent/record.ts'
import { targetPieces } from '../../agent/web/verdict-document.ts'
import type { Target } from '../../model/target.ts'
import type { TargetVerdict } from '../../model/verdict.ts'

/** Verdicts as if an agent had come to them, with the pages that show them. */
export interface ShownVerdicts {
  pages: Pages
  books: PageBooks
  notices: string[]
  /** From now on these stand, and nothing of what was before is remembered. */
  show(verdicts: readonly TargetVerdict[]): void
  /** These stand now, as after one more cycle. */
  judged(verdicts: readonly TargetVerdict[]): void
}

function targetOf({ target, names, require }: TargetVerdict): Target {
  return {
    name: target,
    names: names.map(({ hostname, style, attempts }) => ({
      hostname,
      port: attempts[0]?.port ?? 443,
      style: style as Target['names'][number]['style'],
      service: null,
      region: null,
    })),
    require,
    minProof: 'configured',
    requireFirstLeg: 'any',
    resolvers: ['system'],
    compareResolvers: [],
    source: null,
    schedule: { kind: 'interval', everySeconds: 30 },
    timeoutSeconds: 5,
    confirmWithinSeconds: 1800,
    evidenceAgeSeconds: null,
    waiver: null,
    discovered: false,
  }
}

/** `alive` false: their lives are over. */
export function shownVerdicts(
  nowMs = () => Date.now(),
  alive = () => true,
  metricsPath = '/metrics',
): ShownVerdicts {
  let verdicts: readonly TargetVerdict[] = []
  let monotonicMs = 0
  const notices: string[] = []
  const lives = {
    read: (key: string) => {
      const verdict = verdicts
        .flatMap((v) => v.names.map((n) => ({ key: `${v.target}\n${n.hostname}\n${n.style}`, n })))
        .find((one) => one.key === key)?.n
      return verdict === undefined ? null : { verdict, alive: alive(), remainingSeconds: alive() ? 90 : 0 }
    },
  }
  let books = createPageBooks({ wallMs: nowMs, monotonicMs: () => monotonicMs }, lives)
  const ring = createRing()
  const pages = createPages({
    version: '0.0.0-test',
    wallMs: nowMs,
    get books() {
      return books
    },
    fleet: {
      targets: () => verdicts.map(targetOf),
      verdicts: () => [...verdicts],
      attempt: () => null,
    },
    ring,
    notices: () => notices,
    metricsPath: () => metricsPath,
    facts: () =>
      factsOf(
        { kind: 'ec2', because: [], instanceId: 'i-1', accountId: null, region: 'eu-west-1', interfaces: [] },
        null,
        false,
        {
          nowMs: nowMs(),
          maxAgeSeconds: { routeTables: 180, others: 900 },
          egress: null,
          posture: null,
          ledger: null,
          flowLogLagSeconds: null,
          flowLogsEnabled: false,
        },
      ),
    attempt: (id) =>
      verdicts.flatMap((v) => v.names).flatMap((n) => n.attempts.find((a) => a.id === id) ?? [])[0] ?? null,
  })
  const judged = (now: readonly TargetVerdict[]): void => {
    verdicts = now
    monotonicMs += 1000
    for (const verdict of now) books.judged(verdict)
  }
  return {
    pages,
    get books() {
      return books
    },
    notices,
    judged,
    show(now) {
      books = createPageBooks({ wallMs: nowMs, monotonicMs: () => monotonicMs }, lives)
      judged(now)
    },
  }
}

/** The HTTP surface with these pages, on loopback. */
export async function servePages(shown: ShownVerdicts, verdicts: () => readonly TargetVerdict[]) {
  const problems: unknown[] = []
  const http = createHttp({
    metrics: async () => Buffer.from(''),
    page: () => shown.pages.status(),
    pages: shown.pages.at,
    verdicts: () => ({ targets: verdicts().map(targetPieces) }),
    attempt: () => null,
    documents: { status: shown.pages.changes },
    ready: () => ({ ready: true, because: [] }),
    reload: null,
    onError: (_where, error) => void problems.push(error),
  })
  const { port } = await http.listen({ kind: 'address', host: '127.0.0.1', port: 0 })
  return { base: `http://127.0.0.1:${port}`, problems, close: () => http.close(0) }
}
