import type { AttestedMetrics } from '../../exporters/attested-metrics.ts'
import { contentHash } from '../../aws/snapshot-content.ts'
import type { Attempt } from '../../model/observation.ts'
import type { Snapshot, Topology, Vantage } from '../../model/topology.ts'
import type { Evidence } from '../../model/evidence.ts'
import type { HostAccess } from '../../model/host.ts'
import { attestInChild } from './attest-child.ts'
import { type KnownName, createCanary } from './canary.ts'
import type { ReaderDeps } from '../child.ts'
import type { Config } from '../config/config.ts'
import { tlsFor } from '../watch/dial-address.ts'
import type { Fleet } from '../watch/fleet.ts'
import { deadlineSeconds } from '../watch/fleet.ts'
import { lifeSeconds } from '../watch/lives.ts'
import type { LateBook } from './late-book.ts'
import type { RecordFunction } from '../record.ts'
import type { Shared } from '../watch/shared.ts'
import type { KeptReading } from '../account/snapshot-keeper.ts'
import { createWitness } from './witness.ts'

export interface AttestationsDeps {
  host: HostAccess
  config: Config
  fleet: Fleet
  book: LateBook
  shared: Shared
  vantage(): Vantage
  reading(): KeptReading | null
  region(): string | null
  reader(signal: AbortSignal): ReaderDeps
  /** An attempt that was made for one target. */
  observed(known: KnownName, attempt: Attempt): void
  record: RecordFunction
  attested: AttestedMetrics
  onProblem(of: 'canary' | 'cloudtrail', problem: string): void
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  random(): number
}

/** What AWS itself is asked of this host's requests (canary, CloudTrail), as far as the configuration enables it. */
export async function runAttestations(deps: AttestationsDeps, signal: AbortSignal): Promise<void> {
  const { host, config, fleet, shared } = deps
  const { clock } = host
  const topology = (): Topology => {
    const reading = deps.reading()
    return { ...shared.surroundings(), readings: reading === null ? [] : [reading.snapshot] }
  }
  // A topology as it was given out goes back with the attempt: by it the reading is known that was newest then.
  const baseOf = ({ readings: [snapshot] }: Topology): KeptReading | null =>
    snapshot === undefined ? null : { snapshot, content: contentHash(snapshot satisfies Snapshot) }
  const common = {
    clock,
    region: deps.region,
    names: () => fleet.known(),
    tls: ({ target, name }: KnownName, address: string) =>
      tlsFor(target, name, { address, resolvers: [], dnsSeconds: null }, shared, signal),
    topology,
    attest: (request: Parameters<typeof attestInChild>[0]) => attestInChild(request, deps.reader(signal)),
    sleep: deps.sleep,
    random: deps.random,
    signal,
  }
  const witnessed = (
    known: KnownName,
    attempt: Attempt,
    under: Topology,
    evidence: readonly Evidence[],
    everySeconds: number,
  ): void => {
    deps.observed(known, attempt)
    const schedule = { kind: 'interval' as const, everySeconds }
    fleet.witnessed({
      target: known.target.name,
      attempt,
      base: baseOf(under),
      evidence,
      lifeSeconds: lifeSeconds(schedule, deadlineSeconds(known.target), null),
    })
  }
  const running: Promise<void>[] = []
  if (config.canary !== null) {
    const { canary } = config
    running.push(
      createCanary({
        ...common,
        config: canary,
        vantage: deps.vantage,
        nonce: () => crypto.randomUUID(),
        result({ target, name, attempt, canary: seen, evidence, topology: under }) {
          deps.record('canary', seen)
          deps.attested.canary(seen, evidence)
          const known = { target, name, addresses: [attempt.address] }
          witnessed(known, attempt, under, evidence, canary.everySeconds)
        },
        problem: (text) => deps.onProblem('canary', text),
      }).run(),
    )
  }
  if (config.cloudtrail !== null) {
    const { everySeconds } = config.cloudtrail
    running.push(
      createWitness({
        ...common,
        everySeconds,
        attempted({ known, attempt, witness, topology: under, pending }) {
          deps.attested.called(witness, pending)
          witnessed(known, attempt, under, [], everySeconds)
        },
        told({ attemptId, result, trails, evidence }) {
          deps.attested.told(result)
          for (const trail of trails) deps.record('trail', trail)
          fleet.told(deps.book.told(attemptId, evidence))
        },
        problem: (text) => deps.onProblem('cloudtrail', text),
      }).run(),
    )
  }
  await Promise.all(running)
}
