import type { Family } from '../model/observation.ts'
import type { NameStyle } from '../model/target.ts'
import { type Partition, partitionOfRegion, type Suffix } from './partitions.ts'

/** What a host name says of itself; every field is null where it does not apply. */
export interface AwsName {
  /** Canonical: lower case, no trailing dot, punycode; an address literal as it stands. */
  hostname: string
  /** The DNS name of the service (`s3`, `kinesis`, `api.ecr`); null: not an AWS service's name. */
  service: string | null
  style: NameStyle
  /** Null for global names. */
  region: string | null
  /** `aws`, `aws-us-gov`, `aws-cn`, …; null outside AWS. */
  partition: string | null
  bucket: string | null
  accessPoint: string | null
  /** Twelve digits. */
  account: string | null
  /** `vpce-…` of an endpoint's own name. */
  endpointId: string | null
  /** Availability zone of a zonal endpoint name or of an S3 Express name. */
  zone: string | null
  dualstack: boolean
  fips: boolean
  /** The family of an address literal; null for names. */
  family: Family | null
}

/** What remains of a name under AWS's suffix. */
export interface NameUnderSuffix {
  hostname: string
  /** Labels left of the suffix, in order; never empty. */
  labels: string[]
  suffix: Suffix
}

/** A name with nothing known but itself. */
export function bareName(hostname: string): AwsName {
  return {
    hostname,
    service: null,
    style: 'other',
    region: null,
    partition: null,
    bucket: null,
    accessPoint: null,
    account: null,
    endpointId: null,
    zone: null,
    dualstack: false,
    fips: false,
    family: null,
  }
}

/** The partition of a region under a suffix; without a region, or with one from elsewhere, the first one of the suffix. */
export function partitionUnder(suffix: Suffix, region: string | null): string | null {
  const own = region === null ? null : partitionOfRegion(region)
  const candidates: readonly Partition[] = suffix.partitions
  return (candidates.find((partition) => partition === own) ?? candidates[0])?.id ?? null
}

export const accountPattern = /^\d{12}$/

/** Drops the FIPS mark of a label: `kms-fips` → `kms`. */
export function withoutFips(label: string): string {
  return label.length > 5 && label.endsWith('-fips') ? label.slice(0, -5) : label
}
