import { ec2Actions } from '../aws/snapshot-api-calls.ts'
import type { Config } from './config/config.ts'

/** One feature that calls AWS, and every action that it calls. */
export interface IamFeature {
  /** Statement id: letters and digits. */
  sid: string
  /** What it is for, one line. */
  purpose: string
  actions: readonly string[]
  /** EC2's `Describe*` have no resource-level permissions (Service Authorization Reference, "Amazon EC2"). */
  resource: string
  enabled(config: Config): boolean
}

/**
 * Every AWS call that this program makes, by the feature that makes it: the one source for `config iam` and for the test
 * that compares it with what is seen on the wire. What the SDK's own credential chain calls (STS, SSO) is the role's
 * trust policy's, not this policy's.
 */
export const iamFeatures: readonly IamFeature[] = [
  {
    sid: 'PathproofReadAccount',
    purpose: 'reading the account (topology.source: aws; pathproof snapshot)',
    actions: ec2Actions.map((action) => `ec2:${action}`),
    resource: '*',
    enabled: ({ topology }) => topology.source === 'aws',
  },
]

export interface IamPolicy {
  Version: '2012-10-17'
  Statement: { Sid: string; Effect: 'Allow'; Action: string[]; Resource: string }[]
}

/** The least policy under which everything works that `config` enables; null: nothing in it calls AWS. */
export function iamPolicy(config: Config): IamPolicy | null {
  const enabled = iamFeatures.filter((feature) => feature.enabled(config))
  if (enabled.length === 0) return null
  return {
    Version: '2012-10-17',
    Statement: enabled.map(({ sid, actions, resource }) => ({
      Sid: sid,
      Effect: 'Allow',
      Action: [...actions].sort(),
      Resource: resource,
    })),
  }
}
