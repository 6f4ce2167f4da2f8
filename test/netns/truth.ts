/** What the captured packets say of what was claimed: pure. */
import type { SeenPacket, Station } from './plan.ts'

/** Something was said to be so at a time, of connections to these addresses. */
export interface Claim {
  /** Unix milliseconds: when it was read. */
  ms: number
  made: boolean
}

export interface FalseClaim {
  /** When it was read. */
  ms: number
  address: string
  /** Since when every connection to the address went otherwise. */
  sinceMs: number
  at: Station
}

/** The stations that each packet tells of: whether the claim holds for it, or not; null: it says nothing of it. */
export type Meaning = (packet: SeenPacket) => boolean | null

/** A way out to the internet, or AWS's public addresses: not what "private" means. */
const publicStations: readonly Station[] = ['nat', 'igw', 'r1', 'r3', 'isp', 'pvif']
const privateStations: readonly Station[] = ['gwe', 'epa', 'epb']

/** Whether a connection went by a private path. Lines of the data centre decide only what leaves by the provider's. */
export function wentPrivately({ at, kind }: SeenPacket): boolean | null {
  if (kind !== 'tcp') return null
  if (publicStations.includes(at)) return false
  return privateStations.includes(at) ? true : null
}

/** Whether a connection left the data centre by Direct Connect. */
export function wentByDirectConnect({ at, kind }: SeenPacket): boolean | null {
  if (kind !== 'tcp') return null
  if (at === 'dx') return true
  return at === 'vpn' || at === 'isp' ? false : null
}

/**
 * Claims that the packets refute: while every connection to one of the addresses went otherwise for longer than `lagMs`,
 * or after the claim had been taken back meanwhile. What no packet speaks of refutes nothing. Both lists in order of time.
 */
export function refuted(
  claims: readonly Claim[],
  packets: readonly SeenPacket[],
  addresses: ReadonlySet<string>,
  meaning: Meaning,
  lagMs: number,
): FalseClaim[] {
  const found: FalseClaim[] = []
  for (const address of addresses) {
    const own = packets.filter(({ destination }) => destination === address)
    let next = 0
    let run: { sinceMs: number; at: Station; takenBack: boolean } | null = null
    for (const { ms, made } of claims) {
      for (; (own[next]?.ms ?? Number.POSITIVE_INFINITY) <= ms; next++) {
        const packet = own[next] as SeenPacket
        const word = meaning(packet)
        if (word === true) run = null
        else if (word === false) run ??= { sinceMs: packet.ms, at: packet.at, takenBack: false }
      }
      if (run === null) continue
      if (!made) run.takenBack = true
      else if (run.takenBack || ms - run.sinceMs > lagMs)
        found.push({ ms, address, sinceMs: run.sinceMs, at: run.at })
    }
  }
  return found
}

/** How many connections to the addresses went by each of the stations. */
export function tally(
  packets: readonly SeenPacket[],
  addresses: ReadonlySet<string>,
): Partial<Record<Station, number>> {
  const counts: Partial<Record<Station, number>> = {}
  for (const { at, kind, destination } of packets) {
    if (kind === 'tcp' && addresses.has(destination)) counts[at] = (counts[at] ?? 0) + 1
  }
  return counts
}

export interface Attempted {
  kind: string
  address: string
  port: number
}

/**
 * Where a process and its children tried to go, from `strace -f -e trace=connect,sendto,sendmsg,sendmmsg`: every address of
 * IPv4 and IPv6 that was handed to the kernel, whether it could be reached or not.
 */
export function attemptedOf(trace: string): Attempted[] {
  const found = new Map<string, Attempted>()
  const add = (kind: string, address: string, port: string): void =>
    void found.set(`${kind} ${address} ${port}`, { kind, address, port: Number(port) })
  for (const line of trace.split('\n')) {
    const call = /\b(connect|sendto|sendmsg|sendmmsg)\(/u.exec(line)?.[1]
    if (call === undefined) continue
    const four = /sa_family=AF_INET, sin_port=htons\((\d+)\), sin_addr=inet_addr\("([\d.]+)"\)/gu
    const six = /sa_family=AF_INET6, sin6_port=htons\((\d+)\),.*?inet_pton\(AF_INET6, "([^"]+)"/gu
    for (const [, port = '', address = ''] of [...line.matchAll(four), ...line.matchAll(six)])
      add(call, address, port)
  }
  return [...found.values()]
}
