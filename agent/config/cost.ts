import { attestedCosts } from './cost-attested.ts'
import { exporterCosts } from './cost-exporters.ts'
import type { Config } from './config.ts'

/** What one feature asks of AWS in a day, as far as the configuration alone says it. */
export interface Cost {
  /** The key of the configuration. */
  path: string
  requestsPerDay: number
  /** Null: AWS does not charge for the requests themselves. US dollars in 30 days, list price of us-east-1. */
  dollarsPerMonth: number | null
  text: string
}

const perDay = 86_400
/** CloudWatch pricing: 0.01 USD for 1,000 metrics requested by GetMetricData. */
const dollarsPerMetric = 0.01 / 1000
/** S3 pricing of us-east-1, unconfirmed (as remembered, not read on a given day): one LIST, and one GET. */
const dollarsPerList = 0.005 / 1000
const dollarsPerGet = 0.0004 / 1000
/** A flow log writes a file every five minutes, or when it has 75 MB (VPC guide, "Publish flow logs to Amazon S3"). */
const filesPerDay = perDay / 300
/** Two sums of each endpoint or NAT gateway. */
const metricsEach = 2

const rounded = (value: number): string => Math.round(value).toLocaleString('en-US')

/** Requests and, where AWS charges for them, dollars of what is enabled and reads records. */
export function costsOf(
  config: Pick<Config, 'flowLogs' | 'cloudwatch' | 'canary' | 'cloudtrail' | 'targets' | 'exporters'>,
): Cost[] {
  const { flowLogs, cloudwatch } = config
  const costs: Cost[] = []
  if (flowLogs.enabled) {
    const requestsPerDay = perDay / flowLogs.everySeconds
    if (flowLogs.s3 !== null) costs.push(filesCost(requestsPerDay))
    else
      costs.push({
        path: 'flow_logs',
        requestsPerDay,
        dollarsPerMonth: null,
        text: `flow_logs: ${rounded(requestsPerDay)} or more requests a day for each flow log and network interface (FilterLogEvents: no charge, but one allowance for all of the account) or each flow log in S3 (ListBucket, and GetObject for each new file)`,
      })
  }
  if (cloudwatch !== null) {
    const requestsPerDay = perDay / cloudwatch.everySeconds
    const dollarsPerMonth = requestsPerDay * metricsEach * dollarsPerMetric * 30
    costs.push({
      path: 'cloudwatch',
      requestsPerDay,
      dollarsPerMonth,
      text: `cloudwatch: ${rounded(requestsPerDay)} requests a day, each with ${metricsEach} metrics for each endpoint and NAT gateway in use: about ${dollarsPerMonth.toFixed(2)} USD a month for each of them`,
    })
  }
  return [...costs, ...attestedCosts(config), ...exporterCosts(config)]
}

/** Of one flow log in the bucket that is named; how much it writes is not known here. */
function filesCost(listsPerDay: number): Cost {
  const dollarsPerMonth = 30 * (listsPerDay * dollarsPerList + filesPerDay * dollarsPerGet)
  return {
    path: 'flow_logs',
    requestsPerDay: listsPerDay + filesPerDay,
    dollarsPerMonth,
    text: `flow_logs: ${rounded(listsPerDay)} listings (ListBucket) and ${rounded(filesPerDay)} files (GetObject) a day, about ${dollarsPerMonth.toFixed(2)} USD a month for each agent (list prices of us-east-1, not confirmed). Not estimated: more than one file in five minutes, as busy networks write them (0.0004 USD for a thousand), transfer from another region, KMS, and what the flow log itself costs`,
  }
}
