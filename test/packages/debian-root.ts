/**
 * A clean Debian root without network and mirror: the files of some packages of this machine and of all that they depend on, and a
 * package database that knows these alone. Nothing that an administrator has changed or put in is in it.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** What dpkg and its maintainer scripts need, and what the package under test depends on or recommends. */
const wanted = [
  'base-files',
  'bash',
  'coreutils',
  'dash',
  'debconf',
  'diffutils',
  'dpkg',
  'findutils',
  'grep',
  'gzip',
  'init-system-helpers',
  'iproute2',
  'libatomic1',
  'libc-bin',
  'libstdc++6',
  'mawk',
  'perl-base',
  'sed',
  'tar',
]

const database = '/var/lib/dpkg'
const query = (...args: string[]): string =>
  execFileSync('dpkg-query', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  })

interface Installed {
  /** As the database calls it, `libc6:amd64`. */
  name: string
  stanza: string
  needs: string[]
}

function stanzas(): Map<string, Installed> {
  const text = execFileSync('cat', [join(database, 'status')], { encoding: 'utf8', maxBuffer: 1 << 27 })
  const all = new Map<string, Installed>()
  for (const stanza of text.split('\n\n')) {
    const field = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1] ?? ''
    if (!field('Status').endsWith(' installed')) continue
    const name = field('Package')
    const needs = `${field('Pre-Depends')},${field('Depends')}`
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
    const entry = { name, stanza, needs }
    all.set(name, entry)
    for (const provided of field('Provides').split(',')) {
      const what = provided.trim().split(/[\s(]/)[0] ?? ''
      if (what !== '' && !all.has(what)) all.set(what, entry)
    }
  }
  return all
}

/** The wanted packages and all that they need, each once. @throws if one is not installed on this machine */
function closure(): Installed[] {
  const all = stanzas()
  const found = new Map<string, Installed>()
  const take = (name: string): void => {
    const entry = all.get(name)
    if (entry === undefined) throw new Error(`the package ${name} is not installed here`)
    if (found.has(entry.name)) return
    found.set(entry.name, entry)
    for (const need of entry.needs) {
      const alternatives = need.split('|').map((one) => /^[^\s:(]+/.exec(one.trim())?.[0] ?? '')
      const there = alternatives.find((one) => all.has(one))
      if (there !== undefined) take(there)
    }
  }
  for (const name of wanted) take(name)
  return [...found.values()]
}

/** Lays the root into an empty folder. */
export function layDebianRoot(folder: string): void {
  for (const path of ['bin', 'sbin', 'lib', 'lib64']) {
    mkdirSync(join(folder, 'usr', path), { recursive: true })
    symlinkSync(`usr/${path}`, join(folder, path))
  }
  const packages = closure()
  const files = query('--listfiles', ...packages.map(({ name }) => name))
    .split('\n')
    .filter((path) => path.startsWith('/') && path !== '/.' && existsSync(path))
    .filter((path) => !/^\/usr\/share\/(doc|man|locale|info)\//.test(path))
    .map((path) => `.${path.replace(/^\/(bin|sbin|lib|lib64)(?=\/|$)/, '/usr/$1')}`)
  const list = [...new Set(files)].toSorted().join('\n')
  const archive = execFileSync('tar', ['-C', '/', '--no-recursion', '-cf', '-', '-T', '-'], {
    input: list,
    maxBuffer: 1 << 30,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  execFileSync('tar', ['-C', folder, '--no-same-owner', '--keep-directory-symlink', '-xf', '-'], {
    input: archive,
  })
  for (const path of [
    'dev',
    'proc',
    'sys',
    'tmp',
    'run',
    'root',
    'usr/local/sbin',
    'var/lib/dpkg/info',
    'var/lib/dpkg/updates',
    'var/lib/dpkg/triggers',
    'etc',
  ])
    mkdirSync(join(folder, path), { recursive: true })
  for (const device of ['null', 'urandom', 'random', 'zero']) writeFileSync(join(folder, 'dev', device), '')
  if (!existsSync(join(folder, 'usr/bin/awk'))) symlinkSync('mawk', join(folder, 'usr/bin/awk'))
  writeFileSync(
    join(folder, 'var/lib/dpkg/status'),
    `${packages.map(({ stanza }) => stanza.trim()).join('\n\n')}\n`,
  )
  writeFileSync(join(folder, 'var/lib/dpkg/available'), '')
  const names = new Set(packages.map(({ name }) => name))
  for (const file of readdirSync(join(database, 'info')))
    if (
      names.has(file.split(/[:.]/)[0] ?? '') ||
      [...names].some((name) => file.startsWith(`${name}.`) || file.startsWith(`${name}:`))
    )
      copyFileSync(join(database, 'info', file), join(folder, 'var/lib/dpkg/info', file))
  writeFileSync(
    join(folder, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n',
  )
  writeFileSync(join(folder, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n')
  writeFileSync(join(folder, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n')
  writeFileSync(join(folder, 'etc/hosts'), '127.0.0.1 localhost\n')
}
