import { randomBytes, randomUUID } from 'node:crypto'
import { promises as dns, Resolver } from 'node:dns'
import { constants, existsSync, readFileSync } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { getCACertificates, rootCertificates } from 'node:tls'
import type { Clock, Dial, Endpoint, HostAccess, Lookup } from '../model/host.ts'
import { canonicalIp, parseIp } from '../net/ip.ts'
import { specialPurpose } from '../net/special.ts'
import { linuxHostRoute } from './host-route.ts'
import { withIpSession } from './ip-session.ts'
import { withShell } from './command-shell.ts'
import { systemCommand } from './run-command.ts'
import { unknownRoute } from './tls.ts'
import { traceTcp } from './trace.ts'
import type { TrustStore } from './trust.ts'

/** The machine's clocks. `monotonicMs` counts from the boot on Linux, so that it compares across processes. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => {
    const [seconds, nanoseconds] = process.hrtime()
    return seconds * 1000 + nanoseconds / 1e6
  },
}

/** A plain TCP connection to an address. Rejects names by throwing: nothing here ever resolves one. */
export const systemDial: Dial = ({ address, port, family, localAddress }) => {
  if (canonicalIp(address) === null)
    throw Object.assign(new Error('not an address'), { code: 'ERR_INVALID_ARG_VALUE' })
  const socket = connect({
    host: address,
    port,
    family,
    autoSelectFamily: false,
    ...(localAddress === null ? {} : { localAddress }),
  })
  const current = (): Endpoint | null => {
    const local = canonicalIp(socket.localAddress ?? '')
    return local !== null && socket.localPort !== undefined
      ? { address: local, port: socket.localPort }
      : null
  }
  // a destroyed socket has forgotten it
  let connected: Endpoint | null = null
  socket.once('connect', () => {
    connected = current()
  })
  return { socket, local: () => connected ?? current() }
}

/** getaddrinfo without AI_ADDRCONFIG: both families whatever addresses the host has, in the system's order. */
const systemLookup: Lookup = async (hostname) => {
  const found = await dns.lookup(hostname, { all: true, order: 'verbatim' })
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }))
}

/** An entry of `dns.getServers()`: `1.2.3.4`, `::1`, `1.2.3.4:53`, `[::1]:53`; null if it is none. */
export function parseServer(text: string): Endpoint | null {
  const withPort = /^(?:\[(.+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const address = withPort ? (withPort[1] ?? withPort[2] ?? '') : text
  const port = withPort ? Number(withPort[3]) : 53
  // a link-local resolver needs its zone; only the address in front of it can be checked
  const zone = address.includes('%') ? address.slice(address.indexOf('%')) : ''
  const canonical = canonicalIp(address.slice(0, address.length - zone.length))
  if (canonical === null || port < 1 || port > 65_535) return null
  return { address: canonical + zone, port }
}

/** A fresh resolver reads resolv.conf as it is now; the process-wide one would keep what stood there at its start. */
function systemServers(): Endpoint[] {
  return new Resolver()
    .getServers()
    .map(parseServer)
    .filter((server) => server !== null)
}

/** For so long one list of the kernel's or of resolv.conf's serves: a thousand targets would ask for it a hundred times a second. */
const listedForMs = 500

function remembered<T>(list: () => T): () => T {
  let listed: { atMs: number; value: T } | null = null
  return () => {
    const atMs = performance.now()
    if (listed === null || atMs - listed.atMs > listedForMs) listed = { atMs, value: list() }
    return listed.value
  }
}

/** Throws where the kernel can't be asked (for example without AF_NETLINK): no addresses would be another answer. */
function listAddresses(): ReturnType<HostAccess['addresses']> {
  const found: ReturnType<HostAccess['addresses']> = []
  for (const [device, list] of Object.entries(networkInterfaces())) {
    for (const one of list ?? []) {
      const ip = parseIp(one.address)
      if (one.internal || !ip.ok) continue
      found.push({
        device,
        address: canonicalIp(one.address) ?? one.address,
        family: ip.value.family,
        mac: one.mac.toLowerCase(),
        linkLocal: specialPurpose(ip.value) === 'link_local',
      })
    }
  }
  return found
}

function macs(): ReadonlyMap<string, string> {
  return new Map(listAddresses().map(({ device, mac }) => [device, mac]))
}

/** The kernel's id of this boot; elsewhere than on Linux a new one per process, so that nothing is taken to be of one boot. */
function readBootId(): string {
  const path = '/proc/sys/kernel/random/boot_id'
  try {
    const id = existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
    if (/^[0-9a-f-]{36}$/.test(id)) return id
  } catch {
    // as if it were not there
  }
  return randomUUID()
}

const commandLimits = { timeoutSeconds: 2, maxOutputBytes: 64 * 1024 * 1024 }

/** This machine. `environment` is what proxy variables are looked up in. */
export function systemHost(environment: HostAccess['environment']): HostAccess {
  const route =
    process.platform === 'linux'
      ? linuxHostRoute({
          clock: systemClock,
          run: withIpSession(
            withShell(systemCommand({ ...commandLimits, atOnce: 8 }), commandLimits, () =>
              randomBytes(16).toString('hex'),
            ),
          ),
          readFile: (path) => readFile(path, 'utf8'),
          exists: (path) =>
            access(path, constants.F_OK).then(
              () => true,
              () => false,
            ),
          uid: process.geteuid?.() ?? null,
          macs,
        })
      : () => Promise.resolve(unknownRoute(`the kernel's routes can't be asked on ${process.platform}`))
  return {
    clock: systemClock,
    bootId: readBootId(),
    dial: systemDial,
    lookup: systemLookup,
    systemServers: remembered(systemServers),
    serverAddress: (server) => server,
    hostRoute: route,
    addresses: remembered(listAddresses),
    environment,
    trace: (to) => traceTcp(to, tracing),
  }
}

/** Followed one after the other, each to the last of its hops. */
const tracing = systemCommand({ timeoutSeconds: 60, maxOutputBytes: 1024 * 1024, atOnce: 2 })

/** The roots of this runtime and of this host's own store; `partitionRoots` as PEM from the configuration. */
export function systemTrust(partitionRoots: readonly string[]): TrustStore {
  return {
    publicRoots: rootCertificates,
    partitionRoots,
    hostRoots: () => getCACertificates('system'),
  }
}
