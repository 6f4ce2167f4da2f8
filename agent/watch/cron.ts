import { createTask, parse } from 'node-cron'

/** A cron expression in UTC that can be asked for its next fire from any moment. */
export interface Cron {
  expression: string
  /** Unix milliseconds of the first fire strictly after `afterMs`; null when there is none within 41 years. */
  nextMs(afterMs: number): number | null
}

const dayMs = 86_400_000

// 29 February on one given weekday comes back after at most 40 years (across 2100).
const horizonDays = 41 * 366

/**
 * Reads a cron expression (5 fields, or 6 with seconds) with node-cron's own parser, in UTC, so without
 * the hours that daylight saving repeats or leaves out. node-cron tells the next fire only from the
 * machine's clock; here the day is found by its `match`, and the time of day from its parsed fields.
 * @throws Error with node-cron's words when the expression is not valid
 */
export function cron(expression: string): Cron {
  const fields = parse(expression)
  const task = createTask(expression, () => undefined, { timezone: 'UTC' })
  // The task serves as a matcher only: it must not stay in node-cron's list of tasks.
  void task.destroy()
  const seconds = ascending(fields.second)
  const minutes = ascending(fields.minute)
  const hours = ascending(fields.hour)
  const months = new Set(fields.month)
  const days = onlyNumbers(fields.dayOfMonth)
  const weekdays = onlyNumbers(fields.dayOfWeek)
  const firstOfDay = timeOfDay(hours[0] ?? 0, minutes[0] ?? 0, seconds[0] ?? 0)

  const dayMatches = (midnight: number): boolean => {
    const date = new Date(midnight)
    if (!months.has(date.getUTCMonth() + 1)) return false
    if (days !== null && !days.has(date.getUTCDate())) return false
    if (weekdays !== null && !weekdays.has(date.getUTCDay())) return false
    // The last word on L, W and # is node-cron's.
    return task.match(new Date(midnight + firstOfDay))
  }

  const timeAfter = (elapsed: number): number | null => {
    for (const hour of hours) {
      if (timeOfDay(hour, 59, 59) <= elapsed) continue
      for (const minute of minutes) {
        if (timeOfDay(hour, minute, 59) <= elapsed) continue
        for (const second of seconds) {
          const time = timeOfDay(hour, minute, second)
          if (time > elapsed) return time
        }
      }
    }
    return null
  }

  return {
    expression,
    nextMs(afterMs) {
      const today = Math.floor(afterMs / dayMs) * dayMs
      const later = timeAfter(afterMs - today)
      if (later !== null && dayMatches(today)) return today + later
      for (let day = 1; day <= horizonDays; day++) {
        const midnight = today + day * dayMs
        if (dayMatches(midnight)) return midnight + firstOfDay
      }
      return null
    },
  }
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b)
}

/** The values as a set, or null if one of them is not a plain number (`L`, `15W`, `5#2`). */
function onlyNumbers(values: readonly (number | string)[]): Set<number> | null {
  const numbers = values.filter((value) => typeof value === 'number')
  return numbers.length === values.length ? new Set(numbers) : null
}

function timeOfDay(hour: number, minute: number, second: number): number {
  return ((hour * 60 + minute) * 60 + second) * 1000
}
