import type { Clock } from '../../model/host.ts'
import type { Snapshot } from '../../model/topology.ts'
import type { AttemptVerdict, TargetVerdict } from '../../model/verdict.ts'
import {
  type CloudwatchDocument,
  type CountedAttempt,
  cloudwatchWords,
  metricsEndpoints,
  metricsQuery,
} from '../../probes/cloudwatch.ts'
import type { RecordsAnswer, RecordsRequest } from './records-request.ts'

export interface CloudwatchWatchDeps {
  clock: Clock
  snapshot(): Snapshot | null
  verdicts(): readonly TargetVerdict[]
  region(): string | null
  /** In a process of its own. Never rejects. */
  read(request: RecordsRequest, signal: AbortSignal): Promise<RecordsAnswer>
  /** Words that contradict this host's attempts, as they come. */
  onWords(words: readonly string[]): void
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** 0 to 1. */
  random(): number
}

/** CloudWatch's counts of endpoints and NAT gateways, laid beside the verdicts. No verdict rests on them. */
export interface CloudwatchWatch {
  /** Reads until the signal fires; null: not at all. */
  run(everySeconds: number | null, signal: AbortSignal): Promise<void>
  /** Of the last reading; null: there was none. */
  document(): CloudwatchDocument | null
}

const deadlineSeconds = 40
/** Attempts are laid beside points that are minutes old. */
const rememberedMs = 70 * 60_000
const mostRemembered = 4096

export function createCloudwatchWatch(deps: CloudwatchWatchDeps): CloudwatchWatch {
  const { clock } = deps
  const seen = new Map<string, CountedAttempt>()
  let lastToMs: number | null = null
  let last: CloudwatchDocument | null = null
  let told = new Set<string>()

  const remember = (snapshot: Snapshot | null): void => {
    const attempts = deps.verdicts().flatMap(({ names }) => names.flatMap((name) => name.attempts))
    for (const attempt of attempts) if (attempt.dialled) seen.set(attempt.id, counted(attempt, snapshot))
    const sinceMs = clock.wallMs() - rememberedMs
    for (const [id, { atMs }] of seen) if (atMs < sinceMs || seen.size > mostRemembered) seen.delete(id)
  }

  const round = async (signal: AbortSignal): Promise<void> => {
    const snapshot = deps.snapshot()
    const region = deps.region()
    if (region === null) return
    const ids = [...new Set([...seen.values()].flatMap(({ endpointId }) => endpointId ?? []))]
    const natGatewayIds = [...new Set([...seen.values()].flatMap(({ natGatewayId }) => natGatewayId ?? []))]
    const used = { endpoints: metricsEndpoints(snapshot, ids), natGatewayIds }
    const metrics = metricsQuery(used, lastToMs, clock.wallMs())
    if (metrics === null) return
    const answer = await deps.read({ region, roleArn: null, queries: [], metrics, deadlineSeconds }, signal)
    if (signal.aborted || answer.metrics === null) return
    if (answer.metrics.failure === null) lastToMs = answer.metrics.toMs
    last = cloudwatchWords(answer.metrics, [...seen.values()])
    const against = last.words.flatMap(({ says, text }) => (says === 'contradicts' ? [text] : []))
    const news = against.filter((text) => !told.has(text))
    told = new Set(against)
    if (news.length > 0) deps.onWords(news)
  }

  return {
    async run(everySeconds, signal) {
      if (everySeconds === null) return
      let dueMs = clock.monotonicMs() + everySeconds * 1000 * deps.random()
      while (!signal.aborted) {
        remember(deps.snapshot())
        if (clock.monotonicMs() >= dueMs) {
          dueMs = clock.monotonicMs() + everySeconds * 1000
          await round(signal)
        }
        await deps.sleep(Math.min(30, everySeconds), signal)
      }
    },
    document: () => last,
  }
}

function counted(attempt: AttemptVerdict, snapshot: Snapshot | null): CountedAttempt {
  const { hostname, atMs, connected, address, bases } = attempt
  const owners = (snapshot?.networkInterfaces ?? []).filter(
    ({ ipv4, ipv6 }) => ipv4.some((own) => own.address === address) || ipv6.includes(address),
  )
  const endpoint = snapshot?.endpoints.find(({ networkInterfaceIds }) =>
    owners.some(({ id }) => networkInterfaceIds.includes(id)),
  )
  const nats = new Set(bases.flatMap(({ target }) => target.match(/\bnat-[0-9a-z]+/g) ?? []))
  const [nat] = nats
  return {
    hostname,
    atMs,
    connected,
    endpointId: endpoint?.id ?? null,
    natGatewayId: nats.size === 1 ? (nat ?? null) : null,
  }
}
