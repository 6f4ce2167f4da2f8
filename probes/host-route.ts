import type { Clock, HostAccess } from '../model/host.ts'
import type { Family, HostRoute } from '../model/observation.ts'
import { formatIp, mappedIpv4, parseIp } from '../net/ip.ts'
import type { Ip } from '../net/ip.ts'
import { lookAtDevice, onlyDevice } from './device.ts'
import type { Device, DeviceDeps } from './device.ts'
import {
  batchArgs,
  fibMatchLine,
  isAnswerTo,
  networkUnreachable,
  parseBatch,
  parseFibMatch,
  parseRouteGet,
  routeGetLine,
  ruleLine,
} from './ip-command.ts'
import type { BatchLine, NextHop, Selectors } from './ip-command.ts'
import { parseRules } from './ip-rules.ts'
import type { RuleReading } from './ip-rules.ts'
import { procNextHop } from './proc-route.ts'
import { readPacketFilters, redirectOf } from './packet-filters.ts'
import { remembering } from './remember.ts'

export interface HostRouteDeps extends DeviceDeps {
  clock: Clock
  /** Of this process, since rules may choose by it; null where there is none. */
  uid: number | null
  /** MACs by device as the kernel lists them in this namespace (`os.networkInterfaces()`). */
  macs(): ReadonlyMap<string, string>
}

/**
 * What does not depend on the destination (devices, packet filters) may be this old: one reading serves a burst of
 * attempts, for a large rule set costs more to list than all of the attempt.
 */
const sharedForSeconds = 2
/** Rules with selectors that are tried one by one; a host with more is not worked out. */
const maxVariants = 16

interface Question {
  destination: string
  ip: Ip
  source: string | null
  family: Family
}

function questionOf(destination: string, source: string | null): Question | string {
  const to = parseIp(destination)
  if (!to.ok) return 'the destination is no address'
  // an IPv4-mapped destination is dialled by IPv4
  const ip = mappedIpv4(to.value) ?? to.value
  let from: Ip | null = null
  if (source !== null) {
    const parsed = parseIp(source)
    if (!parsed.ok) return 'the source is no address'
    from = mappedIpv4(parsed.value) ?? parsed.value
    if (from.family !== ip.family) return 'source and destination are of different families'
  }
  return { destination: formatIp(ip), ip, source: from && formatIp(from), family: ip.family }
}

function emptyRoute(method: HostRoute['method'], detail: string): HostRoute {
  return {
    method,
    device: null,
    deviceKind: null,
    mac: null,
    gateway: null,
    source: null,
    selectorRules: null,
    redirect: 'unreadable',
    detail,
  }
}

const filtersUnread = 'the packet filters could not all be read (that takes `nft` and CAP_NET_ADMIN)'
const kernelSays = 'the kernel says: '

/** True if the kernel answered that it has no route for this destination (and not that it refuses, or that it could not be asked). */
export function hasNoRoute(route: HostRoute): boolean {
  return route.method === 'ip_route_get' && route.detail === kernelSays + networkUnreachable
}

/** Keeps the value of `read` for a while, and lets calls that come while it is being read share it. */
function shared<T>(read: () => Promise<T>, clock: Clock): () => Promise<T> {
  let current: { value: Promise<T>; atMs: number } | null = null
  return () => {
    const nowMs = clock.monotonicMs()
    if (!current || nowMs - current.atMs > sharedForSeconds * 1000) current = { value: read(), atMs: nowMs }
    return current.value
  }
}

/** With the documents that were read last: rules, and the route that matches, are the same for most questions. */
interface Asking extends HostRouteDeps {
  readJson(text: string, index: number): unknown
}

async function askIp(question: Question, lines: string[], deps: Asking): Promise<BatchLine[] | null> {
  const result = await deps.run('ip', batchArgs(question.family), `${lines.join('\n')}\n`)
  return parseBatch(result, lines.length, deps.readJson)
}

function sameHop(a: NextHop, b: NextHop): boolean {
  return a.device === b.device && a.gateway === b.gateway
}

/** Whether a packet with one of the selectors set would go another way than `hop`; null: not to be found out. */
async function selectorsMatter(
  question: Question,
  hop: NextHop,
  rules: RuleReading,
  deps: Asking,
): Promise<boolean | null> {
  const { variants } = rules
  if (variants.length > maxVariants) return true
  if (variants.length > 0) {
    const line = (extra: Selectors) => routeGetLine(question.destination, question.source, extra)
    const answers = await askIp(question, variants.map(line), deps)
    if (answers === null) return null
    if (!answers.every((answer) => isAnswerTo(answer, question.destination, question.source))) return null
    for (const answer of answers.map(parseRouteGet)) {
      if (answer.kind === 'unreadable') return null
      if (answer.kind === 'unreachable' || !sameHop(answer.nextHop, hop)) return true
    }
  }
  return rules.readable ? false : null
}

/** Why the answer of `route get` does not fix the way of every packet of the connection; null if it does. */
function whyUnsure(match: ReturnType<typeof parseFibMatch>, encapsulated: boolean): string | null {
  if (match.kind === 'unreadable') return 'the matching route could not be read'
  if (encapsulated || match.encapsulated) return 'the route encapsulates'
  // the kernel chooses by a hash over the connection that can't be asked for
  if (match.hops.length > 1) {
    const hops = match.hops.map((hop) => `${hop.gateway ?? 'on link'} dev ${hop.device}`)
    return `the route has several next hops: ${hops.join(', ')}`
  }
  return null
}

async function byIp(
  question: Question,
  devices: (name: string) => Promise<Device>,
  deps: Asking,
): Promise<HostRoute | null> {
  const { destination, source } = question
  const lines = [routeGetLine(destination, source), fibMatchLine(destination, source), ruleLine]
  const answers = await askIp(question, lines, deps)
  const [get, match, rules] = answers ?? []
  if (!get || !match || !rules) return null
  if (!isAnswerTo(get, destination, source)) return emptyRoute('none', '`ip` answered another question')
  const answer = parseRouteGet(get)
  if (answer.kind === 'unreadable') return null
  if (answer.kind === 'unreachable') return emptyRoute('ip_route_get', kernelSays + answer.reason)
  const unsure = whyUnsure(parseFibMatch(match), answer.encapsulated)
  const { device, gateway } = answer.nextHop
  const [look, selectorRules] = await Promise.all([
    devices(device),
    selectorsMatter(question, answer.nextHop, parseRules(rules, deps.uid), deps),
  ])
  const known = unsure === null
  return {
    method: 'ip_route_get',
    device: known ? device : null,
    deviceKind: known ? look.kind : null,
    mac: known ? look.mac : null,
    gateway: known ? gateway : null,
    source: answer.source ?? source,
    selectorRules,
    redirect: 'unreadable',
    detail: unsure ?? look.detail,
  }
}

/** With one device, whatever the rules say, there is no other one to leave by. The next hop is the main table's. */
async function byOnlyDevice(question: Question, deps: HostRouteDeps): Promise<HostRoute> {
  const only = await onlyDevice(deps.macs(), deps)
  if (!only)
    return emptyRoute('none', '`ip` (iproute2, with JSON) is not there, and not exactly one device is up')
  const table = await deps.readFile('/proc/net/route').catch(() => '')
  return {
    ...emptyRoute('only_device', '`ip` (iproute2, with JSON) is not there; the namespace has one device up'),
    device: only.name,
    deviceKind: only.device.kind,
    mac: only.device.mac,
    gateway: procNextHop(table, only.name, question.ip),
    source: question.source,
    selectorRules: false,
  }
}

/**
 * Makes `HostAccess.hostRoute` for Linux: asks the kernel, by iproute2's `ip route get DESTINATION from SOURCE` at the time of the call, which
 * device it would take; what that device is; whether rules with selectors could give another way; and whether something
 * on the host may redirect the connection. Nothing is sent. Devices and packet filters may be 2 s old, the route never is.
 *
 * Fields that could not be found out are null (`redirect`: `unreadable`) and `detail` says why. Routes with several
 * next hops or encapsulation have no device here, since none can be told. Never rejects.
 */
export function linuxHostRoute(deps: HostRouteDeps): HostAccess['hostRoute'] {
  const filters = shared(() => readPacketFilters(deps), deps.clock)
  const looks = new Map<string, () => Promise<Device>>()
  const devices = (name: string) => {
    let look = looks.get(name)
    if (!look) {
      // containers come and go, and their devices with them
      if (looks.size >= 64) looks.clear()
      look = shared(() => lookAtDevice(name, deps), deps.clock)
      looks.set(name, look)
    }
    return look()
  }
  const readKnown = remembering<unknown>((text) => JSON.parse(text), { most: 16, longest: 4096 })
  const asking: Asking = {
    ...deps,
    // the first one is the answer about one destination
    readJson: (text, index) => (index === 0 ? JSON.parse(text) : readKnown(text)),
  }
  return async (destination, source) => {
    const question = questionOf(destination, source)
    if (typeof question === 'string') return emptyRoute('none', question)
    try {
      const [route, redirects] = await Promise.all([
        byIp(question, devices, asking).then((answer) => answer ?? byOnlyDevice(question, deps)),
        filters(),
      ])
      const redirect = redirectOf(redirects, question.ip)
      const detail = route.detail ?? (redirect === 'unreadable' ? filtersUnread : null)
      return { ...route, redirect, detail }
    } catch {
      return emptyRoute('none', 'asking the kernel failed')
    }
  }
}
