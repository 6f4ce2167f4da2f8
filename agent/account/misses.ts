import { parseHostname } from '../../aws/hostname.ts'
import type { Clock } from '../../model/host.ts'
import type { Snapshot } from '../../model/topology.ts'
import type { NameVerdict } from '../../model/verdict.ts'

/** Services that gateway endpoints exist for: only of their addresses there are lists. */
const listed = new Set(['s3', 's3express', 'dynamodb'])

function mayBeListed(hostname: string): boolean {
  const parsed = parseHostname(hostname)
  const service = parsed.ok ? parsed.name.service : null
  return service === null || listed.has(service)
}

/**
 * What these judgements met that the account's reading does not explain: addresses of such a service outside every list that
 * a gateway endpoint could take, and ids of endpoints to which a route of theirs leads and which `snapshot` does not describe. Both may have
 * been made on AWS's side since the reading. Each once. Pure.
 */
export function missesOf(names: readonly NameVerdict[], snapshot: Snapshot | null): string[] {
  const described = new Set(snapshot?.endpoints.map(({ id }) => id))
  const misses = new Set<string>()
  for (const { hostname, address, flags, bases } of names.flatMap(({ attempts }) => attempts)) {
    if (flags.includes('answer_outside_list') && mayBeListed(hostname)) misses.add(address)
    for (const { route, target } of bases) {
      // what is declared leads to somebody else's endpoint: that this account does not describe it is no news
      if (route === 'declared') continue
      for (const id of target.split(/[ >]/)) if (id.startsWith('vpce-') && !described.has(id)) misses.add(id)
    }
  }
  return [...misses]
}

export interface MissBook {
  /** What was met now. Asks for a reading if any of it is new: once an hour for each, and once a minute for all. */
  met(misses: readonly string[]): void
}

const eachMs = 3600_000
const allMs = 60_000
/** Beyond this many the oldest are forgotten: they may ask again, still at most once a minute. */
const mostKnown = 4096

/** `ask` is told that a reading of the account may explain what the last one did not. */
export function createMissBook({ clock, ask }: { clock: Clock; ask(): void }): MissBook {
  /** When a reading was asked for because of it; in that order. */
  const asked = new Map<string, number>()
  let lastMs = -Infinity
  return {
    met(misses) {
      const nowMs = clock.monotonicMs()
      const due = misses.filter((miss) => nowMs - (asked.get(miss) ?? -Infinity) >= eachMs)
      if (due.length === 0 || nowMs - lastMs < allMs) return
      lastMs = nowMs
      for (const miss of due) {
        asked.delete(miss)
        asked.set(miss, nowMs)
      }
      for (const miss of asked.keys()) {
        if (asked.size <= mostKnown) break
        asked.delete(miss)
      }
      ask()
    },
  }
}
