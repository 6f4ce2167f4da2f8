import { type CallForName, callForName } from '../../aws/management-calls.ts'
import type { TrailQuery } from '../../aws/trail-api.ts'
import type { TrailRecord } from '../../aws/trail-record.ts'
import type { Evidence } from '../../model/evidence.ts'
import type { Clock } from '../../model/host.ts'
import type { Attempt, TrailObservation, WitnessObservation } from '../../model/observation.ts'
import type { Topology } from '../../model/topology.ts'
import { probeWitness } from '../../probes/witness.ts'
import type { TlsDeps, TlsTarget } from '../../probes/tls.ts'
import { trailEvidence } from '../../verdict/rules/cloudtrail.ts'
import type { Attest } from './attest-child.ts'
import type { KnownName } from './canary.ts'
import { createRotation } from '../watch/rotation.ts'

export interface WitnessResult {
  known: KnownName
  attempt: Attempt
  witness: WitnessObservation
  /** Under which the attempt is to be judged, and its record will be read. */
  topology: Topology
  /** Its record is waited for. */
  pending: boolean
}

/** What CloudTrail said of an attempt that was waited for. */
export interface TrailWord {
  attemptId: string
  /** `no_record`: its time is over. */
  result: 'named' | 'not_named' | 'no_record'
  trails: TrailObservation[]
  evidence: Evidence[]
}

export interface WitnessDeps {
  everySeconds: number
  clock: Clock
  /** Of the credential chain's own calls; null: not known (yet). */
  region(): string | null
  names(): readonly KnownName[]
  tls(known: KnownName, address: string): { to: TlsTarget; deps: TlsDeps } | null
  topology(): Topology
  attest: Attest
  /** An attempt was made. It is an attempt of its name like any other. */
  attempted(result: WitnessResult): void
  told(word: TrailWord): void
  /** What is in the way of a round or a look-up. Told when it begins. */
  problem(text: string): void
  /** Calls whose records are waited for at once; default 256. */
  mostPending?: number
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** 0 to 1. */
  random(): number
  signal: AbortSignal
}

export interface Witness {
  /** One call to each name that one is known for, at the address whose turn it is. Never rejects. */
  round(): Promise<void>
  /** Looks for the records of calls that are old enough. Never rejects. */
  look(): Promise<void>
  /** Rounds and look-ups until the signal fires. */
  run(): Promise<void>
  pending(): number
}

/** CloudTrail needs about 5 minutes, and up to 15 (CloudTrail user guide, "Viewing recent management events"). */
const firstLookMs = 5 * 60_000
const againMs = 5 * 60_000
const overMs = 21 * 60_000
const mostPerRound = 64
/** Records bear AWS's time; what is not known of the clocks is a minute at most, else requests are refused. */
const slackMs = 2 * 60_000
/** A round's signatures are not used later than this. */
const freshMs = 120_000
const attestSeconds = 60

interface Pending {
  attempt: Attempt
  witness: WitnessObservation
  topology: Topology
  requestId: string
  sinceMs: number
  nextMs: number
  stamp: TlsDeps['stamp']
}

export function createWitness(deps: WitnessDeps): Witness {
  const { clock, signal, mostPending = 256 } = deps
  const turns = createRotation()
  const pending = new Map<string, Pending>()
  const problems = new Map<string, string | null>()

  const tell = (of: 'round' | 'look', problem: string | null): void => {
    if (problem !== null && problems.get(of) !== problem && !signal.aborted) deps.problem(problem)
    problems.set(of, problem)
  }

  const choices = () => {
    const found = new Map<string, { known: KnownName; call: Extract<CallForName, { ok: true }> }>()
    for (const known of deps.names()) {
      const call = known.addresses.length === 0 ? null : callForName(known.name)
      if (call?.ok === true) found.set(`${known.name.hostname} ${known.name.port}`, { known, call })
    }
    // More names than one round takes have their turns as well.
    const keys = new Set(found.keys())
    const chosen: { known: KnownName; call: Extract<CallForName, { ok: true }>; address: string }[] = []
    while (keys.size > 0 && chosen.length < mostPerRound) {
      const key = turns.next([...keys]) ?? ''
      keys.delete(key)
      const choice = found.get(key)
      if (choice === undefined) continue
      const { addresses } = choice.known
      const turn = turns.next(addresses.map((address) => `${key} ${address}`))
      const address = addresses.find((one) => `${key} ${one}` === turn)
      if (address !== undefined) chosen.push({ ...choice, address })
    }
    return chosen
  }

  const roundOnce = async (): Promise<string | null> => {
    const region = deps.region()
    if (region === null) return 'the region of this host is not known: set AWS_REGION'
    const chosen = choices()
    if (chosen.length === 0) return null
    const signedMs = clock.monotonicMs()
    const answer = await deps.attest({
      region,
      atMs: clock.wallMs(),
      sign: chosen.map(({ call }, index) => ({
        id: String(index),
        region: call.region,
        service: call.call.signingService,
        request: call.request,
      })),
      policy: null,
      lookups: [],
      deadlineSeconds: attestSeconds,
    })
    if (answer.failure !== null) return `${answer.failure.detail}; ${answer.failure.nextStep}`
    for (const [index, { known, call, address }] of chosen.entries()) {
      const request = answer.signed[String(index)]
      const topology = deps.topology()
      const tls = deps.tls(known, address)
      if (signal.aborted) return null
      if (clock.monotonicMs() - signedMs > freshMs)
        return 'the round took too long: its signatures are too old'
      if (request === undefined || tls === null) continue
      const { eventSource, eventName } = call.call
      const task = { to: tls.to, request, eventSource, eventName, region: call.region }
      const { attempt, witness } = await probeWitness(task, tls.deps)
      if (signal.aborted) return null
      const waits = witness.requestId !== null && pending.size < mostPending
      if (waits) {
        const nowMs = clock.monotonicMs()
        pending.set(attempt.stamp.id, {
          attempt,
          witness,
          topology,
          requestId: witness.requestId ?? '',
          sinceMs: nowMs,
          nextMs: nowMs + firstLookMs,
          stamp: tls.deps.stamp,
        })
      }
      deps.attempted({ known, attempt, witness, topology, pending: waits })
    }
    return pending.size >= mostPending
      ? `records of ${mostPending} calls are waited for, and of no more: raise cloudtrail.every`
      : null
  }

  const settle = (one: Pending, records: readonly TrailRecord[]): void => {
    pending.delete(one.attempt.stamp.id)
    const distinct = new Map(records.map((record) => [trailKey(record), record]))
    const trails = [...distinct.values()].map((record): TrailObservation => {
      const { requestId, eventSource, eventName, eventMs, vpcEndpointId, sourceIpAddress, invokedBy } = record
      return {
        kind: 'trail',
        stamp: one.stamp(),
        attemptId: one.attempt.stamp.id,
        requestId,
        eventSource,
        eventName,
        eventMs,
        vpcEndpointId,
        sourceIpAddress,
        invokedBy,
      }
    })
    const evidence = trails.flatMap((trail) => trailEvidence(one.attempt, trail, one.topology))
    const named = trails.some(({ vpcEndpointId }) => vpcEndpointId !== null)
    const result = trails.length === 0 ? 'no_record' : named ? 'named' : 'not_named'
    deps.told({ attemptId: one.attempt.stamp.id, result, trails, evidence })
  }

  const lookOnce = async (): Promise<string | null> => {
    const nowMs = clock.monotonicMs()
    const due = [...pending.values()].filter(({ nextMs }) => nextMs <= nowMs)
    const region = deps.region()
    if (due.length === 0 || region === null) return null
    for (const one of due) one.nextMs = nowMs + againMs
    const queries = queriesFor(due)
    const answer = await deps.attest({
      region,
      atMs: clock.wallMs(),
      sign: [],
      policy: null,
      lookups: queries,
      deadlineSeconds: attestSeconds,
    })
    const records = answer.lookups.flatMap((result) => result.records)
    for (const one of due) {
      const own = records.filter(({ requestId }) => requestId === one.requestId)
      if (own.length > 0) settle(one, own)
      else if (clock.monotonicMs() - one.sinceMs >= overMs) settle(one, [])
    }
    const failure =
      answer.failure ?? answer.lookups.find((result) => result.failure !== null)?.failure ?? null
    if (failure !== null) return `${failure.detail}; ${failure.nextStep}`
    const cut = answer.lookups.findIndex(({ truncated }) => truncated)
    return cut < 0
      ? null
      : `too many ${queries[cut]?.eventName ?? ''} events of others: not all could be read`
  }

  const guarded = async (of: 'round' | 'look', work: () => Promise<string | null>): Promise<void> => {
    try {
      tell(of, await work())
    } catch (error) {
      tell(of, error instanceof Error ? error.message : String(error))
    }
  }

  const round = (): Promise<void> => guarded('round', roundOnce)
  const look = (): Promise<void> => guarded('look', lookOnce)

  return {
    round,
    look,
    async run() {
      await deps.sleep(Math.min(deps.everySeconds, 60) * deps.random(), signal)
      let roundMs = clock.monotonicMs()
      while (!signal.aborted) {
        if (clock.monotonicMs() >= roundMs) {
          roundMs = clock.monotonicMs() + deps.everySeconds * 1000 * (0.9 + 0.2 * deps.random())
          await round()
        }
        await look()
        const lookMs = Math.min(...[...pending.values()].map(({ nextMs }) => nextMs))
        const waitMs = Math.min(roundMs, lookMs) - clock.monotonicMs()
        await deps.sleep(Math.max(1, waitMs / 1000), signal)
      }
    },
    pending: () => pending.size,
  }
}

/** One question for each event name and region, over the time in which its calls were made. */
function queriesFor(due: readonly Pending[]): TrailQuery[] {
  const queries = new Map<string, TrailQuery>()
  for (const { attempt, witness, requestId } of due) {
    const { region, eventSource, eventName } = witness
    const id = `${region} ${eventSource} ${eventName}`
    const atMs = attempt.http?.dateMs ?? attempt.stamp.wallMs
    const query = queries.get(id) ?? {
      id,
      region,
      eventSource,
      eventName,
      fromMs: Infinity,
      toMs: -Infinity,
      requestIds: [],
    }
    query.fromMs = Math.min(query.fromMs, atMs - slackMs)
    query.toMs = Math.max(query.toMs, atMs + slackMs)
    query.requestIds.push(requestId)
    queries.set(id, query)
  }
  return [...queries.values()]
}

/** Alike for a record that came twice; records that differ in what decides count both. */
function trailKey({ vpcEndpointId, sourceIpAddress, invokedBy }: TrailRecord): string {
  return JSON.stringify([vpcEndpointId, sourceIpAddress, invokedBy])
}
