import type { EgressControl } from '../../model/egress.ts'
import type { Clock } from '../../model/host.ts'
import type { Attempt, DnsObservation, Failure, Family, Observation } from '../../model/observation.ts'
import type { Target } from '../../model/target.ts'
import { canonicalIp } from '../../net/ip.ts'

export type Means = 'tcp' | 'udp'

/** What targets lately got through by: the controls of the ways out that must be closed. */
export interface ControlBook {
  observed(target: Target, observation: Observation): void
  /** Whether `target` lately got through by `means` in `family` (null: in either). */
  control(target: Target, means: Means, family: Family | null): EgressControl
}

interface Seen {
  monotonicMs: number
  wallMs: number
  text: string
}

/** A control that is older was not "at about the same time", however seldom its target is looked at. */
const longestSeconds = 300

/**
 * For how long a success counts: until the end of the target's next cycle, and half an interval more. Beyond that its last
 * cycle did not get through.
 */
export function controlSeconds(target: Pick<Target, 'schedule' | 'timeoutSeconds'>): number {
  const { schedule, timeoutSeconds } = target
  const every = schedule.kind === 'interval' ? schedule.everySeconds : longestSeconds
  return Math.min(1.5 * every + 2 * timeoutSeconds, longestSeconds)
}

/** `10.0.0.2:53`, `[fd00::2]:53`: family and address; null for what is no server of the network (this host's own stub). */
function serverOf(text: string): { family: Family; address: string } | null {
  const bare = /^\[([^\]]+)\]:\d+$/.exec(text)?.[1] ?? /^([^:]+):\d+$/.exec(text)?.[1] ?? ''
  // as usual: this host's own resolver library, which is no server
  const address = bare === '' ? null : canonicalIp(bare)
  if (address === null || address === '::1' || address.startsWith('127.')) return null
  return { family: address.includes(':') ? 6 : 4, address }
}

/**
 * Remembers, by target, what got through: TLS handshakes (whatever the certificate was worth), and answers by UDP of name
 * servers that are not on this host.
 */
export function createControlBook(clock: Clock): ControlBook {
  const good = new Map<string, Seen>()
  const failed = new Map<string, Seen>()
  const key = (target: string, means: Means, family: Family) => `${target}\n${means}\n${family}`

  const attempted = (target: string, { stamp, family, address, outcome }: Attempt): void => {
    const { monotonicMs, wallMs } = stamp
    if (outcome.reached === 'not_dialled') return
    const reached = outcome.reached === 'tls'
    const text = reached
      ? `${address} completed a handshake`
      : `${address} did not (${codeOf(outcome.failure)})`
    ;(reached ? good : failed).set(key(target, 'tcp', family), { monotonicMs, wallMs, text })
  }

  const asked = (target: string, { stamp, server, resolver, ipv4, ipv6 }: DnsObservation): void => {
    const at = serverOf(server)
    if (at === null) return
    const { monotonicMs, wallMs } = stamp
    const answered = [ipv4, ipv6].some((one) => one.answered && one.transport === 'udp')
    const text = `resolver ${resolver} (${at.address}) ${answered ? 'answered' : 'did not'} by UDP`
    ;(answered ? good : failed).set(key(target, 'udp', at.family), { monotonicMs, wallMs, text })
  }

  const one = (target: Target, means: Means, family: Family): EgressControl => {
    const seconds = controlSeconds(target)
    const found = good.get(key(target.name, means, family))
    const bad = failed.get(key(target.name, means, family))
    const base = { target: target.name, atMs: found?.wallMs ?? null }
    const ageSeconds = found === undefined ? Infinity : (clock.monotonicMs() - found.monotonicMs) / 1000
    if (found !== undefined && ageSeconds <= seconds)
      return {
        ...base,
        good: true,
        because: `control ${target.name}: ${found.text} ${Math.max(0, Math.round(ageSeconds))} s ago`,
      }
    const by = `${means === 'udp' ? 'UDP' : 'TLS'} over IPv${family}`
    const last = bad === undefined ? '' : `; the last try: ${bad.text}`
    const why =
      found === undefined
        ? `it has not got through by ${by}`
        : `it has not got through by ${by} for ${Math.round(ageSeconds)} s`
    return { ...base, good: false, because: `control ${target.name}: ${why}${last}` }
  }

  return {
    observed({ name }, observation) {
      if (observation.kind === 'attempt') attempted(name, observation)
      else if (observation.kind === 'dns') asked(name, observation)
    },
    control(target, means, family) {
      if (family !== null) return one(target, means, family)
      const both = ([4, 6] as const).map((each) => one(target, means, each))
      return both.find(({ good: through }) => through) ?? both[0] ?? one(target, means, 4)
    },
  }
}

function codeOf(failure: Failure): string {
  return 'code' in failure ? failure.code : failure.type
}
