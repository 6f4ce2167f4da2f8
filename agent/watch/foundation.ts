import { readFileSync } from 'node:fs'
import type { Config } from '../config/config.ts'

/**
 * What every watch rests on, as text: if any of it changes, all watches start anew. What runs beside them is left out.
 * @throws if a file of `partition_roots` can't be read
 */
export function foundation(config: Config): string {
  const { targets: _targets, web: _web, exporters: _exporters, ledger: _ledger, ...further } = config
  const { egress: _egress, posture: _posture, ...others } = further
  const {
    flowLogs: _flowLogs,
    cloudwatch: _cloudwatch,
    canary: _canary,
    cloudtrail: _cloudtrail,
    ...rest
  } = others
  const roots = rest.partitionRoots.map(({ file }) => readFileSync(file, 'utf8'))
  return JSON.stringify([rest, roots])
}
