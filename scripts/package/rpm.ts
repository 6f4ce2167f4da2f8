// The RPM package, by rpmbuild.
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Build, datedTree, root, run } from './common.ts'
import { configurationFile, type Generated, layTree, layouts } from './tree.ts'

const architectures: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' }

function fileList(tree: string): string {
  return readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(tree.length + 1))
    .toSorted()
    .map((path) => {
      const mode = path === 'usr/bin/pathproof' ? '0755' : '0644'
      const kind =
        path === configurationFile || path === layouts.rpm.environment
          ? '%config(noreplace) '
          : path.startsWith('usr/share/doc/') || path.startsWith('usr/share/man/')
            ? '%doc '
            : ''
      return `${kind}%attr(${mode}, root, root) "/${path}"`
    })
    .join('\n')
}

/** Builds the package; gives its path. @throws where this architecture has none */
export function buildRpm(at: Build, generated: Generated, revision = 1): string {
  const arch = architectures[at.arch]
  if (arch === undefined) throw new Error(`RPM has no architecture for ${at.arch}`)
  const tree = join(at.work, 'rpm')
  layTree(tree, layouts.rpm, generated)
  mkdirSync(join(tree, 'usr/share/licenses/pathproof'), { recursive: true })
  writeFileSync(join(tree, 'usr/share/licenses/pathproof/LICENSE'), readFileSync(join(root, 'LICENSE')))
  datedTree(tree, at.epoch)
  const top = join(at.work, 'rpmbuild')
  mkdirSync(top, { recursive: true })
  const spec = join(top, 'pathproof.spec')
  const owned = [
    '/etc/pathproof',
    '/usr/share/pathproof',
    '/usr/share/doc/pathproof',
    '/usr/share/licenses/pathproof',
  ]
  writeFileSync(
    spec,
    readFileSync(join(root, 'deploy/packages/rpm/pathproof.spec'), 'utf8')
      .replace('@VERSION@', at.version)
      .replace('@REVISION@', String(revision))
      .replace('@TREE@', tree)
      .replace('@FILES@', `${owned.map((path) => `%dir "${path}"`).join('\n')}\n${fileList(tree)}`),
  )
  run('rpmbuild', ['-bb', '--quiet', '--target', `${arch}-linux`, '--define', `_topdir ${top}`, spec], {
    env: { SOURCE_DATE_EPOCH: String(at.epoch), HOME: at.work },
  })
  const name = `pathproof-${at.version}-${revision}.${arch}.rpm`
  renameSync(join(top, 'RPMS', arch, name), join(at.out, name))
  return join(at.out, name)
}
