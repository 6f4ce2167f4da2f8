import { partitionOfRegion } from '../../aws/partitions.ts'
import type { SharedPlace } from '../account/shared-snapshot-request.ts'
import type { Config } from '../config/config.ts'
import { type IamPolicy, iamFeatures, policyOf } from './iam.ts'

/** What the writer of a shared snapshot calls besides what it does with it. */
const reading = ['PathproofReadAccount', 'PathproofReadPosture']

/**
 * The least policy of `pathproof snapshot --share`: reading the account and, in S3, putting the one object, which the SDK does in
 * one request (it is not larger than 32 MiB). A file needs no permission of AWS. Of `config` only the partition counts, by
 * the targets' region.
 */
export function sharePolicy(place: SharedPlace, config: Config): IamPolicy {
  const policy = policyOf(
    iamFeatures.filter(({ sid }) => reading.includes(sid)),
    config,
  )
  if (place.kind === 'file') return policy
  const partition =
    partitionOfRegion(config.targets.flatMap(({ region }) => region ?? [])[0] ?? '')?.id ?? 'aws'
  return {
    ...policy,
    Statement: [
      ...policy.Statement,
      {
        Sid: 'PathproofWriteSharedSnapshot',
        Effect: 'Allow',
        Action: ['s3:PutObject'],
        Resource: [`arn:${partition}:s3:::${place.bucket}/${place.key}`],
      },
    ],
  }
}
