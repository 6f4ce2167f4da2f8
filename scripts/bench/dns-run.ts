// DNS look-ups by the product's own probe, 64 under way, in a process of its own: node scripts/bench/dns-run.ts COUNT; prints JSON.
import { randomInt } from 'node:crypto'
import { queryResolver } from '../../probes/dns.ts'
import { systemClock } from '../../probes/host.ts'
import { nameOf } from './bed.ts'

const count = Number(process.argv[2])
const server = { address: '10.0.0.2', port: 53 }
let id = 0
const deps = {
  clock: systemClock,
  serverAddress: () => server,
  stamp: () => ({
    id: String(id++),
    wallMs: Date.now(),
    monotonicMs: performance.now(),
    bootId: '',
    snapshot: null,
    configuration: null,
  }),
  randomId: () => randomInt(0x10000),
  timeoutSeconds: 5,
  signal: new AbortController().signal,
}
let failed = 0
const run = async (looks: number) => {
  let left = looks
  await Promise.all(
    Array.from({ length: 32 }, async () => {
      while (left-- > 0) {
        const question = { hostname: nameOf(left % 1000), resolver: { name: 'r', server }, counts: true }
        const { ipv4, ipv6 } = await queryResolver(question, deps)
        if (!ipv4.answered || !ipv6.answered) failed++
      }
    }),
  )
}
await run(500)
const cpu = process.cpuUsage()
// each asks for A and for AAAA
await run(count / 2)
const used = process.cpuUsage(cpu)
process.stdout.write(
  `${JSON.stringify({ failed, cpuSecondsPer1000: ((used.user + used.system) / 1e6 / count) * 1000 })}\n`,
)
