import { heat, lines, rows, timeline, yesLegend } from './panels.ts'

// what is chosen above: host, target, name, service
export const h = 'job=~"$job", instance=~"$instance"'
export const t = `${h}, target=~"$target"`
export const n = `${t}, hostname=~"$hostname"`
const s = `${h}, service=~"$service"`

const quantiles = (metric: string) =>
  ([0.5, 0.9, 0.99] as const).map((q) => ({
    expr: `histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket{${s}}[$__rate_interval])))`,
    legend: `${q * 100} %`,
  }))

/** How long the steps of a connection take. */
export const timings = [
  lines({
    title: 'DNS lookup',
    description: 'Time from a question to its answer, of the chosen service. Doubtful samples are left out.',
    unit: 's',
    width: 8,
    queries: quantiles('pathproof_dns_lookup_seconds'),
  }),
  lines({
    title: 'TCP connect',
    description: 'Time to connect, of the chosen service. Doubtful samples are left out.',
    unit: 's',
    width: 8,
    queries: quantiles('pathproof_tcp_connect_seconds'),
  }),
  lines({
    title: 'TLS handshake',
    description: 'Time of the handshake, of the chosen service. Doubtful samples are left out.',
    unit: 's',
    width: 8,
    queries: quantiles('pathproof_tls_handshake_seconds'),
  }),
  heat({
    title: 'TLS handshakes by duration',
    description: 'How many handshakes of the chosen service took how long.',
    unit: 's',
    width: 12,
    queries: [
      {
        expr: `sum by (le) (increase(pathproof_tls_handshake_seconds_bucket{${s}}[$__rate_interval]))`,
        legend: '{{le}}',
      },
    ],
  }),
  lines({
    title: 'Last handshake with each name',
    description: 'Duration of the last TLS handshake with each name of the target.',
    unit: 's',
    width: 12,
    queries: [
      {
        expr: `max by (instance, hostname, style) (pathproof_last_tls_handshake_seconds{${n}})`,
        legend: '{{hostname}} ({{style}}) on {{instance}}',
      },
    ],
  }),
  lines({
    title: 'Uncertainty of timings',
    description:
      'How long the events of a timing may have waited unread in the agent: what is below that can not be told apart.',
    unit: 's',
    width: 8,
    queries: [0.5, 0.99].map((q) => ({
      expr: `histogram_quantile(${q}, sum by (le) (rate(pathproof_timing_uncertainty_seconds_bucket{${h}}[$__rate_interval])))`,
      legend: `${q * 100} %`,
    })),
  }),
  lines({
    title: 'Samples left out',
    description: 'Samples that the agent was too busy to time, left out of the histograms.',
    unit: 'short',
    width: 8,
    queries: [
      {
        expr: `sum by (style) (increase(pathproof_doubtful_timings_total{${s}}[$__rate_interval]))`,
        legend: '{{style}}',
      },
    ],
  }),
  lines({
    title: 'Failed probes',
    description: 'Probes of the chosen hosts that failed, by reason.',
    unit: 'short',
    width: 8,
    queries: [
      {
        expr: `sum by (probe, reason) (increase(pathproof_probe_errors_total{${h}}[$__rate_interval])) > 0`,
        legend: '{{probe}}: {{reason}}',
      },
    ],
  }),
]

/** What the verdicts rest on. */
export const evidence = [
  lines({
    title: 'Records in the ledger',
    description: 'It never falls; if it does, somebody cut or replaced the ledger.',
    unit: 'short',
    width: 8,
    queries: [{ expr: `max by (instance) (pathproof_ledger_records{${h}})`, legend: '{{instance}}' }],
  }),
  lines({
    title: 'Age of the last checkpoint',
    description: 'Time since the ledger was last signed by this process.',
    unit: 's',
    width: 8,
    queries: [
      {
        expr: `max by (instance) (time() - (pathproof_ledger_last_checkpoint_timestamp_seconds{${h}} > 0))`,
        legend: '{{instance}}',
      },
    ],
  }),
  timeline({
    title: 'Ledger is written',
    description: 'Whether the ledger is being written.',
    width: 8,
    legend: yesLegend,
    queries: [{ expr: `min by (instance) (pathproof_ledger_writable{${h}})`, legend: '{{instance}}' }],
  }),
  lines({
    title: 'Validity of certificates',
    description: 'Time until the earliest end among the certificates that each name shows.',
    unit: 's',
    width: 12,
    queries: [
      {
        expr: `min by (hostname, style) (pathproof_tls_certificate_not_after_timestamp_seconds{${n}}) - time()`,
        legend: '{{hostname}} ({{style}})',
      },
    ],
  }),
  rows({
    title: 'Hosts',
    description: 'Where the chosen hosts stand.',
    unit: 'short',
    width: 12,
    empty: 'no agent answers',
    queries: [{ expr: `pathproof_host_info{${h}}` }],
    columns: [
      { field: 'instance', title: 'Host' },
      { field: 'vantage', title: 'Stands' },
      { field: 'account_id', title: 'Account' },
      { field: 'region', title: 'Region' },
      { field: 'vpc_id', title: 'VPC' },
    ],
  }),
]
