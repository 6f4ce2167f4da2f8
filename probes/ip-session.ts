import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { nothing } from './deadline.ts'
import { commandEnvironment } from './run-command.ts'
import type { CommandResult, RunCommand } from './run-command.ts'

type Child = ChildProcessByStdio<Writable, Readable, Readable>

/**
 * `ip` keeps the names of devices that it has met. So long may they be old, as what is known of devices may
 * (`host-route.ts`); the routes themselves are asked of the kernel at each line.
 */
const longestSeconds = 2
const timeoutSeconds = 1
const maxAnswerBytes = 4 * 1024 * 1024
/** Questions that go together; more of them wait for the next answer. */
const mostAtOnce = 128

interface Call {
  lines: string[]
  resolve(result: CommandResult | null): void
}

interface Session {
  child: Child
  /** Lines written since the start of `ip`, as it counts them. */
  written: number
  startedMs: number
  stdout: string
  stderr: string
  over: boolean
  look(): void
}

/**
 * The same commands with one lasting `ip -batch -` behind those that are batches: starting a process for each question
 * costs this one several milliseconds of standing still, more than everything else about an attempt. Questions that wait
 * together are asked together, equal lines once. Where the lasting process does not answer as it should (another
 * version that keeps its answers to itself, a line that makes it end), `run` is asked as if it were not there. Linux only.
 */
export function withIpSession(
  run: RunCommand,
  start: (args: readonly string[]) => Child = startIp,
): RunCommand {
  const lanes = new Map<string, (lines: string[]) => Promise<CommandResult | null>>()
  return async (file, args, input = '') => {
    const lines = input.split('\n').filter((line) => line !== '')
    if (file !== 'ip' || !args.includes('-batch') || lines.length === 0) return run(file, args, input)
    const key = args.join(' ')
    const lane = lanes.get(key) ?? createLane(() => start(args))
    lanes.set(key, lane)
    return (await lane(lines)) ?? run(file, args, input)
  }
}

/**
 * Each line that says so starts `ip` anew, on the same input: this process need not be copied by the kernel for it, which takes
 * longer than all else. A line that `ip` can't read ends it.
 */
const loop = 'while read -r again; do ip "$@"; echo ended; done'
const ended = 'ended\n'
const again = 'again'
const end = 'route get -'

function startIp(args: readonly string[]): Child {
  return spawn('/bin/sh', ['-c', loop, 'sh', ...args], {
    env: commandEnvironment(),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

function createLane(start: () => Child): (lines: string[]) => Promise<CommandResult | null> {
  let waiting: Call[] = []
  let session: Session | null = null
  let busy = false
  let silent = 0

  const open = (): Session => {
    const child = start()
    const opened: Session = {
      child,
      written: 0,
      startedMs: performance.now(),
      stdout: '',
      stderr: '',
      over: false,
      look: nothing,
    }
    const end = () => {
      opened.over = true
      if (session === opened) session = null
      opened.look()
    }
    child.on('error', end)
    child.on('close', end)
    child.stdin.on('error', nothing)
    const take = (stream: 'stdout' | 'stderr') => (piece: string) => {
      opened[stream] += piece
      opened.look()
    }
    child.stdout.setEncoding('utf8').on('data', take('stdout'))
    child.stderr.setEncoding('utf8').on('data', take('stderr'))
    // it must not keep a command that is done from ending; whoever waits for an answer has a timer
    child.unref()
    for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as { unref?(): void }).unref?.()
    child.stdin.write(`${again}\n`)
    return opened
  }

  const round = async (): Promise<void> => {
    const calls = waiting.slice(0, mostAtOnce)
    waiting = waiting.slice(mostAtOnce)
    const lines = [...new Set(calls.flatMap((call) => call.lines))]
    const answers = await exchange(lines)
    const places = new Map(lines.map((line, index) => [line, index]))
    for (const { lines: own, resolve } of calls) resolve(answers && resultOf(own, places, answers))
  }

  const exchange = (lines: string[]): Promise<Answers | null> =>
    new Promise((resolve) => {
      // An answer that nobody waited for would be taken for the first one of this exchange.
      if (session !== null && session.stdout !== '') {
        session.child.kill('SIGKILL')
        session = null
      }
      let here: Session
      try {
        here = session ??= open()
      } catch {
        return resolve(null)
      }
      let first = here.written + 1
      // it reads ahead: nothing may follow the line that ends it before it has ended
      let ending = performance.now() - here.startedMs > longestSeconds * 1000
      const settle = (answers: Answers | null) => {
        clearTimeout(timer)
        here.look = nothing
        here.stdout = ''
        here.stderr = ''
        if (answers === null) {
          if (session === here) session = null
          here.child.kill('SIGKILL')
        }
        resolve(answers)
      }
      const timer = setTimeout(() => {
        silent++
        settle(null)
      }, timeoutSeconds * 1000)
      const write = () => {
        here.written += lines.length
        here.child.stdin.write(`${lines.join('\n')}\n`)
      }
      here.look = () => {
        if (ending && here.stdout.endsWith(ended)) {
          ending = false
          here.startedMs = performance.now()
          here.written = 0
          first = 1
          here.stdout = ''
          here.stderr = ''
          here.child.stdin.write(`${again}\n`)
          write()
          return
        }
        if (here.over || (!ending && here.stdout.endsWith(ended))) {
          silent++
          return settle(null)
        }
        if (ending) return
        if (here.stdout.length + here.stderr.length > maxAnswerBytes) return settle(null)
        const answers = readAnswers(here, first, lines.length)
        if (answers !== null) {
          silent = 0
          settle(answers)
        }
      }
      if (ending) here.child.stdin.write(`${end}\n`)
      else write()
    })

  return async (lines) => {
    // three in a row: there is no `ip`, or one that holds its answers back until its input ends
    if (silent >= 3) return null
    const answer = new Promise<CommandResult | null>((resolve) => waiting.push({ lines, resolve }))
    if (!busy) {
      busy = true
      // what else is asked in this turn goes with it
      await Promise.resolve()
      while (waiting.length > 0) await round()
      busy = false
    }
    return answer
  }
}

/** By line: one document, or the words with which it failed. */
type Answers = ({ document: string } | { failure: string })[]

/** Null while answers are missing. Complete means one document or one failure for each line. */
function readAnswers({ stdout, stderr }: Session, first: number, count: number): Answers | null {
  // the answers come in pieces: those before the last are not taken apart
  if (stderr === '' && linesIn(stdout) < count) return null
  const documents = whole(stdout).filter((line) => line.trim() !== '')
  const answers: (Answers[number] | undefined)[] = Array.from({ length: count })
  let failures = 0
  let words: string[] = []
  for (const line of whole(stderr)) {
    const failed = /^Command failed -:(\d+)$/.exec(line.trim())
    if (failed === null) {
      words.push(line)
      continue
    }
    const at = Number(failed[1]) - first
    if (at < 0 || at >= count || answers[at] !== undefined) return null
    answers[at] = { failure: words.join('\n') }
    words = []
    failures++
  }
  if (documents.length + failures !== count) return null
  let next = 0
  return answers.map((answer) => answer ?? { document: documents[next++] ?? '' })
}

function linesIn(text: string): number {
  let lines = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines++
  return lines
}

/** Lines that are complete. */
function whole(text: string): string[] {
  return text.slice(0, text.lastIndexOf('\n') + 1).split('\n')
}

/** What a batch of its own lines would have said. */
function resultOf(
  own: readonly string[],
  places: ReadonlyMap<string, number>,
  answers: Answers,
): CommandResult {
  let stdout = ''
  let stderr = ''
  let code = 0
  for (const [index, line] of own.entries()) {
    const answer = answers[places.get(line) ?? -1]
    if (answer === undefined) continue
    if ('document' in answer) stdout += `${answer.document}\n`
    else {
      stderr += `${answer.failure}\nCommand failed -:${index + 1}\n`
      code = 1
    }
  }
  return { ran: true, code, stdout, stderr }
}
