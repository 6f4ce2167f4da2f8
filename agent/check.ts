import type { HostAccess } from '../model/host.ts'
import type { PathState } from '../model/path.ts'
import type { Target } from '../model/target.ts'
import type { Snapshot, Vantage } from '../model/topology.ts'
import type { TargetVerdict } from '../model/verdict.ts'
import { judgeTarget } from '../verdict/target.ts'
import { contentHash } from '../aws/snapshot-content.ts'
import { readSnapshotDirectory } from '../aws/snapshot-files.ts'
import type { Config } from './config/config.ts'
import { discoverOnce } from './account/discovery.ts'
import { lookAtFirstLeg } from './site/first-legs.ts'
import { deadlineSeconds } from './watch/fleet.ts'
import { sleep } from './machine.ts'
import { type NameWatch, watchName } from './watch/name-watch.ts'
import { mostRedirects, redirectedNames } from './watch/redirects.ts'
import { createShared } from './watch/shared.ts'
import { type ProgramCommand, ownProgram } from './child.ts'
import { type SourceReading, readingProblems } from './account/snapshot-keeper.ts'
import { alsoSources, readAlsoOnce } from './account/snapshot-also.ts'
import { noEndpoints, readerDeps, regionOf, snapshotSource } from './account/snapshot-source.ts'
import { createTaintBook } from './evidence/taint.ts'
import { findVantage } from './account/vantage.ts'

export interface CheckDeps {
  host: HostAccess
  version: string
  readText(path: string): Promise<string | null>
  hostRoots: (() => string[]) | null
  signal: AbortSignal
  /** How this program is started once more, to read the account by its API; left out: it is not read that way. */
  program?: ProgramCommand
  /** Told once the snapshot has been read, and what is wrong with it, one line each. */
  onSnapshot(snapshot: Snapshot, problems: readonly string[]): void
  /** Told what is wrong with the reading of a further account. */
  onProblem?(problem: string): void
  /** Other names to look at beside those of a target (`--all-styles`). */
  widen?(target: Target, vantage: Vantage): Target
  /** Told what was discovered, where no targets were given; `because` says why that is not more. */
  onDiscovered?(targets: readonly Target[], because: readonly string[]): void
}

export interface CheckResult {
  verdict: TargetVerdict
  /** By host name: what the state would be if the snapshot were fresh, where that is too old to be evidence. */
  staleWouldBe: Map<string, PathState>
}

/** As many addresses of one group as a one-off look dials; a name with more says so. */
const mostPerGroup = 64

/** For the own names of trusted endpoints. */
const trustedSeconds = 5

/** The account once, from a directory or by its API; null where nothing names either. */
export async function readOnce(
  config: Config,
  snapshotDirectory: string | null,
  vantage: Vantage,
  { host, signal, program }: CheckDeps,
): Promise<SourceReading | null> {
  const { source, directory } = config.topology
  const from = snapshotDirectory ?? (source === 'directory' ? directory : null)
  if (from !== null) {
    const nowMs = host.clock.wallMs()
    return { snapshot: await readSnapshotDirectory(from, { nowMs, undated: 'mtime', signal }), failures: [] }
  }
  const region = regionOf(config, vantage, host.environment)
  if (program === undefined || source === 'directory' || (source !== 'file' && region === null)) return null
  const ignored = () => undefined
  const { read } = snapshotSource(config, () => vantage, {
    host,
    program,
    signal,
    onLine: ignored,
  })
  return (await read?.('all', null)) ?? null
}

/** Further accounts once; those by a role only where the account itself may be asked. */
export async function othersOnce(config: Config, vantage: Vantage, deps: CheckDeps): Promise<Snapshot[]> {
  const { host, signal, program } = deps
  const asked = alsoSources(config, () => vantage, {
    host,
    program: program ?? ownProgram(),
    signal,
    onLine: () => undefined,
  }).filter(({ role }) => role === null || program !== undefined)
  return await readAlsoOnce(asked, (problem) => deps.onProblem?.(problem))
}

/**
 * Looks once at each target: asks, dials every known address, judges. `snapshotDirectory` (or the
 * configuration's own source) is read once, before the first attempt. Targets null: those that are discovered.
 */
export async function* check(
  given: readonly Target[] | null,
  config: Config,
  snapshotDirectory: string | null,
  deps: CheckDeps,
): AsyncGenerator<CheckResult> {
  const { host, signal } = deps
  const vantage = await findVantage({
    host,
    readText: deps.readText,
    configured: config.agent.vantage,
    signal,
  })
  const read = await readOnce(config, snapshotDirectory, vantage, deps)
  const snapshot = read?.snapshot ?? null
  const others = await othersOnce(config, vantage, deps)
  if (read !== null) deps.onSnapshot(read.snapshot, readingProblems(read))
  const reading = snapshot === null ? null : { snapshot, content: contentHash(snapshot) }
  let targets = given
  if (targets === null) {
    const { lookup, clock } = host
    const found = await discoverOnce({
      vantage,
      snapshot,
      lookup,
      clock,
      sleep,
      maxNames: config.limits.names,
      signal,
    })
    deps.onDiscovered?.(found.targets, found.because)
    targets = found.targets
  }
  const ignored = () => undefined
  const { program } = deps
  const firstLeg = await lookAtFirstLeg({
    host,
    config,
    vantage,
    region: regionOf(config, vantage, host.environment),
    reader:
      program === undefined
        ? null
        : readerDeps(
            { host, program, signal, onLine: ignored },
            vantage,
            config.topology.endpoint ?? noEndpoints,
          ),
    onProblem: (problem) => deps.onProblem?.(problem),
    signal,
  })
  let sequence = 0
  const shared = createShared({
    config,
    configuration: () => null,
    host,
    vantage: () => vantage,
    version: deps.version,
    nextId: () => `check-${process.pid.toString(36)}-${(++sequence).toString(36)}`,
    reading: () => reading,
    others: () => others,
    observed: () => undefined,
    taint: createTaintBook(),
    hostRoots: deps.hostRoots,
    beside: firstLeg.beside,
  })
  await shared.resolveTrusted(trustedSeconds)
  for (const asked of targets) {
    const target = deps.widen?.(asked, vantage) ?? asked
    const lifeSeconds = deadlineSeconds(target) + 60
    const cycle = async (watch: NameWatch) => {
      await watch.cycle({ signal, lifeSeconds, perGroup: mostPerGroup })
      return watch.rejudge()
    }
    const watches = target.names.map((name) => watchName(target, name, shared))
    const names = await Promise.all(watches.map(cycle))
    const led = redirectedNames(
      target.names,
      watches.flatMap((w) => w.attempts()),
    ).slice(0, mostRedirects)
    const further = led.map((name) => watchName(target, name, shared))
    watches.push(...further)
    names.push(...(await Promise.all(further.map(cycle))))
    await firstLeg.trace(watches.map((w) => ({ target, name: w.name, addresses: w.addresses() })))
    const verdict = judgeTarget(
      target,
      watches.map((watch) => watch.rejudge()).filter((name) => name !== null),
      host.clock.wallMs(),
    )
    const staleWouldBe = new Map<string, PathState>()
    for (const [index, watch] of watches.entries()) {
      if (names[index]?.state !== 'undetermined') continue
      const limits = { routeTablesMaxAgeSeconds: Infinity, otherMaxAgeSeconds: Infinity }
      const anew = watch.rejudge({ limits })
      if (anew !== null && anew.state !== 'undetermined') staleWouldBe.set(anew.hostname, anew.state)
    }
    yield { verdict, staleWouldBe }
  }
}
