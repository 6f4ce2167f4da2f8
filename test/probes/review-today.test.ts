import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { linuxHostRoute } from '../../probes/host-route.ts'
import { batchArgs } from '../../probes/ip-command.ts'
import { withIpSession } from '../../probes/ip-session.ts'
import type { CommandResult, RunCommand } from '../../probes/run-command.ts'

const said = (stdout: string): CommandResult => ({ ran: true, code: 0, stdout, stderr: '' })
const routeOf = (fields: object) =>
  JSON.stringify([{ type: 'unicast', gateway: '10.0.1.1', dev: 'ens5', flags: [], ...fields }])
const match = routeOf({ dst: 'default' })
const link = JSON.stringify([
  { ifindex: 2, ifname: 'ens5', link_type: 'ether', address: '02:fc:00:00:00:01', parentbus: 'pci' },
])

function asking(batches: string[]) {
  const run: RunCommand = (file, args) => {
    if (file === 'nft') return Promise.resolve(said('{"nftables":[]}'))
    if (args.includes('-batch')) return Promise.resolve(said(batches.shift() ?? ''))
    return Promise.resolve(said(args.includes('link') ? link : ''))
  }
  return linuxHostRoute({
    clock: { wallMs: () => 0, monotonicMs: () => 0 },
    uid: 0,
    macs: () => new Map(),
    run,
    readFile: () => Promise.reject(Object.assign(new Error('none'), { code: 'ENOENT' })),
    exists: () => Promise.resolve(false),
  })
}

describe('an answer of the kernel', () => {
  const rules = (more: object[] = []) =>
    JSON.stringify([{ priority: 0, src: 'all', table: 'local' }, ...more])

  it.each([
    ['another destination', { dst: '52.216.1.2', from: '10.0.1.50' }],
    ['another source', { dst: '52.216.1.1', from: '10.0.2.50' }],
    ['no destination at all', { from: '10.0.1.50' }],
  ])('for %s is not taken for the one that was asked for', async (_what, fields) => {
    const route = await asking([[routeOf(fields), match, rules()].join('\n')])('52.216.1.1', '10.0.1.50')
    expect(route).toMatchObject({ method: 'none', device: null, mac: null, gateway: null })
  })

  it('for another destination does not show that a mark changes nothing', async () => {
    const marked = rules([{ priority: 10, src: 'all', fwmark: '0x80', table: '7' }])
    const own = routeOf({ dst: '52.216.1.1', from: '10.0.1.50' })
    const ask = (variant: object) =>
      asking([[own, match, marked].join('\n'), routeOf(variant)])('52.216.1.1', '10.0.1.50')
    expect(await ask({ dst: '52.216.1.1', from: '10.0.1.50', mark: '0x80' })).toMatchObject({
      selectorRules: false,
    })
    expect(await ask({ dst: '52.216.1.2', from: '10.0.1.50' })).toMatchObject({ selectorRules: null })
  })
})

describe('withIpSession', () => {
  it('gives no answer that came late to whoever asks next', async () => {
    // One line too many behind the answer to the first question, when that one is over.
    const script = `
let n = -1
process.stdin.on('data', (piece) => {
  for (const line of String(piece).trim().split('\\n')) {
    if (++n === 0) continue
    process.stdout.write(JSON.stringify([line]) + '\\n')
    if (n === 1) setTimeout(() => process.stdout.write('["late"]\\n', () => process.stderr.write('told\\n')), 50)
  }
})`
    const children: ReturnType<typeof spawn>[] = []
    const run = withIpSession(
      () => Promise.resolve({ ran: false, code: 'ENOENT' }),
      () => {
        const child = spawn(process.execPath, ['-e', script], { stdio: ['pipe', 'pipe', 'pipe'] })
        children.push(child)
        return child
      },
    )
    const args = batchArgs(4)
    expect(await run('ip', args, 'one\n')).toMatchObject({ stdout: '["one"]\n' })
    await once(children[0]!.stderr!, 'data')
    expect(await run('ip', args, 'two\n')).toMatchObject({ stdout: '["two"]\n' })
    for (const child of children) child.kill('SIGKILL')
  })
})
