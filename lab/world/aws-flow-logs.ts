import { partitionOf } from '../api/principals.ts'
import { defaultFormat } from '../flow/fields.ts'
import type { FlowDestination, FlowLog } from '../flow/types.ts'
import type { World } from './types.ts'

/** EC2 API reference, `FlowLog`. The default format is printed as well. */
export function flowLogJson(world: World, log: FlowLog): Record<string, unknown> {
  const { destination } = log
  const made = log.createdMs === 0 ? Date.UTC(2026, 0, 5, 8) : log.createdMs
  return {
    CreationTime: new Date(made).toISOString().replace(/\.\d+Z$/u, '+00:00'),
    ...(destination.type === 'cloud-watch-logs' && {
      DeliverLogsPermissionArn: `arn:${partitionOf(world.region)}:iam::${world.account}:role/flow-logs`,
    }),
    ...(log.error !== null && { DeliverLogsErrorMessage: log.error }),
    DeliverLogsStatus: log.status,
    FlowLogId: log.id,
    FlowLogStatus: 'ACTIVE',
    ...(destination.type === 'cloud-watch-logs' && { LogGroupName: destination.group }),
    ResourceId: log.resource,
    TrafficType: log.trafficType,
    LogDestinationType: destination.type,
    LogDestination: destinationArn(world, destination),
    LogFormat: log.format ?? defaultFormat,
    Tags: [],
    MaxAggregationInterval: log.aggregationSeconds,
    ...(destination.type === 's3' && {
      DestinationOptions: {
        FileFormat: 'plain-text',
        HiveCompatiblePartitions: destination.hive,
        PerHourPartition: destination.hourly,
      },
    }),
  }
}

function destinationArn({ region, account }: World, destination: FlowDestination): string {
  const partition = partitionOf(region)
  if (destination.type === 'cloud-watch-logs')
    return `arn:${partition}:logs:${region}:${account}:log-group:${destination.group}`
  const path = destination.prefix === '' ? '' : `/${destination.prefix}`
  return `arn:${partition}:s3:::${destination.bucket}${path}`
}
