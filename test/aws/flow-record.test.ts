import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fieldsWanted, flowField, knownFlowFields } from '../../aws/flow-fields.ts'
import { printFlowFormat, readFlowFormat } from '../../aws/flow-format.ts'
import { parseFlowLine, printFlowRecord } from '../../aws/flow-record.ts'
import { type FlowRecord, flowFacts, hasField } from '../../model/flow.ts'

function format(text: string | null) {
  const read = readFlowFormat(text)
  if (!read.ok) throw new Error(read.problem)
  return read.format
}

function record(line: string, text: string | null = null): FlowRecord {
  const read = parseFlowLine(line, format(text))
  if (!read.ok) throw new Error(read.problem)
  return read.record
}

const examples = readFileSync(join(import.meta.dirname, '../data/flow-logs/aws-examples.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as { format: string; line: string; note: string })

describe("AWS's own examples", () => {
  test('are all here', () => expect(examples).toHaveLength(35))

  test.each(examples)('$note', ({ format: names, line }) => {
    const read = record(line, names)
    // An oracle that knows nothing of types: the same columns, `-` left out.
    const expected = names
      .split(' ')
      .map((name, i) => [name, line.split(/ +/)[i]] as const)
      .map(([name, column]) => [name, column === '-' ? null : column] as const)
    expect(
      Object.entries(read.fields).map(([name, value]) => [name, value === null ? null : String(value)]),
    ).toEqual(expected)
    // Numbers are numbers: everything that is a number in the guide's table of Parquet types.
    const numbers = [
      'version',
      'srcport',
      'dstport',
      'protocol',
      'packets',
      'bytes',
      'start',
      'end',
      'tcp-flags',
    ]
    for (const [name, value] of Object.entries(read.fields))
      if (value !== null)
        expect(typeof value, name).toBe([...numbers, 'traffic-path'].includes(name) ? 'number' : 'string')
    expect(printFlowRecord(read, format(names))).toBe(line.replace(/ +/g, ' '))
  })

  test('the one with a traffic path', () => {
    const facts = examples.map((e) => flowFacts(record(e.line, e.format)))
    expect(facts.filter((f) => f.trafficPath !== null)).toEqual([
      expect.objectContaining({
        version: 5,
        srcaddr: '10.0.0.71',
        dstaddr: '52.95.128.179',
        srcport: 34210,
        dstport: 80,
        direction: 'egress',
        trafficPath: 8,
        pktDstService: 'S3',
        action: 'ACCEPT',
        logStatus: 'OK',
      }),
    ])
    expect(facts.filter((f) => f.logStatus === 'SKIPDATA')).toHaveLength(2)
    expect(facts.filter((f) => f.logStatus === 'NODATA')).toHaveLength(2)
  })
})

const v2 = '2 123456789010 eni-1 10.0.0.1 52.1.1.1 40000 443 6 10 840 1 61 ACCEPT OK'

describe('facts', () => {
  test('of the widest format', () => {
    const line =
      '11 eni-1 10.0.0.1 52.1.1.1 40000 443 6 10 840 1 61 ACCEPT OK 10.0.0.9 52.1.1.2 3 S3 egress 7 - vpc-endpoint eni-2 NAT-Gateway vpc-1 -'
    const facts = flowFacts(record(line, printFlowFormat(fieldsWanted)))
    expect(facts).toEqual({
      version: 11,
      accountId: null,
      interfaceId: 'eni-1',
      resourceId: null,
      srcaddr: '10.0.0.1',
      dstaddr: '52.1.1.1',
      srcport: 40000,
      dstport: 443,
      protocol: 6,
      packets: 10,
      bytes: 840,
      startSeconds: 1,
      endSeconds: 61,
      action: 'ACCEPT',
      logStatus: 'OK',
      pktSrcaddr: '10.0.0.9',
      pktDstaddr: '52.1.1.2',
      tcpFlags: 3,
      pktSrcService: null,
      pktDstService: 'S3',
      direction: 'egress',
      trafficPath: 7,
      rejectReason: null,
      interfaceType: 'vpc_endpoint',
      nextHopInterfaceId: 'eni-2',
      nextHopType: 'nat_gateway',
      nextHopVpcId: 'vpc-1',
      vpcId: null,
      subnetId: null,
      instanceId: null,
    })
  })

  test('tell `-` from a field that is not there', () => {
    const read = record('- x', 'traffic-path tomorrow')
    expect(read.fields).toEqual({ 'traffic-path': null, tomorrow: 'x' })
    expect([hasField(read, 'traffic-path'), hasField(read, 'action')]).toEqual([true, false])
    expect(hasField(read, 'constructor')).toBe(false)
    expect(flowFacts(read)).toMatchObject({ trafficPath: null, action: null })
  })

  test('words that are not known are null, and stay in the fields', () => {
    const read = record('MAYBE sideways DONE 9', 'action flow-direction log-status traffic-path')
    expect(flowFacts(read)).toMatchObject({ action: null, direction: null, logStatus: null, trafficPath: 9 })
    expect(read.fields).toMatchObject({ action: 'MAYBE', 'flow-direction': 'sideways', 'log-status': 'DONE' })
    expect(flowFacts(record('accept', 'action')).action).toBeNull()
  })

  test('codes of an undocumented type are numbers only where a number can hold them', () => {
    for (const [text, value] of [
      ['2', 2],
      ['nitro', 'nitro'],
      ['9999999999999999', '9999999999999999'],
      ['01', '01'],
    ])
      expect(record(String(text), 'encryption-status').fields).toEqual({ 'encryption-status': value })
  })

  test('hardware addresses are no addresses', () => {
    const read = record('01:23:45:67:89:ab 10.0.0.1', 'srcaddr dstaddr')
    expect(read.fields['srcaddr']).toBe('01:23:45:67:89:ab')
    expect(flowFacts(read)).toMatchObject({ srcaddr: null, dstaddr: '10.0.0.1' })
  })
})

describe('a line', () => {
  test.each([`${v2}\n`, `${v2}\r\n`, ` ${v2.replaceAll(' ', '   ')}  `])(
    'is the same with other white space: %j',
    (line) => {
      expect(record(line)).toEqual(record(v2))
    },
  )

  test('IPv6 in one spelling', () => {
    expect(record('2001:DB8:0:0::1 ::FFFF:1.2.3.4', 'srcaddr dstaddr').fields).toEqual({
      srcaddr: '2001:db8::1',
      dstaddr: '::ffff:1.2.3.4',
    })
  })

  test('service-made interfaces', () => {
    expect(flowFacts(record(v2.replace('123456789010', 'unknown'))).accountId).toBe('unknown')
  })

  test.each<[string, string | null, string]>([
    ['', null, 'the line has 0 columns, its format 14'],
    ['2', null, 'the line has 1 column, its format 14'],
    [`${v2} x`, null, 'the line has 15 columns, its format 14'],
    [v2.replaceAll(' ', '\t'), null, 'the line has 1 column'],
    [v2.replace('40000', '65536'), null, 'srcport is "65536"; expected a decimal number of 0 to 65535'],
    [v2.replace('40000', '-1'), null, 'srcport is "-1"'],
    [v2.replace('40000', '040'), null, 'srcport is "040"'],
    [v2.replace('40000', '1e3'), null, 'srcport is "1e3"'],
    [v2.replace('40000', '0x1'), null, 'srcport is "0x1"'],
    [v2.replace('40000', '4.5'), null, 'srcport is "4.5"'],
    [v2.replace(' 6 ', ' 256 '), null, 'protocol is "256"'],
    [v2.replace(' 840 ', ' 9007199254740992 '), null, 'bytes is'],
    [v2.replace('10.0.0.1', '010.0.0.1'), null, 'srcaddr is "010.0.0.1"; expected an IP address'],
    [v2.replace('10.0.0.1', '10.0.0.1/32'), null, 'srcaddr is'],
    [v2.replace('10.0.0.1', 'fe80::1%eth0'), null, 'srcaddr is'],
    ['256', 'traffic-path', 'traffic-path is "256"'],
    ['seven', 'traffic-path', 'traffic-path is "seven"'],
    ['a\u0000b', 'action', 'action is "ab"; expected a text without control characters'],
    ['a\tb', 'tomorrow', 'tomorrow is'],
    ['x'.repeat(65_537), 'action', '65537 characters'],
  ])('refused: case %#', (line, names, problem) => {
    const read = parseFlowLine(line, format(names))
    expect(read).toMatchObject({ ok: false, problem: expect.stringContaining(problem) })
    expect(JSON.stringify(read).length).toBeLessThan(300)
  })

  test('a secret in a column is not repeated', () => {
    const read = parseFlowLine('https://b.s3.amazonaws.com/?X-Amz-Signature=c0ffee', format('srcport'))
    expect(JSON.stringify(read)).not.toContain('c0ffee')
  })
})

const column = (name: string): fc.Arbitrary<string | number> => {
  const type = flowField(name)?.type
  if (type === 'port' || type === 'flags') return fc.nat(65_535)
  if (type === 'octet') return fc.nat(255)
  if (type === 'count') return fc.nat(Number.MAX_SAFE_INTEGER)
  if (type === 'time') return fc.nat(4_000_000_000)
  if (type === 'address') return fc.ipV4()
  const word = fc.stringMatching(/^[!-~\u00A1-\u02FF]{1,20}$/).filter((text) => text !== '-')
  return type === 'code'
    ? fc.oneof(
        fc.nat(),
        word.filter((text) => !/^[0-9]+$/.test(text)),
      )
    : word
}

const anyFields = fc.uniqueArray(
  fc.oneof(fc.constantFrom(...knownFlowFields), fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/)),
  { minLength: 1, maxLength: 40 },
)

test('printed and parsed is the same', () => {
  const printed = anyFields.chain((fields) =>
    fc.record({
      fields: fc.constant(fields),
      values: fc.tuple(...fields.map((f) => fc.option(column(f), { freq: 3 }))),
    }),
  )
  fc.assert(
    fc.property(printed, ({ fields, values }) => {
      const made: FlowRecord = { fields: Object.fromEntries(fields.map((f, i) => [f, values[i] ?? null])) }
      const as = format(printFlowFormat(fields))
      const line = printFlowRecord(made, as)
      expect(parseFlowLine(line, as)).toEqual({ ok: true, record: made })
    }),
  )
})

test('what would be another record is not printed', () => {
  for (const value of ['', ' ', 'a b', '-', 'a\n', '\u007F'])
    expect(() => printFlowRecord({ fields: { action: value } }, format('action'))).toThrow('action')
  expect(printFlowRecord({ fields: {} }, format('action srcport'))).toBe('- -')
})

test('no bytes make the parser throw, and what it reads it prints back to the same', () => {
  const piece = fc.oneof(
    fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    fc.constantFrom(' ', '-', '6', '443', '10.0.0.1', '::1', 'OK', '\r', '\n', '9999999999999999', '01'),
  )
  fc.assert(
    fc.property(anyFields, fc.array(piece, { maxLength: 30 }), (fields, pieces) => {
      const as = format(fields.join(' '))
      for (const line of [pieces.join(' '), pieces.slice(0, fields.length).join(' ')]) {
        const read = parseFlowLine(line, as)
        if (!read.ok) continue
        flowFacts(read.record)
        expect(parseFlowLine(printFlowRecord(read.record, as), as)).toEqual(read)
      }
    }),
    { numRuns: 500 },
  )
})
