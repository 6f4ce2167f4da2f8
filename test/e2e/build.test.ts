import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Script } from 'node:vm'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { endAll, root, start, type Ran } from '../support/processes.ts'

let directory = ''
let bundle = ''
/** The bundle lies in a directory of each run: nothing of it is kept. */
const env = { NODE_COMPILE_CACHE: undefined }

async function node(...args: string[]): Promise<Ran> {
  const running = start(process.execPath, args, { cwd: directory, env })
  const code = await running.ended
  return { code, stdout: running.stdout(), stderr: running.stderr() }
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-build-test-'))
  const out = join(directory, 'dist')
  bundle = join(out, 'pathproof.mjs')
  const built = await node(join(root, 'scripts', 'build.ts'), '--out', out)
  expect(built.code, built.stderr).toBe(0)
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))
afterEach(endAll)

describe('the bundle', () => {
  it('is a program that knows its version, its licence, its schema and its scenarios', async () => {
    expect(await node(bundle, '--version')).toMatchObject({
      code: 0,
      stdout: `pathproof ${manifest.version} (node ${process.versions.node})\n`,
    })
    const [first, second] = readFileSync(bundle, 'utf8').split('\n', 2)
    expect(first).toBe('#!/usr/bin/env node')
    expect(second).toContain(`pathproof ${manifest.version} | Apache-2.0`)
    const schema = await node(bundle, 'config', 'schema')
    expect(schema.stdout).toBe(readFileSync(join(root, 'pathproof.schema.json'), 'utf8'))
    expect(readFileSync(join(directory, 'dist', 'pathproof.schema.json'), 'utf8')).toBe(schema.stdout)
    const [here, there] = [
      await node(bundle, 'lab', '--list'),
      await node(join(root, 'agent', 'main.ts'), 'lab', '--list'),
    ]
    expect(here).toEqual(there)
    const name = await node(bundle, 'name', '--json', 'sts.eu-west-1.amazonaws.com')
    expect(JSON.parse(name.stdout)).toMatchObject({ service: 'sts', region: 'eu-west-1' })
  })

  it("brings along V8's code for its start, and does without it where it does not fit", async () => {
    const [text, code] = ['run.js', 'run.code'].map((file) => join(directory, 'dist', file)) as [
      string,
      string,
    ]
    const cachedData = readFileSync(code)
    expect(new Script(readFileSync(text, 'latin1'), { cachedData }).cachedDataRejected).toBe(false)
    for (const damaged of [
      cachedData.subarray(0, 1000),
      cachedData.fill(7, 5000, 6000),
      Buffer.alloc(0),
      null,
    ]) {
      if (damaged === null) rmSync(code)
      else writeFileSync(code, damaged)
      expect(await node(bundle, '--version')).toMatchObject({ code: 0, stderr: '' })
    }
  })

  it('names the licence of every runtime dependency', () => {
    const text = readFileSync(join(directory, 'dist', 'THIRD-PARTY-LICENSES.txt'), 'utf8')
    for (const [name, version] of Object.entries(manifest.dependencies))
      expect(text).toContain(`\n${name} ${version} (`)
    for (const name of Object.keys(manifest.devDependencies)) expect(text).not.toContain(`\n${name} `)
  })

  it('starts, answers /metrics, and ends with 0 on SIGTERM', async () => {
    const file = join(directory, 'pathproof.yml')
    writeFileSync(
      file,
      JSON.stringify({
        version: 1,
        agent: { vantage: 'on-prem' },
        topology: { source: 'directory', directory: join(directory, 'none') },
        web: { listen: '127.0.0.1:0' },
      }),
    )
    const running = start(process.execPath, [bundle, 'run', '--config.file', file, '--log.format', 'json'], {
      cwd: directory,
      env,
    })
    const port = await running.output.until(
      'the port',
      () => /"event":"listening".*"port":(\d+)/.exec(running.stderr())?.[1],
    )
    const text = await (
      await fetch(`http://127.0.0.1:${port}/metrics`, { headers: { connection: 'close' } })
    ).text()
    expect(text).toContain(`pathproof_build_info{version="${manifest.version}"`)
    running.child.kill('SIGTERM')
    expect(await running.ended).toBe(0)
  })

  it('plays the lab', async () => {
    const lab = start(
      process.execPath,
      [
        bundle,
        'lab',
        '--mapped',
        '--scenario',
        'blackhole',
        '--every',
        '3s',
        '--web.listen-address',
        '127.0.0.1:0',
      ],
      { cwd: directory, env },
    )
    await lab.output.until(
      'a verdict',
      () => /blocked|public|private/.test(lab.stdout().split('Ctrl-C ends it.')[1] ?? ''),
      60,
    )
    lab.child.kill('SIGINT')
    expect(await lab.ended).toBe(0)
  })

  it('does not overwrite what it has not built', async () => {
    const built = await node(join(root, 'scripts', 'build.ts'), '--out', root)
    expect(built.code).toBe(1)
    expect(built.stderr).toContain('holds something else than an earlier build')
  })
})
