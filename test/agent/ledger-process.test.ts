import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { realFiles } from '../../ledger/files.ts'
import { parseVkey } from '../../ledger/note.ts'
import { readLedger } from '../../ledger/read.ts'
import type { LedgerRecord } from '../../ledger/types.ts'
import { verifyLedger } from '../../ledger/verify.ts'
import { needs, titled } from '../support/needs.ts'
import { type Started, binary, endAll, start } from '../support/processes.ts'

let home = ''
/** A name server that says at once that it can't answer, so that looks are over soon and nothing is ever dialled. */
const failing = createSocket('udp4')
failing.on('message', (query, { address, port }) => {
  const answer = Buffer.from(query)
  answer.writeUInt16BE(0x8182, 2)
  failing.send(answer, port, address)
})
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'pathproof-ledger-run-'))
  await new Promise<void>((resolve) => failing.bind(0, '127.0.0.1', resolve))
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', join(home, 'key.pem')])
})
afterAll(() => {
  failing.close()
  rmSync(home, { recursive: true, force: true })
})
afterEach(endAll)

function configuration(directory: string, targets: number, more: object = {}): string {
  const file = join(home, `${directory.replaceAll('/', '_')}.yml`)
  const document = {
    version: 1,
    agent: { vantage: 'on-prem' },
    targets: Array.from({ length: targets }, (_, n) => ({
      name: `t${n}`,
      hostname: `bucket${n}.s3.us-east-1.amazonaws.com`,
      resolvers: ['here'],
      every: '2s',
      timeout: '1s',
    })),
    resolvers: [{ name: 'here', address: `127.0.0.1:${failing.address().port}` }],
    topology: { source: 'directory', directory: join(home, 'nowhere') },
    ledger: {
      directory,
      key_file: join(home, 'key.pem'),
      name: 'test/ledger',
      segment_size: '1MiB',
      ...more,
    },
    web: { listen: '127.0.0.1:0' },
  }
  writeFileSync(file, JSON.stringify(document, null, 1))
  return file
}

const args = (file: string): string[] => [
  'run',
  '--config.file',
  file,
  '--log.format',
  'json',
  '--log.level',
  'debug',
]

type Line = Record<string, unknown>
const event = (running: Started, name: string): Promise<Line> =>
  running.output.until(name, () =>
    running
      .stderr()
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Line)
      .find((line) => line['event'] === name),
  )

async function recordsOf(directory: string): Promise<LedgerRecord[]> {
  const all: LedgerRecord[] = []
  for await (const line of readLedger(realFiles(), directory)) if (line.ok) all.push(line.record)
  return all
}

const keyOf = async (running: Started) => parseVkey(String((await event(running, 'ledger_key'))['verifier']))

describe('the daemon as a process, with a ledger', () => {
  it('killed again and again, it leaves a ledger that shows only its recoveries', async () => {
    const directory = join(home, 'killed')
    const file = configuration(directory, 6)
    const rounds = 2
    let key: Awaited<ReturnType<typeof keyOf>> = null
    for (let round = 0; round < rounds; round++) {
      const running = start(binary, args(file))
      key = await keyOf(running)
      await event(running, 'ledger_opened')
      // At once, and somewhere in the first writings.
      await running.output.until(
        'some verdicts',
        () => running.stderr().split('"verdict"').length > round * 3 || null,
      )
      running.child.kill('SIGKILL')
      expect(await running.ended).toBe('SIGKILL')
    }
    const last = start(binary, args(file))
    await event(last, 'ledger_opened')
    last.child.kill('SIGTERM')
    expect(await last.ended).toBe(0)

    const verified = await verifyLedger(realFiles(), directory, { keys: key === null ? [] : [key] })
    if (!verified.ok) throw new Error('newer')
    const { seen } = verified
    expect(seen.problems).toEqual([])
    expect([seen.signer, seen.unsignedTail, seen.torn, seen.closed]).toEqual(['verified', 0, null, true])
    expect(seen.gaps).toEqual([])
    expect(seen.recoveries).toHaveLength(rounds)
    const started = (await recordsOf(directory)).filter(
      ({ kind, body }) => kind === 'lifecycle' && body['event'] === 'started',
    )
    expect(started.length).toBeGreaterThan(0)
    expect(started.length).toBeLessThanOrEqual(rounds + 1)
  })
})

const reason = await needs('namespaces')
describe.skipIf(reason !== null)(titled('a disk that is full', reason), () => {
  it('stops the ledger and not the probes, and is declared when there is room again', async () => {
    const mount = join(home, 'small')
    const out = join(home, 'kept')
    const directory = join(mount, 'ledger')
    const file = configuration(directory, 25)
    const script = `
set -e
mkdir "$1"
mount -t tmpfs -o size=140k tmpfs "$1"
dd if=/dev/zero of="$1/ballast" bs=1k count=100 2>/dev/null
shift_mount=$1; out=$2; shift 2
"$@" &
pid=$!
while read -r word; do
  case $word in
    free) rm "$shift_mount/ballast"; mount -o remount,size=4m "$shift_mount" ;;
    stop) kill -TERM $pid; wait $pid || true; cp -r "$shift_mount/ledger" "$out"; exit 0 ;;
  esac
done
kill -KILL $pid`
    const running = start(
      'unshare',
      ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh', mount, out, binary, ...args(file)],
      { stdin: 'open' },
    )
    const key = await keyOf(running)
    const { host, port } = await event(running, 'listening')
    const metrics = async (): Promise<string> => {
      const answer = await fetch(`http://${String(host)}:${String(port)}/metrics`, {
        headers: { connection: 'close' },
      })
      return await answer.text()
    }
    const full = await event(running, 'ledger_suspended')
    expect(full['code']).toBe('ENOSPC')
    expect(await metrics()).toContain('\npathproof_ledger_writable 0\n')
    const before = /pathproof_last_verdict_timestamp_seconds\{target="t3"[^\n]* (\S+)\n/.exec(
      await metrics(),
    )?.[1]
    // Looks go on meanwhile.
    const lookedAgain = async (): Promise<boolean> => {
      const now = /pathproof_last_verdict_timestamp_seconds\{target="t3"[^\n]* (\S+)\n/.exec(
        await metrics(),
      )?.[1]
      return now !== undefined && now !== before
    }
    while (!(await lookedAgain())) await new Promise((resolve) => setImmediate(resolve))
    running.child.stdin?.write('free\n')
    await event(running, 'ledger_resumed')
    expect(await metrics()).toContain('\npathproof_ledger_writable 1\n')
    running.child.stdin?.write('stop\n')
    expect(await running.ended).toBe(0)

    const verified = await verifyLedger(realFiles(), out, { keys: key === null ? [] : [key] })
    if (!verified.ok) throw new Error('newer')
    const { seen } = verified
    expect(seen.problems).toEqual([])
    expect(seen.signer).toBe('verified')
    expect(seen.gaps.length).toBeGreaterThan(0)
    expect(seen.gaps.some(({ reason: why }) => why.includes('ENOSPC'))).toBe(true)
    expect(seen.gaps.every(({ lost }) => Object.keys(lost).length === 0)).toBe(true)
  })

  it('ends the agent where the configuration says so', async () => {
    const mount = join(home, 'tiny')
    const file = configuration(join(mount, 'ledger'), 25, { on_full: 'exit' })
    const script = `set -e; mkdir "$1"; mount -t tmpfs -o size=40k tmpfs "$1"; shift; exec "$@"`
    const running = start('unshare', [
      ...['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'sh', mount],
      ...[binary, ...args(file)],
    ])
    expect((await event(running, 'ledger_suspended'))['code']).toBe('ENOSPC')
    expect(await running.ended).toBe(1)
  })
})
