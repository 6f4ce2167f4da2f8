import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { createSnapshotDirectory } from '../../lab/snapshot.ts'
import { worldFrom } from '../../lab/world/world.ts'
import { binary, documents, endAll, pathproof, start } from '../support/processes.ts'

afterEach(endAll)

const commands = ['run', 'check', 'name', 'route', 'config', 'lab']

describe('pathproof', () => {
  it('prints its version and that of its runtime', async () => {
    const { code, stdout, stderr } = await pathproof(['--version'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toBe(`pathproof ${manifest.version} (node ${process.versions.node})\n`)
  })

  it('helps on stdout, for itself and for each command, with examples', async () => {
    const all = await Promise.all(
      [['--help'], ['help'], ...commands.map((command) => [command, '--help'])].map((args) =>
        pathproof(args),
      ),
    )
    for (const { code, stdout, stderr } of all) {
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout).toMatch(/^Usage: pathproof /)
    }
    for (const command of commands) expect(all[0]?.stdout).toMatch(new RegExp(`^ {2}${command} `, 'm'))
    expect(all[3]?.stdout).toContain('Examples:\n  pathproof check')
  })

  it('refuses what it does not know with 64 on stderr, and says what was probably meant', async () => {
    const [none, unknown, secret] = await Promise.all(
      [[], ['chekc'], ['https://u:Zq9SECRETmark7x@h/']].map((args) => pathproof(args)),
    )
    expect([none?.code, none?.stdout]).toEqual([64, ''])
    expect(none?.stderr).toMatch(/^Usage: /)
    expect([unknown?.code, unknown?.stdout]).toEqual([64, ''])
    expect(unknown?.stderr).toBe(
      'pathproof: unknown command "chekc" (did you mean "check"?)\nNext step: pathproof --help\n',
    )
    expect(secret?.code).toBe(64)
    expect(secret?.stderr).not.toContain('Zq9SECRETmark7x')
  })

  it('runs from any directory, through a symbolic link', async () => {
    const { code, stdout } = await pathproof(['name', '--json', 'sts.amazonaws.com'], { cwd: tmpdir() })
    expect(code).toBe(0)
    expect(documents(stdout)[0]).toMatchObject({ service: 'sts' })
  })

  it('ends though its standard input stays open', async () => {
    const { code, stdout } = await pathproof(['name', 'sts.amazonaws.com'], { stdin: 'open' })
    expect(code).toBe(0)
    expect(stdout).toContain('sts')
    const wrong = await pathproof(['check', 'not a name'], { stdin: 'open' })
    expect(wrong.code).toBe(65)
  })

  it('colours nothing for a pipe, nor by NO_COLOR, but on demand', async () => {
    const plain = await pathproof(['name', 'sts.amazonaws.com'])
    expect(plain.stdout).not.toContain('\u001b')
    const forced = await pathproof(['name', 'sts.amazonaws.com'], { env: { FORCE_COLOR: '1' } })
    expect(forced.stdout).toContain('\u001b[')
    const none = await pathproof(['name', 'sts.amazonaws.com'], { env: { NO_COLOR: '1' } })
    expect(none.stdout).toBe(plain.stdout)
  })

  it('a reader that goes away is no failure and no stack trace', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pathproof-pipe-test-'))
    try {
      const snapshot = createSnapshotDirectory(directory)
      await snapshot.write(worldFrom(), Date.now())
      for (const args of [
        ['name', '--json'],
        ['route', '--json', '--snapshot', snapshot.path, '--from', 'eni-0a000050'],
      ]) {
        const running = start(binary, args, { stdin: 'open' })
        const { child } = running
        child.stdin?.write('192.0.2.1\n')
        await running.output.until('the first line', () => running.stdout().includes('\n'))
        child.stdout?.destroy()
        // It goes on reading until it notices.
        const feed = setInterval(() => child.stdin?.write('192.0.2.1\n'.repeat(100)), 10)
        expect(await running.ended, args.join(' ')).toBe(0)
        clearInterval(feed)
        expect(running.stderr()).toBe('')
      }
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  it('a full disk behind standard output is a failure that says so', async () => {
    const running = start('sh', ['-c', `exec "${binary}" name sts.amazonaws.com > /dev/full`])
    expect(await running.ended).toBe(1)
    expect(running.stderr()).toBe("pathproof: standard output can't be written (ENOSPC)\n")
  })

  it('works without any environment', async () => {
    const running = start('env', ['-i', binary, 'name', 'sts.amazonaws.com'])
    expect(await running.ended, running.stderr()).toBe(0)
  })
})

describe('pathproof lab', () => {
  it('lists its scenarios', async () => {
    const { code, stdout, stderr } = await pathproof(['lab', '--list'])
    expect([code, stderr]).toEqual([0, ''])
    const lines = stdout.trimEnd().split('\n')
    expect(lines.length).toBeGreaterThanOrEqual(15)
    expect(lines.find((line) => line.startsWith('03-blackhole '))).toMatch(/^03-blackhole {2,}\S/)
  })

  it('prints truth and verdicts of a scenario and each of its steps, and nothing is falsely private', async () => {
    const { code, stdout, stderr } = await pathproof(['lab', '--matrix', '--scenario', 'demo'])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^truth \\ verdict +private +public +mixed +blocked +undetermined$/m)
    expect(stdout).toMatch(/^21 names, 0 called private that are not$/m)
    for (const step of ['demo', 'demo + route-taken-away', 'demo + route-put-back'])
      expect(stdout.split('\n').filter((line) => line.startsWith(`${step}  `))).toHaveLength(7)
  })

  it('refuses an unknown scenario and a taken port', async () => {
    const unknown = await pathproof(['lab', '--scenario', 'nonesuch'])
    expect([unknown.code, unknown.stdout]).toEqual([64, ''])
    expect(unknown.stderr).toContain('Next step: pathproof lab --list')
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    for (const more of [[], ['--mapped']]) {
      const { code, stderr } = await pathproof(['lab', '--web.listen-address', `127.0.0.1:${port}`, ...more])
      expect(code).toBe(1)
      expect(stderr).toContain('EADDRINUSE')
    }
    taken.close()
  })
})
