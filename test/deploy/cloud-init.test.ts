/** The user data: a configuration that loads, a script that shellcheck accepts, and nothing installed where a checksum is wrong. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseConfig } from '../../agent/config/load.ts'
import manifest from '../../package.json' with { type: 'json' }
import { needs, titled } from '../support/needs.ts'

const root = resolve(import.meta.dirname, '../..')
const file = join(root, 'deploy/cloud-init/pathproof.yaml')
const text = readFileSync(file, 'utf8')

interface UserData {
  write_files: { path: string; owner: string; permissions: string; content: string }[]
  runcmd: string[][]
}
const data = parse(text) as UserData
const written = (path: string) => {
  const found = data.write_files.find((entry) => entry.path === path)
  if (found === undefined) throw new Error(`${path} is not written`)
  return found
}
const program = '/usr/local/sbin/pathproof-install'
const sha256 = (content: string) => createHash('sha256').update(content).digest('hex')

const noShellcheck = await needs('shellcheck')
// Not in Debian's build images; where it is, it has a word.
const noCloudInit =
  spawnSync('cloud-init', ['--version'], { stdio: 'ignore' }).error === undefined
    ? null
    : 'no cloud-init here'

describe('user data', () => {
  it('is a cloud-config of a size that EC2 takes', () => {
    expect(text.startsWith('#cloud-config\n')).toBe(true)
    expect(Buffer.byteLength(text)).toBeLessThan(16_384)
    expect(Object.keys(data)).toEqual(['write_files', 'runcmd'])
    for (const { owner, permissions } of data.write_files) {
      expect(owner).toBe('root:root')
      // A text: as a number YAML would read it in another base.
      expect(permissions).toMatch(/^0[67][45][45]$/)
    }
  })

  it('puts a configuration that is accepted, as it is and with its keys switched on', () => {
    const { content } = written('/etc/pathproof/pathproof.yml')
    for (const config of [content, content.replace(/^#(?=\w+:)/gm, '')]) {
      const loaded = parseConfig(config, 'pathproof.yml', Date.now())
      expect(loaded.ok ? [] : loaded.problems).toEqual([])
    }
  })

  it('calls what it wrote, for this version, and stops until the checksum is filled in', () => {
    const [call = []] = data.runcmd
    expect(data.runcmd).toHaveLength(1)
    expect(call[0]).toBe(written(program).path)
    expect(call[3]).toBe(manifest.version)
    expect(call[4]).toMatch(/^REPLACE/)
  })

  it.skipIf(noShellcheck !== null)(titled('has a script that shellcheck accepts', noShellcheck), () => {
    const checked = spawnSync('shellcheck', ['--shell=sh', '-'], {
      input: written(program).content,
      encoding: 'utf8',
    })
    expect(checked.stdout).toBe('')
    expect(checked.status).toBe(0)
  })

  it.skipIf(noCloudInit !== null)(titled("keeps to cloud-init's own schema", noCloudInit), () => {
    const checked = spawnSync('cloud-init', ['schema', '--config-file', file], { encoding: 'utf8' })
    expect(`${checked.stdout}${checked.stderr}`).toContain('Valid')
    expect(checked.status).toBe(0)
  })
})

describe('the script', () => {
  let directory = ''
  let bucket = ''
  let called = ''
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'pathproof-cloud-init-'))
    bucket = join(directory, 'bucket')
    called = join(directory, 'called')
    mkdirSync(bucket)
    mkdirSync(join(directory, 'bin'))
    mkdirSync(join(directory, 'tmp'))
    writeFileSync(called, '')
    stub(
      'aws',
      'for last; do :; done\nfor word; do case $word in s3://*) from=$word ;; esac; done\ncp "$BUCKET/${from##*/}" "$last"',
    )
    stub('uname', 'echo "$MACHINE"')
    stub('systemctl', '')
    writeFileSync(join(directory, 'install'), written(program).content, { mode: 0o755 })
  })
  afterEach(() => rmSync(directory, { recursive: true, force: true }))

  function stub(name: string, body: string): void {
    const path = join(directory, 'bin', name)
    writeFileSync(path, `#!/bin/sh\necho "${name} $*" >> "$CALLED"\n${body}\n`)
    chmodSync(path, 0o755)
  }

  /** The bucket with these files and a SHA256SUMS of them; gives its checksum. */
  function fill(files: Record<string, string>, sums?: string): string {
    for (const [name, content] of Object.entries(files)) writeFileSync(join(bucket, name), content)
    const all =
      sums ??
      Object.entries(files)
        .map(([name, content]) => `${sha256(content)}  ${name}\n`)
        .join('')
    writeFileSync(join(bucket, 'SHA256SUMS'), all)
    return sha256(all)
  }

  /** Only what a small image has is in PATH: of the package managers, those that were put there. */
  function install(args: string[], machine = 'x86_64') {
    const tools = join(directory, 'tools')
    mkdirSync(tools, { recursive: true })
    for (const tool of ['mktemp', 'rm', 'cp', 'sha256sum', 'awk', 'grep', 'sh'])
      spawnSync('sh', ['-c', 'ln -sf "$(command -v "$1")" "$2/$1"', 'sh', tool, tools])
    const { status, stderr } = spawnSync(join(directory, 'install'), args, {
      encoding: 'utf8',
      env: {
        PATH: `${join(directory, 'bin')}:${tools}`,
        TMPDIR: join(directory, 'tmp'),
        BUCKET: bucket,
        CALLED: called,
        MACHINE: machine,
      },
    })
    const calls = readFileSync(called, 'utf8').trim().split('\n')
    return {
      status,
      stderr,
      calls,
      changed: calls.filter((call) => /^(?:dpkg|rpm|dnf|systemctl) /.test(call)),
    }
  }

  const deb = 'pathproof_0.1.0-1_amd64.deb'
  const place = 's3://my-bucket/pathproof/'

  it('verifies, installs the package of this machine with the configuration that is there, and starts the unit', () => {
    stub('dpkg', '')
    const sums = fill({ [deb]: 'package', 'other.txt': 'x' })
    const { status, stderr, calls, changed } = install([place, 'eu-west-1', '0.1.0', sums])
    expect([status, stderr]).toEqual([0, ''])
    expect(calls.filter((call) => call.startsWith('aws'))).toEqual(
      ['SHA256SUMS', deb].map(
        (name) =>
          `aws s3 cp --region eu-west-1 --only-show-errors s3://my-bucket/pathproof/${name} ./${name}`,
      ),
    )
    expect(changed).toEqual([
      `dpkg --force-confold --install ${deb}`,
      'systemctl enable --now pathproof.service',
    ])
    expect(readdirSync(join(directory, 'tmp'))).toEqual([])
  })

  it('takes the packages of other machines, and further packages before its own', () => {
    stub('rpm', '')
    const rpm = 'pathproof-0.1.0-1.aarch64.rpm'
    const sums = fill({ [rpm]: 'package', 'libatomic.rpm': 'library' })
    const { status, changed } = install([place, 'eu-west-1', '0.1.0', sums, 'libatomic.rpm'], 'aarch64')
    expect(status).toBe(0)
    expect(changed[0]).toBe(`rpm --upgrade --replacepkgs libatomic.rpm ${rpm}`)
    rmSync(join(directory, 'bin/rpm'))
    stub('dpkg', '')
    const arm = 'pathproof_0.1.0-1_arm64.deb'
    const others = fill({ [arm]: 'package' })
    expect(install([place, 'eu-west-1', '0.1.0', others], 'aarch64').changed).toContain(
      `dpkg --force-confold --install ${arm}`,
    )
  })

  it('asks dnf for what is missing, and does not start what could not be installed', () => {
    stub('rpm', 'exit 1')
    stub('dnf', 'exit 1')
    const rpm = 'pathproof-0.1.0-1.x86_64.rpm'
    const { status, changed } = install([place, 'eu-west-1', '0.1.0', fill({ [rpm]: 'package' })])
    expect(status).not.toBe(0)
    expect(changed).toEqual([`rpm --upgrade --replacepkgs ${rpm}`, `dnf --assumeyes install ./${rpm}`])
  })

  const good = { [deb]: 'package' }
  const named = (name: string) => `${sha256('package')}  ${name}\n`
  const wrong: Record<string, { args?: (sums: string) => string[]; fill?: () => string; says: RegExp }> = {
    'a package that was changed': {
      fill() {
        const sums = fill(good)
        writeFileSync(join(bucket, deb), 'another')
        return sums
      },
      says: /wrong checksum: nothing is installed/,
    },
    'a package and its SHA256SUMS that were changed together': {
      fill() {
        const sums = fill(good)
        fill({ [deb]: 'another' })
        return sums
      },
      says: /SHA256SUMS is not the one that was named/,
    },
    'a further package that was changed': {
      fill() {
        const sums = fill({ ...good, 'lib.deb': 'library' })
        writeFileSync(join(bucket, 'lib.deb'), 'another')
        return sums
      },
      args: (sums) => [place, 'eu-west-1', '0.1.0', sums, 'lib.deb'],
      says: /lib\.deb: wrong checksum/,
    },
    'a package that SHA256SUMS does not name': {
      fill: () => fill(good, named('pathproof_0.1.0-1_amd64.deb.old')),
      says: /does not name pathproof_0\.1\.0-1_amd64\.deb once/,
    },
    'a package that it names twice': {
      fill: () => fill(good, named(deb) + named(deb)),
      says: /does not name/,
    },
    'a line that is no checksum': { fill: () => fill(good, `ok  ${deb}\n`), says: /wrong checksum/ },
    'an empty SHA256SUMS': { fill: () => fill(good, ''), says: /does not name/ },
    'a bucket without the package': {
      fill: () => fill({}, named(deb)),
      says: /could not be read/,
    },
    'a name with folders': {
      args: (sums) => [place, 'eu-west-1', '0.1.0', sums, '../../bin/x'],
      says: /without folders/,
    },
    'the checksum as it stands in the file': {
      args: () => data.runcmd[0]?.slice(1) ?? [],
      says: /SUMS_SHA256/,
    },
    'an empty checksum': { args: () => [place, 'eu-west-1', '0.1.0', ''], says: /SUMS_SHA256/ },
    'a place that is no bucket': {
      args: (sums) => ['https://example.com/x', 'eu-west-1', '0.1.0', sums],
      says: /PLACE/,
    },
    'a version that is a path': { args: (sums) => [place, 'eu-west-1', '../0.1.0', sums], says: /VERSION/ },
    'too few arguments': { args: () => [place], says: /expected PLACE REGION/ },
  }
  for (const [title, { args, fill: put, says }] of Object.entries(wrong)) {
    it(`installs nothing, starts nothing and leaves nothing behind: ${title}`, () => {
      stub('dpkg', '')
      const sums = put?.() ?? fill(good)
      const { status, stderr, changed } = install(args?.(sums) ?? [place, 'eu-west-1', '0.1.0', sums])
      expect(status).not.toBe(0)
      expect(stderr).toMatch(says)
      expect(changed).toEqual([])
      expect(readdirSync(join(directory, 'tmp'))).toEqual([])
    })
  }

  it('says what the image lacks', () => {
    const sums = fill(good)
    expect(install([place, 'eu-west-1', '0.1.0', sums]).stderr).toMatch(/neither dpkg nor rpm/)
    stub('dpkg', '')
    expect(install([place, 'eu-west-1', '0.1.0', sums], 'riscv64').stderr).toMatch(/no package for riscv64/)
    rmSync(join(directory, 'bin/aws'))
    expect(install([place, 'eu-west-1', '0.1.0', sums]).stderr).toMatch(/AWS CLI is not in this image/)
  })
})
