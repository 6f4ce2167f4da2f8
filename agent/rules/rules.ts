import { agentAlerts } from './agent.ts'
import { type Alert, promDuration, type RecordingRule, type Severity } from './alert.ts'
import { evidenceAlerts } from './evidence.ts'
import { ledgerAlerts } from './ledger.ts'
import type { RuleParameters } from './parameters.ts'
import { pathAlerts } from './paths.ts'
import { recordingRules } from './recording.ts'

/** A group as Prometheus reads it (Prometheus documentation, "Defining recording rules"). */
export interface RuleGroup {
  name: string
  /** Left out: that of the server. */
  interval?: string
  rules: (RecordingRule | AlertingRule)[]
}

export interface AlertingRule {
  alert: string
  expr: string
  for?: string
  labels: { severity: Severity }
  annotations: { summary: string; description: string; runbook_url: string }
}

function alertingRule(base: string, of: Alert): AlertingRule {
  const { alert, severity, forSeconds, expr, summary, description } = of
  return {
    alert,
    expr,
    ...(forSeconds > 0 && { for: promDuration(forSeconds) }),
    labels: { severity },
    annotations: { summary, description, runbook_url: `${base}/${alert}.md` },
  }
}

/** The groups of alerts, each with its own subject; a feature that is off (null or false in `parameters`) has none. */
export function alertGroups(parameters: RuleParameters): { name: string; alerts: Alert[] }[] {
  return [
    { name: 'pathproof-paths', alerts: pathAlerts(parameters) },
    { name: 'pathproof-evidence', alerts: evidenceAlerts(parameters) },
    { name: 'pathproof-ledger', alerts: ledgerAlerts(parameters) },
    { name: 'pathproof-agent', alerts: agentAlerts(parameters) },
  ].filter(({ alerts }) => alerts.length > 0)
}

/** Only paths must be told at once; the rest reads many series of a big fleet and waits for minutes anyway. */
const everyMinute = { interval: '1m' }

/** Everything for a rules file of Prometheus: recording rules first, then the alerts. */
export function ruleGroups(parameters: RuleParameters): RuleGroup[] {
  const alerts = alertGroups(parameters).map(({ name, alerts }) => ({
    name,
    ...(name !== 'pathproof-paths' && everyMinute),
    rules: alerts.map((alert) => alertingRule(parameters.runbookBase, alert)),
  }))
  return [{ name: 'pathproof-fleet', ...everyMinute, rules: recordingRules(parameters) }, ...alerts]
}
