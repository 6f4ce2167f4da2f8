import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { catalogue } from '../../exporters/catalogue.ts'
import { createProbeMetrics } from '../../exporters/probe-metrics.ts'
import type { SeriesSet } from '../../exporters/prometheus.ts'
import { createSeriesSet } from '../../exporters/prometheus.ts'
import type { VerdictMetrics } from '../../exporters/verdict-metrics.ts'
import { createVerdictMetrics } from '../../exporters/verdict-metrics.ts'
import type { Attempt, Observation } from '../../model/observation.ts'
import { pathStates, ranks } from '../../model/path.ts'
import type { Target } from '../../model/target.ts'
import type { NameVerdict } from '../../model/verdict.ts'
import { attemptVerdict, conflict, nameVerdict, targetVerdict } from '../agent/verdicts.ts'
import { parseExposition } from './parse-exposition.ts'

const hostname = 's3.eu-west-1.amazonaws.com'

function target(changes: Partial<Target> = {}): Target {
  return {
    name: 'artifacts',
    names: [{ hostname, port: 443, style: 'regional', service: 's3', region: 'eu-west-1' }],
    require: { kind: 'private' },
    minProof: 'configured',
    requireFirstLeg: 'any',
    resolvers: ['system'],
    compareResolvers: [],
    source: null,
    schedule: { kind: 'interval', everySeconds: 30 },
    timeoutSeconds: 5,
    confirmWithinSeconds: 1800,
    evidenceAgeSeconds: null,
    waiver: null,
    discovered: false,
    ...changes,
  }
}

function bench(targets: Target[] = [target()]): { series: SeriesSet; metrics: VerdictMetrics } {
  const series = createSeriesSet(catalogue)
  const metrics = createVerdictMetrics(series)
  metrics.sync(targets)
  return { series, metrics }
}

/** `name{label values, without target and hostname}` → value. */
async function values(series: SeriesSet): Promise<Record<string, string>> {
  const exposition = (await series.render('text')).toString()
  return Object.fromEntries(
    parseExposition(exposition).flatMap((family) =>
      family.samples.map(({ name, labels, value }) => {
        const { target: _target, hostname: _hostname, ...others } = labels
        return [`${name.replace('pathproof_', '')}{${Object.values(others).join(',')}}`, value]
      }),
    ),
  )
}

const alive = (): boolean => true
const dead = (): boolean => false

test('all series of a target exist from its start, claim nothing, and go with it', async () => {
  const { series, metrics } = bench()
  const expected = {
    'path_private{regional}': '0',
    'path_state{regional,private}': '0',
    'path_state{regional,public}': '0',
    'path_state{regional,mixed}': '0',
    'path_state{regional,blocked}': '0',
    'path_state{regional,undetermined}': '1',
    'path_info{regional,several,none,unavailable}': '1',
    'requirement_met{}': '0',
    'waiver_active{}': '0',
    'waiver_expiry_timestamp_seconds{}': 'NaN',
    'addresses{regional,private}': '0',
    'addresses{regional,public}': '0',
    'addresses{regional,blocked}': '0',
    'addresses{regional,undetermined}': '0',
    'addresses{regional,unprobed}': '0',
    'last_verdict_timestamp_seconds{regional}': '0',
    'last_confirmed_timestamp_seconds{regional}': '0',
    'evidence_conflicts_total{regional}': '0',
    'tainted{regional}': '0',
    'last_tls_handshake_seconds{regional}': 'NaN',
    'tls_certificate_not_after_timestamp_seconds{regional}': 'NaN',
  }
  expect(await values(series)).toEqual(expected)
  metrics.refresh(alive, 0)
  expect(await values(series)).toEqual(expected)
  metrics.sync([])
  expect(series.lines()).toBe(0)
})

test('budget: at most 20 series per name and 20 per target', () => {
  const names = Array.from({ length: 100 }, (_, index) => ({
    hostname: `h${index}`,
    port: 443,
    style: 'regional' as const,
    service: 's3',
    region: null,
  }))
  const { series, metrics } = bench([target({ names: [] })])
  const perTarget = series.lines()
  expect(perTarget).toBeLessThanOrEqual(20)
  metrics.sync([target({ names })])
  expect((series.lines() - perTarget) / names.length).toBeLessThanOrEqual(20)
  // Nothing that a verdict can say adds series.
  const before = series.lines()
  for (const state of pathStates) {
    metrics.update(targetVerdict({ names: names.map((name) => nameVerdict({ ...name, state })) }), 0)
    metrics.refresh(alive, 0)
  }
  expect(series.lines()).toBe(before)
})

test('a private verdict shows, and is gone when its life is over', async () => {
  const { series, metrics } = bench()
  metrics.update(targetVerdict(), 1_700_000_000_000)
  metrics.refresh(alive, 0)
  expect(await values(series)).toMatchObject({
    'path_private{regional}': '1',
    'path_state{regional,private}': '1',
    'path_state{regional,undetermined}': '0',
    'path_info{regional,gateway_endpoint,configured,unavailable}': '1',
    'requirement_met{}': '1',
    'addresses{regional,private}': '1',
    'last_verdict_timestamp_seconds{regional}': '1700000000',
    'last_tls_handshake_seconds{regional}': '0.004',
  })
  metrics.refresh(dead, 0)
  const after = await values(series)
  expect(after).toMatchObject({
    'path_private{regional}': '0',
    'path_state{regional,private}': '0',
    'path_state{regional,undetermined}': '1',
    'path_info{regional,several,none,unavailable}': '1',
    'requirement_met{}': '0',
    'addresses{regional,private}': '0',
    'addresses{regional,undetermined}': '1',
    'last_verdict_timestamp_seconds{regional}': '1700000000',
  })
  expect(Object.keys(after).filter((name) => name.startsWith('path_info'))).toHaveLength(1)
  metrics.refresh(alive, 0)
  expect((await values(series))['path_private{regional}']).toBe('1')
})

const notPrivate: [string, Partial<NameVerdict>][] = [
  ['public', { state: 'public' }],
  ['mixed', { state: 'mixed' }],
  ['blocked', { state: 'blocked' }],
  ['undetermined', { state: 'undetermined' }],
  ['proof consistent', { proof: 'consistent' }],
  ['proof given', { proof: 'given' }],
  ['no proof', { proof: null }],
  ['a conflict of side', { conflictOfSide: true }],
  ['a conflict of side in an attempt', { attempts: [attemptVerdict({ conflicts: [conflict('side')] })] }],
  ['taint', { tainted: true }],
]

test.each(notPrivate)('the gauge is 0: %s', async (_, changes) => {
  const { series, metrics } = bench()
  metrics.update(targetVerdict({ names: [nameVerdict(changes)] }), 0)
  metrics.refresh(alive, 0)
  expect((await values(series))['path_private{regional}']).toBe('0')
})

test('the gauge is 1 exactly for private, proof configured or better, no conflict of side, no taint, alive', async () => {
  const name = fc.record({
    state: fc.constantFrom(...pathStates),
    proof: fc.constantFrom(...ranks, null),
    conflictOfSide: fc.boolean(),
    tainted: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(name, fc.boolean(), async (changes, isAlive) => {
      const { series, metrics } = bench()
      metrics.update(targetVerdict({ names: [nameVerdict(changes)] }), 0)
      metrics.refresh(() => isAlive, 0)
      const strong = changes.proof !== null && ['configured', 'observed', 'attested'].includes(changes.proof)
      const proven =
        changes.state === 'private' && strong && !changes.conflictOfSide && !changes.tainted && isAlive
      const shown = await values(series)
      expect(shown['path_private{regional}']).toBe(proven ? '1' : '0')
      const states = pathStates.filter((state) => shown[`path_state{regional,${state}}`] === '1')
      expect(states).toEqual([isAlive ? changes.state : 'undetermined'])
    }),
    { numRuns: 300 },
  )
})

test('the gauge is not there where blocked is required, and comes and goes with the requirement', async () => {
  const blocked = target({ require: { kind: 'blocked' } })
  const { series, metrics } = bench([blocked])
  const shown = async (): Promise<string | undefined> => (await values(series))['path_private{regional}']
  metrics.update(targetVerdict({ require: { kind: 'blocked' }, met: false }), 0)
  metrics.refresh(alive, 0)
  expect(await shown()).toBeUndefined()
  metrics.sync([target()])
  expect(await shown()).toBe('1')
  metrics.sync([blocked])
  expect(await shown()).toBeUndefined()
})

test('the requirement is met only by a living verdict on the same demand and on all names', async () => {
  const { series, metrics } = bench()
  const met = async (): Promise<string | undefined> => {
    metrics.refresh(alive, 0)
    return (await values(series))['requirement_met{}']
  }
  metrics.update(targetVerdict(), 0)
  expect(await met()).toBe('1')
  metrics.sync([target({ minProof: 'observed' })])
  expect(await met()).toBe('0')
  // The cycle that was running at the reload ends.
  metrics.update(targetVerdict(), 0)
  expect(await met()).toBe('0')
  metrics.update(targetVerdict({ minProof: 'observed' }), 0)
  expect(await met()).toBe('1')
  const more = { hostname: 'new', port: 443, style: 'global' as const, service: 's3', region: null }
  metrics.sync([target({ minProof: 'observed', names: [...target().names, more] })])
  expect(await met()).toBe('0')
  metrics.sync([target({ minProof: 'observed' })])
  metrics.update(targetVerdict({ minProof: 'observed', met: false }), 0)
  expect(await met()).toBe('0')
})

test('a waiver is active until its moment and changes nothing else', async () => {
  const waiver = { reason: 'legacy', ticket: null, untilMs: 5_000 }
  const { series, metrics } = bench([target({ waiver })])
  metrics.update(targetVerdict({ met: false, waiver, waiverActive: true }), 0)
  metrics.refresh(alive, 4_999)
  expect(await values(series)).toMatchObject({
    'waiver_active{}': '1',
    'waiver_expiry_timestamp_seconds{}': '5',
    'requirement_met{}': '0',
  })
  metrics.refresh(alive, 5_000)
  expect((await values(series))['waiver_active{}']).toBe('0')
})

test('conflicts are counted once per attempt, also when it is judged again', async () => {
  const { series, metrics } = bench()
  const judge = (id: string, conflicts: number): void => {
    const attempts = [
      attemptVerdict({ id, conflicts: Array.from({ length: conflicts }, () => conflict('class')) }),
    ]
    metrics.update(targetVerdict({ names: [nameVerdict({ attempts })] }), 0)
  }
  judge('a', 1)
  judge('a', 1)
  judge('a', 2)
  judge('a', 0)
  judge('b', 1)
  expect((await values(series))['evidence_conflicts_total{regional}']).toBe('3')
})

test('addresses are counted by state, undialled ones as unprobed', async () => {
  const { series, metrics } = bench()
  const attempts = [
    attemptVerdict(),
    attemptVerdict({ state: 'public' }),
    attemptVerdict({ state: 'blocked' }),
    attemptVerdict({ state: 'undetermined', dialled: false, connected: false }),
    attemptVerdict({ state: 'undetermined', dialled: false, connected: false }),
  ]
  metrics.update(targetVerdict({ names: [nameVerdict({ attempts, state: 'mixed' })] }), 0)
  expect(await values(series)).toMatchObject({
    'addresses{regional,private}': '1',
    'addresses{regional,public}': '1',
    'addresses{regional,blocked}': '1',
    'addresses{regional,undetermined}': '0',
    'addresses{regional,unprobed}': '2',
  })
})

test('names that share their labels show the worse verdict; names that are not watched show none', async () => {
  const { series, metrics } = bench()
  const names = [
    nameVerdict(),
    nameVerdict({ state: 'public', possible: ['nat_gateway'], proof: 'configured' }),
    nameVerdict({ hostname: 'from.a.redirect' }),
  ]
  metrics.update(targetVerdict({ names, state: 'mixed', met: false }), 0)
  metrics.refresh(alive, 0)
  const shown = await values(series)
  expect(shown['path_private{regional}']).toBe('0')
  expect(shown['path_state{regional,public}']).toBe('1')
  expect((await series.render('text')).toString()).not.toContain('redirect')
})

test('a name that leaves takes its series, one that stays keeps its values', async () => {
  const other = { hostname: 'other', port: 443, style: 'global' as const, service: 's3', region: null }
  const { series, metrics } = bench([target({ names: [...target().names, other] })])
  metrics.update(targetVerdict(), 7_000)
  const full = series.lines()
  metrics.sync([target()])
  expect(series.lines()).toBe(full - 18)
  expect((await values(series))['last_verdict_timestamp_seconds{regional}']).toBe('7')
})

const stamp = { id: 'o', wallMs: 0, monotonicMs: 0, bootId: 'b', snapshot: null, configuration: null }

function attempt(changes: Partial<Attempt> = {}): Attempt {
  return {
    kind: 'attempt',
    stamp,
    hostname,
    port: 443,
    address: '52.218.0.1',
    family: 4,
    localAddress: null,
    localPort: null,
    resolvers: [],
    outcome: { reached: 'nothing', failure: { type: 'timeout', afterSeconds: 5 } },
    http: null,
    timings: {
      dnsSeconds: null,
      tcpConnectSeconds: 0.02,
      tlsHandshakeSeconds: null,
      firstByteSeconds: null,
      uncertaintySeconds: 0.0005,
    },
    host: {
      method: 'ip_route_get',
      device: 'eth0',
      deviceKind: 'physical',
      mac: null,
      gateway: null,
      source: null,
      selectorRules: false,
      redirect: 'none',
      detail: null,
    },
    proxyVariables: [],
    ...changes,
  }
}

function shown(notAfterMs: number): Attempt {
  return attempt({
    outcome: {
      reached: 'tls',
      tls: {
        version: 'TLSv1.3',
        cipher: 'x',
        certificate: {
          subject: '',
          issuer: '',
          altNames: [],
          notBeforeMs: 0,
          notAfterMs,
          fingerprint256: '',
        },
        check: { roots: 'none', chainError: 'x', nameMatches: false, nameExpected: hostname, dates: 'valid' },
      },
    },
  })
}

test('the certificate that ends first is shown, also when it does not verify', async () => {
  const { series, metrics } = bench()
  metrics.attempted('artifacts', hostname, 'regional', [shown(9_000), shown(4_000), attempt()])
  metrics.attempted('artifacts', hostname, 'regional', [attempt()])
  metrics.attempted('gone', hostname, 'regional', [shown(1)])
  expect((await values(series))['tls_certificate_not_after_timestamp_seconds{regional}']).toBe('4')
})

test('probe errors and skips are there from the start and counted by reason', async () => {
  const series = createSeriesSet(catalogue)
  const probes = createProbeMetrics(series)
  expect(await values(series)).toMatchObject({
    'probe_errors_total{dns,timeout}': '0',
    'probe_errors_total{tls,refused}': '0',
    'probe_skipped_total{cycle,overlap}': '0',
  })
  const dns: Observation = {
    kind: 'dns',
    stamp,
    hostname,
    resolver: 'system',
    server: 'getaddrinfo',
    counts: true,
    ipv4: { answered: false, failure: { type: 'dns', code: 'SERVFAIL' }, transport: 'udp' },
    ipv6: {
      answered: true,
      rcode: 'NOERROR',
      addresses: [],
      cnames: [],
      truncated: false,
      transport: 'udp',
      rttSeconds: 0.003,
    },
  }
  const name = { service: 's3', style: 'regional' }
  probes.observed(dns, name)
  probes.observed(attempt(), name)
  probes.observed(attempt({ timings: { ...attempt().timings, uncertaintySeconds: 0.1 } }), {
    ...name,
    service: null,
  })
  probes.skipped('overlap', 4)
  probes.lag(0.2)
  expect(await values(series)).toMatchObject({
    'probe_errors_total{dns,dns}': '1',
    'probe_errors_total{tls,timeout}': '2',
    'probe_skipped_total{cycle,overlap}': '4',
    'dns_lookup_seconds_count{s3,regional}': '1',
    'tcp_connect_seconds_count{s3,regional}': '1',
    'doubtful_timings_total{none,regional}': '1',
    'timing_uncertainty_seconds_count{}': '2',
    'schedule_lag_seconds_count{}': '1',
  })
})
