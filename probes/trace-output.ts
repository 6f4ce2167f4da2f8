import type { TraceHop } from '../model/first-leg.ts'
import { canonicalIp } from '../net/ip.ts'

/*
 * What mtr and traceroute are asked and how their answers are read: pure. All of it is foreign text: only addresses and
 * distances get out of here.
 */

export interface TraceQuestion {
  address: string
  port: number
  /** Null: the kernel chooses. */
  source: string | null
}

/** As far as packets are followed; sites have far fewer routers than that. */
export const mostHops = 30

/** mtr(8): TCP SYN to the port, addresses only, two rounds. `json`: since 0.87; the report is older. */
export function mtrArgs({ address, port, source }: TraceQuestion, form: 'json' | 'report'): string[] {
  return [
    ...['--tcp', '--port', String(port), '--no-dns', '--report-cycles', '2', '--max-ttl', String(mostHops)],
    ...(source === null ? [] : ['--address', source]),
    ...(form === 'json' ? ['--json'] : ['--report', '--report-wide']),
    address,
  ]
}

/** traceroute(8) of Linux: TCP SYN to the port, addresses only. Others (inetutils, busybox) know no TCP and say so. */
export function tracerouteArgs({ address, port, source }: TraceQuestion): string[] {
  return [
    ...['-T', '-p', String(port), '-n', '-q', '2', '-w', '2', '-m', String(mostHops)],
    ...(source === null ? [] : ['-s', source]),
    address,
  ]
}

/** Hops by distance; the same distance twice is united. Null: that can't be a way. */
function inOrder(found: readonly TraceHop[]): TraceHop[] | null {
  const byTtl = new Map<number, Set<string>>()
  for (const { ttl, addresses } of found) {
    if (!Number.isInteger(ttl) || ttl < 1 || ttl > 255) return null
    const known = byTtl.get(ttl) ?? new Set<string>()
    for (const address of addresses) known.add(address)
    byTtl.set(ttl, known)
  }
  if (byTtl.size === 0) return null
  return [...byTtl]
    .map(([ttl, addresses]) => ({ ttl, addresses: [...addresses] }))
    .toSorted((a, b) => a.ttl - b.ttl)
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : null
}

/** `???`: nobody answered; null: neither that nor an address. */
function hostOf(text: string): string[] | null {
  if (text === '???') return []
  // with names switched off by nobody: `name (address)`
  const address = canonicalIp(/\(([^()]*)\)$/.exec(text)?.[1] ?? text)
  return address === null ? null : [address]
}

/** `mtr --json`: `report.hubs` with `count` (text up to 0.92, a number since) and `host`. Null if it is no such report. */
export function parseMtrJson(text: string): TraceHop[] | null {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return null
  }
  const hubs = fieldsOf(fieldsOf(value)?.['report'])?.['hubs']
  if (!Array.isArray(hubs)) return null
  const hops: TraceHop[] = []
  for (const hub of hubs) {
    const { count, host } = fieldsOf(hub) ?? {}
    const ttl = typeof count === 'string' && /^\d{1,3}$/.test(count) ? Number(count) : count
    const addresses = typeof host === 'string' ? hostOf(host) : null
    if (typeof ttl !== 'number' || addresses === null) return null
    hops.push({ ttl, addresses })
  }
  return inOrder(hops)
}

/** `mtr --report`: lines `  1.|-- 10.0.0.1  0.0% …`, and further hosts of the same distance below. Null if it is no such report. */
export function parseMtrReport(text: string): TraceHop[] | null {
  const hops: TraceHop[] = []
  for (const line of text.split('\n')) {
    const hop = /^\s*(\d{1,3})\.\s*\|--\s+(\S+)(?:\s|$)/.exec(line)
    const further = /^\s*\|\s+(?:`\|--|\|--)\s+(\S+)\s*$/.exec(line) ?? /^\s{6,}(\S+)\s*$/.exec(line)
    const ttl = hop === null ? (hops.at(-1)?.ttl ?? null) : Number(hop[1])
    const host = hop?.[2] ?? further?.[1]
    if (host === undefined || ttl === null) continue
    const addresses = hostOf(host)
    if (addresses === null) return null
    hops.push({ ttl, addresses })
  }
  return inOrder(hops)
}

/**
 * `traceroute`: a header, then ` 2  10.0.0.1  0.3 ms 10.0.0.2  0.2 ms  *`, with `!N` and the like and `<syn,ack>` between; from
 * some versions `name (address)`. Null if it is no such output.
 */
export function parseTraceroute(text: string): TraceHop[] | null {
  const [header = '', ...lines] = text.split('\n').filter((line) => line.trim() !== '')
  if (!/^traceroute6? to \S+ \(\S+\)[,:]? .*hops max/.test(header.trim())) return null
  const hops: TraceHop[] = []
  for (const line of lines) {
    const match = /^\s*(\d{1,3})\s{1,4}(\S.*)$/.exec(line)
    const ttl = match === null ? (hops.at(-1)?.ttl ?? null) : Number(match[1])
    const words = (match?.[2] ?? line).trim()
    if (ttl === null) return null
    const addresses: string[] = []
    for (const word of words.split(/\s+/)) {
      const bare = word.replace(/^\((.*)\)$/, '$1')
      const address = canonicalIp(bare)
      if (address !== null) addresses.push(address)
      else if (!/^(?:\*|\d+(?:\.\d+)?|ms|\d+(?:\.\d+)?ms|![A-Z]?(?:-?\d+)?|<[a-z,]+>|\[[^\]]*\])$/.test(bare))
        if (!/^[A-Za-z0-9_.-]{1,253}$/.test(bare) || !words.includes(`${bare} (`))
          // a name in front of its address; anything else is not understood
          return null
    }
    hops.push({ ttl, addresses })
  }
  return inOrder(hops)
}
