import { randomInt } from 'node:crypto'
import type { DnsObservation } from '../../model/observation.ts'
import type { Target, WatchedName } from '../../model/target.ts'
import { queryResolver } from '../../probes/dns.ts'
import { querySystem } from '../../probes/system-resolver.ts'
import type { WatchDeps } from './watch-deps.ts'

/**
 * Asks every resolver of the target for one name, those that count and those that are only compared, at the same time.
 * A failure is an answer; rejects only if `signal` aborts.
 */
export async function askResolvers(
  target: Target,
  name: WatchedName,
  deps: Pick<WatchDeps, 'host' | 'stamp' | 'lookups' | 'resolvers'>,
  signal: AbortSignal,
): Promise<DnsObservation[]> {
  const { host } = deps
  const base = {
    clock: host.clock,
    serverAddress: host.serverAddress,
    stamp: deps.stamp,
    randomId: () => randomInt(0x10000),
    timeoutSeconds: target.timeoutSeconds,
    signal,
  }
  const one = async (resolver: string, counts: boolean): Promise<DnsObservation[]> => {
    if (resolver === 'system') {
      const both = await querySystem(name.hostname, {
        ...base,
        lookup: host.lookup,
        systemServers: host.systemServers,
        lookups: deps.lookups,
      })
      return both.map((o) => ({ ...o, counts }))
    }
    const server = deps.resolvers.get(resolver)
    if (server === undefined) return []
    return [
      await queryResolver({ hostname: name.hostname, resolver: { name: resolver, server }, counts }, base),
    ]
  }
  const asked = await Promise.all([
    ...target.resolvers.map((r) => one(r, true)),
    ...target.compareResolvers.map((r) => one(r, false)),
  ])
  return asked.flat()
}
