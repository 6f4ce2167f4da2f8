/** What people get wrong on the command line: each answer names the thing, what is wrong with it, and what was expected. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Io } from '../../agent/cli/io.ts'
import { checkCommand } from '../../agent/cli/check.ts'
import { labCommand } from '../../agent/cli/lab.ts'
import { ledgerCommand } from '../../agent/cli/ledger.ts'
import { nameCommand } from '../../agent/cli/name.ts'
import { reportCommand } from '../../agent/cli/report.ts'
import { routeCommand } from '../../agent/cli/route.ts'
import { troubleOf } from '../../agent/cli/file-trouble.ts'
import { say } from '../support/io.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'pathproof-mistakes-'))
  await writeFile(join(directory, 'file'), 'x')
})
afterAll(() => rm(directory, { recursive: true, force: true }))

type Command = (argv: string[], io: Io) => Promise<number>

describe('files and directories that are not what they should be', () => {
  const mistakes: [string, Command, string[], RegExp][] = [
    ['no such ledger', ledgerCommand, ['verify', '@/none'], /@\/none: there is no such file or directory\n/],
    ['no ledger in it', ledgerCommand, ['verify', '@'], /there is no ledger in @\n/],
    [
      'no such anchor',
      ledgerCommand,
      ['verify', '@', '--anchor', '@/none'],
      /@\/none: there is no such file/,
    ],
    [
      'an anchor that is a directory',
      ledgerCommand,
      ['verify', '@', '--anchor', '@'],
      /@: this is a directory, expected a file\n/,
    ],
    [
      'a checkpoint below a file',
      ledgerCommand,
      ['prove', '@', '--from', '@/file/x'],
      /@\/file\/x: a part of this path is no directory\n/,
    ],
    ['an anchor of a report', reportCommand, ['--anchor', '@/none', '@'], /@\/none: there is no such file/],
    [
      'a snapshot without a file',
      routeCommand,
      ['--snapshot', '@', '--from', 'subnet-0a000001', '--to', '52.216.8.53'],
      /@: it holds none of the files of a snapshot: expected a directory with the output of the AWS CLI .*: write one with: pathproof snapshot --out DIR\n/,
    ],
  ]
  it.each(mistakes)('%s', async (_, command, argv, expected) => {
    const said = await say((io) =>
      command(
        argv.map((word) => word.replace('@', directory)),
        io,
      ),
    )
    expect([said.code, said.stdout]).toEqual([1, ''])
    expect(said.stderr.replaceAll(directory, '@')).toMatch(expected)
  })

  it.each([
    [['--every', 'bogus'], '--every bogus: expected a duration from 1s to 1d, like 5s\n'],
    [['--every', '500ms'], '--every 500ms: expected a duration from 1s to 1d, like 5s\n'],
    [
      ['--scenario', '@/none.yaml'],
      '@/none.yaml: there is no such file or directory\nNext step: pathproof lab --list\n',
    ],
    [['--scenario', 'nonesuch'], 'no scenario "nonesuch"; there are: '],
  ])('the lab with %j', async (argv, expected) => {
    const said = await say((io) =>
      labCommand(
        argv.map((word) => word.replace('@', directory)),
        io,
      ),
    )
    expect([said.code, said.stdout]).toEqual([64, ''])
    expect(said.stderr.replaceAll(directory, '@')).toContain(`pathproof lab: ${expected}`)
    expect(said.stderr.includes('\nNext step:')).toBe(argv[0] === '--scenario')
  })

  it('an empty name is shown as one', async () => {
    const wrong = '"": empty: expected a host name or a URL\n'
    const said = await say((io) => nameCommand([''], { ...io, nowMs: 0 }))
    expect([said.code, said.stderr]).toEqual([65, `pathproof name: ${wrong}`])
    const checked = await say((io) => checkCommand([' '], io))
    expect([checked.code, checked.stdout, checked.stderr]).toEqual([65, '', `pathproof check: ${wrong}`])
  })

  it('no path takes a secret or a terminal’s controls with it', () => {
    const path = '/x/\u001B[31m?X-Amz-Signature=c0ffeec0ffee'
    const said = troubleOf(Object.assign(new Error('ENOENT'), { code: 'ENOENT', path }))
    expect(said).not.toMatch(/\u001B|c0ffee/)
    expect(said).toContain('there is no such file')
    expect(troubleOf('constructor')).toBe('constructor')
    expect(troubleOf(Object.assign(new Error('boom'), { code: 'toString', path: 'x' }))).toBe('boom')
    expect(troubleOf(null)).toBe('null')
  })
})
