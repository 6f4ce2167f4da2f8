import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkCommand } from '../../agent/cli/check.ts'
import { worstExitCode } from '../../agent/cli/exit-code.ts'
import { type Lab, startLab } from '../../lab/lab.ts'
import { systemHost } from '../../probes/host.ts'
import { type Said, say } from '../support/io.ts'
import { scenario } from '../support/lab-daemon.ts'
import { documents } from '../support/processes.ts'

const s3 = 'artifacts-lab.s3.us-east-1.amazonaws.com'
const sts = 'sts.amazonaws.com'
const backup = 'backup-lab.s3.us-east-1.amazonaws.com'
const absent = 'absent.s3.us-east-1.amazonaws.com.example'

let lab: Lab
/** The same account, read an hour ago. */
let old: Lab
let directory = ''

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-check-test-'))
  const demo = await scenario('demo')
  lab = await startLab(demo, { mode: 'mapped', clock: { wallMs: Date.now }, timed: false })
  old = await startLab(demo, { mode: 'mapped', clock: { wallMs: () => Date.now() - 1800_000 }, timed: false })
})
afterAll(async () => {
  await lab.close()
  await old.close()
  rmSync(directory, { recursive: true, force: true })
})

let number = 0
function write(document: object | string): string {
  const file = join(directory, `${++number}.yml`)
  writeFileSync(file, typeof document === 'string' ? document : JSON.stringify(document, null, 1))
  return file
}

const base = (from: Lab) => ({ version: 1, partition_roots: [{ partition: 'aws', file: from.caFile }] })

function run(argv: string[], { from = lab, color = false, file = write(base(from)) } = {}): Promise<Said> {
  return say(
    (io) =>
      checkCommand([...argv, '--config.file', file], io, {
        host: from.hostAccess(systemHost({})),
        hostRoots: () => [],
        readText: () => Promise.resolve(null),
      }),
    { color },
  )
}

describe('pathproof check', () => {
  it('gives one JSON document per input with all fields of the contract, and nothing else on stdout', async () => {
    const { code, stdout, stderr } = await run(['--json', '--snapshot', lab.snapshotDirectory, s3])
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.endsWith('\n')).toBe(true)
    const [document, ...more] = documents(stdout)
    expect(more).toEqual([])
    expect(document).toMatchObject({
      schema: 'pathproof.check/1',
      target: s3,
      require: 'private',
      met: true,
      waiver: null,
      state: 'private',
      names: [
        {
          hostname: s3,
          style: 'regional',
          state: 'private',
          proof: 'configured',
          confirmation: 'unavailable',
          wouldDecide: expect.any(Array),
          fix: expect.any(Array),
        },
      ],
      ifSnapshotWereFresh: {},
    })
    const { attempts } = (document as { names: [{ attempts: Record<string, unknown>[] }] }).names[0]
    expect(attempts.length).toBe(6)
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({
        id: expect.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/),
        address: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
        family: 4,
        localAddress: '10.0.1.50',
        localPort: expect.any(Number),
        resolvers: expect.arrayContaining([expect.stringContaining('system')]),
        state: 'private',
        possible: ['gateway_endpoint'],
        proof: 'configured',
        conflicts: [],
        timings: {
          dnsSeconds: expect.any(Number),
          tcpConnectSeconds: expect.any(Number),
          tlsHandshakeSeconds: expect.any(Number),
          uncertaintySeconds: expect.any(Number),
        },
      })
      for (const evidence of attempt['evidence'] as Record<string, unknown>[]) {
        expect(evidence).toMatchObject({
          rule: expect.any(String),
          possible: expect.any(Array),
          rank: expect.stringMatching(/^(given|attested|observed|configured|consistent)$/),
          because: expect.any(String),
          source: expect.any(String),
          observedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
        })
      }
    }
  })

  it('says why, from the strongest reason on, and what to paste, where the path is public', async () => {
    const { code, stdout, stderr } = await run(['--snapshot', lab.snapshotDirectory, sts])
    expect([code, stderr]).toEqual([3, ''])
    const lines = stdout.split('\n')
    expect(lines[0]).toMatch(
      /^PUBLIC {2}sts\.amazonaws\.com {2}\(this agent's connection took a public path, proof: configured\)/,
    )
    const ranks = lines.flatMap(
      (line) => /^ {4}(given|attested|observed|configured|consistent) /.exec(line)?.[1] ?? [],
    )
    const order = ['given', 'attested', 'observed', 'configured', 'consistent']
    expect(ranks.length).toBeGreaterThan(2)
    expect(ranks).toEqual(ranks.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)))
    expect(stdout).toContain('What mends it:')
    expect(stdout).toMatch(/^ {6}\$ aws ec2 /m)
    expect(stdout).toContain('Requirement of sts.amazonaws.com: private: not met')
    expect(stdout).not.toContain('\u001b')
    const coloured = await run(['--snapshot', lab.snapshotDirectory, sts], { color: true })
    expect(coloured.stdout).toContain('\u001b[31mPUBLIC\u001b[39m')
  })

  it.each([
    [[s3], 0],
    [[backup], 4],
    [[sts], 3],
    [[absent], 3],
    [[s3, backup], 4],
    [[backup, sts, s3], 3],
    [['not a name'], 65],
    [[s3, 'not a name'], 65],
    [['not a name', backup], 4],
    [['not a name', sts], 3],
  ])('%j: exit code %i', async (names, expected) => {
    const { code, stdout, stderr } = await run(['--json', '--snapshot', lab.snapshotDirectory, ...names])
    expect(code, stderr).toBe(expected)
    // The malformed one does not keep the others from being looked at.
    expect(documents(stdout)).toHaveLength(names.length)
  })

  it('3 comes before 4, and 4 before 0, in any order', () => {
    expect([[4, 3, 0], [3, 4], [0, 4, 65], [65, 0], [0, 0], [], [0, 1, 3]].map(worstExitCode)).toEqual([
      3, 3, 4, 65, 0, 0, 1,
    ])
  })

  it('names what is malformed, on stderr or as a document', async () => {
    const text = await run(['--snapshot', lab.snapshotDirectory, 'https://exa mple/'])
    expect([text.code, text.stdout]).toEqual([65, ''])
    expect(text.stderr).toMatch(/^pathproof check: https:\/\/exa mple\/: /)
    const json = await run(['--json', '--snapshot', lab.snapshotDirectory, 'https://exa mple/'])
    expect([json.code, json.stderr]).toEqual([65, ''])
    expect(documents(json.stdout)).toEqual([
      { schema: 'pathproof.check/1', input: 'https://exa mple/', error: expect.any(String) },
    ])
  })

  it('a stale snapshot proves nothing, and it says what it would be', async () => {
    const { code, stdout } = await run(['--snapshot', old.snapshotDirectory, s3], { from: old })
    expect(code).toBe(4)
    expect(stdout).toMatch(/^UNDETERMINED /)
    expect(stdout).toContain('With the snapshot taken as if it were fresh, it would be private.')
    const json = await run(['--json', '--snapshot', old.snapshotDirectory, s3, sts], { from: old })
    expect(json.code).toBe(4)
    expect(documents(json.stdout).map((d) => [d['state'], d['ifSnapshotWereFresh']])).toEqual([
      ['undetermined', { [s3]: 'private' }],
      ['undetermined', { [sts]: 'public' }],
    ])
  })

  it('a dump without a manifest is taken as of the time of its files, and says so', async () => {
    const dump = join(directory, 'dump')
    cpSync(lab.snapshotDirectory, dump, { recursive: true, dereference: true })
    rmSync(join(dump, 'manifest.json'))
    const text = await run(['--snapshot', dump, s3])
    expect(text.code).toBe(0)
    expect(text.stderr).toMatch(
      /^snapshot as of \d{4}-\d\d-\d\dT[\d:.]+Z \(by the files' own times, which copying changes\)$/m,
    )
    expect(text.stdout).toMatch(/the snapshot is as old as its files say: as of \d{4}-/)
    const { stdout } = await run(['--json', '--snapshot', dump, s3])
    expect(stdout).toContain('as of ')
  })

  it.each([
    ['no snapshot at all', []],
    ['a directory that is not there', ['--snapshot', '/nonexistent/dump']],
  ])('with %s it is undetermined, and says what it needs', async (_what, more) => {
    const { code, stdout, stderr } = await run([...more, s3])
    expect(code).toBe(4)
    expect(stdout).toMatch(/^UNDETERMINED /)
    expect(stdout).toContain('What would decide it:')
    if (more.length > 0) expect(stderr).toContain('there is no such directory')
  })

  it('a broken file of the snapshot is named with its place, and the rest still counts', async () => {
    const dump = join(directory, 'broken')
    cpSync(lab.snapshotDirectory, dump, { recursive: true, dereference: true })
    rmSync(join(dump, 'manifest.json'))
    writeFileSync(join(dump, 'describe-route-tables.json'), '{"RouteTables": [')
    const { code, stderr, stdout } = await run(['--json', '--snapshot', dump, s3])
    expect(code).toBe(4)
    expect(stderr).toContain('describe-route-tables.json')
    expect(documents(stdout)).toHaveLength(1)
  })

  it('checks the targets of the configuration: waivers, what else may be required, and its mistakes', async () => {
    const targets = [
      {
        name: 'waived',
        hostname: sts,
        waiver: { reason: 'legacy SDK', ticket: 'NET-12', until: '2099-12-31' },
      },
      { name: 'allowed', hostname: sts, require: ['nat_gateway', 'gateway_endpoint'] },
      { name: 'closed', hostname: absent, require: 'blocked' },
    ]
    const topology = { source: 'directory', directory: lab.snapshotDirectory }
    const { code, stdout, stderr } = await run([], { file: write({ ...base(lab), targets, topology }) })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('Waived until 2100-01-01T00:00:00.000Z: legacy SDK (NET-12)')
    expect(stdout).toContain('Requirement of waived: private: not met')
    expect(stdout).toContain('Requirement of allowed: nat_gateway or gateway_endpoint: met')
    expect(stdout).toContain('Requirement of closed: blocked: met')
    const over = { ...targets[0], waiver: { reason: 'legacy SDK', until: '2020-01-01' } }
    const later = await run(['--json'], { file: write({ ...base(lab), targets: [over], topology }) })
    expect(later.code).toBe(3)
    expect(documents(later.stdout)[0]).toMatchObject({
      met: false,
      waiver: { reason: 'legacy SDK', ticket: null, active: false },
    })
    const wrong = await run([], { file: write('version: 1\ntargets:\n  - { name: A, hostnme: x }\n') })
    expect([wrong.code, wrong.stdout]).toEqual([78, ''])
    expect(wrong.stderr).toMatch(/\.yml:3:\d+: targets\[0\]/)
  })

  it('refuses wrong usage with the next step', async () => {
    const { code, stdout, stderr } = await say((io) => checkCommand(['--jsn', s3], io))
    expect([code, stdout]).toEqual([64, ''])
    expect(stderr).toContain('did you mean "--json"?')
    const help = await say((io) => checkCommand(['--help'], io))
    expect([help.code, help.stderr]).toEqual([0, ''])
    expect(help.stdout).toContain('Exit codes:')
  })
})

describe('--all-styles', () => {
  const styles = (document: Record<string, unknown> | undefined) =>
    (document?.['names'] as { hostname: string; style: string; state: string }[]).map(
      ({ style, state }) => `${style} ${state}`,
    )

  it('looks at the other names of the same bucket, one document per input, and the worst decides', async () => {
    const argv = ['--all-styles', '--json', '--snapshot', lab.snapshotDirectory, s3]
    const { code, stdout } = await run(argv)
    const [document, ...more] = documents(stdout)
    expect(more).toEqual([])
    expect(styles(document).toSorted()).toEqual([
      'accelerate blocked',
      'dash private',
      'dualstack private',
      'fips private',
      'global private',
      'regional private',
    ])
    expect(document).toMatchObject({ target: s3, met: true, allStyles: { given: [s3], leaks: [] } })
    expect(code).toBe(0)
  })

  it('a table says which leak, and what mends it', async () => {
    const { code, stdout } = await run([
      '--all-styles',
      '--snapshot',
      lab.snapshotDirectory,
      'sts.us-east-1.amazonaws.com',
    ])
    expect(stdout).toContain('All styles of sts.us-east-1.amazonaws.com (* as given):')
    expect(stdout).toMatch(/^\* public +configured +regional +sts\.us-east-1\.amazonaws\.com$/m)
    expect(stdout).toMatch(/^ {2}public +configured +global +sts\.amazonaws\.com$/m)
    expect(stdout).toMatch(/^\d of \d names leak: /m)
    expect(code).toBe(3)
  })

  it('knows the bucket of a path and the region of a signature, and lets neither key nor signature out', async () => {
    const url = `https://s3.amazonaws.com/artifacts-lab/secret-file?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261120%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261120T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=hunter2`
    const { stdout, stderr } = await run(['--all-styles', '--json', '--snapshot', lab.snapshotDirectory, url])
    const [document] = documents(stdout)
    const names = (document?.['names'] as { hostname: string }[]).map(({ hostname }) => hostname)
    expect(names).toEqual(expect.arrayContaining(['s3.amazonaws.com', s3, 's3.us-east-1.amazonaws.com']))
    expect(stdout + stderr).not.toMatch(/hunter2|secret-file|AKIDEXAMPLE/)
  })

  it('exits as for many inputs: 3 before 4 before 0', async () => {
    const { code, stdout } = await run([
      '--all-styles',
      '--json',
      '--snapshot',
      lab.snapshotDirectory,
      s3,
      sts,
    ])
    expect(documents(stdout)).toHaveLength(2)
    expect(code).toBe(3)
  })
})
