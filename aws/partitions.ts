/** One of AWS's separate clouds: own accounts, own regions, own DNS suffixes. */
export interface Partition {
  id: string
  /** Suffix of most service names, for example `amazonaws.com`. */
  dnsSuffix: string
  /** Suffix of names that answer IPv4 and IPv6. */
  dualStackSuffix: string
  /** What a region of this partition looks like; also matches regions that do not exist yet. */
  regionPattern: RegExp
}

/** Facts from the SDKs' public partition table (botocore `partitions.json`). */
export const partitions: readonly Partition[] = [
  {
    id: 'aws',
    dnsSuffix: 'amazonaws.com',
    dualStackSuffix: 'api.aws',
    regionPattern: /^(?:us|eu|ap|sa|ca|me|af|il|mx)-[a-z0-9]+-\d+$/,
  },
  {
    id: 'aws-us-gov',
    dnsSuffix: 'amazonaws.com',
    dualStackSuffix: 'api.aws',
    regionPattern: /^us-gov-[a-z0-9]+-\d+$/,
  },
  {
    id: 'aws-cn',
    dnsSuffix: 'amazonaws.com.cn',
    dualStackSuffix: 'api.amazonwebservices.com.cn',
    regionPattern: /^cn-[a-z0-9]+-\d+$/,
  },
  {
    id: 'aws-eusc',
    dnsSuffix: 'amazonaws.eu',
    dualStackSuffix: 'api.amazonwebservices.eu',
    regionPattern: /^eusc-de-[a-z0-9]+-\d+$/,
  },
  {
    id: 'aws-iso',
    dnsSuffix: 'c2s.ic.gov',
    dualStackSuffix: 'api.aws.ic.gov',
    regionPattern: /^us-iso-[a-z0-9]+-\d+$/,
  },
  {
    id: 'aws-iso-b',
    dnsSuffix: 'sc2s.sgov.gov',
    dualStackSuffix: 'api.aws.scloud',
    regionPattern: /^us-isob-[a-z0-9]+-\d+$/,
  },
  {
    id: 'aws-iso-e',
    dnsSuffix: 'cloud.adc-e.uk',
    dualStackSuffix: 'api.cloud-aws.adc-e.uk',
    regionPattern: /^eu-isoe-[a-z0-9]+-\d+$/,
  },
  {
    id: 'aws-iso-f',
    dnsSuffix: 'csp.hci.ic.gov',
    dualStackSuffix: 'api.aws.hci.ic.gov',
    regionPattern: /^us-isof-[a-z0-9]+-\d+$/,
  },
]

/** What a suffix says about the names under it. `resource` names belong to customers' resources, `notebook` to SageMaker's. */
export type SuffixKind = 'dns' | 'dual_stack' | 'resource' | 'notebook'

export interface Suffix {
  suffix: string
  kind: SuffixKind
  /** More than one where partitions share a suffix; the region decides between them. */
  partitions: readonly Partition[]
}

const byId = (id: string): Partition[] => partitions.filter((partition) => partition.id === id)

/** Every suffix under which only AWS can name hosts. */
export const suffixes: readonly Suffix[] = [
  ...(['dns', 'dual_stack'] as const).flatMap((kind) =>
    [...new Set(partitions.map((p) => (kind === 'dns' ? p.dnsSuffix : p.dualStackSuffix)))].map((suffix) => ({
      suffix,
      kind,
      partitions: partitions.filter((p) => suffix === (kind === 'dns' ? p.dnsSuffix : p.dualStackSuffix)),
    })),
  ),
  { suffix: 'on.aws', kind: 'resource', partitions: [...byId('aws'), ...byId('aws-us-gov')] },
  { suffix: 'on.amazonwebservices.com.cn', kind: 'resource', partitions: byId('aws-cn') },
  { suffix: 'sagemaker.aws', kind: 'notebook', partitions: byId('aws') },
]

/** The suffix that `hostname` (lower case, no trailing dot) is under, on a label boundary; null for all other names. */
export function suffixOf(hostname: string): Suffix | null {
  return suffixes.find(({ suffix }) => hostname === suffix || hostname.endsWith(`.${suffix}`)) ?? null
}

/** The partition that a region belongs to by its form, null for what is not a region's name. */
export function partitionOfRegion(region: string): Partition | null {
  return partitions.find((partition) => partition.regionPattern.test(region)) ?? null
}

export function partitionById(id: string): Partition | null {
  return partitions.find((partition) => partition.id === id) ?? null
}

/**
 * True for the name of a region, also of one in a partition that this table does not know yet: letters, one to three
 * words, a number (`eu-west-1`, `us-gov-east-1`).
 */
export function isRegion(label: string): boolean {
  return partitionOfRegion(label) !== null || /^[a-z]{2,4}(?:-[a-z]+){1,3}-\d{1,2}$/.test(label)
}
