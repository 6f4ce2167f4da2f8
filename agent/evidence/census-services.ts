import type { Target } from '../../model/target.ts'

/**
 * AWS's names in flow records (`pkt-dst-aws-service`) for the services that it tells apart there; all others have addresses
 * of the kind `AMAZON` or `EC2`, which many services share. Source: VPC User Guide, "Flow log records".
 */
const inRecords: Readonly<Record<string, string>> = {
  s3: 'S3',
  dynamodb: 'DYNAMODB',
  'execute-api': 'API_GATEWAY',
  ec2: 'EC2',
  ebs: 'EBS',
  route53: 'ROUTE53',
}

/** Services, as flow records name them, of which some target requires that they are reached privately, or not at all. */
export function privateServices(targets: readonly Target[]): string[] {
  const services = targets.flatMap(({ require, names }) =>
    require.kind === 'private' || require.kind === 'blocked'
      ? names.flatMap(({ service }) => service ?? [])
      : [],
  )
  return [...new Set(services.flatMap((service) => inRecords[service] ?? []))].sort()
}
