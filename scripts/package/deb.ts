// The Debian package, by dpkg-deb.
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Build, datedTree, root, run, sizeKib } from './common.ts'
import { type Generated, gzipped, layTree, layouts } from './tree.ts'

const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' }
const from = (name: string): string => readFileSync(join(root, 'deploy', 'packages', 'deb', name), 'utf8')
const maintainer = (control: string): string => /^Maintainer: (.*)$/m.exec(control)?.[1] ?? ''

function changelog(at: Build, revision: number, control: string): string {
  const date = new Date(at.epoch * 1000).toUTCString().replace('GMT', '+0000')
  return `pathproof (${at.version}-${revision}) unstable; urgency=medium\n\n  * What changed: /usr/share/doc/pathproof/CHANGELOG.md\n\n -- ${maintainer(control)}  ${date}\n`
}

/** Builds the package; gives its path. @throws where this architecture has none */
export function buildDeb(at: Build, generated: Generated, revision = 1): string {
  const arch = architectures[at.arch]
  if (arch === undefined) throw new Error(`Debian has no architecture for ${at.arch}`)
  const tree = join(at.work, 'deb')
  layTree(tree, layouts.deb, generated)
  const put = (path: string, content: string | Buffer, mode = 0o644): void => {
    mkdirSync(join(tree, path, '..'), { recursive: true })
    writeFileSync(join(tree, path), content)
    chmodSync(join(tree, path), mode)
  }
  const control = from('control')
  put('usr/share/doc/pathproof/copyright', from('copyright'))
  put('usr/share/doc/pathproof/changelog.Debian.gz', gzipped(changelog(at, revision, control)))
  put('usr/share/doc/pathproof/changelog.gz', gzipped(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')))
  put('usr/share/lintian/overrides/pathproof', from('lintian-overrides'))
  const sums = readdirSync(tree, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(tree.length + 1))
    .filter((path) => !path.startsWith('etc/'))
    .toSorted()
    .map(
      (path) =>
        `${createHash('md5')
          .update(readFileSync(join(tree, path)))
          .digest('hex')}  ${path}\n`,
    )
  const size = sizeKib(tree)
  put('DEBIAN/md5sums', sums.join(''))
  put('DEBIAN/conffiles', from('conffiles'))
  for (const script of ['postinst', 'prerm', 'postrm']) put(`DEBIAN/${script}`, from(script), 0o755)
  put(
    'DEBIAN/control',
    control
      .replace('@VERSION@', at.version)
      .replace('@REVISION@', String(revision))
      .replace('@ARCH@', arch)
      .replace('@SIZE@', String(size)),
  )
  datedTree(tree, at.epoch)
  const file = join(at.out, `pathproof_${at.version}-${revision}_${arch}.deb`)
  // xz at its fastest is smaller than zstd, takes 10 s, and every dpkg and lintian reads it; more threads than one could cut it otherwise
  run('dpkg-deb', ['--root-owner-group', '-Zxz', '-z1', '--threads-max=1', '--build', tree, file], {
    env: { SOURCE_DATE_EPOCH: String(at.epoch) },
  })
  return file
}
