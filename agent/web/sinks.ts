import { stat } from 'node:fs/promises'
import type { CloudwatchDatum, CloudwatchMetric } from '../../exporters/cloudwatch.ts'
import { type StateChange, type StateEvent, eventSchema } from '../../exporters/events.ts'
import { type Exporter, type ExporterName, dropReasons } from '../../exporters/exporter.ts'
import { createLines, type Lines } from '../../exporters/lines.ts'
import type { Counter, SeriesSet } from '../../exporters/prometheus.ts'
import { type ExporterItems, type ExporterOptions, exporters } from '../../exporters/table.ts'
import { provenPrivate } from '../../exporters/verdict-metrics.ts'
import { redact } from '../../model/redact.ts'
import { safeText } from '../../model/text.ts'
import type { Target } from '../../model/target.ts'
import type { TargetVerdict } from '../../model/verdict.ts'
import type { ReaderDeps } from '../child.ts'
import type { Config } from '../config/config.ts'
import type { Log } from '../log.ts'
import type { LifeMark } from './life-mark.ts'
import { putMetricsInChild } from './put-metrics-child.ts'
import type { Recorded, Sink } from '../record.ts'
import { createStateChanges } from './state-changes.ts'

export interface SinksDeps {
  log: Log
  series: SeriesSet
  wallMs(): number
  targets(): readonly Target[]
  /** Lives run out included. */
  verdicts(): readonly TargetVerdict[]
  /** What is wrong with the ledger. */
  ledgerTroubles(): readonly string[]
  /** Left out: nothing is known of an earlier life. */
  life?(): LifeMark
  region(): string | null
  reader(signal: AbortSignal): ReaderDeps
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** The same by the real clock, for time limits of what is written. */
  wait(seconds: number, signal: AbortSignal): Promise<void>
  /** 0 to 1. */
  random(): number
  /** In place of the exporters' own, for tests. */
  make?: Partial<{ [Name in ExporterName]: (typeof exporters)[Name] }>
}

/** The exporters of a running agent. */
export interface Sinks {
  /** Where everything that is recorded comes by. Never throws, never waits. */
  sink: Sink
  take(config: Config): void
  /** Files are opened anew by their names: they were moved away. */
  reopen(): void
  notices(): string[]
  /** Delivers what waits within `timeoutSeconds`, drops the rest. */
  close(timeoutSeconds: number): Promise<void>
}

/** What ends by itself (a life, a waiver) shows within so many seconds. */
const lookSeconds = 5
const putSeconds = 20

interface Running<Name extends ExporterName> {
  on: string
  exporter: Exporter<ExporterItems[Name]>
  stop: AbortController
  counters: Counter[]
}

export function createSinks(deps: SinksDeps): Sinks {
  const { log, series, sleep } = deps
  const changes = createStateChanges()
  const running: { [Name in ExporterName]: Running<Name> | null } = { events: null, cloudwatch: null }
  let lines: Lines | null = null
  let file: string | null = null
  let earlierTold = false
  let closing: Promise<unknown> = Promise.resolve()
  let sequence = 0
  let closed = false

  const started = <Name extends ExporterName>(
    name: Name,
    on: string,
    options: ExporterOptions[Name],
  ): Running<Name> => {
    const counters = new Map(
      dropReasons.map((reason) => [
        reason,
        series.counter('pathproof_exporter_dropped_total', { exporter: name, reason }),
      ]),
    )
    const make = (deps.make?.[name] ?? exporters[name]) as (typeof exporters)[Name]
    const exporter = make(options, {
      dropped: (reason, count) => counters.get(reason)?.add(count),
      wait: deps.wait,
    })
    exporter.open()
    return { on, exporter, stop: new AbortController(), counters: [...counters.values()] }
  }

  /** Ends one exporter beside everything else. Its series go only where it is configured no more. */
  const end = <Name extends ExporterName>(name: Name, seconds: number, forGood: boolean): void => {
    const old = running[name]
    if (old === null) return
    running[name] = null as (typeof running)[Name]
    old.stop.abort()
    const over = old.exporter.close(seconds).then(() => {
      if (forGood && running[name] === null) for (const counter of old.counters) counter.remove()
    })
    closing = Promise.all([closing, over])
  }

  const tell = (found: readonly StateChange[]): void => {
    const at = new Date(deps.wallMs()).toISOString()
    for (const change of found) {
      const event = { schema: eventSchema, sequence: ++sequence, at, ...change } as StateEvent
      running.events?.exporter.accept(event)
    }
  }

  const tellEarlier = (): void => {
    const earlier = deps.life?.().earlier ?? null
    if (earlierTold || earlier === null) return
    earlierTold = true
    const text = (ms: number | null) => (ms === null ? null : new Date(ms).toISOString())
    tell([{ event: 'interrupted', started: text(earlier.startedMs), seen: text(earlier.seenMs) }])
  }

  const look = (): void => {
    deps.life?.().seen()
    const troubles = deps.ledgerTroubles()
    tell(changes.looked(deps.verdicts(), troubles.length === 0 ? null : troubles.join('; ')))
  }

  const guarded = (what: string, work: () => void): void => {
    try {
      work()
    } catch (error) {
      log.error('exporter_failed', { exporter: what, error: error as Error })
    }
  }

  /** `work` again and again, until the signal fires. */
  const every = async (
    what: string,
    seconds: number,
    first: number,
    signal: AbortSignal,
    work: () => void,
  ) => {
    await sleep(first, signal)
    while (!signal.aborted) {
      guarded(what, work)
      await sleep(seconds, signal)
    }
  }

  const takeEvents = (config: Config['exporters']['events']): void => {
    const on = JSON.stringify(config)
    if (running.events?.on === on) return
    end('events', 2, config === null)
    if (config === null) return
    file = config.file
    lines = createLines(config.file === null ? { stdout: true } : { file: config.file }, deps.wait)
    const next = started('events', on, { lines })
    running.events = next
    tellEarlier()
    tell(changes.baseline())
    deps.life?.().seen()
    void every('events', lookSeconds, lookSeconds, next.stop.signal, look)
  }

  const takeCloudwatch = (config: Config['exporters']['cloudwatch']): void => {
    const on = JSON.stringify(config)
    if (running.cloudwatch?.on === on) return
    end('cloudwatch', 2, config === null)
    if (config === null) return
    const { namespace, everySeconds } = config
    const next = started('cloudwatch', on, {
      deadlineSeconds: putSeconds + 15,
      async put(data, signal) {
        const region = deps.region()
        if (region === null)
          return { kind: 'again', because: 'the region of this host is not known: set AWS_REGION' }
        return await putMetricsInChild(
          data,
          { region, namespace, deadlineSeconds: putSeconds },
          deps.reader(signal),
        )
      },
    })
    running.cloudwatch = next
    const first = everySeconds * deps.random()
    void every('cloudwatch', everySeconds, first, next.stop.signal, () => {
      for (const datum of dataOf(deps.targets(), deps.verdicts(), deps.wallMs())) next.exporter.accept(datum)
    })
  }

  return {
    sink: {
      append: (record: Recorded) =>
        guarded('events', () => {
          if (running.events !== null) tell(changes.recorded(record))
        }),
    },
    take({ exporters: configured }) {
      if (closed) return
      takeEvents(configured.events)
      takeCloudwatch(configured.cloudwatch)
    },
    reopen() {
      const [old, name] = [lines, file]
      if (old === null || name === null) return
      // A file that was only read again goes on; one that was moved away leaves none, or an empty one, in its place.
      void stat(name)
        .then(
          (found) => found.isFile() && found.size === 0,
          (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
        )
        .then((isNew) => {
          if (isNew && lines === old && !closed) guarded('events', () => tell(changes.baseline()))
        })
      old.reopen()
    },
    notices: () =>
      Object.entries(running).flatMap(([name, one]) => {
        const trouble = one?.exporter.trouble() ?? null
        return trouble === null ? [] : [`exporter ${name}: ${safeText(redact(trouble), 300)}`]
      }),
    async close(timeoutSeconds) {
      closed = true
      for (const name of ['events', 'cloudwatch'] as const) end(name, timeoutSeconds, false)
      await closing
      await deps.life?.().ended()
    },
  }
}

/** The values of one moment. A target or name that has no verdict counts as undetermined, and as not private. */
export function dataOf(
  targets: readonly Target[],
  verdicts: readonly TargetVerdict[],
  atMs: number,
): CloudwatchDatum[] {
  const known = new Map(verdicts.map((verdict) => [verdict.target, verdict]))
  const data: CloudwatchDatum[] = []
  const add = (metric: CloudwatchMetric, target: string | null, value: number): void =>
    void data.push({ metric, target, value, atMs })
  add('AgentRunning', null, 1)
  for (const { name: target, names, require } of targets) {
    const verdict = known.get(target) ?? null
    const found = names.map(
      ({ hostname, style }) =>
        verdict?.names.find((name) => name.hostname === hostname && name.style === style) ?? null,
    )
    const count = (...states: string[]): number =>
      found.filter((name) => states.includes(name?.state ?? 'undetermined')).length
    if (require.kind !== 'blocked') {
      add(
        'PathPrivate',
        target,
        found.length > 0 && found.every((name) => name !== null && provenPrivate(name)) ? 1 : 0,
      )
    }
    if (require.kind !== 'none') {
      add('RequirementMet', target, verdict?.met === true && !found.includes(null) ? 1 : 0)
    }
    add('NamesPublic', target, count('public', 'mixed'))
    add('NamesUndetermined', target, count('undetermined'))
  }
  return data
}
