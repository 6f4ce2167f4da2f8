import { defineConfig } from 'vitest/config'

/** Terraform starts its provider anew for each step; all modules take a minute: `npm run test:terraform`. */
export default defineConfig({
  test: {
    include: ['test/terraform/*.terraform.ts'],
    pool: 'forks',
    testTimeout: 240_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
})
