import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createNotifier, passedDescriptor, type NotifyIo } from '../../agent/notify.ts'
import { needs, titled } from '../support/needs.ts'
import { binary, documents, endAll, start, type Started } from '../support/processes.ts'

const manager = join(import.meta.dirname, 'manager.py')
const missing = await needs('python3')
const missingNotify = await needs('systemd-notify')

interface Message {
  pid: number
  text: string
}

let directory = ''
let listener: Started
const messages = (): Message[] => documents(listener.stdout()).slice(1) as unknown as Message[]
/** The message that `found` accepts, once it is there. */
const until = (what: string, found: (text: string) => boolean): Promise<Message> =>
  listener.output.until(what, () => messages().find(({ text }) => found(text)))

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-notify-'))
  if (missing !== null) return
  listener = start('python3', [manager, 'listen', join(directory, 'socket')])
  await listener.output.until('the socket', () => listener.stdout().includes('listening') || null)
})
afterEach(async () => {
  await endAll()
  rmSync(directory, { recursive: true, force: true })
})

const document = {
  version: 1,
  agent: { vantage: 'on-prem' },
  targets: [{ name: 'closed', hostname: 's3.us-east-1.amazonaws.com', port: 1, every: '1h', timeout: '1s' }],
  topology: { source: 'directory', directory: '/nowhere' },
  web: { listen: '127.0.0.1:0' },
}

function daemon(how: 'descriptor' | 'socket', env: Record<string, string> = {}): Started {
  const file = join(directory, 'pathproof.yml')
  writeFileSync(file, JSON.stringify(document))
  const command = [binary, 'run', '--config.file', file, '--log.format', 'json']
  return start('python3', [manager, 'run', how, join(directory, 'socket'), '--', ...command], {
    cwd: directory,
    env,
  })
}

/** One life: start, watchdog, a good reload, a bad one, the end. */
async function life(
  how: 'descriptor' | 'socket',
): Promise<{ all: string[]; pids: Set<number>; pid: number }> {
  const running = daemon(how, { WATCHDOG_USEC: '400000' })
  const ready = await until('READY', (text) => text.startsWith('READY=1\n'))
  expect(ready.text).toMatch(/\nSTATUS=.*serving 127\.0\.0\.1:\d+$/)
  // it serves when it says so
  expect(running.stderr()).toContain('"event":"listening"')
  const fed = messages().filter(({ text }) => text.startsWith('WATCHDOG=1')).length
  await listener.output.until(
    'three more turns of the watchdog',
    () => messages().filter(({ text }) => text.startsWith('WATCHDOG=1')).length >= fed + 3 || null,
  )
  const usec = process.hrtime.bigint() / 1000n
  running.child.kill('SIGHUP')
  const reloading = await until('RELOADING', (text) => text.startsWith('RELOADING=1\n'))
  const told = BigInt(/MONOTONIC_USEC=(\d+)$/.exec(reloading.text)?.[1] ?? '0')
  // the clock of this test is the same CLOCK_MONOTONIC
  expect(told >= usec && told <= process.hrtime.bigint() / 1000n).toBe(true)
  const readies = (): number => messages().filter(({ text }) => text.startsWith('READY=1')).length
  await listener.output.until('READY again', () => readies() === 2 || null)
  writeFileSync(join(directory, 'pathproof.yml'), 'version: 1\nunknown: true\n')
  running.child.kill('SIGHUP')
  await listener.output.until('READY after a refusal', () => readies() === 3 || null)
  expect(
    messages()
      .filter(({ text }) => text.startsWith('READY=1'))
      .at(-1)?.text,
  ).toContain('reload refused')
  running.child.kill('SIGTERM')
  await until('STOPPING', (text) => text === 'STOPPING=1')
  expect(await running.ended).toBe(0)
  const all = messages().map(({ text }) => text.split('\n')[0] ?? '')
  return { all, pids: new Set(messages().map(({ pid }) => pid)), pid: running.child.pid ?? 0 }
}

const order = (all: string[]): string[] => all.filter((text) => text !== 'WATCHDOG=1')
const expected = [
  'READY=1',
  expect.stringMatching(/^RELOADING=1$/),
  'READY=1',
  'RELOADING=1',
  'READY=1',
  'STOPPING=1',
]

describe.skipIf(missing !== null)(titled('the daemon under a service manager', missing), () => {
  it('speaks by the descriptor that was passed, in its own name', async () => {
    const { all, pids, pid } = await life('descriptor')
    expect(order(all)).toEqual(expected)
    expect(pids).toEqual(new Set([pid]))
  })

  it.skipIf(missingNotify !== null)(
    titled('speaks by systemd-notify where no descriptor was passed', missingNotify),
    async () => {
      const { all } = await life('socket')
      expect(order(all.filter((text) => !text.startsWith('BARRIER=')))).toEqual(expected)
    },
  )

  it('feeds no watchdog that nobody has asked for', async () => {
    const running = daemon('descriptor')
    await until('READY', (text) => text.startsWith('READY=1\n'))
    running.child.kill('SIGTERM')
    await until('STOPPING', (text) => text === 'STOPPING=1')
    expect(await running.ended).toBe(0)
    expect(messages().some(({ text }) => text.startsWith('WATCHDOG=1'))).toBe(false)
  })
})

function io(): NotifyIo & { written: [number, string][]; sent: string[][]; broken: boolean } {
  const all = {
    written: [] as [number, string][],
    sent: [] as string[][],
    broken: false,
    isSocket: (descriptor: number) => descriptor === 3 || descriptor === 4,
    write(descriptor: number, message: string) {
      if (all.broken) throw new Error('ECONNREFUSED')
      all.written.push([descriptor, message])
    },
    async send(message: readonly string[]) {
      await Promise.resolve()
      if (all.broken) throw new Error('it ended with 1')
      all.sent.push([...message])
    },
  }
  return all
}

const usec = () => 42n

describe('the way of messages', () => {
  it.each([
    [{ LISTEN_PID: '7', LISTEN_FDS: '1', LISTEN_FDNAMES: 'notify' }, 3],
    [{ LISTEN_PID: '7', LISTEN_FDS: '3', LISTEN_FDNAMES: 'a:notify:b' }, 4],
    // passed to another process, and inherited
    [{ LISTEN_PID: '8', LISTEN_FDS: '1', LISTEN_FDNAMES: 'notify' }, null],
    [{ LISTEN_FDS: '1', LISTEN_FDNAMES: 'notify' }, null],
    [{ LISTEN_PID: '7', LISTEN_FDS: '1', LISTEN_FDNAMES: 'web' }, null],
    // more names than descriptors
    [{ LISTEN_PID: '7', LISTEN_FDS: '1', LISTEN_FDNAMES: 'web:notify' }, null],
    [{ LISTEN_PID: '7', LISTEN_FDS: '-1', LISTEN_FDNAMES: 'notify' }, null],
    [{ LISTEN_PID: '7', LISTEN_FDNAMES: 'notify' }, null],
    [{}, null],
  ])('%j: %j', (environment, descriptor) => expect(passedDescriptor(environment, 7)).toBe(descriptor))

  it('falls back to the program when the descriptor fails, and is silent without either', async () => {
    const both = io()
    const environment = {
      LISTEN_PID: '7',
      LISTEN_FDS: '1',
      LISTEN_FDNAMES: 'notify',
      NOTIFY_SOCKET: '/run/x',
    }
    const notifier = createNotifier({ environment, pid: 7, monotonicUsec: usec, io: both })
    expect(notifier.way()).toBe('descriptor')
    notifier.ready('one\nREADY=0\u2028two')
    expect(both.written).toEqual([[3, 'READY=1\nSTATUS=one READY=0 two']])
    both.broken = true
    notifier.reloading()
    both.broken = false
    notifier.stopping()
    await notifier.settled()
    expect(notifier.way()).toBe('program')
    expect(both.sent).toEqual([['RELOADING=1', 'MONOTONIC_USEC=42'], ['STOPPING=1']])

    const none = io()
    const silent = createNotifier({ environment: {}, pid: 7, monotonicUsec: usec, io: none })
    silent.ready('x')
    silent.alive('x')
    silent.stopping()
    await silent.settled()
    expect([silent.way(), silent.lost(), none.written, none.sent]).toEqual(['none', 0, [], []])
  })

  it('counts what is lost, and never fails', async () => {
    const broken = io()
    broken.broken = true
    const notifier = createNotifier({
      environment: { NOTIFY_SOCKET: '@abstract' },
      pid: 7,
      monotonicUsec: usec,
      io: broken,
    })
    expect(notifier.way()).toBe('program')
    notifier.ready('x')
    notifier.stopping()
    await notifier.settled()
    expect(notifier.lost()).toBe(2)
    for (const NOTIFY_SOCKET of ['', 'relative', 'vsock:2:1']) {
      const other = createNotifier({ environment: { NOTIFY_SOCKET }, pid: 7, monotonicUsec: usec, io: io() })
      expect(other.way()).toBe('none')
    }
  })
})
