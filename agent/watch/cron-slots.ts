import type { CronSlots } from '../../ledger/coverage.ts'
import { type Cron, cron } from './cron.ts'

/** A day of seconds; more slots than that nobody plans. */
const mostSlots = 86_400

/** Counts the slots of cron expressions in UTC; null for an expression that can't be read. */
export function createCronSlots(): CronSlots {
  const known = new Map<string, Cron | null>()
  const read = (expression: string): Cron | null => {
    const before = known.get(expression)
    if (before !== undefined) return before
    let found: Cron | null = null
    try {
      found = cron(expression)
    } catch {
      // Out of a record: whoever wrote it may have written anything.
    }
    if (known.size < 1000) known.set(expression, found)
    return found
  }
  return (expression, fromMs, toMs) => {
    const found = read(expression)
    if (found === null) return null
    let slots = 0
    let at = found.nextMs(fromMs - 1)
    while (at !== null && at < toMs && slots < mostSlots) {
      slots++
      at = found.nextMs(at)
    }
    return slots
  }
}
