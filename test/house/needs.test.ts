import { afterEach, expect, it, vi } from 'vitest'
import { needs, titled } from '../support/needs.ts'

afterEach(() => vi.unstubAllEnvs())

it('what is missing is a reason to skip, shown in the title, but an error where CI=true', async () => {
  vi.stubEnv('PATH', '/nonexistent')
  vi.stubEnv('CI', '')
  const reason = await needs('promtool')
  expect(reason).toBe('no promtool here (Debian package prometheus)')
  expect(titled('Prometheus', reason)).toBe(
    'Prometheus (skipped: no promtool here (Debian package prometheus))',
  )
  expect(await needs('namespaces')).toContain('no namespaces here')
  vi.stubEnv('CI', 'true')
  await expect(needs('promtool')).rejects.toThrow('with CI=true this test must run')
  expect(await needs()).toBeNull()
})
