import type { Alert } from './alert.ts'
import type { RuleParameters } from './parameters.ts'

/** Alerts on the agent itself. */
export function agentAlerts({ job, exporters }: RuleParameters): Alert[] {
  const alerts: Alert[] = [
    {
      alert: 'PathproofAgentDown',
      severity: 'critical',
      forSeconds: 120,
      expr: `up{job="${job}"} == 0`,
      summary:
        'pathproof on {{ $labels.instance }} does not answer: paths of that host are not watched. Fix: start it (systemctl status pathproof), or correct the scrape configuration, its certificate or its password.',
      description:
        'On that host: systemctl status pathproof; journalctl -u pathproof; pathproof config check',
    },
    {
      alert: 'PathproofNoAgents',
      severity: 'critical',
      forSeconds: 300,
      expr: `absent(up{job="${job}"})`,
      summary: `Prometheus scrapes no agent under the job ${job}: no path is watched, and no other alert of pathproof can fire. Fix: correct the scrape configuration or its service discovery.`,
      description: 'See Status, Targets and Service Discovery in Prometheus.',
    },
    {
      alert: 'PathproofReloadFailed',
      severity: 'warning',
      forSeconds: 60,
      expr: 'pathproof_config_last_reload_successful == 0',
      summary:
        'The configuration of {{ $labels.instance }} could not be loaded anew, so the old one goes on: what was changed is not in force. Fix: pathproof config check names file, line and column; then reload.',
      description: 'On that host: pathproof config check; systemctl reload pathproof',
    },
    {
      alert: 'PathproofSlotsSkipped',
      severity: 'warning',
      forSeconds: 900,
      expr: 'increase(pathproof_probe_skipped_total{reason!="suspended"}[15m]) > 0',
      summary:
        'Planned cycles do not run on {{ $labels.instance }} ({{ $labels.reason }}): {{ printf "%.0f" $value }} in 15 min. Fix: overlap: a longer every or a shorter timeout; late: the host has too little processor time for the agent.',
      description: 'On that host: pathproof config check shows the sums of the schedule',
    },
    {
      alert: 'PathproofAgentTrouble',
      severity: 'warning',
      forSeconds: 0,
      expr: 'increase(pathproof_probe_errors_total{reason=~"internal|resources"}[15m]) > 0',
      summary:
        'Probes of {{ $labels.instance }} fail by the fault of the host or of the agent itself ({{ $labels.probe }}: {{ $labels.reason }}). Fix: resources: raise LimitNOFILE and memory of the unit; internal: report it with the log.',
      description: 'On that host: journalctl -u pathproof; pathproof doctor',
    },
  ]
  if (exporters)
    alerts.push({
      alert: 'PathproofExporterDropped',
      severity: 'warning',
      forSeconds: 300,
      expr: 'increase(pathproof_exporter_dropped_total[15m]) > 0',
      summary:
        'The exporter {{ $labels.exporter }} on {{ $labels.instance }} dropped what it could not deliver: {{ $labels.reason }}. Fix: make room for its file, or see its permissions and endpoint (pathproof config iam).',
      description: 'Verdicts, metrics and ledger are not concerned. On that host: journalctl -u pathproof',
    })
  return alerts
}
