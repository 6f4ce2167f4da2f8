import { isIP } from 'node:net'
import * as z from 'zod'
import type { Evidence } from '../../model/evidence.ts'
import type { Attempt } from '../../model/observation.ts'
import { pathClasses, ranks } from '../../model/path.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'
import { safeText } from '../../model/text.ts'
import { unknownRoute } from '../../probes/tls.ts'
import { withLate } from '../../verdict/judge.ts'
import type { Log } from '../log.ts'
import { readStateFile, writeStateFile } from '../state-file.ts'
import type { KeptAttempt, LateKeeper } from './late-entry.ts'

const name = 'waiting.json'
const head = '{"schema":"pathproof.waiting/1","attempts":['
const maxBytes = 4 * 1024 * 1024
/** The youngest of them: those whose records are still to come. */
const mostAttempts = 1000
const mostText = 300
/** A kill loses what was made since. */
const everyMs = 5 * 60_000

const text = z.string().max(mostText)
const ip = text.refine((value) => isIP(value) !== 0)
const port = z.int().min(0).max(65_535)
const seconds = z.number().min(0).max(3600).nullable()
const classes = z.array(z.enum(pathClasses)).max(pathClasses.length)
const basis = z.strictObject({ networkInterface: text, routeTable: text, route: text, target: text })
const at = z.strictObject({
  interfaceId: z
    .string()
    .regex(/^eni-[0-9a-z-]{1,40}$/)
    .nullable(),
  role: z.enum(['client', 'nat', 'endpoint']),
  natGatewayId: z
    .string()
    .regex(/^nat-[0-9a-z-]{1,40}$/)
    .nullable(),
  endpointId: z
    .string()
    .regex(/^vpce-[0-9a-z-]{1,40}$/)
    .nullable(),
  addresses: z.array(ip).max(256),
})

const attempt = z.strictObject({
  id: text,
  wallMs: z.number().min(0).max(8_640_000_000_000_000),
  hostname: text,
  address: ip,
  port,
  family: z.union([z.literal(4), z.literal(6)]),
  localAddress: ip.nullable(),
  /** Without it a record of any connection to the address would be taken for this one's. */
  localPort: port,
  reached: z.enum(['nothing', 'connected']),
  /** Where it ran out of time. */
  waitedSeconds: seconds,
  phasesSeconds: z.tuple([seconds, seconds, seconds]),
  connected: z.boolean(),
  points: z.strictObject({
    client: at.nullable(),
    primaryAddress: ip.nullable(),
    nats: z.array(at).max(16),
    endpoints: z.array(at).max(1),
    endpointInterfaces: z.array(at).max(64),
    destination: z.enum(['private', 'public', 'unknown']),
  }),
  start: classes,
  evidence: z
    .array(
      z.strictObject({
        rule: text,
        possible: classes,
        rank: z.enum(ranks),
        because: text,
        source: text,
        observedAtMs: z.number(),
      }),
    )
    .max(64),
  networkInterface: text.nullable(),
  bases: z.array(basis).max(16),
  aggregationSeconds: z.number().min(1).max(600),
  clockOffsetSeconds: z.number().nullable(),
})
type Stored = z.output<typeof attempt>

const schema = z.strictObject({
  schema: z.literal('pathproof.waiting/1'),
  attempts: z.array(z.unknown()).max(mostAttempts),
})

const short = (value: string): string => (value.length > mostText ? value.slice(0, mostText) : value)

/** What a record must be joined and judged with, and nothing else. */
function stored({
  attempt: made,
  points,
  verdict,
  aggregationSeconds,
  clockOffsetSeconds,
}: KeptAttempt): Record<keyof Stored, unknown> {
  const { outcome, timings, stamp, hostname, address, family, localAddress, localPort } = made
  const late = new Set(verdict.grounds.late)
  const failure = outcome.reached === 'nothing' || outcome.reached === 'tcp' ? outcome.failure : null
  return {
    id: verdict.id,
    wallMs: stamp.wallMs,
    hostname,
    address,
    port: made.port,
    family,
    localAddress,
    localPort,
    reached: outcome.reached === 'nothing' ? 'nothing' : 'connected',
    waitedSeconds: failure?.type === 'timeout' ? failure.afterSeconds : null,
    phasesSeconds: [timings.tcpConnectSeconds, timings.tlsHandshakeSeconds, timings.firstByteSeconds],
    connected: verdict.connected,
    points,
    start: verdict.grounds.start,
    evidence: verdict.evidence.flatMap(({ rule, possible, rank, because, source, observedAtMs }, index) =>
      late.has(index)
        ? []
        : [{ rule, possible, rank, because: short(because), source: short(source), observedAtMs }],
    ),
    networkInterface: verdict.networkInterface,
    bases: verdict.bases,
    aggregationSeconds,
    clockOffsetSeconds,
  }
}

/** The attempt as far as it is known still. How its handshake went is in the verdict's own evidence. */
function restored(kept: Stored): KeptAttempt {
  const { id, wallMs, address, family, localAddress, localPort, waitedSeconds } = kept
  const { points, aggregationSeconds, clockOffsetSeconds, networkInterface, bases, connected, start } = kept
  const hostname = safeText(kept.hostname, mostText)
  const [tcpConnectSeconds, tlsHandshakeSeconds, firstByteSeconds] = kept.phasesSeconds
  const timings = {
    dnsSeconds: null,
    tcpConnectSeconds,
    tlsHandshakeSeconds,
    firstByteSeconds,
    uncertaintySeconds: null,
  }
  const failure =
    waitedSeconds === null
      ? { type: 'internal' as const, code: 'EARLIER' }
      : { type: 'timeout' as const, afterSeconds: waitedSeconds }
  const socket = {
    hostname,
    port: kept.port,
    address,
    family,
    localAddress,
    localPort,
    resolvers: [],
    timings,
  }
  const made: Attempt = {
    kind: 'attempt',
    stamp: { id, wallMs, monotonicMs: 0, bootId: '', snapshot: null, configuration: null },
    ...socket,
    outcome: { reached: kept.reached === 'nothing' ? 'nothing' : 'tcp', failure },
    http: null,
    host: unknownRoute('asked in an earlier life of the agent, and not kept'),
    proxyVariables: [],
  }
  const evidence = kept.evidence.map(
    (one): Evidence => ({
      ...one,
      because: safeText(one.because, mostText),
      source: safeText(one.source, mostText),
      flags: [],
      assumptions: [],
    }),
  )
  const unjudged: AttemptVerdict = {
    id,
    ...socket,
    atMs: wallMs,
    state: 'undetermined',
    wouldBe: 'undetermined',
    connected,
    dialled: true,
    blockedByTimeouts: false,
    possible: start,
    proof: null,
    confirmation: 'pending',
    evidence,
    conflicts: [],
    assumptions: [],
    flags: [],
    basis: bases.at(-1) ?? null,
    bases,
    networkInterface,
    grounds: { start, late: [] },
    wouldDecide: [],
    fix: [],
  }
  const verdict = withLate(unjudged, [], 'pending')
  return { attempt: made, points, verdict, aggregationSeconds, clockOffsetSeconds }
}

/**
 * The attempts that waited for records when the agent last ran, oldest first; lines that are not of their form are left out.
 * @throws if the file is there and is none of this version
 */
export async function loadWaiting(directory: string): Promise<KeptAttempt[]> {
  const content = await readStateFile(directory, name, maxBytes)
  if (content === null) return []
  return schema.parse(JSON.parse(content)).attempts.flatMap((one) => {
    const read = attempt.safeParse(one)
    return read.success ? [restored(read.data)] : []
  })
}

export interface WaitingStore {
  /** Of the agent's earlier lives. */
  kept: readonly KeptAttempt[]
  keeper: LateKeeper
  /** Writes what waits now, where that is another and the last time is five minutes ago; `now`: at once. Never rejects. */
  save(now?: boolean): Promise<void>
}

/**
 * Keeps the attempts that wait for records over a restart, as many and as much as is bounded. Each is put into its form once,
 * when it is made: writing all of them must not hold up what is being timed.
 */
export async function openWaiting(
  directory: string | null,
  monotonicMs: () => number,
  log: Log,
): Promise<WaitingStore> {
  const texts = new Map<string, string>()
  let bytes = 0
  let savedMs = monotonicMs()
  let changed = false
  let saving: Promise<void> = Promise.resolve()
  let kept: KeptAttempt[] = []
  const drop = (key: string): void => {
    const known = texts.get(key)
    if (known === undefined) return
    bytes -= known.length + 2
    texts.delete(key)
    changed = true
  }
  if (directory !== null) {
    try {
      kept = await loadWaiting(directory)
    } catch (error) {
      // What it held could only have spoken against a path: the agent must not fail to start for want of that.
      log.warn('waiting_not_read', {
        error: new Error(
          `${name}: ${error instanceof z.ZodError ? 'its content is not of its form' : String(error)}`,
        ),
      })
    }
  }
  const write = async (into: string): Promise<void> => {
    try {
      await writeStateFile(into, name, `${head}${[...texts.values()].join(',\n')}]}\n`)
    } catch (error) {
      log.error('waiting_not_kept', { error: error as Error })
    }
  }
  return {
    kept,
    keeper: {
      taken(key, one) {
        drop(key)
        const made = attempt.safeParse(stored(one))
        if (!made.success) return
        const said = JSON.stringify(made.data)
        const size = Buffer.byteLength(said)
        texts.set(key, size === said.length ? said : asciiOf(said))
        bytes += (texts.get(key)?.length ?? 0) + 2
        changed = true
        for (const oldest of texts.keys()) {
          if (texts.size <= mostAttempts && bytes <= maxBytes - 1000) break
          drop(oldest)
        }
      },
      dropped: drop,
    },
    async save(now = false) {
      if (directory === null || !changed) return
      if (!now && monotonicMs() - savedMs < everyMs) return
      savedMs = monotonicMs()
      changed = false
      saving = saving.then(() => write(directory))
      await saving
    },
  }
}

/** The same JSON in letters of one byte each. */
function asciiOf(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
