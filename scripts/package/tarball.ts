// The program and all that belongs to it in one folder, for hosts without dpkg or rpm.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Build, datedTree, root, run, tarArguments } from './common.ts'
import { type Generated, layTree, layouts } from './tree.ts'

/** Builds the tarball; gives its path. */
export function buildTarball(at: Build, generated: Generated): string {
  const name = `pathproof-${at.version}-linux-${at.arch}`
  const tree = join(at.work, 'tarball', name)
  layTree(tree, layouts.rpm, generated)
  writeFileSync(join(tree, 'LICENSE'), readFileSync(join(root, 'LICENSE')), { mode: 0o644 })
  datedTree(tree, at.epoch)
  const file = join(at.out, `${name}.tar.gz`)
  const tar = join(at.work, `${name}.tar`)
  run('tar', [
    ...tarArguments(at.epoch),
    '--owner=0',
    '--group=0',
    '-C',
    join(at.work, 'tarball'),
    '-cf',
    tar,
    name,
  ])
  run('gzip', ['-n', '-6', tar])
  run('mv', [`${tar}.gz`, file])
  return file
}
