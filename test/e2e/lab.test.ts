import { EventEmitter } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { runInNamespace } from '../../lab/namespace.ts'
import { needs, titled } from '../support/needs.ts'
import { binary, documents, endAll, start } from '../support/processes.ts'

afterEach(endAll)

const missing = await needs('namespaces', 'ip')

async function metrics(base: string): Promise<string> {
  return (await fetch(`${base}/metrics`, { headers: { connection: 'close' } })).text()
}

/** Starts `pathproof lab`, waits for the page and the first verdicts, and ends it as Ctrl-C does. */
async function play(args: string[]): Promise<void> {
  const lab = start(binary, [
    'lab',
    '--scenario',
    'gateway-endpoint',
    '--every',
    '3s',
    '--web.listen-address',
    '127.0.0.1:0',
    ...args,
  ])
  const base = await lab.output.until(
    'the address',
    () => /status page {2}(http:\/\/127\.0\.0\.1:\d+)\//.exec(lab.stdout())?.[1],
    60,
  )
  await lab.output.until(
    'both verdicts',
    () =>
      /✔ private .* artifacts .*[\s\S]*✘ public .* sts |✘ public .* sts .*[\s\S]*✔ private .* artifacts /.test(
        lab.stdout(),
      ),
    60,
  )
  const text = await metrics(base)
  expect(text).toMatch(/^pathproof_path_private\{target="artifacts",[^}]*\} 1$/m)
  expect(text).toMatch(/^pathproof_path_private\{target="sts",[^}]*\} 0$/m)
  expect(await (await fetch(`${base}/`)).text()).toContain(
    '<span class="badge s-private"><span aria-hidden="true">✓</span> private</span>',
  )
  expect(lab.stdout()).toContain('fix: ')
  expect(lab.stdout()).not.toContain('\u001b')
  lab.child.kill('SIGINT')
  expect(await lab.ended).toBe(0)
  await expect(fetch(`${base}/-/healthy`)).rejects.toThrow()
}

describe('pathproof lab', () => {
  it('plays on loopback, and Ctrl-C ends all of it', () => play(['--mapped']), 90_000)
})

describe.skipIf(missing !== null)(titled('in namespaces', missing), () => {
  it('plays on real addresses, seen from outside, and Ctrl-C ends all of it', () => play([]), 90_000)

  it('pathproof check, as it is shipped, keeps its contract there', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'pathproof-inside-test-'))
    try {
      const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'
      const wanted = [
        { argv: [binary, 'check', '--json', '--config.file', '$CONFIG', s3] },
        { argv: [binary, 'check', '--json', '--config.file', '$CONFIG', 'absent.example'] },
        { argv: [binary, 'check', '--json', '--config.file', '$CONFIG', s3, 'absent.example', 'not a name'] },
        { argv: [binary, 'check', '--json', '--snapshot', '$SNAPSHOT', s3] },
        { argv: [binary, 'check', '--config.file', '$CONFIG'] },
      ]
      const file = join(directory, 'result.json')
      const inside = resolve(import.meta.dirname, '../support/inside/lab-commands.ts')
      const code = await runInNamespace({
        command: [process.execPath, inside, file, 'gateway-endpoint', JSON.stringify(wanted)],
        environment: { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'] },
        listen: null,
        nameServers: ['10.0.0.2'],
        signals: new EventEmitter(),
      })
      expect(code).toBe(0)
      const [one, absent, three, strangers, all] = JSON.parse(readFileSync(file, 'utf8')) as {
        code: number
        stdout: string
        stderr: string
      }[]
      // No physical device is in a namespace: there is no route evidence, so nothing may be called private or public.
      expect([one?.code, one?.stderr]).toEqual([4, ''])
      const [document] = documents(one?.stdout ?? '')
      expect(document).toMatchObject({
        schema: 'pathproof.check/1',
        target: s3,
        state: 'undetermined',
        met: false,
      })
      const { attempts } = (
        document as {
          names: [
            {
              attempts: {
                state: string
                localAddress: string
                evidence: { rule: string; because: string }[]
              }[]
            },
          ]
        }
      ).names[0]
      expect(attempts).toHaveLength(6)
      for (const attempt of attempts) {
        expect(attempt).toMatchObject({ state: 'undetermined', localAddress: '10.0.1.50' })
        expect(attempt.evidence[0]?.because).toContain(
          'verifies against the roots configured for the partition',
        )
      }
      expect(absent?.code).toBe(3)
      expect(documents(absent?.stdout ?? '')[0]).toMatchObject({
        state: 'blocked',
        names: [{ because: [expect.stringContaining('does not exist')] }],
      })
      expect(three?.code).toBe(3)
      expect(documents(three?.stdout ?? '')).toHaveLength(3)
      // Without the lab's authority in the configuration its certificates are a stranger's.
      expect(strangers?.code).toBe(4)
      expect(strangers?.stdout).toMatch(/intercept|does not verify|verifies only/)
      expect(all?.code).toBe(4)
      expect(all?.stdout).toMatch(/^UNDETERMINED {2}artifacts-lab/)
      expect(all?.stdout).toContain('Requirement of sts: private: not met')
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  }, 120_000)
})
