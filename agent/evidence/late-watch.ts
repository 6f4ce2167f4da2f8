import type { Basis, Evidence } from '../../model/evidence.ts'
import type { CapturePoints } from '../../model/capture.ts'
import type { Attempt } from '../../model/observation.ts'
import type { Confirmation, Rank } from '../../model/path.ts'
import type { AttemptVerdict } from '../../model/verdict.ts'

/** A dialled attempt as it was judged first, without any record of the network. */
export interface DialledAttempt {
  target: string
  attempt: Attempt
  verdict: AttemptVerdict
  points: CapturePoints
}

/** What records have said of one attempt so far. */
export interface LateWord {
  evidence: readonly Evidence[]
  confirmation: Confirmation
}

/** What records have said of one name lately. */
export interface NameWord {
  /** Ways on which an attempt of the name was confirmed private, and nothing contradicted since. */
  confirmed: { basis: Basis; rank: Rank }[]
  /** Of the attempts that were looked for last; `unavailable` where none was. */
  confirmation: Confirmation
  /** When the youngest confirmed one was made, Unix milliseconds; null: none was. */
  lastConfirmedMs: number | null
}

/** What the watches of names ask of, and tell, whatever reads records: flow logs, AWS's own logs. */
export interface LateWatch {
  /** An attempt has been made. True: `dialled` is to be told how it is judged. False: nobody waits for records, whatever way it went. */
  made(attempt: Attempt): boolean
  /** An attempt has been made and judged; whether records of it are waited for shows in `wordOn`. */
  dialled(dialled: DialledAttempt): void
  /** An attempt of which AWS itself has said something already, and perhaps will say more. */
  witnessed(dialled: DialledAttempt, evidence: readonly Evidence[]): void
  wordOn(attemptId: string): LateWord
  /** `withinSeconds`: how long ago a confirmation may lie. */
  wordOnName(hostname: string, port: number, withinSeconds: number): NameWord
  /**
   * The attempts of one name as they were judged now, an undetermined one replaced by an earlier one that records alone
   * had settled, where the target lets evidence live that long (null: it does not). `asOf`: ids of those put in.
   */
  aged(
    key: { hostname: string; port: number },
    attempts: readonly AttemptVerdict[],
    evidenceAgeSeconds: number | null,
  ): { attempts: AttemptVerdict[]; asOf: ReadonlySet<string> }
}

/** Where no records are read: one-off commands, and a daemon without such a source. */
export const noLateWatch: LateWatch = {
  made: () => false,
  dialled: () => undefined,
  witnessed: () => undefined,
  wordOn: () => ({ evidence: [], confirmation: 'unavailable' }),
  wordOnName: () => ({ confirmed: [], confirmation: 'unavailable', lastConfirmedMs: null }),
  aged: (_key, attempts) => ({ attempts: [...attempts], asOf: new Set() }),
}
