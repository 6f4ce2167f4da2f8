import type { RecordingRule } from './alert.ts'
import type { RuleParameters } from './parameters.ts'

/**
 * What a fleet's dashboards ask again and again, summed once: `level:metric:operation`, the level naming the labels that are left.
 * Ten thousand agents have a million series of names; what is left has one series for each target, state or class.
 */
export function recordingRules({
  flowLogs,
  egress,
}: Pick<RuleParameters, 'flowLogs' | 'egress'>): RecordingRule[] {
  const rules: RecordingRule[] = [
    { record: 'job:pathproof_path_private:avg', expr: 'avg by (job) (pathproof_path_private)' },
    {
      record: 'job_target:pathproof_path_private:avg',
      expr: 'avg by (job, target) (pathproof_path_private)',
    },
    {
      record: 'job_instance:pathproof_path_private:min',
      expr: 'min by (job, instance) (pathproof_path_private)',
    },
    { record: 'job_state:pathproof_path_state:sum', expr: 'sum by (job, state) (pathproof_path_state)' },
    {
      record: 'job_target_state:pathproof_path_state:sum',
      expr: 'sum by (job, target, state) (pathproof_path_state)',
    },
    {
      record: 'job_class_proof:pathproof_path_info:count',
      expr: 'count by (job, class, proof) (pathproof_path_info)',
    },
    { record: 'job:pathproof_requirement_met:avg', expr: 'avg by (job) (pathproof_requirement_met)' },
    {
      record: 'job_target:pathproof_requirement_met:avg',
      expr: 'avg by (job, target) (pathproof_requirement_met)',
    },
    {
      record: 'job_target:pathproof_waiver_active:sum',
      expr: 'sum by (job, target) (pathproof_waiver_active)',
    },
    { record: 'job_target:pathproof_tainted:sum', expr: 'sum by (job, target) (pathproof_tainted)' },
    {
      record: 'job_target:pathproof_evidence_conflicts:increase5m',
      expr: 'sum by (job, target) (increase(pathproof_evidence_conflicts_total[5m]))',
    },
    {
      record: 'job_reason:pathproof_probe_skipped:increase5m',
      expr: 'sum by (job, reason) (increase(pathproof_probe_skipped_total[5m]))',
    },
    {
      // what was never read does not count: hosts that are not meant to read an account have it too
      record: 'job_part:pathproof_topology_part_last_success_timestamp_seconds:min',
      expr: 'min by (job, part) (pathproof_topology_part_last_success_timestamp_seconds > 0)',
    },
  ]
  if (egress !== null)
    rules.push({
      record: 'job_check_state:pathproof_egress_state:sum',
      expr: 'sum by (job, check, state) (pathproof_egress_state)',
    })
  if (flowLogs !== null)
    rules.push(
      {
        record: 'job_service_traffic_path:pathproof_flowlog_bytes:rate5m',
        expr: 'sum by (job, service, traffic_path) (rate(pathproof_flowlog_bytes_total[5m]))',
      },
      {
        record: 'job_result:pathproof_flowlog_attempts:increase5m',
        expr: 'sum by (job, result) (increase(pathproof_flowlog_attempts_total[5m]))',
      },
    )
  return rules
}
