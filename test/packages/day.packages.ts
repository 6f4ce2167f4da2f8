import { execFileSync } from 'node:child_process'
import { EventEmitter } from 'node:events'
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemServersOf } from '../../lab/lab.ts'
import { runInNamespace } from '../../lab/namespace.ts'
import { firstWorld, loadScenario } from '../../lab/scenario.ts'
import { needs, titled } from '../support/needs.ts'
import { builtPackages, fileOf } from './built.ts'
import { layDebianRoot } from './debian-root.ts'

const missing = await needs(
  'namespaces',
  'ip',
  'python3',
  'openssl',
  'promtool',
  'prometheus',
  'prometheus-alertmanager',
  'dpkg-deb',
  'systemd-analyze',
)

/** The same package once more, a revision younger, with another default configuration. */
function nextRevision(deb: string, work: string): string {
  const tree = join(work, 'next')
  execFileSync('dpkg-deb', ['--raw-extract', deb, tree])
  const control = join(tree, 'DEBIAN', 'control')
  writeFileSync(control, readFileSync(control, 'utf8').replace(/^(Version: .*)-1$/m, '$1-2'))
  appendFileSync(join(tree, 'etc/pathproof/pathproof.yml'), '\n# A younger default.\n')
  const file = join(work, 'next.deb')
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, file], { stdio: 'ignore' })
  return file
}

describe.skipIf(missing !== null)(titled('a day in production', missing), () => {
  let work = ''
  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), 'pathproof-day-'))
  })
  afterAll(() => rmSync(work, { recursive: true, force: true }))

  it('from installation to purge', async () => {
    const deb = fileOf(await builtPackages(), '.deb')
    const root = join(work, 'root')
    mkdirSync(root)
    layDebianRoot(root)
    copyFileSync(deb, join(root, 'tmp', basename(deb)))
    copyFileSync(nextRevision(deb, work), join(root, 'tmp', 'next.deb'))
    const output = join(work, 'output')
    const code = await runInNamespace({
      command: [
        'sh',
        '-c',
        `exec "$0" "$@" >${output} 2>&1`,
        process.execPath,
        join(import.meta.dirname, 'inside', 'day.ts'),
        root,
        `/tmp/${basename(deb)}`,
        '/tmp/next.deb',
      ],
      environment: { ...process.env, NODE_EXTRA_CA_CERTS: undefined },
      listen: null,
      nameServers: systemServersOf(firstWorld(await loadScenario('demo'))).map(({ address }) => address),
      signals: new EventEmitter(),
    })
    const said = readFileSync(output, 'utf8')
    expect(code, said).toBe(0)
    console.log(said)
    expect(said.split('\n').filter((line) => /^\d+\. /.test(line))).toHaveLength(12)
  })
})
