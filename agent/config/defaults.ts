/** Every default of the configuration, as it would be written there. */
export const defaults = {
  vantage: 'auto',
  target: {
    port: 443,
    require: 'private',
    min_proof: 'configured',
    require_first_leg: 'any',
    every: '30s',
    timeout: '5s',
    resolvers: ['system'],
    confirm_within: '30m',
  },
  topology: { source: 'aws', refresh: '60s', max_age: '3m', other_refresh: '5m', other_max_age: '15m' },
  flow_logs: { every: '60s' },
  cloudwatch_metrics: { every: '5m' },
  canary: { every: '5m' },
  cloudtrail: { every: '15m' },
  trace: { every: '5m' },
  direct_connect: { every: '5m' },
  egress: { every: '60s', timeout: '5s' },
  ledger: {
    checkpoint_every: '5m',
    segment_size: '64MiB',
    retention: '400d',
    object_lock: 'compliance',
    on_full: 'continue',
  },
  cloudwatch: { namespace: 'pathproof', every: '60s' },
  web: { listen: '127.0.0.1:10097', telemetry_path: '/metrics', reload: false },
  limits: {
    names: 2000,
    connects: 256,
    connects_per_target: 16,
    handshakes: 8,
    hold_window: '15m',
    hold_addresses: 4096,
  },
} as const

/** Styles that common software uses when it is told a service and a region and nothing else. */
export const defaultStyles = {
  s3: ['global', 'regional', 'dualstack'],
  other: ['regional'],
} as const

/** A configuration beyond this size (bytes of UTF-8) is refused before it is read. */
export const maxConfigBytes = 1024 * 1024
