import type { Config } from './config.ts'
import type { Cost } from './cost.ts'

const perDay = 86_400
/** CloudWatch pricing of us-east-1, unconfirmed (as remembered, not read on a given day): a custom metric for a month, up to 10,000. */
const dollarsPerMetric = 0.3
/** The same: one call of PutMetricData. */
const dollarsPerCall = 0.01 / 1000
/** Of each target; one more is the agent's. `cloudwatchMetrics` of the exporter, and a test, say how many. */
const metricsPerTarget = 4

const rounded = (value: number): string => Math.round(value).toLocaleString('en-US')

/** What the exporters ask of AWS. */
export function exporterCosts({ exporters, targets }: Pick<Config, 'exporters' | 'targets'>): Cost[] {
  const { cloudwatch } = exporters
  if (cloudwatch === null) return []
  const requestsPerDay = perDay / cloudwatch.everySeconds
  const metrics = targets.length === 0 ? null : 1 + metricsPerTarget * targets.length
  const calls = requestsPerDay * 30 * dollarsPerCall
  const shared = (metrics ?? 0) * dollarsPerMetric
  const counted =
    metrics === null
      ? `one custom metric, and ${metricsPerTarget} more for each target that is discovered, at ${dollarsPerMetric.toFixed(2)} USD a month each`
      : `${rounded(metrics)} custom metrics, about ${shared.toFixed(2)} USD a month in all`
  return [
    {
      path: 'exporters.cloudwatch',
      requestsPerDay,
      dollarsPerMonth: shared + calls,
      text: `exporters.cloudwatch: ${counted} (agents with the same targets and namespace share them), and ${rounded(requestsPerDay)} calls of PutMetricData a day for each agent, about ${calls.toFixed(2)} USD a month (list prices of us-east-1, not confirmed)`,
    },
  ]
}
