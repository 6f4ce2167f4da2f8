// The files of a package, where the file system hierarchy wants them.
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { exampleConfig } from '../../agent/config/example.ts'
import { configJsonSchema, configJsonSchemaText } from '../../agent/config/json-schema.ts'
import { commandTable } from './commands.ts'
import { type Build, root, run } from './common.ts'
import { bashCompletion, fishCompletion, zshCompletion } from './completions.ts'
import { configurationPage, programPage } from './man.ts'

/** What is generated once and stands in every kind of package. */
export interface Generated {
  binary: string
  licences: string
  /** Name of the page to its text. */
  pages: Readonly<Record<string, string>>
  bash: string
  zsh: string
  fish: string
}

export function generate(at: Build, binary: string, licences: string): Generated {
  const table = commandTable((args) => run(binary, args, { cwd: at.work }))
  return {
    binary,
    licences,
    pages: {
      'man8/pathproof.8': programPage(table, at.epoch, at.version),
      'man5/pathproof.yml.5': configurationPage(configJsonSchema(), exampleConfig, at.epoch, at.version),
    },
    bash: bashCompletion(table),
    zsh: zshCompletion(table),
    fish: fishCompletion(table),
  }
}

/** gzip without a date and a name, as Debian's policy wants it for documents. */
export const gzipped = (text: string): Buffer => {
  const bytes = gzipSync(text, { level: 9 })
  // the byte that names the system that packed it
  bytes[9] = 3
  return bytes
}

export interface Layout {
  /** Folder of units below the root. */
  units: string
  /** File of environment variables for the service. */
  environment: string
  zsh: string
  fish: string
}

export const layouts = {
  deb: {
    units: 'lib/systemd/system',
    environment: 'etc/default/pathproof',
    zsh: 'usr/share/zsh/vendor-completions/_pathproof',
    fish: 'usr/share/fish/vendor_completions.d/pathproof.fish',
  },
  rpm: {
    units: 'usr/lib/systemd/system',
    environment: 'etc/sysconfig/pathproof',
    zsh: 'usr/share/zsh/site-functions/_pathproof',
    fish: 'usr/share/fish/vendor_completions.d/pathproof.fish',
  },
} as const satisfies Record<string, Layout>

export const configurationFile = 'etc/pathproof/pathproof.yml'

/** Of deploy/: what a user copies from, as it is in the checkout. */
const shared = ['prometheus', 'alertmanager', 'grafana', 'mixin', 'cloud-init', 'athena']

/** Lays the files of a package below `folder`. Modes are 755 and 644, whatever the umask. */
export function layTree(folder: string, layout: Layout, generated: Generated): void {
  const put = (path: string, content: string | Buffer, mode = 0o644): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
    chmodSync(join(folder, path), mode)
  }
  const copy = (from: string, path: string): void => put(path, readFileSync(join(root, from)))
  mkdirSync(join(folder, 'usr', 'bin'), { recursive: true })
  copyFileSync(generated.binary, join(folder, 'usr', 'bin', 'pathproof'))
  chmodSync(join(folder, 'usr', 'bin', 'pathproof'), 0o755)
  copy('deploy/packages/pathproof.yml', configurationFile)
  copy('deploy/packages/default', layout.environment)
  for (const unit of ['pathproof.service', 'pathproof-snapshot.service', 'pathproof-snapshot.timer'])
    copy(`systemd/${unit}`, `${layout.units}/${unit}`)
  for (const [name, text] of Object.entries(generated.pages)) put(`usr/share/man/${name}.gz`, gzipped(text))
  put('usr/share/bash-completion/completions/pathproof', generated.bash)
  put(layout.zsh, generated.zsh)
  put(layout.fish, generated.fish)
  put('usr/share/pathproof/pathproof.schema.json', configJsonSchemaText())
  for (const name of shared) {
    const from = join(root, 'deploy', name)
    if (existsSync(from)) cpSync(from, join(folder, 'usr/share/pathproof', name), { recursive: true })
  }
  const doc = 'usr/share/doc/pathproof'
  for (const file of readdirSync(join(root, 'docs'), { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name).slice(root.length + 1)
    if (file.isFile() && file.name.endsWith('.md')) copy(path, `${doc}/${path.slice('docs/'.length)}`)
  }
  copy('docs/verify-ledger.py', `${doc}/examples/verify-ledger.py`)
  copy('README.md', `${doc}/README.md`)
  copy('CHANGELOG.md', `${doc}/CHANGELOG.md`)
  copy('deploy/pathproof.yml', `${doc}/examples/pathproof.yml`)
  for (const file of readdirSync(join(root, 'systemd', 'drop-ins')))
    copy(`systemd/drop-ins/${file}`, `${doc}/drop-ins/${file}`)
  put(`${doc}/THIRD-PARTY-LICENSES.txt.gz`, gzipped(readFileSync(generated.licences, 'utf8')))
  plainModes(folder)
}

function plainModes(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    chmodSync(path, entry.isDirectory() || path.endsWith('/bin/pathproof') ? 0o755 : 0o644)
  }
}
