import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fieldsWanted, flowField, knownFlowFields } from '../../aws/flow-fields.ts'
import {
  flowFormatVersion,
  flowHeader,
  lacking,
  printFlowFormat,
  readFlowFormat,
} from '../../aws/flow-format.ts'

function format(text: string | null, kind?: 'vpc' | 'transit_gateway') {
  const read = readFlowFormat(text, kind)
  if (!read.ok) throw new Error(read.problem)
  return read.format
}

describe('a format', () => {
  test('of the API', () => {
    expect(format('${version} ${srcaddr}  ${new-in-2027} ${traffic-path}')).toEqual({
      kind: 'vpc',
      fields: ['version', 'srcaddr', 'new-in-2027', 'traffic-path'],
      text: '${version} ${srcaddr} ${new-in-2027} ${traffic-path}',
    })
  })

  test('that the API leaves out is the default, field by field as the guide prints it', () => {
    expect(format(null).fields).toEqual([
      ...['version', 'account-id', 'interface-id', 'srcaddr', 'dstaddr', 'srcport', 'dstport'],
      ...['protocol', 'packets', 'bytes', 'start', 'end', 'action', 'log-status'],
    ])
    expect(readFlowFormat(undefined)).toEqual(readFlowFormat(null))
    expect(format(null, 'transit_gateway')).toMatchObject({ kind: 'transit_gateway' })
    expect(format(null, 'transit_gateway').fields).toHaveLength(36)
  })

  test('of a header line, of Parquet columns', () => {
    expect(format('version account_id Pkt-SrcAddr Other_Thing').fields).toEqual([
      'version',
      'account-id',
      'pkt-srcaddr',
      'Other_Thing',
    ])
  })

  test.each([
    ['${version} ${tgw-src-eni}', 'transit_gateway'],
    ['resource-type srcaddr', 'transit_gateway'],
    ['packets-lost-blackhole', 'transit_gateway'],
    ['version ecs-task-id', 'ecs'],
    ['version ecs-thing-of-tomorrow', 'ecs'],
    ['version resource-id', 'vpc'],
  ])('%s is of kind %s', (text, kind) => {
    expect(format(text).kind).toBe(kind)
  })

  test.each([
    ['', 'empty'],
    [' \n ', 'empty'],
    ['version version', '"version" is there twice'],
    ['account-id account_id', '"account-id" is there twice'],
    ['${version} srcaddr', 'mixes'],
    ['version ${srcaddr}', 'mixes'],
    ['${version} ${}', '"${}" is no field'],
    ['${version}${srcaddr}', 'is no field'],
    ['version,srcaddr', 'is no field'],
    ['version __proto__', '"__proto__" is no field'],
    ['version 2', '"2" is no field'],
    ['version \u001B[31m', 'is no field'],
    ['a'.repeat(65), 'is no field'],
    ['a'.repeat(9000), '9000 characters'],
    [Array.from({ length: 129 }, (_, i) => `f${i}`).join(' '), '129 fields'],
  ])('refused: case %#', (text, problem) => {
    const read = readFlowFormat(text)
    expect(read).toMatchObject({ ok: false, problem: expect.stringContaining(problem) })
    expect(JSON.stringify(read).length).toBeLessThan(300)
    expect(JSON.stringify(read)).not.toContain('\\u001b')
  })

  test('printed and read is the same, and nothing makes the reader throw', () => {
    const name = fc.oneof(fc.constantFrom(...knownFlowFields), fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/))
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 40 }), (fields) => {
        expect(format(printFlowFormat(fields)).fields).toEqual(fields)
        expect(format(fields.join(' ')).fields).toEqual(fields)
      }),
    )
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void readFlowFormat(text)))
  })
})

test('fields of all versions, with their types', () => {
  const count = (version: number) => knownFlowFields.filter((f) => flowField(f)?.version === version).length
  expect([2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(count)).toEqual([14, 7, 4, 4, 18, 10, 1, 1, 1, 12])
  expect(flowField('traffic-path')).toEqual({ version: 5, type: 'octet' })
  expect(flowField('constructor')).toBeNull()
  expect(flowFormatVersion(format(fieldsWanted.join(' ')))).toBe(11)
  expect(flowFormatVersion(format('srcaddr brand-new'))).toBe(2)
})

describe('a header line', () => {
  test('is told from a record', () => {
    expect(flowHeader('version account-id srcaddr')?.fields).toEqual(['version', 'account-id', 'srcaddr'])
    expect(flowHeader('srcaddr tomorrow')).toBeNull()
    expect(flowHeader('srcaddr dstaddr tomorrow')).not.toBeNull()
    for (const record of [
      '2 1 eni-1 10.0.0.1',
      'ACCEPT OK',
      'IPv4 egress S3 ACCEPT OK',
      '- -',
      '',
      '${version}',
    ])
      expect(flowHeader(record), record).toBeNull()
  })
})

describe('what a format lacks', () => {
  test('nothing, if it has all that is worth asking for', () => {
    expect(lacking(format(printFlowFormat(fieldsWanted)))).toEqual([])
  })

  test('the default: the fields that tell the way; the joining ones first', () => {
    const missing = lacking(format(null))
    expect(missing.map((m) => m.field)).toEqual([
      'pkt-srcaddr',
      ...[
        'pkt-dstaddr',
        'flow-direction',
        'traffic-path',
        'next-hop-interface-id',
        'next-hop-interface-type',
      ],
      ...[
        'tcp-flags',
        'pkt-dst-aws-service',
        'reject-reason',
        'interface-type',
        'next-hop-vpc-id',
        'resource-id',
      ],
    ])
    expect(missing.find((m) => m.field === 'traffic-path')?.decides).toMatch(
      /gateway endpoint .*internet gateway/,
    )
  })

  test('a transit gateway always lacks the way', () => {
    const fields = lacking(format(null, 'transit_gateway')).map((m) => m.field)
    expect(fields).toEqual(expect.arrayContaining(['action', 'traffic-path', 'interface-id']))
  })

  test('every field worth asking for is known, and has a use but for the version', () => {
    const none = format('unknown-field')
    expect(
      lacking(none)
        .map((m) => m.field)
        .toSorted(),
    ).toEqual(fieldsWanted.filter((f) => f !== 'version').toSorted())
    expect(fieldsWanted.every((f) => flowField(f) !== null)).toBe(true)
  })
})
