import type { Lab } from '../lab/lab.ts'
import { type LoadResult, parseConfig } from './config/load.ts'

export interface LabConfigOptions {
  /** For example `5s`. */
  every: string
  /** `web.listen`. */
  listen: string
  nowMs: number
  /** Where the account is read: the lab's directory of AWS CLI output (the default), its EC2 API, or a shared snapshot. */
  source?: 'directory' | 'aws' | { file: string } | { s3: { bucket: string; key: string } }
}

/** The configuration with which the agent watches a lab: its names, its snapshot, its certificate authority. */
export function labConfig(
  lab: Lab,
  { every, listen, nowMs, source = 'directory' }: LabConfigOptions,
): LoadResult {
  const { vantage, ...declared } = lab.scenario.agent
  const document = {
    version: 1,
    ...(vantage !== undefined && { agent: { vantage } }),
    ...declared,
    targets: lab.scenario.names.map(({ target, ...what }) => {
      const { require = 'private', ...rest } = what
      return {
        name: target,
        ...rest,
        require: require.includes(',') ? require.split(',') : require,
        every,
        timeout: '2s',
      }
    }),
    topology:
      source === 'directory'
        ? { source, directory: lab.snapshotDirectory, refresh: '10s' }
        : source === 'aws'
          ? { source }
          : { source: 'file' in source ? 'file' : 's3', ...source },
    partition_roots: [{ partition: 'aws', file: lab.caFile }],
    web: { listen },
  }
  // JSON is YAML: the lab's configuration passes the same checks as everybody's.
  return parseConfig(JSON.stringify(document, null, 1), `lab ${lab.scenario.name}`, nowMs)
}
