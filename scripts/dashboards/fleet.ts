import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import {
  colours,
  frame,
  lines,
  marks,
  number,
  pathLegend,
  recordedPathCode,
  rows,
  timeline,
  withRows,
  yesLegend,
} from './panels.ts'
import { agents, all, m, network, waysOut } from './fleet-hosts.ts'

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
    description: 'How many watched names are in which state, of all hosts.',
    unit: 'short',
    width: 12,
    stacked: true,
    colour: stateColours,
    queries: [{ expr: `sum by (state) (job_state:pathproof_path_state:sum{${all}})`, legend: '{{state}}' }],
  }),
  timeline({
    title: 'Worst state of each target',
    description:
      'The worst state of any name of a target on any host: public, then mixed, undetermined, blocked, private.',
    width: 24,
    height: 9,
    legend: pathLegend,
    queries: [{ expr: recordedPathCode(all), legend: '{{target}}' }],
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
      'Names by the class of path that is left (several: more than one is possible) and the rank of its proof; of all hosts.',
    unit: 'short',
    width: 12,
    stacked: true,
    queries: [
      {
        expr: `sum by (class, proof) (job_class_proof:pathproof_path_info:count{${all}})`,
        legend: '{{class}}, {{proof}}',
      },
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
    description:
      'Ranks of evidence that contradicted stronger evidence, or themselves, and were set aside, in five minutes; of all hosts.',
    unit: 'short',
    width: 8,
    queries: [
      {
        expr: `sum by (target) (job_target:pathproof_evidence_conflicts:increase5m{${all}})`,
        legend: '{{target}}',
      },
    ],
  }),
  lines({
    title: 'Tainted names',
    description:
      'Names that an earlier contradiction on the same way holds: undetermined at best; of all hosts.',
    unit: 'short',
    width: 8,
    queries: [{ expr: `sum by (target) (job_target:pathproof_tainted:sum{${all}})`, legend: '{{target}}' }],
  }),
  lines({
    title: 'Age of what is known of the account',
    description:
      'The oldest reading of each part of the account, of all hosts. Beyond max_age a part is no evidence.',
    unit: 's',
    width: 8,
    queries: [
      {
        expr: `max by (part) (\n  time() - job_part:pathproof_topology_part_last_success_timestamp_seconds:min{${all}}\n)`,
        legend: '{{part}}',
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
        `sum by (job, target) (job_target_state:pathproof_path_state:sum{${all}, state=~"public|mixed"}) unless sum by (job, target) (job_target_state:pathproof_path_state:sum{${all}, state=~"public|mixed"} offset 1m) > 0`,
        'not private any more',
        '{{target}}',
      ),
    ],
  })
  return withRows(built, [
    ['Now', now],
    ['Paths', paths],
    ['Requirements', requirements],
    ['Doubt', doubt],
    ['Records of the network', network],
    ['Ways out and posture', waysOut],
    ['Agents and evidence', agents],
  ])
}
