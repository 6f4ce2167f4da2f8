/** What the bed measured, as figures: several runs of the product and of its peers in turn, so that a change of the machine meets all. */
import { has, inBed } from './bed.ts'
import type { Errors, Load, Outcome } from './load.ts'
import { middle } from './samples.ts'

export interface Figure {
  name: string
  value: number
  unit: string
  ceiling?: number
  spread?: [number, number]
}

const runs = Number(process.env['BENCH_RUNS'] ?? 5)

async function outcome(load: Load): Promise<Outcome> {
  return (await inBed('load', [JSON.stringify(load)])) as Outcome
}

function ratios(a: readonly number[], b: readonly number[]): ReturnType<typeof middle> {
  return middle(a.map((x, i) => x / (b[i] ?? NaN)))
}

function timing(who: string, all: readonly Outcome[], phase: 'tcp' | 'tls', most?: number): Figure[] {
  const of = (pick: (errors: Errors) => number | null) =>
    all.flatMap((one) => {
      const errors = one[phase]
      const value = errors && pick(errors)
      return value === null || Number.isNaN(value) ? [] : [value]
    })
  const line = (name: string, unit: string, values: number[], ceiling?: number): Figure[] =>
    values.length === 0
      ? []
      : [{ name: `${who}: ${name}`, unit, ...middle(values), ...(ceiling === undefined ? {} : { ceiling }) }]
  const what = phase.toUpperCase()
  return [
    ...line(
      `${what} on the wire, p50`,
      'ms',
      of((e) => e.wireP50),
    ),
    ...line(
      `${what} reported less wire, p50`,
      'ms',
      of((e) => e.p50),
      most === undefined ? undefined : 0.1,
    ),
    ...line(
      `${what} reported less wire, p99`,
      'ms',
      of((e) => e.p99),
      most,
    ),
    ...line(
      'samples left out',
      '%',
      of((e) => (e.leftOut === null ? null : e.leftOut * 100)),
      5,
    ),
    ...line(
      'samples beyond their bound by 0.5 ms',
      '%',
      of((e) => (e.exceeded === null ? null : e.exceeded * 100)),
      1,
    ),
    ...line(
      'published bound, p50',
      'ms',
      of((e) => e.boundP50),
      0.5,
    ),
  ]
}

export async function loadFigures(targets: number, scrapeSeconds: number): Promise<Figure[]> {
  const load = (who: Load['who']): Load => ({
    who,
    targets,
    everySeconds: 10,
    measureSeconds: 12,
    warmSeconds: who === 'bare' ? 5 : 15,
    scrapeSeconds,
    answers: 1,
  })
  const peer = has('prometheus-blackbox-exporter')
  const product: Outcome[] = []
  const blackbox: Outcome[] = []
  const bare: Outcome[] = []
  for (let run = 0; run < runs; run++) {
    product.push(await outcome(load('product')))
    bare.push(await outcome(load('bare')))
    if (peer) blackbox.push(await outcome(load('blackbox')))
  }
  const cpu = (all: readonly Outcome[]) => all.map((one) => one.cpuSecondsPer1000)
  const memory = (all: readonly Outcome[]) => all.map((one) => one.memoryMebibytes)
  return [
    { name: 'product: CPU per 1,000 probes', unit: 's', ...middle(cpu(product)) },
    { name: 'bare tls.connect and GET: the same', unit: 's', ...middle(cpu(bare)) },
    ...(peer
      ? [
          { name: 'blackbox_exporter: the same', unit: 's', ...middle(cpu(blackbox)) },
          {
            name: 'product / blackbox_exporter',
            unit: '×',
            ceiling: 0.65,
            ...ratios(cpu(product), cpu(blackbox)),
          },
          { name: 'bare / blackbox_exporter', unit: '×', ...ratios(cpu(bare), cpu(blackbox)) },
        ]
      : []),
    { name: 'product: resident memory', unit: 'MiB', ...middle(memory(product)) },
    { name: 'bare: resident memory', unit: 'MiB', ...middle(memory(bare)) },
    ...timing('product', product, 'tcp'),
    ...timing('product', product, 'tls', targets > 1000 ? 1.5 : 0.6),
    ...timing('blackbox_exporter', blackbox, 'tcp'),
    ...timing('blackbox_exporter', blackbox, 'tls'),
  ]
}

/** The schedule spreads targets of one interval, so all are due at once only by cron. */
export async function burstFigures(): Promise<Figure[]> {
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
    ...timing('product', product, 'tls', 2),
  ]
}

export async function dnsFigures(): Promise<Figure[]> {
  const { product, blackbox } = (await inBed('dns')) as { product: number[]; blackbox: number[] }
  return [
    { name: 'product: CPU per 1,000 look-ups', unit: 's', ...middle(product) },
    { name: 'blackbox_exporter: the same', unit: 's', ...middle(blackbox) },
    { name: 'product / blackbox_exporter', unit: '×', ceiling: 0.15, ...ratios(product, blackbox) },
  ]
}

const refreshSeconds = 15
const everySeconds = 10

export async function routeGoneFigures(): Promise<Figure[]> {
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
