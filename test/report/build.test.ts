import { describe, expect, it } from 'vitest'
import { type VerdictParts, targetBody } from '../support/ledger-records.ts'
import { reportOf, verified } from '../support/ledger-report.ts'
import { host, ledger, start, told } from '../support/watched-ledger.ts'

describe('what stood when', () => {
  it('is what each look found until the next, and was required all the time', () => {
    const one = ledger()
    one.start()
    one.verdict(0, { state: 'private' })
    one.repeats(30, 660, 'v0')
    const target = one.target()
    expect(told(target.timeline)).toEqual([[0, 600, 'private', 'met']])
    expect(target).toMatchObject({
      conclusion: 'met_throughout',
      gaps: [],
      episodes: [],
      share: { observed: 1, met: 1 },
    })
    expect(target.looks).toEqual({
      planned: 20,
      made: 20,
      missed: 0,
      confirmed: 0,
      undetermined: 0,
      connections: 20,
    })
    expect(one.report().conclusion.result).toBe('met')
  })

  it('ends with its life, and what follows is a gap', () => {
    const one = ledger()
    one.start()
    one.verdict(0, { state: 'private' })
    one.repeat(30, 'v0')
    one.put('heartbeat', 610, { everySeconds: 60, clockOffsetSeconds: 0, skipped: [] })
    const target = one.target()
    expect(told(target.timeline)).toEqual([[0, 125, 'private', 'met']])
    expect(target.gaps).toEqual([{ fromMs: start + 125_000, toMs: start + 600_000, causes: ['no_verdict'] }])
    expect(target).toMatchObject({
      conclusion: 'not_fully_shown',
      looks: { planned: 20, made: 2, missed: 18 },
    })
    expect(one.report().conclusion.result).toBe('incomplete')
  })

  it('does not outlive the records', () => {
    const one = ledger()
    one.start()
    one.verdict(0, { state: 'private' })
    one.repeat(30, 'v0')
    expect(told(one.target().timeline)).toEqual([[0, 30, 'private', 'met']])
    expect(one.report().interruptions.map(({ cause }) => cause)).toEqual(['after_the_last_record'])
  })

  it('is not shown to have been private until the look that found it public', () => {
    const one = ledger()
    one.start()
    one.verdict(0, { state: 'private' })
    one.repeats(30, 300, 'v0')
    one.attempt(300, 300, { state: 'public', id: 'p' })
    one.verdict(300, { state: 'public', attempts: ['p'] })
    one.repeats(330, 420, 'v300')
    one.verdict(420, { state: 'private' })
    one.repeats(450, 660, 'v420')
    const target = one.target()
    expect(told(target.timeline)).toEqual([
      [0, 270, 'private', 'met'],
      [270, 300, 'undetermined', 'unknown'],
      [300, 420, 'public', 'not_met'],
      [420, 600, 'private', 'met'],
    ])
    expect(target.conclusion).toBe('public')
    const [episode] = target.episodes
    expect(target.episodes.length).toBe(1)
    expect(episode).toMatchObject({
      kind: 'public',
      late: false,
      fromMs: start + 300_000,
      notBeforeMs: start + 270_000,
      toMs: start + 420_000,
      end: 'changed',
      looks: 4,
      allowed: false,
      waiver: null,
      cause: [`${host}: public: the route that wins says so`],
      fix: [{ text: 'Add a gateway endpoint' }],
      evidence: [{ address: '52.218.0.1', rule: 'route.nat_gateway', rank: 'configured' }],
      first: { seq: 14 },
      last: { seq: 17 },
    })
    expect(one.report().conclusion.result).toBe('exception')
  })

  it('has a public time that the records break off in, and knows that', () => {
    const one = ledger()
    one.start()
    one.verdict(0, { state: 'public' })
    one.repeat(30, 'v0')
    one.put('lifecycle', 60, { event: 'stopped', version: '0.1.0', configuration: 'c1' })
    one.start(300)
    one.verdict(330, { state: 'public' })
    one.repeats(360, 690, 'v330')
    expect(
      one
        .target()
        .episodes.map(({ fromMs, toMs, end }) => [(fromMs - start) / 1000, (toMs - start) / 1000, end]),
    ).toEqual([
      [0, 60, 'unseen'],
      [330, 660, 'open'],
    ])
  })

  it('is undetermined where a repeat names a verdict that is not there', () => {
    const one = ledger(120)
    one.start()
    one.verdict(0, { state: 'private' })
    one.repeat(30, 'another')
    one.repeat(60, 'v0')
    one.repeat(150, 'v0')
    expect(told(one.target().timeline)).toEqual([
      [0, 30, 'private', 'met'],
      [30, 60, 'undetermined', 'unknown'],
      [60, 120, 'private', 'met'],
    ])
    expect(one.target().looks.undetermined).toBe(1)
  })

  it('is undetermined at best where a contradiction or a taint stands in the verdict', () => {
    const one = ledger(120)
    one.start()
    one.verdict(0, { state: 'private', tainted: true, met: true })
    one.repeats(30, 180, 'v0')
    expect(told(one.target().timeline)).toEqual([[0, 120, 'undetermined', 'unknown']])
  })

  it.each([
    [{ kind: 'private' }, 'public', true, 'not_met'],
    [{ kind: 'private' }, 'private', false, 'unknown'],
    [{ kind: 'blocked' }, 'private', true, 'not_met'],
    [{ kind: 'blocked' }, 'blocked', true, 'met'],
    [{ kind: 'classes', classes: ['public_vif'] }, 'public', true, 'met'],
    [{ kind: 'classes', classes: ['gateway_endpoint'] }, 'private', false, 'not_met'],
    [{ kind: 'private' }, 'undetermined', true, 'unknown'],
    [{ kind: 'none' }, 'public', null, 'none'],
    [{ kind: 'more' }, 'private', true, 'unknown'],
  ] as const)('under %j is, when %s and said to be met: %s, %s', (require, state, met, duty) => {
    const one = ledger(30)
    one.start()
    one.verdict(0, { state, met, require: require as VerdictParts['require'] & object })
    one.repeat(60, 'v0')
    expect(told(one.target().timeline).map(([, , , there]) => there)).toEqual([duty])
  })
})

describe('late records', () => {
  const quiet = () => {
    const one = ledger()
    one.start()
    one.verdict(0, { state: 'private' })
    one.repeats(30, 480, 'v0')
    return one
  }

  it('make a connection public, and leave nothing of what was said until they came', () => {
    const one = quiet()
    one.attempt(480, 120, { state: 'public', late: true, because: 'traffic path 8' })
    // That verdict has been contradicted; it says nothing any more, however often it is repeated.
    one.repeats(510, 540, 'v0')
    one.verdict(540, { state: 'private' })
    one.repeats(570, 690, 'v540')
    const target = one.target()
    expect(told(target.timeline)).toEqual([
      [0, 120, 'private', 'met'],
      [120, 215, 'public', 'not_met'],
      [215, 540, 'undetermined', 'unknown'],
      [540, 600, 'private', 'met'],
    ])
    expect(target.episodes).toMatchObject([
      {
        kind: 'public',
        late: true,
        fromMs: start + 120_000,
        cause: [`${host}: traffic path 8`],
        evidence: [{ rank: 'observed' }],
      },
    ])
    expect(target.conclusion).toBe('public')
  })

  it('tell nothing new of what was public already', () => {
    const one = ledger(300)
    one.start()
    one.verdict(0, { state: 'public' })
    one.repeats(30, 120, 'v0')
    one.verdict(120, { state: 'private' })
    one.repeats(150, 300, 'v120')
    one.attempt(300, 60, { state: 'public', late: true })
    expect(one.target().episodes.map(({ late }) => late)).toEqual([false])
    expect(told(one.target().timeline)).toEqual([
      [0, 120, 'public', 'not_met'],
      [120, 300, 'private', 'met'],
    ])
  })

  it('that leave an attempt open take what rested on it', () => {
    const one = quiet()
    one.attempt(480, 120, { state: 'undetermined', late: true })
    one.attempt(480, 240, { state: 'undetermined', late: true, connected: false })
    expect(told(one.target({ toMs: start + 480_000 }).timeline)).toEqual([
      [0, 120, 'private', 'met'],
      [120, 215, 'undetermined', 'unknown'],
      [215, 480, 'private', 'met'],
    ])
  })

  it('count a look as confirmed once, and no more when they take it back', () => {
    const one = quiet()
    one.attempt(480, 30, { state: 'private', id: 'r30', late: true, confirmed: true })
    one.put('attempt_repeat', 481, {
      of: 'r30',
      attempts: [
        ['r60', start + 60_000],
        ['r90', start],
        ['r60', start],
        ['nobody', start],
      ],
    })
    one.put('attempt_repeat', 482, { of: 'nobody', attempts: [['r120', start]] })
    expect(one.target().looks.confirmed).toBe(3)
    one.attempt(490, 90, { state: 'undetermined', id: 'r90', late: true })
    expect(one.target().looks.confirmed).toBe(2)
  })

  it('of names that nobody watches are shown by themselves', () => {
    const one = quiet()
    one.attempt(480, 120, { state: 'public', hostname: 'other.example', late: true })
    const report = one.report()
    expect(report.strays).toMatchObject([{ hostname: 'other.example', atMs: start + 120_000 }])
    expect(report.checks.no_public_path.result).toBe('exception')
    expect(report.conclusion.result).toBe('exception')
  })
})

describe('interruptions', () => {
  const around = (act: (one: ReturnType<typeof ledger>) => void) => {
    const one = ledger()
    one.start()
    one.verdict(0, { state: 'private' })
    one.repeats(30, 120, 'v0')
    act(one)
    return {
      target: one.target(),
      causes: one
        .report()
        .interruptions.map(({ cause, fromMs, toMs }) => [
          cause,
          (fromMs - start) / 1000,
          (toMs - start) / 1000,
        ]),
    }
  }
  const again = (one: ReturnType<typeof ledger>): void => {
    one.start(300)
    one.verdict(310, { state: 'private' })
    one.repeats(340, 660, 'v310')
  }

  it('by a stop end what stood, though its life is not over', () => {
    const { target, causes } = around((one) => {
      one.put('lifecycle', 120, { event: 'stopped', version: '0.1.0', configuration: 'c1' })
      one.put('close', 121, { reason: 'SIGTERM' })
      again(one)
    })
    expect(told(target.timeline)).toEqual([
      [0, 120, 'private', 'met'],
      [310, 600, 'private', 'met'],
    ])
    expect(target.gaps).toMatchObject([{ causes: ['stopped'] }])
    expect(causes).toEqual([['stopped', 120, 300]])
    // The time of the stop was planned too.
    expect(target.looks.planned).toBe(20)
  })

  it('by a crash end what stood with the last record that was found', () => {
    const { target, causes } = around((one) => {
      one.put('segment', 299, { format: 1 })
      one.put('recovery', 299, { lastSeq: 5, lastTs: new Date(start + 91_000).toISOString(), cut: [] })
      again(one)
    })
    expect(told(target.timeline)[0]).toEqual([0, 91, 'private', 'met'])
    expect(causes).toEqual([['crash', 91, 300]])
  })

  it('by a start without a stop are a crash as well', () => {
    const { target, causes } = around(again)
    expect(told(target.timeline)[0]).toEqual([0, 90, 'private', 'met'])
    expect(causes).toEqual([['crash', 90, 300]])
  })

  it('by lost records leave nothing of that time', () => {
    const { target, causes } = around((one) => {
      one.put('gap', 200, {
        reason: 'ENOSPC',
        fromTs: new Date(start + 100_000).toISOString(),
        toTs: new Date(start + 150_000).toISOString(),
        lost: { verdict_repeat: 2 },
        late: 0,
      })
      one.repeats(120, 660, 'v0')
    })
    expect(told(target.timeline)).toEqual([
      [0, 100, 'private', 'met'],
      [100, 150, 'gap', 'unknown'],
      [150, 600, 'private', 'met'],
    ])
    expect(causes).toEqual([['records_lost', 100, 150]])
    expect(target.conclusion).toBe('not_fully_shown')
  })

  it('by records that were only late leave no trace', () => {
    const { target, causes } = around((one) => {
      one.put('gap', 125, {
        reason: 'EIO',
        fromTs: new Date(start + 100_000).toISOString(),
        toTs: new Date(start + 120_000).toISOString(),
        lost: {},
        late: 3,
      })
      one.repeats(120, 660, 'v0')
    })
    expect(told(target.timeline)).toEqual([[0, 600, 'private', 'met']])
    expect(causes).toEqual([])
  })

  it('in which records that speak of attempts were lost make doubtful what was said before', () => {
    const { target } = around((one) => {
      one.put('gap', 125, {
        reason: 'EIO',
        fromTs: new Date(start + 100_000).toISOString(),
        toTs: new Date(start + 120_000).toISOString(),
        lost: { attempt_verdict: 1 },
        late: 0,
      })
      one.repeats(120, 660, 'v0')
    })
    expect(told(target.timeline)).toEqual([
      [0, 100, 'undetermined', 'unknown'],
      [100, 120, 'gap', 'unknown'],
      [120, 600, 'private', 'met'],
    ])
  })

  it('by missing records leave nothing of the time between their neighbours', () => {
    const { target, causes } = around((one) => {
      one.write.skip(3)
      one.repeats(120, 660, 'v0')
    })
    expect(told(target.timeline)).toEqual([
      [0, 90, 'private', 'met'],
      [90, 120, 'gap', 'unknown'],
      [120, 600, 'private', 'met'],
    ])
    expect(causes).toEqual([['records_missing', 90, 120]])
  })

  it('by silence and by jumps of the clock have their names', () => {
    const one = ledger(4000)
    one.start()
    const beat = (seconds: number): void =>
      one.put('heartbeat', seconds, { everySeconds: 60, clockOffsetSeconds: null, skipped: [] })
    beat(10)
    beat(70)
    beat(900)
    beat(960)
    const ahead = one.write('heartbeat', start + 3_600_000, { everySeconds: 60 })
    one.records.push({ ...ahead, monoUs: 1_000_000_000 })
    const causes = one
      .report()
      .interruptions.map(({ cause, fromMs, toMs }) => [cause, (fromMs - start) / 1000, (toMs - start) / 1000])
    expect(causes).toEqual([
      ['silence', 70, 900],
      ['clock_or_suspend', 960, 3600],
      ['after_the_last_record', 3600, 4000],
    ])
  })

  it('before the first record are told apart from what was pruned', () => {
    const one = ledger()
    one.start(60)
    one.verdict(60, { state: 'private' })
    one.repeats(90, 660, 'v60')
    expect(one.report().interruptions.map(({ cause }) => cause)).toEqual(['before_the_ledger'])
    const pruned = one.records.map((record) => ({ ...record, seq: record.seq + 100 }))
    const report = reportOf(pruned, { fromMs: start, toMs: start + 600_000 })
    expect(report.interruptions.map(({ cause }) => cause)).toEqual(['pruned_or_missing'])
    expect(report.targets[0]).toMatchObject({
      conclusion: 'not_fully_shown',
      gaps: [{ causes: ['not_watched', 'pruned_or_missing'] }],
    })
  })
})

describe('a clock that was set back', () => {
  it('can not take away what was public, nor count twice what was private', () => {
    const one = ledger(300)
    one.start()
    one.verdict(0, { state: 'private' })
    one.repeats(30, 240, 'v0')
    // Three minutes back: the same time once more, public now.
    one.put('clock', 60, { previousTs: new Date(start + 210_000).toISOString(), backSeconds: 150 })
    one.verdict(60, { state: 'public' })
    one.repeats(90, 150, 'v60')
    one.verdict(150, { state: 'private' })
    one.repeats(180, 330, 'v150')
    const target = one.target()
    expect(told(target.timeline)).toEqual([
      [0, 60, 'private', 'met'],
      [60, 150, 'public', 'not_met'],
      [150, 300, 'private', 'met'],
    ])
    expect(target.share.privateSeconds).toBe(210)
    expect(one.report().checks.clock).toMatchObject({ result: 'exception' })
  })
})

describe('waivers', () => {
  const waived = (untilSeconds: number, endSeconds = 300) => {
    const one = ledger(endSeconds)
    one.start()
    const waiver = { reason: 'legacy SDK', ticket: 'NET-12', untilMs: start + untilSeconds * 1000 }
    one.verdict(0, { state: 'public', waiver })
    one.repeats(30, endSeconds + 60, 'v0')
    return one.report()
  }

  it('cover what is not as required, and say so', () => {
    const report = waived(1000)
    expect(report.targets[0]).toMatchObject({
      conclusion: 'waived',
      episodes: [{ kind: 'public', waiver: { ticket: 'NET-12' } }],
    })
    expect(report.waivers).toMatchObject([
      { target: 'web', state: 'active', reason: 'legacy SDK', ticket: 'NET-12' },
    ])
    expect(report.checks.waivers.result).toBe('no_exception')
  })

  it('that have ended cover nothing any more and are findings', () => {
    const report = waived(120)
    expect(
      report.targets[0]?.episodes.map(({ fromMs, toMs, waiver }) => [
        (fromMs - start) / 1000,
        (toMs - start) / 1000,
        waiver !== null,
      ]),
    ).toEqual([
      [0, 120, true],
      [120, 330, false],
    ])
    expect(report.targets[0]?.conclusion).toBe('public')
    expect(report.waivers).toMatchObject([{ state: 'expired' }])
    expect(report.checks.waivers).toMatchObject({ result: 'exception' })
  })
})

describe('targets', () => {
  it('end with the configuration that names them no more', () => {
    const one = ledger()
    one.start()
    one.verdict(0, { state: 'private' })
    one.repeats(30, 120, 'v0')
    one.put('target', 120, targetBody('other', 60, { configuration: 'c2' }))
    one.put('lifecycle', 120, { event: 'configured', version: '0.1.0', configuration: 'c2' })
    one.put('heartbeat', 600, { everySeconds: 600 })
    const target = one.report().targets.find((other) => other.target === 'web')
    expect(told(target?.timeline ?? [])).toEqual([[0, 120, 'private', 'met']])
    expect(target?.gaps).toMatchObject([{ causes: ['not_watched'] }])
    expect(target?.looks.planned).toBe(4)
    expect(target?.conclusion).toBe('not_fully_shown')
  })

  it('tell of the slots that the agent skipped', () => {
    const one = ledger(120)
    one.start()
    one.verdict(0, { state: 'private' })
    const skip = (seconds: number, slots: number, target = 'web'): void =>
      one.put('heartbeat', seconds, { everySeconds: 60, skipped: [{ target, reason: 'overlap', slots }] })
    skip(60, 2)
    skip(90, 1)
    skip(90, 5, 'other')
    skip(200, 7)
    expect(one.target().skipped).toEqual([{ reason: 'overlap', slots: 3 }])
  })

  it('that nobody declared have no plan', () => {
    const one = ledger(60)
    one.verdict(0, { state: 'private' })
    one.repeats(30, 90, 'v0')
    expect(one.target()).toMatchObject({ schedule: null, looks: { planned: null, missed: null, made: 2 } })
  })

  it('of which nothing was recorded in the period are not silently left out', () => {
    const one = ledger(60)
    one.start(-1000)
    one.verdict(-1000, { state: 'private' })
    one.put('heartbeat', 60, { everySeconds: 60 })
    expect(one.target()).toMatchObject({
      conclusion: 'nothing_observed',
      looks: { planned: 2, made: 0, missed: 2 },
    })
    expect(one.report().conclusion.result).toBe('incomplete')
  })
})

describe('a period', () => {
  it('is cut out of the ledger; what was before it still stands at its beginning', () => {
    const one = ledger(600)
    one.start(-300)
    one.verdict(-300, { state: 'public' })
    one.repeats(-270, -30, 'v-300')
    one.verdict(-30, { state: 'private' })
    one.repeats(0, 660, 'v-30')
    const target = one.target()
    expect(told(target.timeline)).toEqual([[0, 600, 'private', 'met']])
    expect(target).toMatchObject({ conclusion: 'met_throughout', episodes: [], looks: { made: 20 } })
  })

  it('that is open reaches from the first record to the last', () => {
    const one = ledger()
    one.start()
    one.verdict(0, { state: 'private' })
    one.repeats(30, 120, 'v0')
    expect(reportOf(one.records)).toMatchObject({
      fromMs: start,
      toMs: start + 90_000,
      targets: [{ conclusion: 'met_throughout' }],
    })
  })
})

describe('a ledger that does not verify', () => {
  it('shows nothing good', () => {
    const one = ledger(60)
    one.start()
    one.verdict(0, { state: 'private' })
    one.repeats(30, 90, 'v0')
    const report = reportOf(
      one.records,
      { fromMs: start, toMs: start + 60_000 },
      { ...verified, outcome: 'broken' },
    )
    expect(report.conclusion.result).toBe('unusable')
    expect(Object.values(report.checks).map(({ result }) => result)).not.toContain('no_exception')
    const unknown = reportOf(
      one.records,
      { fromMs: start, toMs: start + 60_000 },
      { ...verified, outcome: 'signer_unknown', signers: [] },
    )
    expect(unknown.conclusion.result).toBe('incomplete')
  })

  it('and one without records gives a report that says so', () => {
    const report = reportOf([], { fromMs: start, toMs: start + 60_000 })
    expect(report).toMatchObject({
      records: null,
      targets: [],
      conclusion: { result: 'incomplete' },
      interruptions: [{ cause: 'no_records' }],
    })
  })
})
