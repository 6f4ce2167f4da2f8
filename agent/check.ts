import type { HostAccess } from '../model/host.ts'
import type { PathState } from '../model/path.ts'
import type { Target } from '../model/target.ts'
import type { Snapshot } from '../model/topology.ts'
import type { TargetVerdict } from '../model/verdict.ts'
import { judgeTarget } from '../verdict/target.ts'
import { contentHash } from '../aws/snapshot-content.ts'
import { readSnapshotDirectory } from '../aws/snapshot-files.ts'
import type { Config } from './config/config.ts'
import { deadlineSeconds } from './fleet.ts'
import { type NameWatch, watchName } from './name-watch.ts'
import { mostRedirects, redirectedNames } from './redirects.ts'
import { createShared } from './shared.ts'
import { createTaintBook } from './taint.ts'
import { findVantage } from './vantage.ts'

export interface CheckDeps {
  host: HostAccess
  version: string
  readText(path: string): Promise<string | null>
  hostRoots: (() => string[]) | null
  signal: AbortSignal
  /** Told once the snapshot has been read. */
  onSnapshot(snapshot: Snapshot): void
}

export interface CheckResult {
  verdict: TargetVerdict
  /** By host name: what the state would be if the snapshot were fresh, where that is too old to be evidence. */
  staleWouldBe: Map<string, PathState>
}

/** As many addresses of one group as a one-off look dials; a name with more says so. */
const mostPerGroup = 64

/**
 * Looks once at each target: asks, dials every known address, judges. `snapshotDirectory` (or the
 * configuration's own) is read once, before the first attempt.
 */
export async function* check(
  targets: readonly Target[],
  config: Config,
  snapshotDirectory: string | null,
  deps: CheckDeps,
): AsyncGenerator<CheckResult> {
  const { host, signal } = deps
  const directory =
    snapshotDirectory ?? (config.topology.source === 'directory' ? config.topology.directory : null)
  const vantage = await findVantage({
    host,
    readText: deps.readText,
    configured: config.agent.vantage,
    signal,
  })
  const snapshot =
    directory === null
      ? null
      : await readSnapshotDirectory(directory, { nowMs: host.clock.wallMs(), undated: 'mtime', signal })
  if (snapshot !== null) deps.onSnapshot(snapshot)
  const reading = snapshot === null ? null : { snapshot, content: contentHash(snapshot) }
  let sequence = 0
  const shared = createShared({
    config,
    configuration: () => null,
    host,
    vantage,
    version: deps.version,
    nextId: () => `check-${process.pid.toString(36)}-${(++sequence).toString(36)}`,
    reading: () => reading,
    observed: () => undefined,
    taint: createTaintBook(),
    hostRoots: deps.hostRoots,
  })
  await shared.resolveTrusted()
  for (const target of targets) {
    const lifeSeconds = deadlineSeconds(target) + 60
    const cycle = (watch: NameWatch) => watch.cycle({ signal, lifeSeconds, perGroup: mostPerGroup })
    const watches = target.names.map((name) => watchName(target, name, shared))
    const names = await Promise.all(watches.map(cycle))
    const led = redirectedNames(
      target.names,
      watches.flatMap((w) => w.attempts()),
    ).slice(0, mostRedirects)
    const further = led.map((name) => watchName(target, name, shared))
    watches.push(...further)
    names.push(...(await Promise.all(further.map(cycle))))
    const verdict = judgeTarget(target, names, host.clock.wallMs())
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
