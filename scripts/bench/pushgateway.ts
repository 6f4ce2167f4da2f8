/** One scrape of the same series by Pushgateway, which holds what was pushed to it: CPU of its process, by HTTP. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { cpuSecondsOf } from './bed.ts'

export interface PushgatewayScrapes {
  /** CPU milliseconds of one scrape, for each round. */
  cpuMs: number[]
  mebibytes: number
  /** Lines of the scrape that are samples of what was pushed. */
  series: number
}

/** `scrapes` may not be few: the kernel counts a process's CPU in hundredths of a second. Throws if it does not take what is pushed. */
export async function scrapePushgateway(
  exposition: string,
  { rounds, scrapes }: { rounds: number; scrapes: number },
): Promise<PushgatewayScrapes> {
  const directory = mkdtempSync(join(tmpdir(), 'pathproof-bench-'))
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  const base = `http://127.0.0.1:${port}`
  const child = spawn(
    'prometheus-pushgateway',
    [`--web.listen-address=127.0.0.1:${port}`, '--log.level=error'],
    { stdio: ['ignore', 'ignore', 'inherit'], cwd: directory },
  )
  try {
    const ready = () =>
      fetch(`${base}/-/ready`).then(
        (answer) => answer.ok,
        () => false,
      )
    for (let i = 0; !(await ready()); i++) {
      if (i === 200) throw new Error('Pushgateway does not answer')
      await wait(50)
    }
    const pushed = await fetch(`${base}/metrics/job/bench`, { method: 'PUT', body: exposition })
    if (!pushed.ok) throw new Error(`Pushgateway: ${pushed.status} ${await pushed.text()}`)
    const cpu = () => cpuSecondsOf(readFileSync(`/proc/${child.pid}/stat`, 'utf8'))
    const scrape = async () => (await fetch(`${base}/metrics`)).text()
    const text = await scrape()
    const cpuMs: number[] = []
    for (let round = 0; round < rounds; round++) {
      const before = cpu()
      for (let i = 0; i < scrapes; i++) await scrape()
      cpuMs.push(((cpu() - before) * 1000) / scrapes)
    }
    const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
    return {
      cpuMs,
      mebibytes: Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024,
      series: text.split('\n').filter((line) => line.startsWith('pathproof_')).length,
    }
  } finally {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'close')
    rmSync(directory, { recursive: true, force: true })
  }
}
