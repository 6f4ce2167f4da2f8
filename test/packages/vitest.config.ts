import { defineConfig } from 'vitest/config'

/** Packages are built and installed, which takes more than a minute: a run of its own, `npm run test:packages`. */
export default defineConfig({
  test: {
    include: ['test/packages/*.packages.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 400_000,
    hookTimeout: 400_000,
    reporters: ['default'],
  },
})
