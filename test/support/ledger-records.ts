import { createHash } from 'node:crypto'
import type { LedgerBodies, RecordedTargetVerdict } from '../../ledger/records.ts'
import type { LedgerRecord } from '../../ledger/types.ts'
import type { Evidence } from '../../model/evidence.ts'
import type { PathClass, PathState } from '../../model/path.ts'
import type { AttemptVerdict, Requirement, Waiver } from '../../model/verdict.ts'

/** Places records one after the other, as a ledger would. */
export interface Writer {
  (kind: string, wallMs: number, body: object): LedgerRecord
  /** Leaves numbers out, as if records were missing. */
  skip(records: number): void
  /** A new boot: its monotonic clock begins anew. */
  boot(wallMs: number): void
}

export function recordWriter(agentId = 'host-1'): Writer {
  let seq = 0
  let bootMs: number | null = null
  let boots = 0
  const write = (kind: string, wallMs: number, body: object): LedgerRecord => {
    bootMs ??= wallMs
    return {
      v: 1,
      seq: seq++,
      wallMs,
      monoUs: Math.max(0, (wallMs - bootMs) * 1000),
      bootId: `boot-${boots}`,
      agentId,
      kind,
      prev: '0'.repeat(64),
      body: body as LedgerRecord['body'],
    }
  }
  return Object.assign(write, {
    skip(records: number) {
      seq += records
    },
    boot(wallMs: number) {
      boots++
      bootMs = wallMs
    },
  })
}

export function shaOf(record: LedgerRecord): () => string {
  return () => createHash('sha256').update(`${record.seq}`).digest('hex')
}

export interface VerdictParts {
  target: string
  state: PathState
  id: string
  atMs: number | null
  lifeSeconds?: number
  require?: Requirement
  met?: boolean | null
  waiver?: Waiver | null
  hostname?: string
  because?: string[]
  made?: string[]
  attempts?: string[]
  tainted?: boolean
}

/** A whole verdict on a target of one name. */
export function verdictBody(parts: VerdictParts): RecordedTargetVerdict {
  const { target, state, id, atMs, lifeSeconds = 95, require = { kind: 'private' }, waiver = null } = parts
  const hostname = parts.hostname ?? `${target}.s3.eu-west-1.amazonaws.com`
  const made = parts.made ?? (atMs === null ? [] : [`${id}-a`])
  const possible: PathClass[] = state === 'public' ? ['nat_gateway'] : ['gateway_endpoint']
  return {
    id,
    look: atMs === null ? null : { atMs, lifeSeconds },
    made,
    target,
    require,
    minProof: 'configured',
    met: parts.met ?? (require.kind === 'none' ? null : require.kind === 'private' && state === 'private'),
    waiver,
    waiverActive: waiver !== null && atMs !== null && atMs < waiver.untilMs,
    state,
    names: [
      {
        hostname,
        style: 'regional',
        state,
        proof: 'configured',
        confirmedProof: null,
        lastConfirmedMs: null,
        confirmation: 'pending',
        possible,
        because: parts.because ?? [`${state}: the route that wins says so`],
        wouldDecide: [],
        fix:
          state === 'public'
            ? [
                {
                  text: 'Add a gateway endpoint',
                  command:
                    'aws ec2 create-vpc-endpoint --vpc-id vpc-0a1b --service-name com.amazonaws.eu-west-1.s3',
                },
              ]
            : [],
        conflictOfSide: false,
        tainted: parts.tainted ?? false,
        doubt: false,
        absent: false,
        attempts: parts.attempts ?? made,
      },
    ],
    leftOut: { names: 0, attempts: 0 },
  }
}

export interface AttemptParts {
  id: string
  hostname: string
  state: PathState
  atMs: number
  address?: string
  late?: boolean
  confirmed?: boolean
  connected?: boolean
  because?: string
}

export function attemptBody(parts: AttemptParts): AttemptVerdict {
  const { id, hostname, state, atMs, late = false, confirmed = false, connected = true } = parts
  const possible: PathClass[] = state === 'public' ? ['nat_gateway'] : ['gateway_endpoint']
  const evidence: Evidence = {
    rule: late ? 'flow.client_path_8' : 'route.nat_gateway',
    possible,
    rank: late ? 'observed' : 'configured',
    because: parts.because ?? 'route table rtb-0a1b sends 0.0.0.0/0 to nat-0c2d',
    source: late ? 'flow log' : 'snapshot',
    observedAtMs: atMs,
    flags: [],
    assumptions: [],
  }
  return {
    id,
    hostname,
    address: parts.address ?? '52.218.0.1',
    port: 443,
    family: 4,
    localAddress: '10.0.1.50',
    localPort: 40_000,
    resolvers: ['system'],
    atMs,
    state,
    wouldBe: state,
    connected,
    dialled: true,
    blockedByTimeouts: false,
    possible,
    proof: 'configured',
    confirmation: confirmed ? 'confirmed' : 'pending',
    evidence: [evidence],
    conflicts: [],
    assumptions: [],
    flags: [],
    basis: null,
    bases: [],
    networkInterface: 'eni-0a1b',
    grounds: { start: possible, late: late ? [0] : [] },
    timings: {
      dnsSeconds: 0.001,
      tcpConnectSeconds: 0.002,
      tlsHandshakeSeconds: 0.01,
      firstByteSeconds: 0.012,
      uncertaintySeconds: 0.0002,
    },
    wouldDecide: [],
    fix: [],
  }
}

export function targetBody(
  target: string,
  everySeconds: number,
  more: Partial<LedgerBodies['target']> = {},
): LedgerBodies['target'] {
  return {
    event: 'watched',
    target,
    configuration: 'c1',
    require: { kind: 'private' },
    minProof: 'configured',
    schedule: { kind: 'interval', everySeconds },
    names: [{ hostname: `${target}.s3.eu-west-1.amazonaws.com`, style: 'regional' }],
    waiver: null,
    discovered: false,
    ...more,
  }
}
