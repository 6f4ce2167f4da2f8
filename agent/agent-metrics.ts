import { catalogue } from '../exporters/catalogue.ts'
import type { ExpositionFormat } from '../exporters/exposition.ts'
import { type FlowlogMetrics, createFlowlogMetrics } from '../exporters/flowlog-metrics.ts'
import { type ProbeMetrics, createProbeMetrics } from '../exporters/probe-metrics.ts'
import { createProcessMetrics } from '../exporters/process-metrics.ts'
import { type SeriesSet, createSeriesSet } from '../exporters/prometheus.ts'
import {
  type TopologyMetrics,
  createFurtherMetrics,
  createTopologyMetrics,
} from '../exporters/topology-metrics.ts'
import { type VerdictMetrics, createVerdictMetrics } from '../exporters/verdict-metrics.ts'
import { type SelfMetrics, createSelfMetrics } from './self-metrics.ts'

/** Whether a name of a target is still looked at as often as it should be. */
export type IsAlive = (target: string, hostname: string, style: string) => boolean

/** All series of one agent, and those who write them. */
export interface AgentMetrics {
  series: SeriesSet
  verdict: VerdictMetrics
  probe: ProbeMetrics
  flowlog: FlowlogMetrics
  topology: TopologyMetrics
  self: SelfMetrics
  /** For a further account, by its role. */
  further(role: Parameters<typeof createFurtherMetrics>[1]): ReturnType<typeof createFurtherMetrics>
  /** `refresh` brings up to date what is made anew for each scrape. */
  render(format: ExpositionFormat, refresh: () => void): Promise<Buffer>
}

export function createAgentMetrics(version: string): AgentMetrics {
  const series = createSeriesSet(catalogue)
  const processMetrics = createProcessMetrics()
  return {
    series,
    verdict: createVerdictMetrics(series),
    probe: createProbeMetrics(series),
    flowlog: createFlowlogMetrics(series),
    topology: createTopologyMetrics(series),
    self: createSelfMetrics(series, version),
    further: (role) => createFurtherMetrics(series, role),
    async render(format, refresh) {
      const further = await processMetrics(format)
      // Last before the rendering: a life may end while the process is asked.
      refresh()
      return series.render(format, further)
    },
  }
}
