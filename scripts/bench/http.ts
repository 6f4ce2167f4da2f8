import { readFileSync } from 'node:fs'
import { startAgent } from './agent-process.ts'
import type { Figure } from './figure.ts'
import { httpLoad } from './http-load.ts'

const targets = 500

/** The HTTP surface of an agent with 500 targets, under scrapes and under those who mean it no good. */
export async function benchHttp(): Promise<Figure[]> {
  const agent = await startAgent(targets)
  try {
    const residentBytes = (): number | null => {
      const kibibytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8'))?.[1]
      return kibibytes === undefined ? null : Number(kibibytes) * 1024
    }
    const loads = await httpLoad({ port: agent.port, residentBytes })
    return loads.flatMap((one) => [
      { name: `${one.load}: served`, unit: '× of what was sent', floor: 1, value: one.served / one.sent },
      { name: `${one.load}: it took`, unit: 's', value: one.seconds },
      { name: `${one.load}: longest scrape beside it`, unit: 'ms', value: one.longestScrapeSeconds * 1000 },
      { name: `${one.load}: memory at most`, unit: 'MiB', value: one.residentMostMib ?? Number.NaN },
    ])
  } finally {
    await agent.stop()
  }
}
