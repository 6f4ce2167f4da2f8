/** The words in which the scenes of `paths.netns.ts` are told. */
import type { ExpectStatic } from 'vitest'
import { usual } from '../../lab/world/default.ts'
import { type Lag, lagUntil } from './claims.ts'
import type { Agent, Sample, Stage } from './drive.ts'
import { endpointRanges, region } from './world.ts'
import { privateTable } from './network.ts'
import type { Claim } from './truth.ts'

export interface Scene {
  stage: Stage
  expect: ExpectStatic
  lags: Lag[]
  notes: string[]
}

/** The least interval for a time-out of 2 s, and the shortest rhythm in which the account may be read. */
export const everySeconds = 3
export const refreshSeconds = 10
/** The work itself, on a machine that is busy. */
const workSeconds = 8
/** The stated lag: an interval, and a reading of the account (each wait is up to a tenth longer). */
export const apiLagSeconds = everySeconds + 1.1 * refreshSeconds + workSeconds
/** What the host itself shows needs no reading: an interval, and a connection that times out. */
export const hostLagSeconds = everySeconds + 2 + workSeconds
/** For every attempt of before to be no word any more: three intervals and a time-out. */
export const lifeSeconds = 3 * everySeconds + 2
export const egressSeconds = 5
export const egressLagSeconds = egressSeconds + 2 + workSeconds

export const cycle = { every: `${everySeconds}s`, timeout: '2s' }
export const bucket = { service: 's3', region, bucket: 'artifacts-lab', styles: ['regional'] }

export const common = ({ caFile }: Stage) => ({
  version: 1,
  partition_roots: [{ partition: 'aws', file: caFile }],
  web: { listen: '127.0.0.1:0' },
})

export const ip = (ns: string, ...lines: string[]): string =>
  `ip -n ${ns} -batch - <<'END'\n${lines.join('\n')}\nEND`

export const nft = (ns: string, ...lines: string[]): string =>
  `nsenter --net=/run/netns/${ns} nft -f - <<'END'\n${lines.join('\n')}\nEND`

/** The routes that lead S3's ranges through the gateway endpoint. */
export const endpointRoutes = (what: 'add' | 'del'): string =>
  ip('vpc', ...endpointRanges.map((range) => `route ${what} ${range} dev gwe table ${privateTable}`))

/** What is done in a scene, and what is waited for. */
export function handsOf({ stage, lags }: Scene, agent: Agent) {
  return {
    network: (...scripts: string[]) => stage.tell({ do: 'network', script: scripts.join('\n') }),
    delay: (link: string, delayMs: number) => stage.tell({ do: 'delay', link, delayMs }),
    account: (change: object) => stage.tell({ do: 'world', change }),
    /** The private subnets' route table as the API shows it. */
    table: (change: object) =>
      stage.tell({ do: 'world', change: { tables: [{ id: usual.privateTable, ...change }] } }),
    /** When all of it was done. */
    async done(...all: Promise<unknown>[]): Promise<number> {
      await Promise.all(all)
      return Date.now()
    },
    wait(seconds: number): Promise<Sample> {
      const untilMs = Date.now() + seconds * 1000
      const find = (all: readonly Sample[]) => all.find(({ ms }) => ms >= untilMs)
      return agent.samples.until(`${seconds} s of samples`, find, seconds + 20)
    },
    /** Waits for what no sample shows, looking whenever one comes. */
    see: (what: string, find: () => unknown) => agent.samples.until(what, () => Boolean(find()), 25),
    lag: (
      sinceMs: number,
      switched: string,
      said: string,
      seconds: number,
      says: (sample: Sample) => boolean,
    ) => lagUntil(agent, { sinceMs, switched, said, seconds }, says, lags),
    now: (): Sample => agent.samples.items.at(-1)!,
    name: async (target: string) =>
      (await agent.verdicts()).targets.find((each) => each.target === target)?.names[0],
  }
}

/** For people: how often something was claimed. */
export function made(claims: readonly Claim[]): string {
  return `${claims.filter((claim) => claim.made).length} of ${claims.length} samples`
}

export function words(counts: Partial<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([at, count]) => `${at} ${count}`)
    .join(', ')
}
