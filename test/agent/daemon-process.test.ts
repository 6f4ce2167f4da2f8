import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { binary, endAll, pathproof, start, type Started } from '../support/processes.ts'

let directory = ''
/** A name server that never answers, so that nothing is ever dialled: the process under test has no lab around it. */
const silent = createSocket('udp4')
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-run-test-'))
  await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve))
})
afterAll(() => {
  silent.close()
  rmSync(directory, { recursive: true, force: true })
})
afterEach(endAll)

function configuration(targets: string[], more: object = {}): object {
  return {
    version: 1,
    agent: { vantage: 'on-prem' },
    targets: targets.map((name) => ({
      name,
      hostname: `${name}.s3.us-east-1.amazonaws.com`,
      resolvers: ['here'],
      every: '60s',
      timeout: '20s',
    })),
    resolvers: [{ name: 'here', address: `127.0.0.1:${silent.address().port}` }],
    topology: { source: 'directory', directory: join(directory, 'nowhere') },
    web: { listen: '127.0.0.1:0' },
    ...more,
  }
}

let number = 0
function write(document: object | string): string {
  const file = join(directory, `pathproof-${++number}.yml`)
  writeFileSync(file, typeof document === 'string' ? document : JSON.stringify(document, null, 1))
  return file
}

type Line = Record<string, unknown>
const lines = (text: string): Line[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line)

const event = (running: Started, name: string, count = 1): Promise<Line> =>
  running.output.until(
    name,
    () => lines(running.stderr()).filter((line) => line['event'] === name)[count - 1],
  )

interface Listening extends Started {
  base: string
}

async function run(file: string, ...args: string[]): Promise<Listening> {
  const running = start(binary, ['run', '--config.file', file, '--log.format', 'json', ...args])
  const { host, port } = await event(running, 'listening')
  return { ...running, base: `http://${String(host)}:${String(port)}` }
}

const get = async (url: string) => {
  const answer = await fetch(url, { headers: { connection: 'close' } })
  return { status: answer.status, text: await answer.text() }
}

describe('pathproof run', () => {
  it('serves, reloads on SIGHUP, keeps the old configuration where the new one is bad, and ends with 0 on SIGTERM', async () => {
    const file = write(configuration(['one']))
    const running = await run(file)
    expect((await get(`${running.base}/-/healthy`)).status).toBe(200)
    expect((await get(`${running.base}/-/ready`)).status).toBe(503)
    expect((await get(`${running.base}/metrics`)).text).toContain('target="one"')

    writeFileSync(file, JSON.stringify(configuration(['one', 'two']), null, 1))
    running.child.kill('SIGHUP')
    await event(running, 'reloaded')
    const more = await get(`${running.base}/metrics`)
    expect(more.text).toContain('target="two"')
    expect(more.text).toContain('\npathproof_config_last_reload_successful 1\n')

    writeFileSync(file, 'version: 1\ntargts: []\n')
    running.child.kill('SIGHUP')
    const refused = await event(running, 'reload_refused')
    expect(String(refused['problem'])).toContain(':2:1: ')
    expect(String(refused['problem'])).toContain('targets')
    const kept = await get(`${running.base}/metrics`)
    expect(kept.text).toContain('target="two"')
    expect(kept.text).toContain('\npathproof_config_last_reload_successful 0\n')

    rmSync(file)
    running.child.kill('SIGHUP')
    await event(running, 'reload_refused', 2)

    writeFileSync(file, JSON.stringify(configuration(['two']), null, 1))
    running.child.kill('SIGHUP')
    await event(running, 'reloaded', 2)
    const less = await get(`${running.base}/metrics`)
    expect(less.text).not.toContain('target="one"')
    expect(less.text).toContain('\npathproof_config_last_reload_successful 1\n')
    expect((await get(`${running.base}/-/reload`)).status).toBe(405)

    running.child.kill('SIGTERM')
    running.child.kill('SIGTERM')
    expect([0, 1]).toContain(await running.ended)
    expect(running.stdout()).toBe('')
  })

  it('ends with 0 on SIGTERM and on SIGINT, and says so last', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const running = await run(write(configuration([])))
      running.child.kill(signal)
      expect(await running.ended).toBe(0)
      const all = lines(running.stderr())
      expect(all.find((line) => line['event'] === 'ending')).toMatchObject({ signal })
      expect(all.at(-1)).toMatchObject({ event: 'stopped' })
      await expect(fetch(`${running.base}/-/healthy`)).rejects.toThrow()
    }
  })

  it('waits for the cycle under way, ignores SIGHUP meanwhile, and ends at once with 1 on a second signal', async () => {
    const asked = once(silent, 'message')
    // Many of them, so that the first one's turn comes soon.
    const running = await run(write(configuration(Array.from({ length: 20 }, (_, i) => `slow${i}`))))
    await asked
    running.child.kill('SIGTERM')
    await event(running, 'ending')
    running.child.kill('SIGHUP')
    running.child.kill('SIGINT')
    expect(await running.ended).toBe(1)
  })

  it('a SIGHUP in the first moments does not end it', async () => {
    const file = write(configuration([]))
    const running = start(binary, ['run', '--config.file', file, '--log.format', 'json'])
    // Before its handlers stand the kernel would end it: from the first line of the log on they do.
    await running.output.until('a first line', () => running.stderr().includes('\n'))
    running.child.kill('SIGHUP')
    await event(running, 'reloaded')
    running.child.kill('SIGTERM')
    expect(await running.ended).toBe(0)
  })

  it('lives on when the reader of its log goes away', async () => {
    const running = await run(write(configuration([])))
    running.child.stderr?.destroy()
    for (let time = 0; time < 3; time++) running.child.kill('SIGHUP')
    expect((await get(`${running.base}/-/healthy`)).status).toBe(200)
    expect((await get(`${running.base}/metrics`)).status).toBe(200)
    running.child.kill('SIGTERM')
    expect(await running.ended).toBe(0)
  })

  it('takes over a listening socket that was opened for it', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle
    const child = spawn(
      binary,
      ['run', '--config.file', write(configuration([])), '--web.listen-address', 'fd:3'],
      {
        stdio: ['ignore', 'ignore', 'ignore', fd],
      },
    )
    server.close()
    try {
      expect((await get(`http://127.0.0.1:${port}/-/healthy`)).status).toBe(200)
    } finally {
      const ended = once(child, 'close')
      child.kill('SIGTERM')
      expect((await ended)[0]).toBe(0)
    }
  })

  it('gives journald priorities and no times, and logfmt elsewhere', async () => {
    const file = join(directory, 'journal')
    const stderr = openSync(file, 'w')
    const { dev, ino } = fstatSync(stderr)
    const args = ['run', '--config.file', write(configuration([], { web: { listen: '192.0.2.1:1' } }))]
    const child = spawn(binary, args, {
      stdio: ['ignore', 'ignore', stderr],
      env: { ...process.env, JOURNAL_STREAM: `${dev}:${ino}` },
    })
    closeSync(stderr)
    expect((await once(child, 'close'))[0]).toBe(1)
    const journal = readFileSync(file, 'utf8')
    expect(journal).toMatch(/^<6>level=info event=vantage /m)
    expect(journal).toMatch(/^<3>level=error event=start_failed .*EADDRNOTAVAIL/m)
    expect(journal).not.toContain('ts=')

    const plain = await pathproof(args)
    expect(plain.code).toBe(1)
    expect(plain.stderr).toMatch(/^ts=\S+ level=error event=start_failed /m)
    expect(plain.stdout).toBe('')
  })

  it('says what is wrong before it starts, by exit code and with the next step', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as AddressInfo
    const good = write(configuration([]))
    const wrong: [string[], number, RegExp][] = [
      [['--config.file', join(directory, 'none.yml')], 78, /there is no such file/],
      [['--config.file', write('version: 2\n')], 78, /:1:10: version/],
      [['--config.file', write(configuration([], { web: { listen: 'example.com:80' } }))], 78, /web\.listen/],
      [['--config.file', good, '--web.listen-address', `127.0.0.1:${port}`], 1, /EADDRINUSE/],
      [['--config.file', good, '--web.listen-address', 'example.com:80'], 64, /Next step/],
      [['--config.file', good, '--log.level', 'loud'], 64, /debug, info, warn, error/],
      [['--config.file', good, '--log.format', 'xml'], 64, /console, logfmt or json/],
      [['--config.fil', good], 64, /did you mean "--config\.file"/],
      [['surplus'], 64, /unexpected argument/],
    ]
    const ran = await Promise.all(wrong.map(([args]) => pathproof(['run', ...args])))
    taken.close()
    for (const [index, { code, stdout, stderr }] of ran.entries()) {
      const [args, expected, said] = wrong[index] as [string[], number, RegExp]
      expect(code, `${args.join(' ')}\n${stderr}`).toBe(expected)
      expect(stderr, args.join(' ')).toMatch(said)
      expect(stderr).not.toContain('    at ')
      expect(stdout).toBe('')
    }
  })
})
