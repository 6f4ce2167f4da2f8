import { createSocket } from 'node:dgram'
import { Resolver } from 'node:dns/promises'
import { connect } from 'node:net'
import dnsPacket from 'dns-packet'
import { afterEach, describe, expect, it } from 'vitest'
import { startDnsServer, type DnsServer, type Rotation } from '../../lab/dns.ts'
import type { NameAnswer } from '../../lab/world/types.ts'

const servers: DnsServer[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function serve(answer: (hostname: string) => Partial<NameAnswer>, rotate: Rotation[] = []) {
  const server = await startDnsServer({
    address: '127.0.0.1',
    port: 0,
    answer: (hostname) => ({
      rcode: 'NOERROR',
      ipv4: [],
      ipv6: [],
      cnames: [],
      ttlSeconds: 60,
      silent: false,
      ...answer(hostname),
    }),
    rotate,
  })
  servers.push(server)
  const resolver = new Resolver({ timeout: 300, tries: 1 })
  resolver.setServers([`127.0.0.1:${server.port}`])
  return { server, resolver }
}

function askUdp(port: number, packet: Buffer): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('message', (message) => {
      socket.close()
      resolve(message)
    })
    socket.send(packet, port, '127.0.0.1')
  })
}

function question(name: string, type: 'A' | 'AAAA' | 'TXT', udpPayloadSize: number | null = null): Buffer {
  return dnsPacket.encode({
    type: 'query',
    id: 77,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name, type }],
    additionals:
      udpPayloadSize === null
        ? []
        : [
            {
              type: 'OPT',
              name: '.',
              udpPayloadSize,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
          ],
  })
}

describe('answers', () => {
  it('give both families with their time to live', async () => {
    const { resolver } = await serve(() => ({
      ipv4: ['52.216.1.1', '52.216.1.2'],
      ipv6: ['2600:1fa0::1'],
      ttlSeconds: 7,
    }))
    expect(await resolver.resolve4('s3.us-east-1.amazonaws.com', { ttl: true })).toEqual([
      { address: '52.216.1.1', ttl: 7 },
      { address: '52.216.1.2', ttl: 7 },
    ])
    expect(await resolver.resolve6('s3.us-east-1.amazonaws.com')).toEqual(['2600:1fa0::1'])
  })

  it('give the whole chain of aliases and end it with the addresses', async () => {
    const { server, resolver } = await serve(() => ({
      cnames: ['s3-w.us-east-1.amazonaws.com', 's3-1-w.amazonaws.com'],
      ipv4: ['52.216.1.1'],
    }))
    expect(await resolver.resolveCname('b.s3.amazonaws.com')).toEqual(['s3-w.us-east-1.amazonaws.com'])
    expect(await resolver.resolve4('b.s3.amazonaws.com')).toEqual(['52.216.1.1'])
    const packet = dnsPacket.decode(await askUdp(server.port, question('B.s3.amazonaws.com', 'A')))
    expect(
      packet.answers?.map((record) => [record.name, record.type, 'data' in record ? record.data : null]),
    ).toEqual([
      ['B.s3.amazonaws.com', 'CNAME', 's3-w.us-east-1.amazonaws.com'],
      ['s3-w.us-east-1.amazonaws.com', 'CNAME', 's3-1-w.amazonaws.com'],
      ['s3-1-w.amazonaws.com', 'A', '52.216.1.1'],
    ])
    expect(packet.id).toBe(77)
    expect(packet.flag_ra).toBe(true)
    expect(packet.flag_aa).toBe(false)
  })

  it('tell a missing name, a missing family and a failure apart', async () => {
    const { server, resolver } = await serve((hostname) =>
      hostname === 'gone.example'
        ? { rcode: 'NXDOMAIN' }
        : hostname === 'broken.example'
          ? { rcode: 'SERVFAIL' }
          : { ipv4: ['10.0.0.9'] },
    )
    await expect(resolver.resolve4('gone.example')).rejects.toMatchObject({ code: 'ENOTFOUND' })
    await expect(resolver.resolve6('there.example')).rejects.toMatchObject({ code: 'ENODATA' })
    await expect(resolver.resolve4('broken.example')).rejects.toMatchObject({ code: 'ESERVFAIL' })
    const missing = dnsPacket.decode(await askUdp(server.port, question('gone.example', 'A')))
    expect(missing.authorities?.[0]?.type).toBe('SOA')
  })

  it('may be silence', async () => {
    const { resolver } = await serve(() => ({ silent: true }))
    await expect(resolver.resolve4('a.example')).rejects.toMatchObject({ code: 'ETIMEOUT' })
  })

  it('of other types are empty', async () => {
    const { resolver } = await serve(() => ({ ipv4: ['10.0.0.9'] }))
    await expect(resolver.resolveTxt('a.example')).rejects.toMatchObject({ code: 'ENODATA' })
  })
})

describe('large answers', () => {
  const many = Array.from({ length: 200 }, (_, index) => `52.216.1.${index}`)

  it('are cut at 512 bytes or at the size that the client allows, and come whole by TCP', async () => {
    const { server, resolver } = await serve(() => ({ ipv4: many }))
    const plain = await askUdp(server.port, question('a.example', 'A'))
    expect(plain.length).toBeLessThanOrEqual(512)
    expect(dnsPacket.decode(plain)).toMatchObject({ flag_tc: true, answers: [] })
    const wide = await askUdp(server.port, question('a.example', 'A', 1232))
    expect(wide.length).toBeLessThanOrEqual(1232)
    expect(dnsPacket.decode(wide).flag_tc).toBe(true)
    expect(await resolver.resolve4('a.example')).toHaveLength(200)
  })

  it('come whole by UDP where they fit', async () => {
    const { server } = await serve(() => ({ ipv4: many.slice(0, 40) }))
    expect(dnsPacket.decode(await askUdp(server.port, question('a.example', 'A')))).toMatchObject({
      flag_tc: true,
    })
    const packet = dnsPacket.decode(await askUdp(server.port, question('a.example', 'A', 1400)))
    expect(packet.flag_tc).toBe(false)
    expect(packet.answers).toHaveLength(40)
  })

  it('several questions may come on one TCP connection, in pieces', async () => {
    const { server } = await serve((hostname) => ({
      ipv4: [hostname === 'a.example' ? '10.0.0.1' : '10.0.0.2'],
    }))
    const queries = Buffer.concat(
      ['a.example', 'b.example'].map((name) =>
        dnsPacket.streamEncode({ type: 'query', id: 1, questions: [{ name, type: 'A' }] }),
      ),
    )
    const socket = connect(server.port, '127.0.0.1')
    socket.write(queries.subarray(0, 5))
    socket.write(queries.subarray(5))
    let seen = Buffer.alloc(0)
    const answers: unknown[] = []
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      seen = Buffer.concat([seen, chunk])
      while (seen.length > 2 && seen.length >= 2 + seen.readUInt16BE(0)) {
        const [record] = dnsPacket.streamDecode(seen).answers ?? []
        answers.push(record !== undefined && 'data' in record ? record.data : null)
        seen = seen.subarray(2 + seen.readUInt16BE(0))
      }
      if (answers.length === 2) break
    }
    expect(answers).toEqual(['10.0.0.1', '10.0.0.2'])
  })
})

describe('rotation', () => {
  const pool = ['52.216.1.1', '52.216.1.2', '52.216.1.3', '52.216.1.4']

  it('turns the order with each query', async () => {
    const { resolver } = await serve(() => ({ ipv4: pool }), [{ hostname: 'a.example', atMost: null }])
    expect((await resolver.resolve4('a.example'))[0]).toBe('52.216.1.1')
    expect((await resolver.resolve4('a.example'))[0]).toBe('52.216.1.2')
    expect((await resolver.resolve4('a.example'))[0]).toBe('52.216.1.3')
    expect((await resolver.resolve4('b.example'))[0]).toBe('52.216.1.1')
    expect(await resolver.resolve4('b.example')).toEqual(pool)
  })

  it('shows a part of the pool each time', async () => {
    const { resolver } = await serve(() => ({ ipv4: pool }), [{ hostname: 'a.example', atMost: 3 }])
    expect(await resolver.resolve4('a.example')).toEqual(pool.slice(0, 3))
    expect(await resolver.resolve4('a.example')).toEqual(['52.216.1.4', '52.216.1.1', '52.216.1.2'])
  })
})

describe('nonsense', () => {
  it('is not answered and does not end the server', async () => {
    const { server, resolver } = await serve(() => ({ ipv4: ['10.0.0.9'] }))
    const socket = createSocket('udp4')
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('hello'),
      Buffer.alloc(12, 0xff),
      Buffer.alloc(600, 0xc0),
    ]) {
      await new Promise((resolve) => socket.send(bytes, server.port, '127.0.0.1', resolve))
    }
    socket.close()
    const tcp = connect(server.port, '127.0.0.1')
    tcp.end(Buffer.from([0, 3, 1, 2, 3]))
    expect(await resolver.resolve4('a.example')).toEqual(['10.0.0.9'])
    tcp.destroy()
  })

  it('a taken port is an error', async () => {
    const { server } = await serve(() => ({}))
    await expect(
      startDnsServer({
        address: '127.0.0.1',
        port: server.port,
        answer: () => {
          throw new Error('unused')
        },
      }),
    ).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
