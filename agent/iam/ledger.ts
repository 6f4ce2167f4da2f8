import { kmsActions } from '../../aws/kms-api.ts'
import { partitionOfRegion } from '../../aws/partitions.ts'
import type { Config, LedgerConfig } from '../config/config.ts'
import type { IamFeature } from './iam.ts'
import { keysOf } from '../ledger/anchors.ts'

/** That of the targets' region; where none is named, the largest. */
function partitionOf({ targets }: Config): string {
  return partitionOfRegion(targets.flatMap(({ region }) => region ?? [])[0] ?? '')?.id ?? 'aws'
}

/** An alias is no resource of its own for these actions (KMS developer guide, "Controlling access to aliases"). */
function keyArn(key: string, config: Config): string {
  if (key.startsWith('arn:') && !key.includes(':alias/')) return key
  const id = key.startsWith('alias/') || key.includes(':alias/') ? '*' : key
  return `arn:${partitionOf(config)}:kms:*:*:key/${id}`
}

const kmsKeysOf = ({ ledger }: Config): string[] =>
  [ledger?.kmsKey, ledger?.previousKmsKey].flatMap((key) => key ?? [])

const s3Of = ({ ledger }: Config) => ledger?.anchors?.s3 ?? null
const logsOf = ({ ledger }: Config) => ledger?.anchors?.cloudwatchLogs ?? null

/** Below the prefix are the keys of every ledger: this policy is for more than one host. */
function objectArn(config: Config, s3: NonNullable<NonNullable<LedgerConfig['anchors']>['s3']>): string {
  const name = config.ledger?.name ?? null
  const keys =
    name === null ? (s3.prefix === null ? '' : `${s3.prefix.replace(/\/+$/, '')}/`) : keysOf(s3.prefix, name)
  return `arn:${partitionOf(config)}:s3:::${s3.bucket}/${keys}*`
}

/** What signing by KMS and anchoring outside the host takes. */
export const ledgerFeatures: readonly IamFeature[] = [
  {
    sid: 'PathproofSignLedger',
    purpose:
      'signing checkpoints of the ledger, and handing over from the key before (ledger.kms_key, ledger.previous_kms_key)',
    actions: kmsActions,
    resources: (config) => [...new Set(kmsKeysOf(config).map((key) => keyArn(key, config)))],
    enabled: (config) => kmsKeysOf(config).length > 0,
  },
  {
    sid: 'PathproofAnchorCheckpoints',
    purpose: 'keeping checkpoints in CloudWatch Logs (ledger.anchors.cloudwatch_logs)',
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources(config) {
      const group = `arn:${partitionOf(config)}:logs:*:*:log-group:${logsOf(config)?.logGroup ?? ''}`
      return [`${group}:*`]
    },
    enabled: (config) => logsOf(config) !== null,
  },
  {
    sid: 'PathproofAnchorSegments',
    purpose: 'keeping sealed segments and checkpoints in S3 (ledger.anchors.s3)',
    actions: (config) => [
      's3:PutObject',
      ...(s3Of(config)?.objectLock === 'off' ? [] : ['s3:PutObjectRetention']),
    ],
    resources(config) {
      const s3 = s3Of(config)
      return s3 === null ? [] : [objectArn(config, s3)]
    },
    enabled: (config) => s3Of(config) !== null,
  },
]
