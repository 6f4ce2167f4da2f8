import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { configCommand } from '../../agent/cli/config.ts'
import { exampleConfig } from '../../agent/config/example.ts'
import { configJsonSchema } from '../../agent/config/json-schema.ts'

const directory = mkdtempSync(join(tmpdir(), 'pathproof-config-command-'))
afterAll(() => rmSync(directory, { recursive: true }))

async function run(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await configCommand(argv, {
    stdout: (text) => {
      out += text
    },
    stderr: (text) => {
      err += text
    },
    stdin: null,
    color: false,
    tty: false,
    nowMs: () => Date.UTC(2026, 10, 20),
    environment: {},
  })
  return { code, out, err }
}

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}

const good = file(
  'good.yml',
  `version: 1
targets:
  - { name: artifacts, service: s3, region: us-east-1, bucket: my-bucket }
  - { name: old, hostname: sts.amazonaws.com, waiver: { reason: x, until: 2026-01-01 } }
topology: { source: directory, directory: /srv/dump }
ledger: { directory: /var/lib/pathproof/ledger }
exporters: { events: {} }
`,
)
const bad = file('bad.yml', 'version: 1\ntargets:\n  - { name: A, hostnam: x.example.com }\n')

describe('config check', () => {
  test('of a good file prints the sums and the warnings', async () => {
    const { code, out, err } = await run('check', good)
    expect(out.split('\n').map((line) => line.replace(/[0-9a-f]{64}/, 'HASH'))).toEqual([
      `ok: ${good}: 2 targets, 4 names, 0 resolvers, 10 connects per minute`,
      'schedule: at most 1 connection at once when nothing answers, of 256 allowed',
      'hash: HASH',
      `warning: ${good}:4:75: targets[1].waiver.until: the waiver ended on 2026-01-02T00:00:00.000Z; it excuses nothing any more`,
      'ledger: about 5.1 MB a day where no verdict changes, and 9 kB more for each name each time that something does; about 684 MB on disk over 400 days, compressed',
      '',
    ])
    expect([code, err]).toEqual([0, ''])
  })

  test('of a bad file prints every problem and nothing else', async () => {
    const { code, out, err } = await run('check', '--config.file', bad)
    expect(out.split('\n').map((line) => line.slice(bad.length).split(', ')[0])).toEqual([
      ':3:5: targets[0]: has neither service nor hostname',
      ':3:13: targets[0].name: got "A"',
      ':3:16: targets[0].hostnam: unknown key',
      '',
    ])
    expect([code, err]).toEqual([78, ''])
  })

  test('as JSON', async () => {
    const ok = await run('check', '--json', good)
    expect(ok.out.split('\n')).toHaveLength(2)
    expect(JSON.parse(ok.out)).toMatchObject({
      schema: 'pathproof.config/1',
      command: 'check',
      ok: true,
      problems: [],
      warnings: [{ line: 4, col: 75, path: 'targets[1].waiver.until' }],
      notActive: [],
      targets: 2,
      names: 4,
      connectsPerMinute: 10,
    })
    const wrong = await run('check', '--json', bad)
    expect(wrong.code).toBe(78)
    expect(JSON.parse(wrong.out)).toMatchObject({
      schema: 'pathproof.config/1',
      ok: false,
      problems: [
        { line: 3, col: 5 },
        { line: 3, col: 13 },
        {
          file: bad,
          line: 3,
          col: 16,
          path: 'targets[0].hostnam',
          problem: 'unknown key',
          suggestion: 'hostname',
        },
      ],
    })
  })

  test('of a web configuration as well', async () => {
    const web = file('web.yml', 'basic_auth_users:\n  a: plain\n')
    const { code, out } = await run('check', '--web.config.file', web, good)
    expect([code, out.slice(web.length, web.length + 5)]).toEqual([78, ':2:6:'])
    expect(out).not.toContain('plain')
    const none = await run('check', '--web.config.file', file('none.yml', ''), good)
    expect([none.code, none.out.slice(0, 3)]).toEqual([0, 'ok:'])
    const asJson = await run('check', '--json', '--web.config.file', web, good)
    expect(JSON.parse(asJson.out)).toMatchObject({ ok: false, problems: [{ line: 2, col: 6 }] })
  })

  test('of a file that is not there', async () => {
    const { code, out } = await run('check', join(directory, 'missing.yml'))
    expect(code).toBe(78)
    expect(out).toContain(
      'there is no such file, expected a configuration: "pathproof config example" prints one',
    )
  })
})

describe('config show', () => {
  test('prints what config check accepts', async () => {
    const { code, out, err } = await run('show', good)
    expect([code, err]).toEqual([0, ''])
    const again = await run('check', file('shown.yml', out))
    const hash = /hash: ([0-9a-f]{64})/
    expect(hash.exec(again.out)?.[1]).toBe(hash.exec((await run('check', good)).out)?.[1])
  })

  test('of a bad file prints no configuration', async () => {
    const { code, out, err } = await run('show', bad)
    expect([code, out]).toEqual([78, ''])
    expect(err).toContain('unknown key')
  })

  test('as JSON', async () => {
    const { out } = await run('show', '--json', good)
    expect(JSON.parse(out)).toMatchObject({
      schema: 'pathproof.config/1',
      command: 'show',
      config: { version: 1 },
    })
  })
})

test('config schema and config example print what is in the repository', async () => {
  expect(JSON.parse((await run('schema')).out)).toEqual(configJsonSchema())
  expect((await run('example')).out).toBe(exampleConfig)
})

describe('usage', () => {
  test.each([
    [[], 64],
    [['--help'], 0],
    [['check', '--help'], 0],
    [['chek'], 64],
    [['check', 'a', 'b'], 64],
    [['check', 'a', '--config.file', 'b'], 64],
    [['schema', 'x'], 64],
    [['check', '--strict'], 64],
  ])('%j gives %d', async (argv, expected) => {
    const { code, out, err } = await run(...argv)
    expect(code).toBe(expected)
    expect(expected === 0 ? err : out).toBe('')
    expect(expected === 0 ? out : err).not.toBe('')
  })
})
