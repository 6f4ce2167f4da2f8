import { afterEach, describe, expect, it } from 'vitest'
import type { Lookup } from '../../model/host.ts'
import type { DnsObservation } from '../../model/observation.ts'
import { limit } from '../../probes/limit.ts'
import { querySystem } from '../../probes/system-resolver.ts'
import type { SystemResolverDeps } from '../../probes/system-resolver.ts'
import { dnsServer } from './dns-server.ts'
import type { Asked, ScriptedServer } from './dns-server.ts'
import { common } from './support.ts'

const servers: ScriptedServer[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

const name = 's3.amazonaws.com'

async function query(
  lookup: Lookup,
  scripts: ((asked: Asked) => void)[],
  deps: Partial<SystemResolverDeps> = {},
) {
  const started: ScriptedServer[] = []
  for (const script of scripts) started.push(await dnsServer(script))
  servers.push(...started)
  const seen = await querySystem(name, {
    ...common(2),
    lookup,
    lookups: limit(4),
    systemServers: () => started.map((_, index) => ({ address: `10.0.0.${index + 1}`, port: 53 })),
    serverAddress: ({ address }) => ({
      address: '127.0.0.1',
      port: started[Number(address.split('.')[3]) - 1]?.port ?? 0,
    }),
    ...deps,
  })
  expect(seen).toHaveLength(2)
  return seen as [DnsObservation, DnsObservation]
}

const found: Lookup = () =>
  Promise.resolve([
    { address: '52.216.1.1', family: 4 },
    { address: '::ffff:52.216.1.1', family: 6 },
    { address: '::FFFF:52.216.1.2', family: 6 },
  ])

function failing(code: string): Lookup {
  return () => Promise.reject(Object.assign(new Error('x'), { code, syscall: 'getaddrinfo' }))
}

const empty = ({ answer }: Asked) => answer([])
const gone = ({ answer }: Asked) => answer([], { rcode: 3 })
const broken = ({ answer }: Asked) => answer([], { rcode: 2 })

describe('querySystem', () => {
  it('gives getaddrinfo and DNS as two observations of the resolver "system"', async () => {
    const [libc, dns] = await query(found, [
      ({ type, answer }) => answer(type === 'A' ? [{ type: 'A', name, data: '10.0.0.1', ttl: 5 }] : []),
    ])
    expect(libc).toMatchObject({ resolver: 'system', server: 'getaddrinfo', counts: true, hostname: name })
    expect(libc.ipv4).toMatchObject({
      answered: true,
      transport: 'getaddrinfo',
      addresses: [
        { address: '52.216.1.1', ttlSeconds: null },
        { address: '52.216.1.2', ttlSeconds: null },
      ],
    })
    expect(libc.ipv6).toMatchObject({ answered: true, rcode: 'NOERROR', addresses: [] })
    expect(dns).toMatchObject({
      resolver: 'system',
      server: '10.0.0.1:53',
      ipv4: { addresses: [{ address: '10.0.0.1', ttlSeconds: 5 }] },
    })
  })

  it('goes on to the next server when one is silent or broken, and stops at an answer', async () => {
    const [, dns] = await query(found, [broken, empty, broken])
    expect(dns).toMatchObject({ server: '10.0.0.2:53', ipv4: { answered: true } })
    expect(servers[2]?.asked).toEqual([])
    const [, none] = await query(found, [broken, broken])
    expect(none).toMatchObject({ server: '10.0.0.2:53', ipv4: { answered: false } })
  })

  it('asks three servers at most, and says when there is none', async () => {
    const four = [broken, broken, broken, empty]
    expect((await query(found, four))[1]).toMatchObject({ server: '10.0.0.3:53', ipv6: { answered: false } })
    const [, none] = await query(found, [])
    expect(none).toMatchObject({ server: 'none', ipv4: { answered: false, failure: { code: 'NO_SERVERS' } } })
  })

  it('takes "not found" for an answer only if DNS says without doubt that there is nothing', async () => {
    expect((await query(failing('ENOTFOUND'), [gone]))[0]).toMatchObject({
      ipv4: { answered: true, rcode: 'NXDOMAIN' },
      ipv6: { answered: true, rcode: 'NXDOMAIN' },
    })
    expect((await query(failing('ENOTFOUND'), [empty]))[0].ipv6).toMatchObject({
      answered: true,
      rcode: 'NOERROR',
    })
    for (const script of [
      broken,
      ({ type, answer }: Asked) => answer(type === 'A' ? [] : [{ type: 'AAAA', name, data: '2600::1' }]),
      ({ type, answer }: Asked) => answer([], { rcode: type === 'A' ? 3 : 2 }),
    ]) {
      const [libc] = await query(failing('ENOTFOUND'), [script])
      expect(libc.ipv4).toMatchObject({ answered: false, failure: { type: 'dns', code: 'ENOTFOUND' } })
      expect(libc.ipv6.answered).toBe(false)
    }
    expect((await query(failing('EAI_AGAIN'), [gone]))[0].ipv4).toMatchObject({
      failure: { code: 'EAI_AGAIN' },
    })
  })

  it('takes nothing that is no address', async () => {
    const [libc] = await query(() => Promise.resolve([{ address: '010.0.0.1', family: 4 }]), [empty])
    expect(libc.ipv4).toMatchObject({ answered: false, failure: { code: 'EBADRESP' } })
    expect((await query(() => Promise.resolve([]), [empty]))[0].ipv4.answered).toBe(false)
  })

  it('gives up on a call that hangs, which keeps its place until it comes back', async () => {
    const { promise, resolve: release } = Promise.withResolvers<Awaited<ReturnType<Lookup>>>()
    const hanging: Lookup = () => promise
    const lookups = limit(1)
    const [libc] = await query(hanging, [empty], { ...common(0.2), lookups })
    expect(libc.ipv4).toMatchObject({ answered: false, failure: { type: 'timeout', afterSeconds: 0.2 } })
    let called = 0
    const counted: Lookup = (hostname) => {
      called++
      return found(hostname)
    }
    const [waiting] = await query(counted, [empty], { ...common(0.2), lookups })
    expect(waiting.ipv4).toMatchObject({ failure: { type: 'resources', code: 'LOOKUPS_IN_FLIGHT' } })
    release([{ address: '10.0.0.1', family: 4 }])
    const [after] = await query(counted, [empty], { ...common(2), lookups })
    expect(after.ipv4.answered).toBe(true)
    // the one that waited in vain was never made
    expect(called).toBe(1)
  })
})
