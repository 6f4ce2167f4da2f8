// Measures the product against its peers and against what it is built on, in the same run:
//   npm run bench -- [--json] [--only NAME]…    (names: see `groups`; all of it takes half an hour)
// Figures are medians of five with the least and the largest; ratios hold better than times on a shared machine.
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { root } from './bench/bed.ts'

const { values } = parseArgs({
  options: { json: { type: 'boolean' }, only: { type: 'string', multiple: true } },
})

interface Figure {
  name: string
  value: number
  unit: string
  floor?: number
  ceiling?: number
  spread?: [number, number]
}

const ranges = () => gunzipSync(readFileSync(join(root, 'test/data/ip-ranges.json.gz'))).toString('utf8')

/** Each is loaded only when it is run. */
const groups: Record<string, { title: string; run(): Promise<Figure[]> }> = {
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
  http: {
    title: 'the HTTP surface under load, 500 targets',
    run: async () => (await import('./bench/http.ts')).benchHttp(),
  },
  exposition: {
    title: 'one scrape of 1,000 targets',
    run: async () => (await import('./bench/exposition.ts')).measureExposition(),
  },
  dns: {
    title: 'DNS look-ups, 32 names under way',
    run: async () => (await import('./bench/figures.ts')).dnsFigures(),
  },
  'probes-100': {
    title: '1,000 targets every 10 s, scraped every 10 s',
    run: async () => (await import('./bench/figures.ts')).loadFigures(1000, 10),
  },
  'probes-200': {
    title: '2,000 targets every 10 s, scraped every 10 s',
    run: async () => (await import('./bench/figures.ts')).loadFigures(2000, 10),
  },
  scraped: {
    title: '1,000 targets every 10 s, scraped each second',
    run: async () => (await import('./bench/figures.ts')).loadFigures(1000, 1),
  },
  'route-gone': {
    title: '500 targets every 10 s whose route to the endpoint goes',
    run: async () => (await import('./bench/figures.ts')).routeGoneFigures(),
  },
  burst: {
    title: '1,000 targets due at once',
    run: async () => (await import('./bench/figures.ts')).burstFigures(),
  },
}

const wanted = values.only ?? Object.keys(groups)
for (const name of wanted)
  if (groups[name] === undefined) throw new Error(`no ${name}; there are ${Object.keys(groups).join(', ')}`)
const told: Record<string, Figure[]> = {}
for (const name of wanted) told[name] = (await groups[name]?.run()) ?? []
if (values.json === true)
  console.log(JSON.stringify({ node: process.version, cpus: cpus().length, groups: told }))
else {
  console.log(`node ${process.version}, ${cpus().length} processors`)
  for (const [group, figures] of Object.entries(told)) {
    console.log(`\n${groups[group]?.title}`)
    for (const { name, value, unit, spread, floor, ceiling } of figures) {
      const range = spread === undefined ? '' : `  (${spread.map((s) => s.toPrecision(3)).join(' to ')})`
      const least = floor === undefined ? '' : `  (wanted: at least ${floor.toPrecision(3)})`
      const most = ceiling === undefined ? '' : `  (wanted: at most ${ceiling.toPrecision(3)})`
      console.log(`  ${name.padEnd(60)} ${value.toPrecision(3).padStart(8)} ${unit}${range}${least}${most}`)
    }
  }
}
