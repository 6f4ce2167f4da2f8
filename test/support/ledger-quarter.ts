import type { LedgerRecord } from '../../ledger/types.ts'
import type { LedgerBodies, RepeatedLook } from '../../ledger/records.ts'
import type { PathState } from '../../model/path.ts'
import { attemptBody, recordWriter, targetBody, verdictBody } from './ledger-records.ts'

export interface QuarterOptions {
  startMs: number
  days: number
  targets: number
  everySeconds: number
}

const dayMs = 86_400_000

/** What happens in the quarter, in days after its start. */
const happens = {
  /** The second target's route goes to a NAT gateway, at noon, for 40 minutes. */
  publicAt: 20.5,
  publicMinutes: 40,
  /** The third can't be settled for three hours: the account was not read. */
  undeterminedAt: 33.25,
  /** Of the first, a flow record shows one connection public, 20 minutes after it was made. */
  lateAt: 41.7,
  /** The host is off for a day and a half. */
  offAt: 52.3,
  onAt: 53.8,
  /** The disk is full for ten minutes. */
  fullAt: 60.1,
  /** A way out that must be closed is open for two hours. */
  openAt: 70.4,
  /** The fourth has a waiver that ends, and is public from then to the end of the day on. */
  waiverEnds: 75,
} as const

/** The records of a quarter of a host, one after the other: nothing is held. */
export function* quarter({ startMs, days, targets, everySeconds }: QuarterOptions): Generator<LedgerRecord> {
  const write = recordWriter('fleet/web-17')
  const at = (day: number): number => startMs + Math.round(day * dayMs)
  const endMs = at(days)
  const names = Array.from(
    { length: targets },
    (_, index) => ['artifacts', 'backups', 'parameters', 'queues'][index] ?? `service-${index}`,
  )
  const host = (name: string): string => `${name}.s3.eu-west-1.amazonaws.com`
  const waiver = {
    reason: 'legacy SDK that knows no regional endpoint',
    ticket: 'NET-12',
    untilMs: at(happens.waiverEnds),
  }
  const life = 3 * everySeconds + 10
  let ids = 0
  /** Attempts that flow records will bear out a quarter of an hour later. */
  let waiting: [string, number][] = []
  let sample = ''
  let verdicts = new Map<string, { id: string; state: PathState }>()
  const fullEnd = at(happens.fullAt) + 600_000

  const stateOf = (index: number, ms: number): PathState => {
    const day = (ms - startMs) / dayMs
    if (index === 1 && day >= happens.publicAt && day < happens.publicAt + happens.publicMinutes / 1440)
      return 'public'
    if (index === 2 && day >= happens.undeterminedAt && day < happens.undeterminedAt + 0.125)
      return 'undetermined'
    if (index === 3) return day < happens.waiverEnds + 0.5 ? 'public' : 'private'
    return 'private'
  }

  function* begin(ms: number, first: boolean): Generator<LedgerRecord> {
    if (!first) write.boot(ms)
    yield write('segment', ms, {
      format: 1,
      origin: 'example.org/web-17',
      vkeys: [],
      reason: first ? 'first' : 'day',
    })
    if (!first)
      yield write('recovery', ms + 5, {
        lastSeq: null,
        lastTs: new Date(at(happens.offAt)).toISOString(),
        cut: [],
      })
    yield write('lifecycle', ms + 10, {
      event: 'started',
      version: first ? '0.1.0' : '0.1.1',
      configuration: 'c1',
    })
    yield write('vantage', ms + 20, {
      kind: 'ec2',
      because: ['an identity document, and the MAC of one of its interfaces is on this host'],
      instanceId: 'i-0123456789abcdef0',
      accountId: '123456789012',
      region: 'eu-west-1',
      interfaces: [],
    })
    yield write('snapshot', ms + 30, {
      id: first ? 'a3f1' : 'b77c',
      account: '123456789012',
      region: 'eu-west-1',
      source: 'api',
      prefixLists: [{ id: 'pl-6da54004', version: 7, entries: 12 }],
    })
    for (const [index, name] of names.entries())
      yield write('target', ms + 40, targetBody(name, everySeconds, { waiver: index === 3 ? waiver : null }))
    yield write('lifecycle', ms + 50, {
      event: 'configured',
      version: first ? '0.1.0' : '0.1.1',
      configuration: 'c1',
    })
    yield write('posture', ms + 60, {
      atMs: ms,
      snapshot: 'a3f1',
      findings: [
        { check: 'no_internet_gateway', state: 'pass', because: 'vpc-0a1b has none' },
        { check: 'no_nat_gateway', state: 'fail', because: 'nat-0c2d stands in subnet-0e3f' },
        { check: 'private_dns', state: 'unknown', because: 'describe-vpcs was not read' },
      ],
    })
    yield write('egress', ms + 70, egress('blocked', ms))
  }

  function egress(state: 'open' | 'blocked', ms: number): LedgerBodies['egress'] {
    return {
      check: 'cloudflare-443',
      url: 'tcp://1.1.1.1:443',
      control: names[0] ?? '',
      state,
      because:
        state === 'open'
          ? 'a TCP connection was made'
          : 'nothing came back within 5 s, and the control got through',
      atMs: ms,
      everySeconds: 300,
      findings: [],
    }
  }

  yield* begin(startMs, true)
  let looks: RepeatedLook[] = []
  let hourMs = startMs
  let open = false
  const step = everySeconds * 1000
  for (let ms = startMs + 1000; ms < endMs; ms += step) {
    const day = (ms - startMs) / dayMs
    if (day >= happens.offAt && day < happens.onAt) {
      if (looks.length > 0) yield write('verdict_repeat', ms, { looks })
      looks = []
      ms = startMs + 1000 + Math.ceil((at(happens.onAt) - startMs) / step) * step - step
      verdicts = new Map()
      yield* begin(ms + 100, false)
      continue
    }
    if (ms >= at(happens.fullAt) && ms < fullEnd) continue
    if (
      ms >= fullEnd &&
      ms - step < fullEnd &&
      ms - step >= at(happens.fullAt) - step &&
      day < happens.fullAt + 0.02
    )
      yield write('gap', ms, {
        reason: 'ENOSPC',
        fromTs: new Date(at(happens.fullAt)).toISOString(),
        toTs: new Date(fullEnd).toISOString(),
        lost: { verdict_repeat: 20, heartbeat: 10 },
        late: 0,
      })
    for (const [index, name] of names.entries()) {
      const atMs = ms + index * 37
      const state = stateOf(index, atMs)
      const known = verdicts.get(name)
      const id = `${(ids++).toString(36)}`
      if (known === undefined || known.state !== state) {
        if (looks.length > 0) yield write('verdict_repeat', atMs, { looks })
        looks = []
        const own = { id: `v${id}`, state }
        verdicts.set(name, own)
        if (state !== 'private')
          yield write(
            'attempt_verdict',
            atMs + 80,
            attemptBody({ id, hostname: host(name), state, atMs: atMs + 20 }),
          )
        yield write(
          'target_verdict',
          atMs + 100,
          verdictBody({
            target: name,
            ...own,
            atMs,
            lifeSeconds: life,
            made: [id],
            ...(index === 3 ? { waiver } : {}),
          }),
        )
      } else {
        if (index === 0) waiting.push([id, atMs])
        looks.push({
          target: name,
          of: known.id,
          atMs,
          lifeSeconds: life,
          made: [[id, '52.218.0.1', 40_000 + (ids % 20_000)]],
        })
      }
    }
    if (looks.length >= 10) {
      yield write('verdict_repeat', ms + 5000, { looks })
      looks = []
    }
    const ripe = waiting.filter(([, madeMs]) => madeMs < ms - 900_000)
    if (ripe.length >= 200) {
      waiting = waiting.slice(ripe.length)
      if (sample === '') {
        sample = ripe[0]?.[0] ?? ''
        yield write(
          'attempt_verdict',
          ms + 4000,
          attemptBody({
            id: sample,
            hostname: host(names[0] ?? ''),
            state: 'private',
            atMs: ripe[0]?.[1] ?? ms,
            late: true,
            confirmed: true,
          }),
        )
      }
      yield write('attempt_repeat', ms + 4001, { of: sample, attempts: ripe })
    }
    if (ms % 60_000 < step)
      yield write('heartbeat', ms + 5000, {
        everySeconds: Math.max(60, everySeconds),
        clockOffsetSeconds: 0.02,
        skipped: [],
      })
    if (ms - hourMs >= 3_600_000) {
      yield write('census', ms + 5001, {
        fromMs: hourMs,
        toMs: ms,
        coveredSeconds: (ms - hourMs) / 1000,
        rows: [
          {
            direction: 'egress',
            service: 'S3',
            trafficPath: 7,
            nextHopType: 'vpc_endpoint',
            action: 'ACCEPT',
            public: null,
            flows: 120,
            bytes: 4_000_000,
            scope: 'client',
          },
        ],
        other: { flows: 2, bytes: 900 },
      })
      hourMs = ms
    }
    if (day >= happens.lateAt && day < happens.lateAt + step / dayMs) {
      yield write(
        'attempt_verdict',
        ms + 1_200_000 > endMs ? ms : ms + 5002,
        attemptBody({
          id: `late${ids}`,
          hostname: host(names[0] ?? ''),
          state: 'public',
          atMs: ms - 1_200_000,
          late: true,
          confirmed: true,
          because: 'the flow record of this connection has traffic path 8: internet gateway',
        }),
      )
      // The agent reaches a new verdict after that.
      verdicts.delete(names[0] ?? '')
    }
    const isOpen = day >= happens.openAt && day < happens.openAt + 0.0833
    if (isOpen !== open) yield write('egress', ms + 5003, egress(isOpen ? 'open' : 'blocked', ms))
    open = isOpen
  }
  yield write('lifecycle', endMs, { event: 'stopped', version: '0.1.1', configuration: 'c1' })
  yield write('close', endMs, { reason: 'SIGTERM' })
}
