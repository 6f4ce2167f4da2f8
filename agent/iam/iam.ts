import { directConnectActions } from '../../aws/direct-connect-actions.ts'
import { parseHostname } from '../../aws/hostname.ts'
import { witnessPermissions } from '../../aws/management-calls.ts'
import { partitionOfRegion } from '../../aws/partitions.ts'
import { actionsOfOthers, ec2Actions, postureActions } from '../../aws/snapshot-api-calls.ts'
import type { CanaryConfig, Config } from '../config/config.ts'
import { exporterFeatures } from './exporters.ts'
import { ledgerFeatures } from './ledger.ts'
import { recordsFeatures } from './records.ts'

/** One feature that calls AWS, and every action that it calls. */
export interface IamFeature {
  /** Statement id: letters and digits. */
  sid: string
  /** What it is for, one line. */
  purpose: string
  actions: readonly string[] | ((config: Config) => readonly string[])
  /** Left out: everything. EC2's `Describe*` have no resource-level permissions (Service Authorization Reference, "Amazon EC2"). */
  resources?(config: Config): string[]
  /** Of the statement; left out or null: none. */
  condition?(config: Config): IamCondition | null
  enabled(config: Config): boolean
}

/** Operator → key → value. */
export type IamCondition = Readonly<Record<string, Readonly<Record<string, string>>>>

const rolesOf = ({ topology }: Config): string[] => topology.also.flatMap(({ roleArn }) => roleArn ?? [])

/** The bucket's own region says the partition; else that of the targets does. */
function bucketArn({ bucket, region }: CanaryConfig, targets: Config['targets']): string {
  const named = region ?? targets.flatMap((target) => target.region ?? [])[0] ?? ''
  return `arn:${partitionOfRegion(named)?.id ?? 'aws'}:s3:::${bucket}`
}

/** Names in DNS of the services that are watched; null: what is discovered is not known here. */
function servicesOf({ targets }: Config): string[] | null {
  if (targets.length === 0) return null
  return targets.flatMap(({ service, hostname }) => {
    const parsed = hostname === null ? null : parseHostname(hostname)
    return service ?? (parsed?.ok ? (parsed.name.service ?? []) : [])
  })
}

/**
 * Every AWS call that this program makes, by the feature that makes it: the one source for `config iam` and for the test
 * that compares it with what is seen on the wire. What the SDK's own credential chain calls (STS, SSO) is the role's
 * trust policy's, not this policy's; the roles of further accounts are asked for by this program itself.
 */
export const iamFeatures: readonly IamFeature[] = [
  {
    sid: 'PathproofReadAccount',
    purpose: 'reading the account (topology.source: aws; pathproof snapshot)',
    actions: ec2Actions.map((action) => `ec2:${action}`),
    enabled: ({ topology }) => topology.source === 'aws',
  },
  {
    sid: 'PathproofReadPosture',
    purpose: 'posture of the account beside the verdicts (posture.enabled; pathproof snapshot)',
    actions: postureActions.map((action) => `ec2:${action}`),
    enabled: ({ topology, posture }) => topology.source === 'aws' && posture.enabled,
  },
  {
    sid: 'PathproofReadSharedSnapshot',
    purpose: 'reading what one writer read of the account (topology.source: s3)',
    actions: ['s3:GetObject'],
    resources: ({ topology, targets }) => {
      const partition = partitionOfRegion(targets.flatMap(({ region }) => region ?? [])[0] ?? '')?.id ?? 'aws'
      return topology.s3 === null ? [] : [`arn:${partition}:s3:::${topology.s3.bucket}/${topology.s3.key}`]
    },
    enabled: ({ topology }) => topology.source === 's3',
  },
  {
    sid: 'PathproofAssumeRoles',
    purpose: 'reading the endpoints of further accounts (topology.also with role_arn)',
    actions: ['sts:AssumeRole'],
    resources: (config) => [...new Set(rolesOf(config))].sort(),
    enabled: (config) => rolesOf(config).length > 0,
  },
  ...recordsFeatures,
  {
    sid: 'PathproofCanaryObjects',
    purpose: 'the three objects of the canary',
    actions: ['s3:GetObject'],
    resources: ({ canary, targets }) =>
      canary === null
        ? []
        : [canary.control, canary.positive, canary.negative].map(
            (key) => `${bucketArn(canary, targets)}/${key}`,
          ),
    enabled: ({ canary }) => canary !== null,
  },
  {
    sid: 'PathproofCanaryPolicy',
    purpose: "verifying that the canary's statements stand in the policy of its bucket",
    actions: ['s3:GetBucketPolicy'],
    resources: ({ canary, targets }) => (canary === null ? [] : [bucketArn(canary, targets)]),
    enabled: ({ canary }) => canary !== null,
  },
  {
    sid: 'PathproofDirectConnect',
    purpose: 'virtual interfaces and their routes, for the first leg (direct_connect)',
    actions: directConnectActions,
    enabled: ({ directConnect }) => directConnect !== null,
  },
  {
    sid: 'PathproofCloudTrail',
    purpose: 'management calls as witnesses, and the look-up of their records (cloudtrail)',
    // a call that is refused is recorded as well, but not where an endpoint's policy refuses it
    actions: (config) => ['cloudtrail:LookupEvents', ...witnessPermissions(servicesOf(config))],
    enabled: ({ cloudtrail }) => cloudtrail !== null,
  },
  ...ledgerFeatures,
  ...exporterFeatures,
]

/** What each role of `topology.also` must allow in its own account, sorted; empty: there is no such role. */
export function actionsOfRoles(config: Config): string[] {
  return rolesOf(config).length === 0 ? [] : actionsOfOthers.map((action) => `ec2:${action}`).sort()
}

export interface IamPolicy {
  Version: '2012-10-17'
  Statement: {
    Sid: string
    Effect: 'Allow'
    Action: string[]
    Resource: string | string[]
    Condition?: IamCondition
  }[]
}

/** The least policy under which everything works that `config` enables; null: nothing in it calls AWS. */
export function iamPolicy(config: Config): IamPolicy | null {
  const enabled = iamFeatures.filter((feature) => feature.enabled(config))
  return enabled.length === 0 ? null : policyOf(enabled, config)
}

/** The policy of these features alone, whether or not `config` enables them. */
export function policyOf(features: readonly IamFeature[], config: Config): IamPolicy {
  return {
    Version: '2012-10-17',
    Statement: features.map(({ sid, actions, resources, condition }) => ({
      Sid: sid,
      Effect: 'Allow',
      Action: [...(typeof actions === 'function' ? actions(config) : actions)].sort(),
      Resource: resources?.(config) ?? '*',
      ...withCondition(condition?.(config) ?? null),
    })),
  }
}

function withCondition(condition: IamCondition | null): { Condition?: IamCondition } {
  return condition === null ? {} : { Condition: condition }
}
