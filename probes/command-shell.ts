import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { nothing } from './deadline.ts'
import { commandEnvironment } from './run-command.ts'
import type { CommandResult, RunCommand, RunOptions } from './run-command.ts'

type Shell = ChildProcessByStdio<Writable, Readable, Readable>

/** Single quotes and nothing special inside them: what POSIX's shell takes as it stands. */
function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}

/**
 * The same commands, started by one lasting shell: a process of 300 MiB that starts another one stands still for some 15 ms
 * while the kernel copies its page tables, and pays again for each page that it writes afterwards. One command at a time;
 * at its deadline the shell goes with it, and the next command gets a new one. Commands with input, and all of them where
 * there is no shell, are started by `run`. `mark` makes a text that no command's output can hold.
 */
export function withShell(
  run: RunCommand,
  { timeoutSeconds, maxOutputBytes }: Omit<RunOptions, 'atOnce'>,
  mark: () => string,
): RunCommand {
  let shell: Shell | null = null
  let last: Promise<unknown> = Promise.resolve()

  const open = (): Shell => {
    const child = spawn('/bin/sh', ['-s'], {
      env: commandEnvironment(),
      stdio: ['pipe', 'pipe', 'pipe'],
      // a group of its own, so that what hangs in it can be ended with it
      detached: true,
    })
    child.stdin.on('error', nothing)
    child.stdout.setEncoding('utf8')
    child.stderr.setEncoding('utf8')
    // it must not keep a command that is done from ending; whoever waits for an answer has a timer
    child.unref()
    for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as { unref?(): void }).unref?.()
    const gone = () => {
      if (shell === child) shell = null
    }
    child.on('error', gone)
    child.on('close', gone)
    return child
  }

  const ask = (file: string, args: readonly string[]): Promise<CommandResult | null> =>
    new Promise((resolve) => {
      let child: Shell
      try {
        child = shell ??= open()
      } catch {
        return resolve(null)
      }
      const end = mark()
      let stdout = ''
      let stderr = ''
      const settle = (result: CommandResult | null, kill = false) => {
        clearTimeout(timer)
        child.stdout.off('data', onOut)
        child.stderr.off('data', onErr)
        child.off('close', onClose)
        child.off('error', onClose)
        if (kill) {
          if (shell === child) shell = null
          try {
            if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
          } catch {
            // gone already
          }
        }
        resolve(result)
      }
      const look = () => {
        if (stdout.length + stderr.length > maxOutputBytes)
          return settle({ ran: true, code: null, stdout, stderr }, true)
        const outEnd = stdout.lastIndexOf(end)
        const errEnd = stderr.lastIndexOf(end)
        if (outEnd < 0 || errEnd < 0 || !stdout.endsWith('\n')) return
        const code = Number(stdout.slice(outEnd + end.length).trim())
        // the shell's own words for a command that is not there, or may not be run (POSIX, 2.8.2)
        if (code === 127 || code === 126)
          return settle({ ran: false, code: code === 127 ? 'ENOENT' : 'EACCES' })
        settle({
          ran: true,
          code: Number.isInteger(code) && code < 128 ? code : null,
          stdout: stdout.slice(0, outEnd),
          stderr: stderr.slice(0, errEnd),
        })
      }
      const onOut = (piece: string) => {
        stdout += piece
        if (stdout.endsWith('\n')) look()
      }
      const onErr = (piece: string) => {
        stderr += piece
        look()
      }
      const onClose = () => settle(null)
      const timer = setTimeout(
        () => settle({ ran: true, code: null, stdout, stderr }, true),
        timeoutSeconds * 1000,
      )
      child.stdout.on('data', onOut)
      child.stderr.on('data', onErr)
      child.once('close', onClose)
      child.once('error', onClose)
      const command = [file, ...args].map(quoted).join(' ')
      child.stdin.write(`${command} </dev/null; printf '%s%s\\n' ${end} "$?"; printf %s ${end} >&2\n`)
    })

  return (file, args, input = '') => {
    if (input !== '') return run(file, args, input)
    const asked = last.then(() => ask(file, args))
    last = asked
    return asked.then((result) => result ?? run(file, args))
  }
}
