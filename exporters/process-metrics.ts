import client from '@prometheus-io/client'
import type { ExpositionFormat } from './exposition.ts'
import { bucketBound, familyHeader, samplePrefix, sampleValue } from './exposition.ts'
import type { Metric } from './metric.ts'

/**
 * What is kept of the library's default metrics: few series, none of which `promtool check metrics` finds
 * fault with (it has gauges that end in `_total`), and none that needs its own frequent sampling.
 */
const kept = [
  'process_cpu_user_seconds_total',
  'process_cpu_system_seconds_total',
  'process_cpu_seconds_total',
  'process_start_time_seconds',
  'process_resident_memory_bytes',
  'process_virtual_memory_bytes',
  'process_open_fds',
  'process_max_fds',
  'nodejs_eventloop_lag_seconds',
  'nodejs_heap_size_total_bytes',
  'nodejs_heap_size_used_bytes',
  'nodejs_external_memory_bytes',
  'nodejs_gc_duration_seconds',
  'nodejs_version_info',
]

/**
 * Starts collecting the metrics of this process and returns their exposition, to be appended to ours.
 * Call it once per process: the library's observers stay until the process ends (they don't keep it alive).
 */
export function createProcessMetrics(): (format: ExpositionFormat) => Promise<string> {
  const registry = new client.Registry()
  // Both would sample on timers of their own, a hundred and ten times a second, for series that are not kept.
  const seldom = { eventLoopMonitoringPrecision: 60_000, eventLoopUtilizationTimeout: 3_600_000 }
  client.collectDefaultMetrics({ register: registry, ...seldom })
  for (const { name } of registry.getMetricsAsArray()) {
    if (!kept.includes(name)) registry.removeSingleMetric(name)
  }
  return async (format) => {
    // The registry's own text is bound to one format for good; its values are not.
    const families: LibraryFamily[] = await registry.getMetricsAsJSON()
    return families
      .filter((family) => family.values.length > 0)
      .map((family) => familyText(family, format))
      .join('')
  }
}

interface LibraryFamily {
  name: string
  help: string
  type: string
  values: { value: number; metricName?: string; labels: Partial<Record<string, string | number>> }[]
}

function familyText({ name, help, type, values }: LibraryFamily, format: ExpositionFormat): string {
  const header = familyHeader({ name, help, type: type as Metric['type'] }, format)
  const lines = values.map(({ value, metricName, labels }) => {
    const pairs = Object.entries(labels).map(([label, text]): [string, string] => [
      label,
      label === 'le' ? bucketBound(Number(text === '+Inf' ? Infinity : text)) : String(text),
    ])
    return `${samplePrefix(metricName ?? name, pairs)}${sampleValue(value)}\n`
  })
  return header + lines.join('')
}
