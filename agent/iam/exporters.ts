import type { IamFeature } from './iam.ts'

/** What exporters write. */
export const exporterFeatures: readonly IamFeature[] = [
  {
    sid: 'PathproofPutMetrics',
    purpose: 'custom metrics of CloudWatch (exporters.cloudwatch)',
    // PutMetricData has no resource-level permissions; the namespace is a condition (Service Authorization Reference, "Amazon CloudWatch")
    actions: ['cloudwatch:PutMetricData'],
    condition: ({ exporters }) =>
      exporters.cloudwatch === null
        ? null
        : { StringEquals: { 'cloudwatch:namespace': exporters.cloudwatch.namespace } },
    enabled: ({ exporters }) => exporters.cloudwatch !== null,
  },
]
