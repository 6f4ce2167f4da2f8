import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { needs, titled } from '../support/needs.ts'
import { endAll, root, start } from '../support/processes.ts'
import { builtPackages, fileOf } from './built.ts'

const missing = await needs('dpkg-deb', 'rpmbuild', 'lintian', 'man', 'shellcheck')

let folder = ''
let work = ''
/** The unpacked Debian package. */
let tree = ''
let program = ''

function run(
  file: string,
  args: string[],
  env: Record<string, string> = {},
): { status: number | null; text: string } {
  const { status, stdout, stderr } = spawnSync(file, args, {
    encoding: 'utf8',
    cwd: work,
    env: { PATH: process.env['PATH'], HOME: work, ...env },
    maxBuffer: 1 << 27,
  })
  return { status, text: `${stdout}${stderr}` }
}

describe.skipIf(missing !== null)(titled('the packages', missing), () => {
  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), 'pathproof-packages-check-'))
    folder = await builtPackages()
    tree = join(work, 'deb')
    execFileSync('dpkg-deb', ['--raw-extract', fileOf(folder, '.deb'), tree])
    program = join(tree, 'usr/bin/pathproof')
  })
  afterAll(() => rmSync(work, { recursive: true, force: true }))
  afterEach(endAll)

  it('come with sums that are right', () => {
    const lines = readFileSync(join(folder, 'SHA256SUMS'), 'utf8').trim().split('\n')
    for (const line of lines) {
      const [sum = '', file = ''] = line.split('  ')
      expect(
        createHash('sha256')
          .update(readFileSync(join(folder, file)))
          .digest('hex'),
        file,
      ).toBe(sum)
    }
    expect(lines.map((line) => line.split('  ')[1])).toEqual(
      readdirSync(folder)
        .filter((f) => f !== 'SHA256SUMS')
        .toSorted(),
    )
  })

  it('the program stands alone: its version, its licences, its scenarios, and no option from the environment', () => {
    expect(run(program, ['--version'])).toEqual({
      status: 0,
      text: `pathproof ${manifest.version} (node ${process.versions.node})\n`,
    })
    const licences = run(program, ['--licenses']).text
    for (const [name, version] of Object.entries(manifest.dependencies))
      expect(licences).toContain(`\n${name} ${version} (`)
    expect(licences).toContain(`\nnode ${process.versions.node} (MIT`)
    expect(licences).toContain('The externally maintained libraries used by Node.js are')
    expect(run(program, ['lab', '--list']).text).toBe(
      run(join(root, 'bin/pathproof'), ['lab', '--list']).text,
    )
    expect(run(program, ['config', 'schema']).text).toBe(
      readFileSync(join(root, 'pathproof.schema.json'), 'utf8'),
    )
    const evil = join(work, 'evil.cjs')
    writeFileSync(evil, 'console.log("evil"); process.exit(9)')
    // the runtime itself would obey it
    expect(run(process.execPath, ['--version'], { NODE_OPTIONS: `--require ${evil}` }).status).toBe(0)
    expect(run(process.execPath, ['-p', '1'], { NODE_OPTIONS: `--require ${evil}` }).text).toContain('evil')
    for (const NODE_OPTIONS of [`--require ${evil}`, '--inspect=0', '--no-such-option'])
      expect(run(program, ['--version'], { NODE_OPTIONS })).toMatchObject({
        status: 0,
        text: expect.stringMatching(/^pathproof /),
      })
    // nor does it take those of Node.js as its own
    expect(run(program, ['--eval', '1']).status).toBe(64)
  })

  it('the program plays the lab, and starts itself for what needs a process of its own', async () => {
    const played = start(program, ['lab', '--mapped', '--matrix', '--api', '--scenario', 'blackhole'], {
      cwd: work,
    })
    expect(await played.ended, played.stderr()).toBe(0)
    // --api: the account was read by a process of the same program
    expect(played.stdout()).toMatch(/blackhole/)
  })

  it('the code cache is taken, or every start would say so', () => {
    expect(run(program, ['name', 's3.amazonaws.com']).text).not.toContain('Code cache')
  })

  it('lintian finds nothing but what is overridden with a reason', () => {
    expect(
      run('lintian', [
        '--fail-on=warning',
        '--tag-display-limit',
        '0',
        '--allow-root',
        fileOf(folder, '.deb'),
      ]),
    ).toEqual({
      status: 0,
      text: '',
    })
  })

  it('maintainer scripts and the completion pass shellcheck', () => {
    const scripts = ['postinst', 'prerm', 'postrm'].map((name) => join(tree, 'DEBIAN', name))
    const completion = join(tree, 'usr/share/bash-completion/completions/pathproof')
    expect(run('shellcheck', [...scripts, completion])).toEqual({ status: 0, text: '' })
  })

  it.each(['man8/pathproof.8.gz', 'man5/pathproof.yml.5.gz'])('man reads %s without a warning', (page) => {
    const file = join(tree, 'usr/share/man', page)
    const { status, text } = run(
      'sh',
      ['-c', `man --warnings=w -E UTF-8 -l -Tutf8 -Z '${file}' 2>&1 >/dev/null`],
      {
        MANWIDTH: '100',
        LC_ALL: 'C.UTF-8',
      },
    )
    expect({ status, text }).toEqual({ status: 0, text: '' })
    expect(run('lexgrog', [file]).text).toContain(' - ')
  })

  it('the manual has every command and every option', () => {
    const page = run('zcat', [join(tree, 'usr/share/man/man8/pathproof.8.gz')]).text.replaceAll('\\-', '-')
    for (const words of [['run'], ['config', 'iam'], ['ledger', 'verify'], ['lab'], ['name']]) {
      const help = run(program, [...words, '--help']).text
      expect(page).toContain(`.SS ${words.join(' ')}\n`)
      for (const [, option = ''] of help.matchAll(/^ {2}(?:-\w, )?(--[\w.-]+)/gm))
        expect(page).toContain(option)
    }
  })

  it.each([
    [['pathproof', 'le'], ['ledger']],
    [['pathproof', 'config', 'ia'], ['iam']],
    [['pathproof', 'ledger', 'verify', '--an'], ['--anchor']],
    [['pathproof', 'run', '--log.l'], ['--log.level']],
    [['pathproof', 'run', '--config.file', '/etc/passw'], expect.arrayContaining(['/etc/passwd'])],
    [['pathproof', '--vers'], ['--version']],
  ])('bash completes %j', (words, expected) => {
    const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pathproof; printf '%s\\n' "\${COMPREPLY[@]}"`
    const file = join(tree, 'usr/share/bash-completion/completions/pathproof')
    const { text } = run('bash', ['--norc', '-c', script, 'bash', file, ...words])
    expect(text.trim().split('\n')).toEqual(expected)
  })

  it('the rpm has its scripts, its configuration and what it needs', () => {
    const file = fileOf(folder, '.rpm')
    const ask = (...args: string[]): string => run('rpm', ['-qp', ...args, file]).text
    expect(ask('--configfiles').trim().split('\n')).toEqual([
      '/etc/pathproof/pathproof.yml',
      '/etc/sysconfig/pathproof',
    ])
    expect(ask('--requires')).toContain('libatomic.so.1()(64bit)')
    expect(ask('--requires')).not.toMatch(/GLIBC_2\.(29|3\d)/)
    for (const script of ['postinstall', 'preuninstall', 'postuninstall'])
      expect(ask('--scripts')).toContain(script)
    for (const unit of ['pathproof.service', 'pathproof-snapshot.service', 'pathproof-snapshot.timer'])
      expect(ask('-l')).toContain(`/usr/lib/systemd/system/${unit}`)
    expect(run('rpm', ['-K', '--nosignature', file]).text).toContain('digests OK')
    // the program in it was not stripped to death
    const digest = createHash('sha256').update(readFileSync(program)).digest('hex')
    expect(ask('--dump')).toMatch(
      new RegExp(`^/usr/bin/pathproof \\d+ \\d+ ${digest} 0100755 root root `, 'm'),
    )
  })

  it('the image is whole: digests, layout, and a root in which the program runs', () => {
    const layout = join(work, 'oci')
    const image = join(work, 'image')
    for (const path of [layout, image]) mkdirSync(path)
    const [tar = ''] = readdirSync(folder).filter((name) => name.endsWith('.tar'))
    execFileSync('tar', ['-C', layout, '-xf', join(folder, tar)])
    const blob = ({ digest, size }: { digest: string; size: number }): Buffer => {
      const bytes = readFileSync(join(layout, 'blobs/sha256', digest.slice('sha256:'.length)))
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest.slice('sha256:'.length))
      expect(bytes.length).toBe(size)
      return bytes
    }
    const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'))
    const document = JSON.parse(blob(index.manifests[0]).toString())
    const config = JSON.parse(blob(document.config).toString())
    expect(config.config).toMatchObject({ User: '65532:65532', Entrypoint: ['/usr/bin/pathproof'] })
    writeFileSync(join(work, 'layer.tar.gz'), blob(document.layers[0]))
    execFileSync('gunzip', [join(work, 'layer.tar.gz')])
    const bytes = readFileSync(join(work, 'layer.tar'))
    expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(config.rootfs.diff_ids[0])
    execFileSync('tar', ['-C', image, '--no-same-owner', '-xf', join(work, 'layer.tar')])
    const inside = run('unshare', [
      '--user',
      '--map-root-user',
      'chroot',
      image,
      '/usr/bin/pathproof',
      '--version',
    ])
    expect(inside.text).toBe(`pathproof ${manifest.version} (node ${process.versions.node})\n`)
  })

  it('the bill of materials names every dependency, and no other runtime', () => {
    const bom = JSON.parse(readFileSync(fileOf(folder, '.cdx.json'), 'utf8'))
    const names = (bom.components as { name: string; version: string }[]).map(
      ({ name, version }) => `${name} ${version}`,
    )
    for (const [name, version] of Object.entries(manifest.dependencies))
      expect(names).toContain(`${name} ${version}`)
    for (const name of Object.keys(manifest.devDependencies))
      expect(
        names.some((one) => one.startsWith(`${name} `)),
        name,
      ).toBe(false)
    expect(names.filter((name) => /^node-(linux|bin)-/.test(name))).toEqual([
      `node-linux-${process.arch} ${process.versions.node}`,
    ])
  })
})
