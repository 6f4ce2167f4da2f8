/** Ways in which the APIs fail, as a scenario states them, and the counting that some of them need. */

/**
 * `error`: 500. `unavailable`: 503. `half`: the connection is cut in the middle of an answer of known length.
 * `truncated`: a whole HTTP answer with half of the XML. `html`: 200 and a web page, as a proxy or a portal gives.
 * `empty`: 200 and nothing. `endless`: after the last page comes the first one again. `auth_failure`, `expired`: the
 * credentials are refused. `silent`: never an answer. `reset`: the connection is reset.
 */
export const breakings = [
  'error',
  'unavailable',
  'half',
  'truncated',
  'html',
  'empty',
  'endless',
  'auth_failure',
  'expired',
  'silent',
  'reset',
] as const
export type Breaking = (typeof breakings)[number]

/** Keys are actions, or `all` for every action that has no entry of its own. */
export interface ApiFaults {
  /** Actions without permission; `Action/id` denies it for one prefix list or VPC only. */
  deny: string[]
  /** How many requests are throttled before one gets through; `always`: none does. */
  throttle: Record<string, number | 'always'>
  /** Seconds before an answer. */
  latency: Record<string, number>
  /** With `skip` only after so many requests, with `times` for so many only. */
  breaks: Record<string, { how: Breaking; skip: number; times: number | null }>
  /** The most items of a page, whatever is asked for; null: as AWS documents it. */
  pageSize: number | null
  /** Roles that the host may assume. With `externalId` only by those who give it. */
  roles: { arn: string; externalId?: string }[]
}

export const noFaults: ApiFaults = {
  deny: [],
  throttle: {},
  latency: {},
  breaks: {},
  pageSize: null,
  roles: [],
}

export interface FaultState {
  current(): ApiFaults
  /** From now on. What is counted is counted from here. */
  set(faults: ApiFaults): void
  latencySeconds(action: string): number
  /** Counts this request. */
  breaking(action: string): Breaking | null
  /** Counts this request. */
  throttled(action: string): boolean
  denied(action: string, resource: string | null): boolean
}

export function createFaults(first: ApiFaults): FaultState {
  let faults = first
  const counts = new Map<string, number>()
  const count = (key: string): number => {
    const before = counts.get(key) ?? 0
    counts.set(key, before + 1)
    return before
  }
  const entry = <T>(table: Readonly<Record<string, T>>, action: string): { key: string; value: T } | null => {
    for (const key of [action, 'all']) {
      const value = Object.hasOwn(table, key) ? table[key] : undefined
      if (value !== undefined) return { key, value }
    }
    return null
  }
  return {
    current: () => faults,
    set: (next) => {
      faults = next
      counts.clear()
    },
    latencySeconds: (action) => entry(faults.latency, action)?.value ?? 0,
    breaking: (action) => {
      const found = entry(faults.breaks, action)
      if (found === null) return null
      const { how, skip, times } = found.value
      const before = count(`breaks ${found.key}`) - skip
      return before >= 0 && (times === null || before < times) ? how : null
    },
    throttled: (action) => {
      const found = entry(faults.throttle, action)
      if (found === null) return false
      return found.value === 'always' || count(`throttle ${found.key}`) < found.value
    },
    denied: (action, resource) =>
      faults.deny.includes(action) ||
      faults.deny.includes('all') ||
      (resource !== null && faults.deny.includes(`${action}/${resource}`)),
  }
}
