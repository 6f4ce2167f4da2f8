import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { runtimeEnvironment, runtimeOptions } from '../../scripts/package/runtime.ts'

const root = join(import.meta.dirname, '..', '..')
const text = (file: string): string => readFileSync(join(root, file), 'utf8')
const variables = Object.entries(runtimeEnvironment).map(([name, value]) => `${name}=${value}`)

test('unit, image and checkout run the program as it is measured', () => {
  expect(text('systemd/pathproof.service').split('\n')).toContain(`Environment=${variables.join(' ')}`)
  expect(text('deploy/packages/oci/Containerfile')).toMatch(new RegExp(`^ENV .*${variables.join(' ')}$`, 'm'))
  expect(text('bin/pathproof')).toContain(`\nexec "$node" ${runtimeOptions.join(' ')} "$root/agent/main.ts"`)
})
