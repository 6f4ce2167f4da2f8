/** What AWS itself writes down in a lab, put together: flow logs, CloudWatch, CloudTrail, and S3 that judges by them. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createTrail } from './api/cloudtrail.ts'
import { createCloudWatchService } from './api/cloudwatch.ts'
import {
  createDirectConnectService,
  type DirectConnectOptions,
  usualDirectConnect,
} from './api/direct-connect.ts'
import type { JsonService } from './api/json-service.ts'
import { createKmsService } from './api/kms.ts'
import { createLogsService } from './api/logs.ts'
import { type LogsOptions, usualLogs } from './api/logs-events.ts'
import type { Principals } from './api/principals.ts'
import type { ApiService } from './api/problem.ts'
import type { ServedCall } from './api/served.ts'
import { type Arrival, hostArrival } from './flow/arrival.ts'
import { createFlowRecorder, type FlowRecorder } from './flow/recorder.ts'
import {
  type FlowPlan,
  type MetricsOptions,
  type TrailOptions,
  usualFlowPlan,
  usualMetrics,
  usualTrail,
} from './flow/types.ts'
import { sourceFor } from './host.ts'
import { createS3Service, type S3Service } from './s3/service.ts'
import { createS3Store } from './s3/store.ts'
import { type S3Options, usualS3 } from './s3/types.ts'
import type { World } from './world/types.ts'
import { createWritten, type Written } from './written.ts'

export interface RecordsOptions {
  flows: FlowPlan
  trail: TrailOptions
  metrics: MetricsOptions
  logs: LogsOptions
  s3: S3Options
  directConnect: DirectConnectOptions
}

/** A change: of each part what is given. */
export type RecordsChange = { [Part in keyof RecordsOptions]?: Partial<RecordsOptions[Part]> }

export interface Records {
  recorder: FlowRecorder
  /** For `createApi`: CloudWatch Logs, CloudWatch, CloudTrail, KMS. */
  services: readonly JsonService[]
  /** For `createApi`: CloudTrail's ear. */
  served(call: ServedCall): void
  /** For `createApi`: the way of the host's requests that come over loopback. */
  arrival(service: ApiService | 's3'): Arrival
  options(): RecordsOptions
  change(change: RecordsChange): void
  /** Log events and objects that were written into the account. */
  written: Written
  /** S3 for those whom the API knows. */
  s3(principals: Pick<Principals, 'find'>): S3Service
}

const usual: RecordsOptions = {
  flows: usualFlowPlan,
  trail: usualTrail,
  metrics: usualMetrics,
  logs: usualLogs,
  s3: usualS3,
  directConnect: usualDirectConnect,
}

function changed(before: RecordsOptions, change: RecordsChange): RecordsOptions {
  return {
    flows: { ...before.flows, ...change.flows },
    trail: { ...before.trail, ...change.trail },
    metrics: { ...before.metrics, ...change.metrics },
    logs: { ...before.logs, ...change.logs },
    s3: { ...before.s3, ...change.s3 },
    directConnect: { ...before.directConnect, ...change.directConnect },
  }
}

/** `world` is the one that the packets meet, asked anew each time; `nowMs` is Unix milliseconds. */
export function createRecords({
  world,
  first = {},
  nowMs,
}: {
  world(): World
  first?: RecordsChange
  nowMs(): number
}): Records {
  let options = changed(usual, first)
  const written = createWritten()
  const recorder = createFlowRecorder({ world, plan: options.flows, nowMs })
  const trail = createTrail({ options: () => options.trail, nowMs })
  return {
    recorder,
    services: [
      createLogsService({ recorder, logs: () => options.logs }, written),
      createCloudWatchService({ recorder, metrics: () => options.metrics }, written),
      createKmsService(),
      createDirectConnectService(() => options.directConnect),
      trail.service,
    ],
    served: trail.record,
    written,
    arrival: (service) => hostArrival(world(), service, (to) => sourceFor(world(), to)),
    options: () => options,
    change: (change) => {
      options = changed(options, change)
      recorder.setPlan(options.flows)
    },
    s3: (principals) =>
      createS3Service({
        s3: () => options.s3,
        store: createS3Store({ s3: () => options.s3, world, recorder, nowMs, written }),
        written,
        principals,
        nowMs,
        served: trail.record,
      }),
  }
}

/** S3 on loopback, where it has no door of its own. */
export function handleLoopbackS3(
  s3: S3Service,
  records: Records,
  region: string,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    if (!s3.handle(request, response, region, records.arrival('s3'))) response.writeHead(403).end()
  }
}
