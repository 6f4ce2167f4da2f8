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
  add(config.flowLogs.enabled, 'flow_logs', 'reading flow records')
  add(config.canary !== null, 'canary', 'the canary')
  add(config.egress.mustFail.length > 0, 'egress', 'the check of ways out')
  add(config.ledger !== null, 'ledger', 'the ledger')
  add(exporters.cloudwatch !== null, 'exporters.cloudwatch', 'the export to CloudWatch')
  add(exporters.events !== null, 'exporters.events', 'the export of events')
  add(config.web.telemetryPath !== '/metrics', 'web.telemetry_path', 'another path than /metrics')
  for (const [index, site] of config.sites.entries()) {
    const leg = site.firstLeg !== null || site.nextHops.length > 0
    add(leg, `sites[${index}].first_leg`, `the proof of the first leg of ${site.name}`)
  }
  for (const [index, target] of config.targets.entries()) {
    const at = (key: string) => `targets[${index}].${key}`
    add(
      target.requireFirstLeg !== 'any',
      at('require_first_leg'),
      `the proof of the first leg for ${target.name}`,
    )
    add(target.minProof !== 'configured', at('min_proof'), `${target.minProof} proof for ${target.name}`)
    add(target.evidenceAgeSeconds !== null, at('evidence_age'), `keeping evidence of ${target.name} longer`)
  }
  return list
}
