// One by one: the whole library brings OpenTelemetry, a cluster and a push gateway along, 3 MiB that are never used.
import eventLoopLag from '@prometheus-io/client/lib/metrics/eventLoopLag.js'
import gc from '@prometheus-io/client/lib/metrics/gc.js'
import heapSizeAndUsed from '@prometheus-io/client/lib/metrics/heapSizeAndUsed.js'
import osMemoryHeap from '@prometheus-io/client/lib/metrics/osMemoryHeap.js'
import processMaxFileDescriptors from '@prometheus-io/client/lib/metrics/processMaxFileDescriptors.js'
import processOpenFileDescriptors from '@prometheus-io/client/lib/metrics/processOpenFileDescriptors.js'
import processStartTime from '@prometheus-io/client/lib/metrics/processStartTime.js'
import runtimeVersion from '@prometheus-io/client/lib/metrics/version.js'
import Registry from '@prometheus-io/client/lib/registry.js'
import type { ExpositionFormat } from './exposition.ts'
import { bucketBound, familyHeader, samplePrefix, sampleValue } from './exposition.ts'
import type { Metric } from './metric.ts'

/**
 * What is kept of the library's default metrics: few series, none of which `promtool check metrics` finds
 * fault with (it has gauges that end in `_total`), and none that needs its own frequent sampling.
 */
const kept = [
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

const collectors = [
  processStartTime,
  osMemoryHeap,
  processOpenFileDescriptors,
  processMaxFileDescriptors,
  eventLoopLag,
  heapSizeAndUsed,
  runtimeVersion,
  gc,
]

/**
 * Starts collecting the metrics of this process and returns their exposition, to be appended to ours.
 * Call it once per process: the library's observers stay until the process ends (they don't keep it alive).
 */
export function createProcessMetrics(): (format: ExpositionFormat) => Promise<string> {
  const registry = new Registry()
  // It would sample on a timer of its own, a hundred times a second, for series that are not kept.
  const seldom = { eventLoopMonitoringPrecision: 60_000 }
  for (const collect of collectors) collect(registry, seldom)
  for (const { name } of registry.getMetricsAsArray()) {
    if (!kept.includes(name)) registry.removeSingleMetric(name)
  }
  return async (format) => {
    // The registry's own text is bound to one format for good; its values are not.
    const families: LibraryFamily[] = await registry.getMetricsAsJSON()
    return [...cpuFamilies(), ...families]
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

/** The library's own collector is the one that needs OpenTelemetry. */
function cpuFamilies(): LibraryFamily[] {
  const { user, system } = process.cpuUsage()
  const family = (name: string, what: string, microseconds: number): LibraryFamily => ({
    name,
    help: `Total ${what} CPU time spent in seconds.`,
    type: 'counter',
    values: [{ value: microseconds / 1e6, labels: {} }],
  })
  return [
    family('process_cpu_user_seconds_total', 'user', user),
    family('process_cpu_system_seconds_total', 'system', system),
    family('process_cpu_seconds_total', 'user and system', user + system),
  ]
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
