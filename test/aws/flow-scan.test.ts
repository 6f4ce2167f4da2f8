import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { printFlowFormat, readFlowFormat } from '../../aws/flow-format.ts'
import { fieldsWanted } from '../../aws/flow-fields.ts'
import { parseFlowLine } from '../../aws/flow-record.ts'
import { readNumber } from '../../aws/flow-scan-census.ts'
import { flowKeyTable, readAddress, readIpv4Bytes } from '../../aws/flow-scan-keys.ts'
import { type FlowScanOptions, createFlowScan } from '../../aws/flow-scan.ts'
import { type FlowFormat, type FlowKey, flowFacts } from '../../model/flow.ts'
import { destinationIp, parseIpv4Number } from '../../net/ip.ts'

function format(text: string | null): FlowFormat {
  const read = readFlowFormat(text)
  if (!read.ok) throw new Error(read.problem)
  return read.format
}

interface Hit {
  line: string
  keys: number[]
}

/** Scans `bytes`, cut after each of `cuts`. */
function scanned(options: FlowScanOptions, bytes: Uint8Array, cuts: number[] = []) {
  const hits: Hit[] = []
  const malformed: Hit[] = []
  const scan = createFlowScan(options)
  const onLine: Parameters<typeof scan.scan>[1] = (line, keyIndexes, reading) =>
    void (reading.ok ? hits : malformed).push({
      line: Buffer.from(line).toString('latin1'),
      keys: keyIndexes.toSorted((a, b) => a - b),
    })
  let from = 0
  for (const cut of [...cuts.toSorted((a, b) => a - b), bytes.length]) {
    // In memory of its own, which is gone afterwards.
    const chunk = Uint8Array.from(bytes.subarray(from, Math.max(from, cut)))
    scan.scan(chunk, onLine)
    chunk.fill(0x41)
    from = Math.max(from, cut)
  }
  scan.end(onLine)
  return { hits, malformed, counters: scan.counters(), gaps: scan.gaps(), census: scan.census() }
}

/** The same question, asked of the parser on each line. */
function naive(as: FlowFormat, keys: readonly FlowKey[], bytes: Uint8Array) {
  const hits: Hit[] = []
  for (const raw of Buffer.from(bytes).toString('latin1').split('\n')) {
    const line = raw.replace(/\r$/, '')
    const read = parseFlowLine(Buffer.from(line, 'latin1').toString('utf8'), as)
    if (!read.ok) continue
    const facts = flowFacts(read.record)
    const matching = keys.flatMap((key, index) => {
      const remote = destinationIp(key.remoteAddress)
      const is = (local: number | null, far: number | null, addresses: (string | null)[]) =>
        local !== null &&
        (key.localPort === null || local === key.localPort) &&
        far === key.remotePort &&
        facts.protocol === key.protocol &&
        addresses.some((address) => address !== null && destinationIp(address) === remote)
      return is(facts.srcport, facts.dstport, [facts.dstaddr, facts.pktDstaddr]) ||
        is(facts.dstport, facts.srcport, [facts.srcaddr, facts.pktSrcaddr])
        ? [index]
        : []
    })
    if (matching.length > 0) hits.push({ line, keys: matching })
  }
  return hits
}

const addresses = ['52.1.1.1', '52.1.1.2', '10.0.0.1', '2001:db8::1', '2001:DB8:0::1', '::ffff:52.1.1.1']
const ports = [443, 80, 40_000, 40_001, 0, 65_535]
const address = fc.constantFrom(...addresses)
const port = fc.constantFrom(...ports)
const key: fc.Arbitrary<FlowKey> = fc.record({
  localPort: fc.option(port, { freq: 6 }),
  remoteAddress: address,
  remotePort: port,
  protocol: fc.constantFrom(6, 17),
})

const formats = [
  format(null),
  format(printFlowFormat(fieldsWanted)),
  format('srcport pkt-dstaddr protocol dstport pkt-srcaddr tomorrow'),
  format('protocol srcport dstport'),
  format('srcaddr dstaddr'),
]

function column(field: string): fc.Arbitrary<string> {
  const good = field.endsWith('addr')
    ? address
    : field.endsWith('port')
      ? port.map(String)
      : field === 'protocol'
        ? fc.constantFrom('6', '17')
        : field === 'log-status'
          ? fc.constantFrom('OK', 'OK', 'OK', 'NODATA', 'SKIPDATA')
          : fc.constantFrom('1', '7', '-')
  const bad = fc.constantFrom(
    '-',
    '00',
    '70000',
    '10.0.0',
    'x'.repeat(70),
    '52.1.1.01',
    '"',
    '\u00E9',
    'a\rb',
  )
  return fc.oneof({ weight: 40, arbitrary: good }, { weight: 1, arbitrary: bad })
}

const stream = fc.constantFrom(...formats).chain((as) => {
  const record = fc
    .tuple(fc.constantFrom(' ', ' ', '  '), fc.constantFrom('', '', ' ', '   '), ...as.fields.map(column))
    .map(([blanks, end, ...columns]) => `${end}${columns.join(blanks)}${end}`)
  const other = fc.oneof(
    fc.constantFrom('', ' ', '\r', as.fields.join(' '), 'x', ` ${as.fields.map(() => '-').join('  ')} `),
    fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
  )
  const line = fc.oneof({ weight: 6, arbitrary: record }, { weight: 1, arbitrary: other })
  return fc.record({
    as: fc.constant(as),
    keys: fc.array(key, { maxLength: 40, size: 'max' }),
    text: fc
      .array(fc.tuple(line, fc.constantFrom('\n', '\r\n')), { maxLength: 20, size: 'max' })
      .map((l) => l.flat().join('')),
    cuts: fc.array(fc.nat(2000), { maxLength: 6 }),
  })
})

describe('finds the same as the parser on each line', () => {
  test('in any stream, however it is cut', () => {
    let found = 0
    fc.assert(
      fc.property(stream, fc.boolean(), ({ as, keys, text, cuts }, census) => {
        const bytes = Buffer.from(text, 'latin1')
        const { hits } = scanned({ format: as, keys, census }, bytes, cuts)
        found += hits.length
        expect(hits).toEqual(naive(as, keys, bytes))
      }),
      { numRuns: 600 },
    )
    expect(found).toBeGreaterThan(300)
  })

  test('with its counters, gaps and census the same for every cut', () => {
    fc.assert(
      fc.property(stream, ({ as, keys, text, cuts }) => {
        const bytes = Buffer.from(text, 'latin1')
        const options = { format: as, keys, census: true }
        expect(scanned(options, bytes, cuts)).toEqual(scanned(options, bytes))
      }),
    )
  })

  test('cut at every single place', () => {
    const as = format('srcaddr dstaddr srcport dstport protocol')
    const keys = [{ localPort: 40_000, remoteAddress: '52.1.1.1', remotePort: 443, protocol: 6 }]
    const text =
      '10.0.0.1 52.1.1.1 40000 443 6\r\n52.1.1.1 10.0.0.1 443 40000 6\n10.0.0.1 52.1.1.1 40000 443 6'
    for (let cut = 0; cut <= text.length; cut++)
      expect(scanned({ format: as, keys }, Buffer.from(text), [cut]).hits).toHaveLength(3)
  })
})

const wide = format(printFlowFormat(fieldsWanted))
function wideLine(change: Record<string, string | number>): string {
  const usual: Record<string, string | number> = {
    version: 11,
    'interface-id': 'eni-1',
    srcaddr: '10.0.0.1',
    dstaddr: '52.1.1.1',
    srcport: 40_000,
    dstport: 443,
    protocol: 6,
    packets: 2,
    bytes: 100,
    start: 1000,
    end: 1060,
    action: 'ACCEPT',
    'log-status': 'OK',
    'pkt-srcaddr': '10.0.0.1',
    'pkt-dstaddr': '52.1.1.1',
    'pkt-dst-aws-service': 'S3',
    'flow-direction': 'egress',
    'traffic-path': 7,
  }
  return fieldsWanted.map((field) => change[field] ?? usual[field] ?? '-').join(' ')
}
const wanted: FlowKey = { localPort: 40_000, remoteAddress: '52.1.1.1', remotePort: 443, protocol: 6 }

describe('a line', () => {
  test('that fits a connection but is malformed is handed over as such', () => {
    const text = `${wideLine({ 'traffic-path': 'seven' })}\n${wideLine({})}\n`
    const { hits, malformed, counters } = scanned({ format: wide, keys: [wanted] }, Buffer.from(text))
    expect([hits.length, malformed.length]).toEqual([1, 1])
    expect(counters).toMatchObject({ lines: 2, badLines: 1, matchedLines: 2 })
  })

  test.each([65_535, 65_536, 65_537, 65_538, 65_539, 1_048_576])('of %i bytes', (length) => {
    const as = format('srcaddr dstaddr srcport dstport protocol tomorrow')
    const start = '10.0.0.1 52.1.1.1 40000 443 6 '
    const long = start + 'x'.repeat(length - start.length)
    const good = `${start}x`
    for (const lineEnd of ['\n', '\r\n']) {
      const bytes = Buffer.from([good, long, good, long].join(lineEnd))
      for (const cuts of [
        [],
        [40, 100],
        [20, 70_000, 70_001],
        Array.from({ length: 40 }, (_, i) => i * 60_000),
      ]) {
        const { hits, counters } = scanned({ format: as, keys: [wanted] }, bytes, cuts)
        const fits = length <= 65_536
        expect(hits).toHaveLength(fits ? 4 : 2)
        expect(counters).toMatchObject({ longLines: fits ? 0 : 2, lines: fits ? 4 : 2, badLines: 0 })
      }
    }
  })

  test('is counted for what it is', () => {
    const lines = [
      fieldsWanted.join(' '),
      wideLine({}),
      '',
      '   ',
      wideLine({ 'log-status': 'NODATA', srcport: '-', dstport: '-' }),
      wideLine({ 'log-status': 'SKIPDATA', srcport: '-', dstport: '-' }),
      wideLine({ 'log-status': 'SKIPDATA', start: 1050, end: 1110 }),
      wideLine({ 'log-status': 'SKIPDATA', start: 5000, end: 5060 }),
      wideLine({ 'log-status': 'SKIPDATA', 'interface-id': '-', start: '-' }),
      wideLine({ 'log-status': 'SOMETHING', 'interface-id': 'eni-2' }),
      wideLine({ srcport: 'x' }),
      'short',
      `${wideLine({})} long`,
    ]
    const { counters, gaps } = scanned({ format: wide, keys: [] }, Buffer.from(lines.join('\n')))
    expect(counters).toEqual({
      lines: 10,
      headers: 1,
      badLines: 3,
      longLines: 0,
      noData: 1,
      skipData: 5,
      matchedLines: 0,
    })
    expect(gaps.toSorted((a, b) => b.startSeconds - a.startSeconds)).toEqual([
      { interfaceId: 'eni-1', startSeconds: 5000, endSeconds: 5060 },
      { interfaceId: 'eni-2', startSeconds: 1000, endSeconds: 1060 },
      { interfaceId: 'eni-1', startSeconds: 1000, endSeconds: 1110 },
      { interfaceId: null, startSeconds: 0, endSeconds: Number.MAX_SAFE_INTEGER },
    ])
  })

  test('without a status that names nothing may tell of a loss', () => {
    const as = format('interface-id srcaddr dstaddr start end')
    const text = 'eni-1 - - 10 70\neni-1 10.0.0.1 - 10 70\neni-1 - 10.0.0.1 100 160\n'
    const { gaps, counters } = scanned({ format: as, keys: [] }, Buffer.from(text))
    expect(gaps).toEqual([{ interfaceId: 'eni-1', startSeconds: 10, endSeconds: 70 }])
    expect(counters.skipData).toBe(1)
  })

  test('many losses become one around all of them', () => {
    const lines = Array.from({ length: 1000 }, (_, i) =>
      wideLine({
        'log-status': 'SKIPDATA',
        'interface-id': `eni-${i}`,
        start: 1000 + i * 100,
        end: 1060 + i * 100,
      }),
    )
    const { gaps } = scanned({ format: wide, keys: [] }, Buffer.from(lines.join('\n')))
    expect(gaps).toEqual([{ interfaceId: null, startSeconds: 1000, endSeconds: 1060 + 999 * 100 }])
  })
})

describe('keys', () => {
  test('that are equal are all found, once each', () => {
    const keys = [wanted, { ...wanted }, { ...wanted, localPort: null }, { ...wanted, localPort: 1 }]
    const { hits } = scanned({ format: wide, keys }, Buffer.from(wideLine({})))
    expect(hits.map((hit) => hit.keys)).toEqual([[0, 1, 2]])
  })

  test('ten thousand of them', () => {
    const keys = Array.from({ length: 10_000 }, (_, i) => ({
      localPort: 30_000 + (i % 20_000),
      remoteAddress: `52.0.${i >> 8}.${i & 255}`,
      remotePort: 443,
      protocol: 6,
    }))
    const text = keys
      .map((k) =>
        wideLine({ srcport: k.localPort, dstaddr: k.remoteAddress, 'pkt-dstaddr': k.remoteAddress }),
      )
      .join('\n')
    const { hits } = scanned({ format: wide, keys }, Buffer.from(text))
    expect(hits.map((hit) => hit.keys)).toEqual(keys.map((_, i) => [i]))
  })

  test.each<Partial<FlowKey>>([
    { remoteAddress: '010.0.0.1' },
    { remoteAddress: 'host' },
    { localPort: -1 },
    { localPort: 65_537 },
    { remotePort: 65_536 },
    { remotePort: 1.5 },
    { protocol: 256 },
  ])('%j is none', (change) => {
    expect(() => flowKeyTable([{ ...wanted, ...change }])).toThrow(RangeError)
  })
})

describe('numbers and addresses in bytes', () => {
  const bytes = (text: string) => Buffer.from(text, 'latin1')
  const odd = fc.stringMatching(/^[0-9.:a-f-]{1,18}$/)

  test('are read as the strict parsers do', () => {
    const words = new Uint32Array(4)
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), odd, fc.string()), (text) => {
        if (/[^\u0000-\u00FF]/.test(text)) return
        const data = bytes(`x${text}x`)
        expect(readIpv4Bytes(data, 1, data.length - 1)).toBe(parseIpv4Number(text))
        const canonical = destinationIp(text)
        expect(readAddress(data, 1, data.length - 1, words)).toBe(canonical !== null)
      }),
      { numRuns: 2000 },
    )
    for (const text of [
      '0.0.0.0',
      '255.255.255.255',
      '256.0.0.1',
      '1.2.3',
      '1.2.3.4.',
      '.1.2.3.4',
      '1..2.3',
      '00.0.0.0',
    ])
      expect(readIpv4Bytes(bytes(text), 0, text.length), text).toBe(parseIpv4Number(text))
  })

  test.each([
    ['0', 0],
    ['7', 7],
    ['10', 10],
    ['9007199254740991', 9007199254740991],
    ['-', -1],
    ['', -2],
    ['01', -2],
    ['00', -2],
    ['-1', -2],
    ['1.', -2],
    ['9007199254740992', -2],
    ['12345678901234567', -2],
    ['x', -2],
  ])('%j is %i', (text, number) => {
    expect(readNumber(bytes(text), 0, text.length)).toBe(number)
  })
})

describe('the census', () => {
  const census = (lines: string[], more: Partial<FlowScanOptions> = {}, as = wide) =>
    scanned({ format: as, keys: [], census: true, ...more }, Buffer.from(lines.join('\n'))).census

  test('sums flows that have the same in common', () => {
    const read = census([
      wideLine({}),
      wideLine({ bytes: 50, srcport: 1, dstaddr: '52.1.1.9' }),
      wideLine({ 'traffic-path': 8 }),
      wideLine({ action: 'REJECT', bytes: '-', packets: '-' }),
      wideLine({ 'next-hop-interface-type': 'vpc-endpoint' }),
      wideLine({ 'next-hop-interface-type': 'vpc_endpoint' }),
      wideLine({ 'log-status': 'NODATA' }),
      wideLine({ 'log-status': 'SKIPDATA' }),
      wideLine({ bytes: 'x' }),
      'short',
    ])
    const usual = {
      direction: 'egress',
      service: 'S3',
      trafficPath: 7,
      nextHopType: null,
      action: 'ACCEPT',
      public: null,
    }
    // The line whose bytes can't be read is a flow all the same.
    expect(read?.rows).toEqual([
      { ...usual, flows: 3, packets: 6, bytes: 150 },
      { ...usual, trafficPath: 8, flows: 1, packets: 2, bytes: 100 },
      { ...usual, action: 'REJECT', flows: 1, packets: 0, bytes: 0 },
      { ...usual, nextHopType: 'vpc_endpoint', flows: 2, packets: 4, bytes: 200 },
    ])
    expect(read?.overflow).toEqual({ flows: 0, packets: 0, bytes: 0 })
  })

  test('asks who is public where no service is named, and remembers', () => {
    const asked: string[] = []
    const isPublic = (text: string) => {
      asked.push(text)
      return !text.startsWith('10.')
    }
    const none = { 'pkt-dst-aws-service': '-' }
    const read = census(
      [
        wideLine({}),
        wideLine({ ...none, 'pkt-dstaddr': '198.51.100.7' }),
        wideLine({ ...none, 'pkt-dstaddr': '198.51.100.7' }),
        wideLine({ ...none, 'pkt-dstaddr': '10.0.0.9', dstaddr: '10.0.0.8' }),
        wideLine({ ...none, 'pkt-dstaddr': '2001:DB8::1' }),
        wideLine({ ...none, 'pkt-dstaddr': '-', dstaddr: '-' }),
        wideLine({ ...none, 'pkt-srcaddr': '203.0.113.9', 'flow-direction': 'ingress' }),
      ],
      { isPublic },
    )
    expect(asked).toEqual(['198.51.100.7', '10.0.0.9', '2001:db8::1', '203.0.113.9'])
    expect(read?.rows.map((row) => [row.direction, row.service, row.public, row.flows])).toEqual([
      ['egress', 'S3', null, 1],
      ['egress', null, true, 3],
      ['egress', null, false, 1],
      ['egress', null, null, 1],
      ['ingress', null, true, 1],
    ])
  })

  test('never takes one address for another', () => {
    const none = { 'pkt-dst-aws-service': '-' }
    // More of them than are remembered.
    const lines = Array.from({ length: 70_000 }, (_, i) =>
      wideLine({ ...none, 'pkt-dstaddr': `52.${i >> 16}.${(i >> 8) & 255}.${i & 255}` }),
    )
    const isPublic = (text: string) => {
      const [, high = 0, middle = 0, low = 0] = text.split('.').map(Number)
      return (high * 65_536 + middle * 256 + low) % 5 === 0
    }
    const read = census([...lines, ...lines.slice(0, 1000)], { isPublic })
    expect(read?.rows.map((row) => [row.public, row.flows])).toEqual([
      [true, 14_200],
      [false, 56_800],
    ])
  })

  test('the service of what comes in is that of the sender', () => {
    const as = format('flow-direction pkt-src-aws-service pkt-dst-aws-service srcaddr dstaddr')
    const line = (direction: string, src: string, dst: string) => `${direction} ${src} ${dst} 1.1.1.1 2.2.2.2`
    const read = census(
      [
        line('ingress', 'S3', 'EC2'),
        line('egress', 'EC2', 'DYNAMODB'),
        line('-', '-', 'AMAZON'),
        line('-', 'CLOUDFRONT', '-'),
        line('-', '-', '-'),
      ],
      {},
      as,
    )
    expect(read?.rows.map((row) => row.service)).toEqual(['S3', 'DYNAMODB', 'AMAZON', 'CLOUDFRONT', null])
  })

  test('a format without these fields gives one row of unknowns', () => {
    const lines = [
      '2 1 eni-1 10.0.0.1 52.1.1.1 1 443 6 1 2 1 61 ACCEPT OK',
      '2 1 eni-1 10.0.0.1 52.1.1.2 1 443 6 1 2 1 61 ACCEPT OK',
    ]
    expect(census(lines, {}, format(null))?.rows).toEqual([
      {
        direction: null,
        service: null,
        trafficPath: null,
        nextHopType: null,
        action: 'ACCEPT',
        public: null,
        flows: 2,
        packets: 2,
        bytes: 4,
      },
    ])
  })

  test('never loses a flow, and never has more rows than allowed, whatever the stream holds', () => {
    const lines = Array.from({ length: 2000 }, (_, i) => wideLine({ 'pkt-dst-aws-service': `S${i}` }))
    lines.push(wideLine({ 'pkt-dst-aws-service': 'x'.repeat(65) }))
    const read = census(lines, { censusRows: 50 })
    expect(read?.rows).toHaveLength(50)
    expect(read?.overflow).toEqual({ flows: 1951, packets: 3902, bytes: 195_100 })
  })

  test('words that are not known are unknown, not something else', () => {
    const read = census([wideLine({ 'flow-direction': 'in', 'traffic-path': '07', action: 'OK' })])
    expect(read?.rows).toEqual([
      expect.objectContaining({ direction: null, trafficPath: null, action: null }),
    ])
  })
})
