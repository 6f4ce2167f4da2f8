import { pathClasses } from '../../model/path.ts'
import type { Conflict } from '../../model/verdict.ts'
import type { AttemptVerdict, NameVerdict, TargetVerdict } from '../../model/verdict.ts'

/** A private attempt with configured proof, for tests to change. */
export function attemptVerdict(changes: Partial<AttemptVerdict> = {}): AttemptVerdict {
  return {
    id: 'a1',
    hostname: 's3.eu-west-1.amazonaws.com',
    address: '52.218.0.1',
    port: 443,
    family: 4,
    localAddress: '10.0.1.50',
    localPort: 40_000,
    resolvers: ['system'],
    atMs: 1_000_000,
    state: 'private',
    wouldBe: 'private',
    connected: true,
    dialled: true,
    blockedByTimeouts: false,
    possible: ['gateway_endpoint'],
    proof: 'configured',
    confirmation: 'unavailable',
    evidence: [],
    conflicts: [],
    assumptions: [],
    flags: [],
    basis: null,
    bases: [],
    networkInterface: null,
    grounds: { start: [...pathClasses], late: [] },
    timings: {
      dnsSeconds: null,
      tcpConnectSeconds: 0.001,
      tlsHandshakeSeconds: 0.004,
      firstByteSeconds: null,
      uncertaintySeconds: 0.0001,
    },
    wouldDecide: [],
    fix: [],
    ...changes,
  }
}

export function nameVerdict(changes: Partial<NameVerdict> = {}): NameVerdict {
  return {
    hostname: 's3.eu-west-1.amazonaws.com',
    style: 'regional',
    state: 'private',
    proof: 'configured',
    confirmedProof: null,
    lastConfirmedMs: null,
    confirmation: 'unavailable',
    possible: ['gateway_endpoint'],
    because: [],
    attempts: [attemptVerdict()],
    wouldDecide: [],
    fix: [],
    conflictOfSide: false,
    tainted: false,
    doubt: false,
    absent: false,
    ...changes,
  }
}

export function targetVerdict(changes: Partial<TargetVerdict> = {}): TargetVerdict {
  return {
    target: 'artifacts',
    require: { kind: 'private' },
    minProof: 'configured',
    met: true,
    waiver: null,
    waiverActive: false,
    state: 'private',
    names: [nameVerdict()],
    ...changes,
  }
}

export function conflict(of: Conflict['of']): Conflict {
  return { rank: 'configured', of, evidence: [], because: 'test' }
}
