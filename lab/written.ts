/** What others have written into a lab's account: log events, objects and values of metrics. It is there as long as the lab is. */

export interface WrittenEvent {
  stream: string
  /** Unix milliseconds. */
  timestamp: number
  message: string
}

export interface WrittenObject {
  key: string
  body: Buffer
  contentType: string
  /** Unix milliseconds. */
  modifiedMs: number
  lock: { mode: string; untilMs: number } | null
}

/** One value of a custom metric. */
export interface WrittenValue {
  namespace: string
  name: string
  dimensions: Record<string, string>
  value: number
  /** Unix milliseconds. */
  atMs: number
  /** Seconds. */
  resolution: number
}

export interface Written {
  /** Streams of a group, by name; empty without any. */
  streams(group: string): ReadonlyMap<string, WrittenEvent[]>
  /** False: there is one of that name. */
  makeStream(group: string, stream: string): boolean
  log(group: string, stream: string, events: readonly WrittenEvent[]): void
  /** Every version, oldest first. */
  objects(bucket: string): readonly WrittenObject[]
  put(bucket: string, object: WrittenObject): void
  /** The last 100,000, oldest first. */
  values(): readonly WrittenValue[]
  measure(values: readonly WrittenValue[]): void
}

const mostValues = 100_000

export function createWritten(): Written {
  const groups = new Map<string, Map<string, WrittenEvent[]>>()
  const buckets = new Map<string, WrittenObject[]>()
  const measured: WrittenValue[] = []
  const groupOf = (name: string): Map<string, WrittenEvent[]> => {
    const group = groups.get(name) ?? new Map<string, WrittenEvent[]>()
    groups.set(name, group)
    return group
  }
  return {
    streams: groupOf,
    makeStream(group, stream) {
      if (groupOf(group).has(stream)) return false
      groupOf(group).set(stream, [])
      return true
    },
    log: (group, stream, events) =>
      void groupOf(group)
        .get(stream)
        ?.push(...events),
    objects: (bucket) => buckets.get(bucket) ?? [],
    put(bucket, object) {
      buckets.set(bucket, [...(buckets.get(bucket) ?? []), object])
    },
    values: () => measured,
    measure(values) {
      measured.push(...values)
      if (measured.length > mostValues) measured.splice(0, measured.length - mostValues)
    },
  }
}
