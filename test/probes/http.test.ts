import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exchangeOf, keptHeaders } from '../../probes/http.ts'

/** What node:http itself makes of header lines. */
function byNode(lines: string[]) {
  const message = new IncomingMessage(new Socket()) as IncomingMessage & {
    _addHeaderLines(lines: string[], count: number): void
  }
  message.rawHeaders = lines
  message._addHeaderLines(lines, lines.length)
  return message.headers
}

const names = ['X-Amz-Request-Id', 'x-amzn-RequestId', 'Location', 'SERVER', 'x-amz-bucket-region', 'Date']
const values = [
  'AmazonS3',
  'Sat, 21 Nov 2026 01:00:00 GMT',
  'eu-west-1',
  '',
  'https://b.s3.amazonaws.com/?X-Amz-Signature=abc',
]

describe('exchangeOf', () => {
  it('reads of the lines what node:http would', () => {
    const line = fc.tuple(
      fc.constantFrom(...names, 'Content-Type', 'Set-Cookie', 'server2'),
      fc.constantFrom(...values),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), (pairs) => {
        const lines = pairs.flat()
        expect(exchangeOf(200, keptHeaders(lines))).toEqual(exchangeOf(200, byNode(lines)))
      }),
      { numRuns: 1000 },
    )
  })

  it('says the same of the same text, and redacts it each time', () => {
    const headers = { server: 'x?X-Amz-Signature=abcdef0123456789', date: 'Sat, 21 Nov 2026 01:00:00 GMT' }
    const first = exchangeOf(200, headers)
    expect(exchangeOf(200, headers)).toEqual(first)
    expect(first.server).not.toContain('abcdef')
    expect(first.dateMs).toBe(Date.UTC(2026, 10, 21, 1))
    expect(exchangeOf(200, { date: 'Sat, 21 Nov 2026 01:00:01 GMT' }).dateMs).toBe(
      Date.UTC(2026, 10, 21, 1, 0, 1),
    )
    expect(exchangeOf(200, { date: '2026-11-21T01:00:00Z' }).dateMs).toBeNull()
  })
})
