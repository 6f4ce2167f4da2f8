import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Log, LogOptions } from '../../agent/log.ts'
import { createLog, goesToJournal } from '../../agent/log.ts'

function bench(changes: Partial<LogOptions> = {}): { log: Log; lines: string[]; pass: (ms: number) => void } {
  const lines: string[] = []
  let now = 0
  const log = createLog({
    write: (line) => void lines.push(line),
    level: 'info',
    format: 'logfmt',
    journal: false,
    wallMs: () => Date.UTC(2026, 10, 20, 12, 0, 1, 5),
    monotonicMs: () => now,
    ...changes,
  })
  return { log, lines, pass: (ms) => void (now += ms) }
}

test('logfmt: time, level, event, then the fields in their order', () => {
  const { log, lines } = bench()
  log.info('started', {
    version: '1.0',
    targets: 3,
    empty: '',
    words: 'a "b" c',
    none: null,
    left_out: undefined,
  })
  expect(lines).toEqual([
    'ts=2026-11-20T12:00:01.005Z level=info event=started version=1.0 targets=3 empty="" words="a \\"b\\" c" none=null\n',
  ])
})

test('json: one object a line', () => {
  const { log, lines } = bench({ format: 'json' })
  log.warn('slow', {
    seconds: 1.5,
    names: ['a', 'b'],
    error: Object.assign(new TypeError('no'), { code: 'EACCES' }),
  })
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      ts: '2026-11-20T12:00:01.005Z',
      level: 'warn',
      event: 'slow',
      seconds: 1.5,
      names: 'a,b',
      error: 'TypeError: EACCES no',
    },
  ])
})

test('a terminal gets time, level, event and fields', () => {
  const { log, lines } = bench({ format: 'console' })
  log.info('listening', { address: '127.0.0.1:10097' })
  log.info('ready')
  expect(lines).toEqual(['12:00:01 info  listening address=127.0.0.1:10097\n', '12:00:01 info  ready\n'])
})

test('under journald the priority stands in front and the time is left to the journal', () => {
  const { log, lines } = bench({ journal: true, level: 'debug' })
  for (const level of ['error', 'warn', 'info', 'debug'] as const) log[level](level)
  expect(lines).toEqual([
    '<3>level=error event=error\n',
    '<4>level=warn event=warn\n',
    '<6>level=info event=info\n',
    '<7>level=debug event=debug\n',
  ])
  expect(goesToJournal('8:12345', { dev: 8, ino: 12_345 })).toBe(true)
  expect(goesToJournal('8:12345', { dev: 8, ino: 1 })).toBe(false)
  expect(goesToJournal(undefined, { dev: 8, ino: 1 })).toBe(false)
})

test('below the level nothing is written', () => {
  const { log, lines } = bench({ level: 'warn' })
  log.info('no')
  log.debug('no')
  log.warn('yes')
  expect(lines).toHaveLength(1)
})

test('the same error is written once, then counted, then summed up', () => {
  const { log, lines, pass } = bench()
  for (let index = 0; index < 100; index++) {
    log.error('probe_failed', { target: 'a' })
    pass(100)
  }
  log.error('probe_failed', { target: 'b' })
  expect(lines.map((line) => line.slice(28))).toEqual([
    'level=error event=probe_failed target=a\n',
    'level=error event=probe_failed target=b\n',
  ])
  pass(55_000)
  log.error('probe_failed', { target: 'a' })
  expect(lines.slice(2).map((line) => line.slice(28))).toEqual([
    'level=error event=probe_failed repeated=99 within_seconds=65\n',
    'level=error event=probe_failed target=a\n',
  ])
  log.error('probe_failed', { target: 'a' })
  log.flush()
  log.flush()
  expect(lines.slice(4).map((line) => line.slice(28))).toEqual([
    'level=error event=probe_failed repeated=1 within_seconds=0\n',
  ])
})

test('info is never held back', () => {
  const { log, lines } = bench()
  for (let index = 0; index < 5; index++) log.info('verdict', { state: 'private' })
  expect(lines).toHaveLength(5)
})

test('thousands of different errors do not pile up in memory or hide one another', () => {
  const { log, lines } = bench()
  for (let index = 0; index < 3000; index++) log.error('probe_failed', { target: `t${index}` })
  expect(lines).toHaveLength(3000)
})

const secret = 'Zq9SECRETmark7x'

test('no secret passes, in values, errors, lists and event names, in any format', () => {
  for (const format of ['logfmt', 'json', 'console'] as const) {
    const { log, lines } = bench({ format })
    const url = `https://b.s3.amazonaws.com/k?X-Amz-Signature=${secret}&X-Amz-Security-Token=${secret}`
    // A hidden character in the name must not save the value.
    const hidden = `https://b.s3.amazonaws.com/k?X-Amz-Sig\u200Bnature=${secret}&x=1`
    log.error('failed', { url, hidden, error: new Error(`GET ${url}`), list: [url, hidden] })
    expect(lines.join('')).not.toContain(secret)
  }
})

test('one event is one line without control characters, whatever is in it', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.string(),
      fc.constantFrom('logfmt' as const, 'json' as const, 'console' as const),
      (value, key, format) => {
        const { log, lines } = bench({ format })
        log.error('event', { [key]: value, escape: `\u001B[31m${value}\n\u202E` })
        expect(lines).toHaveLength(1)
        expect(lines[0]).toMatch(/^[^\u0000-\u001F\u007F-\u009F\u2028\u2029\u202E]*\n$/)
      },
    ),
    { numRuns: 100 },
  )
})
