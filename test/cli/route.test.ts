import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { routeCommand } from '../../agent/cli/route.ts'
import { createSnapshotDirectory } from '../../lab/snapshot.ts'
import { worldFrom } from '../../lab/world/world.ts'
import { say } from '../support/io.ts'
import { documents } from '../support/processes.ts'

let directory = ''
let dump = ''
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'pathproof-route-test-'))
  const snapshot = createSnapshotDirectory(directory)
  // A year old: what the tables said does not grow stale for this question.
  await snapshot.write(worldFrom(), Date.now() - 365 * 86_400_000)
  dump = snapshot.path
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const from = ['--from', 'eni-0a000050']
const run = (argv: string[], lines: string[] | null = null) => say((io) => routeCommand(argv, io), { lines })

describe('pathproof route', () => {
  it('gives one document per address with all fields of the contract', async () => {
    const { code, stdout, stderr } = await run([
      '--json',
      '--snapshot',
      dump,
      ...from,
      '--to',
      '52.216.8.53',
      '--to',
      '8.8.8.8',
      '10.0.1.7',
    ])
    expect([code, stderr]).toEqual([0, ''])
    const [list, nat, local] = documents(stdout)
    expect(list).toEqual({
      schema: 'pathproof.route/1',
      from: {
        eni: 'eni-0a000050',
        subnet: 'subnet-0a000001',
        routeTable: 'rtb-0a000001',
        association: 'explicit',
      },
      to: '52.216.8.53',
      matched: {
        destination: expect.stringMatching(/^(pl-63a5400a|52\.216\.0\.0\/15)$/),
        prefixList: 'pl-63a5400a',
        target: 'vpce-0a000053',
        state: 'active',
        origin: expect.any(String),
      },
      hops: expect.any(Array),
      possible: ['gateway_endpoint', 'blocked'],
      state: 'private',
      because: expect.any(Array),
    })
    expect(nat).toMatchObject({
      to: '8.8.8.8',
      state: 'public',
      possible: ['nat_gateway', 'blocked'],
      matched: { destination: '0.0.0.0/0', prefixList: null },
    })
    // Behind the NAT gateway its own table is asked.
    expect((nat?.['hops'] as unknown[]).length).toBe(2)
    expect(local).toMatchObject({ to: '10.0.1.7', state: expect.stringMatching(/^(private|undetermined)$/) })
    expect((local?.['possible'] as string[]).includes('nat_gateway')).toBe(false)
  })

  it('answers in words, from a subnet and from an instance', async () => {
    const subnet = await run(['--snapshot', dump, '--from', 'subnet-0a000001', '52.216.8.53'])
    expect(subnet.code).toBe(0)
    expect(subnet.stdout).toMatch(
      /^52\.216\.8\.53: private if connected \(gateway_endpoint or blocked\)\n {2}rtb-0a000001 \(explicit\): /,
    )
    const instance = await run(['--json', '--snapshot', dump, '--from', 'i-0a000050', '52.216.8.53'])
    expect(documents(instance.stdout)[0]).toMatchObject({ from: { eni: 'eni-0a000050' }, state: 'private' })
  })

  it('reads addresses from stdin, goes on behind malformed lines, and ends with 65', async () => {
    const lines = [
      '52.216.8.53',
      '',
      '010.0.0.1',
      '  8.8.8.8  ',
      'https://x/?X-Amz-Signature=Zq9SECRETmark7x',
      '2600:1fa0::1',
    ]
    const { code, stdout, stderr } = await run(['--json', '--snapshot', dump, ...from], lines)
    expect([code, stderr]).toEqual([65, ''])
    const all = documents(stdout)
    expect(all.map((d) => ('error' in d ? 'error' : d['state']))).toEqual([
      'private',
      'error',
      'public',
      'error',
      'blocked',
    ])
    expect(all[1]).toEqual({ schema: 'pathproof.route/1', to: '010.0.0.1', error: expect.any(String) })
    expect(stdout).not.toContain('Zq9SECRETmark7x')
    expect((await run(['--json', '--snapshot', dump, ...from], [])).code).toBe(0)
  })

  it('says what is missing: 64 for usage, 1 for a snapshot or a place that is not there', async () => {
    expect((await run(['--snapshot', dump, '8.8.8.8'])).code).toBe(64)
    expect((await run(['--snapshot', dump, ...from])).code).toBe(64)
    const none = await run(['--snapshot', '/nonexistent/dump', ...from, '8.8.8.8'])
    expect([none.code, none.stdout]).toEqual([1, ''])
    expect(none.stderr).toContain('there is no such directory')
    const unknown = await run(['--snapshot', dump, '--from', 'eni-00000000', '8.8.8.8'])
    expect([unknown.code, unknown.stdout]).toEqual([1, ''])
    expect(unknown.stderr).toContain('describe-network-interfaces.json')
  })

  it('where a file is missing the answer is undetermined, and says which', async () => {
    const partial = join(directory, 'partial')
    cpSync(dump, partial, { recursive: true, dereference: true })
    rmSync(join(partial, 'get-managed-prefix-list-entries'), { recursive: true })
    // The other call that lists what is in AWS's own lists.
    rmSync(join(partial, 'describe-prefix-lists.json'))
    rmSync(join(partial, 'manifest.json'))
    const { code, stdout } = await run(['--json', '--snapshot', partial, ...from, '52.216.8.53'])
    expect(code).toBe(0)
    expect(documents(stdout)[0]).toMatchObject({ state: 'undetermined' })
    writeFileSync(join(partial, 'describe-route-tables.json'), '[]')
    const broken = await run(['--json', '--snapshot', partial, ...from, '52.216.8.53'])
    expect(broken.stderr).toContain('describe-route-tables.json')
    expect(documents(broken.stdout)[0]).toMatchObject({ matched: null, state: 'undetermined' })
  })
})
