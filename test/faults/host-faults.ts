import { unknownRoute } from '../../probes/tls.ts'
import type { MidRun } from './play.ts'
import { closedPort, type Stage, said } from './stage.ts'

/** S3 by its gateway endpoint; `read` changes nothing but the date of what is known of the account. */
export const hostScenario = `name: host-faults
title: S3 by its gateway endpoint
story: What goes wrong on the host itself.
metadataDelay: 3s
names: [{ target: artifacts, hostname: artifacts-lab.s3.us-east-1.amazonaws.com }]
steps:
  - { after: 1s, name: read, title: The account is read, change: {} }
  - { after: 2s, name: answers, title: The metadata service answers, metadata: answers }
  - { after: 3s, name: slow, title: It is slow, metadata: slow }
  - { after: 4s, name: v1-only, title: It has no tokens, metadata: v1_only }
  - { after: 5s, name: hop-limit, title: Tokens are not delivered, metadata: hop_limit }
  - { after: 6s, name: switched-off, title: It is switched off, metadata: 'off' }
expect: [{ hostname: artifacts-lab.s3.us-east-1.amazonaws.com, state: private }]
`

const unknownHost = 'pathproof_host_info{vantage="unknown",account_id="",region="",vpc_id=""}'

/**
 * A quarter of an hour later the service is asked again: what was known is kept, and the log says so. Two hours later
 * it is believed no more. The interfaces that the account shows still tell which of them is this host's.
 */
async function forgetVantage(stage: Stage): Promise<void> {
  const from = stage.log.length
  await said(stage, 'vantage_kept', from, 910)
  await stage.clock.sleep(7200_000)
  await said(stage, 'vantage', from, 120)
  await stage.reread('read')
  for (let cycle = 0; cycle < 4; cycle++) await stage.cycle()
}

/** The service answers again, and the agent knows where it is. */
async function findVantage(stage: Stage): Promise<void> {
  const from = stage.log.length
  await stage.lab.apply('answers')
  await said(stage, 'vantage', from, 3600)
}

const metadata = (fault: string, begin: MidRun['begin'], because: RegExp): MidRun => ({
  fault: `the metadata service ${fault}`,
  reread: 'read',
  begin,
  pass: forgetVantage,
  end: findVantage,
  state: 'private',
  metrics: { [unknownHost]: 1 },
  log: { event: 'vantage', level: 'info', kind: 'unknown', because },
})

export const metadataFaults: readonly MidRun[] = [
  metadata(
    'is not there',
    async (stage) => {
      stage.switches.metadata = { address: '127.0.0.1', port: await closedPort() }
    },
    /did not answer \(ECONNREFUSED\)/,
  ),
  metadata('is slow', (stage) => stage.lab.apply('slow'), /sent no token in 1 s/),
  metadata(
    'knows version 1 only',
    (stage) => stage.lab.apply('v1-only'),
    /no token of version 2 \(status 404\)/,
  ),
  metadata(
    'is behind a hop limit of 1',
    (stage) => stage.lab.apply('hop-limit'),
    /as behind a hop limit of 1/,
  ),
  metadata('is switched off', (stage) => stage.lab.apply('switched-off'), /\(status 403\)/),
]

export const clockFaults: readonly MidRun[] = [
  {
    fault: 'the wall clock is set ahead by an hour',
    reread: 'read',
    begin: (stage) => stage.clock.stepWall(3600_000),
    // by this clock the account was read an hour ago
    state: 'undetermined',
    metrics: {},
    log: { event: 'clock_jumped', level: 'warn', seconds: 3600 },
  },
  {
    fault: 'the wall clock is set back by an hour',
    reread: 'read',
    begin: (stage) => stage.clock.stepWall(-3600_000),
    // what was read a moment ago is as old as it is
    state: 'private',
    metrics: {},
    log: { event: 'clock_jumped', level: 'warn', seconds: -3600 },
  },
  {
    fault: 'the wall clock is set back by an hour, and the account is not read any more',
    reread: 'read',
    begin: (stage) => stage.clock.stepWall(-3600_000),
    async pass(stage) {
      await said(stage, 'topology_problem', stage.log.length, 60)
      for (let cycle = 0; cycle < 10; cycle++) await stage.cycle()
    },
    // by this clock it was read in the future; it grows old all the same
    state: 'undetermined',
    metrics: {},
    log: { event: 'topology_problem', level: 'warn', problem: /future/ },
  },
  {
    fault: 'the machine sleeps for eight hours',
    reread: 'read',
    begin: (stage) => stage.clock.sleep(8 * 3600_000),
    pass: (stage) => stage.daemon.settled(),
    state: 'undetermined',
    metrics: { 'pathproof_probe_skipped_total{probe="cycle",reason="suspended"}': { grewBy: 950 } },
    log: { event: 'cycle_skipped', level: 'warn', reason: 'suspended' },
  },
]

/** What hangs until the fault is over. */
const waiting = new Set<() => void>()
const hang = <T>(value: T): Promise<T> =>
  new Promise((resolve) => {
    waiting.add(() => resolve(value))
  })
const release = (): void => {
  for (const go of waiting) go()
  waiting.clear()
}

export const hostFaults: readonly MidRun[] = [
  {
    fault: 'a look hangs for ever',
    reread: null,
    begin(stage) {
      stage.switches.hostRoute = () => hang(unknownRoute('hung'))
    },
    // three intervals and the deadline later
    pass: (stage) => stage.clock.advance(3 * 30_000 + 2 * 1_000),
    end: release,
    state: 'undetermined',
    because: /no verdict in time/,
    metrics: { 'pathproof_probe_skipped_total{probe="cycle",reason="overlap"}': { grewBy: 2 } },
    log: { event: 'cycle_skipped', level: 'warn', reason: 'overlap' },
  },
  {
    fault: 'getaddrinfo hangs',
    reread: null,
    begin(stage) {
      stage.switches.lookup = () => hang([])
    },
    end: release,
    state: 'undetermined',
    because: /A of system \(getaddrinfo\) failed \(timeout\)/,
    metrics: { 'pathproof_probe_errors_total{probe="dns",reason="timeout"}': { grewBy: 2 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'dns', reason: 'timeout' },
  },
  {
    fault: 'no descriptor is left for getaddrinfo (EMFILE)',
    reread: null,
    begin(stage) {
      stage.switches.lookup = () =>
        Promise.reject(Object.assign(new Error('getaddrinfo EMFILE'), { code: 'EMFILE' }))
    },
    state: 'undetermined',
    because: /failed \(resources EMFILE\)/,
    metrics: { 'pathproof_probe_errors_total{probe="dns",reason="resources"}': { grewBy: 2 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'dns', reason: 'resources', code: 'EMFILE' },
  },
  {
    fault: 'the kernel is not asked for its routes (no netlink, no ip)',
    reread: null,
    begin(stage) {
      stage.switches.hostRoute = () => Promise.resolve(unknownRoute('ip could not be started'))
    },
    state: 'undetermined',
    metrics: { 'pathproof_probe_errors_total{probe="route",reason="internal"}': { grewBy: 1 } },
    log: { event: 'probe_failed', level: 'warn', probe: 'route', at: 'ip could not be started' },
  },
  {
    fault: 'SIGHUP with a bad configuration',
    reread: null,
    async begin(stage) {
      stage.next.refusal = 'pathproof.yml:2:1: targts: unknown key'
      expectRefused(await stage.daemon.reload())
    },
    // the old one stays in force
    state: 'private',
    metrics: { pathproof_config_last_reload_successful: 0 },
    log: { event: 'reload_refused', level: 'error', problem: /targts: unknown key/ },
  },
]

function expectRefused({ ok }: { ok: boolean }): void {
  if (ok) throw new Error('a bad configuration was taken')
}
