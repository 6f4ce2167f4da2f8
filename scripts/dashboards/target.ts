import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import {
  coded,
  colours,
  frame,
  lines,
  marks,
  number,
  one,
  pathCode,
  pathLegend,
  rows,
  several,
  timeline,
  withRows,
  yesLegend,
} from './panels.ts'
import { evidence, n, t, timings } from './target-evidence.ts'

const way = [
  number({
    title: 'Requirement met',
    description:
      'Whether the requirement of the target is met on every chosen host; no also where nothing can be said.',
    unit: 'short',
    width: 4,
    height: 6,
    legend: yesLegend,
    queries: [{ expr: `min(pathproof_requirement_met{${t}})` }],
    steps: [[null, colours.none]],
  }),
  number({
    title: 'Waiver ends',
    description: 'When the waiver of the target ends; empty where there is none.',
    unit: 'dateTimeFromNow',
    width: 4,
    height: 6,
    queries: [{ expr: `1000 * min(pathproof_waiver_expiry_timestamp_seconds{${t}} > 0)` }],
    steps: [[null, colours.other]],
  }),
  rows({
    title: 'The way taken',
    description:
      'The class of path of each name where only one is left (several: more are possible), the rank of its proof, and whether records of the network or of AWS confirm it.',
    unit: 'short',
    width: 16,
    height: 6,
    empty: 'the target is not watched',
    queries: [{ expr: `pathproof_path_info{${n}}` }],
    columns: [
      { field: 'instance', title: 'Host' },
      { field: 'hostname', title: 'Name' },
      { field: 'style', title: 'Style' },
      { field: 'class', title: 'Way' },
      { field: 'proof', title: 'Proof' },
      { field: 'confirmation', title: 'Confirmation' },
    ],
  }),
  timeline({
    title: 'State of each name',
    description: 'The state of the path to each name, on each host.',
    width: 24,
    legend: pathLegend,
    queries: [
      { expr: pathCode(n, 'instance, hostname, style'), legend: '{{hostname}} ({{style}}) on {{instance}}' },
    ],
  }),
  lines({
    title: 'Addresses by state',
    description:
      'Known addresses of the names by the state of the path to them; unprobed ones have not been connected to.',
    unit: 'short',
    width: 12,
    stacked: true,
    colour: {
      private: colours.good,
      public: colours.bad,
      blocked: colours.still,
      undetermined: colours.doubt,
      unprobed: colours.none,
    },
    queries: [{ expr: `sum by (state) (pathproof_addresses{${n}})`, legend: '{{state}}' }],
  }),
  lines({
    title: 'Age of verdict and confirmation',
    description:
      'Time since the last verdict on each name, and since the last attempt that records confirmed.',
    unit: 's',
    width: 12,
    queries: [
      {
        expr: `max by (hostname, style) (time() - (pathproof_last_verdict_timestamp_seconds{${n}} > 0))`,
        legend: 'verdict, {{hostname}} ({{style}})',
      },
      {
        expr: `max by (hostname, style) (time() - (pathproof_last_confirmed_timestamp_seconds{${n}} > 0))`,
        legend: 'confirmed, {{hostname}} ({{style}})',
      },
    ],
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
        expr: `sum by (hostname, style) (increase(pathproof_evidence_conflicts_total{${n}}[$__rate_interval]))`,
        legend: '{{hostname}} ({{style}})',
      },
    ],
  }),
  timeline({
    title: 'Taint',
    description: 'Whether an earlier contradiction on the same way holds a name undetermined.',
    width: 8,
    legend: [
      [0, '✔ free', colours.good],
      [1, '! held', colours.bad],
    ],
    queries: [
      { expr: `max by (hostname, style) (pathproof_tainted{${n}})`, legend: '{{hostname}} ({{style}})' },
    ],
  }),
  timeline({
    title: 'Compared resolvers',
    description:
      'What each compared resolver answers beside the resolvers that count. One set for each of compare_resolvers.',
    width: 8,
    legend: [
      [1, '✔ same', colours.good],
      [2, '? failed', colours.doubt],
      [3, '✘ different', colours.bad],
    ],
    queries: [
      {
        expr: coded(
          'pathproof_resolver_state',
          n,
          [
            ['same', 1],
            ['failed', 2],
            ['different', 3],
          ],
          'hostname, resolver',
        ),
        legend: '{{resolver}}: {{hostname}}',
      },
    ],
  }),
  timeline({
    title: 'First leg',
    description: 'How packets of a host on-prem get from its site to AWS.',
    width: 12,
    height: 6,
    legend: [
      [1, '✔ Direct Connect', colours.good],
      [2, '= VPN', colours.still],
      [3, '? unproven', colours.doubt],
    ],
    queries: [
      {
        expr: `max by (instance, target) (
    1 * (pathproof_first_leg{${t}, leg="direct_connect"} == 1)
  or
    2 * (pathproof_first_leg{${t}, leg="vpn"} == 1)
  or
    3 * (pathproof_first_leg{${t}, leg="unproven"} == 1)
)`,
        legend: '{{target}} from {{instance}}',
      },
    ],
  }),
  lines({
    title: 'Changes of the first leg',
    description: 'How often the first leg became another one.',
    unit: 'short',
    width: 12,
    height: 6,
    queries: [
      {
        expr: `sum by (instance, target) (increase(pathproof_first_leg_changes_total{${t}}[$__rate_interval]))`,
        legend: '{{target}} from {{instance}}',
      },
    ],
  }),
]

/** One target: which way is taken, how well that is known, how fast it is. */
export function targetDashboard(): Dashboard {
  const built = frame({
    uid: 'pathproof-target',
    title: 'pathproof / Target',
    description:
      'One target on one or more hosts: the way that its connections take, the proof of it, timings, evidence.',
    variables: [
      one(
        'target',
        'Target',
        'label_values(pathproof_path_state{job=~"$job", instance=~"$instance"}, target)',
      ),
      several(
        'hostname',
        'Name',
        'label_values(pathproof_path_state{job=~"$job", instance=~"$instance", target=~"$target"}, hostname)',
      ),
      several(
        'service',
        'Service',
        'label_values(pathproof_tls_handshake_seconds_count{job=~"$job", instance=~"$instance"}, service)',
      ),
    ],
    annotations: [
      marks(
        'Changes of state',
        colours.other,
        `changes(pathproof_path_private{${n}}[1m]) > 0`,
        'private or not any more',
        '{{hostname}} on {{instance}}',
      ),
    ],
  })
  return withRows(built, [
    ['The way', way],
    ['Doubt', doubt],
    ['Timings', timings],
    ['Evidence', evidence],
  ])
}
