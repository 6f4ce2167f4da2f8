// One pass over a file of flow records in a process of its own; prints CPU seconds, hits and memory over idle as one JSON line.
//   node scripts/bench/flow-scan.ts plain|census RECORDS KEYS FORMAT
import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { readFlowFormat } from '../../aws/flow-format.ts'
import { createFlowScan } from '../../aws/flow-scan.ts'
import { specialPurpose } from '../../net/special.ts'
import { parseIp } from '../../net/ip.ts'

const [kind, records = '', keysFile = '', formatText = ''] = process.argv.slice(2)
const read = readFlowFormat(formatText)
if (!read.ok) throw new Error(read.problem)
const keys = readFileSync(keysFile, 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split(' '))
  .map(([remoteAddress = '', local, remote, protocol]) => ({
    remoteAddress,
    localPort: Number(local),
    remotePort: Number(remote),
    protocol: Number(protocol),
  }))
const isPublic = (text: string): boolean => {
  const ip = parseIp(text)
  return ip.ok && specialPurpose(ip.value) === null
}
const buffer = Buffer.alloc(262_144)
const file = openSync(records, 'r')
const idle = process.memoryUsage().rss
const before = process.cpuUsage()
const scan = createFlowScan({ format: read.format, keys, census: kind === 'census', isPublic })
let hits = 0
const onLine = (): void => void hits++
for (;;) {
  const length = readSync(file, buffer)
  if (length === 0) break
  scan.scan(buffer.subarray(0, length), onLine)
}
scan.end(onLine)
const { user, system } = process.cpuUsage(before)
closeSync(file)
const { lines, badLines } = scan.counters()
const flows = (scan.census()?.rows ?? []).reduce((sum, row) => sum + row.flows, 0)
if (badLines > 0 || (kind === 'census' && flows !== lines)) throw new Error('the census lost flows')
console.log(
  JSON.stringify({
    cpuSeconds: (user + system) / 1e6,
    hits,
    lines,
    mebibytes: process.resourceUsage().maxRSS / 1024 - idle / 1_048_576,
  }),
)
