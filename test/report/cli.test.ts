import { mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTime, reportCommand } from '../../agent/cli/report.ts'
import { realFiles } from '../../ledger/files.ts'
import { formatLine, lineHash } from '../../ledger/line.ts'
import { createHandClock } from '../agent/hand-clock.ts'
import { kit, signer, testSigner } from '../ledger/kit.ts'
import { targetBody, verdictBody } from '../support/ledger-records.ts'
import { say } from '../support/io.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pathproof-report-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** A ledger as a store writes it: ten minutes of one target. */
async function written(name: string, state: 'private' | 'public'): Promise<string> {
  const directory = join(folder, name)
  const clock = createHandClock()
  const { store } = kit(realFiles(), { directory }, clock)
  const nowMs = () => clock.wallMs()
  await store.append('lifecycle', { event: 'started', version: '0.1.0', configuration: 'c1' })
  await store.append('target', targetBody('web', 30))
  await store.append('heartbeat', { everySeconds: 60, clockOffsetSeconds: 0.1, skipped: [] })
  await store.append('target_verdict', verdictBody({ target: 'web', id: 'v1', state, atMs: nowMs() }))
  for (let look = 1; look < 20; look++) {
    await clock.advance(30_000)
    await store.append('verdict_repeat', {
      looks: [{ target: 'web', of: 'v1', atMs: nowMs(), lifeSeconds: 95, made: [] }],
    })
  }
  await clock.advance(20_000)
  await store.close('done')
  return directory
}

const report = (...argv: string[]) => say((io) => reportCommand(argv, io))
const key = ['--key', signer.vkey]

describe('pathproof report', () => {
  it('says what a signed ledger shows, with 0 where all is as required', async () => {
    const directory = await written('good', 'private')
    const said = await report(...key, '--format', 'json', directory)
    expect(said.stderr).toBe('')
    expect(said.code).toBe(0)
    const document = JSON.parse(said.stdout)
    expect(document).toMatchObject({
      from: '2026-11-20T12:00:00Z',
      assurance: { outcome: 'verified', signers: [signer.vkey], unsignedTail: 0 },
      conclusion: { result: 'met' },
      targets: [{ target: 'web', conclusion: 'met_throughout', looks: { planned: 20, made: 20, missed: 0 } }],
    })
    expect(document.assurance.checkpoint).toContain('— example.com/pathproof/host-1 ')
    expect(document.assurance.transcript.join('\n')).toContain('signer verified')
    expect(document.records.last.seq).toBe(document.assurance.size - 1)
  })

  it('ends with 4 without a key, and with 3 where another one must have signed', async () => {
    const directory = await written('unknown', 'private')
    const said = await report('--format', 'json', directory)
    expect(said.code).toBe(4)
    expect(JSON.parse(said.stdout)).toMatchObject({
      assurance: { outcome: 'signer_unknown', signers: [] },
      conclusion: { result: 'incomplete' },
      targets: [{ conclusion: 'met_throughout' }],
    })
    const other = await report('--key', testSigner(2).vkey, '--format', 'json', directory)
    expect(other.code).toBe(3)
    expect(JSON.parse(other.stdout)).toMatchObject({
      assurance: { outcome: 'broken' },
      conclusion: { result: 'unusable' },
    })
  })

  it('ends with 3 for a public path, in every format, and writes to a file', async () => {
    const directory = await written('public', 'public')
    for (const format of ['html', 'csv', 'oscal', 'ocsf', 'json']) {
      const out = join(folder, `report.${format}`)
      const said = await report(...key, '--format', format, '--out', out, directory)
      expect(said).toMatchObject({ code: 3, stdout: '' })
      expect(said.stderr).toContain('Exceptions were found.')
      const text = await readFile(out, 'utf8')
      expect((await report(...key, '--format', format, directory)).stdout).toBe(text)
    }
    expect((await readdir(folder)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  it('writes through no link that lies in its way', async () => {
    const directory = await written('linked', 'private')
    const out = join(folder, 'linked.html')
    const other = join(folder, 'precious')
    await writeFile(other, 'precious')
    await symlink(other, `${out}.part`)
    expect(await report(...key, '--out', out, directory)).toMatchObject({ code: 1, stdout: '' })
    expect(await readFile(other, 'utf8')).toBe('precious')
  })

  it('names of the given keys only those that signed', async () => {
    const directory = await written('keys', 'private')
    const said = await report(...key, '--key', testSigner(2).vkey, '--format', 'json', directory)
    expect(JSON.parse(said.stdout)).toMatchObject({
      assurance: { outcome: 'verified', signers: [signer.vkey] },
    })
  })

  it('does not call whole what runs on behind the last checkpoint', async () => {
    const directory = await written('tail', 'private')
    const [name = ''] = await readdir(join(directory, 'segments'))
    const file = join(directory, 'segments', name)
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
    const last = lines.at(-1) ?? ''
    const draft = {
      kind: 'verdict_repeat',
      body: '{"looks":[]}',
      wallMs: Date.parse(JSON.parse(last).ts),
      monoUs: 1,
      bootId: 'boot-1',
      agentId: 'host-1',
    }
    const line = formatLine(draft, lines.length, lineHash(Buffer.from(last)))
    await writeFile(file, `${lines.join('\n')}\n${line.toString('utf8')}\n`)
    const said = await report(...key, '--format', 'json', directory)
    expect(said.code).toBe(4)
    const document = JSON.parse(said.stdout)
    expect(document).toMatchObject({ assurance: { outcome: 'gaps', unsignedTail: 1 } })
    expect(document.conclusion.sentences.join(' ')).toContain('are under no signed checkpoint')
  })

  it('ends with 3 for a ledger that was changed, and concludes nothing from it', async () => {
    const directory = await written('changed', 'private')
    const [name = ''] = await readdir(join(directory, 'segments'))
    const file = join(directory, 'segments', name)
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('"state":"private"', '"state":"blocked"'))
    const said = await report(...key, directory)
    expect(said.code).toBe(3)
    expect(said.stdout).toContain('The ledger does not verify: nothing in it can be relied on.')
    expect(said.stdout).not.toContain('no exception found')
  })

  it('reports on the period that is asked for', async () => {
    const directory = await written('period', 'private')
    const asked = ['--from', '2026-11-20T12:02:00Z', '--to', '2026-11-20T13:07:00+01:00']
    const inside = JSON.parse((await report(...key, '--format', 'json', ...asked, directory)).stdout)
    expect(inside).toMatchObject({
      from: '2026-11-20T12:02:00Z',
      to: '2026-11-20T12:07:00Z',
      targets: [{ conclusion: 'met_throughout', looks: { planned: 10, made: 10 } }],
    })
    const day = JSON.parse(
      (await report(...key, '--format', 'json', '--from', '2026-11-20', '--to', '2026-11-20', directory))
        .stdout,
    )
    expect(day).toMatchObject({
      from: '2026-11-20T00:00:00Z',
      to: '2026-11-21T00:00:00Z',
      conclusion: { result: 'incomplete' },
    })
    expect(day.interruptions.map(({ cause }: { cause: string }) => cause)).toEqual([
      'before_the_ledger',
      'after_the_last_record',
    ])
  })

  it('refuses what it can not do, and says how to go on', async () => {
    const directory = await written('usage', 'private')
    for (const argv of [
      [],
      [directory, directory],
      ['--format', 'pdf', directory],
      ['--from', 'yesterday', directory],
      ['--from', '2026-11-31', directory],
      ['--from', '2026-11-20', '--to', '2026-11-19', directory],
      ['--key', 'key', directory],
    ]) {
      const said = await report(...argv)
      expect(said, argv.join(' ')).toMatchObject({ code: 64, stdout: '' })
      expect(said.stderr).toContain('Next step: pathproof report --help')
    }
    expect(await report(join(folder, 'nothing'))).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('holds no ledger'),
    })
    expect(await report('--anchor', join(folder, 'none'), directory)).toMatchObject({ code: 1, stdout: '' })
    expect((await report('--help')).stdout).toContain('Usage: pathproof report')
  })
})

describe('times on the command line', () => {
  it('are days or RFC 3339', () => {
    const start = Date.UTC(2026, 10, 20)
    expect(readTime('2026-11-20', false)).toBe(start)
    expect(readTime('2026-11-20', true)).toBe(start + 86_400_000)
    expect(readTime('2026-11-20T01:00:00+01:00', false)).toBe(start)
    for (const text of [
      '2026-02-29',
      '2026-11-20 10:00',
      '2026-11-20T25:00:00Z',
      '2026-11-20T10:00:00',
      '',
      '1e3',
      '2026-11-31T00:00:00Z',
    ])
      expect(readTime(text, false), text).toBeNull()
  })
})
