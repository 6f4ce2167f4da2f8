import { metric } from './metric.ts'

/** Where a ledger is kept outside the host. */
export const ledgerAnchors = ['cloudwatch_logs', 's3'] as const

const anchor = { anchor: ledgerAnchors }

/** Metrics of the ledger; they are there while one is configured. */
export const ledgerCatalogue = [
  metric(
    'pathproof_ledger_records',
    'gauge',
    'process',
    [],
    'Records in the ledger since it was begun, pruned ones included: the size of its tree. It never falls; if it does, somebody cut or replaced the ledger.',
  ),
  metric(
    'pathproof_ledger_bytes',
    'gauge',
    'process',
    [],
    'Bytes of the segments of the ledger as they lie on disk.',
  ),
  metric(
    'pathproof_ledger_writable',
    'gauge',
    'process',
    [],
    'Whether the ledger is being written. 0: the last write failed, another process writes there, or it is not open yet.',
  ),
  metric(
    'pathproof_ledger_last_checkpoint_timestamp_seconds',
    'gauge',
    'process',
    [],
    'Unix time of the last signed checkpoint that this process made. 0 before the first; stays 0 without a key.',
  ),
  metric(
    'pathproof_ledger_gap_records_total',
    'counter',
    'process',
    [],
    'Records that could not be written to the ledger.',
  ),
  metric(
    'pathproof_ledger_anchor_last_success_timestamp_seconds',
    'gauge',
    'process',
    ['anchor'],
    'Unix time at which a copy was last put outside the host. 0 before the first.',
    anchor,
  ),
  metric(
    'pathproof_ledger_anchor_errors_total',
    'counter',
    'process',
    ['anchor'],
    'Tries to put copies outside the host that failed. What failed is tried again.',
    anchor,
  ),
  metric(
    'pathproof_ledger_anchor_dropped_total',
    'counter',
    'process',
    ['anchor'],
    'Checkpoints that made room for later ones before they could be put outside the host.',
    anchor,
  ),
] as const
