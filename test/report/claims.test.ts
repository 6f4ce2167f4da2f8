import { describe, expect, it } from 'vitest'
import { concluded } from '../../ledger/report/overall.ts'
import { attemptBody, targetBody, verdictBody } from '../support/ledger-records.ts'
import { verified } from '../support/ledger-report.ts'
import { host, ledger, start, told } from '../support/watched-ledger.ts'

/** What an auditor's adversary tries: ways in which a report might say more than was seen. */
const at = (seconds: number): number => start + seconds * 1000
const iso = (seconds: number): string => new Date(at(seconds)).toISOString()

/** Private from the start to the end, without a blemish. */
function quiet(endSeconds = 600) {
  const one = ledger(endSeconds)
  one.start()
  one.verdict(0, { state: 'private' })
  return one
}

const markAt = (one: ReturnType<typeof ledger>, seconds: number): string | undefined =>
  told(one.target().timeline).find(([from, to]) => from <= seconds && seconds < to)?.[2]

describe('the whole is called met only if', () => {
  it('no exception was waived, and nothing was left open beside the waiver', () => {
    const one = ledger(300)
    one.start()
    const waiver = { reason: 'legacy', ticket: 'NET-1', untilMs: at(1000) }
    one.verdict(0, { state: 'public', waiver })
    one.repeats(30, 90, 'v0')
    one.verdict(90, { state: 'undetermined', waiver })
    one.repeats(120, 330, 'v90')
    const report = one.report()
    expect(report.targets[0]?.conclusion).toBe('waived')
    expect(report.targets[0]?.sentence).toContain('shown for 0 % of it')
    expect(report.conclusion.result).toBe('incomplete')
  })

  it('all targets were, not only others than the waived one', () => {
    const one = quiet(300)
    one.repeats(30, 330, 'v0')
    one.put('target', 0, targetBody('other', 30))
    const waiver = { reason: 'legacy', ticket: 'NET-1', untilMs: at(1000) }
    for (let seconds = 0; seconds < 330; seconds += 30)
      one.put(
        'target_verdict',
        seconds,
        verdictBody({ target: 'other', id: `o${seconds}`, state: 'public', atMs: at(seconds), waiver }),
      )
    const report = one.report()
    expect(report.targets.map(({ conclusion }) => conclusion).sort()).toEqual(['met_throughout', 'waived'])
    expect(report.conclusion.result).toBe('incomplete')
  })

  it('no waiver that has ended is still named', () => {
    const one = ledger(120)
    one.start()
    one.verdict(0, { state: 'private', waiver: { reason: 'r', ticket: 't', untilMs: at(60) } })
    one.repeats(30, 180, 'v0')
    expect(one.target().conclusion).toBe('met_throughout')
    expect(one.report().conclusion.result).toBe('incomplete')
  })

  it('something was required at all', () => {
    const one = ledger(120)
    one.start()
    one.verdict(0, { state: 'private', require: { kind: 'none' } })
    one.repeats(30, 180, 'v0')
    expect(one.target().conclusion).toBe('nothing_required')
    expect(one.report().conclusion.result).toBe('incomplete')
  })

  it('every record was understood', () => {
    const one = quiet(120)
    one.repeats(30, 180, 'v0')
    expect(one.report().conclusion.result).toBe('met')
    one.put('attempt_verdict', 180, { state: 'public' })
    const { conclusion } = one.report()
    expect(conclusion.result).toBe('incomplete')
    expect(conclusion.sentences.join(' ')).toContain('1 records were not understood')
  })

  it('the clock can be trusted', () => {
    const one = quiet(120)
    one.put('heartbeat', 10, { everySeconds: 60, clockOffsetSeconds: -3600, skipped: [] })
    one.repeats(30, 180, 'v0')
    const { conclusion } = one.report()
    expect(conclusion.result).toBe('incomplete')
    expect(conclusion.sentences.join(' ')).toContain('1 h off AWS’s')
  })

  it('ways out that must be closed were tested all the time', () => {
    const one = quiet(120)
    const egress = (seconds: number, state: string) =>
      one.put('egress', seconds, { check: 'out', url: 'tcp://192.0.2.1:443', state, atMs: at(seconds) })
    egress(5, 'untestable')
    one.repeats(30, 180, 'v0')
    expect(one.report().conclusion.result).toBe('incomplete')
  })

  it('the record is signed to its end, and it says from when on it is not', () => {
    const one = quiet(120)
    one.repeats(30, 180, 'v0')
    const report = one.report({}, { ...verified, outcome: 'gaps', size: 9, unsignedTail: 4 })
    expect(report.conclusion.result).toBe('incomplete')
    expect(report.conclusion.sentences.join(' ')).toContain(
      'The last 4 records, from about 2026-11-20T00:00:30Z on, are under no signed checkpoint',
    )
  })

  it.each(['signer_unknown', 'gaps', 'not_checked', 'broken'] as const)('the ledger is not %s', (outcome) => {
    const one = quiet(120)
    one.repeats(30, 180, 'v0')
    const { conclusion } = one.report({}, { ...verified, outcome })
    expect(conclusion.result).toBe(outcome === 'broken' ? 'unusable' : 'incomplete')
    expect(conclusion.sentences.join(' ')).toContain('The ledger is')
  })

  it('by the checks alone nothing follows from an empty list of targets', () => {
    const one = quiet(60)
    one.repeats(30, 90, 'v0')
    const { checks, ...findings } = one.report()
    const empty = { ...findings, targets: [], unsignedSinceMs: null }
    expect(concluded(empty, checks).result).toBe('incomplete')
  })
})

describe('a verdict does not stand', () => {
  it('beyond a moment at which a record was lost, even a single one', () => {
    const one = quiet()
    one.repeats(30, 120, 'v0')
    one.put('gap', 101, {
      reason: 'too_large',
      fromTs: iso(100),
      toTs: iso(100),
      lost: { target_verdict: 1 },
    })
    one.repeats(150, 630, 'v0')
    expect(told(one.target().timeline).map(([from, to, mark]) => [from, to, mark])).toEqual([
      [0, 100, 'private'],
      [100, 100.001, 'gap'],
      [150, 600, 'private'],
    ])
    expect(one.report().interruptions.map(({ cause }) => cause)).toEqual(['records_lost'])
  })

  it('from the end of a loss to the next look, also where the loss is declared after that', () => {
    const one = quiet()
    one.repeats(30, 120, 'v0')
    one.repeat(180, 'v0')
    one.repeat(210, 'v0')
    one.put('gap', 211, { reason: 'ENOSPC', fromTs: iso(100), toTs: iso(150), lost: { target_verdict: 1 } })
    one.repeats(240, 630, 'v0')
    expect(markAt(one, 99)).toBe('private')
    expect(markAt(one, 101)).toBe('gap')
    expect(markAt(one, 170)).toBe('gap')
    expect(markAt(one, 181)).toBe('private')
  })

  it('of a look within the loss that was kept in memory', () => {
    const one = quiet()
    one.repeats(30, 120, 'v0')
    one.put('gap', 151, { reason: 'ENOSPC', fromTs: iso(100), toTs: iso(150), lost: { target_verdict: 1 } })
    one.repeat(120, 'v0')
    one.repeats(180, 630, 'v0')
    expect(markAt(one, 125)).toBe('gap')
    expect(markAt(one, 160)).toBeUndefined()
    expect(markAt(one, 181)).toBe('private')
  })

  it('for the connections of a look that are not settled any more a moment later', () => {
    const one = quiet()
    one.repeats(30, 120, 'v0')
    one.verdict(110, { state: 'undetermined', atMs: null })
    one.verdict(120, { state: 'private' })
    one.repeats(150, 630, 'v120')
    expect(told(one.target().timeline)).toEqual([
      [0, 90, 'private', 'met'],
      [90, 120, 'undetermined', 'unknown'],
      [120, 600, 'private', 'met'],
    ])
  })

  it('while the host sleeps, however long its life', () => {
    const one = ledger(7200)
    one.start()
    one.put('heartbeat', 1, { everySeconds: 60, clockOffsetSeconds: 0.1, skipped: [] })
    one.verdict(2, { state: 'private', lifeSeconds: 40 * 86_400 })
    const awake = one.write('heartbeat', at(6000), { everySeconds: 60, clockOffsetSeconds: 0.1 })
    one.records.push({ ...awake, monoUs: 3_000_000 })
    one.verdict(6010, { state: 'private' })
    expect(told(one.target().timeline)).toEqual([[2, 2 + 0, 'private', 'met']].filter(([a, b]) => a !== b))
    expect(one.target().gaps[0]?.causes).toContain('clock_or_suspend')
  })

  it('while not even a heartbeat is written, however long its life', () => {
    const one = ledger(7200)
    one.start()
    one.verdict(0, { state: 'private', lifeSeconds: 86_400 })
    one.put('heartbeat', 60, { everySeconds: 60, clockOffsetSeconds: 0.1, skipped: [] })
    one.put('segment', 6000, { format: 1, reason: 'day' })
    one.put('heartbeat', 6060, { everySeconds: 60, clockOffsetSeconds: 0.1, skipped: [] })
    expect(told(one.target().timeline)).toEqual([[0, 60, 'private', 'met']])
  })

  it('for what the agent said before a clock was put right that nobody had compared', () => {
    const wrong = (offset: number | null) => {
      const one = ledger(7200)
      one.start()
      one.put('heartbeat', 1, { everySeconds: 60, clockOffsetSeconds: offset, skipped: [] })
      one.verdict(30, { state: 'private' })
      one.put('heartbeat', 61, { everySeconds: 60, clockOffsetSeconds: offset, skipped: [] })
      const right = one.write('heartbeat', at(3661), { everySeconds: 60, clockOffsetSeconds: 0 })
      one.records.push({ ...right, monoUs: 90_000_000 })
      return told(one.target().timeline)
    }
    expect(wrong(null)).toEqual([[30, 61, 'undetermined', 'unknown']])
    expect(wrong(-3600)).toEqual([[30, 61, 'undetermined', 'unknown']])
    expect(wrong(0.2)).toEqual([[30, 61, 'private', 'met']])
  })

  it('for a boot whose clock nobody compared, though that of the boot before was right', () => {
    const one = ledger(7200)
    one.start()
    one.put('heartbeat', 1, { everySeconds: 60, clockOffsetSeconds: 0.1, skipped: [] })
    one.put('lifecycle', 10, { event: 'stopped', version: '0.1.0', configuration: 'c1' })
    one.write.boot(at(20))
    one.start(20)
    one.verdict(30, { state: 'private' })
    one.put('heartbeat', 61, { everySeconds: 60, clockOffsetSeconds: null, skipped: [] })
    const right = one.write('heartbeat', at(3661), { everySeconds: 60, clockOffsetSeconds: 0 })
    one.records.push({ ...right, monoUs: 90_000_000 })
    expect(told(one.target().timeline)).toEqual([[30, 61, 'undetermined', 'unknown']])
  })

  it('for a time that the clock showed too early and did not come to again', () => {
    const one = quiet(3600)
    one.repeats(30, 1200, 'v0')
    // The clock was ten minutes fast; the agent stops two minutes after it was put right.
    one.put('clock', 600, { previousTs: iso(1170), backSeconds: 570 })
    one.repeats(600, 720, 'v0')
    one.put('lifecycle', 720, { event: 'stopped', version: '0.1.0', configuration: 'c1' })
    one.put('close', 721, { reason: 'SIGTERM' })
    expect(told(one.target().timeline)).toEqual([[0, 720, 'private', 'met']])
  })

  it('from a time on that had not come when it was told', () => {
    const one = ledger(600)
    one.start()
    const body = verdictBody({ target: 'web', id: 'v', state: 'private', atMs: at(500), hostname: host })
    one.put('target_verdict', 0, body)
    one.put('heartbeat', 600, { everySeconds: 600 })
    expect(told(one.target().timeline)).toEqual([[0, 95, 'private', 'met']])
  })

  it('as met where the agent did not say so', () => {
    for (const state of ['private', 'blocked'] as const) {
      const one = ledger(60)
      one.start()
      one.verdict(0, { state, require: { kind: state }, met: false })
      one.repeats(30, 90, 'v0')
      expect(told(one.target().timeline).map(([, , , duty]) => duty)).toEqual(['unknown'])
    }
  })

  it('as it should be where it was open that must be closed, though the clock was set back since', () => {
    const one = ledger(600)
    one.start()
    one.verdict(0, { state: 'private', require: { kind: 'blocked' }, met: false })
    one.repeats(30, 300, 'v0')
    one.put('clock', 100, { previousTs: iso(270), backSeconds: 170 })
    one.verdict(100, { state: 'blocked', require: { kind: 'blocked' }, met: true })
    one.repeats(130, 630, 'v100')
    const duties = told(one.target().timeline).filter(([from]) => from < 270)
    expect(duties.map(([, , , duty]) => duty)).not.toContain('met')
  })

  it('where a name that is not private stands in it', () => {
    for (const [state, mark] of [
      ['public', 'mixed'],
      ['undetermined', 'undetermined'],
    ]) {
      const one = ledger(60)
      one.start()
      const body = verdictBody({ target: 'web', id: 'v', state: 'private', atMs: at(0), hostname: host })
      const second = { ...body.names[0], hostname: 'other.example', state }
      one.put('target_verdict', 0, { ...body, names: [...body.names, second] })
      one.repeats(30, 90, 'v')
      expect(told(one.target().timeline).map(([, , there]) => there)).toEqual([mark])
    }
  })
})

describe('what is told late', () => {
  it('is held against what was required and waived then, not against what is now', () => {
    const one = quiet(900)
    one.repeats(30, 300, 'v0')
    const none = { kind: 'none' } as const
    one.put('target', 300, targetBody('web', 30, { require: none }))
    one.verdict(300, {
      state: 'private',
      require: none,
      waiver: { reason: 'r', ticket: 't', untilMs: at(9000) },
    })
    one.repeats(330, 600, 'v300')
    one.attempt(600, 120, { state: 'public', late: true })
    expect(one.target().episodes).toMatchObject([{ late: true, allowed: false, waiver: null }])
    expect(one.target().conclusion).toBe('public')
  })

  it('is not covered by a waiver that was given after it', () => {
    const one = quiet(900)
    one.repeats(30, 300, 'v0')
    one.verdict(300, { state: 'private', waiver: { reason: 'r', ticket: 't', untilMs: at(9000) } })
    one.repeats(330, 600, 'v300')
    one.attempt(600, 120, { state: 'public', late: true, id: 'before' })
    one.attempt(601, 400, { state: 'public', late: true, id: 'under' })
    expect(one.target().episodes.map(({ waiver }) => waiver?.ticket ?? null)).toEqual([null, 't'])
  })

  it('takes the verdict that stands with it, until a new one is reached', () => {
    const one = quiet(900)
    one.repeats(30, 600, 'v0')
    one.attempt(585, 120, { state: 'public', late: true })
    one.repeats(600, 720, 'v0')
    expect(markAt(one, 590)).toBe('undetermined')
    expect(markAt(one, 680)).toBe('undetermined')
    one.verdict(720, { state: 'private' })
    one.repeats(750, 930, 'v720')
    expect(markAt(one, 730)).toBe('private')
  })

  it('counts also when it comes after the end of the period', () => {
    const one = quiet(300)
    one.repeats(30, 900, 'v0')
    one.attempt(900, 120, { state: 'public', late: true })
    expect(one.target().conclusion).toBe('public')
  })

  it('reaches into the period though it began before', () => {
    const one = ledger(600)
    one.start(-300)
    one.verdict(-300, { state: 'private' })
    one.repeats(-270, 300, 'v-300')
    one.attempt(301, -200, { state: 'public', late: true, id: 'x' })
    one.attempt(302, 10, { state: 'public', late: true, id: 'y' })
    expect(one.target().episodes.length).toBe(1)
    expect(one.target().conclusion).toBe('public')
  })
})

describe('a waiver', () => {
  it('covers nothing after its end, though the next look comes later', () => {
    const one = ledger(7200)
    one.start()
    const waiver = { reason: 'legacy', ticket: 'NET-1', untilMs: at(600) }
    one.verdict(0, { state: 'public', waiver, lifeSeconds: 10_800 })
    one.verdict(3600, { state: 'private', waiver, lifeSeconds: 10_800 })
    const { episodes, conclusion } = one.target()
    expect(episodes.map((one) => [one.fromMs, one.toMs, one.waiver !== null, one.end])).toEqual([
      [at(0), at(600), true, 'waiver_ended'],
      [at(600), at(3600), false, 'changed'],
    ])
    expect(conclusion).toBe('public')
  })

  it('that was taken away is not called active', () => {
    const one = ledger(600)
    one.start()
    const waiver = { reason: 'legacy', ticket: 'NET-1', untilMs: at(90_000) }
    one.verdict(0, { state: 'private', waiver })
    one.verdict(30, { state: 'private' })
    one.repeats(60, 660, 'v30')
    expect(one.report().waivers).toMatchObject([{ state: 'withdrawn', toMs: at(0) }])
  })
})

describe('public times', () => {
  it('are seen where a connection was public and the agent came to no verdict after it', () => {
    const one = quiet(600)
    one.repeats(30, 300, 'v0')
    one.attempt(300, 299, { state: 'public' })
    one.start(330)
    one.verdict(331, { state: 'private' })
    one.repeats(360, 660, 'v331')
    const target = one.target()
    expect(target).toMatchObject({ conclusion: 'public', episodes: [] })
    expect(target.sentence).toMatch(/^A public path was seen, for 1 s/)
    expect(one.report().conclusion.result).toBe('exception')
  })

  it('beyond those that are kept are exceptions, however many before them were waived', () => {
    const one = ledger(30_000)
    one.start()
    const waiver = { reason: 'r', ticket: 't', untilMs: at(25_000) }
    for (let seconds = 0; seconds < 30_000; seconds += 100) {
      one.verdict(seconds, { state: 'public', lifeSeconds: 20, id: `p${seconds}`, waiver })
      one.verdict(seconds + 10, { state: 'private', lifeSeconds: 20, id: `q${seconds}`, waiver })
    }
    const target = one.target()
    expect(target.episodes.every((episode) => episode.waiver !== null)).toBe(true)
    expect(target.conclusion).toBe('not_met')
  })

  it('are two where nothing stood between them', () => {
    const one = ledger(600)
    one.start()
    one.verdict(0, { state: 'public' })
    one.repeat(300, 'v0')
    one.put('heartbeat', 600, { everySeconds: 600 })
    expect(one.target().episodes.map(({ fromMs, toMs, end }) => [fromMs, toMs, end])).toEqual([
      [at(0), at(95), 'unseen'],
      [at(300), at(395), 'unseen'],
    ])
  })
})

describe('requirements', () => {
  it('that change all the time excuse nothing', () => {
    const one = ledger(6000)
    one.start()
    for (let change = 0; change < 600; change++)
      one.verdict(change * 5, {
        state: 'private',
        require: { kind: change % 2 === 0 ? 'none' : 'private' },
        id: `v${change}`,
      })
    one.attempt(3600, 600, { state: 'public', late: true })
    expect(one.target().require).toContain('changed too often to say')
    expect(one.target().episodes).toMatchObject([{ allowed: false, waiver: null }])
  })

  it('are those of the period, not those before or after it', () => {
    const one = ledger(300)
    one.put('lifecycle', -300, { event: 'started', version: '0.1.0', configuration: 'c1' })
    one.put('target', -300, targetBody('web', 30, { require: { kind: 'none' } }))
    one.verdict(-300, { state: 'public', require: { kind: 'none' } })
    one.start(-60)
    one.verdict(-60, { state: 'private' })
    one.repeats(-30, 330, 'v-60')
    one.verdict(330, { state: 'private', require: { kind: 'blocked' }, met: false })
    expect(one.target()).toMatchObject({ require: 'private', conclusion: 'met_throughout' })
  })

  it('that changed in the period are both named, and what was public by leave is not called unseen', () => {
    const one = ledger(300)
    one.start()
    one.put('target', 1, targetBody('web', 30, { require: { kind: 'none' } }))
    one.verdict(1, { state: 'public', require: { kind: 'none' } })
    one.repeats(30, 120, 'v1')
    one.put('target', 120, targetBody('web', 30))
    one.verdict(120, { state: 'private' })
    one.repeats(150, 330, 'v120')
    const target = one.target()
    expect(target.require).toContain('private; then nothing')
    expect(target.conclusion).toBe('not_fully_shown')
    expect(target.sentence).not.toContain('Never seen otherwise')
    expect(target.sentence).toContain('allowed by what was required then')
  })

  it('name the proof that they ask for', () => {
    const one = ledger(60)
    one.start()
    const body = verdictBody({ target: 'web', id: 'v', state: 'private', atMs: at(0), met: false })
    one.put('target', 0, targetBody('web', 30, { minProof: 'observed' }))
    one.put('target_verdict', 0, { ...body, minProof: 'observed' })
    one.repeats(30, 90, 'v')
    expect(one.target()).toMatchObject({ conclusion: 'not_fully_shown' })
    expect(one.target().require).toContain('private, proof at least observed')
  })

  it('of the first leg are part of it, and the leg is always named', () => {
    const leg = (required: string, met: boolean | null, said: boolean) => {
      const one = ledger(60)
      one.start()
      const body = verdictBody({ target: 'web', id: 'v', state: 'private', atMs: at(0), met: said })
      const firstLeg = { leg: 'vpn', required, met, because: ['the route goes by tun0'] }
      one.put('target_verdict', 0, { ...body, firstLeg })
      one.repeats(30, 90, 'v')
      return one.target()
    }
    expect(leg('any', null, true)).toMatchObject({
      conclusion: 'met_throughout',
      firstLegs: [{ leg: 'vpn', because: 'the route goes by tun0' }],
    })
    // Whatever is said of the whole: a leg that is demanded and not shown is not met.
    expect(leg('direct_connect', false, true)).toMatchObject({ conclusion: 'not_fully_shown' })
    expect(leg('direct_connect', false, true).require).toContain('first leg direct_connect')
  })
})

describe('coverage', () => {
  it('does not make up for looks that were missed by looks right after one another', () => {
    const one = quiet(600)
    one.repeats(30, 300, 'v0')
    for (let extra = 0; extra < 10; extra++) one.repeat(301 + extra, 'v0')
    one.put('heartbeat', 600, { everySeconds: 600 })
    expect(one.target().looks).toMatchObject({ planned: 20, made: 20, missed: 9 })
  })

  it('counts a time that was passed twice once', () => {
    const one = quiet(600)
    one.repeats(30, 300, 'v0')
    one.put('clock', 30, { previousTs: iso(270), backSeconds: 240 })
    one.repeats(30, 300, 'v0')
    one.put('heartbeat', 600, { everySeconds: 600 })
    expect(one.target().looks).toMatchObject({ planned: 20, missed: 10 })
  })

  it('counts one confirmation for one look, whoever else names that attempt', () => {
    const one = ledger(120)
    one.start()
    one.verdict(0, { state: 'private', made: ['x'] })
    one.attempt(29, 0, { state: 'private', id: 'x', late: true, confirmed: true })
    one.verdict(30, { state: 'private', made: ['x'], id: 'again' })
    one.attempt(31, 0, { state: 'private', id: 'x', late: true, confirmed: true })
    one.attempt(32, 0, { state: 'private', id: 'x', late: true, confirmed: true })
    expect(one.target().looks.confirmed).toBe(1)
  })

  it('is not without exception where the ledger was damaged under the agent', () => {
    const one = quiet(120)
    one.repeats(30, 90, 'v0')
    one.put('damage', 80, { what: 'segment_changed', first: 0, end: 1 })
    one.repeats(90, 180, 'v0')
    expect(one.target().share.observed).toBe(1)
    expect(one.report().checks.continuous_observation.result).toBe('incomplete')
  })

  it('does not know a sum of which it does not know a part', () => {
    const one = ledger(2 * 86_400)
    one.verdict(0, { state: 'private' })
    one.start(86_400)
    one.verdict(86_401, { state: 'private' })
    const { days, looks } = one.target()
    expect(days.map(({ planned }) => planned)).toEqual([null, 2880])
    expect(looks).toMatchObject({ planned: null, missed: null })
  })

  it('is not without exception where looks were missed though verdicts stood', () => {
    const one = quiet(86_400)
    for (let seconds = 90; seconds < 86_500; seconds += 90) one.repeat(seconds, 'v0')
    expect(one.target().share.observed).toBe(1)
    expect(one.report().checks.continuous_observation.result).toBe('incomplete')
  })
})

describe('beside the targets', () => {
  const egress = (one: ReturnType<typeof ledger>, seconds: number, state: string): void =>
    one.put('egress', seconds, {
      check: 'out',
      url: 'tcp://192.0.2.1:443',
      state,
      because: 'b',
      atMs: at(seconds),
    })

  it('a way out is closed only if it was tested in the period, and to its end', () => {
    const check = (...days: number[]) => {
      const one = ledger(3 * 86_400)
      one.start(-10)
      for (const day of days) egress(one, day * 86_400 + 5, 'blocked')
      one.put('heartbeat', 3 * 86_400, { everySeconds: 86_400 })
      return one.report().checks.egress_closed.result
    }
    expect(check(0, 1, 2)).toBe('no_exception')
    expect(check(-1)).toBe('incomplete')
    expect(check(0)).toBe('incomplete')
    expect(check(0, 2)).toBe('incomplete')
    expect(check(2)).toBe('incomplete')
  })

  it('a way out that was tested an hour before the period was not tested in it', () => {
    const one = ledger(600)
    one.start(-3600)
    egress(one, -3000, 'blocked')
    one.put('heartbeat', 600, { everySeconds: 6000 })
    expect(one.report().checks.egress_closed.result).toBe('incomplete')
  })

  it('a fact that was not as wanted when the period began is of the period', () => {
    const one = ledger(600)
    one.start(-100)
    const fact = (seconds: number, state: string) =>
      one.put('posture', seconds, { findings: [{ check: 'no_igw', state, because: 'b' }] })
    fact(-90, 'fail')
    fact(300, 'pass')
    one.put('heartbeat', 600, { everySeconds: 600 })
    expect(one.report().checks.posture).toMatchObject({ result: 'exception' })
  })

  it('a fact that was not known for a while was not as wanted all the time', () => {
    const one = ledger(600)
    one.start()
    for (const [seconds, state] of [
      [1, 'unknown'],
      [300, 'pass'],
    ] as const)
      one.put('posture', seconds, { findings: [{ check: 'no_igw', state, because: 'b' }] })
    one.put('heartbeat', 600, { everySeconds: 600 })
    expect(one.report().checks.posture).toMatchObject({ result: 'incomplete' })
  })

  const census = (from: number, to: number, rows: object[], other = 0) =>
    [
      'census',
      to,
      { fromMs: at(from), toMs: at(to), coveredSeconds: to - from, rows, other: { flows: other, bytes: 0 } },
    ] as const
  const row = (more: object = {}) => ({
    scope: 'client',
    direction: 'egress',
    service: 'S3',
    trafficPath: 7,
    nextHopType: null,
    action: 'ACCEPT',
    public: true,
    flows: 3,
    bytes: 9,
    ...more,
  })
  const flows = (...all: (readonly [string, number, object])[]) => {
    const one = quiet(600)
    one.repeats(30, 660, 'v0')
    for (const [kind, seconds, body] of all) one.put(kind, seconds, body)
    return one.report()
  }

  it('flows are without exception only if the whole period is counted and every way is told', () => {
    expect(flows(census(0, 600, [row()])).checks.flow_census.result).toBe('no_exception')
    expect(flows(census(0, 600, [row({ public: false, trafficPath: 1 })])).checks.flow_census.result).toBe(
      'no_exception',
    )
    expect(flows(census(0, 600, [row()], 1)).checks.flow_census.result).toBe('incomplete')
    expect(flows(census(0, 600, [row({ trafficPath: 2 })])).checks.flow_census.result).toBe('incomplete')
    expect(flows(census(0, 600, [row({ trafficPath: null })])).checks.flow_census.result).toBe('incomplete')
    expect(flows(census(0, 590, [row()])).checks.flow_census.result).toBe('incomplete')
    // An hour that lies half outside covers what lies inside, and no more.
    expect(flows(census(-300, 300, [row()]), census(300, 590, [row()])).checks.flow_census.result).toBe(
      'incomplete',
    )
    expect(flows(census(10, 1200, [row()])).checks.flow_census.result).toBe('incomplete')
  })

  it('public flows of a window that reaches into the period are not left out', () => {
    const report = flows(census(-300, 300, [row({ trafficPath: 8 })]))
    expect(report.checks.flow_census.result).toBe('exception')
    expect(report.conclusion.result).toBe('exception')
  })

  it('a clock that was set back long before the period says nothing of it', () => {
    const one = ledger(600)
    one.put('clock', -5000, { previousTs: iso(-4000), backSeconds: 1000 })
    one.start()
    one.put('clock', 700, { previousTs: iso(800), backSeconds: 100 })
    expect(one.report().clock.setBacks).toBe(0)
  })

  it('an exception that ended as the period began is not of it', () => {
    const one = ledger(300)
    one.start(-300)
    one.verdict(-300, { state: 'public' })
    one.repeats(-270, 0, 'v-300')
    one.verdict(0, { state: 'private' })
    one.repeats(30, 330, 'v0')
    expect(one.target()).toMatchObject({ episodes: [], conclusion: 'met_throughout' })
  })

  it('two agents in one ledger are named', () => {
    const one = quiet(60)
    one.repeats(30, 90, 'v0')
    one.records.push({ ...one.write('heartbeat', at(90), { everySeconds: 60 }), agentId: 'host-2' })
    expect(one.report().conclusion.sentences.join(' ')).toContain(
      '2 agents stand in this ledger: host-1, host-2',
    )
  })
})

describe('names that mean something to the machine', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    '%s is a name like any other',
    (name) => {
      const one = ledger(60)
      one.start()
      one.put('target', 0, targetBody(name, 30))
      one.put(
        'target_verdict',
        0,
        verdictBody({ target: name, id: name, state: 'public', atMs: at(0), hostname: name }),
      )
      one.put('attempt_verdict', 1, attemptBody({ id: name, hostname: name, state: 'public', atMs: at(0) }))
      one.put(
        'gap',
        2,
        JSON.parse(`{"reason":"x","fromTs":"${iso(1)}","toTs":"${iso(2)}","lost":{"__proto__":1}}`),
      )
      one.put('egress', 3, { check: name, state: 'open', atMs: at(3) })
      one.put('posture', 4, { findings: [{ check: name, state: 'fail', because: name }] })
      const report = one.report()
      expect(report.targets.map(({ target }) => target)).toContain(name)
      expect(report.egress).toMatchObject([{ check: name }])
      expect(report.interruptions.map(({ detail }) => detail)).toContain('x: 1 __proto__')
      expect(({} as Record<string, unknown>)['lost']).toBeUndefined()
    },
  )
})
