import { readFileSync } from 'node:fs'
import { getCACertificates, rootCertificates } from 'node:tls'
import type { HostAccess } from '../../model/host.ts'
import type { Family, FamilyObservation, HostRoute, Observation, Stamp } from '../../model/observation.ts'
import type { Target } from '../../model/target.ts'
import type { Snapshot, Topology, TrustedEndpoint, Vantage } from '../../model/topology.ts'
import { canonicalIp } from '../../net/ip.ts'
import { familyDestinations, familyUsable } from '../../probes/family.ts'
import { limit } from '../../probes/limit.ts'
import { loopWatch } from '../../probes/loop-watch.ts'
import type { TrustStore } from '../../probes/trust.ts'
import type { Config } from '../config/config.ts'
import type { Beside } from '../site/first-legs.ts'
import { createHoldWindow } from './hold.ts'
import { type LateWatch, noLateWatch } from '../evidence/late-watch.ts'
import { createLimit } from './limit.ts'
import type { ResolverBook } from './resolver-book.ts'
import { createTrustedNames } from '../account/trusted-names.ts'
import { endpointNames } from '../../verdict/endpoint-names.ts'
import type { KeptReading } from '../account/snapshot-keeper.ts'
import type { TaintBook } from '../evidence/taint.ts'
import { type WatchDeps, createConnectionBook } from './watch-deps.ts'

export interface SharedOptions {
  config: Config
  /** Hash of the configuration in force. */
  configuration(): string | null
  host: HostAccess
  /** As it is known now. */
  vantage(): Vantage
  version: string
  /** Unique within one process. */
  nextId(): string
  reading(): KeptReading | null
  /** Readings of further accounts. */
  others?(): Snapshot[]
  observed(target: Target, observation: Observation): void
  taint: TaintBook
  /** What traces and the Direct Connect API show; left out: neither is configured. */
  beside?(): Beside
  resolverBook?: ResolverBook
  /** Left out: no records are read. */
  late?: LateWatch
  /** Roots of the host's own store; null: the real one. The lab plays it. */
  hostRoots: (() => string[]) | null
}

/** What all watches of one configuration share. */
export interface Shared extends WatchDeps {
  /** Resolves the own names of trusted endpoints anew, within `timeoutSeconds`. */
  resolveTrusted(timeoutSeconds: number): Promise<void>
}

const familiesForMs = 5_000
const mostRemembered = 8192

/**
 * The roots that a certificate may end in: those that come with the runtime, and those that the configuration
 * gives for a partition. The host's own store is only asked to tell an intercepting proxy from a stranger.
 * @throws if a file of `partition_roots` can't be read
 */
function trustOf(config: Config, hostRoots: (() => string[]) | null): TrustStore {
  const partitionRoots = config.partitionRoots.flatMap(({ file }) =>
    readFileSync(file, 'utf8')
      .split(/(?<=-----END CERTIFICATE-----)/)
      .filter((pem) => pem.includes('BEGIN CERTIFICATE')),
  )
  return {
    publicRoots: rootCertificates,
    partitionRoots,
    hostRoots: hostRoots ?? (() => getCACertificates('system')),
  }
}

function declaredOf(config: Config): TrustedEndpoint[] {
  return config.trustedEndpoints.flatMap(({ dnsName, address, gateway, via }): TrustedEndpoint[] => {
    const declared =
      dnsName !== null ? { dnsName } : address !== null ? { address } : gateway !== null ? { gateway } : null
    return declared === null ? [] : [{ declared, via, addresses: [], vpcCidrs: [] }]
  })
}

export function createShared(options: SharedOptions): Shared {
  const { config, host } = options
  const monotonicMs = () => host.clock.monotonicMs()
  const routes = new Map<string, { route: Promise<HostRoute>; atMs: number }>()
  const families = new Map<string, { seen: Promise<FamilyObservation[]>; atMs: number }>()

  const stamp = (): Stamp => ({
    id: options.nextId(),
    wallMs: host.clock.wallMs(),
    monotonicMs: monotonicMs(),
    bootId: host.bootId,
    snapshot: options.reading()?.snapshot.id ?? null,
    configuration: options.configuration(),
  })

  const addressOf = (source: string | null, family: Family): string | null => {
    if (source === null) return null
    const own = canonicalIp(source)
    if (own !== null) return own.includes(':') === (family === 6) ? own : null
    return (
      host.addresses().find((a) => a.device === source && a.family === family && !a.linkLocal)?.address ??
      null
    )
  }

  const limits = {
    routeTablesMaxAgeSeconds: config.topology.maxAgeSeconds,
    otherMaxAgeSeconds: config.topology.otherMaxAgeSeconds,
  }

  const declared = declaredOf(config)
  const declaredNames = declared.flatMap((entry) =>
    'dnsName' in entry.declared ? [entry.declared.dnsName] : [],
  )
  const trusted = createTrustedNames({
    declared,
    found() {
      const vantage = options.vantage()
      const readings = [options.reading()?.snapshot ?? []].flat()
      return endpointNames({ vantage, readings, others: options.others?.() ?? [] }, declaredNames)
    },
    lookup: host.lookup,
    clock: host.clock,
  })

  return {
    host,
    hold: createHoldWindow({
      windowSeconds: config.limits.holdWindowSeconds,
      maxAddresses: config.limits.holdAddresses,
    }),
    connects: createLimit({ total: config.limits.connects, perKey: config.limits.connectsPerTarget }),
    handshakes: limit(config.limits.handshakes),
    lookups: limit(4),
    loop: loopWatch(),
    trust: trustOf(config, options.hostRoots),
    userAgent: `pathproof/${options.version}`,
    resolvers: new Map(config.resolvers.map(({ name, address, port }) => [name, { address, port }])),
    connections: createConnectionBook(),
    stamp,
    reading: options.reading,
    resolverBook: options.resolverBook,
    observed: options.observed,
    taint: options.taint,
    late: options.late ?? noLateWatch,
    sourceAddress: addressOf,
    surroundings: (): Omit<Topology, 'readings'> => ({
      vantage: options.vantage(),
      others: options.others?.() ?? [],
      trustedEndpoints: trusted.current(),
      sites: config.sites,
      nat64Prefixes: config.nat64Prefixes,
      ...options.beside?.(),
      limits,
    }),
    resolveTrusted: trusted.resolve,
    rememberedRoute(destination, source, sinceMs) {
      const key = `${destination} ${source ?? ''}`
      const known = routes.get(key)
      if (known !== undefined && known.atMs >= sinceMs) return known.route
      if (routes.size >= mostRemembered) routes.clear()
      const route = host.hostRoute(destination, source)
      routes.set(key, { route, atMs: monotonicMs() })
      return route
    },
    families(source) {
      const key = source ?? ''
      const known = families.get(key)
      if (known !== undefined && monotonicMs() - known.atMs < familiesForMs) return known.seen
      const seen = Promise.all(
        ([4, 6] as const).map(async (family) => {
          const from = addressOf(source, family)
          const asked = await Promise.all(familyDestinations[family].map((d) => host.hostRoute(d, from)))
          return familyUsable(family, host.addresses(), asked, stamp())
        }),
      )
      families.set(key, { seen, atMs: monotonicMs() })
      return seen
    },
  }
}
