import type { CaptureInterface, CapturedRecord, CapturePoints } from '../../model/capture.ts'
import { flowFacts } from '../../model/flow.ts'
import type { Attempt } from '../../model/observation.ts'
import { canonicalIp } from '../../net/ip.ts'
import { recordsSought } from '../../verdict/flow-join.ts'

/** `own`: by the attempt's own ports; `nat`: somebody's connection through a NAT gateway on its way to the same address. */
export type FoundAs = 'own' | 'nat'

/** Finds the attempts that a record can be of, in a time that does not grow with their number. */
export interface LateIndex<T> {
  add(item: T, attempt: Attempt, points: CapturePoints): void
  remove(item: T): void
  /** What NAT gateways carried is not looked for any more. */
  removeFromNat(item: T): void
  find(record: CapturedRecord): { item: T; as: FoundAs }[]
}

/** Attempts through one NAT gateway to one address are looked up by time as well: all its records match all of them. */
const bucketSeconds = 300
/** A record sums up ten minutes at most; for one that claims more than this all attempts are looked at. */
const mostBuckets = 8
const anyTime = '*'

interface Sought {
  own: string
  nat: string[]
  /** Interfaces and regional gateways. */
  nats: ReadonlySet<string>
  fromSeconds: number
  toSeconds: number
}

function placeOf({ interfaceId, natGatewayId }: CaptureInterface): string {
  return interfaceId ?? natGatewayId ?? ''
}

function buckets(fromSeconds: number, toSeconds: number, most: number): (number | string)[] {
  const first = Math.floor(fromSeconds / bucketSeconds)
  const last = Math.floor(toSeconds / bucketSeconds)
  if (last - first >= most) return [anyTime]
  return Array.from({ length: last - first + 1 }, (_, n) => first + n)
}

export function createLateIndex<T>(): LateIndex<T> {
  const known = new Map<T, Sought>()
  const own = new Map<string, Set<T>>()
  const nat = new Map<string, Set<T>>()

  const put = (index: Map<string, Set<T>>, key: string, item: T): void => {
    const set = index.get(key) ?? new Set()
    index.set(key, set.add(item))
  }
  const take = (index: Map<string, Set<T>>, key: string, item: T): void => {
    const set = index.get(key)
    set?.delete(item)
    if (set?.size === 0) index.delete(key)
  }
  const removeFromNat = (item: T): void => {
    for (const key of known.get(item)?.nat ?? []) take(nat, key, item)
  }

  return {
    add(item, attempt, points) {
      const sought = recordsSought(attempt)
      if (sought === null) return
      const { remote, remotePort, localPort, fromSeconds, toSeconds } = sought
      const nats = new Set(points.nats.map(placeOf))
      const to = `${remote} ${remotePort}`
      const entry: Sought = {
        own: `${to} ${localPort}`,
        nat:
          nats.size === 0
            ? []
            : [anyTime, ...buckets(fromSeconds, toSeconds, Infinity)].map((bucket) => `${to} ${bucket}`),
        nats,
        fromSeconds,
        toSeconds,
      }
      known.set(item, entry)
      put(own, entry.own, item)
      for (const key of entry.nat) put(nat, key, item)
    },
    remove(item) {
      const sought = known.get(item)
      if (sought === undefined) return
      take(own, sought.own, item)
      removeFromNat(item)
      known.delete(item)
    },
    removeFromNat,
    find({ record }) {
      const facts = flowFacts(record)
      const { startSeconds, endSeconds, srcport, dstport } = facts
      if (startSeconds === null || endSeconds === null || !(startSeconds <= endSeconds)) return []
      const place = facts.interfaceId ?? facts.resourceId ?? ''
      const found = new Map<T, FoundAs>()
      const look = (item: T, as: FoundAs): void => {
        const sought = known.get(item)
        if (sought === undefined || startSeconds > sought.toSeconds || endSeconds < sought.fromSeconds) return
        if (as === 'own' || (sought.nats.has(place) && !found.has(item))) found.set(item, as)
      }
      const remotes = [facts.dstaddr, facts.pktDstaddr].flatMap((address) =>
        address === null ? [] : (canonicalIp(address) ?? []),
      )
      for (const remote of new Set(remotes)) {
        const to = `${remote} ${dstport}`
        for (const item of own.get(`${to} ${srcport}`) ?? []) look(item, 'own')
        if (nat.size === 0) continue
        for (const bucket of buckets(startSeconds, endSeconds, mostBuckets))
          for (const item of nat.get(`${to} ${bucket}`) ?? []) look(item, 'nat')
      }
      return [...found].map(([item, as]) => ({ item, as }))
    },
  }
}
