import type { HostAccess } from '../../model/host.ts'
import type { Snapshot, Vantage } from '../../model/topology.ts'
import { imdsEndpoint } from '../../aws/imds.ts'
import { isRegion } from '../../aws/partitions.ts'
import { readSnapshotDirectory } from '../../aws/snapshot-files.ts'
import type { WantedParts } from '../../aws/snapshot-api-calls.ts'
import type { Config } from '../config/config.ts'
import type { ProgramCommand, ReaderDeps } from '../child.ts'
import { readSnapshot } from './snapshot-child.ts'
import type { SharedPlace } from './shared-snapshot-request.ts'
import { sharedSource } from './shared-snapshot-source.ts'
import type { SourceReading } from './snapshot-keeper.ts'

/** Where the account is read from, as the keeper needs it. */
export interface SnapshotSource {
  /** Null: there is no source that this version reads. */
  read: ((parts: WantedParts, last: Snapshot | null) => Promise<SourceReading>) | null
  /** Null: all parts come together. */
  otherRefreshSeconds: number | null
  /** True where a reading takes network calls, so that a start need not wait for it. */
  remote: boolean
  /** Whether the last good reading is kept on disk: with it, what went before is known after a restart as well. */
  kept: boolean
}

export interface SnapshotSourceDeps {
  host: Pick<HostAccess, 'clock' | 'environment' | 'serverAddress'>
  program: ProgramCommand
  signal: AbortSignal
  /** A line that the process that reads the account wrote to its standard error; foreign text. */
  onLine(line: string): void
}

/** Route tables come in one call; a reading that takes longer would be stale when it comes. */
export const tablesDeadlineSeconds = 25
export const restDeadlineSeconds = 60

/**
 * The region whose API is asked: that of the instance, else what the environment says, else the one region that all
 * targets name. Null: none of them says it.
 */
export function regionOf(
  config: Pick<Config, 'targets'>,
  vantage: Vantage,
  environment: HostAccess['environment'],
): string | null {
  const regions = new Set(config.targets.flatMap(({ region }) => region ?? []))
  const [only] = regions
  const said = [
    vantage.region,
    environment['AWS_REGION'],
    environment['AWS_DEFAULT_REGION'],
    regions.size === 1 ? only : null,
  ]
  return said.find((region) => typeof region === 'string' && isRegion(region)) ?? null
}

/** `topology.endpoint` as the SDK finds it: these variables beat whatever a profile or another variable says of endpoints. */
function endpointVariables(endpoint: ApiEndpoints): Record<string, string> {
  const { ec2, sts } = endpoint
  return {
    ...(ec2 !== null && { AWS_ENDPOINT_URL_EC2: ec2 }),
    ...(sts !== null && { AWS_ENDPOINT_URL_STS: sts }),
    ...((ec2 !== null || sts !== null) && { AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'false' }),
  }
}

/** Where the APIs are asked, as the configuration says; null: it does not. */
export type ApiEndpoints = NonNullable<Config['topology']['endpoint']>

export const noEndpoints: ApiEndpoints = { ec2: null, sts: null }

/** What the process that reads an account gets, for a host that stands at `vantage`. */
export function readerDeps(
  { host, program, signal, onLine }: SnapshotSourceDeps,
  vantage: Pick<Vantage, 'kind'>,
  endpoint: ApiEndpoints,
): ReaderDeps {
  const { environment } = host
  const imds = host.serverAddress(imdsEndpoint)
  const moved = imds.address !== imdsEndpoint.address || imds.port !== imdsEndpoint.port
  return {
    program,
    environment: {
      ...environment,
      // where the metadata service is played elsewhere, the SDK has to look there as well
      ...(moved && { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://${imds.address}:${imds.port}` }),
      ...endpointVariables(endpoint),
    },
    metadata: vantage.kind !== 'on-prem',
    signal,
    onLine,
  }
}

/** The source that the configuration names, for a host that stands at `vantage`, which is asked anew at each reading. */
export function snapshotSource(
  config: Config,
  vantage: () => Vantage,
  deps: SnapshotSourceDeps,
): SnapshotSource {
  const { topology } = config
  const { host, signal } = deps
  const directory = (path: string): Promise<Snapshot> =>
    readSnapshotDirectory(path, { nowMs: host.clock.wallMs(), undated: 'refuse', signal })
  const from = topology.source === 'directory' ? topology.directory : null
  if (from !== null) {
    const read = async () => ({ snapshot: await directory(from), failures: [] })
    return { read, otherRefreshSeconds: null, remote: false, kept: false }
  }
  const place = placeOf(config)
  if (place !== null) return sharedSnapshot(place, config, vantage, deps)
  const read = async (parts: WantedParts, last: Snapshot | null): Promise<SourceReading> => {
    const here = vantage()
    const region = regionOf(config, here, host.environment)
    const vpcIds = [...new Set(here.interfaces.flatMap(({ vpcId }) => vpcId ?? []))]
    if (region === null)
      throw new Error(
        'no region to read the account in: the instance metadata names none; set AWS_REGION, or region in the targets',
      )
    const deadlineSeconds = parts === 'routeTables' ? tablesDeadlineSeconds : restDeadlineSeconds
    const instanceAccount = here.kind === 'ec2' ? here.accountId : null
    return await readSnapshot(
      { region, vpcIds, parts, deadlineSeconds, last, instanceAccount, posture: config.posture.enabled },
      readerDeps(deps, here, topology.endpoint ?? noEndpoints),
    )
  }
  return { read, otherRefreshSeconds: topology.otherRefreshSeconds, remote: true, kept: true }
}

/** Where the shared snapshot lies; null: there is none in the configuration. */
export function placeOf({ topology }: Pick<Config, 'topology'>): SharedPlace | null {
  const { source, file, s3 } = topology
  if (source === 'file' && file !== null) return { kind: 'file', path: file }
  return source === 's3' && s3 !== null ? { kind: 's3', ...s3 } : null
}

/** What one writer reads of the account for all; all parts come together. */
function sharedSnapshot(
  place: SharedPlace,
  config: Config,
  vantage: () => Vantage,
  deps: SnapshotSourceDeps,
): SnapshotSource {
  const { topology } = config
  const { host } = deps
  const shared = sharedSource(place)
  const read = async (_parts: WantedParts, last: Snapshot | null): Promise<SourceReading> => {
    const here = vantage()
    const region = regionOf(config, here, host.environment)
    if (place.kind === 's3' && region === null)
      throw new Error('no region to ask S3 in: set AWS_REGION, or region in the targets')
    const meeting = {
      account: here.accountId,
      region,
      vpcIds: [...new Set(here.interfaces.flatMap(({ vpcId }) => vpcId ?? []))],
      last,
      nowMs: host.clock.wallMs(),
      maxAgeSeconds: topology.maxAgeSeconds,
      otherMaxAgeSeconds: topology.otherMaxAgeSeconds,
    }
    return await shared(meeting, readerDeps(deps, here, noEndpoints))
  }
  return { read, otherRefreshSeconds: null, remote: place.kind === 's3', kept: true }
}
