import { expect } from 'vitest'
import type { ProgramCommand } from '../../agent/child.ts'
import type { Lab } from '../../lab/lab.ts'
import type { HostAccess } from '../../model/host.ts'
import type { NameVerdict, TargetVerdict } from '../../model/verdict.ts'
import { createHandClock, type HandClock } from '../agent/hand-clock.ts'
import { type RunningDaemon, startLabDaemon } from './lab-daemon.ts'
import { readerWithin } from './reader-within.ts'

export interface DrivenDaemon extends RunningDaemon {
  clock: HandClock
  /** The reader of the account and of records, in this process. */
  program: ProgramCommand
  /** Lets minutes go by, in steps in which what is on the wire comes to its end. */
  minutes(count: number): Promise<void>
  verdict(target: string): TargetVerdict | undefined
  /** The first name of a target. */
  name(target: string): NameVerdict | undefined
}

export interface DrivenOptions {
  scenario: string
  document(lab: Lab): object
  /** Changes what the daemon gets of the machine. */
  host?(host: HostAccess): HostAccess
  clock?: HandClock
  /** By how much the clock of this host, and of the readers on it, is ahead of AWS's. */
  skewSeconds?: number
}

/** A daemon in a lab, its account and records read by API in this process, on a clock that is moved by hand. */
export async function startDriven(options: DrivenOptions): Promise<DrivenDaemon> {
  const { clock = createHandClock(1_000, Date.now()), skewSeconds = 0 } = options
  const wallMs = () => clock.wallMs() + skewSeconds * 1000
  const within = readerWithin(wallMs)
  let reading = 0
  const program: ProgramCommand = {
    async within(...asked) {
      if (!('within' in within)) throw new Error('no reader')
      reading++
      try {
        return await within.within(...asked)
      } finally {
        // taken in before anybody looks
        setImmediate(() => reading--)
      }
    },
  }
  const running = await startLabDaemon({
    ...options,
    clock,
    program,
    host(given) {
      const skewed = { ...given, clock: { ...given.clock, wallMs } }
      return options.host?.(skewed) ?? skewed
    },
  })
  const verdict = (target: string) => running.daemon.verdicts().find((one) => one.target === target)
  return {
    ...running,
    clock,
    program,
    verdict,
    name: (target) => verdict(target)?.names[0],
    async minutes(count) {
      for (let step = 0; step < count * 6; step++) {
        await clock.advance(10_000)
        await running.daemon.settled()
        await expect.poll(() => reading, { timeout: 20_000 }).toBe(0)
        await expect.poll(() => running.lab.records.recorder.open(), { timeout: 5000 }).toBe(0)
      }
    },
  }
}
