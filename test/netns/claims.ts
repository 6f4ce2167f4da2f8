/** What agents said over time, and how long after a switch. */
import type { Agent, Sample } from './drive.ts'
import type { SeenPacket } from './plan.ts'
import type { Claim } from './truth.ts'

/** Value of the one series of a metric that has all of these labels; null: there is none. */
export function valueOf({ metrics }: Sample, metric: string, labels: Record<string, string>): number | null {
  const wanted = Object.entries(labels).map(([name, value]) => `${name}="${value}"`)
  for (const [series, value] of metrics) {
    if (series.startsWith(`${metric}{`) && wanted.every((label) => series.includes(label))) return value
  }
  return null
}

export const saysPrivate = (target: string) => (sample: Sample) =>
  valueOf(sample, 'pathproof_path_private', { target }) === 1

export const saysDirectConnect = (target: string) => (sample: Sample) =>
  valueOf(sample, 'pathproof_first_leg', { target, leg: 'direct_connect' }) === 1

export function claimsOf(agent: Agent, says: (sample: Sample) => boolean): Claim[] {
  return agent.samples.items.map((sample) => ({ ms: sample.ms, made: says(sample) }))
}

export interface Lag {
  switched: string
  said: string
  seconds: number
}

/** Waits for the first sample asked for after `sinceMs` of which `says` is true; the lag is added to `lags`. */
export async function lagUntil(
  agent: Agent,
  { sinceMs, switched, said, seconds }: { sinceMs: number; switched: string; said: string; seconds: number },
  says: (sample: Sample) => boolean,
  lags: Lag[],
): Promise<Sample> {
  const what = `${agent.name}: ${said} after "${switched}"`
  const left = seconds - (Date.now() - sinceMs) / 1000
  const find = (all: readonly Sample[]) => all.find((sample) => sample.ms >= sinceMs && says(sample))
  const found = await agent.samples.until(what, find, Math.max(left, 0.1))
  lags.push({ switched, said, seconds: (found.ms - sinceMs) / 1000 })
  return found
}

/** What came from one of the hosts, by the addresses that it or a NAT gateway has. */
export function sentFrom(packets: readonly SeenPacket[], sources: readonly string[]): SeenPacket[] {
  return packets.filter(({ source }) => sources.includes(source))
}

/** For people: what was switched, what followed, after how long. */
export function lagTable(lags: readonly Lag[]): string {
  const width = Math.max(...lags.map(({ switched }) => switched.length))
  return lags
    .map(
      ({ switched, said, seconds }) =>
        `  ${switched.padEnd(width)}  ${seconds.toFixed(1).padStart(5)} s  ${said}`,
    )
    .join('\n')
}
