import { coded, colours, lines, rows, timeline, yesLegend } from './panels.ts'

/** For what is recorded: of all hosts, whatever is chosen. */
export const all = 'job=~"$job"'

/** The agents chosen above. */
export const m = 'job=~"$job", instance=~"$instance"'

/** What the network says beside the verdicts. */
export const network = [
  lines({
    title: 'Traffic of the hosts by path',
    description:
      'Bytes a second out of the network interfaces, as flow logs counted them, all programs and hosts. Paths by AWS: 1 same VPC, 2 internet or gateway endpoint, 3 virtual private gateway, 4 peering in the region, 5 peering between regions, 6 local gateway, 7 gateway endpoint, 8 internet gateway.',
    unit: 'Bps',
    width: 12,
    stacked: true,
    queries: [
      {
        expr: `sum by (traffic_path) (job_service_traffic_path:pathproof_flowlog_bytes:rate5m{${all}})`,
        legend: 'path {{traffic_path}}',
      },
    ],
  }),
  lines({
    title: 'Own attempts in flow logs',
    description:
      'Connections of the agents that were looked for in flow logs, by what was found, in five minutes; of all hosts.',
    unit: 'short',
    width: 6,
    queries: [
      {
        expr: `sum by (result) (job_result:pathproof_flowlog_attempts:increase5m{${all}})`,
        legend: '{{result}}',
      },
    ],
  }),
  lines({
    title: 'Age of flow records',
    description: 'Age of the youngest flow record of each host; up to 36 minutes are in order.',
    unit: 's',
    width: 6,
    queries: [
      { expr: `max by (instance) (pathproof_flowlog_lag_seconds{${m}} >= 0)`, legend: '{{instance}}' },
    ],
  }),
]

/** Ways to the internet, and what would permit one. */
export const waysOut = [
  timeline({
    title: 'Ways out that must be closed',
    description: 'The worst state of each check on any host: open, untestable, blocked.',
    width: 12,
    legend: [
      [1, '✔ closed', colours.good],
      [2, '? untestable', colours.doubt],
      [3, '✘ open', colours.bad],
    ],
    queries: [
      {
        expr: coded(
          'pathproof_egress_state',
          m,
          [
            ['blocked', 1],
            ['untestable', 2],
            ['open', 3],
          ],
          'job, check',
        ),
        legend: '{{check}}',
      },
    ],
  }),
  rows({
    title: 'Posture',
    description:
      'Named facts of account and host beside the verdicts: on how many hosts each passes, fails or is not known.',
    unit: 'short',
    width: 12,
    empty: 'posture is switched off',
    queries: [
      { expr: `sum by (check) (pathproof_posture_state{${m}, state="pass"})` },
      { expr: `sum by (check) (pathproof_posture_state{${m}, state="fail"})` },
      { expr: `sum by (check) (pathproof_posture_state{${m}, state="unknown"})` },
    ],
    columns: [
      { field: 'check', title: 'Check' },
      { field: 'Value #A', title: 'pass' },
      { field: 'Value #B', title: 'fail' },
      { field: 'Value #C', title: 'unknown' },
    ],
  }),
]

/** The agents themselves, and their ledgers. */
export const agents = [
  rows({
    title: 'Ledgers',
    description:
      'Each ledger: whether it is being written, its records, when it was last signed, and what was lost.',
    unit: 'short',
    width: 12,
    empty: 'no ledger is configured',
    queries: [
      { expr: `max by (instance) (pathproof_ledger_writable{${m}})` },
      { expr: `max by (instance) (pathproof_ledger_records{${m}})` },
      { expr: `1000 * max by (instance) (pathproof_ledger_last_checkpoint_timestamp_seconds{${m}} > 0)` },
      { expr: `sum by (instance) (increase(pathproof_ledger_gap_records_total{${m}}[$__range]))` },
    ],
    columns: [
      { field: 'instance', title: 'Host' },
      { field: 'Value #A', title: 'Written', legend: yesLegend },
      { field: 'Value #B', title: 'Records' },
      { field: 'Value #C', title: 'Last signed', unit: 'dateTimeAsIso' },
      { field: 'Value #D', title: 'Records lost' },
    ],
  }),
  rows({
    title: 'Versions',
    description: 'Agents by version of the program and of its rules.',
    unit: 'short',
    width: 6,
    empty: 'no agent answers',
    queries: [{ expr: `count by (version, rules_version) (pathproof_build_info{${m}})` }],
    columns: [
      { field: 'version', title: 'Version' },
      { field: 'rules_version', title: 'Rules' },
      { field: 'Value', title: 'Agents' },
    ],
  }),
  lines({
    title: 'Slots that did not run',
    description: 'Planned cycles that were skipped, by reason, in five minutes; of all hosts.',
    unit: 'short',
    width: 6,
    queries: [
      {
        expr: `sum by (reason) (job_reason:pathproof_probe_skipped:increase5m{${all}})`,
        legend: '{{reason}}',
      },
    ],
  }),
]
