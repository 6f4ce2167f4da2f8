import { setTimeout as wait } from 'node:timers/promises'

/** Calls `act` this often, evenly, for some seconds; it is not waited for. What came late is made up for. */
export async function paced(perSecond: number, forSeconds: number, act: () => void): Promise<void> {
  const everyMs = 1000 / perSecond
  const started = performance.now()
  for (let i = 0; i < forSeconds * perSecond; i++) {
    const ahead = started + i * everyMs - performance.now()
    if (ahead > 1) await wait(ahead)
    act()
  }
}
