import type { Family } from '../model/observation.ts'
import { safeText } from '../model/text.ts'
import { canonicalIp } from '../net/ip.ts'
import type { CommandResult } from './run-command.ts'

/*
 * What is asked of iproute2's `ip` and how its answers are read: pure. JSON output since iproute2 4.17, `fibmatch`
 * since Linux 4.13. Errors are the kernel's own words (strerror), in English because of LC_ALL=C.
 */

/** Selectors of policy rules that a plain socket of this agent does not have, or has not yet when the route is asked. */
export interface Selectors {
  mark?: string
  uid?: string
  ipproto?: string
  sport?: string
  dport?: string
}

export interface NextHop {
  device: string
  gateway: string | null
}

export type RouteAnswer =
  | { kind: 'route'; type: string; nextHop: NextHop; source: string | null; encapsulated: boolean }
  /** The kernel said that there is no way; `reason` in its words. */
  | { kind: 'unreachable'; reason: string }
  | { kind: 'unreadable'; reason: string }

/** The distinct next hops of the routing-table entry that matches. */
export type MatchAnswer = { kind: 'hops'; hops: NextHop[]; encapsulated: boolean } | { kind: 'unreadable' }

/** `ip` in batch mode: one process for several questions, that goes on after one fails. */
export function batchArgs(family: Family): string[] {
  return [family === 6 ? '-6' : '-4', '-j', '-d', '-force', '-batch', '-']
}

/** One line of a batch. Addresses must be canonical, selectors as `parseRules` gave them: nothing in them is quoted. */
export function routeGetLine(destination: string, source: string | null, extra: Selectors = {}): string {
  const from = source === null ? '' : ` from ${source}`
  const selectors = Object.entries(extra).map(([name, value]) => ` ${name} ${value}`)
  return `route get ${destination}${from}${selectors.join('')}`
}

export function fibMatchLine(destination: string, source: string | null): string {
  return `route get fibmatch ${destination}${source === null ? '' : ` from ${source}`}`
}

export const ruleLine = 'rule show'

export function linkArgs(device: string): string[] {
  return ['-j', '-d', 'link', 'show', 'dev', device]
}

/** Arguments for the links that a bond or bridge holds together. */
export function memberArgs(device: string): string[] {
  return ['-j', '-d', 'link', 'show', 'master', device]
}

export type BatchLine = { ok: true; json: unknown } | { ok: false; reason: string }

/**
 * The answers of a batch of `count` lines, in order; null if they can't be told apart (an `ip` that stops at the
 * first mistake, or does not know the options). `readJson` reads the document of one line and throws if it is none.
 */
export function parseBatch(
  result: CommandResult,
  count: number,
  readJson: (text: string, index: number) => unknown = (text) => JSON.parse(text),
): BatchLine[] | null {
  if (!result.ran || result.code === null) return null
  const lines: (BatchLine | undefined)[] = Array.from({ length: count })
  let reason = 'failed'
  for (const line of result.stderr.split('\n')) {
    const failed = /^Command failed -:(\d+)$/.exec(line.trim())
    if (!failed) {
      if (line.trim() !== '') reason = safeText(line.trim().replace(/^RTNETLINK answers: /, ''), 120)
      continue
    }
    const index = Number(failed[1]) - 1
    if (index < 0 || index >= count) return null
    lines[index] = { ok: false, reason }
    reason = 'failed'
  }
  const documents = result.stdout.split('\n').filter((line) => line.trim() !== '')
  for (let index = 0; index < count; index++) {
    if (lines[index]) continue
    const text = documents.shift()
    if (text === undefined) return null
    try {
      lines[index] = { ok: true, json: readJson(text, index) }
    } catch {
      return null
    }
  }
  return documents.length === 0 ? (lines as BatchLine[]) : null
}

export type Fields = Record<string, unknown>

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The one object of a JSON array with one entry, or null. */
function onlyEntry(json: unknown): Fields | null {
  if (!Array.isArray(json)) return null
  // some versions put empty objects before or after the entry
  const entries = json.filter((entry) => isFields(entry) && Object.keys(entry).length > 0)
  return entries.length === 1 ? (entries[0] as Fields) : null
}

/** A device name as the kernel allows it (dev_valid_name), and safe on a command line of ours. */
function deviceName(value: unknown): string | null {
  return typeof value === 'string' && /^[^\s/:]{1,15}$/.test(value) && !/^[-.]/.test(value) ? value : null
}

function address(value: unknown): string | null {
  return typeof value === 'string' ? canonicalIp(value) : null
}

/** `gateway`, or `via` where it is of the other family. A gateway that can't be read is no hop. */
function nextHop(fields: Fields): NextHop | null {
  const device = deviceName(fields['dev'])
  if (device === null) return null
  const via = isFields(fields['via']) ? fields['via']['host'] : undefined
  const text = fields['gateway'] ?? via
  if (text === undefined) return { device, gateway: null }
  const gateway = address(text)
  return gateway === null ? null : { device, gateway }
}

const noWay = new Set(['unreachable', 'prohibit', 'blackhole', 'throw'])

/** What Linux answers for no route at all, `unreachable`, `prohibit`, and `blackhole` routes. */
const kernelWords = new Set([
  'Network is unreachable',
  'No route to host',
  'Host is unreachable',
  'Permission denied',
  'Invalid argument',
])

export const networkUnreachable = 'Network is unreachable'

/** Reads the answer to a `routeGetLine`. Never throws. */
export function parseRouteGet(line: BatchLine): RouteAnswer {
  if (!line.ok) {
    return { kind: kernelWords.has(line.reason) ? 'unreachable' : 'unreadable', reason: line.reason }
  }
  const fields = onlyEntry(line.json)
  if (!fields) return { kind: 'unreadable', reason: 'not one route' }
  const type = typeof fields['type'] === 'string' ? fields['type'] : 'unicast'
  // IPv6 answers such a route as a success
  if (noWay.has(type)) return { kind: 'unreachable', reason: `${type} route` }
  const hop = nextHop(fields)
  if (!hop) return { kind: 'unreadable', reason: 'no device or gateway that can be read' }
  return {
    kind: 'route',
    type,
    nextHop: hop,
    source: address(fields['prefsrc']) ?? address(fields['from']),
    encapsulated: 'encap' in fields,
  }
}

/**
 * False for the answer to a `routeGetLine` of another destination or source: answers are told apart by their order alone, and one
 * of a lasting `ip` could come late. What is no route speaks of none.
 */
export function isAnswerTo(line: BatchLine, destination: string, source: string | null): boolean {
  const fields = line.ok ? onlyEntry(line.json) : null
  // an encapsulation writes its own `dst` over that of the route, and is no evidence in any case
  if (fields === null || 'encap' in fields) return true
  if (address(fields['dst']) !== destination) return false
  return source === null || !('from' in fields) || address(fields['from']) === source
}

/** Reads the answer to a `fibMatchLine`. Never throws. */
export function parseFibMatch(line: BatchLine): MatchAnswer {
  const fields = line.ok ? onlyEntry(line.json) : null
  if (!fields) return { kind: 'unreadable' }
  const list = fields['nexthops']
  const entries = Array.isArray(list) ? list : [fields]
  const hops: NextHop[] = []
  let encapsulated = 'encap' in fields
  for (const entry of entries) {
    const hop = isFields(entry) ? nextHop(entry) : null
    if (!hop) return { kind: 'unreadable' }
    if ('encap' in entry) encapsulated = true
    if (!hops.some(({ device, gateway }) => device === hop.device && gateway === hop.gateway)) hops.push(hop)
  }
  return hops.length === 0 ? { kind: 'unreadable' } : { kind: 'hops', hops, encapsulated }
}

/** A device as the kernel's own interface list gives it. */
export interface Link {
  index: number
  name: string
  /** `ether`, `loopback`, `none`, … */
  linkType: string
  mac: string | null
  /** Kind of a virtual device (`veth`, `vlan`, …); null for hardware, and for tun on old kernels. */
  infoKind: string | null
  /** Bus of the hardware behind it (`pci`, `virtio`, `xen`, …); iproute2 5.14 and newer. */
  parentBus: string | null
  /** The device below it, if it is in this namespace. */
  lower: string | null
}

/** Reads `ip -j -d link show dev …`. Null if it can't be read. Never throws. */
export function parseLink(result: CommandResult): Link | null {
  const links = parseLinks(result)
  return links?.length === 1 ? (links[0] ?? null) : null
}

/** All links of an answer, in its order; null if any can't be read. */
export function parseLinks(result: CommandResult): Link[] | null {
  if (!result.ran || result.code !== 0) return null
  let json: unknown
  try {
    json = JSON.parse(result.stdout)
  } catch {
    return null
  }
  if (!Array.isArray(json)) return null
  // `ip` prints {} for what it left out
  const entries = json.filter((entry) => !isFields(entry) || Object.keys(entry).length > 0)
  const links = entries.map((entry) => (isFields(entry) ? linkOf(entry) : null))
  return links.every((link) => link !== null) ? links : null
}

function linkOf(fields: Fields): Link | null {
  const { ifindex, ifname, link_type: linkType, address: mac, linkinfo, parentbus, link } = fields
  const name = deviceName(ifname)
  if (name === null || typeof ifindex !== 'number' || typeof linkType !== 'string') return null
  const info = isFields(linkinfo) ? linkinfo['info_kind'] : undefined
  return {
    index: ifindex,
    name,
    linkType,
    mac: typeof mac === 'string' && /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i.test(mac) ? mac.toLowerCase() : null,
    infoKind: typeof info === 'string' ? info : null,
    parentBus: typeof parentbus === 'string' ? parentbus : null,
    lower: deviceName(link),
  }
}
