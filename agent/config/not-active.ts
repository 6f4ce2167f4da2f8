import type { Config } from './config.ts'

/** What the configuration asks for and this version only checks; `path` as in the file. */
export interface NotActive {
  path: string
  text: string
}

/**
 * Everything in the configuration that this version reads and checks but does not act on. Nothing here may make a verdict look
 * better than it is: what a target demands and this version can't show counts as not met.
 */
export function notActive(config: Config): NotActive[] {
  const list: NotActive[] = []
  const add = (asked: boolean, path: string, what: string) => {
    if (asked) list.push({ path, text: `${what} is not active in this version` })
  }
  const { topology, exporters } = config
  add(
    topology.source !== 'directory' && topology.source !== 'aws',
    'topology.source',
    `reading the account from source ${topology.source}`,
  )
  add(exporters.cloudwatch !== null, 'exporters.cloudwatch', 'the export to CloudWatch')
  add(exporters.events !== null, 'exporters.events', 'the export of events')
  add(config.web.telemetryPath !== '/metrics', 'web.telemetry_path', 'another path than /metrics')
  return list
}
