/**
 * When each alert must be silent, fire and be silent again, told by what an agent exports minute by minute. Written from the
 * meaning of the metrics, not from the rules.
 */

/** `minute`s at which the alert must not be there, at which it must fire, and at which it must be over. */
export interface AlertCase {
  alert: string
  /** Of one agent, h:1, from minute 0 on. Keys without braces get those of the agent. */
  series: Record<string, string>
  quiet: number[]
  fires: number[]
  resolved: number[]
  /** Labels of the one alert besides job, instance and severity; null: see `instance`. */
  labels: Record<string, string>
  severity: 'critical' | 'warning' | 'info'
  /** False for an alert on what no agent is there for. */
  ofAgent?: boolean
}

/** `for`: value, how many minutes. */
export const during = (...parts: readonly (readonly [number | '_' | 'stale', number])[]): string =>
  parts.flatMap(([value, minutes]) => Array<number | string>(minutes).fill(value)).join(' ')

/** A value that grows by `step` each minute. */
export const growing = (from: number, step: number, minutes: number): string =>
  Array.from({ length: minutes }, (_, index) => from + step * index).join(' ')

export const hostname = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const target = { target: 'artifacts' }
const name = { ...target, hostname, style: 'regional' }

export const selector = (metric: string, labels: Record<string, string> = {}): string =>
  `${metric}{${Object.entries({ job: 'pathproof', instance: 'h:1', ...labels })
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .join(', ')}}`

const of = (metric: string, labels: Record<string, string>, values: string): Record<string, string> => ({
  [selector(`pathproof_${metric}`, labels)]: values,
})

const info = (className: string, values: string): Record<string, string> =>
  of('path_info', { ...name, class: className, proof: 'configured', confirmation: 'unavailable' }, values)

/** One-hot states of one name: which is 1 in which minutes. */
const states = (...parts: readonly (readonly [string, number])[]): Record<string, string> =>
  Object.assign(
    {},
    ...['private', 'public', 'mixed', 'blocked', 'undetermined'].map((state) =>
      of(
        'path_state',
        { ...name, state },
        during(...parts.map(([now, minutes]) => [now === state ? 1 : 0, minutes] as const)),
      ),
    ),
  ) as Record<string, string>

const always = (value: number): string => during([value, 300])
const met = (values: string): Record<string, string> => of('requirement_met', target, values)
const waiver = (values: string): Record<string, string> => of('waiver_active', target, values)
const up = (values: string): Record<string, string> => ({ [selector('up')]: values })
const gauge = of('path_private', name, always(0))
const day = 86_400

export const alertCases: AlertCase[] = [
  {
    alert: 'PathproofRequirementNotMet',
    severity: 'critical',
    series: {
      ...states(['private', 5], ['public', 5], ['mixed', 5], ['private', 20]),
      ...info('nat_gateway', always(1)),
      ...gauge,
      ...met(during([1, 5], [0, 10], [1, 20])),
      ...waiver(always(0)),
    },
    quiet: [0, 4],
    fires: [5, 9],
    resolved: [15, 30],
    labels: { ...name, state: 'public', class: 'nat_gateway', proof: 'configured' },
  },
  {
    // Blocked is required: any way is one too many.
    alert: 'PathproofRequirementNotMet',
    severity: 'critical',
    series: {
      ...states(['blocked', 5], ['private', 5], ['blocked', 20]),
      ...info('gateway_endpoint', always(1)),
      ...met(during([1, 5], [0, 5], [1, 20])),
      ...waiver(always(0)),
    },
    quiet: [4],
    fires: [5, 9],
    resolved: [10],
    labels: { ...name, state: 'private', class: 'gateway_endpoint', proof: 'configured' },
  },
  {
    alert: 'PathproofPathBlocked',
    severity: 'critical',
    series: {
      ...states(['private', 5], ['blocked', 10], ['private', 10]),
      ...gauge,
      ...met(during([1, 5], [0, 10], [1, 10])),
      ...waiver(always(0)),
    },
    quiet: [4, 9],
    fires: [10, 14],
    resolved: [15],
    labels: { ...name, state: 'blocked' },
  },
  {
    alert: 'PathproofRequirementUnproven',
    severity: 'critical',
    series: {
      ...states(['private', 100]),
      ...gauge,
      ...met(during([1, 5], [0, 50], [1, 10])),
      ...waiver(always(0)),
    },
    quiet: [4, 40],
    fires: [41, 54],
    resolved: [55],
    labels: target,
  },
  {
    alert: 'PathproofPublicPath',
    severity: 'warning',
    series: {
      ...states(['private', 5], ['public', 5], ['private', 10]),
      ...info('internet_gateway', always(1)),
      ...gauge,
      ...waiver(always(0)),
    },
    quiet: [4],
    fires: [5, 9],
    resolved: [10],
    labels: { ...name, state: 'public', class: 'internet_gateway', proof: 'configured' },
  },
  {
    alert: 'PathproofMixedPath',
    severity: 'warning',
    series: {
      ...states(['private', 5], ['mixed', 5], ['private', 10]),
      ...of('addresses', { ...name, state: 'public' }, during([0, 5], [1, 5], [0, 10])),
      ...of('addresses', { ...name, state: 'private' }, always(7)),
      ...waiver(always(0)),
    },
    quiet: [4],
    fires: [5, 9],
    resolved: [10],
    labels: { ...name, state: 'public' },
  },
  {
    alert: 'PathproofPathUndetermined',
    severity: 'warning',
    series: {
      ...states(['private', 5], ['undetermined', 9], ['private', 5], ['undetermined', 15], ['private', 10]),
      ...of('tainted', name, always(0)),
      ...waiver(always(0)),
    },
    quiet: [4, 14, 28],
    fires: [29, 33],
    resolved: [34],
    labels: { ...name, state: 'undetermined' },
  },
  {
    alert: 'PathproofRequirementUnstable',
    severity: 'warning',
    series: {
      ...of(
        'requirement_met',
        { target: name.target },
        during(
          ...Array.from({ length: 14 }, (_, i): [number, number] => (i % 2 === 0 ? [0, 9] : [1, 1])),
          [1, 90],
        ),
      ),
      ...waiver(always(0)),
    },
    quiet: [4, 18, 28],
    fires: [30, 60],
    resolved: [110],
    labels: { target: name.target },
  },
  {
    alert: 'PathproofVerdictStale',
    severity: 'warning',
    series: of(
      'last_verdict_timestamp_seconds',
      name,
      `${growing(0, 60, 11)} ${during([599, 10])} ${growing(1260, 60, 20)}`,
    ),
    quiet: [10, 15],
    fires: [16, 20],
    resolved: [21, 30],
    labels: name,
  },
  {
    alert: 'PathproofVerdictStale',
    severity: 'warning',
    series: of('last_verdict_timestamp_seconds', name, during([605, 30])),
    quiet: [16],
    fires: [17, 20],
    resolved: [45],
    labels: name,
  },
  {
    alert: 'PathproofVerdictsAbsent',
    severity: 'warning',
    series: {
      ...up(during([1, 60])),
      ...of('last_verdict_timestamp_seconds', name, during([1, 5], ['stale', 1], ['_', 30], [1, 20])),
    },
    quiet: [4, 19],
    fires: [20, 35],
    resolved: [36],
    labels: {},
  },
  {
    alert: 'PathproofTargetVanished',
    severity: 'warning',
    series: {
      ...up(during([1, 200])),
      ...waiver(during([0, 70], ['stale', 1], ['_', 30], [0, 100])),
    },
    quiet: [69, 79],
    fires: [80, 100],
    resolved: [101, 180],
    labels: target,
  },
  {
    alert: 'PathproofEvidenceConflict',
    severity: 'warning',
    series: of('evidence_conflicts_total', name, during([3, 20], [4, 60])),
    quiet: [5, 19],
    fires: [20, 33],
    resolved: [36],
    labels: name,
  },
  {
    alert: 'PathproofPathTainted',
    severity: 'warning',
    series: of('tainted', name, during([0, 5], [1, 5], [0, 5])),
    quiet: [4],
    fires: [5, 9],
    resolved: [10],
    labels: name,
  },
  {
    alert: 'PathproofCertificateExpiring',
    severity: 'warning',
    series: of(
      'tls_certificate_not_after_timestamp_seconds',
      name,
      during([7 * day + 3600, 150], [90 * day, 20]),
    ),
    quiet: [60, 120],
    fires: [121, 149],
    resolved: [150],
    labels: name,
  },
  {
    alert: 'PathproofResolverDiffers',
    severity: 'warning',
    series: of(
      'resolver_state',
      { ...target, hostname, resolver: 'corp', state: 'different' },
      during([0, 5], [1, 20], [0, 5]),
    ),
    quiet: [4, 19],
    fires: [20, 24],
    resolved: [25],
    labels: { ...target, hostname, resolver: 'corp', state: 'different' },
  },
  {
    alert: 'PathproofWaiverActive',
    severity: 'info',
    series: waiver(during([0, 5], [1, 5], [0, 5])),
    quiet: [4],
    fires: [5, 9],
    resolved: [10],
    labels: target,
  },
  {
    alert: 'PathproofWaiverEnding',
    severity: 'warning',
    series: {
      ...of('waiver_expiry_timestamp_seconds', target, during([7 * day + 600, 100])),
      ...waiver(during([1, 50], [0, 50])),
    },
    quiet: [5, 10],
    fires: [11, 49],
    resolved: [50],
    labels: target,
  },
  {
    alert: 'PathproofWaiverExpired',
    severity: 'warning',
    series: of('waiver_expiry_timestamp_seconds', target, during([600, 100], [30 * day, 10])),
    quiet: [9, 69],
    fires: [70, 99],
    resolved: [100],
    labels: target,
  },
  {
    alert: 'PathproofFirstLegChanged',
    severity: 'warning',
    series: {
      ...of('first_leg', { ...target, leg: 'vpn' }, during([0, 10], [1, 80])),
      ...of('first_leg', { ...target, leg: 'direct_connect' }, during([1, 10], [0, 80])),
      ...of('first_leg_changes_total', target, during([0, 10], [1, 80])),
    },
    quiet: [9],
    fires: [10, 35],
    resolved: [41],
    labels: { ...target, leg: 'vpn' },
  },
  {
    alert: 'PathproofEgressOpen',
    severity: 'critical',
    series: of('egress_state', { check: 'cloudflare-443', state: 'open' }, during([0, 5], [1, 5], [0, 5])),
    quiet: [4],
    fires: [5, 9],
    resolved: [10],
    labels: { check: 'cloudflare-443', state: 'open' },
  },
  {
    alert: 'PathproofEgressUntestable',
    severity: 'warning',
    series: of('egress_state', { check: 'dns', state: 'untestable' }, during([0, 5], [1, 40], [0, 5])),
    quiet: [4, 34],
    fires: [35, 44],
    resolved: [45],
    labels: { check: 'dns', state: 'untestable' },
  },
  {
    alert: 'PathproofTopologyStale',
    severity: 'warning',
    series: {
      // Good for three minutes.
      ...of(
        'topology_part_last_success_timestamp_seconds',
        { part: 'routeTables' },
        `${growing(0, 60, 11)} ${during([599, 15])} ${growing(1560, 60, 20)}`,
      ),
      ...of('host_info', { vantage: 'ec2', account_id: '1', region: 'r', vpc_id: 'v' }, always(1)),
    },
    quiet: [10, 13, 17],
    fires: [18, 25],
    resolved: [26],
    labels: { part: 'routeTables' },
  },
  {
    alert: 'PathproofTopologyStale',
    severity: 'warning',
    series: of('topology_part_last_success_timestamp_seconds', { part: 'routeTables' }, during([605, 30])),
    quiet: [18],
    fires: [19, 25],
    resolved: [45],
    labels: { part: 'routeTables' },
  },
  {
    // The rest is good for fifteen.
    alert: 'PathproofTopologyStale',
    severity: 'warning',
    series: {
      ...of(
        'topology_part_last_success_timestamp_seconds',
        { part: 'endpoints' },
        during([60, 30], [1800, 10]),
      ),
      ...of('host_info', { vantage: 'on-prem', account_id: '', region: '', vpc_id: '' }, always(1)),
    },
    quiet: [16, 21],
    fires: [22, 29],
    resolved: [30],
    labels: { part: 'endpoints' },
  },
  {
    // An EC2 host that never read it.
    alert: 'PathproofTopologyStale',
    severity: 'warning',
    series: {
      ...of('topology_part_last_success_timestamp_seconds', { part: 'subnets' }, during([0, 30], [1800, 10])),
      ...of('host_info', { vantage: 'ec2', account_id: '1', region: 'r', vpc_id: 'v' }, always(1)),
    },
    quiet: [20],
    fires: [21],
    resolved: [30],
    labels: { part: 'subnets' },
  },
  {
    alert: 'PathproofTopologyErrors',
    severity: 'warning',
    series: of(
      'topology_errors_total',
      { part: 'endpoints', reason: 'denied' },
      `${during([0, 20])} ${growing(1, 1, 20)} ${during([20, 40])}`,
    ),
    quiet: [19, 29],
    fires: [30, 50],
    resolved: [54],
    labels: { part: 'endpoints', reason: 'denied' },
  },
  {
    alert: 'PathproofPrefixListShrank',
    severity: 'warning',
    series: of('prefix_list_entries', { prefix_list: 'pl-1' }, during([20, 65], [10, 5], [9, 10], [20, 50])),
    quiet: [5, 69],
    fires: [70, 79],
    resolved: [80],
    labels: { prefix_list: 'pl-1' },
  },
  {
    // A list that is empty from the start.
    alert: 'PathproofPrefixListShrank',
    severity: 'warning',
    series: of('prefix_list_entries', { prefix_list: 'pl-2' }, during([1, 2], [0, 70], [20, 5])),
    quiet: [1],
    fires: [2, 71],
    resolved: [72],
    labels: { prefix_list: 'pl-2' },
  },
  {
    alert: 'PathproofFurtherAccountStale',
    severity: 'warning',
    series: of(
      'topology_also_last_success_timestamp_seconds',
      { account: '444455556666', region: 'us-east-1' },
      during([60, 50], [3000, 10]),
    ),
    quiet: [31, 40],
    fires: [42, 49],
    resolved: [50],
    labels: { account: '444455556666', region: 'us-east-1' },
  },
  {
    alert: 'PathproofFlowLogLag',
    severity: 'warning',
    series: of('flowlog_lag_seconds', {}, during([2160, 20], [2161, 20], [300, 10])),
    quiet: [19, 29],
    fires: [30, 39],
    resolved: [40],
    labels: {},
  },
  {
    alert: 'PathproofFlowLogErrors',
    severity: 'warning',
    series: of('flowlog_errors_total', { reason: 'throttled' }, during([0, 40], [2, 60])),
    quiet: [39, 49],
    fires: [50, 65],
    resolved: [71],
    labels: { reason: 'throttled' },
  },
  {
    alert: 'PathproofFlowLogUncovered',
    severity: 'info',
    series: of('flowlog_interfaces', { state: 'uncovered' }, during([0, 5], [1, 80], [0, 5])),
    quiet: [4, 64],
    fires: [65, 84],
    resolved: [85],
    labels: { state: 'uncovered' },
  },
  {
    // Behind counts like ahead.
    alert: 'PathproofClockOffset',
    severity: 'warning',
    series: of('clock_offset_seconds', {}, during([30, 10], [-31, 10], [0, 10])),
    quiet: [9, 14],
    fires: [15, 19],
    resolved: [20],
    labels: {},
  },
  {
    alert: 'PathproofLedgerNotWritable',
    severity: 'critical',
    series: of('ledger_writable', {}, during([1, 5], [0, 10], [1, 5])),
    quiet: [4, 6],
    fires: [7, 14],
    resolved: [15],
    labels: {},
  },
  {
    alert: 'PathproofLedgerGap',
    severity: 'warning',
    series: of('ledger_gap_records_total', {}, during([0, 20], [12, 60])),
    quiet: [19],
    fires: [20, 33],
    resolved: [36],
    labels: {},
  },
  {
    alert: 'PathproofLedgerShrank',
    severity: 'critical',
    series: of('ledger_records', {}, `${growing(100, 1, 20)} ${during([118, 20])} ${growing(120, 1, 80)}`),
    quiet: [19],
    fires: [20, 39],
    resolved: [40, 90],
    labels: {},
  },
  {
    alert: 'PathproofCheckpointStale',
    severity: 'warning',
    series: of('ledger_last_checkpoint_timestamp_seconds', {}, during([300, 40], [2400, 10])),
    quiet: [20, 25],
    fires: [26, 39],
    resolved: [40],
    labels: {},
  },
  {
    alert: 'PathproofAnchorStale',
    severity: 'warning',
    series: of(
      'ledger_anchor_last_success_timestamp_seconds',
      { anchor: 's3' },
      during([300, 80], [4800, 10]),
    ),
    quiet: [35, 50],
    fires: [51, 79],
    resolved: [80],
    labels: { anchor: 's3' },
  },
  {
    alert: 'PathproofAnchorDropped',
    severity: 'warning',
    series: of('ledger_anchor_dropped_total', { anchor: 's3' }, during([0, 61], [1, 120])),
    quiet: [60],
    fires: [61, 110],
    resolved: [122],
    labels: { anchor: 's3' },
  },
  {
    alert: 'PathproofAgentDown',
    severity: 'critical',
    series: up(during([1, 5], [0, 10], [1, 5])),
    quiet: [4, 6],
    fires: [7, 14],
    resolved: [15],
    labels: {},
  },
  {
    alert: 'PathproofNoAgents',
    severity: 'critical',
    series: {
      'up{job="other", instance="h:9"}': always(1),
      ...up(during([1, 5], ['stale', 1], ['_', 10], [1, 5])),
    },
    quiet: [4, 9],
    fires: [10, 15],
    resolved: [16],
    labels: {},
    ofAgent: false,
  },
  {
    alert: 'PathproofReloadFailed',
    severity: 'warning',
    series: of('config_last_reload_successful', {}, during([1, 5], [0, 5], [1, 5])),
    quiet: [4, 5],
    fires: [6, 9],
    resolved: [10],
    labels: {},
  },
  {
    alert: 'PathproofSlotsSkipped',
    severity: 'warning',
    series: {
      ...of(
        'probe_skipped_total',
        { probe: 'cycle', reason: 'overlap' },
        `${during([0, 20])} ${growing(1, 1, 30)} ${during([30, 40])}`,
      ),
      // A suspended laptop is no fault.
      ...of('probe_skipped_total', { probe: 'cycle', reason: 'suspended' }, growing(0, 1, 90)),
    },
    quiet: [19, 34],
    fires: [35, 60],
    resolved: [65],
    labels: { probe: 'cycle', reason: 'overlap' },
  },
  {
    alert: 'PathproofAgentTrouble',
    severity: 'warning',
    series: {
      ...of('probe_errors_total', { probe: 'tls', reason: 'resources' }, during([0, 20], [1, 60])),
      // What others do is no trouble of the agent's.
      ...of('probe_errors_total', { probe: 'tls', reason: 'refused' }, growing(0, 1, 90)),
    },
    quiet: [19],
    fires: [20, 33],
    resolved: [36],
    labels: { probe: 'tls', reason: 'resources' },
  },
  {
    alert: 'PathproofExporterDropped',
    severity: 'warning',
    series: of('exporter_dropped_total', { exporter: 'events', reason: 'full' }, during([0, 20], [5, 60])),
    quiet: [19, 24],
    fires: [25, 33],
    resolved: [36],
    labels: { exporter: 'events', reason: 'full' },
  },
]

/**
 * All that a target of one or two names can be, with what must be told of it after 50 minutes: a test file of promtool. What is not
 * met and not excused is told in every case; what is met, or excused, never.
 */
export function requirementTable(rules: string): object {
  const stateNames = ['private', 'public', 'mixed', 'blocked', 'undetermined']
  const input: { series: string; values: string }[] = []
  const expected: string[] = []
  const told = (states: string[], wantsBlocked: boolean): string[] => {
    const found = new Set<string>()
    for (const state of states) {
      if (state === 'public' || state === 'mixed') found.add('PathproofRequirementNotMet')
      if (state === 'private' && wantsBlocked) found.add('PathproofRequirementNotMet')
      if (state === 'blocked' && !wantsBlocked) found.add('PathproofPathBlocked')
      if (state === 'undetermined') found.add('PathproofPathUndetermined')
    }
    return found.size > 0 ? [...found] : ['PathproofRequirementUnproven']
  }
  let count = 0
  const pairs = [null, ...stateNames].flatMap((second) => stateNames.map((first) => [first, second]))
  for (const pair of pairs)
    for (const wantsBlocked of [false, true])
      for (const isMet of [0, 1])
        for (const waived of [0, 1]) {
          const states = pair.filter((state) => state !== null)
          const target = `t${count++}`
          const add = (metric: string, labels: Record<string, string>, value: number) =>
            input.push({
              series: selector(`pathproof_${metric}`, { target, ...labels }),
              values: during([value, 6]),
            })
          add('requirement_met', {}, isMet)
          add('waiver_active', {}, waived)
          for (const [index, state] of states.entries()) {
            const name = { hostname: `n${index}`, style: 'regional' }
            for (const each of stateNames) add('path_state', { ...name, state: each }, each === state ? 1 : 0)
            add('path_info', { ...name, class: 'several', proof: 'none', confirmation: 'pending' }, 1)
            add('tainted', name, 0)
            if (!wantsBlocked) add('path_private', name, state === 'private' ? 1 : 0)
          }
          const found = waived === 1 ? [] : told(states, wantsBlocked)
          const of = isMet === 1 ? found.filter((alert) => alert === 'PathproofPathUndetermined') : found
          for (const alert of of) expected.push(`{alertname="${alert}", target="${target}"}`)
        }
  return {
    rule_files: [rules],
    evaluation_interval: '10m',
    tests: [
      {
        interval: '10m',
        input_series: input,
        promql_expr_test: [
          {
            expr: 'group by (alertname, target) (ALERTS{alertstate="firing", alertname=~"PathproofRequirementNotMet|PathproofPathBlocked|PathproofRequirementUnproven|PathproofPathUndetermined"})',
            eval_time: '50m',
            exp_samples: expected.map((labels) => ({ labels, value: 1 })),
          },
        ],
      },
    ],
  }
}
