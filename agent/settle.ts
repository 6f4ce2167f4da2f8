import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** With more targets the heap is soon as large again, and a stop of the loop falls on attempts that are under way. */
const mostTargets = 50

/** Waiting long enough for the first reading and the first cycles to be over. */
export const settleSeconds = 2

/**
 * Gives back to the system what starting took. V8's young generation stays as large as loading the program made it, and an agent
 * of few targets allocates so little that nothing collects it for hours: some 8 MiB of 85. Stops the loop once, for some 50 ms.
 */
export function settleHeap(targets: number): void {
  if (targets > mostTargets) return
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (how: object) => void
  setFlagsFromString('--no-expose-gc')
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
