import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, start } from '../support/processes.ts'

/**
 * The folder of built packages: that of PATHPROOF_PACKAGES if it is set (continuous integration builds them once), else they
 * are built now.
 */
export async function builtPackages(): Promise<string> {
  const given = process.env['PATHPROOF_PACKAGES']
  if (given !== undefined) return given
  const out = mkdtempSync(join(tmpdir(), 'pathproof-packages-test-'))
  const building = start(process.execPath, [join(root, 'scripts', 'package.ts'), '--out', out], {
    env: { SOURCE_DATE_EPOCH: process.env['SOURCE_DATE_EPOCH'] },
  })
  const code = await building.ended
  if (code !== 0) throw new Error(`the packages could not be built (${code})\n${building.stderr()}`)
  return out
}

/** The one file in the folder that ends so. */
export function fileOf(folder: string, ending: string): string {
  const found = readdirSync(folder).filter((name) => name.endsWith(ending))
  if (found.length !== 1) throw new Error(`${found.length} files in ${folder} end with ${ending}`)
  return join(folder, found[0] ?? '')
}
