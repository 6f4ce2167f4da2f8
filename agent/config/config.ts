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
  /** Origins of URLs; null: AWS's own, or what the environment says. */
  endpoint: { ec2: string | null; sts: string | null } | null
  also: AlsoConfig[]
}

/** A further account. Exactly one of `directory` and `roleArn` is not null. */
export interface AlsoConfig {
  directory: string | null
  roleArn: string | null
  /** Only beside `roleArn`, like `region`; null: none is given. */
  externalId: string | null
  /** Null: that of this host. */
  region: string | null
}

export interface FlowLogsConfig {
  enabled: boolean
  everySeconds: number
  /** At most one of `logGroup` and `s3` is not null: a log that AWS does not let itself be asked about. */
  logGroup: string | null
  s3: { bucket: string; prefix: string | null } | null
  /** Of that log; null: the default format. */
  format: string | null
  /** Null: the process's own credentials. */
  roleArn: string | null
}

export interface CanaryConfig {
  everySeconds: number
  bucket: string
  control: string
  positive: string
  negative: string
  endpoint: string
  sourceIp: boolean
  /** Canonical text; empty: those that the instance metadata shows. */
  sourceAddresses: string[]
  vpc: string | null
  /** Of the bucket; null: that of this host. */
  region: string | null
}

/** A way out that must be closed. */
export interface EgressCheckConfig {
  name: string
  /** What `parseEgressUrl` takes. */
  url: string
  /** Name of the target that must get through by the same means. */
  control: string
  /** Go as software that heeds the proxy variables of the environment. */
  proxy: boolean
}

export interface EgressConfig {
  everySeconds: number
  /** For each look at one address. */
  timeoutSeconds: number
  mustFail: EgressCheckConfig[]
}

export interface LedgerConfig {
  directory: string
  /** Null: that of the host. */
  name: string | null
  /** At most one of these two is not null. */
  keyFile: string | null
  /** The key before, where it was exchanged. */
  previousKeyFile: string | null
  kmsKey: string | null
  /** The key of KMS before, likewise. */
  previousKmsKey: string | null
  onFull: 'continue' | 'exit'
  checkpointEverySeconds: number
  segmentSizeBytes: number
  retentionSeconds: number
  anchors: {
    cloudwatchLogs: { logGroup: string } | null
    s3: { bucket: string; prefix: string | null; objectLock: 'compliance' | 'governance' | 'off' } | null
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
  flowLogs: FlowLogsConfig
  /** CloudWatch's own metrics; null: they are not read. */
  cloudwatch: { everySeconds: number } | null
  canary: CanaryConfig | null
  cloudtrail: { everySeconds: number } | null
  sites: Site[]
  /** Traces by TCP, for the first leg; null: none is made. */
  trace: { everySeconds: number } | null
  /** The Direct Connect API; null: it is not asked. `region` null: that of this host. */
  directConnect: { everySeconds: number; region: string | null } | null
  egress: EgressConfig
  posture: { enabled: boolean }
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

function flowLogsConfig(written: Written['flow_logs']): FlowLogsConfig {
  const { s3 } = written
  return {
    enabled: written.enabled,
    everySeconds: written.every,
    logGroup: written.log_group ?? null,
    s3: s3 ? { bucket: s3.bucket, prefix: s3.prefix ?? null } : null,
    format: written.format ?? null,
    roleArn: written.role_arn ?? null,
  }
}

function ledgerConfig(written: NonNullable<Written['ledger']>): LedgerConfig {
  const { anchors } = written
  return {
    directory: written.directory,
    name: written.name ?? null,
    keyFile: written.key_file ?? null,
    previousKeyFile: written.previous_key_file ?? null,
    kmsKey: written.kms_key ?? null,
    previousKmsKey: written.previous_kms_key ?? null,
    onFull: written.on_full,
    checkpointEverySeconds: written.checkpoint_every,
    segmentSizeBytes: written.segment_size,
    retentionSeconds: written.retention,
    anchors: anchors
      ? {
          cloudwatchLogs: anchors.cloudwatch_logs ? { logGroup: anchors.cloudwatch_logs.log_group } : null,
          s3: anchors.s3
            ? {
                bucket: anchors.s3.bucket,
                prefix: anchors.s3.prefix ?? null,
                objectLock: anchors.s3.object_lock,
              }
            : null,
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
      endpoint: topology.endpoint
        ? { ec2: topology.endpoint.ec2 ?? null, sts: topology.endpoint.sts ?? null }
        : null,
      also: topology.also.map((also) => ({
        directory: also.directory ?? null,
        roleArn: also.role_arn ?? null,
        externalId: also.external_id ?? null,
        region: also.region ?? null,
      })),
    },
    flowLogs: flowLogsConfig(written.flow_logs),
    cloudwatch: written.cloudwatch ? { everySeconds: written.cloudwatch.every } : null,
    canary: canary
      ? {
          everySeconds: canary.every,
          bucket: canary.bucket,
          control: canary.control,
          positive: canary.positive,
          negative: canary.negative,
          endpoint: canary.endpoint,
          sourceIp: canary.source_ip,
          sourceAddresses: canary.source_addresses,
          vpc: canary.vpc ?? null,
          region: canary.region ?? null,
        }
      : null,
    cloudtrail: written.cloudtrail ? { everySeconds: written.cloudtrail.every } : null,
    sites: written.sites.map((site) => ({
      name: site.name,
      firstLeg: site.first_leg ?? null,
      nextHops: site.next_hops,
      prefixes: site.prefixes,
      snatRelay: site.snat_relay,
    })),
    trace: written.trace ? { everySeconds: written.trace.every } : null,
    directConnect: written.direct_connect
      ? { everySeconds: written.direct_connect.every, region: written.direct_connect.region ?? null }
      : null,
    egress: {
      everySeconds: written.egress.every,
      timeoutSeconds: written.egress.timeout,
      mustFail: written.egress.must_fail,
    },
    posture: { enabled: written.posture.enabled },
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
