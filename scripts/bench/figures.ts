/** What the bed measured, as figures: several runs of the product and of its peers in turn, so that a change of the machine meets all. */
import { has, inBed } from './bed.ts'
import type { Figure, Line } from './figure.ts'
import type { Load, Outcome } from './load.ts'
import { curlPerSecond } from './peer-curl.ts'
import { middle, ratios } from './samples.ts'
import type { Errors } from './wire.ts'

/** How often everything is measured in the groups of the bed. */
export const runs = Number(process.env['BENCH_RUNS'] ?? 5)

const packages = {
  'prometheus-blackbox-exporter': 'blackbox_exporter',
  curl: 'curl',
  nginx: 'nginx, the far end',
  tcpdump: 'tcpdump, the wire',
}

/** A line for each of these programs that is not there. */
export function lacking(...programs: (keyof typeof packages)[]): Line[] {
  return programs
    .filter((program) => !has(program))
    .map((program) => ({ skipped: packages[program], because: `no ${program} here (Debian package)` }))
}

async function outcome(load: Load): Promise<Outcome> {
  return (await inBed('load', [JSON.stringify(load)])) as Outcome
}

/** The most that is wanted: milliseconds and per cent. */
interface Wanted {
  p99: number
  leftOut: number
}

function timing(who: string, all: readonly Outcome[], phase: 'tcp' | 'tls', wanted?: Wanted): Figure[] {
  const what = phase.toUpperCase()
  const line = (
    name: string,
    unit: string,
    pick: (errors: Errors) => number | null,
    ceiling?: number,
    floor?: number,
  ): Figure[] => {
    const values = all.flatMap((one) => {
      const errors = one[phase]
      const value = errors && pick(errors)
      return value === null || Number.isNaN(value) ? [] : [value]
    })
    if (values.length === 0) return []
    const limits = {
      ...(ceiling === undefined ? {} : { ceiling }),
      ...(floor === undefined ? {} : { floor }),
    }
    return [{ name: `${who}: ${name}`, unit, ...middle(values), ...limits }]
  }
  const percent = (share: number | null) => (share === null ? null : share * 100)
  return [
    ...line(`${what} on the wire, p50`, 'ms', (e) => e.wireP50),
    ...line(`${what} reported less wire, p50`, 'ms', (e) => e.p50, wanted && 0.1, wanted && -0.1),
    ...line(`${what} reported less wire, p99`, 'ms', (e) => e.p99, wanted?.p99),
    ...line(`${what} samples left out`, '%', (e) => percent(e.leftOut), wanted?.leftOut),
    ...line(`${what} samples beyond their bound by 0.5 ms`, '%', (e) => percent(e.exceeded), 1),
    ...line(`${what} of these, reported too long`, '%', (e) => percent(e.tooLong)),
    ...line(`${what} published bound, p50`, 'ms', (e) => e.boundP50, 0.5),
  ]
}

const cpuOf = (all: readonly Outcome[]) => all.map((one) => one.cpuSecondsPer1000)
const memoryOf = (all: readonly Outcome[]) => all.map((one) => one.memoryMebibytes)

/** `peers` false: the product alone. */
export async function loadFigures(targets: number, scrapeSeconds: number, peers = true): Promise<Line[]> {
  const absent = lacking('nginx', 'tcpdump')
  if (absent.length > 0) return absent
  const load = (who: Load['who']): Load => ({
    who,
    targets,
    everySeconds: 10,
    measureSeconds: 12,
    warmSeconds: who === 'bare' ? 5 : 15,
    scrapeSeconds,
    answers: 1,
  })
  const all: Record<Load['who'], Outcome[]> = { product: [], bare: [], blackbox: [], curl: [] }
  const there: Load['who'][] = ['product']
  if (peers) there.push('bare')
  if (peers && has('prometheus-blackbox-exporter')) there.push('blackbox')
  if (peers && has('curl')) there.push('curl')
  for (let run = 0; run < runs; run++) for (const who of there) all[who].push(await outcome(load(who)))
  const { product, bare, blackbox, curl } = all
  const figure = (name: string, unit: string, values: number[]): Figure[] =>
    values.length === 0 ? [] : [{ name, unit, ...middle(values) }]
  const against = (name: string, a: Outcome[], b: Outcome[], ceiling?: number): Figure[] =>
    a.length === 0 || b.length === 0
      ? []
      : [{ name, unit: '×', ...ratios(cpuOf(a), cpuOf(b)), ...(ceiling === undefined ? {} : { ceiling }) }]
  return [
    ...figure('product: CPU per 1,000 probes', 's', cpuOf(product)),
    ...figure('bare tls.connect and GET: the same', 's', cpuOf(bare)),
    ...figure('blackbox_exporter: the same', 's', cpuOf(blackbox)),
    ...figure(`curl, a process for each, ${curlPerSecond}/s: the same`, 's', cpuOf(curl)),
    ...against('product / blackbox_exporter', product, blackbox, 0.65),
    ...against('bare / blackbox_exporter', bare, blackbox),
    ...against('product / curl', product, curl),
    ...figure('product: resident memory', 'MiB', memoryOf(product)),
    ...figure('bare: resident memory', 'MiB', memoryOf(bare)),
    ...against('product / bare: CPU', product, bare),
    ...(bare.length === 0
      ? []
      : [
          {
            name: 'product / bare: memory',
            unit: '×',
            ...(targets === 1000 && { ceiling: 1.5 }),
            ...ratios(memoryOf(product), memoryOf(bare)),
          },
        ]),
    ...figure(
      'processor time that the hypervisor took, product',
      '%',
      product.map(({ stolenShare = 0 }) => stolenShare * 100),
    ),
    ...timing('product', product, 'tcp'),
    ...timing(
      'product',
      product,
      'tls',
      scrapeSeconds < 10 ? { p99: 2, leftOut: 20 } : { p99: targets > 1000 ? 1.5 : 0.6, leftOut: 5 },
    ),
    ...timing('blackbox_exporter', blackbox, 'tcp'),
    ...timing('blackbox_exporter', blackbox, 'tls'),
    ...timing('curl', curl, 'tcp'),
    ...timing('curl', curl, 'tls'),
    ...(peers ? lacking('prometheus-blackbox-exporter', 'curl') : []),
  ]
}

/** The schedule spreads targets of one interval, so all are due at once only by cron. */
export async function burstFigures(): Promise<Line[]> {
  const absent = lacking('nginx', 'tcpdump')
  if (absent.length > 0) return absent
  const product: Outcome[] = []
  for (let run = 0; run < runs; run++) {
    const load: Load = {
      who: 'product',
      targets: 1000,
      everySeconds: 60,
      cron: '* * * * *',
      measureSeconds: 62,
      warmSeconds: 5,
      scrapeSeconds: 1,
      answers: 1,
    }
    product.push(await outcome(load))
  }
  return [
    { name: 'attempts', unit: '', ...middle(product.map(({ probes }) => probes)) },
    {
      name: 'first to last begun',
      unit: 's',
      ...middle(product.map(({ spanSeconds = NaN }) => spanSeconds)),
    },
    ...timing('product', product, 'tls', { p99: 2, leftOut: 20 }),
  ]
}

/** The probes' times while others lie on the HTTP surface: quiet, then each kind, in turn. */
export async function heldFigures(): Promise<Line[]> {
  const absent = lacking('nginx', 'tcpdump')
  if (absent.length > 0) return absent
  const base: Load = {
    who: 'product',
    targets: 1000,
    everySeconds: 10,
    measureSeconds: 10,
    warmSeconds: 14,
    scrapeSeconds: 5,
    answers: 1,
  }
  const cases: [string, Load][] = [
    ['nobody beside', base],
    ['1,000 that drip a header', { ...base, held: { kind: 'dripping', connections: 1000 } }],
    ['1,000 silent, TLS', { ...base, webTls: true, held: { kind: 'silent', connections: 1000 } }],
  ]
  const told = cases.map((): Outcome[] => [])
  for (let run = 0; run < Math.min(runs, 3); run++)
    for (const [at, [, load]] of cases.entries()) told[at]?.push(await outcome(load))
  return cases.flatMap(([name], at) => {
    const all = told[at] ?? []
    const opened = all.map(({ heldOpened = 0 }) => heldOpened)
    return [
      { name: `${name}: CPU per 1,000 probes`, unit: 's', ...middle(cpuOf(all)) },
      ...(at === 0 ? [] : [{ name: `${name}: connections made`, unit: '', ...middle(opened) }]),
      ...timing(name, all, 'tls', { p99: 0.6, leftOut: 5 }),
    ]
  })
}

export async function dnsFigures(): Promise<Line[]> {
  const absent = lacking('nginx', 'prometheus-blackbox-exporter')
  if (absent.length > 0) return absent
  const { product, blackbox } = (await inBed('dns')) as { product: number[]; blackbox: number[] }
  return [
    { name: 'product: CPU per 1,000 look-ups', unit: 's', ...middle(product) },
    { name: 'blackbox_exporter: the same', unit: 's', ...middle(blackbox) },
    { name: 'product / blackbox_exporter', unit: '×', ceiling: 0.15, ...ratios(product, blackbox) },
  ]
}

const refreshSeconds = 15
const everySeconds = 10

export async function routeGoneFigures(): Promise<Line[]> {
  const absent = lacking('nginx')
  if (absent.length > 0) return absent
  const seconds: number[] = []
  for (let run = 0; run < runs; run++) {
    const load = { targets: 500, everySeconds, refreshSeconds, answers: 1 }
    const told = (await inBed('gone', [JSON.stringify(load)])) as { seconds: number; before: number }
    if (told.before !== load.targets) throw new Error(`only ${told.before} of ${load.targets} were private`)
    seconds.push(told.seconds)
  }
  const ceiling = refreshSeconds + everySeconds + 2
  return [
    { name: 'route gone to the last gauge 0, readings every 15 s', unit: 's', ceiling, ...middle(seconds) },
  ]
}
