// One scrape of a thousand targets: our exposition against prom-client (under its present name) rendering the same series.
import client from '@prometheus-io/client'
import { catalogue } from '../../exporters/catalogue.ts'
import { createSeriesSet } from '../../exporters/prometheus.ts'
import { createVerdictMetrics } from '../../exporters/verdict-metrics.ts'
import type { Target } from '../../model/target.ts'
import { has, nameOf } from './bed.ts'
import type { Line } from './figure.ts'
import { scrapePushgateway } from './pushgateway.ts'
import { middle, quantile, ratios } from './samples.ts'

const targets = 1000
const rounds = 5
const scrapes = 20

function targetOf(number: number): Target {
  const name = { hostname: nameOf(number), port: 443, style: 'regional', service: 's3', region: 'us-east-1' }
  return {
    name: `t${number}`,
    names: [name],
    require: { kind: 'private' },
    minProof: 'configured',
    waiver: null,
  } as unknown as Target
}

/** Runs `scrape` and gives CPU milliseconds a scrape and the longest time for which the loop stood still. */
async function measure(scrape: () => Promise<unknown>): Promise<{ cpuMs: number; stallMs: number }> {
  const cpu = process.cpuUsage()
  for (let i = 0; i < scrapes; i++) await scrape()
  const used = process.cpuUsage(cpu)
  const stalls: number[] = []
  for (let i = 0; i < scrapes; i++) {
    await new Promise((done) => setTimeout(done, 20))
    let longest = 0
    let last = performance.now()
    let over = false
    const look = () => {
      const now = performance.now()
      longest = Math.max(longest, now - last)
      last = now
      if (!over) setImmediate(look)
    }
    await new Promise((done) => setImmediate(done))
    last = performance.now()
    setImmediate(look)
    await scrape()
    over = true
    await new Promise((done) => setImmediate(done))
    look()
    stalls.push(longest)
  }
  return { cpuMs: (used.user + used.system) / 1000 / scrapes, stallMs: quantile(stalls, 0.95) }
}

function parse(line: string): { name: string; labels: Record<string, string>; value: number } {
  const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line)
  const labels = Object.fromEntries(
    [...(match?.[2] ?? '').matchAll(/([a-z_]+)="([^"]*)"/g)].map((m) => [m[1] ?? '', m[2] ?? '']),
  )
  return { name: match?.[1] ?? '', labels, value: Number(match?.[3]) }
}

/** Beside `ours`, CPU milliseconds of rendering alone; Pushgateway's are of a whole scrape by HTTP. */
async function pushgateway(text: string, ours: readonly number[]): Promise<Line[]> {
  if (!has('prometheus-pushgateway'))
    return [{ skipped: 'Pushgateway', because: 'no prometheus-pushgateway here (Debian package)' }]
  const { cpuMs, mebibytes, series } = await scrapePushgateway(text, { rounds, scrapes })
  return [
    { name: 'series that Pushgateway holds', value: series, unit: '' },
    { name: 'CPU a scrape of Pushgateway, by HTTP', unit: 'ms', ...middle(cpuMs) },
    { name: 'ratio to Pushgateway', unit: '×', ...ratios(ours, cpuMs) },
    { name: 'memory of Pushgateway', value: mebibytes, unit: 'MiB' },
  ]
}

export async function measureExposition(): Promise<Line[]> {
  const series = createSeriesSet(catalogue)
  const verdicts = createVerdictMetrics(series)
  verdicts.sync(Array.from({ length: targets }, (_, i) => targetOf(i)))
  const text = (await series.render('text')).toString()
  const registry = new client.Registry()
  const gauges = new Map<string, client.Gauge<string>>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const { name, labels, value } = parse(line)
    let gauge = gauges.get(name)
    if (gauge === undefined) {
      gauge = new client.Gauge<string>({
        name,
        help: name,
        labelNames: Object.keys(labels),
        registers: [registry],
      })
      gauges.set(name, gauge)
    }
    gauge.set(labels, value)
  }
  const ours: number[] = []
  const theirs: number[] = []
  const stalls: number[] = []
  const theirStalls: number[] = []
  const alive = () => true
  // as in operation: between two scrapes each name has been looked at once, which changes two of its values
  const moving = ['pathproof_last_verdict_timestamp_seconds', 'pathproof_last_tls_handshake_seconds'] as const
  const marks = moving.flatMap((name) =>
    Array.from({ length: targets }, (_, i) => {
      const labels = { target: `t${i}`, hostname: nameOf(i), style: 'regional' }
      return { own: series.gauge(name, labels), other: gauges.get(name), labels }
    }),
  )
  let changes = 0
  for (let round = 0; round < rounds; round++) {
    const own = await measure(async () => {
      changes += 1.25
      for (const { own: gauge } of marks) gauge.set(changes)
      verdicts.refresh(alive, Date.now())
      await series.render('text')
    })
    const other = await measure(() => {
      changes += 1.25
      for (const { other: gauge, labels } of marks) gauge?.set(labels, changes)
      return registry.metrics()
    })
    ours.push(own.cpuMs)
    stalls.push(own.stallMs)
    theirs.push(other.cpuMs)
    theirStalls.push(other.stallMs)
  }
  return [
    { name: 'series of 1,000 targets', value: series.lines(), unit: '' },
    { name: 'CPU a scrape', unit: 'ms', ...middle(ours) },
    { name: 'the same series by prom-client', unit: 'ms', ...middle(theirs) },
    { name: 'ratio', unit: '×', ceiling: 0.1, ...ratios(ours, theirs) },
    { name: 'longest stall of the event loop', unit: 'ms', ceiling: 5, ...middle(stalls) },
    { name: 'the same by prom-client', unit: 'ms', ...middle(theirStalls) },
    ...(await pushgateway(text, ours)),
  ]
}

if (process.argv[1] === import.meta.filename) console.log(JSON.stringify(await measureExposition()))
