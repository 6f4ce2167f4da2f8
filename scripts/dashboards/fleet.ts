import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { RowBuilder } from '@grafana/grafana-foundation-sdk/dashboard'
import {
  colours,
  coded,
  frame,
  lines,
  marks,
  number,
  pathCode,
  pathLegend,
  rows,
  timeline,
  yesLegend,
} from './panels.ts'

const m = 'job=~"$job", instance=~"$instance"'
const onTarget = 'on (job, instance, target)'
const onName = 'on (job, instance, target, hostname, style)'
const stateColours = {
  private: colours.good,
  public: colours.bad,
  mixed: colours.part,
  blocked: colours.still,
  undetermined: colours.doubt,
}

const now = [
  number({
    title: 'Proven private',
    description: 'Share of watched names whose path is proven private now. Doubt counts as not proven.',
    unit: 'percentunit',
    width: 4,
    height: 5,
    queries: [{ expr: `avg(pathproof_path_private{${m}})` }],
    steps: [
      [null, colours.bad],
      [0.95, colours.part],
      [1, colours.good],
    ],
  }),
  number({
    title: 'Public or mixed now',
    description: 'Names whose connection takes a public path, or at some of their addresses.',
    unit: 'short',
    width: 4,
    height: 5,
    queries: [{ expr: `sum(pathproof_path_state{${m}, state=~"public|mixed"})` }],
    steps: [
      [null, colours.good],
      [1, colours.bad],
    ],
  }),
  number({
    title: 'Undetermined now',
    description: 'Names of which nothing is proven: evidence is missing, too old or contradicts itself.',
    unit: 'short',
    width: 4,
    height: 5,
    queries: [{ expr: `sum(pathproof_path_state{${m}, state="undetermined"})` }],
    steps: [
      [null, colours.good],
      [1, colours.part],
    ],
  }),
  number({
    title: 'Requirements not met',
    description: 'Targets whose requirement is not met and which no waiver excuses.',
    unit: 'short',
    width: 4,
    height: 5,
    queries: [
      {
        expr: `count(\n    (pathproof_requirement_met{${m}} == 0)\n  unless ${onTarget}\n    (pathproof_waiver_active{${m}} == 1)\n)\nor vector(0)`,
      },
    ],
    steps: [
      [null, colours.good],
      [1, colours.bad],
    ],
  }),
  number({
    title: 'Waivers in force',
    description: 'Targets, each on one host, whose requirement a waiver excuses now.',
    unit: 'short',
    width: 4,
    height: 5,
    queries: [{ expr: `sum(pathproof_waiver_active{${m}})` }],
    steps: [[null, colours.other]],
  }),
  number({
    title: 'Agents that answer',
    description: 'Agents that Prometheus can scrape. Of the others nothing is known.',
    unit: 'percentunit',
    width: 4,
    height: 5,
    queries: [{ expr: `avg(up{${m}})` }],
    steps: [
      [null, colours.bad],
      [1, colours.good],
    ],
  }),
]

const paths = [
  lines({
    title: 'Proven private over time',
    description:
      'Share of names that are proven private, by the recording rule job:pathproof_path_private:avg; of all hosts, whatever is chosen above.',
    unit: 'percentunit',
    width: 12,
    max: 1,
    queries: [{ expr: 'job:pathproof_path_private:avg{job=~"$job"}', legend: '{{job}}' }],
  }),
  lines({
    title: 'Names by state',
    description: 'How many watched names are in which state.',
    unit: 'short',
    width: 12,
    stacked: true,
    colour: stateColours,
    queries: [{ expr: `sum by (state) (pathproof_path_state{${m}})`, legend: '{{state}}' }],
  }),
  timeline({
    title: 'Worst state of each target',
    description:
      'The worst state of any name of a target on any host: public, then mixed, undetermined, blocked, private.',
    width: 24,
    height: 9,
    legend: pathLegend,
    queries: [{ expr: pathCode(m, 'job, target'), legend: '{{target}}' }],
  }),
  rows({
    title: 'Public and mixed now',
    description:
      'Each name that takes a public path now, with the class of the way and how well that is known.',
    unit: 'short',
    width: 12,
    empty: 'no name is public or mixed',
    queries: [
      {
        expr: `(pathproof_path_state{${m}, state=~"public|mixed"} == 1)\n* ${onName} group_left (class, proof, confirmation)\n  pathproof_path_info{${m}}`,
      },
    ],
    columns: [
      { field: 'instance', title: 'Host' },
      { field: 'target', title: 'Target' },
      { field: 'hostname', title: 'Name' },
      { field: 'style', title: 'Style' },
      { field: 'state', title: 'State' },
      { field: 'class', title: 'Way' },
      { field: 'proof', title: 'Proof' },
      { field: 'confirmation', title: 'Confirmation' },
    ],
  }),
  lines({
    title: 'Names by way and proof',
    description:
      'Names by the class of path that is left (several: more than one is possible) and the rank of its proof.',
    unit: 'short',
    width: 12,
    stacked: true,
    queries: [
      { expr: `count by (class, proof) (pathproof_path_info{${m}})`, legend: '{{class}}, {{proof}}' },
    ],
  }),
]

const requirements = [
  rows({
    title: 'Requirements and waivers',
    description:
      'Each target on each host: whether its requirement is met, and whether a waiver excuses it and until when.',
    unit: 'short',
    width: 16,
    height: 9,
    empty: 'nothing is required of any target',
    queries: [
      { expr: `max by (instance, target) (pathproof_requirement_met{${m}})` },
      { expr: `max by (instance, target) (pathproof_waiver_active{${m}})` },
      { expr: `1000 * max by (instance, target) (pathproof_waiver_expiry_timestamp_seconds{${m}} > 0)` },
    ],
    columns: [
      { field: 'instance', title: 'Host' },
      { field: 'target', title: 'Target' },
      { field: 'Value #A', title: 'Requirement met', legend: yesLegend },
      {
        field: 'Value #B',
        title: 'Waiver',
        legend: [
          [0, '– none', colours.none],
          [1, '! in force', colours.part],
        ],
      },
      { field: 'Value #C', title: 'Waiver ends', unit: 'dateTimeAsIso' },
    ],
  }),
  lines({
    title: 'Share of requirements that are met',
    description:
      'By target, under the recording rule job_target:pathproof_requirement_met:avg; of all hosts.',
    unit: 'percentunit',
    width: 8,
    height: 9,
    max: 1,
    queries: [{ expr: 'job_target:pathproof_requirement_met:avg{job=~"$job"}', legend: '{{target}}' }],
  }),
]

const doubt = [
  lines({
    title: 'Conflicts of evidence',
    description: 'Ranks of evidence that contradicted stronger evidence, or themselves, and were set aside.',
    unit: 'short',
    width: 8,
    queries: [
      {
        expr: `sum by (target) (increase(pathproof_evidence_conflicts_total{${m}}[$__rate_interval]))`,
        legend: '{{target}}',
      },
    ],
  }),
  lines({
    title: 'Tainted names',
    description: 'Names that an earlier contradiction on the same way holds: undetermined at best.',
    unit: 'short',
    width: 8,
    queries: [{ expr: `sum by (target) (pathproof_tainted{${m}})`, legend: '{{target}}' }],
  }),
  lines({
    title: 'Age of what is known of the account',
    description: 'The oldest reading of each part of the account. Beyond max_age a part is no evidence.',
    unit: 's',
    width: 8,
    queries: [
      {
        expr: `max by (part) (time() - (pathproof_topology_part_last_success_timestamp_seconds{${m}} > 0))`,
        legend: '{{part}}',
      },
    ],
  }),
]

const network = [
  lines({
    title: 'Traffic of the hosts by path',
    description:
      'Bytes a second out of the network interfaces, as flow logs counted them, all programs. Paths by AWS: 1 same VPC, 2 internet or gateway endpoint, 3 virtual private gateway, 4 peering in the region, 5 peering between regions, 6 local gateway, 7 gateway endpoint, 8 internet gateway.',
    unit: 'Bps',
    width: 12,
    stacked: true,
    queries: [
      {
        expr: `sum by (traffic_path) (rate(pathproof_flowlog_bytes_total{${m}}[$__rate_interval]))`,
        legend: 'path {{traffic_path}}',
      },
    ],
  }),
  lines({
    title: 'Own attempts in flow logs',
    description: 'Connections of the agents that were looked for in flow logs, by what was found.',
    unit: 'short',
    width: 6,
    queries: [
      {
        expr: `sum by (result) (increase(pathproof_flowlog_attempts_total{${m}}[$__rate_interval]))`,
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

const waysOut = [
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

const agents = [
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
    description: 'Planned cycles that were skipped, by reason.',
    unit: 'short',
    width: 6,
    queries: [
      {
        expr: `sum by (reason) (increase(pathproof_probe_skipped_total{${m}}[$__rate_interval]))`,
        legend: '{{reason}}',
      },
    ],
  }),
]

/** The whole fleet: what is wrong now, where, and how well it is known. */
export function fleetDashboard(): Dashboard {
  const built = frame({
    uid: 'pathproof-fleet',
    title: 'pathproof / Fleet',
    description:
      'Whether connections of hosts to AWS services take a private or a public path, over all hosts.',
    variables: [],
    annotations: [
      marks(
        'Public paths',
        colours.bad,
        `sum by (job, target) (pathproof_path_state{${m}, state=~"public|mixed"}) unless sum by (job, target) (pathproof_path_state{${m}, state=~"public|mixed"} offset 1m) > 0`,
        'not private any more',
        '{{target}}',
      ),
    ],
  })
  const all: [string, typeof now | typeof paths | typeof requirements][] = [
    ['Now', now],
    ['Paths', paths],
    ['Requirements', requirements],
    ['Doubt', doubt],
    ['Records of the network', network],
    ['Ways out and posture', waysOut],
    ['Agents and evidence', agents],
  ]
  for (const [title, panels] of all) {
    built.withRow(new RowBuilder(title))
    for (const panel of panels) built.withPanel(panel)
  }
  return built.build()
}
