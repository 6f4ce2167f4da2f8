import { afterAll, vi } from 'vitest'

/** Many files run in one process: what one of them leaves of its environment and of a clock must not meet the next. */
const before = { ...process.env }

afterAll(() => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
  Object.assign(process.env, before)
  vi.useRealTimers()
})
