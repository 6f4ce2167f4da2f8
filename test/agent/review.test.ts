/** Timings and surroundings in which an agent might say "private" although the way may be public: each test is one. */
import { type AddressInfo, connect } from 'node:net'
import { createServer, type Server } from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFleet, type Fleet } from '../../agent/watch/fleet.ts'
import { createLives } from '../../agent/watch/lives.ts'
import { createShared } from '../../agent/watch/shared.ts'
import type { KeptReading } from '../../agent/account/snapshot-keeper.ts'
import { createTaintBook } from '../../agent/evidence/taint.ts'
import { contentHash } from '../../aws/snapshot-content.ts'
import { createAuthority } from '../../lab/certificates.ts'
import type { HostAccess } from '../../model/host.ts'
import type { Observation } from '../../model/observation.ts'
import type { Target } from '../../model/target.ts'
import type { Snapshot } from '../../model/topology.ts'
import { limit } from '../../probes/limit.ts'
import { querySystem } from '../../probes/system-resolver.ts'
import { dnsServer, type ScriptedServer } from '../probes/dns-server.ts'
import { common } from '../probes/support.ts'
import { config } from '../support/lab-daemon.ts'
import {
  eni,
  hostMac,
  kernelRoute,
  natTable,
  now,
  snapshot,
  topology,
  viaEndpoint,
  viaIgw,
  viaNat,
  withRoutes,
} from '../verdict/fixture.ts'

const a = 'a.s3.us-east-1.amazonaws.com'
const b = 'b.s3.us-east-1.amazonaws.com'
const inList = '52.216.1.1'
const inList2 = '52.216.1.2'
const inList3 = '52.216.1.3'
const outside = '54.240.1.9'

const authority = createAuthority({ commonName: 'review', nowMs: Date.now() })
const trust = { publicRoots: [authority.certificate], partitionRoots: [], hostRoots: () => [] }

/** A gate that a look waits at until it is opened; `reached` resolves when the first one stands there. */
function gate() {
  let open: () => void = () => undefined
  let arrive: () => void = () => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  const reached = new Promise<void>((resolve) => {
    arrive = resolve
  })
  return {
    open,
    reached,
    async pass() {
      arrive()
      await opened
    },
  }
}

/** An agent's fleet on a machine in subnet-1 of the fixture's VPC; TLS and DNS are real, on loopback. */
interface Rig {
  fleet: Fleet
  answers: Map<string, string[]>
  hostRoute: HostAccess['hostRoute']
  observed: Observation[]
  /** Takes a reading as the keeper does. */
  read(reading: Snapshot): void
  cycle(): Promise<void>
  /** As a reload that changes what every watch rests on. */
  reload(): void
  state(hostname?: string): string | undefined
}

const servers: (Server | ScriptedServer)[] = []
let tlsPort = 0
let dnsPort = 0
let answers = new Map<string, string[]>()

beforeEach(async () => {
  answers = new Map()
  const leaf = authority.issue({ names: ['*.s3.us-east-1.amazonaws.com'] })
  const tls = createServer({ cert: leaf.certificate, key: leaf.key }, (socket) => {
    socket.on('error', () => undefined)
    socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n')
  })
  tls.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve))
  tlsPort = (tls.address() as AddressInfo).port
  const dns = await dnsServer(({ name, type, answer }) =>
    answer(type === 'A' ? (answers.get(name) ?? []).map((data) => ({ type: 'A', name, data, ttl: 5 })) : []),
  )
  dnsPort = dns.port
  servers.push(tls, dns)
})

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

/** Like the fixture's snapshots, and read `secondsLater` than the first. */
function dated(reading: Snapshot, secondsLater: number): Snapshot {
  const atMs = now - 10_000 + secondsLater * 1000
  const parts = Object.fromEntries(
    Object.keys(reading.parts).map((p) => [p, { read: true, atMs, dated: 'api' }]),
  )
  return {
    ...reading,
    id: `at-${secondsLater}`,
    parts: parts as Snapshot['parts'],
    prefixLists: reading.prefixLists.map((l) => ({ ...l, atMs })),
  }
}

const endpointOnly = snapshot()
const endpointAndNat = withRoutes([viaEndpoint, viaNat], {}, [natTable([viaIgw])])
const natOnly = withRoutes([viaNat], {}, [natTable([viaIgw])])

function rig(names: string[], first: Snapshot, more: Partial<Target> = {}): Rig {
  const startMs = performance.now()
  const clock = { wallMs: () => now + performance.now() - startMs, monotonicMs: () => performance.now() }
  const made: Rig = {
    answers,
    observed: [],
    hostRoute: (_to: string, source: string | null) =>
      Promise.resolve({ ...kernelRoute, source: source ?? '10.0.1.50' }),
  } as unknown as Rig
  const host: HostAccess = {
    clock,
    bootId: 'boot',
    dial: () => {
      const socket = connect({ host: '127.0.0.1', port: tlsPort })
      return { socket, local: () => ({ address: '10.0.1.50', port: 40_000 }) }
    },
    lookup: (name) => Promise.resolve((answers.get(name) ?? []).map((address) => ({ address, family: 4 }))),
    systemServers: () => [{ address: '10.0.0.2', port: 53 }],
    serverAddress: () => ({ address: '127.0.0.1', port: dnsPort }),
    hostRoute: (to, source) => made.hostRoute(to, source),
    addresses: () => [{ device: 'ens5', address: '10.0.1.50', family: 4, mac: hostMac, linkLocal: false }],
    environment: {},
  }
  let current: KeptReading = { snapshot: first, content: contentHash(first) }
  let sequence = 0
  const taint = createTaintBook()
  const shared = () => ({
    ...createShared({
      config: config({ version: 1, topology: { source: 'directory', directory: '/nowhere' }, targets: [] }),
      configuration: () => null,
      host,
      vantage: () => topology().vantage,
      version: '0',
      nextId: () => `r${++sequence}`,
      reading: () => current,
      observed: (_target, observation) => made.observed.push(observation),
      taint,
      hostRoots: () => [],
    }),
    trust,
  })
  const target: Target = {
    name: 't',
    names: names.map((hostname) => ({
      hostname,
      port: 443,
      style: 'regional',
      service: 's3',
      region: 'us-east-1',
    })),
    require: { kind: 'private' },
    minProof: 'configured',
    requireFirstLeg: 'any',
    resolvers: ['system'],
    compareResolvers: [],
    source: null,
    schedule: { kind: 'interval', everySeconds: 3600 },
    timeoutSeconds: 10,
    confirmWithinSeconds: 1800,
    evidenceAgeSeconds: null,
    waiver: null,
    discovered: false,
    ...more,
  }
  const fleet = createFleet({
    clock,
    lives: createLives(clock.monotonicMs),
    taint,
    tainted: () => undefined,
    weighed: () => undefined,
    nextSlotSeconds: () => null,
    judged: () => undefined,
    joined: () => undefined,
  })
  fleet.replace([target], shared(), true)
  return Object.assign(made, {
    fleet,
    read(reading: Snapshot) {
      const content = contentHash(reading)
      const changed = content !== current.content
      current = { snapshot: reading, content }
      if (changed) fleet.readAgain(current)
    },
    cycle: () => fleet.cycle('t', new AbortController().signal),
    reload: () => fleet.replace([target], shared(), true),
    state: (hostname = a) => fleet.verdicts()[0]?.names.find((n) => n.hostname === hostname)?.state,
  })
}

/** Lets everything that is ready run. */
const turn = async () => {
  for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
}

const attempted = (of: Rig, address: string) =>
  of.observed.some((o) => o.kind === 'attempt' && o.address === address)

async function until(condition: () => boolean) {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
  await turn()
}

describe('a reading that comes while a cycle is under way', () => {
  it('still counts for the names that were done before it', async () => {
    const of = rig([a, b], endpointAndNat)
    of.answers.set(a, [inList])
    of.answers.set(b, [inList2])
    const slow = gate()
    const { hostRoute } = of
    of.hostRoute = async (to, source) => {
      if (to === inList2) await slow.pass()
      return hostRoute(to, source)
    }
    const cycle = of.cycle()
    await until(() => attempted(of, inList))
    // The endpoint's route has gone; the attempt on the first name may have been after that.
    of.read(dated(natOnly, 20))
    slow.open()
    await cycle
    expect(of.state(a)).toBe('undetermined')
  })

  it('still counts when it was withdrawn before the attempt ended', async () => {
    const of = rig([a], endpointAndNat)
    of.answers.set(a, [inList])
    const slow = gate()
    const { hostRoute } = of
    let asked = 0
    of.hostRoute = async (to, source) => {
      // First for the group, then for the attempt.
      if (to === inList && ++asked === 2) await slow.pass()
      return hostRoute(to, source)
    }
    const cycle = of.cycle()
    await slow.reached
    of.read(dated(natOnly, 20))
    of.read(dated(endpointAndNat, 40))
    slow.open()
    await cycle
    expect(of.state(a)).toBe('undetermined')
  })

  it('is not judged without the addresses that were answered a moment ago', async () => {
    const of = rig([a], endpointAndNat)
    of.answers.set(a, [inList])
    await of.cycle()
    expect(of.state()).toBe('private')
    of.answers.set(a, [inList, outside])
    const slow = gate()
    const { hostRoute } = of
    of.hostRoute = async (to, source) => {
      if (to === outside) await slow.pass()
      return hostRoute(to, source)
    }
    const cycle = of.cycle()
    await slow.reached
    const { networkInterfaces } = endpointAndNat
    of.read(
      dated(
        { ...endpointAndNat, networkInterfaces: [...networkInterfaces, eni('eni-other', ['10.0.7.7'])] },
        20,
      ),
    )
    expect(of.state()).toBe('undetermined')
    slow.open()
    await cycle
  })

  it('that changes nothing for a name leaves its undialled addresses what they were', async () => {
    const of = rig([a], endpointOnly)
    of.answers.set(a, [inList, inList2])
    await of.cycle()
    expect(of.state()).toBe('private')
    const { networkInterfaces } = endpointOnly
    of.read(
      dated(
        { ...endpointOnly, networkInterfaces: [...networkInterfaces, eni('eni-other', ['10.0.7.7'])] },
        20,
      ),
    )
    expect(of.state()).toBe('private')
  })
})

describe('what was known', () => {
  it('an address that leaks stays known over a reload that starts all watches anew', async () => {
    const of = rig([a], endpointAndNat)
    of.answers.set(a, [inList, outside])
    await of.cycle()
    expect(of.state()).toBe('mixed')
    of.answers.set(a, [inList])
    of.reload()
    await of.cycle()
    expect(of.state()).not.toBe('private')
  })

  it('the way of an address that is not dialled is as new as the cycle', async () => {
    const of = rig([a], endpointOnly)
    of.answers.set(a, [inList, inList2, inList3])
    await of.cycle()
    expect(of.state()).toBe('private')
    const { hostRoute } = of
    of.hostRoute = async (to, source) => {
      const route = await hostRoute(to, source)
      return to === inList3
        ? { ...route, device: 'tun0', deviceKind: 'tun', mac: null, gateway: null }
        : route
    }
    await of.cycle()
    expect(of.state()).toBe('undetermined')
  })
})

describe('the source of a target', () => {
  it('an interface without an address is not replaced by another one', async () => {
    const of = rig([a], endpointOnly, { source: 'ens6' })
    of.answers.set(a, [inList])
    await of.cycle()
    expect(of.state()).not.toBe('private')
  })
})

describe('the host’s own name servers', () => {
  it('addresses of the first one count, even where it failed for the other family', async () => {
    const first = await dnsServer(({ name, type, answer }) =>
      type === 'A' ? answer([{ type: 'A', name, data: outside, ttl: 5 }]) : answer([], { rcode: 2 }),
    )
    const second = await dnsServer(({ name, type, answer }) =>
      answer(type === 'A' ? [{ type: 'A', name, data: inList, ttl: 5 }] : []),
    )
    servers.push(first, second)
    const seen = await querySystem(a, {
      ...common(4),
      lookup: () => Promise.resolve([{ address: inList, family: 4 }]),
      lookups: limit(4),
      systemServers: () => [
        { address: '10.0.0.2', port: 53 },
        { address: '10.0.0.3', port: 53 },
      ],
      serverAddress: ({ address }) => ({
        address: '127.0.0.1',
        port: address === '10.0.0.2' ? first.port : second.port,
      }),
    })
    const known = seen
      .flatMap((o) => [o.ipv4, o.ipv6])
      .flatMap((f) => (f.answered ? f.addresses.map((x) => x.address) : []))
    const allAnswered = seen.every((o) => o.ipv4.answered && o.ipv6.answered)
    expect(known.includes(outside) || !allAnswered).toBe(true)
  })
})
