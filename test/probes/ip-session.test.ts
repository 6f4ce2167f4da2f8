import { execFile, spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { withShell } from '../../probes/command-shell.ts'
import { batchArgs } from '../../probes/ip-command.ts'
import { withIpSession } from '../../probes/ip-session.ts'
import { type CommandResult, type RunCommand, systemCommand } from '../../probes/run-command.ts'

const limits = { timeoutSeconds: 2, maxOutputBytes: 100_000 }
const plain = systemCommand({ ...limits, atOnce: 8 })
const args = batchArgs(4)

function counted(run: RunCommand): { run: RunCommand; calls: string[] } {
  const calls: string[] = []
  return {
    calls,
    run: (file, words, input) => {
      calls.push(file)
      return run(file, words, input)
    },
  }
}

const child = (script: string) => () =>
  spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'pipe'] })

/** Plays `while read; do ip -batch -; done`: `ok …` is answered by a document, `bad …` by a failure, `end` or another ends it. */
const played = `
let n = 0, on = false, pid = 0
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  if (!on) { on = true; n = 0; pid++; return }
  n++
  const [word] = line.split(' ')
  if (word === 'ok') process.stdout.write(JSON.stringify([line, pid]) + '\\n')
  else if (word === 'bad') process.stderr.write('RTNETLINK answers: No such thing\\nCommand failed -:' + n + '\\n')
  else if (word !== 'mute') { process.stderr.write('Error: what?\\n'); on = false; process.stdout.write('ended\\n') }
})`

const noCommand: RunCommand = () => Promise.resolve({ ran: false, code: 'ENOENT' })

describe('withIpSession', () => {
  it('gives each question its own answers, asks what is alike once, and starts one process', async () => {
    let started = 0
    const run = withIpSession(noCommand, () => {
      started++
      return child(played)()
    })
    const questions = Array.from({ length: 300 }, (_, i) => [
      `ok ${i}`,
      ...(i % 3 ? [] : [`bad ${i}`]),
      'ok rules',
    ])
    const results = await Promise.all(questions.map((lines) => run('ip', args, `${lines.join('\n')}\n`)))
    for (const [i, result] of results.entries()) {
      expect(result).toEqual({
        ran: true,
        code: i % 3 ? 0 : 1,
        stdout: `["ok ${i}",1]\n["ok rules",1]\n`,
        stderr: i % 3 ? '' : 'RTNETLINK answers: No such thing\nCommand failed -:2\n',
      })
    }
    expect(started).toBe(1)
  })

  it('asks the other way where a line ends it, and goes on', async () => {
    const other = counted(noCommand)
    const run = withIpSession(other.run, child(played))
    expect(await run('ip', args, 'nonsense\n')).toEqual({ ran: false, code: 'ENOENT' })
    expect(await run('ip', args, 'ok 1\n')).toMatchObject({ ran: true, code: 0 })
    expect(other.calls).toEqual(['ip'])
  })

  it('asks the other way where nothing answers, and no longer waits after three times', async () => {
    const other = counted(() => Promise.resolve({ ran: true, code: 0, stdout: 'other\n', stderr: '' }))
    let started = 0
    const run = withIpSession(other.run, () => {
      started++
      return child('process.exit(127)')()
    })
    for (let i = 0; i < 6; i++) expect(await run('ip', args, 'ok 1\n')).toMatchObject({ stdout: 'other\n' })
    expect(started).toBe(3)
    expect(other.calls).toHaveLength(6)
  })

  it('leaves other commands alone', async () => {
    const other = counted(noCommand)
    const run = withIpSession(other.run, () => {
      throw new Error('not wanted')
    })
    await run('ip', ['-j', 'link', 'show'])
    await run('nft', ['list', 'ruleset'])
    expect(other.calls).toEqual(['ip', 'nft'])
  })

  it('says what a process for each question says', async (context) => {
    const there = await new Promise<boolean>((done) =>
      execFile('ip', ['-V'], (error) => done(error === null)),
    )
    if (!there) return context.skip('there is no ip')
    const run = withIpSession(plain)
    const lines = 'route get 127.0.0.9\nroute get fibmatch 127.0.0.9\nrule show\n'
    const [first, second, once] = await Promise.all([
      run('ip', args, lines),
      run('ip', args, lines),
      plain('ip', args, lines),
    ])
    expect(first).toEqual(second)
    const told = (result: CommandResult) => (result.ran ? result.stdout.replaceAll(' ', '') : '')
    expect(told(first)).toBe(told(once))
  })
})

describe('withShell', () => {
  const marks = () => `mark-${Math.random()}`
  const shell = withShell(noCommand, limits, marks)

  it.each<[string, string, string[], CommandResult]>([
    [
      'output',
      'printf',
      ['%s|%s', 'a b', "it's $HOME `x` \\n"],
      { ran: true, code: 0, stdout: "a b|it's $HOME `x` \\n", stderr: '' },
    ],
    [
      'a failure',
      'sh',
      ['-c', 'echo out; echo err >&2; exit 3'],
      { ran: true, code: 3, stdout: 'out\n', stderr: 'err\n' },
    ],
    ['nothing to read', 'cat', [], { ran: true, code: 0, stdout: '', stderr: '' }],
    ['no such command', 'no-such-command-at-all', [], { ran: false, code: 'ENOENT' }],
    ['one that is killed', 'sh', ['-c', 'kill -9 $$'], { ran: true, code: null, stdout: '', stderr: '' }],
  ])('%s', async (_what, file, words, expected) => {
    const result = await shell(file, words)
    // the shell adds its own word of a command that was killed
    expect(result.ran && result.code === null ? { ...result, stderr: '' } : result).toEqual(expected)
  })

  it('keeps the outputs of many apart', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => shell('printf', [`%s\\n`, `${i}`])))
    expect(all.map((one) => one.ran && one.stdout)).toEqual(Array.from({ length: 20 }, (_, i) => `${i}\n`))
  })

  it('ends one that hangs or says too much, and goes on', async () => {
    const short = withShell(noCommand, { timeoutSeconds: 0.2, maxOutputBytes: 1000 }, marks)
    expect(await short('sleep', ['60'])).toMatchObject({ ran: true, code: null })
    expect(await short('sh', ['-c', 'while :; do echo more of it; done'])).toMatchObject({
      ran: true,
      code: null,
    })
    expect(await short('echo', ['well'])).toEqual({ ran: true, code: 0, stdout: 'well\n', stderr: '' })
  })

  it('passes on what has input', async () => {
    const other = counted(noCommand)
    await withShell(other.run, limits, marks)('cat', [], 'input')
    expect(other.calls).toEqual(['cat'])
  })
})
