import { type Alert, promDuration } from './alert.ts'
import { flowRecordsSeconds, type RuleParameters } from './parameters.ts'

const part = 'pathproof_topology_part_last_success_timestamp_seconds'

/** A host on-prem that never read an account is not meant to; any other is. */
const meant = `(
    (${part} > 0)
  or on (job, instance)
    pathproof_host_info{vantage!="on-prem"}
)`

function topologyAlerts({ topology, also }: RuleParameters): Alert[] {
  const { maxAgeSeconds, otherMaxAgeSeconds } = topology
  const alerts: Alert[] = [
    {
      alert: 'PathproofTopologyStale',
      severity: 'warning',
      forSeconds: 300,
      expr: `(
    (time() - ${part}{part="routeTables"} > ${maxAgeSeconds})
  or
    (time() - ${part}{part!="routeTables"} > ${otherMaxAgeSeconds})
)
and on (job, instance) ${meant}`,
      summary:
        '{{ $labels.part }} of the account, as {{ $labels.instance }} knows them, {{ if gt $value 1e9 }}were never read{{ else }}are {{ humanizeDuration $value }} old{{ end }}: too old to be evidence, so paths become undetermined. Fix: allow it to read them (pathproof config iam), give the EC2 API an endpoint, or renew the snapshot directory.',
      description:
        'Why: pathproof_topology_errors_total{instance="{{ $labels.instance }}"}; on that host: pathproof doctor',
    },
    {
      alert: 'PathproofTopologyErrors',
      severity: 'warning',
      forSeconds: 600,
      // Two instants instead of a range: a fleet has many of these series, nearly all of them 0.
      expr: `pathproof_topology_errors_total{reason!="missing"}
- (pathproof_topology_errors_total{reason!="missing"} offset 15m) > 0`,
      summary:
        '{{ $labels.part }} of the account can not be read by {{ $labels.instance }}: {{ $labels.reason }}. Fix: denied: see pathproof config iam; throttled: let one host write a snapshot for all; credentials: see the instance profile; unreachable or timeout: an endpoint for the EC2 API.',
      description: 'On that host: pathproof doctor',
    },
    {
      alert: 'PathproofPrefixListShrank',
      severity: 'warning',
      forSeconds: 0,
      expr: '(pathproof_prefix_list_entries < 0.5 * (pathproof_prefix_list_entries offset 1h))\nor (pathproof_prefix_list_entries == 0)',
      summary:
        'The prefix list {{ $labels.prefix_list }} has only {{ $value }} entries on {{ $labels.instance }}, less than half of what it had an hour ago: addresses that were in it now count as outside of it. Fix: compare with aws ec2 get-managed-prefix-list-entries; a list that was really cut means that its routes were cut too.',
      description: 'On that host: pathproof snapshot --out DIR',
    },
  ]
  if (also !== null)
    alerts.push({
      alert: 'PathproofFurtherAccountStale',
      severity: 'warning',
      forSeconds: 600,
      expr: `time() - pathproof_topology_also_last_success_timestamp_seconds > ${2 * also.maxAgeSeconds}`,
      summary:
        'The further account {{ $labels.account }} (region: {{ $labels.region }}) was {{ if gt $value 1e9 }}never read whole{{ else }}last read whole {{ humanizeDuration $value }} ago{{ end }} by {{ $labels.instance }}: its endpoints are not trusted, and paths to them become undetermined. Fix: see the trust policy of the role, its external id, and its permissions (pathproof config iam).',
      description:
        'Why: pathproof_topology_also_errors_total{account="{{ $labels.account }}"}; on that host: pathproof doctor',
    })
  return alerts
}

function flowAlerts(everySeconds: number): Alert[] {
  const lag = flowRecordsSeconds + everySeconds
  return [
    {
      alert: 'PathproofFlowLogLag',
      severity: 'warning',
      forSeconds: 600,
      expr: `pathproof_flowlog_lag_seconds > ${lag}`,
      summary: `The youngest flow record that {{ $labels.instance }} read is {{ humanizeDuration $value }} old (up to ${promDuration(lag)} are in order): nothing is confirmed, and min_proof observed is not met. Fix: see whether the flow log still delivers (its status, its role, its log group or bucket) and whether it may be read.`,
      description:
        'Failed readings: pathproof_flowlog_errors_total{instance="{{ $labels.instance }}"}; on that host: pathproof doctor',
    },
    {
      alert: 'PathproofFlowLogErrors',
      severity: 'warning',
      forSeconds: 600,
      expr: 'increase(pathproof_flowlog_errors_total[30m]) > 0',
      summary:
        'Flow logs can not be read, or not whole, by {{ $labels.instance }}: {{ $labels.reason }}. Fix: denied: see pathproof config iam; missing: the log group or bucket is gone; throttled or truncated: read them from S3, or less often; bad_line: the format that is configured is not that of the log.',
      description: 'On that host: pathproof doctor',
    },
    {
      alert: 'PathproofFlowLogUncovered',
      severity: 'info',
      forSeconds: 3600,
      expr: 'pathproof_flowlog_interfaces{state="uncovered"} > 0',
      summary:
        '{{ $value }} of the network interfaces at which packets of {{ $labels.instance }} are seen have no flow log that can be read: paths over them are not confirmed. Fix: create a flow log of the VPC, subnet or interface with the fields that pathproof doctor prints.',
      description: 'On that host: pathproof doctor',
    },
  ]
}

/** Alerts on what verdicts rest on: the account, flow logs, the clock. */
export function evidenceAlerts(parameters: RuleParameters): Alert[] {
  const { flowLogs } = parameters
  return [
    ...topologyAlerts(parameters),
    ...(flowLogs === null ? [] : flowAlerts(flowLogs.everySeconds)),
    {
      alert: 'PathproofClockOffset',
      severity: 'warning',
      forSeconds: 300,
      expr: 'abs(pathproof_clock_offset_seconds) > 30',
      summary:
        "The clock of {{ $labels.instance }} is {{ humanizeDuration $value }} away from AWS's: beyond 60 s no flow record confirms, and signed requests fail beyond 5 min. Fix: start chronyd or systemd-timesyncd, with 169.254.169.123 on EC2.",
      description: 'On that host: timedatectl; chronyc tracking',
    },
  ]
}
