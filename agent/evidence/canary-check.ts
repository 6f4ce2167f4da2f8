import { randomUUID } from 'node:crypto'
import { contentHash } from '../../aws/snapshot-content.ts'
import type { Topology, Vantage } from '../../model/topology.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { canonicalIp } from '../../net/ip.ts'
import { confirmedRank } from '../../verdict/confirm.ts'
import { judgeAttempt, noContext } from '../../verdict/judge.ts'
import { type CanaryResult, type KnownName, createCanary } from './canary.ts'
import { canaryTarget } from './canary-target.ts'
import { type CheckDeps, othersOnce, readOnce } from '../check.ts'
import type { ProgramCommand } from '../child.ts'
import { attestInChild } from './attest-child.ts'
import type { CanaryConfig, Config } from '../config/config.ts'
import { targetsOf } from '../config/targets.ts'
import { tlsFor } from '../watch/dial-address.ts'
import { createShared } from '../watch/shared.ts'
import { noEndpoints, readerDeps, regionOf } from '../account/snapshot-source.ts'
import { createTaintBook } from './taint.ts'
import { findVantage } from '../account/vantage.ts'

export interface JudgedCanary {
  result: CanaryResult
  verdict: AttemptVerdict
  /** The side that AWS's own word alone settles; null: it settles none. */
  attested: 'private' | 'public' | null
}

export interface CanaryCheck {
  /** One for each socket. */
  sockets: JudgedCanary[]
  /** What is in the way of the round, or of a part of it. */
  problems: string[]
}

export type CanaryCheckDeps = Pick<
  CheckDeps,
  'host' | 'version' | 'readText' | 'hostRoots' | 'signal' | 'onProblem'
> & { program: ProgramCommand }

/** The region of the canary's bucket: its own, else that of this host. Null: neither is known. */
export function canaryRegion(
  config: Config,
  canary: CanaryConfig,
  vantage: Vantage,
  environment: CheckDeps['host']['environment'],
): string | null {
  return canary.region ?? regionOf(config, vantage, environment)
}

/** One round of the canary, judged under one reading of the account. Rejects only if it was aborted. */
export async function checkCanary(
  config: Config,
  canary: CanaryConfig,
  deps: CanaryCheckDeps,
): Promise<CanaryCheck> {
  const { host, signal, program } = deps
  const configured = config.agent.vantage
  const vantage = await findVantage({ host, readText: deps.readText, configured, signal })
  const region = canaryRegion(config, canary, vantage, host.environment)
  const problems: string[] = []
  if (region === null)
    return { sockets: [], problems: ['the region of the bucket is not known: set canary.region'] }
  const reading = { ...deps, onSnapshot: () => undefined }
  const read = await readOnce(config, null, vantage, reading)
  const others = await othersOnce(config, vantage, reading)
  const snapshot = read?.snapshot ?? null
  let sequence = 0
  const shared = createShared({
    config,
    configuration: () => null,
    host,
    vantage: () => vantage,
    version: deps.version,
    nextId: () => `canary-${process.pid.toString(36)}-${(++sequence).toString(36)}`,
    reading: () => (snapshot === null ? null : { snapshot, content: contentHash(snapshot) }),
    others: () => others,
    observed: () => undefined,
    taint: createTaintBook(),
    hostRoots: deps.hostRoots,
  })
  const { targets } = targetsOf(config)
  const own = canaryTarget(canary, region, targets)
  const names: KnownName[] = []
  for (const target of own === null ? targets : [...targets, own]) {
    for (const name of target.names.filter(({ service }) => service === 's3')) {
      const found = await host.lookup(name.hostname).catch(() => [])
      const addresses = found.flatMap(({ address }) => canonicalIp(address) ?? [])
      if (addresses.length === 0) problems.push(`${name.hostname} has no address`)
      names.push({ target, name, addresses })
    }
  }
  signal.throwIfAborted()
  const results: CanaryResult[] = []
  const topology = (): Topology => ({
    ...shared.surroundings(),
    readings: snapshot === null ? [] : [snapshot],
  })
  const round = createCanary({
    config: canary,
    clock: host.clock,
    region: () => region,
    vantage: () => vantage,
    names: () => names,
    tls: ({ target, name }, address) =>
      tlsFor(target, name, { address, resolvers: ['system'], dnsSeconds: null }, shared, signal),
    topology,
    attest: (request) =>
      attestInChild(
        request,
        readerDeps(
          { host, program, signal, onLine: (line) => problems.push(line) },
          vantage,
          config.topology.endpoint ?? noEndpoints,
        ),
      ),
    nonce: randomUUID,
    result: (result) => results.push(result),
    problem: (text) => problems.push(text),
    sleep: () => Promise.resolve(),
    random: () => 0,
    signal,
  })
  await round.round()
  signal.throwIfAborted()
  return { sockets: results.map(judged), problems }
}

function judged(result: CanaryResult): JudgedCanary {
  const { attempt, evidence, topology } = result
  const verdict = judgeAttempt(attempt, topology, { ...noContext, late: evidence, confirmation: 'pending' })
  const side = verdict.state === 'private' || verdict.state === 'public' ? verdict.state : null
  return { result, verdict, attested: confirmedRank(verdict) === 'attested' ? side : null }
}
