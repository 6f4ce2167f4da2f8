import { readFile } from 'node:fs/promises'
import { uptime } from 'node:os'
import type { HostAccess } from '../model/host.ts'
import { systemHost } from '../probes/host.ts'
import { countingSuspend } from './clock.ts'

/** This machine, with a monotonic clock that also counts the time it slept: an old verdict must look old. */
export function machine(environment: HostAccess['environment']): HostAccess {
  const host = systemHost(environment)
  return { ...host, clock: countingSuspend(host.clock, uptime) }
}

/** A small text file of the system, null if it can't be read. */
export async function readText(path: string): Promise<string | null> {
  try {
    return (await readFile(path, 'utf8')).slice(0, 4096)
  } catch {
    return null
  }
}

/** Resolves after `seconds`, or at once when the signal fires. */
export function sleep(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, seconds * 1000)
    signal.addEventListener('abort', done, { once: true })
  })
}
