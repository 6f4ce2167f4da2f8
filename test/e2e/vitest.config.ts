import { defineConfig } from 'vitest/config'
import { withPrograms } from '../programs.ts'

export default defineConfig({
  test: {
    include: withPrograms,
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
})
