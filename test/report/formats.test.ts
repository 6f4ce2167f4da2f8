import { createHash } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Ajv } from 'ajv'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { cell, reportCsv } from '../../ledger/report/csv.ts'
import { reportHtml } from '../../ledger/report/html.ts'
import { reportJson } from '../../ledger/report/json.ts'
import type { Report } from '../../ledger/report/model.ts'
import { ocsfEvents, reportOcsf } from '../../ledger/report/ocsf.ts'
import { oscalDocument, reportOscal } from '../../ledger/report/oscal.ts'
import { limits } from '../../ledger/report/words.ts'
import type { LedgerRecord } from '../../ledger/types.ts'
import { quarter } from '../support/ledger-quarter.ts'
import { attemptBody, recordWriter, targetBody, verdictBody } from '../support/ledger-records.ts'
import { reportOf, verified } from '../support/ledger-report.ts'

const root = resolve(import.meta.dirname, '../..')
const data = (path: string) => JSON.parse(readFileSync(join(root, 'test/data', path), 'utf8'))
const startMs = Date.UTC(2026, 6, 1)
const formats = { html: reportHtml, json: reportJson, csv: reportCsv, oscal: reportOscal, ocsf: reportOcsf }
const textOf = (name: keyof typeof formats, report: Report): string => [...formats[name](report)].join('')

/** Text that means something to each format, and secrets. */
const hostile = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'; --",
  '=HYPERLINK("http://evil.example")',
  '@SUM(A1)',
  '-1+2',
  '+cmd',
  '\u001B[2J\u202Ebidi\u0000',
  '[link](javascript:alert(1)) `code` **bold**',
  ']]>&amp;{{x}}',
  '\r\nX: y',
  'https://b.s3.amazonaws.com/k?X-Amz-Signature=SECRETMARK&X-Amz-Credential=AKIASECRETMARK0000',
  'Authorization: AWS4-HMAC-SHA256 Credential=SECRETMARK/x, Signature=SECRETMARK',
  '\uD800 lone',
  'x'.repeat(5000),
]

function hostileRecords(texts: readonly string[]): LedgerRecord[] {
  const write = recordWriter(texts[0])
  const records: LedgerRecord[] = []
  let at = startMs
  const put = (kind: string, body: object): void => void records.push(write(kind, (at += 10_000), body))
  put('lifecycle', { event: 'started', version: texts[1], configuration: texts[2] })
  put('vantage', {
    kind: texts[0],
    because: texts,
    instanceId: texts[3],
    accountId: texts[4],
    region: texts[5],
    interfaces: [],
  })
  for (const [index, text] of texts.entries()) {
    const other = texts[(index + 3) % texts.length] ?? ''
    const waiver = { reason: other, ticket: text, untilMs: at + 15_000 }
    put('target', targetBody(text, 10, { names: [{ hostname: text, style: other }], waiver }))
    put(
      'attempt_verdict',
      attemptBody({
        id: `p${index}`,
        hostname: text,
        address: other,
        state: 'public',
        atMs: at,
        because: text,
      }),
    )
    put(
      'target_verdict',
      verdictBody({
        target: text,
        id: `v${index}`,
        state: 'public',
        atMs: at,
        hostname: text,
        because: [other, text],
        waiver,
        attempts: [`p${index}`],
        made: [text],
      }),
    )
    put(
      'attempt_verdict',
      attemptBody({
        id: text,
        hostname: other,
        address: text,
        state: 'public',
        atMs: at,
        late: true,
        because: other,
      }),
    )
    put('egress', {
      check: text,
      url: other,
      control: text,
      state: 'open',
      because: other,
      atMs: at,
      everySeconds: 1,
      findings: [],
    })
    put('snapshot', {
      id: text,
      account: other,
      region: text,
      source: other,
      prefixLists: [{ id: text, version: 1, entries: 1 }],
    })
    put('gap', {
      reason: text,
      fromTs: new Date(at - 20).toISOString(),
      toTs: new Date(at).toISOString(),
      lost: { [other.slice(0, 30)]: 1 },
      late: 0,
    })
    put('census', {
      fromMs: at - 100,
      toMs: at,
      coveredSeconds: 1,
      other: { flows: 1, bytes: 1 },
      rows: [
        {
          scope: text,
          direction: other,
          service: text,
          trafficPath: 8,
          nextHopType: other,
          action: text,
          public: true,
          flows: 1,
          bytes: 1,
        },
      ],
    })
  }
  put('posture', {
    atMs: at,
    snapshot: null,
    findings: texts.map((text) => ({ check: text, state: 'fail', because: text })),
  })
  put('close', { reason: texts[0] })
  return records
}

let full: Report
let bad: Report
let empty: Report

beforeAll(() => {
  const options = { startMs, days: 80, targets: 5, everySeconds: 3600 }
  full = reportOf(quarter(options), { fromMs: startMs, toMs: startMs + 80 * 86_400_000 })
  bad = reportOf(
    hostileRecords(hostile),
    {},
    { ...verified, outcome: 'broken', signers: hostile, transcript: hostile, anchors: hostile },
  )
  empty = reportOf([], { fromMs: startMs, toMs: startMs + 86_400_000 })
})

const formatsOfAjv = {
  'date-time': (text: string) => !Number.isNaN(Date.parse(text)) && /T/.test(text),
  uri: (text: string) => URL.canParse(text),
  'uri-reference': (text: string) =>
    URL.canParse(text, 'https://example.org/') && !/[\s<>"\\^`{|}]/.test(text),
  email: (text: string) => /^[^@\s]+@[^@\s]+$/.test(text),
}

describe('OSCAL', () => {
  const schema = data('oscal/assessment-results-1.2.2.schema.json')
  const ajv = new Ajv({ allErrors: true, strict: true, formats: formatsOfAjv })
  const validate = ajv.compile(schema)

  it('is checked by a schema that tells good from bad', () => {
    expect(schema.$id).toContain('1.2.2')
    for (const { name, valid, document } of data('oscal/documents.json'))
      expect(validate(document), name).toBe(valid)
  })

  it.each(['full', 'bad', 'empty'] as const)('assessment results of the %s report are valid', (name) => {
    const report = { full, bad, empty }[name]
    validate(oscalDocument(report))
    expect(validate.errors ?? []).toEqual([])
    expect(JSON.parse(textOf('oscal', report))['assessment-results'].metadata['oscal-version']).toBe('1.2.2')
  })

  it('call nothing satisfied that was not shown at every moment, and refer only to what is there', () => {
    const document = oscalDocument(full) as {
      'assessment-results': {
        results: {
          observations: { uuid: string }[]
          findings: {
            title: string
            target: { 'target-id': string; status: { state: string; reason: string } }
            'related-observations': { 'observation-uuid': string }[]
          }[]
        }[]
      }
    }
    const [result] = document['assessment-results'].results
    const ids = new Set(result?.observations.map(({ uuid }) => uuid))
    expect(ids.size).toBe(result?.observations.length)
    for (const finding of result?.findings ?? []) {
      for (const related of finding['related-observations'])
        expect(ids.has(related['observation-uuid'])).toBe(true)
      const target = full.targets.find((one) => `path-required-${one.target}` === finding.target['target-id'])
      if (target === undefined) continue
      const expected =
        { public: 'fail', not_met: 'fail', met_throughout: 'pass' }[target.conclusion as string] ?? 'other'
      expect(finding.target.status).toEqual({
        state: expected === 'pass' ? 'satisfied' : 'not-satisfied',
        reason: expected,
      })
    }
    expect(full.targets.map(({ conclusion }) => conclusion)).toEqual([
      'public',
      'public',
      'not_fully_shown',
      'public',
      'not_fully_shown',
    ])
    expect(textOf('oscal', bad)).not.toContain('"satisfied"')
  })
})

describe('OCSF', () => {
  const schema = data('ocsf/compliance-finding-1.8.0.schema.json')
  const ajv = new Ajv({ allErrors: true, strict: false })
  const validate = ajv.compile(schema)

  it('is checked by a schema that tells good from bad', () => {
    for (const { name, valid, event } of data('ocsf/events.json')) expect(validate(event), name).toBe(valid)
  })

  it.each(['full', 'bad', 'empty'] as const)(
    'compliance findings of the %s report are valid, one a line',
    (name) => {
      const report = { full, bad, empty }[name]
      const lines = textOf('ocsf', report).trimEnd().split('\n')
      expect(lines.length).toBe(ocsfEvents(report).length)
      for (const line of lines) {
        validate(JSON.parse(line))
        expect(validate.errors ?? []).toEqual([])
        expect(JSON.parse(line)).toMatchObject({
          class_uid: 2003,
          metadata: { version: '1.8.0' },
          time: report.toMs,
        })
      }
    },
  )

  it('pass only what was shown at every moment', () => {
    const statuses = ocsfEvents(full)
      .slice(0, 5)
      .map((event) => (event as { compliance: { status: string } }).compliance.status)
    expect(statuses).toEqual(['Fail', 'Fail', 'Warning', 'Fail', 'Warning'])
    expect(textOf('ocsf', bad)).not.toContain('"Pass"')
  })
})

describe('the page', () => {
  it('allows its own style and nothing else, and holds nothing else', () => {
    for (const report of [full, bad, empty]) {
      const page = textOf('html', report)
      const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? ''
      const hash = createHash('sha256').update(style).digest('base64')
      expect(page).toContain(
        `content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`,
      )
      expect(page.match(/<style/g)?.length).toBe(1)
      const tags = new Set(
        [...page.replace(style, '').matchAll(/<([a-zA-Z][\w-]*)/g)].map((match) => match[1]),
      )
      const known =
        'html head meta title style body main svg defs pattern rect path circle header h1 h2 h3 h4 p br div nav ul li a section table thead tbody tr th td span code dl dt dd pre time text wbr'
      expect([...tags].filter((tag) => !known.split(' ').includes(tag ?? ''))).toEqual([])
      expect(/<[^>]*\s(?:on\w+|style|src)\s*=/.exec(page.replace(/"[^"]*"/g, '""'))?.[0] ?? null).toBeNull()
      for (const [, target] of page.matchAll(/href="([^"]*)"/g)) expect(target).toMatch(/^#[\w-]+$/)
      for (const [, id] of page.matchAll(/href="#([^"]*)"/g))
        expect(page.includes(` id="${id}"`), id).toBe(true)
    }
  })

  it('closes what it opens', () => {
    for (const report of [full, bad, empty]) {
      const open: string[] = []
      const page = textOf('html', report)
        .replace(/<!doctype html>/, '')
        .replace(/<style>[\s\S]*?<\/style>/, '')
      for (const [, slash, tag = '', rest = ''] of page.matchAll(/<(\/?)([a-zA-Z][\w-]*)([^>]*)>/g)) {
        if (['meta', 'br', 'wbr'].includes(tag) || rest.endsWith('/')) continue
        if (slash === '') open.push(tag)
        else expect(open.pop()).toBe(tag)
      }
      expect(open).toEqual([])
    }
  })

  it('says what it is about, and its limits in these words', () => {
    const page = textOf('html', full)
    expect(limits[0]).toContain('shows what this host observed; does not prove that no other path exists')
    for (const limit of limits) expect(page.includes(limit), limit).toBe(true)
    for (const word of [
      'Summary',
      'Waivers',
      'Interruptions',
      'Method',
      'Limits',
      'Record',
      'NET-12',
      'aws ec2 create-vpc-endpoint',
      'traffic path 8',
      'internet gateway',
      'signer verified',
      'example.org/host-1+12345678',
    ])
      expect(page.includes(word), word).toBe(true)
    expect(page).toContain('role="img"')
  })

  it('tells states apart without colour', () => {
    const page = textOf('html', full)
    for (const [sign, word] of [
      ['✗', 'public path seen'],
      ['?', 'not shown at every moment'],
    ])
      expect(page).toContain(`${sign}\u00A0${word}`)
    for (const mark of ['private', 'public', 'undetermined', 'not observed'])
      expect(page).toMatch(new RegExp(`</svg>${mark}`))
  })
})

describe('every format', () => {
  const names = Object.keys(formats) as (keyof typeof formats)[]

  it.each(names)('%s: the same input gives the same bytes', (name) => {
    const options = { startMs, days: 30, targets: 3, everySeconds: 7200 }
    const make = () =>
      textOf(name, reportOf(quarter(options), { fromMs: startMs, toMs: startMs + 30 * 86_400_000 }))
    expect(make()).toBe(make())
  })

  it.each(names)('%s: holds no secret and nothing that a terminal obeys', (name) => {
    const text = textOf(name, bad)
    expect(text.includes('SECRETMARK')).toBe(false)
    expect(
      /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]|\uFFFD/.exec(
        text,
      )?.[0] ?? null,
    ).toBeNull()
    expect(text.isWellFormed()).toBe(true)
  })

  it.each(names)('%s: names the limits', (name) => {
    const text = textOf(name, full)
    expect(text.includes('does not prove that no other path exists')).toBe(true)
  })

  it.each(names)('%s: never claims that a control is satisfied', (name) => {
    // OSCAL's own word for the state of an objective.
    const text = textOf(name, full).replace(/"state": "(?:not-)?satisfied"/g, '')
    expect(/satisf|complian(?:t|ce with)/i.exec(text)?.[0] ?? null).toBeNull()
  })

  it('takes any record whatever', () => {
    const kinds = [
      'lifecycle',
      'target',
      'heartbeat',
      'vantage',
      'snapshot',
      'target_verdict',
      'verdict_repeat',
      'attempt_verdict',
      'attempt_repeat',
      'egress',
      'posture',
      'census',
      'gap',
      'recovery',
      'close',
      'damage',
      'clock',
      'segment',
      'other',
    ]
    const fields = [
      'target',
      'state',
      'look',
      'looks',
      'atMs',
      'names',
      'of',
      'id',
      'made',
      'schedule',
      'findings',
      'rows',
      'fromMs',
      'toMs',
      'lost',
      'fromTs',
      'toTs',
      'lastTs',
      'event',
      'kind',
      'everySeconds',
      'hostname',
      'evidence',
      'because',
      'waiver',
      'untilMs',
      'require',
      'attempts',
      'configuration',
    ]
    const leaf = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom(
        ...hostile.slice(0, 6),
        'private',
        'public',
        'watched',
        'stopped',
        'started',
        1e300,
        -1,
        startMs,
        '2026-07-01T00:00:00.000Z',
      ),
    )
    const body = fc.dictionary(
      fc.constantFrom(...fields),
      fc.oneof(
        leaf,
        fc.array(fc.dictionary(fc.constantFrom(...fields), leaf, { maxKeys: 5 }), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...fields), leaf, { maxKeys: 5 }),
      ),
      { maxKeys: 10 },
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...kinds), fc.integer({ min: -1000, max: 10_000_000 }), body), {
          maxLength: 20,
        }),
        (parts) => {
          const write = recordWriter()
          const report = reportOf(
            parts.map(([kind, at, content]) => write(kind, startMs + at, content)),
            { fromMs: startMs, toMs: startMs + 3_600_000 },
          )
          for (const name of names) expect(textOf(name, report).length).toBeGreaterThan(10)
        },
      ),
      { numRuns: 150 },
    )
  })
})

describe('CSV', () => {
  it('has one number of columns, and no cell that a spreadsheet would run', () => {
    for (const report of [full, bad]) {
      const rows = parse(textOf('csv', report))
      expect(rows[0]?.[0]).toBe('kind')
      expect(new Set(rows.map((row) => row.length))).toEqual(new Set([rows[0]?.length]))
      for (const row of rows) for (const value of row) expect(value).not.toMatch(/^[=+\-@\t\r]/)
    }
    expect(
      parse(textOf('csv', bad)).some((row) => row.some((value) => value.startsWith("'=HYPERLINK"))),
    ).toBe(true)
  })

  it('gives back what was put in', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const [[back = ''] = []] = parse(`${cell(text)}\r\n`)
        expect(back.replace(/^'(?=[=+\-@\t\r])/, '')).toBe(text)
      }),
    )
  })

  /** RFC 4180, read by its grammar. */
  function parse(text: string): string[][] {
    const rows: string[][] = []
    let row: string[] = []
    let at = 0
    while (at < text.length) {
      let value = ''
      if (text[at] === '"') {
        at++
        while (text[at] !== '"' || text[at + 1] === '"') {
          value += text[at]
          at += text[at] === '"' ? 2 : 1
        }
        at++
      } else while (at < text.length && text[at] !== ',' && text[at] !== '\r') value += text[at++]
      row.push(value)
      if (text[at] === ',') at++
      else {
        expect(text.slice(at, at + 2)).toBe('\r\n')
        at += 2
        rows.push(row)
        row = []
      }
    }
    return rows
  }
})

describe('JSON', () => {
  it('has times as text, and every target', () => {
    const report = JSON.parse(textOf('json', full))
    expect(report).toMatchObject({
      schema: 'pathproof.report/1',
      from: '2026-07-01T00:00:00Z',
      to: '2026-09-19T00:00:00Z',
    })
    expect(report.targets.map((one: { target: string }) => one.target)).toEqual(
      full.targets.map(({ target }) => target),
    )
    expect(textOf('json', full)).not.toMatch(/"\w+Ms":/)
    expect(report.targets[1].episodes[0]).toMatchObject({
      kind: 'public',
      from: expect.stringMatching(/^2026-07-21T12:00/),
    })
  })
})

describe('controls', () => {
  const file = JSON.parse(readFileSync(join(root, 'ledger/report/controls.json'), 'utf8'))

  it('each name what they are, why, and a check that exists; none twice', () => {
    expect(full.controls.length).toBeGreaterThan(50)
    for (const { framework, controls } of file.frameworks)
      for (const control of controls) {
        for (const field of ['id', 'title', 'why'])
          expect(control[field], `${framework} ${control.id}`).toMatch(/\S/)
        expect(control.checks.length).toBeGreaterThan(0)
        for (const check of control.checks) expect(Object.keys(full.checks)).toContain(check)
      }
    const ids = full.controls.map(({ framework, id }) => `${framework} ${id}`)
    expect(new Set(ids).size).toBe(ids.length)
    expect(new Set(full.controls.map(({ framework }) => framework))).toEqual(
      new Set([
        'PCI DSS',
        'NIST SP 800-53',
        'ISO/IEC 27001',
        'SOC 2',
        'HIPAA Security Rule',
        'FedRAMP',
        'AWS Foundational Security Best Practices',
      ]),
    )
  })

  it('are supported, and nothing stronger, wherever they are spoken of', () => {
    expect(JSON.stringify(file)).not.toMatch(/satisf|guarantee|complian/i)
    for (const name of readdirSync(join(root, 'ledger/report'))) {
      if (!name.endsWith('.ts') || name === 'oscal.ts') continue
      expect(readFileSync(join(root, 'ledger/report', name), 'utf8'), name).not.toMatch(/satisf/i)
    }
    expect(textOf('html', full)).toContain('This evidence supports the controls below.')
  })
})
