import { configDefaults, defineConfig } from 'vitest/config'
import { withPrograms } from './test/programs.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...withPrograms],
    pool: 'forks',
    // Much of the time is spent in waiting for processes and servers: so there are more of them than processors.
    maxWorkers: '150%',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
})
