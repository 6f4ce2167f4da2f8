import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandResult, type RunCommand, systemCommand } from '../../probes/run-command.ts'
import { traceTcp } from '../../probes/trace.ts'
import {
  mtrArgs,
  parseMtrJson,
  parseMtrReport,
  parseTraceroute,
  tracerouteArgs,
} from '../../probes/trace-output.ts'

const to = { address: '10.0.1.103', port: 443, source: '192.168.10.5' }
const way = [
  { ttl: 1, addresses: ['192.168.10.1'] },
  { ttl: 2, addresses: ['169.254.100.1'] },
  { ttl: 3, addresses: [] },
  { ttl: 4, addresses: ['10.0.1.103'] },
]

describe('what is asked', () => {
  it('is TCP on the port, addresses only, from the source', () => {
    expect(mtrArgs(to, 'json').join(' ')).toBe(
      '--tcp --port 443 --no-dns --report-cycles 2 --max-ttl 30 --address 192.168.10.5 --json 10.0.1.103',
    )
    expect(mtrArgs({ ...to, source: null }, 'report').join(' ')).toBe(
      '--tcp --port 443 --no-dns --report-cycles 2 --max-ttl 30 --report --report-wide 10.0.1.103',
    )
    expect(tracerouteArgs(to).join(' ')).toBe('-T -p 443 -n -q 2 -w 2 -m 30 -s 192.168.10.5 10.0.1.103')
  })

  it.each(['--help', '-f', 's3.amazonaws.com', '10.0.0.1 -x', '$(id)', ''])('never %j', async (address) => {
    const run: RunCommand = () => Promise.reject(new Error('it was run'))
    expect(await traceTcp({ ...to, address }, run)).toMatchObject({
      traced: false,
      detail: 'there is no such destination',
    })
    expect(await traceTcp({ ...to, source: address }, run)).toMatchObject({ traced: false })
    expect(await traceTcp({ ...to, port: 0 }, run)).toMatchObject({ traced: false })
  })
})

const hub = (count: unknown, host: string) => ({
  count,
  host,
  'Loss%': 0,
  Snt: 2,
  Last: 0.3,
  Avg: 0.3,
  Best: 0.2,
  Wrst: 0.4,
  StDev: 0.1,
})
const hubs = (count: (n: number) => unknown) => [
  hub(count(1), '192.168.10.1'),
  hub(count(2), '169.254.100.1'),
  hub(count(3), '???'),
  hub(count(4), '10.0.1.103'),
]

describe('mtr', () => {
  it.each([
    // printed piece by piece, numbers in quotes
    [
      '0.87',
      `{\n  "report": {\n    "mtr": {\n      "src": "db1",\n      "dst": "10.0.1.103",\n      "tos": "0x0",\n      "psize": "64",\n      "bitpattern": "0x00",\n      "tests": "2"\n    },\n    "hubs": ${JSON.stringify(hubs(String), null, 2)}\n  }\n}\n`,
    ],
    [
      '0.93',
      JSON.stringify(
        {
          report: {
            mtr: { src: 'db1', dst: '10.0.1.103', tos: 0, tests: 2, psize: '64', bitpattern: '0x00' },
            hubs: hubs((n) => n),
          },
        },
        null,
        4,
      ),
    ],
    [
      '0.95, with both name and address',
      JSON.stringify({
        report: {
          mtr: { src: 'db1', dst: 'x', tos: 0, tests: 2 },
          hubs: hubs((n) => n).map((h) => ({
            ...h,
            ASN: 'AS???',
            host: h.host === '???' ? h.host : `router (${h.host})`,
          })),
        },
      }),
    ],
  ])('JSON of %s', (_version, text) => {
    expect(parseMtrJson(text)).toEqual(way)
  })

  it('the report of 0.85, further hosts of one distance included', () => {
    const report = `Start: Tue Nov 24 10:00:00 2026
HOST: db1                         Loss%   Snt   Last   Avg  Best  Wrst StDev
  1.|-- 192.168.10.1               0.0%     2    0.3   0.3   0.2   0.4   0.0
  2.|-- 169.254.100.1              0.0%     2    5.1   5.1   5.0   5.2   0.0
        |  \`|-- 169.254.101.1
  3.|-- ???                       100.0     2    0.0   0.0   0.0   0.0   0.0
  4.|-- 10.0.1.103                 0.0%     2    9.8   9.8   9.7   9.9   0.0
`
    expect(parseMtrReport(report.replace('        |  `|-- 169.254.101.1\n', ''))).toEqual(way)
    const line = '    |  `|-- 169.254.101.1'
    expect(parseMtrReport(report.replace('        |  `|-- 169.254.101.1', line))?.[1]).toEqual({
      ttl: 2,
      addresses: ['169.254.100.1', '169.254.101.1'],
    })
  })
})

describe('traceroute', () => {
  it.each([
    [
      '2.0 (Butskoy)',
      `traceroute to 10.0.1.103 (10.0.1.103), 30 hops max, 60 byte packets
 1  192.168.10.1  0.345 ms  0.312 ms
 2  169.254.100.1  5.123 ms  5.101 ms
 3  * *
 4  10.0.1.103 <syn,ack>  9.812 ms  9.799 ms
`,
    ],
    [
      '2.1, with annotations',
      `traceroute to 10.0.1.103 (10.0.1.103), 30 hops max, 60 byte packets
 1  192.168.10.1  0.345 ms *
 2  169.254.100.1  5.123 ms !X  5.101 ms !X
 3  * *
 4  10.0.1.103  9.812 ms !N  9.799 ms !F-1500
`,
    ],
    [
      'of others, with names',
      `traceroute to s3 (10.0.1.103), 64 hops max, 46 byte packets
 1  192.168.10.1 (192.168.10.1)  0.345 ms  0.312 ms
 2  dx.corp.example (169.254.100.1)  5.123 ms  5.101 ms
 3  *  *
 4  10.0.1.103 (10.0.1.103)  9.812 ms  9.799 ms
`,
    ],
  ])('%s', (_version, text) => {
    expect(parseTraceroute(text)).toEqual(way)
  })

  it('several answers at one distance, on one line or two', () => {
    const head = 'traceroute to 10.0.1.103 (10.0.1.103), 30 hops max, 60 byte packets\n'
    const both = [{ ttl: 1, addresses: ['10.0.0.1', '10.0.0.2'] }]
    expect(parseTraceroute(`${head} 1  10.0.0.1  0.3 ms 10.0.0.2  0.4 ms\n`)).toEqual(both)
    expect(parseTraceroute(`${head} 1  10.0.0.1  0.3 ms\n    10.0.0.2  0.4 ms\n`)).toEqual(both)
    const six = 'traceroute to fd00::9 (fd00::9), 30 hops max, 80 byte packets\n 1  FD00:0::1  0.3 ms\n'
    expect(parseTraceroute(six)).toEqual([{ ttl: 1, addresses: ['fd00::1'] }])
  })
})

describe('garbage', () => {
  const parsers = [parseMtrJson, parseMtrReport, parseTraceroute]
  it.each([
    '',
    'null',
    '[]',
    '{"report":{"hubs":[{"count":1}]}}',
    '{"report":{"hubs":[{"count":-1,"host":"10.0.0.1"}]}}',
    '{"report":{"hubs":[{"count":1,"host":"router.example"}]}}',
    '{"report":{"hubs":[]}}',
    'HOST: db1  Loss%\n  1.|-- evil.example  0.0%\n',
    'traceroute to x (10.0.0.1), 30 hops max\n 1  evil.example  0.3 ms\n',
    'traceroute to x (10.0.0.1), 30 hops max\n 900  10.0.0.1  0.3 ms\n',
    'traceroute to x (10.0.0.1), 30 hops max\n    10.0.0.1  0.3 ms\n',
    'connect: Network is unreachable',
    '<html><body>1  10.0.0.1</body></html>',
  ])('%j is no trace', (text) => {
    for (const parse of parsers) expect(parse(text)).toBeNull()
  })

  it('never throws, and nothing but addresses and distances gets out', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom(
        ' 1  ',
        '10.0.0.1',
        '???',
        '*',
        ' ms',
        '\n',
        '.|-- ',
        '{"report":',
        'traceroute to a (b), 30 hops max',
      ),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        for (const parse of parsers) {
          for (const { ttl, addresses } of parse(pieces.join('')) ?? []) {
            expect(Number.isInteger(ttl) && ttl >= 1 && ttl <= 255).toBe(true)
            for (const address of addresses) expect(address).toMatch(/^[0-9a-f.:]+$/)
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})

/** Answers by tool, in order; what is not told is not installed. */
function played(answers: Record<string, CommandResult[]>): { run: RunCommand; asked: string[] } {
  const asked: string[] = []
  const run: RunCommand = (file, args) => {
    asked.push(`${file} ${args.join(' ')}`)
    return Promise.resolve(answers[file]?.shift() ?? { ran: false, code: 'ENOENT' })
  }
  return { run, asked }
}
const ended = (code: number | null, stdout = '', stderr = ''): CommandResult => ({
  ran: true,
  code,
  stdout,
  stderr,
})
const goodTraceroute = ended(
  0,
  'traceroute to 10.0.1.103 (10.0.1.103), 30 hops max, 60 byte packets\n 1  10.0.1.103  1 ms\n',
)
const goodJson = ended(0, JSON.stringify({ report: { hubs: hubs((n) => n) } }))
const goodReport = ended(0, 'HOST: a Loss%\n  1.|-- 192.168.10.1  0.0%  2  0.3\n')

describe('which tool answers', () => {
  it.each<[string, Record<string, CommandResult[]>, object]>([
    ['mtr', { mtr: [goodJson] }, { traced: true, tool: 'mtr', hops: way }],
    [
      'an old mtr without JSON',
      { mtr: [ended(1, '', "mtr: unrecognized option '--json'"), goodReport] },
      { traced: true, tool: 'mtr' },
    ],
    [
      'an mtr whose JSON is none',
      { mtr: [ended(0, '{"report": {"hubs": [ {,'), goodReport] },
      { traced: true, tool: 'mtr' },
    ],
    [
      'traceroute where there is no mtr',
      { traceroute: [goodTraceroute] },
      { traced: true, tool: 'traceroute' },
    ],
    [
      'traceroute where mtr may not',
      {
        mtr: [ended(1, '', 'mtr-packet: Failure to open IPv4 sockets: Permission denied')],
        traceroute: [goodTraceroute],
      },
      { traced: true, tool: 'traceroute' },
    ],
    [
      'neither',
      {},
      { traced: false, reason: 'not_installed', detail: 'mtr is not installed; traceroute is not installed' },
    ],
    [
      'traceroute without the capability',
      {
        traceroute: [
          ended(
            1,
            '',
            'You do not have enough privileges to use this traceroute method.\nsocket: Operation not permitted',
          ),
        ],
      },
      { traced: false, reason: 'not_permitted', detail: expect.stringContaining('CAP_NET_RAW') },
    ],
    [
      'a traceroute that knows no TCP',
      { traceroute: [ended(64, '', "traceroute: invalid option -- 'T'\nTry 'traceroute --help'")] },
      { traced: false, reason: 'not_permitted', detail: expect.stringContaining('no trace by TCP') },
    ],
    [
      'one that hangs',
      { mtr: [ended(null)], traceroute: [ended(null)] },
      { traced: false, reason: 'timeout' },
    ],
    [
      'one that prints something else',
      { mtr: [ended(0, 'hello'), ended(0, 'hello')] },
      { traced: false, reason: 'unreadable' },
    ],
    [
      'one that fails with escapes in its words',
      { traceroute: [ended(2, '', 'boom \u001b]0;evil\u0007')] },
      { traced: false, reason: 'failed', detail: expect.not.stringContaining('\u001b') },
    ],
  ])('%s', async (_what, answers, wanted) => {
    expect(await traceTcp(to, played(answers).run)).toMatchObject(wanted)
  })

  it('asks mtr first, and traceroute only where that gave nothing', async () => {
    const { run, asked } = played({ mtr: [goodJson] })
    await traceTcp(to, run)
    expect(asked).toEqual([`mtr ${mtrArgs(to, 'json').join(' ')}`])
  })
})

describe('a tool of this host', () => {
  let directory = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'pathproof-trace-test-'))
    const tool = join(directory, 'pathproof-test-traceroute')
    writeFileSync(
      tool,
      `#!/bin/sh\nprintf '%s ' "$@" > "${directory}/asked"\necho "traceroute to $1 (10.0.1.103), 30 hops max, 60 byte packets"\necho " 1  192.168.10.1  0.3 ms  0.2 ms"\n`,
    )
    chmodSync(tool, 0o755)
  })
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('is run without a shell, with these words', async () => {
    const real = systemCommand({ timeoutSeconds: 5, maxOutputBytes: 65_536, atOnce: 1 })
    const run: RunCommand = (file, args) =>
      file === 'traceroute'
        ? real(join(directory, 'pathproof-test-traceroute'), args)
        : Promise.resolve({ ran: false, code: 'ENOENT' })
    expect(await traceTcp(to, run)).toEqual({ traced: true, tool: 'traceroute', hops: [way[0]] })
    expect(readFileSync(join(directory, 'asked'), 'utf8').trim()).toBe(tracerouteArgs(to).join(' '))
  })
})
