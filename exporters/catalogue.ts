import { egressStates } from '../model/egress.ts'
import { firstLegs } from '../model/first-leg.ts'
import { pathClasses, pathStates } from '../model/path.ts'
import { resolverStates } from '../model/resolver-view.ts'
import { postureChecks, postureStates } from '../model/posture.ts'
import { snapshotParts } from '../model/topology.ts'
import { agentCatalogue } from './catalogue-agent.ts'
import { flowlogCatalogue } from './catalogue-flowlog.ts'
import { ledgerCatalogue } from './catalogue-ledger.ts'
import type { Metric } from './metric.ts'
import { metric } from './metric.ts'

const onName = ['target', 'hostname', 'style'] as const

export const addressStates = ['private', 'public', 'blocked', 'undetermined', 'unprobed'] as const
export const probeKinds = ['dns', 'tls', 'route'] as const
/** `Failure['type']` of the observations. */
export const errorReasons = [
  'timeout',
  'refused',
  'reset',
  'unreachable',
  'no_local_route',
  'denied',
  'resources',
  'tls',
  'dns',
  'aborted',
  'internal',
] as const
/** Parts of the account's snapshot. */
export const topologyParts = snapshotParts
/** Why a part of the account could not be read: `missing` is a file that a directory does not hold. */
export const topologyErrorReasons = [
  'missing',
  'denied',
  'throttled',
  'credentials',
  'unreachable',
  'timeout',
  'invalid',
  'failed',
] as const
/** Whole cycles are skipped, not single probes. */
export const skippedKinds = ['cycle'] as const
export const skippedReasons = ['overlap', 'suspended', 'late'] as const

/** Every metric of the program: exposition, documentation and tests all read it here. */
export const catalogue = [
  metric(
    'pathproof_path_private',
    'gauge',
    'name',
    onName,
    'Whether the path to this name is proven private now: 1 only if proven, 0 for anything else. Absent where blocked is required.',
  ),
  metric(
    'pathproof_path_state',
    'gauge',
    'name',
    [...onName, 'state'],
    'State of the path to this name: 1 for the current state, 0 for the others.',
    { state: pathStates },
  ),
  metric(
    'pathproof_path_info',
    'gauge',
    'name',
    [...onName, 'class', 'proof', 'confirmation'],
    'What is known of the path to this name: its class where one is left (else several), the rank of proof, the confirmation. Always 1.',
    {
      class: [...pathClasses, 'several'],
      proof: ['given', 'attested', 'observed', 'configured', 'consistent', 'none'],
      confirmation: ['pending', 'confirmed', 'no_record', 'unavailable'],
    },
  ),
  metric(
    'pathproof_requirement_met',
    'gauge',
    'target',
    ['target'],
    'Whether the requirement of the target is met now: 0 when it is not met or undetermined, also under a waiver. Absent where nothing is required.',
  ),
  metric(
    'pathproof_waiver_active',
    'gauge',
    'target',
    ['target'],
    'Whether a waiver of the target is in force now.',
  ),
  metric(
    'pathproof_waiver_expiry_timestamp_seconds',
    'gauge',
    'target',
    ['target'],
    'Unix time at which the waiver of the target ends. NaN without a waiver.',
  ),
  metric(
    'pathproof_addresses',
    'gauge',
    'name',
    [...onName, 'state'],
    'Known addresses of this name by the state of the path to them; unprobed ones have not been connected to.',
    { state: addressStates },
  ),
  metric(
    'pathproof_last_verdict_timestamp_seconds',
    'gauge',
    'name',
    onName,
    'Unix time of the last verdict on this name. 0 before the first.',
  ),
  metric(
    'pathproof_last_confirmed_timestamp_seconds',
    'gauge',
    'name',
    onName,
    'Unix time of the last attempt on this name that records of the network or of AWS confirmed. 0 before the first.',
  ),
  metric(
    'pathproof_evidence_conflicts_total',
    'counter',
    'name',
    onName,
    'Ranks of evidence that contradicted stronger evidence, or themselves, and were set aside.',
  ),
  metric(
    'pathproof_tainted',
    'gauge',
    'name',
    onName,
    'Whether an earlier contradiction on the same way holds this name.',
  ),
  metric(
    'pathproof_first_leg',
    'gauge',
    'target',
    ['target', 'leg'],
    'First leg from the site towards AWS: 1 for the current one, 0 for the others. On-prem only.',
    { leg: firstLegs },
  ),
  metric(
    'pathproof_first_leg_changes_total',
    'counter',
    'target',
    ['target'],
    'How often the first leg from the site towards AWS became another one. On-prem only.',
  ),
  metric(
    'pathproof_resolver_state',
    'gauge',
    'name',
    ['target', 'hostname', 'resolver', 'state'],
    'What a compared resolver answers beside the resolvers that count: 1 for the current state, 0 for the others. One set for each of compare_resolvers.',
    { state: resolverStates },
  ),
  metric(
    'pathproof_dns_lookup_seconds',
    'histogram',
    'process',
    ['service', 'style'],
    'Time from a DNS question to its answer.',
  ),
  metric(
    'pathproof_tcp_connect_seconds',
    'histogram',
    'process',
    ['service', 'style'],
    'Time to connect by TCP.',
  ),
  metric(
    'pathproof_tls_handshake_seconds',
    'histogram',
    'process',
    ['service', 'style'],
    'Time of the TLS handshake.',
  ),
  metric(
    'pathproof_doubtful_timings_total',
    'counter',
    'process',
    ['service', 'style'],
    'Samples left out of the latency histograms because this process was too busy to time them.',
  ),
  metric(
    'pathproof_last_tls_handshake_seconds',
    'gauge',
    'name',
    onName,
    'Duration of the last TLS handshake with this name. NaN before the first.',
  ),
  metric(
    'pathproof_tls_certificate_not_after_timestamp_seconds',
    'gauge',
    'name',
    onName,
    'Earliest end of validity among the certificates last shown for this name, also when they do not verify. NaN before the first.',
  ),
  metric(
    'pathproof_probe_errors_total',
    'counter',
    'process',
    ['probe', 'reason'],
    'Probes that failed, by reason.',
    { probe: probeKinds, reason: errorReasons },
  ),
  metric(
    'pathproof_probe_skipped_total',
    'counter',
    'process',
    ['probe', 'reason'],
    'Scheduled slots that did not run, by reason.',
    { probe: skippedKinds, reason: skippedReasons },
  ),
  metric(
    'pathproof_schedule_lag_seconds',
    'histogram',
    'process',
    [],
    'Time between the moment that a cycle was due and its start.',
  ),
  metric(
    'pathproof_timing_uncertainty_seconds',
    'histogram',
    'process',
    [],
    'How long the events of a timing may have waited unread in this process.',
  ),
  metric(
    'pathproof_topology_last_success_timestamp_seconds',
    'gauge',
    'process',
    [],
    'Unix time at which the account was last read without a missing part. 0 before the first.',
  ),
  metric(
    'pathproof_topology_part_last_success_timestamp_seconds',
    'gauge',
    'process',
    ['part'],
    'Unix time at which the reading of this part of the account began that is in use. 0 before the first.',
    { part: topologyParts },
  ),
  metric(
    'pathproof_topology_errors_total',
    'counter',
    'process',
    ['part', 'reason'],
    'Readings of the account in which this part, or something of it, could not be read.',
    { part: topologyParts, reason: topologyErrorReasons },
  ),
  metric(
    'pathproof_topology_also_last_success_timestamp_seconds',
    'gauge',
    'process',
    ['account', 'region'],
    'Unix time at which a further account (topology.also, by role) was last read without a missing part. 0 before the first.',
  ),
  metric(
    'pathproof_topology_also_errors_total',
    'counter',
    'process',
    ['account', 'region', 'reason'],
    'Parts of a further account (topology.also, by role) that could not be read.',
    { reason: topologyErrorReasons },
  ),
  metric(
    'pathproof_prefix_list_entries',
    'gauge',
    'process',
    ['prefix_list'],
    'Entries of a prefix list as last read.',
  ),
  ...flowlogCatalogue,
  metric(
    'pathproof_egress_state',
    'gauge',
    'process',
    ['check', 'state'],
    'Whether a destination that must fail is out of reach: 1 for the current state, 0 for the others.',
    { state: egressStates },
  ),
  metric(
    'pathproof_posture_state',
    'gauge',
    'process',
    ['check', 'state'],
    'Result of a posture check: 1 for the current state, 0 for the others.',
    { check: postureChecks, state: postureStates },
  ),
  ...ledgerCatalogue,
  ...agentCatalogue,
  metric(
    'pathproof_config_last_reload_successful',
    'gauge',
    'process',
    [],
    'Whether the last configuration reload succeeded.',
  ),
  metric(
    'pathproof_config_last_reload_success_timestamp_seconds',
    'gauge',
    'process',
    [],
    'Unix time of the last successful configuration reload.',
  ),
  metric(
    'pathproof_build_info',
    'gauge',
    'process',
    ['version', 'rules_version', 'node_version'],
    'Version of the program, of its rules and of its runtime. Always 1.',
  ),
  metric(
    'pathproof_host_info',
    'gauge',
    'process',
    ['vantage', 'account_id', 'region', 'vpc_id'],
    'Where the host stands. Always 1.',
  ),
] as const satisfies readonly Metric[]

type Entry = (typeof catalogue)[number]

export type MetricName = Entry['name']

export type MetricNameOf<Type extends Metric['type']> = Extract<Entry, { type: Type }>['name']

/** The labels that a metric's series must all have, no more and no fewer. */
export type LabelsOf<Name extends MetricName> = Readonly<
  Record<Extract<Entry, { name: Name }>['labels'][number], string>
>
