import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cron } from '../../agent/watch/cron.ts'
import { cronGapSeconds, readCron, readListen, readSource } from '../../agent/config/readers.ts'
import { readEgressUrl } from '../../agent/config/schema-egress.ts'
import { readServer } from '../../agent/config/fields.ts'
import { closest, editDistance } from '../../agent/config/suggest.ts'
import {
  durationPattern,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  parseUntil,
} from '../../agent/config/units.ts'

describe('durations', () => {
  test.each([
    ['30s', 30],
    ['5m', 300],
    ['1h30m', 5400],
    ['250ms', 0.25],
    ['1d', 86_400],
    ['1d1h1m1s1ms', 90_061.001],
    ['0s', 0],
    ['007s', 7],
  ])('%s is %d seconds', (text, seconds) => {
    expect(parseDuration(text)).toEqual({ ok: true, value: seconds })
    expect(text).toMatch(new RegExp(durationPattern))
  })

  test.each([
    ['30', 'has no unit', '30s'],
    ['', 'is not a duration', undefined],
    ['-5s', 'is not a duration', undefined],
    ['1.5h', 'is not a duration', undefined],
    ['5 s', 'is not a duration', undefined],
    ['5S', 'has the unit "S"', '5s'],
    ['5min', 'has the unit "min"', undefined],
    ['1h30', 'has a number without a unit', undefined],
    ['30m1h', 'has its units out of order', undefined],
    ['1m1m', 'has its units out of order', undefined],
    ['99999999999d', 'is longer than 300 years', undefined],
    ['5constructor', 'has the unit "constructor"', undefined],
  ])('%j %s', (text, problem, suggestion) => {
    expect(parseDuration(text)).toMatchObject({ ok: false, problem })
    expect((parseDuration(text) as { suggestion?: string }).suggestion).toBe(suggestion)
  })

  test('round trip', () => {
    fc.assert(
      fc.property(fc.nat({ max: 2 ** 40 }), (milliseconds) => {
        const text = formatDuration(milliseconds / 1000)
        expect(parseDuration(text)).toEqual({ ok: true, value: milliseconds / 1000 })
      }),
    )
  })

  test('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseDuration(text)))
  })
})

describe('sizes', () => {
  test.each([
    ['64MiB', 67_108_864],
    ['1KiB', 1024],
    ['2GiB', 2_147_483_648],
  ])('%s', (text, bytes) => {
    expect(parseSize(text)).toEqual({ ok: true, value: bytes })
    expect(formatSize(bytes)).toBe(text)
  })

  test.each([
    ['64', 'has no unit', undefined],
    ['64MB', 'has the unit "MB"', '64MiB'],
    ['64m', 'has the unit "m"', '64MiB'],
    ['64 MiB', 'is not a size', undefined],
    ['-1MiB', 'is not a size', undefined],
  ])('%j %s', (text, problem, suggestion) => {
    expect(parseSize(text)).toMatchObject({ ok: false, problem })
    if (suggestion !== undefined) expect(parseSize(text)).toHaveProperty('suggestion', suggestion)
  })

  test('round trip', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 999_999 }), fc.constantFrom('KiB', 'MiB', 'GiB'), (n, unit) => {
        const size = parseSize(`${n}${unit}`)
        expect(size.ok && parseSize(formatSize(size.value))).toEqual(size)
      }),
    )
  })
})

describe('the end of a waiver', () => {
  test('a date lasts to its end in UTC', () => {
    expect(parseUntil('2027-01-31')).toEqual({ ok: true, value: Date.parse('2027-02-01T00:00:00Z') })
    expect(parseUntil('2024-02-29')).toEqual({ ok: true, value: Date.parse('2024-03-01T00:00:00Z') })
  })

  test('times agree with Date.parse', () => {
    const offset = fc
      .tuple(fc.constantFrom('+', '-'), fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map(
        ([sign, hours, minutes]) =>
          `${sign}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`,
      )
    const date = fc.date({ min: new Date('1971-01-01'), max: new Date('2200-01-01'), noInvalidDate: true })
    fc.assert(
      fc.property(date, fc.oneof(fc.constant('Z'), offset), fc.boolean(), (instant, zone, fraction) => {
        const text = instant.toISOString().replace(/(\.\d+)Z$/, fraction ? `$1${zone}` : zone)
        expect(parseUntil(text)).toEqual({ ok: true, value: Date.parse(text) })
      }),
    )
  })

  test.each([
    ['2026-02-29', 'is not a day of the calendar'],
    ['2026-13-01', 'is not a day of the calendar'],
    ['2026-00-10', 'is not a day of the calendar'],
    ['2027-01-31T24:00:00Z', 'is not a time of day'],
    ['2027-01-31T12:60:00Z', 'is not a time of day'],
    ['2027-01-31T12:00:00+24:00', 'has an impossible offset from UTC'],
    ['2027-01-31T12:00:00', 'is not a date'],
    ['31.1.2027', 'is not a date'],
    ['', 'is not a date'],
  ])('%j %s', (text, problem) => {
    expect(parseUntil(text)).toMatchObject({ ok: false, problem })
  })
})

describe('cron expressions', () => {
  test.each(['* * * * *', '*/5 * * * *', '0 3 * * 1-5', '5-10,59 */2 1 jan mon', '0 0 29 2 *'])(
    '%s',
    (text) => {
      expect(readCron(text)).toEqual({ ok: true, value: text })
    },
  )

  test.each([
    '',
    '@daily',
    '* * * *',
    '* * * * * *',
    '60 * * * *',
    '0 0 31 2 *',
    'a b c d e',
    '0-99999999 * * * *',
    '*\n* * * *',
  ])('%j is refused', (text) => {
    expect(readCron(text).ok).toBe(false)
  })

  test('the gap is a lower bound of every gap between slots', () => {
    const minutes = fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { minLength: 1, maxLength: 6 })
    const hours = fc.constantFrom('*', '3', '*/2', '0,23')
    fc.assert(
      fc.property(minutes, hours, fc.nat({ max: 1e9 }), (list, hour, start) => {
        const expression = `${list.join(',')} ${hour} * * *`
        const slots = cron(expression)
        let at = slots.nextMs(start * 1000) ?? Number.NaN
        for (let i = 0; i < 40; i++) {
          const next = slots.nextMs(at) ?? Number.NaN
          expect(next - at).toBeGreaterThanOrEqual(cronGapSeconds(expression) * 1000)
          at = next
        }
      }),
      { numRuns: 60 },
    )
  })

  test('the gap of common expressions', () => {
    expect(
      ['*/5 * * * *', '*/7 * * * *', '0 3 * * *', '0,59 * * * *', '10 * * * *'].map(cronGapSeconds),
    ).toEqual([300, 240, 3600, 60, 3600])
  })
})

describe('addresses of things', () => {
  test('servers', () => {
    expect(readServer('10.1.1.53', 53)).toEqual({ ok: true, value: { address: '10.1.1.53', port: 53 } })
    expect(readServer('10.1.1.53:5353', 53)).toEqual({
      ok: true,
      value: { address: '10.1.1.53', port: 5353 },
    })
    expect(readServer('[FD00::53]:53', 1)).toEqual({ ok: true, value: { address: 'fd00::53', port: 53 } })
    expect(readServer('fd00::53', 53)).toEqual({ ok: true, value: { address: 'fd00::53', port: 53 } })
    for (const text of [
      '',
      ':53',
      '10.1.1.53:',
      '10.1.1.53:0',
      '10.1.1.53:65536',
      '10.1.1.53:053',
      '[::1',
      'corp',
      '010.1.1.53',
    ]) {
      expect(readServer(text, 53).ok, text).toBe(false)
    }
  })

  test('listen addresses', () => {
    for (const text of ['127.0.0.1:10097', '[::1]:0', ':10097', 'localhost:10097', 'fd:3']) {
      expect(readListen(text), text).toEqual({ ok: true, value: text })
    }
    for (const text of [
      '',
      '127.0.0.1',
      '::1:10097',
      'example.com:80',
      '127.0.0.1:65536',
      'fd:0',
      '010.0.0.1:80',
    ]) {
      expect(readListen(text).ok, text).toBe(false)
    }
  })

  test('sources', () => {
    expect(readSource('eth0')).toEqual({ ok: true, value: 'eth0' })
    expect(readSource('2001:DB8::1')).toEqual({ ok: true, value: '2001:db8::1' })
    for (const text of [
      '',
      '10.0.0',
      '010.0.0.1',
      'an interface',
      'averylonginterface',
      '-x',
      '../x',
      'fe80::1%eth0',
    ]) {
      expect(readSource(text).ok, text).toBe(false)
    }
  })

  test('egress checks', () => {
    for (const text of ['tcp://1.1.1.1:443', 'https://example.com/', 'dns://[2606:4700::1111]:53']) {
      expect(readEgressUrl(text), text).toEqual({ ok: true, value: text })
    }
    for (const text of [
      '1.1.1.1:443',
      'ftp://x/',
      'https://u@x/',
      'https://x/?a=1',
      'https://x/#a',
      'file:///etc/passwd',
      '',
    ]) {
      expect(readEgressUrl(text).ok, text).toBe(false)
    }
  })
})

describe('suggestions', () => {
  /** The definition, without a table. */
  function slow(a: string, b: string): number {
    if (a === '' || b === '') return a.length + b.length
    const costs = [
      slow(a.slice(1), b) + 1,
      slow(a, b.slice(1)) + 1,
      slow(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1),
    ]
    if (a.length > 1 && b.length > 1 && a[0] === b[1] && a[1] === b[0])
      costs.push(slow(a.slice(2), b.slice(2)) + 1)
    return Math.min(...costs)
  }

  test('the distance is that of the definition', () => {
    const short = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 })
    fc.assert(
      fc.property(short, short, fc.integer({ min: 0, max: 4 }), (a, b, limit) => {
        expect(editDistance(a, b, limit)).toBe(Math.min(slow(a, b), limit + 1))
      }),
    )
  })

  test('what is near is named, what is far is not', () => {
    const keys = ['targets', 'timeout', 'region', 'every', 's3']
    expect(closest('tragets', keys)).toBe('targets')
    expect(closest('time-out', keys)).toBe('timeout')
    expect(closest('Region', keys)).toBe('region')
    expect(closest('interval', keys)).toBeNull()
    expect(closest('x'.repeat(1000), keys)).toBeNull()
    expect(closest('', keys)).toBeNull()
  })
})
