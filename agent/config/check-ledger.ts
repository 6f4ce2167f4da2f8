import type { Draft } from './draft.ts'
import { finding } from './findings.ts'
import type { Findings } from './findings.ts'

/** Smaller ones would be mostly first lines, seals and files. */
const smallestSegment = 1024 * 1024

/** Checks what concerns several keys of `ledger`, and what its sizes mean. */
export function checkLedger(findings: Findings, { ledger }: Draft): void {
  const { given, value } = ledger
  if (given === null) return
  if (given.has('key_file') && given.has('kms_key')) {
    const problem = 'stands beside key_file'
    findings.errors.push(
      finding(['ledger', 'kms_key'], problem, 'one of key_file and kms_key: one key signs'),
    )
  }
  if (given.has('previous_key_file') && given.has('previous_kms_key')) {
    const problem = 'stands beside previous_key_file'
    const expected = 'one of previous_key_file and previous_kms_key: one key signed before'
    findings.errors.push(finding(['ledger', 'previous_kms_key'], problem, expected))
  }
  if (value.kms_key !== undefined && value.previous_kms_key === value.kms_key)
    findings.errors.push(
      finding(['ledger', 'previous_kms_key'], 'is kms_key itself', 'the key that signed before it'),
    )
  const { segment_size: size } = value
  if (size !== undefined && size < smallestSegment) {
    const problem = 'is so small that files and their seals will be most of the ledger'
    findings.warnings.push(finding(['ledger', 'segment_size'], problem))
  }
}
