// The daemon in a process of its own, on this machine, with every attempt's times beside it:
//   node scripts/bench/daemon-run.ts CONFIG OUT [WEB_CONFIG]
// The bed's device is one end of a veth pair and is said to be hardware, so that the routes are judged as on an instance.
import { readFileSync, writeFileSync } from 'node:fs'
import { loadConfig } from '../../agent/config/load.ts'
import { startDaemon } from '../../agent/daemon.ts'
import { createLog } from '../../agent/log.ts'
import { machine, readText, sleep } from '../../agent/machine.ts'
import { cpuSecondsBelow, cpuSecondsOf } from './bed.ts'
import type { Sample } from './samples.ts'

const [configFile = '', out = '', webConfig] = process.argv.slice(2)
const loaded = await loadConfig(configFile, Date.now())
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
const host = machine({ PATH: process.env['PATH'] })
const samples = new Map<string, Sample>()
const states = new Map<string, number>()
const log = createLog({
  write: (line) => void process.stderr.write(line),
  level: 'error',
  format: 'logfmt',
  journal: false,
  wallMs: Date.now,
  monotonicMs: () => performance.now(),
})
const daemon = await startDaemon(loaded.config, {
  host: {
    ...host,
    hostRoute: async (to, from) => {
      const route = await host.hostRoute(to, from)
      return route.deviceKind === 'veth' ? { ...route, deviceKind: 'physical' } : route
    },
  },
  log,
  version: 'bench',
  readText,
  sleep,
  random: Math.random,
  hostRoots: null,
  loadAgain: null,
  ...(webConfig !== undefined && { webConfig }),
  onVerdict(verdict) {
    states.set(verdict.state, (states.get(verdict.state) ?? 0) + 1)
    for (const name of verdict.names) {
      for (const { id, atMs, localPort, timings, dialled } of name.attempts) {
        if (dialled && localPort !== null) samples.set(id, { port: localPort, atMs, timings })
      }
    }
  },
})
const cpu = () => cpuSecondsOf(readFileSync('/proc/self/stat', 'utf8')) + cpuSecondsBelow(process.pid)

/** CPU seconds of the main thread, of all others, and of children. */
function shares(): { main: number; threads: number; children: number } {
  const ticks = (stat: string, at: number) =>
    Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[at]) / 100
  const of = (path: string, first: number) => {
    const stat = readFileSync(path, 'utf8')
    return ticks(stat, first) + ticks(stat, first + 1)
  }
  const main = of(`/proc/self/task/${process.pid}/stat`, 11)
  return {
    main,
    threads: of('/proc/self/stat', 11) - main,
    children: of('/proc/self/stat', 13) + cpuSecondsBelow(process.pid),
  }
}
let marked = { cpu: cpu(), shares: shares(), atMs: Date.now() }
process.on('SIGUSR2', () => {
  marked = { cpu: cpu(), shares: shares(), atMs: Date.now() }
  samples.clear()
  states.clear()
})
process.on('SIGTERM', () => {
  const used = cpu() - marked.cpu
  const seconds = (Date.now() - marked.atMs) / 1000
  const now = shares()
  const split = Object.fromEntries(
    Object.entries(marked.shares).map(([name, before]) => [name, now[name as keyof typeof now] - before]),
  )
  const memory = process.memoryUsage.rss() / 2 ** 20
  const kept = [...samples.values()].filter(({ atMs }) => atMs >= marked.atMs)
  writeFileSync(
    out,
    JSON.stringify({ cpuSeconds: used, split, seconds, memory, states: [...states], samples: kept }),
  )
  void daemon.stop(1).then(() => process.exit(0))
})
process.stdout.write(`${JSON.stringify(daemon.address)}\n`)
