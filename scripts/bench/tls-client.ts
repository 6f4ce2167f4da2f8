// One run of N probes in a process of its own; prints CPU seconds, wall seconds and peak memory as one JSON line.
//   node scripts/bench/tls-client.ts product|bare PORT N CONCURRENCY < ca.pem
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { prepareTrust } from '../../probes/trust.ts'
import { limit } from '../../probes/limit.ts'
import { loopWatch } from '../../probes/loop-watch.ts'
import { systemClock, systemDial } from '../../probes/host.ts'
import { probeTls } from '../../probes/tls.ts'

const [kind, portText, countText, concurrencyText] = process.argv.slice(2)
const port = Number(portText)
const count = Number(countText)
const concurrency = Number(concurrencyText)
const ca = await text(process.stdin)

/** What a program without any judgement would do: connect, verify, one request, close. */
function bare(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'bench.example',
      ca,
      rejectUnauthorized: true,
    })
    socket.once('secureConnect', () =>
      socket.write('HEAD / HTTP/1.1\r\nHost: bench.example\r\nConnection: close\r\n\r\n'),
    )
    socket.on('data', () => undefined)
    socket.once('end', () => socket.destroy())
    socket.once('close', () => resolve())
    socket.once('error', reject)
  })
}

const trust = { publicRoots: [], partitionRoots: [ca], hostRoots: () => [] }
prepareTrust(trust)
let id = 0
const deps = {
  clock: systemClock,
  // Loopback is no target of the product; here the dial leads there from a documentation address.
  dial: (to: Parameters<typeof systemDial>[0]) => systemDial({ ...to, address: '127.0.0.1' }),
  hostRoute: () =>
    Promise.resolve({
      method: 'none' as const,
      device: null,
      deviceKind: null,
      mac: null,
      gateway: null,
      source: null,
      selectorRules: null,
      redirect: 'unreadable' as const,
      detail: null,
    }),
  environment: {},
  loop: loopWatch(),
  handshakes: limit(8),
  trust,
  stamp: () => ({
    id: String(id++),
    wallMs: Date.now(),
    monotonicMs: performance.now(),
    bootId: '',
    snapshot: null,
    configuration: null,
  }),
  userAgent: 'bench',
  timeoutSeconds: 10,
  signal: new AbortController().signal,
}

async function product(): Promise<void> {
  const attempt = await probeTls(
    {
      hostname: 'bench.example',
      port,
      address: '192.0.2.1',
      family: 4,
      localAddress: null,
      resolvers: [],
      dnsSeconds: null,
    },
    deps,
  )
  if (attempt.outcome.reached !== 'tls') throw new Error(JSON.stringify(attempt.outcome))
}

const run = kind === 'bare' ? bare : product
for (let i = 0; i < 50; i++) await run()
const cpu = process.cpuUsage()
const started = performance.now()
let left = count
await Promise.all(
  Array.from({ length: concurrency }, async () => {
    while (left-- > 0) await run()
  }),
)
const used = process.cpuUsage(cpu)
process.stdout.write(
  `${JSON.stringify({ cpuSeconds: (used.user + used.system) / 1e6, wallSeconds: (performance.now() - started) / 1000, peakMebibytes: process.resourceUsage().maxRSS / 1024 })}\n`,
)
