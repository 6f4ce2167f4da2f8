import { createSocket } from 'node:dgram'
import { type AddressInfo, createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { HostAccess } from '../../model/host.ts'
import { defaultTargets, type RunningDaemon, startLabDaemon, surroundings } from '../support/lab-daemon.ts'

let running: RunningDaemon | null = null
const closers: (() => void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) close()
  await running?.stop()
  running = null
})

const many = 'many.s3.us-east-1.amazonaws.com'
const ssm = 'ssm.us-east-1.amazonaws.com'

const listed = (count: number) => Array.from({ length: count }, (_, i) => `52.216.${i >> 8}.${i & 255}`)

const scenario = `name: many
title: Thousands of answers
story: One name has four thousand addresses.
names: [{ target: many, hostname: ${many} }, { target: sts, hostname: sts.us-east-1.amazonaws.com }]
expect: [{ hostname: ${many}, state: private }]
`

/** A name server that compresses names, as all do: 4,000 addresses just fit into one answer over TCP. */
async function nameServer(addresses: readonly string[]): Promise<{ port: number; close(): void }> {
  const answer = (query: Buffer): Buffer => {
    let end = 12
    while (query[end] !== 0) end += 1 + (query[end] ?? 0)
    const isMany = query.toString('latin1', 13, 17) === 'many'
    const given = query.readUInt16BE(end + 1) === 1 ? (isMany ? addresses : ['209.54.177.164']) : []
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(0x8580, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(given.length, 6)
    const records = given.map((address) =>
      Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]),
    )
    return Buffer.concat([header, query.subarray(12, end + 5), ...records])
  }
  const tcp = createServer((socket) => {
    let seen = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('data', (data: Buffer) => {
      seen = Buffer.concat([seen, data])
      if (seen.length < 2 || seen.length < 2 + seen.readUInt16BE(0)) return
      const reply = answer(seen.subarray(2))
      const length = Buffer.alloc(2)
      length.writeUInt16BE(reply.length)
      socket.end(Buffer.concat([length, reply]))
    })
  })
  await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve))
  const { port } = tcp.address() as AddressInfo
  const udp = createSocket('udp4')
  udp.on('message', (query, { port: to, address }) => {
    const whole = answer(query)
    if (whole.length > 1232) {
      // Cut short: ask again over TCP.
      const cut = Buffer.from(whole.subarray(0, query.length))
      cut.writeUInt16BE(0x8780, 2)
      cut.writeUInt16BE(0, 6)
      udp.send(cut, to, address)
    } else udp.send(whole, to, address)
  })
  await new Promise<void>((resolve) => udp.bind(port, '127.0.0.1', resolve))
  return {
    port,
    close() {
      tcp.close()
      udp.close()
    },
  }
}

/** The machine with that name server in place of the lab's. */
async function withAnswers(addresses: readonly string[]): Promise<(host: HostAccess) => HostAccess> {
  const server = await nameServer(addresses)
  closers.push(() => server.close())
  return (host) => ({
    ...host,
    serverAddress: (at) =>
      at.address === '10.0.0.2' && at.port === 53
        ? { address: '127.0.0.1', port: server.port }
        : host.serverAddress(at),
    lookup: async (hostname) =>
      (hostname === many ? addresses : ['209.54.177.164']).map((address) => ({
        address,
        family: 4 as const,
      })),
  })
}

// The schedule of these tests runs ten times as fast.
const document = (lab: RunningDaemon['lab']) => ({
  ...surroundings(lab),
  targets: defaultTargets(lab, '20s'),
})

const shown = (state: string) =>
  `pathproof_addresses{target="many",hostname="${many}",style="regional",state="${state}"}`
const gauge = `pathproof_path_private{target="many",hostname="${many}",style="regional"}`

describe('load', () => {
  it('4,000 answers are all judged by their routes, one of each group is dialled, and the others get their turn', async () => {
    let dials = 0
    const answering = await withAnswers(listed(4000))
    running = await startLabDaemon({
      scenario,
      document,
      host: (host: HostAccess) => ({
        ...answering(host),
        dial: (to) => {
          dials++
          return host.dial(to)
        },
      }),
    })
    const { verdicts, metric, get } = running
    const verdict = await verdicts.until('two verdicts', (all) => {
      const own = all.filter((v) => v.target === 'many')
      return own.length >= 2 ? own.at(-1) : null
    })
    expect(verdict.state, verdict.names[0]?.because.join('; ')).toBe('private')
    const states = await Promise.all(
      ['private', 'unprobed', 'public', 'blocked', 'undetermined'].map((state) => metric(shown(state))),
    )
    expect(states.reduce<number>((sum, n) => sum + (n ?? Number.NaN), 0)).toBe(4000)
    expect(states.slice(2)).toEqual([0, 0, 0])
    expect(await metric(gauge)).toBe(1)
    // A list is one group, whatever the number of its addresses.
    expect(dials).toBeLessThan(100)
    expect(verdicts.items.filter((v) => v.target === 'sts').length).toBeGreaterThan(0)
    // Labels come from the configuration: four thousand addresses make no more series than one.
    const { text } = await get('/metrics')
    expect(text.split('\n').filter((line) => line.includes('target="many"')).length).toBeLessThan(45)
    expect(text).not.toContain('52.216.')
    const told = JSON.parse((await get('/api/v1/verdicts')).text)
    expect(told.targets.find((t: { target: string }) => t.target === 'many').names[0].attempts).toHaveLength(
      4000,
    )
  })

  it('one of 4,000 that leaves by another way is never lost in the crowd', async () => {
    running = await startLabDaemon({
      scenario,
      document,
      host: await withAnswers([...listed(3999), '18.34.233.40']),
    })
    const verdict = await running.verdicts.until('a verdict', (all) => all.find((v) => v.target === 'many'))
    expect(verdict.met).toBe(false)
    expect(['mixed', 'public', 'undetermined']).toContain(verdict.state)
    expect(await running.metric(gauge)).toBe(0)
  })

  it('more addresses than may be held make nothing private', async () => {
    running = await startLabDaemon({
      scenario,
      host: await withAnswers(listed(4000)),
      document: (lab) => ({ ...document(lab), limits: { hold_addresses: 1000 } }),
    })
    const verdict = await running.verdicts.until('a verdict', (all) => all.find((v) => v.target === 'many'))
    expect(verdict.state).toBe('undetermined')
    expect(verdict.names[0]?.because.join(' ')).toMatch(/more addresses|not all/)
    expect(await running.metric(gauge)).toBe(0)
  })

  it('500 targets all get their verdict, within the limits for connections and handshakes', async () => {
    let open = 0
    let most = 0
    running = await startLabDaemon({
      scenario: 'interface-endpoint',
      document: (lab) => ({
        ...surroundings(lab),
        targets: Array.from({ length: 500 }, (_, i) => ({
          name: `t${i}`,
          hostname: ssm,
          port: 443,
          every: '1800s',
          timeout: '60s',
        })),
        limits: { connects: 32, connects_per_target: 4, names: 500 },
      }),
      host: (host: HostAccess) => ({
        ...host,
        dial: (to) => {
          const dialled = host.dial(to)
          most = Math.max(most, ++open)
          dialled.socket.once('close', () => open--)
          return dialled
        },
      }),
    })
    const { verdicts, get, log } = running
    const states = await verdicts.until(
      'all 500',
      (all) => {
        const seen = new Map(all.map((v) => [v.target, v.state]))
        return seen.size === 500 ? seen : null
      },
      100,
    )
    expect([...new Set(states.values())]).toEqual(['private'])
    // The place is given on a moment before `close` is heard here.
    expect(most).toBeLessThanOrEqual(36)
    const { text } = await get('/metrics')
    const gauges = text.split('\n').filter((line) => line.startsWith('pathproof_path_private{'))
    expect(gauges).toHaveLength(500)
    expect(gauges.filter((line) => line.endsWith(' 1'))).toHaveLength(500)
    expect((await get('/')).text.split('<section class="target').length).toBe(501)
    expect(log.items.filter((line) => line['level'] === 'error')).toEqual([])
  }, 130_000)
})
