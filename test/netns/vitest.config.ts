import { defineConfig } from 'vitest/config'

/** The network of real packets takes more than a minute; it is a run of its own: `npm run test:netns`. */
export default defineConfig({
  test: {
    include: ['test/netns/*.netns.ts'],
    pool: 'forks',
    testTimeout: 240_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
})
