import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { duration, html, key } from '../../exporters/pages/html.ts'
import { pagePolicy } from '../../exporters/pages/page.ts'
import { plot } from '../../exporters/pages/plot.ts'
import { script } from '../../exporters/pages/script.ts'
import { emptyTally, headline } from '../../exporters/pages/status.ts'
import { style } from '../../exporters/pages/style.ts'
import { groupsOf } from '../../exporters/pages/target.ts'
import { wrap } from '../../exporters/pages/way-svg.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import { attemptVerdict, nameVerdict, targetVerdict } from '../agent/verdicts.ts'
import { shownVerdicts } from '../support/page-server.ts'

const secret = 'Zq9SECRETmark7x'
const nasty = `"'><script>alert(1)</script><img src=x onerror=alert(1)>&\u001b[31m\u202e https://b.s3.amazonaws.com/k?X-Amz-Signature=${secret}&a=1`

/** A verdict with hostile text wherever text can stand. */
function hostile(text: string): TargetVerdict {
  const evidence = {
    rule: text,
    possible: ['gateway_endpoint' as const],
    rank: 'configured' as const,
    because: text,
    source: text,
    observedAtMs: 1,
    flags: [],
    assumptions: [text],
  }
  const basis = { networkInterface: text, routeTable: text, route: text, target: text }
  const attempt = attemptVerdict({
    id: 'a1',
    hostname: text,
    address: text,
    localAddress: text,
    resolvers: [text],
    evidence: [evidence],
    conflicts: [{ rank: 'observed', of: 'side', evidence: [evidence], because: text }],
    assumptions: [text],
    basis,
    bases: [basis, { ...basis, target: 'x' }],
    networkInterface: text,
    wouldDecide: [text],
    fix: [{ text, command: text }],
    firstLeg: {
      leg: 'unproven',
      because: [text],
      unknownHops: [text],
      assumptions: [text],
      wouldDecide: [text],
    },
    grounds: { start: ['gateway_endpoint'], late: [0] },
  })
  const name = nameVerdict({
    hostname: text,
    style: text,
    because: [text],
    attempts: [attempt],
    wouldDecide: [text],
    fix: [{ text, command: text }],
    tainted: true,
    resolvers: [
      {
        resolver: text,
        server: text,
        counts: true,
        kind: 'private',
        state: null,
        addresses: [text],
        because: text,
        sinceMs: 1,
      },
    ],
  })
  return targetVerdict({
    target: text,
    met: false,
    names: [name],
    waiver: { reason: text, ticket: text, untilMs: 1 },
    firstLeg: {
      leg: 'vpn',
      because: [text],
      unknownHops: [],
      assumptions: [],
      wouldDecide: [text],
      required: 'any',
      met: false,
    },
  })
}

function pagesOf(verdict: TargetVerdict): string[] {
  const shown = shownVerdicts(() => 1_000_000)
  shown.show([verdict])
  shown.notices.push(verdict.target)
  return [
    { body: shown.pages.status() },
    shown.pages.at(`/targets/${encodeURIComponent(verdict.target)}`),
    shown.pages.at('/attempts/a1'),
    shown.pages.at(`/attempts/${encodeURIComponent(verdict.target.slice(0, 60))}`),
  ].map((page) => [...(page?.body ?? [])].join(''))
}

describe('hostile text', () => {
  it('becomes neither element, attribute nor secret, on any page', () => {
    for (const page of pagesOf(hostile(nasty))) {
      expect(page.length).toBeGreaterThan(1000)
      expect(page).not.toContain(secret)
      expect(page).not.toMatch(/<script>|<img|\u001b|\u202e|="[^"]*"[^\s>/]/)
      const unquoted = page.replace(/="[^"]*"/g, '=""')
      expect(unquoted).not.toMatch(/<[^>]*\s(?:on[a-z]+|style)\s*=/i)
      expect(page).not.toContain('javascript:')
    }
  })

  it('whatever the text, the elements of a page stay those of a tame one', () => {
    const elements = (page: string) =>
      [...page.matchAll(/<\/?([a-z][a-z0-9]*)/gi)]
        .map(([tag]) => tag)
        .filter((tag) => !/text|tspan/.test(tag))
    const tame = pagesOf(hostile('tame')).map((page) => new Set(elements(page)))
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 40, unit: 'binary' }), (text) => {
        fc.pre(text.isWellFormed())
        for (const [index, page] of pagesOf(hostile(text)).entries())
          for (const element of elements(page)) expect(tame[index]?.has(element), element).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('html escapes what an attribute or a text could end with', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(html(text)).not.toMatch(/[<>"'\u0000-\u001f]|&(?!(?:amp|lt|gt|quot|#39);)/)
      }),
    )
  })

  it('keys of different texts differ', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(key(a) === key(b)).toBe(a === b)
        expect(key(a)).toMatch(/^[A-Za-z0-9._-]*$/)
      }),
    )
  })
})

describe('the parts of a page', () => {
  it('the policy allows nothing inline and nobody else', () => {
    expect(pagePolicy).toMatch(/^default-src 'none'; /)
    expect(pagePolicy).not.toMatch(/unsafe|http|data:|\*/)
  })

  it('script and style hold what the policy asks for', () => {
    expect(script).not.toMatch(/innerHTML|insertAdjacentHTML|outerHTML|document\.write|\beval\b|new Function/)
    expect(() => Function(script)).not.toThrow()
    expect(script).not.toContain('</')
    expect(style).not.toMatch(/@import|url\(|</)
  })

  it('the head says what is wrong first', () => {
    const tally = { ...emptyTally(), targets: 3 }
    expect(headline(emptyTally())).toEqual({ words: 'Nothing is watched yet', mood: 'open' })
    expect(headline({ ...tally, urgencies: { unmet: 1, open: 0, waived: 0, met: 2 } })).toEqual({
      words: '1 of 3 targets does not meet the requirement',
      mood: 'bad',
    })
    expect(headline({ ...tally, names: { ...tally.names, undetermined: 1 } }).mood).toBe('open')
    expect(headline(tally).mood).toBe('good')
  })

  it('durations are in the unit that fits', () => {
    const told = [null, Number.NaN, 0.00005, 0.0012, 0.25, 30, 600, 9000].map(duration)
    expect(told).toEqual(['–', '–', '50 µs', '1.20 ms', '250 ms', '30.0 s', '10 min', '3 h'])
  })

  it('long names are cut into lines and lose nothing but their end', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9.-]{1,200}$/), (text) => {
        const lines = wrap(text, 40)
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(40)
        expect(text.startsWith(lines.join('').replace(/…$/, ''))).toBe(true)
      }),
    )
  })

  it('a plot has a point for each sample and a band down to what it may really have been', () => {
    const samples = [10, 20, 40].map((ms, n) => ({ atMs: n, seconds: ms / 1000, uncertaintySeconds: 0.005 }))
    const svg = plot('TLS', samples)
    const points = (name: string) =>
      (new RegExp(`class="${name}" points="([^"]*)"`).exec(svg)?.[1] ?? '')
        .split(' ')
        .map((pair) => pair.split(',').map(Number))
    const line = points('p-line')
    const band = points('p-band')
    expect([line.length, band.length]).toEqual([3, 6])
    // higher is smaller: the last is the largest, and the band lies below the line
    expect(line.map(([, y]) => y)).toEqual(line.map(([, y]) => y ?? 0).toSorted((a, b) => b - a))
    for (const [index, [x, y = 0]] of line.entries()) {
      const lower = band.toReversed()[index] ?? []
      expect(lower[0]).toBe(x)
      const really = [0.005, 0.015, 0.035][index] ?? 0
      const zero = Number(/y1="(\d+)"/.exec(svg)?.[1])
      const perSecond = (zero - (line.at(-1)?.[1] ?? 0)) / 0.04
      expect(lower[1] ?? 0).toBeGreaterThan(y)
      expect(lower[1] ?? 0).toBeCloseTo(zero - really * perSecond, 0)
    }
    expect(svg).toContain('median 20.0 ms, highest 40.0 ms, 3 connections')
    expect(plot('TLS', [])).toContain('nothing measured yet')
    expect(plot('TLS', [{ atMs: 0, seconds: 0.001, uncertaintySeconds: Infinity }])).toContain(
      'perhaps all of it',
    )
  })

  it('addresses that were not dialled share a picture with those that go the same way, and only with them', () => {
    const basis = { networkInterface: 'eni-1', routeTable: 'rtb-1', route: 'pl-1', target: 'vpce-1' }
    const other = { ...basis, route: '0.0.0.0/0', target: 'nat-1' }
    const waiting = { dialled: false, connected: false, state: 'undetermined' as const }
    const groups = groupsOf({
      attempts: [
        attemptVerdict({ id: 'w', ...waiting, possible: ['gateway_endpoint', 'blocked'], bases: [basis] }),
        attemptVerdict({ id: 'p', bases: [basis] }),
        attemptVerdict({ id: 'q', bases: [basis], atMs: 2_000_000 }),
        attemptVerdict({ id: 'n', state: 'public', possible: ['nat_gateway'], bases: [other] }),
        attemptVerdict({ id: 'x', ...waiting, possible: ['relay', 'blocked'], bases: [other] }),
      ],
    })
    expect(
      groups.map(({ shown, all }) => [
        shown.id,
        all
          .map(({ id }) => id)
          .toSorted()
          .join(''),
      ]),
    ).toEqual([
      ['n', 'n'],
      ['x', 'x'],
      ['q', 'pqw'],
    ])
  })
})
