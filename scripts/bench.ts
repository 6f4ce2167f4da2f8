// Measures the product against its peers and against what it is built on, in the same run:
//   npm run bench -- [--json] [--only NAME[,NAME]…]… [--runs N]    (names: see `groups`)
// Figures are medians with the least and the largest; ratios hold better than times on a shared machine. Ends with 1 where a
// group failed or a figure misses what is wanted of it, else with 0; what is skipped is said, and changes nothing.
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { root } from './bench/bed.ts'
import { isFigure, missed, shown } from './bench/figure.ts'
import type { Line } from './bench/figure.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean' },
    only: { type: 'string', multiple: true },
    runs: { type: 'string' },
  },
})
if (values.runs !== undefined) {
  if (!/^[1-9]\d?$/.test(values.runs)) throw new Error('--runs: a number from 1 to 99')
  process.env['BENCH_RUNS'] = values.runs
}

const ranges = () => gunzipSync(readFileSync(join(root, 'test/data/ip-ranges.json.gz'))).toString('utf8')
const bedFigures = () => import('./bench/figures.ts')

/** Each is loaded only when it is run. */
const groups: Record<string, { title: string; run(): Promise<Line[]> }> = {
  prefixes: {
    title: 'longest-prefix look-ups at real size',
    run: async () => (await import('./bench/prefix-table.ts')).benchPrefixTable(ranges()),
  },
  'flow-records': {
    title: 'flow records of 1,000 connections among 1,000,000',
    run: async () => (await import('./bench/flow-match.ts')).benchFlowMatching(),
  },
  'late-book': {
    title: '100,000 flow records joined to 10,000 waiting attempts',
    run: async () => (await import('./bench/late-book.ts')).benchLateBook(),
  },
  report: {
    title: 'a report on a quarter of five targets, a look a minute',
    run: async () => (await import('./bench/report.ts')).benchReport(),
  },
  ledger: {
    title: 'the ledger',
    run: async () => (await import('./bench/ledger.ts')).benchLedger(),
  },
  start: {
    title: 'start and memory',
    run: async () => (await import('./bench/start.ts')).measureStart(),
  },
  exposition: {
    title: 'one scrape of 1,000 targets',
    run: async () => (await import('./bench/exposition.ts')).measureExposition(),
  },
  http: {
    title: 'the HTTP surface under load, 500 targets',
    run: async () => (await import('./bench/http.ts')).benchHttp(),
  },
  'http-held': {
    title: '1,000 targets every 10 s while others lie on the HTTP surface',
    run: async () => (await bedFigures()).heldFigures(),
  },
  fleet: {
    title: 'rules and dashboards of 2,000 agents with 3 names each, by Prometheus',
    run: async () => (await import('./bench/fleet-prometheus.ts')).benchFleetPrometheus(),
  },
  dns: {
    title: 'DNS look-ups, 32 names under way',
    run: async () => (await bedFigures()).dnsFigures(),
  },
  'probes-100': {
    title: '1,000 targets every 10 s, scraped every 10 s',
    run: async () => (await bedFigures()).loadFigures(1000, 10),
  },
  'probes-200': {
    title: '2,000 targets every 10 s, scraped every 10 s',
    run: async () => (await bedFigures()).loadFigures(2000, 10),
  },
  scraped: {
    title: '1,000 targets every 10 s, scraped each second',
    run: async () => (await bedFigures()).loadFigures(1000, 1, false),
  },
  'route-gone': {
    title: '500 targets every 10 s whose route to the endpoint goes',
    run: async () => (await bedFigures()).routeGoneFigures(),
  },
  burst: {
    title: '1,000 targets due at once',
    run: async () => (await bedFigures()).burstFigures(),
  },
}

const wanted = values.only?.flatMap((names) => names.split(',')) ?? Object.keys(groups)
for (const name of wanted)
  if (groups[name] === undefined) throw new Error(`no ${name}; there are ${Object.keys(groups).join(', ')}`)
const asText = values.json !== true
if (asText) console.log(`node ${process.version}, ${cpus().length} processors`)
const told: Record<string, { seconds: number; lines: Line[] }> = {}
const failed: Record<string, string> = {}
for (const name of wanted) {
  const started = performance.now()
  let lines: Line[] = []
  try {
    lines = (await groups[name]?.run()) ?? []
  } catch (error) {
    failed[name] = error instanceof Error ? error.message : String(error)
  }
  const seconds = Math.round((performance.now() - started) / 1000)
  told[name] = { seconds, lines }
  // for who waits: the figures themselves go to stdout
  if (!asText) process.stderr.write(`${name}: ${failed[name] ?? 'done'} (${seconds} s)\n`)
  else {
    console.log(`\n${groups[name]?.title} (${name}, ${seconds} s)`)
    for (const line of lines) console.log(shown(line))
    if (failed[name] !== undefined) console.log(`  FAILED: ${failed[name]}`)
  }
}
const all = Object.entries(told).flatMap(([group, { lines }]) => lines.map((line) => ({ group, line })))
const misses = all.flatMap(({ group, line }) =>
  isFigure(line) && missed(line) ? [`${group}: ${line.name}`] : [],
)
const skipped = all.flatMap(({ group, line }) =>
  isFigure(line) ? [] : [`${group}: ${line.skipped} (${line.because})`],
)
if (!asText)
  console.log(
    JSON.stringify({
      node: process.version,
      cpus: cpus().length,
      groups: Object.fromEntries(Object.entries(told).map(([name, { lines }]) => [name, lines])),
      missed: misses,
      skipped,
      failed,
    }),
  )
else {
  const list = (word: string, names: readonly string[]) =>
    console.log(`${word}: ${names.length === 0 ? 'none' : `\n  ${names.join('\n  ')}`}`)
  console.log()
  list('missed', misses)
  list('skipped', skipped)
  list(
    'failed',
    Object.entries(failed).map(([name, why]) => `${name}: ${why}`),
  )
}
process.exitCode = misses.length > 0 || Object.keys(failed).length > 0 ? 1 : 0
