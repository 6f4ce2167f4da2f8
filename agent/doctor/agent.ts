import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import type { Config } from '../config/config.ts'
import { notActive } from '../config/not-active.ts'
import type { Problem } from '../config/problems.ts'
import { problemText } from '../config/problems.ts'
import { discoverOnce } from '../account/discovery.ts'
import { sleep } from '../machine.ts'
import { writeStateFile } from '../state-file.ts'
import { type Finding, type Patient, counted, fail, ok, warn } from './finding.ts'

/** What the configuration warns of, and what of it is not active. */
export function configFindings(file: string | null, config: Config, warnings: readonly Problem[]): Finding[] {
  return [
    ok('configuration', file === null ? 'none is given: defaults' : `${file} is good`),
    ...warnings.map((warning) => warn('configuration', problemText(warning), 'mend it in the configuration')),
    ...notActive(config).map(({ path, text }) =>
      warn('configuration', `${path}: ${text}`, 'nothing is shown by it; take it out, or do without'),
    ),
  ]
}

/** What is watched, or would be. Asks the host's name service for discovered names. */
export async function targetFindings(patient: Patient): Promise<Finding[]> {
  const { host, config, targets, where, snapshot, signal } = patient
  const area = 'targets'
  if (targets.length > 0) {
    const names = targets.reduce((sum, target) => sum + target.names.length, 0)
    return [
      ok(area, `${counted(targets.length, 'target')} with ${counted(names, 'name')} in the configuration`),
    ]
  }
  const { lookup, clock } = host
  const maxNames = config.limits.names
  const found = await discoverOnce({
    vantage: where.vantage,
    snapshot,
    lookup,
    clock,
    sleep,
    maxNames,
    signal,
  })
  const shown = found.targets.map(({ name, require }) =>
    require.kind === 'none' ? name : `${name} (private)`,
  )
  return [
    ...(shown.length > 0 ? [ok(area, `none in the configuration; discovered: ${shown.join(', ')}`)] : []),
    ...(found.because.length > 0
      ? [
          warn(
            area,
            found.because.join('; '),
            shown.length > 0
              ? 'name what is missing in the configuration'
              : 'add targets to the configuration',
          ),
        ]
      : []),
  ]
}

function certificatesIn(file: string): number {
  const blocks =
    readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  for (const block of blocks) new X509Certificate(block)
  return blocks.length
}

/** The roots that a certificate of AWS may end in. */
export function rootFindings({ config }: Pick<Patient, 'config'>): Finding[] {
  const area = 'roots'
  const amazon = rootCertificates.some((pem) => new X509Certificate(pem).subject.includes('O=Amazon'))
  const findings = [
    amazon
      ? ok(area, `${rootCertificates.length} public roots come with the program, Amazon's among them`)
      : fail(
          area,
          "the program comes without Amazon's public roots",
          'install a build of the program that has them',
        ),
  ]
  for (const { partition, file } of config.partitionRoots) {
    try {
      const found = certificatesIn(file)
      findings.push(
        found > 0
          ? ok(area, `${counted(found, 'root')} for partition ${partition} in ${file}`)
          : fail(area, `${file} holds no certificate`, `put the roots of ${partition} there, as PEM`),
      )
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'no certificate'
      findings.push(
        fail(area, `${file} can't be read (${code})`, `put the roots of ${partition} there, as PEM`),
      )
    }
  }
  return findings
}

/** Whether what must outlive a restart can be kept; a file is written and taken away again. */
export async function stateFindings(directory: string | null): Promise<Finding[]> {
  const area = 'state directory'
  if (directory === null) {
    return [
      warn(
        area,
        'STATE_DIRECTORY is not set: what is discovered and what is known of the account do not outlive a restart',
        'StateDirectory=pathproof in the unit, or STATE_DIRECTORY in the environment of the agent',
      ),
    ]
  }
  const name = `doctor-${process.pid}`
  try {
    await writeStateFile(directory, name, '')
    await rm(join(directory, name), { force: true })
    return [ok(area, `${directory} can be written`)]
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    return [
      warn(
        area,
        `${directory} can't be written (${code})`,
        'make it, and let the user of the agent write there',
      ),
    ]
  }
}
