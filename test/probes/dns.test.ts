import { createSocket } from 'node:dgram'
import type { Answer } from 'dns-packet'
import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import type { DnsAnswer } from '../../model/observation.ts'
import { askable, encodeQuery, readMessage } from '../../probes/dns-message.ts'
import { queryResolver } from '../../probes/dns.ts'
import { AA, dnsServer, RA, response, TC } from './dns-server.ts'
import type { Asked, ScriptedServer } from './dns-server.ts'
import { common } from './support.ts'

const servers: ScriptedServer[] = []

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function serve(script: (asked: Asked) => void): Promise<ScriptedServer> {
  const server = await dnsServer(script)
  servers.push(server)
  return server
}

const name = 'bucket.s3.us-east-1.amazonaws.com'

function a(address: string, owner = name, ttl = 60): Answer {
  return { type: 'A', name: owner, data: address, ttl, class: 'IN' }
}
function aaaa(address: string, owner = name, ttl = 60): Answer {
  return { type: 'AAAA', name: owner, data: address, ttl, class: 'IN' }
}
function cname(owner: string, target: string, ttl = 60): Answer {
  return { type: 'CNAME', name: owner, data: target, ttl, class: 'IN' }
}

async function ask(server: { port: number }, hostname = name, timeoutSeconds = 5, signal?: AbortSignal) {
  return queryResolver(
    { hostname, resolver: { name: 'corp', server: { address: '10.1.1.53', port: 53 } }, counts: true },
    { ...common(timeoutSeconds, signal), serverAddress: () => ({ address: '127.0.0.1', port: server.port }) },
  )
}

function addresses(answer: DnsAnswer): string[] {
  if (!answer.answered) throw new Error(`not answered: ${JSON.stringify(answer.failure)}`)
  return answer.addresses.map(({ address }) => address)
}

function failure(answer: DnsAnswer) {
  return answer.answered ? 'answered' : answer.failure
}

describe('queryResolver', () => {
  it('asks both families from one fresh socket with ids of their own, with EDNS, and keeps the order of the server', async () => {
    const server = await serve(({ type, answer }) =>
      answer(
        type === 'A' ? [a('52.216.9.9'), a('52.216.1.1')] : [aaaa('2600:1F00:0:0::2'), aaaa('2600:1fa0::1')],
      ),
    )
    const seen = await ask(server)
    expect(seen).toMatchObject({
      kind: 'dns',
      hostname: name,
      resolver: 'corp',
      server: '10.1.1.53:53',
      counts: true,
    })
    expect(addresses(seen.ipv4)).toEqual(['52.216.9.9', '52.216.1.1'])
    expect(addresses(seen.ipv6)).toEqual(['2600:1f00::2', '2600:1fa0::1'])
    expect(seen.ipv4).toMatchObject({ rcode: 'NOERROR', transport: 'udp', truncated: false, cnames: [] })
    expect(server.asked.map((asked) => asked.type).sort()).toEqual(['A', 'AAAA'])
    expect(new Set(server.asked.map((asked) => asked.sourcePort)).size).toBe(1)
    expect(new Set(server.asked.map((asked) => asked.id)).size).toBe(2)
    expect(server.asked.every((asked) => asked.edns && asked.name === name)).toBe(true)
    for (let i = 0; i < 3; i++) await ask(server)
    expect(new Set(server.asked.map((asked) => asked.sourcePort)).size).toBeGreaterThan(1)
  })

  it('gives the families different ids whatever chance says', async () => {
    const server = await serve(({ type, answer }) => answer([type === 'A' ? a('10.0.0.1') : aaaa('fd00::1')]))
    for (const id of [0, 7, 0xffff]) {
      const resolver = { name: 'corp', server: { address: '127.0.0.1', port: server.port } }
      const deps = { ...common(), serverAddress: () => resolver.server, randomId: () => id }
      const seen = await queryResolver({ hostname: name, resolver, counts: true }, deps)
      expect([addresses(seen.ipv4), addresses(seen.ipv6)]).toEqual([['10.0.0.1'], ['fd00::1']])
      expect(new Set(server.asked.splice(0).map((asked) => asked.id)).size).toBe(2)
    }
  })

  it('gives each family its own answer in whatever order they come, and takes none for the other', async () => {
    const held: (() => void)[] = []
    const server = await serve(({ query, type, send, answer }) => {
      // the other family's question under this one's id
      const crossed = type === 'A' ? 'AAAA' : 'A'
      send(
        response({ ...query, questions: [{ type: crossed, class: 'IN', name }] }, [
          crossed === 'A' ? a('203.0.113.66') : aaaa('2001:db8::66'),
        ]),
      )
      held.push(() => answer([type === 'A' ? a('10.0.0.1') : aaaa('fd00::1')]))
      if (held.length === 2) for (const say of held.splice(0).reverse()) say()
    })
    const seen = await ask(server)
    expect([addresses(seen.ipv4), addresses(seen.ipv6)]).toEqual([['10.0.0.1'], ['fd00::1']])
  })

  it('gets the second answer from a socket of its own where only one comes back to a port', async () => {
    const answered = new Set<number>()
    const server = await serve(({ type, answer }) => {
      const port = server.asked.at(-1)?.sourcePort ?? 0
      if (answered.has(port)) return
      answered.add(port)
      answer([type === 'A' ? a('10.0.0.1') : aaaa('fd00::1')])
    })
    const seen = await ask(server, name, 2)
    expect([addresses(seen.ipv4), addresses(seen.ipv6)]).toEqual([['10.0.0.1'], ['fd00::1']])
    expect(answered.size).toBe(2)
  })

  it('tells NOERROR without data and NXDOMAIN from failures', async () => {
    const empty = await ask(await serve(({ answer }) => answer([])))
    expect(empty.ipv6).toMatchObject({ answered: true, rcode: 'NOERROR', addresses: [] })
    const gone = await ask(await serve(({ answer }) => answer([], { rcode: 3 })))
    expect(gone.ipv4).toMatchObject({ answered: true, rcode: 'NXDOMAIN', addresses: [] })
    const failed = await ask(await serve(({ answer }) => answer([], { rcode: 2 })))
    expect(failed.ipv4).toEqual({
      answered: false,
      failure: { type: 'dns', code: 'SERVFAIL' },
      transport: 'udp',
    })
    const refused = await ask(await serve(({ answer }) => answer([], { rcode: 5 })))
    expect(failure(refused.ipv6)).toEqual({ type: 'dns', code: 'REFUSED' })
  })

  it('lets one family fail alone', async () => {
    const seen = await ask(
      await serve(({ type, answer }) => (type === 'A' ? answer([a('10.0.0.1')]) : answer([], { rcode: 2 }))),
    )
    expect(addresses(seen.ipv4)).toEqual(['10.0.0.1'])
    expect(seen.ipv6.answered).toBe(false)
  })

  it('follows the CNAME chain, with the lowest TTL along it, and ignores records of other names', async () => {
    const server = await serve(({ type, answer }) =>
      answer(
        type === 'A'
          ? [
              a('203.0.113.66', 'evil.example'),
              cname('EVIL.example', 's3-w.example'),
              a('52.216.1.1', 'S3-1-W.amazonaws.com', 5),
              cname('s3-w.us-east-1.amazonaws.com', 's3-1-w.amazonaws.com', 30),
              cname(name, 's3-w.us-east-1.amazonaws.com', 300),
              a('203.0.113.67', 'other.example'),
              { type: 'A', name: 's3-1-w.amazonaws.com', data: '203.0.113.68', ttl: 1, class: 'CH' },
            ]
          : [],
      ),
    )
    const { ipv4 } = await ask(server)
    expect(ipv4).toMatchObject({
      addresses: [{ address: '52.216.1.1', ttlSeconds: 5 }],
      cnames: ['s3-w.us-east-1.amazonaws.com', 's3-1-w.amazonaws.com'],
    })
  })

  it('takes the TTL of a CNAME when it is the lowest, and a TTL with the top bit as zero', async () => {
    const { ipv4, ipv6 } = await ask(
      await serve(({ type, answer }) =>
        answer(
          type === 'A'
            ? [cname(name, 'x.example', 7), a('52.216.1.1', 'x.example', 600)]
            : [aaaa('2600::1', name, 0xffffffff)],
        ),
      ),
    )
    expect(ipv4).toMatchObject({ addresses: [{ ttlSeconds: 7 }] })
    expect(ipv6).toMatchObject({ addresses: [{ ttlSeconds: 0 }] })
  })

  it('fails on a chain that loops or is too long', async () => {
    const loop = await ask(
      await serve(({ answer }) => answer([cname(name, 'b.example'), cname('b.example', name)])),
    )
    expect(failure(loop.ipv4)).toEqual({ type: 'dns', code: 'CNAME_LOOP' })
    const long = Array.from({ length: 17 }, (_, i) =>
      cname(i === 0 ? name : `n${i}.example`, `n${i + 1}.example`),
    )
    const tooLong = await ask(await serve(({ answer }) => answer([...long, a('10.0.0.1', 'n17.example')])))
    expect(failure(tooLong.ipv4)).toEqual({ type: 'dns', code: 'CNAME_LOOP' })
    const justFits = [...long.slice(0, 16), a('10.0.0.1', 'n16.example')]
    expect(addresses((await ask(await serve(({ answer }) => answer(justFits)))).ipv4)).toEqual(['10.0.0.1'])
  })

  it('counts everything where a name has an address beside a CNAME, or two CNAMEs', async () => {
    const both = [
      a('10.0.0.1'),
      cname(name, 'x.example'),
      cname(name, 'y.example'),
      a('52.216.1.1', 'y.example'),
    ]
    const { ipv4 } = await ask(await serve(({ answer }) => answer(both)))
    expect(addresses(ipv4)).toEqual(['10.0.0.1', '52.216.1.1'])
  })

  it('takes no empty answer from a server that did not go to the end', async () => {
    const referral = await ask(await serve(({ answer }) => answer([], { flags: 0 })))
    expect(failure(referral.ipv4)).toEqual({ type: 'dns', code: 'NOT_RECURSIVE' })
    const halfChain = await ask(
      await serve(({ answer }) => answer([cname(name, 'x.example')], { flags: AA })),
    )
    expect(failure(halfChain.ipv6)).toEqual({ type: 'dns', code: 'NOT_RECURSIVE' })
    const authority = await ask(await serve(({ answer }) => answer([], { flags: AA })))
    expect(authority.ipv4).toMatchObject({ answered: true, addresses: [] })
    const recursive = await ask(
      await serve(({ answer }) => answer([cname(name, 'x.example')], { flags: RA })),
    )
    expect(recursive.ipv6).toMatchObject({ answered: true, addresses: [], cnames: ['x.example'] })
  })

  it('does not believe NXDOMAIN with addresses', async () => {
    const seen = await ask(await serve(({ answer }) => answer([a('10.0.0.1')], { rcode: 3 })))
    expect(failure(seen.ipv4)).toEqual({ type: 'dns', code: 'NXDOMAIN_WITH_ADDRESSES' })
  })

  it('asks by TCP when truncated, and handles 4,000 addresses there', async () => {
    const many = Array.from({ length: 4000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)
    const server = await serve(({ query, type, transport, send, answer }) => {
      if (type !== 'A') answer([])
      else if (transport === 'udp') answer([a('10.0.0.0')], { flags: RA | TC })
      else send(compressed(response(query, []), many))
    })
    const { ipv4 } = await ask(server)
    expect(ipv4).toMatchObject({ transport: 'tcp', truncated: false })
    expect(addresses(ipv4)).toEqual(many)
    const [first, second] = server.asked.filter(({ type }) => type === 'A')
    expect([first?.transport, second?.transport]).toEqual(['udp', 'tcp'])
  })

  it('cuts more than 4,000 addresses and says so', async () => {
    const many = Array.from({ length: 4050 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`)
    const server = await serve(({ query, transport, send, answer }) =>
      transport === 'udp' ? answer([], { flags: RA | TC }) : send(compressed(response(query, []), many)),
    )
    const { ipv4 } = await ask(server)
    expect(ipv4).toMatchObject({ truncated: true })
    expect(addresses(ipv4)).toEqual(many.slice(0, 4000))
  })

  it('says so when TCP is truncated as well, and fails when TCP does', async () => {
    const still = await ask(await serve(({ answer }) => answer([a('10.0.0.1')], { flags: RA | TC })))
    expect(still.ipv4).toMatchObject({ answered: true, truncated: true, transport: 'tcp' })
    const half = await ask(
      await serve(({ transport, answer, send }) =>
        transport === 'udp'
          ? answer([a('10.0.0.1')], { flags: RA | TC })
          : send(Buffer.from('nonsense, and no answer')),
      ),
    )
    expect(half.ipv4).toEqual({
      answered: false,
      failure: { type: 'dns', code: 'EBADRESP' },
      transport: 'tcp',
    })
  })

  it('waits past a wrong id, a wrong question and a query, and takes the true answer', async () => {
    const server = await serve(({ query, type, send, answer }) => {
      const evil = type === 'A' ? [a('203.0.113.66')] : [aaaa('2001:db8::66')]
      send(response({ ...query, id: ((query.id ?? 0) + 1) & 0xffff }, evil))
      send(response({ ...query, questions: [{ type: 'A', class: 'IN', name: 'evil.example' }] }, evil))
      send(response({ ...query, questions: [{ type: 'MX', class: 'IN', name }] }, evil))
      send(response({ ...query, questions: [] }, evil))
      send(encodeQuery({ id: query.id ?? 0, hostname: name, type: 'A', edns: false }))
      send(Buffer.from([1, 2, 3]))
      answer(type === 'A' ? [a('10.0.0.1')] : [aaaa('fd00::1')])
    })
    const seen = await ask(server)
    expect(addresses(seen.ipv4)).toEqual(['10.0.0.1'])
    expect(addresses(seen.ipv6)).toEqual(['fd00::1'])
  })

  it('takes nothing from another port than it asked', async () => {
    const spoofer = createSocket('udp4')
    const silent = await serve(({ query }) => {
      const victim = silent.asked.at(-1)?.sourcePort ?? 0
      spoofer.send(response(query, [a('203.0.113.66')]), victim, '127.0.0.1')
    })
    const spoofed = await ask(silent, name, 0.3)
    await new Promise<void>((resolve) => spoofer.close(() => resolve()))
    expect(failure(spoofed.ipv4)).toMatchObject({ type: 'timeout' })
  })

  it('ends in a time-out on silence, after two tries with different ids and ports', async () => {
    const server = await serve(() => {})
    const seen = await ask(server, name, 0.3)
    expect(seen.ipv4).toEqual({
      answered: false,
      failure: { type: 'timeout', afterSeconds: 0.3 },
      transport: 'udp',
    })
    const tries = server.asked.filter(({ type }) => type === 'A')
    expect(tries).toHaveLength(2)
    expect(tries[0]?.sourcePort).not.toBe(tries[1]?.sourcePort)
  })

  it('gets the answer by the second try when the first is lost', async () => {
    let count = 0
    const server = await serve(({ type, answer }) => {
      if (type === 'A' && count++ === 0) return
      answer(type === 'A' ? [a('10.0.0.1')] : [])
    })
    expect(addresses((await ask(server, name, 2)).ipv4)).toEqual(['10.0.0.1'])
  })

  it('says EBADRESP when garbage with the right id is all that came', async () => {
    const server = await serve(({ query, send }) => {
      const garbage = Buffer.alloc(40, 0xff)
      garbage.writeUInt16BE(query.id ?? 0)
      garbage.writeUInt16BE(0x8080, 2)
      send(garbage)
    })
    expect(failure((await ask(server, name, 1)).ipv4)).toEqual({ type: 'dns', code: 'EBADRESP' })
  })

  it('asks a server that stumbles over EDNS once more without', async () => {
    const server = await serve(({ query, answer }) => {
      const edns = query.additionals?.some((record) => record.type === 'OPT')
      if (edns) answer([], { rcode: 1 })
      else answer([a('10.0.0.1')])
    })
    expect(addresses((await ask(server)).ipv4)).toEqual(['10.0.0.1'])
  })

  it('counts the extended rcode of EDNS', async () => {
    const opt = {
      type: 'OPT',
      name: '.',
      extendedRcode: 1,
      ednsVersion: 0,
      flags: 0,
      options: [],
    } as unknown as Answer
    const server = await serve(({ answer }) => answer([], { additionals: [opt] }))
    expect(failure((await ask(server)).ipv4)).toEqual({ type: 'dns', code: 'BADVERS' })
  })

  it('says refused when nothing listens, and aborted when told to stop', async () => {
    const server = await dnsServer(() => {})
    await server.close()
    const refused = await ask(server)
    expect([refused.ipv4, refused.ipv6].map(failure)).toEqual([{ type: 'refused' }, { type: 'refused' }])
    const stop = new AbortController()
    const silent = await serve(() => stop.abort())
    expect(failure((await ask(silent, name, 30, stop.signal)).ipv4)).toEqual({ type: 'aborted' })
  })

  it('asks for nothing that is no host name', async () => {
    const server = await serve(({ answer }) => answer([]))
    for (const bad of [
      '',
      '.',
      'a..b',
      `${'a'.repeat(64)}.example`,
      `${'a.'.repeat(127)}a`,
      'a b',
      'ä.example',
      'a\u0000',
    ]) {
      const seen = await ask(server, bad)
      expect([bad, failure(seen.ipv4)]).toEqual([bad, { type: 'dns', code: 'EBADNAME' }])
    }
    expect(server.asked).toEqual([])
    expect(askable('S3.Amazonaws.com.')).toBe(true)
  })

  it('makes terminal escapes in CNAME targets harmless', async () => {
    const server = await serve(({ answer }) => answer([cname(name, 'a\u001b]0;evil\u0007.example')]))
    const { ipv4 } = await ask(server)
    expect(ipv4).toMatchObject({ answered: true, cnames: ['a.example'] })
  })
})

/** Appends A records whose owner is a pointer to the question: what real servers send, and dns-packet does not. */
function compressed(header: Buffer, list: readonly string[]): Buffer {
  const records = list.map((address) =>
    Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]),
  )
  const message = Buffer.concat([header, ...records])
  message.writeUInt16BE(list.length, 6)
  return message
}

describe('readMessage', () => {
  const query = { id: 0x1234, hostname: name, type: 'A', edns: true } as const

  it('never throws, and never gives an address that is none', () => {
    const good = response({ id: 0x1234, questions: [{ type: 'A', class: 'IN', name }] } as never, [
      cname(name, 'x.example'),
      a('52.216.1.1', 'x.example'),
    ])
    const flips = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 })
    fc.assert(
      fc.property(flips, fc.nat(good.length), (changes, length) => {
        const bytes = Buffer.from(good.subarray(0, length))
        for (const [at, value] of changes) if (at >= 2 && at < bytes.length) bytes[at] = value
        const reading = readMessage(bytes, query)
        const given = reading.kind === 'answer' ? reading.addresses : []
        expect(given.filter(({ address }) => !/^\d+\.\d+\.\d+\.\d+$/.test(address))).toEqual([])
      }),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        readMessage(bytes, query)
        readMessage(Buffer.concat([good.subarray(0, 4), bytes]), query)
      }),
      { numRuns: 2000 },
    )
  })

  it('goes to TCP when the cut is in the middle of a record', () => {
    const whole = response(
      { id: 0x1234, questions: [{ type: 'A', class: 'IN', name }] } as never,
      [a('10.0.0.1')],
      {
        flags: RA | TC,
      },
    )
    expect(readMessage(whole.subarray(0, whole.length - 2), query).kind).toBe('truncated')
  })
})
