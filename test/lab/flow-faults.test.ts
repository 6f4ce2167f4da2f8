/**
 * What can go wrong with the records of the network, each through the daemon on a driven clock: it goes on, says what is
 * wrong in the log, on the page, in a metric and in `doctor`, and nothing is called private or confirmed that is not.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { targetsOf } from '../../agent/config/targets.ts'
import { examine } from '../../agent/doctor/examine.ts'
import { canaryPolicy } from '../../aws/bucket-policy.ts'
import type { Lab } from '../../lab/lab.ts'
import type { HostAccess } from '../../model/host.ts'
import type { PathState } from '../../model/path.ts'
import { type DrivenDaemon, startDriven } from '../support/driven-daemon.ts'
import { config, defaultTargets, surroundings } from '../support/lab-daemon.ts'

const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const labels = `{target="artifacts",hostname="${s3}",style="regional"}`
/** Delivered after a minute, so that little time has to go by. */
const log = (more = '') => `[{ id: fl-0a000001, resource: vpc-0a000001, deliverySeconds: 60${more} }]`

interface Fault {
  title: string
  flowLogs?: string
  /** Further parts of the world. */
  world?: string
  /** Further parts of the scenario. */
  more?: string
  /** A step that is taken once an attempt has been confirmed. */
  step?: string
  canary?: true
  host?(host: HostAccess): HostAccess
  /** By how much the clock of this host is ahead of AWS's. */
  skewSeconds?: number
  minutes: number
  /** What it ends as, and what the packets do (the same, if left out). */
  state: PathState
  truth?: PathState
  /** What it may be on the way there. */
  onTheWay?: PathState[]
  confirmed?: boolean
  /** Series that must be above 0. */
  metrics: string[]
  /** In the log, and on the page. */
  said?: RegExp
  page?: RegExp
  doctor?: RegExp
  /** After this step all is confirmed again, and nothing more is said of it. */
  mended?: string
}

const errors = (reason: string) => `pathproof_flowlog_errors_total{reason="${reason}"}`
const attempts = (result: string) => `pathproof_flowlog_attempts_total{result="${result}"}`

/** One address, so that each attempt is of the same; every connection by the same port. */
const oneAddress = `names: [{ hostname: ${s3}, ipv4: [52.216.8.53] }]`
const samePort = 40_000
const bySamePort = (host: HostAccess): HostAccess => ({
  ...host,
  dial(to) {
    const dialled = host.dial(to)
    const local = () => {
      const own = dialled.local()
      return own === null ? null : { ...own, port: samePort }
    }
    return { ...dialled, local }
  },
})

const policy = JSON.stringify(
  canaryPolicy({
    partition: 'aws',
    bucket: 'artifacts-lab',
    positive: 'p',
    negative: 'n',
    endpoint: 'vpce-0a000053',
    vpcId: 'vpc-0a000001',
    sourceAddresses: ['10.0.1.50'],
  }),
)
const bucket = `records: { s3: { closeAfterDenied: true, buckets: [{ name: artifacts-lab, owner: '111122223333', policy: ${policy}, objects: [{ key: c }, { key: p }, { key: n }] }] } }`
const byNat = 'beneath: { tables: [{ id: rtb-0a000001, removeRoutes: [pl-63a5400a] }] }'

const faults: Fault[] = [
  {
    title: 'flow-log API denied',
    more: 'api: { deny: [FilterLogEvents] }',
    minutes: 3,
    state: 'private',
    metrics: [errors('denied')],
    said: /allow logs:FilterLogEvents/,
    page: /logs:FilterLogEvents is missing/,
    doctor: /logs:FilterLogEvents is missing/,
    mended: 'api: { deny: [] }',
  },
  {
    title: 'the logs themselves can not be described',
    more: 'api: { deny: [DescribeFlowLogs] }',
    minutes: 3,
    state: 'private',
    metrics: ['pathproof_flowlog_interfaces{state="uncovered"}'],
    page: /which flow logs there are is not known/,
    doctor: /which flow logs there are is not known/,
  },
  {
    title: 'throttled without end',
    more: 'api: { throttle: { FilterLogEvents: always } }',
    minutes: 1,
    state: 'private',
    metrics: [errors('throttled')],
    said: /logs:FilterLogEvents/,
    page: /throttl/,
    doctor: /throttl/,
  },
  {
    title: 'pages without end',
    // what was not read may say anything, so what was read confirms nothing
    more: 'api: { breaks: { FilterLogEvents: endless } }',
    minutes: 3,
    state: 'private',
    metrics: [errors('truncated')],
    said: /more flow records than one reading takes/,
    page: /more flow records than one reading takes/,
    doctor: /more records than one reading takes/,
  },
  {
    title: 'the log group is gone',
    more: 'records: { logs: { missing: [/vpc/flow] } }',
    minutes: 3,
    state: 'private',
    metrics: [errors('missing')],
    said: /logs:FilterLogEvents/,
    page: /log group/,
    doctor: /log group/,
  },
  {
    title: 'the flow log has the default format',
    flowLogs: log(', format: null'),
    minutes: 3,
    state: 'private',
    metrics: ['pathproof_flowlog_interfaces{state="covered"}'],
    page: /fl-0a000001 lacks what decides the path: .*traffic-path/,
    // the format to ask for
    doctor: /--log-format '\$\{version\} .*\$\{traffic-path\}/,
  },
  {
    title: 'the flow log has failed',
    flowLogs: log(", status: FAILED, error: 'Access error'"),
    minutes: 3,
    state: 'private',
    metrics: ['pathproof_flowlog_interfaces{state="uncovered"}'],
    page: /fl-0a000001 does not deliver \(.*Access error/,
    doctor: /fl-0a000001 does not deliver/,
  },
  ...[1200, -1200].map(
    (skewSeconds): Fault => ({
      title: `this host's clock is 20 min ${skewSeconds > 0 ? 'ahead' : 'behind'}`,
      skewSeconds,
      minutes: 5,
      state: 'private',
      metrics: [],
      said: /clock is about 20 min (ahead of|behind) AWS's/,
      page: /clock is about 20 min/,
      doctor: /clock is about 20 min/,
    }),
  ),
  {
    title: 'credentials that expire while it runs',
    step: 'api: { breaks: { all: expired } }',
    minutes: 5,
    state: 'undetermined',
    truth: 'private',
    onTheWay: ['private'],
    confirmed: true,
    metrics: [errors('credentials')],
    said: /credentials/,
    page: /credentials/,
    doctor: /credentials/,
    mended: 'api: { breaks: {} }',
  },
  {
    title: 'a port that is used again and again within the time of a record',
    flowLogs: log(
      `, wrong: [{ remote: 52.216.8.53, direction: egress, fields: { srcport: '${samePort}' } }]`,
    ),
    world: oneAddress,
    host: bySamePort,
    minutes: 20,
    state: 'private',
    metrics: [attempts('ambiguous')],
  },
  {
    title: 'source addresses translated between the socket and the interface',
    world: `host:
    devices:
      - { name: eth0, kind: veth, mac: '0a:58:0a:f4:00:07', addresses: [10.244.0.7], leads: { interface: eni-0a000050, translatedTo: 10.0.1.50 } }
    routes:
      - { from: null, to: 0.0.0.0/0, device: eth0, gateway: 10.244.0.1, selector: false, applies: true }`,
    minutes: 4,
    state: 'undetermined',
    truth: 'private',
    metrics: [
      `pathproof_addresses{target="artifacts",hostname="${s3}",style="regional",state="undetermined"}`,
    ],
  },
  {
    title: 'S3 closes the connection after a 403, by the endpoint',
    more: bucket,
    flowLogs: '[]',
    world: oneAddress,
    canary: true,
    minutes: 4,
    state: 'private',
    confirmed: true,
    metrics: [],
  },
  {
    title: 'S3 closes the connection after a 403, by a NAT gateway',
    more: `${bucket}\n${byNat}`,
    flowLogs: '[]',
    world: oneAddress,
    canary: true,
    minutes: 4,
    state: 'undetermined',
    truth: 'public',
    // the tables say so, until the canary has asked for the first time
    onTheWay: ['private', 'public'],
    metrics: [`pathproof_tainted${labels}`],
  },
]

let directory = ''
let running: DrivenDaemon | null = null
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-flow-faults-'))
})
afterEach(async () => {
  await running?.stop()
  running = null
  await rm(directory, { recursive: true, force: true })
})

const scenario = ({ flowLogs = log(), world = '', more = '', step, mended }: Fault): string => {
  const steps = [
    ...(step === undefined ? [] : [`  - { after: 60m, name: fault, title: Fault, ${step} }`]),
    ...(mended === undefined ? [] : [`  - { after: 61m, name: mended, title: Mended, ${mended} }`]),
  ]
  return `name: fault
title: Fault
story: Something is wrong with the records.
world:
  flowLogs: ${flowLogs}
  ${world}
${more}
${steps.length === 0 ? '' : `steps:\n${steps.join('\n')}`}
names: [{ target: artifacts, service: s3, region: us-east-1, bucket: artifacts-lab, styles: [regional] }]
expect: [{ hostname: ${s3}, state: private }]
`
}

const document = ({ canary }: Fault, lab: Lab) => ({
  ...surroundings(lab),
  topology: { source: 'aws' },
  flow_logs: { enabled: true },
  ...(canary === true && {
    canary: {
      every: '60s',
      bucket: 'artifacts-lab',
      control: 'c',
      positive: 'p',
      negative: 'n',
      endpoint: 'vpce-0a000053',
      source_ip: true,
    },
  }),
  targets: defaultTargets(lab, '30s').map((one) => (canary === true ? { ...one, evidence_age: '10m' } : one)),
})

async function doctor(fault: Fault, { lab, clock }: DrivenDaemon, host: HostAccess): Promise<string> {
  const read = config(document(fault, lab))
  const findings = await examine({
    config: read,
    file: null,
    warnings: [],
    targets: targetsOf(read).targets,
    connect: false,
    version: '0.0.0-test',
    host: { ...host, clock: { ...clock, wallMs: () => host.clock.wallMs() } },
    readText: () => Promise.resolve(null),
    timeoutSeconds: 2,
    signal: AbortSignal.timeout(20_000),
  })
  return findings.map(({ area, text, next }) => `${area}: ${text} | ${next ?? ''}`).join('\n')
}

describe('nothing stops, and nothing is false', () => {
  it.each(faults)(
    '$title',
    async (fault) => {
      let host: HostAccess | null = null
      const daemon = await startDriven({
        scenario: scenario(fault),
        document: (lab) => document(fault, lab),
        skewSeconds: fault.skewSeconds ?? 0,
        host(given) {
          const environment = { ...given.environment, STATE_DIRECTORY: directory }
          host = { ...given, ...fault.host?.(given), environment }
          return host
        },
      })
      running = daemon
      const truth = fault.truth ?? fault.state
      const name = () => daemon.name('artifacts')
      if (fault.step !== undefined) {
        await daemon.minutes(5)
        expect(name()?.confirmation).toBe('confirmed')
        await daemon.lab.apply('fault')
      }
      await daemon.minutes(fault.minutes)

      expect(daemon.lab.truth(s3).state).toBe(truth)
      const seen = daemon.verdicts.items.map(({ state }) => state)
      const may = new Set<PathState>([fault.state, 'undetermined', ...(fault.onTheWay ?? [])])
      expect([...new Set(seen)].filter((state) => !may.has(state))).toEqual([])
      expect(name()?.state, JSON.stringify(name(), null, 1)).toBe(fault.state)
      expect(await daemon.metric(`pathproof_path_private${labels}`)).toBe(fault.state === 'private' ? 1 : 0)
      if (fault.confirmed !== true) {
        const all = daemon.verdicts.items.flatMap(({ names }) => names)
        expect(all.filter(({ confirmation }) => confirmation === 'confirmed')).toEqual([])
      } else
        expect(daemon.verdicts.items.some(({ names }) => names[0]?.confirmation === 'confirmed')).toBe(true)

      for (const series of fault.metrics) expect(await daemon.metric(series), series).toBeGreaterThan(0)
      const lines = daemon.log.items.map((line) => JSON.stringify(line)).join('\n')
      if (fault.said !== undefined) expect(lines).toMatch(fault.said)
      expect(lines).not.toMatch(/cycle_failed|background_failed|record_lost/)
      const page = async () => (await daemon.get('/')).text
      if (fault.page !== undefined) expect(await page()).toMatch(fault.page)
      if (host === null) throw new Error('no host')
      const findings = await doctor(fault, daemon, host)
      if (fault.doctor !== undefined) expect(findings).toMatch(fault.doctor)
      expect((await daemon.get('/-/healthy')).status).toBe(200)

      if (fault.mended === undefined) return
      await daemon.lab.apply('mended')
      await daemon.minutes(6)
      expect(name()).toMatchObject({ state: 'private', confirmation: 'confirmed' })
      if (fault.page !== undefined) expect(await page()).not.toMatch(fault.page)
    },
    90_000,
  )
})
