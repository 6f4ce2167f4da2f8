/** AWS's own clients as they come, inside the namespaces. Prints what they got as JSON. `node records-sdk.ts visit|look` */
import { CloudTrailClient, LookupEventsCommand } from '@aws-sdk/client-cloudtrail'
import { CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { CloudWatchLogsClient, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs'
import { HeadObjectCommand, ListBucketsCommand, S3Client } from '@aws-sdk/client-s3'

const visit = async (): Promise<unknown> => {
  const s3 = new S3Client({ maxAttempts: 1 })
  const statuses: number[] = []
  for (const Key of ['control', 'positive', 'negative']) {
    const status = await s3.send(new HeadObjectCommand({ Bucket: 'canary', Key })).then(
      () => 200,
      (error: { $metadata?: { httpStatusCode?: number } }) => error.$metadata?.httpStatusCode ?? 0,
    )
    statuses.push(status)
  }
  await s3.send(new ListBucketsCommand({}))
  s3.destroy()
  return statuses
}

const look = async (): Promise<unknown> => {
  const logs = await new CloudWatchLogsClient({}).send(
    new FilterLogEventsCommand({ logGroupName: '/vpc/flow', logStreamNamePrefix: 'eni-0a000050' }),
  )
  const trail = await new CloudTrailClient({}).send(
    new LookupEventsCommand({
      LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: 'ListBuckets' }],
    }),
  )
  const metrics = await new CloudWatchClient({}).send(
    new GetMetricDataCommand({
      StartTime: new Date(Date.now() - 600_000),
      EndTime: new Date(Date.now() + 600_000),
      MetricDataQueries: [
        {
          Id: 'nat',
          MetricStat: {
            Metric: {
              Namespace: 'AWS/NATGateway',
              MetricName: 'ConnectionAttemptCount',
              Dimensions: [{ Name: 'NatGatewayId', Value: 'nat-0b000009' }],
            },
            Period: 60,
            Stat: 'Sum',
          },
        },
      ],
    }),
  )
  const event = JSON.parse(trail.Events?.[0]?.CloudTrailEvent ?? '{}') as { [name: string]: unknown }
  return {
    lines: logs.events?.map(({ message }) => message),
    trail: [event['vpcEndpointId'], event['sourceIPAddress']],
    metrics: metrics.MetricDataResults?.map(({ Id, StatusCode }) => [Id, StatusCode]),
  }
}

process.stdout.write(JSON.stringify(await (process.argv[2] === 'visit' ? visit() : look())))
process.exit(0)
