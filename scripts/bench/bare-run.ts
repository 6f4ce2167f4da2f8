// What the runtime itself costs: paced `tls.connect` and GET by one shared context, nothing else.
//   node scripts/bench/bare-run.ts TARGETS EVERY_SECONDS CA_FILE OUT
import { readFileSync, writeFileSync } from 'node:fs'
import { connect, createSecureContext } from 'node:tls'
import { addressOf, cpuSecondsOf, nameOf } from './bed.ts'

const [targetsText, everyText, caFile = '', out = ''] = process.argv.slice(2)
const targets = Number(targetsText)
const secureContext = createSecureContext({
  ca: readFileSync(caFile, 'utf8'),
  minVersion: 'TLSv1.2',
  ecdhCurve: 'X25519:P-256:P-384',
})
const cpu = () => cpuSecondsOf(readFileSync('/proc/self/stat', 'utf8'))
let done = 0
let next = 0
let marked = { cpu: 0, atMs: 0 }

function probe(number: number): void {
  const socket = connect({
    host: addressOf(number),
    port: 443,
    servername: nameOf(number),
    secureContext,
    rejectUnauthorized: true,
  })
  socket.once('secureConnect', () =>
    socket.write(`GET / HTTP/1.1\r\nHost: ${nameOf(number)}\r\nConnection: close\r\n\r\n`),
  )
  socket.on('data', () => undefined)
  socket.once('end', () => {
    done++
    socket.destroy()
  })
  socket.once('error', (error) => process.stderr.write(`${error.message}\n`))
}

const everyMs = (Number(everyText) * 1000) / targets
const started = performance.now()
const pace = () => {
  for (; started + next * everyMs <= performance.now(); next++) probe(next % targets)
  setTimeout(pace, Math.max(1, started + next * everyMs - performance.now()))
}
pace()
process.on('SIGUSR2', () => {
  marked = { cpu: cpu(), atMs: Date.now() }
  done = 0
})
process.on('SIGTERM', () => {
  const told = {
    cpuSeconds: cpu() - marked.cpu,
    seconds: (Date.now() - marked.atMs) / 1000,
    memory: process.memoryUsage.rss() / 2 ** 20,
    probes: done,
  }
  writeFileSync(out, JSON.stringify(told))
  process.exit(0)
})
process.stdout.write('{}\n')
