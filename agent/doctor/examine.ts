import type { HostAccess } from '../../model/host.ts'
import type { Target } from '../../model/target.ts'
import type { Vantage } from '../../model/topology.ts'
import { hostnamesFor } from '../../aws/service-hostnames.ts'
import { parseIp } from '../../net/ip.ts'
import type { Config } from '../config/config.ts'
import type { Problem } from '../config/problems.ts'
import { stateDirectoryOf } from '../state-file.ts'
import { lookAround } from '../account/vantage.ts'
import { accountFindings, readAccountHere } from './account.ts'
import { alsoFindings } from './also.ts'
import { attestedFindings } from './attested.ts'
import { configFindings, rootFindings, stateFindings, targetFindings } from './agent.ts'
import { connectFindings } from './connect.ts'
import { firstLegFindings } from './first-leg.ts'
import type { Finding, Patient } from './finding.ts'
import { flowLogFindings } from './flow-logs.ts'
import { familyFindings, kernelFindings, metadataFindings, proxyFindings, vantageFindings } from './host.ts'
import { ledgerFindings } from './ledger.ts'
import { nameFindings } from './names.ts'
import { egressFindings, postureFindings } from './outward.ts'

export interface ExamineOptions {
  config: Config
  /** Name of the file of the configuration; null: there is none. */
  file: string | null
  warnings: readonly Problem[]
  targets: readonly Target[]
  /** Whether one TLS connection may be made. */
  connect: boolean
  /** Whether one trace by TCP may be made; left out: not. */
  trace?: boolean
  version: string
  host: HostAccess
  readText(path: string): Promise<string | null>
  /** For each question of DNS and the connection. */
  timeoutSeconds: number
  signal: AbortSignal
}

/** An address of S3, for the kernel's routes where no name resolves. Nothing is sent to it. */
const someAddress = '52.216.0.1'

/** A name that this host may well use: one of its targets', else the token service of its region. */
function sampleName(targets: readonly Target[], vantage: Vantage): string {
  const [first] = targets.flatMap(({ names }) => names)
  if (first !== undefined) return first.hostname
  const built =
    vantage.region === null
      ? null
      : hostnamesFor({ service: 'sts', region: vantage.region, styles: ['regional'] })
  const [regional] = built?.ok === true ? built.names : []
  return regional?.hostname ?? 's3.amazonaws.com'
}

/**
 * Looks at all that this host and account show, in an order for reading. Sends questions to the host's own and the configured
 * resolvers and to the instance metadata, and nothing else, except for one TLS connection with `connect` and one trace with `trace`.
 */
export async function examine(options: ExamineOptions): Promise<Finding[]> {
  const { config, host, targets, signal, timeoutSeconds } = options
  const directory = stateDirectoryOf(host.environment)
  const where = await lookAround({
    host,
    readText: options.readText,
    configured: config.agent.vantage,
    signal,
  })
  const base = { host, config, targets, where, timeoutSeconds, signal }
  const account = await readAccountHere(base, { directory, version: options.version })
  const patient: Patient = {
    ...base,
    snapshot: account.snapshot,
    sample: sampleName(targets, where.vantage),
  }
  const names = await nameFindings(patient)
  const [ipv4] = names.addresses.filter((address) => {
    const ip = parseIp(address)
    return ip.ok && ip.value.family === 4
  })
  const address = ipv4 ?? names.addresses[0] ?? null
  return [
    ...configFindings(options.file, config, options.warnings),
    ...vantageFindings(patient),
    ...metadataFindings(patient),
    ...(await kernelFindings(patient, address ?? someAddress)),
    ...(await familyFindings(patient)),
    ...proxyFindings(patient),
    ...names.findings,
    ...account.findings,
    ...accountFindings(patient),
    ...postureFindings(patient),
    ...(await alsoFindings(base, { directory, version: options.version })),
    ...(await flowLogFindings(patient, directory)),
    ...(await targetFindings(patient)),
    ...attestedFindings(patient),
    ...egressFindings(patient),
    ...(await firstLegFindings(patient, address, options.trace ?? false)),
    ...rootFindings(patient),
    ...(await stateFindings(directory)),
    ...(await ledgerFindings(patient)),
    ...(options.connect ? await connectFindings(patient, address) : []),
  ]
}
