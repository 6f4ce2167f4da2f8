import { parseConfig } from '../../agent/config/load.ts'
import type { Config } from '../../agent/config/config.ts'
import { ec2Allowance, s3GetsPerSecond } from '../../agent/config/fleet.ts'
import { callSeconds, concurrency, maxAttempts } from '../../agent/account/snapshot-reader.ts'
import { restDeadlineSeconds, tablesDeadlineSeconds } from '../../agent/account/snapshot-source.ts'
import { startSeconds } from '../../agent/account/topology.ts'
import { callsOf } from './calls.ts'
import type { ReadingPlan } from './reading.ts'
import { sdkRetry } from './retry.ts'
import type { Scene, Way } from './simulate.ts'

export type Source = 'aws' | 'shared'
export const happenings = ['steady', 'start', 'outage'] as const
export type Happening = (typeof happenings)[number]

/** The start of a process with the SDK in it, and one request in a region; measured on two cores, and usual in a VPC. */
const processSeconds = 0.5
const latencySeconds = 0.15
/** A connection that nobody answers is given up after 3 s. */
const unansweredSeconds = 3
/** How often the writer of a shared snapshot reads, as docs/fleet.md has it. */
export const writerEverySeconds = 30

export interface Scenes {
  scene(agents: number, source: Source, happening: Happening, seed: number): Scene
}

/** Scenes with the constants of the agent: its configuration's defaults, its calls, its deadlines, its SDK's repetitions. */
export async function createScenes(yaml = 'version: 1\n'): Promise<Scenes> {
  const loaded = parseConfig(yaml, 'fleet', 0)
  if (!loaded.ok) throw new Error(loaded.problems.map(({ problem }) => problem).join('; '))
  const { topology, posture }: Config = loaded.config
  const retry = await sdkRetry(maxAttempts)
  const plan = (calls: readonly string[], deadlineSeconds: number): ReadingPlan => ({
    calls,
    deadlineSeconds,
    callSeconds,
    concurrency,
    startSeconds: processSeconds,
    latencySeconds,
    unansweredSeconds,
  })
  const all = plan(await callsOf('all', posture.enabled), restDeadlineSeconds)
  const ages = {
    refreshSeconds: topology.refreshSeconds,
    otherRefreshSeconds: topology.otherRefreshSeconds,
    maxAgeSeconds: topology.maxAgeSeconds,
    otherMaxAgeSeconds: topology.otherMaxAgeSeconds,
    startSeconds,
  }
  const own: Way = {
    ...ages,
    tables: plan(await callsOf('routeTables', false), tablesDeadlineSeconds),
    rest: plan(await callsOf('rest', posture.enabled), restDeadlineSeconds),
    all,
  }
  const fetched = plan(['s3:GetObject'], 40)
  const shared: Way = { ...ages, tables: fetched, rest: null, all: fetched }
  const outageFrom = 300
  return {
    scene: (agents, source, happening, seed) => ({
      agents,
      way: source === 'aws' ? own : shared,
      writer: source === 'aws' ? null : { everySeconds: writerEverySeconds, plan: all },
      allowance: (action) =>
        action === 's3:GetObject' ? { burst: s3GetsPerSecond, perSecond: s3GetsPerSecond } : ec2Allowance,
      retry,
      startWithinSeconds: happening === 'start' ? 5 : null,
      outage: happening === 'outage' ? { fromSeconds: outageFrom, toSeconds: outageFrom + 1200 } : null,
      seconds: happening === 'outage' ? outageFrom + 1200 + 1800 : 1800,
      seed,
    }),
  }
}
