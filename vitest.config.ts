import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { configDefaults, defineConfig } from 'vitest/config'
import { LongestFirst } from './test/order.ts'
import { alone, withPrograms } from './test/programs.ts'

export default defineConfig({
  test: {
    exclude: [...configDefaults.exclude, ...withPrograms],
    pool: 'forks',
    // Much of the time is spent in waiting for processes and servers: so there are more of them than processors
    // (a percentage would be cut to their number).
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // Workers, and the processes that tests start, compile a module once for all of them.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules', '.cache', 'node') },
    sequence: { sequencer: LongestFirst },
    // Milliseconds: what is waited for is mostly there at the next look.
    expect: { poll: { interval: 10 } },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default'],
    projects: [
      {
        extends: true,
        test: { name: 'alone', include: alone, isolate: true },
      },
      {
        // One process runs many files and loads the modules once.
        extends: true,
        test: {
          name: 'together',
          include: ['test/**/*.test.ts'],
          exclude: alone,
          isolate: false,
          setupFiles: ['test/set-up.ts'],
        },
      },
    ],
  },
})
