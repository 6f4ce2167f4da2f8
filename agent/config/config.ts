import type { PathClass, Rank } from '../../model/path.ts'
import type { NameStyle } from '../../model/target.ts'
import type { Site } from '../../model/topology.ts'
import type { Waiver } from '../../model/verdict.ts'
import { defaults } from './defaults.ts'
import type { Written } from './schema.ts'
import { parseDuration } from './units.ts'

export interface TargetConfig {
  name: string
  /** Exactly one of `service` and `hostname` is not null. */
  service: string | null
  hostname: string | null
  region: string | null
  bucket: string | null
  /** Null: the styles that common software uses. */
  styles: NameStyle[] | null
  port: number
  require: 'private' | 'blocked' | PathClass[]
  minProof: Extract<Rank, 'configured' | 'observed' | 'attested'>
  requireFirstLeg: 'any' | 'direct_connect' | 'vpn'
  /** Exactly one of `everySeconds` and `cron` (five fields, UTC) is not null. */
  everySeconds: number | null
  cron: string | null
  timeoutSeconds: number
  source: string | null
  resolvers: string[]
  compareResolvers: string[]
  waiver: Waiver | null
  /** Null: off. */
  evidenceAgeSeconds: number | null
  confirmWithinSeconds: number
}

export interface ResolverConfig {
  name: string
  address: string
  port: number
}

/** Exactly one of `dnsName`, `address` and `gateway` is not null. */
export interface TrustedEndpointConfig {
  dnsName: string | null
  address: string | null
  gateway: string | null
  via: string | null
}

export interface TopologyConfig {
  source: 'aws' | 'directory' | 'file' | 's3'
  directory: string | null
  file: string | null
  s3: { bucket: string; key: string } | null
  /** Route tables. */
  refreshSeconds: number
  maxAgeSeconds: number
  /** Everything else. */
  otherRefreshSeconds: number
  otherMaxAgeSeconds: number
  also: { directory: string }[]
}

export interface CanaryConfig {
  everySeconds: number
  bucket: string
  control: string
  positive: string
  negative: string
  endpoint: string
  sourceIp: boolean
}

export interface LedgerConfig {
  directory: string
  keyFile: string | null
  segmentSizeBytes: number
  retentionSeconds: number
  anchors: {
    cloudwatchLogs: { logGroup: string } | null
    s3: { bucket: string; prefix: string | null } | null
  } | null
}

/** The effective configuration: every default filled in, durations in seconds. */
export interface Config {
  version: 1
  agent: { vantage: 'auto' | 'ec2' | 'on-prem' }
  targets: TargetConfig[]
  resolvers: ResolverConfig[]
  trustedEndpoints: TrustedEndpointConfig[]
  topology: TopologyConfig
  flowLogs: { enabled: boolean }
  canary: CanaryConfig | null
  sites: Site[]
  egress: { mustFail: { name: string; url: string; control: string }[] }
  ledger: LedgerConfig | null
  exporters: {
    cloudwatch: { namespace: string; everySeconds: number } | null
    /** `file: null` means standard output. */
    events: { file: string | null } | null
  }
  web: { listen: string; telemetryPath: string; reload: boolean }
  limits: {
    names: number
    connects: number
    connectsPerTarget: number
    handshakes: number
    holdWindowSeconds: number
    holdAddresses: number
  }
  partitionRoots: { partition: string; file: string }[]
  nat64Prefixes: string[]
}

/** The interval of a target that gives neither `every` nor `cron`, in seconds. */
export function defaultEverySeconds(): number {
  const every = parseDuration(defaults.target.every)
  if (!every.ok) throw new Error('the default interval is not a duration')
  return every.value
}

function targetConfig(written: Written['targets'][number]): TargetConfig {
  const { waiver } = written
  return {
    name: written.name,
    service: written.service ?? null,
    hostname: written.hostname ?? null,
    region: written.region ?? null,
    bucket: written.bucket ?? null,
    styles: written.styles ?? null,
    port: written.port,
    require: written.require,
    minProof: written.min_proof,
    requireFirstLeg: written.require_first_leg,
    everySeconds: written.every ?? (written.cron === undefined ? defaultEverySeconds() : null),
    cron: written.cron ?? null,
    timeoutSeconds: written.timeout,
    source: written.source ?? null,
    resolvers: written.resolvers,
    compareResolvers: written.compare_resolvers,
    waiver: waiver
      ? {
          reason: waiver.reason.trim().replace(/\s+/g, ' '),
          ticket: waiver.ticket ?? null,
          untilMs: waiver.until,
        }
      : null,
    evidenceAgeSeconds: written.evidence_age ?? null,
    confirmWithinSeconds: written.confirm_within,
  }
}

function ledgerConfig(written: NonNullable<Written['ledger']>): LedgerConfig {
  const { anchors } = written
  return {
    directory: written.directory,
    keyFile: written.key_file ?? null,
    segmentSizeBytes: written.segment_size,
    retentionSeconds: written.retention,
    anchors: anchors
      ? {
          cloudwatchLogs: anchors.cloudwatch_logs ? { logGroup: anchors.cloudwatch_logs.log_group } : null,
          s3: anchors.s3 ? { bucket: anchors.s3.bucket, prefix: anchors.s3.prefix ?? null } : null,
        }
      : null,
  }
}

/** From what was written, checked and filled with its defaults, to the words that the program uses. */
export function configFrom(written: Written): Config {
  const { topology, canary, ledger, exporters, web, limits } = written
  return {
    version: written.version,
    agent: { vantage: written.agent.vantage },
    targets: written.targets.map(targetConfig),
    resolvers: written.resolvers.map(({ name, address }) => ({ name, ...address })),
    trustedEndpoints: written.trusted_endpoints.map((endpoint) => ({
      dnsName: endpoint.dns_name ?? null,
      address: endpoint.address ?? null,
      gateway: endpoint.gateway ?? null,
      via: endpoint.via ?? null,
    })),
    topology: {
      source: topology.source,
      directory: topology.directory ?? null,
      file: topology.file ?? null,
      s3: topology.s3 ?? null,
      refreshSeconds: topology.refresh,
      maxAgeSeconds: topology.max_age,
      otherRefreshSeconds: topology.other_refresh,
      otherMaxAgeSeconds: topology.other_max_age,
      also: topology.also,
    },
    flowLogs: { enabled: written.flow_logs.enabled },
    canary: canary
      ? {
          everySeconds: canary.every,
          bucket: canary.bucket,
          control: canary.control,
          positive: canary.positive,
          negative: canary.negative,
          endpoint: canary.endpoint,
          sourceIp: canary.source_ip,
        }
      : null,
    sites: written.sites.map((site) => ({
      name: site.name,
      firstLeg: site.first_leg ?? null,
      nextHops: site.next_hops,
      prefixes: site.prefixes,
      snatRelay: site.snat_relay,
    })),
    egress: { mustFail: written.egress.must_fail },
    ledger: ledger ? ledgerConfig(ledger) : null,
    exporters: {
      cloudwatch: exporters.cloudwatch
        ? { namespace: exporters.cloudwatch.namespace, everySeconds: exporters.cloudwatch.every }
        : null,
      events: exporters.events ? { file: exporters.events.file ?? null } : null,
    },
    web: { listen: web.listen, telemetryPath: web.telemetry_path, reload: web.reload },
    limits: {
      names: limits.names,
      connects: limits.connects,
      connectsPerTarget: limits.connects_per_target,
      handshakes: limits.handshakes,
      holdWindowSeconds: limits.hold_window,
      holdAddresses: limits.hold_addresses,
    },
    partitionRoots: written.partition_roots,
    nat64Prefixes: written.nat64_prefixes,
  }
}
