import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { exampleConfig } from '../../agent/config/example.ts'
import { loadConfig, parseConfig } from '../../agent/config/load.ts'
import { problemText } from '../../agent/config/problems.ts'

const nowMs = Date.UTC(2026, 10, 20)
const directory = mkdtempSync(join(tmpdir(), 'pathproof-config-'))
afterAll(() => rmSync(directory, { recursive: true }))

function config(text: string) {
  const read = parseConfig(text, 'test.yml', nowMs)
  if (!read.ok) throw new Error(read.problems.map(problemText).join('\n'))
  return read
}

function problems(text: string): string[] {
  const read = parseConfig(text, 'test.yml', nowMs)
  return read.ok ? [] : read.problems.map(problemText)
}

function warnings(text: string): string[] {
  return config(text).warnings.map(problemText)
}

async function problemsOf(name: string, bytes: Uint8Array | string): Promise<string[]> {
  const path = join(directory, name)
  writeFileSync(path, bytes)
  const read = await loadConfig(path, nowMs)
  return read.ok ? [] : read.problems.map((problem) => `${problem.problem}, expected ${problem.expected}`)
}

describe('defaults', () => {
  test('the version alone is a configuration', () => {
    const { config: effective } = config('version: 1\n')
    expect(effective.targets).toEqual([])
    expect(effective.agent).toEqual({ vantage: 'auto' })
    expect(effective.web).toEqual({ listen: '127.0.0.1:10097', telemetryPath: '/metrics', reload: false })
    expect(effective.topology).toMatchObject({
      source: 'aws',
      refreshSeconds: 60,
      maxAgeSeconds: 180,
      otherRefreshSeconds: 300,
      otherMaxAgeSeconds: 900,
    })
    expect(effective.limits).toEqual({
      names: 2000,
      connects: 256,
      connectsPerTarget: 16,
      handshakes: 8,
      holdWindowSeconds: 900,
      holdAddresses: 4096,
    })
  })

  test('a target needs little', () => {
    const { config: effective } = config('version: 1\ntargets: [{ name: a, hostname: STS.amazonaws.com. }]\n')
    expect(effective.targets).toEqual([
      {
        name: 'a',
        service: null,
        hostname: 'sts.amazonaws.com',
        region: null,
        bucket: null,
        styles: null,
        port: 443,
        require: 'private',
        minProof: 'configured',
        requireFirstLeg: 'any',
        everySeconds: 30,
        cron: null,
        timeoutSeconds: 5,
        source: null,
        resolvers: ['system'],
        compareResolvers: [],
        waiver: null,
        evidenceAgeSeconds: null,
        confirmWithinSeconds: 1800,
      },
    ])
  })

  test('a cron expression takes the place of the interval', () => {
    const { config: effective } = config(
      'version: 1\ntargets: [{ name: a, hostname: sts.amazonaws.com, cron: "0  3 * *   1" }]\n',
    )
    expect(effective.targets[0]).toMatchObject({ everySeconds: null, cron: '0 3 * * 1' })
  })
})

test('the configuration of the design is accepted as it stands', () => {
  const text = `version: 1
agent: { vantage: auto }                  # auto | ec2 | on-prem
targets:                                  # none: discovered on EC2
  - name: artifacts
    service: s3
    region: us-east-1
    bucket: my-bucket
    styles: [global, regional, dualstack]
    require: private
    every: 30s
    timeout: 5s
    source: 10.0.1.50
    resolvers: [system]
    compare_resolvers: [corp]
  - { name: sts-global, hostname: sts.amazonaws.com, port: 443, waiver: { reason: "legacy SDK", ticket: NET-12, until: 2027-01-31 } }
resolvers: [{ name: corp, address: "10.1.1.53:53" }]
trusted_endpoints: [{ dns_name: vpce-0abc-xyz.s3.eu-west-1.vpce.amazonaws.com, via: tgw-0abc }]
flow_logs: { enabled: true }
sites: [{ name: dc1, first_leg: direct_connect, next_hops: [169.254.100.0/30], prefixes: [192.168.0.0/16] }]
egress: { must_fail: [{ name: cloudflare-443, url: "tcp://1.1.1.1:443", control: artifacts }] }
ledger: { directory: /var/lib/pathproof/ledger }
exporters: { cloudwatch: {} }
web: { listen: "127.0.0.1:10097" }
limits: { names: 2000 }
topology: { source: aws, refresh: 60s, max_age: 3m }
`
  expect(problems(text)).toEqual([])
  expect(config(text).config.targets[1]?.waiver).toEqual({
    reason: 'legacy SDK',
    ticket: 'NET-12',
    untilMs: Date.UTC(2027, 1, 1),
  })
})

describe('warnings do not refuse', () => {
  test('a waiver in the past, with its line', () => {
    const waiver = 'waiver: { reason: x, until: 2026-11-19 }'
    expect(warnings(`version: 1\ntargets: [{ name: a, hostname: sts.amazonaws.com, ${waiver} }]`)).toEqual([
      'test.yml:2:79: targets[0].waiver.until: the waiver ended on 2026-11-20T00:00:00.000Z; it excuses nothing any more',
    ])
    // the day in hand is not over
    expect(
      warnings(
        'version: 1\ntargets: [{ name: a, hostname: sts.amazonaws.com, waiver: { reason: x, until: 2026-11-20 } }]',
      ),
    ).toEqual([])
  })

  test('overlapping and public sites', () => {
    expect(
      warnings(
        'version: 1\nsites: [{ name: a, prefixes: [10.0.0.0/8] }, { name: b, prefixes: [10.1.0.0/16, 192.0.0.0/16] }]',
      ),
    ).toEqual([
      'test.yml:2:68: sites[1].prefixes[0]: "10.1.0.0/16" overlaps "10.0.0.0/8" of sites[0]',
      'test.yml:2:81: sites[1].prefixes[1]: "192.0.0.0/16" holds public addresses: they will count as its own',
    ])
  })

  test('a wide private site whose first address is not the private one', () => {
    // 172.0.0.0/8 holds 172.16.0.0/12 and much of the internet; 100.0.0.0/8 the shared space
    for (const prefix of ['172.0.0.0/8', '192.0.0.0/8', '100.0.0.0/8', '192.168.0.0/15', '172.0.0.0/11']) {
      expect(
        problems(`version: 1\nsites: [{ name: a, prefixes: ["${prefix}"] }]`).length + warnings0(prefix),
      ).toBeGreaterThan(0)
    }
  })

  test('a name that is not of AWS, an unused resolver, a long max_age', () => {
    const text = `version: 1
targets: [{ name: a, hostname: git.example.com }]
resolvers: [{ name: corp, address: 10.1.1.53 }]
topology: { max_age: 1h }
partition_roots: [{ partition: aws, file: /etc/ca.pem }]`
    expect(warnings(text).map((line) => line.split(':').slice(1, 4).join(':'))).toEqual([
      '2:32: targets[0].hostname',
      '3:13: resolvers[0]',
      '4:22: topology.max_age',
      '5:19: partition_roots[0]',
    ])
  })

  function warnings0(prefix: string): number {
    const read = parseConfig(`version: 1\nsites: [{ name: a, prefixes: ["${prefix}"] }]`, 'test.yml', nowMs)
    return read.ok ? read.warnings.length : 0
  }
})

describe('places', () => {
  test('through an alias: where the value stands', () => {
    const text =
      'version: 1\nagent: { vantage: &v nowhere }\ntargets: [{ name: *v, hostname: sts.amazonaws.com, timeout: *v }]\n'
    expect(problems(text).map((line) => line.split(' ')[0])).toEqual(['test.yml:2:22:', 'test.yml:3:61:'])
  })

  test('more problems than anybody reads are counted', () => {
    const text = `version: 1\nsites:\n${'  - {}\n'.repeat(300)}`
    expect(problems(text)).toHaveLength(101)
    expect(problems(text).at(-1)).toBe('test.yml: and 500 more problems')
  })

  test('the name of the file is made safe', () => {
    const read = parseConfig('', 'a\u001B[31m.yml', nowMs)
    expect(read.ok ? [] : read.problems.map(problemText)).toEqual([
      'a.yml: is empty, expected at least "version: 1"',
    ])
  })
})

describe('files', () => {
  test('that are not there, or no files', async () => {
    const missing = await loadConfig(join(directory, 'missing.yml'), nowMs)
    expect(missing).toMatchObject({ ok: false, problems: [{ line: 0, problem: 'there is no such file' }] })
    expect(await loadConfig(directory, nowMs)).toMatchObject({
      ok: false,
      problems: [{ problem: 'is a directory' }],
    })
  })

  test('that this user may not read', async ({ skip }) => {
    if (process.getuid?.() === 0) skip('root may read everything')
    const path = join(directory, 'denied.yml')
    writeFileSync(path, 'version: 1\n', { mode: 0o000 })
    expect(await loadConfig(path, nowMs)).toMatchObject({
      ok: false,
      problems: [{ problem: 'this user may not read it' }],
    })
  })

  test('of 10 MB are refused before they are parsed', async () => {
    expect(await problemsOf('large.yml', '# x\n'.repeat(2_500_000))).toEqual([
      'is larger than 1 MiB, expected at most 1048576 bytes',
    ])
    expect(problems(`version: 1\n#${'é'.repeat(600_000)}`)).toEqual([
      'test.yml: is larger than 1 MiB, expected at most 1048576 bytes',
    ])
  })

  test('in another encoding', async () => {
    const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('version: 1\n', 'utf16le')])
    expect(await problemsOf('utf16.yml', utf16)).toEqual(['is written in UTF-16, expected text in UTF-8'])
    const latin1 = Buffer.from('version: 1 # für\n', 'latin1')
    expect(await problemsOf('latin1.yml', latin1)).toEqual(['is not UTF-8, expected text in UTF-8'])
  })

  test('with a byte-order mark and Windows line ends are fine', async () => {
    expect(await problemsOf('bom.yml', '\uFEFFversion: 1\r\nagent: { vantage: ec2 }\r\n')).toEqual([])
  })
})

describe('hostile text', () => {
  const hostile: [string, string][] = [
    ['open brackets', '['.repeat(900_000)],
    ['open braces', '{a: '.repeat(250_000)],
    ['sequences in one line', '- '.repeat(200_000)],
    ['explicit keys', '? '.repeat(200_000)],
    ['many aliases', `a: &x 1\nb: [${'*x,'.repeat(60_000)}]`],
    ['many keys', Array.from({ length: 40_000 }, (_, i) => `k${i}: 1`).join('\n')],
    [
      'many names',
      `version: 1\ntargets:\n${Array.from({ length: 9000 }, (_, i) => `- {name: t${i}, resolvers: [r${i}]}`).join('\n')}`,
    ],
    [
      'many sites',
      `version: 1\nsites:\n${Array.from({ length: 9000 }, (_, i) => `- {name: t${i}, prefixes: [10.0.0.0/8]}`).join('\n')}\nx: 1`,
    ],
    ['deep maps', Array.from({ length: 1200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
    ['NUL', 'version: 1\u0000'],
    ['proto', 'version: 1\n__proto__: { limits: 1 }\nconstructor: 1\ntoString: 2\n'],
    [
      'long cron',
      'version: 1\ntargets: [{ name: a, hostname: s3.amazonaws.com, cron: "0-99999999 * * * *" }]',
    ],
  ]
  test.each(hostile)('%s', (_, text) => {
    expect(problems(text).length).toBeGreaterThan(0)
  })

  test('keys of Object.prototype are unknown keys', () => {
    expect(problems('version: 1\n__proto__: 1\nconstructor: 1\n').map((line) => line.split(', ')[0])).toEqual(
      ['test.yml:2:1: __proto__: unknown key', 'test.yml:3:1: constructor: unknown key'],
    )
  })

  const printable = /^[^\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E]*$/

  test('random text never throws, and what is said of it is printable', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary', maxLength: 300 }), fc.string({ maxLength: 300 })),
        (text) => {
          expect(problems(text).join('\n')).toMatch(printable)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('random changes to the example never throw, and what is said of them is printable', () => {
    const change = fc.record({
      at: fc.nat({ max: exampleConfig.length }),
      remove: fc.nat({ max: 40 }),
      insert: fc.oneof(
        fc.string({ unit: 'binary', maxLength: 8 }),
        fc.constantFrom(
          '\n',
          '  ',
          '- ',
          ': ',
          '{',
          ']',
          '"',
          '*a',
          '&a ',
          '!x ',
          '\t',
          '\u001B[2J',
          '1e999',
          'null',
        ),
      ),
    })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        let text = exampleConfig
        for (const { at, remove, insert } of changes)
          text = text.slice(0, at) + insert + text.slice(at + remove)
        expect(problems(text).join('\n')).toMatch(printable)
      }),
      { numRuns: 400 },
    )
  }, 60_000)

  test('random data under the known keys never throws', () => {
    const keys = [
      'targets',
      'resolvers',
      'sites',
      'topology',
      'limits',
      'trusted_endpoints',
      'egress',
      'nat64_prefixes',
      'web',
      'canary',
    ]
    const inner = [
      'name',
      'hostname',
      'service',
      'every',
      'cron',
      'require',
      'prefixes',
      'must_fail',
      'waiver',
      'via',
      'styles',
    ]
    const leaf = fc.oneof(
      fc.string({ maxLength: 10 }),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom('30s', 's3', '10.0.0.0/8'),
    )
    const map = fc.dictionary(fc.constantFrom(...inner), fc.oneof(leaf, fc.array(leaf, { maxLength: 3 })), {
      maxKeys: 5,
    })
    const section = fc.oneof(leaf, map, fc.array(fc.oneof(leaf, map), { maxLength: 3 }))
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), section, { maxKeys: 6 }), (document) => {
        problems(stringify({ version: 1, ...document }))
      }),
      { numRuns: 400 },
    )
  })
})
