import { type CanaryHost, canaryHost } from '../../aws/canary-hosts.ts'
import type { CanaryPolicyWanted } from '../../aws/bucket-policy.ts'
import { percentEncode } from '../../aws/percent-encode.ts'
import type { SignedRequest } from '../../aws/request-signing.ts'
import type { Evidence } from '../../model/evidence.ts'
import type { Clock } from '../../model/host.ts'
import type { Attempt, CanaryObject, CanaryObservation } from '../../model/observation.ts'
import type { Target, WatchedName } from '../../model/target.ts'
import type { Topology, Vantage } from '../../model/topology.ts'
import { type CanaryRequests, probeCanary } from '../../probes/canary.ts'
import type { TlsDeps, TlsTarget } from '../../probes/tls.ts'
import { canaryEvidence } from '../../verdict/rules/canary.ts'
import type { Attest } from './attest-child.ts'
import type { SignOrder } from './attest-request.ts'
import { createPolicyKeeper, wantedPolicy } from './canary-policy.ts'
import type { CanaryConfig } from '../config/config.ts'
import { createRotation } from '../watch/rotation.ts'

/** A watched name with the addresses that it is known to have. */
export interface KnownName {
  target: Target
  name: WatchedName
  addresses: readonly string[]
}

/** One connection of a round, and what AWS said over it. Nobody has judged it yet. */
export interface CanaryResult {
  target: Target
  name: WatchedName
  attempt: Attempt
  canary: CanaryObservation
  evidence: Evidence[]
  /** Under which the evidence was read, and the attempt is to be judged. */
  topology: Topology
}

export interface CanaryDeps {
  config: CanaryConfig
  clock: Clock
  /** Of this host, where the configuration names none for the bucket; null: not known (yet). */
  region(): string | null
  vantage(): Pick<Vantage, 'interfaces'>
  /** All watched names; those that can't carry the canary are left out here. */
  names(): readonly KnownName[]
  /** How one address is dialled; null for what can't be. */
  tls(known: KnownName, address: string): { to: TlsTarget; deps: TlsDeps } | null
  /** With the reading that is newest now. */
  topology(): Topology
  attest: Attest
  /** Unique: in front of caches. */
  nonce(): string
  result(result: CanaryResult): void
  /** What is in the way of a whole round. Told when it begins. */
  problem(text: string): void
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** 0 to 1. */
  random(): number
  signal: AbortSignal
}

export interface Canary {
  /** One round: one address of each style of name. Never rejects. Gives what is in the way of it, null: nothing. */
  round(): Promise<string | null>
  /** Rounds until the signal fires. */
  run(): Promise<void>
}

/** Credentials, signatures and the policy. */
const attestSeconds = 30

/** Signed requests are not used later than this, however long AWS would take them. */
const freshMs = 60_000

const objects: readonly CanaryObject[] = ['control', 'positive', 'negative']

interface Choice {
  known: KnownName
  address: string
  front: string
}

export function createCanary(deps: CanaryDeps): Canary {
  const { config, clock, signal } = deps
  const policy = createPolicyKeeper(clock)
  const turns = createRotation()
  let lastProblem: string | null = null

  const picks = (region: string): Choice[] => {
    const byStyle = new Map<string, Map<string, Choice>>()
    for (const known of deps.names()) {
      const { hostname, port, style } = known.name
      const host: CanaryHost = canaryHost(hostname, config.bucket, region)
      if (!host.ok) continue
      const candidates = byStyle.get(style) ?? new Map<string, Choice>()
      byStyle.set(style, candidates)
      for (const address of known.addresses) {
        candidates.set(`${hostname} ${port} ${address}`, { known, address, front: host.front })
      }
    }
    return [...byStyle.values()].flatMap((candidates) => {
      const key = turns.next([...candidates.keys()])
      return (key === null ? undefined : candidates.get(key)) ?? []
    })
  }

  const ordersFor = ({ known, front }: Choice, index: number, region: string): SignOrder[] =>
    [0, 1].flatMap((socket) =>
      objects.map((object) => ({
        id: `${index}.${socket}.${object}`,
        region,
        service: 's3',
        request: {
          method: 'GET' as const,
          hostname: known.name.hostname,
          port: known.name.port,
          path: `${front}/${config[object].split('/').map(percentEncode).join('/')}`,
          // S3 ignores parameters that begin with x- (S3 user guide, "Customizing server access log records")
          query: { 'x-pathproof': deps.nonce() },
          headers: {},
          body: '',
        },
      })),
    )

  const ask = async (
    pick: Choice,
    requests: readonly [CanaryRequests, CanaryRequests],
    wanted: CanaryPolicyWanted,
  ) => {
    const { target, name } = pick.known
    const topology = deps.topology()
    const tls = deps.tls(pick.known, pick.address)
    if (tls === null) return
    const task = {
      to: tls.to,
      requests,
      bucket: config.bucket,
      endpoint: config.endpoint,
      policy: () => policy.now(wanted),
    }
    for (const { attempt, canary } of await probeCanary(task, tls.deps)) {
      if (signal.aborted) return
      const evidence = canaryEvidence(attempt, canary, topology)
      deps.result({ target, name, attempt, canary, evidence, topology })
    }
  }

  const roundOnce = async (): Promise<string | null> => {
    const region = config.region ?? deps.region()
    if (region === null) return 'the region of the bucket is not known: set canary.region'
    const wanted = wantedPolicy(config, region, deps.vantage())
    if (!wanted.ok) return wanted.because
    const chosen = picks(region)
    if (chosen.length === 0) {
      return `no watched name with a known address can carry the canary: it takes a name of S3 in ${region}, without a bucket or of ${config.bucket}`
    }
    const signedMs = clock.monotonicMs()
    const answer = await deps.attest({
      region,
      atMs: clock.wallMs(),
      sign: chosen.flatMap((pick, index) => ordersFor(pick, index, region)),
      policy: policy.due() ? { bucket: config.bucket, region } : null,
      lookups: [],
      deadlineSeconds: attestSeconds,
    })
    if (answer.failure !== null) return sentence(answer.failure)
    let inTheWay: string | null = null
    if (answer.policy?.ok === true) policy.read(answer.policy.policy, wanted.wanted)
    else if (answer.policy !== null) {
      inTheWay = `the bucket's policy can't be verified: ${sentence(answer.policy.failure)}`
      policy.failed(answer.policy.failure.detail)
    }
    for (const [index, pick] of chosen.entries()) {
      if (signal.aborted) return null
      if (clock.monotonicMs() - signedMs > freshMs)
        return 'the round took too long: its signatures are too old'
      await ask(
        pick,
        [requestsOf(answer.signed, index, 0), requestsOf(answer.signed, index, 1)],
        wanted.wanted,
      )
    }
    return inTheWay
  }

  const round = async (): Promise<string | null> => {
    let found: string | null
    try {
      found = await roundOnce()
    } catch (error) {
      found = error instanceof Error ? error.message : String(error)
    }
    if (found !== null && found !== lastProblem && !signal.aborted) deps.problem(found)
    lastProblem = found
    return found
  }

  return {
    round,
    async run() {
      // hosts that started together don't ask together
      await deps.sleep(Math.min(config.everySeconds, 30) * deps.random(), signal)
      while (!signal.aborted) {
        await round()
        await deps.sleep(config.everySeconds * (0.9 + 0.2 * deps.random()), signal)
      }
    },
  }
}

function requestsOf(
  signed: Readonly<Record<string, SignedRequest>>,
  index: number,
  socket: 0 | 1,
): CanaryRequests {
  const of = (object: CanaryObject): SignedRequest => {
    const request = signed[`${index}.${socket}.${object}`]
    if (request === undefined) throw new Error('a request was not signed')
    return request
  }
  return { control: of('control'), positive: of('positive'), negative: of('negative') }
}

function sentence({ detail, nextStep }: { detail: string; nextStep: string }): string {
  return `${detail}; ${nextStep}`
}
