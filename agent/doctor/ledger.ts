import { access, constants, stat, statfs } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import { realFiles } from '../../ledger/files.ts'
import { layoutOf, listNotes, listSegments } from '../../ledger/layout.ts'
import { ledgerSize } from '../config/ledger-size.ts'
import { findLocalKey, localSigner } from '../ledger/key.ts'
import { originOf } from '../ledger/ledger.ts'
import { type Finding, type Patient, counted, fail, ok, warn } from './finding.ts'

const area = 'ledger'

/** The nearest directory of a path that is there. */
async function nearest(path: string): Promise<string> {
  try {
    await stat(path)
    return path
  } catch {
    const above = dirname(path)
    return above === path ? path : await nearest(above)
  }
}

async function placeFindings({ config }: Patient, directory: string): Promise<Finding[]> {
  const findings: Finding[] = []
  const there = await nearest(directory)
  try {
    await access(there, constants.W_OK | constants.X_OK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    return [
      fail(
        area,
        `${there} can't be written (${code})`,
        'let the user of the agent write there, or set ledger.directory',
      ),
    ]
  }
  const files = realFiles()
  const layout = layoutOf(directory)
  const [segments, notes] = await Promise.all([listSegments(files, layout), listNotes(files, layout)]).catch(
    () => [[], []] as [never[], never[]],
  )
  findings.push(
    segments.length === 0
      ? ok(area, `${directory}: none yet; the agent begins one`)
      : ok(
          area,
          `${directory}: ${counted(segments.length, 'segment')}, ${notes.length === 0 ? 'no checkpoint' : `newest checkpoint over ${notes.at(-1)} records`}; pathproof ledger verify checks it`,
        ),
  )
  const size = ledgerSize(config)
  const disk = await statfs(there).catch(() => null)
  const free = disk === null ? null : disk.bavail * disk.bsize
  if (size !== null && free !== null && free < size.bytesKept)
    findings.push(
      warn(
        area,
        `${Math.round(free / 1e6)} MB are free in ${there}, and about ${Math.round(size.bytesKept / 1e6)} MB will be needed over the whole retention`,
        'make room, or shorten ledger.retention',
      ),
    )
  return findings
}

/** Where the ledger is written, with which key it is signed, and where its copies go; nothing is written or asked. */
export async function ledgerFindings(patient: Patient): Promise<Finding[]> {
  const { ledger } = patient.config
  if (ledger === null) return []
  const { kmsKey, keyFile, anchors, directory } = ledger
  const findings = await placeFindings(patient, directory)
  if (kmsKey !== null)
    findings.push(ok(area, `checkpoints are signed by the key ${kmsKey} of KMS; it is not asked here`))
  else {
    const key = await findLocalKey(patient.host.environment, keyFile)
    if (key.ok) {
      const { vkey } = localSigner(key.key, originOf(ledger, hostname()))
      findings.push(ok(area, `signed with ${key.path}; its verifier key, for auditors: ${vkey}`))
      if (key.openToOthers)
        findings.push(warn(area, `${key.path} can be read by others than its user`, `chmod 600 ${key.path}`))
    } else {
      findings.push(
        warn(
          area,
          `checkpoints are not signed: ${key.because}`,
          key.configured
            ? 'openssl genpkey -algorithm ed25519 writes such a key; the user of the agent must be able to read it'
            : 'set ledger.key_file or ledger.kms_key, or give the unit LoadCredentialEncrypted=ledger-key (a credential is only seen by the agent itself)',
        ),
      )
    }
  }
  const kept = [
    ...(anchors?.cloudwatchLogs ? [`log group ${anchors.cloudwatchLogs.logGroup}`] : []),
    ...(anchors?.s3 ? [`bucket ${anchors.s3.bucket}`] : []),
  ]
  findings.push(
    kept.length > 0
      ? ok(area, `copies go to ${kept.join(' and ')}`)
      : warn(
          area,
          'nothing of it is kept outside this host: whoever is root here can roll it back, and nobody could tell',
          'set ledger.anchors, or keep checkpoints elsewhere yourself',
        ),
  )
  return findings
}
