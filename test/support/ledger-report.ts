import { type ReportOptions, createReportBuilder } from '../../ledger/report/build.ts'
import type { Assurance, Report } from '../../ledger/report/model.ts'
import type { LedgerRecord } from '../../ledger/types.ts'
import { shaOf } from './ledger-records.ts'

export const verified: Assurance = {
  outcome: 'verified',
  size: 1234,
  root: 'ab'.repeat(32),
  signers: ['example.org/host-1+12345678+AQ=='],
  checkpoint: 'example.org/host-1\n1234\nq83v\n\n— example.org/host-1 AAAA\n',
  unsignedTail: 0,
  anchors: [],
  transcript: ['records 0 to 1233, chained', 'signer verified'],
}

export function reportOf(
  records: Iterable<LedgerRecord>,
  options: Partial<ReportOptions> = {},
  assurance: Assurance = verified,
): Report {
  const builder = createReportBuilder({
    fromMs: null,
    toMs: null,
    tool: { name: 'pathproof', version: '0.1.0' },
    cronSlots: () => null,
    ...options,
  })
  for (const record of records) builder.add(record, shaOf(record))
  return builder.finish(assurance)
}
