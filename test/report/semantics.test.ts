import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { reportCsv } from '../../ledger/report/csv.ts'
import { reportHtml } from '../../ledger/report/html.ts'
import type { Assurance, Report } from '../../ledger/report/model.ts'
import { ocsfEvents } from '../../ledger/report/ocsf.ts'
import { oscalDocument } from '../../ledger/report/oscal.ts'
import { percentText } from '../../ledger/report/words.ts'
import { base, happening, play } from '../support/happenings.ts'
import { attemptBody } from '../support/ledger-records.ts'
import { reportOf, verified } from '../support/ledger-report.ts'
import { ledger, start } from '../support/watched-ledger.ts'

interface Finding {
  target: { 'target-id': string; status: { state: string; reason: string } }
}
interface Observation {
  title: string
  props?: { name: string; value: string }[]
  'relevant-evidence'?: { href: string; props: { name: string; value: string }[] }[]
}

function oscalResult(report: Report): { findings: Finding[]; observations: Observation[] } {
  const document = oscalDocument(report) as {
    'assessment-results': { results: { findings: Finding[]; observations: Observation[] }[] }
  }
  return document['assessment-results'].results[0]!
}

interface Event {
  time: number
  start_time: number
  end_time: number
  compliance: { control: string; status: string; status_id: number }
  finding_info: { title: string; first_seen_time: number; last_seen_time: number }
  evidences?: { data: { from_time?: number; to_time?: number; first?: { sha256: string } } }[]
}
const events = (report: Report): Event[] => ocsfEvents(report) as Event[]

/** Independent of the report's own conclusions: from the seconds alone. */
const isWhole = ({ share }: Report['targets'][number]): boolean =>
  share.undeterminedSeconds === 0 &&
  share.gapSeconds === 0 &&
  share.publicSeconds === 0 &&
  share.mixedSeconds === 0

const outcomes: Assurance['outcome'][] = ['verified', 'signer_unknown', 'gaps', 'broken', 'not_checked']

/** From 0 to some seconds private, each look in time: what can be met. */
function clean(seconds: number) {
  const one = ledger(seconds)
  one.start()
  one.put('heartbeat', 1, { everySeconds: 60, clockOffsetSeconds: 0.01, skipped: [] })
  one.verdict(0, { state: 'private' })
  one.repeats(30, seconds + 60, 'v0')
  return one
}

describe('OSCAL and OCSF', () => {
  it('say satisfied, and Pass, of no target of which anything is open, public or waived', () => {
    fc.assert(
      fc.property(
        fc.array(happening, { minLength: 1, maxLength: 30 }),
        fc.constantFrom(...outcomes),
        (happenings, outcome) => {
          const { records, seconds } = play(happenings)
          const report = reportOf(
            records,
            { fromMs: base, toMs: base + seconds * 1000 },
            { ...verified, outcome },
          )
          const [target] = report.targets
          const good = target !== undefined && isWhole(target) && outcome === 'verified'
          for (const { target: to } of oscalResult(report).findings)
            if (to['target-id'].startsWith('path-required') && to.status.state === 'satisfied')
              expect(good).toBe(true)
          for (const { compliance, finding_info } of events(report))
            if (compliance.status === 'Pass' && finding_info.title.includes('path as required'))
              expect(good).toBe(true)
          if (outcome !== 'verified') {
            expect(JSON.stringify(oscalDocument(report))).not.toContain('"satisfied"')
            expect(JSON.stringify(ocsfEvents(report))).not.toContain('"Pass"')
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('say so of one that was shown at every moment', () => {
    const report = clean(600).report()
    const statuses = oscalResult(report).findings.map(({ target }) => [
      target['target-id'],
      target.status.state,
    ])
    expect(Object.fromEntries(statuses)).toMatchObject({
      'path-required-web': 'satisfied',
      no_public_path: 'satisfied',
    })
    expect(events(report)[0]?.compliance).toMatchObject({ status: 'Pass', status_id: 1 })
  })

  it('have waivers as what they are', () => {
    const one = ledger(300)
    one.start()
    const waiver = { reason: 'legacy', ticket: 'NET-1', untilMs: start + 9e6 }
    one.verdict(0, { state: 'public', waiver })
    one.repeats(30, 330, 'v0')
    const report = one.report()
    expect(oscalResult(report).findings[0]?.target.status).toEqual({
      state: 'not-satisfied',
      reason: 'other',
    })
    expect(events(report)[0]?.compliance.status).toBe('Warning')
  })

  it('fail for connections to names that nobody watches, with the record that shows them', () => {
    const one = clean(600)
    one.put(
      'attempt_verdict',
      650,
      attemptBody({ id: 's', hostname: 'other.example', state: 'public', atMs: start + 100_000, late: true }),
    )
    const report = one.report()
    const place = report.strays[0]!.place
    const event = events(report).find(({ compliance }) => compliance.control === 'no_public_path')
    expect(event?.compliance.status).toBe('Fail')
    expect(event?.evidences?.[0]?.data.first?.sha256).toBe(place.sha256)
    const observation = oscalResult(report).observations.find(({ title }) => title === 'no public path')
    expect(observation?.['relevant-evidence']?.[0]?.props).toContainEqual(
      expect.objectContaining({ name: 'sha256', value: place.sha256 }),
    )
    expect([...reportCsv(report)].join('')).toMatch(/^exception,other\.example,.*,public,/m)
    const page = [...reportHtml(report)].join('')
    expect(page).toContain('public, and watched by no target')
    expect(page).toContain('other.example')
  })

  it('tell times in milliseconds, and each exception with the hashes of its records', () => {
    const one = ledger(600)
    one.start()
    one.verdict(0, { state: 'private' })
    one.verdict(30, { state: 'public' })
    one.repeats(60, 660, 'v30')
    const report = one.report()
    const [episode] = report.targets[0]!.episodes
    for (const event of events(report))
      for (const ms of [event.time, event.start_time, event.end_time, event.finding_info.first_seen_time]) {
        expect(ms).toBeGreaterThanOrEqual(start)
        expect(ms).toBeLessThanOrEqual(start + 660_000)
      }
    const [event] = events(report)
    expect(event?.finding_info).toMatchObject({ first_seen_time: start + 30_000 })
    expect(event?.evidences?.[0]?.data).toMatchObject({
      from_time: start + 30_000,
      first: episode!.first,
      last: episode!.last,
    })
    const told = oscalResult(report).observations.flatMap((seen) => seen['relevant-evidence'] ?? [])
    expect(told.map(({ href }) => href)).toEqual([
      `#ledger-record-${episode!.first.seq}`,
      `#ledger-record-${episode!.last.seq}`,
    ])
  })
})

describe('tables', () => {
  it('say of how much more there is than they list', () => {
    const one = ledger(86_400)
    one.start()
    // More public times than are kept, and more gaps.
    for (let seconds = 0; seconds < 86_400; seconds += 120) {
      one.verdict(seconds, { state: 'public', lifeSeconds: 10, id: `p${seconds}` })
      one.verdict(seconds + 5, { state: 'private', lifeSeconds: 10, id: `q${seconds}` })
    }
    const report = one.report()
    const target = report.targets[0]!
    expect(target.episodes.length + target.moreEpisodes.count).toBe(720)
    const csv = [...reportCsv(report)].join('')
    expect(csv).toMatch(new RegExp(`^more_exceptions,web,.*${target.moreEpisodes.count} more`, 'm'))
    expect(csv).toMatch(new RegExp(`^more_gaps,web,.*${target.moreGaps.count} more`, 'm'))
    expect([...reportHtml(report)].join('')).toContain(`And ${target.moreEpisodes.count} more`)
  })
})

describe('shares in words', () => {
  it('never round up to a whole, nor down to nothing', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (share) => {
        const text = percentText(share)
        expect(text === '100 %').toBe(share >= 1)
        expect(text === '0 %').toBe(share <= 0)
        const number = Number(text.replace(/[< %]/g, ''))
        if (!text.startsWith('<')) expect(number / 100).toBeLessThanOrEqual(share + 1e-12)
      }),
    )
    expect(percentText(1 - 1e-12)).toBe('99.999 %')
    expect(percentText(0.9999)).toBe('99.99 %')
    // One millisecond of a year.
    expect(percentText(1 - 1 / (365 * 86_400_000))).not.toBe('100 %')
  })

  it('a millisecond that is missing is missing from the whole', () => {
    const one = clean(600)
    expect(one.target().conclusion).toBe('met_throughout')
    expect(one.target({ fromMs: start - 1 }).conclusion).toBe('not_fully_shown')
  })
})
