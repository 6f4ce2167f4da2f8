import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { findLocalKey, localSigner } from '../../agent/ledger/key.ts'
import { realFiles } from '../../ledger/files.ts'
import { parseVkey } from '../../ledger/note.ts'
import { outcomeOf } from '../../ledger/verification.ts'
import { verifyLedger } from '../../ledger/verify.ts'
import { type Choices, choicesFrom } from '../../lab/world/random.ts'
import { dnsFaults } from './dns-faults.ts'
import { clockFaults, hostFaults } from './host-faults.ts'
import { tcpFaults, tlsFaults } from './socket-faults.ts'
import { closedPort, type Stage, startStage, until } from './stage.ts'

export interface SoakOptions {
  /** Simulated hours. */
  hours: number
  targets: number
  everySeconds: number
  seed: number
  /** How likely a fault begins in an interval that has none; default 0.15. */
  likely?: number
  /** A line of progress for each simulated hour. */
  onHour?(text: string): void
}

export interface SoakResult {
  seed: number
  hours: number
  /** Slots of the schedule, computed by themselves, and what became of each. */
  slots: { planned: number; made: number; skipped: Record<string, number>; aborted: number; failed: number }
  /** How often each fault was played. */
  faults: Record<string, number>
  /** Bytes per simulated hour over the second half of the time; null where that is too short to say. */
  slope: { heap: number; rss: number } | null
  /** Bytes after a collection, at the end of the warm-up and at the end. */
  memory: { heap: [number, number]; rss: [number, number] }
  descriptors: [number, number]
  /** What keeps the process alive, by kind, and timers of the driven clock after the daemon has stopped. */
  resources: [Record<string, number>, Record<string, number>]
  timersLeft: number
  events: Record<string, number>
  scrapes: number
  wallSeconds: number
  /** What verifying it with its key said after the stop. */
  ledger: { outcome: string; records: number }
  /** What was found wrong; empty: nothing. */
  problems: string[]
}

/**
 * Allowed growth per simulated hour. V8 goes on compiling for hours; a leak of 200 bytes per cycle of 20 targets is more
 * than that. Resident memory comes in steps: a bare node:tls grows by 30 MiB in its first 6,000 handshakes.
 */
const mostHeapPerHour = 512 * 1024
const mostRssPerHour = 4 * 1024 * 1024
const fewestHoursForSlope = 4

/** Something that goes wrong for a while. */
interface Episode {
  name: string
  /** True where cycles do not end under it. */
  hangs: boolean
  /** True where it can hit one name only. */
  ofName: boolean
  begin(stage: Stage): unknown
  end(stage: Stage): unknown
}

const nothing = (): void => undefined
const step = (name: string, apply: string, mend: string): Episode => ({
  name,
  hangs: false,
  ofName: false,
  begin: (stage) => stage.lab.apply(apply),
  end: (stage) => stage.lab.apply(mend),
})

/** The faults of the tables, and those whose rows there take hours, in short. */
const episodes: readonly Episode[] = [
  ...[...dnsFaults, ...tcpFaults, ...tlsFaults, ...hostFaults].map(
    ({ fault, begin, end }): Episode => ({
      name: fault,
      hangs: fault === 'a look hangs for ever',
      ofName: !fault.startsWith('SIGHUP'),
      begin,
      end: end ?? nothing,
    }),
  ),
  ...clockFaults
    .slice(0, 2)
    .map(({ fault, begin }): Episode => ({ name: fault, hangs: false, ofName: false, begin, end: nothing })),
  {
    name: 'the machine sleeps for five minutes',
    hangs: false,
    ofName: false,
    begin: (stage) => stage.clock.sleep(300_000),
    end: nothing,
  },
  {
    name: 'the metadata service is not there',
    hangs: false,
    ofName: false,
    async begin(stage) {
      stage.switches.metadata = { address: '127.0.0.1', port: await closedPort() }
    },
    end: nothing,
  },
  step('the metadata service is slow', 'slow', 'answers'),
  step('the metadata service knows version 1 only', 'v1-only', 'answers'),
  step("AWS's list has no entries at all", 'hollow', 'whole'),
  step("AWS's list lost nine of ten entries", 'shrunk', 'whole'),
  {
    name: 'the account is not read any more',
    hangs: false,
    ofName: false,
    begin: nothing,
    end: nothing,
  },
]

const neverEnding = episodes.find(({ hangs }) => hangs)!

const ranges = ['52.216.0.0/15', '3.5.0.0/19', '54.231.0.0/16', '16.182.0.0/16', '16.15.176.0/20']

/** Each target has addresses of its own; every fifth lies outside the list and is public whatever happens. */
const isPublic = (index: number): boolean => index % 5 === 4
const nameOf = (index: number): string => `target-${index}`
const hostnameOf = (index: number): string => `${nameOf(index)}.s3.us-east-1.amazonaws.com`

function soakScenario(targets: number): string {
  const names = Array.from({ length: targets }, (_, index) => {
    const ipv4 = isPublic(index) ? [`209.54.177.${index}`] : [`52.216.${index}.1`, `52.216.${index}.2`]
    return { hostname: hostnameOf(index), ipv4 }
  })
  const lists = (entries: string[]) => JSON.stringify({ lists: [{ id: 'pl-63a5400a', entries }] })
  return `name: soak
title: Many names, and all that goes wrong with them
story: Most are private by the gateway endpoint, some are public by the NAT gateway.
proxyTrusted: true
metadataDelay: 3s
world: { names: ${JSON.stringify(names)} }
names: [{ target: t, hostname: ${hostnameOf(0)} }]
steps:
  - { after: 1s, name: read, title: The account is read, change: {} }
  - { after: 2s, name: answers, title: The metadata service answers, metadata: answers }
  - { after: 3s, name: slow, title: It is slow, metadata: slow }
  - { after: 4s, name: v1-only, title: It has no tokens, metadata: v1_only }
  - { after: 5s, name: intercept, title: A proxy intercepts, change: { services: [{ id: s3, certificate: intercepted }] } }
  - { after: 6s, name: leave-alone, title: It is gone, change: { services: [{ id: s3, certificate: aws }] } }
  - { after: 7s, name: hollow, title: No entries, change: ${lists([])} }
  - { after: 8s, name: shrunk, title: Few entries, change: ${lists(['3.5.0.0/19'])} }
  - { after: 9s, name: whole, title: All entries, change: ${lists(ranges)} }
expect: [{ hostname: ${hostnameOf(0)}, state: private }]
`
}

const ledgerName = 'example.com/pathproof/soak'

/** What an auditor's verification says of the ledger, given the key of its signer. */
async function verified(home: string, keyFile: string): Promise<SoakResult['ledger']> {
  const found = await findLocalKey({}, keyFile)
  const key = found.ok ? parseVkey(localSigner(found.key, ledgerName).vkey) : null
  if (key === null) throw new Error('there is no key to verify by')
  const read = await verifyLedger(realFiles(), join(home, 'ledger'), { keys: [key] })
  if (!read.ok) throw new Error(`its format is version ${read.newer}`)
  return { outcome: outcomeOf(read.seen), records: read.seen.checkpoints.at(-1)?.size ?? 0 }
}

const descriptors = (): number => readdirSync('/proc/self/fd').length

function resources(): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

function collector(): () => void {
  if (globalThis.gc === undefined) setFlagsFromString('--expose-gc')
  const gc = globalThis.gc ?? (runInNewContext('gc') as () => void)
  return () => {
    void gc()
    void gc()
  }
}

/** Slope of a line through the points, by the median of all pairs (Theil and Sen): a sample or two may be off. */
function slopeOf(points: readonly (readonly [number, number])[]): number {
  const slopes = points.flatMap(([x, y], at) => points.slice(at + 1).map(([x2, y2]) => (y2 - y) / (x2 - x)))
  return slopes.toSorted((a, b) => a - b)[Math.floor(slopes.length / 2)] ?? Number.NaN
}

interface Sample {
  hour: number
  heap: number
  rss: number
}

/**
 * The real daemon under random faults for many simulated hours. Time is moved by hand in steps of one interval; sockets,
 * name servers, handshakes and files are real. Two runs with one seed play the same faults.
 */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { hours, targets, everySeconds, seed } = options
  const startedMs = performance.now()
  const choices = choicesFrom(seed)
  const collect = collector()
  const events: Record<string, number> = {}
  const problems: string[] = []
  const indices = Array.from({ length: targets }, (_, index) => index)
  const atStart = { descriptors: descriptors(), resources: resources() }
  const home = mkdtempSync(join(tmpdir(), 'pathproof-soak-'))
  const keyFile = join(home, 'key.pem')
  const { privateKey } = generateKeyPairSync('ed25519')
  writeFileSync(keyFile, privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
  const stage = await startStage({
    scenario: soakScenario(targets),
    targets: indices.map((index) => ({
      name: nameOf(index),
      hostname: hostnameOf(index),
      every: `${everySeconds}s`,
      timeout: '400ms',
    })),
    document: (lab) => ({
      topology: { source: 'directory', directory: lab.snapshotDirectory, refresh: '60s', max_age: '3m' },
      ledger: { directory: join(home, 'ledger'), name: ledgerName, key_file: keyFile },
    }),
    onLine({ event, error }) {
      const name = String(event)
      events[name] = (events[name] ?? 0) + 1
      if (name === 'cycle_failed' || name === 'record_lost') problems.push(`${name}: ${String(error)}`)
    },
  })
  const run = createRun(stage, choices, everySeconds, options.likely ?? 0.15)
  let scrapes = 0
  const faults: Record<string, number> = run.played
  const samples: Sample[] = []
  try {
    // from here on every target has had its first run, and slots come at even distances
    for (let warm = 0; warm < 4; warm++) await run.step()
    const before = await countsOf(stage)
    const steps = Math.round((hours * 3600) / everySeconds)
    const perSample = Math.max(1, Math.round(steps / Math.max(8, 4 * hours)))
    let base = { descriptors: 0, resources: {} as Record<string, number> }
    let passedSteps = 0
    let nextSample = perSample
    while (passedSteps < steps) {
      passedSteps += await run.step(steps - passedSteps)
      for (const index of indices.filter(isPublic))
        if (stage.verdict(nameOf(index))?.state === 'private')
          problems.push(`FALSE PRIVATE: ${hostnameOf(index)}`)
      // what a fault takes while it lasts is not what one looks for
      if (passedSteps < nextSample || run.troubled()) continue
      nextSample += perSample
      for (const path of ['/', '/metrics', '/api/v1/verdicts']) {
        scrapes += 1
        if ((await stage.get(path)).status !== 200) problems.push(`${path} did not answer 200`)
      }
      // the lab's own records of the network are not what is looked at here
      stage.lab.records.recorder.forget(Infinity)
      collect()
      const { heapUsed, external, rss } = process.memoryUsage()
      const heap = heapUsed + external
      samples.push({ hour: (passedSteps * everySeconds) / 3600, heap, rss })
      if (samples.length === 2) {
        await run.rest()
        base = { descriptors: descriptors(), resources: resources() }
      }
      options.onHour?.(
        `${((passedSteps * everySeconds) / 3600).toFixed(2)} h, heap ${mebi(heap)}, rss ${mebi(rss)}, ${descriptors()} descriptors`,
      )
    }
    await run.rest()
    const after = await countsOf(stage)
    const grew = (key: keyof Counts): number => after[key] - before[key]
    const skipped = { overlap: grew('overlap'), suspended: grew('suspended'), late: grew('late') }
    const slots = {
      // with rests and sleeps: whatever moved the clock, in whole intervals
      planned: targets * (run.intervals() - before.intervals),
      made: grew('made'),
      skipped,
      aborted: 0,
      failed: events['cycle_failed'] ?? 0,
    }
    await settles('descriptors', () => descriptors() <= base.descriptors, problems)
    const end = { descriptors: descriptors(), resources: resources() }
    for (const [kind, count] of Object.entries(end.resources))
      if (count > (base.resources[kind] ?? 0) + 2)
        problems.push(`${count} of ${kind}, ${base.resources[kind] ?? 0} before`)
    // every look hangs, and the agent is stopped in the middle of it
    const judgements = (): number => stage.judged.values().reduce((sum, count) => sum + count, 0)
    const judgedBefore = judgements()
    await neverEnding.begin(stage)
    await stage.clock.advance(everySeconds * 1000)
    slots.planned += targets
    slots.aborted = (await countsOf(stage)).made - after.made
    await stage.stop()
    await neverEnding.end(stage)
    if (judgements() !== judgedBefore) problems.push('a cycle that was aborted gave a verdict')
    const accounted = slots.made + slots.aborted + skipped.overlap + skipped.suspended + skipped.late
    if (accounted !== slots.planned)
      problems.push(`${slots.planned} slots were planned, ${accounted} are accounted for`)
    await settles('descriptors after the stop', () => descriptors() <= atStart.descriptors + 2, problems)
    const timersLeft = stage.clock.timers()
    const ledger = await verified(home, keyFile)
    if (ledger.outcome !== 'ok') problems.push(`the ledger is ${ledger.outcome}`)
    if (timersLeft > 0) problems.push(`${timersLeft} timers are left after the stop`)
    const [warm, last] = [samples[1] ?? samples[0], samples.at(-1)]
    const long = samples.slice(Math.floor(samples.length / 2))
    const slope =
      hours < fewestHoursForSlope
        ? null
        : {
            heap: slopeOf(long.map(({ hour, heap }) => [hour, heap])),
            rss: slopeOf(long.map(({ hour, rss }) => [hour, rss])),
          }
    if (slope !== null && slope.heap > mostHeapPerHour)
      problems.push(`the heap grows by ${mebi(slope.heap)} an hour`)
    if (slope !== null && slope.rss > mostRssPerHour)
      problems.push(`memory grows by ${mebi(slope.rss)} an hour`)
    return {
      seed,
      hours,
      slots,
      faults,
      slope,
      memory: {
        heap: [warm?.heap ?? 0, last?.heap ?? 0],
        rss: [warm?.rss ?? 0, last?.rss ?? 0],
      },
      descriptors: [base.descriptors, end.descriptors],
      resources: [base.resources, end.resources],
      timersLeft,
      events,
      scrapes,
      wallSeconds: (performance.now() - startedMs) / 1000,
      ledger,
      problems: [...new Set(problems)],
    }
  } catch (error) {
    await stage.stop()
    throw error
  } finally {
    rmSync(home, { recursive: true, force: true })
  }

  async function countsOf(of: Stage): Promise<Counts> {
    const series = await of.metrics()
    const skips = (reason: string) =>
      series.get(`pathproof_probe_skipped_total{probe="cycle",reason="${reason}"}`) ?? Number.NaN
    return {
      made: series.get('pathproof_schedule_lag_seconds_count') ?? Number.NaN,
      overlap: skips('overlap'),
      suspended: skips('suspended'),
      late: skips('late'),
      intervals: run.intervals(),
    }
  }
}

interface Counts {
  made: number
  overlap: number
  suspended: number
  late: number
  intervals: number
}

export const mebi = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(2)} MiB`

/** Sockets that are being closed need a moment. */
async function settles(what: string, holds: () => boolean, problems: string[]): Promise<void> {
  await until(what, holds).catch((error: unknown) => problems.push(String(error)))
}

/** Moves time on by one interval after the other, and lets things go wrong and right again meanwhile. */
function createRun(stage: Stage, choices: Choices, everySeconds: number, likely: number) {
  const startMs = stage.clock.monotonicMs()
  const played: Record<string, number> = {}
  let active: { episode: Episode; left: number } | null = null
  let reread = 0

  const finish = async (): Promise<void> => {
    const ending = active
    active = null
    stage.mend()
    await ending?.episode.end(stage)
  }
  const pass = async (): Promise<void> => {
    reread += everySeconds
    if (reread >= 60 && active?.episode.name !== 'the account is not read any more') {
      reread = 0
      await stage.lab.apply('read')
    }
    await stage.clock.advance(everySeconds * 1000)
    // a look that hangs holds its target only; the others get their time
    if (active?.episode.hangs === true)
      await Promise.race([stage.daemon.settled(), new Promise((resolve) => setTimeout(resolve, 150))])
    else await stage.daemon.settled()
  }
  const intervals = (): number => Math.round((stage.clock.monotonicMs() - startMs) / (everySeconds * 1000))
  return {
    played,
    intervals,
    troubled: (): boolean => active !== null,
    /** One interval, and what a fault takes beyond it: at most `most` of them. Gives how many it were. */
    async step(most = 1): Promise<number> {
      const before = intervals()
      if (active === null && most > 12 && choices.chance(likely)) {
        const episode = choices.pick(episodes)
        played[episode.name] = (played[episode.name] ?? 0) + 1
        active = { episode, left: 1 + choices.below(6) }
        if (episode.ofName && choices.chance(0.6)) {
          const names = stage.lab.world().names
          stage.switches.only = choices.pick(names).hostname
        }
        await episode.begin(stage)
      }
      await pass()
      if (active !== null && --active.left <= 0) await finish()
      return intervals() - before
    },
    /** Everything is as it should be, nothing is under way. */
    async rest(): Promise<void> {
      await finish()
      for (let quiet = 0; quiet < 4; quiet++) await pass()
      await new Promise((resolve) => setTimeout(resolve, 200))
    },
  }
}
