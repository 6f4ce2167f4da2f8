import type { Alert } from './alert.ts'
import type { RuleParameters } from './parameters.ts'

const last = 'pathproof_ledger_last_checkpoint_timestamp_seconds'

/** Alerts on the evidence that is kept. */
export function ledgerAlerts({ ledger }: RuleParameters): Alert[] {
  if (ledger === null) return []
  const { keyed, checkpointEverySeconds, anchors } = ledger
  const late = Math.max(3 * checkpointEverySeconds, 900)
  const alerts: Alert[] = [
    {
      alert: 'PathproofLedgerNotWritable',
      severity: 'critical',
      forSeconds: 120,
      expr: 'pathproof_ledger_writable == 0',
      summary:
        'The ledger on {{ $labels.instance }} is not being written: what happens now is not recorded, and shows as a gap. Fix: make room on its disk, mount it writable, see who owns the directory, or end the other process that writes there.',
      description: 'On that host: journalctl -u pathproof; df -h; df -i; pathproof doctor',
    },
    {
      alert: 'PathproofLedgerGap',
      severity: 'warning',
      forSeconds: 0,
      expr: 'increase(pathproof_ledger_gap_records_total[15m]) > 0',
      summary:
        '{{ printf "%.0f" $value }} records of {{ $labels.instance }} could not be written to its ledger and are lost; reports show the gap. Fix: make room on the disk of the ledger, and write into the ticket why, for an auditor will ask.',
      description:
        'On that host: pathproof ledger verify DIR names the gap; pathproof report counts its slots',
    },
    {
      alert: 'PathproofLedgerShrank',
      severity: 'critical',
      forSeconds: 0,
      expr: 'pathproof_ledger_records < max_over_time(pathproof_ledger_records[1h])',
      summary:
        'The ledger on {{ $labels.instance }} has fewer records ({{ printf "%.0f" $value }}) than it had within the last hour: somebody cut it, replaced it, or restored an old copy. Fix: keep the disk as it is, and compare with the anchors outside the host (pathproof ledger verify with --anchor).',
      description:
        'It resolves by itself after an hour. On that host: pathproof ledger verify DIR --key VKEY --anchor CHECKPOINT',
    },
    {
      alert: 'PathproofCheckpointStale',
      severity: 'warning',
      forSeconds: 300,
      expr: keyed ? `time() - ${last} > ${late}` : `(time() - ${last} > ${late})\nand (${last} > 0)`,
      summary:
        'The ledger on {{ $labels.instance }} {{ if gt $value 1e9 }}has no signed checkpoint since the agent started{{ else }}was last signed {{ humanizeDuration $value }} ago{{ end }}: newer records are an unsigned tail. Fix: see whether the key can be read (file, credential) or KMS be reached and used (kms:Sign).',
      description: 'On that host: journalctl -u pathproof; pathproof doctor',
    },
  ]
  if (anchors)
    alerts.push(
      {
        alert: 'PathproofAnchorStale',
        severity: 'warning',
        forSeconds: 900,
        expr: `time() - pathproof_ledger_anchor_last_success_timestamp_seconds > ${2 * late}`,
        summary:
          'No copy of the ledger of {{ $labels.instance }} was put into {{ $labels.anchor }} {{ if gt $value 1e9 }}since the agent started{{ else }}for {{ humanizeDuration $value }}{{ end }}: a cut of the newest records could not be found from outside. Fix: see its permissions (pathproof config iam), its endpoint, and the log group or bucket.',
        description: 'Failed tries: pathproof_ledger_anchor_errors_total; on that host: pathproof doctor',
      },
      {
        alert: 'PathproofAnchorDropped',
        severity: 'warning',
        forSeconds: 0,
        expr: 'increase(pathproof_ledger_anchor_dropped_total[1h]) > 0',
        summary:
          '{{ printf "%.0f" $value }} checkpoints of {{ $labels.instance }} made room for later ones before they reached {{ $labels.anchor }}. The later ones cover the same records; only the proof of when is coarser. Fix: mend what keeps the anchor out of reach.',
        description: 'Failed tries: pathproof_ledger_anchor_errors_total; on that host: pathproof doctor',
      },
    )
  return alerts
}
