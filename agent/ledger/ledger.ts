import { hostname } from 'node:os'
import type { SeriesSet } from '../../exporters/prometheus.ts'
import { createLedgerMetrics } from '../../exporters/ledger-metrics.ts'
import { realFiles, type LedgerFiles } from '../../ledger/files.ts'
import { realLockHost } from '../../ledger/lock-host.ts'
import { openStore } from '../../ledger/store.ts'
import type { Appended, LedgerStore } from '../../ledger/types.ts'
import type { HostAccess } from '../../model/host.ts'
import { anchorInChild } from './anchor-child.ts'
import type { ReaderDeps } from '../child.ts'
import type { TimerClock } from '../clock.ts'
import type { Config, LedgerConfig } from '../config/config.ts'
import { type Anchors, anchorNames } from './anchors.ts'
import { openAnchors } from './anchored.ts'
import { type LedgerCensus, createLedgerCensus } from './census.ts'
import { createBodies, isStanding } from './bodies.ts'
import { createLedgerEvents } from './events.ts'
import { type BasisDeps, createBasis } from './basis.ts'
import { createHeartbeat } from './heartbeat.ts'
import { type Signing, findSigning } from './signing.ts'
import { snapshotRecord } from './standing.ts'
import type { Log } from '../log.ts'
import type { RecordFunction, Sink } from '../record.ts'
import type { KeptReading } from '../account/snapshot-keeper.ts'

export interface LedgerDeps {
  host: HostAccess
  timers: TimerClock
  log: Log
  series: SeriesSet
  /** Whether the configuration that the agent starts with has a ledger: what comes before the first `take` waits for it. */
  expected: boolean
  record: RecordFunction
  region(): string | null
  reader(signal: AbortSignal): ReaderDeps
  clockOffsetSeconds(): number | null
  /** All that this host has now. */
  interfaces(): readonly string[]
  /** What verdicts rest on beside the observations; left out: it is not kept. */
  basis?: Pick<BasisDeps, 'current' | 'surroundings'>
  nextId(): string
  sleep(seconds: number, signal: AbortSignal): Promise<void>
  /** 0 to 1. */
  random(): number
  /** The disk is full, and the agent is to end then. */
  full?(): void
  /** Left out: those of this machine. */
  files?: LedgerFiles
}

/** The ledger of the agent. Whatever befalls it, nothing here throws, and nobody waits for it. */
export interface Ledger {
  sink: Sink
  /** Opens, closes or changes it as the configuration says. */
  take(config: Pick<Config, 'ledger' | 'egress'>): void
  /** The account was read, whether or not it says anything new. */
  read(reading: KeptReading): void
  /** Flows of other programs were counted. */
  counted: LedgerCensus['counted']
  /** A cycle was left out. */
  skipped(target: string, reason: string, slots: number): void
  /** To be called before the metrics are read. */
  refresh(): void
  /** What a person must know at once. */
  notices(): string[]
  document(): object | null
  /** How far its writer has come; null while there is none. */
  progress(): { writing: boolean; queued: number; records: number } | null
  /** Writes what waits, a last checkpoint, and the anchors, for at most `graceSeconds`. */
  close(reason: string, graceSeconds: number): Promise<void>
}

const mostEarly = 50_000
/** Enough for a segment's first line and one more record, on every file system, beside whoever writes there as well. */
const ballastBytes = 8 * 1024 * 1024
const keyAgainSeconds = 300

interface Open {
  config: LedgerConfig
  origin: string
  store: LedgerStore
  signing: Signing
  anchors: Anchors | null
  stop: AbortController
  cancel: (() => void)[]
}

/** The name of a host as a ledger's origin and records can have it. */
export function nameOfHost(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]/g, '-').slice(0, 100) || 'host'
}

export function originOf({ name }: Pick<LedgerConfig, 'name'>, host: string): string {
  return name ?? `pathproof/${nameOfHost(host)}`
}

export function createLedger(deps: LedgerDeps): Ledger {
  const { host, timers, log, record } = deps
  const files = deps.files ?? realFiles()
  const metrics = createLedgerMetrics(deps.series)
  /** Records that came while there was no store yet; null: there is one, or none is wanted. */
  let early: (() => void)[] | null = deps.expected ? [] : null
  let lostEarly = 0
  let open: Open | null = null
  let wanted: { key: string } | null = null
  let changing: Promise<void> = Promise.resolve()
  let closed = false
  let segments = 0
  const census = createLedgerCensus({ clock: host.clock, record, interfaces: deps.interfaces })
  const heartbeat = createHeartbeat({ timers, record, clockOffsetSeconds: deps.clockOffsetSeconds })

  const append = (kind: string, body: object): Promise<Appended> => {
    if (open !== null) return open.store.append(kind, body)
    const waiting = early
    if (waiting === null || waiting.length >= mostEarly) {
      if (waiting !== null) lostEarly++
      return Promise.resolve({ ok: false, reason: 'closed' })
    }
    return new Promise((resolve) => {
      waiting.push(() => void append(kind, body).then(resolve))
    })
  }
  const basis =
    deps.basis === undefined
      ? null
      : createBasis({
          current: () => (open === null && early === null ? null : (deps.basis?.current() ?? null)),
          surroundings: deps.basis.surroundings,
          append,
          wallMs: () => host.clock.wallMs(),
          segmentBytes: () => open?.config.segmentSizeBytes ?? 0,
        })
  let snapshotTold = false
  const bodies = createBodies({
    append,
    setTimer: (ms, fn) => timers.setTimer(ms, fn),
    nextId: deps.nextId,
    ...(basis && { basis }),
    turn: (fn) => void setImmediate(fn),
    failed: (error) => log.error('ledger_failed', { error: error as Error }),
  })

  const tellSigning = ({ signer, source, because, openToOthers }: Signing): void => {
    if (signer === null) log.error('ledger_not_signed', { because })
    else log.info('ledger_key', { source, key: because, verifier: signer.vkey })
    if (openToOthers)
      log.warn('ledger_key_open', { key: because, problem: 'others than its user can read it' })
    const vkey = signer?.vkey ?? null
    void append('signing', { signed: signer !== null, source, because, openToOthers, vkey })
  }

  async function start(config: LedgerConfig): Promise<void> {
    const stop = new AbortController()
    const lockHost = await realLockHost(host.bootId)
    const origin = originOf(config, hostname())
    const anchor = (request: Parameters<typeof anchorInChild>[0]) =>
      anchorInChild(request, deps.reader(stop.signal))
    const wallMs = () => host.clock.wallMs()
    const signing = await findSigning(config, origin, {
      environment: host.environment,
      anchor,
      region: deps.region,
      wallMs,
    })
    if (signing.previousBecause) log.warn('ledger_previous_key', { because: signing.previousBecause })
    const anchors =
      config.anchors === null
        ? null
        : await openAnchors(config, origin, files, {
            region: deps.region,
            wallMs,
            send: anchor,
            sleep: deps.sleep,
            random: deps.random,
            onProblem: (name, problem) => log.warn('ledger_anchor', { anchor: name, problem }),
          })
    const store = openStore({
      directory: config.directory,
      files,
      origin,
      agentId: nameOfHost(lockHost.hostname),
      bootId: host.bootId,
      signers: signing.signer === null ? [] : [signing.signer],
      ...(signing.previous && { previous: signing.previous }),
      host: lockHost,
      clock: timers,
      segmentBytes: config.segmentSizeBytes,
      ballastBytes,
      retentionSeconds: config.retentionSeconds,
      checkpointSeconds: config.checkpointEverySeconds,
      mayPrune: (segment) => anchors?.mayPrune(segment) ?? true,
      event: createLedgerEvents({
        log,
        anchors,
        signed: signing.signer !== null,
        resumed: () => bodies.anew(),
        full: () => (config.onFull === 'exit' ? deps.full?.() : undefined),
      }),
    })
    open = { config, origin, store, signing, anchors, stop, cancel: [heartbeat.run()] }
    segments = 0
    const waited = early ?? []
    early = null
    for (const write of waited) write()
    if (lostEarly > 0) log.error('ledger_lost', { records: lostEarly, because: 'it was opened too late' })
    tellSigning(signing)
    anchors
      ?.run(stop.signal)
      .catch((error: unknown) => log.error('ledger_anchor_failed', { error: error as Error }))
    if (signing.again) {
      open.cancel.push(
        timers.setTimer(keyAgainSeconds * 1000, () => {
          if (open?.store === store) change(async () => swap(config, 'key'))
        }),
      )
    }
  }

  async function end(reason: string, graceSeconds: number): Promise<void> {
    const ending = open
    if (ending === null) return
    for (const cancel of ending.cancel) cancel()
    bodies.flush()
    open = null
    await within(graceSeconds, ending.store.close(reason))
    if (ending.anchors !== null) await within(graceSeconds, ending.anchors.last(graceSeconds))
    ending.stop.abort(new Error('the ledger is closed'))
  }

  async function swap(config: LedgerConfig | null, reason: string): Promise<void> {
    const first = early !== null
    // What comes between two stores waits.
    early = config === null ? null : (early ?? [])
    await end(reason, 30)
    if (config === null || closed) return
    await start(config)
    if (!first) bodies.anew()
  }

  /** One after the other; a failure is the ledger's own. */
  function change(work: () => Promise<void>): void {
    changing = changing
      .then(work)
      .catch((error: unknown) => log.error('ledger_failed', { error: error as Error }))
  }

  async function within(seconds: number, work: Promise<unknown>): Promise<void> {
    let cancel = (): void => undefined
    const limit = new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000)
      cancel = () => clearTimeout(timer)
    })
    await Promise.race([work.catch(() => undefined), limit])
    cancel()
  }

  return {
    sink: {
      append(entry) {
        // What stands is remembered also while there is no ledger: one may be switched on.
        if (open === null && early === null && !isStanding(entry.kind)) return
        if (entry.kind === 'look' && open !== null) {
          const now = open.store.status().segments
          if (segments !== 0 && now > segments) bodies.anew()
          segments = now
        }
        bodies.take(entry)
      },
    },
    take({ ledger, egress: { mustFail, ...settings } }) {
      bodies.checks(new Map(mustFail.map((check) => [check.name, JSON.stringify([check, settings])])))
      const key = JSON.stringify(ledger)
      if (closed || (wanted?.key ?? 'null') === key) return
      wanted = { key }
      change(() => swap(ledger, 'configuration'))
    },
    read(reading) {
      // Without a ledger nothing is made of it; one that is switched on later asks for what is in force then.
      if (open === null && early === null) return
      basis?.read(reading)
      if (snapshotTold) return
      snapshotTold = true
      // One that equals the copy of an earlier run is no change, and still what everything rests on.
      const body = snapshotRecord(reading.snapshot)
      bodies.take({ sequence: 0, wallMs: host.clock.wallMs(), kind: 'snapshot', body })
    },
    counted: census.counted,
    skipped: heartbeat.skipped,
    refresh() {
      const at = open?.store.status() ?? null
      metrics.update(
        at === null
          ? wanted === null || wanted.key === 'null'
            ? null
            : { records: 0, bytes: 0, writable: false, checkpointMs: null, lost: lostEarly, anchors: {} }
          : {
              records: at.records,
              bytes: at.bytes,
              writable: at.state === 'writing',
              checkpointMs: at.checkpoint?.wallMs ?? null,
              lost: at.lost + lostEarly,
              anchors: open?.anchors?.status() ?? {},
            },
      )
    },
    notices() {
      if (open === null) return []
      const { store, signing, anchors } = open
      const { state, reason, checkpointError } = store.status()
      const told = anchors?.status() ?? {}
      return [
        ...(state === 'suspended' ? [`the ledger is not written: ${reason?.text ?? 'it failed'}`] : []),
        ...(signing.signer === null
          ? [`checkpoints of the ledger are not signed: ${signing.because}`]
          : checkpointError === null || state !== 'writing'
            ? []
            : [`no checkpoint of the ledger could be made: ${checkpointError}`]),
        ...anchorNames.flatMap((name) => {
          const problem = told[name]?.problem ?? null
          return problem === null ? [] : [`the ledger is not anchored in ${name}: ${problem}`]
        }),
      ]
    },
    document() {
      if (open === null) return null
      const { store, signing, anchors, origin, config } = open
      return {
        schema: 'pathproof.ledger/1',
        directory: config.directory,
        origin,
        key: { source: signing.source, verifier: signing.signer?.vkey ?? null },
        ...store.status(),
        anchors: anchors?.status() ?? {},
      }
    },
    progress() {
      if (open === null) return null
      const { state, queued, records } = open.store.status()
      return { writing: state === 'writing', queued, records }
    },
    async close(reason, graceSeconds) {
      closed = true
      census.flush()
      change(() => end(reason, graceSeconds))
      await within(2 * graceSeconds + 1, changing)
    },
  }
}
