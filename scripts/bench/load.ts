/**
 * The daemon and its peers at a steady rate on the same far ends, with tcpdump beside them: CPU, memory, and the times
 * that they report against the times on the wire. Runs in the bed.
 */
import { layBed } from './bed.ts'
import type { HeldKind } from './held.ts'
import { bare } from './peer-bare.ts'
import { blackbox } from './peer-blackbox.ts'
import { curl } from './peer-curl.ts'
import { product } from './product.ts'
import type { Errors } from './wire.ts'

export interface Load {
  who: 'product' | 'blackbox' | 'bare' | 'curl'
  targets: number
  everySeconds: number
  measureSeconds: number
  scrapeSeconds: number
  answers: number
  warmSeconds?: number
  /** Of the account's readings; default 60. */
  refreshSeconds?: number
  /** Instead of the interval: all targets are due at once. */
  cron?: string
  nodeFlags?: string[]
  /** Connections that lie on the product's HTTP surface meanwhile. */
  held?: { kind: HeldKind; connections: number }
  /** Its HTTP surface speaks TLS; it is not scraped then. */
  webTls?: boolean
}

export interface Outcome {
  cpuSecondsPer1000: number
  memoryMebibytes: number
  probes: number
  seconds: number
  /** From the first attempt to the last. */
  spanSeconds?: number
  states?: [string, number][]
  /** Of the CPU seconds: main thread, other threads, children. */
  split?: Record<string, number>
  tcp: Errors | null
  tls: Errors | null
  /** Milliseconds. */
  scrape?: { p50: number; p99: number }
  /** Connections of `held` that were opened, those again included. */
  heldOpened?: number
  /** Of the machine's processor time, what the hypervisor gave to others. Waking up then takes longer, and nobody sees by how much. */
  stolenShare?: number
}

/** One of them, in a bed of its own; the argument is a `Load` as JSON. */
export async function measureLoad([text = '{}']: string[]): Promise<Outcome> {
  const load = JSON.parse(text) as Load
  const bed = await layBed({ answers: load.answers })
  try {
    return await { product, blackbox, bare, curl }[load.who](bed, load)
  } finally {
    await bed.close()
  }
}
