/** The battery over time: states, what is recorded and logged of them, what it says it covers, and when it says nothing. */
import { once } from 'node:events'
import { type AddressInfo, type Server, Socket, connect, createServer } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { catalogue } from '../../exporters/catalogue.ts'
import { createEgressMetrics } from '../../exporters/egress-metrics.ts'
import { createSeriesSet } from '../../exporters/prometheus.ts'
import type { EgressConfig } from '../../agent/config/config.ts'
import { type Egress, coverageText, createEgress } from '../../agent/site/egress.ts'
import { controlSeconds } from '../../agent/site/egress-control.ts'
import { createLog } from '../../agent/log.ts'
import type { EgressResult } from '../../model/egress.ts'
import type { HostAccess } from '../../model/host.ts'
import type { Attempt, DnsAnswer, DnsObservation } from '../../model/observation.ts'
import type { Target } from '../../model/target.ts'
import { systemHost } from '../../probes/host.ts'
import { attempt as attemptOf, stamp } from '../verdict/fixture.ts'
import { createHandClock } from './hand-clock.ts'

const control: Target = {
  name: 'artifacts',
  names: [
    {
      hostname: 'b.s3.us-east-1.amazonaws.com',
      port: 443,
      style: 'regional',
      service: 's3',
      region: 'us-east-1',
    },
  ],
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
}

let clock = createHandClock()
let stop = new AbortController()
let server: Server | null = null
let records: EgressResult[] = []
let logged: Record<string, unknown>[] = []
let series = createSeriesSet(catalogue)
beforeEach(() => {
  clock = createHandClock()
  stop = new AbortController()
  server = null
  records = []
  logged = []
  series = createSeriesSet(catalogue)
})
afterEach(() => {
  stop.abort()
  server?.close()
})

/** Nothing ever comes back from where nothing listens. */
function host(): HostAccess {
  return {
    ...systemHost({}),
    clock,
    addresses: () => [{ device: 'ens5', address: '10.0.1.50', family: 4, mac: '', linkLocal: false }],
    lookup: () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })),
    dial() {
      const port = (server?.address() as AddressInfo | null)?.port
      if (port !== undefined) return { socket: connect({ host: '127.0.0.1', port }), local: () => null }
      return { socket: Object.assign(new Socket(), { connecting: true }), local: () => null }
    },
  }
}

async function open(): Promise<void> {
  server = createServer((socket) => socket.on('error', () => undefined))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
}

function shut(): void {
  server?.close()
  server = null
}

const egressConfig = (more: Partial<EgressConfig> = {}) => ({
  nat64Prefixes: [],
  egress: {
    everySeconds: 60,
    timeoutSeconds: 0.05,
    mustFail: [{ name: 'far-443', url: 'tcp://1.1.1.1:443', control: 'artifacts', proxy: false }],
    ...more,
  },
})

function start(config = egressConfig(), target: Target | null = control): Egress {
  const egress = createEgress({
    host: host(),
    timers: clock,
    log: createLog({
      write: (line) => void logged.push(JSON.parse(line) as Record<string, unknown>),
      level: 'debug',
      format: 'json',
      journal: false,
      wallMs: () => clock.wallMs(),
      monotonicMs: () => clock.monotonicMs(),
    }),
    metrics: createEgressMetrics(series),
    record: (result) => void records.push(result),
    target: (name) => (name === target?.name ? target : null),
    userAgent: 'pathproof/test',
    seed: 'seed',
    signal: stop.signal,
    firstRunSeconds: 0,
  })
  egress.replace(config)
  return egress
}

const now = () => ({ ...stamp(), monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() })
const connected = (): Attempt => attemptOf({ stamp: now() })
const events = () => logged.map(({ event }) => event)
const states = async (check = 'far-443') => {
  const text = (await series.render('text')).toString()
  const found = [...text.matchAll(/^pathproof_egress_state\{check="([^"]+)",state="([a-z]+)"\} 1$/gm)]
  return found.filter(([, name]) => name === check).map(([, , state]) => state)
}

/** Time goes by to the end of the next look. `good`: the control connects right before it. */
async function nextLook(egress: Egress, good = true): Promise<EgressResult> {
  const before = records.length
  for (let step = 0; step < 130 && records.length === before; step++) {
    if (good) egress.observed(control, connected())
    await clock.advance(1000)
    await egress.settled()
  }
  const last = records.at(-1)
  if (last === undefined || records.length === before) throw new Error('no look ended')
  return last
}

test('blocked, seen open, and closed again: gauge, record, log and words', async () => {
  const egress = start()
  expect(await states()).toEqual(['untestable'])
  expect(egress.reports()).toMatchObject([
    { because: 'not looked at yet', lastAtMs: null, coverage: 'no look yet' },
  ])
  expect((await nextLook(egress)).state).toBe('blocked')
  expect(await states()).toEqual(['blocked'])
  expect(events()).not.toContain('egress_open')
  await nextLook(egress)
  expect(egress.reports()[0]?.coverage).toBe(
    'not seen open in 2 looks, one each 60 s; an opening shorter than that can be missed',
  )
  const sinceMs = egress.reports()[0]?.sinceMs

  await open()
  const seen = await nextLook(egress)
  expect(seen).toMatchObject({
    check: 'far-443',
    state: 'open',
    findings: [{ look: { reached: 'tcp', family: 4 } }],
  })
  expect(await states()).toEqual(['open'])
  expect(logged.find(({ event }) => event === 'egress_open')).toMatchObject({
    level: 'error',
    check: 'far-443',
    url: 'tcp://1.1.1.1:443',
  })
  const [report] = egress.reports()
  expect(report).toMatchObject({
    looks: { blocked: 2, open: 1, untestable: 0 },
    lastOpenMs: report?.lastAtMs,
  })
  expect(report?.sinceMs).toBeGreaterThan(sinceMs ?? Infinity)

  shut()
  expect((await nextLook(egress)).state).toBe('blocked')
  expect(events()).toContain('egress_not_seen_open')
  expect(egress.reports()[0]?.coverage).toBe(
    'seen open in 1 of 4 looks, one each 60 s; an opening shorter than that can be missed',
  )
  expect(events().filter((event) => event === 'egress_open')).toHaveLength(1)
})

test('an opening between two looks is not seen, and nothing says that it was not there', async () => {
  const egress = start()
  await nextLook(egress)
  await open()
  await clock.advance(20_000)
  shut()
  await nextLook(egress)
  const [report] = egress.reports()
  expect(report).toMatchObject({ state: 'blocked', everySeconds: 60, looks: { open: 0, blocked: 2 } })
  expect(report?.coverage).toMatch(
    /not seen open in 2 looks, one each 60 s; an opening shorter than that can be missed/,
  )
})

test('without a control nothing is blocked, whatever the reason is', async () => {
  const never = start()
  expect((await nextLook(never, false)).state).toBe('untestable')
  expect(records[0]?.because).toMatch(/control fails too: .*it has not got through by TLS over IPv4/)
  const old = start()
  old.observed(control, connected())
  await clock.advance(60_000)
  expect((await nextLook(old, false)).state).toBe('untestable')
  const gone = start(egressConfig(), null)
  expect((await nextLook(gone)).state).toBe('untestable')
  expect(records.at(-1)?.because).toMatch(/there is no such target/)
  const other = start()
  other.observed(control, attemptOf({ stamp: now(), address: '2600:1f18::1' }))
  expect((await nextLook(other, false)).because).toMatch(/over IPv4/)
  const failing = start()
  failing.observed(
    control,
    attemptOf({ stamp: now(), outcome: { reached: 'tcp', failure: { type: 'tls', code: 'X' } } }),
  )
  expect((await nextLook(failing, false)).because).toMatch(/the last try: 52\.216\.1\.1 did not \(X\)/)
})

test('but what connected is open all the same', async () => {
  await open()
  expect((await nextLook(start(), false)).state).toBe('open')
})

test('a control of UDP is a name server of the network that answered by UDP', async () => {
  const check = { name: 'dns', url: 'dns://192.0.2.1', control: 'artifacts', proxy: false }
  const answer = {
    answered: true as const,
    rcode: 'NOERROR' as const,
    addresses: [],
    cnames: [],
    truncated: false,
    rttSeconds: 0.01,
  } satisfies Partial<DnsAnswer>
  const asked = (server_: string, transport: 'udp' | 'tcp' | 'getaddrinfo'): DnsObservation => ({
    kind: 'dns',
    stamp: now(),
    hostname: 'b.s3.us-east-1.amazonaws.com',
    resolver: 'system',
    server: server_,
    counts: true,
    ipv4: { ...answer, transport },
    ipv6: { answered: false, failure: { type: 'timeout', afterSeconds: 1 }, transport },
  })
  const word = async (observation: DnsObservation) => {
    const egress = start(egressConfig({ mustFail: [check] }))
    egress.observed(control, connected())
    egress.observed(control, observation)
    return (await nextLook(egress, false)).findings[0]?.control
  }
  expect(await word(asked('10.0.0.2:53', 'udp'))).toMatchObject({ good: true })
  expect(await word(asked('10.0.0.2:53', 'tcp'))).toMatchObject({ good: false })
  expect(await word(asked('127.0.0.53:53', 'udp'))).toMatchObject({ good: false })
  expect(await word(asked('[::1]:53', 'udp'))).toMatchObject({ good: false })
  expect(await word(asked('[fd00::2]:53', 'udp'))).toMatchObject({ good: false })
  expect(await word(asked('getaddrinfo', 'getaddrinfo'))).toMatchObject({ good: false })
})

test('looks that stop leave no state behind', async () => {
  const egress = start()
  await nextLook(egress)
  expect(await states()).toEqual(['blocked'])
  egress.stop()
  await clock.advance(181_000)
  egress.refresh()
  expect(await states()).toEqual(['untestable'])
  expect(egress.reports()[0]?.because).toMatch(/no look has ended for 18\d s/)
})

test('a reload keeps what stays, begins anew what changed, and takes away what went', async () => {
  const more = { name: 'further', url: 'tcp://9.9.9.9:443', control: 'artifacts', proxy: false }
  const egress = start(egressConfig({ mustFail: [...egressConfig().egress.mustFail, more] }))
  await nextLook(egress)
  await nextLook(egress)
  egress.replace(egressConfig())
  expect(egress.reports().map(({ check, state }) => [check, state])).toEqual([['far-443', 'blocked']])
  expect(await states('further')).toEqual([])
  egress.replace(
    egressConfig({
      mustFail: [{ name: 'far-443', url: 'tcp://1.0.0.1:443', control: 'artifacts', proxy: false }],
    }),
  )
  expect(egress.reports()).toMatchObject([{ state: 'untestable', looks: { blocked: 0 }, lastAtMs: null }])
  expect(await states()).toEqual(['untestable'])
  egress.replace(egressConfig({ mustFail: [] }))
  expect(await states()).toEqual([])
})

test('how long a control counts, and what the looks cover', () => {
  expect(controlSeconds(control)).toBe(55)
  expect(controlSeconds({ ...control, schedule: { kind: 'interval', everySeconds: 3600 } })).toBe(300)
  expect(controlSeconds({ ...control, schedule: { kind: 'cron', expression: '0 3 * * *' } })).toBe(300)
  expect(coverageText({ blocked: 0, open: 0, untestable: 3 }, 60)).toMatch(/^nothing was tested in 3 looks/)
  expect(coverageText({ blocked: 1, open: 0, untestable: 1 }, 5)).toBe(
    'not seen open in 1 look, one each 5 s; an opening shorter than that can be missed; 1 of 2 looks could not be tested',
  )
})
