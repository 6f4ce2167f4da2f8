/** DNS look-ups by product and blackbox_exporter, of the same resolver. Runs in the bed. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { cpuSecondsOf, layBed, nameOf } from './bed.ts'

const rounds = 5
const count = 4000
const blackboxCount = 2000

function product(): number {
  const said = execFileSync(process.execPath, [join(import.meta.dirname, 'dns-run.ts'), String(count)], {
    encoding: 'utf8',
  })
  const told = JSON.parse(said) as { failed: number; cpuSecondsPer1000: number }
  if (told.failed > 0) process.stderr.write(`${told.failed} look-ups failed\n`)
  return told.cpuSecondsPer1000
}

export async function measureDns(): Promise<{ product: number[]; blackbox: number[] }> {
  const bed = await layBed()
  const config = join(bed.directory, 'blackbox-dns.yml')
  writeFileSync(
    config,
    `modules:\n  dns: { prober: dns, timeout: 5s, dns: { transport_protocol: udp, preferred_ip_protocol: ip4, query_name: ${nameOf(1)}, query_type: A } }\n`,
  )
  const exporter = spawn(
    'prometheus-blackbox-exporter',
    [`--config.file=${config}`, '--web.listen-address=127.0.0.1:9115', '--log.level=error'],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  try {
    await wait(500)
    const agent = new Agent({ keepAlive: true, maxSockets: 32 })
    const ask = () =>
      new Promise<void>((resolve, reject) => {
        get(
          { host: '127.0.0.1', port: 9115, path: '/probe?module=dns&target=10.0.0.2', agent },
          (response) => {
            response.resume().once('end', resolve)
          },
        ).once('error', reject)
      })
    const ofExporter = async () => {
      const cpu = () => cpuSecondsOf(readFileSync(`/proc/${exporter.pid}/stat`, 'utf8'))
      const before = cpu()
      let left = blackboxCount
      await Promise.all(
        Array.from({ length: 32 }, async () => {
          while (left-- > 0) await ask()
        }),
      )
      return ((cpu() - before) / blackboxCount) * 1000
    }
    const told = { product: [] as number[], blackbox: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      told.product.push(product())
      told.blackbox.push(await ofExporter())
    }
    return told
  } finally {
    exporter.kill('SIGTERM')
    await once(exporter, 'close')
    await bed.close()
  }
}
