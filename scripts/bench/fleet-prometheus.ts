/**
 * A real Prometheus with six hours of 2,000 agents, written to it by remote write: how long the rules that are shipped take, and each query of
 * the dashboard on the fleet, as Grafana asks it at first.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startAgent } from './agent-process.ts'
import { has, root } from './bed.ts'
import { fetchText } from './fetch-text.ts'
import type { Figure, Line } from './figure.ts'
import { fleetSeries, readExposition } from './fleet-series.ts'
import { encodeLabels, encodeWrite, remoteWrite } from './remote-write.ts'
import { middle } from './samples.ts'

const agents = Number(process.env['BENCH_AGENTS'] ?? 2000)
const names = 3
const historySeconds = 6 * 3600
/** Rarer than scrapes are, and within the five minutes for which Prometheus takes a sample as the present one. */
const everySeconds = 240
const aheadSeconds = 600
/** As Grafana chooses it for six hours in a panel of half the width. */
const stepSeconds = 30
/** The furthest that a rule looks back, and what is ahead. */
const lookBackSeconds = 3600 + 2 * 600
/** Rules are evaluated more often here than they say, so that it need not take minutes. */
const evaluationSeconds = 20
const perRequest = 10_000

interface Query {
  title: string
  expr: string
  range: boolean
}

/** The queries of the dashboard, with its variables at their defaults. */
function fleetQueries(): Query[] {
  interface Panel {
    title: string
    panels?: Panel[]
    targets?: { expr: string; instant?: boolean }[]
  }
  const json = JSON.parse(readFileSync(join(root, 'deploy/grafana/fleet.json'), 'utf8')) as {
    panels: Panel[]
    annotations: { list: { name: string; expr: string }[] }
  }
  const flat = (panels: readonly Panel[]): Panel[] =>
    panels.flatMap((panel) => [panel, ...flat(panel.panels ?? [])])
  const plain = (expr: string) =>
    expr
      .replaceAll('$__rate_interval', '10m')
      .replaceAll('$__range', '6h')
      .replace(/\$(?:job|instance)/g, '.+')
  return [
    ...flat(json.panels).flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, instant }) => ({ title, expr: plain(expr), range: instant !== true })),
    ),
    ...json.annotations.list.map(({ name, expr }) => ({ title: name, expr: plain(expr), range: true })),
  ]
}

interface Rules {
  data: {
    groups: {
      name: string
      evaluationTime: number
      lastEvaluation: string
      rules: { name: string; query: string; type: string; health: string; evaluationTime: number }[]
    }[]
  }
}

async function startPrometheus(directory: string): Promise<{ child: ChildProcess; base: string }> {
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  const base = `http://127.0.0.1:${port}`
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--web.enable-remote-write-receiver',
      '--web.enable-lifecycle',
      '--log.level=error',
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  for (let i = 0; !/Ready/.test(await fetchText(`${base}/-/ready`).catch(() => '')); i++) {
    if (i === 400 || child.exitCode !== null) throw new Error('Prometheus does not start')
    await wait(50)
  }
  return { child, base }
}

async function oneAgent(): Promise<string> {
  const agent = await startAgent(names)
  try {
    return await fetchText(`http://127.0.0.1:${agent.port}/metrics`)
  } finally {
    await agent.stop()
  }
}

interface Vector {
  status: string
  error?: string
  data: { result: { metric: Record<string, string>; value: [number, string] }[] }
}

async function instant(base: string, expr: string, atMs: number): Promise<Vector> {
  const url = `${base}/api/v1/query?time=${atMs / 1000}&query=${encodeURIComponent(expr)}`
  return JSON.parse(await fetchText(url)) as Vector
}

/**
 * Writes it all; gives the number of series. What `long` names has the whole history, the rest what rules look back on. The recorded series have a
 * past as well: what the rules give at the first moment, ever since.
 */
async function fill(
  base: string,
  recording: readonly { record: string; expr: string }[],
  wanted: ReadonlySet<string>,
  long: ReadonlySet<string>,
): Promise<number> {
  const endMs = Date.now() + aheadSeconds * 1000
  const startMs = endMs - historySeconds * 1000
  const lateMs = endMs - (historySeconds * 1000) / 2
  const series = fleetSeries(readExposition(await oneAgent()), agents, wanted, lateMs)
  const rows = series.map(({ labels, value }) => ({
    labels: encodeLabels(labels),
    value,
    long: long.has(labels['__name__'] ?? ''),
  }))
  const send = async (from: typeof rows, timesMs: readonly number[]) => {
    for (let at = 0; at < from.length; at += perRequest) {
      const part = from.slice(at, at + perRequest).map(({ labels, value }) => ({
        labels,
        samples: timesMs.map((atMs) => [value(atMs), atMs] as const),
      }))
      await remoteWrite(`${base}/api/v1/write`, encodeWrite(part))
    }
  }
  await send(rows, [startMs])
  for (const { record, expr } of recording) {
    const { data } = await instant(base, expr, startMs)
    for (const { metric, value } of data.result)
      rows.push({
        labels: encodeLabels({ ...metric, __name__: record }),
        value: () => Number(value[1]),
        long: true,
      })
  }
  // within an hour samples may come in any order of series
  const atOnce = Math.floor(3000 / everySeconds)
  const timesMs: number[] = []
  for (let atMs = startMs + everySeconds * 1000; atMs <= endMs; atMs += everySeconds * 1000)
    timesMs.push(atMs)
  for (let at = 0; at < timesMs.length; at += atOnce) {
    const window = timesMs.slice(at, at + atOnce)
    const near = (window.at(-1) ?? 0) > endMs - lookBackSeconds * 1000
    await send(near ? rows : rows.filter((row) => row.long), window)
  }
  return rows.length
}

function recordingRules(): { record: string; expr: string }[] {
  const { groups } = JSON.parse(readFileSync(join(root, 'deploy/mixin/rules.json'), 'utf8')) as {
    groups: { rules: { record: string; expr: string }[] }[]
  }
  return groups.flatMap(({ rules }) => rules)
}

/** The rules, evaluated twice; the last evaluations. */
async function evaluated(base: string, directory: string): Promise<Rules['data']['groups']> {
  const rules = join(directory, 'pathproof.rules.yml')
  const shipped = readFileSync(join(root, 'deploy/prometheus/pathproof.rules.yml'), 'utf8')
  writeFileSync(rules, shipped.replaceAll('    interval: 1m\n', ''))
  writeFileSync(
    join(directory, 'prometheus.yml'),
    JSON.stringify({ global: { evaluation_interval: `${evaluationSeconds}s` }, rule_files: [rules] }),
  )
  const answer = await fetch(`${base}/-/reload`, { method: 'POST' })
  if (!answer.ok) throw new Error(`Prometheus: ${await answer.text()}`)
  await wait(2.4 * evaluationSeconds * 1000)
  const { data } = JSON.parse(await fetchText(`${base}/api/v1/rules`)) as Rules
  return data.groups
}

async function timed(base: string, { expr, range }: Query): Promise<number> {
  const endSeconds = Math.floor(Date.now() / 1000)
  const query = `query=${encodeURIComponent(expr)}`
  const url = range
    ? `${base}/api/v1/query_range?${query}&start=${endSeconds - historySeconds + aheadSeconds}&end=${endSeconds}&step=${stepSeconds}`
    : `${base}/api/v1/query?${query}`
  const started = performance.now()
  const text = await fetchText(url)
  const seconds = (performance.now() - started) / 1000
  if (!text.startsWith('{"status":"success"')) throw new Error(`${expr}: ${text.slice(0, 300)}`)
  return seconds
}

export async function benchFleetPrometheus(): Promise<Line[]> {
  if (!has('prometheus')) return [{ skipped: 'Prometheus', because: 'no prometheus here (Debian package)' }]
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-bench-'))
  writeFileSync(join(directory, 'prometheus.yml'), '{}')
  const { child, base } = await startPrometheus(directory)
  try {
    const rules = readFileSync(join(root, 'deploy/prometheus/pathproof.rules.yml'), 'utf8')
    const queries = fleetQueries()
    const asked = [rules, ...queries.map(({ expr }) => expr)].join('\n')
    const metricsOf = (text: string) => new Set(text.match(/\bpathproof_[a-z0-9_]+/g))
    const ranges = queries.filter(({ range }) => range).map(({ expr }) => expr)
    const started = performance.now()
    const series = await fill(base, recordingRules(), metricsOf(asked), metricsOf(ranges.join('\n')))
    process.stderr.write(`written in ${((performance.now() - started) / 1000).toFixed(0)} s\n`)
    const took: Figure[] = []
    for (const query of queries) {
      const seconds: number[] = []
      for (let i = 0; i < 3; i++) seconds.push(await timed(base, query))
      const name = `query: ${query.title}`
      took.push({ name, unit: 's', ceiling: 1, ...middle(seconds) })
    }
    const groups = await evaluated(base, directory)
    const slow = groups
      .flatMap(({ rules: own }) => own)
      .toSorted((a, b) => b.evaluationTime - a.evaluationTime)
      .slice(0, 6)
    return [
      { name: 'series that rules and dashboard read', value: series, unit: '' },
      ...groups.map(({ name, evaluationTime }) => ({
        name: `rules: ${name}`,
        value: evaluationTime,
        unit: 's',
        ceiling: 1,
      })),
      ...slow.map(({ name, evaluationTime }) => ({
        name: `its rule ${name}`,
        value: evaluationTime,
        unit: 's',
      })),
      ...took.toSorted((a, b) => b.value - a.value),
    ]
  } finally {
    child.kill('SIGKILL')
    await once(child, 'close')
    rmSync(directory, { recursive: true, force: true })
  }
}

if (import.meta.main) console.log(JSON.stringify(await benchFleetPrometheus(), null, 1))
